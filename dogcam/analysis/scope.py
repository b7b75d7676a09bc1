"""What was scored, how many there were of it, and what was left out."""

from __future__ import annotations

from dataclasses import dataclass

from dogcam.analysis.tables import Tables


@dataclass(frozen=True)
class Skipped:
    """An input that could not be used as it should.

    Attributes:
        id: the picture or file.
        reason: what is wrong with it, in English.
    """

    id: str
    reason: str


@dataclass(frozen=True)
class Scope:
    """What was scored.

    Attributes:
        name: the folder of the per-image tables.
        split: whose images.
        images: how many were scored; in a set with several classes in a picture a row for each class of each.
        of: how many the split has; null where that is not known.
        target: the class that maps are drawn for, as --target asked for.
        smooth: ways of smoothing, as --smooth asked for.
        calibrated_on: ids of the training pictures that thresholds were chosen on.
        annotated_area: mean area of the annotated boxes, as a share of the picture.
        others: other scopes of the experiment, which are not in this summary.
        pictures: those that the rows are of, which intervals resample; null where each row is a picture of its own.
        read: how many there were: `images`, `unannotated` and `left_out` together; null where that was not kept.
        unannotated: how many had no usable box, and were scored for faithfulness only; null where that was not kept.
        left_out: how many were not scored at all, see `problems`; null where that was not kept.
    """

    name: str
    split: str
    images: int
    of: int | None
    target: str
    smooth: tuple[str, ...]
    calibrated_on: tuple[str, ...]
    annotated_area: float
    others: tuple[str, ...]
    pictures: int | None = None
    read: int | None = None
    unannotated: int | None = None
    left_out: int | None = None


def scope_of(tables: Tables) -> Scope:
    """What is known of it from the tables and from what lies beside them."""
    about, name = tables.about, tables.evaluation.scope
    split = name.partition("-")[0]
    others = (each.scope for each in tables.experiment.evaluations())
    return Scope(
        name,
        split,
        tables.images,
        tables.document.get("dataset", {}).get("counts", {}).get(split),
        str(about.get("target", "true")),
        tuple(about.get("smooth") or ()),
        tuple((about.get("calibration") or {}).get("ids", ())),
        tables.annotated_area,
        tuple(each for each in others if each != name),
        tables.pictures,
        **about.get("counts", {}),
    )
