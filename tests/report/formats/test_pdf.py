"""The page as PDF: which browser prints, what is said where none does, and what a real one prints."""

import re
import shutil
import stat
import subprocess

import pytest

from dogcam.core.errors import OptionError, Unavailable
from dogcam.report.formats import pdf
from dogcam.report.formats.illustrations import Pictures
from dogcam.report.formats.pdf import BROWSERS, browser, paper, write_pdf
from dogcam.report.page import compose

real = next((path for name in BROWSERS if (path := shutil.which(name))), None)


def program(folder, name, does):
    """A browser that only does what a test says; $1 to $9 are its arguments."""
    path = folder / name
    path.write_text(f"#!/bin/sh\n{does}\n", encoding="utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


PRINTS = 'for each; do case "$each" in --print-to-pdf=*) printf "%%PDF-1.4 $*" > "${each#--print-to-pdf=}";; esac; done'


@pytest.fixture
def document(made):
    made.evaluated = False
    return compose(made.write())


def use(monkeypatch, path):
    monkeypatch.setenv("CHROME", str(path))


def test_the_first_known_browser_on_the_path_is_used_unless_one_is_named(tmp_path):
    for name in BROWSERS[1:3]:
        program(tmp_path, name, "")
    own = program(tmp_path, "mine", "")
    assert browser({"PATH": str(tmp_path)}) == str(tmp_path / BROWSERS[1])
    assert browser({"PATH": str(tmp_path), "CHROME": str(own)}) == str(own)
    assert browser({"PATH": str(tmp_path), "CHROME": "mine"}) == str(own)


def test_where_there_is_none_that_is_said_with_what_to_do(tmp_path):
    with pytest.raises(OptionError, match=r"found none of chromium.*install one, name it in \$CHROME"):
        browser({"PATH": str(tmp_path)})
    with pytest.raises(OptionError, match=r"\$CHROME is 'nowhere', which is no program"):
        browser({"PATH": str(tmp_path), "CHROME": "nowhere"})


@pytest.mark.parametrize(("user", "sandboxed"), [(0, False), (1000, True)])
def test_only_root_goes_without_a_sandbox(user, sandboxed, document, tmp_path, monkeypatch):
    use(monkeypatch, program(tmp_path, "browser", PRINTS))
    monkeypatch.setattr("os.geteuid", lambda: user)
    path = write_pdf(document, tmp_path / "out", Pictures.of(document))
    asked = path.read_text()
    assert ("--no-sandbox" not in asked) == sandboxed
    assert "--no-pdf-header-footer" in asked
    assert [each.name for each in (tmp_path / "out").iterdir()] == ["report.pdf"]


@pytest.mark.parametrize(
    ("does", "said"), [("echo why >&2; exit 3", "why"), ("exit 0", "did not print"), ("sleep 9", "within 1 s")]
)
def test_a_browser_that_fails_leaves_nothing(does, said, document, tmp_path, monkeypatch):
    use(monkeypatch, program(tmp_path, "browser", does))
    monkeypatch.setattr(pdf, "TIMEOUT", 1)
    with pytest.raises(Unavailable, match=said):
        write_pdf(document, tmp_path / "out", Pictures.of(document))
    assert not list((tmp_path / "out").iterdir())


def test_on_paper_all_that_is_folded_is_open():
    page = '<details class="folded"><summary>a</summary></details><details class="folded">b</details>'
    assert paper(page).count(" open>") == 2


@pytest.mark.skipif(real is None, reason="no browser here")
@pytest.mark.skipif(shutil.which("pdftotext") is None, reason="no pdftotext here")
def test_a_real_browser_prints_upright_a4_with_what_is_folded(made, tmp_path, monkeypatch):
    use(monkeypatch, real)
    document = compose(made.write())
    path = write_pdf(document, tmp_path, Pictures.of(document))
    text = subprocess.run(["pdftotext", path, "-"], capture_output=True, check=True).stdout.decode()
    about = subprocess.run(["pdfinfo", path], capture_output=True, check=True).stdout.decode()
    size = re.search(r"Page size:\s+([\d.]+) x ([\d.]+)", about)
    assert [round(float(side) / 72 * 25.4) for side in size.groups()] == [210, 297]
    shown = " ".join(text.split())
    assert document.headline in shown
    folded = [b for e in document.exhibits for b in e.blocks if getattr(b, "folded", False)]
    assert folded
    assert all(" ".join(block.rows[0].entries[0].text.split()) in shown for block in folded)
    assert "file://" not in shown
