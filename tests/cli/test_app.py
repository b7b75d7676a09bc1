"""The program through its own main(): mistakes, exit codes, laziness and Ctrl-C."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import pytest

import dogcam
from dogcam.cli import app


def run(*arguments, **options):
    return subprocess.run(
        [sys.executable, "-m", "dogcam", *map(str, arguments)], capture_output=True, text=True, timeout=300, **options
    )


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
        ("inspect", 2, "Missing argument"),
        ("inspect stanford_dog", 1, "unknown dataset 'stanford_dog'; the nearest: stanford_dogs"),
        ("inspect synthetic --samples 0", 1, "--samples must be at least 1; received 0"),
    ],
)
def test_a_mistake_is_one_clear_line_and_its_exit_code(line, code, words, capsys):
    assert app.main(line.split()) == code
    captured = capsys.readouterr()
    assert words in captured.err
    assert "Traceback" not in captured.err
    assert captured.out == ""


def test_an_error_of_the_system_is_one_line(stands_in, capsys):
    def full(config, progress):
        raise OSError(28, "No space left on device", "/some/file")

    stands_in(full)
    assert app.main(["report"]) == 1
    assert capsys.readouterr().err == "error: No space left on device: /some/file\n"


def test_a_bug_is_not_hidden(stands_in):
    def bug(config, progress):
        raise ZeroDivisionError

    stands_in(bug)
    with pytest.raises(ZeroDivisionError):
        app.main(["report"])


def test_help_and_lists_and_typos_import_nothing_heavy():
    """In a fresh process: neither TensorFlow nor Keras, nor for help anything that takes long."""
    code = (
        "import sys, dogcam; from dogcam.cli.app import main\n"
        "for line in ('--help', 'train --help', 'explain --help', 'inspect --help', '--version'):\n"
        "    assert main(line.split()) == 0, line\n"
        "heavy = {'rich', 'numpy', 'cv2', 'pyarrow', 'scipy', 'matplotlib', 'PIL', 'tensorflow', 'keras'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
        "assert main(['train', '--optimizer', 'adm']) == 1\n"
        "heavy -= {'rich'}; heavy |= {'dogcam.metrics', 'dogcam.analysis', 'dogcam.report'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
        "for line in ('list backbones', 'list methods', 'list datasets', 'list protocols', 'list metrics', 'list runs'):\n"
        "    assert main(line.split()) == 0, line\n"
        "assert main(['train', '--backbone', 'nothing']) == 1\n"
        "assert main(['explain', 'x', '--method', 'nothing']) == 1\n"
        "assert main(['inspect', 'nothing']) == 1\n"
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
        "assert 'numpy' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
    assert dogcam.HeatmapEngine.__module__ == "dogcam.engine.heatmaps"
    with pytest.raises(AttributeError, match="nothing"):
        _ = dogcam.nothing


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

    # Where the tests themselves run in the background, the signal is ignored, and so would be this one.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            deleting()
    finally:
        signal.signal(signal.SIGINT, before)
    assert "Traceback" not in capsys.readouterr().err


def test_ctrl_c_leaves_an_experiment_to_resume(tmp_path):
    line = "train --dataset synthetic:2 --backbone small_resnet --weights none --trainable head --runs 1 --limit 16 --name cut"
    process = subprocess.Popen(
        [sys.executable, "-m", "dogcam", *line.split(), "--epochs", "1000", "--home", str(tmp_path)],
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
    assert 1 <= before < 1000
    assert json.loads((tmp_path / "cut" / "experiment.json").read_text())["status"] == "training"
    assert list((tmp_path / "cut" / "run-1").glob("last-*.keras"))


@pytest.mark.skipif(os.geteuid() == 0 if hasattr(os, "geteuid") else True, reason="root may write anywhere")
def test_a_folder_that_may_not_be_written_to(tmp_path):
    (tmp_path / "home").mkdir(mode=0o500)
    line = "train --dataset synthetic:2 --backbone small_resnet --weights none --limit 8"
    done = run(*line.split(), "--home", tmp_path / "home")
    assert done.returncode == 1
    assert "Permission denied" in done.stderr
