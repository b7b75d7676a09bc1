"""The content of COCO's JSON, or what is said of a file that has none."""

from __future__ import annotations

import json

import pytest

from dogcam.core.errors import InputError
from dogcam.data.formats.coco_json import read_instances

IMAGE = {"id": 1, "file_name": "a.jpg", "width": 9, "height": 7}
CAT = {"id": 3, "name": "cat"}
BOX = {"id": 1, "image_id": 1, "category_id": 3, "bbox": [1, 2, 3, 4]}


def read(**changes):
    content = {"images": [IMAGE], "annotations": [BOX], "categories": [CAT], **changes}
    return read_instances(json.dumps({key: value for key, value in content.items() if value is not None}), "x.json")


def test_objects_are_found_by_image():
    objects = read(annotations=[BOX, {**BOX, "image_id": "b"}, {**BOX, "bbox": [5, 6, 7, 8]}]).objects
    assert {image: [each.box.tolist() for each in several] for image, several in objects.items()} == {
        1: [[1, 2, 3, 4], [5, 6, 7, 8]],
        "b": [[1, 2, 3, 4]],
    }


def test_categories_are_in_the_order_of_their_ids():
    names = read(categories=[{"id": 90, "name": "z"}, {"id": 7, "name": "y"}, {"id": 8, "name": 1}]).names
    assert list(names.items()) == [(7, "y"), (8, "1"), (90, "z")]


@pytest.mark.parametrize(
    ("changes", "kept", "said"),
    [
        ({"bbox": [1, 2, 3]}, None, "its bbox is not four numbers"),
        ({"bbox": [1, 2, 3, "4"]}, None, "its bbox is not four numbers"),
        ({"bbox": "1234"}, None, "its bbox is not four numbers"),
        ({"bbox": {"x": 1}}, None, "its bbox is not four numbers"),
        ({"bbox": 7}, None, "its bbox is not four numbers"),
        ({"segmentation": [[1, 2, 3]]}, [1, 2, 3, 4], "its segmentation is broken: a polygon of 3 numbers"),
        ({"segmentation": 5}, [1, 2, 3, 4], "its segmentation is broken"),
    ],
)
def test_what_is_broken_of_an_annotation_is_told_and_the_rest_kept(changes, kept, said):
    (each,) = read(annotations=[{**BOX, **changes}]).objects[1]
    assert (each.box.tolist() if each.box else None) == kept
    assert len(each.wrong) == 1
    assert each.wrong[0].startswith(said)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "x.json is no JSON: Expecting"),
        ("[" * 100_000, "x.json is no JSON: maximum recursion"),
        ("7", "must be a JSON object with images, annotations, categories; it is a int"),
        ("[1, 2]", "it is a list of 2"),
        ('[{"image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4], "score": 0.5}]', "list of results .*, not of annotations"),
        ("{}", "lacks the lists images, annotations, categories of a COCO JSON; it has nothing; export"),
        ('{"images": [], "shapes": []}', "lacks the lists annotations, categories .* has images, shapes"),
        ('{"images": {}, "annotations": [], "categories": []}', "lacks the list images"),
    ],
)
def test_what_is_no_json_of_instances_is_told_in_one_line(text, said):
    with pytest.raises(InputError, match=said) as caught:
        read_instances(text, "x.json")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"annotations": None}, "lacks the list annotations"),
        ({"annotations": [{"id": 1, "image_id": 1, "caption": "a cat"}]}, "no annotation .* has a bbox or a segmentation"),
        ({"categories": [{"id": 1}]}, "each category needs an id and a name; received {'id': 1}"),
        ({"categories": [{"id": [1], "name": "x"}]}, "each category needs an id and a name"),
        ({"categories": ["cat"]}, "each category needs an id and a name"),
    ],
)
def test_a_json_of_another_task_is_told_in_one_line(changes, said):
    with pytest.raises(InputError, match=said):
        read(**changes)
