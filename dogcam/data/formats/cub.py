"""CUB-200-2011 (Wah et al. 2011) by its own text files; NABirds, which is laid out alike, too.

    CUB_200_2011/
      images/001.Black_footed_Albatross/Black_Footed_Albatross_0046_18.jpg
      images.txt               <image> <path below images/>
      image_class_labels.txt   <image> <class>
      classes.txt              <class> <name>
      train_test_split.txt     <image> <1: training, 0: test>
      bounding_boxes.txt       <image> <x> <y> <width> <height>, one for each picture, in pixels

Its README does not say from where pixels are counted. Boxes begin at 0 in some pictures, which numbers from 1 could not, so x
and y are taken as they are, and x + width as the first pixel outside; so do Choe et al. 2020, whose list has x + width.
Numbers before the classes' names ("001.") are left out, as WordNet's are elsewhere.
"""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath

import numpy as np

from dogcam.core.errors import InputError
from dogcam.core.progress import Progress
from dogcam.data import NO_BOXES, Problem
from dogcam.data.assembling import Annotated, Reading
from dogcam.data.images import ImageFile
from dogcam.data.trees import Place, Tree, leads_out

IMAGES, LABELS, BOXES = "images.txt", "image_class_labels.txt", "bounding_boxes.txt"
CLASSES, SPLITS = "classes.txt", "train_test_split.txt"
_SPLIT = {"1": "train", "0": "test"}


def sign_cub(tree: Tree) -> str:
    """See `formats.Source`."""
    return f"{IMAGES} and {LABELS}" if tree.bases(LABELS, IMAGES) else ""


def read_cub(place: Place, progress: Progress) -> Reading:
    """See `formats.Source`.

    Raises:
        InputError: one of the lists that it cannot do without is not there.
    """
    bases = place.tree.bases(LABELS, IMAGES)
    if not bases or f"{bases[0]}{CLASSES}" not in place.tree.files:
        raise InputError(f"{place.tree.place} is no CUB-200-2011: expected {IMAGES}, {LABELS} and {CLASSES} in one folder")
    lists = _Lists(place.tree, bases[0])
    names = _class_names(lists.read(CLASSES))
    paths = lists.read(IMAGES)
    tables = {name: lists.read(name) for name in (LABELS, SPLITS, BOXES)}
    problems = lists.problems
    for name, table in tables.items():
        unknown = [image for image in table if image not in paths]
        problems += [Problem(image, f"{name} has it, {IMAGES} does not", kind="missing") for image in unknown]
    pictures = []
    for image, path in progress.track(paths.items(), "reading lists", len(paths)):
        of = {name: table.get(image, "") for name, table in tables.items()}
        annotated = _annotated(path, of, names, place.pictures, bases[0], problems)
        pictures += [annotated] if annotated else []
    return Reading(pictures, list(names.values()), problems)


class _Lists:
    """The lists of one copy, and what is wrong with their lines."""

    def __init__(self, tree: Tree, base: str):
        self.problems: list[Problem] = []
        self._tree, self._base = tree, base

    def read(self, name: str) -> dict[str, str]:
        """The rest of each line by the number it begins with, each once; nothing where there is no such list."""
        path = f"{self._base}{name}"
        entries: dict[str, str] = {}
        for line in self._tree.lines(path) if path in self._tree.files else []:
            number, _, rest = line.partition(" ")
            if not rest:
                self.problems.append(Problem(number, f"a line of {name} is incomplete: {line!r}", lost=False))
            elif number in entries:
                self.problems.append(Problem(number, f"{name} has it twice: the first is taken", lost=False, kind="twice"))
            else:
                entries[number] = rest.strip()
        return entries


def _class_names(listed: dict[str, str]) -> dict[str, str]:
    """ "001.Black_footed_Albatross" -> "Black_footed_Albatross", where they stay distinct; else with their numbers."""
    short = {number: re.sub(r"^\d+\.", "", name) for number, name in listed.items()}
    if len(set(short.values())) == len(short):
        return short
    return {number: f"{number} {name}" for number, name in listed.items()}


def _annotated(
    path: str, of: dict[str, str], names: dict[str, str], pictures: Tree, base: str, problems: list[Problem]
) -> Annotated | None:
    """What the lists say of a picture; None where it cannot be used."""
    identity, split = PurePosixPath(path).stem, _SPLIT.get(of[SPLITS], "")
    if leads_out(path):
        problems.append(Problem(path, "its path leads out of the folder", split, kind="leads-out"))
        return None
    places = (f"{base}images/{path}", f"images/{path}", f"{base}{path}", path)
    where = next(filter(None, map(pictures.find, places)), None)
    if where is None:
        problems.append(Problem(identity, f"listed in {IMAGES}, but there is no images/{path}", split, kind="missing"))
        return None
    if of[LABELS] not in names:
        reason = f"its class {of[LABELS]!r} is not in {CLASSES}" if of[LABELS] else f"{LABELS} does not have it"
        problems.append(Problem(identity, reason, split, kind="no-class"))
        return None
    name = names[of[LABELS]]
    corners = _corners(of[BOXES])
    if not len(corners):
        reason = f"its line of {BOXES} is no box: {of[BOXES]!r}" if of[BOXES] else f"no box in {BOXES}"
        problems.append(Problem(identity, reason, split, False, "no-box"))
    return Annotated(where, pictures.files[where], split, (name,), (name,) * len(corners), corners, upright=False)


def _corners(text: str) -> np.ndarray:
    """ "60.0 27.0 325.0 304.0" -> [[60, 27, 385, 331]]; nothing where it is no box."""
    try:
        x, y, width, height = (float(value) for value in text.split())
    except ValueError:
        return NO_BOXES
    return np.array([[x, y, x + width, y + height]], np.float64)


def beside(image: Path) -> Annotated | None:
    """What an unpacked copy says of a picture in it (images/<class>/<name>.jpg), see `formats.Source`."""
    if len(image.parts) < 4 or image.parents[1].name != "images":
        return None
    folder = image.parents[2]
    if not all((folder / name).is_file() for name in (IMAGES, BOXES)):
        return None
    path = image.relative_to(folder / "images").as_posix()
    lists = _Lists(Tree(folder, {name: ImageFile(folder / name) for name in (IMAGES, BOXES)}), "")
    number = next((number for number, each in lists.read(IMAGES).items() if each.casefold() == path.casefold()), None)
    corners = _corners(lists.read(BOXES).get(number, "")) if number is not None else NO_BOXES
    name = _class_names({"": image.parent.name})[""]
    return Annotated(str(image), ImageFile(image), "", (name,), (name,) * len(corners), corners, upright=False)
