"""Names from elsewhere are text in the running page: none is markup, turns what stands beside it, or breaks the layout."""

from dataclasses import replace

import pytest

from dogcam.report.formats.html import html
from dogcam.report.page import compose

LONG = "y" * 300
MARKUP = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\"'`{{ 7 * 7 }}[bold]x[/bold]"
RIGHT_TO_LEFT = "\u202e\u2067שלום"  # marks that are never taken back
NAMES = [f"{MARKUP} {LONG}", f"{RIGHT_TO_LEFT} {MARKUP}"]
MARKS = dict.fromkeys(map(ord, "\u202e\u2067\u2068\u2069"))
# Where the first and the last letter of the last "epoch" of an element begin, from the left.
LEFT_TO_RIGHT = """(element) => {
  const [node, range] = [element.firstChild, document.createRange()];
  const left = (at) => (range.setStart(node, at), range.setEnd(node, at + 1), range.getBoundingClientRect().left);
  const start = node.textContent.lastIndexOf("epoch");
  return [left(start), left(start + 4)];
}"""


def renamed(values, name):
    """What the viewer is given, its layers and protocols under another name."""
    pairs = [{**pair, "layer": f"{pair['layer']} {name}"} for pair in values["pairs"]]
    protocols = [{**protocol, "name": name, "description": name} for protocol in values["protocols"]]
    return {**values, "pairs": pairs, "protocols": protocols}


@pytest.fixture(scope="module", params=NAMES, ids=["long markup", "from right to left"])
def hostile(request, make, tmp_path_factory):
    """(the name, the file of a report in which everything is called so)."""
    name, folder = request.param, tmp_path_factory.mktemp("hostile")
    made = make(str(folder / "home"), classes=(name, name + "2"), ids=(name, name + "2"))
    document = compose(made.write())
    document = replace(
        document,
        name=name,
        subtitle=name,
        findings=tuple(replace(finding, protocol=name) for finding in document.findings),
        viewer=renamed(document.viewer, name),
    )
    path = folder / "index.html"
    path.write_text(html(document), encoding="utf-8")
    return name, document, path


@pytest.mark.parametrize("width", [390, 1440])
def test_names_are_text_and_break_nothing(opened, hostile, width):
    name, document, path = hostile
    page = opened(path, {"width": width, "height": 900})
    bare = name.translate(MARKS)
    assert page.title().split() == f"\u2068{bare}\u2069: {document.headline}".split()
    assert page.locator("script").count() == 2  # the viewer's values and its script
    assert page.locator('img[src="x"]').count() == 0
    for place in ("#viewer-picture", "#viewer-class-a", ".eyebrow", ".chip", "#viewer-protocol option", "#viewer-layer-a option"):
        assert bare in page.locator(place).first.text_content().translate(MARKS), place
    page.evaluate('document.querySelectorAll("details").forEach((each) => { each.open = true; })')
    for mode in ("one", "pair", "blend"):
        page.locator(f'#viewer [value="{mode}"]').check()
        assert opened.cut(page) == []
    first, last = page.locator("#viewer-where-a").evaluate(LEFT_TO_RIGHT)
    assert first < last  # "epoch 4" after the name of a layer
