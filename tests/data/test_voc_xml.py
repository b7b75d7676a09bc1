"""Pascal VOC's XML: boxes as fractions of the annotated size, and a reason for whatever cannot be read."""

from __future__ import annotations

import pytest

from dogcam.data.voc_xml import objects_of

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
