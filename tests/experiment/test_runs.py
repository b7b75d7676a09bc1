"""The experiment folder: written whole or not at all, and read back as it was written."""

from __future__ import annotations

import csv
import json
import math
import os
import re
from dataclasses import astuple
from pathlib import Path

import numpy as np
import pytest

from dogcam.core.errors import ExperimentError, UnknownName
from dogcam.core.files import write_bytes
from dogcam.experiment.evaluations import SCHEMA_VERSION
from dogcam.experiment.runs import Experiment, HistoryRow, all_experiments, create_experiment, find_experiment


@pytest.fixture
def made(tmp_path):
    """A new experiment with a document."""
    return create_experiment(str(tmp_path), "first", "x", {"status": "training", "config": {"runs": 3}})


class TestHistory:
    ROWS = (HistoryRow(1, 1, "test", 0.1, 2.0), HistoryRow(1, 1, "train", 0.2, 1.9), HistoryRow(1, 2, "test", 0.3, 1.5))

    def test_none_before_the_first_epoch(self, made):
        assert made.history() == []

    def test_it_grows_and_comes_in_order(self, made):
        made.add_history([HistoryRow(2, 1, "test", 0.5, 1.0)])
        assert made.add_history(reversed(self.ROWS)) == [*self.ROWS, HistoryRow(2, 1, "test", 0.5, 1.0)]
        made.add_history([HistoryRow(1, 10, "test", 0.5, 1.0)])
        assert [(row.run, row.epoch) for row in made.history()] == [(1, 1), (1, 1), (1, 2), (1, 10), (2, 1)]

    def test_a_repeated_epoch_is_replaced_where_split_and_run_are_the_same(self, made):
        made.add_history(self.ROWS)
        again = HistoryRow(1, 1, "test", 0.9, 0.5)
        assert made.add_history([again]) == [again, *self.ROWS[1:]]

    def test_no_digit_is_lost(self, made):
        exact = HistoryRow(1, 1, "test", 1 / 3, 0.1 + 0.2)
        made.add_history([exact, HistoryRow(1, 2, "test", np.float32(0.1), np.float64(2) / 3)])
        assert made.history()[0] == exact
        assert made.history()[1] == HistoryRow(1, 2, "test", 0.1, 2 / 3)

    def test_a_loss_that_is_not_a_number_is_kept_as_such(self, made):
        made.add_history([HistoryRow(1, 1, "test", 0.1, math.nan), HistoryRow(1, 2, "test", 0.1, math.inf)])
        assert math.isnan(made.history()[0].loss)
        assert made.history()[1].loss == math.inf

    def test_rows_in_any_order_are_read_in_order(self, made):
        """A user may have sorted the file by accuracy."""
        lines = ["run,epoch,split,accuracy,loss", "1,10,test,0.9,1", "1,2,train,0.8,1", "2,1,test,0.7,1", "1,2,test,0.6,1"]
        (made.path / "history.csv").write_text("\n".join(lines))
        keys = [(row.run, row.epoch, row.split) for row in made.history()]
        assert keys == [(1, 2, "test"), (1, 2, "train"), (1, 10, "test"), (2, 1, "test")]

    def test_it_is_an_ordinary_csv(self, made):
        made.add_history(self.ROWS)
        with (made.path / "history.csv").open(newline="") as file:
            rows = list(csv.reader(file))
        assert rows[0] == ["run", "epoch", "split", "accuracy", "loss"]
        assert rows[1:] == [[str(value) for value in astuple(row)] for row in self.ROWS]


class TestFolder:
    def test_kept_epochs_are_the_files_that_are_there(self, made):
        for run, epoch in ((1, 3), (1, 7), (2, 12), (10, 3), (2, 3)):
            write_bytes(made.checkpoint(run, epoch), b"x")
        write_bytes(made.unfinished(2, 4), b"x")
        for stray in ("run-1/epoch-best.keras", "run-x/epoch-03.keras", "run-²/epoch-03.keras", "run-1/epoch-03.h5"):
            write_bytes(made.path / stray, b"x")
        assert made.kept() == {1: [3, 7], 2: [3, 12], 10: [3]}
        assert list(made.kept()) == [1, 2, 10]

    def test_nothing_kept(self, made):
        assert made.kept() == {}

    def test_file_names_sort_by_epoch(self, made):
        assert made.checkpoint(1, 3).relative_to(made.path).as_posix() == "run-1/epoch-03.keras"
        assert made.checkpoint(1, 3).name < made.checkpoint(1, 12).name

    def test_dropping_what_only_resuming_needs(self, made):
        for epoch in (1, 2, 3):
            write_bytes(made.unfinished(1, epoch), b"x")
        write_bytes(made.unfinished(2, 1), b"x")
        write_bytes(made.checkpoint(1, 3), b"x")
        made.drop_unfinished(1, but=2)
        assert not made.unfinished(1, 1).exists()
        assert made.unfinished(1, 2).exists()
        made.drop_unfinished(1)
        assert not made.unfinished(1, 2).exists()
        assert made.unfinished(2, 1).exists()
        assert made.kept() == {1: [3]}

    @pytest.mark.parametrize(
        ("split", "limit", "target", "scope"),
        [("test", None, "true", "test-true"), ("train", 100, "predicted", "train-limit100-predicted")],
    )
    def test_the_scope_of_an_evaluation(self, made, split, limit, target, scope):
        assert made.evaluation(split, limit, target).scope == scope

    def test_evaluations_of_the_test_split_first_then_whole_ones_then_the_latest(self, made):
        for age, (split, limit) in enumerate((("test", None), ("train", None), ("test", 10), ("test", 20))):
            evaluation = made.evaluation(split, limit, "true")
            write_bytes(evaluation.path / "cell.parquet", b"x")
            os.utime(evaluation.path, (1000 + age, 1000 + age))
        made.evaluation("test", 30, "true").path.mkdir()
        scopes = [each.scope for each in made.evaluations()]
        assert scopes == ["test-true", "test-limit20-true", "test-limit10-true", "train-true"]


class TestDocument:
    def test_it_carries_name_time_and_schema(self, made):
        document = made.document
        assert document["name"] == "first"
        assert document["schema_version"] == SCHEMA_VERSION
        assert document["created"].endswith("+00:00")
        assert document["config"] == {"runs": 3}

    def test_an_update_changes_only_what_it_names(self, made):
        before = made.document
        made.update_document(status="finished", seconds=np.float32(1.5))
        assert made.document == {**before, "status": "finished", "seconds": 1.5}

    def test_a_newer_schema_is_a_clear_error(self, made):
        newer = {**made.document, "schema_version": SCHEMA_VERSION + 1, "dogcam": "9.0"}
        (made.path / "experiment.json").write_text(json.dumps(newer))
        with pytest.raises(ExperimentError, match=rf"newer dogcam \(9\.0\): schema {SCHEMA_VERSION + 1}.*update dogcam"):
            _ = made.document

    @pytest.mark.parametrize("text", ["", "{", "[]", "null", "3", '"text"', "\xff"])
    def test_a_broken_document_is_a_clear_error(self, made, text):
        (made.path / "experiment.json").write_bytes(text.encode("latin-1"))
        with pytest.raises(ExperimentError, match="first is not a dogcam experiment"):
            _ = made.document

    def test_no_document_is_a_clear_error(self, tmp_path):
        with pytest.raises(ExperimentError, match="nowhere is not a dogcam experiment"):
            _ = Experiment(tmp_path / "nowhere").document

    def test_its_name_is_the_folders_also_from_within(self, made, monkeypatch):
        monkeypatch.chdir(made.path)
        assert Experiment(Path(".")).name == "first"
        assert find_experiment("elsewhere", ".").name == "first"


class TestCreating:
    @pytest.mark.parametrize("name", ["../up", "a/b", "/tmp/abs", "..", ".", "", " ", ".hidden", "a/", "./a"])
    def test_a_name_that_is_a_path_is_refused_and_nothing_is_made(self, tmp_path, name):
        home = tmp_path / "home"
        with pytest.raises(ExperimentError, match="one plain folder name"):
            create_experiment(str(home), name, "x", {})
        assert not home.exists()

    @pytest.mark.parametrize("name", ["two words", "한글", "[bold]x", "lr=0.01", "a%b", "x.y"])
    def test_any_plain_name_will_do(self, tmp_path, name):
        experiment = create_experiment(str(tmp_path), name, "x", {})
        assert experiment.path == tmp_path / name
        assert find_experiment(str(tmp_path), name).document["name"] == name

    def test_without_a_name_one_is_made_from_the_stem_and_the_time(self, tmp_path):
        name = create_experiment(str(tmp_path), None, "synthetic-small_resnet", {}).name
        assert re.fullmatch(r"synthetic-small_resnet-\d{8}-\d{6}", name)

    def test_an_experiment_is_not_written_over(self, made, tmp_path):
        with pytest.raises(ExperimentError, match="exists already: choose another --name, or continue it with --resume"):
            create_experiment(str(tmp_path), "first", "x", {})
        assert made.document["config"] == {"runs": 3}

    def test_nor_a_folder_with_other_things_in_it(self, tmp_path):
        (tmp_path / "thesis").mkdir()
        (tmp_path / "thesis" / "chapter.txt").write_text("mine")
        with pytest.raises(ExperimentError, match="exists already"):
            create_experiment(str(tmp_path), "thesis", "x", {})

    def test_an_empty_folder_may_be_used(self, tmp_path):
        (tmp_path / "empty").mkdir()
        assert create_experiment(str(tmp_path), "empty", "x", {}).document["name"] == "empty"


class TestFinding:
    @pytest.fixture
    def home(self, tmp_path):
        """Three experiments whose names sort otherwise than their dates."""
        home = tmp_path / "home"
        for name, created in (("b", "2024-01-01"), ("c", "2025-03-01"), ("a", "2024-12-31")):
            create_experiment(str(home), name, "x", {"created": created})
        (home / "not-one").mkdir()
        return home

    def test_newest_first_by_when_they_were_begun(self, home):
        assert [each.name for each in all_experiments(str(home))] == ["c", "a", "b"]
        assert find_experiment(str(home), None).name == "c"

    def test_by_name_or_by_path(self, home):
        assert find_experiment(str(home), "a").path == home / "a"
        assert find_experiment("elsewhere", str(home / "b")).path == home / "b"

    def test_a_mistyped_name_is_answered_with_those_there_are(self, home):
        with pytest.raises(UnknownName, match="unknown experiment 'd'; there are: c, a, b"):
            find_experiment(str(home), "d")

    def test_a_folder_that_is_no_experiment_is_not_found(self, home):
        with pytest.raises(UnknownName):
            find_experiment(str(home), "not-one")

    @pytest.mark.parametrize("home", ["missing", "."])
    def test_no_experiments_yet(self, tmp_path, monkeypatch, home):
        monkeypatch.chdir(tmp_path)
        assert all_experiments(home) == []
        with pytest.raises(ExperimentError, match=f"no experiment under {re.escape(home)}/ yet"):
            find_experiment(home, None)

    @pytest.mark.parametrize("text", ["{", "[]", json.dumps({"schema_version": SCHEMA_VERSION + 1, "created": "2030"})])
    def test_one_that_cannot_be_read_does_not_hide_the_others(self, home, text):
        (home / "d").mkdir()
        (home / "d" / "experiment.json").write_text(text)
        assert [each.name for each in all_experiments(str(home))] == ["c", "a", "b", "d"]
        assert find_experiment(str(home), None).name == "c"
