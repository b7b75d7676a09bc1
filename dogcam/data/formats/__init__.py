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
DATASETS.add(
    "coco",
    Source(
        "coco:FILE or coco:FOLDER, COCO's JSON of instances: boxes, polygons and run lengths",
        reader="dogcam.data.formats.coco:read_coco",
        sign="dogcam.data.formats.coco:sign_coco",
        title="COCO",
        apart=True,
        suffixes=(".json",),
        beside="dogcam.data.formats.coco:beside",
    ),
)
DATASETS.add(
    "voc",
    Source(
        "voc:FOLDER, Pascal VOC: an XML file for each picture, in a VOCdevkit or in folders of any names",
        reader="dogcam.data.formats.voc:read_voc",
        sign="dogcam.data.formats.voc:sign_voc",
        title="Pascal VOC",
        apart=True,
        beside="dogcam.data.formats.voc:beside",
    ),
)
DATASETS.add(
    "yolo",
    Source(
        "yolo:FOLDER or yolo:FILE.yaml, a text file of relative boxes or polygons for each picture",
        reader="dogcam.data.formats.yolo:read_yolo",
        sign="dogcam.data.formats.yolo:sign_yolo",
        title="YOLO",
        apart=True,
        suffixes=(".yaml", ".yml"),
        beside="dogcam.data.formats.yolo:beside",
    ),
)
DATASETS.add(
    "csv",
    Source(
        "csv:FILE or csv:FOLDER, a table with a row for each box: picture, class, corners",
        reader="dogcam.data.formats.csv:read_csv",
        sign="dogcam.data.formats.csv:sign_csv",
        title="CSV",
        apart=True,
        suffixes=(".csv", ".tsv"),
        beside="dogcam.data.formats.csv:beside",
    ),
)
DATASETS.add(
    "cub",
    Source(
        "cub:DIR, CUB-200-2011 by its own lists, and NABirds: classes, split and a box for each picture",
        reader="dogcam.data.formats.cub:read_cub",
        sign="dogcam.data.formats.cub:sign_cub",
        title="CUB",
        rank=2,
        beside="dogcam.data.formats.cub:beside",
    ),
)
DATASETS.add(
    "oxford_pet",
    Source(
        "oxford_pet:DIR, Oxford-IIIT Pet: the animal by its trimap; oxford_pet:DIR/annotations/xmls for heads",
        reader="dogcam.data.formats.oxford_pet:read_oxford_pet",
        sign="dogcam.data.formats.oxford_pet:sign_oxford_pet",
        title="Oxford-IIIT Pet",
        rank=2,
        beside="dogcam.data.formats.oxford_pet:beside",
    ),
)
DATASETS.add(
    "wsol",
    Source(
        "wsol:DIR, the metadata folders of Choe et al. 2020 (CUB, ILSVRC, OpenImages), pictures in --data-dir",
        reader="dogcam.data.formats.wsol:read_wsol",
        sign="dogcam.data.formats.wsol:sign_wsol",
        title="WSOL metadata",
        rank=2,
    ),
)
DATASETS.add(
    "hf",
    Source(
        "hf:DIR, Hugging Face datasets saved on disk, or a folder of pictures with metadata.jsonl or .csv",
        reader="dogcam.data.formats.hf:read_hf",
        sign="dogcam.data.formats.hf:sign_hf",
        beside="dogcam.data.formats.hf:beside",
        title="Hugging Face dataset",
        suffixes=(".jsonl",),
        rank=2,
    ),
)
DATASETS.add(
    "folder",
    Source(
        "folder:DIR, a subfolder of pictures for each class, no boxes: train, explain, faithfulness",
        reader="dogcam.data.formats.folder:read_folder",
        sign="dogcam.data.formats.folder:sign_folder",
        title="folders of classes",
        rank=0,
    ),
)
# After all that also have a picture's classes: where two know of one picture, the first counts, see `boxes_beside`.
DATASETS.add(
    "masks",
    Source(
        "masks:DIR, a mask for each picture, of an object or of the classes' numbers: boxes and pixels of what is drawn",
        reader="dogcam.data.formats.masks:read_masks",
        sign="dogcam.data.formats.masks:sign_masks",
        title="masks",
        beside="dogcam.data.formats.masks:beside",
    ),
)


def formats() -> Iterator[tuple[str, Source]]:
    """The rows that read a place on disk, by name."""
    return ((name, row) for name, row in DATASETS.items() if row.sign)
