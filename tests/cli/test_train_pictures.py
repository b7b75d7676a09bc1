"""`dogcam train` and `dogcam evaluate` on somebody's own folder, by a format that the test registers."""

from __future__ import annotations

import json

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from dogcam.cli import app
from dogcam.data.annotated import Annotated, Reading
from dogcam.data.formats import DATASETS, Source
from dogcam.data.opening import open_dataset


def read_colours(place, progress):
    """A format: the class of a picture is its folder, its box the same in all."""
    pictures = [
        Annotated(path, place.tree.files[path], names=(path.split("/")[0],), corners=np.array([[4, 3, 20, 15]]), size=(40, 30))
        for path in place.tree.pictures
    ]
    return Reading(pictures)


def sign_colours(tree):
    return "a folder for each colour" if "red" in tree.folders else ""


@pytest.fixture
def colours(tmp_path, monkeypatch):
    """Ten pictures a class, whose file names tell nothing; the working directory is beside their folder."""
    for name in [name for name, source in DATASETS.items() if source.sign]:
        monkeypatch.delitem(DATASETS._entries, name)
    source = Source("for a test", reader=f"{__name__}:read_colours", sign=f"{__name__}:sign_colours", title="colours")
    monkeypatch.setitem(DATASETS._entries, "colours", source)
    place = tmp_path / "my set"
    for number, colour in enumerate(["red", "blue"] * 10):
        (place / colour).mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (40, 30), colour).save(place / colour / f"{number}.png")
    monkeypatch.chdir(tmp_path)
    return place


TRAIN = (
    "train --backbone small_resnet --weights none --runs 1 --epochs 1 --batch-size 4 --seed 3 --name mine --home runs --dataset"
)


def train(dataset):
    return app.main([*TRAIN.split(), str(dataset), "--json"])


def answered(capsys):
    return json.loads(capsys.readouterr().out)


def test_what_was_drawn_by_a_seed_is_drawn_again_for_the_evaluation(colours, tmp_path, monkeypatch, capsys):
    """Trained on a relative path, evaluated from another folder."""
    assert train("my set") == 0
    document = json.loads((tmp_path / "runs" / "mine" / "experiment.json").read_text(encoding="utf-8"))
    assert document["config"]["dataset"] == str(colours)
    assert document["dataset"]["division"] == {"how": "seeded", "seed": 3, "share": 0.2}
    assert document["dataset"]["source"] == {"kind": "files", "folder": str(colours), "name": "colours"}
    drawn = [record.id for record in open_dataset(str(colours), seed=3).splits["test"]]
    assert drawn != [record.id for record in open_dataset(str(colours), seed=0).splits["test"]]
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    capsys.readouterr()
    assert app.main(["evaluate", "--home", str(tmp_path / "runs"), "--method", "cam", "--samples", "4", "--json"]) == 0
    assert answered(capsys)["scope"]["images"] == 4
    (table,) = (tmp_path / "runs" / "mine" / "evaluation").rglob("run-1_epoch-01_cam_*_default.parquet")
    assert sorted(pq.read_table(table).column("image").to_pylist()) == sorted(drawn)
    moved = tmp_path / "moved"
    colours.rename(moved)
    assert app.main(["evaluate", "--home", str(tmp_path / "runs"), "--method", "cam", "--json"]) == 1
    assert capsys.readouterr().err.strip().splitlines()[-1].startswith(f"error: there is no file or folder '{colours}'")


def test_a_broken_part_is_named_counted_and_skipped(colours, capsys):
    (colours / "red" / "0.png").write_bytes(b"no picture")
    (colours / "out.png").symlink_to("/etc/passwd")
    assert train(colours) == 3
    problems = {each["id"]: each["reason"] for each in answered(capsys)["problems"]}
    assert set(problems) == {"0", "out.png"}
    assert problems["0"].endswith("not a picture")
    assert "symbolic link out of the folder" in problems["out.png"]


def test_a_model_of_ones_own_is_evaluated_on_a_folder(colours, tmp_path, capsys):
    assert train(colours) == 0
    (model,) = (tmp_path / "runs" / "mine").rglob("*.keras")
    capsys.readouterr()
    line = f"evaluate --model {model} --preprocess unit --method gradcam --home other --name theirs --json --dataset"
    assert app.main([*line.split(), "my set"]) == 0
    assert answered(capsys)["scope"]["images"] == 4
    document = json.loads((tmp_path / "other" / "theirs" / "experiment.json").read_text(encoding="utf-8"))
    assert document["config"]["dataset"] == str(colours)


@pytest.mark.parametrize(
    ("dataset", "said"),
    [
        ("./my sat", "my sat'; the nearest there: my set"),
        ("colors", "unknown dataset 'colors'; the nearest: colours"),
        ("colours", "colours needs a folder or file: --dataset colours:FOLDER"),
        ("my set/red", "my set/red is of no format that dogcam recognises; looked for colours; found 10 files"),
        ("[red]x[/red]", "[red]x[/red]'"),
    ],
)
@pytest.mark.parametrize("command", ["train", "evaluate"])
def test_what_cannot_be_opened_is_one_line_and_exit_code_1(colours, tmp_path, capsys, command, dataset, said):
    if command == "train":
        assert train(dataset) == 1
    else:
        assert (
            app.main(["evaluate", "--model", "imagenet:mobilenet", "--weights", "none", "--home", "h", "--dataset", dataset]) == 1
        )
    captured = capsys.readouterr()
    (line,) = [line for line in captured.err.splitlines() if line.startswith("error: ")]
    assert said in line
    assert "Traceback" not in captured.err
    assert captured.out == ""
    assert not (tmp_path / "runs").exists()
