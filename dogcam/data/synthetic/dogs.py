"""One drawn dog in its own units: its parts, the layers they are painted in, and the marks of its coat.

A dog is drawn facing right in units of about its own height, standing at y = 0 with y growing downwards;
`dogcam.data.synthetic.scenes` places it into a picture.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import cv2
import numpy as np

from dogcam.data.synthetic.breeds import EARS, PALETTE, TAILS, Breed, Colour, bright_colour, mix, shade

Shapes = list[np.ndarray]

RADIUS = 0.25  # of the head


@dataclass(frozen=True)
class Layer:
    """Shapes painted together, with one outline round their union.

    Attributes:
        paint: "coat", "far" (the coat in shade) or a flat colour.
        shapes: float (n, 2) polygons.
        line: width of the outline; 0 for none.
    """

    paint: str | Colour
    shapes: Shapes
    line: float = 0.0


@cache
def _spline(count: int, steps: int) -> np.ndarray:
    """The matrix (count * steps, count) from control points to a closed Catmull-Rom curve through them."""
    p1 = np.eye(count)
    p0, p2, p3 = np.roll(p1, 1, 0), np.roll(p1, -1, 0), np.roll(p1, -2, 0)
    t = (np.arange(steps) / steps)[:, None, None]
    curve = 2 * p1 + (p2 - p0) * t + (2 * p0 - 5 * p1 + 4 * p2 - p3) * t**2 + (3 * (p1 - p2) + p3 - p0) * t**3
    return (curve / 2).transpose(1, 0, 2).reshape(-1, count)


def _smooth(points: object, steps: int = 6) -> np.ndarray:
    """A smooth closed curve through `points` (n, 2), as a polygon (n * steps, 2)."""
    return _spline(len(points), steps) @ np.asarray(points, np.float64)


_CIRCLE = np.stack([np.cos(np.arange(20) * np.pi / 10), np.sin(np.arange(20) * np.pi / 10)], 1)


def ellipse(x: float, y: float, rx: float, ry: float | None = None) -> np.ndarray:
    """An ellipse round (x, y), a circle where `ry` is not given, as a polygon (20, 2)."""
    return _CIRCLE * (rx, ry or rx) + (x, y)


def limb(*joints: tuple[float, float, float]) -> Shapes:
    """A limb through `joints` (x, y, radius): the hull of each pair of neighbouring circles."""
    circles = [(_CIRCLE * r + (x, y)).astype(np.float32) for x, y, r in joints]
    return [cv2.convexHull(np.concatenate(pair))[:, 0] for pair in pairwise(circles)]


def blob(rng: np.random.Generator, x: float, y: float, rx: float, ry: float | None = None) -> np.ndarray:
    """An irregular closed shape round (x, y)."""
    return _smooth(_CIRCLE[::3] * (rx, ry or rx) * rng.uniform(0.65, 1.2, (7, 1)) + (x, y), 4)


_STEPS = np.arange(120)
_NEXT, _BEFORE = np.roll(_STEPS, -1), np.roll(_STEPS, 1)


def _curly(shape: np.ndarray, height: float) -> np.ndarray:
    """`shape` with scallops of `height` along its outline; as it is where `height` is 0."""
    if not height:
        return shape
    closed = np.concatenate([shape, shape[:1]])
    along = np.zeros(len(closed), closed.dtype)
    np.cumsum(np.hypot(*(closed[1:] - closed[:-1]).T), out=along[1:])
    at = _STEPS * (float(along[-1]) / 120)
    curve = np.stack([np.interp(at, along, side) for side in closed.T], 1)
    tangent = curve[_NEXT] - curve[_BEFORE]
    normal = np.stack([tangent[:, 1], -tangent[:, 0]], 1) / (np.hypot(*tangent.T)[:, None] + 1e-9)
    waves = max(4, round(along[-1] / (4 * height)))
    outward = np.sign(cv2.contourArea(curve.astype(np.float32), True) or 1)
    return curve - outward * normal * height * np.abs(np.sin(np.pi * waves * _STEPS / 120))[:, None]


@cache
def _ear(kind: str, fluff: float) -> np.ndarray:
    """An ear in head radii, one of `EARS`. Like the muzzle and the mouth it is one for all dogs of a breed."""
    return _curly(_smooth(EARS[kind], 4), fluff * 2)


@cache
def _muzzle(length: float) -> Shapes:
    return limb((0.30, 0.22, 0.56), (0.72 + length, 0.34, 0.34 - 0.06 * length))


@cache
def _mouth(length: float) -> Shapes:
    return limb((0.50 + length / 3, 0.66, 0.03), (0.72 + length * 0.6, 0.62, 0.03), (0.95 + length, 0.46, 0.03))


class Dog:
    """One dog in its own units: where its parts are, what is painted on them, and in which order."""

    def __init__(self, breed: Breed, rng: np.random.Generator) -> None:
        self.breed, self.rng = breed, rng
        self.ear, self.ear_colour = _ear(breed.ears, breed.fluff), PALETTE[breed.ear]
        self.half, self.back, self.belly = breed.body / 2, -breed.legs - breed.depth, -breed.legs
        self.head = np.array([self.half + 0.17, self.back - 0.20]) + rng.uniform((-0.03, -0.08), (0.06, 0.10))
        tilt, self.wag = rng.uniform(-0.30, 0.25), rng.uniform(-0.35, 0.35)
        self.turn = np.array([[np.cos(tilt), np.sin(tilt)], [-np.sin(tilt), np.cos(tilt)]])
        self.steps = rng.uniform(-0.20, 0.20, 4) * min(1, breed.legs * 2.5)
        self.collar = bright_colour(rng)
        self.tongue, self.collared = rng.random(2) < (0.6, 0.5)

    def on_head(self, points: object) -> np.ndarray:
        """Points in head radii round the head's centre -> the dog's units."""
        return np.asarray(points) @ self.turn * RADIUS + self.head

    def layers(self) -> Iterator[Layer]:
        """The layers from the far side to the near one."""
        yield Layer("far", self._tail() if self.breed.tail != "curl" else [], 0.02)
        yield Layer("far", self._leg(0, -1, 0.10) + self._leg(1, 1, -0.12), 0.02)
        yield Layer(shade(self.ear_colour, 0.8), [self.on_head(np.add(self.ear, (0.55, -0.02)))], 0.02)
        yield Layer("coat", self._trunk() + self._leg(2, -1, 0) + self._leg(3, 1, 0), 0.022)
        yield Layer("coat", self._tail() if self.breed.tail == "curl" else [], 0.018)
        yield from self._face()

    def _face(self) -> Iterator[Layer]:
        m = self.breed.muzzle
        if self.collared:
            side = self.on_head([(-0.95, 0.75), (-0.35, 1.10)])
            yield Layer(self.collar, limb(*((x, y, 0.045) for x, y in [*side, self.on_head((0.35, 1.15))])), 0.012)
        if self.tongue:
            yield Layer((226, 104, 112), [self.on_head(ellipse(0.60 + m / 2, 0.85, 0.18, 0.34))], 0.012)
        round_parts = [(0, 0, 1, 0.95), (-0.1, -0.72, 0.85, 0.6)] if self.breed.ears == "puff" else [(0, 0, 1, 0.95)]
        skull = [_curly(self.on_head(ellipse(*part)), self.breed.fluff) for part in round_parts]
        yield Layer("coat", [*skull, *map(self.on_head, _muzzle(m))], 0.022)
        yield Layer((38, 32, 36), [self.on_head(ellipse(0.98 + m, 0.18, 0.19, 0.16))])
        yield Layer((38, 32, 36), [*map(self.on_head, _mouth(m))])
        yield Layer((250, 248, 244), [self.on_head(ellipse(0.26, -0.24, 0.20, 0.22))], 0.008)
        yield Layer((38, 26, 24), [self.on_head(ellipse(0.30, -0.22, 0.14, 0.17))])
        yield Layer((255, 255, 255), [self.on_head(ellipse(0.35, -0.29, 0.05))])
        yield Layer(self.ear_colour, [self.on_head(self.ear)], 0.02)
        if self.breed.ears in ("pointed", "bat", "round"):
            inner = self.ear * 0.55 + self.ear.mean(0) * 0.45
            yield Layer(mix(self.ear_colour, (224, 150, 140), 0.55), [self.on_head(inner)])

    def _trunk(self) -> Shapes:
        h, top, low = self.half, self.back, self.belly
        outline = [(-h, top + 0.06), (0, top + 0.04), (h * 0.7, top), (h + 0.08, top + 0.16), (h * 0.85, low - 0.06),
                   (h * 0.5, low + 0.03), (0, low - 0.02), (-h * 0.5, low - 0.09), (-h - 0.02, low - 0.10)]  # fmt: skip
        neck = limb((h - 0.10, top + 0.20, 0.20), (*self.head, RADIUS * 0.72))
        return [_curly(shape, self.breed.fluff) for shape in (_smooth(outline), *neck)]

    def _leg(self, which: int, front: int, aside: float) -> Shapes:
        """A leg with its paw; `front` is 1 for a foreleg and -1 for a hind leg."""
        legs, step = self.breed.legs, self.steps[which]
        x = front * (self.half - 0.13) - aside * front * front
        foot = x + step
        if front > 0:
            joints = [(x, self.belly - 0.12, 0.12), (x + step / 3, -legs * 0.5, 0.085), (foot, -0.08, 0.065)]
        else:
            joints = [(x, self.belly - 0.16, 0.18), (x + 0.04 + step / 2, -legs * 0.65, 0.10),
                      (x - 0.05 + step, -legs * 0.32, 0.06), (foot, -0.08, 0.062)]  # fmt: skip
        return [*limb(*joints), ellipse(foot + 0.05, -0.055, 0.11, 0.06)]

    def _tail(self) -> Shapes:
        cos, sin = np.cos(self.wag), np.sin(self.wag)
        joints = [(-self.half + x * cos - y * sin, self.back + 0.06 + x * sin + y * cos, r)
                  for x, y, r in TAILS[self.breed.tail]]  # fmt: skip
        shapes = limb(*joints)
        if self.breed.tail == "pompom":
            shapes.append(ellipse(*joints[-1]))
        return [_curly(shape, self.breed.fluff) for shape in shapes]

    def marks(self) -> Shapes:
        """Polygons of the breed's pattern, to be painted in its marking."""
        return PATTERNS[self.breed.pattern](self)


def _dots(dog: Dog, count: int, low: float, high: float) -> Shapes:
    """`count` blobs of radius `low` to `high` all over the dog."""
    x = dog.rng.uniform(-dog.half - 0.35, dog.half + 0.55, count)
    y = dog.rng.uniform(dog.back - 0.45, 0, count)
    return [blob(dog.rng, *place, dog.rng.uniform(low, high)) for place in zip(x, y, strict=True)]


def _saddle(dog: Dog) -> Shapes:
    h, top = dog.half, dog.back
    deep = top + dog.breed.depth * 0.55
    back = [(-h - 0.6, top - 0.5), (h * 0.9, top - 0.12), (h * 0.75, top + 0.12), (h * 0.35, deep),
            (-h * 0.3, deep - 0.04), (-h * 0.8, deep - 0.08), (-h - 0.25, top + 0.7), (-h - 1, top + 0.3)]  # fmt: skip
    return [np.array(back)]


def _brindle(dog: Dog) -> Shapes:
    xs = np.arange(-dog.half - 0.5, dog.half + 0.8, 0.11) + dog.rng.uniform(-0.02, 0.02)
    return [
        shape
        for x in xs
        for shape in limb((x + 0.12, dog.back - 0.5, 0.018), (x, dog.back * 0.55, 0.035), (x + 0.07, 0.0, 0.018))
    ]


def _belly(dog: Dog) -> Shapes:
    h, top = dog.half, dog.back
    line = top + dog.breed.depth * 0.62
    under = [(-h - 0.3, 0.1), (-h - 0.3, line + 0.1), (-h * 0.4, line), (h * 0.5, line), (h * 0.8, top + 0.1),
             (h + 0.1, top - 0.14), (h + 0.6, top), (h + 0.6, 0.1)]  # fmt: skip
    face = [(-0.2, 1.2), (0.05, 0.15), (0.6, -0.02), (2.5, 0.1), (2.5, 1.4)]
    return [np.array(under), dog.on_head(face), dog.on_head(ellipse(0.42, -0.52, 0.17, 0.11))]


def _blaze(dog: Dog) -> Shapes:
    h, top = dog.half, dog.back
    chest = [(h * 0.55, top - 0.25), (h * 0.45, top + 0.25), (h * 0.62, dog.belly + 0.1), (h + 0.4, dog.belly + 0.1),
             (h + 0.4, top + 0.08), (h * 0.95, top - 0.05)]  # fmt: skip
    stripe = [(0.55, 0.55), (0.5, -0.1), (0.35, -1.1), (0.85, -1.0), (2.5, 0.0), (2.5, 0.6)]
    socks = [(-h - 0.5, 0.1), (-h - 0.5, -0.13), (h + 0.4, -0.13), (h + 0.4, 0.1)]
    tip = ellipse(-h - 0.30, top - 0.42, 0.17, 0.17)
    return [np.array(chest), dog.on_head(stripe), np.array(socks), tip]


def _mask(dog: Dog) -> Shapes:
    socks = [(-dog.half - 0.3, 0.1), (-dog.half - 0.3, -0.10), (dog.half + 0.4, -0.10), (dog.half + 0.4, 0.1)]
    return [dog.on_head(ellipse(0.85, 0.3, 0.75, 0.62)), dog.on_head(ellipse(0.28, -0.22, 0.36, 0.34)), np.array(socks)]


def _points(dog: Dog) -> Shapes:
    h, knee = dog.half, dog.belly * 0.55
    socks = [(-h - 0.4, 0.1), (-h - 0.4, knee), (h + 0.4, knee), (h + 0.4, 0.1)]
    chest = ellipse(h + 0.06, dog.belly - 0.14, 0.15, 0.16)
    face = [ellipse(0.75, 0.55, 0.75, 0.38), ellipse(0.36, -0.58, 0.15, 0.11)]
    return [np.array(socks), chest, *map(dog.on_head, face)]


PATTERNS: dict[str, Callable[[Dog], Shapes]] = {
    "solid": lambda dog: [],
    "spots": lambda dog: _dots(dog, 75, 0.03, 0.06),
    "patches": lambda dog: _dots(dog, 20, 0.08, 0.17),
    "saddle": lambda dog: [*_saddle(dog), dog.on_head(ellipse(1.1, 0.3, 0.6, 0.5))],
    "hound": lambda dog: [*_saddle(dog), dog.on_head(ellipse(-0.3, -0.35, 0.75, 0.8))],
    "brindle": _brindle,
    "belly": _belly,
    "blaze": _blaze,
    "mask": _mask,
    "points": _points,
}
