"""What tests share: one tiny trained and evaluated experiment, the real data where it is, and a listening progress."""

from __future__ import annotations

import gc
import os
import shutil
from pathlib import Path

import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
if "PYTEST_XDIST_WORKER" in os.environ:
    # Each of several processes computes by itself: threads that wait for each other's processor cost a tenth of the time.
    for name in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(name, "1")

# Traced networks are hundreds of thousands of objects that stay: looking for garbage among them as often as Python does by
# itself was seen to take an eighth of the time.
gc.set_threshold(10_000, 10, 10)

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Real photographs, boxes and weights: $DOGCAM_TEST_DATA, or shared/data beside the checkout."""
    folder = Path(os.environ.get("DOGCAM_TEST_DATA", ROOT.parent / "shared" / "data"))
    if not (folder / "stanford_dogs_10").is_dir():
        pytest.skip(f"real data is not at {folder}; set DOGCAM_TEST_DATA to run this")
    return folder


@pytest.fixture(scope="session")
def listener():
    """A class of progress that remembers what it was told."""
    from dogcam.core.progress import Progress

    class Listener(Progress):
        def __init__(self):
            self.notes: list[str] = []
            self.warnings: list[str] = []
            self.histories: list[list] = []
            self.tasks: list[tuple[str, int | None]] = []

        def task(self, title, total=None):
            self.tasks.append((title, total))
            return super().task(title, total)

        def note(self, text):
            self.notes.append(text)

        def warn(self, text):
            self.warnings.append(text)

        def history(self, rows):
            self.histories.append(list(rows))

    return Listener


TINY = {
    "dataset": "synthetic:3",
    "backbone": "small_resnet",
    "weights": "none",
    "runs": 2,
    "epochs": 2,
    "checkpoints": (1, 2),
    "limit": 24,
    "batch_size": 8,
}


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    """The result of training `TINY`. Read it only; take `experiment` to write."""
    from dogcam.commands import train
    from dogcam.core.config import TrainConfig
    from dogcam.core.progress import Progress

    home = tmp_path_factory.mktemp("runs")
    return train.run(TrainConfig.create(**TINY, name="tiny", home=str(home)), Progress())


@pytest.fixture(scope="session")
def evaluated(trained):
    """The result of evaluating it with the study's cells under two protocols. Read it only."""
    from dogcam.commands.evaluate import command as evaluate
    from dogcam.core.config import EvaluateConfig
    from dogcam.core.progress import Progress

    config = EvaluateConfig(
        home=str(trained.experiment.path.parent), protocols=("default", "exercise"), limit=12, samples=3, calibrate=12
    )
    return evaluate.run(config, Progress())


@pytest.fixture(scope="session")
def make():
    """`made_up.Made`: an experiment that nothing was trained for, written as training and evaluation write theirs."""
    from made_up import Made

    return Made


@pytest.fixture
def made(make, tmp_path):
    """A made-up experiment: what to change and write."""
    return make(str(tmp_path / "home"))


@pytest.fixture(scope="module")
def outlined():
    """Letters in PDFs as outlines: to cut fonts down to each figure's letters takes half the time of a report."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("dogcam.figures.style.outlined", lambda figure: True)
        yield


@pytest.fixture
def experiment(evaluated, tmp_path):
    """A copy of the evaluated experiment that a test may write to, alone in its home."""
    from dogcam.experiment.runs import Experiment

    path = tmp_path / "runs" / "tiny"
    shutil.copytree(evaluated.experiment.path, path)
    return Experiment(path)
