"""Faithfulness scores against closed forms, dense equations and maps small enough to count on."""

from __future__ import annotations

from itertools import pairwise, permutations

import numpy as np
import pytest
from scipy.integrate import trapezoid

from dogcam.metrics import faithfulness as f

NAN = float("nan")
FALLING = np.array([[6.0, 5, 4], [3, 2, 1]])
RIGHT_TOP, LEFT = [2 / 3, 0, 1, 0.5], [0, 0, 1 / 3, 1]


def boxes(*each):
    return np.array(each, np.float64).reshape(-1, 4)


class TestEvidence:
    def test_the_negative_part_goes_before_it_is_enlarged(self):
        found = f.evidence(np.array([[-9.0, 1.0]]), (1, 4))
        # Half-pixel centres: the outer pixels are beyond the centres of the two values, the inner ones 1/4 and 3/4 between.
        np.testing.assert_allclose(found, [[0, 0.25, 0.75, 1]], atol=1e-6)

    def test_the_size_is_height_and_width(self):
        assert f.evidence(FALLING, (7, 5)).shape == (7, 5)

    @pytest.mark.parametrize("strange", [np.nan, np.inf, -np.inf])
    def test_a_value_that_is_not_finite_leaves_nothing(self, strange):
        raw = FALLING.copy()
        raw[0, 0] = strange
        np.testing.assert_array_equal(f.evidence(raw, (4, 4)), np.zeros((4, 4)))

    def test_an_even_map_stays_even_to_the_last_digit(self):
        found = f.evidence(np.full((7, 7), 0.1), (31, 29))
        assert (found == np.float32(0.1)).all()


class TestMinMax:
    def test_by_hand(self):
        np.testing.assert_allclose(f.min_max(FALLING), [[1, 0.8, 0.6], [0.4, 0.2, 0]], atol=1e-7)

    @pytest.mark.parametrize("values", [np.zeros((2, 3)), np.full((2, 3), 7.0), np.array([[np.nan, 1, 2]])])
    def test_nothing_to_tell_apart_is_zeros(self, values):
        np.testing.assert_array_equal(f.min_max(values), np.zeros(values.shape))


class TestChanges:
    def test_the_warmest_pixels_change_first(self):
        found = f.changes(FALLING, 3)
        expected = [[[0, 0, 0], [0, 0, 0]], [[1, 1, 0], [0, 0, 0]], [[1, 1, 1], [1, 0, 0]], [[1, 1, 1], [1, 1, 1]]]
        np.testing.assert_array_equal(found, expected)

    @pytest.mark.parametrize("steps", [1, 2, 4, 6])
    def test_equal_pixels_change_by_the_mean_of_all_their_orders(self, steps):
        values = np.array([3.0, 1, 1, 3, 1, 0])
        total, count = np.zeros((steps + 1, 6)), 0
        for order in permutations(range(6)):
            if all(values[a] >= values[b] for a, b in pairwise(order)):
                for step in range(steps + 1):
                    total[step, list(order[: round(step * 6 / steps)])] += 1
                count += 1
        np.testing.assert_allclose(f.changes(values.reshape(2, 3), steps).reshape(-1, 6), total / count, atol=1e-6)

    def test_position_does_not_matter(self):
        values = np.array([[2.0, 0, 0], [0, 1, 2]])
        np.testing.assert_array_equal(f.changes(values[::-1, ::-1], 5), f.changes(values, 5)[:, ::-1, ::-1])

    @pytest.mark.parametrize("values", [np.zeros((2, 2)), np.ones((2, 2)), np.full((2, 2), np.nan)])
    def test_a_map_without_an_order_changes_as_a_whole(self, values):
        np.testing.assert_array_equal(f.changes(values, 4), np.linspace(0, 1, 5)[:, None, None] + np.zeros((2, 2)))

    def test_no_step_is_refused(self):
        with pytest.raises(ValueError, match="received 0"):
            f.changes(FALLING, 0)


def test_mixed_is_either_picture_exactly_at_its_ends():
    rng = np.random.default_rng(0)
    first, second = rng.normal(size=(2, 2, 2, 3)).astype(np.float32)
    found = f.mixed(first, second, np.array([[0, 1], [0.25, 0]]))
    np.testing.assert_array_equal(found[0, 0], first[0, 0])
    np.testing.assert_array_equal(found[0, 1], second[0, 1])
    np.testing.assert_allclose(found[1, 0], 0.75 * first[1, 0] + 0.25 * second[1, 0], rtol=1e-6)


class TestBlurred:
    def test_it_is_the_gaussian_of_the_paper_at_224_pixels(self):
        picture = np.zeros((224, 230, 1), np.float32)
        picture[100, 90] = 1
        weights = np.exp(-(np.arange(-5, 6) ** 2) / (2 * 5.0**2))
        weights /= weights.sum()
        expected = np.zeros((224, 230))
        expected[95:106, 85:96] = np.outer(weights, weights)
        np.testing.assert_allclose(f.blurred(picture)[..., 0], expected, atol=1e-7)

    def test_it_goes_with_the_size_and_keeps_what_is_even(self):
        picture = np.zeros((112, 112, 3), np.float32)
        picture[50, 60] = 1
        reached = np.argwhere(f.blurred(picture)[..., 0] > 0)
        np.testing.assert_array_equal((reached.min(axis=0), reached.max(axis=0)), [[48, 58], [52, 62]])
        weights = np.exp(-(np.arange(-2, 3) ** 2) / (2 * 2.5**2))
        np.testing.assert_allclose(f.blurred(picture)[50, 58:63, 1], weights * weights[2] / weights.sum() ** 2, atol=1e-6)
        np.testing.assert_allclose(f.blurred(np.full((20, 20, 3), 0.3, np.float32)), 0.3, rtol=1e-6)


class TestAreas:
    """A network whose answer is the sum of its pixels times FALLING / 21, shown a picture of ones."""

    def curve(self, values, start, end, steps=6):
        pictures = [f.mixed(start, end, change) for change in f.changes(values, steps)]
        return [float((picture[..., 0] * FALLING).sum() / 21) for picture in pictures]

    @pytest.mark.parametrize(
        ("values", "kept"),
        [
            (FALLING, [21, 15, 10, 6, 3, 1, 0]),  # 6, 5, 4, 3, 2, 1 go
            (-FALLING, [21, 20, 18, 15, 11, 6, 0]),  # 1, 2, 3, 4, 5, 6 go
            (np.ones((2, 3)), [21, 17.5, 14, 10.5, 7, 3.5, 0]),  # a sixth of each, again and again
        ],
    )
    def test_closed_forms(self, values, kept):
        one, nothing = np.ones((2, 3, 1)), np.zeros((2, 3, 1))
        area = (sum(kept) - 21 / 2) / 6 / 21
        assert f.area_under(self.curve(values, one, nothing)) == pytest.approx(area, abs=1e-6)
        # What a linear network loses by deletion it gains by insertion into nothing.
        assert f.area_under(self.curve(values, nothing, one)) == pytest.approx(1 - area, abs=1e-6)

    def test_the_ends_count_half(self):
        assert f.area_under([1.0, 0.0]) == 0.5
        assert f.area_under([0.0, 1.0, 0.0]) == 0.5
        assert f.area_under([1.0, 0.0, 0.0, 0.0, 0.0]) == 0.125


def test_drop_and_increase_by_hand():
    full, masked = [0.8, 0.5, 0.4, 0.0, 0.0], [0.2, 0.5, 0.9, 0.0, 0.1]
    np.testing.assert_allclose(f.drop(full, masked), [0.75, 0, 0, 0, 0])
    np.testing.assert_array_equal(f.increase(full, masked), [0, 0, 1, 0, 1])


def test_a_probability_that_is_not_a_number_gives_no_score():
    assert np.isnan(f.drop(NAN, 0.5))
    assert np.isnan(f.increase(NAN, 0.5))
    assert np.isnan(f.increase(0.5, NAN))
    assert np.isnan(f.adcc(1, 0, NAN))


class TestRemoved:
    @pytest.mark.parametrize(("share", "count"), [(0, 0), (1 / 3, 2), (0.5, 3), (1, 6)])
    def test_the_warmest_or_the_coldest_go(self, share, count):
        for warmest, first in ((True, [6, 5, 4, 3, 2, 1]), (False, [1, 2, 3, 4, 5, 6])):
            assert set(FALLING[f.removed(FALLING, share, warmest)]) == set(first[:count])

    def test_equal_pixels_do_not_go_by_position(self):
        gone = f.removed(np.zeros((40, 40)), 0.5, True)
        assert gone.sum() == 800
        # A coin for each pixel: a side of 800 has 400 +- 14 of them.
        for side in (gone[:20], gone[:, :20], gone[20:], gone[:, 20:]):
            assert 330 < side.sum() < 470

    def test_an_even_map_loses_the_same_pixels_either_way(self):
        even = np.full((9, 7), 0.5)
        np.testing.assert_array_equal(f.removed(even, 0.4, True), f.removed(even, 0.4, False))

    def test_only_equal_ones_are_shuffled(self):
        values = np.array([[5.0, 0, 0, 0], [0, 0, 0, 4]])
        gone = f.removed(values, 0.5, True)
        assert gone[0, 0]
        assert gone[1, 3]
        assert gone.sum() == 4
        assert not f.removed(values, 0.75, False)[values > 0].any()


def dense_imputation(inputs, missing):
    """The equations of the paper, one row for every pixel of the picture, known ones standing for themselves."""
    height, width, colours = inputs.shape
    matrix, right = np.eye(height * width), inputs.reshape(-1, colours).astype(np.float64)
    for y, x in np.argwhere(missing):
        own = y * width + x
        right[own] = 0
        beside = [(a, b) for a in (y - 1, y, y + 1) for b in (x - 1, x, x + 1) if (a, b) != (y, x)]
        inside = [(a, b) for a, b in beside if 0 <= a < height and 0 <= b < width]
        weights = [1 / 6 if a == y or b == x else 1 / 12 for a, b in inside]
        for (a, b), weight in zip(inside, weights, strict=True):
            matrix[own, a * width + b] = -weight / sum(weights)
    return np.linalg.solve(matrix, right).reshape(inputs.shape)


class TestImputed:
    @pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
    @pytest.mark.parametrize("shape", [(6, 5, 3), (1, 7, 1), (8, 8, 2)])
    def test_against_a_dense_solve(self, shape, share):
        rng = np.random.default_rng(1)
        inputs = rng.normal(size=shape).astype(np.float32)
        missing = rng.random(shape[:2]) < share
        missing[0, 0] = False
        found = f.imputed(inputs, missing)
        np.testing.assert_allclose(found, dense_imputation(inputs, missing), atol=1e-5)
        np.testing.assert_array_equal(found[~missing], inputs[~missing])

    def test_a_ramp_goes_on_through_a_hole(self):
        y, x = np.mgrid[:12, :15].astype(np.float32)
        ramp = np.stack([2 * x - y, np.ones_like(x)], axis=-1)
        missing = np.zeros((12, 15), bool)
        missing[3:9, 2:12] = True
        np.testing.assert_allclose(f.imputed(np.where(missing[..., None], 99, ramp), missing), ramp, atol=1e-4)

    def test_noise_is_added_where_pixels_were_missing(self):
        inputs = np.ones((4, 4, 3), np.float32)
        missing = np.eye(4, dtype=bool)
        noise = np.arange(48, dtype=np.float32).reshape(4, 4, 3)
        found = f.imputed(inputs, missing, noise)
        np.testing.assert_allclose(found[missing], 1 + noise[missing], rtol=1e-6)
        np.testing.assert_array_equal(found[~missing], 1)
        np.testing.assert_allclose(f.imputed(inputs, missing, 0.5)[missing], 1.5)

    def test_the_noise_goes_with_the_scale_of_the_input(self):
        inputs = np.random.default_rng(2).normal(0, 50, (60, 60, 3)).astype(np.float32)
        noise = f.imputation_noise(inputs)
        assert noise.std() == pytest.approx(0.5, rel=0.05)
        assert abs(noise.mean()) < 0.05
        np.testing.assert_array_equal(noise, f.imputation_noise(inputs))

    def test_the_picture_itself_is_left_alone(self):
        inputs = np.random.default_rng(3).normal(size=(5, 5, 3)).astype(np.float32)
        before = inputs.copy()
        f.imputed(inputs, np.eye(5, dtype=bool))[:] = 0
        f.imputed(inputs, np.zeros((5, 5), bool))[:] = 0
        np.testing.assert_array_equal(inputs, before)

    def test_all_missing_is_refused(self):
        with pytest.raises(ValueError, match="every pixel is missing"):
            f.imputed(np.ones((2, 2, 3)), np.ones((2, 2), bool))


def test_road_is_the_mean_difference():
    assert f.road([0.1, 0.3], [0.9, 0.5]) == pytest.approx(0.5)


class TestCoherency:
    def test_by_hand(self):
        first = np.array([[0.0, 0, 1], [1, 0, 0]])
        assert f.coherency(first, 7 * first + 3) == pytest.approx(1)
        assert f.coherency(first, -first) == pytest.approx(0)
        assert f.coherency(np.array([[0, 1.0], [0, 1]]), np.array([[0, 0], [1.0, 1]])) == pytest.approx(0.5)
        # Deviations (-1, 0, 1) and (-1, 1, 0): r = 1 / 2.
        assert f.coherency(np.array([[0.0, 1, 2]]), np.array([[0.0, 2, 1]])) == pytest.approx(0.75)

    def test_values_as_small_as_gradients_count(self):
        tiny = np.array([[0.0, 1, 2]]) * 1e-200
        assert f.coherency(tiny, np.array([[0.0, 2, 1]])) == pytest.approx(0.75)

    @pytest.mark.parametrize("other", [np.zeros((2, 3)), np.ones((2, 3)), np.full((2, 3), np.nan)])
    def test_an_even_map_coheres_with_nothing(self, other):
        assert f.coherency(FALLING, other) == f.coherency(other, FALLING) == f.coherency(other, other) == 0


def test_complexity_by_hand():
    assert f.complexity(FALLING) == pytest.approx((1 + 0.8 + 0.6 + 0.4 + 0.2) / 6)
    assert f.complexity(np.array([[0.0, 0, 0], [0, 0, 9]])) == pytest.approx(1 / 6)
    assert f.complexity(np.full((2, 3), 5.0)) == 0


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ((0.8, 0.5, 0.2), 3 / (1 / 0.8 + 1 / 0.5 + 1 / 0.8)),
        ((1, 0, 0), 1),
        ((0.5, 0.75, 0.9), 3 / (2 + 4 + 10)),
        ((0, 0.1, 0.1), 0),
        ((0.9, 1, 0.1), 0),
        ((0.9, 0.1, 1), 0),
    ],
)
def test_adcc_by_hand(parts, expected):
    assert f.adcc(*parts) == pytest.approx(expected)


class TestPointingGame:
    @pytest.mark.parametrize(
        ("where", "expected"), [([RIGHT_TOP], 0), ([LEFT], 1), ([RIGHT_TOP, LEFT], 1), ([[0, 0.5, 1, 1]], 0)]
    )
    def test_the_maximum_has_to_lie_in_any_box(self, where, expected):
        assert f.pointing_game(FALLING, boxes(*where)) == expected
        assert f.pointing_game(FALLING[:, ::-1], boxes(*([1 - x1, y0, 1 - x0, y1] for x0, y0, x1, y1 in where))) == expected

    @pytest.mark.parametrize(("tolerance", "expected"), [(0, 0), (1.49, 0), (1.5, 1)])
    def test_tolerance_is_in_pixels_from_the_box(self, tolerance, expected):
        # The maximum's centre is at x = 2.5, the box ends at x = 1.
        assert f.pointing_game(FALLING[:, ::-1], boxes([0, 0, 1 / 3, 1]), tolerance) == expected

    @pytest.mark.parametrize(("tolerance", "expected"), [(1.9, 0), (2.2, 1)])
    def test_across_a_corner_it_is_the_straight_line(self, tolerance, expected):
        values = np.zeros((4, 4))
        values[3, 3] = 1
        # From (3.5, 3.5) to the corner (2, 2): 1.5 times the root of 2 is 2.12, not 1.5.
        assert f.pointing_game(values, boxes([0, 0, 0.5, 0.5]), tolerance) == expected

    def test_of_equal_maxima_it_is_the_share(self):
        assert f.pointing_game(np.array([[2.0, 0, 2], [2, 0, 2]]), boxes(RIGHT_TOP)) == 0.25
        assert f.pointing_game(np.ones((2, 3)), boxes(LEFT)) == pytest.approx(1 / 3)

    @pytest.mark.parametrize("values", [np.zeros((2, 3)), -FALLING, np.full((2, 3), np.nan)])
    def test_a_map_that_shows_nothing_misses(self, values):
        assert f.pointing_game(values, boxes([0, 0, 1, 1])) == 0

    def test_without_a_box_there_is_no_game(self):
        assert np.isnan(f.pointing_game(FALLING, boxes()))
        assert np.isnan(f.energy_pointing_game(FALLING, boxes()))


class TestEnergyPointingGame:
    @pytest.mark.parametrize(("where", "expected"), [([RIGHT_TOP], 4 / 21), ([LEFT], 9 / 21), ([RIGHT_TOP, LEFT, LEFT], 13 / 21)])
    def test_by_hand(self, where, expected):
        assert f.energy_pointing_game(FALLING, boxes(*where)) == pytest.approx(expected)

    def test_negative_heat_is_none(self):
        values = np.array([[1.0, -5, 3]])
        assert f.energy_pointing_game(values, boxes([2 / 3, 0, 1, 1])) == 0.75
        assert f.energy_pointing_game(-np.abs(values), boxes([0, 0, 1, 1])) == 0

    def test_an_even_map_has_the_share_of_the_box(self):
        assert f.energy_pointing_game(np.ones((4, 4)), boxes([0, 0, 0.5, 0.5])) == 0.25


class Scene:
    """A red object on a blue ground, and a network that is for red and against blue, linear before its sigmoid."""

    box = boxes([0.25, 0.25, 0.625, 0.625])

    def __init__(self):
        rng = np.random.default_rng(4)
        self.inputs = np.zeros((24, 24, 3), np.float32)
        y, x = np.mgrid[:24, :24]
        self.inputs[..., 0] = np.exp(-((y - 10) ** 2 + (x - 10) ** 2) / 18)
        self.inputs[..., 2] = rng.random((24, 24)) * 0.5

    def probability(self, inputs):
        red, _, blue = inputs.mean(axis=(0, 1))
        return float(1 / (1 + np.exp(-(60 * red - 20 * blue - 1))))

    def explained(self, inputs):
        return np.maximum(inputs[..., 0] - 0.1 * inputs[..., 2], 0)

    def inverted(self, inputs):
        found = self.explained(inputs)
        return found.max() - found

    def scores(self, explain, steps=12):
        x, values = self.inputs, explain(self.inputs)
        masked = x * f.min_max(values)[..., None]
        y, o = self.probability(x), self.probability(masked)
        changes, without = f.changes(values, steps), {}
        for warmest in (True, False):
            left = [f.imputed(x, f.removed(values, share, warmest), f.imputation_noise(x)) for share in f.ROAD_SHARES]
            without[warmest] = [self.probability(each) for each in left]
        found = {
            "insertion": f.area_under([self.probability(f.mixed(f.blurred(x), x, each)) for each in changes]),
            "deletion": f.area_under([self.probability(f.mixed(x, 0 * x, each)) for each in changes]),
            "road": f.road(without[True], without[False]),
            "drop": float(f.drop(y, o)),
            "increase": float(f.increase(y, o)),
            "coherency": f.coherency(values, explain(masked)),
            "complexity": f.complexity(values),
            "pointing": f.pointing_game(values, self.box),
            "energy": f.energy_pointing_game(values, self.box),
        }
        return found | {"adcc": f.adcc(found["coherency"], found["complexity"], found["drop"])}


@pytest.fixture(scope="module")
def scene():
    made = Scene()
    return made.scores(made.explained), made.scores(made.inverted)


@pytest.mark.parametrize("name", f.FAITHFULNESS)
def test_a_map_of_the_object_beats_its_inverse(name, scene):
    good, bad = (scored[name] for scored in scene)
    assert good > bad if f.FAITHFULNESS[name].larger_is_better else good < bad
    assert -1 <= min(good, bad) <= max(good, bad) <= 1


@pytest.mark.parametrize("level", [0.0, 0.7, NAN])
def test_a_map_without_an_order_gets_the_scores_that_are_promised(level):
    made = Scene()
    found = made.scores(lambda inputs: np.full(inputs.shape[:2], level))
    assert set(found) == set(f.FAITHFULNESS)
    assert (found["road"], found["complexity"], found["coherency"], found["adcc"]) == (0, 0, 0, 0)
    full, dark = made.probability(made.inputs), made.probability(0 * made.inputs)
    assert found["drop"] == pytest.approx(1 - dark / full)
    fading = [made.probability(made.inputs * (1 - share)) for share in np.linspace(0, 1, 13)]
    assert found["deletion"] == pytest.approx(trapezoid(fading, dx=1 / 12), abs=1e-6)
    assert found["pointing"] == pytest.approx(0.375**2 if level > 0 else 0)
    assert found["energy"] == pytest.approx(0.375**2 if level > 0 else 0)


def test_what_tables_say_of_the_scores():
    titles = [score.title for score in f.FAITHFULNESS.values()]
    assert len(set(titles)) == len(titles)
    assert all(score.description.endswith(".") for score in f.FAITHFULNESS.values())
    assert set(f.BOXED_ONLY) <= set(f.FAITHFULNESS)
