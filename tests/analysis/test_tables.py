"""Which tables there are, who speaks for the rest, and that only tables of the same images are compared."""

import numpy as np
import pytest

from dogcam.analysis.tables import Tables, cell_order, check_same_images
from dogcam.boxes.protocols import PROTOCOLS
from dogcam.core.errors import ExperimentError
from dogcam.experiment.evaluations import Cell, MapKey

LAYERS = ["conv3_block1_out", "conv4_block1_out", "conv5_block1_out"]


def tables(experiment):
    return Tables.of(experiment, *experiment.evaluations())


def test_names_and_numbers_of_what_is_there(made):
    found = tables(made.write())
    assert (found.run, found.runs, found.epochs) == (2, [2], [2, 4])
    assert (found.layers, found.pooled_layer) == (LAYERS, LAYERS[-1])
    assert found.maps == [MapKey("cam", LAYERS[-1]), *(MapKey("gradcam", layer) for layer in LAYERS)]
    assert (found.images, found.annotated_area) == (8, 0.25)
    assert list(found.baselines("default")) == [MapKey("whole-image", "")]


def test_the_chosen_run_speaks_if_it_was_evaluated_else_the_first(made):
    experiment = made.write()
    made.rewrite(experiment, lambda cell: cell.run == 2, to={"run": 1})
    assert tables(experiment).run == 2
    made.rewrite(experiment, lambda cell: cell.run == 1, to={"run": 3})
    (evaluation,) = experiment.evaluations()
    for cell in evaluation.cells():
        if cell.run == 2:
            (evaluation.path / cell.file_name).unlink()
    assert (tables(experiment).run, tables(experiment).runs) == (1, [1, 3])


def test_runs_speak_together_where_the_same_was_scored_in_them(made):
    experiment = made.write()
    made.rewrite(experiment, lambda cell: cell.run == 2, to={"run": 1})
    made.rewrite(experiment, lambda cell: cell.run == 2 and cell.epoch == 4, to={"run": 3})
    found = tables(experiment)
    assert found.alike(cell for cell in found.methods if cell.run == 2) == [1, 2]
    assert found.alike(cell for cell in found.methods if (cell.run, cell.epoch) == (2, 4)) == [1, 2, 3]
    assert len(found.pooled_by_run("default", "cam", 2)) == 2
    assert found.pooled_by_run("default", "cam", 3) == []


def test_a_protocol_is_what_was_kept_of_it_else_what_this_dogcam_knows(made):
    experiment = made.write()
    (evaluation,) = experiment.evaluations()
    fields = {"name": "theirs", "description": "a user's", "version": 3, "relu": False, "iou_levels": [0.5]}
    theirs = {**vars(PROTOCOLS["default"]), **fields}
    evaluation.write_about({"protocols": {"theirs": theirs, "later": {**theirs, "unheard_of": 1}}})
    found = tables(experiment)
    assert found.protocol("default") is PROTOCOLS["default"]
    assert (found.protocol("theirs").version, found.protocol("theirs").iou_levels) == (3, (0.5,))
    assert found.protocol("gone") is None
    assert found.protocol("later") is None, "a field of another dogcam"


def test_layers_are_counted_as_people_count():
    cells = [Cell(1, 1, "gradcam", f"block_{k}_add", "default") for k in (12, 5)]
    assert [cell.layer for cell in sorted(cells, key=cell_order)] == ["block_5_add", "block_12_add"]


def test_names_that_no_registry_knows_come_last():
    cells = [Cell(1, 1, method, "a", "default") for method in ("newer", "gradcam", "cam")]
    assert [cell.method for cell in sorted(cells, key=cell_order)] == ["cam", "gradcam", "newer"]


def of_images(*boxes):
    """A table of as many pictures as there are lists of boxes."""
    truth = np.empty(len(boxes), object)
    truth[:] = [np.asarray(each, np.float32).reshape(-1, 4) for each in boxes]
    return {"image": np.array([f"p{k}" for k in range(len(boxes))], object), "label": np.zeros(len(boxes)), "truth": truth}


class TestSameImages:
    ONE, TWO, THREE = [0, 0, 1, 1], [0, 0, 0.5, 1], [0.5, 0, 1, 1]

    def test_equal_boxes_in_other_arrays_are_the_same(self):
        check_same_images({name: of_images([self.ONE, self.TWO], [], [self.THREE]) for name in "abc"})
        check_same_images({name: of_images() for name in "ab"})

    def test_the_same_numbers_cut_otherwise_are_not(self):
        """Laid end to end both are three boxes in this order."""
        tables = {"a": of_images([self.ONE, self.TWO], [self.THREE]), "b": of_images([self.ONE], [self.TWO, self.THREE])}
        with pytest.raises(ExperimentError, match="a and b differ in the annotated boxes of p0 and 1 other images"):
            check_same_images(tables)

    def test_one_number_of_one_box_tells_them_apart(self):
        tables = {"a": of_images([self.ONE], [self.TWO]), "b": of_images([self.ONE], [self.THREE])}
        with pytest.raises(ExperimentError, match="differ in the annotated boxes of p1 and 0 other images"):
            check_same_images(tables)
