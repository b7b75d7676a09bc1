"""Oxford-IIIT Pet (Parkhi et al. 2012): breeds of cats and dogs, with the animal's pixels or the box of its head.

    images/Abyssinian_100.jpg
    annotations/
      list.txt                       <image> <class> <species> <breed>, all pictures; lines with # are comments
      trainval.txt, test.txt         the same, of a split
      trimaps/Abyssinian_100.png     1 the animal, 2 the background, 3 not classified
      xmls/Abyssinian_100.xml        VOC's XML with the box of the head, for pictures of trainval.txt only

dogcam asks whether a network looks at the object, and the object is the animal: its box is the extent of the trimap's 1, and
its mask is these pixels. 3, the seam around the animal and what it wears, is neither: unknown to PxAP. The head's box is
another question; it is asked by naming its folder, `oxford_pet:DIR/annotations/xmls`, and taken where there are no trimaps.
Its corners are VOC's: counted from 1, the last pixel included. A class is named as its pictures are, without their numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np

from dogcam.core.errors import InputError
from dogcam.core.progress import Progress
from dogcam.data import NO_BOXES, Problem
from dogcam.data.assembling import Annotated, Reading
from dogcam.data.formats.voc_xml import objects_of
from dogcam.data.images import ImageFile, Stored
from dogcam.data.pixels import Extents, StoredPixels, extents_of, numbers, read_extents
from dogcam.data.trees import Place, Tree, leads_out, open_tree

LIST, TRIMAPS, HEADS = "list.txt", "trimaps", "xmls"
SPLITS = {"trainval.txt": "train", "test.txt": "test"}
_ANIMAL, _NEITHER = 1, 3


@dataclass(frozen=True)
class _Entry:
    """A line of the lists: a picture's name, the number of its class, its split."""

    name: str
    number: int
    split: str

    @property
    def breed(self) -> str:
        """ "great_pyrenees_12" -> "great_pyrenees"."""
        return self.name.rpartition("_")[0] or self.name


def sign_oxford_pet(tree: Tree) -> str:
    """See `formats.Source`."""
    return f"{_base(tree)}{LIST} of classes, species and breeds" if _base(tree) is not None else ""


def _base(tree: Tree) -> str | None:
    """The folder of the lists, with a slash behind it."""
    for path in tree.files:
        base = path.removesuffix(LIST)
        if PurePosixPath(path).name == LIST and any(
            each.startswith((f"{base}{TRIMAPS}/", f"{base}{HEADS}/")) for each in tree.files
        ):
            return base
    return None


def read_oxford_pet(place: Place, progress: Progress) -> Reading:
    """See `formats.Source`.

    Raises:
        InputError: there is no list, or neither trimaps nor heads.
    """
    tree, pictures, heads = _meant(place)
    base = _base(tree)
    if base is None:
        raise InputError(
            f"{place.tree.place} is no Oxford-IIIT Pet: expected annotations/{LIST} and annotations/{TRIMAPS} or {HEADS}"
        )
    problems: list[Problem] = []
    entries = _entries(tree, base, problems)
    names = _class_names(entries, problems)
    there = _with_pictures(entries, pictures, problems)
    lacking = not tree.under(f"{base}{TRIMAPS}", ".png")
    heads |= lacking
    if heads:
        progress.note(f"boxes are those of heads{', since there are no trimaps of the animals' if lacking else ''}")
        found = [_with_head(each, pictures.files[path], path, names, tree, base, problems) for each, path in there.items()]
    else:
        found = _with_animals(there, pictures, names, tree, base, problems, progress)
    return Reading(found, [names[number] for number in sorted(names)], problems)


def _meant(place: Place) -> tuple[Tree, Tree, bool]:
    """The tree of the whole set, that of its pictures, and whether heads are asked for: one of its folders may be named."""
    own = place.tree.place
    elsewhere = place.pictures.place.absolute() not in (own.absolute(), *own.absolute().parents)
    if own.name in (HEADS, TRIMAPS) and (own.parent / LIST).is_file():
        tree = open_tree(own.absolute().parents[1])
        return tree, place.pictures if elsewhere else tree, own.name == HEADS
    return place.tree, place.pictures, False


def _entries(tree: Tree, base: str, problems: list[Problem]) -> list[_Entry]:
    """The pictures of all lists, each once, in their order."""
    lines = {name: _lines(tree, f"{base}{name}", problems) for name in (*SPLITS, LIST)}
    splits = {image: split for name, split in SPLITS.items() for image in lines[name]}
    for image in sorted(lines["trainval.txt"].keys() & lines["test.txt"].keys()):
        problems.append(Problem(image, "it is in trainval.txt and in test.txt: taken for the test", "test", False, "twice"))
    listed = lines[LIST] | {image: number for name in SPLITS for image, number in lines[name].items() if image not in lines[LIST]}
    for image, number in ((image, number) for name in SPLITS for image, number in lines[name].items()):
        if number != listed[image]:
            reason = f"class {listed[image]} in {LIST}, class {number} in the list of its split: the first is taken"
            problems.append(Problem(image, reason, splits[image], False))
    return [_Entry(image, number, splits.get(image, "")) for image, number in listed.items()]


def _lines(tree: Tree, path: str, problems: list[Problem]) -> dict[str, int]:
    """The class of each picture in a list; nothing where there is no such list."""
    numbers_by_name: dict[str, int] = {}
    for line in tree.lines(path) if path in tree.files else []:
        if line.startswith("#"):
            continue
        # From the right, since a name may have spaces.
        parts = line.rsplit(None, 3)
        if len(parts) < 4 or not parts[1].isdecimal():
            problems.append(Problem(parts[0], f"a line of {path} is not `image class species breed`: {line!r}", lost=False))
        elif leads_out(parts[0]):
            problems.append(Problem(parts[0], "its name leads out of the folder", kind="leads-out"))
        else:
            numbers_by_name.setdefault(parts[0], int(parts[1]))
    return numbers_by_name


def _class_names(entries: list[_Entry], problems: list[Problem]) -> dict[int, str]:
    """The breed of each class number, as its first picture has it."""
    names: dict[int, str] = {}
    for each in entries:
        if names.setdefault(each.number, each.breed) != each.breed:
            reason = f"named {each.breed}, and its class {each.number} is {names[each.number]}: the class is taken"
            problems.append(Problem(each.name, reason, each.split, False))
    numbers_of: dict[str, list[int]] = {}
    for number, name in names.items():
        numbers_of.setdefault(name, []).append(number)
    return {number: name if len(numbers_of[name]) == 1 else f"{name} {number}" for number, name in names.items()}


def _with_pictures(entries: list[_Entry], pictures: Tree, problems: list[Problem]) -> dict[_Entry, str]:
    """The path of each picture that is there."""
    paths = {}
    for each in entries:
        places = (f"images/{each.name}.jpg", f"{each.name}.jpg")
        path = next(filter(None, map(pictures.find, places)), None) or pictures.picture(places[1])
        if path is None:
            problems.append(Problem(each.name, f"listed, but there is no images/{each.name}.jpg", each.split, kind="missing"))
        else:
            paths[each] = path
    return paths


def _with_animals(
    there: Mapping[_Entry, str],
    pictures: Tree,
    names: Mapping[int, str],
    tree: Tree,
    base: str,
    problems: list[Problem],
    progress: Progress,
) -> list[Annotated]:
    """The pictures with the extents and pixels of their trimaps."""
    trimaps = {each: tree.files.get(f"{base}{TRIMAPS}/{each.name}.png") for each in there}
    drawn = {each: file for each, file in trimaps.items() if file is not None}
    extents = read_extents(drawn.values(), "reading trimaps", len(drawn), progress)
    read = {each: contents for each, (_, contents) in zip(drawn, extents, strict=True)}
    pets = []
    for each, path in there.items():
        contents = read.get(each, InputError(f"no trimap {TRIMAPS}/{each.name}.png"))
        if isinstance(contents, InputError):
            problems.append(Problem(each.name, str(contents), each.split, False, "no-box"))
            contents = None
        elif _ANIMAL not in contents.corners:
            problems.append(Problem(each.name, "no pixel of its trimap is of the animal", each.split, False, "no-box"))
        pets.append(_animal(path, pictures.files[path], each.split, names[each.number], contents, drawn.get(each)))
    return pets


def _animal(path: str, image: Stored, split: str, breed: str, contents: Extents | None, trimap: Stored | None) -> Annotated:
    """A picture with what its trimap says."""
    if contents is None or trimap is None or _ANIMAL not in contents.corners:
        return Annotated(path, image, split, (breed,))
    corners = np.array([contents.corners[_ANIMAL]], np.float64)
    masks = {breed: StoredPixels((trimap,), _ANIMAL, _NEITHER)}
    return Annotated(path, image, split, (breed,), (breed,), corners, contents.size, masks=masks)


def _with_head(
    each: _Entry, image: Stored, path: str, names: Mapping[int, str], tree: Tree, base: str, problems: list[Problem]
) -> Annotated:
    """A picture with the boxes of its heads; none where there is no XML, as for those of the test."""
    breed, size, corners = names[each.number], None, NO_BOXES
    file = tree.files.get(f"{base}{HEADS}/{each.name}.xml")
    if file is not None:
        try:
            found = objects_of(file.content())
            size, corners = found.size, found.corners - (1, 1, 0, 0)
        except (InputError, ValueError) as error:
            problems.append(Problem(each.name, f"broken annotation: {error}", each.split, False, "no-box"))
    return Annotated(path, image, each.split, (breed,), (breed,) * len(corners), corners, size)


def beside(image: Path) -> Annotated | None:
    """What the trimap of a picture in an unpacked copy (images/<name>.jpg) says of it, see `formats.Source`.

    Raises:
        InputError: the trimap cannot be read.
    """
    if len(image.parts) < 3:
        return None
    trimap = image.parents[1] / "annotations" / TRIMAPS / f"{image.stem}.png"
    if not trimap.is_file():
        return None
    file = ImageFile(trimap)
    return _animal(str(image), ImageFile(image), "", _Entry(image.stem, 0, "").breed, extents_of(numbers(file)), file)
