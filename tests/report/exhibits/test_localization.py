"""Exhibit 6: mean IoU beside the published figures, what claims rest on, and curves by threshold of the cells that are shown."""

import numpy as np
import pytest

from dogcam.experiment.evaluations import Cell
from dogcam.metrics import METRICS
from dogcam.report.exhibits.localization import localization
from dogcam.report.material import Material
from dogcam.report.texts import heads

LAYER = "conv5_block1_out"
GRID = np.arange(20) / 20


def texts(row):
    return [entry.text for entry in row.entries]


def blocks(material):
    """The chart of thresholds and its table, where they are."""
    exhibit = localization(material)
    columns = heads("thresholds.heads")
    return [b for b in exhibit.blocks if getattr(b, "name", "") == "iou-by-threshold" or getattr(b, "columns", 0) == columns]


@pytest.fixture
def experiment(made):
    """CAM is best at 0.3 and Grad-CAM at 0.5; in use is 0.15, at other epochs and layers there is no curve."""
    experiment = made.write()
    for method, best in (("cam", 0.3), ("gradcam", 0.5)):
        curve = np.tile(0.7 - np.abs(GRID - best), (made.images, 1)).astype(np.float32)
        made.rewrite(experiment, Cell(2, 4, method, LAYER, "default"), curve=curve)
    return experiment


@pytest.fixture
def material(experiment):
    return Material.of(experiment)


def test_each_curve_is_drawn_with_its_threshold_in_use_and_its_best(material):
    chart, _ = blocks(material)
    axes = chart.draw(theme="light").axes[0]
    at = {gid: [line.get_xdata()[0] for line in axes.lines if line.get_gid() == gid] for gid in ("oracle", "used")}
    assert at["oracle"] == pytest.approx([0.3, 0.5])
    assert at["used"] == pytest.approx([0.15, 0.15])
    assert "epoch 4" in chart.caption


def test_the_table_says_what_is_lost(material):
    _, table = blocks(material)
    rows = [[entry.text for entry in row.entries] for row in table.rows]
    assert rows == [
        ["CAM", "0.150", "0.550", "0.300", "0.700", "+0.150"],
        ["Grad-CAM", "0.150", "0.350", "0.500", "0.700", "+0.350"],
    ]


def test_only_curves_at_the_pooled_layer_at_the_latest_epoch_are_shown(made, experiment):
    flat = np.full((made.images, 20), 0.4, np.float32)
    for cell in (Cell(2, 2, "cam", LAYER, "default"), Cell(2, 4, "gradcam", "conv3_block1_out", "default")):
        made.rewrite(experiment, cell, curve=flat)
    _, table = blocks(Material.of(experiment))
    assert [texts(row)[4] for row in table.rows] == ["0.700", "0.700"]


def test_scores_that_need_curves_are_in_the_table_of_every_score(material):
    *_, every = localization(material).blocks
    oracle = len(every.columns) - len(METRICS) + list(METRICS).index("oracle_iou")
    shown = {(texts(row)[0], texts(row)[3]): texts(row)[oracle] for row in every.rows if texts(row)[1] in (LAYER, "")}
    assert shown["CAM", "4"] == shown["Grad-CAM", "4"] == "0.700"
    assert shown["CAM", "2"] == shown["whole-image", "–"] == "–"


def test_without_curves_there_is_nothing(made):
    assert blocks(Material.of(made.write())) == []


def test_ours_and_the_published_figures_stand_side_by_side(material):
    """A row for each method and layer, the baselines' at the end; what was published stands aside."""
    table = localization(material).blocks[0]
    rows = [texts(row) for row in table.rows]
    ious = np.linspace(0.2, 0.9, 8)
    first = dict(zip(table.columns, rows[0], strict=True))
    assert rows[0][:5] == ["CAM", LAYER, "2", "8", f"{ious.mean():.3f} ± {ious.std(ddof=1) / 8**0.5:.3f}"]
    assert [table.columns[place] for place in table.aside] == [f"e{epoch} published" for epoch in (2, 3, 4, 5, 7)]
    assert [first[f"e{epoch} published"] for epoch in (2, 3, 7)] == ["–", "0.782", "0.800"]
    assert [row.kind for row in table.rows] == [*[""] * 4, "baseline"]
    assert rows[1][5::2] == ["–"] * 5, "the published figures are of the layer that feeds the pooling"


def test_the_chart_has_the_published_figures_hollow_and_what_never_looks_dotted(material):
    chart = next(block for block in localization(material).blocks if getattr(block, "name", "") == "iou-by-epoch")
    lines, _ = chart.draw.args
    assert [line.hollow for line in lines] == [False, False, True, True]
    assert lines[2].x == [3, 5, 7]
    assert chart.draw.keywords["references"] == {"whole-image": pytest.approx(0.3)}


def test_every_difference_that_claims_rest_on_is_drawn_once(make, tmp_path):
    made = make(str(tmp_path), images=16)
    made.ious = {("gradcam", 4): np.linspace(0.3, 0.9, 16)}
    material = Material.of(made.write())
    chart = next(block for block in localization(material).blocks if getattr(block, "name", "") == "iou-differences")
    rows, _ = chart.draw.args
    resting = {each for claim in material.analysis.claims for each in claim.differences}
    assert len(rows) == len({row.label for row in rows}) == len(resting)
    assert sorted(row.mean for row in rows) == pytest.approx(sorted(each.interval.value for each in resting))


def test_each_other_protocol_has_both_tables(make, tmp_path):
    material = Material.of(make(str(tmp_path), protocols=("default", "cam2016")).write())
    captions = [block.caption for block in localization(material).blocks]
    assert [sum(name in caption for caption in captions) for name in ("cam2016",)] == [2]
    assert localization(material).blocks[-1].folded


def test_before_evaluation_there_is_none(made):
    made.evaluated = False
    assert localization(Material.of(made.write())) is None
