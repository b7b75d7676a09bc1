"""Which pictures are for training and which for the test: as given, else drawn by a seed, class by class."""

from __future__ import annotations

from collections.abc import Sequence
from zlib import crc32

import numpy as np

from dogcam.data import Division

TEST_SHARE = 0.2  # of the pictures of each class, where the data does not say

_OURS = {
    **dict.fromkeys(("train", "training", "trn", "train2014", "train2017"), "train"),
    **dict.fromkeys(("test", "testing", "tst", "test2014", "test2017"), "test"),
    **dict.fromkeys(("val", "valid", "validation", "dev", "val2014", "val2017"), "val"),
}


def split_named(name: str) -> str:
    """ "train", "test" or "val" for what people call a split; "" where the name is none of a split."""
    return _OURS.get(name.strip().lower(), "")


def split_of_path(path: str) -> str:
    """The split that one of the folders of a picture's path is called by; "" where none is."""
    return next((split for part in path.split("/")[:-1] if (split := split_named(part))), "")


def divided(ids: Sequence[str], given: Sequence[str], classes: Sequence[Sequence[int]], seed: int) -> tuple[list[str], Division]:
    """The split of every picture.

    Where training and test pictures are both given, that holds; where only validation pictures are given beside the training
    ones, they are the test; where neither is, the pictures are drawn.

    Args:
        ids: of the pictures; the draw depends on them alone, whatever their order.
        given: what the data says: "train", "test", "val" or "".
        classes: of each picture, those in it; it counts for the rarest of them.
    """
    known = set(given)
    if {"train", "test"} <= known:
        return [split or "train" for split in given], Division("given")
    if {"train", "val"} <= known:
        return ["test" if split == "val" else split or "train" for split in given], Division("val")
    return drawn(ids, classes, seed), Division("seeded", seed, TEST_SHARE)


def drawn(ids: Sequence[str], classes: Sequence[Sequence[int]], seed: int) -> list[str]:
    """ "train" or "test" for each picture: `TEST_SHARE` of every class, at least one of two, by the seed and the ids alone."""
    counts: dict[int, int] = {}
    for several in classes:
        for label in several:
            counts[label] = counts.get(label, 0) + 1
    by_class: dict[int, list[int]] = {}
    for position, several in enumerate(classes):
        rarest = min(several, key=lambda label: (counts[label], label), default=-1)
        by_class.setdefault(rarest, []).append(position)
    splits = ["train"] * len(ids)
    for positions in by_class.values():
        count = max(round(TEST_SHARE * len(positions)), 1) if len(positions) > 1 else 0
        for position in sorted(positions, key=lambda each: _drawn_key(ids[each], seed))[:count]:
            splits[position] = "test"
    return splits


def _drawn_key(identity: str, seed: int) -> tuple[int, str]:
    """A number that looks drawn and follows from the seed and the id: pictures that come later do not move those there."""
    mixed = np.random.SeedSequence([seed, crc32(identity.encode("utf-8", "backslashreplace"))]).generate_state(1)
    return int(mixed[0]), identity
