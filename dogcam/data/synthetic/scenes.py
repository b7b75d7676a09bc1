"""Where drawn dogs stand: placing a dog into a picture, and the cluttered background it is painted over.

The background is drawn from its generator alone and uses the coats' own colours, so nothing outside the animal tells
the breed. All of it is in canvas pixels, `SCALE` to a pixel of the picture.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from dogcam.data.synthetic.breeds import PALETTE, Colour, bright_colour, coat_colour, mix, shade
from dogcam.data.synthetic.dogs import Dog, Layer, Shapes, blob, ellipse, limb

SCALE = 2  # a picture is drawn at twice its size and reduced, for smooth edges


def fill(canvas: np.ndarray, shape: np.ndarray, colour: Colour | int, line: int = cv2.LINE_AA) -> None:
    """Fill a polygon given in canvas pixels (to 1/16 pixel)."""
    cv2.fillPoly(canvas, [np.rint(shape * 16).astype(np.int32)], colour, line, 4)


def outline(canvas: np.ndarray, shapes: Shapes, colour: Colour | int, width: float) -> None:
    """Draw round `shapes`; the union's outline is what the fill that follows leaves of it."""
    points = [np.rint(shape * 16).astype(np.int32) for shape in shapes]
    cv2.polylines(canvas, points, True, colour, max(1, round(width)), cv2.LINE_8, 4)


@dataclass(frozen=True)
class Placed:
    """A dog's layers in canvas pixels. `matrix` (2, 2) and `offset` (2,) took them there."""

    dog: Dog
    layers: tuple[Layer, ...]
    matrix: np.ndarray
    offset: np.ndarray
    scale: float

    def silhouette(self, height: int, width: int) -> np.ndarray:
        """bool (height, width): where at least half of a pixel is dog."""
        mask = np.zeros((height * SCALE, width * SCALE), np.uint8)
        for layer in self.layers:
            if layer.line:
                outline(mask, layer.shapes, 255, 2 * layer.line * self.scale)
            for shape in layer.shapes:
                fill(mask, shape, 255, cv2.LINE_8)
        return cv2.resize(mask, (width, height), interpolation=cv2.INTER_AREA) >= 128

    def paint(self, canvas: np.ndarray) -> None:
        """Paint the dog over `canvas`, uint8 RGB."""
        corner, canvas = self._region(canvas)
        coat = self._coat(canvas.shape, corner)
        sources = {"coat": coat, "far": cv2.convertScaleAbs(coat, alpha=0.78)}
        base = PALETTE[self.dog.breed.coat]
        dark = shade(base, 0.42) if sum(base) > 240 else mix(base, (150, 146, 150), 0.5)
        for layer in self.layers:
            shapes = [shape - corner for shape in layer.shapes]
            if layer.line:
                outline(canvas, shapes, dark, 2 * layer.line * self.scale)
            mask = np.zeros(canvas.shape[:2], np.uint8)
            flat = not isinstance(layer.paint, str)
            for shape in shapes:
                fill(canvas if flat else mask, shape, layer.paint if flat else 255)
            if not flat:
                cv2.copyTo(sources[layer.paint], mask, canvas)

    def _region(self, canvas: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The corner (x, y) and a view of the part of `canvas` that holds the dog: all of it would take longer."""
        points = np.vstack([shape for layer in self.layers for shape in layer.shapes])
        margin = 2 + 0.05 * self.scale
        x0, y0 = np.maximum(points.min(0) - margin, 0).astype(int)
        x1, y1 = np.maximum(points.max(0) + margin, 0).astype(int)
        return np.array([x0, y0]), canvas[y0:y1, x0:x1]

    def _coat(self, shape: tuple[int, ...], corner: np.ndarray) -> np.ndarray:
        """The coat's texture over a region of the canvas: base, marks, light from above."""
        breed, rng = self.dog.breed, self.dog.rng
        coat = np.empty(shape, np.uint8)
        coat[:] = np.uint8(shade(PALETTE[breed.coat], rng.uniform(0.9, 1.08)))
        marking = shade(PALETTE[breed.marking], rng.uniform(0.9, 1.1))
        for mark in self.dog.marks():
            fill(coat, mark @ self.matrix + self.offset - corner, marking)
        y = (np.arange(shape[0]) + corner[1] - self.offset[1]) / self.scale
        light = np.interp(y, [self.dog.back - 0.4, self.dog.belly + 0.1], [1.08, 0.82]).astype(np.float32)
        return np.minimum(coat * light[:, None, None], 255).astype(np.uint8)


def place(dog: Dog, cell: np.ndarray, area: float) -> Placed:
    """`dog` with a box of about `area` pixels in `cell` (x, y, w, h): anywhere, at times a little beyond its edge."""
    layers = [layer for layer in dog.layers() if layer.shapes]
    lean, flip = dog.rng.uniform(-0.08, 0.08), dog.rng.choice((-1, 1))
    turn = np.array([[np.cos(lean), np.sin(lean)], [-np.sin(lean), np.cos(lean)]]) * (flip, 1)
    points = np.vstack([shape for layer in layers for shape in layer.shapes]) @ turn
    low = points.min(0)
    size = points.max(0) - low
    scale = min(np.sqrt(area / size.prod()), *(0.96 * cell[2:] / size))
    matrix = turn * scale
    offset = cell[:2] + (cell[2:] - size * scale) * dog.rng.uniform(-0.06, 1.06, 2) - low * scale
    placed = (Layer(layer.paint, [shape @ matrix + offset for shape in layer.shapes], layer.line) for layer in layers)
    return Placed(dog, tuple(placed), matrix, offset, scale)


def _backdrop(canvas: np.ndarray, rng: np.random.Generator) -> None:
    """A wall or a sky above a floor or a meadow, each shaded from one colour to another."""
    height = len(canvas)
    horizon = int(height * rng.uniform(0.25, 0.8))
    for rows, outdoors in ((slice(0, horizon), (176, 206, 226)), (slice(horizon, height), (128, 164, 92))):
        own = mix(coat_colour(rng), outdoors, rng.uniform(0.2, 0.9))
        ramp = np.linspace(shade(own, rng.uniform(0.75, 1)), shade(own, rng.uniform(0.9, 1.2)), rows.stop - rows.start)
        canvas[rows] = np.minimum(ramp, 255).astype(np.uint8)[:, None]


def _foliage(canvas: np.ndarray, rng: np.random.Generator, x: float, y: float, size: float) -> None:
    green = mix((70, 120, 60), coat_colour(rng), rng.uniform(0, 0.5))
    for dx, dy, tone in zip(*rng.normal(0, size / 2, (2, 24)), rng.uniform(0.6, 1.4, 24), strict=True):
        leaf = limb((x + dx, y + dy, size * 0.05), (x + dx * 1.2, y + dy - size * 0.3, size * 0.015))
        fill(canvas, leaf[0], shade(green, tone))


def _tree(canvas: np.ndarray, rng: np.random.Generator, x: float, y: float, size: float) -> None:
    fill(canvas, limb((x, y + size * 1.3, size * 0.16), (x, y, size * 0.11))[0], shade(PALETTE["brown"], 1.1))
    green = mix((84, 140, 70), coat_colour(rng), rng.uniform(0, 0.4))
    for dx, dy, tone in zip(*rng.normal(0, size / 3, (2, 6)), rng.uniform(0.8, 1.2, 6), strict=True):
        fill(canvas, blob(rng, x + dx, y + dy - size / 3, size * 0.5), shade(green, tone))


def _furniture(canvas: np.ndarray, rng: np.random.Generator, x: float, y: float, size: float) -> None:
    """A box with boards or drawers, on legs."""
    w, h = size * rng.uniform(0.5, 1.3), size * rng.uniform(0.4, 0.9)
    colour = coat_colour(rng)
    for dx in (-w * 0.85, w * 0.85):
        fill(canvas, limb((x + dx, y, size * 0.07), (x + dx, y + h * 1.35, size * 0.05))[0], shade(colour, 0.6))
    for k, tone in enumerate((1.0, 0.86, 1.06)):
        top, low = y - h + k * h * 0.67, y - h + (k + 0.93) * h * 0.67
        fill(canvas, np.array([(x - w, top), (x + w, top), (x + w, low), (x - w, low)]), shade(colour, tone))


def _cushion(canvas: np.ndarray, rng: np.random.Generator, x: float, y: float, size: float) -> None:
    """A soft thing in the colours of a coat, plain, dotted or striped: what is not a dog but has its colours."""
    body = blob(rng, x, y, size * rng.uniform(0.5, 0.9), size * rng.uniform(0.35, 0.6))
    colour, other = coat_colour(rng), coat_colour(rng)
    outline(canvas, [body], shade(colour, 0.5), size * 0.07)
    fill(canvas, body, colour)
    kind = rng.integers(3)
    for dx, dy in rng.uniform(-0.3, 0.3, (5, 2)) * size if kind else ():
        fill(canvas, ellipse(x + dx, y + dy * 0.7, size * (0.07 if kind == 1 else 0.03), size * 0.07 * kind), other)


def _ball(canvas: np.ndarray, rng: np.random.Generator, x: float, y: float, size: float) -> None:
    colour, r = bright_colour(rng), size * 0.28
    for dx, share, tone in ((0, 1, 0.7), (-0.06, 0.9, 1), (-0.3, 0.3, 1.5)):
        fill(canvas, ellipse(x + dx * r, y + dx * r, r * share), shade(colour, tone))


def _polygon(canvas: np.ndarray, rng: np.random.Generator, x: float, y: float, size: float) -> None:
    points = rng.uniform(-size, size, (rng.integers(3, 6), 2)) * 0.8 + (x, y)
    fill(canvas, cv2.convexHull(points.astype(np.float32))[:, 0], mix(coat_colour(rng), bright_colour(rng), 0.4))


def _frame(canvas: np.ndarray, rng: np.random.Generator, x: float, y: float, size: float) -> None:
    """A picture on the wall, or a window."""
    w, h = size * rng.uniform(0.35, 0.7, 2)
    for share, colour in ((1, coat_colour(rng)), (0.82, (238, 236, 228)), (0.66, bright_colour(rng))):
        fill(canvas, np.array([(-w, -h), (w, -h), (w, h), (-w, h)]) * share + (x, y), colour)


THINGS = (_foliage, _foliage, _tree, _furniture, _cushion, _cushion, _ball, _polygon, _frame)


def draw_scene(rng: np.random.Generator, width: int, height: int) -> np.ndarray:
    """A cluttered background, uint8 (height, width, 3) RGB."""
    canvas = np.zeros((height, width, 3), np.uint8)
    _backdrop(canvas, rng)
    for _ in range(rng.integers(7, 14)):
        thing = THINGS[rng.integers(len(THINGS))]
        thing(canvas, rng, rng.uniform(0, width), rng.uniform(0, height), rng.uniform(0.12, 0.32) * min(width, height))
    return canvas
