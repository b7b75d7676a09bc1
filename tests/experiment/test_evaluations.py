"""Tables of cells and what lies beside them: written whole or not at all, and read back as they were written."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path, PureWindowsPath

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dogcam.boxes.protocols import PROTOCOLS
from dogcam.core.errors import ExperimentError
from dogcam.experiment.evaluations import ROW_SCHEMA, Cell, Choice, Evaluation, MapKey
from dogcam.experiment.runs import Experiment
from dogcam.methods import METHODS

CELL = Cell(2, 5, "gradcam", "conv5_block3_out", "default")
CHOICE = Choice(0.15, "calibrated", 200, 0.5)


HOSTILE = ["a/b", "..", "../../etc", "x y", "a\\b", 'a:b*c?"<>|', "한글", "[bold]x[/bold]", "\x1b[31m", "a\nb", "", "%2F", "."]


WINDOWS_FORBIDS = re.compile(r'[<>:"/\\|?*\x00-\x1f]')


def columns(count=3):
    """Rows of every kind: a box and one truth, no box, several truths."""
    return {
        "image": [f"n02/dog {number}.jpg" for number in range(count)],
        "label": [7, 0, 119][:count],
        "predicted": [7, 3, 119][:count],
        "target": [7, 0, 119][:count],
        "against": [-1, 3, -1][:count],
        "probability": [0.5, 0.25, 1.0][:count],
        "rank": [0] * count,
        "empty": [False, True, False][:count],
        "flagged": [False, False, True][:count],
        "x0": [0.1, None, 0.0][:count],
        "y0": [0.2, None, 0.25][:count],
        "x1": [0.6, None, 1.0][:count],
        "y1": [0.9, None, 0.75][:count],
        "area": [0.35, 0.0, 0.5][:count],
        "iou": [1 / 3, 0.0, 0.7][:count],
        "width": [500, 333, 640][:count],
        "height": [375, 500, 480][:count],
        "truth": [[0.1, 0.2, 0.5, 0.6], [0, 0, 1, 1], [0, 0, 0.5, 0.5, 0.25, 0.5, 1, 0.75]][:count],
    }


@pytest.fixture
def evaluation(tmp_path):
    return Evaluation(tmp_path / "evaluation" / "test-true")


def files(folder):
    return sorted(path.name for path in Path(folder).rglob("*") if path.is_file())


class TestCellNames:
    @pytest.mark.parametrize("text", HOSTILE)
    @pytest.mark.parametrize("field", ["method", "layer", "protocol"])
    def test_any_name_is_one_plain_file_name_on_any_system(self, field, text):
        name = replace(CELL, **{field: text}).file_name
        assert not WINDOWS_FORBIDS.search(name)
        assert PureWindowsPath(name).name == name == Path(name).name
        assert not PureWindowsPath(name).is_reserved()
        assert not name.startswith((".", "-"))
        assert name.endswith(".parquet")

    @pytest.mark.parametrize("field", ["method", "layer", "protocol"])
    def test_hostile_names_are_told_apart(self, field):
        names = [replace(CELL, **{field: text}).file_name for text in HOSTILE]
        assert len({name.casefold() for name in names}) == len(HOSTILE)

    def test_cells_of_the_registries_are_told_apart(self):
        layers = ["", "conv5_block3_out", "conv5_block3", "block3_out", "out_default", "gradcam_out"]
        cells = [
            Cell(run, epoch, method, layer, protocol)
            for run in (1, 11)
            for epoch in (1, 11)
            for method in METHODS
            for layer in layers
            for protocol in PROTOCOLS
        ]
        assert len({cell.file_name.casefold() for cell in cells}) == len(cells)

    def test_cells_of_one_map_have_one_key(self):
        assert replace(CELL, run=3, epoch=7, protocol="exercise").map == CELL.map == MapKey("gradcam", "conv5_block3_out")
        assert CELL.map not in (replace(CELL, method="cam").map, replace(CELL, layer="").map)
        assert sorted([MapKey("gradcam", "a"), MapKey("cam", "b")])[0].method == "cam"

    def test_cells_are_ordered_by_number_not_by_text(self):
        assert sorted([replace(CELL, epoch=10), replace(CELL, epoch=9)])[0].epoch == 9


class TestEvaluation:
    def test_what_was_written_is_read_back(self, evaluation):
        given = columns()
        evaluation.write(CELL, given, CHOICE)
        found = evaluation.read(CELL)
        assert set(found) == set(ROW_SCHEMA.names) - {"curve", "inside", "outside"}, "many numbers a picture: see `long`"
        for name in ("image", "label", "predicted", "target", "empty", "area", "iou", "width", "height"):
            assert found[name].tolist() == given[name], name
        np.testing.assert_allclose(found["probability"], given["probability"], rtol=1e-6)
        np.testing.assert_allclose(found["threshold"], 0.15, rtol=1e-6)
        assert evaluation.choice(CELL) == CHOICE
        assert evaluation.long(CELL) == {}
        for name, value in (("run", 2), ("epoch", 5), ("method", "gradcam"), ("layer", CELL.layer)):
            assert found[name].tolist() == [value] * 3

    def test_curves_and_pixels_come_back_where_they_were_given(self, evaluation):
        curve = np.linspace(0, 1, 12, dtype=np.float32).reshape(3, 4)
        pixels = np.arange(15, dtype=np.int32).reshape(3, 5)
        evaluation.write(CELL, {**columns(), "curve": curve, "inside": pixels, "outside": pixels[::-1]}, CHOICE)
        found = evaluation.long(CELL)
        np.testing.assert_array_equal(found["curve"], curve)
        np.testing.assert_array_equal(found["inside"], pixels)
        np.testing.assert_array_equal(found["outside"], pixels[::-1])

    def test_a_table_of_an_earlier_dogcam_is_read_and_knows_its_threshold(self, evaluation):
        """Version 1 had no rank, no curves and no word on how the threshold was come by."""
        evaluation.write(CELL, columns(), CHOICE)
        path = evaluation.path / CELL.file_name
        table = pq.read_table(path).drop_columns(["rank", "curve", "inside", "outside"])
        metadata = {key: value for key, value in table.schema.metadata.items() if key != b"dogcam_choice"}
        pq.write_table(table.replace_schema_metadata(metadata), path)
        assert evaluation.cells() == [CELL]
        assert evaluation.choice(CELL).threshold == pytest.approx(0.15)
        assert evaluation.long(CELL) == {}
        assert evaluation.read(CELL)["iou"].tolist() == columns()["iou"]

    def test_a_row_without_a_box_has_no_number_there(self, evaluation):
        evaluation.write(CELL, columns(), CHOICE)
        found = evaluation.read(CELL)
        for name in ("x0", "y0", "x1", "y1"):
            assert np.isnan(found[name]).tolist() == [False, True, False]
        table = pq.read_table(evaluation.path / CELL.file_name)
        assert table["x0"].null_count == 1, "null in the file, so that other readers see it as missing"

    def test_several_annotated_boxes_come_back_as_rows_of_four(self, evaluation):
        evaluation.write(CELL, columns(), CHOICE)
        truth = evaluation.read(CELL)["truth"]
        assert [each.shape for each in truth] == [(1, 4), (1, 4), (2, 4)]
        assert all(each.dtype == np.float32 for each in truth)
        np.testing.assert_array_equal(truth[2], [[0, 0, 0.5, 0.5], [0.25, 0.5, 1, 0.75]])

    def test_equal_numbers_of_boxes_are_still_one_array_a_row(self, evaluation):
        """NumPy would make (n, 1, 4) of them."""
        evaluation.write(CELL, columns(2), CHOICE)
        truth = evaluation.read(CELL)["truth"]
        assert truth.shape == (2,)
        assert [each.shape for each in truth] == [(1, 4), (1, 4)]

    def test_a_picture_without_an_annotated_box_has_none(self, evaluation):
        evaluation.write(CELL, {**columns(), "truth": [[], [0, 0, 1, 1], []]}, CHOICE)
        assert [each.shape for each in evaluation.read(CELL)["truth"]] == [(0, 4), (1, 4), (0, 4)]

    def test_a_cell_of_no_pictures_is_read(self, evaluation):
        evaluation.write(CELL, columns(0), CHOICE)
        assert {len(each) for each in evaluation.read(CELL).values()} == {0}

    def test_annotated_boxes_of_other_than_four_numbers_are_refused(self, evaluation):
        """Cut into fours end to end, two and six would shift the boxes of every later picture."""
        evaluation.write(CELL, {**columns(), "truth": [[0, 0], [0, 0, 1, 1, 0, 0], [0, 0, 1, 1]]}, CHOICE)
        with pytest.raises(ExperimentError, match=r"four numbers each; received lists of \[2, 4, 6\]"):
            evaluation.read(CELL)

    def test_a_baseline_says_nothing_of_the_network(self, evaluation):
        baseline = Cell(0, 0, "centre-box-0.9", "", "default")
        nothing = dict.fromkeys(("predicted", "target", "probability"), [None] * 3)
        evaluation.write(baseline, {**columns(), **nothing}, Choice(None))
        found = evaluation.read(baseline)
        assert all(np.isnan(found[name].astype(float)).all() for name in nothing)
        assert found["layer"].tolist() == [""] * 3

    @pytest.mark.parametrize("text", HOSTILE)
    def test_hostile_names_make_the_round_trip_inside_the_folder(self, evaluation, text):
        cell = Cell(1, 3, text, text, text)
        evaluation.write(cell, columns(), CHOICE)
        assert evaluation.cells() == [cell]
        assert evaluation.has(cell)
        assert evaluation.read(cell)["layer"].tolist() == [text] * 3
        assert files(evaluation.path.parents[1]) == [cell.file_name]
        assert (evaluation.path / cell.file_name).is_file()

    @pytest.mark.parametrize("home", ["run=2", "lr=0.01", "a b", "100%", "a#b", "한글", "method=cam"])
    def test_the_folders_name_does_not_get_into_the_rows(self, tmp_path, home):
        """Parquet readers take "run=2" in a path for a column."""
        evaluation = Evaluation(tmp_path / home / "evaluation" / "test-true")
        evaluation.write(CELL, columns(), CHOICE)
        found = evaluation.read(CELL)
        assert set(found) == set(ROW_SCHEMA.names) - {"curve", "inside", "outside"}, "many numbers a picture: see `long`"
        assert found["run"].tolist() == [2, 2, 2]
        assert evaluation.cells() == [CELL]

    def test_cells_come_in_order_and_a_rewritten_one_once(self, evaluation):
        cells = [CELL, replace(CELL, epoch=10), replace(CELL, run=1), replace(CELL, method="cam")]
        for cell in [*cells, CELL]:
            evaluation.write(cell, columns(), CHOICE)
        assert evaluation.cells() == sorted(cells)
        assert not evaluation.has(replace(CELL, layer="conv4_block6_out"))

    def test_a_cell_of_other_length_is_refused_and_does_not_appear(self, evaluation):
        with pytest.raises((pa.ArrowInvalid, ValueError)):
            evaluation.write(CELL, {**columns(), "iou": [0.1]}, CHOICE)
        assert not evaluation.has(CELL)
        assert evaluation.cells() == []

    def test_a_write_that_fails_half_way_leaves_no_cell(self, evaluation, monkeypatch):
        def fails(table, path, **options):
            Path(path).write_bytes(b"PAR1 half")
            raise OSError("No space left on device")

        monkeypatch.setattr(pq, "write_table", fails)
        with pytest.raises(OSError, match="No space"):
            evaluation.write(CELL, columns(), CHOICE)
        assert files(evaluation.path) == []

    def test_a_process_killed_while_it_writes_leaves_no_cell(self, tmp_path):
        """No `finally` runs then: what is left behind must not be taken for a cell, nor hide the finished ones."""
        experiment = Experiment(tmp_path / "killed")
        evaluation = experiment.evaluation("test", None, "true")
        evaluation.write(replace(CELL, method="cam"), columns(), CHOICE)
        program = (
            "import os, sys\nfrom pathlib import Path\nfrom dogcam.core.files import written_whole\n"
            "with written_whole(Path(sys.argv[1])) as temporary:\n"
            "    temporary.write_bytes(b'PAR1 half'); os._exit(9)"
        )
        for path in (
            evaluation.path / CELL.file_name,
            experiment.path / "evaluation" / "train-true" / CELL.file_name,
            experiment.checkpoint(1, 3),
            experiment.unfinished(1, 2),
        ):
            assert subprocess.run([sys.executable, "-c", program, str(path)], check=False).returncode == 9
        assert len(files(evaluation.path)) == 2, "the half-written file is there"
        assert not evaluation.has(CELL)
        assert evaluation.cells() == [replace(CELL, method="cam")]
        assert [each.scope for each in experiment.evaluations()] == ["test-true"]
        assert experiment.kept() == {}

    def test_a_table_of_someone_elses_is_named(self, evaluation):
        evaluation.path.mkdir(parents=True)
        pq.write_table(pa.table({"a": [1]}), evaluation.path / "mine.parquet")
        with pytest.raises(ExperimentError, match=r"mine\.parquet is not a table that dogcam wrote"):
            evaluation.cells()

    def test_no_folder_is_no_cells(self, evaluation):
        assert evaluation.cells() == []
        assert evaluation.sample.entries() == []
        assert evaluation.sample.maps(1, 3) == {}


class TestReadingAgain:
    """One command asks for the same cells many times, so that what was read is kept."""

    def test_the_file_is_read_once(self, evaluation, monkeypatch):
        evaluation.write(CELL, columns(), CHOICE)
        first = evaluation.read(CELL)
        monkeypatch.setattr(pq, "read_table", lambda *given, **options: pytest.fail("read again"))
        again = evaluation.read(CELL)
        assert again == first
        assert all(again[name] is first[name] for name in first)

    def test_nobody_can_change_what_the_next_one_reads(self, evaluation):
        evaluation.write(CELL, columns(), CHOICE)
        found = evaluation.read(CELL)
        for values in found.values():
            with pytest.raises(ValueError, match="read-only"):
                values[0] = values[1]
        with pytest.raises(ValueError, match="read-only"):
            found["truth"][0][0, 0] = 0.5
        found["iou"] = np.zeros(3)
        del found["area"]
        assert evaluation.read(CELL)["iou"].tolist() == columns()["iou"]
        assert "area" in evaluation.read(CELL)

    def test_a_cell_that_was_written_again_is_read_again(self, evaluation):
        evaluation.write(CELL, columns(), CHOICE)
        assert evaluation.read(CELL)["iou"].tolist() == columns()["iou"]
        evaluation.write(CELL, {**columns(), "iou": [0.9, 0.8, 0.7]}, CHOICE)
        assert evaluation.read(CELL)["iou"].tolist() == [0.9, 0.8, 0.7]

    def test_cells_share_the_columns_that_are_the_same(self, evaluation):
        other = replace(CELL, method="cam")
        evaluation.write(CELL, columns(), CHOICE)
        evaluation.write(other, {**columns(), "label": [7, 0, 118]}, CHOICE)
        first, second = evaluation.read(CELL), evaluation.read(other)
        assert all(second[name] is first[name] for name in ("image", "truth", "width", "iou"))
        assert (first["label"].tolist(), second["label"].tolist()) == ([7, 0, 119], [7, 0, 118])
        assert (first["method"][0], second["method"][0]) == ("gradcam", "cam")

    def test_only_so_many_rows_are_kept(self, evaluation, monkeypatch):
        cells = [replace(CELL, epoch=epoch) for epoch in range(5)]
        for cell in cells:
            evaluation.write(cell, {**columns(), "area": [cell.epoch / 10] * 3}, CHOICE)
        monkeypatch.setattr("dogcam.experiment.evaluations._MOST_KEPT", 6)
        first = [evaluation.read(cell)["area"] for cell in cells]
        again = [evaluation.read(cell)["area"] for cell in reversed(cells)][::-1]
        assert [values.tolist() for values in again] == [[epoch / 10] * 3 for epoch in range(5)]
        assert [one is other for one, other in zip(first, again, strict=True)] == [False, False, False, True, True]

    def test_one_table_is_kept_however_long(self, evaluation, monkeypatch):
        monkeypatch.setattr("dogcam.experiment.evaluations._MOST_KEPT", 1)
        evaluation.write(CELL, columns(), CHOICE)
        assert evaluation.read(CELL)["iou"] is evaluation.read(CELL)["iou"]


INDEX = [{"id": "a/b.jpg", "label": 1, "boxes": np.array([[0, 0, 0.5, 1]])}, {"id": "c", "label": 0, "boxes": []}]


class TestSamples:
    def test_the_sample_is_read_back_with_its_pictures(self, evaluation):
        evaluation.sample.write(INDEX, iter([b"first", b"second"]))
        found = evaluation.sample.entries()
        assert [entry["id"] for entry in found] == ["a/b.jpg", "c"]
        assert [entry["picture"].read_bytes() for entry in found] == [b"first", b"second"]
        assert found[0]["boxes"] == [[0, 0, 0.5, 1]]

    def test_maps_of_any_name_are_read_back(self, evaluation):
        maps = {(text, layer): np.full((2, 3, 5), number) for number, text in enumerate(HOSTILE) for layer in ("l", text)}
        evaluation.sample.write_maps(1, 3, maps)
        found = evaluation.sample.maps(1, 3)
        assert set(found) == set(maps)
        for key, value in maps.items():
            assert found[key].dtype == np.float32
            np.testing.assert_array_equal(found[key], value)

    def test_maps_of_other_methods_stay_and_the_same_are_replaced(self, evaluation):
        cam, gradcam = ("cam", "conv"), ("gradcam", "conv")
        evaluation.sample.write_maps(1, 3, {cam: np.zeros((1, 2, 3)), gradcam: np.zeros((1, 2, 3))})
        evaluation.sample.write_maps(1, 3, {cam: np.ones((1, 2, 3))})
        evaluation.sample.write_maps(1, 5, {cam: np.full((1, 2, 3), 7)})
        found = evaluation.sample.maps(1, 3)
        assert found[cam].mean() == 1
        assert found[gradcam].mean() == 0
        assert set(evaluation.sample.maps(1, 5)) == {cam}
        assert evaluation.cells() == [], "maps are not cells"


class TestPictures:
    def test_without_any_each_row_is_an_image_of_its_own(self, evaluation):
        evaluation.write(CELL, columns(), CHOICE)
        assert evaluation.read(CELL)["picture"].tolist() == columns()["image"]

    def test_the_rows_of_a_picture_say_so(self, evaluation):
        evaluation.write(CELL, {**columns(), "picture": ["a", "a", "b"]}, CHOICE)
        assert evaluation.read(CELL)["picture"].tolist() == ["a", "a", "b"]

    def test_a_table_of_an_earlier_dogcam_is_read(self, evaluation):
        evaluation.write(CELL, columns(), CHOICE)
        path = evaluation.path / CELL.file_name
        pq.write_table(pq.read_table(path).drop_columns(["picture"]), path)
        assert evaluation.read(CELL)["picture"].tolist() == columns()["image"]
