"""What a YOLO set's YAML and lists of classes say."""

from __future__ import annotations

import pytest

from dogcam.core.errors import InputError
from dogcam.core.progress import Progress
from dogcam.data.formats.yolo_yaml import config_of, listed_names, named_yaml
from dogcam.data.trees import Place, open_tree

# Forty lists, each of the one before, twice: written out, 2 ** 40 names.
BOMB = "a0: &a0 [cat]\n" + "".join(f"a{level}: &a{level} [*a{level - 1}, *a{level - 1}]\n" for level in range(1, 41))


@pytest.fixture
def config(tmp_path):
    """The config of a data.yaml with a text."""

    def of(text, file="data.yaml", progress=None):
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).write_text(text, encoding="utf-8")
        return config_of(Place(open_tree(tmp_path), file), progress or Progress())

    return of


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ("[cat, dog]", {0: "cat", 1: "dog"}),
        ("\n- cat\n- 7\n- yes", {0: "cat", 1: "7", 2: "True"}),
        ("{1: dog, 0: cat}", {0: "cat", 1: "dog"}),
        ("{'0': cat, '1': dog}", {0: "cat", 1: "dog"}),
        ("{1: cat, 90: dog}", {1: "cat", 90: "dog"}),  # COCO's own numbers
    ],
)
def test_names_are_a_list_or_a_map_by_number(config, names, expected):
    assert list(config(f"names: {names}").names.items()) == list(expected.items())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("train: images", "data.yaml is no YAML with `names`"),
        ("names: cat", "is no YAML with `names`"),
        ("names: [cat", "is no YAML with `names`"),
        ("names: !!python/object/apply:os.getcwd []", "is no YAML with `names`"),
        ("names: []", "its names are empty"),
        ("names: {}", "its names are empty"),
        ("names: {a: cat}", "names must be a list, or a map from numbers; invalid literal"),
        ("names: [cat, dog, cat]", "two classes are called 'cat'"),
        (f"{BOMB}names: [*a40]", "names must be a list, or a map from numbers; a list or map stands"),
        (f"{BOMB}names: [cat]\ntrain: [*a40]", "its splits must be folders or lists of pictures; a list or map stands"),
    ],
)
def test_names_that_cannot_be_used_are_told_in_one_line(config, text, said):
    with pytest.raises(InputError, match=said) as caught:
        config(text)
    assert "\n" not in str(caught.value)


def test_splits_are_what_is_named_and_where_that_may_lie(config):
    found = config("path: ../sets/x\ntrain: [a, b]\nval: c\ntest:\nnc: 1\nnames: [cat]\n", "meta/data.yaml")
    assert found.splits == {"train": ["a", "b"], "val": ["c"]}
    assert found.bases == ("sets/x", "../sets/x", "meta", "")


def test_a_count_that_disagrees_with_the_names_is_said(config, listener):
    progress = listener()
    config("nc: 3\nnames: [cat]", progress=progress)
    assert progress.notes == ["data.yaml says nc: 3 and has 1 names, which are what counts"]


def test_of_several_the_one_nearest_to_the_top_is_meant_and_of_equals_none(tmp_path):
    for name, text in {"a/data.yaml": "names: [cat]", "b/data.yaml": "names: [dog]", "b/hyp.yaml": "lr: 1"}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=r"a/data\.yaml, b/data\.yaml; say which is meant: --dataset yolo:.*a/data\.yaml"):
        config_of(Place(open_tree(tmp_path)), Progress())
    inner = Place(open_tree(tmp_path / "b"), "", open_tree(tmp_path))
    assert config_of(inner, Progress()).names == {0: "dog"}
    (tmp_path / "dataset.yml").write_text("names: [bird]", encoding="utf-8")
    assert config_of(Place(open_tree(tmp_path)), Progress()).names == {0: "bird"}
    assert named_yaml(open_tree(tmp_path)) in ("a/data.yaml", "dataset.yml")


@pytest.mark.parametrize("name", ["classes.txt", "labels/classes.txt", "obj.names", "labels.txt"])
def test_without_yaml_classes_are_a_name_a_line(tmp_path, name):
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("cat\nsmall dog\n\n", encoding="utf-8")
    assert listed_names(open_tree(tmp_path)) == {0: "cat", 1: "small dog"}


def test_without_any_list_classes_have_no_names(tmp_path):
    (tmp_path / "labels.txt").write_text("0 0.5 0.5 0.5 0.5\n", encoding="utf-8")  # the labels of labels.jpg
    assert listed_names(open_tree(tmp_path)) == {}
    assert config_of(Place(open_tree(tmp_path)), Progress()) is None
