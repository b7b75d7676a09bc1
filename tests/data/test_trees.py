"""The files of a folder or an archive, and the text in them."""

from __future__ import annotations

import pytest

from dogcam.data.trees import leads_out, open_tree


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r", "\n\n \n"])
@pytest.mark.parametrize("coding", ["utf-8", "utf-8-sig", "utf-16", "latin-1"])
def test_lines_are_what_a_text_says(tmp_path, ending, coding):
    (tmp_path / "a.txt").write_bytes(ending.join(["1 Bär 2.jpg ", "2 b", ""]).encode(coding))
    assert open_tree(tmp_path).lines("a.txt") == ["1 Bär 2.jpg", "2 b"]


@pytest.mark.parametrize("path", ["../a.jpg", "a/../../b.jpg", "/a.jpg", "..\\a.jpg", "C:\\a.jpg", "\\a.jpg"])
def test_a_path_that_leads_out_is_told(path):
    assert leads_out(path)


@pytest.mark.parametrize("path", ["a.jpg", "a/b..c.jpg", "...", "a/..b/c.jpg"])
def test_dots_in_a_name_lead_nowhere(path):
    assert not leads_out(path)
