"""The page: the study's six exhibits and dogcam's own, each where there are data and honest about its limits, in both formats."""

import re
import tomllib
from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from everything import everything

from dogcam.language.numbers import count, number, percent, signed
from dogcam.report import exhibits, texts
from dogcam.report import page as page_module
from dogcam.report.document import Exhibit, Sheet
from dogcam.report.formats.html import html
from dogcam.report.formats.latex import article
from dogcam.report.formats.markdown import markdown, markdown_text
from dogcam.report.formats.rendering import write
from dogcam.report.page import compose

TEXTS = tomllib.loads(Path(texts.__file__).with_name("texts.toml").read_text(encoding="utf-8"))
HOSTILE = "<script>alert(1)</script> [bold]x[/bold] | `t` $x_1$ **b** \n# h " + "y" * 300


class Page(HTMLParser):
    """Collects what a browser would fetch, and checks that tags close."""

    VOID = frozenset({"meta", "img", "source", "br", "link", "input"})

    def __init__(self, text):
        super().__init__()
        self.open, self.sources, self.anchors, self.ids, self.words, self.tags = [], [], [], [], [], []
        self.images = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        self.tags.append(tag)
        self.sources += [found[key] for key in ("src", "srcset", "data", "poster") if key in found]
        self.anchors += [found["href"]] if "href" in found else []
        self.ids += [found["id"]] if "id" in found else []
        self.images += [found] if tag == "img" else []
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())


@pytest.fixture(scope="module")
def document(make, tmp_path_factory):
    """One report for all tests that only look at it."""
    return compose(make(str(tmp_path_factory.mktemp("home"))).write())


@pytest.fixture(scope="module")
def text(document):
    return html(document)


@pytest.fixture(scope="module")
def page(text):
    return Page(text)


def test_the_exhibits_each_with_pictures_or_tables_and_both_conclusions(document):
    assert [exhibit.place for exhibit in document.exhibits] == [1, 2, 3, 4, 5, 6, 7, 8, 9, 12]
    for exhibit in document.exhibits:
        assert exhibit.blocks
        assert exhibit.can.endswith(".")
        assert exhibit.cannot.endswith(".")


class TestEveryExhibit:
    """A new one touches its file, the tuple, its texts and its test, and nothing else."""

    @pytest.fixture(scope="class")
    def whole(self, tmp_path_factory):
        """A report in which none is absent."""
        return compose(everything(tmp_path_factory.mktemp("everything")))

    @pytest.fixture(scope="class")
    def formats(self, whole):
        return html(whole), markdown(whole), article(whole)

    @pytest.mark.parametrize(("place", "exhibit"), enumerate(page_module.EXHIBITS, start=1))
    def test_is_a_file_its_texts_and_its_test_and_stands_at_its_place(self, whole, formats, place, exhibit):
        name, shown = exhibit.__name__, whole.exhibits[place - 1]
        assert exhibit.__module__ == f"dogcam.report.exhibits.{name}"
        assert (shown.key, shown.place) == (name.replace("_", "-"), place)
        assert TEXTS[shown.key].keys() & {"title", "can", "cannot"}
        assert (Path(__file__).parent / "exhibits" / f"test_{name}.py").is_file()
        page, plain, tex = formats
        assert f'<section id="{shown.key}">\n<h2><span class="place">{place}</span>' in page
        assert f'<a href="#{shown.key}"><b>{place}</b>' in page
        assert f'<a id="{shown.key}"></a>\n\n## {place}. ' in plain
        assert f"](#{shown.key})" in plain
        assert re.search(rf"\\section\*{{{place}\\?\.? .*}}\\label{{sec:{shown.key}}}", tex)

    def test_every_file_of_the_folder_is_one(self):
        files = {path.stem for path in Path(exhibits.__file__).parent.glob("[!_]*.py")}
        assert files == {exhibit.__name__ for exhibit in page_module.EXHIBITS}

    def test_a_new_one_is_numbered_in_every_format_by_its_place(self, made, monkeypatch):
        new = Exhibit("brand-new", "Something new", ("It says so.",), (), "This.", "That.")
        _, *others = page_module.EXHIBITS
        monkeypatch.setattr(page_module, "EXHIBITS", (lambda _: None, lambda _: new, *others))
        document = compose(made.write())
        assert [(each.place, each.key) for each in document.exhibits][:2] == [(2, "brand-new"), (3, "cam-by-epoch")]
        assert '<h2><span class="place">2</span> <bdi>Something new</bdi>' in html(document)
        assert "- [2. Something new](#brand-new)" in markdown(document)
        assert "## 2. Something new" in markdown(document)
        assert "2. Something new" in article(document)


def test_the_html_is_whole_and_asks_for_nothing(page, text):
    assert page.open == []
    assert page.tags.count("script") == 2  # the viewer's values and its script
    assert page.sources
    assert all(source.startswith("data:image/") for source in page.sources)
    assert all(anchor.startswith("#") and anchor[1:] in page.ids for anchor in page.anchors)
    assert len(page.ids) == len(set(page.ids))
    assert all(image.get("alt") for image in page.images)
    assert not re.search(r"(?:https?:)?//[a-z]|@import|url\(", re.sub(r"data:[^\"]*", "", text))


def hashed(content):
    return f"'sha256-{b64encode(sha256(content.encode()).digest()).decode()}'"


def test_the_html_is_strict_readable_on_a_phone_and_follows_the_system_colours(text):
    (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', text)
    (style,) = re.findall(r"<style>(.*?)</style>", text, re.DOTALL)
    (script,) = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    assert dict(each.split(" ", 1) for each in policy.split("; ")) == {
        "default-src": "'none'",
        "img-src": "data:",
        "style-src": hashed(style),
        "script-src": hashed(script),
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    assert not re.search(r"<[^>]* (?:style|on[a-z]+)=", text)
    assert 'lang="en"' in text
    assert "width=device-width" in text
    assert "prefers-color-scheme: dark" in text
    assert "@media print" in text
    assert len(text) < 6_000_000


def test_published_figures_n_and_baselines_stand_beside_ours(document, page):
    words = page.text
    for value in ("0.7315", "0.9646", "0.782", "0.883", "whole-image", "0.542", "orientation only"):
        assert value in words
    (exhibit,) = [each for each in document.exhibits if each.key == "localization"]
    table = exhibit.blocks[0]
    row = next(row for row in table.rows if row.entries[0].text == "CAM")
    texts = [entry.text for entry in row.entries]
    assert texts[:4] == ["CAM", "conv5_block1_out", "2", "8"]
    ious = np.linspace(0.2, 0.9, 8)
    assert texts[4] == f"{ious.mean():.3f} ± {ious.std(ddof=1) / 8**0.5:.3f}"
    assert dict(zip(table.columns, texts, strict=True))["e3 published"] == "0.782"


def test_training_names_peak_overfitting_and_choice(document):
    lead = " ".join(document.exhibits[0].lead)
    assert "Run 1 peaks at epoch 3" in lead
    assert "from epoch 4 on its test loss stays more than 1 % above its lowest" in lead
    assert "Run 2 is used from here on" in lead


def test_one_epoch_has_no_comparison_of_epochs(made):
    made.epochs = (4,)
    assert [exhibit.place for exhibit in compose(made.write()).exhibits] == [1, 3, 4, 5, 6, 7, 9, 12]


def test_cam_alone_has_no_comparison_of_methods_and_layers(made):
    made.methods = ("cam",)
    assert [exhibit.place for exhibit in compose(made.write()).exhibits] == [1, 2, 5, 6, 7, 8, 9, 12]


def test_without_evaluation_training_is_reported_and_the_next_command_named(made):
    made.evaluated = False
    document = compose(made.write())
    assert [exhibit.place for exhibit in document.exhibits] == [1]
    assert document.next_step == "dogcam evaluate made"
    assert "dogcam evaluate made" in Page(html(document)).text
    assert "dogcam evaluate made" in markdown(document)


@pytest.mark.parametrize(
    ("split", "images", "fact"),
    [
        ("test", 8, "test images scored"),
        ("test", 6, "images scored of 8 test images"),
        ("train", 8, "images scored of 20 training images"),
        ("train", 20, "training images scored"),
    ],
)
def test_scored_images_are_counted_against_their_own_split(made, split, images, fact):
    made.split, made.images = split, images
    assert (str(images), fact) in compose(made.write()).facts


def test_training_images_are_called_so_in_headline_answer_and_limits(made):
    made.images = 16
    tested = compose(made.write())
    made.name, made.split = "trained-on", "train"
    trained_on = compose(made.write())
    assert trained_on.headline == f"{tested.headline}, on training images"
    for told in (" ".join(trained_on.answer), trained_on.limits[0]):
        assert "16 training images" in told
    assert "was trained on these images" in trained_on.limits[0]
    assert "training images" not in " ".join((tested.headline, *tested.answer[:-1], *tested.limits))


def test_the_limits_tell_which_correction_is_behind_above_and_below(document):
    assert texts.text("page.limits") in document.limits


def test_an_open_question_stays_one_on_training_images(made):
    made.split, made.unseen = "train", 0.55
    assert compose(made.write()).headline.endswith("a box drawn without looking, on training images?")


def written_out(document):
    return {table.caption: {row.entries[0].text: row.entries[-1].text for row in table.rows} for table in document.provenance}


def test_what_scoring_left_out_is_listed_apart_from_what_training_did(made):
    experiment = made.write()
    experiment.evaluation("test", None, "true").write_problems([{"id": "cut|short", "reason": "truncated"}])
    document = compose(experiment)
    tables = written_out(document)
    assert tables["Inputs that were skipped (1)"] == {"broken | picture": "too short"}
    assert tables["Left out of scoring: pictures, or boxes of theirs (1)"] == {"cut|short": "truncated"}
    assert "truncated" in Page(html(document)).text
    assert "| cut\\|short | truncated |" in markdown(document)


def test_where_scoring_left_nothing_out_no_list_says_so(made):
    assert not [caption for caption in written_out(compose(made.write())) if "Left out" in caption]


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        ({"run-1": 1200.4, "run-2": 34.3}, "1,235 s in all"),
        ({"run-1": None, "run-2": 7.0}, "7 s in all"),
        ({}, None),
        (None, None),
        (12.5, None),
    ],
)
def test_how_long_training_took_is_told_where_it_was_recorded(made, seconds, shown):
    experiment = made.write()
    experiment.update_document(seconds=seconds)
    table = written_out(compose(experiment))["Data, network and versions"]
    assert table.get("training took") == shown


def test_an_experiment_from_before_the_time_was_recorded_has_no_row_for_it(made):
    experiment = made.write()
    experiment.write_document({key: value for key, value in experiment.document.items() if key != "seconds"})
    assert "training took" not in written_out(compose(experiment))["Data, network and versions"]


def maps_file(experiment, epoch):
    return experiment.path / "evaluation" / "test-true" / "samples" / f"maps_run-2_epoch-{epoch:02d}.npz"


@pytest.mark.parametrize(("lost", "places"), [(2, [1, 3, 4, 5, 6, 7, 8, 9, 12]), (4, [1, 3, 4, 5, 6, 7, 8, 9])])
def test_pictures_come_from_the_epoch_whose_maps_are_left(made, lost, places):
    experiment = made.write()
    maps_file(experiment, lost).unlink()
    document = compose(experiment)
    assert [exhibit.place for exhibit in document.exhibits] == places
    assert f"Epoch {6 - lost}, " in document.hero.caption
    for exhibit in document.exhibits:
        assert "– there" not in " ".join(exhibit.lead)
        assert f"epoch {lost}" not in " ".join(b.caption for b in exhibit.blocks if isinstance(b, Sheet))
    assert Page(html(document)).open == []
    assert markdown(document)


def test_of_three_epochs_without_the_maps_of_one_the_other_two_are_compared(made):
    made.epochs = (2, 3, 4)
    experiment = made.write()
    maps_file(experiment, 3).unlink()
    exhibit = compose(experiment).exhibits[1]
    assert exhibit.place == 2
    assert "between epochs 2 and 4" in exhibit.lead[-1]
    titles = [tile.panel.title for _, tiles in exhibit.blocks[0].rows for tile in tiles]
    assert titles == ["picture", "epoch 2", "epoch 4"]


def test_without_any_maps_there_are_numbers_and_no_pictures(made):
    experiment = made.write()
    for epoch in made.epochs:
        maps_file(experiment, epoch).unlink()
    document = compose(experiment)
    assert document.hero is None
    assert [exhibit.place for exhibit in document.exhibits] == [1, 5, 6, 7, 8, 9]


def test_maps_of_one_method_only_show_that_method(made):
    experiment = made.write()
    evaluation = experiment.evaluation("test", None, "true")
    cam = {pair: maps for pair, maps in evaluation.sample.maps(2, 4).items() if pair[0] == "cam"}
    for epoch in made.epochs:
        maps_file(experiment, epoch).unlink()
        evaluation.sample.write_maps(2, epoch, cam)
    document = compose(experiment)
    assert [exhibit.place for exhibit in document.exhibits] == [1, 2, 5, 6, 7, 8, 9, 12]
    assert [tile.panel.title for tile in document.hero.rows[0][1]] == ["picture", "CAM"]


def test_what_the_last_epoch_lacks_is_shown_of_the_latest_that_has_it(made):
    experiment = made.write()
    evaluation = experiment.evaluation("test", None, "true")
    for cell in evaluation.cells():
        if cell.epoch == 4 and cell.layer == "conv5_block1_out":
            (evaluation.path / cell.file_name).unlink()
    document = compose(experiment)
    assert "Epoch 2, layer conv5_block1_out" in document.hero.caption
    (never,) = [finding for finding in document.findings if finding.source == "dogcam"]
    assert never.sentence.startswith("At epoch 2, against ")
    by_place = {exhibit.place: exhibit for exhibit in document.exhibits}
    assert "at epoch 2, protocol" in by_place[4].lead[-1]
    assert "at epoch 2 CAM" in by_place[5].lead[0]
    assert "epoch 4, on the kept pictures" not in by_place[4].blocks[0].caption


def test_names_from_elsewhere_are_shown_as_text(made, tmp_path):
    made.classes, made.ids, made.samples = (HOSTILE, HOSTILE), (HOSTILE, HOSTILE + "2"), 2
    made.ious = {("gradcam", 4): np.array([0.5, 0.5, 0.9, 0.9, 0, 0, 0, 0])}
    document = compose(made.write())
    page = Page(html(document))
    assert page.tags.count("script") == 2  # the viewer's values and its script
    assert "<script>alert(1)</script>" in page.text
    for line in markdown(document).split("\n"):
        assert "<script" not in line
        assert "[bold]" not in line.replace("\\[", "")
        assert not line.startswith("# h")
    write(document, tmp_path / "out", ("html", "md"), lambda: None)


@pytest.mark.parametrize("name", [HOSTILE, "a|b", "$x_1$", "`code`", "<b>", "_i_ *b* ~s~", "[a](b)", "# h", "a\r\nb"])
def test_markdown_text_leaves_no_markup(name):
    shown = markdown_text(name)
    assert "\n" not in shown
    bare = re.sub(r"\\.", "", shown)
    assert not set("|`$*_[]<>#~") & set(bare)


def test_markdown_tables_are_even_and_its_links_lead_to_files(document, tmp_path):
    pages, figures = write(document, tmp_path, ("md",), lambda: None)
    text = pages[0].read_text(encoding="utf-8")
    links = re.findall(r"!\[(?:\\.|[^\]])*\]\(([^)]+)\)", text)
    assert len(links) == len(set(links)) == sum(path.suffix == ".png" for path in figures)
    assert all((tmp_path / link).is_file() for link in links)
    for block in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in block.strip().split("\n")}) == 1


def test_the_same_sentences_stand_in_both_formats(document, page):
    plain = re.sub(r"\\(.)", r"\1", markdown(document)).replace("&lt;", "<").replace("&amp;", "&")
    words = page.text
    for exhibit in document.exhibits:
        for sentence in (*exhibit.lead, exhibit.can, exhibit.cannot):
            assert sentence in " ".join(plain.split())
            assert sentence in words


def test_the_same_document_gives_the_same_page(document, text):
    assert html(document) == text


def test_numbers_as_written():
    assert number(0.12345) == "0.123"
    assert number(-0.0771) == "−0.077"
    assert number(-0.0001) == "0.000"
    assert number(None) == number(float("nan")) == "–"
    assert signed(-0.5) == "−0.500"
    assert signed(0.25, 1) == "+0.2"
    assert signed(-0.0001) == signed(0.0) == "0.000"
    assert count(8580) == "8,580"
    assert percent(0.5) == "50.0 %"
