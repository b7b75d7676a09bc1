"""The registry of datasets and formats: one row each.

Functions are named "module:function", so that listing them is instant.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from dogcam.core.registry import Registry


@dataclass(frozen=True)
class Source:
    """A row of the registry.

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
        opener="dogcam.data.formats.stanford_dogs:open_stanford_dogs",
        sign="dogcam.data.formats.stanford_dogs:sign_stanford_dogs",
        rank=2,
        beside="dogcam.data.formats.stanford_dogs:beside",
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
    "tfds",
    Source("tfds:NAME, any TensorFlow Datasets set with image, label and boxes", opener="dogcam.data.formats.tfds:open_tfds"),
)


def _add(
    name: str,
    title: str,
    description: str,
    suffixes: tuple[str, ...] = (),
    apart: bool = False,
    rank: int = 1,
    beside: bool = True,
) -> None:
    """Add a format whose functions are called by its name: `read_coco`, `sign_coco` and, if it has one, `beside` in coco.py."""
    module = f"dogcam.data.formats.{name}"
    near = f"{module}:beside" if beside else ""
    row = Source(description, "", f"{module}:read_{name}", f"{module}:sign_{name}", title, suffixes, apart, rank, near)
    DATASETS.add(name, row)


_add(
    "coco",
    "COCO",
    "coco:FILE or coco:FOLDER, COCO's JSON of instances: boxes, polygons and run lengths",
    suffixes=(".json",),
    apart=True,
)
_add(
    "voc",
    "Pascal VOC",
    "voc:FOLDER, Pascal VOC: an XML file for each picture, in a VOCdevkit or in folders of any names",
    apart=True,
)
_add(
    "yolo",
    "YOLO",
    "yolo:FOLDER or yolo:FILE.yaml, a text file of relative boxes or polygons for each picture",
    suffixes=(".yaml", ".yml"),
    apart=True,
)
_add(
    "csv",
    "CSV",
    "csv:FILE or csv:FOLDER, a table with a row for each box: picture, class, corners",
    suffixes=(".csv", ".tsv"),
    apart=True,
)
_add("cub", "CUB", "cub:DIR, CUB-200-2011 by its own lists, and NABirds: classes, split and a box for each picture", rank=2)
_add(
    "oxford_pet",
    "Oxford-IIIT Pet",
    "oxford_pet:DIR, Oxford-IIIT Pet: the animal by its trimap; oxford_pet:DIR/annotations/xmls for heads",
    rank=2,
)
_add(
    "wsol",
    "WSOL metadata",
    "wsol:DIR, the metadata folders of Choe et al. 2020 (CUB, ILSVRC, OpenImages), pictures in --data-dir",
    rank=2,
    beside=False,
)
_add(
    "hf",
    "Hugging Face dataset",
    "hf:DIR, Hugging Face datasets saved on disk, or a folder of pictures with metadata.jsonl or .csv",
    suffixes=(".jsonl",),
    rank=2,
)
_add(
    "folder",
    "folders of classes",
    "folder:DIR, a subfolder of pictures for each class, no boxes: train, explain, faithfulness",
    rank=0,
    beside=False,
)
# After all that also have a picture's classes: where two know of one picture, the first counts, see `boxes_beside`.
_add(
    "masks",
    "masks",
    "masks:DIR, a mask for each picture, of an object or of the classes' numbers: boxes and pixels of what is drawn",
)


def formats() -> Iterator[tuple[str, Source]]:
    """The rows that read a place on disk, by name."""
    return ((name, row) for name, row in DATASETS.items() if row.sign)
