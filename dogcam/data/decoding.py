"""Encoded pictures: their headers, and their pixels as 8-bit RGB, or why there are none.

- Of several frames or pages (GIF, WebP, TIFF, MPO) it is the first.
- What is transparent is shown over white, as most viewers do: the colours hidden there are anything, mostly black.
- Greys of 16 or 32 bits or floating-point ones become 8 bits by the first of these that keeps `LEVELS` greys apart: as they
  are, where they lie in 0 to 255; their high byte, where they lie in 0 to 65535; else from black to white by the picture's
  own range, as of a camera of 12 bits in 16. A picture of one value is grey; one with NaN or infinity is refused.
"""

from __future__ import annotations

import io
import struct
import warnings
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
from PIL import ExifTags, Image

from dogcam.core.errors import InputError, first_line

# A picture is large, its EXIF tags are odd: what matters of it is an error. A filter for good, since decoding runs in
# threads, and `warnings.catch_warnings` is not safe in them.
warnings.filterwarnings("ignore", module=r"PIL\.")

LEVELS = 64  # greys that a rule of reading 8 bits out of more has to keep apart, of 256

_TURNED = (5, 6, 7, 8)  # EXIF orientations that exchange width and height
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_AS_STORED = {**_UPRIGHT, 6: Image.Transpose.ROTATE_90, 8: Image.Transpose.ROTATE_270}  # the others undo themselves
# Segments of a JPEG: tables, a comment, JFIF's and Adobe's own. EXIF and pictures of several are in others.
_WITHOUT_TAGS = (0xC4, 0xDB, 0xDD, 0xFE, 0xE0, 0xEE)


@dataclass(frozen=True, slots=True)
class Header:
    """What a picture's file says of it before its pixels are decoded.

    Attributes:
        size: width and height of the pixels as stored.
        orientation: EXIF's, 1 to 8; 1 is as stored.
    """

    size: tuple[int, int]
    orientation: int = 1

    @property
    def upright_size(self) -> tuple[int, int]:
        """Width and height once it is turned as EXIF says."""
        return self.size[::-1] if self.orientation in _TURNED else self.size


def simple_jpeg(beginning: bytes) -> Header | None:
    """The header of a JPEG that has no tags, in a quarter of Pillow's time: there may be a million; None for any other file."""
    place = 2
    while beginning.startswith(b"\xff\xd8\xff") and place + 9 <= len(beginning) and beginning[place] == 0xFF:
        kind, length, bits, height, width = struct.unpack_from(">xBHBHH", beginning, place)
        if 0xC0 <= kind <= 0xC2:  # the frame: baseline, extended or progressive
            return Header((width, height)) if bits == 8 and width and height else None
        if kind not in _WITHOUT_TAGS:
            return None
        place += 2 + length
    return None


def header_of(file: BinaryIO, name: str) -> Header:
    """What the file says of its picture. Raises `InputError` where it is none."""
    try:
        with Image.open(file) as image:
            orientation = _orientation(image, file)
            # Pillow says of a TIFF what it is once it is turned, and turns it itself; of all others what is stored.
            turned = image.format == "TIFF" and orientation in _TURNED
            return Header(image.size[::-1] if turned else image.size, orientation)
    # As in `decode`: whatever a decoder lets out of a file from elsewhere.
    except Exception as error:
        raise InputError(f"cannot read {name}: {_decoders_reason(error)}") from error


def _orientation(image: Image.Image, file: BinaryIO) -> int:
    """EXIF's, 1 where there is none or it makes no sense: no picture is refused for that."""
    try:
        if image.format == "PNG" and "exif" not in image.info and (tags := _exif_of_png(file)):
            image.info["exif"] = tags
        # Not a PNG's own method, which decodes all pixels to see whether tags follow them.
        orientation = Image.Image.getexif(image).get(ExifTags.Base.Orientation, 1)
        return int(orientation) if orientation in range(1, 9) else 1
    except Exception:
        return 1


def _exif_of_png(file: BinaryIO) -> bytes:
    """The content of a PNG's eXIf chunk, which may follow its pixels; b"" where it has none."""
    place = file.tell()
    try:
        file.seek(8)
        while len(start := file.read(8)) == 8:
            length, kind = struct.unpack(">I4s", start)
            if kind == b"eXIf":
                return file.read(length)
            file.seek(length + 4, io.SEEK_CUR)
        return b""
    finally:
        file.seek(place)


def decode(content: bytes, name: str, upright: bool = False) -> np.ndarray:
    """The encoded picture `content` as uint8 (h, w, 3) RGB; `name` is for the error.

    Pillow rather than OpenCV: it refuses a truncated file, which OpenCV fills with grey.

    Raises:
        InputError: not a picture, a truncated one, or one that Pillow stumbles over.
    """
    try:
        file = io.BytesIO(content)
        with Image.open(file) as image:
            orientation = _orientation(image, file)
            image.load()
            already = image.format == "TIFF"  # see `_header`
            turn = None if upright == already else (_UPRIGHT if upright else _AS_STORED).get(orientation)
            return _eight_bits(image if turn is None else image.transpose(turn))
    # Decoders of any format run here, on files from elsewhere: they let out struct.error, TypeError, whatever happens.
    except Exception as error:
        raise InputError(f"cannot read {name}: {_decoders_reason(error)}") from error


def checked(content: bytes, name: str) -> Header:
    """The header of the encoded picture `content`, once its pixels have been seen to be readable.

    A JPEG is decoded at an eighth of its size, which finds what is broken in it in a fraction of the time.

    Raises:
        InputError: what `decode` raises of it.
    """
    try:
        header = header_of(io.BytesIO(content), name)
        with Image.open(io.BytesIO(content)) as image:
            image.draft(None, (max(1, image.width // 8), max(1, image.height // 8)))
            _eight_bits(image)
        return header
    except InputError:
        raise
    except Exception as error:  # as in `decode`
        raise InputError(f"cannot read {name}: {_decoders_reason(error)}") from error


def _decoders_reason(error: Exception) -> str:
    if isinstance(error, Image.UnidentifiedImageError):
        return "not a picture"
    if isinstance(error, OSError | SyntaxError | ValueError | Image.DecompressionBombError):
        return first_line(error)
    return f"broken, or of a kind that Pillow does not know ({type(error).__name__}: {first_line(error)})"


def _eight_bits(image: Image.Image) -> np.ndarray:
    """The picture's pixels as RGB. Pillow's own conversion of greys of more than 8 bits cuts them off at 255: all white."""
    if image.mode.startswith(("I", "F")):
        return np.stack([_greys(np.asarray(image))] * 3, axis=-1)
    if image.has_transparency_data:
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image.convert("RGBA"))
    return np.asarray(image.convert("RGB"))


def _greys(values: np.ndarray) -> np.ndarray:
    """Greys of any range as uint8, by the rule that stands at the top."""
    low, high = float(values.min()), float(values.max())
    if not np.isfinite(high - low):
        raise ValueError("some of its pixels are not finite numbers (NaN or infinity); save it with 8 bits for each colour")
    for step in (1, 256):
        if low >= 0 and high < 256 * step and high - low >= (LEVELS - 1) * step:
            return (values // step).astype(np.uint8)
    if high == low:
        return np.full(values.shape, 128, np.uint8)
    return np.round((values.astype(np.float64) - low) / (high - low) * 255).astype(np.uint8)
