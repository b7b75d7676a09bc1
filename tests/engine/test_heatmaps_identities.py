"""Closed forms and published identities: at the layer that feeds the pooling, and against finite differences in Keras."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from dogcam.engine import NOBODY, PREDICTED, HeatmapEngine
from dogcam.methods import METHODS
from dogcam.models.classifier import Classifier, build


def small_network(height=12, width=16, classes=4, activation=None) -> Classifier:
    """Two convolutions, pooling and a dense layer on NON-square input, with seeded weights."""
    keras.utils.set_random_seed(5)
    inputs = keras.Input((height, width, 3))
    x = keras.layers.Conv2D(5, 3, padding="same", activation="tanh", name="first")(inputs)
    x = keras.layers.Conv2D(6, 3, strides=2, padding="same", activation="relu", name="second")(x)
    x = keras.layers.GlobalAveragePooling2D(name="pool")(x)
    outputs = keras.layers.Dense(classes, activation=activation, name="out", bias_initializer="normal")(x)
    model = keras.Model(inputs, outputs)
    return Classifier(model, lambda images: images, tuple("abcdefgh"[:classes]), ("first", "second"), "small")


@pytest.fixture(scope="module")
def small():
    return small_network()


@pytest.fixture(scope="module")
def batch():
    return np.random.default_rng(3).normal(size=(5, 12, 16, 3)).astype(np.float32)


def run(classifier, cells, batch, targets=None, score="logit"):
    return HeatmapEngine(classifier, cells, score)(batch, targets)


def activations(classifier, layer, batch):
    return keras.Model(classifier.model.input, classifier.model.get_layer(layer).output)(batch).numpy()


def test_cam_is_the_sum_over_channels_weighted_by_the_kernel(small, batch):
    targets = np.array([0, 1, 2, 3, 0])
    found = run(small, [("cam", "second")], batch, targets).maps["cam", "second"]
    kernel = small.model.get_layer("out").kernel.numpy()
    features = activations(small, "second", batch)
    for image, target in enumerate(targets):
        for i in range(6):
            for j in range(8):
                expected = sum(kernel[k, target] * features[image, i, j, k] for k in range(6))
                assert found[image, i, j] == pytest.approx(expected, abs=1e-5)


def test_the_mean_of_cam_is_the_logit_without_its_bias(small, batch):
    targets = np.array([3, 2, 1, 0, 3])
    found = run(small, [("cam", "second")], batch, targets)
    bias = small.model.get_layer("out").bias.numpy()
    logits = small.model.predict(batch, verbose=0)[np.arange(5), targets]
    np.testing.assert_allclose(found.maps["cam", "second"].mean(axis=(1, 2)), logits - bias[targets], atol=1e-5)


@pytest.mark.parametrize("score", ["logit", "softmax"])
def test_gradcam_agrees_with_finite_differences(small, batch, score):
    """The gradient of the score by the first layer's activations, one by one, without automatic differentiation."""
    image, target = batch[:1], 2
    tail = keras.Sequential([keras.Input((12, 16, 5)), *[small.model.get_layer(n) for n in ("second", "pool", "out")]])
    features = activations(small, "first", image).astype(np.float64)[0]

    def scores(variants):
        logits = tail.predict(np.asarray(variants, np.float32), verbose=0, batch_size=512).astype(np.float64)
        powers = np.exp(logits - logits.max(axis=1, keepdims=True))
        return logits[:, target] if score == "logit" else (powers / powers.sum(axis=1, keepdims=True))[:, target]

    step = 1e-2
    gradient = np.zeros(features.size)
    for start in range(0, features.size, 240):
        indices = range(start, min(start + 240, features.size))
        moved = np.repeat(features[None], 2 * len(indices), axis=0)
        for row, index in enumerate(indices):
            moved[2 * row].flat[index] += step
            moved[2 * row + 1].flat[index] -= step
        up_down = scores(moved).reshape(-1, 2)
        gradient[list(indices)] = (up_down[:, 0] - up_down[:, 1]) / (2 * step)
    weights = gradient.reshape(features.shape).mean(axis=(0, 1))
    expected = np.maximum((features * weights).sum(axis=-1), 0)

    found = run(small, [("gradcam", "first")], image, np.array([target]), score).maps["gradcam", "first"][0]
    assert expected.max() > 0
    np.testing.assert_allclose(found, expected, atol=2e-3 * expected.max())


def test_each_image_is_explained_for_its_own_target(small, batch):
    targets = np.array([0, 1, 2, 3, PREDICTED])
    mixed = run(small, [("gradcam", "second")], batch, targets)
    predicted = small.model.predict(batch, verbose=0).argmax(axis=1)
    assert mixed.targets.tolist() == [0, 1, 2, 3, predicted[4]]
    for target in range(4):
        same = run(small, [("gradcam", "second")], batch, np.full(5, target))
        np.testing.assert_allclose(mixed.maps["gradcam", "second"][target], same.maps["gradcam", "second"][target], atol=1e-6)
    others = run(small, [("gradcam", "second")], batch, (targets + 1) % 4).maps["gradcam", "second"]
    assert not np.allclose(others, mixed.maps["gradcam", "second"])


def test_a_softmax_head_is_read_as_logits_and_left_as_it_was(batch):
    soft = small_network(activation="softmax")
    before = [weight.copy() for weight in soft.model.get_weights()], soft.model.get_config()
    found = run(soft, [("cam", "second"), ("gradcam", "second")], batch)
    plain = run(small_network(), [("cam", "second"), ("gradcam", "second")], batch)
    np.testing.assert_allclose(found.logits, plain.logits, atol=1e-5)
    np.testing.assert_allclose(found.maps["gradcam", "second"], plain.maps["gradcam", "second"], atol=1e-6)
    assert soft.model.get_config() == before[1]
    for now, then in zip(soft.model.get_weights(), before[0], strict=True):
        np.testing.assert_array_equal(now, then)


IN_THE_FIRST_FAMILY = tuple(name for name, row in METHODS.items() if row.cam_when_pooled)
IN_THE_SECOND_FAMILY = ("layercam", "gradcam-elementwise", "gradcam++")


def plus_plus(classifier, inputs, targets):
    """Grad-CAM++ there, in closed form: g = w / Z everywhere, so its channel weights are ReLU(w) / (2 + w mean(A))."""
    features = activations(classifier, classifier.pooled_layer(), inputs)
    kernel = classifier.head.kernel.numpy()[:, targets].T
    weights = np.maximum(kernel, 0) / (2 + kernel * features.mean(axis=(1, 2)))
    return np.maximum(np.einsum("bijk,bk->bij", features, weights), 0)


def check_identities(classifier, inputs, targets):
    """At the layer that feeds the pooling, with a logit score."""
    layer = classifier.pooled_layer()
    names = ("cam", *IN_THE_FIRST_FAMILY, *IN_THE_SECOND_FAMILY)
    found = run(classifier, [(name, layer) for name in names], inputs, targets)
    maps = {name: each for (name, _), each in found.maps.items()}
    expected = np.maximum(maps["cam"], 0) / (maps["cam"].shape[1] * maps["cam"].shape[2])
    assert expected.max() > 0
    for name in IN_THE_FIRST_FAMILY:
        assert np.abs(maps[name] - expected).max() <= 1e-5 * expected.max(), name
    second = maps["layercam"]
    assert np.abs(maps["gradcam-elementwise"] - second).max() <= 1e-5 * second.max()
    np.testing.assert_allclose(
        maps["gradcam++"], plus_plus(classifier, inputs, found.targets), atol=1e-4 * maps["gradcam++"].max()
    )
    assert not np.allclose(second / second.max(), expected / expected.max(), atol=0.05), "two families, not one"


@pytest.mark.parametrize("backbone", ["resnet50", "mobilenet_v2"])
def test_gradcam_at_the_pooled_layer_is_relu_of_cam_over_the_area(backbone):
    """Selvaraju et al. 2017, "Grad-CAM generalizes CAM": exact, for every class, with a logit score; and its kin."""
    keras.utils.set_random_seed(1)
    classifier = build(backbone, tuple("abcdefghij"), weights="none")
    inputs = classifier.inputs_of(np.random.default_rng(2).integers(0, 256, (3, 224, 224, 3), np.uint8))
    check_identities(classifier, inputs, np.array([PREDICTED, 4, 9]))


@pytest.mark.parametrize("name", [name for name, row in METHODS.items() if row.at_layer and not row.baseline])
def test_the_flag_of_a_method_says_whether_it_is_relu_of_cam_there(small, batch, name):
    """Both ways: what has no flag is another map there, whatever it is multiplied by."""
    found = run(small, [("cam", "second"), (name, "second")], batch, np.array([0, 1, 2, 3, 0])).maps
    cam, own = np.maximum(found["cam", "second"], 0) / 48, found[name, "second"]
    if METHODS[name].cam_when_pooled:
        np.testing.assert_allclose(own, cam, atol=1e-5 * cam.max())
    else:
        first, second = (each / np.linalg.norm(each, axis=(1, 2), keepdims=True) for each in (own, cam))
        assert first.shape != second.shape or np.abs(first - second).max() > 0.01


def test_gradcam_equals_cam_with_real_weights_on_real_photographs(real_data):
    from dogcam.data.opening import open_dataset
    from dogcam.data.pipeline import squash
    from dogcam.models.classifier import imagenet_classifier

    weights = real_data / "weights" / "mobilenet_v2_224_imagenet.weights.h5"
    classifier = imagenet_classifier("mobilenet_v2", str(weights), ())
    records = open_dataset("stanford_dogs", str(real_data / "stanford_dogs_10")).splits["test"][::100]
    pictures = np.stack([squash(record.image.pixels(), (224, 224)) for record in records])
    assert len(pictures) == 8
    check_identities(classifier, classifier.inputs_of(pictures), None)


def test_with_a_softmax_score_the_weights_are_those_of_the_paper(small, batch):
    """p_c (w_c - sum_j p_j w_j) in place of w_c, from the derivative of the softmax."""
    targets = np.array([0, 1, 2, 3, 0])
    found = run(small, [("gradcam", "second")], batch, targets, "softmax").maps["gradcam", "second"]
    kernel, logits = small.model.get_layer("out").kernel.numpy(), small.model.predict(batch, verbose=0)
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    features = activations(small, "second", batch)
    for image, target in enumerate(targets):
        share = shares[image]
        weights = share[target] * (kernel[:, target] - kernel @ share) / 48
        expected = np.maximum(features[image] @ weights, 0)
        np.testing.assert_allclose(found[image], expected, atol=1e-6)


@pytest.mark.parametrize(("first", "second"), [(0, 3), (2, 1)])
def test_a_contrast_is_explained_by_the_difference_of_the_classes(small, batch, first, second):
    """S_A - S_B: cam(A:B) = cam(A) - cam(B), and Grad-CAM is that of the difference of the weights."""
    cells = [("cam", "second"), ("gradcam", "second"), ("hirescam", "first")]
    engine = HeatmapEngine(small, cells)

    def maps(target, against=NOBODY):
        return engine(batch, np.full(5, target), np.full(5, against)).maps

    both, one, other = maps(first, second), maps(first), maps(second)
    cam = one["cam", "second"] - other["cam", "second"]
    np.testing.assert_allclose(both["cam", "second"], cam, atol=1e-6)
    kernel = small.model.get_layer("out").kernel.numpy()
    weights = (kernel[:, first] - kernel[:, second]) / 48
    expected = np.maximum(activations(small, "second", batch) @ weights, 0)
    assert expected.max() > 0
    np.testing.assert_allclose(both["gradcam", "second"], expected, atol=1e-5 * expected.max())
    np.testing.assert_allclose(expected, np.maximum(cam, 0) / 48, atol=1e-6)
    assert not np.allclose(both["hirescam", "first"], one["hirescam", "first"])


def test_the_opposite_contrast_has_the_opposite_sign(small, batch):
    engine = HeatmapEngine(small, [("cam", "second")])
    there, back = (engine(batch, np.full(5, a), np.full(5, b)).maps["cam", "second"] for a, b in ((0, 2), (2, 0)))
    np.testing.assert_allclose(there, -back, atol=1e-6)


def test_finercam_at_the_pooled_layer_in_closed_form(small, batch):
    """F depends on the activations by their means alone: dF/dA = (dF/dmean) / Z, by differences of each mean."""
    target = 1
    kernel, bias = (each.astype(np.float64) for each in small.model.get_layer("out").get_weights())
    features = activations(small, "second", batch).astype(np.float64)
    pooled = features.mean(axis=(1, 2))

    def finer(means):
        logits = means @ kernel + bias
        others = [c for c in range(4) if c != target]  # of four classes the three nearest are all others
        powers = np.exp(logits[:, others])
        return (powers * (logits[:, [target]] - logits[:, others])).sum(axis=1) / powers.sum(axis=1)

    slopes = np.stack([(finer(pooled + step) - finer(pooled - step)) / 2e-6 for step in np.eye(6) * 1e-6], axis=1)
    expected = np.maximum(np.einsum("bijk,bk->bij", features, slopes / 48), 0)
    found = run(small, [("finercam", "second")], batch, np.full(5, target)).maps["finercam", "second"]
    np.testing.assert_allclose(found, expected, atol=1e-4 * expected.max())
