"""What was scored, how many there were of it, and of how many pictures the rows are."""

from __future__ import annotations

import pytest

from dogcam.analysis.scope import scope_of
from dogcam.analysis.tables import Tables, pictures_of, right_of
from dogcam.experiment.evaluations import Cell

COUNTS = {"read": 12, "unannotated": 3, "left_out": 1}


def tables_of(experiment):
    return Tables.of(experiment, experiment.evaluations()[0])


def test_of_an_earlier_evaluation_nothing_of_it_is_known(made):
    scope = scope_of(tables_of(made.write()))
    assert (scope.images, scope.pictures) == (8, None)
    assert (scope.read, scope.unannotated, scope.left_out) == (None, None, None)


def test_what_was_counted_is_kept_and_adds_up(made):
    experiment = made.write()
    experiment.evaluations()[0].write_about({"counts": COUNTS})
    scope = scope_of(tables_of(experiment))
    assert scope.read == scope.images + scope.unannotated + scope.left_out == 12


@pytest.fixture
def rows(made):
    """Eight rows of three pictures, and how many absent classes come before each."""
    experiment = made.write()
    pictures = ["a", "a", "a", "b", "b", "c", "c", "c"]
    made.rewrite(experiment, lambda cell: True, picture=pictures, rank=[0, 1, 0, 2, 0, 0, 3, 1])
    return tables_of(experiment)


def test_rows_of_pictures_are_told_from_pictures(rows):
    scope = scope_of(rows)
    assert (scope.images, scope.pictures) == (8, 3)
    assert pictures_of(rows.read(rows.cells[0])).tolist() == ["a", "a", "a", "b", "b", "c", "c", "c"]


def test_the_network_is_right_where_no_absent_class_comes_first(rows):
    columns = rows.read(Cell(2, 4, "cam", rows.pooled_layer, "default"))
    assert right_of(columns).tolist() == [True, False, True, False, True, True, False, False]


def test_with_one_class_a_picture_it_is_right_where_it_predicts_it(made):
    tables = tables_of(made.write())
    columns = tables.read(Cell(2, 4, "cam", tables.pooled_layer, "default"))
    assert pictures_of(columns) is None
    assert right_of(columns).tolist() == [label == 0 for label in columns["label"]]  # it predicts 0 throughout
