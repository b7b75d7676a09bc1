"""Pascal VOC's XML: boxes as fractions of the annotated size, and a reason for whatever cannot be read."""

from __future__ import annotations

import numpy as np
import pytest

from dogcam.data.formats.voc_xml import counts_from_one, half_open, objects_of

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
        (b"", "it is empty"),
        (ONE[:100], "no element found|unclosed"),
        (b"\xff\xd8\xff\xe0 JFIF", "not well-formed"),
        (b'<?xml version="1.0" encoding="foo"?><a/>', "unknown encoding: foo"),
        (b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><annotation>&x;</annotation>', "XML entities"),
        (b"<annotations/>", "begins with <annotations>"),
        (ONE.replace(b"<ymin>5", b"<ymin>five"), "'five'"),
    ],
)
def test_what_cannot_be_read_has_a_reason_and_no_box(content, reason):
    with pytest.raises(ValueError, match=reason):
        objects_of(content)


@pytest.mark.parametrize("spoil", [(b"40<", b"0<"), (b"20<", b"-1<"), (b"40<", b"<"), (b"width", b"broad"), (b"40<", b"nan<")])
def test_a_size_that_is_none_is_not_given(spoil):
    found = objects_of(ONE.replace(*spoil))
    assert found.size is None
    assert found.corners.tolist() == [[4, 5, 30, 15]]


PERSON = b"""<annotation><filename> a.jpg </filename><path>C:\\b.jpg</path><size><width>40</width><height>20</height></size>
<object><part><name>head</name><bndbox><xmin>1</xmin><ymin>2</ymin><xmax>3</xmax><ymax>4</ymax></bndbox></part>
<bndbox><ymax>18</ymax><xmax>30</xmax><ymin>2</ymin><xmin>4</xmin></bndbox><name>person</name><difficult>1</difficult>
<truncated>1</truncated></object><object><name>dog</name></object></annotation>"""


def test_parts_of_an_object_do_not_count_and_elements_come_in_any_order():
    found = objects_of(PERSON)
    assert (found.corners.tolist(), found.names, found.boxless) == ([[4, 2, 30, 18]], ("person",), ("dog",))
    assert found.pictures == ("a.jpg", "C:\\b.jpg")


def test_vocs_corners_begin_at_one_and_hold_the_last_pixel():
    """The first pixel of a picture alone is (1, 1, 1, 1); exchanged corners hold the same pixels."""
    boxes = np.array([[1, 1, 1, 1], [1, 1, 40, 20], [30, 2, 4, 18]], float)
    assert half_open(boxes).tolist() == [[0, 0, 1, 1], [0, 0, 40, 20], [30, 1, 3, 18]]


@pytest.mark.parametrize(
    ("corners", "expected"),
    [
        ([], True),
        ([[1, 1, 5, 5]], True),
        ([[1, 1, 5, 5], [0, 1, 5, 5]], False),
        ([[5, 5, 0.5, 1]], False),
        ([[np.nan] * 4], True),
    ],
)
def test_a_corner_below_one_proves_that_a_set_does_not_count_from_one(corners, expected):
    assert counts_from_one(np.array(corners, float).reshape(-1, 4)) is expected
