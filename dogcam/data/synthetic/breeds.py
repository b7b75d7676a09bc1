"""The breeds of the drawn dogs: their traits as a table, and the colours, ears and tails that the table names."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

Colour = tuple[int, int, int]

PALETTE: dict[str, Colour] = {
    "white": (246, 241, 232),
    "cream": (240, 220, 182),
    "fawn": (221, 181, 130),
    "gold": (224, 166, 84),
    "orange": (222, 128, 56),
    "chestnut": (150, 76, 42),
    "brown": (104, 66, 44),
    "slate": (116, 126, 142),
    "silver": (186, 188, 192),
    "black": (46, 42, 46),
}


@dataclass(frozen=True)
class Breed:
    """The traits of a breed. Lengths are in units of about a dog's height; `muzzle` is in head radii.

    `coat`, `marking`, `ear` name colours of `PALETTE`; `pattern`, `ears`, `tail` name rows of the tables below; `fluff`
    is the height of the curls along the outline.
    """

    name: str
    coat: str
    marking: str
    pattern: str
    ears: str
    ear: str
    tail: str
    legs: float
    body: float
    depth: float
    muzzle: float
    fluff: float = 0.0


_ROWS = (
    # name              coat        marking     pattern   ears       ear         tail     legs body  deep muzzle fluff
    ("dalmatian",       "white",    "black",    "spots",   "floppy",  "black",    "whip",   .52, 1.05, .42, .55),
    ("dachshund",       "chestnut", "chestnut", "solid",   "long",    "brown",    "whip",   .20, 1.50, .38, .80),
    ("german_shepherd", "gold",     "black",    "saddle",  "pointed", "black",    "bushy",  .48, 1.12, .44, .65),
    ("poodle",          "cream",    "cream",    "solid",   "puff",    "fawn",     "pompom", .50, .90,  .40, .70, .045),
    ("boxer",           "orange",   "brown",    "brindle", "button",  "brown",    "stub",   .46, 1.00, .48, .20),
    ("border_collie",   "black",    "white",    "blaze",   "tipped",  "black",    "plume",  .42, 1.10, .42, .50, .02),
    ("husky",           "slate",    "white",    "belly",   "pointed", "slate",    "curl",   .44, 1.05, .46, .50, .02),
    ("pug",             "fawn",     "black",    "mask",    "round",   "black",    "curl",   .28, .85,  .48, .05),
    ("corgi",           "orange",   "white",    "belly",   "bat",     "orange",   "stub",   .18, 1.20, .46, .50),
    ("beagle",          "white",    "chestnut", "hound",   "floppy",  "chestnut", "whip",   .36, 1.00, .44, .50),
    ("rottweiler",      "black",    "orange",   "points",  "button",  "black",    "stub",   .42, 1.05, .52, .40),
    ("golden",          "gold",     "gold",     "solid",   "floppy",  "orange",   "plume",  .42, 1.10, .46, .55, .025),
    ("great_dane",      "silver",   "black",    "patches", "button",  "slate",    "whip",   .66, 1.05, .44, .55),
    ("samoyed",         "white",    "white",    "solid",   "pointed", "white",    "curl",   .34, 1.05, .54, .45, .04),
    ("bulldog",         "brown",    "white",    "blaze",   "bat",     "brown",    "stub",   .22, .90,  .50, .10),
    ("greyhound",       "slate",    "slate",    "solid",   "tipped",  "slate",    "whip",   .66, 1.15, .36, .90),
    ("jack_russell",    "white",    "orange",   "patches", "button",  "orange",   "stub",   .34, .95,  .40, .45),
    ("scottie",         "black",    "black",    "solid",   "pointed", "black",    "stub",   .16, 1.00, .46, .85, .03),
    ("shiba",           "orange",   "cream",    "belly",   "pointed", "orange",   "curl",   .42, .92,  .42, .40),
    ("cane_corso",      "slate",    "black",    "brindle", "floppy",  "black",    "whip",   .50, 1.05, .48, .30),
    ("basset",          "white",    "brown",    "hound",   "long",    "brown",    "bushy",  .16, 1.35, .42, .60),
    ("leonberger",      "chestnut", "black",    "mask",    "floppy",  "black",    "bushy",  .46, 1.12, .52, .40, .03),
    ("pointer",         "cream",    "brown",    "spots",   "long",    "brown",    "stub",   .52, 1.08, .42, .70),
    ("bichon",          "white",    "white",    "solid",   "puff",    "silver",   "pompom", .22, .85,  .44, .20, .05),
)  # fmt: skip
BREEDS = {row[0]: Breed(*row) for row in _ROWS}

# Ears in head radii around the centre of the head; the far ear is the same, moved forward.
EARS = {
    "pointed": [(-0.85, -0.40), (-0.68, -1.2), (-0.50, -1.85), (-0.1, -1.3), (0.15, -0.80)],
    "bat": [(-0.95, -0.35), (-1.10, -1.5), (-0.70, -2.15), (-0.20, -1.60), (0.10, -0.75)],
    "floppy": [(-0.50, -0.80), (-0.95, -0.30), (-1.10, 0.55), (-0.70, 1.00), (-0.30, 0.55), (-0.10, -0.50)],
    "long": [(-0.50, -0.75), (-0.95, -0.20), (-1.15, 0.90), (-0.75, 1.65), (-0.30, 1.00), (-0.15, -0.40)],
    "round": [(-0.85, -0.55), (-0.95, -1.00), (-0.55, -1.25), (-0.15, -1.00), (-0.20, -0.65)],
    "button": [(-0.95, -0.50), (-0.60, -1.10), (-0.05, -1.12), (0.04, -0.42), (-0.28, -0.55)],
    "tipped": [(-0.80, -0.45), (-0.85, -1.10), (-0.50, -1.50), (-0.70, -1.75), (0.00, -1.45), (0.05, -0.75)],
    "puff": [(-0.55, -0.85), (-1.10, -0.45), (-1.30, 0.40), (-0.90, 1.00), (-0.35, 0.70), (-0.10, -0.30)],
}

# Tails as (x, y, radius) from the rump backwards.
TAILS = {
    "whip": [(0.08, 0.06, 0.07), (-0.12, 0.00, 0.06), (-0.30, -0.14, 0.045), (-0.42, -0.38, 0.03)],
    "bushy": [(0.08, 0.08, 0.08), (-0.14, 0.12, 0.10), (-0.30, 0.30, 0.12), (-0.42, 0.48, 0.05)],
    "plume": [(0.08, 0.08, 0.07), (-0.12, -0.04, 0.10), (-0.28, -0.24, 0.14), (-0.26, -0.50, 0.06)],
    "curl": [
        (0.05, 0.06, 0.09),
        (-0.10, -0.06, 0.09),
        (-0.14, -0.20, 0.09),
        (-0.04, -0.32, 0.09),
        (0.10, -0.31, 0.085),
        (0.16, -0.20, 0.08),
        (0.10, -0.11, 0.06),
    ],
    "stub": [(0.06, 0.06, 0.08), (-0.06, -0.04, 0.06)],
    "pompom": [(0.08, 0.06, 0.05), (-0.08, -0.14, 0.05), (-0.14, -0.30, 0.15)],
}


def bright_colour(rng: np.random.Generator) -> Colour:
    """A bright colour that is no coat's: collars, toys, flowers."""
    hue = np.uint8([[[rng.integers(180), rng.integers(120, 220), rng.integers(150, 235)]]])
    return tuple(int(c) for c in cv2.cvtColor(hue, cv2.COLOR_HSV2RGB)[0, 0])


def coat_colour(rng: np.random.Generator) -> Colour:
    """The colour of some coat, a little darker or lighter."""
    return shade(list(PALETTE.values())[rng.integers(len(PALETTE))], rng.uniform(0.8, 1.15))


def shade(colour: Colour, factor: float) -> Colour:
    """`colour` darker (`factor` below 1) or lighter."""
    return tuple(int(min(255, c * factor)) for c in colour)


def mix(first: Colour, second: Colour, share: float) -> Colour:
    """`first` with a `share` (0 to 1) of `second`."""
    return tuple(int(a + (b - a) * share) for a, b in zip(first, second, strict=True))
