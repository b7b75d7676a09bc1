"""Maps put together: fused over layers against NumPy, smoothed against variations that are run one by one."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from dogcam.core.errors import OptionError, UnknownName
from dogcam.engine import INPUT, NOBODY, PREDICTED, HeatmapEngine, fused_cells, plan_cells
from dogcam.methods import METHODS

METHODS_USED = ("gradcam", "mean-activation", "saliency", "cam")
LAYERS = ("inside", "last")


@pytest.fixture(scope="module")
def classifier(networks):
    return networks.classifier(networks.smooth(10, 18))


@pytest.fixture(scope="module")
def batch():
    return np.random.default_rng(3).normal(size=(3, 10, 18, 3)).astype(np.float32)


def bilinear(picture, height, width):
    """Half-pixel centres, one pixel after the other."""
    found = np.zeros((height, width))
    for i in range(height):
        for j in range(width):
            y = min(max((i + 0.5) * picture.shape[0] / height - 0.5, 0), picture.shape[0] - 1)
            x = min(max((j + 0.5) * picture.shape[1] / width - 0.5, 0), picture.shape[1] - 1)
            top, left = int(y), int(x)
            below, right = min(top + 1, picture.shape[0] - 1), min(left + 1, picture.shape[1] - 1)
            upper = picture[top, left] * (1 - (x - left)) + picture[top, right] * (x - left)
            lower = picture[below, left] * (1 - (x - left)) + picture[below, right] * (x - left)
            found[i, j] = upper * (1 - (y - top)) + lower * (y - top)
    return found


class TestFusing:
    @pytest.mark.parametrize("how", ["mean", "max", "product"])
    @pytest.mark.parametrize("layers", [("inside", "last"), ("last", "block", "first")])
    def test_it_is_the_mean_maximum_or_product_of_shares(self, classifier, batch, how, layers):
        names = ("gradcam", "mean-activation")
        engine = HeatmapEngine(classifier, plan_cells(classifier, names, layers), fuse=how)
        found = engine(batch)
        for name in names:
            cell = name, f"{how}({'+'.join(layers)})"
            assert found.maps[cell].shape == (3, 5, 9)
            assert found.maps[cell].dtype == np.float32
            for picture in range(3):
                shares = []
                for layer in layers:
                    positive = np.maximum(found.maps[name, layer][picture].astype(np.float64), 0)
                    shares.append(bilinear(positive / (positive.max() or 1), 5, 9))
                combine = {"mean": np.mean, "max": np.max, "product": np.prod}[how]
                np.testing.assert_allclose(found.maps[cell][picture], combine(shares, axis=0), atol=1e-5)

    def test_the_bilinear_loop_is_that_of_opencv(self):
        small = np.random.default_rng(0).random((3, 5), np.float32)
        np.testing.assert_allclose(bilinear(small, 7, 11), cv2.resize(small, (11, 7)), atol=1e-6)

    def test_the_plain_maps_stay_as_they_are(self, classifier, batch):
        cells = plan_cells(classifier, METHODS_USED, LAYERS)
        plain, fused = HeatmapEngine(classifier, cells)(batch), HeatmapEngine(classifier, cells, fuse="max")(batch)
        assert list(fused.maps) == [*cells, ("gradcam", "max(inside+last)"), ("mean-activation", "max(inside+last)")]
        for cell in cells:
            np.testing.assert_array_equal(fused.maps[cell], plain.maps[cell])

    def test_a_layer_whose_map_is_empty_counts_as_zeros(self, networks, batch):
        model = networks.smooth(10, 18)
        model.get_layer("last").set_weights([w * 0 for w in model.get_layer("last").get_weights()])
        cells = [("mean-activation", "inside"), ("mean-activation", "last")]
        found = HeatmapEngine(networks.classifier(model), cells, fuse="mean")(batch)
        positive = np.maximum(found.maps["mean-activation", "inside"], 0)
        expected = positive / positive.max(axis=(1, 2), keepdims=True) / 2
        np.testing.assert_allclose(found.maps["mean-activation", "mean(inside+last)"], expected, atol=1e-6)

    def test_one_layer_alone_cannot_be_fused(self, classifier):
        for cells in ([("gradcam", "last")], [("saliency", INPUT), ("cam", "last")]):
            with pytest.raises(OptionError, match="--fuse mean needs a method at two layers or more; received"):
                HeatmapEngine(classifier, cells, fuse="mean")

    def test_unknown_ways_are_refused(self):
        with pytest.raises(UnknownName, match="product"):
            fused_cells([("gradcam", "a"), ("gradcam", "b")], "produkt")


VARIED = {
    ("flip",): [(False, 1), (True, 1)],
    ("scale",): [(False, 1), (False, 0.9), (False, 1.1)],
    ("flip", "scale"): [(m, f) for m in (False, True) for f in (1, 0.9, 1.1)],
}


class TestSmoothing:
    @pytest.mark.parametrize("smooth", VARIED)
    def test_it_is_the_mean_of_maps_of_varied_inputs(self, classifier, batch, smooth):
        cells = plan_cells(classifier, [*METHODS_USED, "scorecam"], LAYERS)
        against = np.array([NOBODY, 1, NOBODY])
        found = HeatmapEngine(classifier, cells, smooth=smooth)(batch, None, against)
        plain = HeatmapEngine(classifier, cells)
        targets = plain(batch, None, against).targets
        parts = []
        for mirrored, factor in VARIED[smooth]:
            maps = plain((batch[:, :, ::-1] if mirrored else batch) * np.float32(factor), targets, against).maps
            parts.append({cell: np.flip(each, axis=2) if mirrored else each for cell, each in maps.items()})
        for cell in cells:
            expected = np.mean([part[cell] for part in parts], axis=0)
            np.testing.assert_allclose(found.maps[cell], expected, atol=1e-5 * np.abs(expected).max() + 1e-8)
            assert found.maps[cell].dtype == np.float32
        np.testing.assert_array_equal(found.targets, targets)
        assert found.against.tolist() == [-1, 1, -1]

    def test_the_classes_are_those_of_the_plain_input(self, networks):
        """Of pictures for which the network prefers another class when they are mirrored."""
        model = networks.smooth(10, 18)
        classifier = networks.classifier(model)
        rng = np.random.default_rng(0)
        inputs = rng.normal(size=(64, 10, 18, 3)).astype(np.float32)
        straight, mirrored = (model.predict(each, verbose=0).argmax(axis=1) for each in (inputs, inputs[:, :, ::-1]))
        turned = straight != mirrored
        assert turned.any()
        cell = "gradcam", "last"
        found = HeatmapEngine(classifier, [cell], smooth=("flip",))(inputs[turned])
        np.testing.assert_array_equal(found.targets, straight[turned])
        plain = HeatmapEngine(classifier, [cell])
        one, other = (plain(each[turned], straight[turned]).maps[cell] for each in (inputs, inputs[:, :, ::-1]))
        np.testing.assert_allclose(found.maps[cell], (one + other[:, :, ::-1]) / 2, atol=1e-6)
        np.testing.assert_allclose(found.logits, model.predict(inputs[turned], verbose=0), atol=1e-5)

    def test_a_symmetric_picture_gives_a_symmetric_map(self, classifier, batch):
        symmetric = (batch + batch[:, :, ::-1]) / 2
        cells = plan_cells(classifier, METHODS_USED, LAYERS)
        flipped = HeatmapEngine(classifier, cells, smooth=("flip",))(symmetric).maps
        plain = HeatmapEngine(classifier, cells)(symmetric).maps
        for cell in cells:
            np.testing.assert_allclose(flipped[cell], flipped[cell][:, :, ::-1], atol=1e-6)
        assert not np.allclose(plain["gradcam", "inside"], plain["gradcam", "inside"][:, :, ::-1], atol=1e-4)

    def test_fused_maps_are_of_smoothed_ones(self, classifier, batch):
        cells = plan_cells(classifier, ["gradcam"], LAYERS)
        both = HeatmapEngine(classifier, cells, fuse="max", smooth=("flip",))(batch).maps
        smoothed = HeatmapEngine(classifier, cells, smooth=("flip",))(batch).maps
        shares = []
        for layer in LAYERS:
            positive = np.maximum(smoothed["gradcam", layer], 0)
            positive = positive / np.maximum(positive.max(axis=(1, 2), keepdims=True), 1e-30)
            shares.append(np.stack([bilinear(each, 5, 9) for each in positive]))
        np.testing.assert_allclose(both["gradcam", "max(inside+last)"], np.max(shares, axis=0), atol=1e-5)

    def test_negative_scores_in_a_variation_are_flagged(self, networks, batch):
        model = networks.smooth(10, 18)
        classifier = networks.classifier(model)
        engine = HeatmapEngine(classifier, [("ablationcam", "last")], smooth=("scale",))
        target = np.full(3, PREDICTED)
        plain = model.predict(batch, verbose=0)
        chosen = plain.argmax(axis=1)
        scores = [model.predict(batch * np.float32(f), verbose=0)[np.arange(3), chosen] for f in (1, 0.9, 1.1)]
        # Shifted so that the score of the first picture is above 0 plainly, and not for every factor.
        values = np.array(scores)[:, 0]
        lowest = values[1:].min()
        assert lowest < values[0]
        kernel, bias = model.get_layer("logits").get_weights()
        model.get_layer("logits").set_weights([kernel, bias - (values[0] + lowest) / 2])
        assert engine(batch, target).flags["ablationcam", "last"][0]
        assert not HeatmapEngine(classifier, [("ablationcam", "last")])(batch, target).flags["ablationcam", "last"][0]

    def test_unknown_variations_are_refused(self, classifier):
        with pytest.raises(UnknownName, match="flip"):
            HeatmapEngine(classifier, [("gradcam", "last")], smooth=("flop",))


def test_all_methods_can_be_fused_and_smoothed_by_what_their_rows_say():
    cells = [(name, layer) for name, row in METHODS.items() for layer in (("a", "b") if row.at_layer else (INPUT,))]
    fused = fused_cells(cells, "mean")
    assert {name for name, _ in fused} == {n for n, row in METHODS.items() if row.at_layer and not row.only_pooled}
