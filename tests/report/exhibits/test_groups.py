"""Exhibit 9: means by group against means taken by hand."""

import numpy as np
import pytest

from dogcam.experiment.evaluations import MapKey
from dogcam.language import speaking
from dogcam.report.document import Chart, Table
from dogcam.report.exhibits.groups import groups
from dogcam.report.material import Material

N = 60


@pytest.fixture
def material(made):
    """Pugs (even pictures) are boxed better than huskies, at every epoch; Grad-CAM++ is the best by a little."""
    by_place = np.where(np.arange(N) % 2 == 0, 0.8, 0.4) + np.linspace(-0.05, 0.05, N)
    made.images, made.methods, made.mirrored = N, ("cam", "gradcam", "gradcam++"), ("gradcam++",)
    made.ious = {(method, epoch): by_place for method in ("cam", "gradcam") for epoch in (2, 4)}
    made.ious |= {("gradcam++", epoch): by_place + 0.01 for epoch in (2, 4)}
    return Material.of(made.write())


def blocks(exhibit, kind):
    return [block for block in exhibit.blocks if isinstance(block, kind)]


def text(row):
    return [entry.text for entry in row.entries]


def test_the_best_the_studys_and_the_best_that_never_looks_are_shown_what_is_the_same_once(material):
    table = blocks(groups(material), Table)[0]
    assert table.columns == ("class", "n", "CAM", "Grad-CAM++", "whole-image (never looks)")


def test_means_are_those_of_each_groups_pictures(material):
    table = blocks(groups(material), Table)[0]
    columns = material.kept.tables.columns("default", MapKey("gradcam++", "conv5_block1_out"), 4)
    iou, label = columns["iou"], columns["label"]
    for row, place in zip(table.rows, (0, 1), strict=True):
        name, n, _, best, _ = text(row)
        assert (name, n) == (("pug", "husky")[place], str((label == place).sum()))
        assert float(best.split()[0]) == pytest.approx(iou[label == place].mean(), abs=6e-4)


def test_the_chart_is_sorted_by_the_best_method_and_says_so(material):
    (chart,) = blocks(groups(material), Chart)
    assert "Sorted by Grad-CAM++." in chart.caption
    axes = chart.draw(theme="light").axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["pug (30)", "husky (30)"]


def test_the_lead_says_where_boxes_fit_best_and_whether_that_is_sure(material):
    sentence = groups(material).lead[0]
    assert sentence.startswith("Of the classes, boxes of Grad-CAM++ fit pug best, 0.8")
    assert "husky worst, 0.4" in sentence
    assert "overlap" not in sentence


def test_groups_that_are_alike_are_said_to_overlap(made):
    made.images, made.methods = N, ("cam",)
    made.ious = {("cam", epoch): np.tile(np.linspace(0.2, 0.8, N // 2), 2) for epoch in (2, 4)}
    assert "their intervals overlap" in groups(Material.of(made.write())).lead[0]


def test_of_very_many_classes_the_ends_are_drawn_and_all_are_in_the_table(made):
    count = 50
    made.images, made.methods = 4 * count, ("cam",)
    made.classes = tuple(f"breed {number}" for number in range(count))
    experiment = made.write()
    made.rewrite(experiment, lambda cell: True, label=(np.arange(4 * count) % count).tolist())
    exhibit = groups(Material.of(experiment))
    (chart,) = blocks(exhibit, Chart)
    assert "Shown are the 15 best and the 15 worst of 50 classes" in chart.caption
    assert len(chart.draw(theme="light").axes[0].get_yticklabels()) == 30
    assert len(blocks(exhibit, Table)[0].rows) == count
    assert blocks(exhibit, Table)[0].folded


def test_one_group_is_no_grouping(material):
    """All pictures of the made-up experiment have one box of one size."""
    heads = [table.columns[0] for table in blocks(groups(material), Table)]
    assert heads == ["class", "the network"]


def test_before_evaluation_there_is_none(made):
    made.evaluated = False
    assert groups(Material.of(made.write())) is None


def test_it_speaks_korean(material):
    with speaking("ko"):
        exhibit = groups(material)
    assert exhibit.title.startswith("이미지 집단")
    assert "pug에서 가장 잘 맞고" in exhibit.lead[0]
