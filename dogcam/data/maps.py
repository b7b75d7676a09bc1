"""Heatmaps in files, one a picture: somebody else's read, ours written, in the layout of Choe et al. 2020.

DIR/<picture>.npy             one method, called as the folder is
DIR/<method>/<picture>.npy    a method a subfolder
DIR/<method>.npz              or one archive of arrays, one for each picture

<picture> is the picture's path in the dataset ("val2/0/0.jpeg", as their --scoremap_root has it), with or without its suffix, as
much of the path's end as no other picture has, or its id; of a row of a class "<picture>#<class>". In place of .npy there may be
.npz or a grey .png of 8 or 16 bits.

A file of ours holds two arrays, one after the other. The first, all that `numpy.load` of a path reads, is what their evaluator
wants: float64, 224 x 224, enlarged by cubic interpolation and normalised to 0..1. The second is the raw map, which every protocol
can be applied to, and which `read` prefers.
"""

from __future__ import annotations

import io
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote

import numpy as np
from PIL import Image

from dogcam.boxes.drawing import prepare
from dogcam.boxes.protocols import PROTOCOLS
from dogcam.core.errors import InputError, first_line
from dogcam.core.files import readable, written_whole
from dogcam.data import Record
from dogcam.data.images import ImageFile, Stored
from dogcam.data.trees import Tree, open_tree

SUFFIXES = (".npy", ".npz", ".png")  # of two files of one map the first of these counts
_MAGIC = b"\x93NUMPY"
_LEVELS = {"1": 255, "L": 255, "I;16": 65535, "I;16B": 65535, "I": 65535}  # the highest value, by Pillow's mode of a PNG


@dataclass(frozen=True)
class MapFile:
    """Where a map is: a file, or an array in an archive of many."""

    file: Stored
    path: str
    member: str = ""

    @property
    def name(self) -> str:
        """What it is called in messages."""
        return f"{self.path}: {self.member}" if self.member else self.path

    def read(self) -> np.ndarray:
        """The raw map (h, w): float64 where it is kept with more than 24 bits, else float32; of a PNG from 0 to 1.

        Raises:
            InputError: it cannot be read, or it is no map: not two-dimensional, not real numbers, not finite, or coloured.
        """
        try:
            return _checked(self._array())
        # NumPy and Pillow read files from elsewhere: they let out zlib.error, struct.error, MemoryError, whatever happens.
        except Exception as error:
            raise InputError(f"cannot read {self.name}: {first_line(error)}") from error

    def _array(self) -> np.ndarray:
        if self.member:
            return _archive(self.file)[self.member]
        suffix = PurePosixPath(self.path).suffix.lower()
        content = self.file.content()
        return _READERS[suffix](io.BytesIO(content))


def _from_npy(file: io.BytesIO) -> np.ndarray:
    """The array of a .npy file; of two, one after the other, the second: the raw one, see above."""
    first = np.load(file, allow_pickle=False)
    place = file.tell()
    if file.read(len(_MAGIC)) != _MAGIC:
        return first
    file.seek(place)
    return np.load(file, allow_pickle=False)


def _from_npz(file: io.BytesIO) -> np.ndarray:
    with np.load(file, allow_pickle=False) as packed:
        if len(packed.files) != 1:
            raise ValueError(f"one map was expected, and it holds {len(packed.files)} arrays")
        return packed[packed.files[0]]


def _from_png(file: io.BytesIO) -> np.ndarray:
    with Image.open(file, formats=["PNG"]) as image:
        if image.mode not in _LEVELS:
            raise ValueError(
                f"a picture of colours ({image.mode}), which are not values: save the map itself as .npy, or as a grey PNG"
            )
        values = np.asarray(image.convert("L") if image.mode == "1" else image)
        return values.astype(np.float32) / np.float32(_LEVELS[image.mode])


_READERS = {".npy": _from_npy, ".npz": _from_npz, ".png": _from_png}


def _checked(array: np.ndarray) -> np.ndarray:
    """The array as a map (h, w).

    Raises:
        ValueError: it is none.
    """
    if array.dtype.kind not in "fiub":
        raise ValueError(f"a map is an array of real numbers; this one is of {array.dtype}")
    flat = (
        array[0] if array.ndim == 3 and len(array) == 1 else array[..., 0] if array.ndim == 3 and array.shape[2] == 1 else array
    )
    if flat.ndim != 2 or not flat.size:
        raise ValueError(f"a map is an array (height, width); this one is {array.shape}")
    if not np.isfinite(flat).all():
        raise ValueError(f"{int((~np.isfinite(flat)).sum())} of its values are NaN or infinite")
    exact = np.can_cast(flat.dtype, np.float32)
    return np.ascontiguousarray(flat, np.float32 if exact else np.float64)


@lru_cache(maxsize=8)
def _archive(file: Stored) -> Any:
    """An archive of arrays; it stays open, since one is asked for many maps.

    Raises:
        ValueError: it is none.
    """
    packed = np.load(file.path if isinstance(file, ImageFile) else io.BytesIO(file.content()), allow_pickle=False)
    if not isinstance(packed, np.lib.npyio.NpzFile):
        raise ValueError("it is no archive of arrays")
    return packed


@dataclass(frozen=True, eq=False)
class GivenMaps:
    """What a folder of maps holds.

    Attributes:
        place: the folder.
        methods: by method, in the order of their names, where the map of each record is, by the record's id.
        extra: names of files that belong to no picture.
        passed_over: names of files that are a second one of a map.
    """

    place: Path
    methods: Mapping[str, Mapping[str, MapFile]]
    extra: tuple[str, ...]
    passed_over: tuple[str, ...]


def find_maps(place: Path, records: Iterable[Record]) -> GivenMaps:
    """The maps of records in a folder (or an archive of one).

    A subfolder is a method's where leaving its name out makes the names of pictures; where its name is part of these it is not.

    Raises:
        InputError: there is no such folder, or no map of any of the records in it.
    """
    _archive.cache_clear()  # an archive that is kept open may have been written anew since
    tree, records = open_tree(place), tuple(records)
    names, own = _by_name(records), readable(place.resolve().name)
    methods: dict[str, dict[str, MapFile]] = {}
    extra, passed_over = [], []
    files = list(_files(tree, names))
    within = _within_ids([name for name, _ in files], names)
    for name, file in files:
        first, slash, rest = name.partition("/")
        method, rest = (own, name) if not slash or first in within else (readable(first), rest)
        identity = names.get(rest)
        if identity is None:
            extra.append(file.name)
        elif methods.setdefault(method, {}).setdefault(identity, file) is not file:
            passed_over.append(file.name)
    if not methods:
        raise InputError(_nothing(place, tree, records, extra))
    ordered = {method: methods[method] for method in sorted(methods)}
    return GivenMaps(place, ordered, tuple(extra), tuple(passed_over))


def _nothing(place: Path, tree: Tree, records: tuple[Record, ...], extra: list[str]) -> str:
    wanted = name_of(records[0]) if records else "<picture>"
    there = f"there is {extra[0]}" if extra else f"among its {len(tree.files)} files is no {', '.join(SUFFIXES)}"
    return f"{place} holds no map of any of the {len(records)} pictures: one would be called {wanted}.npy, and {there}"


def _files(tree: Tree, names: Mapping[str, str]) -> Iterator[tuple[str, MapFile]]:
    """(name without suffix, file) of all maps, those of the same name by `SUFFIXES`; of an archive of many all its arrays."""
    order = {suffix: place for place, suffix in enumerate(SUFFIXES)}
    suffixes = {path: PurePosixPath(path).suffix for path in tree.files}
    paths = [(path[: -len(each)], each.lower(), path) for path, each in suffixes.items() if each.lower() in order]
    for name, suffix, path in sorted(paths, key=lambda each: (order[each[1]], each[0])):
        file, (folder, _, rest) = tree.files[path], name.partition("/")
        if suffix != ".npz" or name in names or rest in names:
            yield name, MapFile(file, path)
            continue
        for member in _members(file):
            yield f"{folder}/{member}", MapFile(file, path, member)


def _members(file: Stored) -> list[str]:
    """The names of an archive's arrays; none where it is broken: that it belongs to no picture is said."""
    try:
        return list(_archive(file).files)
    except (ValueError, OSError, EOFError, NotImplementedError, zipfile.BadZipFile, InputError):
        return [file.name]


def _within_ids(paths: Iterable[str], names: Mapping[str, str]) -> set[str]:
    """The subfolders whose names are part of pictures' names."""
    whole, rest = Counter[str](), Counter[str]()
    for name in paths:
        first, slash, after = name.partition("/")
        if slash:
            whole[first] += name in names
            rest[first] += after in names
    return {folder for folder, count in whole.items() if count and count >= rest[folder]}


def name_of(record: Record) -> str:
    """What its map is called, without suffix: its picture's path in the dataset, with the class of a row of one; else its id."""
    return record.path + record.id.removeprefix(record.picture) if record.path else record.id


def _by_name(records: Iterable[Record]) -> dict[str, str]:
    """The id of the one record that a name means; what several might mean is not in it."""
    records, ids = tuple(records), {}
    for of in (lambda record: [record.id], lambda record: [name_of(record)], _ends):
        pairs = [(name, record.id) for record in records for name in dict.fromkeys(of(record)) if name not in ids]
        times = Counter(name for name, _ in pairs)
        ids |= {name: identity for name, identity in pairs if times[name] == 1}
    return ids


def _ends(record: Record) -> list[str]:
    """The ends of a picture's path, the longest first, each with and without its suffix."""
    parts, of_class = PurePosixPath(record.path).parts, record.id.removeprefix(record.picture)
    ends = [PurePosixPath(*parts[place:]) for place in range(len(parts))]
    return [f"{name}{of_class}" for end in ends for name in (end, end.with_suffix(""))]


def map_path(folder: Path, method: str, record: Record) -> Path:
    """Where the map of a record is written; no name leads out of the folder."""
    parts = [part.replace(".", "%2E") if part in (".", "..") else part for part in name_of(record).split("/") if part]
    return folder.joinpath(quote(method, safe="+-.@(), "), *parts[:-1], f"{parts[-1]}.npy")


def write_map(path: Path, raw: np.ndarray) -> None:
    """Write a raw map (h, w) as this file's beginning says; it is there as a whole or not at all."""
    prepared = prepare(raw, PROTOCOLS["wsol-v1"], raw.shape, np.float64)
    with written_whole(path) as temporary, temporary.open("wb") as file:
        np.save(file, prepared, allow_pickle=False)
        np.save(file, np.asarray(raw, np.float32), allow_pickle=False)
