"""Pictures as they are stored: in files of their own or inside of archives, decoded into 8-bit RGB or refused by name."""

from __future__ import annotations

import io
import warnings
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import ExifTags, Image, ImageOps

from dogcam.core.errors import InputError, first_line

SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".jfif"}

# A picture is large, its EXIF tags are odd: what matters of it is an error. A filter for good, since decoding runs in
# threads, and `warnings.catch_warnings` is not safe in them.
warnings.filterwarnings("ignore", module=r"PIL\.")

_TURNED = (5, 6, 7, 8)  # EXIF orientations that exchange width and height


@dataclass(frozen=True)
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


@dataclass(frozen=True)
class Stored:
    """A picture somewhere on disk. `upright` turns it as its EXIF tag says; else its pixels are taken as stored."""

    path: Path

    @property
    def name(self) -> str:
        """What it is called in messages."""
        return str(self.path)

    def content(self) -> bytes:
        """Its bytes. Raises `InputError` where they cannot be read."""
        raise NotImplementedError

    def pixels(self) -> np.ndarray:
        """The picture, see `data.Picture`."""
        return decode(self.content(), self.name, getattr(self, "upright", False))

    def header(self) -> Header:
        """Its size and orientation, without decoding it. Raises `InputError` where it is no picture."""
        return _header(io.BytesIO(self.content()), self.name)


@dataclass(frozen=True)
class ImageFile(Stored):
    """A picture in its own file."""

    upright: bool = False

    def content(self) -> bytes:
        """The file's bytes."""
        try:
            return self.path.read_bytes()
        except OSError as error:
            raise InputError(f"cannot read {self.path}: {error.strerror}") from error

    def header(self) -> Header:
        """Its size and orientation, from the beginning of the file."""
        try:
            with self.path.open("rb") as file:
                return _header(file, self.name)
        except OSError as error:
            raise InputError(f"cannot read {self.path}: {error.strerror}") from error


@dataclass(frozen=True)
class FileSlice(Stored):
    """A file that is `size` bytes of a larger one, from `offset`: a member of a tar archive, read where it lies."""

    offset: int
    size: int
    member: str
    upright: bool = False

    @property
    def name(self) -> str:
        """The member's path in the archive."""
        return self.member

    def content(self) -> bytes:
        """The member's bytes."""
        try:
            with self.path.open("rb") as file:
                file.seek(self.offset)
                return file.read(self.size)
        except OSError as error:
            raise InputError(f"cannot read {self.name} in {self.path}: {error.strerror}") from error


@dataclass(frozen=True)
class ZipMember(Stored):
    """A member of a zip archive, read where it lies."""

    member: str
    upright: bool = False

    @property
    def name(self) -> str:
        """The member's path in the archive."""
        return self.member

    def content(self) -> bytes:
        """The member's bytes, unpacked and checked against the archive's sum."""
        try:
            with zipfile.ZipFile(self.path) as archive:
                return archive.read(self.member)
        # A broken or encrypted member: zipfile lets out RuntimeError, zlib.error, NotImplementedError, ...
        except Exception as error:
            raise InputError(f"cannot read {self.name} in {self.path}: {first_line(error)}") from error


def _header(file: BinaryIO, name: str) -> Header:
    try:
        with Image.open(file) as image:
            orientation = image.getexif().get(ExifTags.Base.Orientation, 1)
            return Header(image.size, orientation if orientation in range(1, 9) else 1)
    # As in `decode`: whatever a decoder lets out of a file from elsewhere.
    except Exception as error:
        raise InputError(f"cannot read {name}: {_decoders_reason(error)}") from error


def decode(content: bytes, name: str, upright: bool = False) -> np.ndarray:
    """The encoded picture `content` as uint8 (h, w, 3) RGB; `name` is for the error.

    Pillow rather than OpenCV: it refuses a truncated file, which OpenCV fills with grey.

    Raises:
        InputError: not a picture, a truncated one, or one that Pillow stumbles over.
    """
    try:
        with Image.open(io.BytesIO(content)) as image:
            turned = ImageOps.exif_transpose(image) if upright else image
            return _eight_bits(turned)
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
        header = _header(io.BytesIO(content), name)
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
    """The picture's pixels as RGB. Pillow's own conversion of 16-bit greys cuts them off at 255: all white."""
    if image.mode == "F":
        raise ValueError("its pixels are floating-point numbers; save it with 8 bits for each colour")
    if not image.mode.startswith("I"):
        # A palette with transparencies goes by way of RGBA, since Pillow warns of the direct one.
        clear = isinstance(image.info.get("transparency"), bytes)
        return np.asarray((image.convert("RGBA") if clear else image).convert("RGB"))
    grey = np.clip(np.asarray(image) >> 8, 0, 255).astype(np.uint8)
    return np.stack([grey] * 3, axis=-1)
