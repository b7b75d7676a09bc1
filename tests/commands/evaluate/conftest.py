"""What tests of `dogcam evaluate` share: nothing is read or traced twice, and pictures may lose their boxes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from evaluating import unannotated

from dogcam.data.pipeline import limited
from dogcam.experiment import selection


@pytest.fixture(scope="module", autouse=True)
def once(trained, kept):
    """The data are drawn once, each kept epoch is read once and each pass traced once, for all tests' copies."""
    drawn, read, trace = kept
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("dogcam.experiment.selection.open_dataset", lambda name, *more: drawn(name))
        patch.setattr("dogcam.commands.evaluate.inputs.load_trained", lambda _, *which: read(trained.experiment.path, *which))
        patch.setattr(
            "dogcam.engine.heatmaps.OnePass",
            lambda model, cells, features, kind: trace(model, tuple(cells), tuple(features), kind),
        )
        yield


@pytest.fixture
def without_boxes(monkeypatch):
    """Call it with an experiment and a number: so many of its first test pictures lose their boxes."""

    def lose(experiment, count):
        whole = selection.open_dataset(experiment.document["config"]["dataset"])
        first = {record.id for record in limited(whole.splits["test"], count)}
        records = tuple(replace(each, boxes=np.zeros((0, 4))) if each.id in first else each for each in whole.splits["test"])
        problems = tuple(unannotated(each.id) for each in records if each.id in first)
        dataset = replace(whole, splits={**whole.splits, "test": records}, problems=problems)
        monkeypatch.setattr(type(dataset), "fingerprint", lambda self: experiment.document["dataset"]["fingerprint"])
        monkeypatch.setattr(selection, "open_dataset", lambda *arguments: dataset)
        return problems

    return lose
