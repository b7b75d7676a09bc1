"""Training: what is learned, in which order, from which seed, and that it can be interrupted anywhere."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from dogcam.commands import train
from dogcam.core.config import TrainConfig
from dogcam.core.errors import ExperimentError, LayerError, OptionError
from dogcam.core.progress import Progress
from dogcam.data import Record
from dogcam.data.opening import open_dataset
from dogcam.data.pipeline import Pictures
from dogcam.experiment.runs import HistoryRow
from dogcam.models import small_resnet
from dogcam.models.classifier import build
from dogcam.models.training import (
    FeatureInputs,
    Job,
    PixelInputs,
    _Batches,
    features_of,
    head_of,
    hours,
    long_training,
    set_trainable,
)

TINY = {
    "dataset": "synthetic:2",
    "backbone": "small_resnet",
    "weights": "none",
    "runs": 1,
    "epochs": 3,
    "checkpoints": (1, 3),
    "limit": 12,
    "batch_size": 4,
    "augment": "flip",
}


class Interrupt(Progress):
    """Presses Ctrl-C when the history has `after` test rows."""

    def __init__(self, after):
        self.after = after

    def history(self, rows):
        if sum(row.split == "test" for row in rows) >= self.after:
            raise KeyboardInterrupt


def pictures(count=6, side=96):
    random = np.random.default_rng(0)
    records = tuple(Record(str(number), None, number % 2) for number in range(count))
    return Pictures(records, random.integers(0, 256, (count, side, side, 3), np.uint8), np.ones((count, 2)), ())


@pytest.fixture(scope="module")
def drawn():
    return open_dataset(TINY["dataset"])


@pytest.fixture
def thin(monkeypatch, drawn):
    """Thin layers in place of the small ResNet's blocks, and pictures drawn once: tracing and drawing take the time.

    Two stages learn, as many as it takes to let one learn and the other not.
    """

    def block(x, filters, stride, name, shortcut):
        if name.startswith(("conv3", "conv5")):
            x = small_resnet._conv(x, 4, 3, name, stride)
        return keras.layers.Activation("relu", name=f"{name}_out")(x)

    monkeypatch.setattr(small_resnet, "_block", block)
    monkeypatch.setattr(train, "open_dataset", lambda name, *others: drawn if name == TINY["dataset"] else None)


@pytest.fixture(scope="module")
def classifier():
    keras.utils.set_random_seed(0)
    return build("small_resnet", ("a", "b"), weights="none")


class TestBatches:
    inputs = FeatureInputs(np.stack([np.arange(10.0), 100 + np.arange(10.0)])[..., None], np.arange(10))

    def read(self, **options):
        batches = _Batches(self.inputs, 4, **options)
        return np.concatenate([batches[i][0] for i in range(len(batches))])[:, 0], [
            len(batches[i][1]) for i in range(len(batches))
        ]

    def test_every_picture_comes_once_and_the_last_batch_is_smaller(self):
        values, sizes = self.read(seed=1, epoch=1)
        assert sorted(values) == list(range(10))
        assert sizes == [4, 4, 2]

    def test_order_follows_from_seed_and_epoch(self):
        first = self.read(seed=1, epoch=1)[0].tolist()
        assert first == self.read(seed=1, epoch=1)[0].tolist()
        assert first != self.read(seed=1, epoch=2)[0].tolist()
        assert first != self.read(seed=2, epoch=1)[0].tolist()
        assert self.read()[0].tolist() == list(range(10))

    def test_flip_mirrors_about_half_and_others_each_epoch(self):
        mirrored = [self.read(seed=1, epoch=epoch, flip=True)[0] for epoch in range(50)]
        share = np.mean(np.concatenate(mirrored) >= 100)
        assert 0.4 < share < 0.6
        assert sorted(mirrored[0] % 100) == list(range(10))


def test_a_mirrored_picture_is_the_picture_turned_left_to_right(classifier):
    shown = pictures(2)
    taken = PixelInputs(shown, classifier).take(np.array([0, 1]), np.array([True, False]))
    expected = np.stack([shown.images[0][:, ::-1], shown.images[1]]).astype(np.float32) / 127.5 - 1
    np.testing.assert_allclose(taken, expected, atol=1e-6)
    assert shown.images.dtype == np.uint8


def test_features_are_what_feeds_the_head_with_batch_normalisation_at_rest(classifier):
    shown = pictures()
    found = features_of(classifier, shown, 4, True, "features", Progress())
    pooled = keras.Model(classifier.model.input, classifier.model.get_layer("avg_pool").output)
    plain = classifier.inputs_of(shown.images)
    np.testing.assert_allclose(found.features[0], pooled.predict(plain, verbose=0), atol=1e-5)
    np.testing.assert_allclose(found.features[1], pooled.predict(plain[:, :, ::-1], verbose=0), atol=1e-5)
    logits = head_of(classifier).predict(found.features[0], verbose=0)
    np.testing.assert_allclose(logits, classifier.model.predict(plain, verbose=0), atol=1e-5)


class TestTrainable:
    def test_from_a_prefix_up(self, classifier):
        set_trainable(classifier, "conv5")
        names = [layer.name for layer in classifier.model.layers]
        first = next(position for position, name in enumerate(names) if name.startswith("conv5"))
        assert [layer.trainable for layer in classifier.model.layers] == [i >= first for i in range(len(names))]
        set_trainable(classifier, "all")
        assert all(layer.trainable for layer in classifier.model.layers)

    def test_a_prefix_that_no_layer_has(self, classifier):
        with pytest.raises(LayerError, match=r"no layer of small_resnet begins with 'konv5'; there are .*conv5_"):
            set_trainable(classifier, "konv5")

    @pytest.mark.parametrize(("trainable", "moves"), [("all", True), ("conv5", False), ("head", False)])
    def test_only_what_may_learn_changes(self, tmp_path, thin, trainable, moves):
        config = TrainConfig.create(**{**TINY, "epochs": 1, "checkpoints": (1,)}, trainable=trainable, home=str(tmp_path))
        start = build("small_resnet", ("a", "b"), "none").model
        path = tmp_path / "start.keras"
        start.save(path)
        kept = train.run(train.replace(config, weights=str(path)), Progress()).experiment.checkpoint(1, 1)
        model = keras.models.load_model(kept)
        early = next(layer.name for layer in model.layers if layer.name.startswith("conv3") and layer.weights)
        same = np.array_equal(model.get_layer(early).get_weights()[0], start.get_layer(early).get_weights()[0])
        assert same is not moves
        assert not np.array_equal(model.get_layer("logits").get_weights()[0], start.get_layer("logits").get_weights()[0])


@pytest.mark.parametrize("trainable", ["all", "head"])
def test_an_experiment_interrupted_twice_ends_as_if_it_had_not_been(tmp_path, thin, monkeypatch, trainable):
    """After an epoch's history; then, two epochs later, between saving the model and the history."""

    def go_on(progress):
        again = TrainConfig.create(name="cut", home=str(tmp_path), resume=True)
        return train.run(again, progress, given=("name", "home", "resume"))

    def add_history(self, rows):
        if rows[0].epoch == 3:
            raise KeyboardInterrupt
        return real(self, rows)

    def left():
        return sorted(path.name for path in (tmp_path / "cut").rglob("*-*.keras"))

    whole = train.run(TrainConfig.create(**TINY, trainable=trainable, name="whole", home=str(tmp_path)), Progress())
    with pytest.raises(KeyboardInterrupt):
        train.run(TrainConfig.create(**TINY, trainable=trainable, name="cut", home=str(tmp_path)), Interrupt(1))
    assert left() == ["epoch-01.keras", "last-01.keras"]
    real = train.Experiment.add_history
    with monkeypatch.context() as patch:
        patch.setattr("dogcam.experiment.runs.Experiment.add_history", add_history)
        with pytest.raises(KeyboardInterrupt):
            go_on(Progress())
    assert left() == ["epoch-01.keras", "epoch-03.keras", "last-02.keras", "last-03.keras"]

    resumed = go_on(Progress())
    assert [(row.run, row.epoch, row.split) for row in resumed.history] == [
        (row.run, row.epoch, row.split) for row in whole.history
    ]
    for ours, theirs in zip(resumed.history, whole.history, strict=True):
        assert ours.loss == pytest.approx(theirs.loss, rel=1e-4)
    assert resumed.experiment.kept() == whole.experiment.kept() == {1: [1, 3]}
    assert resumed.experiment.document["status"] == "finished"
    assert not list(resumed.experiment.path.rglob("last-*"))


def test_resuming_with_another_option_is_refused(trained):
    home = str(trained.experiment.path.parent)
    changed = TrainConfig.create(name="tiny", home=home, resume=True, learning_rate=0.5)
    with pytest.raises(OptionError, match=r"begun with --learning-rate .* cannot go on with 0\.5"):
        train.run(changed, Progress(), given=("name", "home", "resume", "learning_rate"))


def test_resuming_a_finished_experiment_trains_nothing(trained):
    config = TrainConfig.create(name="tiny", home=str(trained.experiment.path.parent), resume=True)
    before = (trained.experiment.path / "run-1" / "epoch-01.keras").stat().st_mtime_ns
    again = train.run(config, Progress(), given=("name", "home", "resume"))
    assert again.history == trained.history
    assert (trained.experiment.path / "run-1" / "epoch-01.keras").stat().st_mtime_ns == before


def test_a_missing_state_is_a_clear_error(tmp_path, thin):
    config = TrainConfig.create(**TINY, trainable="head", name="x", home=str(tmp_path))
    with pytest.raises(KeyboardInterrupt):
        train.run(config, Interrupt(1))
    for path in (tmp_path / "x").rglob("last-*"):
        path.unlink()
    with pytest.raises(ExperimentError, match=r"last-01\.keras of run 1 is missing"):
        train.run(TrainConfig.create(name="x", home=str(tmp_path), resume=True), Progress())


def test_runs_differ_by_their_seed_and_repeat_with_it(tmp_path, trained):
    first, second = ([row.loss for row in trained.history if row.run == run and row.split == "test"] for run in (1, 2))
    assert first != second
    assert trained.experiment.document["seeds"] == [1, 2]


def test_hours_of_training_are_announced_with_what_is_faster(classifier):
    config = TrainConfig.create()
    inputs = FeatureInputs(np.zeros((1, 12000, 1)), np.zeros(12000, np.int32))
    text = long_training(36000.0, 4.6, Job(config, None, inputs, inputs, Progress()))
    assert "10.0 hours" in text
    assert "--trainable head, about 19 minutes" in text  # 4.6 / 3 * 24000 / 32 s
    assert "--resume" in text
    assert hours(90) == "2 minutes"


def test_the_warning_comes_from_the_first_batches(tmp_path, thin, listener, monkeypatch):
    monkeypatch.setattr("dogcam.models.training.LONG_SECONDS", 1e-6)
    progress = listener()
    config = TrainConfig.create(**{**TINY, "limit": 32, "epochs": 2, "checkpoints": (1,)}, home=str(tmp_path))
    train.run(config, progress)
    assert len(progress.warnings) == 1
    assert "a smaller --backbone" in progress.warnings[0]
    assert "--trainable head" not in progress.warnings[0], "on random weights a head learns nothing worth having"


def test_history_holds_both_splits_of_every_epoch_of_every_run(trained):
    found = [(row.run, row.epoch, row.split) for row in trained.history]
    assert found == [(run, epoch, split) for run in (1, 2) for epoch in (1, 2) for split in ("test", "train")]
    assert all(isinstance(row, HistoryRow) and 0 <= row.accuracy <= 1 and row.loss > 0 for row in trained.history)


def test_measured_accuracy_and_loss_are_those_of_the_kept_model(trained):
    """Recomputed from the kept file and the drawn pictures, with NumPy's own softmax and logarithm."""
    from dogcam.data.pipeline import limited, read_pictures
    from dogcam.models.classifier import load_trained

    classifier = load_trained(trained.experiment, 2, 2)
    records = limited(open_dataset(trained.config.dataset).splits["test"], trained.config.limit)
    shown = read_pictures(records, classifier.size, "", Progress())
    logits = classifier.model.predict(classifier.inputs_of(shown.images), verbose=0).astype(np.float64)
    chosen = logits[np.arange(len(logits)), shown.labels]
    loss = np.mean(np.log(np.exp(logits).sum(axis=1)) - chosen)
    row = next(row for row in trained.history if (row.run, row.epoch, row.split) == (2, 2, "test"))
    assert row.accuracy == pytest.approx(np.mean(logits.argmax(axis=1) == shown.labels), abs=1e-6)
    assert row.loss == pytest.approx(loss, rel=1e-4)
