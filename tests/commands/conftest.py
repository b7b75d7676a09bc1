"""What tests of commands share: what is read and traced, and an experiment of drawn pictures with several classes."""

from __future__ import annotations

from functools import cache

import pytest
from several_classes import several_classes

from dogcam.commands import train
from dogcam.core.config import TrainConfig
from dogcam.core.progress import Progress
from dogcam.data.formats import DATASETS, Source
from dogcam.data.opening import open_dataset
from dogcam.engine.one_pass import OnePass
from dogcam.experiment.runs import Experiment
from dogcam.models.classifier import load_trained


def opened(patch, dataset):
    """Let "several" mean a dataset, for `train` and for what opens an experiment's data again."""
    patch.setitem(DATASETS._entries, "several", Source("for tests", opener="unused"))
    for module in ("dogcam.commands.train", "dogcam.experiment.selection"):
        patch.setattr(f"{module}.open_dataset", lambda *arguments: dataset)


@pytest.fixture(scope="module", autouse=True)
def quick(outlined):
    """Reports in half the time."""


@pytest.fixture(scope="session")
def kept():
    """What tests ask for again and again, each once: data by name, classifiers by path, run and epoch, and their passes."""
    read = cache(lambda path, run, epoch: load_trained(Experiment(path), run, epoch))
    return cache(lambda name: open_dataset(name)), read, cache(OnePass)


@pytest.fixture(scope="package")
def several_trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("several")
    dataset = several_classes(folder / "pictures")
    with pytest.MonkeyPatch.context() as patch:
        opened(patch, dataset)
        config = TrainConfig.create(
            dataset="several", backbone="small_resnet", weights="none", trainable="head", runs=1, epochs=2,
            checkpoints=(1, 2), batch_size=4, home=str(folder / "runs"), name="several", learning_rate=0.02,
        )  # fmt: skip
        return dataset, train.run(config, Progress())


@pytest.fixture
def several(several_trained, monkeypatch):
    """(dataset, result of training on it): two epochs of the head alone. Read it only; the name "several" means the data."""
    opened(monkeypatch, several_trained[0])
    return several_trained
