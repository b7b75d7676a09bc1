"""Ranks that do not claim more than the tests do."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations, count, product
from string import ascii_lowercase
from typing import Any, Generic

import numpy as np

from dogcam.statistics.pairs import K, Pair, compare
from dogcam.statistics.same import Agreement, SameGroup


@dataclass(frozen=True)
class Ranked(Generic[K]):
    """One line of a ranking.

    Attributes:
        names: one method, or all of a group that draws the same.
        score: the mean of the first.
        rank: 1 + how many lines are separably better; lines that cannot be told apart may share it.
        letters: two lines share a letter exactly where no test tells them apart (compact letter display).
        same: how far any two of the names agree at least; None for a single one.
    """

    names: tuple[K, ...]
    score: float
    rank: int
    letters: str
    same: Agreement | None = None


def representatives(names: Sequence[K], groups: Iterable[SameGroup[K]] = ()) -> list[K]:
    """The names that need comparing: of each group only the first."""
    others = {name for group in groups for name in group.names[1:]}
    return [name for name in names if name not in others]


def ranking(
    scores: np.ndarray,
    names: Sequence[K],
    groups: Sequence[SameGroup[K]] = (),
    pairs: Sequence[Pair[K]] | None = None,
    **options: Any,
) -> tuple[Ranked[K], ...]:
    """Rank methods by their means, of which the highest is the best, with ties where no test tells them apart.

    Args:
        scores: (n, m) or (runs, n, m), NaN where not scored.
        names: m of them.
        groups: methods that draw the same, of which only the first is compared and the rest stand beside it.
        pairs: the comparisons of `representatives(names, groups)`; None makes them, with `options` for `compare`.

    Returns:
        The best first.

    Raises:
        ValueError: groups of names that are not there or overlap, pairs that lack a comparison.
    """
    scores = np.asarray(scores, np.float64)
    grouped = [name for group in groups for name in group.names]
    if len(set(grouped)) != len(grouped) or not set(grouped) <= set(names):
        raise ValueError(f"groups hold each of the ranked names once at most; received {grouped} for {list(names)}")
    compared = representatives(names, groups)
    columns = [list(names).index(name) for name in compared]
    pairs = compare(scores[..., columns], compared, **options) if pairs is None else pairs
    better = _better(compared, pairs)
    means = {name: _mean(scores[..., column]) for name, column in zip(compared, columns, strict=True)}
    order = sorted(compared, key=lambda name: (np.isnan(means[name]), -means[name]))
    display = letters(order, better)
    whole = {group.names[0]: group for group in groups}
    return tuple(
        Ranked(
            whole[name].names if name in whole else (name,),
            means[name],
            1 + sum(worse == name for _, worse in better),
            display[name],
            whole[name].worst if name in whole else None,
        )
        for name in order
    )


def _mean(column: np.ndarray) -> float:
    scored = column[np.isfinite(column)]
    return float(scored.mean()) if len(scored) else float("nan")


def _better(names: Sequence[K], pairs: Iterable[Pair[K]]) -> list[tuple[K, K]]:
    """The (better, worse) pairs that are told apart."""
    found = {frozenset((pair.first, pair.second)): pair for pair in pairs}
    missing = [pair for pair in combinations(names, 2) if frozenset(pair) not in found]
    if missing:
        raise ValueError(f"no comparison of {' with '.join(map(str, missing[0]))} among the pairs; {len(missing)} are missing")
    wanted = (found[frozenset(pair)] for pair in combinations(names, 2))
    told = [pair for pair in wanted if pair.told_apart]
    return [(pair.first, pair.second) if pair.mean > 0 else (pair.second, pair.first) for pair in told]


def letters(names: Sequence[K], separable: Iterable[tuple[K, K]]) -> dict[K, str]:
    """Compact letter display: two names share a letter exactly where they are not separable (Piepho 2004).

    Insert and absorb: one letter for all; a separable pair splits every letter that holds both into one without the first
    and one without the second; letters whose names another holds as well are dropped.

    Args:
        names: in the order of the table, which is the order the letters are given out in.
        separable: pairs of names.
    """
    held = [frozenset(names)]
    for pair in separable:
        split = [group - {name} for group in held if group.issuperset(pair) for name in pair]
        kept = [group for group in held if not group.issuperset(pair)]
        candidates = list(dict.fromkeys(kept + split))
        held = [group for group in candidates if not any(group < other for other in candidates)]
    place = {name: number for number, name in enumerate(names)}
    held.sort(key=lambda group: sorted(place[name] for name in group))
    labelled = list(zip(held, _labels(), strict=False))
    return {name: "".join(label for group, label in labelled if name in group) for name in names}


def _labels() -> Iterable[str]:
    """a to z, then (aa), (ab), ...: in brackets, so that two letters never read as one."""
    yield from ascii_lowercase
    for length in count(2):
        yield from (f"({''.join(each)})" for each in product(ascii_lowercase, repeat=length))
