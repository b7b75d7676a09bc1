"""Score rows as plain dataclasses, and every list of an analysis as a tidy table."""

from __future__ import annotations

import importlib.util
import math

import numpy as np
import pytest
from faithfulness_columns import columns
from made_decomposition import decomposition

from dogcam.analysis.analysis import analyse
from dogcam.analysis.flat import TABLES, flat, table
from dogcam.analysis.scores import Figure, Scores
from dogcam.core.errors import UnknownName
from dogcam.core.records import to_plain
from dogcam.experiment.evaluations import Cell, MapKey

IMAGES, POOLED = 16, "conv5_block1_out"
OF_AN_EVALUATION = ("claims", "curves", "decompositions", "dynamics", "faithfulness", "groups", "over_runs", "pairs", "ranking")


@pytest.fixture(scope="module")
def analysis(make, tmp_path_factory):
    """Two runs, a chosen threshold, faithfulness and a decomposition."""
    made = make(str(tmp_path_factory.mktemp("home")), images=IMAGES)
    experiment = made.write()
    made.rewrite(experiment, lambda cell: cell.run == 2, {"run": 1}, iou=lambda known: known["iou"] + 0.01)
    curve = np.tile(np.linspace(0, 1, 10, dtype=np.float32), (IMAGES, 1))
    made.rewrite(experiment, Cell(2, 4, "cam", POOLED, "default"), curve=curve)
    (evaluation,) = experiment.evaluations()
    evaluation.write_faithfulness(Cell(2, 4, "cam", POOLED, ""), columns(IMAGES))
    evaluation.write_decomposition("cam-gradcam", to_plain(decomposition(images=12)), b"png")
    return analyse(experiment, evaluation)


def test_a_score_row_is_a_plain_dataclass(analysis):
    row = analysis.of("default", 2, MapKey("cam", POOLED))[4]
    assert isinstance(row, Scores)
    assert (row.map, row.epoch, row.runs, row.n) == (MapKey("cam", POOLED), 4, (2,), IMAGES)
    assert isinstance(row.scores["mean_iou"], Figure)
    assert row.value("mean_iou") == row.scores["mean_iou"].value
    assert math.isnan(row.value("pxap")), "without pixels of the object"


def test_a_row_of_it_has_a_column_for_each_value(analysis):
    row = analysis.of("default", 2, MapKey("cam", POOLED))[4]
    found = flat(row)
    assert (found["method"], found["layer"], found["runs"], found["threshold_from"]) == ("cam", POOLED, "2", "fixed")
    figure = row.scores["mean_iou"]
    assert [found[f"mean_iou{end}"] for end in ("", "_low", "_high")] == [figure.value, figure.low, figure.high]
    assert not {name for name, value in found.items() if isinstance(value, (tuple, dict))}


_SINGLE = ("string", "int64", "double", "bool", "null")  # null: the ends of what never has an interval


@pytest.mark.parametrize("name", TABLES)
def test_every_table_holds_single_values_with_one_name_each(analysis, name):
    found = table(analysis, name)
    assert found.num_rows > 0
    assert len(set(found.column_names)) == found.num_columns
    assert all(str(field.type) in _SINGLE for field in found.schema)


def test_the_table_of_scores_is_the_scores(analysis):
    rows = table(analysis).to_pylist()
    assert len(rows) == len(analysis.scores)
    assert [row["mean_iou"] for row in rows] == [each.value("mean_iou") for each in analysis.scores]
    assert [row["method"] for row in rows] == [each.map.method for each in analysis.scores]
    assert {row["runs"] for row in rows} == {"1", "2", ""}


def test_a_figure_without_an_interval_has_no_ends(analysis):
    row = next(row for row in table(analysis).to_pylist() if row["method"] == "cam")
    assert row["sem"] > 0
    assert row["sem_low"] is row["sem_high"] is None


def test_pairs_and_ranking_are_those_of_the_families(analysis):
    pairs = [pair for family in analysis.comparisons for pair in family.pairs]
    rows = table(analysis, "pairs").to_pylist()
    assert [(row["difference"], row["difference_low"], row["holm"]) for row in rows] == [
        (pair.mean, pair.low, pair.holm) for pair in pairs
    ]
    assert [(row["first_method"], row["second_method"]) for row in rows] == [
        (pair.first.method, pair.second.method) for pair in pairs
    ]
    lines = [line for family in analysis.comparisons for line in family.lines]
    ranking = table(analysis, "ranking").to_pylist()
    maps = [(line, key) for line in lines for key in line.maps]
    assert [(row["letters"], row["verdict"], row["iou_low"]) for row in ranking] == [
        (line.letters, line.verdict, line.iou.low) for line, _ in maps
    ]
    assert [(row["method"], row["layer"]) for row in ranking] == [(key.method, key.layer) for _, key in maps]
    assert ranking[0]["runs"] == "1; 2"


def test_a_claim_keeps_its_verdict_beside_those_of_its_differences(analysis):
    rows = table(analysis, "claims").to_pylist()
    expected = [
        (claim.claim, claim.verdict, each.interval.value, each.verdict)
        for claim in analysis.claims
        for each in (*claim.differences, *filter(None, [claim.whole]))
    ]
    assert [(row["claim"], row["verdict"], row["difference"], row["side"]) for row in rows] == expected


def test_what_was_not_there_is_an_empty_table(made):
    made.evaluated = False
    bare = analyse(made.write())
    assert {name: table(bare, name).num_rows for name in TABLES if name not in ("scores", "training")} == dict.fromkeys(
        OF_AN_EVALUATION, 0
    )
    assert (table(bare).num_rows, table(bare, "training").num_rows) == (0, 16)


def test_a_table_that_there_is_not_is_named(analysis):
    with pytest.raises(UnknownName, match="accuracy"):
        table(analysis, "accuracy")


@pytest.mark.skipif(importlib.util.find_spec("pandas") is None, reason="pandas is not installed, and dogcam never asks for it")
def test_a_data_frame_where_pandas_is_there(analysis):
    frame = table(analysis).to_pandas()
    assert list(frame.columns) == table(analysis).column_names
    assert frame["mean_iou"].tolist() == [each.value("mean_iou") for each in analysis.scores]
