"""Where a gap comes from: Shapley's value against every order gone through, sums, impossible combinations."""

from __future__ import annotations

from itertools import combinations, pairwise, permutations

import numpy as np
import pytest

from dogcam.statistics import decompose, intervals
from dogcam.statistics.decomposition import ACCOUNTS

N = 32
CHOICES = ("relu", "minmax", "threshold", "contour", "corners")


class Pipeline:
    """Scores that are whole 1024ths, so that sums are exact, different for each combination; counts what it is asked."""

    def __init__(self):
        self.asked = []

    def __call__(self, switched):
        self.asked.append(switched)
        seed = sum(2**number for number, name in enumerate(CHOICES) if name in switched)
        return np.random.default_rng(seed).integers(0, 1024, N) / 1024


def switched_in(value, orders, choices=CHOICES):
    """The mean change at each choice, by going through each of the orders."""
    changes = {choice: [] for choice in choices}
    for order in orders:
        at = frozenset()
        for choice in order:
            after = at | ({choice} if isinstance(choice, str) else set(choice))
            changes[choice].append((value(after) - value(at)).mean())
            at = after
    return changes


def test_the_average_is_over_all_orders():
    found = decompose(Pipeline(), CHOICES, resamples=50)
    changes = switched_in(Pipeline(), permutations(CHOICES))
    assert found.orders == 120
    for step in found.steps:
        (name,) = step.names
        assert step.average.value == pytest.approx(np.mean(changes[name]), abs=1e-12)
        assert step.least == pytest.approx(min(changes[name]), abs=1e-12)
        assert step.most == pytest.approx(max(changes[name]), abs=1e-12)


def test_forward_and_backward():
    found = decompose(Pipeline(), CHOICES, resamples=50)
    for account, order in (("forward", CHOICES), ("backward", CHOICES[::-1])):
        changes = switched_in(Pipeline(), [order])
        for step in found.steps:
            assert getattr(step, account).value == changes[step.label][0]
    assert (found.forward_order, found.backward_order) == ((0, 1, 2, 3, 4), (4, 3, 2, 1, 0))


@pytest.mark.parametrize("k", [1, 2, 5])
@pytest.mark.parametrize("account", ACCOUNTS)
def test_the_steps_add_up_to_the_whole_difference(k, account):
    found = decompose(Pipeline(), CHOICES[:k], resamples=50)
    total = sum(getattr(step, account).value for step in found.steps)
    whole = Pipeline()(frozenset(CHOICES[:k])).mean() - Pipeline()(frozenset()).mean()
    assert found.total.value == whole
    if account == "average":
        assert total == pytest.approx(whole, abs=1e-12)  # thirds and fifths of orders are no binary fractions
    else:
        assert total == whole


def test_each_combination_is_scored_once():
    pipeline = Pipeline()
    decompose(pipeline, CHOICES, resamples=50)
    assert len(pipeline.asked) == len(set(pipeline.asked)) == 32


def test_choices_that_do_not_interact_change_the_same_in_every_order():
    weights = dict(zip(CHOICES, (0.25, -0.125, 0.0, 0.5, 0.0625), strict=True))
    base = np.random.default_rng(0).random(N)
    found = decompose(lambda on: base + sum(weights[name] for name in on), CHOICES, resamples=100)
    for step in found.steps:
        for figure in (*(getattr(step, account).value for account in ACCOUNTS), step.least, step.most):
            assert figure == pytest.approx(weights[step.label], abs=1e-12)
        assert step.average.verdict == {0.0: "undecided"}.get(
            weights[step.label], "above" if weights[step.label] > 0 else "below"
        )


def test_a_gain_that_needs_both_is_halved():
    found = decompose(lambda on: np.full(N, float(len(on) == 2)), ("a", "b"), resamples=50)
    assert [step.average.value for step in found.steps] == [0.5, 0.5]
    assert [(step.forward.value, step.backward.value) for step in found.steps] == [(0, 1), (1, 0)]
    assert [(step.least, step.most) for step in found.steps] == [(0, 1), (0, 1)]


def test_intervals_are_bootstrap_intervals_of_each_images_change():
    pipeline = Pipeline()
    found = decompose(pipeline, CHOICES[:3], resamples=300, seed=4, method="percentile")
    one, two = pipeline(frozenset(CHOICES[:1])), pipeline(frozenset(CHOICES[:2]))
    (expected,) = intervals(two - one, resamples=300, seed=4, method="percentile")
    assert (found.steps[1].forward.low, found.steps[1].forward.high) == pytest.approx((expected.low, expected.high))
    (start,) = intervals(pipeline(frozenset()), resamples=300, seed=4, method="percentile")
    assert (found.start.value, found.start.low) == pytest.approx((start.value, start.low))


def test_too_few_images_have_means_and_no_intervals():
    found = decompose(lambda on: np.arange(4.0) * len(on), ("a", "b"))
    assert found.total.value == 3
    assert np.isnan(found.steps[0].average.low)
    assert found.steps[0].average.reason == "too-few"


class TestImpossibleCombinations:
    def test_a_bundle_is_switched_at_once(self):
        pipeline = Pipeline()
        found = decompose(pipeline, ("relu", ("minmax", "threshold"), "contour"), resamples=50)
        assert [step.label for step in found.steps] == ["relu", "minmax + threshold", "contour"]
        assert all(("minmax" in on) == ("threshold" in on) for on in pipeline.asked)
        changes = switched_in(Pipeline(), permutations(("relu", ("minmax", "threshold"), "contour")), found_keys(found))
        for step, values in zip(found.steps, changes.values(), strict=True):
            assert step.average.value == pytest.approx(np.mean(values))

    @pytest.mark.parametrize(
        "allowed",
        [
            lambda on: "contour" not in on or "threshold" in on,
            lambda on: not {"relu", "minmax"} <= on or "corners" in on,
            lambda on: len(on) != 2 or "relu" in on,
        ],
    )
    def test_only_orders_through_what_exists_count(self, allowed):
        pipeline = Pipeline()
        found = decompose(pipeline, CHOICES, allowed=allowed, resamples=50)
        possible = [order for order in permutations(CHOICES) if all(allowed(frozenset(order[:size])) for size in range(6))]
        assert found.orders == len(possible) < 120
        assert all(allowed(on) for on in pipeline.asked)
        changes = switched_in(Pipeline(), possible)
        for step in found.steps:
            assert step.average.value == pytest.approx(np.mean(changes[step.label]), abs=1e-12)
            assert step.most == pytest.approx(max(changes[step.label]), abs=1e-12)
        for account, order in (("forward", found.forward_order), ("backward", found.backward_order)):
            assert tuple(CHOICES[place] for place in order) in possible
            total = sum(getattr(step, account).value for step in found.steps)
            assert total == found.total.value
        assert sum(step.average.value for step in found.steps) == pytest.approx(found.total.value, abs=1e-12)

    def test_dead_ends_are_not_even_scored(self):
        pipeline = Pipeline()
        decompose(
            pipeline, ("relu", "minmax", "threshold"), allowed=lambda on: on != {"relu", "minmax"} and on != {"relu", "threshold"}
        )
        assert frozenset({"relu"}) not in pipeline.asked

    @pytest.mark.parametrize("size", [0, 1, 2])
    def test_no_way_at_all_is_said(self, size):
        with pytest.raises(ValueError, match="bundle those"):
            decompose(Pipeline(), CHOICES[:2], allowed=lambda on: len(on) != size)


def found_keys(found):
    return [step.names[0] if len(step.names) == 1 else step.names for step in found.steps]


class TestWaterfall:
    @pytest.mark.parametrize("account", ACCOUNTS)
    def test_bars_lead_from_one_pipeline_to_the_other(self, account):
        found = decompose(Pipeline(), CHOICES, resamples=50)
        bars = found.waterfall(account)
        assert bars[0].start == found.start.value
        assert bars[-1].end == pytest.approx(found.end.value, abs=1e-12)
        for bar, following in pairwise(bars):
            assert bar.end == following.start
        for bar in bars:
            assert bar.end - bar.start == pytest.approx(bar.change.value, abs=1e-12)
        assert [bar.label for bar in bars] == list(CHOICES if account != "backward" else CHOICES[::-1])

    def test_another_account_is_refused(self):
        with pytest.raises(ValueError, match="forward, backward, average; received 'sideways'"):
            decompose(Pipeline(), CHOICES[:1]).waterfall("sideways")


def test_eight_choices():
    """A game whose value is known: v = (number switched)², where all are alike, so each has v / k."""
    names = [str(number) for number in range(8)]
    found = decompose(lambda on: np.full(N, float(len(on) ** 2)), names, resamples=20)
    assert found.orders == 40320
    assert [step.average.value for step in found.steps] == pytest.approx([8.0] * 8)
    pairs = list(combinations(names, 2))
    symmetric = decompose(lambda on: np.full(N, float(sum(set(p) <= on for p in pairs))), names, resamples=20)
    assert [step.average.value for step in symmetric.steps] == pytest.approx([len(pairs) / 8] * 8)


@pytest.mark.parametrize(
    ("value", "choices", "match"),
    [
        (Pipeline(), (), "1 to 8 choices"),
        (Pipeline(), tuple("abcdefghi"), "1 to 8 choices"),
        (Pipeline(), ("a", ("b", "a")), "each name once"),
        (Pipeline(), ("a", ()), "each name once"),
        (lambda on: np.full(N, np.nan if on else 1.0), ("a",), r"\['a'\] switched .* 32 of them not numbers"),
        (lambda on: np.ones((N, 2)), ("a",), "nothing switched are of shape"),
        (lambda on: np.ones(N + len(on)), ("a",), r"same images .* \[32, 33\]"),
    ],
)
def test_what_cannot_be_is_refused(value, choices, match):
    with pytest.raises(ValueError, match=match):
        decompose(value, choices)
