"""Faithfulness shown: a table of means and intervals, and what is said of them."""

from __future__ import annotations

import numpy as np
import pytest
from faithfulness_columns import CELLS, columns

from dogcam.analysis.faithfulness import faithfulness as scored
from dogcam.experiment.evaluations import Cell, Evaluation
from dogcam.language import speaking
from dogcam.metrics.faithfulness import FAITHFULNESS
from dogcam.report.exhibits.faithfulness import faithfulness, faithfulness_table
from dogcam.report.material import Material


@pytest.fixture
def evaluation(tmp_path):
    return Evaluation(tmp_path / "evaluation" / "test-true")


class TestTable:
    def test_it_shows_means_intervals_and_which_way_is_better(self, evaluation):
        written = columns(12)
        written["deletion"][:] = np.linspace(0.25, 0.75, 12)
        for cell in CELLS:
            evaluation.write_faithfulness(cell, written)
        rows = scored(evaluation, {}, 2, None).rows
        table = faithfulness_table(rows)
        assert table.columns[:5] == ("method", "layer", "run", "epoch", "n")
        assert table.columns[5:7] == ("insertion ↑", "deletion ↓")
        assert [[entry.text for entry in row.entries[:5]] for row in table.rows] == [
            ["random map", "input", "1", "3", "12"],
            ["CAM", "block_12", "2", "3", "12"],
            ["Grad-CAM", "block_5", "2", "3", "12"],
        ]
        assert [row.kind for row in table.rows] == ["baseline", "", ""]
        low, high = rows[0].scores["deletion"].low, rows[0].scores["deletion"].high
        assert table.rows[0].entries[6].text == f"0.500 [{low:.3f}, {high:.3f}]"
        assert 0.3 < low < 0.5 < high < 0.7
        assert all(len(row.entries) == len(table.columns) for row in table.rows)

    def test_the_note_explains_every_score_and_what_is_missing(self, evaluation):
        evaluation.write_faithfulness(CELLS[0], columns(12))
        table = faithfulness_table(scored(evaluation, {}, 2, None).rows)
        for score in FAITHFULNESS.values():
            assert score.description in table.note
        assert "pointing and energy leave out the pictures without a box (4)" in table.note
        assert "8 scored images are too few" in table.note
        assert "[" not in table.rows[0].entries[-1].text

    def test_scores_that_no_row_has_are_no_columns(self, evaluation):
        evaluation.write_faithfulness(CELLS[0], columns(12, boxed=False))
        table = faithfulness_table(scored(evaluation, {}, 2, None).rows)
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
        return Material.of(experiment)

    def test_the_best_is_named_beside_the_random_map_and_the_other(self, made):
        exhibit = faithfulness(self.written(made, {"cam": 0.5, "gradcam": 0.3, "random-map": 0.0}))
        first = exhibit.lead[0]
        assert first.startswith("By ROAD (higher is better) CAM is the most faithful of the methods, 0.497 [")
        assert "told apart from the random map" in first
        assert first.endswith("Every other method is told apart from that.")

    def test_of_deletion_the_lower_is_better(self, made):
        material = self.written(made, dict.fromkeys(self.METHODS, 0.5), {"cam": 0.5, "gradcam": 0.3, "random-map": 0.6})
        (deletion,) = [sentence for sentence in faithfulness(material).lead if "deletion" in sentence]
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
        material = self.written(made, {"cam": 0.5, "gradcam": 0.3, "random-map": 0.0})
        with speaking("ko"):
            exhibit = faithfulness(material)
        assert exhibit.title.startswith("충실도")
        assert "CAM이 가장 충실하며" in exhibit.lead[0]

    def test_without_scores_there_is_none(self, made):
        assert faithfulness(Material.of(made.write())) is None
