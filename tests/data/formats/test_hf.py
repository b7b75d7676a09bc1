"""Hugging Face datasets: saved sets, written here by pyarrow as `datasets` 5.2.0 writes them, and folders with metadata."""

from __future__ import annotations

import csv
import io
import json

import pyarrow as pa
import pytest
from drawn_files import everything, picture, pixels_of, told, write

from dogcam.core.errors import InputError
from dogcam.data.formats.hf import beside, sign_hf
from dogcam.data.opening import open_dataset
from dogcam.data.trees import open_tree

IMAGE = pa.struct({"bytes": pa.binary(), "path": pa.string()})
CLASSES = {"names": ["cat", "dog"], "_type": "ClassLabel"}
NUMBERS = {"dtype": "int32", "_type": "Value"}
LABELLED = {"image": {"_type": "Image"}, "label": CLASSES}
BOX = {"feature": {"dtype": "float32", "_type": "Value"}, "length": 4, "_type": "List"}
TWO_LISTS = {"bbox": {"feature": BOX, "_type": "List"}, "category": {"feature": CLASSES, "_type": "List"}}
ONE_LIST = {"feature": {"bbox": BOX, "category": CLASSES}, "_type": "List"}
OLDER = {"feature": {"bbox": {"feature": {"dtype": "float32"}, "length": 4, "_type": "Sequence"}, "category": CLASSES},
         "length": -1, "_type": "Sequence"}  # fmt: skip
OLDEST = [{"bbox": BOX, "category": CLASSES}]


def image(name="a.jpg", width=20):
    return {"bytes": picture(width), "path": name}


def saved(folder, features, rows, files=1, **state):
    """Write rows as a set without splits, in several files of a batch for each row."""
    columns = {name: pa.array([row.get(name) for row in rows], IMAGE if name == "image" else None) for name in rows[0]}
    table = pa.table(columns)
    names = [f"data-{number:05d}-of-{files:05d}.arrow" for number in range(files)]
    contents = {}
    for number, name in enumerate(names):
        part = table.slice(number * -(-len(rows) // files), -(-len(rows) // files))
        sink = io.BytesIO()
        with pa.ipc.new_stream(sink, table.schema) as stream:
            stream.write_table(part, max_chunksize=1)
        contents[name] = sink.getvalue()
    contents["dataset_info.json"] = json.dumps({"citation": "", "features": features})
    contents["state.json"] = json.dumps({"_data_files": [{"filename": name} for name in names], "_split": None} | state)
    return write(folder, contents)


def labels_of(dataset):
    return {identity: record.label for identity, record in everything(dataset).items()}


@pytest.mark.parametrize("files", [1, 2, 3])
def test_a_saved_set_has_its_pictures_and_classes(tmp_path, files):
    rows = [
        {"image": image(f"{name}.jpg", width), "label": label}
        for name, width, label in [("a", 20, 1), ("b", 30, 0), ("c", 40, 1)]
    ]
    dataset = open_dataset(str(saved(tmp_path, LABELLED, rows, files)))
    assert dataset.source.name == "hf"
    assert dataset.classes == ("cat", "dog")
    assert labels_of(dataset) == {"a": 1, "b": 0, "c": 1}
    assert {name: each.image.pixels().shape for name, each in everything(dataset).items()} == {
        "a": (10, 20, 3),
        "b": (10, 30, 3),
        "c": (10, 40, 3),
    }


@pytest.mark.parametrize("name", [None, "same.jpg"])
def test_splits_are_folders_and_pictures_without_names_are_called_by_their_rows(tmp_path, name):
    for split, labels in [("train", (1, 0)), ("test", (0,))]:
        saved(tmp_path / split, LABELLED, [{"image": image(name), "label": label} for label in labels])
    write(tmp_path, {"dataset_dict.json": '{"splits": ["train", "test"]}'})
    dataset = open_dataset(str(tmp_path))
    assert labels_of(dataset) == {"train-000000": 1, "train-000001": 0, "test-000000": 0}
    assert {split: len(records) for split, records in dataset.splits.items()} == {"train": 2, "test": 1}


@pytest.mark.parametrize("feature", [TWO_LISTS, ONE_LIST, OLDER, OLDEST], ids=["two lists", "one list", "older", "oldest"])
def test_objects_are_boxes_of_x_y_width_and_height(tmp_path, feature):
    objects = [{"bbox": [1.0, 2.0, 3.0, 4.0], "category": 1}, {"bbox": [5.0, 0.0, 4.5, 5.0], "category": 0}]
    if feature in (TWO_LISTS, OLDER):
        objects = {key: [each[key] for each in objects] for key in ("bbox", "category")}
    rows = [{"image": image(), "objects": objects, "width": 20, "height": 10, "label": 0}]
    features = {"image": {"_type": "Image"}, "objects": feature, "width": NUMBERS, "height": NUMBERS, "label": CLASSES}
    dataset = open_dataset(str(saved(tmp_path, features, rows)))
    assert dataset.classes == ("cat", "dog")
    assert pixels_of(dataset) == {"a#cat": [[5, 0, 9.5, 5]], "a#dog": [[1, 2, 4, 6]]}


def test_boxes_are_of_the_size_that_a_row_says(tmp_path):
    objects = {"bbox": [[2.0, 2.0, 4.0, 4.0]], "category": ["cat"]}
    rows = [{"image": image(), "objects": objects, "width": 40, "height": 20}]
    dataset = open_dataset(str(saved(tmp_path, {"image": {"_type": "Image"}, "objects": {}}, rows)))
    assert pixels_of(dataset) == {"a": [[1, 1, 3, 3]]}
    assert [each.kind for each in dataset.mended] == ["scaled"]


@pytest.mark.parametrize(
    ("feature", "values", "classes"),
    [
        ({"dtype": "string", "_type": "Value"}, ["dog", "cat"], ("cat", "dog")),
        ({"dtype": "int64", "_type": "Value"}, [10, 9], ("9", "10")),
        (CLASSES, [1, 0], ("cat", "dog")),
        ({"feature": CLASSES, "_type": "List"}, [[1], [0]], ("cat", "dog")),
    ],
)
def test_labels_are_names_numbers_or_lists(tmp_path, feature, values, classes):
    rows = [{"image": image(f"{name}.jpg"), "label": value} for name, value in zip("ab", values, strict=True)]
    dataset = open_dataset(str(saved(tmp_path, {"image": {"_type": "Image"}, "label": feature}, rows)))
    assert dataset.classes == classes
    assert labels_of(dataset) == {"a": 1, "b": 0}


def test_what_is_broken_is_named_and_the_rest_is_read(tmp_path):
    rows = [{"image": image(f"{name}.jpg"), "label": label} for name, label in [("good", 1), ("beyond", 7), ("unknown", -1)]]
    rows += [{"image": {"bytes": None, "path": "/elsewhere/gone.jpg"}, "label": 0}]
    dataset = open_dataset(str(saved(tmp_path, LABELLED, rows)))
    assert told(dataset) == [("beyond", "no-class", False), ("gone", "missing", True)]
    assert labels_of(dataset) == {"good": 1, "beyond": None, "unknown": None}


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"dataset_info.json": "{"}, "cannot read dataset_info.json as JSON"),
        ({"dataset_info.json": "[]"}, "must be a JSON object"),
        ({"dataset_info.json": '{"features": {"text": {"_type": "Value"}}}'}, "no column of type Image; its columns: text"),
        ({"dataset_info.json": '{"features": {"photo": {"_type": "Image"}}}'}, "no pictures in the column 'photo'"),
        ({"state.json": '{"_data_files": [{"filename": "../x.arrow"}]}'}, "lacks ../x.arrow"),
        ({"state.json": '{"_indices_data_files": [{"filename": "i.arrow"}]}'}, "flatten_indices"),
        ({"data-00000-of-00001.arrow": "broken"}, "as an Arrow file"),
    ],
)
def test_a_saved_set_that_cannot_be_read_is_one_line(tmp_path, changed, why):
    saved(tmp_path, LABELLED, [{"image": image(), "label": 0}])
    with pytest.raises(InputError, match=why):
        open_dataset(str(write(tmp_path, changed)))


# Folders with metadata -------------------------------------------------------------------------------------------------------


def metadata(kind, rows):
    """Rows as the text of metadata.jsonl or metadata.csv."""
    if kind == "jsonl":
        return "\r\n\n".join(json.dumps(row) for row in rows)
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]))
    writer.writeheader()
    writer.writerows({key: json.dumps(each) if isinstance(each, dict) else each for key, each in row.items()} for row in rows)
    return "\ufeff" + text.getvalue()


@pytest.mark.parametrize("kind", ["jsonl", "csv"])
def test_labels_of_a_metadata_file(tmp_path, kind):
    rows = [{"file_name": "a b.jpg", "label": "dog, big"}, {"file_name": "deeper/Bär.2.jpg", "label": "cat"}]
    files = {row["file_name"]: picture() for row in rows}
    dataset = open_dataset(str(write(tmp_path, files | {f"metadata.{kind}": metadata(kind, rows)})))
    assert dataset.source.name == "hf"
    assert dataset.classes == ("cat", "dog, big")
    assert labels_of(dataset) == {"a b": 1, "Bär.2": 0}


@pytest.mark.parametrize("kind", ["jsonl", "csv"])
def test_objects_of_a_metadata_file(tmp_path, kind):
    rows = [{"file_name": "a.jpg", "objects": {"bbox": [[1, 2, 3, 4], [0, 0, 20, 10]], "categories": [10, 9]}}]
    dataset = open_dataset(str(write(tmp_path, {"a.jpg": picture(), f"metadata.{kind}": metadata(kind, rows)})))
    assert dataset.classes == ("9", "10")
    assert pixels_of(dataset) == {"a#9": [[0, 0, 20, 10]], "a#10": [[1, 2, 4, 6]]}


def test_a_metadata_file_in_each_split(tmp_path):
    for split, names in [("train", "ab"), ("validation", "a")]:
        rows = [{"file_name": f"{name}.jpg", "label": name} for name in names]
        write(tmp_path / split, {f"{name}.jpg": picture() for name in names} | {"metadata.jsonl": metadata("jsonl", rows)})
    dataset = open_dataset(str(tmp_path))
    assert {split: [each.id for each in records] for split, records in dataset.splits.items()} == {
        "train": ["train/a", "b"],
        "test": ["validation/a"],
    }


@pytest.mark.parametrize("kind", ["jsonl", "csv"])
@pytest.mark.parametrize("folder", ["", "train", "train/more"])
def test_the_metadata_near_a_picture(tmp_path, kind, folder):
    """Its file_name is the picture's path from where the metadata lie."""
    rows = [{"file_name": f"{folder}/{name}.jpg".strip("/"), "label": label} for name, label in (("a", "cat"), ("b", "dog"))]
    write(tmp_path, {f"{folder}/{name}.jpg": picture() for name in "abc"} | {f"metadata.{kind}": metadata(kind, rows)})
    assert beside(tmp_path / folder / "b.jpg").labels == ("dog",)
    assert beside(tmp_path / folder / "c.jpg") is None


def test_a_metadata_file_can_be_named(tmp_path):
    rows = [{"file_name": "a.jpg", "label": "cat"}]
    write(tmp_path, {"a.jpg": picture(), "metadata.jsonl": metadata("jsonl", rows)})
    assert open_dataset(str(tmp_path / "metadata.jsonl")).classes == ("cat",)


def test_rows_that_are_broken_are_named_and_the_rest_is_read(tmp_path):
    rows = [{"file_name": "a.jpg", "label": "cat"}, {"label": "cat"}, {"file_name": "../b.jpg"}, {"file_name": "none.jpg"}]
    rows += [{"file_name": "c.jpg", "objects": {"bbox": [[1, 2, 3]], "category": ["cat"]}}]
    rows += [{"file_name": "d.jpg", "objects": {"bbox": [[1, 2, 3, 4], [0, 0, 9, 9]], "category": ["cat"]}}]
    rows += [{"file_name": "e.jpg", "objects": {"bbox": [[1, 2, 3, 4], [0, 0, 9, 9]], "category": ["cat", None]}}]
    text = metadata("jsonl", rows) + "\n{broken\n[]\n" + 200_000 * "["
    dataset = open_dataset(str(write(tmp_path, {f"{name}.jpg": picture() for name in "acde"} | {"metadata.jsonl": text})))
    assert told(dataset) == [
        ("../b.jpg", "leads-out", True),
        ("c", "no-box", False),
        ("d", "no-box", False),
        ("e", "no-box", False),
        ("metadata.jsonl", "missing", True),
        ("metadata.jsonl, row 10", "", True),
        ("metadata.jsonl, row 8", "", True),
        ("metadata.jsonl, row 9", "", True),
        ("none", "missing", True),
    ]
    assert pixels_of(dataset) == {"a": [], "c": [], "d": [], "e": [[1, 2, 4, 6]]}


@pytest.mark.parametrize("files", [{"state.json": "{}"}, {"a.jpg": "", "metadata.csv": "name,label\na.jpg,cat\n"}, {"a.jpg": ""}])
def test_what_is_neither_is_not_recognised(tmp_path, files):
    assert not sign_hf(open_tree(write(tmp_path, files)))


def test_a_field_without_end_is_one_line(tmp_path):
    write(tmp_path, {"a.jpg": picture(), "metadata.csv": 'file_name,label\na.jpg,"' + 200_000 * "x"})
    with pytest.raises(InputError, match=r"cannot read metadata.csv as a CSV: field larger"):
        open_dataset(str(tmp_path))


def test_a_place_without_either_is_one_line(tmp_path):
    with pytest.raises(InputError, match=r"is no saved set .*metadata.jsonl or metadata.csv"):
        open_dataset(f"hf:{write(tmp_path, {'a.jpg': picture()})}")


@pytest.mark.parametrize("coding", ["utf-8", "utf-8-sig", "utf-16"])
def test_pictures_in_capital_letters_and_a_table_as_windows_saves_it(tmp_path, coding):
    rows = "\n".join(json.dumps({"file_name": f"{name}.jpg", "label": name}) for name in "ab")
    dataset = open_dataset(str(write(tmp_path, {"metadata.jsonl": rows.encode(coding), "a.JPG": picture(), "b.jpg": picture()})))
    assert (sorted(everything(dataset)), dataset.classes, dataset.problems) == (["a", "b"], ("a", "b"), ())


def test_a_table_without_a_byte_is_named(tmp_path):
    row = json.dumps({"file_name": "a.jpg", "label": "cat"})
    files = {"train/metadata.jsonl": b"", "train/b.jpg": picture(), "test/metadata.jsonl": row, "test/a.jpg": picture()}
    assert told(open_dataset(str(write(tmp_path, files)))) == [("train/metadata.jsonl", "unreadable", True)]
