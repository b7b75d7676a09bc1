"""What `dogcam evaluate` answers: what this call asked for, out of the analysis of all that has been scored."""

from __future__ import annotations

import numpy as np
from evaluating import config_of

from dogcam.commands.evaluate import command as evaluate
from dogcam.core.progress import Progress


def test_only_what_was_asked_for_is_shown_and_all_is_in_the_summary(experiment):
    evaluate.run(config_of(experiment, epochs=(1,)), Progress())
    second = evaluate.run(config_of(experiment, epochs=(2,), methods=("cam",)), Progress())
    shown = {(row.epoch, row.map.method) for row in second.rows() if not row.baseline}
    assert shown == {(2, "cam"), (2, "mean-activation")}
    assert {row.epoch for row in second.analysis.scores if not row.baseline} == {1, 2}


def test_with_too_few_images_nothing_is_told_apart_and_it_is_said(experiment, listener):
    progress = listener()
    result = evaluate.run(config_of(experiment, epochs=(2,), limit=5, methods=("cam",), calibrate=2), progress)
    (row,) = (row for row in result.rows() if row.map.method == "cam")
    line = result.comparison("default", 2).line_of(row.map)
    assert line.verdict == "few"
    assert np.isnan([line.iou.low, line.unseen.low, row.scores["mean_iou"].low]).all()
    assert any("thresholds are chosen on 2 training pictures, of which training has seen none" in each for each in
               progress.warnings)  # fmt: skip
