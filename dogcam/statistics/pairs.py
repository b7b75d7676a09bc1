"""Every pair of methods on the same images: how far apart, how surely, how large, and on how many images."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any, Generic, TypeVar

import numpy as np
from scipy import stats

from dogcam.statistics.clusters import means_within, numbered
from dogcam.statistics.crossed import crossed_mean, intervals_over_runs
from dogcam.statistics.intervals import LEAST, Interval, paired_intervals
from dogcam.statistics.resampling import RESAMPLES

# Up to this many images that differ, the test's p is counted out; beyond, the normal curve is as good.
_EXACT = 50
ALPHA = 0.05  # of the corrected test
# Scores nearer than this are the same score computed in another order.
_TIE = 1e-9
SIGNED_RANK, CROSSED_T = "signed-rank", "crossed-t"

K = TypeVar("K", bound=Hashable)


@dataclass(frozen=True)
class SignedRank:
    """Wilcoxon's test of n paired differences.

    Attributes:
        p: two-sided.
        effect: the matched-pairs rank-biserial correlation, -1 to 1: (ranks won - ranks lost) / all ranks.
        wins, ties, losses: the images where the difference is positive, 0, negative.
    """

    p: float
    effect: float
    wins: int
    ties: int
    losses: int


@dataclass(frozen=True)
class Pair(Generic[K]):
    """first - second over the images that both scored. It can stand wherever an `Interval` can.

    Attributes:
        first: what the difference is of.
        second: what is subtracted from it.
        difference: the mean difference with its interval, which is not corrected for the number of pairs.
        p: two-sided, of `test`.
        holm: the same, corrected for all pairs compared together (Holm 1979).
        effect: the rank-biserial correlation, see `SignedRank`; it and the counts are of the means over runs.
        wins: images where the difference, of a picture with several rows their mean, is positive.
        ties: images where it is 0.
        losses: images where it is negative.
        test: "signed-rank", or "crossed-t" over several runs, whose spread ranks of images would ignore.
    """

    first: K
    second: K
    difference: Interval
    p: float
    holm: float
    effect: float
    wins: int
    ties: int
    losses: int
    test: str = SIGNED_RANK

    @property
    def mean(self) -> float:
        """The mean difference."""
        return self.difference.value

    @property
    def low(self) -> float:
        """The interval's lower end."""
        return self.difference.low

    @property
    def high(self) -> float:
        """The interval's upper end."""
        return self.difference.high

    @property
    def n(self) -> int:
        """The images that both scored; in a set with several classes in a picture the rows."""
        return self.difference.n

    @property
    def value(self) -> float:
        """The mean difference, under the name that an `Interval` has for it."""
        return self.difference.value

    @property
    def told_apart(self) -> bool:
        """Whether the difference is more than chance: by its 95 % interval, and by the test corrected for its family (Holm).

        Ranks and mean have to point the same way: where a few images lose much and many win little, the mean says nothing for
        certain.
        """
        return bool(self.holm < ALPHA) and self.value * self.effect > 0 and self.difference.verdict != "undecided"

    @property
    def verdict(self) -> str:
        """ "above", "below", or "undecided": on which side of 0 the difference lies, as far as it is `told_apart`."""
        return self.difference.verdict if self.told_apart else "undecided"

    def turned(self) -> Pair[K]:
        """second - first."""
        found = self.difference
        return replace(
            self,
            first=self.second,
            second=self.first,
            difference=replace(found, value=-found.value, low=-found.high, high=-found.low),
            effect=-self.effect,
            wins=self.losses,
            losses=self.wins,
        )


def signed_rank(differences: np.ndarray, tie: float = _TIE) -> SignedRank:
    """Wilcoxon's signed-rank test with Pratt's zeros, and its effect size.

    Differences of 0 are ranked with the others and then set aside (Pratt 1959): an image where two methods draw the
    same box speaks for their being alike, and dropping it first would let one differing image of a thousand count as the
    largest possible effect. The rank-biserial correlation is the effect size because it is built of the ranks that are
    tested, needs no normal spread (IoU is skewed and has a heap at 0), and is bounded.

    p is exact, given the ranks, for up to 50 differences that are not 0, ties included; beyond that it is the normal curve
    with mean Σr/2 and variance Σr²/4, without a continuity correction.

    Args:
        differences: (n,); NaN is left out.
        tie: differences up to this are 0.
    """
    differences = differences[np.isfinite(differences)]
    sign = np.where(np.abs(differences) <= tie, 0, np.sign(differences))
    counts = tuple(int((sign == side).sum()) for side in (1, 0, -1))
    if not len(differences):
        return SignedRank(float("nan"), float("nan"), *counts)
    ranks = stats.rankdata(np.where(sign == 0, 0, np.round(np.abs(differences), 12)))
    won, lost = ranks[sign > 0].sum(), ranks[sign < 0].sum()
    return SignedRank(_p(ranks[sign != 0], won), float((won - lost) / ranks.sum()), *counts)


def _p(ranks: np.ndarray, won: float) -> float:
    """Two-sided p of the ranks won, if every rank were won or lost by the toss of a coin."""
    if not len(ranks):
        return 1.0
    off = abs(won - ranks.sum() / 2)
    if len(ranks) > _EXACT:
        return float(2 * stats.norm.sf(off / np.sqrt((ranks**2).sum() / 4)))
    doubled = np.round(2 * ranks).astype(int)  # mid-ranks are halves
    ways = np.zeros(doubled.sum() + 1)
    ways[0] = 1
    for rank in doubled:
        ways[rank:] = (ways[rank:] + ways[:-rank]) / 2
        ways[:rank] /= 2
    return float(min(1.0, ways[np.abs(np.arange(len(ways)) - (len(ways) - 1) / 2) >= 2 * off - 1e-9].sum()))


def holm(p: Sequence[float]) -> np.ndarray:
    """Holm's (1979) corrected p-values: the k-th smallest of m times m - k + 1, never below a smaller one's, at most 1.

    NaN, where nothing was tested, stays NaN and does not count as a test.
    """
    raw = np.asarray(p, np.float64)
    corrected = np.full(raw.shape, np.nan)
    order = np.argsort(raw)[: np.isfinite(raw).sum()]
    factors = len(order) - np.arange(len(order))
    corrected[order] = np.minimum(np.maximum.accumulate(raw[order] * factors), 1) if len(order) else []
    return corrected


def compare(
    scores: np.ndarray,
    names: Sequence[K],
    which: Sequence[tuple[K, K]] | None = None,
    *,
    confidence: float = 0.95,
    resamples: int = RESAMPLES,
    seed: int = 0,
    least: int = LEAST,
    pictures: np.ndarray | None = None,
) -> tuple[Pair[K], ...]:
    """Compare columns of scores pair by pair over the same images and the same resamples.

    Args:
        scores: (n, m), or (runs, n, m) for several training runs; NaN where not scored. Each pair uses the images that
            both scored. Epochs of one method may stand as the columns: these are then its changes with training.
        names: m of them.
        which: the pairs (first, second) to compare, corrected together; None takes all, in the order of `names`.
        pictures: (n,), the picture of each row; None means that each is one of its own. Resampled are pictures, and the test
            is of the mean difference within each.

    Raises:
        ValueError: shapes and names that do not fit, names that are not there.
    """
    scores = np.asarray(scores, np.float64)
    if scores.ndim not in (2, 3) or scores.shape[-1] != len(names) or len(set(names)) != len(names):
        raise ValueError(
            f"scores are (images, methods) or (runs, images, methods), with one name of its own per method; "
            f"received {scores.shape} and {len(names)} names"
        )
    which = list(combinations(names, 2)) if which is None else list(which)
    columns = {name: column for column, name in enumerate(names)}
    unknown = sorted({str(name) for pair in which for name in pair if name not in columns})
    if unknown:
        raise ValueError(f"no scores of {', '.join(unknown)}; there are {', '.join(map(str, names))}")
    if not which:
        return ()
    sides = [columns[first] for first, _ in which], [columns[second] for _, second in which]
    options = {"confidence": confidence, "least": least, "pictures": pictures}
    pairs = _tested(scores, which, sides, options, resamples, seed)
    return tuple(replace(pair, holm=float(p)) for pair, p in zip(pairs, holm([pair.p for pair in pairs]), strict=True))


def _tested(
    scores: np.ndarray,
    which: Sequence[tuple[K, K]],
    sides: tuple[list[int], list[int]],
    options: dict[str, Any],
    resamples: int,
    seed: int,
) -> list[Pair[K]]:
    """The pairs before correction; `sides` are the places of their first and second columns."""
    differences = scores[..., sides[0]] - scores[..., sides[1]]
    several, numbers = scores.ndim == 3, numbered(options["pictures"])
    if several:
        found = intervals_over_runs(differences, **options)
        per_image = differences.mean(axis=0)
    else:
        found = paired_intervals(scores, *sides, resamples=resamples, seed=seed, **options)
        per_image = differences
    pairs = []
    for place, ((first, second), interval) in enumerate(zip(which, found, strict=True)):
        rank = signed_rank(means_within(per_image[:, place], numbers))
        p = crossed_mean(differences[:, :, place], numbers).p if several else rank.p
        test = CROSSED_T if several else SIGNED_RANK
        figures = (rank.effect, rank.wins, rank.ties, rank.losses)
        pairs.append(Pair(first, second, interval, p, float("nan"), *figures, test))
    return pairs
