"""`dogcam evaluate` on pictures with several classes: a row for each class, what rank means, and counts that add up."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from several_classes import LEFT_OUT, SCORED, UNANNOTATED

from dogcam.analysis.analysis import Analysis
from dogcam.commands import report
from dogcam.commands.evaluate import command as evaluate
from dogcam.console.evaluation import show_evaluation
from dogcam.core.config import EvaluateConfig, ReportConfig
from dogcam.core.progress import Progress
from dogcam.core.records import from_plain, to_plain
from dogcam.data.pipeline import read_pictures
from dogcam.experiment.evaluations import Cell
from dogcam.experiment.runs import Experiment
from dogcam.models.classifier import load_trained
from dogcam.statistics import intervals


@pytest.fixture(scope="module", autouse=True)
def once():
    """Nothing is kept for other tests here: the experiment is of other data."""


def config_of(experiment, **changes):
    asked = {"faithfulness": 3, "samples": 3, "calibrate": 6, "methods": ("cam",), "epochs": (2,), **changes}
    return EvaluateConfig(home=str(experiment.path.parent), experiment=experiment.name, **asked)


@pytest.fixture
def copied(several, tmp_path):
    """A copy of the experiment to evaluate."""
    path = tmp_path / "runs" / "several"
    shutil.copytree(several[1].experiment.path, path)
    return Experiment(path)


@pytest.fixture
def found(copied, listener):
    """The result of evaluating it, and what progress heard."""
    progress = listener()
    return evaluate.run(config_of(copied), progress), progress


def test_everything_at_once(several, found, capsys):
    """One evaluation, since it takes the time: rows, ranks, counts wherever they are shown, intervals, pictures of galleries."""
    (dataset, _), (result, progress) = several, found
    rows_are_pictures_and_classes(dataset, result)
    ranks_count_absent_classes(dataset, result)
    counts_add_up(result, progress, capsys)
    intervals_rest_on_pictures(result)
    reports_show_it(result)


def columns_of(result):
    return result.evaluation.read(Cell(1, 2, "cam", "conv5_block1_out", "default"))


def rows_are_pictures_and_classes(dataset, result):
    columns = columns_of(result)
    boxed = scored(dataset)
    assert columns["image"].tolist() == [record.id for record in boxed]
    assert columns["picture"].tolist() == [record.id.partition("#")[0] for record in boxed]
    assert columns["label"].tolist() == columns["target"].tolist() == [record.label for record in boxed]
    assert [boxes.tolist() for boxes in columns["truth"]] == [record.boxes.tolist() for record in boxed]
    (asked,) = {cell for cell in result.evaluation.faithfulness_cells() if (cell.epoch, cell.method) == (2, "cam")}
    faithful = result.evaluation.read_faithfulness(asked)
    assert faithful["image"].tolist()[:3] == ["test-16#" + dataset.classes[record_label(dataset, "test-16")], *bare(dataset)]
    assert faithful["picture"].tolist() == [image.partition("#")[0] for image in faithful["image"]]


def scored(dataset):
    """The rows with a box of pictures that are whole."""
    return [record for record in dataset.splits["test"] if len(record.boxes) and record.picture != "test-18"]


def record_label(dataset, picture):
    return next(record.label for record in dataset.splits["test"] if record.picture == picture)


def bare(dataset):
    return [record.id for record in dataset.splits["test"] if record.picture == "test-17"]


def ranks_count_absent_classes(dataset, result):
    """From the kept model's logits, one row after the other."""
    columns, classifier = columns_of(result), load_trained(result.experiment, 1, 2)
    records = scored(dataset)
    pictures = read_pictures(records, classifier.size, "", Progress())
    logits = classifier.model.predict(classifier.inputs_of(pictures.images), verbose=0)
    expected = [
        sum(row[other] > row[record.label] for other in range(3) if other not in record.present)
        for row, record in zip(logits, records, strict=True)
    ]
    assert columns["rank"].tolist() == expected
    own = logits[np.arange(len(records)), columns["label"]]
    np.testing.assert_allclose(columns["probability"], 1 / (1 + np.exp(-own)), atol=1e-5)
    (group,) = [each for each in result.analysis.groups if (each.by, each.lines[0].cell.protocol) == ("right", "default")]
    assert {each.code: each.n for each in group.groups}.get("right", 0) == expected.count(0)


def counts_add_up(result, progress, capsys):
    """read = scored + without a box + left out: in the result, the JSON, the terminal and the report."""
    read = SCORED + UNANNOTATED + LEFT_OUT
    assert (result.counted.images, result.counted.unannotated, result.counted.left_out) == (SCORED, UNANNOTATED, LEFT_OUT)
    assert result.counted.read == read
    lost = {problem.id for problem in result.problems if problem.lost}
    assert sorted(each.partition("#")[0] for each in lost) == ["test-14", "test-15", "test-18", "test-18", "test-19"]
    assert {problem.id: problem.lost for problem in result.problems}["test-17"] is False
    # Among those with a box there are still the two rows of the picture that is cut off.
    assert any(f"{UNANNOTATED} of {SCORED + UNANNOTATED + 2} rows" in warning for warning in progress.warnings)

    document = json.loads(json.dumps(result.document()))
    scope = document["scope"]
    assert scope["read"] == scope["images"] + scope["unannotated"] + scope["left_out"] == read
    assert {each["id"] for each in document["problems"]} >= lost
    assert to_plain(from_plain(Analysis, document)) == document

    show_evaluation(result)
    told = " ".join(capsys.readouterr().out.split())
    numbers = re.search(r"(\d+) read = (\d+) scored \+ (\d+) without a usable box \+ (\d+) left out", told).groups()
    assert tuple(map(int, numbers)) == (read, SCORED, UNANNOTATED, LEFT_OUT)
    assert "16 rows of 14 images" in told


def intervals_rest_on_pictures(result):
    """The mean over rows, resampled by pictures: against the statistics asked directly."""
    columns = columns_of(result)
    (expected,) = intervals(columns["iou"], pictures=columns["picture"])
    family = result.analysis.spoken("default", 2)
    (line,) = [line for line in family.lines if any(key.method == "cam" for key in line.maps)]
    assert line.iou == expected
    assert (expected.n, expected.pictures) == (SCORED, 14)
    assert (result.analysis.scope.images, result.analysis.scope.pictures) == (SCORED, 14)


def reports_show_it(result):
    """Every file that a page names is there, whatever its pictures are called; counts and rows are in the words."""
    made = report.run(ReportConfig(home=str(result.experiment.path.parent), formats=("html", "md"), csv=True, jobs=1), Progress())
    folder = Path(made.paths[0]).parent
    text = (folder / "report.md").read_text(encoding="utf-8")
    assert (
        f"{SCORED + UNANNOTATED + LEFT_OUT} = {SCORED} scored + {UNANNOTATED} without a usable box + {LEFT_OUT} left out" in text
    )
    assert "16 rows of 14 images" in text
    links = re.findall(r"!\[[^\]]*\]\(([^)]+)\)", text)
    assert links
    assert all("#" not in link and (folder / link).exists() for link in links)
    page = (folder / "index.html").read_text(encoding="utf-8")
    assert not re.findall(r"""(?:src|href)=["'](?!#|data:|https?:)[^"']*#""", page)
    assert "test-12#" in page


def test_a_class_named_explains_background_too(copied, several):
    """--target of a class needs no label: pictures of no class have no box, and are asked about for faithfulness."""
    result = evaluate.run(config_of(copied, target="disc"), Progress())
    assert result.counted.unannotated == UNANNOTATED + 2
    assert result.counted.left_out == LEFT_OUT - 2
    assert result.counted.read == SCORED + UNANNOTATED + LEFT_OUT


def test_only_background_is_an_error_that_says_so(copied, several, monkeypatch):
    dataset = several[0]
    none = tuple(record for record in dataset.splits["test"] if record.label is None)
    monkeypatch.setattr(
        "dogcam.experiment.selection.open_dataset",
        lambda *arguments: replace(dataset, splits={**dataset.splits, "test": none}, problems=()),
    )
    monkeypatch.setattr(type(dataset), "fingerprint", lambda self: copied.document["dataset"]["fingerprint"])
    with pytest.raises(Exception, match=r"has no pictures with a class \(test\)"):
        evaluate.run(config_of(copied), Progress())
