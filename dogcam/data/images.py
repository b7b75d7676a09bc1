"""Pictures as they are stored: in files of their own, or inside of archives, read where they lie."""

from __future__ import annotations

import contextlib
import io
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dogcam.core.errors import InputError, first_line
from dogcam.data.decoding import Header, decode, header_of, simple_jpeg

SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".jfif"}

# So much of a JPEG file nearly always says its size; of one in an archive no more is read for it.
_BEGINNING = 1 << 16


def printable(path: str) -> str:
    """A path as it can be shown and kept: what of it is not UTF-8 as backslashes and digits."""
    return path.encode("utf-8", "backslashreplace").decode()


def stem_of(path: str, *suffixes: str) -> str:
    """A file's name without its folder, and without the suffix of a picture or one of `suffixes`: "a.b" of "x/a.b.jpg"."""
    name = path.replace("\\", "/").rpartition("/")[2]
    stem, dot, end = name.rpartition(".")
    end = f"{dot}{end}".lower()
    return stem if stem and (end in SUFFIXES or end in suffixes) else name


@contextlib.contextmanager
def _reading(name: str) -> Iterator[None]:
    """Whatever stands in the way of a file's bytes as an `InputError`; ValueError is a path that holds a NUL."""
    try:
        yield
    except (OSError, ValueError, struct.error, zlib.error) as error:
        reason = getattr(error, "strerror", None) or first_line(error)
        raise InputError(f"cannot read {name}: {reason}") from error


@dataclass(frozen=True, slots=True)
class Stored:
    """A picture somewhere on disk. `upright` turns it as its EXIF tag says; else its pixels are taken as stored."""

    path: str | Path

    @property
    def name(self) -> str:
        """What it is called in messages."""
        return printable(str(self.path))

    def content(self) -> bytes:
        """Its bytes. Raises `InputError` where they cannot be read."""
        raise NotImplementedError

    def beginning(self, count: int) -> bytes:
        """Its first `count` bytes: enough to tell what a file is. Raises `InputError` where they cannot be read."""
        return self.content()[:count]

    def pixels(self) -> np.ndarray:
        """The picture, see `data.Picture`."""
        return decode(self.content(), self.name, getattr(self, "upright", False))

    def header(self) -> Header:
        """Its size and orientation, without decoding it. Raises `InputError` where it is no picture."""
        beginning = self.beginning(_BEGINNING)
        if simple := simple_jpeg(beginning):
            return simple
        if beginning.startswith(b"\xff\xd8"):
            with contextlib.suppress(InputError):  # what says its size may be farther on
                return header_of(io.BytesIO(beginning), self.name)
        return header_of(io.BytesIO(self.content()), self.name)


@dataclass(frozen=True, slots=True)
class ImageFile(Stored):
    """A picture in its own file."""

    upright: bool = False

    def content(self) -> bytes:
        """The file's bytes."""
        with _reading(self.name):
            return Path(self.path).read_bytes()

    def beginning(self, count: int) -> bytes:
        """The file's first bytes; the rest is not read."""
        with _reading(self.name), open(self.path, "rb") as file:
            return file.read(count)

    def header(self) -> Header:
        """Its size and orientation, from the beginning of the file."""
        with _reading(self.name), open(self.path, "rb") as file:
            if simple := simple_jpeg(file.read(1 << 12)):
                return simple
            file.seek(0)
            return header_of(file, self.name)


@dataclass(frozen=True, slots=True)
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
        return self._read(self.size)

    def beginning(self, count: int) -> bytes:
        """Its first bytes."""
        return self._read(min(self.size, count))

    def _read(self, count: int) -> bytes:
        with _reading(_within(self)), open(self.path, "rb") as file:
            file.seek(self.offset)
            return file.read(count)


@dataclass(frozen=True, slots=True)
class ZipMember(Stored):
    """A member of a zip archive, read where it lies: its bytes alone are touched, not the archive's list of members.

    Attributes:
        member: its path in the archive.
        offset: of its own header in the archive.
        packed: how many bytes it takes there.
        size: how many it has.
        sum: their CRC-32.
        deflated: whether they are compressed.
        refusal: why it cannot be read whatever its bytes are, such as encryption; "" where it can.
    """

    member: str
    offset: int
    packed: int
    size: int
    sum: int
    deflated: bool
    refusal: str = ""
    upright: bool = False

    @property
    def name(self) -> str:
        """The member's path in the archive."""
        return self.member

    def content(self) -> bytes:
        """The member's bytes, unpacked and checked against the archive's sum."""
        content = self._unpacked(self.packed, self.size)
        if len(content) != self.size or zlib.crc32(content) != self.sum:
            raise InputError(f"cannot read {_within(self)}: it is damaged: its bytes do not add up to its sum")
        return content

    def beginning(self, count: int) -> bytes:
        """Its first bytes, unchecked."""
        # What cannot be made smaller takes a few bytes more when it is deflated.
        return self._unpacked(min(self.packed, count + 1024), min(self.size, count))

    def _unpacked(self, packed: int, size: int) -> bytes:
        """At most `size` of its bytes, from `packed` of those in the archive."""
        if self.refusal:
            raise InputError(f"cannot read {_within(self)}: {self.refusal}")
        with _reading(_within(self)), open(self.path, "rb") as file:
            file.seek(self.offset)
            # The header of a member ends with the lengths of its name and of more fields, which follow it.
            name, more = struct.unpack("<26x2H", file.read(30))
            file.seek(name + more, io.SEEK_CUR)
            content = file.read(packed)
            return zlib.decompressobj(-zlib.MAX_WBITS).decompress(content, size) if self.deflated and size else content[:size]


def _within(member: Stored) -> str:
    """What a member of an archive is called in messages that name the archive too."""
    return f"{member.name} in {printable(str(member.path))}"
