"""What tests of `dogcam explain` share: pictures, and a call of it in which nothing is read or traced twice."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from dogcam.commands.explain import command as explain
from dogcam.core.config import ExplainConfig
from dogcam.core.progress import Progress
from dogcam.data.opening import open_dataset


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """A folder with a wide, a tall and a truncated picture."""
    folder = tmp_path_factory.mktemp("pictures")
    drawn = open_dataset("synthetic:3").splits["test"]
    Image.fromarray(drawn[0].image.pixels()).resize((210, 90)).save(folder / "wide.png")
    Image.fromarray(drawn[-1].image.pixels()).resize((80, 160)).save(folder / "tall.jpg")
    return folder


@pytest.fixture(scope="module", autouse=True)
def once(kept):
    """Each kept epoch is read once, and each pass traced once, for all tests: they ask for the same few again and again."""
    _, read, trace = kept
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("dogcam.models.subjects.load_trained", lambda experiment, *which: read(experiment.path, *which))
        patch.setattr(
            "dogcam.engine.heatmaps.OnePass",
            lambda model, cells, features, kind: trace(model, tuple(cells), tuple(features), kind),
        )
        yield


@pytest.fixture
def ask(trained, tmp_path):
    def ask(*images, **options):
        defaults = {"home": str(trained.experiment.path.parent), "out": str(tmp_path / "out"), "epochs": (2,)}
        return explain.run(ExplainConfig.of(images=tuple(map(str, images)), **{**defaults, **options}), Progress())

    return ask


@pytest.fixture
def maps(monkeypatch):
    """Put something else in place of the maps and flags that engines give."""

    def replace(raw, flagged=False):
        call = explain.HeatmapEngine.__call__

        def changed(self, *args):
            found = call(self, *args)
            for cell, each in found.maps.items():
                found.maps[cell] = np.stack([np.broadcast_to(np.float32(raw), np.shape(raw) or each.shape[1:])] * len(each))
                found.flags[cell] = np.full(len(each), flagged)
            return found

        monkeypatch.setattr(explain.HeatmapEngine, "__call__", changed)

    return replace
