"""`dogcam demo`: what it forwards."""

from __future__ import annotations

from dogcam.cli import app
from dogcam.core.config import DemoConfig


def test_every_option(forwarded):
    assert app.main(["demo", "--out", "o", "--json"]) == 0
    assert forwarded == [("dogcam.commands.demo:run", DemoConfig(out="o"), {})]


def test_nothing_given_means_the_defaults_of_the_configuration(forwarded, monkeypatch):
    monkeypatch.delenv("DOGCAM_HOME", raising=False)
    assert app.main(["demo", "--json"]) == 0
    assert forwarded[0][1] == DemoConfig()


def test_the_folder_may_come_from_the_environment(forwarded, monkeypatch):
    monkeypatch.setenv("DOGCAM_HOME", "elsewhere")
    app.main(["demo", "--json"])
    assert forwarded[0][1] == DemoConfig(out="elsewhere")
