"""The files of a folder or of an archive (.tar, .zip), by their relative paths: read where they lie, nothing unpacked."""

from __future__ import annotations

import os
import posixpath
import re
import unicodedata
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path, PurePosixPath

from dogcam.core.errors import InputError
from dogcam.data import Problem
from dogcam.data.archives import PACKED, tar_members, zip_members
from dogcam.data.images import SUFFIXES, ImageFile, Stored, printable, stem_of

# What systems leave beside people's files.
_CLUTTER = ("__MACOSX", ".DS_Store", "Thumbs.db", "desktop.ini")


@dataclass(frozen=True, eq=False)
class Tree:
    """The files below one place.

    Attributes:
        place: the folder or archive.
        files: by path relative to it, with slashes and composed letters, in order.
        refused: files that are there and are not to be touched, such as links out of the folder.
    """

    place: Path
    files: Mapping[str, Stored]
    refused: tuple[Problem, ...] = ()

    @cached_property
    def pictures(self) -> tuple[str, ...]:
        """The paths that have a picture's suffix."""
        return tuple(path for path in self.files if PurePosixPath(path).suffix.lower() in SUFFIXES)

    @cached_property
    def folders(self) -> frozenset[str]:
        """The paths of all folders that hold a file, at any depth; "" is the place itself."""
        return frozenset(parent for path in self.files for parent in _parents(path))

    @cached_property
    def _sorted(self) -> list[str]:
        return sorted(self.files)

    @cached_property
    def _by_name(self) -> dict[str, list[str]]:
        return self._named(lambda name: name)

    @cached_property
    def _by_folded(self) -> dict[str, list[str]]:
        return self._named(str.casefold)

    @cached_property
    def _folded_paths(self) -> dict[str, list[str]]:
        alike: dict[str, list[str]] = {}
        for path in self.files:
            alike.setdefault(path.casefold(), []).append(path)
        return alike

    @cached_property
    def by_stem(self) -> dict[str, list[str]]:
        """The paths of pictures by their names without folder and suffix, see `stem_of`."""
        return self._named(stem_of)

    def _named(self, key: Callable[[str], str]) -> dict[str, list[str]]:
        paths: dict[str, list[str]] = {}
        for path in self.pictures:
            paths.setdefault(key(path.rpartition("/")[2]), []).append(path)
        return paths

    def find(self, path: str) -> str | None:
        """The file at `path`, or the only one there whose path differs in capital letters alone, such as .JPG for .jpg."""
        if path in self.files:
            return path
        alike = self._folded_paths.get(path.casefold(), [])
        return alike[0] if len(alike) == 1 else None

    def under(self, folder: str, *suffixes: str) -> list[str]:
        """The paths of the files below `folder`, sorted, those with one of `suffixes` where some are named."""
        paths = self._sorted
        if folder:  # "0" comes next after "/"
            paths = paths[bisect_left(paths, f"{folder}/") : bisect_left(paths, f"{folder}0")]
        return [path for path in paths if not suffixes or path.lower().endswith(suffixes)]

    def bases(self, first: str, second: str) -> list[str]:
        """The folders that hold both of two files, with a slash behind them; "" is the place itself."""
        folders = (path.removesuffix(first) for path in self.files if PurePosixPath(path).name == first)
        return [folder for folder in folders if f"{folder}{second}" in self.files]

    def content(self, path: str) -> bytes:
        """A file's bytes.

        Raises:
            InputError: it is not there or cannot be read.
        """
        if path not in self.files:
            raise InputError(f"there is no {path} in {self.place}")
        return self.files[path].content()

    def text(self, path: str) -> str:
        """A text file, UTF-8 with or without a byte-order mark; bytes that are neither are read as Latin-1.

        Raises:
            InputError: it is not there or cannot be read.
        """
        return composed(decoded(self.content(path)))

    def lines(self, path: str) -> list[str]:
        """The lines of a text file that say something, without spaces around them; however they end.

        Raises:
            InputError: it is not there or cannot be read.
        """
        # Not `splitlines`, which also parts a line at what may stand in a name.
        return [line.strip() for line in re.split(r"[\r\n]+", self.text(path)) if line.strip()]

    def picture(self, name: str, *near: str) -> str | None:
        """The path of the picture that an annotation calls `name`, None where there is none, or several and none is nearer.

        Args:
            name: a path or a file's name, as an annotation has it; of a path that is nowhere, the end is what counts, and
                where no name is the same, one that differs from it in capital letters alone.
            near: folders to look into first, in order.
        """
        wanted = composed(name.replace("\\", "/"))
        for folder in (*near, ""):
            direct = posixpath.normpath(f"{folder}/{wanted}" if folder else wanted)
            if direct in self.files:
                return direct
        last = wanted.rpartition("/")[2]
        candidates = self._by_name.get(last) or self._by_folded.get(last.casefold(), [])
        if len(candidates) <= 1:
            return candidates[0] if candidates else None
        shared = [_shared_end(path, wanted) for path in candidates]
        best = [path for path, length in zip(candidates, shared, strict=True) if length == max(shared)]
        inside = [path for folder in near for path in best if path.startswith(f"{folder}/")]
        return (inside or best)[0] if len(inside or best) == 1 else None


@dataclass(frozen=True, eq=False)
class Place:
    """What `--dataset` names: a tree, and the annotation file in it that was named, "" where the whole place was.

    Attributes:
        tree: of the folder or archive.
        file: path of that file in the tree.
        pictures: where the pictures are, if `--data-dir` says so; else the tree.
    """

    tree: Tree
    file: str = ""
    pictures: Tree = field(default=None)  # type: ignore[assignment]

    def __post_init__(self) -> None:
        if self.pictures is None:
            object.__setattr__(self, "pictures", self.tree)


def open_tree(place: Path) -> Tree:
    """The files of a folder, or of a .tar or .zip archive.

    Raises:
        InputError: there is nothing, it is packed so that its members cannot be read where they lie, or it is damaged.
    """
    if place.is_dir():
        return _folder(place)
    if not place.exists():
        raise InputError(f"there is no file or folder {str(place)!r}")
    if place.name.lower().endswith(PACKED):
        raise InputError(
            f"{place} is compressed as a whole: unpack it, or pack it as .tar or .zip, which are read where they lie"
        )
    refused: list[Problem] = []
    files = zip_members(place) if place.suffix.lower() == ".zip" else tar_members(place, refused)
    kept = {path: file for path, file in files.items() if not _is_clutter(path)}
    outside = [path for path in kept if leads_out(path)]
    refused += [Problem(path, "its name leads out of the archive", kind="leads-out") for path in outside]
    safe = {path: kept[path] for path in sorted(kept.keys() - set(outside))}
    return Tree(place, _composed(_without_common_folder(safe)), tuple(refused))


def _without_common_folder(files: dict[str, Stored]) -> dict[str, Stored]:
    """Paths without the one folder that most archives begin with."""
    first = {path.partition("/")[0] for path in files}
    if len(first) != 1 or any("/" not in path for path in files):
        return files
    start = f"{first.pop()}/"
    return {path.removeprefix(start): file for path, file in files.items()}


def composed(text: str) -> str:
    """Letters with their accents as one character: macOS takes "ä" apart in the names of files, and annotations do not."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def _composed(files: dict[str, Stored]) -> dict[str, Stored]:
    """Files by their composed paths; all as they are where two would be one."""
    found = {composed(path): file for path, file in files.items()}
    return found if len(found) == len(files) else files


def _folder(place: Path) -> Tree:
    files: dict[str, Stored] = {}
    refused: list[Problem] = []
    start = len(os.path.join(place, ""))
    for entry in _walk(str(place), start, refused):
        path = printable(entry.path[start:].replace(os.sep, "/"))
        if entry.is_symlink() and (problem := _refused_link(entry, path, place)):
            refused.append(problem)
        elif entry.is_file():
            files[path] = ImageFile(entry.path)
    return Tree(place, _composed({path: files[path] for path in sorted(files)}), tuple(refused))


def _refused_link(entry: os.DirEntry[str], path: str, place: Path) -> Problem | None:
    """What speaks against following a symbolic link; None where it leads to a file inside of `place`."""
    target = os.path.realpath(entry.path)
    if not Path(target).is_relative_to(os.path.realpath(place)):
        return Problem(path, "a symbolic link out of the folder, which is not followed", kind="leads-out")
    if os.path.isdir(target):
        return Problem(path, "a link to a folder, which is not followed: its files count where they lie", lost=False)
    return None if os.path.isfile(target) else Problem(path, "a symbolic link that leads nowhere", kind="missing")


def _walk(folder: str, start: int, refused: list[Problem]) -> Iterator[os.DirEntry[str]]:
    """Files, and links to folders, which are not entered; what cannot be listed is refused by its path from `start`."""
    try:
        with os.scandir(folder) as opened:
            entries = [entry for entry in opened if not _is_clutter(entry.name)]
    except OSError as error:
        if len(folder) < start:
            raise InputError(f"cannot read the folder {folder}: {error.strerror}") from error
        reason = f"cannot read the folder: {error.strerror}"
        refused.append(Problem(printable(folder[start:].replace(os.sep, "/")), reason, kind="unreadable"))
        return
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(entry.path, start, refused)
        else:
            yield entry


def _is_clutter(path: str) -> bool:
    return any(part in _CLUTTER or part.startswith("._") for part in path.split("/"))


def leads_out(path: str) -> bool:
    """Whether a path that an archive or an annotation names is absolute, of Windows as well, or climbs by `..`."""
    path = path.replace("\\", "/")
    return path.startswith("/") or ".." in path.split("/") or re.match("[A-Za-z]:/", path) is not None


def files_ending(folder: Path, *suffixes: str) -> tuple[Path, ...]:
    """The files in a folder that have one of these suffixes, sorted; none where there is no such folder."""
    try:
        return _files_ending(folder, folder.stat().st_mtime_ns, suffixes)
    except OSError:
        return ()


# Kept while the folder is as it was: each of the thousands of pictures in it asks what annotations are there.
@lru_cache(maxsize=64)
def _files_ending(folder: Path, changed: int, suffixes: tuple[str, ...]) -> tuple[Path, ...]:
    names = sorted(name for name in os.listdir(folder) if name.lower().endswith(suffixes))
    return tuple(path for path in map(folder.joinpath, names) if path.is_file())


def _parents(path: str) -> Iterable[str]:
    while path:
        path = path.rpartition("/")[0]
        yield path


def _shared_end(first: str, second: str) -> int:
    """How many of the last parts of two paths are the same."""
    count = 0
    for one, other in zip(reversed(first.split("/")), reversed(second.split("/")), strict=False):
        if one != other:
            break
        count += 1
    return count


def decoded(content: bytes) -> str:
    """Text of bytes that are UTF-8 with or without a byte-order mark, UTF-16 with one, or else Latin-1."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
            return content.decode("utf-16", "replace")
        # The beginning of a file may end within a character.
        cut = error.start >= len(content) - 3 and error.reason == "unexpected end of data"
        return content[: error.start].decode("utf-8-sig") if cut else content.decode("latin-1")


def nearer(paths: Sequence[str], folder: str) -> list[str]:
    """Those of `paths` whose folders have the most in common with `folder`, at their beginnings and at their ends.

    So images/train/a.jpg is nearer to annotations/train than images/test/a.jpg is.
    """
    if len(paths) < 2:
        return list(paths)
    parts = folder.split("/")
    common = []
    for path in paths:
        own = path.split("/")[:-1]
        shorter = range(min(len(own), len(parts)))
        begin = next((place for place in shorter if own[place] != parts[place]), len(shorter))
        end = next((place for place in shorter if own[-1 - place] != parts[-1 - place]), len(shorter))
        common.append(begin + end)
    return [path for path, count in zip(paths, common, strict=True) if count == max(common)]
