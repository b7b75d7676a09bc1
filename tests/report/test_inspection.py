"""The page of an inspected dataset: what it shows where there is something to show."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from annotated import dataset, lying

from dogcam import figures
from dogcam.analysis.inspection import inspected
from dogcam.core.progress import Progress
from dogcam.data import Division, Origin
from dogcam.data.contents import copies, read_contents
from dogcam.report.document import Chart, Sheet, Table
from dogcam.report.inspection import compose_inspection


def page(made, **changes):
    contents = read_contents(made.splits, Progress())
    found = inspected(made, contents.by_picture, (*contents.problems, *copies(made.splits, contents)), 24)
    found = replace(found, **changes)
    pictures = {each.picture: np.zeros((each.height, each.width, 3), np.uint8) for each in found.samples}
    return compose_inspection(found, pictures)


def exhibit(document, key):
    return next(each for each in document.exhibits if each.key == key)


def cells(table):
    return [[entry.text for entry in row.entries] for row in table.rows]


def test_findings_come_first_by_kind_and_one_by_one(tmp_path):
    document = page(lying(tmp_path))
    assert [each.key for each in document.exhibits] == ["findings", "places", "unseen", "contents", "samples"]
    assert [each.place for each in document.exhibits] == [1, 2, 3, 4, 5]
    kinds, problems, mended = exhibit(document, "findings").blocks
    assert ["box cut at the edge", "a2", "1"] in cells(kinds)
    assert ["corners exchanged (mended)", "b1", "1"] in cells(kinds)
    assert (len(problems.rows), len(mended.rows)) == (3, 1)


def test_sound_data_without_boxes_have_counts_and_pictures(tmp_path):
    bare = {each: {"boxes": []} for each in ("a1", "a2", "a3", "b1", "b2", "b3")}
    document = page(dataset(tmp_path, **bare))
    assert [each.key for each in document.exhibits] == ["contents", "samples"]
    assert [each.place for each in document.exhibits] == [1, 2]


def test_scores_of_boxes_that_never_look_and_the_best_set_off(tmp_path):
    (table,) = exhibit(page(dataset(tmp_path)), "unseen").blocks
    assert cells(table)[0] == ["whole image", "0.250", "0.250"]
    assert [row.entries[0].text for row in table.rows if row.entries[2].strong] == ["mean training box"]
    assert not any(row.entries[1].strong for row in table.rows)


def test_every_picture_has_its_name_its_rule_and_its_boxes(tmp_path):
    (sheet,) = exhibit(page(lying(tmp_path)), "samples").blocks
    tiles = sheet.rows[0][1]
    first = tiles[0]
    assert first.panel.title == "ape\na2"
    assert "box cut at the edge" in first.panel.note
    assert first.truth.tolist() == [[0.25, 0.25, 0.75, 0.75]]
    assert not sheet.predicted
    assert not sheet.heated


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_everything_can_be_drawn(theme, tmp_path):
    document = page(lying(tmp_path))
    blocks = [block for each in document.exhibits for block in each.blocks if not isinstance(block, Table)]
    assert [type(block) for block in blocks] == [Chart, Sheet]
    for block in blocks:
        assert len(figures.image_bytes(block.draw(theme=theme))) > 5_000


def test_where_the_data_are_from_and_how_they_were_split(tmp_path):
    document = page(dataset(tmp_path), source=Origin("files", "/data", "coco"), division=Division("seeded", 3, 0.2))
    known = dict(cells(document.provenance[0]))
    assert known["its source"] == "coco files in /data"
    assert known["its splits"] == "split by seed 3, 20 % of each class for the test"
    assert "source" not in dict(cells(page(dataset(tmp_path), source=None).provenance[0]))
