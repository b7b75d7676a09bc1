"""Help: options in titled groups, the common ones first, whole and readable at any width."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest
from typer.main import get_command

from dogcam.cli import app
from dogcam.cli.help import WIDTH

FIRST = {
    "demo": "Experiment",
    "train": "Training",
    "explain": "Maps and boxes",
    "evaluate": "Maps and boxes",
    "report": "Files",
    "list": "Model",
}


def words(text):
    return text.split()


def titles(text):
    return re.findall(r"^(\S.*):$", text, flags=re.MULTILINE)


@pytest.fixture
def help_at(monkeypatch, capsys):
    def help_at(width, *line):
        monkeypatch.setenv("COLUMNS", str(width))
        assert app.main([*line, "--help"]) == 0
        return capsys.readouterr().out

    return help_at


@pytest.mark.parametrize("width", [60, 80, 120, 200])
@pytest.mark.parametrize("name", FIRST)
def test_nothing_is_cut_and_no_line_is_too_long(help_at, name, width):
    text = help_at(width, name)
    assert max(map(len, text.splitlines())) <= min(width, WIDTH)
    said = " ".join(words(text))
    command = get_command(app.app).commands[name]
    for each in command.params:
        assert " ".join(words(each.help)) in said
        assert each.metavar is None or f" {each.metavar} " in said
        assert all(name in said for name in each.opts if name.startswith("-"))


@pytest.mark.parametrize("name", FIRST)
def test_groups_are_titled_once_each_and_the_common_ones_come_first(help_at, name):
    found = [title for title in titles(help_at(80, name)) if title != "Arguments"]
    assert found[0] == FIRST[name]
    assert found[-1] == "Output"
    assert len(set(found)) == len(found)


def test_texts_stand_below_each_other_in_all_groups(help_at):
    lines = help_at(80, "evaluate").splitlines()
    starts = {re.match(r"  \S+( [A-Z:]+|, --\S+)? {2,}", line).end() for line in lines if re.match("  (-|\\[)", line)}
    assert len(starts) == 1


def test_usage_says_which_arguments_may_be_left_out(help_at):
    usages = [help_at(80, name).splitlines()[0] for name in ("explain", "evaluate", "report", "list")]
    assert [usage.partition("[OPTIONS] ")[2] for usage in usages] == [
        "IMAGE...", "[EXPERIMENT]", "[EXPERIMENT]...", "WHAT",
    ]  # fmt: skip


def test_the_list_of_commands_says_what_each_does_in_full(help_at):
    text = help_at(80)
    assert "..." not in text.partition("Commands:")[2]
    for command in get_command(app.app).commands.values():
        assert command.help in " ".join(words(text))


def test_without_a_terminal_help_is_plain_and_eighty_columns_wide():
    environment = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    line = [sys.executable, "-m", "dogcam", "evaluate", "--help"]
    text = subprocess.run(line, capture_output=True, text=True, check=True, env=environment).stdout
    assert "\x1b" not in text
    assert "\xa0" not in text
    assert 70 < max(map(len, text.splitlines())) <= 80
