"""dogcam: does an image classifier look at the object, and which CAM method shows it best?

The public names below are resolved on first use: importing dogcam imports nothing heavy.
"""

from typing import Any

_PUBLIC = {
    "evaluate": "dogcam.api:evaluate",
    "explain": "dogcam.api:explain",
    "load": "dogcam.api:load",
    # Not by way of api, which brings TensorFlow: reading what was found does not need it.
    "read_analysis": "dogcam.analysis.analysis:read_analysis",
    "Classifier": "dogcam.models.classifier:Classifier",
    "HeatmapEngine": "dogcam.engine:HeatmapEngine",
    "Record": "dogcam.data:Record",
    "open_dataset": "dogcam.data.opening:open_dataset",
    "DogcamError": "dogcam.core.errors:DogcamError",
}

__all__ = ["Classifier", "DogcamError", "HeatmapEngine", "Record", "evaluate", "explain", "load", "open_dataset", "read_analysis"]


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from dogcam.core.registry import resolve

    return resolve(_PUBLIC[name])


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
