"""Exhibit 7: the ranking as it is drawn and written, against the comparison that it is made of."""

import numpy as np
import pytest

from dogcam.language import speaking
from dogcam.language.numbers import listed, p_value
from dogcam.report.document import Chart, Table
from dogcam.report.exhibits.ranking import ranking
from dogcam.report.material import Material
from dogcam.report.texts import text as words

N = 40


@pytest.fixture
def material(made):
    """CAM and Grad-CAM above the box that never looks, mirrored Grad-CAM++ below it."""
    rng = np.random.default_rng(0)
    made.images, made.methods, made.mirrored = N, ("cam", "gradcam", "gradcam++"), ("gradcam++",)
    noise = rng.normal(0, 0.02, N)
    made.ious = {(m, e): 0.6 + noise for m in ("cam", "gradcam") for e in (2, 4)}
    made.ious |= {("gradcam++", e): 0.2 + rng.normal(0, 0.02, N) for e in (2, 4)}
    return Material.of(made.write())


def tables(exhibit):
    return [block for block in exhibit.blocks if isinstance(block, Table)]


def charts(exhibit):
    return {block.name: block for block in exhibit.blocks if isinstance(block, Chart)}


def text(row):
    return [entry.text for entry in row.entries]


def test_lines_come_best_first_with_the_letters_of_the_comparison(material):
    lines = material.analysis.spoken().lines
    table = tables(ranking(material))[0]
    assert [text(row)[1] for row in table.rows] == [line.letters for line in lines]
    assert [float(text(row)[3]) for row in table.rows] == sorted((float(text(r)[3]) for r in table.rows), reverse=True)
    assert text(table.rows[-1])[0] == "Grad-CAM++"
    assert [row.kind for row in table.rows if text(row)[0] == "whole-image"] == ["baseline"]


@pytest.mark.parametrize(("second", "bold"), [(0.2, ["0.600"]), (0.6, [])])
def test_the_best_is_bold_only_where_it_is_told_from_the_next(made, second, bold):
    rng = np.random.default_rng(0)
    made.images, made.methods, made.mirrored, made.unseen = N, ("cam", "gradcam++"), ("gradcam++",), 0.1
    centred = rng.normal(0, 0.02, N) * np.resize([1, -1], N)
    made.ious = {("cam", e): 0.6 + centred - centred.mean() for e in (2, 4)}
    made.ious |= {("gradcam++", e): second + rng.permutation(centred - centred.mean()) - 1e-6 for e in (2, 4)}
    table = tables(ranking(Material.of(made.write())))[0]
    assert [entry.text for row in table.rows for entry in row.entries if entry.strong] == bold


def test_what_draws_the_same_is_one_line_and_the_note_says_why(material):
    table = tables(ranking(material))[0]
    same = "CAM, Grad-CAM at conv3_block1_out, Grad-CAM at conv4_block1_out and Grad-CAM"
    assert same in [text(row)[0] for row in table.rows]
    assert f"{same}: every two of them: the same box on 100" in table.note


def test_bars_join_exactly_what_shares_a_letter(material):
    exhibit, lines = ranking(material), material.analysis.spoken().lines
    figure = charts(exhibit)["ranking"].draw(theme="light")
    (bars,) = [axes for axes in figure.axes if axes.get_gid() == "groups"]
    drawn = [set(np.round(line.get_ydata())) for line in bars.lines if line.get_gid() == "members"]
    letters = sorted({letter for line in lines for letter in line.letters})
    assert drawn == [{row for row, line in enumerate(lines) if letter in line.letters} for letter in letters]


def test_means_are_those_of_the_tables(material):
    figure = charts(ranking(material))["ranking"].draw(theme="light")
    means = [line.get_xdata()[0] for line in figure.axes[0].lines if line.get_gid() == "mean"]
    read = material.kept.tables
    every = {float(np.mean(read.read(cell)["iou"])) for cell in read.cells if cell.epoch in (0, 4)}
    assert all(any(abs(mean - other) < 1e-9 for other in every) for mean in means)
    (reference,) = [line for line in figure.axes[0].lines if line.get_gid() == "reference"]
    assert reference.get_xdata()[0] == pytest.approx(0.3)


def test_the_lead_says_whether_the_best_is_the_best_for_certain(material):
    lines = material.analysis.spoken().lines
    shared = [line for line in lines[1:] if set(line.letters) & set(lines[0].letters)]
    best, others = (listed([material.named(key) for line in of for key in line.maps]) for of in (lines[:1], shared))
    known = words("ranking.beside", best=best, others=others) if shared else words("ranking.apart", best=best)
    assert ranking(material).lead[1:] == (known,)


def test_every_pair_of_a_method_is_there_with_its_counts(material):
    found = material.analysis.spoken()
    table = tables(ranking(material))[-1]
    assert table.folded
    assert len(table.rows) == len(found.of_methods)
    for row, pair in zip(table.rows, found.of_methods, strict=True):
        assert text(row)[-1] == f"{pair.wins} / {pair.ties} / {pair.losses}"
        assert pair.wins + pair.ties + pair.losses == N
        assert row.entries[4].strong == pair.told_apart


def test_layers_are_drawn_from_the_input_on_where_a_method_has_two(material):
    figure = charts(ranking(material))["iou-by-layer"].draw(theme="light")
    labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert labels == ["conv3_block1_out", "conv4_block1_out", "conv5_block1_out"]
    assert [entry.get_text() for entry in figure.legends[0].get_texts()] == ["Grad-CAM"]


def test_with_one_layer_there_is_no_such_chart(made):
    made.images, made.methods = N, ("cam", "gradcam++")
    assert "iou-by-layer" not in charts(ranking(Material.of(made.write())))


def test_several_runs_are_crossed_and_the_exhibit_says_so(made):
    made.images, made.methods = N, ("cam", "gradcam++")
    experiment = made.write()
    made.rewrite(experiment, lambda cell: cell.run == 2, {"run": 1}, iou=lambda known: np.clip(known["iou"] + 0.01, 0, 1))
    exhibit = ranking(Material.of(experiment))
    assert exhibit.can == words("ranking.can_over_runs")
    assert words("ranking.pairs_crossed") in tables(exhibit)[-1].note


def test_before_evaluation_there_is_none(made):
    made.evaluated = False
    assert ranking(Material.of(made.write())) is None


def test_it_speaks_korean(material):
    with speaking("ko"):
        exhibit = ranking(material)
    assert exhibit.title == "방법 간 비교"
    assert tables(exhibit)[0].columns[3] == "평균 IoU"
    assert "이(가)" not in " ".join(exhibit.lead)


@pytest.mark.parametrize(("p", "shown"), [(0.0004, "< 0.001"), (0.0123, "0.012"), (1.0, "1.000"), (float("nan"), "–")])
def test_p_values_as_tables_write_them(p, shown):
    assert p_value(p) == shown
