"""Boxes checked against their pictures: hand-made ones, each with one thing wrong."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from dogcam.core.progress import Progress
from dogcam.data import Problem
from dogcam.data.annotated import Annotated
from dogcam.data.checking import Faults, checked, usable_boxes
from dogcam.data.images import ImageFile


def test_usable_boxes_are_kept_in_order_and_cut():
    boxes, _, problems = usable_boxes("a", [[0.5, 0.25, 1.5, 0.75], [-1, -1, 2, 2], [0.25, 0.5, 0.5, 1]], "test")
    assert boxes.tolist() == [[0.5, 0.25, 1, 0.75], [0, 0, 1, 1], [0.25, 0.5, 0.5, 1]]
    assert boxes.dtype == np.float32
    assert [(problem.id, problem.split, problem.lost) for problem in problems] == [("a", "test", False)] * 2
    said = "box (0.500, 0.250, 1.500, 0.750), relative to the picture, reaches outside the picture and was cut"
    assert problems[0].reason == said


@pytest.mark.parametrize("side", range(4))
@pytest.mark.parametrize(("beyond", "named"), [(0, 0), (0.001, 0), (0.056, 0), (0.0999, 0), (0.101, 1), (21, 1)])
def test_a_small_overhang_is_cut_in_silence_and_a_large_one_is_named(side, beyond, named):
    """A tenth of the side is tolerated (official boxes reach out by 0.056); a slip such as xmax=9332 on 425 pixels is not."""
    box = np.array([0, 0, 1, 1], np.float64)
    box[side] += -beyond if side < 2 else beyond
    boxes, _, problems = usable_boxes("a", [box], "train")
    assert boxes.tolist() == [[0, 0, 1, 1]]
    assert len(problems) == named


@pytest.mark.parametrize(
    "box",
    [
        [1, 0, 1.5, 1],  # begins where the picture ends
        [0, -2, 1, 0],
        [0.5, 0.5, 0.5, 0.75],
        [0.75, 0.5, 0.5, 0.75],
        [0, 0, np.nan, 1],
        [0, 0, np.inf, 1],
    ],
)
def test_a_box_that_leaves_nothing_is_a_problem_of_its_own(box):
    boxes, _, problems = usable_boxes("a", [box, [0, 0, 1, 0.5], box], "test")
    assert boxes.tolist() == [[0, 0, 1, 0.5]]
    assert [(problem.id, problem.split, problem.lost) for problem in problems] == [("a", "test", False)] * 2
    assert all("is empty or outside it" in problem.reason for problem in problems)


def test_no_box_at_all_is_a_problem():
    boxes, _, problems = usable_boxes("a", np.zeros((0, 4)), "train")
    assert boxes.shape == (0, 4)
    assert problems == [Problem("a", "no annotated box", "train", lost=False, kind="no-box")]


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    """Pictures of 40 x 30 pixels as stored, by EXIF's orientation; 0 is none at all."""
    folder = tmp_path_factory.mktemp("pictures")
    for orientation in (1, 3, 6):
        tags = Image.Exif()
        tags[0x0112] = orientation
        Image.new("RGB", (40, 30), (9, 99, 199)).save(folder / f"{orientation}.png", exif=tags)
    (folder / "0.png").write_text("no picture", encoding="utf-8")
    return lambda orientation=1: ImageFile(folder / f"{orientation}.png")


@pytest.fixture
def check(listener):
    """Check pictures: their boxes, the pictures, and (id, kind) of problems and of what was mended."""

    def run(*pictures):
        faults, progress = Faults([]), listener()
        found = list(checked(pictures, [each.path for each in pictures], faults, progress))
        assert progress.tasks == [("checking annotations", len(pictures))]
        told = [[(each.id, each.kind) for each in several] for several in (faults.problems, faults.mended)]
        assert not any(each.lost for each in (*faults.problems, *faults.mended))
        return [boxes for _, boxes in found], [each for each, _ in found], *told

    return run


def annotated(image, corners, path="a", names=None, **more):
    corners = np.array(corners, np.float64).reshape(-1, 4)
    names = tuple(names or ("dog",) * len(corners))
    return Annotated(path, image, corners=corners, names=names, **more)


@pytest.mark.parametrize(
    ("corners", "boxes", "problems", "mended"),
    [
        ([[4, 3, 20, 15]], [[0.1, 0.1, 0.5, 0.5]], [], []),
        ([[20, 15, 4, 3]], [[0.1, 0.1, 0.5, 0.5]], [], ["swapped"]),
        ([[20, 3, 4, 15], [4, 15, 20, 3]], [[0.1, 0.1, 0.5, 0.5]] * 2, [], ["swapped"]),
        ([[4, 3, 4, 15]], [], ["outside"], []),
        ([[4, 3, 5, 15]], [[0.1, 0.1, 0.125, 0.5]], [], ["one-pixel"]),
        ([[4, 3, 6, 4]], [[0.1, 0.1, 0.15, 4 / 30]], [], ["one-pixel"]),
        ([[4, 3, 42, 15]], [[0.1, 0.1, 1, 0.5]], [], []),
        ([[4, 3, 60, 15]], [[0.1, 0.1, 1, 0.5]], ["cut"], []),
        ([[50, 3, 60, 15]], [], ["outside"], []),
        ([[np.nan, 3, 20, 15], [4, 3, 20, 15]], [[0.1, 0.1, 0.5, 0.5]], ["outside"], []),
        ([[4, 3, np.inf, 15]], [], ["outside"], []),
        ([[4, 3, 1e300, 15]], [], ["outside"], []),
    ],
)
@pytest.mark.parametrize("relative", [False, True])
@pytest.mark.filterwarnings("error")
def test_each_fault_of_a_box_is_named_once(stored, check, corners, boxes, problems, mended, relative):
    corners = np.array(corners, np.float64)
    if relative:
        corners /= (40, 30, 40, 30)
    found, (picture,), wrong, set_right = check(annotated(stored(), corners, relative=relative, size=(40, 30)))
    np.testing.assert_allclose(found[0], np.array(boxes).reshape(-1, 4), rtol=1e-6)
    assert wrong == [("a", kind) for kind in problems]
    assert set_right == [("a", kind) for kind in mended]
    assert len(picture.names) == len(boxes)
    assert picture.classes == ("dog",)  # it is still a dog, though no box may be left


def test_of_several_boxes_the_names_stay_with_theirs(stored, check):
    picture = annotated(stored(), [[0, 0, 4, 3], [99, 0, 120, 3], [8, 6, 12, 9]], names=("cat", "cow", "dog"))
    (boxes,), (found,), _, _ = check(picture)
    np.testing.assert_allclose(boxes, [[0, 0, 0.1, 0.1], [0.2, 0.2, 0.3, 0.3]], rtol=1e-6)
    assert found.names == ("cat", "dog")
    assert set(found.classes) == {"cat", "cow", "dog"}


def test_an_annotation_of_the_turned_picture_turns_it(stored, check):
    (boxes,), (found,), problems, mended = check(annotated(stored(6), [[3, 4, 15, 20]], size=(30, 40)))
    np.testing.assert_allclose(boxes, [[0.1, 0.1, 0.5, 0.5]], rtol=1e-6)
    assert found.image.pixels().shape == (40, 30, 3)
    assert (problems, mended) == ([], [("a", "turned")])


def test_one_that_no_rule_fits_is_kept_without_boxes(stored, check):
    masks = {"dog": lambda: np.ones((50, 50), bool)}
    (boxes,), (found,), problems, mended = check(annotated(stored(), [[3, 4, 15, 20]], size=(50, 50), masks=masks))
    assert boxes.shape == (0, 4)
    assert (found.classes, found.names, found.masks) == (("dog",), (), {})
    assert (problems, mended) == ([("a", "other-size")], [])


@pytest.mark.parametrize("others", [[], [False], [True], [True, True, False]])
def test_what_leaves_a_doubt_is_as_the_others_are(stored, check, others):
    """Turned by half: only pictures that are turned by a quarter tell how this set was annotated."""
    pictures = [annotated(stored(6), [[1, 1, 9, 9]], str(n), size=(30, 40) if up else (40, 30)) for n, up in enumerate(others)]
    doubtful = annotated(stored(3), [[4, 3, 20, 15]], "doubtful", size=(40, 30))
    _, found, _, mended = check(*pictures, doubtful)
    assert found[-1].image.upright == (sum(others) > len(others) / 2)
    assert ("doubtful", "either-way") in mended


@pytest.mark.parametrize(("upright", "turned"), [(None, True), (True, True), (False, False)])
@pytest.mark.parametrize("boxed", [True, False])
def test_what_cannot_be_read_or_needs_no_check_is_handed_on(stored, check, upright, turned, boxed):
    """Its pixels are asked for later, and then it is said; without boxes a picture stands as a person sees it."""
    picture = annotated(stored(0 if boxed else 6), [[1, 2, 3, 4]] * boxed, upright=upright)
    (boxes,), (found,), problems, mended = check(picture)
    assert boxes.shape == (0, 4)
    assert found.image.upright == turned
    assert (problems, mended) == ([], [])


def test_rounded_relative_corners_are_the_whole_pixels_that_they_were(stored, check):
    corners = np.round(np.array([[3, 7, 13, 29]]) / (40, 30, 40, 30), 4)
    (boxes,), _, _, _ = check(annotated(stored(), corners, relative=True))
    np.testing.assert_array_equal(boxes, (np.array([[3, 7, 13, 29]]) / (40, 30, 40, 30)).astype(np.float32))


def test_thousands_of_pictures_keep_their_own_boxes(stored, check):
    """More than are checked together, with none to three boxes each."""
    rng = np.random.default_rng(0)
    image, pictures, expected = stored(), [], []
    for number in range(9001):
        low = rng.integers(0, 14, (number % 4, 2))
        corners = np.concatenate([low, low + rng.integers(2, 15, low.shape)], axis=1)
        pictures.append(annotated(image, corners, str(number)))
        expected.append(corners / (40, 30, 40, 30))
    boxes, _, problems, mended = check(*pictures)
    assert (problems, mended) == ([], [])
    for found, own in zip(boxes, expected, strict=True):
        np.testing.assert_allclose(found, own.reshape(-1, 4), rtol=1e-6)


def test_no_picture_at_all_is_nothing_to_check():
    assert list(checked([], [], Faults([]), Progress())) == []
