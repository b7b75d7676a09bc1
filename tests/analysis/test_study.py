"""The published figures, against what the study's own text says of them."""

from dogcam.analysis import study
from dogcam.experiment.training_curves import choose_run, judge

LIKE = {"dataset": {"name": "stanford_dogs", "classes": ["x"] * 120}, "model": {"backbone": "resnet50"}}


def test_our_rules_read_the_published_table_as_the_study_does():
    assert choose_run(study.CURVES).run == study.CHOSEN_RUN == 2
    assert {run: judge(run, curve).peak_epoch for run, curve in study.CURVES.items() if run < 3} == {1: 5, 2: 5}


def test_the_published_claims_hold_for_the_published_figures():
    cam, grad = study.IOU["cam"], study.IOU["gradcam"]
    assert all(grad[epoch] > cam[epoch] for epoch in study.EPOCHS)
    assert cam[3] < cam[5] < cam[7]
    assert grad[7] < grad[5]


def test_the_same_setting_may_be_compared_and_another_says_in_what_it_differs():
    assert study.Setting.of(LIKE) == study.SETTING
    assert study.SETTING.differing() == ()
    other = study.Setting.of({"model": {"backbone": "vgg16"}, "dataset": {"name": "synthetic", "classes": ["a"]}})
    assert other == study.Setting("synthetic", "vgg16", 1)
    assert other.differing() == ("dataset", "backbone", "classes")
    assert study.Setting.of({}) == study.Setting(None, None, 0)
