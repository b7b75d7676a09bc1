"""The registry of datasets and formats."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dogcam.core.errors import DogcamError, InputError, UnknownName
from dogcam.core.registry import resolve
from dogcam.data import Division, Problem
from dogcam.data.annotated import Annotated, Reading
from dogcam.data.formats import DATASETS, Source
from dogcam.data.images import ImageFile
from dogcam.data.opening import absolute, boxes_beside, check_name, describe, is_path, open_dataset, short


@pytest.mark.parametrize("name", DATASETS)
def test_every_source_can_be_opened_by_what_it_names(name):
    row = DATASETS[name]
    assert bool(row.opener) != bool(row.reader) == bool(row.title)
    assert row.sign or not row.reader
    assert all(callable(resolve(each)) for each in (row.opener, row.reader, row.sign) if each)
    assert not row.beside or resolve(row.beside)(Path("/nowhere/a.jpg")) is None
    assert row.description


@pytest.mark.parametrize(("name", "near"), [("stanford_dog", "stanford_dogs"), ("sintetic:3", "synthetic")])
def test_an_unknown_source_is_told_the_nearest(name, near):
    with pytest.raises(UnknownName, match=rf"unknown dataset '{name.partition(':')[0]}'; .*{near}"):
        open_dataset(name)


def test_a_name_like_no_other_is_told_all():
    with pytest.raises(UnknownName) as caught:
        check_name("qqq")
    assert all(name in str(caught.value) for name in DATASETS)


def test_a_format_of_its_own_row_finds_the_boxes_of_single_pictures(monkeypatch):
    """No command has to know of it: the first format that knows the picture gives the boxes."""
    monkeypatch.setitem(DATASETS._entries, "mine", Source("for a test", beside=f"{__name__}:_halves"))
    assert boxes_beside(Path("/mine/a.jpg")).corners.tolist() == [[0, 0, 0.5, 1]]
    assert boxes_beside(Path("/other/a.jpg")) is None


def _halves(image):
    halves = np.array([[0, 0, 0.5, 1]])
    return Annotated("a.jpg", ImageFile(image), corners=halves, relative=True) if image.parent.name == "mine" else None


# What a specification means -------------------------------------------------------------------------------------------


def read_lines(place, progress):
    """A format for these tests: in a file .lst a line for each box, its picture, class and corners."""
    pictures, problems = [], []
    for path in [place.file] if place.file else place.tree.under("", ".lst"):
        for line in place.tree.text(path).splitlines():
            name, label, *corners = line.split()
            found = place.pictures.picture(name)
            if found is None:
                problems.append(Problem(name, f"{path} names it, and it is not there", kind="missing"))
                continue
            corners = np.array([corners], np.float64)
            pictures.append(Annotated(found, place.pictures.files[found], names=(label,), corners=corners))
    return Reading(pictures, (), problems)


def sign_lines(tree):
    return ".lst files" if tree.under("", ".lst") else ""


def sign_all(tree):
    return f"{len(tree.files)} files" if tree.files else ""


def sign_unreadable(tree):
    raise InputError("cannot read what lies there")


def row(sign="sign_lines", **more):
    more = {"title": "Lines", "suffixes": (".lst",), "rank": 1} | more
    return Source("for a test", reader=f"{__name__}:read_lines", sign=f"{__name__}:{sign}", **more)


@pytest.fixture
def register(monkeypatch):
    """Register rows of one's own, alone among formats."""
    for name in [name for name, source in DATASETS.items() if source.sign]:
        monkeypatch.delitem(DATASETS._entries, name)

    def add(**rows):
        for name, source in rows.items():
            monkeypatch.setitem(DATASETS._entries, name, source)

    return add


@pytest.fixture
def pictures(tmp_path, register, monkeypatch):
    """A folder of ten pictures and their annotations, which is also where the user is."""
    register(lines=row())
    place = tmp_path / "my.pictures"
    (place / "images").mkdir(parents=True)
    lines = []
    for number in range(10):
        Image.new("RGB", (40, 30), (number, 99, 199)).save(place / "images" / f"{number}.png")
        lines.append(f"{number}.png {('ant', 'bee')[number % 2]} 4 3 20 15")
    (place / "boxes.lst").write_text("\n".join(lines), encoding="utf-8")
    monkeypatch.chdir(place)
    return place


@pytest.mark.parametrize(
    ("specification", "path", "full", "called"),
    [
        ("lines", False, "lines", "lines"),  # though a folder is called so
        ("./lines", True, "{here}/lines", "lines"),
        ("synthetic:3", False, "synthetic:3", "synthetic-3"),
        ("tfds:coco/2017", False, "tfds:coco/2017", "tfds-coco-2017"),
        ("images", True, "{here}/images", "images"),
        ("boxes.lst", True, "{here}/boxes.lst", "boxes"),
        (".", True, "{here}", "my.pictures"),
        ("..", True, "{above}", "{above.name}"),
        ("../my.pictures/images/", True, "{here}/images", "images"),
        ("gone/boxes.lst", True, "{here}/gone/boxes.lst", "boxes"),
        ("~/set", True, "{home}/set", "set"),
        ("C:\\set", True, "{here}/C:\\set", "C-set"),
        ("lines:images", False, "lines:{here}/images", "lines-images"),
        ("lines:~/my set.zip", False, "lines:{home}/my set.zip", "lines-my-set"),
        ("lines:../my.pictures", False, "lines:{here}", "lines-my.pictures"),
        ("/", True, "/", "pictures"),
    ],
)
def test_a_specification_is_a_name_or_a_path(pictures, monkeypatch, specification, path, full, called):
    (pictures / "lines").mkdir()
    monkeypatch.setenv("HOME", "/home/me")
    words = {"here": pictures, "above": pictures.parent, "home": "/home/me"}
    assert is_path(specification) is path
    check_name(specification)
    assert absolute(specification) == full.format(**words)
    assert short(specification) == called.format(**words)


@pytest.mark.parametrize(
    ("specification", "said"),
    [
        ("lins", "unknown dataset 'lins'; the nearest: lines"),
        ("lins:images/a.lst", "unknown dataset 'lins'; the nearest: lines"),
        ("", "unknown dataset ''"),
        ("https://x.org/a.zip", "unknown dataset 'https'"),
    ],
)
def test_a_mistyped_name_is_answered_before_anything_is_imported(pictures, specification, said):
    with pytest.raises(UnknownName) as caught:
        check_name(specification)
    assert str(caught.value).startswith(said)
    code = (
        "import sys; from dogcam.core.config import TrainConfig\n"
        f"try: TrainConfig.create(dataset={specification!r}).check_names()\n"
        "except Exception as error: print(type(error).__name__)\n"
        "print('tensorflow' in sys.modules, 'tensorflow_datasets' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "UnknownName\nFalse False\n"


# Recognised, read and said --------------------------------------------------------------------------------------------


def packed(place, kind):
    """The folder as an archive beside it."""
    target = place.parent / f"packed.{kind}"
    if kind == "tar":
        with tarfile.open(target, "w") as archive:
            archive.add(place, "top")
    else:
        with zipfile.ZipFile(target, "w") as archive:
            for path in sorted(place.rglob("*")):
                archive.write(path, f"top/{path.relative_to(place)}")
    return str(target)


def test_a_place_gives_the_same_however_it_is_named(pictures, listener):
    """The folder, its file, by name of the format, as archives, and with the pictures elsewhere."""
    elsewhere = pictures.parent / "elsewhere" / "boxes.lst"
    elsewhere.parent.mkdir()
    elsewhere.write_bytes((pictures / "boxes.lst").read_bytes())
    ways = [(".", None), ("boxes.lst", None), ("lines:.", None), ("lines:boxes.lst", None), ("lines", "."), (str(pictures), None)]
    ways += [(packed(pictures, kind), None) for kind in ("tar", "zip")]
    ways += [(str(elsewhere), "."), (f"lines:{elsewhere.parent}", str(pictures)), (str(elsewhere), packed(pictures, "zip"))]
    prints = set()
    for specification, data_dir in ways:
        progress = listener()
        dataset = open_dataset(specification, data_dir, progress, seed=3)
        assert progress.notes == ["read as Lines: 10 pictures, 2 classes; split by seed 3: 8 train, 2 test"]
        assert progress.warnings == []
        prints.add(dataset.fingerprint())
        for record in dataset.splits["test"]:
            assert record.image.pixels()[0, 0].tolist() == [int(record.id), 99, 199]
            np.testing.assert_allclose(record.boxes, [[0.1, 0.1, 0.5, 0.5]], rtol=1e-6)
    assert len(prints) == 1
    assert describe(dataset)["division"] == {"how": "seeded", "seed": 3, "share": 0.2}
    assert dataset.division == Division("seeded", 3, 0.2)


def test_a_file_that_one_format_cannot_read_does_not_hide_another(pictures, register):
    register(broken=row("sign_unreadable", rank=2))
    assert open_dataset(".").source.name == "lines"


@pytest.mark.parametrize(("cut", "said"), [(4, False), (5, True), (10, True)])
def test_boxes_that_reach_out_of_most_pictures_are_no_accident(pictures, listener, cut, said):
    """As where corners stand in the place of widths and heights."""
    lines = [f"{number}.png ant 10 10 {90 if number < cut else 15} 15" for number in range(10)]
    (pictures / "boxes.lst").write_text("\n".join(lines), encoding="utf-8")
    progress = listener()
    open_dataset(".", None, progress)
    assert [each.startswith(f"boxes reach out of {cut} pictures") for each in progress.warnings] == [True] * said


def test_what_is_wrong_is_handed_over_by_kind(pictures):
    with (pictures / "boxes.lst").open("a", encoding="utf-8") as file:
        file.write("\ngone.png ant 1 2 3 4\n0.png ant 4 3 20 15\n")
    (pictures / "images" / "out.png").symlink_to("/etc/passwd")
    dataset = open_dataset(".")
    assert [(each.id, each.kind) for each in dataset.mended] == [("0", "twice")]
    assert sorted((each.id, each.kind, each.lost) for each in dataset.problems) == [
        ("gone.png", "missing", True),
        ("images/out.png", "leads-out", True),
    ]
    of_file = open_dataset("boxes.lst")
    assert [each.kind for each in of_file.problems] == ["missing"]  # what else lies there is no matter of this file
    with_pictures = open_dataset("boxes.lst", ".")
    assert [each.kind for each in with_pictures.problems] == ["leads-out", "missing"]


def refused(specification, data_dir=None):
    with pytest.raises(DogcamError) as caught:
        open_dataset(specification, data_dir)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_two_formats_at_once_are_asked_about_and_a_higher_rank_is_not(pictures, register):
    register(others=row("sign_all", title="Others"))
    told = "lines (.lst files); others (11 files). Say which is meant: --dataset lines:. or others:."
    assert refused(".") == f". is of several formats at once: {told}"
    assert refused("boxes.lst").startswith("boxes.lst is of several formats at once: lines (a .lst file); others (a .lst file). ")
    assert open_dataset("others:.").source.name == "others"
    register(others=row("sign_all", rank=0))
    assert open_dataset(".").source.name == "lines"
    register(others=row("sign_all", rank=2))
    assert open_dataset(".").source.name == "others"


@pytest.mark.parametrize(
    ("files", "found", "near"),
    [
        ([], "no file", "none is near: there are neither pictures nor annotations"),
        (["a.doc", "b"], "2 files (1 .doc, 1 without suffix), none of them pictures", "none is near"),
        (["a.jpg", "b.JPG"], "2 files (2 .jpg), 2 of them pictures", "the nearest is folder, which has a subfolder of pictures"),
        (
            ["a.xml", "b.xml", "c.txt"],
            "3 files (2 .xml, 1 .txt), none of them pictures",
            "the nearest is voc, by its .xml files, but there are no pictures: say where they are with --data-dir",
        ),
        (
            ["a.json", "a.jpg"],
            "2 files (1 .jpg, 1 .json), 1 of them pictures",
            "the nearest is coco, by its .json files; to read",
        ),
        (["a.csv", "a.jpg"], "2 files (1 .csv, 1 .jpg), 1 of them pictures", "the nearest is csv, by its .csv files; to read"),
    ],
)
def test_a_folder_of_no_format_says_what_was_looked_for_and_found(tmp_path, register, files, found, near):
    register(**{name: row(title=name.upper(), suffixes=()) for name in ("voc", "coco", "csv")})
    place = tmp_path / "set"
    place.mkdir()
    for name in files:
        (place / name).write_bytes(b"")
    said = refused(str(place))
    assert said.startswith(f"{place} is of no format that dogcam recognises; looked for voc, coco, csv; ")
    assert f"; found {found}; {near}" in said


@pytest.mark.parametrize(
    ("specification", "data_dir", "said"),
    [
        ("/nowhere/boxes.lst", None, "there is no file or folder '/nowhere/boxes.lst'"),
        ("./boxs.lst", None, "there is no file or folder './boxs.lst'; the nearest there: boxes.lst"),
        ("lines:imags", None, "there is no file or folder 'imags'; the nearest there: images"),
        ("./gone.zip", None, "there is no file or folder './gone.zip'"),
        ("images/0.png", None, "images/0.png is one file of many; name the folder that they are in: --dataset images"),
        ("lines", None, "lines needs a folder or file: --dataset lines:FOLDER"),
        ("boxes.lst", "/nowhere", "--data-dir must be a folder or archive with the pictures; there is no '/nowhere'"),
        ("lines:images", None, "{here}/images has no usable picture"),
        ("\0", None, "unknown dataset"),
        ("x/" * 3000, None, "there is no file or folder"),
        ("~nobody/set", None, "there is no file or folder '~nobody/set'"),
    ],
)
def test_what_cannot_be_opened_is_one_clear_line(pictures, specification, data_dir, said):
    assert refused(specification, data_dir).startswith(said.format(here=pictures))


def test_a_folder_called_as_a_format_is_pointed_at(pictures):
    (pictures / "lines").mkdir()
    assert refused("lines").endswith("--dataset lines:FOLDER, or ./lines for what is called so here")


@pytest.mark.parametrize("name", ["set.tar.gz", "set.7z"])
def test_an_archive_packed_as_a_whole_says_what_to_do(pictures, name):
    (pictures / name).write_bytes(b"anything")
    assert refused(name).startswith(f"{name} is compressed as a whole: unpack it")


def test_annotations_in_a_folder_of_their_own_find_the_pictures_beside_it(pictures):
    (pictures / "annotations").mkdir()
    (pictures / "boxes.lst").rename(pictures / "annotations" / "boxes.lst")
    assert len(open_dataset("annotations/boxes.lst").splits["train"]) == 8


def test_a_broken_picture_is_found_when_it_is_read_and_not_before(pictures):
    (pictures / "images" / "3.png").write_bytes(b"no picture")
    dataset = open_dataset(".")
    assert sum(len(records) for records in dataset.splits.values()) == 10
    broken = next(record for records in dataset.splits.values() for record in records if record.id == "3")
    assert len(broken.boxes) == 0
    with pytest.raises(InputError, match=r"cannot read .*3\.png: not a picture"):
        broken.image.pixels()


def test_many_records_take_little_memory(pictures):
    """Annotations of pictures that are one file: what a record keeps is about a kilobyte, and no picture is in it."""
    (pictures / "more").mkdir()
    names = [f"{number:05d}.png" for number in range(4000)]
    for name in names:
        (pictures / "more" / name).hardlink_to(pictures / "images" / "0.png")
    (pictures / "boxes.lst").write_text("\n".join(f"{name} ant 4 3 20 15" for name in names), encoding="utf-8")
    open_dataset("boxes.lst")  # what is imported, and kept once and for all
    tracemalloc.start()
    dataset = open_dataset("boxes.lst")
    kept, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert sum(len(records) for records in dataset.splits.values()) == 4000
    assert kept / 4000 < 1500
    assert peak / 4000 < 4000
