"""What is told of a dataset before work on it begins."""

from __future__ import annotations

from dataclasses import replace

from annotated import dataset, lying, picture

from dogcam.commands import train
from dogcam.commands.findings import tell_of_findings
from dogcam.core.config import TrainConfig
from dogcam.data import Problem
from dogcam.data.opening import open_dataset


def told(made, listener, splits=None, data_dir=None):
    progress = listener()
    tell_of_findings(made, made.splits if splits is None else splits, "some dogs", data_dir, progress)
    return progress


def test_sound_data_are_not_spoken_of(tmp_path, listener):
    progress = told(dataset(tmp_path), listener)
    assert (progress.warnings, progress.notes) == ([], [])


def test_one_warning_by_kind_one_note_of_what_was_mended_and_where_to_see_all(tmp_path, listener):
    progress = told(lying(tmp_path), listener, data_dir="my data")
    (warning,), (mended, where) = progress.warnings, progress.notes
    assert "box cut at the edge: 1 (a2)" in warning
    assert "picture in two splits: 1 (a1)" in warning
    assert "corners exchanged: 1 (b1)" in mended
    assert where.endswith("dogcam inspect 'some dogs' --data-dir 'my data'")


def test_of_many_the_first_are_named(tmp_path, listener):
    problems = tuple(Problem(f"p{k}", "", kind="outside") for k in range(1234))
    (warning,) = told(replace(dataset(tmp_path), problems=problems), listener).warnings
    assert "1,234 (p0, p1, p2, ...)" in warning


def test_only_what_is_used_is_hashed(tmp_path, listener):
    same = {each: {"image": picture(tmp_path, each, of="same")} for each in ("a1", "a3")}
    made = dataset(tmp_path, **same)
    assert told(made, listener).warnings
    assert not told(made, listener, {"test": made.splits["test"]}).warnings


def test_training_tells_it_first(tmp_path, listener, monkeypatch):
    whole = open_dataset("synthetic:2")
    marked = replace(whole, problems=(Problem("test-x-0001", "no", "test", False, "no-box"),))
    monkeypatch.setattr(train, "open_dataset", lambda *arguments: marked)
    config = TrainConfig.create(
        dataset="synthetic:2", backbone="small_resnet", weights="none", runs=1, epochs=1, limit=4, home=str(tmp_path)
    )
    progress = listener()
    train.run(config, progress)
    assert any("no usable box: 1 (test-x-0001)" in each for each in progress.warnings)
    before = next(place for place, each in enumerate(progress.notes) if "dogcam inspect synthetic:2" in each)
    assert before < next(place for place, each in enumerate(progress.notes) if each.startswith("experiment "))
