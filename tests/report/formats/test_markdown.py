"""Markdown as a repository shows it: a contents list that leads somewhere, even tables, long ones folded, no names obeyed."""

import re

import pytest

from dogcam.language import speaking
from dogcam.report.document import Document, Entry, Exhibit, Row, Table
from dogcam.report.formats.markdown import markdown, markdown_text
from dogcam.report.page import compose

HOSTILE = "<script>alert(1)</script> https://evil.example www.evil.example [a](b) | `c` *d* _e_ ~f~ $g$ ![h](i) \n# j"


@pytest.fixture(scope="module")
def document(make, tmp_path_factory):
    return compose(make(str(tmp_path_factory.mktemp("home"))).write())


def one_table(*rows, **more):
    table = Table("caption", tuple(f"c{place}" for place in range(len(rows[0].entries))), rows, **more)
    return Document("d", "h", ("a",), (), None, (), (Exhibit("one", "t", (), (table,), "c.", "n."),), ())


def test_the_contents_lead_to_every_section(document):
    text = markdown(document)
    links = re.findall(r"^- \[.+\]\(#(.+)\)$", text, re.MULTILINE)
    assert links == ["claims", *(exhibit.key for exhibit in document.exhibits), "made"]
    assert re.findall(r'^<a id="(.+)"></a>$', text, re.MULTILINE) == links


def test_blank_lines_stand_around_headings_tables_and_what_is_folded(document):
    lines = markdown(document).split("\n")
    for number, line in enumerate(lines):
        if line.startswith(("#", "<details", "</details", "<a id", "![")):
            assert lines[number + 1] == "", line
            assert number == 0 or lines[number - 1] == "", line
        if line.startswith("|") and not lines[number - 1].startswith("|"):
            assert lines[number - 1] == "", line
    assert "\n\n\n" not in "\n".join(lines)


def test_a_long_table_is_folded():
    short, long = one_table(*[Row.of("a")] * 25), one_table(*[Row.of("a")] * 26)
    assert "<details>" not in markdown(short)
    assert markdown(long).count("<details>") == markdown(long).count("</details>") == 1


def test_published_figures_are_in_italics_and_what_is_set_off_in_bold():
    text = markdown(
        one_table(Row.of("a", Entry("0.1", strong=True), "0.2"), Row.of("b", "0.3", "", kind="published"), aside=(2,))
    )
    assert "| a | **0.1** | *0.2* |" in text
    assert "| *b* | *0.3* |  |" in text


def test_addresses_in_names_become_no_links():
    shown = markdown_text(HOSTILE)
    assert not re.search(r"https?:", shown)
    assert "www." not in shown
    assert re.sub(r"\\(.)", r"\1", shown).startswith("&lt;script&gt;alert(1)&lt;/script&gt; https://evil.example www.evil")


@pytest.mark.parametrize(("command", "shown"), [("dogcam evaluate a", "`dogcam evaluate a`"), ("a `b`", "`` a `b` ``")])
def test_a_command_is_code(command, shown):
    text = markdown(Document("d", "h", ("a",), (), None, (), (), (), next_step=command))
    assert f"{shown} `dogcam report`" in text


def test_korean_is_said_throughout(make, tmp_path):
    experiment = make(str(tmp_path / "home")).write()
    with speaking("ko"):
        text = markdown(compose(experiment))
    assert "## 주장과 판정" in text
    for english in ("Contents", "Claims and verdicts", "What can", "How this was made", "the study's claim", "undecided"):
        assert english not in text
