"""Faithfulness kept, read again and told of: against means and intervals worked out beside it."""

from __future__ import annotations

import json

import numpy as np
import pyarrow.parquet as pq
import pytest
from faithfulness_columns import CELLS, columns
from scipy import stats

from dogcam.analysis.faithfulness import Faithfulness, faithfulness
from dogcam.core.errors import ExperimentError
from dogcam.core.records import from_plain, to_plain
from dogcam.experiment.evaluations import Cell, Evaluation
from dogcam.metrics.faithfulness import BOXED_ONLY, FAITHFULNESS


@pytest.fixture
def evaluation(tmp_path):
    return Evaluation(tmp_path / "evaluation" / "test-true")


class TestStorage:
    def test_what_is_written_is_read_again(self, evaluation):
        written = columns(4)
        evaluation.write_faithfulness(CELLS[0], written)
        found = evaluation.read_faithfulness(CELLS[0])
        assert list(found) == list(written)
        for name in ("image", "predicted", "target", "boxed"):
            np.testing.assert_array_equal(found[name], written[name])
        np.testing.assert_array_equal(found["label"], [0, np.nan, 2, 3])
        for name in FAITHFULNESS:
            assert found[name].dtype == np.float32
            np.testing.assert_array_equal(found[name], written[name])

    def test_what_does_not_apply_is_null_in_the_file(self, evaluation):
        evaluation.write_faithfulness(CELLS[0], columns(4))
        (path,) = (evaluation.path / "faithfulness").iterdir()
        table = pq.read_table(path)
        assert table["energy"].to_pylist()[0] is table["energy"].to_pylist()[3] is table["label"].to_pylist()[1] is None
        assert {name: table[name].null_count for name in table.column_names if table[name].null_count} == {
            "label": 1,
            "pointing": 2,
            "energy": 2,
        }
        assert {str(table.schema.field(name).type) for name in FAITHFULNESS} == {"float"}

    def test_the_cells_know_themselves_and_are_no_cells_of_localisation(self, evaluation):
        assert evaluation.faithfulness_cells() == []
        for cell in CELLS:
            evaluation.write_faithfulness(cell, columns(2))
        assert evaluation.faithfulness_cells() == sorted(CELLS)
        assert evaluation.cells() == []

    def test_a_table_that_cannot_be_written_leaves_the_old_one(self, evaluation):
        evaluation.write_faithfulness(CELLS[0], columns(4))
        broken = {**columns(4, seed=1), "road": ["not", "numbers", "at", "all"]}
        with pytest.raises(ValueError, match="not"):
            evaluation.write_faithfulness(CELLS[0], broken)
        np.testing.assert_array_equal(evaluation.read_faithfulness(CELLS[0])["road"], columns(4)["road"])
        assert len(list((evaluation.path / "faithfulness").iterdir())) == 1

    def test_a_strangers_table_is_named(self, evaluation):
        evaluation.write_faithfulness(CELLS[0], columns(2))
        (path,) = (evaluation.path / "faithfulness").iterdir()
        pq.write_table(pq.read_table(path).replace_schema_metadata({}), path)
        with pytest.raises(ExperimentError, match="is not a table that dogcam wrote"):
            evaluation.faithfulness_cells()

    def test_nothing_scored_is_a_table_too(self, evaluation):
        evaluation.write_faithfulness(CELLS[0], columns(0))
        assert {len(column) for column in evaluation.read_faithfulness(CELLS[0]).values()} == {0}


def rows(evaluation):
    return faithfulness(evaluation, {}, 2, None).rows


class TestRows:
    def test_means_are_over_the_pictures_that_have_the_score(self, evaluation):
        written = columns(30)
        evaluation.write_faithfulness(CELLS[0], written)
        (row,) = rows(evaluation)
        assert (row.cell, row.n, row.n_without_boxes) == (CELLS[0], 30, 10)
        boxed = written["boxed"]
        for name in FAITHFULNESS:
            values = written[name][boxed] if name in BOXED_ONLY else written[name]
            assert row.value(name) == pytest.approx(sum(values.tolist()) / len(values), abs=1e-6)

    def test_intervals_are_close_to_students(self, evaluation):
        written = columns(60)
        evaluation.write_faithfulness(CELLS[0], written)
        (row,) = rows(evaluation)
        for name in FAITHFULNESS:
            values = written[name][np.isfinite(written[name])].astype(float)
            expected = stats.t.interval(0.95, len(values) - 1, values.mean(), stats.sem(values))
            np.testing.assert_allclose((row.scores[name].low, row.scores[name].high), expected, atol=0.02)
            assert row.scores[name].reason == ""

    def test_few_pictures_have_no_interval_and_it_says_why(self, evaluation):
        evaluation.write_faithfulness(CELLS[0], columns(12))
        (row,) = rows(evaluation)
        unsure = {name: each for name, each in row.scores.items() if np.isnan(each.low)}
        assert unsure.keys() == set(BOXED_ONLY)
        assert all(each.n == 8 and each.reason for each in unsure.values())

    def test_without_any_box_the_games_have_no_mean(self, evaluation):
        evaluation.write_faithfulness(CELLS[0], columns(12, boxed=False))
        (row,) = rows(evaluation)
        assert row.n_without_boxes == 12
        assert row.value("pointing") is row.value("energy") is None
        assert np.isnan(row.scores["energy"].low)
        assert row.value("adcc") is not None

    def test_they_come_by_run_and_as_people_count_layers(self, evaluation):
        for cell in (*CELLS, Cell(2, 3, "gradcam", "block_12", "")):
            evaluation.write_faithfulness(cell, columns(3))
        found = [(row.cell.run, row.cell.method, row.cell.layer) for row in rows(evaluation)]
        expected = [(2, "cam", "block_12"), (2, "gradcam", "block_5"), (2, "gradcam", "block_12")]
        assert found == [(1, "random-map", "input"), *expected]

    def test_tables_of_other_images_than_those_asked_about_last_are_left_out(self, evaluation):
        evaluation.write_faithfulness(CELLS[0], columns(12))
        evaluation.write_faithfulness(CELLS[1], columns(11))
        evaluation.write_about({"faithfulness": {"ids": columns(11)["image"].tolist()}})
        assert [row.cell for row in rows(evaluation)] == [CELLS[1]]


class TestTold:
    """Scores of 40 pictures around a value by method, of two epochs; every method's boxes were scored, the random map's too."""

    CAM, GRADCAM, RANDOM = (
        Cell(2, 4, method, layer, "") for method, layer in (("cam", "last"), ("gradcam", "last"), ("random-map", "input"))
    )

    def told(self, evaluation, road, iou=(0.4, 0.6), run=2, **others):
        noise = np.random.default_rng(0).normal(0, 0.05, (3, 40))
        boxes = {}
        for place, cell in enumerate((self.CAM, self.GRADCAM, self.RANDOM)):
            own = columns(40)
            for score, values in {"road": road, **others}.items():
                own[score] = (values[place] + noise[place]).astype(np.float32)
            evaluation.write_faithfulness(cell, own)
            evaluation.write_faithfulness(Cell(2, 3, cell.method, cell.layer, ""), columns(40, seed=place))
            if place < len(iou):
                scored = Cell(2, 4, cell.method, cell.layer, "default")
                boxes[scored] = {"image": own["image"], "iou": np.full(40, iou[place])}
        return faithfulness(evaluation, boxes, run, "default")

    def test_it_is_of_the_last_epoch_of_the_run_or_of_one_that_was_scored(self, evaluation):
        for run in (2, 9):
            found = self.told(evaluation, (0.5, 0.3, 0), run=run)
            assert (found.run, found.epoch, len(found.rows)) == (2, 4, 6)
            assert [row.cell for row in found.told] == [self.CAM, self.GRADCAM, self.RANDOM]
            assert [row.baseline for row in found.told] == [False, False, True]

    def test_the_best_is_told_apart_from_the_other_and_from_the_random_map(self, evaluation):
        found = self.told(evaluation, (0.5, 0.3, 0))
        road = found.leading[0]
        assert (road.score, road.leaders, road.tied) == ("road", (self.CAM,), ())
        assert [(each.first, each.second) for each in road.others] == [(self.CAM, self.GRADCAM)]
        assert (road.random.second, road.random.verdict) == (self.RANDOM, "above")
        means = {row.cell: row.value("road") for row in found.told}
        assert road.random.value == pytest.approx(means[self.CAM] - means[self.RANDOM], abs=1e-6)
        assert road.random.holm == pytest.approx(2 * road.random.p)

    def test_of_deletion_the_lower_is_better(self, evaluation):
        found = self.told(evaluation, (0.5, 0.5, 0.5), deletion=(0.5, 0.3, 0.6))
        (deletion,) = (each for each in found.leading if each.score == "deletion")
        assert deletion.leaders == (self.GRADCAM,)
        assert {each.verdict for each in (*deletion.others, deletion.random)} == {"below"}

    def test_what_chance_can_do_is_not_told_apart(self, evaluation):
        road = self.told(evaluation, (0.2, 0.2, 0.2)).leading[0]
        assert len(road.tied) == 1
        assert not road.random.told_apart

    def test_equal_scores_lead_together(self, evaluation):
        for cell in (self.CAM, self.GRADCAM):
            evaluation.write_faithfulness(cell, columns(40))
        found = faithfulness(evaluation, {}, 2, None)
        assert {each.leaders for each in found.leading} == {(self.CAM, self.GRADCAM)}
        assert {(each.others, each.random) for each in found.leading} == {((), None)}
        assert (found.boxed, found.fitting) == ((), ())

    @pytest.mark.parametrize(("iou", "fitting"), [((0.4, 0.6), [GRADCAM]), ((0.7, 0.6), [CAM]), ((0.6, 0.6), [CAM, GRADCAM])])
    def test_whose_boxes_fit_best(self, evaluation, iou, fitting):
        found = self.told(evaluation, (0.5, 0.3, 0), iou)
        assert [(each.cell, each.iou.value) for each in found.boxed] == [
            (cell, pytest.approx(value)) for cell, value in zip((self.CAM, self.GRADCAM), iou, strict=True)
        ]
        assert [each.cell for each in found.fitting] == fitting

    def test_it_goes_to_json_and_back(self, evaluation):
        document = json.loads(json.dumps(to_plain(self.told(evaluation, (0.5, 0.3, 0))), allow_nan=False))
        again = from_plain(Faithfulness, document)
        assert to_plain(again) == document
        assert again.leading[0].tied == ()
        assert [each.cell for each in again.fitting] == [self.GRADCAM]

    def test_nothing_scored_is_nothing_told(self, evaluation):
        assert faithfulness(evaluation, {}, 1, "default") is None
