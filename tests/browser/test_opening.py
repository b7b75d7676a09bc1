"""The page as it opens from disk: quiet, whole, no wider than its window, on paper as on screens, and fit for every reader."""

from dataclasses import replace
from itertools import pairwise

import pytest
from axe_playwright_python.sync_playwright import Axe

from dogcam.language import speaking
from dogcam.report.formats.html import html
from dogcam.report.page import compose

PHONE, DESK, A4 = {"width": 390, "height": 844}, {"width": 1440, "height": 900}, {"width": 718, "height": 1000}


def test_the_page_opens_and_its_contents_lead_everywhere(opened, report):
    page = opened(report.path)
    assert page.title() == f"\u2068{report.document.name}\u2069: {report.document.headline}"
    assert page.locator("html").get_attribute("lang") == "en"
    links = page.locator("nav a")
    there = [link.get_attribute("href") for link in links.all()]
    keys = [exhibit.key for exhibit in report.document.exhibits]
    assert there == [f"#{key}" for key in ("claims", *keys, "viewer", "protocols", "made")]
    assert {"dynamics", "faithfulness", "decomposition"} <= set(keys)
    for link, target in zip(links.all(), there, strict=True):
        link.click()
        assert page.evaluate("location.hash") == target
        assert page.locator(target).is_visible()
        assert page.locator(f"{target} h2").count() == 1
    assert [section.get_attribute("id") for section in page.locator("main > section").all()] == [t[1:] for t in there]


def test_a_korean_page_is_korean_to_its_script_and_to_readers(opened, report, tmp_path):
    path = tmp_path / "index.html"
    with speaking("ko"):
        document = compose(report.material.experiment)
        path.write_text(html(replace(document, exhibits=(), hero=None)), encoding="utf-8")
    page = opened(path)
    assert page.locator("html").get_attribute("lang") == "ko"
    assert page.locator("nav a").last.inner_text() == "만든 방법"
    assert page.locator("#viewer-told-a").inner_text().startswith("임계값 0.15에서 IoU 0.")
    assert page.locator("#viewer-jumps button").all_inner_texts() == ["보정된 값 0.15", "오라클 0.3"]
    assert page.locator(".chip").first.inner_text().split()[0] in ("지지됨", "반박됨", "판정", "동일")


def test_headings_descend_one_by_one_and_landmarks_are_there(opened, report):
    page = opened(report.path)
    levels = [int(name[1]) for name in page.eval_on_selector_all("h1, h2, h3, h4", "all => all.map((h) => h.tagName)")]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    for role in ("banner", "navigation", "main"):
        assert page.get_by_role(role).count() == 1


@pytest.mark.parametrize("viewport", [PHONE, DESK], ids=["390", "1440"])
def test_nothing_is_wider_than_the_window(opened, report, comparison, viewport):
    page = opened(report.path, viewport)
    for mode in ("one", "pair", "blend"):
        page.locator(f'#viewer [value="{mode}"]').check()
        assert opened.cut(page) == []
    assert opened.cut(opened(comparison, viewport, wait=False)) == []


def faults(page, context=None):
    """What axe-core finds serious or critical, in all of the page or in what a selector names, with everything open."""
    page.evaluate('document.querySelectorAll("details").forEach((each) => { each.open = true; })')
    found = Axe().run(page, context).response["violations"]
    worst = [each for each in found if each["impact"] in ("serious", "critical")]
    return [(each["id"], [node["html"][:160] for node in each["nodes"][:4]]) for each in worst]


# Colours go by the scheme and layout by the width, so that two of the four show all.
@pytest.mark.parametrize(("viewport", "scheme"), [(PHONE, "dark"), (DESK, "light")], ids=["390-dark", "1440-light"])
def test_axe_finds_no_serious_fault(opened, report, comparison, viewport, scheme):
    page = opened(report.path, viewport, color_scheme=scheme)
    page.locator('#viewer [value="blend"]').check()
    assert faults(page) == []
    page.locator('#viewer [value="pair"]').check()
    assert faults(page, "#viewer") == []
    assert faults(opened(comparison, viewport, wait=False, color_scheme=scheme)) == []


def test_light_and_dark_follow_the_system(opened, report):
    found = {}
    for scheme in ("light", "dark"):
        page = opened(report.path, color_scheme=scheme)
        colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
        chart = page.locator(".chart img").first
        found[scheme] = colour, chart.evaluate("(image) => image.currentSrc")
    assert found["light"][0] == "rgb(255, 255, 255)"
    assert sum(map(int, found["dark"][0][4:-1].split(","))) < 100
    assert found["light"][1] != found["dark"][1]


def test_on_paper_nothing_is_cut_or_folded(opened, report):
    page = opened(report.path, A4)
    page.emulate_media(media="print")
    assert opened.cut(page) == []
    wide = "all => all.filter((each) => each.scrollWidth > each.clientWidth + 1).map((each) => each.textContent.slice(0, 90))"
    assert page.eval_on_selector_all(".scroll", wide) == []
    assert not page.locator("#viewer").is_visible()
    assert not page.locator("nav").is_visible()
    folded = page.locator("details table")
    assert folded.count() > 0
    heights = folded.evaluate_all("all => all.map((each) => each.getBoundingClientRect().height)")
    assert min(heights) > 20
    paper = page.pdf(format="A4")
    assert paper.startswith(b"%PDF")
    assert paper.count(b"/Type /Page\n") + paper.count(b"/Type /Page ") > 3


def stops(page, count):
    """The ids (else the texts) of what the Tab key reaches next, `count` times."""
    found = []
    for _ in range(count):
        page.keyboard.press("Tab")
        found.append(page.evaluate("document.activeElement.id || document.activeElement.textContent.trim()"))
    return found


def test_the_first_tab_offers_to_skip_the_contents(opened, report):
    page = opened(report.path)
    assert stops(page, 1) == ["Skip to the evidence"]
    seen = page.evaluate("""() => {
      const box = document.activeElement.getBoundingClientRect(), style = getComputedStyle(document.activeElement);
      return [box.top >= 0, box.bottom > 20, style.outlineStyle, parseFloat(style.outlineWidth) >= 2];
    }""")
    assert seen == [True, True, "solid", True]
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    inside = page.evaluate('document.querySelector("main").contains(document.activeElement)')
    assert inside


def test_what_is_folded_opens_by_keyboard(opened, report):
    page = opened(report.path)
    folded = page.locator("#claims details").first
    paragraph = folded.locator("p").first
    assert not paragraph.is_visible()
    folded.locator("summary").focus()
    page.keyboard.press("Enter")
    assert paragraph.is_visible()
