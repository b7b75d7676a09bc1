"""Exhibit 3: a method of one picture at several layers, and where its heat lies on all kept pictures."""

import pytest

from dogcam.report.exhibits.layers import _readings, layers
from dogcam.report.material import Material
from dogcam.report.texts import raw_texts

STAGES = ["conv3_block1_out", "conv4_block1_out", "conv5_block1_out"]


def test_a_tile_and_a_row_for_each_layer_from_the_input_on(made):
    material = Material.of(made.write())
    exhibit = layers(material)
    sheet, table = exhibit.blocks
    assert [tile.panel.title for tile in sheet.rows[0][1]] == ["picture", *STAGES]
    measured = {e.map.layer: e for e in material.analysis.measures.outside if (e.map.method, e.epoch) == ("gradcam", 4)}
    rows = [[entry.text for entry in row.entries] for row in table.rows]
    assert [(row[0], row[3]) for row in rows[:3]] == [(s, f"{100 * measured[s].share:.1f} %") for s in STAGES]
    assert "Grad-CAM" in exhibit.title


READINGS = list(raw_texts("study.layer_readings").items())


@pytest.mark.parametrize(
    ("names", "pooled", "found"),
    [
        ([name for name, _ in READINGS], READINGS[-1][0], dict(READINGS)),
        (STAGES, STAGES[-1], {s: f"{said} ({name})" for s, (name, said) in zip(STAGES, READINGS, strict=True)}),
        (STAGES[1:], STAGES[-1], {}),
        ([READINGS[0][0], "other"], "other", dict(READINGS[:1])),
    ],
    ids=["the study's own", "three stages that end in the pooled one", "two stages", "one of the same name"],
)
def test_what_the_study_reads_there(names, pooled, found):
    assert _readings(names, pooled) == found


def test_of_one_layer_there_is_none(made):
    made.methods = ("cam",)
    assert layers(Material.of(made.write())) is None
