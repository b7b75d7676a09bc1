"""Seeded runs: fit, measure after every epoch, keep the chosen epochs, resume.

Where only the head learns, the features in front of it are computed once and all runs train on them.

Where a picture may have several classes, each is learnt by itself: the loss is the binary cross-entropy of sigmoids, summed
over classes (so that a logit's gradient is its probability's error, as under softmax, and learning rates mean the same), and
averaged over pictures.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from dogcam.core.config import TrainConfig
from dogcam.core.errors import ExperimentError, LayerError
from dogcam.core.files import written_whole
from dogcam.core.progress import Progress, Step
from dogcam.core.registry import nearest
from dogcam.data.pipeline import Pictures
from dogcam.experiment.runs import Experiment, HistoryRow
from dogcam.models.classifier import LOGITS_NAME, Classifier

# An estimate is made after this many batches, the first of which (compiling) are left out.
ESTIMATE_AFTER, ESTIMATE_SKIPS = 6, 2
LONG_SECONDS = 3600.0

OPTIMIZER_CLASSES: dict[str, Callable[[float], keras.Optimizer]] = {
    "adam": keras.optimizers.Adam,
    "adamw": keras.optimizers.AdamW,
    "sgd": keras.optimizers.SGD,
    "momentum": lambda rate: keras.optimizers.SGD(rate, momentum=0.9),
    "rmsprop": keras.optimizers.RMSprop,
}


@dataclass(frozen=True, eq=False)
class PixelInputs:
    """Preprocessed pictures."""

    pictures: Pictures
    classifier: Classifier

    @cached_property
    def labels(self) -> np.ndarray:
        """See `_labels_of`."""
        return _labels_of(self.pictures, self.classifier)

    def take(self, indices: np.ndarray, mirrored: np.ndarray) -> np.ndarray:
        """Inputs float32 (n, ...) of `indices` (n,), those with `mirrored` (n,) true flipped left to right."""
        images = self.pictures.images[indices]
        images[mirrored] = images[mirrored, :, ::-1]
        return self.classifier.inputs_of(images)


@dataclass(frozen=True, eq=False)
class FeatureInputs:
    """Pooled features of pictures, computed once: `features` float32 (1 or 2, n, K), the second of mirrored pictures."""

    features: np.ndarray
    labels: np.ndarray

    def take(self, indices: np.ndarray, mirrored: np.ndarray) -> np.ndarray:
        """See `PixelInputs`."""
        return self.features[mirrored.astype(int), indices]


Inputs = PixelInputs | FeatureInputs  # what a network is trained on, by index, as it is or mirrored


def _labels_of(pictures: Pictures, classifier: Classifier) -> np.ndarray:
    """int32 (n,); of a classifier of pictures with several classes float32 (n, classes), 1 for each that is present."""
    several = classifier.readout.activation == "sigmoid"
    return pictures.present(classifier.class_count) if several else pictures.labels


@keras.saving.register_keras_serializable("dogcam")
class HitAtOne(keras.metrics.Mean):
    """The share of pictures with a class whose highest-scored class is among theirs; pictures without any do not count.

    Hit@1 (Abu-El-Haija et al. 2016, arXiv:1609.08675): the accuracy where each picture has one class.
    """

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Keras calls this with (B, classes) twice."""
        first = keras.ops.one_hot(keras.ops.argmax(y_pred, axis=-1), y_true.shape[-1])
        super().update_state(keras.ops.sum(y_true * first, axis=-1), sample_weight=keras.ops.max(y_true, axis=-1))


class _Batches(keras.utils.PyDataset):
    """Batches of one epoch for Keras, in an order and with flips that follow from (seed, epoch) alone."""

    def __init__(self, inputs: Inputs, batch_size: int, seed: int | None = None, epoch: int = 0, flip: bool = False):
        super().__init__()
        count = len(inputs.labels)
        random = np.random.default_rng((seed or 0, epoch))
        self.inputs, self.batch_size = inputs, batch_size
        self.order = np.arange(count) if seed is None else random.permutation(count)
        self.mirrored = random.random(count) < 0.5 if flip else np.zeros(count, bool)

    def __len__(self) -> int:
        return -(-len(self.order) // self.batch_size)

    def __getitem__(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        chosen = self.order[number * self.batch_size : (number + 1) * self.batch_size]
        return self.inputs.take(chosen, self.mirrored[chosen]), self.inputs.labels[chosen]


class _Watch(keras.callbacks.Callback):
    """Advances a step with each batch, and calls `estimate` with the seconds a batch takes, once."""

    def __init__(self, step: Step, estimate: Callable[[float], None]):
        super().__init__()
        self.step, self.estimate, self.times = step, estimate, [time.perf_counter()]

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Keras calls this."""
        self.step.advance(text=f"loss {(logs or {}).get('loss', float('nan')):.4f}")
        self.times.append(time.perf_counter())
        if len(self.times) == ESTIMATE_AFTER + 1:
            self.estimate(float(np.median(np.diff(self.times)[ESTIMATE_SKIPS:])))


def features_of(
    classifier: Classifier, pictures: Pictures, batch_size: int, mirrored_too: bool, title: str, progress: Progress
) -> FeatureInputs:
    """What feeds the head, for every picture (and its mirror image), in inference mode."""
    body = keras.Model(classifier.model.input, classifier.head.input)
    compute = tf.function(lambda images: body(images, training=False), reduce_retracing=True)
    variants = (False, True) if mirrored_too else (False,)
    source = PixelInputs(pictures, classifier)
    features = np.empty((len(variants), len(pictures.records), body.output_shape[-1]), np.float32)
    with progress.task(title, len(variants) * len(pictures.records)) as step:
        for variant, mirror in enumerate(variants):
            for part in pictures.batches(batch_size):
                indices = np.arange(len(pictures.records))[part]
                inputs = source.take(indices, np.full(len(indices), mirror))
                features[variant, part] = compute(tf.convert_to_tensor(inputs)).numpy()
                step.advance(len(indices))
    return FeatureInputs(features, _labels_of(pictures, classifier))


def inputs_of(config: TrainConfig, classifier: Classifier, pictures: Pictures, split: str, progress: Progress) -> Inputs:
    """The pictures of a split; their features where only the head learns."""
    if config.trainable != "head":
        return PixelInputs(pictures, classifier)
    mirrored = split == "train" and config.augment == "flip"
    return features_of(classifier, pictures, config.batch_size, mirrored, f"features of {split}", progress)


def head_of(classifier: Classifier) -> keras.Model:
    """A model of the head alone, with weights of its own that begin as the classifier's."""
    dense = classifier.head
    model = keras.Sequential([keras.Input((dense.kernel.shape[0],)), keras.layers.Dense(dense.units, name=LOGITS_NAME)])
    model.set_weights(dense.get_weights())
    return model


def set_trainable(classifier: Classifier, trainable: str) -> None:
    """Let "all" layers learn, or those from the first whose name begins with `trainable`.

    Raises:
        LayerError: no layer's name begins so.
    """
    layers = classifier.model.layers
    names = [layer.name for layer in layers]
    first = 0 if trainable == "all" else next((i for i, name in enumerate(names) if name.startswith(trainable)), None)
    if first is None:
        close = ", ".join(nearest(trainable, names) or classifier.stages)
        raise LayerError(
            f"--trainable must be all, head or the beginning of a layer's name; no layer of {classifier.name} begins "
            f"with {trainable!r}; there are {close}"
        )
    for position, layer in enumerate(layers):
        layer.trainable = position >= first


@dataclass(frozen=True, eq=False)
class Job:
    """What all runs of an experiment share: the data, the network and where results go."""

    config: TrainConfig
    experiment: Experiment
    train: Inputs
    test: Inputs
    progress: Progress
    announced: list[str] = field(default_factory=list)  # estimates that were given: one is enough

    def steps(self) -> int:
        """Batches in an epoch."""
        return -(-len(self.train.labels) // self.config.batch_size)


def train_run(job: Job, run: int, fresh: Callable[[], keras.Model], keep: Callable[[keras.Model], keras.Model]) -> None:
    """Train one run from its last finished epoch on.

    After every epoch: the model with its optimiser's state, the kept epoch, then the history, in this order, so that
    an interruption anywhere leaves something to resume from.

    Args:
        fresh: builds the network to fit, seeded before it is called.
        keep: fitted network -> the whole model to keep.
    """
    config, experiment = job.config, job.experiment
    done = max((row.epoch for row in experiment.history() if row.run == run), default=0)
    if done >= config.epochs:
        experiment.drop_unfinished(run)  # what a kill after the last epoch may have left
        return
    seed_everything(config.seed + run)
    several = job.train.labels.ndim > 1
    network = _resumed(experiment, run, done) if done else _compiled(fresh(), config, several)
    for epoch in range(done + 1, config.epochs + 1):
        rows = _train_epoch(job, network, run, epoch)
        with written_whole(experiment.unfinished(run, epoch)) as temporary:
            network.save(temporary)
        if epoch in config.checkpoints:
            with written_whole(experiment.checkpoint(run, epoch)) as temporary:
                keep(network).save(temporary)
        job.progress.history(experiment.add_history(rows))
        experiment.drop_unfinished(run, but=epoch)
    experiment.drop_unfinished(run)


def _compiled(network: keras.Model, config: TrainConfig, several: bool) -> keras.Model:
    """`network`, ready to be fitted: to one class a picture, or to `several`."""
    loss = keras.losses.BinaryCrossentropy if several else keras.losses.SparseCategoricalCrossentropy
    accuracy = HitAtOne if several else keras.metrics.SparseCategoricalAccuracy
    network.compile(
        optimizer=OPTIMIZER_CLASSES[config.optimizer](config.learning_rate),
        loss=loss(from_logits=True),
        # Keras's is the mean over classes; times their number it is the sum.
        loss_weights=[float(network.output_shape[-1])] if several else None,
        metrics=[accuracy(name="accuracy")],
        # Keras would compile with XLA, which makes convolutions several times slower on a processor.
        jit_compile="auto" if _accelerated() else False,
    )
    return network


def _accelerated() -> bool:
    return bool(tf.config.list_physical_devices("GPU"))


def _resumed(experiment: Experiment, run: int, epoch: int) -> keras.Model:
    path = experiment.unfinished(run, epoch)
    if not path.exists():
        raise ExperimentError(
            f"{experiment.path} cannot be continued: {path.name} of run {run} is missing; train it anew under another --name"
        )
    return keras.models.load_model(path, safe_mode=True)


def _train_epoch(job: Job, network: keras.Model, run: int, epoch: int) -> list[HistoryRow]:
    config = job.config
    seed = config.seed + run
    batches = _Batches(job.train, config.batch_size, seed, epoch, config.augment == "flip")
    estimate = partial(_estimate, job, (config.runs - run) * config.epochs + config.epochs - epoch + 1)
    with job.progress.task(f"run {run}/{config.runs} epoch {epoch}/{config.epochs}", len(batches)) as step:
        fitted = network.fit(batches, epochs=1, verbose=0, shuffle=False, callbacks=[_Watch(step, estimate)])
        measured = network.evaluate(_Batches(job.test, config.batch_size), verbose=0, return_dict=True)
    trained = {name: values[-1] for name, values in fitted.history.items()}
    return [
        HistoryRow(run, epoch, split, float(values["accuracy"]), float(values["loss"]))
        for split, values in (("train", trained), ("test", measured))
    ]


def _estimate(job: Job, epochs_left: int, batch_seconds: float) -> None:
    """Say so, once, where the epochs that are left would take hours without an accelerator."""
    if job.announced or _accelerated():
        return
    total = batch_seconds * job.steps() * epochs_left
    job.announced.append(long_training(total, batch_seconds, job))
    if total > LONG_SECONDS and job.config.trainable != "head":
        job.progress.warn(job.announced[-1])


def long_training(total: float, batch_seconds: float, job: Job) -> str:
    """The warning for hours of training, with what is faster: a forward pass costs about a third of a training step."""
    config = job.config
    pictures = len(job.train.labels) + len(job.test.labels)
    head = hours(batch_seconds / 3 * pictures / config.batch_size)
    faster = "a smaller --backbone or fewer pictures (--limit)"
    if config.weights != "none":  # a head on random features would be quick and worthless
        faster = f"--trainable head, about {head} for all runs; or {faster}"
    return (
        f"on this processor the epochs that are left will take about {hours(total)} (a batch of {config.batch_size} takes "
        f"{batch_seconds:.1f} s). Faster: {faster}. Ctrl-C at any time: --resume goes on"
    )


def hours(seconds: float) -> str:
    """ "2.5 hours" or "12 minutes"."""
    return f"{seconds / 3600:.1f} hours" if seconds >= LONG_SECONDS else f"{max(1, round(seconds / 60))} minutes"


def choose_trainer(
    classifier: Classifier, config: TrainConfig, build: Callable[[], Classifier]
) -> tuple[Callable[[], keras.Model], Callable[[Any], keras.Model]]:
    """How a run makes its network and what it keeps of it.

    Returns:
        (fresh, keep) as `train_run` takes them. With the head alone, the network is the head and what is kept is the
        whole classifier with that head; otherwise each run builds the classifier anew from its own seed.
    """
    if config.trainable == "head":
        return lambda: _fresh_head(classifier), lambda head: _with_head(classifier, head)

    def fresh() -> keras.Model:
        built = build()
        set_trainable(built, config.trainable)
        return built.model

    return fresh, _without_optimizer


def _fresh_head(classifier: Classifier) -> keras.Model:
    head = head_of(classifier)
    dense = head.layers[-1]
    dense.set_weights([keras.initializers.GlorotUniform()(dense.kernel.shape), np.zeros(dense.units, np.float32)])
    return head


def _with_head(classifier: Classifier, head: keras.Model) -> keras.Model:
    classifier.head.set_weights(head.get_weights())
    return classifier.model


def _without_optimizer(network: keras.Model) -> keras.Model:
    """The same layers as a model that was never compiled, so that its file holds no optimiser."""
    return keras.Model(network.input, network.output, name=network.name)


def seed_everything(seed: int) -> None:
    """Seed Python, NumPy and TensorFlow, so that what is built next is the same each time."""
    keras.utils.set_random_seed(seed)
