"""The network asked about masked pictures: against the same network written in NumPy, and on a trained one."""

from __future__ import annotations

from contextlib import contextmanager
from types import SimpleNamespace

import keras
import numpy as np
import pytest
from keras import layers

from dogcam.core.errors import InputError
from dogcam.core.progress import Progress, Step
from dogcam.data import NO_BOXES, Record
from dogcam.data.pipeline import Pictures
from dogcam.engine import HeatmapEngine, Heatmaps, plan_cells
from dogcam.engine.targets import NOBODY, PREDICTED, Target
from dogcam.metrics import faithfulness as formulas
from dogcam.metrics.faithfulness import BOXED_ONLY, FAITHFULNESS
from dogcam.models.classifier import Classifier, load_trained
from dogcam.scoring import faithfulness
from dogcam.scoring.faithfulness import faithfulness_of, faithfulness_targets

SIZE, STEPS, CLASSES = (10, 14), 4, 3
OPTIONS = {"steps": STEPS, "batch_size": 2, "mask_batch": 5, "progress": Progress(), "title": "asked"}
# Positive, so that no pixel speaks against a class, and crooked, so that no two are equal.
KERNEL = np.array([[9.137, 1.311, 2.917], [3.071, 8.533, 1.713], [2.031, 1.219, 7.877]], np.float32)
BIAS = np.array([-0.9, 0.5, 0.2], np.float32)


@pytest.fixture(scope="module")
def linear():
    """Mean colours times KERNEL: every class is for one colour. Both of its layers are the colours themselves."""
    inputs = keras.Input((*SIZE, 3))
    same, again = (layers.Conv2D(3, 1, use_bias=False, name=name) for name in ("same", "again"))
    pooled = layers.GlobalAveragePooling2D()(again(same(inputs)))
    head = layers.Dense(CLASSES, name="logits")
    model = keras.Model(inputs, head(pooled))
    for layer in (same, again):
        layer.set_weights([np.eye(3, dtype=np.float32)[None, None]])
    head.set_weights([KERNEL, BIAS])
    return Classifier(model, lambda pixels: pixels / np.float32(255), ("red", "green", "blue"), name="linear")


@pytest.fixture(scope="module")
def pictures():
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (5, *SIZE, 3), np.uint8)
    images[:, 2:6, 3:9, 0] = 255
    box = np.array([[3 / 14, 0.2, 9 / 14, 0.6]], np.float32)
    labels, where = (0, 1, None, 2, 0), (box, NO_BOXES, box, NO_BOXES, box)
    records = [
        Record(f"p{n}", SimpleNamespace(), label, boxes) for n, (label, boxes) in enumerate(zip(labels, where, strict=True))
    ]
    return Pictures(tuple(records), images, np.tile(np.int32(SIZE), (5, 1)), ())


def probability(inputs, target):
    logits = inputs.mean(axis=(0, 1), dtype=np.float64) @ KERNEL + BIAS
    powers = np.exp(logits - logits.max())
    return powers[target] / powers.sum()


def gradcam(inputs, target):
    """With S linear in the means, ReLU of the pixel's own part."""
    return np.maximum(inputs.astype(np.float64) @ KERNEL[:, target], 0) / np.prod(SIZE)


def expected(image, target, boxes):
    """All scores of a picture, one changed copy after the other."""
    x = image.astype(np.float32) / np.float32(255)
    warm = gradcam(x, target)
    masked = x * formulas.min_max(warm)[..., None]
    y, o = probability(x, target), probability(masked, target)
    order = np.argsort(-warm, axis=None)
    back, gone = [], []
    for step in range(STEPS + 1):
        mask = np.zeros(warm.size, bool)
        mask[order[: round(step * warm.size / STEPS)]] = True
        shown = mask.reshape(SIZE)[..., None]
        back.append(probability(np.where(shown, x, formulas.blurred(x)), target))
        gone.append(probability(np.where(shown, 0, x), target))
    parts, noise = [], formulas.imputation_noise(x)
    for share in (0.2, 0.4, 0.6, 0.8):
        count = round(share * warm.size)
        for chosen, sign in ((order[:count], -1), (order[warm.size - count :], 1)):
            missing = np.zeros(warm.size, bool)
            missing[chosen] = True
            parts.append(sign * probability(formulas.imputed(x, missing.reshape(SIZE), noise), target))
    r = np.corrcoef(warm.ravel(), gradcam(masked, target).ravel())[0, 1]
    mean = ((warm - warm.min()) / (warm.max() - warm.min())).mean()
    lost = max(y - o, 0) / y
    found = {
        "insertion": (sum(back) - (back[0] + back[-1]) / 2) / STEPS,
        "deletion": (sum(gone) - (gone[0] + gone[-1]) / 2) / STEPS,
        "road": sum(parts) / 4,
        "drop": lost,
        "increase": float(o > y),
        "coherency": (r + 1) / 2,
        "complexity": mean,
        "adcc": 3 / (2 / (r + 1) + 1 / (1 - mean) + 1 / (1 - lost)),
        "pointing": np.nan,
        "energy": np.nan,
    }
    if len(boxes):
        inside = np.zeros(SIZE, bool)
        inside[2:6, 3:9] = True
        found |= {"pointing": float(inside.ravel()[order[0]]), "energy": warm[inside].sum() / warm.sum()}
    return found


TARGETS = np.array([[0, NOBODY], [1, NOBODY], [PREDICTED, NOBODY], [2, NOBODY], [-2, NOBODY]])


@pytest.fixture(scope="module")
def scored(linear, pictures):
    engine = HeatmapEngine(linear, [("gradcam", "same")])
    return faithfulness_of(engine, pictures, np.arange(5), TARGETS, **OPTIONS)["gradcam", "same"]


@pytest.mark.parametrize("position", range(5))
def test_every_score_is_what_the_network_on_paper_says(scored, pictures, position):
    found = expected(pictures.images[position], scored["target"][position], pictures.records[position].boxes)
    assert set(found) == set(FAITHFULNESS)
    for name, value in found.items():
        assert scored[name][position] == pytest.approx(value, abs=2e-4, nan_ok=True), name


def test_what_stands_beside_the_scores(scored, pictures, linear):
    logits = linear.model.predict(linear.inputs_of(pictures.images), verbose=0)
    assert scored["image"].tolist() == ["p0", "p1", "p2", "p3", "p4"]
    assert scored["label"].tolist() == [0, 1, None, 2, 0]
    assert scored["boxed"].tolist() == [True, False, True, False, True]
    np.testing.assert_array_equal(scored["predicted"], logits.argmax(axis=1))
    order = np.argsort(-logits, axis=1)
    np.testing.assert_array_equal(scored["target"], [0, 1, order[2, 0], 2, order[4, 1]])
    assert all(scored[name].dtype == np.float32 for name in FAITHFULNESS)
    for name in FAITHFULNESS:
        unknown = ~scored["boxed"] if name in BOXED_ONLY else np.zeros(5, bool)
        np.testing.assert_array_equal(np.isnan(scored[name]), unknown)


@pytest.mark.parametrize(("batch_size", "mask_batch"), [(1, 1), (5, 64)])
def test_neither_batch_changes_what_is_found(linear, pictures, scored, batch_size, mask_batch):
    engine = HeatmapEngine(linear, [("gradcam", "same")])
    options = {**OPTIONS, "batch_size": batch_size, "mask_batch": mask_batch}
    again = faithfulness_of(engine, pictures, np.arange(5), TARGETS, **options)["gradcam", "same"]
    for name in FAITHFULNESS:
        np.testing.assert_allclose(again[name], scored[name], atol=1e-5)


def test_the_pictures_asked_for_are_scored_with_their_own_targets(linear, pictures, scored):
    engine = HeatmapEngine(linear, [("gradcam", "same")])
    some = faithfulness_of(engine, pictures, np.array([4, 1]), TARGETS, **OPTIONS)["gradcam", "same"]
    assert some["image"].tolist() == ["p4", "p1"]
    for name in ("target", *FAITHFULNESS):
        np.testing.assert_allclose(some[name], scored[name][[4, 1]], atol=1e-5)
    none = faithfulness_of(engine, pictures, np.zeros(0, int), TARGETS, **OPTIONS)["gradcam", "same"]
    assert {len(column) for column in none.values()} == {0}


class Counting(Progress):
    def __init__(self):
        self.tasks = {}

    @contextmanager
    def task(self, title, total=None):
        done = self.tasks.setdefault(title, [total, 0])

        class Each(Step):
            def advance(self, units=1, text=""):
                done[1] += units

        yield Each()


def test_every_picture_is_heard_of_and_no_batch_is_too_large(linear, pictures, monkeypatch):
    sizes = []

    class Watched(faithfulness.Network):
        @property
        def scores_of(self):
            def compute(inputs, signs):
                sizes.append(len(inputs))
                return super(Watched, self).scores_of(inputs, signs)

            return compute

    monkeypatch.setattr(faithfulness, "Network", Watched)
    heard = Counting()
    engine = HeatmapEngine(linear, [("gradcam", "same"), ("eigencam", "same")])
    faithfulness_of(engine, pictures, np.arange(3), TARGETS, **{**OPTIONS, "progress": heard})
    assert heard.tasks == {"asked": [3, 3]}
    assert max(sizes) == OPTIONS["mask_batch"]
    # As promised: 2 for each picture, and for each of its maps twice the steps between the ends and the 8 of ROAD.
    assert sum(sizes) == 3 * (2 + 2 * (2 * (STEPS - 1) + 8))


class Drawn:
    """An engine whose maps are given, and which remembers what it was asked; it answers with the network on paper."""

    fused, fuse, score, smooth = {}, None, "logit", ()

    def __init__(self, classifier, maps, predicted=0):
        self.classifier, self.drawn, self.predicted, self.asked = classifier, maps, predicted, []
        self.cells = self.plain = list(maps)

    def __call__(self, inputs, targets, against):
        self.asked.append((inputs, np.asarray(targets), np.asarray(against)))
        logits = inputs.mean(axis=(1, 2)) @ KERNEL + BIAS
        chosen = np.where(targets < 0, self.predicted, targets).astype(np.int32)
        opposed = np.where(against == NOBODY, -1, against).astype(np.int32)
        return Heatmaps({cell: np.stack([draw(x) for x in inputs]) for cell, draw in self.drawn.items()}, logits, chosen, opposed)


def test_the_masked_picture_is_explained_for_the_same_classes(linear, pictures):
    engine = Drawn(linear, {("gradcam", "same"): lambda x: x[..., 0]}, predicted=1)
    targets = np.array([[PREDICTED, NOBODY], [2, 0]])
    faithfulness_of(engine, pictures, np.arange(2), targets, **OPTIONS)
    (first, *_), (masked, chosen, opposed) = engine.asked
    np.testing.assert_array_equal(chosen, [1, 2])
    np.testing.assert_array_equal(opposed, [NOBODY, 0])
    masks = np.stack([formulas.min_max(x[..., 0]) for x in first])
    np.testing.assert_allclose(masked, first * masks[..., None], atol=1e-6)


def test_the_negative_part_of_a_map_does_not_count(linear, pictures):
    def signed(x):
        return x[..., 0] - 0.5

    cells = {("gradcam", "same"): signed, ("cam", "same"): lambda x: np.maximum(signed(x), 0)}
    found = faithfulness_of(Drawn(linear, cells), pictures, np.arange(3), TARGETS, **OPTIONS)
    for name in FAITHFULNESS:
        np.testing.assert_array_equal(found["gradcam", "same"][name], found["cam", "same"][name])


def test_a_map_that_shows_nothing_is_scored_all_the_same(linear, pictures):
    def nothing(x):
        return np.zeros(x.shape[:2], np.float32)

    found = faithfulness_of(Drawn(linear, {("cam", "same"): nothing}), pictures, np.arange(5), TARGETS, **OPTIONS)["cam", "same"]
    for name in ("coherency", "complexity", "adcc"):
        np.testing.assert_array_equal(found[name], 0)
    np.testing.assert_allclose(found["road"], 0, atol=1e-6)
    assert np.isfinite([found["insertion"], found["deletion"], found["drop"], found["increase"]]).all()
    np.testing.assert_array_equal(found["pointing"][found["boxed"]], 0)


def test_cells_that_probe_score_as_they_do_alone(linear, pictures):
    cells = [("gradcam", "same"), ("ablationcam", "same"), ("random-map", "input")]
    together = faithfulness_of(HeatmapEngine(linear, cells), pictures, np.arange(2), TARGETS, **OPTIONS)
    assert list(together) == cells
    for cell in cells:
        alone = faithfulness_of(HeatmapEngine(linear, [cell]), pictures, np.arange(2), TARGETS, **OPTIONS)[cell]
        for name in FAITHFULNESS:
            np.testing.assert_allclose(together[cell][name], alone[name], atol=1e-5)


def test_unlabelled_pictures_are_explained_for_what_is_predicted(linear, pictures):
    target = Target.parse("true", linear.class_index)
    assert faithfulness_targets(target, pictures.records).tolist() == [
        [0, NOBODY],
        [1, NOBODY],
        [PREDICTED, NOBODY],
        [2, NOBODY],
        [0, NOBODY],
    ]
    assert faithfulness_targets(Target.parse("blue:true", linear.class_index), pictures.records[2:3]).tolist() == [[2, PREDICTED]]
    assert faithfulness_targets(target, []).shape == (0, 2)
    with pytest.raises(InputError, match="true class is not known"):
        target.of(None, "p2")  # what the helper is there for


def test_a_trained_network_is_asked(trained, pictures):
    classifier = load_trained(trained.experiment, 1, 2)
    size = classifier.size
    images = np.random.default_rng(1).integers(0, 256, (2, *size, 3), np.uint8)
    shown = Pictures(pictures.records[:2], images, np.tile(np.int32(size), (2, 1)), ())
    engine = HeatmapEngine(classifier, plan_cells(classifier, ("cam", "gradcam", "centre-gaussian")))
    targets = faithfulness_targets(Target.parse("true", classifier.class_index), shown.records)
    found = faithfulness_of(engine, shown, np.arange(2), targets, **OPTIONS)
    (cam, gradcam, centre) = (found[cell] for cell in engine.cells)
    for name in FAITHFULNESS:
        low = -1 if name == "road" else 0
        there = cam[name][np.isfinite(cam[name])]
        assert len(there) == (1 if name in BOXED_ONLY else 2)
        assert ((low <= there) & (there <= 1)).all(), name
        # Grad-CAM is the ReLU of CAM by a factor, and neither matters here; but the centre is another map.
        np.testing.assert_allclose(cam[name], gradcam[name], atol=2e-3)
    assert not np.allclose(cam["insertion"], centre["insertion"], atol=2e-3)


@pytest.mark.parametrize("more", [[], [("random-map", "input")]])
def test_a_fused_map_is_scored_like_any(linear, pictures, scored, more):
    """Both layers have the same map, and so has what is made of them."""
    engine = HeatmapEngine(linear, [("gradcam", "same"), ("gradcam", "again"), *more], fuse="max")
    found = faithfulness_of(engine, pictures, np.arange(2), TARGETS, **OPTIONS)
    for name in FAITHFULNESS:
        np.testing.assert_allclose(found["gradcam", "max(same+again)"][name], scored[name][:2], atol=1e-4)
