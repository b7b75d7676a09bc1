"""Maps in files: which file is whose, what is read of it, and what is refused."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from dogcam.core.errors import InputError
from dogcam.data import Record
from dogcam.data.images import ImageFile
from dogcam.data.maps import MapFile, find_maps, map_path, name_of, write_map

RAMP = np.arange(20, dtype=np.float32).reshape(4, 5)


def record(identity, path="", picture=""):
    return Record(identity, None, 0, [[0, 0, 1, 1]], picture=picture, path=path)


CHOE = [record("0", "val2/0/0.jpeg"), record("1", "val2/0/1.jpeg"), record("a", "images/001.Black/a.jpg")]


def save(folder, *names, value=RAMP):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".npz":
            np.savez(path, value)
        else:
            np.save(path, value)


def found(folder, records=CHOE):
    """By method the name of each record's file."""
    maps = find_maps(folder, records)
    return {method: {key: each.name for key, each in files.items()} for method, files in maps.methods.items()}


class TestWhoseTheyAre:
    def test_the_layout_of_choe_works_as_it_is(self, tmp_path):
        """np.load(os.path.join(scoremap_root, image_id + '.npy')) of their evaluation.py, image_id "val2/0/0.jpeg"."""
        save(tmp_path / "scoremaps", "val2/0/0.jpeg.npy", "val2/0/1.jpeg.npy", "001.Black/a.jpg.npy")
        assert found(tmp_path / "scoremaps") == {
            "scoremaps": {"0": "val2/0/0.jpeg.npy", "1": "val2/0/1.jpeg.npy", "a": "001.Black/a.jpg.npy"}
        }

    @pytest.mark.parametrize(
        "name", ["0.npy", "0.jpeg.npy", "0/0.npy", "0/0.jpeg.npy", "val2/0/0.npy", "val2/0/0.jpeg.npy", "val2/0/0.npz"]
    )
    @pytest.mark.parametrize("method", ["", "mine/"])
    def test_id_path_and_their_ends_are_names_with_and_without_suffix(self, tmp_path, name, method):
        save(tmp_path / "folder", method + name)
        assert found(tmp_path / "folder") == {"mine" if method else "folder": {"0": method + name}}

    def test_subfolders_are_methods_but_where_they_are_part_of_names(self, tmp_path):
        save(tmp_path / "m", "val2/0/0.jpeg.npy", "b/0.npy", "b/1.npy", "c/val2/0/1.npy")
        maps = found(tmp_path / "m")
        assert maps == {"b": {"0": "b/0.npy", "1": "b/1.npy"}, "c": {"1": "c/val2/0/1.npy"}, "m": {"0": "val2/0/0.jpeg.npy"}}
        assert list(maps) == sorted(maps)

    def test_a_name_that_several_pictures_have_is_nobodys(self, tmp_path):
        records = [record("x/1", "x/1.jpg"), record("y/1", "y/1.jpg")]
        save(tmp_path / "m", "1.npy", "x/1.npy", "y/1.jpg.npy")
        maps = find_maps(tmp_path / "m", records)
        assert {key: each.name for key, each in maps.methods["m"].items()} == {"x/1": "x/1.npy", "y/1": "y/1.jpg.npy"}
        assert maps.extra == ("1.npy",)

    def test_rows_of_classes_have_maps_of_their_own(self, tmp_path):
        records = [record("p#cat", "in/p.jpg", "p"), record("p#dog", "in/p.jpg", "p")]
        save(tmp_path / "m", "p#cat.npy", "in/p.jpg#dog.npy", "p.npy")
        maps = find_maps(tmp_path / "m", records)
        assert {key: each.name for key, each in maps.methods["m"].items()} == {"p#cat": "p#cat.npy", "p#dog": "in/p.jpg#dog.npy"}
        assert maps.extra == ("p.npy",)
        assert [name_of(each) for each in records] == ["in/p.jpg#cat", "in/p.jpg#dog"]

    def test_arrays_go_before_pictures_of_the_same_map(self, tmp_path):
        save(tmp_path / "m", "0.npy", "1.npz")
        for name in ("0.png", "1.png"):
            Image.new("RGB", (2, 2)).save(tmp_path / "m" / name)
        maps = find_maps(tmp_path / "m", CHOE)
        assert found(tmp_path / "m")["m"] == {"0": "0.npy", "1": "1.npz"}
        assert maps.passed_over == ("0.png", "1.png")

    def test_an_archive_that_was_written_anew_is_read_anew(self, tmp_path):
        for value in (RAMP, 2 * RAMP):
            (tmp_path / "mine.npz").unlink(missing_ok=True)
            np.savez(tmp_path / "mine.npz", **{"0": value})
            (file,) = find_maps(tmp_path, CHOE).methods["mine"].values()
            np.testing.assert_array_equal(file.read(), value)

    def test_an_archive_of_many_is_a_method_called_as_it_is_or_as_its_folder(self, tmp_path):
        (tmp_path / "m" / "inner").mkdir(parents=True)
        arrays = {"val2/0/0.jpeg": RAMP, "1": RAMP + 1, "nobody": RAMP}
        np.savez(tmp_path / "m" / "cam.npz", **arrays)
        np.savez_compressed(tmp_path / "m" / "inner" / "all.npz", **arrays)
        maps = find_maps(tmp_path / "m", CHOE)
        assert maps.methods.keys() == {"cam", "inner"}
        for files in maps.methods.values():
            np.testing.assert_array_equal(files["0"].read(), RAMP)
            np.testing.assert_array_equal(files["1"].read(), RAMP + 1)
        assert sorted(maps.extra) == ["cam.npz: nobody", "inner/all.npz: nobody"]

    def test_nothing_of_any_picture_is_one_clear_line(self, tmp_path):
        save(tmp_path / "m", "who.npy")
        (tmp_path / "m" / "broken.npz").write_bytes(b"nothing")
        with pytest.raises(InputError, match=r"holds no map of any of the 3 pictures: one would be called val2/0/0.jpeg.npy"):
            find_maps(tmp_path / "m", CHOE)
        with pytest.raises(InputError, match="there is no file or folder"):
            find_maps(tmp_path / "nowhere", CHOE)

    def test_a_link_out_of_the_folder_is_not_followed(self, tmp_path):
        save(tmp_path, "outside.npy")
        save(tmp_path / "m", "1.npy")
        (tmp_path / "m" / "0.npy").symlink_to(tmp_path / "outside.npy")
        assert found(tmp_path / "m") == {"m": {"1": "1.npy"}}


def read(path):
    return MapFile(ImageFile(path), path.name).read()


class TestWhatIsRead:
    @pytest.mark.parametrize(
        ("kind", "expected"),
        [
            ("float16", np.float32), ("float32", np.float32), ("float64", np.float64), ("uint8", np.float32),
            ("int16", np.float32), ("int32", np.float64), ("uint64", np.float64), ("bool", np.float32), (">f4", np.float32),
        ],
    )  # fmt: skip
    @pytest.mark.parametrize("axes", [(), (0,), (2,)], ids=["h,w", "1,h,w", "h,w,1"])
    def test_numbers_of_any_kind(self, tmp_path, kind, expected, axes):
        values = (RAMP % 2).astype(kind)
        np.save(tmp_path / "m.npy", np.expand_dims(values, axes) if axes else values)
        found = read(tmp_path / "m.npy")
        assert found.dtype == expected
        assert found.tolist() == (RAMP % 2).tolist()

    def test_what_float64_alone_can_tell_apart_is_kept(self, tmp_path):
        values = np.array([[1.0, 1.0 + 1e-12]])
        np.save(tmp_path / "m.npy", values)
        assert read(tmp_path / "m.npy").tolist() == values.tolist()

    @pytest.mark.parametrize(("kind", "highest"), [(np.uint8, 255), (np.uint16, 65535)])
    def test_a_grey_png_goes_by_its_types_range_and_not_by_its_own(self, tmp_path, kind, highest):
        values = np.array([[0, 1, 50], [3, 100, highest // 2]], kind)
        Image.fromarray(values).save(tmp_path / "m.png")
        np.testing.assert_allclose(read(tmp_path / "m.png"), values / highest, rtol=1e-6)

    def test_a_one_bit_png_is_0_and_1(self, tmp_path):
        Image.fromarray(RAMP > 9).save(tmp_path / "m.png")
        assert read(tmp_path / "m.png").tolist() == (RAMP > 9).tolist()

    @pytest.mark.parametrize("mode", ["RGB", "RGBA", "P", "LA"])
    def test_colours_are_no_values(self, tmp_path, mode):
        Image.new(mode, (3, 2)).save(tmp_path / "jet.png")
        with pytest.raises(InputError, match=rf"cannot read jet.png: a picture of colours \({mode}\), which are not values"):
            read(tmp_path / "jet.png")

    @pytest.mark.parametrize(
        ("values", "words"),
        [
            (np.array([[0, np.nan], [np.inf, 1]]), "2 of its values are NaN or infinite"),
            (np.zeros((2, 3, 4)), r"this one is \(2, 3, 4\)"),
            (np.zeros((1, 1, 3, 4)), r"this one is \(1, 1, 3, 4\)"),
            (np.zeros(5), r"this one is \(5,\)"),
            (np.zeros((0, 5)), r"this one is \(0, 5\)"),
            (np.zeros((2, 2), complex), "of real numbers; this one is of complex128"),
            (np.array([["a"]]), "of real numbers"),
        ],
    )
    def test_what_is_no_map_is_refused_by_name(self, tmp_path, values, words):
        np.save(tmp_path / "m.npy", values)
        with pytest.raises(InputError, match=f"cannot read m.npy: .*{words}"):
            read(tmp_path / "m.npy")

    def test_what_is_broken_or_runs_code_is_refused_by_name(self, tmp_path):
        whole = io.BytesIO()
        np.save(whole, RAMP)
        contents = {
            "cut.npy": whole.getvalue()[:-3], "empty.npy": b"", "text.npz": b"text", "text.png": b"text",
            "huge.npy": whole.getvalue().replace(b"(4, 5), ", b"(99999999, 99999999), ", 1),
        }  # fmt: skip
        np.save(tmp_path / "objects.npy", np.array([[{}]], object), allow_pickle=True)
        np.savez(tmp_path / "two.npz", RAMP, RAMP)
        for name, content in contents.items():
            (tmp_path / name).write_bytes(content)
        for name in (*contents, "objects.npy", "two.npz"):
            with pytest.raises(InputError, match=f"cannot read {name}: "):
                read(tmp_path / name)


class TestWhatIsWritten:
    def test_numpy_reads_what_choes_evaluator_wants_and_dogcam_the_raw_map(self, tmp_path):
        """Float64, 224 x 224, from 0 to 1, as their util.py checks; the raw map to the last bit."""
        y, x = np.mgrid[:7, :9]
        raw = (np.exp(-((y - 2) ** 2 + (x - 6) ** 2) / 4) - 0.3).astype(np.float32)
        write_map(tmp_path / "a" / "m.npy", raw)
        theirs = np.load(tmp_path / "a" / "m.npy")
        assert (theirs.dtype, theirs.shape, theirs.min(), theirs.max()) == (np.float64, (224, 224), 0, 1)
        peak = np.unravel_index(theirs.argmax(), theirs.shape)
        assert (peak[0] * 7 // 224, peak[1] * 9 // 224) == (2, 6)
        ours = read(tmp_path / "a" / "m.npy")
        assert ours.dtype == np.float32
        np.testing.assert_array_equal(ours, raw)
        assert [path.name for path in (tmp_path / "a").iterdir()] == ["m.npy"]

    @pytest.mark.parametrize(
        ("path", "expected"),
        [("val2/0/0.jpeg", "val2/0/0.jpeg.npy"), ("../../0.jpeg", "%2E%2E/%2E%2E/0.jpeg.npy"), ("/etc/0", "etc/0.npy")],
    )
    def test_it_lies_where_it_is_looked_for_and_never_outside(self, tmp_path, path, expected):
        where = map_path(tmp_path, "gradcam@body/conv", record("0", path))
        assert where.relative_to(tmp_path).as_posix() == f"gradcam@body%2Fconv/{expected}"
        assert map_path(tmp_path, "m", record("p#a/b")).relative_to(tmp_path).as_posix() == "m/p#a/b.npy"
