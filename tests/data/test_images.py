"""Pictures as they are stored: decoded, or refused by name."""

from __future__ import annotations

import struct
import subprocess
import sys
import zipfile

import numpy as np
import pytest
from encoded_pictures import chunk, encoded, exif, grey, noise, png16, tiff
from PIL import Image

from dogcam.core.errors import InputError
from dogcam.data.archives import zip_members
from dogcam.data.decoding import Header, checked, decode
from dogcam.data.images import FileSlice, ImageFile
from dogcam.data.pipeline import squash

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


def test_what_is_transparent_is_shown_over_white():
    """Alpha over white by its formula; colours that are hidden altogether stay hidden, colours without alpha stay as they are."""
    pixels = noise(channels=4)
    pixels[:8, :, 3], pixels[8:16, :, 3] = 0, 255
    share = pixels[..., 3:] / 255
    read = decode(encoded(pixels), "x")
    assert np.abs(read - (share * pixels[..., :3] + (1 - share) * 255)).max() <= 1
    np.testing.assert_array_equal(read[:8], 255)
    np.testing.assert_array_equal(read[8:16], pixels[8:16, :, :3])


def test_grey_with_alpha():
    pixels = np.array([[[7, 255], [7, 0], [200, 255]]], np.uint8)
    np.testing.assert_array_equal(decode(encoded(Image.fromarray(pixels, "LA")), "x"), grey([[7, 255, 200]]))


COLOURS = np.array([[255, 0, 0], [0, 200, 0], [0, 0, 90]], np.uint8)


ONE_CLEAR = [[255, 0, 0], [255, 255, 255], [0, 0, 90]]
FIRST_CLEAR = [[255, 255, 255], [0, 200, 0], [0, 0, 90]]


@pytest.mark.parametrize(
    ("form", "options", "seen"),
    [
        *((form, {}, COLOURS) for form in ("PNG", "GIF", "TIFF", "BMP")),
        *((form, {"transparency": 1}, ONE_CLEAR) for form in ("PNG", "GIF")),
        ("PNG", {"transparency": bytes([0, 255, 255])}, FIRST_CLEAR),
    ],
)
@pytest.mark.filterwarnings("error")
def test_a_palette_is_looked_up(form, options, seen):
    index = np.arange(24, dtype=np.uint8).reshape(4, 6) % 3
    image = Image.new("P", (6, 4))
    image.putdata(index.ravel().tolist())
    image.putpalette(COLOURS.ravel().tolist())
    np.testing.assert_array_equal(decode(encoded(image, form, **options), "x"), np.array(seen)[index])


def test_one_colour_that_stands_for_transparency():
    """PNG's tRNS of a picture without palette names the colour that is not there."""
    pixels = np.array([[[1, 2, 3], [4, 5, 6]]], np.uint8)
    content = encoded(pixels, transparency=(4, 5, 6))
    np.testing.assert_array_equal(decode(content, "x"), [[[1, 2, 3], [255, 255, 255]]])


def test_cmyk_becomes_rgb():
    inks = {(0, 0, 0, 0): (255, 255, 255), (0, 255, 255, 0): (255, 0, 0), (0, 0, 0, 255): (0, 0, 0)}
    for ink, light in inks.items():
        read = decode(encoded(Image.new("CMYK", (32, 16), ink), "JPEG", quality=100), "x")
        assert read.shape == (16, 32, 3)
        assert np.abs(read.astype(int) - light).max() <= 4


def test_the_inks_of_a_lossless_cmyk():
    """Red, green and blue are (255 - ink) (255 - black) / 255."""
    inks = noise(channels=4)
    light = (255 - inks[..., :3].astype(float)) * (255 - inks[..., 3:].astype(float)) / 255
    assert np.abs(decode(encoded(Image.fromarray(inks, "CMYK"), "TIFF"), "x") - light).max() <= 1


def test_ycck_of_a_jpeg_that_adobe_wrote():
    """The same bytes, said to be luminance, chrominance and black, and as ever stored inverted: (155, 128, 128, 225)."""
    content = bytearray(encoded(Image.new("CMYK", (16, 16), (100, 127, 127, 30)), "JPEG", quality=100))
    content[content.index(b"Adobe") + 11] = 2
    # Without chrominance red, green and blue are 155, the inks as stored 255 - 155, inverted 155: (255 - 155) * 225 / 255 = 88.
    assert np.abs(decode(bytes(content), "x").astype(int) - 88).max() <= 3


def test_lab():
    lab = np.array([[[255, 0, 0], [0, 0, 0]]], np.uint8)  # L from 0 to 255; a and b are signed
    read = decode(encoded(Image.frombytes("LAB", (2, 1), lab.tobytes()), "TIFF"), "x")
    assert np.abs(read.astype(int) - [[[255] * 3, [0] * 3]]).max() <= 2


# Greys of more than 8 bits --------------------------------------------------------------------------------------------

RAMP = np.arange(24 * 40).reshape(24, 40)


@pytest.mark.parametrize("order", "<>")
def test_sixteen_bits_that_use_their_range_keep_their_high_byte(order):
    """Pillow's own conversion cuts off at 255, which makes nearly all of such a picture white."""
    values = (RAMP * 65535 // RAMP.max()).astype(np.uint16)
    np.testing.assert_array_equal(decode(tiff(values, 1, order), "x"), grey(values // 256))
    np.testing.assert_array_equal(decode(png16(values), "x"), grey(values // 256))


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ((RAMP * 4095 // 959).astype(np.uint16), 1),  # 12 bits of a camera or an X-ray: nearly black by its high byte
        ((RAMP + 30000).astype(np.uint16), 1),
        ((RAMP % 4).astype(np.uint16), 1),
        ((RAMP * 10**6).astype(np.int32), 2),
        ((RAMP - 500).astype(np.int32), 2),
        ((RAMP / 959).astype(np.float32), 3),
        ((RAMP * 1e-9 - 3e-7).astype(np.float32), 3),
        ((RAMP * 1e30).astype(np.float32), 3),
    ],
)
@pytest.mark.parametrize("order", "<>")
def test_greys_of_another_range_are_shown_by_their_own(values, kind, order):
    expected = np.round((values - values.min().astype(float)) / (values.max() - values.min().astype(float)) * 255)
    read = decode(tiff(values, kind, order), "x")
    assert read.shape == (24, 40, 3)
    assert np.abs(read - grey(expected)).max() <= 1
    assert (read.min(), read.max()) == (0, 255)


@pytest.mark.parametrize(("kind", "form"), [(1, np.uint16), (2, np.int32), (3, np.float32)])
@pytest.mark.parametrize(("low", "high"), [(0, 255), (100, 163), (0, 63)])
def test_eight_bits_in_more_stay_what_they_are(kind, form, low, high):
    values = (low + RAMP % (high - low + 1)).astype(form)
    np.testing.assert_array_equal(decode(tiff(values, kind), "x"), grey(values))


@pytest.mark.parametrize("value", [0, 1, 65535])
def test_greys_without_any_range_are_neither_black_nor_white(value):
    np.testing.assert_array_equal(decode(png16(np.full((2, 3), value, np.uint16)), "x"), np.full((2, 3, 3), 128))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_not_a_number_is_refused(value):
    values = np.linspace(0, 1, 12).astype(np.float32).reshape(3, 4)
    values[1, 1] = value
    with pytest.raises(InputError, match=r"cannot read x\.tif: some of its pixels are not finite numbers"):
        decode(tiff(values, 3), "x.tif")


@pytest.mark.parametrize(("kind", "channels"), [(2, 3), (4, 2), (6, 4)])
def test_colours_of_sixteen_bits_keep_their_high_bytes(kind, channels):
    values = np.random.default_rng(1).integers(0, 65536, (5, 7, channels)).astype(np.uint16)
    if channels in (2, 4):
        values[..., -1] = 65535
    colours = values[..., :3] if channels > 2 else values[..., :1].repeat(3, -1)
    np.testing.assert_array_equal(decode(png16(values, kind), "x"), colours // 256)


# Several pictures in one, names that lie, extreme sizes ---------------------------------------------------------------


@pytest.mark.parametrize("form", ["GIF", "WEBP", "PNG", "TIFF", "MPO"])
def test_of_several_frames_it_is_the_first(form):
    first, second = (Image.new("RGB", (16, 8), colour) for colour in ((250, 0, 0), (0, 250, 0)))
    options = {"lossless": True} if form == "WEBP" else {}
    read = decode(encoded(first, form, save_all=True, append_images=[second, second], **options), "x")
    assert read.shape == (8, 16, 3)
    assert np.abs(read.astype(int) - (250, 0, 0)).max() <= 3


def test_the_content_counts_and_not_the_name(tmp_path):
    (tmp_path / "really_png.jpg").write_bytes(encoded(noise()))
    file = ImageFile(tmp_path / "really_png.jpg")
    assert file.header() == Header((40, 24))
    np.testing.assert_array_equal(file.pixels(), noise())


@pytest.mark.parametrize("size", [(1, 1), (20_000, 10), (10, 20_000), (70_000, 1)])
def test_extreme_sizes_are_read_and_squashed(size):
    content = encoded(Image.new("RGB", size, (1, 2, 3)))
    read = decode(content, "x")
    assert read.shape == (size[1], size[0], 3)
    np.testing.assert_array_equal(squash(read, (96, 128)), np.broadcast_to((1, 2, 3), (96, 128, 3)))


# What is no picture ---------------------------------------------------------------------------------------------------


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


def test_a_picture_that_would_fill_the_memory_is_refused(tmp_path):
    header = struct.pack(">IIBBBBB", 60000, 60000, 8, 2, 0, 0, 0)
    real = png16(np.zeros((2, 2), np.uint16))
    bomb = real[:8] + chunk(b"IHDR", header) + real[33:]
    with pytest.raises(InputError, match="decompression bomb"):
        decode(bomb, "x")
    (tmp_path / "a.png").write_bytes(bomb)
    with pytest.raises(InputError, match="decompression bomb"):
        ImageFile(tmp_path / "a.png").header()


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


def test_the_beginning_of_a_file_a_slice_and_a_zip_member_is_that_of_their_content(tmp_path):
    path = tmp_path / "all"
    path.write_bytes(b"0123456789")
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        archive.write(path, "all")
    several = ImageFile(path), FileSlice(path, 0, 10, "a"), zip_members(tmp_path / "all.zip")["all"]
    assert [each.beginning(4) for each in several] == [b"0123"] * 3
    assert FileSlice(path, 3, 2, "a").beginning(4) == b"34"


def test_a_file_stands_upright_where_it_is_asked_to(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(encoded(noise(), exif=exif(6)))
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
