"""`dogcam inspect`, on small pictures that lie and on the demo's drawn dogs."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from annotated import dataset, lying
from PIL import Image

from dogcam.analysis.inspection import inspected
from dogcam.boxes.baselines import BASELINES
from dogcam.commands import inspect
from dogcam.core.config import InspectConfig
from dogcam.core.errors import OptionError
from dogcam.core.progress import Progress
from dogcam.data.contents import read_contents
from dogcam.data.opening import open_dataset
from dogcam.data.pipeline import limited
from dogcam.experiment.evaluations import Cell


@pytest.fixture
def opened(monkeypatch):
    """Let every specification mean the dataset that it is called with."""

    def stand_in(made):
        monkeypatch.setattr(inspect, "open_dataset", lambda *arguments: made)

    return stand_in


def run(**options):
    return inspect.run(InspectConfig(dataset="drawn", **options), Progress())


def test_what_is_wrong_is_what_the_command_answers_for(opened, tmp_path):
    opened(lying(tmp_path))
    result = run()
    assert {each.kind for each in result.problems} == {"cut", "unreadable", "leak"}
    assert result.files == ()
    document = result.document()
    assert json.loads(json.dumps(document)) == document
    assert {"splits", "kinds", "problems", "mended", "unseen", "samples", "files", "seconds"} <= document.keys()


def test_of_sound_data_there_is_nothing_to_say(opened, tmp_path):
    opened(dataset(tmp_path))
    assert run().problems == ()


def test_nothing_is_written_unasked_and_nothing_over_what_is_there(opened, tmp_path):
    (tmp_path / "pictures").mkdir()
    opened(lying(tmp_path / "pictures"))
    run()
    assert [each.name for each in tmp_path.iterdir()] == ["pictures"]
    result = run(out=str(tmp_path / "out"))
    names = {each.relative_to(tmp_path / "out").as_posix() for each in result.files}
    assert {"index.html", "figures/box-places.png", "figures/contact-sheet.png"} <= names
    assert all(each.is_file() for each in result.files)
    page = result.files[0]
    page.write_text("mine")
    with pytest.raises(OptionError, match="exists already"):
        run(out=str(tmp_path / "out"))
    assert page.read_text() == "mine"
    run(out=str(tmp_path / "out"), overwrite=True)
    assert page.read_text() != "mine"


def test_a_page_over_another_is_refused_before_anything_is_opened(opened, tmp_path, monkeypatch):
    (tmp_path / "index.html").touch()
    monkeypatch.setattr(inspect, "open_dataset", lambda *arguments: pytest.fail("opened"))
    with pytest.raises(OptionError, match="--overwrite"):
        run(out=str(tmp_path))


def test_the_page_asks_for_nothing_and_shows_names_as_they_are(opened, tmp_path):
    made = lying(tmp_path)
    hostile = "<script>alert(1)</script>"
    opened(replace(made, classes=(hostile, "bee")))
    page = run(out=str(tmp_path / "out")).files[0].read_text(encoding="utf-8")
    assert hostile not in page
    assert "&lt;script&gt;alert(1)" in page
    assert "<b>[red]" not in page
    assert "&lt;b&gt;[red]was cut" in page
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert "https://" not in page
    assert "default-src 'none'" in page


def test_boxes_that_never_look_agree_with_evaluate_to_the_last_digit(evaluated):
    """The same twelve pictures, scored by `evaluate` into its tables and by `inspect` without a network."""
    whole = open_dataset("synthetic:3")
    scored = replace(whole, splits={**whole.splits, "test": limited(whole.splits["test"], 12)})
    contents = read_contents({"test": scored.splits["test"]}, Progress())
    found = {each.name: each for each in inspected(scored, contents.by_picture, (), 1).unseen}
    assert set(found) == set(BASELINES)
    for name, unseen in found.items():
        table = evaluated.evaluation.read(Cell(0, 0, name, "", "default"))
        ious = np.asarray(table["iou"], np.float64)
        assert unseen.rows["test"] == len(ious) == 12
        assert unseen.iou["test"] == float(np.mean(ious))
        (row,) = [each for each in evaluated.analysis.scores if (each.map.method, each.protocol) == (name, "default")]
        assert unseen.iou["test"] == row.value("mean_iou")


def test_the_published_baselines_of_ten_breeds(real_data):
    """Those that README gives for `evaluate` on the same 799 test pictures."""
    config = InspectConfig(dataset="stanford_dogs", data_dir=str(real_data / "stanford_dogs_10"))
    result = inspect.run(config, Progress())
    found = {each.name: round(each.iou["test"], 3) for each in result.inspection.unseen}
    assert (found["whole-image"], found["centre-box-0.8"]) == (0.541, 0.590)
    assert [each.pictures for each in result.inspection.splits] == [1000, 799]
    assert result.problems == ()


@pytest.mark.parametrize("out", [False, True])
def test_tensorflow_is_never_loaded_and_matplotlib_only_for_pictures(out, real_data, tmp_path):
    line = ["inspect", "stanford_dogs", "--data-dir", str(real_data / "stanford_dogs_10"), "--samples", "2"]
    line += ["--out", str(tmp_path / "out")] if out else []
    code = (
        f"import sys\nfrom dogcam.cli.app import main\nassert main({line!r}) == 0\n"
        "print(sorted({'tensorflow', 'keras', 'matplotlib', 'tensorflow_datasets'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == str(["matplotlib"] if out else [])
    assert "1,799 pictures" in done.stdout


def test_a_picture_that_is_a_mere_line_is_shown_too(opened, tmp_path):
    made = dataset(tmp_path)
    line = tmp_path / "line.png"
    Image.new("L", (20_000, 10), 120).save(line)
    first, *rest = made.splits["train"]
    opened(replace(made, splits={**made.splits, "train": (replace(first, image=type(first.image)(line)), *rest)}))
    result = run(out=str(tmp_path / "out"))
    assert result.inspection.width.most == 20_000
    assert next(each for each in result.inspection.samples if "widest" in each.rules).picture == first.id
