"""The published figures, against what the study's own text says of them."""

from dogcam.metrics.classification import choose_run, judge
from dogcam.reporting import study

LIKE = {"dataset": {"name": "stanford_dogs", "classes": ["x"] * 120}, "model": {"backbone": "resnet50"}}


def test_our_rules_read_the_published_table_as_the_study_does():
    assert choose_run(study.CURVES)[0] == study.CHOSEN_RUN == 2
    assert {run: judge(run, curve).peak_epoch for run, curve in study.CURVES.items() if run < 3} == {1: 5, 2: 5}
    lowest = min(range(3), key=study.CURVES[3].loss.__getitem__)
    assert study.EPOCHS[lowest] == study.STATED_PEAKS[3] == 3
    assert round(study.CURVES[3].accuracy[2] - study.CURVES[3].accuracy[0], 4) == 0.0007


def test_the_published_claims_hold_for_the_published_figures():
    cam, grad = study.IOU["cam"], study.IOU["gradcam"]
    assert all(grad[epoch] > cam[epoch] for epoch in study.EPOCHS)
    assert cam[3] < cam[5] < cam[7]
    assert grad[7] < grad[5]


def test_the_same_setting_may_be_compared_and_another_says_how_it_differs():
    assert study.differences(LIKE) == []
    assert "may be held against ours" in study.comparability(LIKE)
    other = {**LIKE, "model": {"backbone": "vgg16"}, "dataset": {"name": "synthetic", "classes": ["a"]}}
    sentence = study.comparability(other)
    for word in ("orientation only", "vgg16", "synthetic", "1 class"):
        assert word in sentence
