"""Options in, one call, answer out: exit codes, Ctrl-C, and what goes to which stream."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from importlib.util import find_spec
from types import SimpleNamespace

import pytest

from dogcam.cli import answering, app
from dogcam.cli.app import COMMANDS
from dogcam.core.errors import Interrupted
from dogcam.core.registry import resolve


@pytest.mark.parametrize(("problems", "code"), [((), 0), ((SimpleNamespace(id="x", reason="broken"),), 3)])
def test_exit_codes_of_results(problems, code, stands_in):
    result = SimpleNamespace(problems=problems)
    shown = stands_in(lambda config, progress: result)
    assert app.main(["report"]) == code
    assert shown == [("dogcam.console.ending:show_report", result)]


@pytest.mark.parametrize("line", ["demo", "train", "explain x.jpg", "evaluate", "report", "list methods", "list layers"])
def test_what_commands_name_is_there(line, monkeypatch):
    named = []
    monkeypatch.setattr(answering, "resolve", lambda dotted: named.append(dotted) or (lambda *_, **__: None))
    assert app.main(line.split()) == 0
    run, show = named
    assert find_spec(run.removesuffix(":run"))
    assert callable(resolve(show))
    assert line.split()[0] in COMMANDS


@pytest.mark.parametrize(
    ("error", "words"), [(Interrupted("go on with: x"), "go on with: x"), (KeyboardInterrupt(), "nothing was left half")]
)
def test_ctrl_c_is_answered_in_the_commands_own_words(error, words, stands_in, capsys):
    def stopped(config, progress):
        raise error

    stands_in(stopped)
    assert app.main(["report"]) == 130
    assert f"interrupted: {words}" in capsys.readouterr().err


@pytest.fixture(scope="module")
def answers(evaluated, tmp_path_factory):
    """What a fresh process says on both streams, neither of them a terminal, to one command after the other.

    The quiet one comes first, so that it also has to keep what is said while TensorFlow is imported to itself; the others
    need not score again what it has scored.
    """
    home = tmp_path_factory.mktemp("piped")
    shutil.copytree(evaluated.experiment.path, home / "tiny")
    lines = {
        "quiet": "evaluate --epoch 2 --limit 4 --method cam -q",
        "plain": "evaluate --epoch 2 --limit 4 --method cam --resume",
        "json": "evaluate --epoch 2 --limit 4 --method cam --resume --json",
        "runs": "list runs --json",
    }
    code = (
        "import sys\nfrom dogcam.cli.app import main\n"
        "for line in sys.argv[2:]:\n"
        "    assert main([*line.split(), '--home', sys.argv[1]]) == 0, line\n"
        "    for stream in (sys.stdout, sys.stderr): print('<next>', file=stream, flush=True)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(home), *lines.values()], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    parts = (stream.split("<next>\n") for stream in (done.stdout, done.stderr))
    return {name: SimpleNamespace(out=out, err=err) for name, out, err in zip(lines, *parts, strict=False)}


def test_json_is_alone_on_standard_output(answers):
    document = json.loads(answers["json"].out)
    assert document["scope"]["images"] == 4
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
