"""What a report is made of: read once, from one scope, whichever others there are."""

import pytest

from dogcam.experiment.evaluations import MapKey
from dogcam.report.material import Material


def test_before_evaluation_there_is_training_alone(made):
    made.evaluated = False
    material = Material.of(made.write())
    assert (material.kept, material.analysis.scope, material.on_training) == (None, None, False)
    assert material.analysis.training.chosen.run == 2


@pytest.mark.parametrize(("split", "images"), [("test", "8 images"), ("train", "8 training images")])
def test_training_images_are_called_so(made, split, images):
    made.split = split
    material = Material.of(made.write())
    assert (material.images, material.on_training) == (images, split == "train")


def test_of_several_scopes_one_is_read_and_another_where_it_is_asked_for(made):
    experiment = made.write()
    made.rewrite(experiment, lambda cell: True)
    (whole,) = experiment.evaluations()
    other = experiment.evaluation("test", 3, "true")
    for cell in whole.cells():
        columns = {name: list(values[:3]) for name, values in whole.read(cell).items()}
        columns["truth"] = [boxes.ravel().tolist() for boxes in columns["truth"]]
        other.write(cell, columns, whole.choice(cell))
    assert Material.of(experiment).analysis.scope.name == "test-true"
    found = Material.of(experiment, other)
    assert (found.analysis.scope.name, found.analysis.scope.images) == ("test-limit3-true", 3)
    assert found.kept.tables.evaluation.path == other.path


def test_the_studys_two_come_first_among_the_colours_and_the_others_follow(made):
    made.methods = ("layercam", "gradcam", "eigencam")
    material = Material.of(made.write())
    assert [material.colour_of(name) for name in ("cam", "gradcam")] == [0, 1]
    assert sorted(material.colour_of(name) for name in ("layercam", "eigencam")) == [2, 3]
    assert material.colour_of("never-scored") == 4


def test_maps_are_named_by_the_layer_that_feeds_the_pooling(made):
    material = Material.of(made.write())
    assert material.named(MapKey("gradcam", "conv5_block1_out")) == "Grad-CAM"
    assert material.named(MapKey("gradcam", "conv3_block1_out")) == "Grad-CAM at conv3_block1_out"
