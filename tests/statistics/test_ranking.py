"""Ranks and letters: two lines share a letter exactly where no test tells them apart."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from dogcam.statistics import compare, groups_of_same, letters, ranking, representatives


def shares(display, a, b):
    return bool(set(display[a]) & set(display[b]))


class TestLetters:
    @pytest.mark.parametrize(
        ("separable", "expected"),
        [
            ([], {"A": "a", "B": "a", "C": "a"}),
            ([("A", "C")], {"A": "a", "B": "ab", "C": "b"}),
            ([("A", "B"), ("A", "C"), ("B", "C")], {"A": "a", "B": "b", "C": "c"}),
            ([("A", "B"), ("A", "C")], {"A": "a", "B": "b", "C": "b"}),
        ],
    )
    def test_by_hand(self, separable, expected):
        assert letters("ABC", separable) == expected

    @pytest.mark.parametrize("seed", range(30))
    def test_they_say_what_is_separable_and_nothing_else(self, seed):
        rng = np.random.default_rng(seed)
        names = "ABCDEFGHI"[: rng.integers(2, 10)]
        separable = [pair for pair in combinations(names, 2) if rng.random() < seed / 30]
        display = letters(names, separable)
        for pair in combinations(names, 2):
            assert shares(display, *pair) == (pair not in separable)

    def test_no_letter_is_superfluous(self):
        """A line of ten, each separable from those two or more away: nine letters, one for each neighbourhood."""
        names = "ABCDEFGHIJ"
        display = letters(names, [(a, b) for a, b in combinations(names, 2) if ord(b) - ord(a) > 1])
        assert [display[name] for name in names] == "a ab bc cd de ef fg gh hi i".split()

    def test_beyond_z_labels_stay_apart(self):
        names = [str(number) for number in range(28)]
        display = letters(names, combinations(names, 2))
        assert [display[name] for name in ("25", "26", "27")] == ["z", "(aa)", "(ab)"]


@pytest.fixture(scope="module")
def scores():
    """a far above b, c and d, which are alike but for b being a little above d."""
    rng = np.random.default_rng(4)
    return 0.4 * rng.random((150, 1)) + np.array([0.4, 0.03, 0.015, 0.0]) + rng.normal(0, 0.08, (150, 4))


NAMES = ("d", "c", "b", "a")


class TestRanking:
    def test_lines_that_cannot_be_told_apart_are_tied(self, scores):
        ranked = ranking(scores[:, ::-1], NAMES, resamples=300)
        assert [line.names for line in ranked] == [("a",), ("b",), ("c",), ("d",)]
        assert [line.letters for line in ranked] == ["a", "b", "bc", "c"]
        assert [line.rank for line in ranked] == [1, 2, 2, 3]
        assert [line.score for line in ranked] == pytest.approx(scores.mean(axis=0))

    def test_letters_are_holms(self, scores):
        pairs = compare(scores[:, ::-1], NAMES, resamples=300)
        display = {line.names[0]: line.letters for line in ranking(scores[:, ::-1], NAMES, pairs=pairs)}
        for pair in pairs:
            assert shares(display, pair.first, pair.second) == (pair.holm >= 0.05)

    def test_lower_may_be_better(self, scores):
        ranked = ranking(-scores[:, ::-1], NAMES, resamples=300)
        assert [line.names[0] for line in ranked] == ["d", "c", "b", "a"]
        assert [line.rank for line in ranked] == [1, 1, 2, 4]

    def test_a_stricter_level_ties_more(self, scores, monkeypatch):
        monkeypatch.setattr("dogcam.statistics.pairs.ALPHA", 1e-12)
        ranked = ranking(scores[:, ::-1], NAMES, resamples=300)
        assert [line.letters for line in ranked] == ["a", "b", "b", "b"]

    def test_methods_that_draw_the_same_are_one_line(self, scores):
        boxes = np.random.default_rng(0).random((150, 4))
        groups = groups_of_same({"d": boxes, "c": boxes, "b": boxes / 2, "a": boxes / 3})
        same = scores[:, ::-1].copy()
        same[:, 1] = same[:, 0]
        ranked = ranking(same, NAMES, groups, resamples=300)
        assert [line.names for line in ranked] == [("a",), ("b",), ("d", "c")]
        assert ranked[-1].same == groups[0].worst
        assert ranked[0].same is None
        assert representatives(NAMES, groups) == ["d", "b", "a"]

    def test_equal_methods_that_nobody_grouped_are_tied(self):
        column = np.random.default_rng(0).random(50)
        ranked = ranking(np.column_stack([column] * 3), "abc", resamples=100)
        assert {(line.rank, line.letters) for line in ranked} == {(1, "a")}

    def test_over_runs_and_with_images_not_scored(self, scores):
        runs = np.stack([scores, scores + 0.001, scores - 0.002])
        runs[1, :5, 2] = np.nan
        assert ranking(runs, "abcd")[0].names == ("a",)

    def test_a_method_without_scores_comes_last_and_is_told_from_none(self, scores):
        lacking = scores.copy()
        lacking[:, 0] = np.nan
        last = ranking(lacking, "abcd", resamples=100)[-1]
        assert last.names == ("a",)
        assert np.isnan(last.score)
        assert last.rank == 1

    def test_what_cannot_be_is_refused(self, scores):
        boxes = np.ones((5, 4))
        with pytest.raises(ValueError, match="once at most"):
            ranking(scores, "abcd", groups_of_same({"a": boxes, "x": boxes}))
        with pytest.raises(ValueError, match="no comparison of a with c among the pairs; 5 are missing"):
            ranking(scores, "abcd", pairs=compare(scores, "abcd", [("a", "b")], resamples=50))
