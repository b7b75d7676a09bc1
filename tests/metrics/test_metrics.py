"""What holds of every registered metric."""

from __future__ import annotations

import numpy as np
import pytest

from dogcam.experiment.evaluations import ROW_SCHEMA
from dogcam.metrics import METRICS, Metric, metric

RNG = np.random.default_rng(11)
COLUMNS = {
    "iou": RNG.random(9),
    "picture": np.array([f"picture {number}" for number in range(9)], object),
    "area": RNG.random(9),
    "empty": RNG.random(9) > 0.5,
    "rank": RNG.integers(0, 7, 9),
    "curve": RNG.random((9, 20), np.float32),
    "inside": RNG.integers(0, 50, (9, 22)),
    "outside": RNG.integers(0, 50, (9, 22)),
    "levels": np.array([0.3, 0.5]),
}


@pytest.mark.parametrize("name", METRICS)
class TestEveryMetric:
    def test_it_needs_columns_that_tables_have(self, name):
        assert METRICS[name].needs
        assert set(METRICS[name].needs) <= {*ROW_SCHEMA.names, "levels"}  # those are the protocol's
        assert METRICS[name].applies(COLUMNS)
        assert not METRICS[name].applies({})

    def test_it_gives_a_plain_number(self, name):
        assert type(METRICS[name].of(COLUMNS)) is float

    def test_it_does_not_depend_on_the_order_of_the_images(self, name):
        order = RNG.permutation(9)
        shuffled = {column: values if column == "levels" else values[order] for column, values in COLUMNS.items()}
        assert METRICS[name].of(shuffled) == pytest.approx(METRICS[name].of(COLUMNS), abs=1e-12)

    def test_it_says_what_it_is(self, name):
        assert 0 < len(METRICS[name].short) <= len(METRICS[name].title)
        assert METRICS[name].digits in (2, 3)
        assert METRICS[name].description.endswith(".")
        assert "\n" not in METRICS[name].description

    def test_it_does_not_change_its_columns(self, name):
        before = {column: values.copy() for column, values in COLUMNS.items()}
        METRICS[name].of(COLUMNS)
        for column, values in COLUMNS.items():
            np.testing.assert_array_equal(values, before[column])


@pytest.mark.parametrize("heading", ["title", "short"])
def test_headings_are_told_apart(heading):
    assert len({getattr(row, heading) for row in METRICS.values()}) == len(METRICS)


@pytest.fixture
def spare():
    """A name that is free again afterwards."""
    yield "for-this-test"
    METRICS._entries.pop("for-this-test", None)


def test_decorating_a_function_is_all_it_takes(spare):
    @metric(spare, needs=("iou", "area"), title="both", summary="whole")
    def both(iou, area):
        """The largest of both.

        More about it.
        """
        return max(iou.max(), area.max())

    assert METRICS[spare] == Metric(both, ("iou", "area"), "both", "both", "The largest of both.", "whole", 3)
    assert METRICS[spare].of({"iou": np.array([0.1, 0.4]), "area": np.array([0.9, 0])}) == 0.9


def test_the_same_name_twice_is_refused():
    def again(iou):
        """Another mean."""

    with pytest.raises(ValueError, match="metric 'mean_iou' is registered twice"):
        metric("mean_iou", needs=("iou",), title="again")(again)


def test_a_value_per_image_makes_a_mean_or_a_median_and_images_without_one_are_left_out():
    columns = {"iou": np.array([0.0, 1.0, 0.5, np.nan])}
    named = {kind: Metric(lambda iou: iou, ("iou",), kind, kind, kind, kind) for kind in ("mean", "median")}
    assert {kind: each.of(columns) for kind, each in named.items()} == {"mean": 0.5, "median": 0.5}
    assert not named["mean"].applies({"iou": np.full(3, np.nan)})
