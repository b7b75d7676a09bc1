"""Records, problems and pictures: what every source of data hands over."""

from __future__ import annotations

import io
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dogcam.core.errors import InputError, UnknownName
from dogcam.core.registry import resolve
from dogcam.data import (
    DATASETS,
    Dataset,
    FileSlice,
    ImageFile,
    Origin,
    Problem,
    Record,
    Source,
    boxes_beside,
    decode,
    open_dataset,
    reason_of,
    short_names,
    source_of,
    usable_boxes,
)

SOME = ImageFile(Path("some.png"))


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
        "import sys; from PIL import Image; from dogcam.data import ImageFile, Path\n"
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


def test_usable_boxes_are_kept_in_order_and_cut():
    boxes, problems = usable_boxes("a", [[0.5, 0.25, 1.5, 0.75], [-1, -1, 2, 2], [0.25, 0.5, 0.5, 1]], "test")
    assert boxes.tolist() == [[0.5, 0.25, 1, 0.75], [0, 0, 1, 1], [0.25, 0.5, 0.5, 1]]
    assert boxes.dtype == np.float32
    assert [(problem.id, problem.split, problem.lost) for problem in problems] == [("a", "test", False)] * 2
    said = "box (0.500, 0.250, 1.500, 0.750), relative to the picture, reaches outside the picture and was cut"
    assert problems[0].reason == said


@pytest.mark.parametrize("side", range(4))
@pytest.mark.parametrize(("beyond", "named"), [(0, 0), (0.001, 0), (0.056, 0), (0.0999, 0), (0.101, 1), (21, 1)])
def test_a_small_overhang_is_cut_in_silence_and_a_large_one_is_named(side, beyond, named):
    """A tenth of the side is tolerated (official boxes reach out by 0.056); a slip such as xmax=9332 on 425 pixels is not."""
    box = np.array([0, 0, 1, 1], np.float64)
    box[side] += -beyond if side < 2 else beyond
    boxes, problems = usable_boxes("a", [box], "train")
    assert boxes.tolist() == [[0, 0, 1, 1]]
    assert len(problems) == named


@pytest.mark.parametrize(
    "box",
    [
        [1, 0, 1.5, 1],  # begins where the picture ends
        [0, -2, 1, 0],
        [0.5, 0.5, 0.5, 0.75],
        [0.75, 0.5, 0.5, 0.75],
        [0, 0, np.nan, 1],
        [0, 0, np.inf, 1],
    ],
)
def test_a_box_that_leaves_nothing_is_a_problem_of_its_own(box):
    boxes, problems = usable_boxes("a", [box, [0, 0, 1, 0.5], box], "test")
    assert boxes.tolist() == [[0, 0, 1, 0.5]]
    assert [(problem.id, problem.split, problem.lost) for problem in problems] == [("a", "test", False)] * 2
    assert all("is empty or outside it" in problem.reason for problem in problems)


def test_no_box_at_all_is_a_problem():
    boxes, problems = usable_boxes("a", np.zeros((0, 4)), "train")
    assert boxes.shape == (0, 4)
    assert problems == [Problem("a", "no annotated box", "train", lost=False)]


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


@pytest.mark.parametrize("name", DATASETS)
def test_every_source_can_be_opened_by_what_it_names(name):
    source, argument = source_of(f"{name}:a:b/c")
    assert callable(resolve(source.opener))
    assert not source.beside or resolve(source.beside)(Path("/nowhere/a.jpg")) is None
    assert argument == "a:b/c"
    assert source_of(name) == (source, "")
    assert source.description


@pytest.mark.parametrize(("name", "near"), [("stanford_dog", "stanford_dogs"), ("sintetic:3", "synthetic")])
def test_an_unknown_source_is_told_the_nearest(name, near):
    with pytest.raises(UnknownName, match=rf"unknown dataset '{name.partition(':')[0]}'; .*{near}"):
        open_dataset(name)


def test_a_name_like_no_other_is_told_all():
    with pytest.raises(UnknownName) as caught:
        source_of("qqq")
    assert all(name in str(caught.value) for name in DATASETS)


def test_a_format_of_its_own_row_finds_the_boxes_of_single_pictures(monkeypatch):
    """No command has to know of it: the first format that knows the picture gives the boxes."""
    monkeypatch.setitem(DATASETS._entries, "mine", Source("unused", "for a test", beside=f"{__name__}:_halves"))
    boxes, problems = boxes_beside(Path("/mine/a.jpg"))
    assert (boxes.tolist(), problems) == ([[0, 0, 0.5, 1]], [])
    assert boxes_beside(Path("/other/a.jpg")) is None


def _halves(image):
    return (np.array([[0, 0, 0.5, 1]]), []) if image.parent.name == "mine" else None
