"""Weights from files, and what is said where they would have to be downloaded."""

from __future__ import annotations

import json
import time
import warnings

import keras
import numpy as np
import pytest

from dogcam.core.errors import InputError, ModelError, OptionError, Unavailable
from dogcam.core.progress import Progress
from dogcam.core.registry import resolve
from dogcam.models.backbones import BACKBONES
from dogcam.models.classifier import build, imagenet_classifier
from dogcam.models.pretrained import imagenet_labels, read_labels

NAMES = ("a", "b")


def answer(model, batch):
    """What the model makes of it, at rest. Not by `predict`, which would trace and compile each network anew."""
    return model(batch, training=False).numpy()


def features(classifier, batch):
    return answer(keras.Model(classifier.model.input, classifier.head.input), batch)


def awake(model):
    """The model with a signal that arrives: fresh, MobileNet's features are some 1e-19, and any two of them agree."""
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.gamma.assign(5 * layer.gamma)
    return model


@pytest.fixture(scope="module")
def batch():
    return np.random.default_rng(0).normal(size=(2, 224, 224, 3)).astype(np.float32)


@pytest.fixture(scope="module")
def source():
    """ResNet50 with random weights: there are no ImageNet weights of it to test with."""
    keras.utils.set_random_seed(11)
    return keras.applications.ResNet50(weights=None, include_top=True, classes=7)


@pytest.fixture(scope="module")
def pooled(source, batch):
    """What its head is given."""
    return answer(keras.Model(source.input, source.get_layer("avg_pool").output), batch)


@pytest.mark.parametrize("suffix", [".weights.h5", ".keras", "_legacy.h5"])
@pytest.mark.parametrize("top", [True, False], ids=["with top", "without top"])
def test_a_weights_file_saved_by_keras_loads(source, pooled, batch, tmp_path, suffix, top):
    saved = source if top else keras.Model(source.input, source.get_layer("conv5_block3_out").output)
    path = tmp_path / f"resnet{suffix}"
    if suffix == ".weights.h5":
        saved.save_weights(path)
    else:
        saved.save(path)
    classifier = build("resnet50", NAMES, weights=str(path))
    np.testing.assert_allclose(features(classifier, batch), pooled, rtol=1e-5, atol=1e-5)


def test_a_file_of_a_classifier_of_ours_loads_too(batch, tmp_path):
    keras.utils.set_random_seed(4)
    first = build("mobilenet", ("x", "y", "z"), weights="none")
    awake(first.model).save(tmp_path / "own.keras")
    second = build("mobilenet", NAMES, weights=str(tmp_path / "own.keras"))
    expected = features(first, batch)
    assert expected.max() > 0.1
    np.testing.assert_allclose(features(second, batch), expected, rtol=1e-5, atol=1e-6)


def test_weights_of_another_network_are_refused(source, tmp_path):
    source.save_weights(tmp_path / "resnet.weights.h5")
    source.save(tmp_path / "resnet.keras")
    for name in ("resnet.weights.h5", "resnet.keras"):
        with pytest.raises(ModelError, match="does not hold weights of mobilenet"):
            build("mobilenet", NAMES, weights=str(tmp_path / name))


@pytest.mark.parametrize("name", ["a.weights.h5", "a.keras"])
def test_weights_of_another_network_are_refused_in_one_sentence(tmp_path, name):
    """Keras warns of every group that the file lacks, dozens of them, before the error that says it all."""
    other = build("mobilenet_v2", NAMES, weights="none").model
    other.save_weights(tmp_path / name) if name.endswith(".h5") else other.save(tmp_path / name)
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        with pytest.raises(ModelError, match="does not hold weights of mobilenet"):
            build("mobilenet", NAMES, weights=str(tmp_path / name))
    assert [str(each.message) for each in heard if issubclass(each.category, UserWarning)] == []


@pytest.fixture(scope="module")
def whole():
    keras.utils.set_random_seed(5)
    model = awake(keras.applications.MobileNet(weights=None, classifier_activation=None))
    model.get_layer("conv_preds").bias.assign(np.random.default_rng(1).normal(size=1000))
    return model


@pytest.fixture(scope="module")
def whole_logits(whole, batch):
    return answer(whole, batch)


class TestMobileNet:
    """Its head of 1,000 classes is a 1x1 convolution: here it becomes the dense layer that the convolution amounts to."""

    @pytest.mark.parametrize("suffix", [".weights.h5", ".keras", "_legacy.h5"])
    def test_the_logits_are_those_of_the_convolution(self, whole, whole_logits, batch, tmp_path, suffix):
        path = tmp_path / f"mobilenet{suffix}"
        whole.save_weights(path) if suffix == ".weights.h5" else whole.save(path)
        classifier = imagenet_classifier("mobilenet", str(path), ())
        np.testing.assert_allclose(answer(classifier.model, batch), whole_logits, rtol=1e-4, atol=1e-5)
        assert classifier.kernel.shape == (1024, 1000)
        assert classifier.pooled_layer() == "conv_pw_13_relu"

    def test_the_downloaded_file_is_that_of_the_whole_network(self, whole, whole_logits, batch, tmp_path, monkeypatch):
        from dogcam.models import pretrained

        whole.save_weights(tmp_path / "a.weights.h5")
        asked = []

        def get_file(fname, origin, **options):
            asked.append(origin)
            return str(tmp_path / "a.weights.h5")

        monkeypatch.setattr("keras.src.utils.file_utils.get_file", get_file)
        monkeypatch.setattr(pretrained, "require_reachable", lambda url, remedy: asked.append(url))
        classifier = imagenet_classifier("mobilenet", "imagenet", ())
        np.testing.assert_allclose(answer(classifier.model, batch), whole_logits, rtol=1e-4, atol=1e-5)
        assert len(asked) == 2
        assert asked[0] == asked[1]

    def test_a_head_that_is_another_convolution_is_left_as_it_is(self):
        from dogcam.models.pretrained import _with_dense_head

        layers = keras.layers
        start = keras.Input((8, 8, 3))
        unpooled = keras.Model(start, layers.Flatten()(layers.Conv2D(5, 1, strides=8)(start)))
        wide = keras.Model(start, layers.Flatten()(layers.Conv2D(5, 8)(start)))
        for model in (unpooled, wide):
            assert _with_dense_head(model) is model


@pytest.mark.parametrize("content", [None, b"", b"not a weights file"])
def test_a_missing_or_broken_weights_file_is_one_clear_error(tmp_path, content):
    path = tmp_path / "x.weights.h5"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ModelError, match=r"x\.weights\.h5"):
        build("small_resnet", NAMES, weights=str(path))


def test_a_misspelt_word_for_weights_says_what_there_is():
    with pytest.raises(ModelError, match="imagenet, none or a file; there is no file 'imagnet'"):
        build("small_resnet", NAMES, weights="imagnet")


def test_there_are_no_imagenet_weights_of_the_demos_network():
    with pytest.raises(OptionError, match="no ImageNet weights of small_resnet"):
        build("small_resnet", NAMES, weights="imagenet")


class TestOffline:
    @pytest.fixture(autouse=True)
    def no_network(self, monkeypatch, tmp_path):
        """An empty cache, and a proxy that nobody answers at."""
        monkeypatch.setenv("KERAS_HOME", str(tmp_path))
        for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
            monkeypatch.setenv(name, "http://127.0.0.1:9")
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)

    def test_the_error_names_the_file_its_place_and_the_demo(self, tmp_path):
        began = time.monotonic()
        with pytest.raises(Unavailable) as caught:
            build("resnet50", NAMES, weights="imagenet")
        assert time.monotonic() - began < 15
        text = str(caught.value)
        file = BACKBONES["resnet50"].weights.rsplit("/", 1)[1]
        for part in (BACKBONES["resnet50"].weights, str(tmp_path / "models" / file), "--weights", "dogcam demo"):
            assert part in text

    def test_with_the_imagenet_head_another_file_is_named(self):
        with pytest.raises(Unavailable, match=r"resnet50_weights_tf_dim_ordering_tf_kernels\.h5"):
            imagenet_classifier("resnet50", "imagenet", ())

    def test_classes_go_by_number_where_their_names_cannot_be_had(self, listener):
        progress = listener()
        assert imagenet_labels(progress) == ()
        assert "shown by number" in progress.notes[0]
        assert "--labels" in progress.notes[0]

    @pytest.mark.parametrize(
        "content",
        [
            b"",
            b'{"0": ["n01440764", "tench"',
            b"<html>sign in to the network</html>",
            b"\xff\xfe",
            b"{}",
            b"[]",
            b'{"0": 1}',
            b'{"0": [1, 2]}',
        ],
    )
    def test_a_broken_copy_says_which_file_to_delete(self, tmp_path, content):
        file = tmp_path / "models" / "imagenet_class_index.json"
        file.parent.mkdir()
        file.write_bytes(content)
        with pytest.raises(InputError) as caught:
            imagenet_labels(Progress())
        assert str(file) in str(caught.value)
        assert "delete it" in str(caught.value)

    @pytest.mark.parametrize("error", [Exception("URL fetch failure on ...: None -- broke off"), TimeoutError("slow")])
    def test_a_download_of_names_that_breaks_off_is_a_note(self, monkeypatch, listener, error):
        def get_file(*arguments, **options):
            raise error

        monkeypatch.setattr("dogcam.models.pretrained.require_reachable", lambda url, remedy: None)
        monkeypatch.setattr(keras.utils, "get_file", get_file)
        progress = listener()
        assert imagenet_labels(progress) == ()
        assert "shown by number" in progress.notes[0]
        assert str(error) in progress.notes[0]
        assert "--labels" in progress.notes[0]

    def test_what_keras_tells_of_downloads_is_not_on_standard_output(self, monkeypatch, tmp_path, capsys, source):
        """Standard output is for answers: --json prints one document there, and nothing else."""
        index = {str(number): ["n0", "x"] for number in range(1000)}
        source.save_weights(tmp_path / "a.weights.h5")

        def get_file(name, origin, **options):
            print(f"Downloading data from {origin}")
            (tmp_path / "models").mkdir(exist_ok=True)
            (tmp_path / "models" / "imagenet_class_index.json").write_text(json.dumps(index))
            return str(tmp_path / "a.weights.h5")

        def builder(**options):
            get_file("a", "resnet50")
            return keras.applications.ResNet50(weights=None, include_top=False, input_shape=(224, 224, 3))

        monkeypatch.setattr("dogcam.models.pretrained.require_reachable", lambda url, remedy: None)
        monkeypatch.setattr(keras.utils, "get_file", get_file)
        monkeypatch.setattr("dogcam.models.pretrained.resolve", lambda name: builder)
        assert len(imagenet_labels(Progress())) == 1000
        build("resnet50", NAMES, weights="imagenet")
        heard = capsys.readouterr()
        assert heard.out == ""
        assert heard.err.count("Downloading data from") == 2

    def test_a_copy_that_keras_has_is_used(self, tmp_path):
        (tmp_path / "models").mkdir()
        index = {str(number): [f"n{number:08d}", f"some_class_{number}"] for number in range(1000)}
        (tmp_path / "models" / "imagenet_class_index.json").write_text(json.dumps(index))
        labels = imagenet_labels(Progress())
        assert len(labels) == 1000
        assert labels[42] == "some class 42"

    def test_weights_that_were_put_in_their_place_are_used(self, tmp_path, source, pooled, batch, monkeypatch):
        """As the error tells people to do; the file's hash is Keras's own business, and is not ours to fake."""
        file = tmp_path / "models" / BACKBONES["resnet50"].weights.rsplit("/", 1)[1]
        file.parent.mkdir()
        keras.Model(source.input, source.get_layer("conv5_block3_out").output).save_weights(tmp_path / "a.weights.h5")
        (tmp_path / "a.weights.h5").rename(file.with_suffix(".weights.h5"))
        asked = []

        def get_file(fname, origin, **options):
            asked.append(fname)
            return str(file.with_suffix(".weights.h5"))

        monkeypatch.setattr("keras.src.utils.file_utils.get_file", get_file)
        file.touch()
        classifier = build("resnet50", NAMES, weights="imagenet")
        assert asked == [file.name]
        np.testing.assert_allclose(features(classifier, batch), pooled, rtol=1e-5, atol=1e-5)


def test_the_urls_with_a_top_are_those_keras_asks_for(monkeypatch):
    from dogcam.models import pretrained

    class AskedFor(Exception):
        pass

    asked = {}

    def get_file(fname=None, origin=None, **options):
        asked["keras"] = origin
        raise AskedFor

    monkeypatch.setattr("keras.src.utils.file_utils.get_file", get_file)
    monkeypatch.setattr(pretrained, "cache", lambda: pretrained.Path("nowhere"))
    monkeypatch.setattr(pretrained, "require_reachable", lambda url, remedy: asked.update(ours=url))
    for row in (BACKBONES["resnet50"], BACKBONES["mobilenet_v2"], BACKBONES["efficientnet_v2_b0"], BACKBONES["vgg16"]):
        name = next(key for key, value in BACKBONES.items() if value is row)
        pretrained._require_weights(name, row, include_top=True)
        with pytest.raises(AskedFor):
            resolve(row.builder)(include_top=True, weights="imagenet", input_shape=(row.image_size,) * 2 + (3,))
        assert asked["ours"] == asked["keras"]


class TestLabels:
    def test_names_one_a_line(self, tmp_path):
        (tmp_path / "l.txt").write_text("cat\ndog \n", encoding="utf-8")
        assert read_labels(tmp_path / "l.txt", 2) == ("cat", "dog")

    def test_a_first_line_background_is_left_out(self, tmp_path):
        (tmp_path / "l.txt").write_text("background\ncat\ndog\n", encoding="utf-8")
        assert read_labels(tmp_path / "l.txt", 2) == ("cat", "dog")
        with pytest.raises(InputError, match="has 3 names; the model has 4 classes"):
            read_labels(tmp_path / "l.txt", 4)

    def test_missing(self, tmp_path):
        with pytest.raises(InputError, match="cannot read the labels"):
            read_labels(tmp_path / "none.txt", 2)


def test_real_weights_recognise_real_dogs(real_data):
    """Top-1 of the converted MobileNetV2 on dogs of its own training set is 0.905: 40 pictures must be well above chance."""
    from dogcam.data.opening import open_dataset
    from dogcam.data.pipeline import squash

    labels = read_labels(real_data / "weights" / "imagenet_labels.txt", 1000)
    weights = str(real_data / "weights" / "mobilenet_v2_224_imagenet.weights.h5")
    classifier = imagenet_classifier("mobilenet_v2", weights, labels)
    dataset = open_dataset("stanford_dogs", str(real_data / "stanford_dogs_10"))
    records = dataset.splits["test"][::20]
    pictures = np.stack([squash(record.image.pixels(), (224, 224)) for record in records])
    shares = classifier.probabilities(classifier.model.predict(classifier.inputs_of(pictures), verbose=0))
    right = [
        dataset.classes[record.label].casefold() == classifier.class_name(int(best)).split(",")[0].casefold()
        for record, best in zip(records, shares.argmax(axis=1), strict=True)
    ]
    assert len(records) == 40
    assert np.mean(right) >= 0.8
