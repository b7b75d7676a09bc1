"""What `dogcam inspect` shows: the answer first, tables that fit, findings with an example, what to type next."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from annotated import dataset, lying
from console_results import WIDTHS, harmless, text_of
from rich.cells import cell_len

from dogcam.analysis.inspection import ClassCount, inspected
from dogcam.commands.inspect import InspectResult
from dogcam.console.inspection import ENDS, show_inspection
from dogcam.core.config import InspectConfig
from dogcam.core.progress import Progress
from dogcam.data import Problem
from dogcam.data.contents import copies, read_contents


def result(made, files=(), **changes):
    contents = read_contents(made.splits, Progress())
    found = inspected(made, contents.by_picture, (*contents.problems, *copies(made.splits, contents)), 24)
    config = InspectConfig(dataset="some dogs", data_dir="my data")
    return InspectResult(replace(found, **changes), config, files, 2.0)


@pytest.fixture
def shown(terminal, capsys):
    def show(what, width=80):
        if width is None:
            show_inspection(what)
            text = capsys.readouterr().out
        else:
            out, _ = terminal(width)
            show_inspection(what)
            text = text_of(out)
        assert harmless(text)
        return [line.rstrip() for line in text.splitlines()]

    return show


@pytest.mark.parametrize("width", [*WIDTHS, None])
def test_it_fits_and_every_number_is_whole(width, shown, tmp_path):
    lines = shown(result(lying(tmp_path)), width)
    assert width is None or max(map(cell_len, lines)) <= width
    text = "\n".join(lines)
    assert lines[0].startswith("6 pictures of 2 classes; a box that never looks")
    for cells in (["train", "4", "1", "4", "4", "4"], ["ape", "2", "1", "2", "1"], ["whole-image", "0.250", "0.250"]):
        assert any(line.split() == cells for line in lines), cells
    assert "box cut at the edge" in text
    assert "corners exchanged" in text


def test_what_is_next_can_be_pasted(shown, tmp_path):
    text = " ".join(shown(result(dataset(tmp_path)), 120))
    assert "dogcam inspect 'some dogs' --data-dir 'my data' --out DIR" in text
    assert text.endswith("Next: dogcam train --dataset 'some dogs' --data-dir 'my data'")


def test_where_the_page_lies_and_no_word_of_how_to_get_it(shown, tmp_path):
    files = (Path("out/index.html"), Path("out/figures/box-places.png"), Path("out/figures/box-places.svg"))
    lines = shown(result(dataset(tmp_path), files))
    assert "out/index.html" in lines
    assert "1 figure as PNG, SVG in out/figures" in lines
    assert not any("--out" in line for line in lines)


def test_of_many_classes_those_with_the_most_and_the_fewest(shown, tmp_path):
    classes = tuple(ClassCount(f"class {k}", {"train": k, "test": 1}, {"train": k, "test": 1}) for k in range(1, 41))
    lines = shown(result(dataset(tmp_path), classes=classes))
    names = [line.split()[1] for line in lines if line.startswith("class ") and line.split()[1].isdigit()]
    assert names == [*map(str, range(40, 40 - ENDS, -1)), *map(str, range(ENDS, 0, -1))]


def test_sound_data_have_no_table_of_findings(shown, tmp_path):
    text = "\n".join(shown(result(dataset(tmp_path))))
    assert "nothing wrong was found" in text
    assert "To look at" not in text
    assert "Set right" not in text


def test_hostile_words(shown, tmp_path, hostile):
    made = dataset(tmp_path)
    problem = Problem(hostile, hostile, "train", False, "cut")
    made = replace(made, classes=(hostile, "bee"), problems=(problem,), mended=(problem,))
    assert max(map(cell_len, shown(result(made)))) <= 80


def test_a_reason_is_whole_where_a_row_has_no_room_for_it(shown, tmp_path):
    reason = "the same picture as another with a long name (test), of another class there: in train and test"
    made = replace(dataset(tmp_path), problems=(Problem("a1", reason, "train", False, "leak"),))
    lines = shown(result(made), 60)
    assert max(map(cell_len, lines)) <= 60
    assert f"picture in two splits: 1, the first a1: {reason}" in " ".join(lines)


def test_one_class_is_no_classes(shown, tmp_path):
    lines = shown(result(dataset(tmp_path), classes=(ClassCount("ape", {"train": 4, "test": 2}, {"train": 4, "test": 2}),)))
    assert lines[0].startswith("6 pictures of one class; ")
