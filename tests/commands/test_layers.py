"""`dogcam list layers`: paths, shapes and marks, against what Keras itself says of the model."""

from __future__ import annotations

import json

import keras
import pytest

from dogcam.cli import app
from dogcam.commands import layers
from dogcam.core.config import ListConfig
from dogcam.core.errors import ModelError, UnknownName
from dogcam.core.progress import Progress
from dogcam.models.backbones import BACKBONES


@pytest.fixture
def saved(tmp_path):
    inputs = keras.Input((None, None, 3))
    x = keras.layers.Conv2D(4, 3, strides=2, padding="same", name="conv")(inputs)
    inner = keras.Model(inputs, keras.layers.ReLU(name="relu")(x), name="inner")
    outer = keras.Input((20, 28, 3))
    x = keras.Sequential([keras.Input((20, 28, 3)), inner], name="outer")(outer)
    aside = keras.layers.Conv2D(2, 1, name="aside")(x)
    x = keras.layers.GlobalAveragePooling2D(name="pool")(x)
    outputs = [keras.layers.Dense(3, name="breed")(x), aside]
    keras.Model(outer, outputs).save(tmp_path / "my.keras")
    return str(tmp_path / "my.keras")


def test_paths_shapes_and_what_is_fit_for_heatmaps(saved):
    rows = layers.run(ListConfig(model=saved, output="breed"), Progress()).rows
    assert {row[0]: row[1:] for row in rows} == {
        "outer/inner/conv": ("Conv2D", "10 x 14 x 4", "yes"),
        "outer/inner/relu": ("ReLU", "10 x 14 x 4", "yes, cam too, default"),
        "pool": ("GlobalAveragePooling2D", "4", ""),
        "aside": ("Conv2D", "10 x 14 x 2", ""),  # the classes do not depend on it
        "breed": ("Dense", "3", ""),
    }


def test_a_backbone_needs_no_weights_for_it():
    listing = layers.run(ListConfig(model="imagenet:mobilenet_v2"), Progress())
    marked = [row[0] for row in listing.rows if "default" in row[3]]
    assert marked == [BACKBONES["mobilenet_v2"].last_conv]
    assert listing.rows[-1][2] == "1000"


def test_an_experiments_newest(experiment):
    listing = layers.run(ListConfig(home=str(experiment.path.parent)), Progress())
    assert listing.title == "Layers of tiny"
    assert [row[0] for row in listing.rows if "cam too" in row[3]] == [experiment.document["model"]["pooled_layer"]]


def test_why_cam_is_not_possible_is_said(tmp_path, listener):
    layer = keras.layers
    model = keras.Sequential([keras.Input((8, 8, 3)), layer.Conv2D(2, 3, name="c"), layer.Flatten(), layer.Dense(3)])
    model.save(tmp_path / "flat.keras")
    progress = listener()
    layers.run(ListConfig(model=str(tmp_path / "flat.keras")), progress)
    assert progress.notes == [
        "cam is not possible: its dense layer is fed by Conv2D 'c', not by global average pooling; every other method is"
    ]


def test_from_the_command_line(saved, capsys):
    assert app.main(["list", "layers", "--model", saved, "--output", "breed", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert rows[0] == {"layer": "outer/inner/conv", "kind": "Conv2D", "output": "10 x 14 x 4", "heatmap": "yes"}
    assert app.main(["list", "layers", "--model", saved]) == 1
    assert "has several outputs: choose one with --output: breed, aside" in capsys.readouterr().err
    assert app.main(["list", "methods", "--model", saved]) == 2


@pytest.mark.parametrize(
    ("model", "error", "words"),
    [("nowhere.keras", ModelError, "there is no model file"), ("imagenet:resnet5", UnknownName, "the nearest: resnet50")],
)
def test_what_is_not_there(model, error, words):
    with pytest.raises(error, match=words):
        layers.run(ListConfig(model=model), Progress())
