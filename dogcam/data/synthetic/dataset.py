"""Drawn dogs on cluttered backgrounds, with boxes that are exact because they are the extent of what was drawn.

A breed shows in its coat, its ears and its build, all over the body, and in nothing else. A picture is drawn when it is
asked for: the same `Drawing` gives the same bytes, in any order and in any process.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from dogcam.core.errors import OptionError
from dogcam.core.progress import Progress
from dogcam.data import Dataset, Origin, Record
from dogcam.data.synthetic.breeds import BREEDS
from dogcam.data.synthetic.dogs import Dog
from dogcam.data.synthetic.scenes import SCALE, Placed, draw_scene, place


@dataclass(frozen=True)
class Settings:
    """What is drawn. `sides` is the range of width and height in pixels, `share` that of a dog's box in the picture."""

    breeds: int = 8
    train: int = 220
    test: int = 40
    seed: int = 7
    sides: tuple[int, int] = (112, 200)
    share: tuple[float, float] = (0.08, 0.55)
    pairs: float = 0.15


DEFAULTS = Settings()


@dataclass(frozen=True)
class Drawing:
    """A picture that is drawn when it is asked for; a `Picture`.

    Attributes:
        breed: a row of `BREEDS`.
        seed: of everything that is random in it; the background depends on nothing else.
        width, height: in pixels.
        dogs: how many are in it, all of the breed.
        share: range of the share of the picture that a dog's box covers.
    """

    breed: str
    seed: int
    width: int
    height: int
    dogs: int = 1
    share: tuple[float, float] = DEFAULTS.share

    def pixels(self) -> np.ndarray:
        """uint8 (height, width, 3), RGB."""
        canvas = draw_scene(np.random.default_rng((self.seed, 1)), self.width * SCALE, self.height * SCALE)
        for dog in self._placed():
            dog.paint(canvas)
        picture = cv2.resize(canvas, (self.width, self.height), interpolation=cv2.INTER_AREA)
        rng = np.random.default_rng((self.seed, 2))
        light = (rng.uniform(0.85, 1.1) * rng.uniform(0.95, 1.05, 3)).astype(np.float32)
        grain = rng.uniform(1, 5) * rng.standard_normal((*picture.shape[:2], 1), np.float32)
        return np.clip(picture * light + grain, 0, 255).astype(np.uint8)

    def silhouettes(self) -> np.ndarray:
        """bool (dogs, height, width): each dog in full, also where another one hides it."""
        return np.stack([dog.silhouette(self.height, self.width) for dog in self._placed()])

    def mask(self) -> np.ndarray:
        """bool (height, width): the pixels of all dogs."""
        return self.silhouettes().any(0)

    def boxes(self) -> np.ndarray:
        """float32 (dogs, 4): the extent of each silhouette, relative, half-open."""
        return np.array([_extent(mask) for mask in self.silhouettes()], np.float32)

    def _placed(self) -> list[Placed]:
        """The dogs from the farthest to the nearest; two share the picture by halves of its longer side."""
        rng = np.random.default_rng((self.seed, 0))
        room = np.array([self.width, self.height]) * SCALE
        split = np.eye(2)[np.argmax(room)] * room / 2 * (self.dogs - 1)
        areas = np.sort(rng.uniform(*np.sqrt(self.share), self.dogs)) ** 2 * room.prod()
        cells = [np.r_[split * k, room - split] for k in rng.permutation(self.dogs)]
        dogs = [Dog(BREEDS[self.breed], np.random.default_rng((self.seed, 3 + k))) for k in range(self.dogs)]
        return [place(*what) for what in zip(dogs, cells, areas, strict=True)]


def _extent(mask: np.ndarray) -> tuple[float, float, float, float]:
    """The relative, half-open box round the true pixels of `mask` (h, w)."""
    x, y, w, h = cv2.boundingRect(mask.view(np.uint8))
    height, width = mask.shape
    return x / width, y / height, (x + w) / width, (y + h) / height


def open_synthetic(argument: str, data_dir: str | None, progress: Progress, seed: int = 0) -> Dataset:
    """Drawn dogs of the first `argument` breeds ("" for the default number); `data_dir` and `seed` are not used.

    Raises:
        OptionError: `argument` is not a number of breeds, or not one that can be drawn.
    """
    breeds = list(BREEDS)[: _count(argument)]
    total = len(breeds) * (DEFAULTS.train + DEFAULTS.test)
    with progress.task("drawing dogs", total) as step:
        splits = {}
        for number, (split, count) in enumerate((("train", DEFAULTS.train), ("test", DEFAULTS.test))):
            records = []
            for label, breed in enumerate(breeds):
                for k in range(count):
                    records.append(_record(split, breed, label, k, (DEFAULTS.seed, number, label, k)))
                step.advance(count)
            splits[split] = tuple(records)
    return Dataset(f"synthetic:{argument}".rstrip(":"), tuple(breeds), splits, source=Origin("drawn"))


def _count(argument: str) -> int:
    if not argument:
        return DEFAULTS.breeds
    if not (argument.isascii() and argument.isdigit() and 2 <= int(argument) <= len(BREEDS)):
        raise OptionError(
            f"synthetic:N draws N breeds, a whole number from 2 to {len(BREEDS)}; received {argument!r}. "
            f"Leave it out for {DEFAULTS.breeds} breeds"
        )
    return int(argument)


def _record(split: str, breed: str, label: int, number: int, entropy: tuple[int, ...]) -> Record:
    seed = int(np.random.SeedSequence(entropy).generate_state(1)[0])
    rng = np.random.default_rng(seed)
    width, height = (int(side) for side in rng.integers(*DEFAULTS.sides, 2, endpoint=True))
    drawing = Drawing(breed, seed, width, height, 2 if rng.random() < DEFAULTS.pairs else 1)
    return Record(f"{split}-{breed}-{number + 1:04d}", drawing, label, drawing.boxes(), drawing.mask)
