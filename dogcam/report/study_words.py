"""What the published study says and leaves unsaid, and whether its figures may be held against an experiment's."""

from __future__ import annotations

from dogcam.analysis.study import EPOCHS, LAYERS, SETTING, Setting
from dogcam.language import say
from dogcam.report.texts import text


def cam_readings() -> dict[int, str]:
    """What it reads from its pictures of CAM, by epoch."""
    return {epoch: text(f"study.cam_readings.{epoch}") for epoch in EPOCHS}


def layer_readings() -> dict[str, str]:
    """What it reads from its pictures of Grad-CAM, by layer."""
    return {layer: text(f"study.layer_readings.{layer}") for layer in LAYERS}


def comparability(ours: Setting) -> str:
    """One sentence on whether the published figures may be held against ours."""
    told = "; ".join(_difference(ours, field) for field in ours.differing())
    if not told:
        return say(
            "Network and data set are the study's own, so the published figures may be held against ours; the handling of "
            "the heatmaps is not stated there, so a difference need not come from the method."
        )
    return say("The published figures are for orientation only: here {differences}.", differences=told)


def _difference(ours: Setting, field: str) -> str:
    if field == "classes":
        return text("study.differs.classes", ours.classes)
    own = getattr(ours, field) or text("study.not_recorded")
    return text(f"study.differs.{field}", ours=own, theirs=getattr(SETTING, field))
