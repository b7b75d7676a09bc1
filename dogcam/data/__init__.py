"""Where annotated pictures come from: one file per source, one row here for each.

A source converts its boxes to the one convention at its border (see `dogcam.boxes.geometry`): (x0, y0, x1, y1), relative to
the picture, half-open. What cannot be used becomes a named `Problem`, never a silent gap.
"""

from __future__ import annotations

import hashlib
import io
import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from PIL import Image, ImageOps

from dogcam.boxes.geometry import clip
from dogcam.core.errors import InputError, first_line
from dogcam.core.progress import Progress
from dogcam.core.registry import Registry, resolve

NO_BOXES = np.zeros((0, 4), np.float32)

# So far beyond the edge, as a share of the side, a box is cut without a word: corners are rounded, pictures scaled after
# they were annotated, and two of Stanford Dogs' own 22,126 boxes reach out by 2 and 6 %. Beyond that it is a slip.
OVERHANG = 0.10

# A picture is large, its EXIF tags are odd: what matters of it is an error. A filter for good, since decoding runs in
# threads, and `warnings.catch_warnings` is not safe in them.
warnings.filterwarnings("ignore", module=r"PIL\.")


class Picture(Protocol):
    """Anything that can be read into pixels."""

    def pixels(self) -> np.ndarray:
        """The picture as uint8 (height, width, 3), RGB. Raises `InputError` where it cannot be read."""


@dataclass(frozen=True)
class ImageFile:
    """A picture in its own file. `upright` turns it as its EXIF tag says; annotations refer to the pixels as stored."""

    path: Path
    upright: bool = False

    def pixels(self) -> np.ndarray:
        """The file's picture, see `Picture`."""
        return decode(self.content(), str(self.path), self.upright)

    def content(self) -> bytes:
        """The file's bytes."""
        try:
            return self.path.read_bytes()
        except OSError as error:
            raise InputError(f"cannot read {self.path}: {error.strerror}") from error


@dataclass(frozen=True)
class FileSlice:
    """A file that is `size` bytes of a larger one, from `offset`: a member of an archive, read where it lies."""

    path: Path
    offset: int
    size: int
    name: str

    def pixels(self) -> np.ndarray:
        """The member's picture, see `Picture`."""
        return decode(self.content(), self.name)

    def content(self) -> bytes:
        """The member's bytes."""
        try:
            with self.path.open("rb") as file:
                file.seek(self.offset)
                return file.read(self.size)
        except OSError as error:
            raise InputError(f"cannot read {self.name} in {self.path}: {error.strerror}") from error


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


@dataclass(frozen=True, eq=False)
class Record:
    """One annotated picture.

    Attributes:
        id: the name it is reported under, unique in its dataset.
        image: where its pixels come from.
        label: index into the dataset's classes; None where it is not known.
        boxes: float32 (n, 4), (x0, y0, x1, y1), relative (0 to 1), half-open; n may be 0.
        mask: gives the object's pixels, bool (height, width); None where they are not known.
    """

    id: str
    image: Picture
    label: int | None
    boxes: np.ndarray = field(default_factory=lambda: NO_BOXES)
    mask: Callable[[], np.ndarray] | None = None

    def __post_init__(self) -> None:
        boxes = np.asarray(self.boxes, np.float32).reshape(-1, 4)
        if not (np.isfinite(boxes).all() and (boxes >= 0).all() and (boxes <= 1).all()):
            raise InputError(f"{self.id}: boxes must be relative, within 0 and 1; received {boxes.tolist()}")
        if not (boxes[:, 2:] > boxes[:, :2]).all():
            raise InputError(f"{self.id}: boxes must have x1 > x0 and y1 > y0; received {boxes.tolist()}")
        object.__setattr__(self, "boxes", boxes)


@dataclass(frozen=True)
class Problem:
    """An input that could not be used as it should: shown, counted, and the reason for exit code 3.

    Attributes:
        id: the picture or file.
        reason: what is wrong with it, in words.
        split: the split it belongs to, "" where there is none.
        lost: the picture itself is unusable; otherwise only its boxes are.
    """

    id: str
    reason: str
    split: str = ""
    lost: bool = True


def reason_of(error: Exception, identity: str) -> str:
    """What `error` says is wrong, without naming `identity` again: a `Problem` is shown as "id: reason"."""
    told = str(error).removeprefix(f"{identity}: ")
    return told.replace(f"cannot read {identity}: ", "cannot be read: ", 1)


def usable_boxes(identity: str, boxes: np.ndarray, split: str) -> tuple[np.ndarray, list[Problem]]:
    """Cut relative boxes (n, 4) at the picture's edges.

    A box with nothing left, or not a number, becomes a problem; so does one that lost more than `OVERHANG`.
    """
    given = np.asarray(boxes, np.float32).reshape(-1, 4)
    kept, problems = [], []
    for box, cut in zip(given, clip(given), strict=True):
        usable = np.isfinite(box).all() and (cut[2:] > cut[:2]).all()
        kept += [cut] if usable else []
        if not usable or np.abs(box - cut).max() > OVERHANG:
            shown = ", ".join(f"{value:.3f}" for value in box)
            wrong = "reaches outside the picture and was cut" if usable else "is empty or outside it"
            problems.append(Problem(identity, f"box ({shown}), relative to the picture, {wrong}", split, lost=False))
    if not kept and not problems:
        problems.append(Problem(identity, "no annotated box", split, lost=False))
    return np.array(kept, np.float32).reshape(-1, 4), problems


def short_names(names: Sequence[str]) -> tuple[str, ...]:
    """ "n02105641-Old_English_sheepdog" -> "Old English sheepdog": without WordNet's numbers, if they stay distinct."""
    short = tuple(re.sub(r"^n\d{8}-", "", name).replace("_", " ") for name in names)
    return short if len(set(short)) == len(short) else tuple(names)


@dataclass(frozen=True)
class Origin:
    """Where a dataset was read from.

    Attributes:
        kind: "drawn" on demand, "archives" as their authors publish them, or "tfds".
        folder: where it lies; "" where it lies nowhere.
        name: what it is called there, with its version; "" where the kind says it.
    """

    kind: str
    folder: str = ""
    name: str = ""


@dataclass(frozen=True)
class Dataset:
    """Annotated pictures in splits ("train" and "test").

    Attributes:
        name: the specification it was opened by, such as "stanford_dogs".
        classes: names as shown to people, indexed by a record's label.
        splits: records by split.
        problems: what could not be used while opening.
        source: where it was read from; None where that is not known.
    """

    name: str
    classes: tuple[str, ...]
    splits: Mapping[str, tuple[Record, ...]]
    problems: tuple[Problem, ...] = ()
    source: Origin | None = None

    def training_boxes(self) -> np.ndarray:
        """The first box of each training picture (n, 4)."""
        boxes = [record.boxes[0] for record in self.splits.get("train", ()) if len(record.boxes)]
        return np.array(boxes, np.float32).reshape(-1, 4)

    def fingerprint(self) -> str:
        """SHA-256 over classes, and over the id, label and boxes of every record: the same data, the same digits."""
        digest = hashlib.sha256("\0".join(self.classes).encode())
        for split, records in sorted(self.splits.items()):
            for record in records:
                digest.update(f"\0{split}\0{record.id}\0{record.label}\0".encode())
                digest.update(np.round(record.boxes, 5).astype("<f4").tobytes())
        return digest.hexdigest()


@dataclass(frozen=True)
class Source:
    """A row of the registry of datasets; functions are named "module:function", so that listing datasets is instant.

    Attributes:
        opener: called with (argument, data_dir, progress), gives the `Dataset`.
        description: what it is and where it comes from, in words.
        beside: for a format that annotates each picture in a file of its own: called with the absolute path of a picture, gives
            its boxes (n, 4) and problems, or None where the picture does not lie as the format lays them out. "" for others.
    """

    opener: str
    description: str
    beside: str = ""


DATASETS: Registry[Source] = Registry("dataset")
DATASETS.add(
    "stanford_dogs",
    Source(
        "dogcam.data.stanford_dogs:open_stanford_dogs",
        "Stanford Dogs: the official archives or the folder unpacked from them in --data-dir, else through TFDS",
        beside="dogcam.data.stanford_dogs:boxes_beside",
    ),
)
DATASETS.add(
    "synthetic",
    Source(
        "dogcam.data.synthetic.dataset:open_synthetic",
        "drawn dog-like animals with exact boxes, offline; synthetic:12 draws twelve breeds",
    ),
)
DATASETS.add("tfds", Source("dogcam.data.tfds:open_tfds", "tfds:NAME, any TensorFlow Datasets set with image, label and boxes"))


def source_of(specification: str) -> tuple[Source, str]:
    """The registry's row for "name" or "name:argument", and the argument ("" where there is none)."""
    name, _, argument = specification.partition(":")
    return DATASETS[name], argument


def boxes_beside(image: Path) -> tuple[np.ndarray, list[Problem]] | None:
    """Boxes (n, 4) of a picture on its own and what is wrong with them, by the first format that has an annotation beside it.

    Args:
        image: its absolute path.

    Returns:
        None where no format knows of it.
    """
    found = (resolve(source.beside)(image) for source in DATASETS.values() if source.beside)
    return next((each for each in found if each is not None), None)


def describe(dataset: Dataset) -> dict[str, Any]:
    """What an experiment remembers of its dataset."""
    return {
        "name": dataset.name,
        "source": None if dataset.source is None else asdict(dataset.source),
        "fingerprint": dataset.fingerprint(),
        "classes": list(dataset.classes),
        "counts": {split: len(records) for split, records in dataset.splits.items()},
    }


def open_dataset(specification: str, data_dir: str | None = None, progress: Progress | None = None) -> Dataset:
    """Open the dataset that `specification` names.

    Raises:
        UnknownName: no such dataset.
        InputError: it is there but cannot be used.
        Unavailable: it has to be fetched, and cannot be.
    """
    source, argument = source_of(specification)
    return resolve(source.opener)(argument, data_dir, progress or Progress())
