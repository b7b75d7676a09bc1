"""Makes small copies of Stanford Dogs in the form that the dataset's own page offers."""

from __future__ import annotations

import io
import tarfile
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import scipy.io
from PIL import Image

OBJECT = """\t<object>
\t\t<name>{name}</name>
\t\t<pose>Unspecified</pose>
\t\t<truncated>0</truncated>
\t\t<difficult>0</difficult>
\t\t<bndbox>
\t\t\t<xmin>{0}</xmin>
\t\t\t<ymin>{1}</ymin>
\t\t\t<xmax>{2}</xmax>
\t\t\t<ymax>{3}</ymax>
\t\t</bndbox>
\t</object>
"""
ANNOTATION = """<annotation>
\t<folder>{folder}</folder>
\t<filename>{id}</filename>
\t<source>
\t\t<database>ImageNet database</database>
\t</source>
\t<size>
\t\t<width>{width}</width>
\t\t<height>{height}</height>
\t\t<depth>3</depth>
\t</size>
\t<segment>0</segment>
{objects}</annotation>
"""


def drawn(width, height, blue):
    """A picture that is told apart from its mirror images and from itself with channels swapped."""
    red = np.broadcast_to(np.linspace(0, 250, width)[None], (height, width))
    green = np.broadcast_to(np.linspace(0, 120, height)[:, None], (height, width))
    return np.stack([red, green, np.full((height, width), blue)], -1).round().astype(np.uint8)


def encoded(pixels, form="JPEG", **options):
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, form, **options)
    return buffer.getvalue()


@dataclass(frozen=True)
class Dog:
    """One picture of the copy to make; `picture` or `annotation` is None where the archive is to lack it."""

    breed: str
    id: str
    split: str
    pixels: np.ndarray
    picture: bytes | None
    annotation: bytes | None

    @property
    def path(self):
        return f"{self.breed}/{self.id}"

    def but(self, **changes):
        return replace(self, **changes)


class Maker:
    """Makes dogs, and writes copies of the dataset from them."""

    def annotation(self, breed, identity, width, height, boxes):
        name = breed.partition("-")[2]
        objects = "".join(OBJECT.format(*box, name=name) for box in boxes)
        folder = breed.partition("-")[0].removeprefix("n")
        return ANNOTATION.format(folder=folder, id=identity, width=width, height=height, objects=objects).encode()

    def dog(self, breed, number, split, size=(40, 30), boxes=((4, 6, 20, 24),)):
        """`size` is (width, height); `boxes` are corners in pixels."""
        identity = f"{breed.partition('-')[0]}_{number}"
        pixels = drawn(*size, blue=number % 200)
        xml = self.annotation(breed, identity, *size, boxes)
        return Dog(breed, identity, split, pixels, encoded(pixels, quality=95), xml)

    def lists(self, dogs):
        """The .mat files as {name: content}: cells of char arrays, as the official ones."""
        chosen = {"file_list.mat": dogs}
        chosen |= {f"{split}_list.mat": [dog for dog in dogs if dog.split == split] for split in ("train", "test")}
        breeds = sorted({dog.breed for dog in dogs})
        return {name: self._list(part, breeds) for name, part in chosen.items()}

    def _list(self, dogs, breeds):
        def cells(texts):
            column = np.empty((len(texts), 1), object)
            column[:, 0] = texts
            return column

        content = {
            "file_list": cells([f"{dog.path}.jpg" for dog in dogs]),
            "annotation_list": cells([dog.path for dog in dogs]),
            "labels": np.array([[breeds.index(dog.breed) + 1] for dog in dogs], np.uint8).reshape(-1, 1),
        }
        buffer = io.BytesIO()
        scipy.io.savemat(buffer, content)
        return buffer.getvalue()

    def parts(self, dogs):
        """The content of each archive as {archive: {path: content}}."""
        images = {f"Images/{dog.path}.jpg": dog.picture for dog in dogs if dog.picture is not None}
        notes = {f"Annotation/{dog.path}": dog.annotation for dog in dogs if dog.annotation is not None}
        return {"images.tar": images, "annotation.tar": notes, "lists.tar": self.lists(dogs)}

    def tar(self, path, files):
        """Write {path: content} as an archive, with entries for the folders as `tar cf` makes them."""
        made = set()
        with tarfile.open(path, "w") as archive:
            for name, content in files.items():
                for folder in reversed(Path(name).parents[:-1]):
                    if folder not in made:
                        entry = tarfile.TarInfo(folder.as_posix())
                        entry.type, entry.mode = tarfile.DIRTYPE, 0o755
                        archive.addfile(entry)
                        made.add(folder)
                entry = tarfile.TarInfo(name)
                entry.size = len(content)
                archive.addfile(entry, io.BytesIO(content))

    def files(self, folder, files):
        for name, content in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)

    def write(self, folder, dogs, form="archives"):
        """Write a copy.

        "archives" are the three; "unpacked" is what they unpack to in one folder, "unpacked, lists/" with the lists in a
        folder of their own, "unpacked, lists.tar" with them still packed; "mixed" has one part packed, two unpacked.
        """
        parts = self.parts(dogs)
        packed = {
            "archives": ["images.tar", "annotation.tar", "lists.tar"],
            "unpacked, lists.tar": ["lists.tar"],
            "mixed": ["images.tar"],
        }.get(form, [])
        for archive, files in parts.items():
            if archive in packed:
                self.tar(folder / archive, files)
            elif archive == "lists.tar" and form == "unpacked, lists/":
                self.files(folder / "lists", files)
            else:
                self.files(folder, files)
        return folder


@pytest.fixture(scope="session")
def maker():
    return Maker()
