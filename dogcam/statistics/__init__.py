"""How sure a figure is: intervals, paired tests, what is the same, what ranks above what, and where a gap comes from.

Every function takes plain arrays of scores: one row per image, one column per method, NaN where an image was not scored.
Where several rows are of one picture, `pictures` says which: what is resampled, crossed or paired is then the picture.

- `clusters`       rows that belong to one picture
- `resampling`     the resamples that all methods share
- `levels`         where resamples are cut
- `intervals`      bootstrap intervals of means, shares, ratios and medians
- `pooled`         intervals of scores made of sums over all images
- `crossed`        intervals over several training runs on the same images
- `pairs`          every pair of methods: difference, Wilcoxon, Holm, effect size, wins
- `same`           methods that draw the same thing
- `ranking`        ranks and letters that say what can be told apart
- `decomposition`  which of several choices a difference between two pipelines comes from
- `claims`         intervals turned into a verdict on a statement
"""

from __future__ import annotations

from dogcam.statistics.claims import Claim, all_of, claim
from dogcam.statistics.crossed import interval_of_run_scores, intervals_over_runs
from dogcam.statistics.decomposition import Decomposition, Step, decompose
from dogcam.statistics.intervals import Interval, at_least, intervals, median_intervals, paired_intervals
from dogcam.statistics.pairs import Pair, compare, holm, signed_rank
from dogcam.statistics.pooled import pooled_interval, pooled_spread
from dogcam.statistics.ranking import Ranked, letters, ranking, representatives
from dogcam.statistics.same import Agreement, SameGroup, by_maximum, groups_of_same

__all__ = [
    "Agreement",
    "Claim",
    "Decomposition",
    "Interval",
    "Pair",
    "Ranked",
    "SameGroup",
    "Step",
    "all_of",
    "at_least",
    "by_maximum",
    "claim",
    "compare",
    "decompose",
    "groups_of_same",
    "holm",
    "interval_of_run_scores",
    "intervals",
    "intervals_over_runs",
    "letters",
    "median_intervals",
    "paired_intervals",
    "pooled_interval",
    "pooled_spread",
    "ranking",
    "representatives",
    "signed_rank",
]
