"""Files of made-up datasets: pictures and masks as bytes, and folders of them."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image


def picture(width=20, height=10, form="JPEG", **options):
    """A picture of one colour, encoded."""
    buffer = io.BytesIO()
    Image.new("RGB", (width, height), (width % 256, height % 256, 90)).save(buffer, form, **options)
    return buffer.getvalue()


def mask(*boxes, size=(20, 10), mode="L", form="PNG"):
    """A mask of boxes (number, x0, y0, x1, y1), half-open, the later over the earlier; mode "P" has a palette of other values."""
    numbers = np.zeros(size[::-1], np.uint16 if mode == "I;16" else np.uint8)
    for number, x0, y0, x1, y1 in boxes:
        numbers[y0:y1, x0:x1] = number
    image = Image.fromarray(numbers)
    if mode == "P":
        image.putpalette([value for place in range(256) for value in (255 - place, (7 * place) % 256, (place * place) % 256)])
    elif mode != image.mode:
        image = image.convert(mode)
    buffer = io.BytesIO()
    image.save(buffer, form)
    return buffer.getvalue()


def write(folder, files):
    """Write {path: bytes or text} below `folder`."""
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


def everything(dataset):
    """All records by id."""
    return {record.id: record for records in dataset.splits.values() for record in records}


def pixels_of(dataset):
    """The boxes of every record in pixels of its picture, rounded to a hundredth, by id."""
    found = {}
    for identity, record in everything(dataset).items():
        height, width = record.image.pixels().shape[:2]
        found[identity] = np.round(record.boxes * (width, height, width, height), 2).tolist()
    return found


def told(dataset):
    """(id, kind, whether it is lost) of all problems, in order of these."""
    return sorted((problem.id, problem.kind, problem.lost) for problem in dataset.problems)
