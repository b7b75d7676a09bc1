"""What is wrong with a dataset, told in a few lines before work on it begins; `dogcam inspect` shows all of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from shlex import quote

from dogcam.analysis.inspection import Kind, by_kind
from dogcam.core.progress import Progress
from dogcam.data import Dataset, Record
from dogcam.data.contents import copies, hash_contents, odd_classes
from dogcam.report.inspection_words import finding


def tell_of_findings(
    dataset: Dataset, splits: Mapping[str, Sequence[Record]], specification: str, data_dir: str | None, progress: Progress
) -> None:
    """Warn of what is not as it should be, and note what was set right: counted by kind, the first examples named.

    Args:
        splits: the records that are going to be used, whose files are hashed.
        specification: that the dataset was opened by.
    """
    found = (*dataset.problems, *copies(splits, hash_contents(splits, progress)), *odd_classes(dataset))
    if not found and not dataset.mended:
        return
    if found:
        progress.warn(f"in {dataset.name}: {_told(by_kind(found, False))}")
    if dataset.mended:
        progress.note(f"set right in {dataset.name}: {_told(by_kind(dataset.mended, True))}")
    place = f" --data-dir {quote(data_dir)}" if data_dir else ""
    progress.note(f"all of it: dogcam inspect {quote(specification)}{place}")


def _told(kinds: Sequence[Kind]) -> str:
    """ "same picture in two splits: 2 (a, b); box cut at the edge: 12 (c, d, e, ...)"."""
    return "; ".join(f"{finding(each.kind)}: {each.count:,} ({_examples(each)})" for each in kinds)


def _examples(kind: Kind) -> str:
    names = [each.id for each in kind.first]
    return ", ".join([*names, "..."] if kind.count > len(names) else names)
