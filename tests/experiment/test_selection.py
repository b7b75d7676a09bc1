"""Which of several evaluations says where `explain` draws."""

from __future__ import annotations

import shutil
from dataclasses import replace

import pytest
from evaluating import LAYERS

from dogcam.boxes.protocols import PROTOCOLS
from dogcam.experiment.evaluations import ROW_SCHEMA, Cell, Choice
from dogcam.experiment.runs import Experiment
from dogcam.experiment.selection import threshold_in_use


class TestThresholdInUse:
    """Which of several evaluations says where `explain` draws."""

    @pytest.fixture
    def cell(self, evaluated):
        """Of the best run, which rounding may decide where runs are about as good."""
        return Cell(evaluated.asked.runs[0], 2, "gradcam", LAYERS[-1], "default")

    @pytest.fixture
    def write(self, own, cell):
        return lambda scope, *chosen, **more: self.written(own, cell, scope, *chosen, **more)

    def written(self, experiment, cell, scope, threshold, pictures, source="calibrated", smooth=()):
        evaluation = experiment.evaluation(*scope, smooth)
        known = experiment.evaluations()[0]
        table = {**known.read(cell)} | {"truth": [[0.0, 0, 1, 1]] * 12}
        columns = {name: values for name, values in table.items() if name in ROW_SCHEMA.names}
        evaluation.write(cell, columns, Choice(threshold, source, pictures))
        about = known.about() | {"target": scope[2], "smooth": smooth}
        evaluation.write_about(about)

    @pytest.fixture
    def own(self, evaluated, tmp_path):
        folder = tmp_path / "own"
        shutil.copytree(evaluated.experiment.path, folder)
        return Experiment(folder)

    def test_that_on_the_most_pictures_counts_whichever_came_last(self, own, cell, write):
        write(("test", 5, "true"), 0.5, 100)
        write(("test", 4, "true"), 0.7, 3)
        assert threshold_in_use(own, cell, PROTOCOLS["default"]) == pytest.approx(0.5)

    def test_not_that_of_another_class_nor_of_smoothed_maps(self, own, cell, write):
        usual = threshold_in_use(own, cell, PROTOCOLS["default"])
        write(("test", 5, "second"), 0.9, 500)
        write(("test", 5, "true"), 0.8, 500, smooth=("flip",))
        assert threshold_in_use(own, cell, PROTOCOLS["default"]) == usual
        assert threshold_in_use(own, cell, PROTOCOLS["default"], ("flip",)) == pytest.approx(0.8)

    def test_what_was_not_chosen_is_the_protocols_own(self, own, cell):
        missing = replace(cell, epoch=9)
        assert threshold_in_use(own, missing, PROTOCOLS["default"]) == 0.15
        assert threshold_in_use(own, missing, PROTOCOLS["wsol-v1"]) is None
        assert threshold_in_use(None, cell, PROTOCOLS["default"]) == 0.15
