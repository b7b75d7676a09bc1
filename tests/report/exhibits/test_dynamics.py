"""Exhibit 8: what training does, in tables and one chart."""

from types import SimpleNamespace

import numpy as np
import pytest
from epochs import BASE, RISING, N, history, tables, two_runs

from dogcam.analysis.dynamics import dynamics
from dogcam.report.exhibits.dynamics import dynamics as exhibit
from dogcam.report.material import Material
from dogcam.report.texts import text


def exhibit_of(experiment):
    return exhibit(Material.of(experiment))


def shown(*made):
    """The exhibit of made-up scores along epochs; of an analysis it needs no more than this."""
    analysis = SimpleNamespace(dynamics=dynamics(*made), pooled_layer="last")
    return exhibit(SimpleNamespace(analysis=analysis, colour_of=len))


def test_it_shows_the_figures_that_were_written(made):
    made.images = 16
    made.ious = {("cam", 2): np.full(16, 0.5), ("cam", 4): np.linspace(0.5, 0.8, 16)}
    chart, table, *folded = exhibit_of(made.write()).blocks
    rows = {(row.entries[0].text, row.entries[1].text): [e.text for e in row.entries[2:]] for row in table.rows}
    assert table.columns[2:4] == ("epoch 2", "epoch 4")
    assert rows["accuracy", ""][:3] == ["0.6500", "0.8000", "e4"]
    assert rows["loss", ""][:3] == ["0.9000", "0.6000", "e4"]
    fit = rows["IoU, CAM", "conv5_block1_out"]
    assert fit[0] == "0.500 [0.500, 0.500]"
    assert fit[1].startswith("0.650 [")
    assert fit[2] == "e4"
    assert fit[3].startswith("+0.150 [")
    assert all(each.folded for each in folded)
    assert chart.draw(theme="dark") is not None


def test_other_protocols_and_single_runs_are_folded_in(made):
    made.protocols = ("default", "cam2016")
    experiment = made.write()
    made.rewrite(experiment, lambda cell: cell.run == 2, {"run": 1})
    blocks = exhibit_of(experiment).blocks
    captions = [block.caption for block in blocks]
    assert len([caption for caption in captions if "of run 1" in caption]) == 2
    assert [caption for caption in captions if "over 2 runs, protocol cam2016" in caption]
    assert blocks[0].caption.startswith(text("dynamics.chart_over_runs", 2))


def test_one_epoch_has_no_exhibit(made):
    made.epochs = (4,)
    assert exhibit_of(made.write()) is None


def entries(table, first):
    return next(row.entries for row in table.rows if row.entries[0].text == first)


@pytest.mark.parametrize(("ious", "untested"), [(RISING, False), ({3: BASE, 5: BASE, 7: BASE}, True)])
def test_the_best_epoch_is_set_off_and_whether_that_was_tested_is_kept(ious, untested):
    _, table, changes = shown(history(), tables(ious)).blocks
    fit = entries(table, "IoU, CAM")
    assert [(entry.strong, entry.untested) for entry in fit if entry.strong] == [(True, untested)]
    assert [row.entries[3].text for row in changes.rows] == ["e5 − e3", "e7 − e5", "e7 − e3"]
    assert [row.entries[-1].strong for row in changes.rows] == [not untested] * 3
    assert changes.rows[0].entries[5].text == (f"0 / {N} / 0" if untested else f"{N} / 0 / 0")


def test_of_more_methods_than_colours_the_first_are_drawn():
    methods = ("cam", "gradcam", "fem", "gradcam++", "layercam", "eigencam", "scorecam")
    scored = {cell: table for method in methods for cell, table in tables(RISING, method=method).items()}
    chart, table, _ = shown(history(), scored).blocks
    (charts,) = chart.draw.args
    assert len(charts[2].tracks) == len(charts[3].tracks) == 6
    assert chart.caption.endswith(text("dynamics.chart_first", 6))
    assert len(table.rows) == 2 + 2 * 7


def test_runs_are_pale_behind_their_mean():
    chart, *_ = shown(*two_runs()).blocks
    (charts,) = chart.draw.args
    assert [[track.thin for track in each.tracks] for each in charts] == [[True, True, False]] * 4
    assert [track.peak for track in charts[2].tracks] == [None, None, 7]
