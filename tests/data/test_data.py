"""Records, problems and datasets: what every source of data hands over."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dogcam.core.errors import InputError
from dogcam.data import Dataset, Origin, Record, reason_of, short_names
from dogcam.data.images import ImageFile

SOME = ImageFile(Path("some.png"))


def test_a_record_keeps_boxes_as_float32_rows():
    record = Record("a", SOME, 1, [0.25, 0, 1, 0.5])
    assert record.boxes.dtype == np.float32
    assert record.boxes.tolist() == [[0.25, 0, 1, 0.5]]
    assert Record("a", SOME, None).boxes.shape == (0, 4)


@pytest.mark.parametrize(
    ("box", "said"),
    [
        ([0, 0, 1.01, 1], "within 0 and 1"),
        ([-0.01, 0, 1, 1], "within 0 and 1"),
        ([10, 20, 30, 40], "within 0 and 1"),
        ([0, np.nan, 1, 1], "within 0 and 1"),
        ([0, 0, np.inf, 1], "within 0 and 1"),
        ([0.5, 0, 0.5, 1], "x1 > x0"),
        ([0, 0.6, 1, 0.5], "y1 > y0"),
    ],
)
def test_a_record_refuses_what_is_no_relative_box(box, said):
    with pytest.raises(InputError, match=f"^dog-1: .*{said}.*received"):
        Record("dog-1", SOME, 0, [[0, 0, 1, 1], box])


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        ("cannot read bad/text.jpg: not a picture", "cannot be read: not a picture"),
        ("bad/text.jpg: its true class is not known", "its true class is not known"),
        ("cannot read /data/bad/text.jpg: not a picture", "cannot read /data/bad/text.jpg: not a picture"),
    ],
)
def test_a_reason_does_not_name_the_picture_again(told, reason):
    assert reason_of(InputError(told), "bad/text.jpg") == reason


# Names and fingerprints -----------------------------------------------------------------------------------------------


def test_short_names_leave_out_wordnets_numbers():
    names = ("n02085620-Chihuahua", "n02105641-Old_English_sheepdog", "n02099601-golden-retriever", "pug", "n123-x")
    assert short_names(names) == ("Chihuahua", "Old English sheepdog", "golden-retriever", "pug", "n123-x")


def test_short_names_that_collide_stay_long():
    names = ("n02085620-crane", "n03126707-crane", "n02110958-pug_dog")
    assert short_names(names) == names


def test_no_names():
    assert short_names(()) == ()


def dataset(**changes):
    plain = {"id": "a", "label": 0, "boxes": [[0, 0, 0.5, 0.5], [0.5, 0.5, 1, 1]], "classes": ("x", "y")} | changes
    first = Record(plain["id"], SOME, plain["label"], plain["boxes"])
    second = Record("b", SOME, 1, [[0.25, 0.25, 1, 1]])
    splits = {"train": (first,), "test": (second,)}
    return Dataset("made", plain["classes"], splits | plain.get("splits", {}), source=plain.get("source"))


def test_the_fingerprint_is_of_the_data_alone():
    print_ = dataset().fingerprint()
    assert len(print_) == 64
    assert print_ == dataset(source=Origin("archives", "another folder")).fingerprint()
    turned = Dataset("other", ("x", "y"), dict(reversed(dataset().splits.items())))
    assert turned.fingerprint() == print_


@pytest.mark.parametrize(
    "changes",
    [
        {"id": "c"},
        {"label": 1},
        {"label": None},
        {"classes": ("x", "z")},
        {"classes": ("y", "x")},
        {"classes": ("x", "y", "z")},
        {"boxes": [[0, 0, 0.5, 0.5]]},
        {"boxes": []},
        {"boxes": [[0.5, 0.5, 1, 1], [0, 0, 0.5, 0.5]]},
        {"boxes": [[0, 0, 0.5, 0.5], [0.5, 0.5, 1, 0.999]]},
        {"splits": {"test": ()}},
        {"splits": {"validation": (Record("b", SOME, 1, [[0.25, 0.25, 1, 1]]),), "test": ()}},
    ],
)
def test_any_change_of_the_data_changes_the_fingerprint(changes):
    assert dataset(**changes).fingerprint() != dataset().fingerprint()


# The registry ---------------------------------------------------------------------------------------------------------
