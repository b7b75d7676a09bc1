"""Where sorted resamples are cut: against NumPy's quantiles, Hesterberg's correction and the definition of BCa."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from dogcam.statistics.levels import bca_levels, quantiles, widened


def test_quantiles_are_numpys_of_what_is_a_number():
    values = np.sort(np.random.default_rng(0).random((3, 40)), axis=1)
    values[1, 30:], values[2] = np.nan, np.nan
    found = quantiles(values, np.tile([0.0, 0.025, 0.5, 1.0], (3, 1)))
    assert found[:2] == pytest.approx(np.nanquantile(values[:2], [0.0, 0.025, 0.5, 1.0], axis=1).T)
    assert np.isnan(found[2]).all()


def test_of_few_images_more_is_kept_and_of_many_the_plain_tails():
    low, high = widened(0.95, np.array([50, 10**7])).T
    assert low == pytest.approx([0.021, 0.025], abs=5e-4)
    assert high == pytest.approx(1 - low)


def test_without_bias_and_skew_bca_cuts_at_the_tails_themselves():
    spread = np.sort(np.random.default_rng(1).normal(size=(1, 999)), axis=1)
    tails = np.array([[0.025, 0.975]])
    assert bca_levels(np.median(spread, axis=1), spread, np.zeros(1), tails) == pytest.approx(tails, abs=1e-3)


def test_with_both_it_cuts_where_efron_says():
    spread, tails = np.arange(100.0)[None], np.array([[0.025, 0.975]])
    (found,) = bca_levels(np.array([59.5]), spread, np.array([0.1]), tails)
    bias = stats.norm.ppf(0.6)
    expected = [stats.norm.cdf(bias + (bias + z) / (1 - 0.1 * (bias + z))) for z in stats.norm.ppf([0.025, 0.975])]
    assert found == pytest.approx(expected)
