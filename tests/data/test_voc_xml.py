"""Pascal VOC's XML: boxes as fractions of the annotated size, and a reason for whatever cannot be read."""

from __future__ import annotations

import numpy as np
import pytest

from dogcam.data.voc_xml import objects_of, read_voc_xml

BOX = b"<object><bndbox><xmin>%d</xmin><ymin>%d</ymin><xmax>%d</xmax><ymax>%d</ymax></bndbox></object>"
FILE = b"<annotation><size><width>%d</width><height>%d</height></size>%s</annotation>"
ONE = FILE % (40, 20, BOX % (4, 5, 30, 15))


def test_size_and_corners_as_they_stand():
    found = objects_of(FILE % (64, 16, BOX % (16, 4, 32, 12) + BOX % (48, 0, 70, 16)))
    assert found.size == (64, 16)
    assert found.corners.tolist() == [[16, 4, 32, 12], [48, 0, 70, 16]]


def test_no_object_is_no_corner():
    assert objects_of(FILE % (64, 16, b"")).corners.shape == (0, 4)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "no element found"),
        (ONE[:100], "no element found|unclosed"),
        (b"\xff\xd8\xff\xe0 JFIF", "not well-formed"),
        (b'<?xml version="1.0" encoding="foo"?><a/>', "unknown encoding: foo"),
        (b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><annotation>&x;</annotation>', "XML entities"),
        (ONE.replace(b"width", b"broad"), "could not convert"),
        (ONE.replace(b"<ymin>5", b"<ymin>five"), "'five'"),
        (FILE % (0, 20, b""), "its size is 0 x 20"),
        (FILE % (40, -1, b""), "its size is 40 x -1"),
    ],
)
def test_what_cannot_be_read_has_a_reason_and_no_box(content, reason):
    with pytest.raises(ValueError, match=reason):
        objects_of(content)
    boxes, (problem,) = read_voc_xml(content, "mine.jpg", "test")
    assert boxes.shape == (0, 4)
    assert (problem.id, problem.split, problem.lost) == ("mine.jpg", "test", False)
    assert problem.reason.startswith("broken annotation: ")


def test_boxes_are_fractions_of_width_and_height_cut_at_the_edge():
    boxes, problems = read_voc_xml(FILE % (40, 20, BOX % (4, 5, 30, 15) + BOX % (0, 10, 41, 20)), "mine.jpg")
    np.testing.assert_array_equal(boxes, np.array([[0.1, 0.25, 0.75, 0.75], [0, 0.5, 1, 1]], np.float32))
    assert problems == []
    boxes, (problem,) = read_voc_xml(FILE % (40, 20, BOX % (50, 5, 60, 15)), "mine.jpg", "train")
    assert (len(boxes), problem.split, problem.lost) == (0, "train", False)
