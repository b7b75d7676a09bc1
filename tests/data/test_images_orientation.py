"""What a picture's header says of its size and how it is turned, and that decoding agrees."""

from __future__ import annotations

import struct
import zipfile

import numpy as np
import pytest
from encoded_pictures import chunk, encoded, exif, noise

from dogcam.core.errors import InputError
from dogcam.data import images
from dogcam.data.archives import zip_members
from dogcam.data.decoding import Header, decode
from dogcam.data.images import FileSlice, ImageFile

# Where row 0 and column 0 of the stored picture belong, from EXIF's table: 1 top left, 2 top right, ..., as turns of an array.
TURNS = {
    1: lambda p: p,
    2: lambda p: p[:, ::-1],
    3: lambda p: p[::-1, ::-1],
    4: lambda p: p[::-1],
    5: lambda p: p.swapaxes(0, 1),
    6: lambda p: np.rot90(p, -1),
    7: lambda p: p[::-1, ::-1].swapaxes(0, 1),
    8: np.rot90,
}


@pytest.mark.parametrize("form", ["PNG", "TIFF", "WEBP"])
@pytest.mark.parametrize("orientation", TURNS)
def test_exif_orientation_counts_only_where_it_is_asked_for(tmp_path, form, orientation):
    """Pillow turns a TIFF by itself, and no other."""
    pixels = noise()
    content = encoded(pixels, form, exif=exif(orientation), **({"lossless": True} if form == "WEBP" else {}))
    np.testing.assert_array_equal(decode(content, "x"), pixels)
    turned = TURNS[orientation](pixels)
    np.testing.assert_array_equal(decode(content, "x", upright=True), turned)
    (tmp_path / "a").write_bytes(content)
    header = ImageFile(tmp_path / "a").header()
    assert header == Header((40, 24), orientation)
    assert header.upright_size == turned.shape[1::-1]


@pytest.mark.parametrize("orientation", TURNS)
def test_a_jpegs_orientation_is_in_its_beginning(tmp_path, orientation):
    content = encoded(noise(), "JPEG", exif=exif(orientation))
    (tmp_path / "a").write_bytes(content)
    for picture in (ImageFile(tmp_path / "a"), FileSlice(tmp_path / "a", 0, len(content), "a")):
        assert picture.header() == Header((40, 24), orientation)


def test_tags_after_the_pixels_of_a_png_count(tmp_path):
    """As ExifTool writes them; the header finds them without decoding a pixel."""
    content = encoded(noise())
    late = content[:-12] + chunk(b"eXIf", exif(6).tobytes().removeprefix(b"Exif\0\0")) + content[-12:]
    (tmp_path / "a.png").write_bytes(late)
    assert ImageFile(tmp_path / "a.png").header() == Header((40, 24), 6)
    np.testing.assert_array_equal(decode(late, "x", upright=True), np.rot90(noise(), -1))


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP"])
@pytest.mark.parametrize(
    "tags",
    [
        b"Exif\0\0garbage",
        b"Exif\0\0",
        b"Exif\0\0II*\0\xff\xff\xff\xff",
        exif(0).tobytes(),
        exif(9).tobytes(),
        b"Exif\0\0" + struct.pack("<2sHIHHHI4sI", b"II", 42, 8, 1, 0x0112, 2, 3, b"up", 0),  # a word
        exif(6).tobytes()[:20],
    ],
)
def test_broken_tags_break_nothing(tmp_path, form, tags):
    content = encoded(noise(), form, exif=tags)
    (tmp_path / "a").write_bytes(content)
    assert ImageFile(tmp_path / "a").header() == Header((40, 24))
    np.testing.assert_array_equal(decode(content, "x", upright=True), decode(content, "x"))


def test_a_header_far_into_a_jpeg_in_an_archive(tmp_path):
    """A profile of colours before the size, longer than what is read at first."""
    rubbish = np.random.default_rng(0).integers(0, 256, 200_000, np.uint8).tobytes()
    content = encoded(noise(), "JPEG", icc_profile=rubbish)
    (tmp_path / "a").write_bytes(b"xyz" + content)
    assert FileSlice(tmp_path / "a", 3, len(content), "a").header() == Header((40, 24))
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.jpg", content)
    assert zip_members(tmp_path / "a.zip")["a.jpg"].header() == Header((40, 24))


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"comment": b"x" * 5000}, {"restart_marker_rows": 1}])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_jpeg_without_tags_says_the_same_as_pillow_of_it(tmp_path, monkeypatch, options, channels):
    (tmp_path / "a").write_bytes(encoded(noise(channels=channels), "JPEG", **options))
    assert ImageFile(tmp_path / "a").header() == Header((40, 24))
    monkeypatch.setattr(images, "simple_jpeg", lambda beginning: None)
    assert ImageFile(tmp_path / "a").header() == Header((40, 24))


@pytest.mark.parametrize("kept", range(0, 700, 7))
def test_a_jpeg_that_is_cut_short_has_its_header_or_is_refused(tmp_path, kept):
    content = encoded(noise(), "JPEG")
    (tmp_path / "a").write_bytes(content[:kept])
    for picture in (ImageFile(tmp_path / "a"), FileSlice(tmp_path / "a", 0, kept, "a")):
        try:
            header = picture.header()
        except InputError:
            header = None
        assert header in (None, Header((40, 24)))
