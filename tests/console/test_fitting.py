"""Tables that fit: what is cut, what is left out, and what stays."""

from __future__ import annotations

import pytest
from rich.cells import cell_len

from dogcam.console.fitting import Column, drawn, fitting, stacked, told_apart
from dogcam.console.tables import shortened, show


class TestShortened:
    @pytest.mark.parametrize("text", ["abcdefghij", "강아지 사진", "a강b아c지", "é́é́é́é́é́"])
    def test_never_wider_than_the_room_and_whole_where_there_is_enough(self, text):
        for room in range(1, 20):
            assert cell_len(shortened(text, room)) <= room
        assert shortened(text, cell_len(text)) == text

    @pytest.mark.parametrize(("room", "expected"), [(9, "abcd…ghij"), (7, "abc…hij"), (3, "a…j"), (1, "…")])
    def test_the_middle_goes(self, room, expected):
        assert shortened("abcdefghij", room) == expected

    def test_a_letter_of_two_columns_is_never_halved(self):
        assert shortened("강아지사진을보자", 6) == "강…자"


class TestToldApart:
    def test_what_fits_stays(self):
        assert told_apart(["cam", "", "cam"], 3) == ["cam", "", "cam"]

    def test_where_the_middle_differs_the_beginning_goes(self):
        names = ["model/encoder/block_1/conv/relu", "model/encoder/block_2/conv/relu", ""]
        assert told_apart(names, 12) == ["…1/conv/relu", "…2/conv/relu", ""]

    def test_where_nothing_helps_there_are_numbers(self):
        names = [f"a{'x' * 50}{letter}{'y' * 50}" for letter in "pq"] + ["zz"]
        assert told_apart(names, 9) == ["axx…yyy~1", "axx…yyy~2", "zz"]

    def test_the_same_name_is_the_same_everywhere(self):
        names = ["x" * 50, "y" * 50, "x" * 50]
        one, other, again = told_apart(names, 9)
        assert one == again != other


def columns(*widths, names=0):
    """Numbers of those widths, after so many names of 30 letters that differ at their end."""
    made = [Column.of("name", [f"{place}{'n' * 28}{row}" for row in "ab"], name=True, squeeze=0) for place in range(names)]
    return made + [Column.of(str(place), ["9" * width] * 2) for place, width in enumerate(widths)]


class TestFitting:
    def test_the_most_important_that_fit(self):
        made = columns(5, 5, 5)
        assert fitting(made, 17) == made
        assert fitting(made, 16) == made[:2]

    def test_a_small_one_does_not_jump_the_queue(self):
        made = columns(5, 20, 1)
        assert fitting(made, 12) == made[:1]

    def test_what_is_needed_stays_where_less_important_ones_go(self):
        made = [*columns(5, 5, 5), Column.of("needed", ["1"], squeeze=0)]
        assert fitting(made, 14) == [made[0], made[3]]

    def test_names_keep_twenty_letters_before_a_column_goes(self):
        made = columns(5, names=1)
        assert fitting(made, 26) == made
        assert fitting(made, 25) == made[:1]

    def test_or_fewer_where_a_column_says_so(self):
        made = [*columns(names=1), Column.of("x", ["12345"], squeeze=8), Column.of("y", ["12345"])]
        assert fitting(made, 14) == made[:2]
        assert fitting(made, 13) == made[:1]


def lines_of(out):
    return [line.rstrip() for line in out.getvalue().splitlines()]


class TestDrawn:
    @pytest.mark.parametrize("width", [30, 45, 60, 80])
    def test_a_row_is_a_line_and_numbers_are_whole(self, terminal, made, width):
        out, _ = terminal(width)
        show(drawn("title", columns(5, 7, names=2), width))
        lines = made.text_of(out).splitlines()
        assert len(lines) == 4
        assert max(map(cell_len, lines)) <= width
        assert all(line.split()[-2:] == ["99999", "9999999"] for line in lines[2:])

    def test_short_names_leave_their_room_to_long_ones(self, terminal, made):
        out, _ = terminal(80)
        short = Column.of("short", ["ab", "cd"], name=True)
        show(drawn("title", [short, *columns(5, names=1)], 42))
        assert "0nnnnnnnnnnnnnnnnnnnnnnnnnnnna" in made.text_of(out)


class TestStacked:
    @pytest.mark.parametrize(("width", "shares"), [(80, [4]), (24, [3, 1]), (15, [1, 1, 1, 1]), (5, [1, 1, 1, 1])])
    def test_every_column_is_in_one_of_the_tables(self, terminal, made, width, shares):
        fixed = [Column.of("label", ["one", "two"], name=True)]
        others = columns(5, 5, 5, 5)
        tables = stacked("title", fixed, others, width, names=4)
        assert [len(table.renderables[1].columns) - 1 for table in tables] == shares
        assert [table.renderables[0].plain for table in tables[:2]] == ["title", "title, continued"][: len(tables)]

    def test_without_others_the_fixed_columns_are_shown(self):
        assert len(stacked("title", columns(5), [], 80)) == 1
