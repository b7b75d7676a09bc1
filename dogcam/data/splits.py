"""Which pictures are for training and which for the test: as given, else drawn by a seed, class by class."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from hashlib import blake2b

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


def split_of_file(path: str) -> str:
    """The split that an annotation file is of by a word of its name, else by its folders: val_2017.json, valid/all.csv."""
    words = re.findall("[a-z]+", path.rpartition("/")[2].rpartition(".")[0].lower())
    return next((split for word in words if (split := split_named(word))), "") or split_of_path(path)


def divided(ids: Sequence[str], given: Sequence[str], classes: Sequence[Sequence[str]], seed: int) -> tuple[list[str], Division]:
    """The split of every picture.

    Where training and test pictures are both given, that holds; where only validation pictures are given beside the training
    ones, they are the test; in both cases a picture that is in no split is for training. Where all are of the test, or all of the
    validation, all are the test. Else all are drawn.

    Args:
        ids: of the pictures; the draw depends on them and their classes alone, whatever their order.
        given: what the data says: "train", "test", "val" or "".
        classes: of each picture, names of those in it; it counts for the rarest of them.
    """
    known = set(given)
    if {"train", "test"} <= known:
        return [split or "train" for split in given], Division("given")
    if {"train", "val"} <= known:
        return ["test" if split == "val" else split or "train" for split in given], Division("val")
    if known and known <= {"test", "val"}:
        return ["test" if len(known) == 1 else split for split in given], Division("given" if "test" in known else "val")
    return drawn(ids, classes, seed), Division("seeded", seed, TEST_SHARE)


def drawn(ids: Sequence[str], classes: Sequence[Sequence[str]], seed: int) -> list[str]:
    """ "train" or "test" for each picture: `TEST_SHARE` of every class, at least one of two, by the seed and the ids alone."""
    counts = Counter(name for several in classes for name in set(several))
    by_class: dict[str | None, list[int]] = {}
    for position, several in enumerate(classes):
        rarest = min(several, key=lambda name: (counts[name], name), default=None)
        by_class.setdefault(rarest, []).append(position)
    keys = [_drawn_key(identity, seed) for identity in ids]
    splits = ["train"] * len(ids)
    for positions in by_class.values():
        count = max(round(TEST_SHARE * len(positions)), 1) if len(positions) > 1 else 0
        for position in sorted(positions, key=keys.__getitem__)[:count]:
            splits[position] = "test"
    if any(len(several) > 1 for several in classes):
        _spread(splits, classes, keys)
    return splits


def _spread(splits: list[str], classes: Sequence[Sequence[str]], keys: Sequence[tuple[bytes, str]]) -> None:
    """Give every class of two pictures or more one in each split, where that takes no other class its only one there.

    A picture of several classes counted for the rarest of them alone; the others may all have come to lie in one split.
    """
    pictures: dict[str, list[int]] = {}
    for position, several in enumerate(classes):
        for name in set(several):
            pictures.setdefault(name, []).append(position)
    count = Counter((name, splits[position]) for name, positions in pictures.items() for position in positions)
    for name, positions in sorted(pictures.items(), key=lambda item: (len(item[1]), item[0])):
        for lacking, other in (("train", "test"), ("test", "train")):
            if count[name, lacking] or len(positions) < 2:
                continue
            for position in sorted(positions, key=keys.__getitem__):
                several = set(classes[position])
                if all(count[each, other] > 1 for each in several):
                    splits[position] = lacking
                    count.update({(each, lacking): 1 for each in several})
                    count.subtract({(each, other): 1 for each in several})
                    break


def _drawn_key(identity: str, seed: int) -> tuple[bytes, str]:
    """Digits that look drawn and follow from the seed and the id: pictures that come later do not move those there."""
    return blake2b(f"{seed}\0{identity}".encode("utf-8", "backslashreplace"), digest_size=8).digest(), identity
