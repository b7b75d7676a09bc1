"""Exhibit 8: what training does, in tables and one chart."""

from dataclasses import replace

import numpy as np
import pytest
from dogcam.analysis.evidence import Evidence
from epochs import BASE, RISING, N, history, tables, two_runs

from dogcam.analysis.dynamics import dynamics
from dogcam.report.exhibits.dynamics import training_dynamics


def exhibit_of(experiment):
    evidence = Evidence.of(experiment)
    found = dynamics(evidence.curves, evidence.tables, evidence.layers)
    return training_dynamics(found, evidence.pooled_layer, len)


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
    (evaluation,) = experiment.evaluations()
    for cell in evaluation.cells():
        if cell.run == 2:
            columns = evaluation.read(cell)
            truth = [boxes.ravel().tolist() for boxes in columns["truth"]]
            evaluation.write(replace(cell, run=1), {**columns, "truth": truth}, evaluation.choice(cell))
    exhibit = exhibit_of(experiment)
    captions = [block.caption for block in exhibit.blocks]
    assert len([caption for caption in captions if "of run 1" in caption]) == 2
    assert [caption for caption in captions if "over 2 runs, protocol cam2016" in caption]
    assert "pale: single runs" in exhibit.blocks[0].caption


def test_one_epoch_has_no_exhibit(made):
    made.epochs = (4,)
    assert exhibit_of(made.write()) is None


def entries(table, first):
    return next(row.entries for row in table.rows if row.entries[0].text == first)


@pytest.mark.parametrize(("ious", "untested"), [(RISING, False), ({3: BASE, 5: BASE, 7: BASE}, True)])
def test_the_best_epoch_is_set_off_and_whether_that_was_tested_is_kept(ious, untested):
    _, table, changes = training_dynamics(dynamics(history(), tables(ious)), "last", len).blocks
    fit = entries(table, "IoU, CAM")
    assert [(entry.strong, entry.untested) for entry in fit if entry.strong] == [(True, untested)]
    assert [row.entries[3].text for row in changes.rows] == ["e5 − e3", "e7 − e5", "e7 − e3"]
    assert [row.entries[-1].strong for row in changes.rows] == [not untested] * 3
    assert changes.rows[0].entries[5].text == (f"0 / {N} / 0" if untested else f"{N} / 0 / 0")


def test_of_more_methods_than_colours_the_first_are_drawn():
    methods = ("cam", "gradcam", "fem", "gradcam++", "layercam", "eigencam", "scorecam")
    scored = {cell: table for method in methods for cell, table in tables(RISING, method=method).items()}
    chart, table, _ = training_dynamics(dynamics(history(), scored), "last", len).blocks
    (charts,) = chart.draw.args
    assert len(charts[2].tracks) == len(charts[3].tracks) == 6
    assert "the first 6 methods" in chart.caption
    assert len(table.rows) == 2 + 2 * 7


def test_runs_are_pale_behind_their_mean():
    chart, *_ = training_dynamics(dynamics(*two_runs()), "last", len).blocks
    (charts,) = chart.draw.args
    assert [[track.thin for track in each.tracks] for each in charts] == [[True, True, False]] * 4
    assert [track.peak for track in charts[2].tracks] == [None, None, 7]
