"""Exhibit 9: means by group against means taken by hand."""

from dataclasses import replace

import numpy as np
import pytest
from dogcam.analysis.evidence import Evidence

from dogcam.analysis.groups import groups as grouped
from dogcam.core.config import GROUPINGS
from dogcam.language import speaking
from dogcam.report.document import Chart, Table
from dogcam.report.exhibits.groups import groups

N = 60


def exhibit_of(evidence):
    """The exhibit of the run's last epoch."""
    epoch = max((cell.epoch for cell in evidence.tables), default=0)
    cells = [cell for cell in evidence.tables if (cell.run, cell.epoch) in ((evidence.run, epoch), (0, 0))]
    classes = evidence.document["dataset"]["classes"]
    made = (grouped(evidence.evaluation, cells, by, classes) for by in GROUPINGS if cells)
    return groups([each for each in made if each is not None], evidence)


@pytest.fixture
def evidence(made):
    """Pugs (even pictures) are boxed better than huskies, at every epoch; Grad-CAM++ is the best by a little."""
    by_place = np.where(np.arange(N) % 2 == 0, 0.8, 0.4) + np.linspace(-0.05, 0.05, N)
    made.images, made.methods, made.mirrored = N, ("cam", "gradcam", "gradcam++"), ("gradcam++",)
    made.ious = {(method, epoch): by_place for method in ("cam", "gradcam") for epoch in (2, 4)}
    made.ious |= {("gradcam++", epoch): by_place + 0.01 for epoch in (2, 4)}
    return Evidence.of(made.write())


def blocks(exhibit, kind):
    return [block for block in exhibit.blocks if isinstance(block, kind)]


def text(row):
    return [entry.text for entry in row.entries]


def test_the_best_the_studys_and_the_best_that_never_looks_are_shown_what_is_the_same_once(evidence):
    table = blocks(exhibit_of(evidence), Table)[0]
    assert table.columns == ("class", "n", "CAM", "Grad-CAM++", "whole-image (never looks)")


def test_means_are_those_of_each_groups_pictures(evidence):
    table = blocks(exhibit_of(evidence), Table)[0]
    cell = next(c for c in evidence.tables if (c.method, c.epoch) == ("gradcam++", 4))
    iou, label = evidence.tables[cell]["iou"], evidence.tables[cell]["label"]
    for row, place in zip(table.rows, (0, 1), strict=True):
        name, n, _, best, _ = text(row)
        assert (name, n) == (("pug", "husky")[place], str((label == place).sum()))
        assert float(best.split()[0]) == pytest.approx(iou[label == place].mean(), abs=6e-4)


def test_the_chart_is_sorted_by_the_best_method_and_says_so(evidence):
    (chart,) = blocks(exhibit_of(evidence), Chart)
    assert "Sorted by Grad-CAM++." in chart.caption
    axes = chart.draw(theme="light").axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["pug (30)", "husky (30)"]


def test_the_lead_says_where_boxes_fit_best_and_whether_that_is_sure(evidence):
    sentence = exhibit_of(evidence).lead[0]
    assert sentence.startswith("Of the classes, boxes of Grad-CAM++ fit pug best, 0.8")
    assert "husky worst, 0.4" in sentence
    assert "overlap" not in sentence


def test_groups_that_are_alike_are_said_to_overlap(made):
    made.images, made.methods = N, ("cam",)
    made.ious = {("cam", epoch): np.tile(np.linspace(0.2, 0.8, N // 2), 2) for epoch in (2, 4)}
    assert "their intervals overlap" in exhibit_of(Evidence.of(made.write())).lead[0]


def test_of_very_many_classes_the_ends_are_drawn_and_all_are_in_the_table(made):
    count = 50
    made.images, made.methods = 4 * count, ("cam",)
    made.classes = tuple(f"breed {number}" for number in range(count))
    experiment = made.write()
    evidence = Evidence.of(experiment)
    read = evidence.evaluation.read

    def many(cell):
        return {**read(cell), "label": np.arange(4 * count) % count}

    evidence.evaluation.read = many
    evidence = replace(evidence, tables={cell: many(cell) for cell in evidence.tables})
    exhibit = exhibit_of(evidence)
    (chart,) = blocks(exhibit, Chart)
    assert "Shown are the 15 best and the 15 worst of 50 classes" in chart.caption
    assert len(chart.draw(theme="light").axes[0].get_yticklabels()) == 30
    assert len(blocks(exhibit, Table)[0].rows) == count
    assert blocks(exhibit, Table)[0].folded


def test_one_group_is_no_grouping(evidence):
    """All pictures of the made-up experiment have one box of one size."""
    heads = [table.columns[0] for table in blocks(exhibit_of(evidence), Table)]
    assert heads == ["class", "the network"]


def test_before_evaluation_there_is_none(made):
    made.evaluated = False
    assert exhibit_of(Evidence.of(made.write())) is None


def test_it_speaks_korean(evidence):
    with speaking("ko"):
        exhibit = exhibit_of(evidence)
    assert exhibit.title.startswith("이미지 집단")
    assert "pug에서 가장 잘 맞고" in exhibit.lead[0]
