"""TFDS's own builder of Stanford Dogs, fed from a loopback server; what is said where there is no network."""

from __future__ import annotations

import functools
import hashlib
import http.server
import io
import os
import socket
import subprocess
import sys
import threading
import time
from contextlib import redirect_stderr, redirect_stdout
from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow_datasets as tfds
from PIL import Image
from tensorflow_datasets.core.download.checksums import UrlInfo

from dogcam.core import downloads
from dogcam.core.errors import InputError, Unavailable
from dogcam.core.progress import Step
from dogcam.data.formats import tfds as ours
from dogcam.data.opening import open_dataset

NAMES = {"_IMAGES_URL": "images.tar", "_SPLIT_URL": "lists.tar", "_ANNOTATIONS_URL": "annotation.tar"}
BREEDS = [f"n{2085620 + 7 * number:08d}-Breed_No_{number:03d}" for number in range(120)]


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves a folder and remembers what was asked."""

    asked: list[str]

    def log_message(self, *arguments):
        self.asked.append(f"{self.command} {self.path}")


class Server:
    def __init__(self, folder):
        self.asked = []
        handler = type("Handler", (Quiet,), {"asked": self.asked})
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(handler, directory=str(folder)))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def url(self, name):
        return f"http://127.0.0.1:{self._server.server_port}/{name}"

    def stop(self):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def forget_proxies(patch):
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        patch.delenv(name)


def serve(patch, folder, url):
    """Point TFDS's builder of Stanford Dogs, and its checksums, to the archives in `folder`."""
    forget_proxies(patch)
    builder = tfds.builder_cls("stanford_dogs")
    infos = {}
    for constant, name in NAMES.items():
        patch.setattr(sys.modules[builder.__module__], constant, url(name))
        content = (folder / name).read_bytes()
        infos[url(name)] = UrlInfo(len(content), hashlib.sha256(content).hexdigest(), name)
    patch.setattr(builder, "url_infos", infos)


@pytest.fixture(scope="module")
def dogs(maker):
    """120 breeds, as TFDS insists; sizes, boxes and their number differ from picture to picture."""
    made = []
    for number, breed in enumerate(BREEDS):
        for split, size in (("train", (24, 16)), ("test", (20 + number % 7, 30))):
            boxes = [(1, 2, 10 + number % 10, 12)] + [(12, 3, 18, 15)] * (number % 3 == 0)
            identity = 1000 + number * 2 + (split == "test")
            made.append(maker.dog(breed, identity, split, size, boxes))
    return made


@pytest.fixture(scope="module")
def opened(maker, dogs, tmp_path_factory):
    """The dataset opened twice through TFDS, the second time with the server gone; and what happened meanwhile."""
    archives, data = tmp_path_factory.mktemp("served"), tmp_path_factory.mktemp("data")
    server = Server(maker.write(archives, dogs))
    output, errors = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(output), redirect_stderr(errors):
        serve(patch, archives, server.url)
        first = open_dataset("stanford_dogs", str(data))
        server.stop()
        second = open_dataset("stanford_dogs", str(data))
    heard = {"asked": server.asked, "output": output.getvalue(), "errors": errors.getvalue()}
    return SimpleNamespace(first=first, second=second, data=data, archives=archives, url=server.url, **heard)


def everything(dataset):
    return {record.id: record for records in dataset.splits.values() for record in records}


def test_tfds_own_builder_downloads_and_prepares(opened, dogs):
    assert sorted(opened.asked) == ["GET /annotation.tar", "GET /images.tar", "GET /lists.tar", "HEAD /annotation.tar"]
    origin = opened.first.source
    assert (origin.kind, str(opened.data) in origin.folder, origin.name) == ("tfds", True, "stanford_dogs/0.2.0")
    assert opened.first.name == "stanford_dogs"
    assert opened.first.problems == ()
    for split, records in opened.first.splits.items():
        assert [record.id for record in records] == sorted(dog.id for dog in dogs if dog.split == split)
    assert {split: len(records) for split, records in opened.first.splits.items()} == {"train": 120, "test": 120}


def test_labels_are_the_breeds_in_the_order_of_their_names(opened, dogs):
    assert opened.first.classes == tuple(f"breed no {number:03d}" for number in range(120))
    labels = {identity: record.label for identity, record in everything(opened.first).items()}
    assert labels == {dog.id: BREEDS.index(dog.breed) for dog in dogs}


def test_boxes_are_x_before_y_and_relative(opened, dogs):
    records = everything(opened.first)
    for dog in dogs:
        number = BREEDS.index(dog.breed)
        height, width, _ = dog.pixels.shape
        expected = [[1 / width, 2 / height, (10 + number % 10) / width, 12 / height]]
        if number % 3 == 0:
            expected.append([12 / width, 3 / height, 18 / width, 15 / height])
        np.testing.assert_allclose(records[dog.id].boxes, expected, rtol=1e-6, err_msg=dog.id)


def test_pictures_are_those_that_were_served(opened, dogs):
    records = everything(opened.first)
    for dog in dogs:
        image = records[dog.id].image
        assert image.content() == dog.picture
    for dog in dogs[::30]:
        pixels = records[dog.id].image.pixels()
        np.testing.assert_array_equal(pixels, np.array(Image.open(io.BytesIO(dog.picture))))


def test_it_agrees_with_reading_the_archives_directly(opened):
    direct = open_dataset("stanford_dogs", str(opened.archives))
    assert direct.classes == tuple(f"Breed No {number:03d}" for number in range(120))  # TFDS lower-cases them
    for split in ("train", "test"):
        through = {record.id: record for record in opened.first.splits[split]}
        assert through.keys() == {record.id for record in direct.splits[split]}
        for record in direct.splits[split]:
            assert through[record.id].label == record.label
            np.testing.assert_allclose(through[record.id].boxes, record.boxes, rtol=1e-6)


def test_a_second_opening_needs_no_server(opened):
    assert opened.second.fingerprint() == opened.first.fingerprint()
    record = opened.second.splits["test"][0]
    np.testing.assert_array_equal(record.image.pixels(), everything(opened.first)[record.id].image.pixels())


def test_it_may_be_named_as_any_tfds_set(opened):
    dataset = open_dataset("tfds:stanford_dogs", str(opened.data))
    assert dataset.fingerprint() == opened.first.fingerprint()
    assert dataset.name == "stanford_dogs"


def test_tfds_writes_nothing_of_its_own_to_the_terminal(opened):
    assert opened.output == ""
    assert "it/s" not in opened.errors
    assert "..." not in opened.errors


def test_finished_downloads_need_no_server(opened, tmp_path, monkeypatch):
    """The prepared copy is gone, the downloads are kept: TFDS prepares it again."""
    serve(monkeypatch, opened.archives, opened.url)
    (tmp_path / "downloads").symlink_to(opened.data / "downloads")
    dataset = open_dataset("stanford_dogs", str(tmp_path))
    assert dataset.fingerprint() == opened.first.fingerprint()


def test_what_was_served_wrongly_is_an_error_in_one_line(maker, dogs, tmp_path, monkeypatch, listener):
    """TFDS stumbles over a picture without an annotation; its checksums do not match a file that was changed."""
    archives = tmp_path / "served"
    archives.mkdir()
    maker.write(archives, [dogs[0].but(annotation=None), *dogs[1:]])
    server = Server(archives)
    serve(monkeypatch, archives, server.url)
    progress = listener()
    try:
        with pytest.raises(InputError, match=r"TFDS could not prepare .*AttributeError: ") as without_annotation:
            open_dataset("stanford_dogs", str(folder(tmp_path / "one")), progress)
        (archives / "lists.tar").write_bytes((archives / "lists.tar").read_bytes() + bytes(512))
        with pytest.raises(InputError, match=r"TFDS could not prepare .*NonMatchingChecksumError: ") as other_checksum:
            open_dataset("stanford_dogs", str(folder(tmp_path / "two")))
    finally:
        server.stop()
    for caught in (without_annotation, other_checksum):
        assert not isinstance(caught.value, Unavailable)
        assert "\n" not in str(caught.value)
        assert "--data-dir" in str(caught.value)
    assert [note for note in progress.notes if "TFDS prepares stanford_dogs/0.2.0" in note]


def folder(path):
    path.mkdir()
    return path


@pytest.fixture
def no_names(monkeypatch):
    """A machine whose names do not resolve; whoever asks is remembered."""
    asked = []

    def getaddrinfo(host, *arguments, **options):
        asked.append(host)
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    forget_proxies(monkeypatch)
    return asked


def assert_helpful(text):
    for needed in ("images.tar", "annotation.tar", "lists.tar", "vision.stanford.edu", "--data-dir", "dogcam demo"):
        assert needed in text


@pytest.mark.parametrize("where", ["data_dir", "TFDS's own folder"])
def test_without_a_network_it_says_what_to_fetch_and_where_to_put_it(tmp_path, monkeypatch, no_names, where):
    monkeypatch.setattr(tfds.core.constants, "DATA_DIR", str(tmp_path))
    start = time.monotonic()
    with pytest.raises(Unavailable) as caught:
        open_dataset("stanford_dogs", str(tmp_path) if where == "data_dir" else None)
    assert time.monotonic() - start < 5
    assert_helpful(str(caught.value))
    assert no_names == ["vision.stanford.edu"]
    assert not (tmp_path / "stanford_dogs").exists()


def test_a_host_that_never_answers_is_given_up(tmp_path, monkeypatch, no_names):
    released = threading.Event()

    def getaddrinfo(*arguments, **options):
        released.wait(30)
        raise socket.gaierror(-3, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    monkeypatch.setattr(downloads, "PATIENCE_SECONDS", 0.3)
    start = time.monotonic()
    with pytest.raises(Unavailable, match=r"no answer within 0\.3 seconds") as caught:
        open_dataset("stanford_dogs", str(tmp_path))
    released.set()
    assert time.monotonic() - start < 5
    assert_helpful(str(caught.value))


def test_a_fresh_process_without_a_network_answers_in_time(tmp_path):
    """All of it: imports, TFDS, the question to the host, and the answer. A proxy that is not there stands for no network."""
    code = "from dogcam.data.opening import open_dataset; open_dataset('stanford_dogs')"
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # bound but not listening: refused
        proxy = f"http://127.0.0.1:{closed.getsockname()[1]}"
        environment = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
        environment |= {"http_proxy": proxy, "https_proxy": proxy, "TFDS_DATA_DIR": str(tmp_path)}
        start = time.monotonic()
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=False)
    assert time.monotonic() - start < 15
    assert done.returncode == 1
    assert done.stdout == ""
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("dogcam.core.errors.Unavailable: cannot fetch")
    assert_helpful(last)


def test_another_set_without_a_network_is_not_told_to_fetch_dogs(tmp_path, no_names):
    with pytest.raises(Unavailable, match="Let TFDS prepare it where there is a network") as caught:
        open_dataset("tfds:cifar10", str(tmp_path))
    assert f"{tmp_path}/cifar10/" in str(caught.value)
    assert "dogcam demo" in str(caught.value)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("stanford_dgs", "unknown TFDS dataset 'stanford_dgs'; the nearest: stanford_dogs"),
        ("", "tfds needs the name of a set, such as tfds:stanford_dogs"),
        ("no such set", "TFDS cannot open 'no such set'"),
        ("stanford_dogs:9.9.9", "cannot be loaded at version 9.9.9"),
        ("stanford_dogs/tiny", "BuilderConfig tiny not found"),
    ],
)
def test_a_name_that_tfds_does_not_know(tmp_path, no_names, name, said):
    with pytest.raises(InputError) as caught:
        open_dataset(f"tfds:{name}", str(tmp_path))
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
    assert no_names == []


class Any(tfds.core.GeneratorBasedBuilder):
    """A small set of a user's own, whose features and splits each test chooses."""

    VERSION = tfds.core.Version("1.0.0")
    # The base class registers by name; ours stays out of the registry.
    pkg_dir_path = None
    features: dict
    rows: dict

    def _info(self):
        return tfds.core.DatasetInfo(builder=self, features=tfds.features.FeaturesDict(self.features))

    def _split_generators(self, manager):
        return {split: self._generate_examples(rows) for split, rows in self.rows.items()}

    def _generate_examples(self, rows):
        yield from enumerate(rows)


def own(monkeypatch, tmp_path, features, rows):
    monkeypatch.setattr(Any, "features", features, raising=False)
    monkeypatch.setattr(Any, "rows", rows, raising=False)
    monkeypatch.setattr(ours, "_builder", lambda name, data_dir: Any(data_dir=data_dir))
    return open_dataset("tfds:any", str(tmp_path))


IMAGE = {"image": tfds.features.Image(encoding_format="png")}
LABEL = {"label": tfds.features.ClassLabel(names=["cat", "dog"])}
BOX = {"bbox": tfds.features.BBoxFeature()}


def row(**more):
    return {"image": np.full((6, 8, 3), 7, np.uint8), "label": "dog", **more}


def test_a_set_with_one_box_for_each_picture(tmp_path, monkeypatch):
    box = tfds.features.BBox(ymin=0.1, xmin=0.2, ymax=0.3, xmax=0.4)
    rows = {"train": [row(bbox=box)], "validation": [row(bbox=box), row(bbox=box)]}
    dataset = own(monkeypatch, tmp_path, IMAGE | LABEL | BOX, rows)
    assert (dataset.name, dataset.classes) == ("tfds:any", ("cat", "dog"))
    assert {split: [record.id for record in records] for split, records in dataset.splits.items()} == {
        "train": ["train-000000"],
        "test": ["test-000000", "test-000001"],  # "validation" stands for it
    }
    (record,) = dataset.splits["train"]
    assert record.label == 1
    np.testing.assert_allclose(record.boxes, [[0.2, 0.1, 0.4, 0.3]], rtol=1e-6)
    np.testing.assert_array_equal(record.image.pixels(), np.full((6, 8, 3), 7, np.uint8))


def test_pictures_without_box_or_label_are_named(tmp_path, monkeypatch):
    features = IMAGE | LABEL | {"objects": tfds.features.Sequence(BOX), "file_name": tfds.features.Text()}
    flat = tfds.features.BBox(ymin=0.5, xmin=0.2, ymax=0.5, xmax=0.4)
    good = tfds.features.BBox(ymin=0.5, xmin=0.2, ymax=0.75, xmax=0.4)
    rows = {
        "train": [row(file_name="none.png", objects=[]), row(file_name="both.png", objects=[{"bbox": flat}, {"bbox": good}])],
        "test": [row(file_name="unknown.png", objects=[{"bbox": good}]) | {"label": -1}],
    }
    dataset = own(monkeypatch, tmp_path, features, rows)
    found = {problem.id: (problem.split, problem.lost, problem.reason) for problem in dataset.problems}
    assert len(dataset.problems) == 3
    assert found["none"] == ("train", False, "no annotated box")
    assert found["both"][:2] == ("train", False)
    assert "is empty or outside it" in found["both"][2]
    assert found["unknown"] == ("test", True, "TFDS has no label for it")
    assert dataset.splits["test"] == ()
    boxes = {record.id: record.boxes.tolist() for record in dataset.splits["train"]}
    assert boxes == {"none": [], "both": [pytest.approx([0.2, 0.5, 0.4, 0.75])]}


@pytest.mark.parametrize(
    ("features", "rows", "said"),
    [
        (LABEL, [{"label": "dog"}], "no 'image'"),
        (IMAGE, [{"image": np.zeros((4, 4, 3), np.uint8)}], "no 'label'"),
        (IMAGE | {"label": tfds.features.Text()}, [row()], "no 'label' of the kind ClassLabel; it has image, label"),
    ],
)
def test_a_set_that_cannot_be_used_says_what_it_lacks(tmp_path, monkeypatch, features, rows, said):
    with pytest.raises(InputError, match=said):
        own(monkeypatch, tmp_path, features, {"train": rows, "test": rows})


def test_a_set_without_a_test_split(tmp_path, monkeypatch):
    with pytest.raises(InputError, match="needs the splits train and test; it has train"):
        own(monkeypatch, tmp_path, IMAGE | LABEL, {"train": [row()]})


def test_a_growing_download_is_told_in_megabytes(tmp_path):
    said = []

    class Heard(Step):
        def advance(self, units=1, text=""):
            said.append((units, text))

    (tmp_path / "old").write_bytes(bytes(1_000_000))
    with ours._watched(tmp_path, Heard()):
        (tmp_path / "new").write_bytes(bytes(3_000_000))
        time.sleep(1.3)
    assert said == [(0, "3 MB")]
