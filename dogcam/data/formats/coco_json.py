"""The content of a COCO JSON: its images, its objects by image, and its categories; refused where it is of another kind."""

from __future__ import annotations

import json
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from dogcam.core.errors import InputError, first_line
from dogcam.data.regions import Region, region_of


class Marked(NamedTuple):
    """An entry of `annotations`: one object, or several where it is a crowd.

    Attributes:
        image: the id of its image.
        category: the id of its category.
        crowd: whether its region is of several objects.
        box: x, y, width and height; None where there is none.
        region: None where there is none.
        wrong: what its box or region cannot be read for.
        scored: whether it has a score, as results have.
    """

    image: Any
    category: Any
    crowd: bool
    box: array | None
    region: Region | None
    wrong: tuple[str, ...]
    scored: bool


@dataclass(frozen=True)
class Instances:
    """A JSON's content: its `images`, its objects by image, and the names of its categories by their ids, in order."""

    images: Sequence[Any]
    objects: dict[Any, Sequence[Marked]]
    names: Mapping[Any, str]


def read_instances(text: str, path: str) -> Instances:
    """The content of a JSON.

    Raises:
        InputError: it is none, or no COCO JSON of instances.
    """
    try:
        content = json.loads(text, object_hook=_compact)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path} is no JSON: {first_line(error)}; if it was cut short, export or fetch it again") from error
    if isinstance(content, list) and content and isinstance(content[0], Marked) and content[0].scored:
        raise InputError(
            f"{path} is a list of results (image_id, category_id, bbox, score), not of annotations: name the JSON with "
            f"images, annotations and categories that they are for"
        )
    lists = ("images", "annotations", "categories")
    if not isinstance(content, dict):
        raise InputError(f"{path} must be a JSON object with {', '.join(lists)}; it is a {_kind(content)}")
    missing = [name for name in lists if not isinstance(content.get(name), list)]
    if missing:
        there = ", ".join(map(str, list(content)[:8])) or "nothing"
        what = f"the list{'s' if missing[1:] else ''} {', '.join(missing)} of a COCO JSON"
        raise InputError(f"{path} lacks {what}; it has {there}; export the annotations as COCO")
    objects = [each for each in content["annotations"] if isinstance(each, Marked)]
    if content["annotations"] and not any(each.box or each.region or each.wrong for each in objects):
        raise InputError(f"no annotation of {path} has a bbox or a segmentation: captions and panoptic JSONs have no boxes")
    by_image: dict[Any, Any] = {}
    for each in objects:
        by_image.setdefault(each.image, []).append(each)
    return Instances(content["images"], by_image, _names(content["categories"], path))


def _kind(content: Any) -> str:
    return f"list of {len(content)}" if isinstance(content, list) else type(content).__name__


def _compact(entry: dict[str, Any]) -> Any:
    """An annotation as soon as it is parsed, its numbers packed: millions of them would fill the memory as Python's own."""
    if "image_id" not in entry:
        return entry
    wrong = []
    box, region = entry.get("bbox"), entry.get("segmentation")
    try:
        box = array("d", box) if box else None
        if box is not None and len(box) != 4:
            raise ValueError
    except (TypeError, ValueError, OverflowError):
        box, wrong = None, [f"its bbox is not four numbers: {str(entry['bbox'])[:60]}"]
    try:
        region = region_of(region) if region else None
    except ValueError as error:
        region, wrong = None, [*wrong, f"its segmentation is broken: {error}"]
    crowd = entry.get("iscrowd") in (1, "1")
    return Marked(key_of(entry["image_id"]), key_of(entry.get("category_id")), crowd, box, region, tuple(wrong), "score" in entry)


def key_of(identity: Any) -> Any:
    """An id, None where it is neither a number nor a text."""
    return identity if isinstance(identity, int | str) else None


def _names(categories: Sequence[Any], path: str) -> dict[Any, str]:
    """Names by id, in the order of ids.

    Raises:
        InputError: a category has no id or name.
    """
    for each in categories:
        if not (isinstance(each, dict) and key_of(each.get("id")) is not None and isinstance(each.get("name"), int | str)):
            raise InputError(f"{path}: each category needs an id and a name; received {str(each)[:80]}")
    ordered = sorted(categories, key=lambda each: (isinstance(each["id"], str), each["id"]))
    return {each["id"]: str(each["name"]) for each in ordered}
