"""Exhibit 1: the runs beside the study's, the curves, and every epoch."""

from dataclasses import replace
from types import SimpleNamespace

from dogcam.analysis.training import TrainedRun, Training, training
from dogcam.core.records import from_plain, to_plain
from dogcam.experiment.training_curves import Curve, choose_run, judge
from dogcam.report.exhibits.training import training as exhibit
from dogcam.report.training_words import choice_words


def exhibit_of(found, document):
    """The exhibit needs no more of an analysis than its training."""
    return exhibit(SimpleNamespace(analysis=SimpleNamespace(training=found), document=document))


def shown(experiment):
    return exhibit_of(training(experiment), experiment.document)


def texts(row):
    return [entry.text for entry in row.entries]


def test_our_runs_and_the_studys_by_epoch(made):
    table, *_ = shown(made.write()).blocks
    assert table.columns[:4] == ("", "run", "e2 acc", "e2 loss")  # kept: 2 and 4; of the study: 3, 5 and 7
    assert table.columns[-2:] == ("peak", "overfits from")
    assert texts(table.rows[0])[:6] == ["ours", "1", "0.6000", "1.0000", "0.7000", "0.8000"]
    assert texts(table.rows[1])[-2:] == ["e4", "–"]
    assert texts(table.rows[1])[1] == "2 (chosen)"
    assert texts(table.rows[3])[:4] == ["published", "2 (chosen)", "–", "–"]
    assert [row.kind for row in table.rows] == ["", "chosen", *["published"] * 3]
    best = [entry.text for entry in table.rows[0].entries if entry.strong]
    assert best == ["0.7000", "0.8000"]


def test_curves_and_every_epoch(made):
    _, accuracy, loss, every = shown(made.write()).blocks
    assert [chart.name for chart in (accuracy, loss)] == ["accuracy-by-epoch", "loss-by-epoch"]
    assert "2 runs" in accuracy.alt
    assert accuracy.draw(theme="light").axes[0].get_ylabel() == "accuracy"
    assert texts(every.rows[0]) == ["1", "1", "0.6000", "1.2000", "0.5000", "1.2000"]
    assert len(every.rows) == 8
    assert every.folded


def test_what_was_not_measured_has_a_dash(made):
    found = training(made.write())
    first = replace(found.runs[0], train=replace(found.runs[0].train, epochs=(), accuracy=(), loss=()))
    every = exhibit_of(replace(found, runs=(first, found.runs[1])), {}).blocks[-1]
    assert texts(every.rows[0]) == ["1", "1", "–", "–", "0.5000", "1.2000"]


def test_where_nothing_was_kept_every_epoch_is_shown():
    curve = Curve((1, 2), (0.5, 0.6), (1.0, 0.9))
    table, *_ = exhibit_of(Training((TrainedRun(1, curve, curve, (), judge(1, curve)),), choose_run({1: curve})), {}).blocks
    assert [column for column in table.columns if column.endswith("acc")] == [f"e{k} acc" for k in (1, 2, 3, 5, 7)]


def test_the_lead_tells_of_every_run_and_of_the_choice(made):
    experiment = made.write()
    lead = shown(experiment).lead
    assert [each.startswith(f"Run {run} ") for run, each in zip((1, 2, 2), lead, strict=True)] == [True] * 3
    assert choice_words(training(experiment).chosen) in lead[-1]


def test_it_is_the_same_from_values_that_were_written_and_read(made):
    experiment = made.write()
    again = from_plain(Training, to_plain(training(experiment)))
    made_again = exhibit_of(again, experiment.document)
    assert made_again.lead == shown(experiment).lead
    assert made_again.blocks[0] == shown(experiment).blocks[0]


def test_before_the_first_epoch_there_is_no_exhibit():
    assert exhibit_of(Training((), None), {}) is None
