"""The published figures, against what the study's own text says of them."""

from dogcam.analysis import study
from dogcam.experiment.training_curves import choose_run, judge

LIKE = {"dataset": {"name": "stanford_dogs", "classes": ["x"] * 120}, "model": {"backbone": "resnet50"}}


def test_our_rules_read_the_published_table_as_the_study_does():
    assert choose_run(study.CURVES).run == study.CHOSEN_RUN == 2
    assert {run: judge(run, curve).peak_epoch for run, curve in study.CURVES.items() if run < 3} == {1: 5, 2: 5}


def test_the_note_on_peaks_names_the_one_run_whose_text_and_table_differ():
    """Its text goes by the loss; by the accuracy, 0.728912 against 0.728195, run 3 is better at epoch 7."""
    assert study.peaks_note() == (
        "of its runs only epochs 3, 5 and 7 are known. Its text puts the peak of run 3 at epoch 3, where its loss is "
        "lowest; its accuracy is higher by 0.0007 at epoch 7."
    )


def test_the_note_follows_the_peaks_that_the_text_states(monkeypatch):
    monkeypatch.setitem(study.STATED_PEAKS, 3, 7)
    assert "Its text" not in study.peaks_note()


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
