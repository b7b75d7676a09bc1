"""Which dataset a user means: the registry of formats, what each is recognised by, and opening one."""

from __future__ import annotations

import gc
import os
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from dogcam.core.errors import InputError, UnknownName
from dogcam.core.progress import Progress
from dogcam.core.registry import nearest, resolve, unknown
from dogcam.data import Dataset, Origin, Problem
from dogcam.data.archives import is_archive
from dogcam.data.assembling import Annotated, assemble
from dogcam.data.formats import DATASETS, Source, formats
from dogcam.data.images import SUFFIXES
from dogcam.data.trees import Place, Tree, open_tree


def is_path(specification: str) -> bool:
    """Whether a specification is a path rather than a name: it is there, or is written like one.

    A name that is registered is always that name; a folder that is called so is meant by ./coco.
    """
    name, colon, _ = specification.partition(":")
    if name in DATASETS:
        return False
    if os.path.exists(os.path.expanduser(specification)):
        return True
    mistyped = colon and len(name) > 1 and name.isidentifier()  # not C:\pictures
    return not mistyped and any(mark in specification for mark in "/\\.~")


def check_name(specification: str) -> None:
    """Raise `UnknownName` where a specification is neither a path nor begins with the name of a dataset or format."""
    name = specification.partition(":")[0]
    if not is_path(specification) and name not in DATASETS:
        raise UnknownName(f"{unknown('dataset', name, DATASETS)}; nor is there a file or folder called so here")


def absolute(specification: str) -> str:
    """A specification that still holds when it is read from another folder."""
    if is_path(specification):
        return str(_full(specification))
    name, colon, argument = specification.partition(":")
    return f"{name}:{_full(argument)}" if colon and argument and DATASETS[name].reader else specification


def short(specification: str) -> str:
    """A specification as part of a folder's name: the last part of its path, or the name with its argument."""
    name, _, argument = specification.partition(":")
    if is_path(specification):
        words = _called(specification)
    elif argument and DATASETS[name].reader:
        words = f"{name}-{_called(argument)}"
    else:
        words = specification
    return re.sub(r"[^\w.-]+", "-", words).strip("-.") or "pictures"


def _full(path: str) -> Path:
    return Path(os.path.abspath(os.path.expanduser(path)))


def _called(path: str) -> str:
    """The last part of a path, without the suffix of a file."""
    full = _full(path)
    return full.name if full.is_dir() else full.stem


def open_dataset(specification: str, data_dir: str | None = None, progress: Progress | None = None, seed: int = 0) -> Dataset:
    """Open the dataset that `specification` names.

    Args:
        specification: a name of `dogcam list datasets`, with its argument where it takes one ("tfds:coco", "voc:FOLDER"), or a
            folder, file or archive whose format is recognised.
        data_dir: where a named dataset lies; where the pictures are, of a file that does not lie with them.
        seed: of the split, where the data gives none.

    Raises:
        UnknownName: no such dataset.
        InputError: it is there but cannot be used.
        Unavailable: it has to be fetched, and cannot be.
    """
    progress = progress or Progress()
    check_name(specification)
    if is_path(specification):
        place = _place(specification, data_dir)
        name = _recognised(place)
        if DATASETS[name].opener:
            return resolve(DATASETS[name].opener)("", str(place.tree.place), progress, seed)
        return _read(name, place, seed, progress)
    name, _, argument = specification.partition(":")
    row = DATASETS[name]
    if row.opener:
        return resolve(row.opener)(argument, data_dir, progress, seed)
    if not argument and data_dir is None:
        here = f", or ./{name} for what is called so here" if os.path.exists(name) else ""
        raise InputError(f"{name} needs a folder or file: --dataset {name}:FOLDER{here}")
    return _read(name, _place(argument or str(data_dir), data_dir if argument else None), seed, progress)


def _place(path: str, data_dir: str | None) -> Place:
    """The folder or archive at `path`; of a single file, the folder it lies in or, where that has no picture, the one above."""
    where = Path(os.path.expanduser(path))
    if not os.path.exists(where):
        near = nearest(where.name, (each.name for each in where.parent.glob("*"))) if os.path.isdir(where.parent) else []
        raise InputError(f"there is no file or folder {path!r}{f'; the nearest there: {near[0]}' if near else ''}")
    if data_dir is not None and not os.path.exists(data_dir):
        raise InputError(f"--data-dir must be a folder or archive with the pictures; there is no {data_dir!r}")
    pictures = open_tree(Path(data_dir)) if data_dir is not None else None
    if os.path.isdir(where) or is_archive(where):
        return Place(open_tree(where), "", pictures)
    tree = open_tree(where.parent)
    file = where.name
    if not tree.pictures and pictures is None and where.absolute().parent.name.lower() in _OF_ANNOTATIONS:
        tree, file = open_tree(where.absolute().parent.parent), f"{where.absolute().parent.name}/{where.name}"
    return Place(tree, file, pictures)


def _around(where: Path) -> Tree | None:
    """Of a folder of annotations alone, the folder above if it has pictures, of one so called also the next; else None."""
    above = where.absolute().parents[: 2 if where.name.lower() in _OF_ANNOTATIONS else 1] if where.is_dir() else ()
    trees = (open_tree(folder) for folder in above if folder != folder.parent)
    return next((tree for tree in trees if tree.pictures), None)


# Folders that annotations have to themselves: the pictures are beside them.
_OF_ANNOTATIONS = ("annotations", "annotation", "data", "labels", "lists", "metadata", "object_detection", "splits", "meta")


def _recognised(place: Place) -> str:
    """The name of the one format that a place is of.

    Raises:
        InputError: it is of none, or of two.
    """
    if place.file:
        suffix = Path(place.file).suffix.lower()
        names = [name for name, row in formats() if suffix in row.suffixes]
        signs = dict.fromkeys(names, f"a {suffix} file")
    else:
        signs = {name: sign for name, row in formats() if (sign := _sign(row, place.tree))}
    where = place.tree.place / place.file
    if not signs:
        raise InputError(f"{where} {_not_recognised(place)}")
    most = max(DATASETS[name].rank for name in signs)
    best = {name: sign for name, sign in signs.items() if DATASETS[name].rank == most}
    if len(best) > 1:
        signs_of = "; ".join(f"{name} ({sign})" for name, sign in best.items())
        meant = " or ".join(f"{name}:{where}" for name in best)
        raise InputError(f"{where} is of several formats at once: {signs_of}. Say which is meant: --dataset {meant}")
    return next(iter(best))


def _sign(row: Source, tree: Tree) -> str:
    """What a format recognises a tree by; "" also where a file cannot be read: who names the format hears why."""
    try:
        return resolve(row.sign)(tree)
    except InputError:
        return ""


# What files of a kind speak for, the first that is there first, where they alone are not enough to recognise a format.
_EVIDENCE = {
    ".xml": "voc",
    ".json": "coco",
    ".yaml": "yolo",
    ".yml": "yolo",
    ".arrow": "hf",
    ".jsonl": "hf",
    ".mat": "stanford_dogs",
    ".csv": "csv",
    ".tsv": "csv",
    ".txt": "yolo",
}


def _not_recognised(place: Place) -> str:
    """What was looked for, what was found, and the nearest format."""
    if place.file:
        suffix = Path(place.file).suffix.lower()
        folder = place.tree.place / Path(place.file).parent
        if suffix in SUFFIXES or (suffix in _EVIDENCE and not any(suffix in row.suffixes for _, row in formats())):
            return f"is one file of many; name the folder that they are in: --dataset {folder}"
        suffixes = ", ".join(sorted({suffix for _, row in formats() for suffix in row.suffixes}))
        return f"is no annotation file known by its suffix ({suffixes}); if it is one, name its format, as in csv:{place.file}"
    tree = place.tree
    looked = ", ".join(name for name, _ in formats())
    kinds = Counter(Path(path).suffix.lower() or "without suffix" for path in tree.files)
    most = ", ".join(f"{count:,} {kind}" for kind, count in kinds.most_common(5))
    there = f"{len(tree.files):,} files ({most}), {len(tree.pictures) or 'none'} of them pictures" if kinds else "no file"
    return f"is of no format that dogcam recognises; looked for {looked}; found {there}; {_nearest_format(place, kinds)}"


def _nearest_format(place: Place, kinds: Counter[str]) -> str:
    """Which format comes nearest, and what it lacks."""
    lacks = "" if place.pictures.pictures else ", but there are no pictures: say where they are with --data-dir"
    for suffix, name in _EVIDENCE.items():
        few = suffix == ".txt" and 2 * kinds[suffix] < len(place.pictures.pictures)  # a README, not labels
        if kinds[suffix] and name in DATASETS and not few:
            own = f"{name} --data-dir " if DATASETS[name].opener else f"{name}:"
            return f"the nearest is {name}, by its {suffix} files{lacks}; to read it so: --dataset {own}{place.tree.place}"
    if place.tree.pictures:
        own = f"; to read it so: --dataset folder:{place.tree.place}" if any("/" in path for path in place.tree.pictures) else ""
        return f"the nearest is folder, which has a subfolder of pictures for each class{own}"
    return "none is near: there are neither pictures nor annotations"


def _read(name: str, place: Place, seed: int, progress: Progress) -> Dataset:
    """Read a place as one format, and say so."""
    row, where = DATASETS[name], place.tree.place
    if row.apart and not place.pictures.pictures and (around := _around(where)):
        place = replace(place, pictures=around)
    # What lies beside a single file need not belong to it; what lies where the pictures are said to be does.
    refused = (*(() if place.file else place.tree.refused), *(() if place.pictures is place.tree else place.pictures.refused))
    source = Origin("files", str(where.absolute()), name)
    with _uncollected():
        reading = resolve(row.reader)(place, progress)
        reading = replace(reading, problems=(*refused, *_empty_files(row, place), *reading.problems))
        dataset = assemble(f"{name}:{_called(place.file or str(where))}", reading, source, seed, progress)
    progress.note(f"read as {row.title}: {summary(dataset)}")
    reaching = {problem.id for problem in dataset.problems if problem.kind in ("cut", "outside")}
    if reaching and 2 * len(reaching) >= sum(dataset.picture_counts().values()):
        progress.warn(
            f"boxes reach out of {len(reaching):,} pictures, which is most of them: are their numbers what the format means, "
            "corners or widths and heights, x before y?"
        )
    return dataset


def _empty_files(row: Source, place: Place) -> list[Problem]:
    """The annotation files of a folder that have not a byte, such as of a download that broke off: no reader knows them."""
    paths = place.tree.under("", *row.suffixes)[:_LOOKED_AT] if row.suffixes and not place.file else []
    return [Problem(path, "the file is empty", kind="unreadable") for path in paths if not place.tree.files[path].beginning(1)]


_LOOKED_AT = 100  # annotation files of a folder


@contextmanager
def _uncollected() -> Iterator[None]:
    """Python's collector of cycles at rest: it would walk the millions of objects of a large set again and again."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def summary(dataset: Dataset) -> str:
    """ "160 pictures, 12 without boxes, 80 classes; split by seed 0: 128 for training, 32 for the test"."""
    pictures: dict[str, bool] = {}
    for records in dataset.splits.values():
        for record in records:
            pictures[record.picture] = pictures.get(record.picture, False) or len(record.boxes) > 0
    bare = sum(not boxed for boxed in pictures.values())
    classes = "1 class" if len(dataset.classes) == 1 else f"{len(dataset.classes):,} classes"
    words = f"{len(pictures):,} pictures{f', {bare:,} without boxes' if bare else ''}, {classes}"
    shared = ", ".join(f"{count:,} {split}" for split, count in dataset.picture_counts().items())
    how = {"seeded": f"split by seed {dataset.division.seed}", "val": "split as given, validation for the test"}
    return f"{words}; {how.get(dataset.division.how, 'split as given')}: {shared}"


def boxes_beside(image: Path) -> Annotated | None:
    """What the first format that has an annotation near a picture says of it; None where no format knows of it.

    Args:
        image: its absolute path.

    Raises:
        InputError: there is one, and it cannot be read.
    """
    annotations = (resolve(row.beside)(image) for row in DATASETS.values() if row.beside)
    return next((each for each in annotations if each is not None), None)


def describe(dataset: Dataset) -> dict[str, Any]:
    """What an experiment remembers of its dataset."""
    return {
        "name": dataset.name,
        "source": None if dataset.source is None else asdict(dataset.source),
        "fingerprint": dataset.fingerprint(),
        "classes": list(dataset.classes),
        "counts": {split: len(records) for split, records in dataset.splits.items()},
        "pictures": dataset.picture_counts(),
        "division": asdict(dataset.division),
        "multilabel": dataset.multilabel,
    }
