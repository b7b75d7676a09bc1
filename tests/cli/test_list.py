"""`dogcam list`: what it forwards."""

from __future__ import annotations

import pytest

from dogcam.cli import app
from dogcam.core.config import ListConfig


def test_layers_are_those_of_a_model(forwarded):
    assert app.main("list layers --model m.keras --output o --home h --json".split()) == 0
    config = ListConfig(what="layers", model="m.keras", output="o", home="h")
    assert forwarded == [("dogcam.commands.layers:run", config, {})]


def test_everything_else_is_a_registry_or_a_folder(forwarded):
    assert app.main("list runs --home h --json".split()) == 0
    assert forwarded == [("dogcam.commands.listings:run", ListConfig(what="runs", home="h"), {})]


@pytest.mark.parametrize("option", ["--model", "--output"])
def test_a_model_goes_with_its_layers_only(forwarded, option, capsys):
    assert app.main(["list", "methods", option, "x"]) == 2
    assert "dogcam list layers" in capsys.readouterr().err
    assert not forwarded
