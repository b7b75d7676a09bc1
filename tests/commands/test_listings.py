"""`dogcam list`: every registry as a table, in step with the registry itself."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import fields

import pytest

from dogcam.analysis.analysis import fields as summary_fields
from dogcam.boxes.baselines import METHODS_AND_BASELINES
from dogcam.boxes.protocols import PROTOCOLS, Protocol
from dogcam.commands import listings
from dogcam.commands.listings import listing
from dogcam.core.errors import UnknownName
from dogcam.core.files import write_bytes
from dogcam.data.formats import DATASETS
from dogcam.experiment.runs import create_experiment
from dogcam.metrics import METRICS
from dogcam.models.backbones import BACKBONES

REGISTRIES = {
    "backbones": BACKBONES,
    "methods": METHODS_AND_BASELINES,
    "datasets": DATASETS,
    "protocols": PROTOCOLS,
    "metrics": METRICS,
    "summary": summary_fields(),
}


@pytest.mark.parametrize("what", REGISTRIES)
class TestEveryRegistry:
    def test_all_its_names_are_listed_in_order(self, what):
        assert [row[0] for row in listing(what, "nowhere").rows] == list(REGISTRIES[what])

    def test_no_entry_is_without_words(self, what):
        for row in listing(what, "nowhere").rows:
            assert all(value != "" and value is not None for value in row), row

    def test_rows_are_as_long_as_the_headings_and_make_json(self, what):
        table = listing(what, "nowhere")
        assert table.title
        assert all(len(row) == len(table.headings) for row in table.rows)
        document = json.loads(json.dumps(table.document()))
        assert [tuple(entry.values()) for entry in document] == [tuple(row) for row in table.rows]
        assert all(tuple(entry) == table.headings for entry in document)


def test_nothing_is_listed_without_a_test():
    assert set(listings._LISTINGS) == {*REGISTRIES, "runs"}


@pytest.mark.parametrize(
    ("what", "first", "expected"),
    [
        ("backbones", "resnet50", {"size": 224, "last conv": "conv5_block3_out", "preprocess": "resnet"}),
        ("backbones", "resnet50", {"builder": "ResNet50"}),
        ("backbones", "convnext_tiny", {"preprocess": "in the network"}),
        ("methods", "cam", {"needs": "activations, class weights", "year": 2016, "passes": "1 F", "class": "yes"}),
        ("methods", "ablationcam", {"needs": "activations, re-scoring", "passes": "1 F + K part", "map of": "layer"}),
        ("methods", "eigencam", {"needs": "activations", "class": "no"}),
        ("methods", "shapleycam", {"needs": "activations, gradients, Hessian", "passes": "1 F + 2 B"}),
        ("methods", "rise", {"needs": "re-scoring", "passes": "1001 F", "map of": "input"}),
        ("methods", "whole-image", {"needs": "nothing", "passes": "none", "class": "no", "map of": "a box"}),
        ("methods", "gradcam", {"needs": "activations, gradients", "year": 2017}),
        ("metrics", "iou50", {"heading": "IoU≥.5"}),
        ("protocols", "default", {"version": PROTOCOLS["default"].version}),
        ("summary", "scores[].n", {"what it means": "images"}),
        (
            "summary",
            "comparisons[].lines[].iou.low",
            {"what it means": "the interval; NaN where none can be given, and then `reason` says why"},
        ),
    ],
)
def test_what_a_row_says(what, first, expected):
    (row,) = (entry for entry in listing(what, "nowhere").document() if next(iter(entry.values())) == first)
    assert {name: row[name] for name in expected} == expected


def test_a_mistyped_list_is_answered_with_the_nearest():
    with pytest.raises(UnknownName, match="unknown list 'backbone'; the nearest: backbones"):
        listing("backbone", "nowhere")


class TestRuns:
    @pytest.fixture
    def home(self, tmp_path):
        document = {"dataset": {"name": "synthetic:3"}, "model": {"backbone": "small_resnet"}, "status": "finished"}
        old = create_experiment(str(tmp_path), "old", "x", {**document, "created": "2024-05-06T07:08:09.123456+00:00"})
        for run, epoch in ((1, 3), (1, 5), (2, 3)):
            write_bytes(old.checkpoint(run, epoch), b"x")
        create_experiment(str(tmp_path), "bare", "x", {"created": "2025-01-01T00:00:00+00:00"})
        return tmp_path

    def test_experiments_newest_first_with_what_they_kept(self, home):
        table = listing("runs", str(home))
        assert str(home) in table.title
        assert table.headings == ("experiment", "begun", "status", "data", "backbone", "kept epochs")
        assert table.rows[0][:2] == ("bare", "2025-01-01T00:00:00")
        assert table.rows[1] == ("old", "2024-05-06T07:08:09", "finished", "synthetic:3", "small_resnet", "run 1: 3,5; run 2: 3")

    def test_one_that_cannot_be_read_is_listed_with_the_reason(self, home):
        (home / "broken").mkdir()
        (home / "broken" / "experiment.json").write_text("{")
        rows = listing("runs", str(home)).rows
        assert [row[0] for row in rows] == ["bare", "old", "broken"]
        assert rows[2][2].startswith("unreadable: ")
        assert "experiment.json" in rows[2][2]

    def test_no_experiments_are_an_empty_table(self, tmp_path):
        table = listing("runs", str(tmp_path / "nowhere"))
        assert table.rows == ()
        assert table.document() == []


def test_listing_imports_nothing_heavy():
    """But for the summary's fields, which lie in a room that draws."""
    program = (
        "import sys\nfrom dogcam.commands.listings import _LISTINGS, listing\n"
        "for what in set(_LISTINGS) - {'summary'}: listing(what, 'nowhere')\n"
        "print(sorted({'tensorflow', 'keras', 'matplotlib', 'tensorflow_datasets'} & set(sys.modules)))"
    )
    out = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert out.strip() == "[]"


def test_every_field_of_a_protocol_is_explained_below_the_protocols():
    (fields_,) = listing("protocols", "nowhere").more
    assert [row[0] for row in fields_.rows] == [each.name for each in fields(Protocol)]
    assert all(len(words) > 20 and "; " in words for _, words in fields_.rows)
