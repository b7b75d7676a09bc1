"""The same drawn pictures and boxes, written in every format: the same records, to the last digit."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass

import numpy as np
import pytest
from PIL import Image

from dogcam.data.formats import DATASETS
from dogcam.data.opening import open_dataset

CLASSES = ("bird", "cat", "dog")  # sorted, as formats without a list of classes have them


@dataclass(frozen=True)
class Drawn:
    """A picture with one object in whole pixels, half-open."""

    name: str
    label: int
    width: int
    height: int
    box: tuple[int, int, int, int]

    def save(self, path, mode="RGB"):
        """The picture; or, of mode "L", the mask with the class's number from 1 where the object is."""
        path.parent.mkdir(parents=True, exist_ok=True)
        x0, y0, x1, y1 = self.box
        pixels = np.zeros((self.height, self.width), np.uint8)
        pixels[y0:y1, x0:x1] = self.label + 1
        Image.fromarray(pixels if mode == "L" else np.stack([pixels * 70] * 3, -1)).save(path)


@pytest.fixture(scope="module")
def drawn():
    """Thirty pictures of several sizes, among them those whose sides divide nothing evenly."""
    random = np.random.default_rng(12)
    pictures = []
    for number in range(30):
        width, height = (int(side) for side in random.choice([24, 37, 64, 101, 333], 2))
        x0, y0 = int(random.integers(0, width - 8)), int(random.integers(0, height - 8))
        x1, y1 = int(random.integers(x0 + 2, width + 1)), int(random.integers(y0 + 2, height + 1))
        pictures.append(Drawn(f"p{number:02d}", number % 3, width, height, (x0, y0, x1, y1)))
    return pictures


def write_coco(folder, pictures):
    content = {"images": [], "annotations": [], "categories": [{"id": 5 * i, "name": name} for i, name in enumerate(CLASSES)]}
    for number, each in enumerate(pictures):
        x0, y0, x1, y1 = each.box
        image = {"id": 3 * number, "file_name": f"{each.name}.png", "width": each.width, "height": each.height}
        box = {"bbox": [x0, y0, x1 - x0, y1 - y0], "segmentation": [[x0, y0, x1, y0, x1, y1, x0, y1]], "iscrowd": 0}
        content["images"].append(image)
        content["annotations"].append({"id": number, "image_id": 3 * number, "category_id": 5 * each.label, **box})
        each.save(folder / "images" / f"{each.name}.png")
    (folder / "instances.json").write_text(json.dumps(content), encoding="utf-8")


def write_yolo(folder, pictures):
    (folder / "labels").mkdir()
    (folder / "data.yaml").write_text(f"names: [{', '.join(CLASSES)}]\n", encoding="utf-8")
    for each in pictures:
        x0, y0, x1, y1 = each.box
        numbers = (x0 + x1) / 2 / each.width, (y0 + y1) / 2 / each.height, (x1 - x0) / each.width, (y1 - y0) / each.height
        line = " ".join([str(each.label), *(f"{number:.6f}" for number in numbers)])
        (folder / "labels" / f"{each.name}.txt").write_text(f"{line}\n", encoding="utf-8")
        each.save(folder / "images" / f"{each.name}.png")


def write_voc(folder, pictures):
    """As the development kit has it: both corners inside, counted from 1."""
    (folder / "Annotations").mkdir()
    for each in pictures:
        x0, y0, x1, y1 = each.box
        corners = f"<xmin>{x0 + 1}</xmin><ymin>{y0 + 1}</ymin><xmax>{x1}</xmax><ymax>{y1}</ymax>"
        object_ = f"<object><name>{CLASSES[each.label]}</name><bndbox>{corners}</bndbox></object>"
        size = f"<size><width>{each.width}</width><height>{each.height}</height><depth>3</depth></size>"
        text = f"<annotation><filename>{each.name}.png</filename>{size}{object_}</annotation>"
        (folder / "Annotations" / f"{each.name}.xml").write_text(text, encoding="utf-8")
        each.save(folder / "JPEGImages" / f"{each.name}.png")


def write_csv(folder, pictures):
    with (folder / "boxes.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["path", "label", "x0", "y0", "x1", "y1", "width", "height"])
        for each in pictures:
            table.writerow([f"images/{each.name}.png", CLASSES[each.label], *each.box, each.width, each.height])
            each.save(folder / "images" / f"{each.name}.png")


def write_masks(folder, pictures):
    (folder / "classes.txt").write_text("\n".join(["background", *CLASSES]), encoding="utf-8")
    for each in pictures:
        each.save(folder / "images" / f"{each.name}.png")
        each.save(folder / "masks" / f"{each.name}.png", "L")


WRITERS = {"coco": write_coco, "yolo": write_yolo, "voc": write_voc, "csv": write_csv, "masks": write_masks}


@pytest.fixture(scope="module")
def opened(drawn, tmp_path_factory):
    """Opens the drawn set in a format, each once."""
    datasets = {}

    def of(name):
        if name not in DATASETS:
            pytest.skip(f"there is no format {name} yet")
        if name not in datasets:
            folder = tmp_path_factory.mktemp(name)
            WRITERS[name](folder, drawn)
            datasets[name] = open_dataset(f"{name}:{folder}", seed=7)
        return datasets[name]

    return of


@pytest.mark.parametrize("name", WRITERS)
def test_every_format_gives_what_was_drawn(opened, drawn, name):
    dataset = opened(name)
    records = {record.id: record for records in dataset.splits.values() for record in records}
    assert dataset.classes == CLASSES
    assert dataset.problems == dataset.mended == ()
    assert sorted(records) == [each.name for each in drawn]
    for each in drawn:
        record = records[each.name]
        expected = np.array([each.box], np.float64) / (each.width, each.height, each.width, each.height)
        assert record.label == each.label
        np.testing.assert_array_equal(record.boxes, expected.astype(np.float32))
        if record.mask is not None:
            x0, y0, x1, y1 = each.box
            mask = np.zeros((each.height, each.width), bool)
            mask[y0:y1, x0:x1] = True
            np.testing.assert_array_equal(record.mask(), mask)


@pytest.mark.parametrize("name", WRITERS)
def test_the_same_data_has_the_same_fingerprint_and_the_same_split_by_the_same_seed(opened, name):
    dataset = opened(name)
    assert dataset.fingerprint() == opened("coco").fingerprint()
    assert (dataset.division.how, dataset.division.seed) == ("seeded", 7)
    assert {split: [record.id for record in records] for split, records in dataset.splits.items()} == {
        split: [record.id for record in records] for split, records in opened("coco").splits.items()
    }
