"""Which dataset a user means: the registry of formats, what each is recognised by, and opening one."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from dogcam.core.errors import InputError
from dogcam.core.progress import Progress
from dogcam.core.registry import Registry, nearest, resolve
from dogcam.data import Dataset, Origin
from dogcam.data.assembling import Annotated, assemble
from dogcam.data.trees import ARCHIVES, Place, Tree, open_tree


@dataclass(frozen=True)
class Source:
    """A row of the registry of datasets; functions are named "module:function", so that listing datasets is instant.

    Either `opener` is given, or `reader` and `sign`; an opener with a `sign` is also recognised as a plain folder.

    Attributes:
        description: what it is and where it comes from, in words.
        opener: of a dataset of its own: called with (argument, data_dir, progress, seed), gives the `Dataset`.
        reader: of a format: called with (place, progress), gives the `assembling.Reading`.
        sign: of what lies on disk: called with a `trees.Tree`, says in words what it is recognised by, "" where it is not.
        title: what it is called aloud, "COCO".
        suffixes: of the single files that it reads, ".json".
        apart: whether a format's annotations name their pictures, so that these may lie in the folder above.
        rank: of formats that recognise one place the higher counts; equal ones are two formats at once.
        beside: for a format that annotates a picture in a file near it: called with the absolute path of a picture, gives an
            `assembling.Annotated`, or None where the picture does not lie as the format lays them out. "" for others.
    """

    description: str
    opener: str = ""
    reader: str = ""
    sign: str = ""
    title: str = ""
    suffixes: tuple[str, ...] = ()
    apart: bool = False
    rank: int = 1
    beside: str = ""


DATASETS: Registry[Source] = Registry("dataset")
DATASETS.add(
    "stanford_dogs",
    Source(
        "Stanford Dogs: the official archives or the folder unpacked from them in --data-dir, else through TFDS",
        opener="dogcam.data.stanford_dogs:open_stanford_dogs",
        sign="dogcam.data.stanford_dogs:sign_stanford_dogs",
        rank=2,
        beside="dogcam.data.stanford_dogs:beside",
    ),
)
DATASETS.add(
    "synthetic",
    Source(
        "drawn dog-like animals with exact boxes, offline; synthetic:12 draws twelve breeds",
        opener="dogcam.data.synthetic.dataset:open_synthetic",
    ),
)
DATASETS.add(
    "tfds", Source("tfds:NAME, any TensorFlow Datasets set with image, label and boxes", opener="dogcam.data.tfds:open_tfds")
)
DATASETS.add(
    "cub",
    Source(
        "cub:DIR, CUB-200-2011 by its own lists, and NABirds: classes, split and a box for each picture",
        reader="dogcam.data.cub:read_cub",
        sign="dogcam.data.cub:sign_cub",
        title="CUB",
        rank=2,
        beside="dogcam.data.cub:beside",
    ),
)
DATASETS.add(
    "oxford_pet",
    Source(
        "oxford_pet:DIR, Oxford-IIIT Pet: the animal by its trimap; oxford_pet:DIR/annotations/xmls for heads",
        reader="dogcam.data.oxford_pet:read_oxford_pet",
        sign="dogcam.data.oxford_pet:sign_oxford_pet",
        title="Oxford-IIIT Pet",
        rank=2,
        beside="dogcam.data.oxford_pet:beside",
    ),
)
DATASETS.add(
    "wsol",
    Source(
        "wsol:DIR, the metadata folders of Choe et al. 2020 (CUB, ILSVRC, OpenImages), pictures in --data-dir",
        reader="dogcam.data.wsol:read_wsol",
        sign="dogcam.data.wsol:sign_wsol",
        title="WSOL metadata",
        rank=2,
    ),
)
DATASETS.add(
    "folder",
    Source(
        "folder:DIR, a subfolder of pictures for each class, no boxes: train, explain, faithfulness",
        reader="dogcam.data.folder:read_folder",
        sign="dogcam.data.folder:sign_folder",
        title="folders of classes",
        rank=0,
    ),
)
DATASETS.add(
    "hf",
    Source(
        "hf:DIR, Hugging Face datasets saved on disk, or a folder of pictures with metadata.jsonl or .csv",
        reader="dogcam.data.hf:read_hf",
        sign="dogcam.data.hf:sign_hf",
        title="Hugging Face dataset",
        suffixes=(".jsonl",),
        rank=2,
    ),
)
DATASETS.add(
    "voc",
    Source(
        "voc:FOLDER, Pascal VOC: an XML file for each picture, in a VOCdevkit or in folders of any names",
        reader="dogcam.data.voc:read_voc",
        sign="dogcam.data.voc:sign_voc",
        title="Pascal VOC",
        apart=True,
        beside="dogcam.data.voc:beside",
    ),
)
DATASETS.add(
    "csv",
    Source(
        "csv:FILE or csv:FOLDER, a table with a row for each box: picture, class, corners",
        reader="dogcam.data.csv:read_csv",
        sign="dogcam.data.csv:sign_csv",
        title="CSV",
        apart=True,
        suffixes=(".csv", ".tsv"),
        beside="dogcam.data.csv:beside",
    ),
)
DATASETS.add(
    "coco",
    Source(
        "coco:FILE or coco:FOLDER, COCO's JSON of instances: boxes, polygons and run lengths",
        reader="dogcam.data.coco:read_coco",
        sign="dogcam.data.coco:sign_coco",
        title="COCO",
        apart=True,
        suffixes=(".json",),
        beside="dogcam.data.coco:beside",
    ),
)
DATASETS.add(
    "yolo",
    Source(
        "yolo:FOLDER or yolo:FILE.yaml, a text file of relative boxes or polygons for each picture",
        reader="dogcam.data.yolo:read_yolo",
        sign="dogcam.data.yolo:sign_yolo",
        title="YOLO",
        apart=True,
        suffixes=(".yaml", ".yml"),
        beside="dogcam.data.yolo:beside",
    ),
)
# After all that also have a picture's classes: where two know of one picture, the first counts, see `boxes_beside`.
DATASETS.add(
    "masks",
    Source(
        "masks:DIR, a mask for each picture, of an object or of the classes' numbers: boxes and pixels of what is drawn",
        reader="dogcam.data.masks:read_masks",
        sign="dogcam.data.masks:sign_masks",
        title="masks",
        beside="dogcam.data.masks:beside",
    ),
)


def formats() -> Iterator[tuple[str, Source]]:
    """The rows that read a place on disk, by name."""
    return ((name, row) for name, row in DATASETS.items() if row.sign)


def is_path(specification: str) -> bool:
    """Whether a specification is a path rather than a name: it is there, or is written like one."""
    name = specification.partition(":")[0]
    if name in DATASETS and not Path(specification).exists():
        return False
    return any(mark in specification for mark in "/\\.~") or Path(specification).exists()


def check_name(specification: str) -> None:
    """Raise `UnknownName` where a specification is neither a path nor begins with the name of a dataset or format."""
    if not is_path(specification):
        DATASETS[specification.partition(":")[0]]


def absolute(specification: str) -> str:
    """A specification that still holds when it is read from another folder."""
    if is_path(specification):
        return str(Path(specification).expanduser().absolute())
    name, colon, argument = specification.partition(":")
    return f"{name}:{Path(argument).expanduser().absolute()}" if colon and argument and DATASETS[name].reader else specification


def short(specification: str) -> str:
    """A specification as part of a folder's name: the last part of its path, or the name with its argument."""
    if is_path(specification):
        return Path(specification).expanduser().absolute().stem
    name, _, argument = specification.partition(":")
    if argument and DATASETS[name].reader:
        return f"{name}-{Path(argument).expanduser().absolute().stem}"
    return specification.replace(":", "-").replace("/", "-")


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
        raise InputError(f"{name} needs a folder or file: --dataset {name}:FOLDER")
    return _read(name, _place(argument or str(data_dir), data_dir if argument else None), seed, progress)


def _place(path: str, data_dir: str | None) -> Place:
    """The folder or archive at `path`; of a single file, the folder it lies in or, where that has no picture, the one above."""
    where = Path(path).expanduser()
    pictures = open_tree(Path(data_dir)) if data_dir is not None else None
    if where.is_dir() or where.suffix.lower() in ARCHIVES:
        return Place(open_tree(where), "", pictures)
    if not where.exists():
        near = nearest(where.name, (each.name for each in where.parent.glob("*"))) if where.parent.is_dir() else []
        raise InputError(f"there is no file or folder {path!r}{f'; the nearest there: {near[0]}' if near else ''}")
    tree = open_tree(where.parent)
    file = where.name
    if not tree.pictures and pictures is None and where.parent.name.lower() in _OF_ANNOTATIONS:
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
        signs = {name: sign for name, row in formats() if (sign := resolve(row.sign)(place.tree))}
    if not signs:
        raise InputError(_not_recognised(place))
    most = max(DATASETS[name].rank for name in signs)
    best = {name: sign for name, sign in signs.items() if DATASETS[name].rank == most}
    if len(best) > 1:
        told = "; ".join(f"{name} ({sign})" for name, sign in best.items())
        first = next(iter(best))
        raise InputError(
            f"{place.tree.place} is of several formats at once: {told}. Say which is meant: {first}:{place.tree.place}"
        )
    return next(iter(best))


def _not_recognised(place: Place) -> str:
    """What was looked for, what was found, and the nearest format."""
    tree = place.tree
    known = ", ".join(name for name, _ in formats())
    if place.file:
        suffixes = sorted({suffix for _, row in formats() for suffix in row.suffixes})
        return f"{place.file} is no annotation file known by its suffix ({', '.join(suffixes)}); name its format: {known}"
    kinds = sorted({Path(path).suffix.lower() or "no suffix" for path in tree.files})[:6]
    found = f"{len(tree.files)} files ({', '.join(kinds)}), {len(tree.pictures)} of them pictures" if tree.files else "nothing"
    nearest_one = "folder:, with a subfolder of pictures for each class" if tree.pictures else "none: there are no pictures"
    return f"{tree.place} is of no format that dogcam recognises ({known}): found {found}; the nearest is {nearest_one}"


def _read(name: str, place: Place, seed: int, progress: Progress) -> Dataset:
    """Read a place as one format, and say so."""
    row = DATASETS[name]
    where = place.tree.place
    if row.apart and not place.pictures.pictures and (around := _around(where)):
        place = replace(place, pictures=around)
    source = Origin("files", str(where.absolute()), name)
    with _uncollected():
        reading = resolve(row.reader)(place, progress)
        reading = replace(reading, problems=(*place.tree.refused, *reading.problems))
        dataset = assemble(f"{name}:{where.absolute().stem}", reading, source, seed, progress)
    progress.note(f"read as {row.title}: {summary(dataset)}")
    return dataset


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
    told = f"{len(pictures):,} pictures{f', {bare:,} without boxes' if bare else ''}, {len(dataset.classes):,} classes"
    counts = {split: len({record.picture for record in records}) for split, records in dataset.splits.items()}
    shared = ", ".join(f"{count:,} {split}" for split, count in counts.items())
    how = {"seeded": f"split by seed {dataset.division.seed}", "val": "split as given, validation for the test"}
    return f"{told}; {how.get(dataset.division.how, 'split as given')}: {shared}"


def boxes_beside(image: Path) -> Annotated | None:
    """What the first format that has an annotation near a picture says of it; None where no format knows of it.

    Args:
        image: its absolute path.

    Raises:
        InputError: there is one, and it cannot be read.
    """
    found = (resolve(row.beside)(image) for row in DATASETS.values() if row.beside)
    return next((each for each in found if each is not None), None)


def describe(dataset: Dataset) -> dict[str, Any]:
    """What an experiment remembers of its dataset."""
    return {
        "name": dataset.name,
        "source": None if dataset.source is None else asdict(dataset.source),
        "fingerprint": dataset.fingerprint(),
        "classes": list(dataset.classes),
        "counts": {split: len(records) for split, records in dataset.splits.items()},
        "division": asdict(dataset.division),
        "multilabel": dataset.multilabel,
    }
