"""Waterfalls: bars where the decomposition puts them, words on the paper."""

import io

import numpy as np
import pytest
from PIL import Image

from dogcam import figures
from dogcam.statistics import decompose


def patches(axes, name):
    return [patch for patch in axes.patches if patch.get_gid() == name]


def rendered(figure, dpi=100):
    return np.asarray(Image.open(io.BytesIO(figures.image_bytes(figure, "png", dpi))).convert("RGB")).astype(int)


def texts(figure):
    return [text.get_text() for axes in figure.axes for text in axes.texts]


def decomposed(changes, images=40):
    """A decomposition in which choice k adds about changes[k] to every image, whatever was switched before it."""
    noise = np.random.default_rng(0).normal(0, 0.01, (len(changes), images))
    noise -= noise.mean(axis=1, keepdims=True)
    start = np.linspace(0.4, 0.6, images)
    names = [f"choice {place}" for place in range(len(changes))]

    def value(switched):
        return start + sum(
            change + spread for name, change, spread in zip(names, changes, noise, strict=True) if name in switched and change
        )

    return decompose(value, names, resamples=200)


def bars(figure, name):
    return [(each.get_x(), each.get_width(), each.get_hatch()) for each in patches(figure.axes[0], name)]


def test_a_waterfall_goes_from_one_mean_to_the_other():
    figure = figures.waterfall(decomposed([0.05, -0.02]), ("A", "B"))
    gain, loss = bars(figure, "step")
    assert gain == (pytest.approx(0.5), pytest.approx(0.05), None)
    assert loss[:2] == pytest.approx((0.55, -0.02))
    assert loss[2]
    low = figure.axes[0].get_xlim()[0]
    assert [low + width for _, width, _ in bars(figure, "end")] == pytest.approx([0.5, 0.53])
    assert {"A", "choice 0", "choice 1", "B", "0.500", "+0.050", "−0.020", "0.530"} <= set(texts(figure))


def test_a_waterfall_shows_the_intervals_of_its_changes():
    found = decomposed([0.05, -0.02])
    figure = figures.waterfall(found, ("A", "B"), account="backward")
    drawn = [list(line.get_xdata()) for line in figure.axes[0].lines if line.get_gid() == "interval"]
    second, first = (found.steps[place].backward for place in (1, 0))
    assert drawn[0] == pytest.approx([found.start.low, found.start.high])
    assert drawn[1] == pytest.approx([found.end.low, found.end.high])
    assert drawn[2] == pytest.approx([0.5 + second.low, 0.5 + second.high])
    assert drawn[3] == pytest.approx([0.48 + first.low, 0.48 + first.high])


def test_a_waterfall_whose_axis_does_not_begin_at_zero_says_so_and_breaks_its_ends():
    near, far = figures.waterfall(decomposed([0.05]), ("A", "B")), figures.waterfall(decomposed([-0.45]), ("A", "B"))
    broken = [[line for line in each.axes[0].lines if line.get_gid() == "break"] for each in (near, far)]
    assert [len(each) for each in broken] == [4, 0]
    assert "begins at" in near.axes[0].get_xlabel()
    assert far.axes[0].get_xlabel() == "mean IoU"
    assert far.axes[0].get_xlim()[0] == 0


@pytest.mark.parametrize("steps", [1, 8])
def test_all_words_of_a_waterfall_are_on_the_paper(steps):
    found = decomposed([0.01 * (-1) ** place for place in range(steps)])
    words = {f"choice {place}": "what it was, in some detail or more → what it became" for place in range(steps)}
    figure = figures.waterfall(found, ("Grad-CAM element-wise by gradcam2017", "B"), words)
    rendered(figure)
    width, height = figure.bbox.size
    for text in figure.axes[0].texts:
        box = text.get_window_extent()
        assert 0 <= box.x0 <= box.x1 <= width
        assert 0 <= box.y0 <= box.y1 <= height


def test_a_waterfall_of_no_change_and_of_few_images():
    figure = figures.waterfall(decomposed([0, 0], images=4), ("A", "B"))
    assert len([line for line in figure.axes[0].lines if line.get_gid() == "nothing"]) == 2
    assert not [line for line in figure.axes[0].lines if line.get_gid() == "interval"]
    assert rendered(figures.waterfall(decomposed([0.1]), ("A", "B"), theme="dark"))[0, 0].sum() < 150
