"""`summary.json`, version 3: what every field means. `dogcam list summary` shows it, and a test holds it to the file itself.

A path names a field: "rows[].mean_iou" is the mean IoU of each of the rows, "rows[].intervals.mean_iou[]" the two ends of its
interval, "walks[].said.*" has an entry for each name. A figure that is not there, not a number or not applicable is null.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from dogcam.analysis.claims import Claim
from dogcam.core.records import fields_of
from dogcam.metrics import METRICS
from dogcam.metrics.faithfulness import FAITHFULNESS

# 3: `runs` in place of `run` in comparisons; thresholds and intervals in rows; all that follows `comparisons`.
SUMMARY_VERSION = 3

_CELL = {
    "run": "run; 0 for baselines",
    "epoch": "epoch; 0 for baselines",
    "method": "method or baseline",
    "layer": "path of the layer; empty for boxes that never look",
    "protocol": "protocol",
}
_INTERVAL = {
    "value": "the figure",
    "low": "lower end of its interval; null where none can be given",
    "high": "upper end",
    "n": "images it rests on",
    "method": "how the interval was made: bca, percentile, t, crossed or none",
    "confidence": "0.95 unless it was widened for several comparisons",
    "reason": "what is to be known of the interval; empty where there is nothing",
    "runs": "training runs it rests on",
}
_PAIR = {
    "first": "what is compared",
    "second": "what it is compared with",
    "p": "two-sided p of the test",
    "holm": "p corrected for all pairs compared together (Holm 1979)",
    "effect": "matched-pairs rank-biserial correlation, from -1 to 1",
    "wins": "images where the difference is above 0",
    "ties": "images where it is 0",
    "losses": "images where it is below 0",
    "test": "Wilcoxon signed-rank; crossed t over several runs",
}
_PEAK = {
    "epoch": "the best epoch",
    "value": "the figure there",
    "runner_up": "the second best epoch",
    "separable": "whether the lead's interval lies above 0; null where there is no lead",
}


def _under(path: str, fields: Mapping[str, str]) -> dict[str, str]:
    return {f"{path}.{name}": meaning for name, meaning in fields.items()}


def _interval(path: str, of: str) -> dict[str, str]:
    return {path: of, **_under(path, _INTERVAL)}


def _pair(path: str, of: str) -> dict[str, str]:
    return {
        path: of,
        **_under(path, _PAIR),
        **_interval(f"{path}.difference", "mean of first - second, image by image"),
    }


def _peak(path: str, of: str) -> dict[str, str]:
    return {path: of, **_under(path, _PEAK), **_interval(f"{path}.lead", "best - second best on the same images")}


def _scores(path: str, words: Mapping[str, str]) -> dict[str, str]:
    """A value by score, and its interval."""
    ends = {f"{path}.intervals.*[]": "by score its 95 % interval, low and high; null where there is none"}
    return {**_under(path, words), **ends}


def _rows() -> dict[str, str]:
    words = {name: metric.description for name, metric in METRICS.items()}
    unseen = "mean IoU against the best box that never looks: above, below, undecided or few (no interval); null for baselines"
    head = {
        "n": "images",
        "threshold": "what a pixel of the normalised map must be above; null where no map is looked at",
    }
    chosen = {
        "threshold_from": "fixed by the protocol, calibrated on training pictures, or the best of the evaluated ones"
    }
    over = {name: meaning for name, meaning in _CELL.items() if name != "run"}
    return {
        "rows": "one row a cell, of all that was evaluated on the same images with the same target",
        **_under("rows[]", {**_CELL, **head, **chosen}),
        **_scores("rows[]", words),
        "rows[].unseen": unseen,
        "over_runs": "means over runs of what was evaluated in every one of them; empty of one run",
        "over_runs[].runs[]": "the runs",
        **_under("over_runs[]", {**over, **head}),
        **_scores("over_runs[]", words),
        "over_runs[].unseen": unseen,
    }


def _comparisons() -> dict[str, str]:
    at = "comparisons[]"
    return {
        "comparisons": "of this call, ranking and pairs, one for each protocol and epoch",
        f"{at}.protocol": "protocol",
        f"{at}.runs[]": "the runs compared over",
        f"{at}.epoch": "epoch",
        f"{at}.baseline": "the box that never looks of the highest mean IoU",
        f"{at}.lines": "the ranking, the best first",
        f"{at}.lines[].names[]": "method at layer; several where they draw the same boxes",
        f"{at}.lines[].rank": "1 for the best; those that are not told apart may share it",
        f"{at}.lines[].letters": "a shared letter: not told apart",
        f"{at}.lines[].same": "why the names count as one",
        f"{at}.lines[].by_algebra": "whether they must, as a theorem says",
        **_interval(f"{at}.lines[].iou", "mean IoU"),
        **_pair(f"{at}.lines[].unseen", "against the best box that never looks; null for baselines"),
        **_pair(f"{at}.pairs[]", "every pair of lines, each under its first name"),
    }


def _groups_and_curves() -> dict[str, str]:
    return {
        "breakdowns": "scores by group of pictures, at the last epoch of the first run",
        "breakdowns[].protocol": "protocol",
        "breakdowns[].by": "breed, size, animals or right",
        "breakdowns[].groups": "the groups that hold a picture",
        "breakdowns[].groups[].label": "what its pictures share",
        "breakdowns[].groups[].n": "pictures; by right those of the network that baselines are grouped by",
        "breakdowns[].lines": "one line a cell",
        **_under("breakdowns[].lines[]", _CELL),
        **_interval("breakdowns[].lines[].mean_iou[]", "mean IoU, in the order of the groups"),
        **{
            f"breakdowns[].lines[].scores.{name}[][]": f"value, low and high of: {metric.description}"
            for name, metric in METRICS.items()
            if name != "mean_iou" and metric.summary != "whole"
        },
        "curves": "of this call, mean IoU by threshold, of every cell whose threshold was chosen",
        **_under("curves[]", _CELL),
        "curves[].threshold": "the threshold in use",
        "curves[].oracle_threshold": "the one that is best for the evaluated images",
        "curves[].thresholds[]": "all thresholds",
        "curves[].mean_iou[]": "the mean IoU at each",
    }


def _walks() -> dict[str, str]:
    changes = {
        "forward": "change of mean IoU, switched in the order of the choices",
        "backward": "in the reverse order",
        "average": "average over all possible orders (Shapley's value)",
    }
    ends = {"start": "mean IoU of the first", "end": "of the second", "total": "second - first"}
    return {
        "walks": "of all calls, where the difference between two methods comes from, as --decompose asked for",
        "walks[].first": "the pipeline it starts from, as asked for",
        "walks[].second": "the one it leads to",
        "walks[].titles[]": "both in words",
        "walks[].layer": "what the maps are of",
        "walks[].run": "run",
        "walks[].epoch": "epoch",
        "walks[].said.*": "by choice that differs: from and to",
        "walks[].same.*": "by choice that does not: what both have",
        "walks[].pooled": "whether the maps are of the layer that feeds the pooling",
        "walks[].proportional": "whether both methods' maps of a logit score were found to be CAM's up to a factor and ReLU",
        "walks[].bound[]": "maps known only with ReLU, which bounds the order of the choices",
        **{key: words for name, of in ends.items() for key, words in _interval(f"walks[].{name}", of).items()},
        "walks[].steps": "one step a choice",
        "walks[].steps[].names[]": "the choice; several that are switched as one",
        **{
            key: words
            for name, of in changes.items()
            for key, words in _interval(f"walks[].steps[].{name}", of).items()
        },
        "walks[].steps[].least": "the smallest mean change in any order",
        "walks[].steps[].most": "the largest",
        "walks[].forward_order[]": "places of the steps in the first possible order",
        "walks[].backward_order[]": "in the last",
        "walks[].orders": "possible orders, over which the average is taken",
        "walks[].sentences[]": "what was found, in words",
    }


def _dynamics() -> dict[str, str]:
    learning, tracks = "dynamics[].learning", "dynamics[].tracks"
    return {
        "dynamics": "of this call, what training does, a protocol at a time, where two epochs or more were evaluated",
        "dynamics[].protocol": "protocol",
        "dynamics[].runs[]": "runs evaluated",
        learning: "accuracy and loss of each run; of several also their mean",
        f"{learning}[].run": "run; null for the mean over runs",
        f"{learning}[].epochs[]": "every trained epoch",
        f"{learning}[].accuracy[]": "test accuracy at each",
        f"{learning}[].loss[]": "test loss at each",
        **_peak(f"{learning}[].accuracy_peak", "the highest accuracy"),
        f"{learning}[].loss_peak": "the lowest loss; null where no loss is a number",
        **_under(f"{learning}[].loss_peak", {**_PEAK, "lead": "null: images' own losses are not kept"}),
        tracks: "each method at each layer along its epochs, by run; of several also over them",
        f"{tracks}[].run": "run; null over all runs",
        f"{tracks}[].method": "method",
        f"{tracks}[].layer": "layer",
        f"{tracks}[].epochs[]": "the evaluated epochs",
        **_interval(f"{tracks}[].iou[]", "mean IoU at each"),
        f"{tracks}[].area[]": "mean box area at each, as a share of the picture",
        **_peak(f"{tracks}[].peak", "where the mean IoU is highest"),
        f"{tracks}[].accuracy_epoch": "of these epochs the one of the best test accuracy",
        **_pair(f"{tracks}[].changes[]", "later - earlier of neighbouring epochs, then last - first"),
        "dynamics[].sentences[]": "what was found, in words",
    }


def _claims_and_faithfulness() -> dict[str, str]:
    words = {name: f"{score.description} Mean over images." for name, score in FAITHFULNESS.items()}
    cell = {name: meaning for name, meaning in _CELL.items() if name != "protocol"}
    return {
        "claims": "statements held against the scores",
        **dict(fields_of(Claim, "claims[]")),
        "faithfulness": "what the network answers when it sees, or does not see, what a map points at; --faithfulness",
        **_under("faithfulness[]", cell),
        "faithfulness[].n": "images",
        "faithfulness[].n_without_boxes": "of these without a usable box, left out of pointing and energy",
        **_scores("faithfulness[]", words),
        "faithfulness[].reasons.*": "by score without an interval: why",
    }


FIELDS: dict[str, str] = {
    "schema_version": f"{SUMMARY_VERSION}; a later one may have more fields, and only a new number changes a meaning",
    "experiment": "name of the experiment",
    "scope": "folder of the per-image tables: split, limit and target",
    "runs[]": "runs evaluated",
    "epochs[]": "epochs evaluated",
    "run_choice": "why these runs",
    "images": "images scored",
    "unannotated": "images without a usable box, which are not scored",
    "target": "the class that maps are drawn for, as --target asked for",
    "smooth[]": "ways of smoothing, as --smooth asked for",
    "calibration": "the training pictures that thresholds were chosen on; null where none were",
    "calibration.split": "their split",
    "calibration.ids[]": "their ids",
    "calibration.asked": "how many were asked for",
    **_rows(),
    **_comparisons(),
    **_groups_and_curves(),
    **_walks(),
    **_dynamics(),
    **_claims_and_faithfulness(),
    "problems": "what could not be used as it should",
    "problems[].id": "picture or file",
    "problems[].reason": "what is wrong with it",
    "problems[].split": "its split; empty where there is none",
    "problems[].lost": "whether the picture itself is unusable; otherwise only its boxes are",
    "seconds": "how long it took",
}


_FREE = {path.partition(".*")[0] for path in FIELDS if ".*" in path}


def undocumented(document: Mapping[str, Any]) -> list[str]:
    """The paths in a summary that `FIELDS` does not know, each once and in order.

    A field that may be an object or a list may be null: then it is its own path.
    """
    return list(dict.fromkeys(path for path in _leaves(document, "") if not _known(path)))


def _leaves(value: Any, path: str) -> Iterator[str]:
    """The path of everything that holds nothing further."""
    if isinstance(value, Mapping):
        # An object with a name for each of its entries, whatever the names are.
        free = path in _FREE
        for key, each in value.items():
            yield from _leaves(each, f"{path}.*" if free else f"{path}.{key}".removeprefix("."))
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _leaves(each, f"{path}[]")
    else:
        yield path


def _known(path: str) -> bool:
    return path in FIELDS or any(field.startswith((f"{path}.", f"{path}[]")) for field in FIELDS)
