"""The pictures that evaluation kept, with their raw maps: an evenly spaced sample, and those that rules chose for galleries.

One of them stands for the rest, by a rule, so that nobody picked it: the one of median IoU under Grad-CAM at the last epoch.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from dogcam.analysis.comparison import CORNERS
from dogcam.analysis.tables import Columns, Tables, right_of
from dogcam.boxes.drawing import prepare
from dogcam.core.errors import InputError
from dogcam.experiment.evaluations import MapKey


def pixels_of(path: Path) -> np.ndarray:
    """A JPEG file -> uint8 (H, W, 3), RGB.

    Raises:
        InputError: it cannot be read.
    """
    pixels = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_COLOR) if path.exists() else None
    if pixels is None:
        raise InputError(f"{path} is missing or not a picture: run dogcam evaluate again")
    return np.ascontiguousarray(pixels[..., ::-1])


@dataclass(frozen=True, eq=False)
class Picture:
    """One kept picture.

    Attributes:
        place: among `Kept.pictures`.
        id, label: its own, and its class.
        boxes: what is annotated, relative (n, 4).
        path: of the kept copy, which may be smaller than the original.
        shape: height and width of the original.
    """

    place: int
    id: str
    label: str
    boxes: np.ndarray
    path: Path
    shape: tuple[int, int]

    @classmethod
    def of(cls, place: int, entry: Mapping[str, Any]) -> Picture:
        """From an entry of `experiment.kept.KeptPictures`."""
        boxes = np.asarray(entry["boxes"], np.float32).reshape(-1, 4)
        shape = int(entry["height"]), int(entry["width"])
        return cls(place, str(entry["id"]), str(entry.get("class", "")), boxes, entry["picture"], shape)

    @cached_property
    def pixels(self) -> np.ndarray:
        """uint8 (H, W, 3)."""
        return pixels_of(self.path)


@dataclass(frozen=True, eq=False)
class Kept:
    """The kept pictures of a scope, and what its tables say of each.

    Attributes:
        tables: the scope's.
        samples: the evenly spaced ones: what is measured on kept pictures is measured on them.
        pictures: these, and after them the others that rules chose, which stand for nothing but their rule.
    """

    tables: Tables
    samples: tuple[Picture, ...]
    pictures: tuple[Picture, ...]

    @classmethod
    def of(cls, tables: Tables) -> Kept:
        """Those that are there."""
        index = tables.evaluation.sample.entries()
        ids = {entry["id"] for entry in index}
        others = [entry for entry in tables.evaluation.gallery.entries() if entry["id"] not in ids]
        pictures = tuple(Picture.of(place, entry) for place, entry in enumerate([*index, *others]))
        return cls(tables, pictures[: len(index)], pictures)

    def maps(self, run: int, epoch: int) -> dict[MapKey, list[np.ndarray | None]]:
        """The raw maps (h, w) of `pictures`, None where none was kept: a gallery's are of one epoch."""
        # A frozen dataclass has no room to write to but its own dictionary, where cached_property writes as well.
        cache = self.__dict__.setdefault("_maps", {})
        if (run, epoch) not in cache:
            cache[run, epoch] = self._read(run, epoch)
        return cache[run, epoch]

    def _read(self, run: int, epoch: int) -> dict[MapKey, list[np.ndarray | None]]:
        gallery = self.tables.evaluation.gallery
        own, others = self.tables.evaluation.sample.maps(run, epoch), gallery.maps(run, epoch)
        places = {image: place for place, image in enumerate(gallery.ids())} if others else {}
        found = {}
        for pair in {**own, **others}:
            kept: list[np.ndarray | None] = [*own.get(pair, ())]
            kept += [None] * (len(self.pictures) - len(kept))
            for picture in self.pictures if pair in others else ():
                if kept[picture.place] is None and picture.id in places:
                    kept[picture.place] = others[pair][places[picture.id]]
            found[MapKey(*pair)] = kept
        return found

    def raw(self, picture: Picture, key: MapKey, epoch: int) -> np.ndarray | None:
        """The raw map (h, w) of a picture, of the run that speaks; None where none was kept."""
        maps = self.maps(self.tables.run, epoch).get(key)
        return None if maps is None else maps[picture.place]

    def heat(self, picture: Picture, key: MapKey, epoch: int) -> np.ndarray | None:
        """The heat that the protocol that pictures are drawn under makes of it; None where no map was kept."""
        raw, protocol = self.raw(picture, key, epoch), self.tables.drawn_under
        return None if raw is None or protocol is None else prepare(raw, protocol, picture.shape)

    def epochs_of(self, key: MapKey) -> list[int]:
        """The epochs at which maps of all `samples` were kept beside their scores: what pictures can show."""
        return [epoch for epoch in self.tables.epochs if self.columns(key, epoch) is not None and self._all(key, epoch)]

    def _all(self, key: MapKey, epoch: int) -> bool:
        kept = self.maps(self.tables.run, epoch).get(key, [])[: len(self.samples)]
        return bool(kept) and all(each is not None for each in kept)

    def last_epoch(self, keys: Iterable[MapKey], least: int = 1) -> int | None:
        """The latest epoch at which maps of at least `least` of these were kept; None: there is none."""
        numbers = Counter(epoch for key in keys for epoch in self.epochs_of(key))
        return max((epoch for epoch, n in numbers.items() if n >= least), default=None)

    @cached_property
    def in_depth(self) -> tuple[str, tuple[str, ...], int | None]:
        """The first method whose maps were kept at several layers, those layers from the input on, and at which epoch."""
        for method in dict.fromkeys(key.method for key in self.tables.maps):
            keys = [MapKey(method, layer) for layer in self.tables.layers if MapKey(method, layer) in self.tables.maps]
            if len(keys) > 1:
                epoch = self.last_epoch(keys, least=2)
                return method, tuple(key.layer for key in keys if epoch in self.epochs_of(key)), epoch
        return "", (), None

    def columns(self, key: MapKey, epoch: int) -> Columns | None:
        """The per-image table that pictures are drawn after; None where there is none."""
        protocol = self.tables.drawn_under
        return None if protocol is None else self.tables.columns(protocol.name, key, epoch)

    def _row(self, picture: Picture, key: MapKey, epoch: int) -> dict[str, Any]:
        """A picture's row in that table; empty where it is not in it."""
        columns = self.columns(key, epoch)
        if columns is None:
            return {}
        row = next(iter(np.flatnonzero(columns["image"] == picture.id)), None)
        return {} if row is None else {name: values[row] for name, values in columns.items()}

    def iou(self, picture: Picture, key: MapKey, epoch: int) -> float | None:
        """A picture's IoU in that table; None where it is not in it."""
        row = self._row(picture, key, epoch)
        return float(row["iou"]) if row else None

    def box(self, picture: Picture, key: MapKey, epoch: int) -> np.ndarray | None:
        """The box (4,) that was scored, drawn at the cell's own threshold; None where there is none."""
        row = self._row(picture, key, epoch)
        corners = np.array([row.get(name, np.nan) for name in CORNERS], np.float32)
        return None if np.isnan(corners).any() else corners

    def predicted(self, picture: Picture, key: MapKey, epoch: int) -> tuple[str, bool] | None:
        """The class that the network puts first on a picture, and whether it is right; None where that is not known."""
        row = self._row(picture, key, epoch)
        if not row or not np.isfinite(np.array([row["predicted"], row["label"]], np.float64)).all():
            return None
        first, names = int(row["predicted"]), self.tables.document.get("dataset", {}).get("classes", ())
        right = bool(right_of({name: np.array([value], object) for name, value in row.items()})[0])
        return str(names[first]) if first < len(names) else str(first), right

    @cached_property
    def judge(self) -> tuple[MapKey, int] | None:
        """What the featured picture is chosen by: Grad-CAM at the pooled layer, else what has maps, at its latest epoch."""
        there = [key for key in self.tables.maps if self.epochs_of(key)]
        wanted = MapKey("gradcam", self.tables.pooled_layer)
        key = wanted if wanted in there else there[-1] if there else None
        return None if key is None else (key, max(self.epochs_of(key)))

    @cached_property
    def ranked(self) -> list[tuple[float, Picture]]:
        """(IoU, picture) of the samples, lowest first, as the judge scores them."""
        if self.judge is None:
            return []
        scored = [(self.iou(picture, *self.judge), picture) for picture in self.samples]
        known = [(iou, picture) for iou, picture in scored if iou is not None]
        return sorted(known, key=lambda pair: (pair[0], pair[1].id))

    @cached_property
    def featured(self) -> Picture | None:
        """The sample of median IoU (the lower one of the two in the middle)."""
        return self.ranked[(len(self.ranked) - 1) // 2][1] if self.ranked else None
