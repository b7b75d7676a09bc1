"""Which experiments may be held against each other, and what differs in how they were made."""

import pytest
from compared import IMAGES, writer

from dogcam.analysis.between import contrast
from dogcam.core.errors import ExperimentError


@pytest.fixture
def write_one(tmp_path):
    return writer(tmp_path / "home")


class TestWhatDiffers:
    def test_only_the_settings_that_are_not_the_same(self, write_one):
        one, other = write_one("one"), write_one("other")
        config = {**other.document["config"], "learning_rate": 0.01, "home": "elsewhere", "name": "x", "resume": True}
        model = {**other.document["model"], "backbone": "resnet50"}
        other.update_document(config=config, model=model, dogcam="0.2.0")
        found, _ = contrast([one, other])
        assert found.differs == {
            "config": {"learning_rate": (0.001, 0.01)},
            "model": {"backbone": ("small_resnet", "resnet50")},
            "versions": {"dogcam": ("0.1.0", "0.2.0")},
        }

    def test_what_only_one_of_them_records_differs(self, write_one):
        one, other = write_one("one"), write_one("other")
        other.update_document(versions={**other.document["versions"], "numpy": "2"})
        assert contrast([one, other])[0].differs == {"versions": {"numpy": (None, "2")}}

    def test_seeds_are_of_the_training(self, write_one):
        one, other = write_one("one"), write_one("other")
        other.update_document(seeds=[2, 3])
        assert contrast([one, other])[0].differs == {"config": {"seeds": ([0, 1], [2, 3])}}

    def test_nothing(self, write_one):
        assert contrast([write_one("one"), write_one("other")])[0].differs == {}


class TestRefusals:
    @pytest.mark.parametrize(
        ("classes", "words"),
        [
            (["pug"], "one has 2 classes, other 1: only one has husky"),
            (["pug", "boxer"], "one has 2 classes, other 2: only one has husky; only other has boxer"),
            (["husky", "pug"], "the same names in another order"),
        ],
    )
    def test_other_classes(self, write_one, classes, words):
        one, other = write_one("one"), write_one("other")
        other.update_document(dataset={**other.document["dataset"], "classes": classes})
        with pytest.raises(ExperimentError, match=words):
            contrast([one, other])

    def test_other_data(self, write_one):
        one, other = write_one("one"), write_one("other")
        other.update_document(dataset={**other.document["dataset"], "fingerprint": "xyz"})
        with pytest.raises(ExperimentError, match=r"data of one and other differ \(fingerprints abc and xyz\)"):
            contrast([one, other])

    def test_another_split(self, write_one):
        with pytest.raises(ExperimentError, match=r"no scope .*one: test-true; other: train-true"):
            contrast([write_one("one"), write_one("other", split="train")])

    def test_another_limit(self, write_one):
        one, other = write_one("one"), write_one("other")
        scope = other.evaluation("test", None, "true").path
        scope.rename(scope.with_name("test-limit16-true"))
        with pytest.raises(ExperimentError, match="other: test-limit16-true"):
            contrast([one, other])

    def test_other_pictures(self, write_one):
        with pytest.raises(ExperimentError, match="one and other were scored on different images"):
            contrast([write_one("one"), write_one("other", ids=("strange",))])

    def test_no_common_protocol(self, write_one):
        with pytest.raises(ExperimentError, match="one: default; other: cam2016"):
            contrast([write_one("one"), write_one("other", protocols=("cam2016",))])

    def test_a_protocol_that_has_changed(self, write_one):
        one, other = write_one("one"), write_one("other")
        for experiment, version in ((one, 1), (other, 2)):
            about = {"protocols": {"default": {"version": version, "description": f"as of {version}"}}}
            experiment.evaluation("test", None, "true").write_about(about)
        with pytest.raises(ExperimentError, match="protocol default means one thing in one and another"):
            contrast([one, other])

    def test_no_common_method(self, write_one):
        with pytest.raises(ExperimentError, match=r"no method that all were scored with.*one: cam; other: gradcam"):
            contrast([write_one("one", methods=("cam",)), write_one("other", methods=("gradcam",))])

    def test_one_without_heatmaps(self, write_one):
        with pytest.raises(ExperimentError, match="dogcam evaluate other"):
            contrast([write_one("one"), write_one("other", evaluated=False)])

    def test_one_named_twice(self, write_one):
        one = write_one("one")
        with pytest.raises(ExperimentError, match="one is named twice"):
            contrast([one, one])


def test_two_of_one_name_are_told_apart_by_their_folders(make, tmp_path):
    experiments = [make(str(tmp_path / home), name="same", images=IMAGES).write() for home in ("a", "b")]
    labels = contrast(experiments)[0].labels
    assert labels == tuple(str(tmp_path / home / "same") for home in ("a", "b"))
