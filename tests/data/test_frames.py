"""What corners are of: a table of all cases, each with what it must come to."""

from __future__ import annotations

import pytest

from dogcam.core.errors import InputError
from dogcam.data.decoding import Header
from dogcam.data.frames import frame_of, frame_of_relative

AS_STORED, TURNED_BY_A_QUARTER, MIRRORED, UPSIDE_DOWN = 1, 6, 2, 3
# Corners in a picture of 40 x 30 pixels as stored, of 30 x 40 as turned by a quarter.
FITS_BOTH, ONLY_STORED, ONLY_TURNED, NEITHER = (2, 3, 25, 28), (2, 3, 39, 28), (2, 3, 28, 39), (2, 3, 39, 39)

TABLE = [
    # EXIF, size said, corners -> upright, size, what is said, either
    (AS_STORED, (40, 30), FITS_BOTH, (False, (40, 30), "", False)),
    (AS_STORED, (40, 30), NEITHER, (False, (40, 30), "", False)),  # boxes are cut and named
    (AS_STORED, None, ONLY_TURNED, (False, (40, 30), "", False)),
    (AS_STORED, (0, 0), FITS_BOTH, (False, (40, 30), "", False)),
    (AS_STORED, (80, 60), (2, 3, 70, 50), (False, (80, 60), "scaled", False)),
    (AS_STORED, (20, 15), (2, 3, 18, 14), (False, (20, 15), "scaled", False)),
    (AS_STORED, (80, 60), (2, 3, 99, 50), (False, (80, 60), "scaled", False)),  # one slip: it is cut and named
    (AS_STORED, (13, 10), (2, 3, 12, 9), (False, (13, 10), "scaled", False)),  # rounded: 13.33 x 10
    (AS_STORED, (20, 20), ONLY_STORED, (False, (40, 30), "scaled", False)),  # corners beyond the size said, within the picture
    (AS_STORED, (50, 50), FITS_BOTH, InputError),
    (AS_STORED, (30, 40), FITS_BOTH, InputError),  # turned, and no tag says so
    (AS_STORED, (20, 20), (2, 3, 90, 90), InputError),
    (TURNED_BY_A_QUARTER, (40, 30), FITS_BOTH, (False, (40, 30), "", False)),  # the size tells
    (TURNED_BY_A_QUARTER, (40, 30), ONLY_TURNED, (True, (30, 40), "turned", False)),  # but corners speak against it
    (TURNED_BY_A_QUARTER, (40, 30), (2, 3, 28, 32), (False, (40, 30), "", False)),  # not for the width of a line
    (TURNED_BY_A_QUARTER, (30, 40), FITS_BOTH, (True, (30, 40), "turned", False)),
    (TURNED_BY_A_QUARTER, (30, 40), ONLY_STORED, (False, (40, 30), "turned", False)),
    (TURNED_BY_A_QUARTER, (30, 40), NEITHER, (True, (30, 40), "turned", False)),
    (TURNED_BY_A_QUARTER, (80, 60), (2, 3, 70, 50), (False, (80, 60), "scaled", False)),
    (TURNED_BY_A_QUARTER, (60, 80), (2, 3, 50, 70), (True, (60, 80), "scaled", False)),  # a scaled copy of the turned one
    (TURNED_BY_A_QUARTER, None, FITS_BOTH, (False, (40, 30), "", True)),
    (TURNED_BY_A_QUARTER, None, ONLY_STORED, (False, (40, 30), "", False)),
    (TURNED_BY_A_QUARTER, None, ONLY_TURNED, (True, (30, 40), "turned", False)),
    (TURNED_BY_A_QUARTER, None, NEITHER, (False, (40, 30), "", False)),
    (TURNED_BY_A_QUARTER, (0, 0), ONLY_TURNED, (True, (30, 40), "turned", False)),
    (TURNED_BY_A_QUARTER, (20, 20), ONLY_STORED, (False, (40, 30), "scaled", False)),
    (TURNED_BY_A_QUARTER, (20, 20), ONLY_TURNED, (True, (30, 40), "scaled", False)),
    (TURNED_BY_A_QUARTER, (20, 20), FITS_BOTH, (False, (40, 30), "scaled", True)),
    (TURNED_BY_A_QUARTER, (50, 50), FITS_BOTH, InputError),
    (MIRRORED, (40, 30), FITS_BOTH, (False, (40, 30), "", True)),  # no size can tell
    (UPSIDE_DOWN, None, FITS_BOTH, (False, (40, 30), "", True)),
    (UPSIDE_DOWN, (80, 60), FITS_BOTH, (False, (80, 60), "scaled", True)),
    (UPSIDE_DOWN, (50, 50), FITS_BOTH, InputError),
]


@pytest.mark.parametrize(("orientation", "said", "extent", "expected"), TABLE)
def test_corners_in_pixels(orientation, said, extent, expected):
    header = Header((40, 30), orientation)
    if expected is InputError:
        with pytest.raises(InputError, match=rf"^annotated for {said[0]} x {said[1]}, and the picture has .* not taken$"):
            frame_of(header, said, extent)
        return
    found = frame_of(header, said, extent)
    assert (found.upright, found.size, found.kind, found.either) == expected
    assert bool(found.reason) == bool(found.kind)


@pytest.mark.parametrize("orientation", range(2, 9))
def test_a_square_picture_that_is_turned_is_never_sure(orientation):
    assert frame_of(Header((30, 30), orientation), (30, 30), (1, 1, 9, 9)).either
    assert frame_of_relative(Header((30, 30), orientation), (30, 30)).either


@pytest.mark.parametrize("upright", [False, True])
@pytest.mark.parametrize("orientation", [MIRRORED, TURNED_BY_A_QUARTER])
def test_a_format_that_says_which_it_is_leaves_no_question(orientation, upright):
    header = Header((40, 30), orientation)
    own = header.upright_size if upright else header.size
    for frame in (frame_of(header, None, FITS_BOTH, upright), frame_of_relative(header, None, upright)):
        assert (frame.upright, frame.size, frame.kind, frame.either) == (upright, own, "", False)
    doubled = (2 * own[0], 2 * own[1])
    assert frame_of(header, doubled, FITS_BOTH, upright).size == doubled


def test_without_boxes_a_size_tells_whether_masks_are_turned():
    assert frame_of(Header((40, 30), TURNED_BY_A_QUARTER), (30, 40), None).upright
    assert not frame_of(Header((40, 30), TURNED_BY_A_QUARTER), (40, 30), None).upright


@pytest.mark.parametrize(
    ("orientation", "said", "upright", "either"),
    [
        (AS_STORED, (7, 7), False, False),
        (TURNED_BY_A_QUARTER, None, False, True),
        (TURNED_BY_A_QUARTER, (0, 0), False, True),
        (TURNED_BY_A_QUARTER, (40, 30), False, False),
        (TURNED_BY_A_QUARTER, (30, 40), True, False),
        (TURNED_BY_A_QUARTER, (300, 400), True, False),
        (TURNED_BY_A_QUARTER, (7, 7), False, True),
        (UPSIDE_DOWN, (40, 30), False, True),
    ],
)
def test_relative_corners_are_of_any_size_but_not_of_any_turn(orientation, said, upright, either):
    found = frame_of_relative(Header((40, 30), orientation), said)
    assert (found.upright, found.either) == (upright, either)
    assert found.size == ((30, 40) if upright else (40, 30))
