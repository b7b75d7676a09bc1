"""Records to pictures: order, what cannot be read, and the geometry that pictures and boxes share."""

from __future__ import annotations

import io
import re
import threading
import time
from collections import Counter
from dataclasses import dataclass

import numpy as np
import pytest
from PIL import Image

from dogcam.core.errors import InputError
from dogcam.core.progress import Progress
from dogcam.data import Record, pipeline
from dogcam.data.images import ImageFile
from dogcam.data.pipeline import Pictures, limited, read_pictures, squash, threaded


@dataclass
class Painted:
    """A picture of one colour, or one that cannot be read; `seconds` is how long it takes."""

    value: int
    height: int = 6
    width: int = 9
    broken: str = ""
    seconds: float = 0

    def pixels(self):
        time.sleep(self.seconds)
        if self.broken:
            raise InputError(self.broken)
        return np.full((self.height, self.width, 3), self.value, np.uint8)


def record(number, label=0, **painted):
    return Record(f"dog-{number}", Painted(number, **painted), label)


def area_average(pixels, size):
    """Every new pixel is the mean of the old area under it, parts of pixels by their share; loops over one channel."""

    def shares(old):
        scale = old / size
        table = np.zeros((size, old))
        for i in range(size):
            for j in range(old):
                table[i, j] = max(0.0, min((i + 1) * scale, j + 1) - max(i * scale, j)) / scale
        return table

    height, width = pixels.shape[:2]
    return np.einsum("ih,hwc,jw->ijc", shares(height), pixels.astype(np.float64), shares(width))


class TestSquare:
    @pytest.mark.parametrize("shape", [(40, 60), (60, 40), (33, 17), (16, 100)])
    def test_shrinking_averages_over_areas(self, shape):
        pixels = np.random.default_rng(0).integers(0, 256, (*shape, 3), np.uint8)
        np.testing.assert_allclose(squash(pixels, (16, 16)), area_average(pixels, 16), atol=1.01)

    @pytest.mark.parametrize("shape", [(60, 100), (100, 60), (30, 20), (500, 20), (20, 500), (48, 48)])
    def test_a_box_stays_at_the_same_relative_place(self, shape):
        """A white box painted in a picture that is not square, found again in the squashed one."""
        height, width = shape
        box = np.array([0.25, 0.5, 0.75, 0.9])
        x0, y0, x1, y1 = np.rint(box * (width, height, width, height)).astype(int)
        pixels = np.zeros((height, width, 3), np.uint8)
        pixels[y0:y1, x0:x1] = 255
        size = 48
        white = squash(pixels, (size, size))[..., 0] > 127
        ys, xs = np.nonzero(white)
        found = np.array([xs.min(), ys.min(), xs.max() + 1, ys.max() + 1]) / size
        painted = np.array([x0 / width, y0 / height, x1 / width, y1 / height])
        np.testing.assert_allclose(found, painted, atol=1.01 / size)

    @pytest.mark.parametrize("shape", [(4, 5), (5, 4), (200, 5), (64, 64)])
    def test_shape_and_type_and_a_plain_colour(self, shape):
        found = squash(np.full((*shape, 3), (10, 20, 30), np.uint8), (64, 64))
        assert found.shape == (64, 64, 3)
        assert found.dtype == np.uint8
        assert (found == (10, 20, 30)).all()

    def test_left_stays_left_and_red_stays_red(self):
        pixels = np.zeros((30, 60, 3), np.uint8)
        pixels[:, :30, 0] = 255
        pixels[:15, 30:, 2] = 255
        found = squash(pixels, (10, 10))
        assert found[5, 2].tolist() == [255, 0, 0]
        assert found[2, 7].tolist() == [0, 0, 255]
        assert found[7, 7].tolist() == [0, 0, 0]


class TestReading:
    def test_in_the_order_of_the_records_whatever_finishes_first(self):
        records = [record(number, seconds=0.02 * (number % 3 == 0)) for number in range(20)]
        pictures = read_pictures(records, (4, 4), "reading", Progress())
        assert pictures.images.shape == (20, 4, 4, 3)
        assert pictures.images.dtype == np.uint8
        assert pictures.images[:, 0, 0, 0].tolist() == list(range(20))
        assert [each.id for each in pictures.records] == [f"dog-{number}" for number in range(20)]
        assert pictures.problems == ()

    def test_bad_pictures_in_between_are_named_and_the_others_stay_in_step(self):
        bad = {0: "cannot read a", 4: "cannot read b", 5: "cannot read c", 11: "cannot read d"}
        records = [
            record(number, label=number % 3, height=5 + number, width=30 - number, broken=bad.get(number, ""))
            for number in range(12)
        ]
        pictures = read_pictures(records, (4, 4), "reading", Progress())
        good = [number for number in range(12) if number not in bad]
        assert [each.id for each in pictures.records] == [f"dog-{number}" for number in good]
        assert pictures.images[:, 2, 3, 1].tolist() == good
        assert pictures.labels.tolist() == [number % 3 for number in good]
        assert pictures.shapes.tolist() == [[5 + number, 30 - number] for number in good]
        assert {problem.id: problem.reason for problem in pictures.problems} == {
            f"dog-{number}": reason for number, reason in bad.items()
        }
        assert all(problem.lost for problem in pictures.problems)

    def test_a_truncated_file_among_good_ones(self, tmp_path):
        pixels = np.random.default_rng(0).integers(0, 256, (40, 60, 3), np.uint8)
        buffer = io.BytesIO()
        Image.fromarray(pixels).save(buffer, "JPEG")
        for name, content in (("good", buffer.getvalue()), ("cut", buffer.getvalue()[:300]), ("text", b"no picture")):
            (tmp_path / name).write_bytes(content)
        records = [Record(name, ImageFile(tmp_path / name), 0) for name in ("cut", "good", "text", "missing")]
        pictures = read_pictures(records, (8, 8), "reading", Progress())
        assert [each.id for each in pictures.records] == ["good"]
        assert pictures.shapes.tolist() == [[40, 60]]
        assert [problem.id for problem in pictures.problems] == ["cut", "text", "missing"]
        assert all(str(tmp_path / problem.id) in problem.reason for problem in pictures.problems)

    def test_the_reason_does_not_repeat_a_path_that_is_the_id(self, tmp_path):
        (tmp_path / "text.jpg").write_bytes(b"no picture")
        path = str(tmp_path / "text.jpg")
        bad = Record(path, ImageFile(tmp_path / "text.jpg"), 0)
        pictures = read_pictures([record(1), bad], (8, 8), "reading", Progress())
        assert [(problem.id, problem.reason) for problem in pictures.problems] == [(path, "cannot be read: not a picture")]
        with pytest.raises(InputError, match=f"the first: cannot read {re.escape(path)}: not a picture"):
            read_pictures([bad], (8, 8), "reading", Progress())

    def test_not_one_readable_picture_is_an_error_that_names_the_first(self):
        with pytest.raises(InputError, match="not one of 2 pictures could be read; the first: cannot read a"):
            read_pictures([record(1, broken="cannot read a"), record(2, broken="b")], (4, 4), "reading", Progress())

    def test_no_pictures_at_all(self):
        with pytest.raises(InputError, match="no pictures to read"):
            read_pictures([], (4, 4), "reading", Progress())

    def test_a_mistake_of_ours_is_not_taken_for_a_bad_picture(self):
        class Wrong:
            def pixels(self):
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            read_pictures([record(1), Record("wrong", Wrong(), 0)], (4, 4), "reading", Progress())

    def test_it_says_how_far_it_is(self, listener):
        progress = listener()
        read_pictures([record(1), record(2)], (4, 4), "reading test", progress)
        assert progress.tasks == [("reading test", 2)]

    @pytest.mark.parametrize(("bytes_allowed", "kind"), [(5 * 4 * 4 * 3, np.ndarray), (5 * 4 * 4 * 3 - 1, np.memmap)])
    def test_what_is_too_large_for_memory_lies_in_a_file_and_reads_the_same(self, monkeypatch, bytes_allowed, kind):
        monkeypatch.setattr(pipeline, "MEMORY_BYTES", bytes_allowed)
        records = [record(number, broken="bad" * (number == 2)) for number in range(5)]
        pictures = read_pictures(records, (4, 4), "reading", Progress())
        assert type(pictures.images) is kind
        assert pictures.images.shape == (4, 4, 4, 3)
        assert np.asarray(pictures.images)[:, 0, 0, 0].tolist() == [0, 1, 3, 4]
        assert pictures.images[slice(1, 3)].mean(axis=(1, 2, 3)).tolist() == [1, 3]

    def test_the_size_of_a_large_split_does_not_overflow(self, monkeypatch):
        """20,580 pictures of 600 x 600 are 22 GB, more than 32 bits count."""
        asked = []
        monkeypatch.setattr(pipeline.np, "memmap", lambda file, dtype, mode, shape: asked.append(shape))
        pipeline.room_for((20580, 600, 600, 3), np.uint8)
        assert asked == [(20580, 600, 600, 3)]

    def test_rows_of_one_picture_share_one_reading(self):
        read = []

        class Counted(Painted):
            def pixels(self):
                read.append(self)
                return super().pixels()

        one, other = Counted(1), Counted(2, broken="cannot read b")
        rows = [Record(f"one#{n}", one, n, picture="one", present=(0, 1, 2)) for n in range(3)]
        rows += [Record(f"other#{n}", other, n, picture="other", present=(0, 1)) for n in range(2)]
        pictures = read_pictures(rows, (4, 4), "reading", Progress())
        assert read == [one, other]
        assert [each.id for each in pictures.records] == ["one#0", "one#1", "one#2"]
        assert pictures.images[:, 0, 0, 0].tolist() == [1, 1, 1]
        assert len(pictures.shapes) == 3
        assert [problem.id for problem in pictures.problems] == ["other#0", "other#1"]

    def test_which_classes_are_present(self):
        rows = [Record("a#0", Painted(1), 0, picture="a", present=(0, 2)), Record("b", Painted(1), None)]
        pictures = read_pictures(rows, (4, 4), "reading", Progress())
        assert pictures.present(4).tolist() == [[1, 0, 1, 0], [0, 0, 0, 0]]
        assert pictures.labels.tolist() == [0, -1]

    def test_some_of_them(self):
        pictures = read_pictures([record(number) for number in range(5)], (4, 4), "reading", Progress())
        for positions in ([0, 1, 2], [4, 1], []):
            some = pictures.some(positions)
            assert [each.id for each in some.records] == [f"dog-{number}" for number in positions]
            assert some.images[:, 0, 0, 0].tolist() == positions
            assert len(some.shapes) == len(positions)
        assert np.shares_memory(pictures.some([0, 1]).images, pictures.images)


class TestBatches:
    @pytest.mark.parametrize(("count", "size"), [(7, 3), (6, 3), (1, 32), (5, 1)])
    def test_every_picture_once_and_in_order(self, count, size):
        records = tuple(record(number) for number in range(count))
        pictures = Pictures(records, np.zeros((count, 2, 2, 3), np.uint8), np.zeros((count, 2), np.int32), ())
        parts = [range(count)[part] for part in pictures.batches(size)]
        assert [number for part in parts for number in part] == list(range(count))
        assert all(len(part) == size for part in parts[:-1])
        assert 0 < len(parts[-1]) <= size

    def test_labels_are_int32(self):
        pictures = Pictures((record(1, label=119),), np.zeros((1, 2, 2, 3)), np.zeros((1, 2)), ())
        assert pictures.labels.dtype == np.int32
        assert pictures.labels.tolist() == [119]


class TestThreaded:
    def test_items_with_their_results_in_order(self):
        def slow_when_even(number):
            time.sleep(0.005 * (number % 2 == 0))
            return number * number

        found = [(item, future.result()) for item, future in threaded(slow_when_even, range(30))]
        assert found == [(number, number * number) for number in range(30)]

    def test_it_reads_only_a_little_ahead(self):
        taken = []

        def items():
            for number in range(1000):
                taken.append(number)
                yield number

        reader = threaded(abs, items(), ahead=5)
        next(reader)
        next(reader)
        assert len(taken) <= 7
        reader.close()
        assert len(taken) <= 7

    def test_stopping_early_starts_nothing_more(self):
        started, gate = [], threading.Event()

        def work(number):
            started.append(number)
            gate.wait(5)

        reader = threaded(work, range(100), ahead=50)
        next(reader)
        threading.Timer(0.05, gate.set).start()
        reader.close()
        assert len(started) <= pipeline.WORKERS + 1

    def test_an_error_comes_with_its_item(self):
        found = dict(threaded(lambda number: 1 // number, [1, 0, 2]))
        assert found[1].result() == 1
        assert found[2].result() == 0
        with pytest.raises(ZeroDivisionError):
            found[0].result()


class TestLimited:
    def labelled(self, *labels):
        return [record(number, label) for number, label in enumerate(labels)]

    def test_no_limit_or_a_large_one_is_everything(self):
        records = self.labelled(0, 1, 1)
        for limit in (None, 3, 4):
            assert limited(records, limit) == tuple(records)

    def test_evenly_over_classes_that_come_one_after_the_other(self):
        """Stanford Dogs is sorted by breed: the first twelve of it are all of one."""
        records = self.labelled(*[number // 10 for number in range(60)])
        assert Counter(each.label for each in limited(records, 12)) == dict.fromkeys(range(6), 2)

    def test_the_first_of_each_class_and_in_the_order_they_came(self):
        records = self.labelled(2, 2, 0, 2, 0, 1)
        assert [each.id for each in limited(records, 3)] == ["dog-0", "dog-2", "dog-5"]
        assert [each.id for each in limited(records, 4)] == ["dog-0", "dog-1", "dog-2", "dog-5"]

    def test_small_classes_leave_their_share_to_the_others(self):
        records = self.labelled(0, 1, 1, 1, 1, 2, 2, 2, 2)
        assert Counter(each.label for each in limited(records, 7)) == {0: 1, 1: 3, 2: 3}

    @pytest.mark.parametrize("limit", range(1, 25))
    def test_no_class_has_two_more_than_another_that_could_give(self, limit):
        records = self.labelled(*np.random.default_rng(limit).integers(0, 4, 25).tolist())
        chosen = limited(records, limit)
        assert len(chosen) == limit
        assert [int(each.id[4:]) for each in chosen] == sorted(int(each.id[4:]) for each in chosen)
        there, taken = (Counter(each.label for each in some) for some in (records, chosen))
        most = max(taken.values())
        assert all(taken[label] in (most, most - 1) or taken[label] == there[label] for label in there)

    def test_pictures_without_a_label_are_a_class_of_their_own(self):
        records = [*self.labelled(0, 0), Record("unknown", Painted(1), None)]
        assert [each.id for each in limited(records, 2)] == ["dog-0", "unknown"]
