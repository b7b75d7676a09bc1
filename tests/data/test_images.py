"""Pictures as they are stored: decoded, or refused by name."""

from __future__ import annotations

import io
import struct
import subprocess
import sys
import zlib

import numpy as np
import pytest
from PIL import Image

from dogcam.core.errors import InputError
from dogcam.data.images import FileSlice, ImageFile, checked, decode


def noise(height=24, width=40, channels=3, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, channels), dtype=np.uint8).squeeze()


def encoded(image, form="PNG", **options):
    image = image if isinstance(image, Image.Image) else Image.fromarray(image)
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def png16(values):
    """A PNG with 16 bits of grey, written from the specification."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    height, width = values.shape
    lines = b"".join(b"\0" + line.astype(">u2").tobytes() for line in values)
    header = struct.pack(">IIBBBBB", width, height, 16, 0, 0, 0, 0)
    parts = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(lines)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts


# Pictures -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["PNG", "BMP", "TIFF"])
def test_a_lossless_picture_gives_its_pixels(form):
    pixels = noise()
    read = decode(encoded(pixels, form), "x")
    assert read.dtype == np.uint8
    np.testing.assert_array_equal(read, pixels)


@pytest.mark.parametrize("form", ["JPEG", "WEBP"])
def test_a_lossy_picture_is_close(form):
    pixels = np.repeat(np.repeat(noise(3, 5), 16, 0), 16, 1)
    read = decode(encoded(pixels, form, quality=95), "x")
    assert read.shape == (48, 80, 3)
    assert np.abs(read[8::16, 8::16].astype(int) - pixels[8::16, 8::16]).max() < 12


def test_grey_is_three_times_the_same():
    pixels = noise(channels=1)
    np.testing.assert_array_equal(decode(encoded(pixels), "x"), np.stack([pixels] * 3, -1))


def test_black_and_white_is_0_and_255():
    read = decode(encoded(Image.fromarray(np.eye(8, dtype=bool))), "x")
    np.testing.assert_array_equal(read, np.stack([np.eye(8) * 255] * 3, -1))


def test_alpha_is_dropped():
    pixels = noise(channels=4)
    np.testing.assert_array_equal(decode(encoded(pixels), "x"), pixels[..., :3])


@pytest.mark.parametrize("options", [{}, {"transparency": 1}, {"transparency": bytes([0, 128, 255])}])
@pytest.mark.filterwarnings("error")
def test_a_palette_is_looked_up(options):
    colours = np.array([[255, 0, 0], [0, 200, 0], [0, 0, 90]], np.uint8)
    index = np.arange(24, dtype=np.uint8).reshape(4, 6) % 3
    image = Image.new("P", (6, 4))
    image.putdata(index.ravel().tolist())
    image.putpalette(colours.ravel().tolist())
    np.testing.assert_array_equal(decode(encoded(image, **options), "x"), colours[index])


def test_cmyk_becomes_rgb():
    inks = {(0, 0, 0, 0): (255, 255, 255), (0, 255, 255, 0): (255, 0, 0), (0, 0, 0, 255): (0, 0, 0)}
    for ink, light in inks.items():
        read = decode(encoded(Image.new("CMYK", (32, 16), ink), "JPEG", quality=100), "x")
        assert read.shape == (16, 32, 3)
        assert np.abs(read.astype(int) - light).max() <= 4


@pytest.mark.parametrize("form", ["PNG", "TIFF"])
def test_sixteen_bits_keep_their_high_byte(form):
    """Pillow's own conversion cuts off at 255, which makes nearly all of such a picture white."""
    values = np.linspace(0, 65535, 24 * 40).round().astype(np.uint16).reshape(24, 40)
    content = png16(values) if form == "PNG" else encoded(values, "TIFF")
    read = decode(content, "x")
    assert read.dtype == np.uint8
    np.testing.assert_array_equal(read, np.stack([values // 256] * 3, -1))


def test_floating_point_pixels_are_refused():
    content = encoded(Image.fromarray(np.ones((4, 4), np.float32)), "TIFF")
    with pytest.raises(InputError, match=r"cannot read x\.tif: its pixels are floating-point"):
        decode(content, "x.tif")


@pytest.mark.parametrize(
    ("orientation", "turn"), [(1, lambda p: p), (3, lambda p: np.rot90(p, 2)), (6, lambda p: np.rot90(p, -1)), (8, np.rot90)]
)
def test_exif_orientation_counts_only_where_it_is_asked_for(orientation, turn):
    pixels = noise()
    tags = Image.Exif()
    tags[0x0112] = orientation
    content = encoded(pixels, exif=tags)
    np.testing.assert_array_equal(decode(content, "x"), pixels)
    np.testing.assert_array_equal(decode(content, "x", upright=True), turn(pixels))


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF"])
@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.9])
def test_a_truncated_picture_is_refused(form, share):
    content = encoded(np.repeat(noise(40, 60), 2, 0), form)
    with pytest.raises(InputError, match=r"cannot read a\.picture: \S") as caught:
        decode(content[: int(len(content) * share)], "a.picture")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF"])
@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.9, 1])
def test_checking_refuses_what_decoding_refuses(form, share):
    content = encoded(noise(400, 300), form)
    content = content[: int(len(content) * share)]
    if share == 1:
        assert checked(content, "a.picture").size == (300, 400)
        return
    with pytest.raises(InputError) as refused:
        decode(content, "a.picture")
    with pytest.raises(InputError, match=r"cannot read a\.picture: \S"):
        checked(content, "a.picture")
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("size", [(1, 1), (1, 900), (900, 1)])
def test_checking_thin_pictures(size):
    assert checked(encoded(Image.new("RGB", size)), "x").size == size


@pytest.mark.parametrize("content", [b"", b"just text\n", b"<svg/>", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n"])
def test_what_is_not_a_picture_is_refused(content):
    with pytest.raises(InputError, match=r"cannot read notes\.txt: "):
        decode(content, "notes.txt")


def test_text_is_called_not_a_picture():
    with pytest.raises(InputError, match=r"cannot read notes\.txt: not a picture$"):
        decode(b"just text\n", "notes.txt")


def test_a_picture_that_would_fill_the_memory_is_refused():
    header = struct.pack(">IIBBBBB", 60000, 60000, 8, 2, 0, 0, 0)
    real = png16(np.zeros((2, 2), np.uint16))
    chunk = b"IHDR" + header
    bomb = real[:12] + chunk + struct.pack(">I", zlib.crc32(chunk)) + real[33:]
    with pytest.raises(InputError, match="decompression bomb"):
        decode(bomb, "x")


@pytest.mark.parametrize(
    "error", [struct.error("unpack requires a buffer of 2 bytes"), TypeError("no"), NotImplementedError("DDS"), KeyError(3)]
)
def test_whatever_a_decoder_stumbles_over_is_told_of_the_picture(monkeypatch, error):
    def stumble(content):
        raise error

    monkeypatch.setattr(Image, "open", stumble)
    with pytest.raises(InputError, match=rf"^cannot read x: broken, .*{type(error).__name__}: {error}\)$"):
        decode(b"", "x")


def test_a_kind_of_dds_that_pillow_does_not_know():
    header = struct.pack("<7I44x", 124, 0x1007, 4, 4, 0, 0, 0) + struct.pack("<2I4s5I", 32, 4, b"ABCD", 0, 0, 0, 0, 0)
    with pytest.raises(InputError, match=r"^cannot read x\.dds: broken, or of a kind that Pillow does not know"):
        decode(b"DDS " + header + bytes(64), "x.dds")


def test_a_large_picture_is_read_without_a_word_of_pillows(tmp_path):
    """In a process of its own, since pytest resets the filters of warnings."""
    (tmp_path / "large.png").write_bytes(encoded(noise(24, 40)))
    code = (
        "import sys; from pathlib import Path; from PIL import Image; from dogcam.data.images import ImageFile\n"
        "Image.MAX_IMAGE_PIXELS = 24 * 40 - 1\n"
        "print(ImageFile(Path(sys.argv[1])).pixels().shape)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path / "large.png")], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("(24, 40, 3)\n", "")


def test_a_file_and_a_slice_give_the_same(tmp_path):
    content = encoded(noise(seed=3))
    (tmp_path / "a.png").write_bytes(content)
    (tmp_path / "archive").write_bytes(b"before" + content + b"after")
    piece = FileSlice(tmp_path / "archive", 6, len(content), "inner/a.png")
    file = ImageFile(tmp_path / "a.png")
    assert piece.content() == file.content() == content
    np.testing.assert_array_equal(piece.pixels(), noise(seed=3))
    np.testing.assert_array_equal(file.pixels(), noise(seed=3))


def test_a_file_stands_upright_where_it_is_asked_to(tmp_path):
    tags = Image.Exif()
    tags[0x0112] = 6
    path = tmp_path / "a.png"
    path.write_bytes(encoded(noise(), exif=tags))
    assert ImageFile(path).pixels().shape == (24, 40, 3)
    assert ImageFile(path, upright=True).pixels().shape == (40, 24, 3)


def test_errors_name_the_file_or_the_member(tmp_path):
    gone = tmp_path / "gone.png"
    with pytest.raises(InputError, match=r"cannot read .*gone\.png: No such file"):
        ImageFile(gone).pixels()
    with pytest.raises(InputError, match=r"cannot read inner/a\.png in .*gone\.png: No such file"):
        FileSlice(gone, 0, 5, "inner/a.png").pixels()
    (tmp_path / "bad").write_bytes(b"no picture")
    with pytest.raises(InputError, match=r"cannot read inner/a\.png: not a picture"):
        FileSlice(tmp_path / "bad", 0, 10, "inner/a.png").pixels()


# Records and boxes ----------------------------------------------------------------------------------------------------
