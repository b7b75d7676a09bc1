"""Any TensorFlow Datasets set that has pictures, labels and (for scoring) boxes: tfds:NAME."""

from __future__ import annotations

import atexit
import contextlib
import io
import json
import os
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import tensorflow_datasets as tfds

from dogcam.core.downloads import require_reachable
from dogcam.core.errors import InputError, first_line
from dogcam.core.progress import Progress, Step
from dogcam.core.registry import unknown
from dogcam.data import Dataset, Origin, Problem, Record, short_names
from dogcam.data.checking import usable_boxes
from dogcam.data.images import FileSlice

# TFDS's corners are (ymin, xmin, ymax, xmax); ours are (x0, y0, x1, y1).
_FROM_TFDS = [1, 0, 3, 2]


def open_tfds(argument: str, data_dir: str | None, progress: Progress, seed: int = 0) -> Dataset:
    """The TFDS set `argument`: its prepared copy under `data_dir` (TFDS's own folder where None), else downloaded.

    Raises:
        InputError: TFDS does not know it, or it has no pictures and labels.
        Unavailable: it has to be downloaded, and the host does not answer.
    """
    builder = _builder(argument, data_dir)
    _prepare(builder, progress)
    _require_features(builder, argument)
    names = builder.info.features["label"].names
    problems: list[Problem] = []
    splits = {ours: _records(builder, theirs, ours, problems, progress) for ours, theirs in _splits(builder).items()}
    source = Origin("tfds", str(builder.data_path), builder.info.full_name)
    name = argument if argument == "stanford_dogs" else f"tfds:{argument}"
    return Dataset(name, short_names(names), splits, tuple(problems), source)


def _builder(name: str, data_dir: str | None) -> Any:
    if not name:
        raise InputError("tfds needs the name of a set, such as tfds:stanford_dogs; received none")
    try:
        return tfds.builder(name, data_dir=data_dir)
    except tfds.core.registered.DatasetNotFoundError as error:
        raise InputError(str(unknown("TFDS dataset", name, tfds.list_builders(with_community_datasets=False)))) from error
    except (ValueError, AssertionError, ImportError) as error:
        raise InputError(f"TFDS cannot open {name!r}: {first_line(error)}") from error


def _prepare(builder: Any, progress: Progress) -> None:
    """Download and prepare what is not there yet."""
    if builder.data_path.exists():
        return
    addresses = sorted(builder.url_infos) if builder.url_infos else []
    remedy = _remedy(builder, addresses)
    if addresses and not _downloaded(builder, addresses):
        require_reachable(addresses[0], remedy)
    progress.note(f"TFDS prepares {builder.info.full_name} in {builder.data_path}: once, and it takes a while")
    tfds.disable_progress_bar()
    try:
        # It prints its greeting on standard output, which is ours for answers.
        with (
            contextlib.redirect_stdout(io.StringIO()),
            progress.task("TFDS downloads and prepares") as step,
            _watched(_home(builder), step),
        ):
            builder.download_and_prepare()
    except Exception as error:  # the code of any of TFDS's sets runs here, on files from elsewhere
        reason = f"TFDS could not prepare {builder.info.full_name} ({type(error).__name__}: {first_line(error)})"
        raise InputError(f"{reason}. {remedy}") from error


@contextlib.contextmanager
def _watched(folder: Path, step: Step) -> Iterator[None]:
    """Tell `step` every second how much has come to lie in `folder` since: TFDS's own bars know nothing of ours."""
    before, ended = _bytes_in(folder), threading.Event()

    def watch() -> None:
        while not ended.wait(1):
            step.advance(0, f"{(_bytes_in(folder) - before) / 1e6:.0f} MB")

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _bytes_in(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        with contextlib.suppress(OSError):  # TFDS moves files while we look
            total += path.stat().st_size
    return total


def _home(builder: Any) -> Path:
    """The folder that holds TFDS's sets and downloads."""
    return Path(builder.data_path.parents[builder.info.full_name.count("/")])


def _remedy(builder: Any, addresses: Sequence[str]) -> str:
    """What to do where nothing can be downloaded."""
    if builder.name == "stanford_dogs":
        files = ", ".join(url.rsplit("/", 1)[1] for url in addresses)
        todo = f"Fetch {files} elsewhere, put them in a folder and name it with --data-dir FOLDER"
    else:
        todo = f"Let TFDS prepare it where there is a network, and copy it to {builder.data_path}"
    return f"{todo}; or see everything work offline with: dogcam demo"


def _downloaded(builder: Any, addresses: Sequence[str]) -> bool:
    """Whether TFDS keeps finished downloads already: then no host needs to answer."""
    notes = "".join(path.read_text(encoding="utf-8") for path in (_home(builder) / "downloads").rglob("*.INFO"))
    return all(json.dumps(url) in notes for url in addresses)


def _require_features(builder: Any, argument: str) -> None:
    features = builder.info.features
    for name, kind in (("image", tfds.features.Image), ("label", tfds.features.ClassLabel)):
        if name not in features or not isinstance(features[name], kind):
            raise InputError(f"tfds:{argument} has no {name!r} of the kind {kind.__name__}; it has {', '.join(features)}")


def _splits(builder: Any) -> Mapping[str, str]:
    """Our splits by the names of theirs; where there is no "test", "validation" stands for it."""
    theirs = set(builder.info.splits)
    test = "test" if "test" in theirs else "validation"
    missing = {"train", test} - theirs
    if missing:
        raise InputError(f"{builder.info.full_name} needs the splits train and test; it has {', '.join(sorted(theirs))}")
    return {"train": "train", "test": test}


def _records(builder: Any, theirs: str, ours: str, problems: list[Problem], progress: Progress) -> tuple[Record, ...]:
    """The records of a split. Encoded pictures go to one temporary file, so that a large split does not fill memory."""
    total = builder.info.splits[theirs].num_examples
    examples = builder.as_dataset(split=theirs, decoders={"image": tfds.decode.SkipDecoding()})
    records = []
    with _spool() as spool:
        for number, example in enumerate(progress.track(tfds.as_numpy(examples), f"reading {ours}", total)):
            identity = _identity(example, ours, number)
            if example["label"] < 0:
                problems.append(Problem(identity, "TFDS has no label for it", ours))
                continue
            boxes, _, found = usable_boxes(identity, _boxes(example), ours)
            problems += found
            content = bytes(example["image"])
            picture = FileSlice(Path(spool.name), spool.tell(), len(content), identity)
            spool.write(content)
            records.append(Record(identity, picture, int(example["label"]), boxes))
    return tuple(sorted(records, key=lambda record: record.id))


def _spool() -> BinaryIO:
    handle, name = tempfile.mkstemp(prefix="dogcam-tfds-")
    os.close(handle)
    atexit.register(Path(name).unlink, missing_ok=True)
    return Path(name).open("wb")


def _identity(example: Mapping[str, Any], split: str, number: int) -> str:
    for name in ("image/filename", "file_name", "image/id"):
        if name in example:
            value = example[name]
            return Path(value.decode("utf-8", "replace")).stem if isinstance(value, bytes) else str(value)
    return f"{split}-{number:06d}"


def _boxes(example: Mapping[str, Any]) -> np.ndarray:
    holder = example.get("objects", example)
    corners = np.asarray(holder["bbox"], np.float32).reshape(-1, 4) if "bbox" in holder else np.zeros((0, 4))
    return corners[:, _FROM_TFDS]
