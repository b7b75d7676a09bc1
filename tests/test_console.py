"""What a terminal sees: answers on standard output, everything else on standard error, and texts as they are."""

from __future__ import annotations

import io
import json
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from dogcam import console
from dogcam.backbones import BACKBONES
from dogcam.config import TrainConfig
from dogcam.console import TerminalProgress, clean, duration
from dogcam.datasets import Problem
from dogcam.listings import Listing
from dogcam.metrics.classification import Curve, judge
from dogcam.reporting.comparison import Comparison, Line
from dogcam.runs import HistoryRow
from dogcam.statistics import Interval, Pair

# "[/bold]" alone is an error in rich's markup, "[bold]" vanishes, ":dog:" becomes a picture.
HOSTILE = ["[bold]x[/bold]", "[/bold]", ":dog:", "\x1b[31mred", "two\nlines", "\r\x07\x9b5m", "‮txt", "x" * 300]
BASELINES = ("whole-image", "centre-box-0.9", "centre-box-0.8")
STAGES = sorted({stage for row in BACKBONES.values() for stage in row.stages})


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    encoding = "utf-8"

    def isatty(self):
        return True


@pytest.fixture
def terminal(monkeypatch):
    """Standard output and error as terminals of a given width; returns what they show."""

    def make(width, color=False):
        out, err = Terminal(), Terminal()
        monkeypatch.setattr(sys, "stdout", out)
        monkeypatch.setattr(sys, "stderr", err)
        for name in ("FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE", "JUPYTER_COLUMNS"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("TERM", "xterm-256color")
        monkeypatch.setenv("COLUMNS", str(width))
        monkeypatch.setenv("LINES", "50")
        if not color:
            monkeypatch.setenv("NO_COLOR", "1")
        return out, err

    return make


def text_of(stream):
    """The letters, without the bold of headings."""
    return re.sub(r"\x1b\[[0-9;]*m", "", stream.getvalue())


def harmless(text):
    """Nothing in it that a terminal would obey, but for the ends of lines."""
    return all(each.isprintable() or each == "\n" for each in text)


def squeezed(text):
    """Without white space: a folded text in one piece again."""
    return re.sub(r"\s", "", text)


def row(method="gradcam", layer="conv5_block3_out", run=2, epoch=7, **changes):
    scores = {"mean_iou": 0.8163, "sem": 0.0123, "iou30": 0.99, "iou50": 0.95, "iou70": 1.0, "area": 0.38, "empty": 0.0}
    return {"run": run, "epoch": epoch, "method": method, "layer": layer, "protocol": "default", **scores, **changes}


def evaluation(rows, problems=(), path="runs/tiny/evaluation/test-true"):
    return SimpleNamespace(
        comparisons=(),
        show_pairs=False,
        rows=rows,
        asked=lambda each: each["method"] != "not-asked",
        images=8580,
        runs=(2,),
        why="highest test accuracy",
        evaluation=SimpleNamespace(path=Path(path)),
        seconds=75.4,
        problems=problems,
    )


def heat(method="gradcam", layer="conv5", box=None, target="beagle", **changes):
    rest = {"epoch": None, "iou": None, "against": None, "empty": False, "flagged": False, **changes}
    return SimpleNamespace(method=method, layer=layer, box=box, target=target, **rest)


def explanations(heats, files=("a.png", "b.png")):
    explanation = SimpleNamespace(
        record=SimpleNamespace(id="dog.jpg"),
        shape=(100, 200),
        top={None: [("beagle, hound", 0.9)]},
        heats=heats,
        files=files,
    )
    return SimpleNamespace(
        explanations=[explanation], out="out", model="m", protocol=SimpleNamespace(name="default"), problems=()
    )


def training(accuracy=0.739506, path="runs/tiny"):
    history = [
        HistoryRow(run, epoch, split, accuracy, 1 / (run + epoch))
        for run in (1, 2, 3)
        for epoch in range(1, 8)
        for split in ("train", "test")
    ]
    curve = Curve((3, 5, 7), (accuracy,) * 3, (1.0, 1.1, 1.2))
    return SimpleNamespace(
        history=history,
        config=TrainConfig(),
        verdicts=[judge(run, curve) for run in (1, 2, 3)],
        chosen=2,
        why="highest test accuracy",
        experiment=SimpleNamespace(path=Path(path)),
        seconds=59.7,
        problems=(),
    )


class TestClean:
    @pytest.mark.parametrize("text", HOSTILE)
    def test_one_printable_line(self, text):
        assert clean(text).isprintable()
        assert len(clean(text)) == len(text)

    def test_letters_stay(self):
        for text in ("Grad-CAM ≥ 0.5 · ±", "강아지 사진.jpg", "chien à poil", "[bold]"):
            assert clean(text) == text

    def test_anything_can_be_shown(self):
        assert clean(3) == "3"
        assert clean(Path("a") / "b").endswith("b")


class TestStreams:
    def test_answers_go_to_standard_output(self, capsys):
        console.show("a", console.table("t", ["h"], [["v"]]))
        out, err = capsys.readouterr()
        assert out.split() == ["a", "t", "h", "v"]
        assert err == ""

    def test_errors_go_to_standard_error_on_one_line(self, capsys):
        console.show_error("what\nwent [bold]wrong[/bold] \x1b[31m")
        out, err = capsys.readouterr()
        assert out == ""
        assert err == "error: what went [bold]wrong[/bold] �[31m\n"

    def test_a_long_error_is_broken_between_words_on_a_narrow_terminal(self, terminal):
        _, err = terminal(40)
        console.show_error("word " * 40)
        lines = text_of(err).splitlines()
        assert len(lines) > 4
        assert set(" ".join(lines).split()) == {"error:", "word"}

    def test_a_long_error_is_one_line_without_a_terminal(self, capsys):
        console.show_error("word " * 400)
        assert capsys.readouterr().err.count("\n") == 1

    def test_json_and_nothing_else(self, capsys):
        document = {"rows": [{"iou": 0.5, "name": "[bold]강아지[/bold]"}], "none": None}
        console.show_json(document)
        out, err = capsys.readouterr()
        assert json.loads(out) == document
        assert "강아지" in out, "readable, not escaped"
        assert err == ""

    @pytest.mark.parametrize("text", HOSTILE)
    def test_json_carries_any_text_through(self, capsys, text):
        console.show_json({text: text})
        out = capsys.readouterr().out
        assert json.loads(out) == {text: text}

    @pytest.mark.parametrize("encoding", ["cp1252", "ascii", "cp949"])
    def test_a_pipe_that_cannot_say_every_letter_gets_an_answer_all_the_same(self, monkeypatch, encoding):
        """Windows gives a pipe its old code page: neither the table's ≥ nor a Korean file name may be an error."""
        raw = io.BytesIO()
        monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding=encoding, newline="\n"))
        console.show_evaluation(evaluation([row()]))
        console.show("강아지 🐕")
        sys.stdout.flush()
        assert "gradcam" in raw.getvalue().decode(encoding)

    @pytest.mark.parametrize("encoding", ["cp1252", "ascii", "cp949", "utf-8"])
    def test_json_is_exact_whatever_the_pipe_can_say(self, monkeypatch, encoding):
        """Also a file name that is not UTF-8, which Python carries as a lone surrogate."""
        raw = io.BytesIO()
        monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding=encoding, newline="\n"))
        document = {"id": "강아지 🐕 é", "bad": "dog-\udcff.jpg"}
        console.show_json(document)
        sys.stdout.flush()
        assert json.loads(raw.getvalue().decode(encoding)) == document

    def test_a_pipe_gets_no_colours_and_no_cut_lines(self, capsys):
        console.show_listing(Listing("t", ("name", "text"), (("a", "word " * 100),)))
        out = capsys.readouterr().out
        assert "\x1b" not in out
        assert len(out.splitlines()) == 3


class TestHostileTexts:
    @pytest.mark.parametrize("width", [80, 120])
    @pytest.mark.parametrize("text", HOSTILE)
    def test_in_a_table_they_are_text_and_the_numbers_stay_whole(self, terminal, text, width):
        out, _ = terminal(width)
        console.show_evaluation(evaluation([row(), row(method=text), row(layer=text)]))
        shown = text_of(out)
        assert harmless(shown)
        assert shown.count("0.816±0.012") == 3
        assert "…" not in shown
        if len(text) < 300:
            assert squeezed(shown).count(squeezed(clean(text))) == 2
        else:
            assert shown.count("x") >= 600, "folded, not cut"

    @pytest.mark.parametrize("text", HOSTILE)
    def test_in_titles_and_sentences(self, terminal, text):
        out, err = terminal(80)
        console.show_listing(Listing(text, ("name",), ((text,),)))
        console.show(text)
        console.show_training(training(path=text))
        console.show_evaluation(evaluation([row()], path=f"{text}/evaluation/x"))
        console.show_report(SimpleNamespace(paths=[Path(text)]))
        console.show_problems([Problem(text, text)])
        console.show_error(text)
        assert harmless(text_of(out))
        assert harmless(text_of(err))
        assert squeezed(clean(text)) in squeezed(text_of(out))
        assert squeezed(f"{clean(text)}: {clean(text)}") in squeezed(text_of(err))

    @pytest.mark.parametrize("text", HOSTILE)
    def test_in_an_explanation(self, terminal, text):
        out, _ = terminal(80)
        heats = [
            heat(
                method="cam",
                layer=text,
                epoch=3,
                box=np.array([0.25, 0.5, 0.75, 1]),
                iou=0.5,
                target=text,
                against=text,
            ),
            heat(layer="conv"),
        ]
        explanation = SimpleNamespace(
            record=SimpleNamespace(id=text),
            shape=(300, 400),
            top={3: [(text, 0.9)], None: [("b", 0.1)]},
            heats=heats,
            targets={3: text},
            files=["a.png", "b.png"],
        )
        result = SimpleNamespace(
            explanations=[explanation], out=text, model=text, protocol=SimpleNamespace(name="default"), problems=()
        )
        console.show_explanations(result)
        shown = text_of(out)
        assert harmless(shown)
        assert "(400 x 300)" in shown
        assert "100 150 300 300" in shown, "x by the width 400, y by the height 300"
        assert "none" in shown
        assert "2 files in" in shown


class TestEvaluationTable:
    @pytest.mark.parametrize("width", [80, 120])
    def test_every_row_is_one_line(self, terminal, width):
        out, _ = terminal(width)
        rows = [row(method=name, layer="", run=0, epoch=0, sem=0.0021) for name in BASELINES]
        rows += [row(method=method, layer=stage) for method in ("cam", "gradcam") for stage in STAGES]
        rows += [row(run=10, epoch=12)]
        console.show_evaluation(evaluation(rows))
        lines = [line.rstrip() for line in text_of(out).splitlines()]
        table = lines[: lines.index("")]
        assert len(table) == 2 + len(rows), "a title, the headings and a line a row"
        assert max(map(len, table)) <= width
        assert table[1].split() == ["r·ep", "method", "layer", "mean", "IoU", "≥.3", "≥.5", "≥.7", "area", "empty"]
        for line, each in zip(table[2:], rows, strict=True):
            assert each["method"] in line
            assert each["layer"] in line
            assert "…" not in line
            assert line.split()[-5:] == ["0.99", "0.95", "1.00", "0.38", "0.00"]

    def test_names_give_way_before_numbers_do(self, terminal):
        out, _ = terminal(60)
        console.show_evaluation(evaluation([row(method="method " * 20, layer="y" * 300)]))
        shown = text_of(out)
        assert "0.816±0.012 0.99 0.95 1.00 0.38  0.00" in shown
        assert shown.count("y") >= 300

    def test_one_table_a_protocol_with_what_was_asked_for(self, capsys):
        rows = [row(), row(protocol="cam2016", mean_iou=0.5), row(method="not-asked")]
        console.show_evaluation(evaluation(rows))
        out = capsys.readouterr().out
        assert out.index("Protocol default, 8580 images") < out.index("Protocol cam2016, 8580 images")
        assert "not-asked" not in out
        assert "0.500±0.012" in out
        assert "1 min 15 s" in out

    def test_a_single_image_has_no_error_to_show(self, capsys):
        console.show_evaluation(evaluation([row(sem=float("nan"))]))
        out = capsys.readouterr().out
        assert "nan" not in out
        assert "±" not in out
        assert "0.816" in out

    def test_a_baseline_has_no_run_and_no_epoch(self, capsys):
        console.show_evaluation(evaluation([row(run=0, epoch=0, method="whole-image", layer="")]))
        assert "0·0" not in capsys.readouterr().out


class TestExplanations:
    def shown(self, capsys, *heats, **more):
        console.show_explanations(explanations(heats, **more))
        return [line.rstrip() for line in capsys.readouterr().out.splitlines()]

    def test_a_table_for_each_class_and_for_the_baselines(self, capsys):
        box = np.array([0.1, 0.1, 0.9, 0.9])
        lines = self.shown(
            capsys,
            heat(epoch=3),
            heat(epoch=3, target="basset"),
            heat(epoch=3, target="basset", against="dingo"),
            heat(epoch=7),
            heat("centre-box-0.8", "", box, None),
        )
        titles = [place for place, line in enumerate(lines) if line.startswith(("heat for", "baselines"))]
        assert [lines[place] for place in titles] == [
            "heat for beagle",
            "heat for basset",
            "heat for basset against dingo",
            "baselines, the same box in every picture",
        ]
        assert [line.split()[:3] for line in lines[titles[0] + 2 : titles[1]]] == [
            ["gradcam", "conv5", "3"],
            ["gradcam", "conv5", "7"],
        ]
        assert lines[titles[3] + 1].split() == "method box x0 y0 x1 y1".split(), (
            "no layer, no epoch, nothing to compare"
        )
        assert lines[titles[3] + 2].split() == "centre-box-0.8 20 10 180 90".split()

    def test_empty_and_flagged_maps_are_marked_and_counted_but_for_baselines(self, capsys):
        lines = self.shown(
            capsys,
            heat(empty=True),
            heat("cam"),
            heat("ablationcam", flagged=True),
            heat("cam", empty=True, flagged=True),
            heat("whole-image", "", target=None),
        )
        assert [line.split("none")[1].strip() for line in lines if "none" in line] == [
            "empty",
            "",
            "flagged",
            "empty, flagged",
            "",
        ]
        assert "2 of 4 maps empty: no value above zero." in lines
        assert [line for line in lines if line.startswith("2 of 4 maps flagged: the formula does not hold there")]

    def test_where_all_is_well_nothing_is_said_of_it(self, capsys):
        lines = self.shown(capsys, heat(), files=["a.png"])
        assert not any(word in line for line in lines for word in ("empty", "flagged", "remark"))
        assert lines[-1] == "1 file in out (model m, protocol default)"

    @pytest.mark.parametrize("width", [80, 120])
    def test_fused_layers_fit_by_being_folded(self, terminal, width):
        out, _ = terminal(width)
        layer = "product(conv3_block4_out+conv4_block6_out+conv5_block3_out)"
        box = np.array([0.1, 0.1, 0.9, 0.9])
        console.show_explanations(explanations([heat(layer=layer, box=box, epoch=7, iou=0.5, flagged=True)]))
        lines = [" ".join(line.split()) for line in text_of(out).splitlines()]
        assert max(map(len, text_of(out).splitlines())) <= width
        first = next(line for line in lines if line.startswith("gradcam"))
        assert first.endswith(" 7 20 10 180 90 0.500 flagged"), "the numbers stay whole"
        rest = lines[lines.index(first) + 1] if width == 80 else ""
        assert first.split()[1] + rest == layer


class TestTrainingTable:
    @pytest.mark.parametrize("width", [80, 120])
    def test_the_studys_table_fits(self, terminal, width):
        out, _ = terminal(width)
        console.show_training(training())
        lines = text_of(out).splitlines()
        assert lines[0].startswith("Test accuracy and loss at the kept epochs")
        assert " ".join(lines[1].split()) == "run e3 acc e3 loss e5 acc e5 loss e7 acc e7 loss peak"
        assert [line.split()[0] for line in lines[2:5]] == ["1", "2", "3"]
        assert lines[2].split() == ["1", "0.7395", "0.2500", "0.7395", "0.1667", "0.7395", "0.1250", "e3"]
        assert "Chosen: run 2, highest test accuracy." in text_of(out)
        assert "1 min 0 s" in text_of(out)

    def test_the_live_table_shows_the_last_runs_side_by_side(self, capsys):
        rows = [HistoryRow(run, 1, "test", run / 10, 0.5) for run in range(1, 6)]
        rows += [HistoryRow(5, 2, "test", 0.9, 0.25), HistoryRow(5, 2, "train", 0.123, 0.321)]
        console.show(console.history_table(rows))
        lines = capsys.readouterr().out.splitlines()
        assert "run 2" not in lines[1]
        assert [f"run {run} acc" in lines[1] for run in (3, 4, 5)] == [True] * 3
        assert lines[2].split() == ["1", "0.3000", "0.5000", "0.4000", "0.5000", "0.5000", "0.5000"]
        assert lines[3].split() == ["2", "0.9000", "0.2500"]


class TestProblems:
    def test_each_is_named_up_to_a_limit_and_the_rest_counted(self, capsys):
        console.show_problems([Problem(f"dog {number}", "truncated") for number in range(12)])
        out, err = capsys.readouterr()
        assert out == ""
        assert "12 inputs were skipped" in err
        assert "  dog 9: truncated" in err
        assert "dog 10:" not in err
        assert "and 2 more" in err

    def test_none_is_silence(self, capsys):
        console.show_problems([])
        assert capsys.readouterr() == ("", "")


@dataclass
class Work:
    """What a command does with its progress."""

    title: str = "reading"
    text: str = "loss 0.5"

    def do(self, progress):
        with progress.task(self.title, 3) as step:
            for _ in range(3):
                step.advance(text=self.text)
        progress.note(self.title)
        progress.warn(self.title)
        progress.history([HistoryRow(1, 1, "test", 0.5, 1.25), HistoryRow(1, 1, "train", 0.6, 1.0)])
        list(progress.track([1, 2], self.title, 2))


class TestProgressWithoutATerminal:
    @pytest.fixture(autouse=True)
    def at_once(self, monkeypatch):
        """Lines for everything, however quick."""
        monkeypatch.setitem(console._LOG_LINES, "mininterval", 0)
        monkeypatch.setitem(console._LOG_LINES, "delay", 0)

    def test_lines_on_standard_error_and_nothing_on_standard_output(self, capsys):
        with TerminalProgress() as progress:
            Work().do(progress)
        out, err = capsys.readouterr()
        assert out == ""
        assert "\r" not in err
        assert "\x1b" not in err
        assert all(line.strip() for line in err.splitlines())
        assert re.search(r"reading: 100%.* 3/3 ", err)
        assert "loss 0.5" in err
        assert "reading\n" in err
        assert "warning: reading\n" in err
        assert "run 1 epoch 1: test accuracy 0.5000, loss 1.2500\n" in err
        assert "0.6000" not in err

    def test_quick_work_says_nothing(self, capsys, monkeypatch):
        monkeypatch.setitem(console._LOG_LINES, "delay", 2.0)
        with TerminalProgress() as progress, progress.task("quick", 2) as step:
            step.advance(2)
        assert capsys.readouterr() == ("", "")

    def test_quiet_says_only_warnings(self, capsys):
        with TerminalProgress(-1) as progress:
            Work().do(progress)
        assert capsys.readouterr() == ("", "warning: reading\n")

    @pytest.mark.parametrize("text", HOSTILE)
    def test_hostile_titles_are_text(self, capsys, text):
        with TerminalProgress() as progress:
            Work(title=text).do(progress)
        out, err = capsys.readouterr()
        assert out == ""
        assert harmless(err)
        assert f"warning: {clean(text)}\n" in err
        assert f"{clean(text)}\n" in err

    def test_an_error_passes_through(self):
        with pytest.raises(RuntimeError), TerminalProgress() as progress, progress.task("a"):
            raise RuntimeError

    def test_a_failed_task_leaves_no_bar_behind(self, capsys):
        with TerminalProgress() as progress:
            with pytest.raises(RuntimeError), progress.task("a", 3):
                raise RuntimeError
            progress.note("after")
        assert capsys.readouterr().err.endswith("after\n")


class TestProgressOnATerminal:
    @pytest.mark.parametrize("text", ["reading", *HOSTILE])
    def test_bars_and_table_on_standard_error_only(self, terminal, text):
        out, err = terminal(100)
        with TerminalProgress() as progress:
            Work(title=text).do(progress)
            assert progress._table is not None
            assert progress._bars.tasks == [], "a bar goes when its task ends"
        assert out.getvalue() == ""
        assert "\x1b[31mred" not in err.getvalue()
        assert "\x07" not in err.getvalue()
        assert squeezed(clean(text)) in squeezed(text_of(err))

    def test_it_ends_its_display_also_where_the_work_fails(self, terminal):
        _, err = terminal(100)
        with pytest.raises(KeyboardInterrupt), TerminalProgress() as progress, progress.task("work", 3):
            raise KeyboardInterrupt
        assert progress._live is None
        assert err.getvalue().count("\x1b[?25l") == err.getvalue().count("\x1b[?25h"), "the cursor is shown again"

    def test_a_long_title_leaves_room_for_the_bar(self, terminal):
        _, err = terminal(80)
        with (
            TerminalProgress() as progress,
            progress.task("smooth-gradcam++ at resnet50/conv4_block6_out, picture 10 of 16", 9),
        ):
            progress._live.refresh()
        assert re.search(
            r"^smooth-gradcam\+\+ at…t, picture 10 of 16 .{17,} 0/9 0:00:00 ", text_of(err).replace("\x1b[?25l", "")
        )

    def test_quiet_shows_no_bars(self, terminal):
        _, err = terminal(100)
        with TerminalProgress(-1) as progress:
            Work().do(progress)
        assert text_of(err) == "warning: reading\n"


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0 s"), (48.4, "48 s"), (59.6, "1 min 0 s"), (200, "3 min 20 s"), (7325, "122 min 5 s")]
)
def test_durations(seconds, text):
    assert duration(seconds) == text


class TestComparisons:
    """The ranking and the pairs, as `--pairs` shows them, and their sentences with and without it."""

    def made(self):
        score = Interval(0.6, 0.55, 0.65, 40, "bca")
        pair = Pair("cam at last", "fem at last", Interval(0.1, 0.05, 0.15, 40, "bca"), 1e-4, 3e-4, 0.8, 30, 2, 8)
        lines = (
            Line(("cam at last", "gradcam at last"), score, 1, "a", "the same box on 100 % of 40 images", pair),
            Line(("fem at last",), Interval(0.5, float("nan"), float("nan"), 4), 2, "b", "", pair),
            Line(("whole-image",), Interval(0.45, 0.4, 0.5, 40, "bca"), 3, "c", "", None),
        )
        return Comparison("default", 1, 7, lines, (pair,), "whole-image")

    @pytest.mark.parametrize("width", [80, 120])
    def test_with_pairs(self, terminal, width):
        out, _ = terminal(width)
        console.show_evaluation(
            SimpleNamespace(**{**vars(evaluation([row()])), "comparisons": (self.made(),), "show_pairs": True})
        )
        text = text_of(out)
        for words in ("0.600", "[0.550, 0.650]", "too few", "+0.100", "[0.050, 0.150]", "0.0003", "+0.80", "30/2/8"):
            assert words in text, words
        assert "95 % BCa bootstrap, 40 images" in " ".join(text.split())

    def test_without_pairs_only_the_sentences(self, terminal):
        out, _ = terminal(120)
        console.show_evaluation(SimpleNamespace(**{**vars(evaluation([row()])), "comparisons": (self.made(),)}))
        text = " ".join(text_of(out).split())
        assert "30/2/8" not in text
        assert "The same boxes: cam at last, gradcam at last (the same box on 100 % of 40 images)." in text
        assert "The best box that never looks is whole-image, mean IoU 0.450. Above it" in text
