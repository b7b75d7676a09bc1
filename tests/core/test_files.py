"""Files that appear whole or not at all, and values as JSON has them."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path

import numpy as np
import pytest

from dogcam.core.files import plain, write_bytes, write_json, write_text, written_whole


def files(folder):
    return sorted(path.name for path in Path(folder).rglob("*") if path.is_file())


class TestWrittenWhole:
    def test_the_file_appears_when_the_block_ends(self, tmp_path):
        path = tmp_path / "new" / "table.csv"
        with written_whole(path) as temporary:
            temporary.write_text("half")
            assert not path.exists()
            assert temporary.suffix == ".csv"
            assert temporary.parent == path.parent, "another file system could not be renamed from"
        assert path.read_text() == "half"
        assert files(tmp_path) == ["table.csv"]

    @pytest.mark.skipif(os.name != "posix", reason="Windows does not replace a file that is open")
    def test_who_reads_meanwhile_reads_the_old_file_to_its_end(self, tmp_path):
        path = tmp_path / "table.csv"
        path.write_text("old and whole")
        with path.open() as reader:
            write_text(path, "new")
            assert reader.read() == "old and whole"
        assert path.read_text() == "new"

    @pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
    def test_a_block_that_fails_leaves_the_old_file_and_nothing_else(self, tmp_path, error):
        path = tmp_path / "table.csv"
        path.write_text("old")

        def fail():
            with written_whole(path) as temporary:
                temporary.write_text("half")
                raise error

        with pytest.raises(error):
            fail()
        assert path.read_text() == "old"
        assert files(tmp_path) == ["table.csv"]

    @pytest.mark.skipif(os.name != "posix", reason="permissions are POSIX's")
    def test_the_file_has_the_permissions_of_any_new_file(self, tmp_path):
        write_text(tmp_path / "ours.txt", "x")
        (tmp_path / "any.txt").write_text("x")
        assert (tmp_path / "ours.txt").stat().st_mode == (tmp_path / "any.txt").stat().st_mode

    def test_text_is_utf8_and_bytes_are_bytes(self, tmp_path):
        write_text(tmp_path / "a.txt", "강아지 ≥ 0.5\n")
        write_bytes(tmp_path / "b.bin", b"\r\n\x00")
        assert (tmp_path / "a.txt").read_bytes() == "강아지 ≥ 0.5\n".encode()
        assert (tmp_path / "b.bin").read_bytes() == b"\r\n\x00"

    def test_json_is_strict(self, tmp_path):
        """Other readers know no NaN."""

        def refuse(text):
            raise AssertionError(f"{text} is not JSON")

        write_json(tmp_path / "a.json", {"nan": math.nan, "inf": [np.float32(np.inf)], 3: np.arange(2), "p": Path("x")})
        text = (tmp_path / "a.json").read_text(encoding="utf-8")
        assert json.loads(text, parse_constant=refuse) == {"nan": None, "inf": [None], "3": [0, 1], "p": "x"}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (np.float32(0.5), 0.5),
        (np.int64(3), 3),
        (np.bool_(True), True),
        (np.array([[1.0, np.nan]]), [[1.0, None]]),
        ((1, (2, "a")), [1, [2, "a"]]),
        ({"a": {1: -math.inf}}, {"a": {"1": None}}),
        (None, None),
        (True, True),
        ("nan", "nan"),
    ],
)
def test_plain_values(value, expected):
    assert plain(value) == expected
    assert type(plain(value)) is type(expected)
