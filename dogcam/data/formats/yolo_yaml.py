"""What a YOLO set says of itself: the classes' names and numbers, and where the pictures of its splits are."""

from __future__ import annotations

import posixpath
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from dogcam.core.errors import InputError, first_line
from dogcam.core.progress import Progress
from dogcam.data.formats.yolo_lines import looks_like_labels
from dogcam.data.splits import split_named
from dogcam.data.trees import Place, Tree

YAML = (".yaml", ".yml")
# One class a line, as darknet and labelImg leave them.
LISTS = ("classes.txt", "obj.names", "labels.txt", "names.txt", "classes.names", "_darknet.labels")
_LONGEST = 1_000_000  # bytes of a YAML that is looked into
_LOOKED_AT = 20  # YAML files of a folder


@dataclass(frozen=True)
class Config:
    """What a YAML file says.

    Attributes:
        path: its own.
        names: of the classes, by number.
        splits: where the pictures of each are: folders, or lists of pictures.
        bases: the folders that these may be relative to.
        keypoints: whether a body's points follow each box.
        labelled: whether pictures without a label file are to be left out.
    """

    path: str
    names: Mapping[int, str]
    splits: Mapping[str, Sequence[str]]
    bases: tuple[str, ...] = ("",)
    keypoints: bool = False
    labelled: bool = False


def config_of(place: Place, progress: Progress) -> Config | None:
    """The YAML that is meant: the one named, else the only one or the one nearest to the top; None where there is none.

    Raises:
        InputError: the one named has no `names`, or there are several that differ.
    """
    if place.file:
        content = _with_names(place.tree, place.file)
        if content is None:
            raise InputError(f"{place.file} is no YAML with `names` of classes, as YOLO's data.yaml has")
        return _configured(place.file, content, progress)
    for tree in dict.fromkeys((place.tree, place.pictures)):
        contents = {path: content for path in _yaml_files(tree) if (content := _with_names(tree, path)) is not None}
        around = [path for path in contents if place.tree.place.is_relative_to(tree.place / posixpath.dirname(path))]
        nearest = around or list(contents)
        top = [path for path in nearest if path.count("/") == min(each.count("/") for each in nearest)]
        if any(contents[path] != contents[top[0]] for path in top):
            told = f"several YAML files with names lie in {tree.place}: {', '.join(top)}"
            raise InputError(f"{told}; say which is meant: --dataset yolo:{tree.place / top[0]}")
        if top:
            return _configured(top[0], contents[top[0]], progress)
    return None


def named_yaml(tree: Tree) -> str:
    """The path of a YAML with `names`; "" where there is none."""
    return next((path for path in _yaml_files(tree) if _with_names(tree, path) is not None), "")


def _yaml_files(tree: Tree) -> list[str]:
    return tree.under("", *YAML)[:_LOOKED_AT]


def _with_names(tree: Tree, path: str) -> dict[str, Any] | None:
    """The content of a YAML with `names`; None where it is none."""
    try:
        content = yaml.safe_load(tree.text(path)) if len(tree.files[path].beginning(_LONGEST)) < _LONGEST else None
    except (yaml.YAMLError, InputError, ValueError, RecursionError):
        return None
    return content if isinstance(content, dict) and isinstance(content.get("names"), list | dict) else None


def _configured(path: str, content: dict[Any, Any], progress: Progress) -> Config:
    names = _numbered(content["names"], path)
    count = content.get("nc")
    if isinstance(count, int) and count != len(names):
        progress.note(f"{path} says nc: {count} and has {len(names)} names, which are what counts")
    splits = {split: _entries(content[key], path) for key in content if (split := split_named(str(key))) and content[key]}
    folder = posixpath.dirname(path)
    root = content.get("path")
    own = [posixpath.normpath(posixpath.join(each, root)) for each in (folder, "")] if isinstance(root, str) else []
    bases = tuple(dict.fromkeys("" if each == "." else each for each in (*own, folder, "")))
    labelled = content.get("skip_if_label_file_missing") is True
    return Config(path, names, splits, bases, "kpt_shape" in content, labelled)


def _numbered(names: Any, path: str) -> dict[int, str]:
    """Names by their numbers, in order. A map may begin at 1 and have gaps, as COCO's own numbers have.

    Raises:
        InputError: there are none, a number is none, or two classes have one name.
    """
    try:
        pairs = enumerate(names) if isinstance(names, list) else names.items()
        numbered = dict(sorted((int(number), _scalar(name)) for number, name in pairs))
    except (TypeError, ValueError) as error:
        raise InputError(f"{path}: names must be a list, or a map from numbers; {first_line(error)}") from error
    if not numbered:
        raise InputError(f"{path}: its names are empty: name each class, in the order of their numbers")
    twice = sorted(name for name, count in Counter(numbered.values()).items() if count > 1)
    if twice:
        raise InputError(f"{path}: two classes are called {twice[0]!r}; give each a name of its own")
    return numbered


def _scalar(value: Any) -> str:
    """A value as text. Lists are refused, not written out: with YAML's aliases a few lines of them can mean gigabytes."""
    if isinstance(value, list | dict | set):
        raise ValueError("a list or map stands where a text belongs")
    return str(value)


def _entries(value: Any, path: str) -> list[str]:
    try:
        return [_scalar(entry) for entry in (value if isinstance(value, list) else [value])]
    except ValueError as error:
        raise InputError(f"{path}: its splits must be folders or lists of pictures; {error}") from error


def listed_names(tree: Tree) -> dict[int, str]:
    """The classes of a set without YAML, a name a line; nothing where there is no such list: they are numbers then."""
    paths = sorted((path for path in tree.files if posixpath.basename(path) in LISTS), key=lambda path: (path.count("/"), path))
    for path in paths:
        names = tree.lines(path)
        if names and not looks_like_labels("\n".join(names)):
            return dict(enumerate(names))
    return {}
