"""Options: each in a group, with a metavar that a person reads, and a field of the command's configuration."""

from __future__ import annotations

import inspect
from dataclasses import fields

import pytest
import typer
from typer.main import get_command

from dogcam.cli import options
from dogcam.cli.app import COMMANDS, app
from dogcam.core import config

GROUPS = {value for name, value in vars(options).items() if name.isupper() and isinstance(value, str)}
CONFIGS = {name: getattr(config, f"{name.title()}Config") for name in COMMANDS}
OPTIONS = [
    pytest.param(each, id=f"{name} {each.opts[-1]}")
    for name, command in get_command(app).commands.items()
    for each in command.params
]


@pytest.mark.parametrize("each", OPTIONS)
def test_each_has_words_and_each_option_a_group_and_a_metavar(each):
    assert each.help
    if each.param_type_name == "option":
        assert each.rich_help_panel in GROUPS
    if not getattr(each, "is_flag", False):
        assert each.metavar.strip("[].").isalpha() or each.metavar == "A:B"
        assert each.metavar.isupper()
        assert each.metavar not in {"TEXT", "INTEGER", "FLOAT", "PATH"}


@pytest.mark.parametrize("name", COMMANDS)
def test_each_is_a_field_of_the_commands_configuration(name):
    taken = set(inspect.signature(COMMANDS[name]).parameters) - set(options.TERMINAL)
    assert taken <= {each.name for each in fields(CONFIGS[name])} | {"experiments"}


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"methods": ["cam", "gradcam, layercam,"]}, {"methods": ("cam", "gradcam", "layercam")}),
        ({"epochs": ["3,5", "7"]}, {"epochs": (3, 5, 7)}),
        ({"checkpoints": ["4"]}, {"checkpoints": (4,)}),
        ({"images": ["a,b.jpg", "c"]}, {"images": ("a,b.jpg", "c")}),
        ({"save": [","]}, {"save": ()}),
        ({"seed": 0, "limit": None, "resume": False, "csv": True}, {"seed": 0, "csv": True}),
        ({"as_json": True, "quiet": True, "verbose": True}, {}),
    ],
)
def test_what_was_given(values, expected):
    assert options.given(values) == expected


@pytest.mark.parametrize("value", ["seven", "-1", "1.5", "³"])
def test_what_is_no_whole_number(value):
    with pytest.raises(typer.BadParameter):
        options.given({"epochs": ["3", value]})
