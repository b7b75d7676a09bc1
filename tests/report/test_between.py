"""The comparison of experiments as a page: headline and sentences follow the data, and every exhibit is there that can be."""

import numpy as np
import pytest
from compared import HALF, NOISE, SPREAD, writer

from dogcam.analysis.between import contrast
from dogcam.report.answer import shown
from dogcam.report.between import compose_contrast
from dogcam.report.between_words import headline
from dogcam.report.formats.html import html
from dogcam.report.formats.markdown import markdown
from dogcam.report.formats.rendering import write
from dogcam.statistics import Interval, Pair


@pytest.fixture
def write_one(tmp_path):
    return writer(tmp_path / "home")


@pytest.fixture
def page(write_one):
    """The page that compares an experiment with another of these IoU, written with `changes`."""

    def composed(*ious, **changes):
        return compose_contrast(*contrast([write_one("one", **changes), write_one("other", *ious, **changes)]))

    return composed


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (0.1 + SPREAD, "boxes of other fit better than those of one with every method"),
        (-0.1 + SPREAD, "boxes of one fit better than those of other with every method"),
        (NOISE, "Not told apart: the boxes of one and other"),
        (0 * SPREAD, "one and other draw the same boxes"),
    ],
)
def test_the_headline_follows_the_data(page, change, words):
    assert words in page(HALF + change, HALF + change).headline


@pytest.mark.parametrize(
    ("gradcam", "words"), [(-0.1 + SPREAD, "with 1 of 2 methods, worse with 1"), (NOISE, "with 1 of 2 methods")]
)
def test_better_with_one_method_and_not_with_another(page, gradcam, words):
    assert page(HALF + 0.1 + SPREAD, HALF + gradcam).headline.endswith(words)


@pytest.mark.parametrize(
    ("low", "holm", "words"),
    [
        (0.05, 0.2, "+0.100 [+0.050, +0.150], which the corrected test does not bear out"),
        (0.05, 0.01, "+0.100 [+0.050, +0.150]"),
        (-0.05, 0.2, "+0.100 [−0.050, +0.150]"),
    ],
)
def test_an_interval_that_the_test_does_not_follow_says_so(low, holm, words):
    assert shown(Pair("b", "a", Interval(0.1, low, 0.15, 16), 0.01, holm, 0.5, 12, 0, 4)) == words


def test_better_with_the_only_method(page):
    assert page(HALF + 0.1 + SPREAD, methods=("cam",)).headline.endswith("with the one method scored in both")


def test_three_experiments_have_a_column_for_which_is_subtracted(write_one):
    found, sides = contrast([write_one("a"), write_one("b", HALF + 0.1 + SPREAD, HALF), write_one("c")])
    assert headline(found) == "2 of 6 differences between the boxes of a, b and c are told apart"
    _, table, _ = compose_contrast(found, sides).exhibits[-1].blocks
    assert [row.entries[1].text for row in table.rows][:3] == ["b − a", "c − a", "c − b"]
    assert {len(row.entries) for row in table.rows} == {len(table.columns)}


def test_without_a_common_epoch_the_answer_says_which(write_one):
    document = compose_contrast(*contrast([write_one("one", epochs=(2, 4)), write_one("other", epochs=(1, 3))]))
    assert "each one's last evaluated epoch (4 of one and 3 of other)" in " ".join(document.answer)


def test_where_nothing_differs_there_is_no_table(page):
    exhibit = page().exhibits[0]
    assert exhibit.blocks == ()
    assert "do not differ" in exhibit.lead[0]


def test_settings_that_differ_stand_in_a_table_by_their_part(write_one):
    one, other = write_one("one"), write_one("other")
    other.update_document(seeds=[7], dogcam="0.2.0")
    (table,) = compose_contrast(*contrast([one, other])).exhibits[0].blocks
    shown = [tuple(entry.text for entry in row.entries) for row in table.rows]
    assert shown == [("training", "seeds", "0, 1", "7"), ("version of", "dogcam", "0.1.0", "0.2.0")]


def test_an_exhibit_for_each_protocol(page):
    document = page(protocols=("default", "cam2016"))
    assert [exhibit.place for exhibit in document.exhibits] == [1, 2, 3, 4]
    assert [exhibit.key for exhibit in document.exhibits] == ["differs", "accuracy", "boxes-1", "boxes-2"]


def test_models_from_elsewhere_have_no_exhibit_of_training(write_one):
    one, other = write_one("one"), write_one("other")
    for experiment in (one, other):
        (experiment.path / "history.csv").unlink()
    document = compose_contrast(*contrast([one, other]))
    assert [exhibit.key for exhibit in document.exhibits] == ["differs", "boxes-1"]


def test_how_each_was_made_and_what_the_protocols_mean(page):
    *made, protocols = page().provenance
    assert [(table.rows[0].entries[0].text, table.rows[0].entries[1].text) for table in made] == [
        ("experiment", "one"),
        ("experiment", "other"),
    ]
    assert all(table.folded for table in made)
    assert [row.entries[0].text for row in protocols.rows] == ["default"]


def test_a_best_accuracy_is_set_off_only_where_images_tell_it_apart(page):
    (table,) = page().exhibits[1].blocks
    assert not any(entry.strong for row in table.rows for entry in row.entries)


def test_the_mean_of_what_is_above_all_others_is_set_off(page):
    means, *_ = page(HALF + 0.1 + SPREAD, HALF + NOISE).exhibits[-1].blocks
    assert [np.flatnonzero([entry.strong for entry in row.entries]).tolist() for row in means.rows] == [[5], [], []]
    assert means.rows[-1].kind == "baseline"


def test_too_few_images_have_no_chart(make, tmp_path):
    experiments = [make(str(tmp_path), name=name, images=8).write() for name in ("one", "other")]
    assert [len(exhibit.blocks) for exhibit in compose_contrast(*contrast(experiments)).exhibits] == [0, 1, 2]


def test_names_from_elsewhere_are_shown_as_text(write_one, tmp_path):
    name = "<img src=x> | `t` $x_1$ **b** [bold]"
    document = compose_contrast(*contrast([write_one("one"), write_one(name, HALF + 0.1 + SPREAD)]))
    assert "<img src=x>" not in html(document)
    assert "&lt;img src=x&gt;" in html(document)
    assert "<img" not in markdown(document)
    pages, figures = write(document, tmp_path / "out", ("html", "md"), lambda: None)
    assert all(path.stat().st_size for path in (*pages, *figures))
