"""Curves by threshold in exhibit 6, of the cells that are shown and no others."""

import numpy as np
import pytest
from dogcam.analysis.evidence import Evidence
from dogcam.report.exhibits.thresholds import threshold_blocks

from dogcam.experiment.evaluations import Cell, Choice

LAYER = "conv5_block1_out"
GRID = np.arange(20) / 20


@pytest.fixture
def evidence(made):
    """CAM is best at 0.3 and Grad-CAM at 0.5; in use is 0.2, a threshold chosen elsewhere."""
    experiment = made.write()
    evaluation = experiment.evaluations()[0]
    for method, best in (("cam", 0.3), ("gradcam", 0.5)):
        cell = Cell(2, 4, method, LAYER, "default")
        columns = dict(evaluation.read(cell))
        columns["truth"] = [boxes.ravel().tolist() for boxes in columns["truth"]]
        columns["curve"] = np.tile(0.7 - np.abs(GRID - best), (made.images, 1)).astype(np.float32)
        evaluation.write(cell, columns, Choice(0.2, "calibrated"))
    return Evidence.of(experiment)


def test_each_curve_is_drawn_with_its_threshold_in_use_and_its_best(evidence):
    chart, _ = threshold_blocks(evidence, "default")
    axes = chart.draw(theme="light").axes[0]
    at = {gid: [line.get_xdata()[0] for line in axes.lines if line.get_gid() == gid] for gid in ("oracle", "used")}
    assert at["oracle"] == pytest.approx([0.3, 0.5])
    assert at["used"] == pytest.approx([0.2, 0.2])
    assert "epoch 4" in chart.caption


def test_the_table_says_what_is_lost(evidence):
    _, table = threshold_blocks(evidence, "default")
    rows = [[entry.text for entry in row.entries] for row in table.rows]
    assert rows == [
        ["CAM", "0.200", "0.600", "0.300", "0.700", "+0.100"],
        ["Grad-CAM", "0.200", "0.400", "0.500", "0.700", "+0.300"],
    ]


def test_only_the_curves_that_are_shown_are_read(evidence, monkeypatch):
    asked = []
    long = evidence.evaluation.long
    monkeypatch.setattr(evidence.evaluation, "long", lambda cell: asked.append(cell) or long(cell))
    threshold_blocks(evidence, "default")
    assert [(cell.method, cell.epoch, cell.layer) for cell in asked] == [("cam", 4, LAYER), ("gradcam", 4, LAYER)]


def test_without_curves_there_is_nothing(made):
    assert threshold_blocks(Evidence.of(made.write()), "default") == []
