"""Lines of YOLO's label files."""

from __future__ import annotations

import pytest

from dogcam.data.formats.yolo_lines import labels_of, looks_like_labels

TWO = {0: "cat", 1: "dog"}


@pytest.mark.parametrize(
    ("line", "label", "corners", "polygon"),
    [
        ("1 0.5 0.5 0.25 0.5", 1, (0.375, 0.25, 0.625, 0.75), None),
        ("0 0.5 0.5 0.25 0.5 0.875", 0, (0.375, 0.25, 0.625, 0.75), None),  # with a confidence
        ("0.0\t0.5  0.5 0.25 0.5", 0, (0.375, 0.25, 0.625, 0.75), None),
        ("1 0.25 0.5 0.75 0.625 0.5 0.875", 1, (0.25, 0.5, 0.75, 0.875), [0.25, 0.5, 0.75, 0.625, 0.5, 0.875]),
        ("1 0.25 0.5 0.75 0.625 0.5 0.875 0.9", 1, (0.25, 0.5, 0.75, 0.875), [0.25, 0.5, 0.75, 0.625, 0.5, 0.875]),
        ("1 0 0 1 0 1 1 0 1", 1, (0, 0, 1, 1), [0, 0, 1, 0, 1, 1, 0, 1]),
    ],
)
def test_a_line_is_a_class_and_a_box_or_a_polygon(line, label, corners, polygon):
    labels = labels_of(f"\n{line}\n\n", TWO)
    assert (labels.classes, labels.corners, labels.wrong) == ([label], [corners], [])
    assert [each if each is None else each.tolist() for each in labels.polygons] == [polygon]


def test_points_of_a_body_are_no_polygon():
    labels = labels_of("0 0.5 0.5 0.5 0.5 0.9 0.9 2 0.1 0.1 2", TWO, keypoints=True)
    assert (labels.corners, labels.polygons) == ([(0.25, 0.25, 0.75, 0.75)], [None])


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("2 0.5 0.5 0.25 0.5", "class 2 is none of the 2 named, 0 to 1"),
        ("-1 0.5 0.5 0.25 0.5", "class -1 is no number of a class"),
        ("0.5 0.5 0.5 0.25 0.5", "class 0.5 is no number of a class"),
        ("nan 0.5 0.5 0.25 0.5", "class nan is no number of a class"),
        ("cat 0.5 0.5 0.25 0.5", "not numbers alone"),
        ("0,0.5,0.5,0.25,0.5", "not numbers alone"),
        ("0 0.5 0.5 0.25", "it has 4 numbers, where 5"),
        ("0", "it has 1 numbers"),
        ("0 320 240 0.5 0.5", "320 is not relative"),
        ("0 0.5 0.5 -0.25 0.5", "-0.25 is not relative"),
        ("0 0.5 0.5 nan 0.5", "nan is not relative"),
        ("0 0.1 0.1 0.9 0.1 1.5 0.9", "1.5 is not relative"),
    ],
)
def test_a_line_that_cannot_be_used_is_told_and_the_others_are_read(line, said):
    labels = labels_of(f"0 0.5 0.5 0.5 0.5\n{line}\n1 0.5 0.5 0.5 0.5", TWO)
    assert labels.classes == [0, 1]
    assert len(labels.wrong) == 1
    assert labels.wrong[0].startswith("line 2: ")
    assert said in labels.wrong[0]


def test_without_names_any_number_is_a_class():
    assert labels_of("17 0.5 0.5 0.5 0.5", {}).classes == [17]


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("0 0.5 0.5 0.5 0.5\n", True),
        ("", False),
        ("cat\ndog\n", False),
        ("1 1\n2 0\n", False),
        ("1 60.0 27.0 325.0 304.0", False),
    ],
)
def test_label_files_are_told_from_other_lists(text, is_one):
    assert looks_like_labels(text) == is_one
