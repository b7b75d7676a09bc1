"""Pictures in Arrow files, as Hugging Face `datasets` saves them: mapped, and read where they lie."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import pyarrow as pa

from dogcam.core.errors import InputError, first_line
from dogcam.data.images import FileSlice, ImageFile, Stored


@dataclass(frozen=True)
class ArrowCell(Stored):
    """A picture in a row of an Arrow file, which is `size` bytes of the file at `path` from `offset`."""

    offset: int
    size: int
    column: str
    row: int
    upright: bool = False

    @property
    def name(self) -> str:
        """The file and the row."""
        return f"{self.path} row {self.row}"

    def content(self) -> bytes:
        """The encoded picture."""
        cell = table_of(self.path, self.offset, self.size)[self.column][self.row]
        content = cell["bytes"].as_py() if cell.is_valid else None
        if content is None:
            raise InputError(f"cannot read {self.name}: the row has no picture")
        return content


@lru_cache(maxsize=64)
def table_of(path: Path, offset: int, size: int) -> pa.Table:
    """The rows of an Arrow file, mapped.

    Raises:
        InputError: it cannot be read.
    """
    try:
        with pa.memory_map(str(path)) as file:
            file.seek(offset)
            return pa.ipc.open_stream(file.read_buffer(size)).read_all()
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"cannot read {path} as an Arrow file: {first_line(error)}; save the set again") from error


def span_of(file: Stored) -> tuple[Path, int, int]:
    """Where a file's bytes are: its path, its beginning and its size."""
    if isinstance(file, FileSlice):
        return file.path, file.offset, file.size
    if isinstance(file, ImageFile):
        return file.path, 0, os.stat(file.path).st_size
    raise InputError(f"{file.name} is in a .zip, where it cannot be mapped: unpack it, or pack the set as .tar")
