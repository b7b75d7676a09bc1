"""`dogcam evaluate --maps`: somebody else's heatmaps, and our own that were saved for others."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from evaluating import LAYERS, config_of
from PIL import Image

from dogcam.api import evaluate
from dogcam.boxes.baselines import BASELINES
from dogcam.boxes.protocols import PROTOCOLS
from dogcam.cli import app
from dogcam.commands import layers
from dogcam.commands.evaluate import command, given
from dogcam.core.config import EvaluateConfig, ListConfig
from dogcam.core.errors import ExperimentError, InputError, OptionError
from dogcam.core.progress import Progress
from dogcam.data.maps import map_path
from dogcam.data.opening import open_dataset
from dogcam.data.pipeline import limited
from dogcam.experiment.evaluations import Cell
from dogcam.experiment.runs import Experiment, find_experiment
from dogcam.experiment.selection import choose_runs

DATA = "synthetic:3"
NAMES = ("<script>alert(1)", "[bold]b", "gradcam")
COMPARED = ("x0", "y0", "x1", "y1", "iou", "area", "empty", "label", "width", "height")


def records_of(split="test", count=12):
    return limited(open_dataset(DATA).splits[split], count)


def bump(record):
    """A map that shows the first annotated box."""
    x0, y0, x1, y1 = record.boxes[0]
    y, x = (np.mgrid[:40, :60] + 0.5) / np.array([40, 60])[:, None, None]
    return np.exp(-(((x - (x0 + x1) / 2) / (x1 - x0)) ** 2) - ((y - (y0 + y1) / 2) / (y1 - y0)) ** 2)


def save(folder, record, values, suffix=".npy"):
    folder.mkdir(parents=True, exist_ok=True)
    if suffix == ".png":
        Image.fromarray((values * 65535).astype(np.uint16)).save(folder / f"{record.id}.png")
    else:
        np.save(folder / f"{record.id}.npy", values)


@pytest.fixture
def folder(tmp_path):
    """Three methods: one that knows the box, one that is noise of another size each, one that is a 16-bit PNG."""
    rng = np.random.default_rng(0)
    for record in records_of():
        save(tmp_path / "maps" / NAMES[0], record, bump(record))
        save(tmp_path / "maps" / NAMES[1], record, rng.random(rng.integers(5, 30, 2)).astype(np.float32))
        save(tmp_path / "maps" / NAMES[2], record, bump(record), ".png")
    return tmp_path


def config(folder, **changes):
    asked = {"maps": str(folder / "maps"), "dataset": DATA, "home": str(folder / "runs"), "limit": 12, "samples": 3}
    return EvaluateConfig(**{**asked, **changes})


def test_every_protocol_baselines_intervals_and_pairs(folder):
    result = given.run(config(folder, protocols=tuple(PROTOCOLS)), Progress())
    methods = {row.map.method for row in result.rows() if not row.baseline}
    assert methods == {NAMES[0], NAMES[1], "gradcam (given)"}
    assert {row.map.method for row in result.rows() if row.baseline} == {*BASELINES, "centre-gaussian", "random-map"}
    assert {row.protocol for row in result.rows()} == set(PROTOCOLS)
    found = result.main
    told_apart = len(found.lines)  # those that draw the same boxes are one line
    assert (found.n, len(found.pairs)) == (12, told_apart * (told_apart - 1) // 2)
    assert methods <= {key.method for line in found.lines for key in line.maps}
    assert all(np.isfinite(line.iou.low) for line in found.lines)
    assert result.problems == ()


def test_a_map_of_the_box_itself_has_the_iou_of_its_box(folder):
    """By hand: half of the maximum of exp(-u^2 - v^2) is an ellipse of half-axes sqrt(ln 2) of the box's sides."""
    result = given.run(config(folder, protocols=("cam2016",)), Progress())
    rows = result.evaluation.read(Cell(1, 0, NAMES[0], "", "cam2016"))
    reach = np.sqrt(np.log(5))  # above 0.2 of the maximum
    for number, record in enumerate(records_of()):
        x0, y0, x1, y1 = record.boxes[0]
        centre, half = np.array([x0 + x1, y0 + y1]) / 2, reach * np.array([x1 - x0, y1 - y0])
        expected = np.clip([*(centre - half), *(centre + half)], 0, 1)
        np.testing.assert_allclose([rows[name][number] for name in COMPARED[:4]], expected, atol=1.5 / 40)
        assert (rows["label"][number], rows["image"][number]) == (record.label, record.id)
    assert all(np.isnan(rows[name].astype(float)).all() for name in ("predicted", "target", "probability", "rank"))


def test_it_is_reported_and_listed_with_names_that_do_no_harm(folder, capsys):
    home = ["--home", str(folder / "runs")]
    asked = ["--maps", str(folder / "maps"), "--dataset", DATA, "--limit", "12", "--wide", "--pairs"]
    assert app.main(["evaluate", *asked, *home]) == 0
    shown = capsys.readouterr().out
    assert all(name in shown for name in ("<script>alert(1)", "[bold]b", "gradcam (given)"))
    assert app.main(["list", "runs", *home]) == 0
    assert "maps-on-synthetic-3" in capsys.readouterr().out
    assert app.main(["report", "--format", "html,md,latex", "--csv", *home]) == 0
    out = folder / "runs" / "maps-on-synthetic-3" / "report"
    page = (out / "index.html").read_text(encoding="utf-8")
    assert "<script>alert(1)" not in page
    assert "&lt;script&gt;alert(1)" in page
    text = (out / "report.md").read_text(encoding="utf-8")
    assert "<script>" not in text
    assert "feeds the pooling a heatmap" not in text, "the maps' layer is not known"
    assert " at , epoch" not in text
    assert "wrong box" not in text, "no class was predicted"
    assert (out / "latex" / "report.tex").is_file()
    assert any((out / "csv").iterdir())


def test_no_tensorflow_is_imported(folder):
    line = ["evaluate", "--maps", str(folder / "maps"), "--dataset", DATA, "--home", str(folder / "runs")]
    line += ["--limit", "12", "--json"]
    code = (
        f"import sys\nfrom dogcam.cli import app\nend = app.main({line!r})\n"
        "print(end, *{'tensorflow', 'keras', 'matplotlib'} & set(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.splitlines()[-1] == "0"
    assert json.loads(done.stdout)["scope"]["images"] == 12


def test_a_picture_without_a_usable_map_is_named_and_left_out_for_all_methods(folder, listener):
    records = records_of()
    (folder / "maps" / NAMES[1] / f"{records[0].id}.npy").unlink()
    save(folder / "maps" / NAMES[0], records[1], np.full((3, 3), np.nan))
    save(folder / "maps" / NAMES[0], type(records[0])("nobody", None, 0), np.eye(3))
    progress = listener()
    result = given.run(config(folder), progress)
    reasons = {problem.id: problem.reason for problem in result.problems}
    assert reasons == {
        records[0].id: "no map of [bold]b",
        records[1].id: f"cannot read {NAMES[0]}/{records[1].id}.npy: 9 of its values are NaN or infinite",
    }
    assert result.counted.images + result.counted.unannotated + len(result.problems) == 12
    for cell in result.evaluation.cells():
        assert result.evaluation.read(cell)["image"].tolist() == [record.id for record in records[2:]]
    said = "\n".join(progress.warnings)
    assert "2 pictures are left out, for all methods" in said
    assert "scored are the 10 that all 3 have" in said
    assert f"1 map is of no picture of the dataset, and not used; the first: {NAMES[0]}/nobody.npy" in said


def test_thresholds_are_chosen_on_maps_of_training_pictures_where_there_are_some(folder, listener):
    progress = listener()
    plain = given.run(config(folder), progress)
    cell = Cell(1, 0, NAMES[0], "", "default")
    assert plain.evaluation.choice(cell).source == "fixed"
    assert any("no maps of training pictures" in each and "takes 0.15" in each for each in progress.warnings)
    for record in records_of("train", 12):
        for name in NAMES:
            save(folder / "maps" / name, record, bump(record))
    chosen = given.run(config(folder, name="calibrated", calibrate=11), Progress())
    assert (chosen.evaluation.choice(cell).source, chosen.evaluation.choice(cell).pictures) == ("calibrated", 11)
    assert len(chosen.analysis.scope.calibrated_on) == 11


def test_more_methods_are_added_and_others_of_other_pictures_are_refused(folder):
    given.run(config(folder), Progress())
    for record in records_of():
        save(folder / "maps" / "later", record, bump(record))
    second = given.run(config(folder, resume=True), Progress())
    assert {row.map.method for row in second.rows() if not row.baseline} == {NAMES[0], NAMES[1], "gradcam (given)", "later"}
    for path in (folder / "maps" / NAMES[1]).iterdir():
        path.unlink()
    next((folder / "maps" / "later").iterdir()).unlink()
    with pytest.raises(ExperimentError, match=r"has \[bold\]b scored on other pictures than these 11"):
        given.run(config(folder), Progress())
    (folder / "maps").rename(folder / "others")
    with pytest.raises(ExperimentError, match="is of another folder of maps: choose another --name"):
        given.run(config(folder, maps=str(folder / "others"), name="maps-on-synthetic-3"), Progress())


def test_what_cannot_be_scored_at_all_is_one_clear_line(folder):
    with pytest.raises(InputError, match="there is no file or folder"):
        given.run(config(folder, maps=str(folder / "nowhere")), Progress())
    for record in records_of():
        save(folder / "maps" / "b", record, np.zeros((2, 3, 4)))
    with pytest.raises(InputError, match=r"not one of 12 pictures has a box and a map of every method; the first: .*\(2, 3, 4\)"):
        given.run(config(folder), Progress())
    home = str(folder / "runs")
    with pytest.raises(ExperimentError, match="is of somebody else's maps: evaluate it by --maps"):
        command.run(EvaluateConfig(home=home), Progress())
    for ask in (lambda: layers.run(ListConfig(home=home), Progress()), lambda: choose_runs(find_experiment(home, None), "best")):
        with pytest.raises(ExperimentError, match="stands for somebody else's model or maps and keeps no model: name another"):
            ask()


@pytest.fixture(scope="module")
def saved(trained, tmp_path_factory):
    """The result of a call by every protocol, and the folder of the maps that it saved. Read them only."""
    folder = tmp_path_factory.mktemp("saving")
    experiment = Experiment(Path(shutil.copytree(trained.experiment.path, folder / "tiny")))
    asked = {"epochs": (2,), "protocols": tuple(PROTOCOLS), "save_maps": str(folder / "saved")}
    return command.run(config_of(experiment, **asked), Progress()), folder / "saved"


class TestOurOwn:
    """What --save-maps writes: read by --maps, and by others."""

    def test_read_again_they_make_the_same_boxes_under_every_protocol(self, saved, tmp_path):
        first, maps = saved
        asked = EvaluateConfig(
            maps=str(maps), dataset=DATA, limit=6, calibrate=6, samples=2, protocols=tuple(PROTOCOLS), home=str(tmp_path / "runs")
        )
        second = given.run(asked, Progress())
        cells = [cell for cell in first.asked.cells if cell.run]
        assert {cell.protocol for cell in cells} == set(PROTOCOLS)
        for cell in cells:
            score = PROTOCOLS[cell.protocol].score
            name = f"{cell.method}@{cell.layer}" + ("" if score == "logit" else f" ({score})")
            again = Cell(1, 0, name, "", cell.protocol)
            before, after = first.evaluation.read(cell), second.evaluation.read(again)
            for column in COMPARED:
                np.testing.assert_array_equal(before[column], after[column], err_msg=f"{cell} {column}")
            assert first.evaluation.choice(cell) == second.evaluation.choice(again)
            for kind, values in first.evaluation.long(cell).items():
                np.testing.assert_array_equal(values, second.evaluation.long(again)[kind])

    def test_choes_evaluation_of_them_finds_our_maxboxacc(self, saved):
        """Their evaluation.py in short: np.load, 8 bits, 1,000 thresholds of the maximum, the largest contour, IoU with +1."""
        first, maps = saved
        records = records_of(count=6)
        right = np.zeros((1000, len(records)))
        for number, record in enumerate(records):
            scoremap = np.load(maps / f"gradcam@{LAYERS[-1]}" / f"{record.id}.npy")
            assert (scoremap.dtype, scoremap.shape) == (np.float64, (224, 224))
            assert ((scoremap >= 0) & (scoremap <= 1)).all()
            levels = (scoremap * 255).astype(np.uint8)
            truth = (np.asarray(record.boxes, np.float64) * 224 + 1e-4).astype(int)
            for place, threshold in enumerate(np.arange(0, 1, 0.001)):
                _, mask = cv2.threshold(levels, int(threshold * levels.max()), 255, cv2.THRESH_BINARY)
                contours, _ = cv2.findContours(mask, cv2.RETR_TREE, cv2.CHAIN_APPROX_SIMPLE)
                box = np.zeros(4, int)
                if contours:
                    x, y, width, height = cv2.boundingRect(max(contours, key=cv2.contourArea))
                    box = np.array([x, y, min(x + width, 223), min(y + height, 223)])
                low, high = np.maximum(box[:2], truth[:, :2]), np.minimum(box[2:], truth[:, 2:])
                shared = np.maximum(high - low + 1, 0).prod(axis=1)
                areas = [(each[..., 2:] - each[..., :2] + 1).prod(axis=-1) for each in (box, truth)]
                right[place, number] = (shared / (areas[0] + areas[1] - shared)).max() >= 0.5
        (row,) = [
            row
            for row in first.rows()
            if (row.map.method, row.map.layer, row.epoch, row.protocol) == ("gradcam", LAYERS[-1], 2, "wsol-v1")
        ]
        assert row.value("max_box_acc") == pytest.approx(right.mean(axis=1).max())

    def test_they_are_not_overwritten_and_what_is_missing_is_added(self, experiment, tmp_path):
        maps = tmp_path / "saved"
        asked = {"epochs": (2,), "methods": ("cam",), "protocols": ("cam2016",), "save_maps": str(maps)}
        command.run(config_of(experiment, **asked), Progress())
        files = sorted((maps / f"cam@{LAYERS[-1]}").iterdir())
        assert [path.name for path in files] == sorted(f"{record.id}.npy" for record in records_of(count=6))
        with pytest.raises(OptionError, match="it is not empty; name a new folder, or --resume to add what it lacks"):
            command.run(config_of(experiment, **asked), Progress())
        before = {path: path.stat().st_mtime_ns for path in files}
        files[2].unlink()
        command.run(config_of(experiment, **asked, resume=True), Progress())
        after = {path: path.stat().st_mtime_ns for path in files}
        assert [path for path in files if before[path] != after[path]] == [files[2]]

    def test_several_epochs_have_folders_of_their_own(self, experiment, tmp_path):
        maps = tmp_path / "saved"
        asked = {"methods": ("cam",), "protocols": ("cam2016",), "save_maps": str(maps), "run": "1", "limit": 2}
        command.run(config_of(experiment, **asked), Progress())
        cams = sorted(path.name for path in maps.glob("cam@*"))
        assert cams == [f"cam@{LAYERS[-1]} run 1 epoch {epoch}" for epoch in (1, 2)]
        one, two = (np.load(next((maps / name).iterdir())) for name in cams)
        assert (one != two).any()


def test_from_python_as_from_the_command_line(folder):
    analysis = evaluate(maps=folder / "maps", dataset=DATA, home=folder / "runs", limit=12)
    assert {key.method for key in analysis.maps} == {NAMES[0], NAMES[1], "gradcam (given)"}
    assert analysis.scope.target == "given"


@pytest.fixture
def several(tmp_path):
    """Pictures with two classes each, in two splits; a corner of the first training picture lies outside."""
    for split, count in (("train", 3), ("test", 1)):
        images = [{"id": n, "file_name": f"{split}-{n}.png", "width": 40, "height": 20} for n in range(count)]
        boxes = [{"image_id": n, "category_id": c, "bbox": [20 * c, 2, 15, 12]} for n in range(count) for c in (0, 1)]
        if split == "train":
            boxes[1]["bbox"][2] = 30
        categories = [{"id": 0, "name": "cat"}, {"id": 1, "name": "dog"}]
        document = {"images": images, "annotations": boxes, "categories": categories}
        (tmp_path / f"{split}.json").write_text(json.dumps(document))
        for image in images:
            Image.fromarray(np.full((20, 40, 3), 9, np.uint8)).save(tmp_path / image["file_name"])
    for records in open_dataset(f"coco:{tmp_path}").splits.values():
        for record in records:
            path = map_path(tmp_path / "maps", "mine", record)
            path.parent.mkdir(parents=True, exist_ok=True)
            np.save(path, bump(record))
    return tmp_path


def test_of_several_classes_no_row_of_an_evaluated_picture_calibrates_and_all_problems_are_named(several):
    asked = {"dataset": f"coco:{several}", "data_dir": None, "split": "train", "limit": 1, "calibrate": 9}
    result = given.run(config(several, **asked), Progress())
    assert result.evaluation.read(Cell(1, 0, "mine", "", "default"))["image"].tolist() == ["train-0#cat"]
    rows = [f"train-{number}#{name}" for number in (1, 2) for name in ("cat", "dog")]
    assert sorted(result.analysis.scope.calibrated_on) == rows
    assert [(problem.id, problem.kind) for problem in result.problems] == [("train-0", "cut")]
