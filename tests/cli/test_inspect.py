"""`dogcam inspect`: what it forwards."""

from __future__ import annotations

from dogcam.cli import app
from dogcam.core.config import InspectConfig


def test_every_option(forwarded):
    line = "inspect synthetic:4 --data-dir d --seed 3 --out o --samples 5 --overwrite --json -q -v"
    assert app.main(line.split()) == 0
    expected = InspectConfig(dataset="synthetic:4", data_dir="d", seed=3, out="o", samples=5, overwrite=True)
    assert forwarded[0] == ("dogcam.commands.inspect:run", expected, {})


def test_nothing_given_means_the_defaults_of_the_configuration(forwarded):
    assert app.main(["inspect", "synthetic", "--json"]) == 0
    assert forwarded[0][1] == InspectConfig(dataset="synthetic")
