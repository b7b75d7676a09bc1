"""The viewer as a reader uses it: by mouse and by keyboard, held against what Python makes of the same maps and tables."""

import re
from dataclasses import replace

import numpy as np
import pytest
from playwright.sync_api import expect

from dogcam.boxes import drawing
from dogcam.boxes.protocols import PROTOCOLS
from dogcam.experiment.evaluations import MapKey
from dogcam.report.embedding import quantised, restored
from dogcam.report.formats.html import html
from dogcam.report.page import compose

POOLED = "conv5_block1_out"
FOCUSED_VISIBLY = """() => {
  const style = getComputedStyle(document.activeElement);
  return style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
}"""


def at(page, name):
    return page.locator(f"#viewer-{name}")


def listed(page):
    """The places of the listed pictures, in order."""
    return at(page, "list").locator("button").evaluate_all("all => all.map((each) => +each.dataset.picture)")


def chosen(page):
    (found,) = at(page, "list").locator('[aria-selected="true"]').evaluate_all("all => all.map((e) => +e.dataset.picture)")
    return found


def pixels(page, side="a"):
    return at(page, f"canvas-{side}").evaluate("(canvas) => canvas.toDataURL()")


def settled(page, sample):
    expect(at(page, "picture")).to_have_text(f"{sample.label} · {sample.id}")


def said(kept, sample, pair, epoch, threshold, protocol="default"):
    """What the page is to say of a picture's map, by dogcam's own localisation."""
    protocol = PROTOCOLS[protocol]
    box = drawing.predicted_box(restored(*quantised(kept.raw(sample, MapKey(*pair), epoch))), protocol, sample.shape, threshold)
    if box is None:
        return f"No pixel above threshold {threshold:g}: no box, IoU 0."
    return f"IoU {drawing.score(box, sample.boxes, protocol):.3f} at threshold {threshold:g}."


def scores(kept, method, layer=POOLED, epoch=4):
    columns = kept.tables.columns("default", MapKey(method, layer), epoch)
    known = dict(zip(columns["image"], columns["iou"], strict=True))
    return np.array([known[sample.id] for sample in kept.samples])


def test_the_featured_picture_comes_first_at_its_tables_threshold(opened, report):
    page, kept = opened(report.path), report.kept
    settled(page, kept.featured)
    expect(at(page, "told-a")).to_have_text(said(kept, kept.featured, ("gradcam", POOLED), 4, 0.15))
    expect(at(page, "level")).to_have_text("0.15")
    assert chosen(page) == kept.featured.place
    assert at(page, "protocol").locator("option").all_inner_texts() == ["default", "cam2016"]
    assert "exercise" in at(page, "notes").inner_text()


def test_search_finds_breeds_and_pictures_and_a_click_shows_one(opened, report):
    page, samples = opened(report.path), report.kept.samples
    before = pixels(page)
    at(page, "search").fill("HUSKY")
    assert listed(page) == [sample.place for sample in samples if sample.label == "husky"]
    at(page, "search").fill("picture-11")
    assert listed(page) == [11]
    at(page, "list").locator("button").click()
    settled(page, samples[11])
    expect(at(page, "told-a")).to_have_text(said(report.kept, samples[11], ("gradcam", POOLED), 4, 0.15))
    assert pixels(page) != before
    at(page, "search").fill("no such breed")
    assert listed(page) == []
    expect(at(page, "none")).to_have_text("No picture matches.")


def test_orders_are_those_of_the_tables(opened, report):
    page, kept = opened(report.path), report.kept
    own = scores(kept, "gradcam")
    apart = np.ptp([own, scores(kept, "cam")], axis=0)
    wrong = [sample.place % 2 != 0 for sample in kept.samples]  # class 0 is predicted always
    ranks = {"kept": range(len(own)), "low": own, "high": -own, "apart": -apart, "wrong": np.logical_not(wrong)}
    for order, rank in ranks.items():
        at(page, "sort").select_option(order)
        assert listed(page) == np.argsort(rank, kind="stable").tolist(), order
    crosses = at(page, "list").locator("b").evaluate_all("all => all.map((each) => !each.hidden)")
    assert crosses == sorted(wrong, reverse=True)


def test_method_layer_epoch_and_protocol_change_what_is_drawn(opened, report):
    page, kept = opened(report.path), report.kept
    featured, seen = kept.featured, {pixels(page)}
    for name, value, pair, epoch, protocol in [
        ("layer-a", "conv3_block1_out", ("gradcam", "conv3_block1_out"), 4, "default"),
        ("epoch-a", "2", ("gradcam", "conv3_block1_out"), 2, "default"),
        ("method-a", "cam", ("cam", POOLED), 2, "default"),
        ("protocol", "1", ("cam", POOLED), 2, "cam2016"),
    ]:
        at(page, name).select_option(value)
        expect(at(page, "told-a")).to_have_text(said(kept, featured, pair, epoch, 0.15, protocol))
        expect(at(page, "where-a")).to_contain_text(f"epoch {epoch}, run 2")
        expect(at(page, "where-a")).to_contain_text(pair[1])
        seen.add(pixels(page))
    expect(at(page, "about")).to_have_text(PROTOCOLS["cam2016"].description)
    assert len(seen) == 5
    assert at(page, "run-a").locator("option").all_inner_texts() == ["2"]
    assert at(page, "layer-a").locator("option").all_inner_texts() == [POOLED]


def threshold(page):
    return float(at(page, "threshold").input_value())


def test_the_threshold_is_dragged_and_box_and_iou_follow(opened, report):
    page, kept = opened(report.path), report.kept
    slider = at(page, "threshold")
    slider.scroll_into_view_if_needed()
    box = slider.bounding_box()
    y = box["y"] + box["height"] / 2
    seen = [(pixels(page), at(page, "told-a").inner_text())]
    page.mouse.move(box["x"] + box["width"] * 0.16, y)
    page.mouse.down()
    for share in (0.3, 0.45, 0.6):
        page.mouse.move(box["x"] + box["width"] * share, y)
        now = threshold(page)
        assert now == pytest.approx(share, abs=0.03)
        expect(at(page, "told-a")).to_have_text(said(kept, kept.featured, ("gradcam", POOLED), 4, now))
        expect(at(page, "level")).to_have_text(f"{now:g}")
        seen.append((pixels(page), at(page, "told-a").inner_text()))
    page.mouse.up()
    assert len({picture for picture, _ in seen}) == len({words for _, words in seen}) == 4
    expect(at(page, "said")).to_contain_text(seen[-1][1])  # for a screen reader, once the slider rests


def test_the_threshold_moves_by_keys_too(opened, report):
    page, kept = opened(report.path), report.kept
    at(page, "threshold").focus()
    assert page.evaluate(FOCUSED_VISIBLY)
    for key, value in [("ArrowRight", 0.155), ("ArrowLeft", 0.15), ("Home", 0.0), ("End", 0.99)]:
        page.keyboard.press(key)
        assert threshold(page) == pytest.approx(value)
        expect(at(page, "told-a")).to_have_text(said(kept, kept.featured, ("gradcam", POOLED), 4, value))


def test_calibrated_and_oracle_thresholds_are_marked_on_the_curve_and_one_click_away(opened, report):
    page = opened(report.path)
    names = at(page, "jumps").locator("button").all_inner_texts()
    assert names == ["calibrated 0.15", "oracle 0.3"]
    grid = [
        float(x) for x in at(page, "chart").locator("line.grid").first.evaluate("(l) => [l.x1, l.x2].map((e) => e.baseVal.value)")
    ]
    for mark, value in (("chosen", 0.15), ("oracle", 0.3), ("now", 0.15)):
        x = at(page, "chart").locator(f"line.{mark}").evaluate("(line) => line.x1.baseVal.value")
        assert (x - grid[0]) / (grid[1] - grid[0]) == pytest.approx(value, abs=1e-6)
    assert at(page, "chart").locator("path.mean").count() == 1
    assert at(page, "chart").locator("path.own").count() == 1
    expect(at(page, "curve")).to_contain_text("highest 0.950 at 0.3.")
    at(page, "jumps").get_by_text("oracle").click()
    assert threshold(page) == 0.3
    expect(at(page, "level")).to_have_text("0.3")
    at(page, "protocol").select_option("1")  # whose cells have no curve
    expect(at(page, "curve")).to_contain_text("No curve over all pictures")


def test_two_maps_lie_side_by_side_or_one_over_the_other(opened, report):
    page, kept = opened(report.path), report.kept
    assert not at(page, "panel-b").is_visible()
    page.get_by_label("two side by side").check()
    left, right = at(page, "canvas-a").bounding_box(), at(page, "canvas-b").bounding_box()
    assert left["y"] == right["y"]
    assert left["x"] + left["width"] <= right["x"]
    at(page, "layer-a").select_option("conv4_block1_out")
    expect(at(page, "told-a")).to_have_text(said(kept, kept.featured, ("gradcam", "conv4_block1_out"), 4, 0.15))
    expect(at(page, "told-b")).to_have_text(said(kept, kept.featured, ("cam", POOLED), 4, 0.15))
    assert pixels(page, "a") != pixels(page, "b")
    at(page, "method-b").select_option("gradcam")
    at(page, "layer-b").select_option("conv4_block1_out")
    expect(at(page, "where-b")).to_contain_text("conv4_block1_out")
    assert pixels(page, "a") != pixels(page, "b")  # the same heat and box, in the colour of each side
    page.get_by_label("two blended").check()
    assert not at(page, "canvas-b").is_visible()
    at(page, "layer-b").select_option(POOLED)
    expect(at(page, "told-b")).to_have_text(said(kept, kept.featured, ("gradcam", POOLED), 4, 0.15))
    mixed = set()
    at(page, "mix").focus()
    for key in ("Home", "PageUp", "End"):
        page.keyboard.press(key)
        mixed.add(pixels(page))
    assert len(mixed) == 3


def test_keys_turn_to_the_next_picture_from_anywhere_in_the_viewer(opened, report):
    page, samples = opened(report.path), report.kept.samples
    start = report.kept.featured.place
    at(page, "canvas-a").click()
    for key, place in [("n", start + 1), ("N", start + 2), ("p", start + 1)]:
        page.keyboard.press(key)
        settled(page, samples[place])
    at(page, "jumps").locator("button").first.focus()
    for _ in range(2):  # the buttons are made anew for each picture, and keep the focus
        page.keyboard.press("n")
    settled(page, samples[start + 3])
    at(page, "search").focus()
    page.keyboard.type("n")
    settled(page, samples[start + 3])
    assert at(page, "search").input_value() == "n"
    at(page, "search").fill("")
    at(page, "previous").click()
    settled(page, samples[start + 2])


def test_the_list_is_one_stop_for_the_tab_key_and_arrows_walk_along_it(opened, report):
    page, samples = opened(report.path), report.kept.samples
    at(page, "next").focus()
    page.keyboard.press("Tab")
    for key, place in [("Home", 0), ("ArrowRight", 1), ("ArrowRight", 2), ("ArrowLeft", 1), ("End", len(samples) - 1)]:
        page.keyboard.press(key)
        settled(page, samples[place])
        assert chosen(page) == int(page.evaluate("document.activeElement.dataset.picture")) == place
        assert page.evaluate(FOCUSED_VISIBLY)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.name") == "viewer-mode"


def test_the_whole_viewer_is_reached_by_the_tab_key_in_the_order_that_it_is_read(opened, report):
    page = opened(report.path)
    page.locator('nav a[href="#viewer"]').focus()
    page.keyboard.press("Enter")
    found = []
    for _ in range(12):
        page.keyboard.press("Tab")
        assert page.evaluate(FOCUSED_VISIBLY)
        found.append(
            page.evaluate("(({ id, name, dataset }) => id || name || (dataset.picture && 'picture'))(document.activeElement)")
        )
    controls = ["search", "sort", "previous", "next", "picture", "mode", "method-a", "layer-a", "epoch-a", "run-a"]
    assert [each.removeprefix("viewer-") for each in found] == [*controls, "protocol", "threshold"]


def test_thumbnails_are_loaded_as_they_come_into_view(opened, report):
    page = opened(report.path, {"width": 390, "height": 844})
    at(page, "list").locator("button").first.focus()
    page.keyboard.press("Home")
    at(page, "list").scroll_into_view_if_needed()
    expect(at(page, "list").locator("img[src]").first).to_be_visible()
    last = at(page, "list").locator("img").last
    assert last.get_attribute("src") is None
    page.keyboard.press("End")
    expect(last).to_have_attribute("src", re.compile("^data:image/jpeg"))


def test_a_picture_without_a_kept_map_says_so(make, opened, tmp_path):
    experiment = make(str(tmp_path / "home")).write()
    evaluation = experiment.evaluation("test", None, "true")
    evaluation.sample.write_maps(2, 4, {pair: maps[:2] for pair, maps in evaluation.sample.maps(2, 4).items()})
    path = tmp_path / "page.html"
    path.write_text(html(replace(compose(experiment), exhibits=(), hero=None)), encoding="utf-8")
    page = opened(path)
    at(page, "list").locator('[data-picture="3"]').click()
    expect(at(page, "told-a")).to_have_text("No map of this picture was kept for this choice of method, layer, epoch and run.")
    expect(at(page, "tables-a")).to_contain_text("In the tables: 0.5")
    at(page, "epoch-a").select_option("2")
    expect(at(page, "told-a")).to_contain_text("IoU")
