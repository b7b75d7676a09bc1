"""The command line through its own main(): what is forwarded, exit codes, laziness, and what goes to which stream."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from types import SimpleNamespace

import pytest

from dogcam.cli.app import app
from dogcam.core.config import DemoConfig, EvaluateConfig, ExplainConfig, LayersConfig, ReportConfig, TrainConfig


def run(*arguments, **options):
    return subprocess.run(
        [sys.executable, "-m", "dogcam", *map(str, arguments)], capture_output=True, text=True, timeout=300, **options
    )


@pytest.fixture
def forwarded(monkeypatch):
    """What a command hands on: (command, configuration, further arguments), without running it."""
    calls = []

    def resolve(dotted):
        def command(config, progress, **more):
            calls.append((dotted, config, more))
            return SimpleNamespace(document=dict, problems=())

        return command

    monkeypatch.setattr(app, "resolve", resolve)
    return calls


class TestForwarding:
    def test_train(self, forwarded):
        line = (
            "train --dataset synthetic:9 --backbone mobilenet_v2 --weights none --trainable head --runs 2 --epochs 6 "
            "--checkpoints 2,4 --checkpoints 6 --optimizer sgd --learning-rate 0.5 --batch-size 7 --preprocess unit "
            "--augment flip --seed 3 --limit 50 --name x --home there --data-dir d --json"
        )
        code = app.main(line.split())
        assert code == 0
        command, config, more = forwarded[0]
        assert command == "dogcam.commands.train:run"
        assert config == TrainConfig(
            dataset="synthetic:9", backbone="mobilenet_v2", weights="none", trainable="head", runs=2, epochs=6,
            checkpoints=(2, 4, 6), optimizer="sgd", learning_rate=0.5, batch_size=7, preprocess="unit", augment="flip",
            seed=3, limit=50, name="x", home="there", data_dir="d",
        )  # fmt: skip
        assert "recipe" not in more["given"]
        assert {"dataset", "checkpoints", "seed"} <= set(more["given"])

    def test_the_studys_recipe_and_an_option_over_it(self, forwarded):
        app.main(["train", "--recipe", "study", "--batch-size", "8", "--json"])
        config = forwarded[0][1]
        assert (config.optimizer, config.learning_rate, config.preprocess) == ("sgd", 0.01, "unit")
        assert config.batch_size == 8

    def test_explain(self, forwarded):
        line = (
            "explain a.jpg b.jpg --method gradcam --method cam --layer conv5_block3_out,conv4_block6_out --epoch 3,5 "
            "--epoch 7 --run 2 --target beagle --model m --protocol cam2016 --out o --save png,json --overwrite "
            "--labels l --weights w --preprocess unit --output o2 --data-dir d --home h --fuse max --smooth flip,scale "
            "--mask-batch 9 --json"
        )
        code = app.main(line.split())
        assert code == 0
        assert forwarded[0][:2] == (
            "dogcam.commands.explain.command:run",
            ExplainConfig(
                images=("a.jpg", "b.jpg"), methods=("gradcam", "cam"), layers=("conv5_block3_out", "conv4_block6_out"),
                epochs=(3, 5, 7), run=2, target="beagle", model="m", protocol="cam2016", out="o", save=("png", "json"),
                overwrite=True, labels="l", weights="w", preprocess="unit", output="o2", data_dir="d", home="h", fuse="max",
                smooth=("flip", "scale"), mask_batch=9,
            ),
        )  # fmt: skip

    def test_evaluate(self, forwarded):
        line = (
            "evaluate exp --epoch 7 --run all --method cam --layer l --protocol cam2016,default --target predicted "
            "--split train --limit 5 --samples 3 --batch-size 4 --data-dir d --resume --home h --fuse mean --smooth flip "
            "--mask-batch 3 --pairs --json"
        )
        code = app.main(line.split())
        assert code == 0
        assert forwarded[0][:2] == (
            "dogcam.commands.evaluate.command:run",
            EvaluateConfig(
                experiment="exp", epochs=(7,), run="all", methods=("cam",), layers=("l",),
                protocols=("cam2016", "default"), target="predicted", split="train", limit=5, samples=3, batch_size=4,
                data_dir="d", resume=True, home="h", fuse="mean", smooth=("flip",), mask_batch=3, pairs=True,
            ),
        )  # fmt: skip

    def test_evaluate_somebody_elses_model(self, forwarded):
        line = (
            "evaluate --model my.keras --labels l --preprocess unit --output o --dataset synthetic:3 --name n --weights w "
            "--target beagle:basset --json"
        )
        assert app.main(line.split()) == 0
        assert forwarded[0][1] == EvaluateConfig(
            model="my.keras", labels="l", preprocess="unit", output="o", dataset="synthetic:3", name="n", weights="w",
            target="beagle:basset",
        )  # fmt: skip

    def test_all_top_and_layers(self, forwarded):
        assert app.main("explain x.jpg --all-top 3 --json".split()) == 0
        assert app.main("list layers --model m.keras --output o --home h --json".split()) == 0
        assert forwarded[0][1].all_top == 3
        assert forwarded[1][:2] == ("dogcam.commands.layers:run", LayersConfig(model="m.keras", output="o", home="h"))

    def test_the_colours_of_heat(self, forwarded):
        for line in ("explain x.jpg --colormap viridis", "report --colormap cividis"):
            assert app.main([*line.split(), "--json"]) == 0
        assert [call[1].colormap for call in forwarded] == ["viridis", "cividis"]

    def test_report_and_demo(self, forwarded):
        assert app.main(["report", "exp", "--out", "o", "--format", "md", "--home", "h", "--json"]) == 0
        assert app.main(["demo", "--out", "o", "--json"]) == 0
        assert forwarded[0][1] == ReportConfig(experiment="exp", out="o", formats=("md",), home="h")
        assert forwarded[1][1] == DemoConfig(out="o")

    def test_nothing_given_means_the_defaults_of_the_configuration(self, forwarded, monkeypatch):
        monkeypatch.delenv("DOGCAM_HOME", raising=False)
        for line in ("train", "explain x.jpg", "evaluate", "report", "demo"):
            assert app.main([*line.split(), "--json"]) == 0
        assert [call[1] for call in forwarded] == [
            TrainConfig(), ExplainConfig(images=("x.jpg",)), EvaluateConfig(), ReportConfig(), DemoConfig(),
        ]  # fmt: skip

    def test_the_home_may_come_from_the_environment(self, forwarded, monkeypatch):
        monkeypatch.setenv("DOGCAM_HOME", "elsewhere")
        app.main(["evaluate", "--json"])
        assert forwarded[0][1].home == "elsewhere"

    def test_as_the_mission_writes_them(self, forwarded):
        for line in (
            "train --runs 3",
            "explain img.jpg --method gradcam --layer conv5_block3_out",
            "evaluate --epoch 7",
        ):
            assert app.main([*line.split(), "--json"]) == 0
        assert forwarded[0][1].runs == 3
        assert forwarded[1][1].layers == ("conv5_block3_out",)
        assert forwarded[2][1].epochs == (7,)


@pytest.mark.parametrize(
    ("line", "code", "words"),
    [
        ("train --backbone resnet51", 1, "unknown backbone 'resnet51'; the nearest: resnet50"),
        ("train --dataset stanford_dog", 1, "unknown dataset 'stanford_dog'; the nearest: stanford_dogs"),
        ("explain x.jpg --method grad-cam", 1, "unknown method 'grad-cam'; the nearest: gradcam"),
        ("evaluate --protocol cam2017", 1, "unknown protocol 'cam2017'; the nearest: cam2016"),
        ("train --optimizer adm", 1, "unknown optimizer 'adm'; the nearest: adam"),
        ("train --recipe stdy", 1, "unknown recipe 'stdy'; the nearest: study"),
        ("list backbons", 1, "unknown list 'backbons'; the nearest: backbones"),
        ("report --format pfd", 1, "unknown format"),
        ("train --epochs 0", 1, "--epochs must be at least 1; received 0"),
        ("train --epochs 4 --checkpoints 9", 1, "--checkpoints must name epochs from 1 to 4"),
        ("evaluate --run some", 1, "--run takes a run's number, best or all; received 'some'"),
        ("explain x.jpg --save ,", 1, "--save needs at least one value"),
        ("report --format ,", 1, "--format needs at least one value"),
        ("evaluate --epoch seven", 2, "--epoch takes whole numbers such as 3 or 3,5,7; received 'seven'"),
        ("trian", 2, "No such command 'trian'"),
        ("train --rums 3", 2, "No such option: --rums"),
        ("explain", 2, "Missing argument"),
    ],
)
def test_a_mistake_is_one_clear_line_and_its_exit_code(line, code, words, capsys):
    assert app.main(line.split()) == code
    captured = capsys.readouterr()
    assert words in captured.err
    assert "Traceback" not in captured.err
    assert captured.out == ""


def test_exit_codes_of_results(monkeypatch, capsys):
    monkeypatch.setattr("dogcam.console.show_report", lambda result: None)
    problem = SimpleNamespace(id="x", reason="broken")
    for problems, code in (((), 0), ((problem,), 3)):
        result = SimpleNamespace(problems=problems, document=dict)
        monkeypatch.setattr(app, "resolve", lambda dotted, result=result: lambda config, progress: result)
        assert app.main(["report"]) == code


def test_ctrl_c_is_answered_in_the_commands_own_words(monkeypatch, capsys):
    from dogcam.core.errors import Interrupted

    for error, words in (
        (Interrupted("go on with: x"), "go on with: x"),
        (KeyboardInterrupt(), "nothing was left half"),
    ):

        def stopped(config, progress, error=error):
            raise error

        monkeypatch.setattr(app, "resolve", lambda dotted, stopped=stopped: stopped)
        assert app.main(["report"]) == 130
        assert f"interrupted: {words}" in capsys.readouterr().err


def test_an_error_of_the_system_is_one_line(monkeypatch, capsys):
    def full(config, progress):
        raise OSError(28, "No space left on device", "/some/file")

    monkeypatch.setattr(app, "resolve", lambda dotted: full)
    assert app.main(["report"]) == 1
    assert capsys.readouterr().err == "error: No space left on device: /some/file\n"


def test_a_bug_is_not_hidden(monkeypatch):
    def bug(config, progress):
        raise ZeroDivisionError

    monkeypatch.setattr(app, "resolve", lambda dotted: bug)
    with pytest.raises(ZeroDivisionError):
        app.main(["report"])


def test_help_and_lists_and_typos_import_nothing_heavy():
    """In a fresh process: neither TensorFlow nor Keras, nor for help anything that takes long."""
    code = (
        "import sys, dogcam; from dogcam.cli.app import main\n"
        "for line in ('--help', 'train --help', 'explain --help', '--version'): assert main(line.split()) == 0, line\n"
        "heavy = {'numpy', 'cv2', 'pyarrow', 'scipy', 'matplotlib', 'PIL', 'tensorflow', 'keras'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
        "for line in ('list backbones', 'list methods', 'list datasets', 'list protocols', 'list metrics', 'list runs'):\n"
        "    assert main(line.split()) == 0, line\n"
        "assert main(['train', '--backbone', 'nothing']) == 1\n"
        "assert main(['explain', 'x', '--method', 'nothing']) == 1\n"
        "assert not {'tensorflow', 'keras', 'tensorflow_datasets', 'matplotlib'} & set(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def test_help_is_quick_beside_the_interpreter_itself():
    """As a ratio against what cannot be helped: starting Python and importing typer. Seconds are for the benchmarks."""

    def best(code):
        times = []
        for _ in range(5):
            began = time.perf_counter()
            subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
            times.append(time.perf_counter() - began)
        return min(times)

    bare = best("import typer")
    assert best("from dogcam.cli.app import main; main(['--help'])") < 4 * bare


def test_the_package_gives_its_public_names_late():
    code = (
        "import sys, dogcam\n"
        "assert 'numpy' not in sys.modules\n"
        "assert 'HeatmapEngine' in dir(dogcam)\n"
        "assert dogcam.HeatmapEngine.__module__ == 'dogcam.engine.heatmaps'\n"
        "try: dogcam.nothing\n"
        "except AttributeError: pass\n"
        "else: raise SystemExit('no error')\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


@pytest.fixture(scope="module")
def answers(evaluated, tmp_path_factory):
    """What a fresh process says on both streams, neither of them a terminal, to one command after the other.

    The quiet one comes first, so that it also has to keep what is said while TensorFlow is imported to itself.
    """
    home = tmp_path_factory.mktemp("piped")
    shutil.copytree(evaluated.experiment.path, home / "tiny")
    lines = {
        "quiet": "evaluate --epoch 2 --limit 4 -q",
        "plain": "evaluate --epoch 2 --limit 4",
        "json": "evaluate --epoch 2 --limit 4 --method cam --json",
        "runs": "list runs --json",
    }
    code = (
        "import sys\nfrom dogcam.cli.app import main\n"
        "for line in sys.argv[2:]:\n"
        "    assert main([*line.split(), '--home', sys.argv[1]]) == 0, line\n"
        "    for stream in (sys.stdout, sys.stderr): print('<next>', file=stream, flush=True)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(home), *lines.values()], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    parts = (stream.split("<next>\n") for stream in (done.stdout, done.stderr))
    return {name: SimpleNamespace(out=out, err=err) for name, out, err in zip(lines, *parts, strict=False)}


def test_json_is_alone_on_standard_output(answers):
    document = json.loads(answers["json"].out)
    assert document["images"] == 4
    assert document["epochs"] == [2]
    assert [row["experiment"] for row in json.loads(answers["runs"].out)] == ["tiny"]


def test_the_table_can_be_piped(answers):
    plain, quiet = answers["plain"], answers["quiet"]
    assert "\x1b" not in plain.out + plain.err + quiet.out
    assert "conv5_block1_out" in plain.out
    assert "whole-image" in plain.out
    assert plain.err != ""
    assert quiet.err == ""
    assert quiet.out.splitlines()[0] == plain.out.splitlines()[0]


class Deleted:
    """Interrupted while it is being deleted."""

    def __init__(self, error):
        self.error = error

    def __del__(self):
        raise self.error


def test_ctrl_c_is_not_lost_where_an_object_is_being_deleted(capsys):
    def deleting():
        with app.no_ctrl_c_lost():
            Deleted(KeyboardInterrupt())
            for _ in range(500):  # else it is not given at all
                time.sleep(0.01)

    with pytest.raises(KeyboardInterrupt):
        deleting()
    assert "Traceback" not in capsys.readouterr().err


def test_ctrl_c_leaves_an_experiment_to_resume(tmp_path):
    line = (
        "train --dataset synthetic:2 --backbone small_resnet --weights none --runs 1 --epochs 30 --limit 16 --name cut"
    )
    process = subprocess.Popen(
        [sys.executable, "-m", "dogcam", *line.split(), "--home", str(tmp_path)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        # Where the tests themselves run in the background, the signal is ignored, and children inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip
    history = tmp_path / "cut" / "history.csv"
    deadline = time.monotonic() + 120
    while not history.exists() and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.1)
    assert history.exists()
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert "--resume" in errors
    assert "Traceback" not in errors
    before = history.read_text().count("test")
    assert 1 <= before < 30
    assert json.loads((tmp_path / "cut" / "experiment.json").read_text())["status"] == "training"
    assert list((tmp_path / "cut" / "run-1").glob("last-*.keras"))


@pytest.mark.skipif(os.geteuid() == 0 if hasattr(os, "geteuid") else True, reason="root may write anywhere")
def test_a_folder_that_may_not_be_written_to(tmp_path):
    (tmp_path / "home").mkdir(mode=0o500)
    line = "train --dataset synthetic:2 --backbone small_resnet --weights none --limit 8"
    done = run(*line.split(), "--home", tmp_path / "home")
    assert done.returncode == 1
    assert "Permission denied" in done.stderr
