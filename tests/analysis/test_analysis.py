"""One analysis: equal both ways as JSON, read where nothing changed, and one family whatever call scored its cells."""

from __future__ import annotations

import json
from dataclasses import asdict

import numpy as np
import pytest
from faithfulness_columns import columns
from made_decomposition import decomposition
from made_up import Made
from plain_paths import leaves

from dogcam.analysis import analysis as room
from dogcam.analysis.analysis import SUMMARY, Analysis, analyse, current, fields, fingerprint, write
from dogcam.boxes.protocols import PROTOCOLS
from dogcam.core.choices import GROUPINGS
from dogcam.core.records import from_plain, to_plain
from dogcam.experiment.evaluations import Cell, MapKey
from dogcam.experiment.runs import Experiment, HistoryRow

IMAGES, POOLED = 16, "conv5_block1_out"
SPREAD = np.tile([0.0, 0.02, -0.02, 0.01, -0.01, 0.015, -0.015, 0.0], 2)
CAM, GRADCAM, WHOLE = MapKey("cam", POOLED), MapKey("gradcam", POOLED), MapKey("whole-image", "")


@pytest.fixture(scope="module")
def full(make, tmp_path_factory):
    """Two runs, two protocols, a chosen threshold, faithfulness and a decomposition. Read it only."""
    ious = {("cam", epoch): 0.5 + SPREAD for epoch in (2, 4)} | {("gradcam", 4): 0.6 - SPREAD}
    made = make(str(tmp_path_factory.mktemp("home")), images=IMAGES, protocols=("default", "cam2016"), ious=ious, unseen=0.4)
    experiment = made.write()
    made.rewrite(experiment, lambda cell: cell.run == 2, {"run": 1}, iou=lambda known: known["iou"] + 0.01)
    curve = np.tile(np.linspace(0, 1, 10, dtype=np.float32), (IMAGES, 1))
    made.rewrite(experiment, Cell(2, 4, *asdict(CAM).values(), "default"), curve=curve)
    (evaluation,) = experiment.evaluations()
    for seed, (method, layer) in enumerate((("cam", POOLED), ("gradcam", POOLED), ("random-map", "input"))):
        evaluation.write_faithfulness(Cell(2, 4, method, layer, ""), columns(IMAGES, seed))
    evaluation.write_decomposition("cam-gradcam", to_plain(decomposition(images=12)), b"png")
    evaluation.write_problems([{"id": "broken", "reason": "too short"}])
    about = {"target": "true", "smooth": [], "calibration": {"ids": ["a", "b"]}}
    evaluation.write_about(about | {"protocols": {"default": asdict(PROTOCOLS["default"])}})
    return experiment


@pytest.fixture(scope="module")
def analysis(full):
    """What its tables say."""
    return of(full)


@pytest.fixture
def small(made):
    """One method of one run, without intervals."""
    made.methods = ("cam",)
    return made.write()


@pytest.fixture
def bare(made):
    """Trained, and never evaluated."""
    made.evaluated = False
    return made.write()


def of(experiment):
    return analyse(experiment, *experiment.evaluations())


def as_json(analysis):
    return json.loads(json.dumps(to_plain(analysis), allow_nan=False))


class TestDocument:
    def check(self, analysis):
        document = as_json(analysis)
        assert as_json(from_plain(Analysis, document)) == document
        return document

    def test_it_is_equal_both_ways(self, analysis):
        document = self.check(analysis)
        assert (document["schema_version"], document["runs"], document["protocols"]) == (4, [1, 2], ["default", "cam2016"])
        empty = {name for name, value in document.items() if value in (None, [], {})}
        assert not empty, "so that every field of it was tried"
        assert {each["by"] for each in document["groups"]} == set(GROUPINGS)

    def test_what_was_trained_and_never_evaluated(self, bare):
        document = self.check(analyse(bare))
        assert (document["scope"], document["run"], len(document["training"]["runs"])) == (None, 2, 2)
        assert document["scores"] == document["comparisons"] == document["groups"] == []

    def test_before_the_first_epoch(self, bare):
        (bare.path / "history.csv").unlink()
        assert self.check(analyse(bare))["run"] is None

    def test_one_image(self, made):
        made.images = made.samples = 1
        document = self.check(of(made.write()))
        assert {line["iou"]["low"] for family in document["comparisons"] for line in family["lines"]} == {None}

    def test_baselines_alone(self, made):
        made.methods = ()
        document = self.check(of(made.write()))
        assert document["comparisons"] == document["over_runs"] == document["claims"] == []
        assert [row["map"]["method"] for row in document["scores"]] == ["whole-image"]
        assert (document["runs"], document["epochs"]) == ([], [])

    def test_a_protocol_that_this_dogcam_does_not_know(self, made):
        made.images = IMAGES
        experiment = made.write()
        made.rewrite(experiment, lambda cell: True, {"protocol": "unheard-of"})
        analysis = of(experiment)
        self.check(analysis)
        assert analysis.protocols == ("default", "unheard-of")
        known, unknown = (analysis.spoken(name) for name in analysis.protocols)
        assert [line.iou for line in unknown.lines] == [line.iou for line in known.lines]

    def test_every_path_of_it_has_a_meaning_in_the_schema(self, analysis, bare):
        known = fields()
        assert not {path for path, meaning in known.items() if not meaning}
        paths = {*leaves(to_plain(analysis)), *leaves(to_plain(analyse(bare)))}
        assert len(paths) > 200
        assert not {path for path in paths if not any(fits(path, pattern) for pattern in known)}


def fits(path, pattern):
    """Whether a path is one of the schema's, where a name that is free is "*"; null may stand in place of a list or object."""
    steps, wanted = path.split("."), pattern.split(".")
    return len(steps) == len(wanted) and all(
        step == want or (want.startswith("*") and step.endswith(want[1:])) or want.replace("[]", "") == step
        for step, want in zip(steps, wanted, strict=True)
    )


class TestCurrent:
    @pytest.fixture
    def computed(self, monkeypatch):
        """How often an analysis was computed."""
        calls = []
        monkeypatch.setattr(room, "analyse", lambda *given: calls.append(given) or analyse(*given))
        return calls

    def test_it_is_computed_once_and_then_read(self, small, computed):
        first = current(small)
        assert as_json(current(Experiment(small.path))) == as_json(first)
        assert len(computed) == 1
        (evaluation,) = small.evaluations()
        documents = [json.loads((path / SUMMARY).read_text()) for path in (evaluation.path, evaluation.path.parent)]
        assert documents == [as_json(first)] * 2

    def test_what_was_written_is_read(self, small, computed):
        (evaluation,) = small.evaluations()
        write(analyse(small, evaluation), evaluation)
        assert current(small, evaluation).fingerprint == fingerprint(small, evaluation)
        assert not computed

    def change_table(self, experiment):
        Made.rewrite(experiment, Cell(2, 4, *asdict(CAM).values(), "default"), iou=np.full(8, 0.9))

    def change_history(self, experiment):
        experiment.add_history([HistoryRow(2, 5, "test", 0.9, 0.1)])

    def change_problems(self, experiment):
        experiment.evaluations()[0].write_problems([])

    def change_classes(self, experiment):
        experiment.update_document(dataset={**experiment.document["dataset"], "classes": ["a", "b"]})

    def change_kept(self, experiment):
        experiment.checkpoint(1, 2).unlink()

    def change_maps(self, experiment):
        (evaluation,) = experiment.evaluations()
        evaluation.sample.write_maps(2, 4, {("cam", POOLED): np.ones((4, 6, 9), np.float32)})

    def change_schema(self, experiment):
        path = experiment.evaluations()[0].path / SUMMARY
        path.write_text(json.dumps({**json.loads(path.read_text()), "schema_version": 3}))

    def change_field(self, experiment):
        path = experiment.evaluations()[0].path / SUMMARY
        path.write_text(json.dumps({**json.loads(path.read_text()), "unheard_of": 1}))

    def break_file(self, experiment):
        path = experiment.evaluations()[0].path / SUMMARY
        path.write_text(path.read_text()[:1000])

    def another_document(self, experiment):
        (experiment.evaluations()[0].path / SUMMARY).write_text("[1, 2]")

    @pytest.mark.parametrize("change", [name for name in vars() if name.split("_")[0] in ("change", "break", "another")])
    def test_it_is_computed_anew_where_something_changed(self, small, computed, change):
        before = current(small).fingerprint
        getattr(self, change)(small)
        after = current(Experiment(small.path))
        assert len(computed) == 2
        assert (after.fingerprint == before) == (change in ("change_schema", "change_field", "break_file", "another_document"))
        assert as_json(current(Experiment(small.path))) == as_json(after) == as_json(of(small))
        assert len(computed) == 2

    def test_of_a_folder_that_may_only_be_read_it_is_computed(self, small, computed, monkeypatch):
        def refuse(path, document):
            raise PermissionError(path)

        monkeypatch.setattr(room, "write_text", refuse)
        assert [as_json(current(small)), as_json(current(small))] == [as_json(of(small))] * 2
        assert len(computed) == 2
        assert not list(small.path.rglob(SUMMARY))

    def test_what_was_never_evaluated_is_not_kept(self, bare, computed):
        assert current(bare).training.chosen.run == 2
        assert len(computed) == 1
        assert not list(bare.path.rglob(SUMMARY))


class TestOneFamily:
    def test_cells_that_are_evaluated_later_join_the_same_family(self, made):
        """First CAM, then Grad-CAM: one answer, and the correction is for all that is there."""
        made.images, made.methods, made.ious = IMAGES, ("cam",), {("cam", e): 0.5 + SPREAD for e in (2, 4)}
        experiment = made.write()
        first = current(experiment).spoken()
        assert first.methods == (CAM,)
        made.rewrite(
            experiment, Cell(2, 4, *asdict(CAM).values(), "default"), {"method": "fem"}, iou=0.6 - SPREAD, x0=[0.5] * IMAGES
        )
        later = current(experiment).spoken()
        assert set(later.methods) == {CAM, MapKey("fem", POOLED)}
        assert (len(first.pairs), len(later.pairs)) == (1, 3)
        assert later.line_of(CAM).unseen.p == first.line_of(CAM).unseen.p
        assert later.line_of(CAM).unseen.holm > first.line_of(CAM).unseen.holm

    def test_everything_told_of_a_family_rests_on_its_pairs(self, analysis):
        assert [(each.protocol, each.epoch, each.runs) for each in analysis.comparisons] == [
            (protocol, epoch, runs) for protocol in ("default", "cam2016") for epoch in (2, 4) for runs in ((1, 2), (1,), (2,))
        ]
        for family in analysis.comparisons:
            check_family(family)
        beats = [claim for claim in analysis.claims if claim.claim == "beats"]
        assert [claim.protocol for claim in beats] == list(analysis.protocols)
        for claim in beats:
            family = analysis.spoken(claim.protocol)
            assert (family.epoch, family.runs) == (4, (1, 2))
            for difference in claim.differences:
                line = family.line_of(MapKey(difference.method, POOLED))
                assert (difference.verdict, difference.interval) == (line.verdict, line.unseen.difference)

    def test_runs_that_were_evaluated_with_other_methods_are_answered_apart(self, made):
        """`--run 1` with CAM, then `--run 2` with Grad-CAM: the chosen run speaks, and the other has a family of its own."""
        made.images, made.methods = IMAGES, ("cam", "gradcam")
        experiment = made.write()
        (evaluation,) = experiment.evaluations()
        made.rewrite(experiment, lambda cell: cell.method == "cam", {"run": 1})
        for cell in evaluation.cells():
            if (cell.run, cell.method) == (2, "cam"):
                (evaluation.path / cell.file_name).unlink()
        analysis = of(experiment)
        assert (analysis.run, analysis.runs) == (2, (1, 2))
        assert [row.map for row in analysis.over_runs] == [WHOLE], "nothing else was scored in both"
        assert {each.runs: set(each.methods) for each in analysis.comparisons} == {
            (1,): {CAM},
            (2,): {MapKey("gradcam", layer) for layer in analysis.layers},
        }
        assert analysis.spoken().runs == (2,)
        assert CAM not in analysis.maps
        assert list(analysis.of("default", 1, CAM)) == [2, 4]
        assert analysis.of("default", key=CAM) == {}

    def test_two_scopes_do_not_mix(self, made):
        made.images, made.methods = IMAGES, ("cam",)
        experiment = made.write()
        (whole,) = experiment.evaluations()
        few = experiment.evaluation("test", 10, "true")
        for cell in whole.cells():
            rows = {name: values[:10] for name, values in whole.read(cell).items()}
            rows["truth"] = [boxes.ravel().tolist() for boxes in rows["truth"]]
            few.write(cell, rows, whole.choice(cell))
        Made.rewrite(experiment, Cell(2, 4, *asdict(CAM).values(), "default"), {"method": "fem"}, scope=few.scope)
        one, other = (current(experiment, each) for each in (whole, few))
        assert (one.scope.images, other.scope.images) == (IMAGES, 10)
        assert (one.scope.others, other.scope.others) == ((few.scope,), (whole.scope,))
        assert (one.spoken().methods, len(other.spoken().methods)) == ((CAM,), 2)
        assert {pair.n for pair in other.spoken().pairs} == {10}
        assert current(experiment).scope.name == whole.scope, "the whole split is meant where none is named"


def check_family(family):
    """Holm over all pairs, letters, verdicts and the best box that never looks are those of the pairs."""
    lines = {line.maps[0]: line for line in family.lines}
    assert {frozenset((pair.first, pair.second)) for pair in family.pairs} == {
        frozenset((one, other)) for one in lines for other in lines if one != other
    }
    p = np.array([pair.p for pair in family.pairs])
    order = np.argsort(p)
    stepped = np.minimum(np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)), 1)
    assert [family.pairs[k].holm for k in order] == pytest.approx(stepped.tolist())
    for pair in family.pairs:
        shared = set(lines[pair.first].letters) & set(lines[pair.second].letters)
        assert bool(shared) == (not pair.told_apart)
        assert pair.told_apart == (pair.holm < 0.05 and pair.low * pair.high > 0 and pair.mean * pair.effect > 0)
    for line in family.lines:
        if line.unseen is not None:
            assert line.unseen in (*family.pairs, *(pair.turned() for pair in family.pairs))
            assert (line.unseen.first, line.unseen.second) == (line.maps[0], family.unseen)
            assert line.verdict == (line.unseen.verdict if np.isfinite(line.unseen.low) else "few")
    assert family.unseen == WHOLE
