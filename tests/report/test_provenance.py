"""How it was made: what a report says of protocols, thresholds, data, network and training."""

import pytest

from dogcam.experiment.evaluations import Cell, Choice
from dogcam.language import speaking
from dogcam.report.material import Material
from dogcam.report.provenance import provenance, written


def tables(made, change=lambda experiment: None):
    """The provenance's tables by caption, after a change to what was written."""
    experiment = made.write()
    change(experiment)
    return {table.caption: table for table in provenance(Material.of(experiment))}


def pairs(table):
    return {row.entries[0].text: row.entries[1].text for row in table.rows}


def choosing(**choices):
    """Gives cells of the protocols `choices` how they came by their thresholds."""

    def change(experiment):
        (evaluation,) = experiment.evaluations()
        for cell in evaluation.cells():
            if cell.method != "whole-image" and cell.protocol in choices:
                columns = evaluation.read(cell)
                truth = [each.ravel().tolist() for each in columns["truth"]]
                evaluation.write(cell, {**columns, "truth": truth}, choices[cell.protocol])

    return change


def test_protocols_come_first_each_in_words(made):
    made.protocols = ("default", "cam2016")
    first, *_ = found = tables(made)
    assert first == "Protocols: how a map becomes a box and a score"
    told = pairs(found[first])
    assert list(told) == ["default", "cam2016"]
    assert told["cam2016"].startswith("Protocol cam2016 (version 1): negative values kept")


def test_thresholds_that_were_chosen_say_on_what(made):
    made.protocols, made.methods, made.epochs = ("default", "cam2016", "exercise"), ("cam",), (4,)
    chosen = {"default": Choice(0.3125, "calibrated", 1200, 0.75), "exercise": Choice(0.5, "best", 8, None)}
    found = tables(made, choosing(**chosen))
    (table,) = [each for caption, each in found.items() if caption.startswith("Thresholds that were chosen")]
    assert [[entry.text for entry in row.entries] for row in table.rows] == [
        ["CAM", "conv5_block1_out", "default", "2", "4", "0.312", "1,200 training images", "0.750"],
        ["CAM", "conv5_block1_out", "exercise", "2", "4", "0.500", "the 8 evaluated images", "–"],
    ]
    assert table.folded


def test_baselines_have_thresholds_but_neither_run_nor_epoch(made):
    def add(experiment):
        (evaluation,) = experiment.evaluations()
        cell = Cell(0, 0, "whole-image", "", "default")
        columns = evaluation.read(cell)
        truth = [each.ravel().tolist() for each in columns["truth"]]
        own = Cell(0, 0, "random-map", "input", "default")
        evaluation.write(own, {**columns, "truth": truth}, Choice(0.25, "calibrated", 20, 0.5))

    (table,) = [each for caption, each in tables(made, add).items() if caption.startswith("Thresholds")]
    (row,) = table.rows
    assert row.kind == "baseline"
    assert [entry.text for entry in row.entries][:6] == ["random map", "input", "default", "–", "–", "0.250"]


def test_thresholds_that_the_protocol_states_are_in_its_words_alone(made):
    assert not [caption for caption in tables(made) if caption.startswith("Thresholds")]


def test_data_network_seeds_and_versions(made):
    told = pairs(tables(made)["Data, network and versions"])
    assert told["its fingerprint"] == "abc"
    assert told["images"] == "20 for training, 8 for testing"
    assert told["input"] == "96 × 96 pixels"
    assert told["seeds"] == "0, 1"
    assert told["versions"] == "dogcam 0.1.0, python 3.11, tensorflow 2.21, keras 3"
    assert told["evaluated"] == "test-true: 8 images, heatmaps of the true class"
    assert "taken over from" not in told


def test_a_network_that_somebody_else_trained(made):
    def adopt(experiment):
        model = {**experiment.document["model"], "image_size": [96, 128], "parameters": 1234567}
        experiment.update_document(model=model, adopted={"model": "theirs.keras", "fingerprint": "f00"})

    told = pairs(tables(made, adopt)["Data, network and versions"])
    assert (told["taken over from"], told["fingerprint of its weights"]) == ("theirs.keras", "f00")
    assert (told["input"], told["parameters"]) == ("96 × 128 pixels", "1,234,567")


def test_what_was_evaluated_with_means_over_varied_inputs_and_that_there_is_more(made):
    def more(experiment):
        experiment.evaluations()[0].write_about({"target": "predicted", "smooth": ["flip", "scale"]})
        other = experiment.evaluation("test", 3, "true")
        (first, *_) = experiment.evaluations()[0].cells()
        columns = experiment.evaluations()[0].read(first)
        truth = [each.ravel().tolist() for each in columns["truth"]]
        other.write(first, {**columns, "truth": truth}, Choice(0.15))

    told = pairs(tables(made, more)["Data, network and versions"])
    assert told["evaluated"] == (
        "test-true: 8 images, heatmaps of the predicted class, means over inputs varied by flip and scale; not shown here: "
        "test-limit3-true"
    )


@pytest.mark.parametrize(
    ("source", "english", "korean"),
    [
        ({"kind": "drawn", "folder": "", "name": ""}, "drawn on demand", "필요할 때 그려서 만듦"),
        (
            {"kind": "archives", "folder": "/data/dogs", "name": ""},
            "the official archives in /data/dogs",
            "/data/dogs에 있는 공식 배포 파일",
        ),
        ({"kind": "tfds", "folder": "/data", "name": "dogs/0.2.0"}, "TFDS dogs/0.2.0 in /data", "/data에 있는 TFDS dogs/0.2.0"),
        ("the official archives in /data", "the official archives in /data", "the official archives in /data"),
        ({"kind": "novel", "folder": "/data"}, "kind novel, folder /data", "kind novel, folder /data"),
    ],
    ids=["drawn", "archives", "tfds", "kept by an earlier dogcam", "of a later one"],
)
def test_where_the_data_came_from(made, source, english, korean):
    experiment = made.write()
    experiment.update_document(dataset={**experiment.document["dataset"], "source": source})
    for language, head, text in (("en", "its source", english), ("ko", "데이터 출처", korean)):
        with speaking(language):
            told = {name: value for table in provenance(Material.of(experiment)) for name, value in pairs(table).items()}
        assert told[head] == text


def test_in_korean_names_stay_and_states_are_said(made):
    made.name = "finished"

    def sourced(experiment):
        dataset = {**experiment.document["dataset"], "source": {"kind": "archives", "folder": "/data/dogs", "name": ""}}
        experiment.update_document(dataset=dataset, status="training")

    with speaking("ko"):
        told = pairs(tables(made, sourced)["데이터, 네트워크, 버전"])
    assert told["실험"] == "finished", "a user's own name"
    assert told["상태"] == "학습 중"
    assert told["데이터 출처"] == "/data/dogs에 있는 공식 배포 파일"


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "–"), ("", "–"), ([], "–"), (0, "0"), (False, "False"), ([1, [2, 3]], "1, 2, 3"), ({"a": 1, "b": None}, "a 1, b –")],
)
def test_values_as_text(value, text):
    assert written(value) == text
