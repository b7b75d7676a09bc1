"""Faithfulness kept, read again and shown: against means and intervals worked out beside it."""

from __future__ import annotations

import numpy as np
import pyarrow.parquet as pq
import pytest
from scipy import stats

from dogcam.analysis.evidence import Evidence
from dogcam.core.errors import ExperimentError
from dogcam.experiment.evaluations import Cell, Evaluation
from dogcam.language import speaking
from dogcam.metrics.faithfulness import BOXED_ONLY, FAITHFULNESS
from dogcam.report.exhibits.faithfulness import faithfulness, faithfulness_rows, faithfulness_table

CELLS = [Cell(2, 3, "gradcam", "block_5", ""), Cell(2, 3, "cam", "block_12", ""), Cell(1, 3, "random-map", "input", "")]


def columns(count, seed=0, boxed=None):
    """Made-up scores; every third picture has no box, and the second no label."""
    rng = np.random.default_rng(seed)
    boxed = np.arange(count) % 3 != 0 if boxed is None else np.full(count, boxed)
    scores = {name: rng.random(count).astype(np.float32) for name in FAITHFULNESS}
    scores |= {name: np.where(boxed, scores[name], np.float32(np.nan)) for name in BOXED_ONLY}
    labels = np.array([None if place == 1 else place for place in range(count)], object)
    images = np.array([f"picture {place}" for place in range(count)], object)
    classes = {"predicted": np.arange(count, dtype=np.int32), "target": np.full(count, 7, np.int32)}
    return {"image": images, "label": labels, **classes, "boxed": boxed, **scores}


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


class TestRows:
    def test_means_are_over_the_pictures_that_have_the_score(self, evaluation):
        written = columns(30)
        evaluation.write_faithfulness(CELLS[0], written)
        (row,) = faithfulness_rows(evaluation)
        head = ("run", "epoch", "method", "layer", "n", "n_without_boxes")
        assert [row[name] for name in head] == [2, 3, "gradcam", "block_5", 30, 10]
        assert "protocol" not in row
        boxed = written["boxed"]
        for name in FAITHFULNESS:
            values = written[name][boxed] if name in BOXED_ONLY else written[name]
            assert row[name] == pytest.approx(sum(values.tolist()) / len(values), abs=1e-6)

    def test_intervals_are_close_to_students(self, evaluation):
        written = columns(60)
        evaluation.write_faithfulness(CELLS[0], written)
        (row,) = faithfulness_rows(evaluation)
        for name in FAITHFULNESS:
            values = written[name][np.isfinite(written[name])].astype(float)
            expected = stats.t.interval(0.95, len(values) - 1, values.mean(), stats.sem(values))
            np.testing.assert_allclose(row["intervals"][name], expected, atol=0.02)
        assert row["reasons"] == {}

    def test_few_pictures_have_no_interval_and_it_says_why(self, evaluation):
        evaluation.write_faithfulness(CELLS[0], columns(12))
        (row,) = faithfulness_rows(evaluation)
        assert {name for name, ends in row["intervals"].items() if ends is None} == set(BOXED_ONLY)
        assert row["reasons"] == dict.fromkeys(BOXED_ONLY, "8 scored images are too few for an interval: 10 are needed")

    def test_without_any_box_the_games_have_no_mean(self, evaluation):
        evaluation.write_faithfulness(CELLS[0], columns(12, boxed=False))
        (row,) = faithfulness_rows(evaluation)
        assert row["n_without_boxes"] == 12
        assert row["pointing"] is row["energy"] is row["intervals"]["energy"] is None
        assert row["adcc"] is not None

    def test_they_come_by_run_and_as_people_count_layers(self, evaluation):
        for cell in (*CELLS, Cell(2, 3, "gradcam", "block_12", "")):
            evaluation.write_faithfulness(cell, columns(3))
        found = [(row["run"], row["method"], row["layer"]) for row in faithfulness_rows(evaluation)]
        expected = [(2, "cam", "block_12"), (2, "gradcam", "block_5"), (2, "gradcam", "block_12")]
        assert found == [(1, "random-map", "input"), *expected]

    def test_nothing_scored_is_no_row(self, evaluation):
        assert faithfulness_rows(evaluation) == []


class TestTable:
    def test_it_shows_means_intervals_and_which_way_is_better(self, evaluation):
        written = columns(12)
        written["deletion"][:] = np.linspace(0.25, 0.75, 12)
        for cell in CELLS:
            evaluation.write_faithfulness(cell, written)
        rows = faithfulness_rows(evaluation)
        table = faithfulness_table(rows)
        assert table.columns[:5] == ("method", "layer", "run", "epoch", "n")
        assert table.columns[5:7] == ("insertion ↑", "deletion ↓")
        assert [[entry.text for entry in row.entries[:5]] for row in table.rows] == [
            ["random map", "input", "1", "3", "12"],
            ["CAM", "block_12", "2", "3", "12"],
            ["Grad-CAM", "block_5", "2", "3", "12"],
        ]
        assert [row.kind for row in table.rows] == ["baseline", "", ""]
        low, high = rows[0]["intervals"]["deletion"]
        assert table.rows[0].entries[6].text == f"0.500 [{low:.3f}, {high:.3f}]"
        assert 0.3 < low < 0.5 < high < 0.7
        assert all(len(row.entries) == len(table.columns) for row in table.rows)

    def test_the_note_explains_every_score_and_what_is_missing(self, evaluation):
        evaluation.write_faithfulness(CELLS[0], columns(12))
        table = faithfulness_table(faithfulness_rows(evaluation))
        for score in FAITHFULNESS.values():
            assert score.description in table.note
        assert "pointing and energy leave out the pictures without a box (4)" in table.note
        assert "8 scored images are too few" in table.note
        assert "[" not in table.rows[0].entries[-1].text

    def test_scores_that_no_row_has_are_no_columns(self, evaluation):
        evaluation.write_faithfulness(CELLS[0], columns(12, boxed=False))
        table = faithfulness_table(faithfulness_rows(evaluation))
        assert not {"pointing ↑", "energy ↑"} & set(table.columns)
        assert "annotated box" not in table.note
        assert "too few" not in table.note


class TestExhibit:
    METHODS = ("cam", "gradcam", "random-map")

    def written(self, made, road, deletion=None):
        """The made-up experiment with scores of 40 pictures around `road` by method."""
        made.images = 40
        experiment = made.write()
        evaluation = experiment.evaluations()[0]
        noise = np.random.default_rng(0).normal(0, 0.05, (3, 40))
        for place, method in enumerate(self.METHODS):
            layer = "input" if method == "random-map" else "conv5_block1_out"
            own = columns(40)
            own["road"] = (road[method] + noise[place]).astype(np.float32)
            own["deletion"] = ((deletion or road)[method] + noise[place]).astype(np.float32)
            evaluation.write_faithfulness(Cell(2, 4, method, layer, ""), own)
        return Evidence.of(experiment)

    def test_the_best_is_named_beside_the_random_map_and_the_other(self, made):
        exhibit = faithfulness(self.written(made, {"cam": 0.5, "gradcam": 0.3, "random-map": 0.0}))
        first = exhibit.lead[0]
        assert first.startswith("By ROAD (higher is better) CAM is the most faithful of the methods, 0.497 [")
        assert "told apart from the random map" in first
        assert first.endswith("Every other method is told apart from that.")

    def test_of_deletion_the_lower_is_better(self, made):
        evidence = self.written(made, dict.fromkeys(self.METHODS, 0.5), {"cam": 0.5, "gradcam": 0.3, "random-map": 0.6})
        (deletion,) = [sentence for sentence in faithfulness(evidence).lead if "deletion" in sentence]
        assert deletion.startswith("By deletion (lower is better) Grad-CAM is the most faithful")

    def test_what_chance_can_do_is_not_told_apart(self, made):
        exhibit = faithfulness(self.written(made, dict.fromkeys(self.METHODS, 0.2)))
        assert "but not told apart from the random map" in exhibit.lead[0]
        assert "Not told apart from that: " in exhibit.lead[0]

    def test_whether_the_best_boxes_are_those_of_the_most_faithful_map(self, made):
        made.ious = {("cam", 4): np.full(40, 0.4), ("gradcam", 4): np.full(40, 0.6)}
        last = faithfulness(self.written(made, {"cam": 0.5, "gradcam": 0.3, "random-map": 0.0})).lead[-1]
        assert last.startswith("The highest mean IoU (0.600, default) is that of Grad-CAM, not")

    def test_and_that_they_are(self, made):
        made.ious = {("cam", 4): np.full(40, 0.7), ("gradcam", 4): np.full(40, 0.6)}
        last = faithfulness(self.written(made, {"cam": 0.5, "gradcam": 0.3, "random-map": 0.0})).lead[-1]
        assert last == "What is the most faithful by ROAD also has the highest mean IoU (0.700, default)."

    def test_both_scores_of_what_has_both_are_drawn(self, made):
        made.ious = {("cam", 4): np.full(40, 0.7), ("gradcam", 4): np.full(40, 0.6)}
        exhibit = faithfulness(self.written(made, {"cam": 0.5, "gradcam": 0.3, "random-map": 0.0}))
        axes = exhibit.blocks[0].draw(theme="light").axes[0]
        found = [(line.get_xdata()[0], line.get_ydata()[0]) for line in axes.lines if line.get_gid() == "point"]
        assert [x for x, _ in found] == pytest.approx([0.7, 0.6])  # the random map has no boxes here
        assert [y for _, y in found] == pytest.approx([0.5, 0.3], abs=0.03)

    def test_it_speaks_korean(self, made):
        evidence = self.written(made, {"cam": 0.5, "gradcam": 0.3, "random-map": 0.0})
        with speaking("ko"):
            exhibit = faithfulness(evidence)
        assert exhibit.title.startswith("충실도")
        assert "CAM이 가장 충실하며" in exhibit.lead[0]

    def test_without_scores_there_is_none(self, made):
        assert faithfulness(Evidence.of(made.write())) is None
