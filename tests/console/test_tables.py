"""What a terminal sees: answers on standard output, everything else on standard error, and texts as they are."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from dogcam.commands.listings import Listing
from dogcam.console.ending import show_report
from dogcam.console.evaluation import show_evaluation
from dogcam.console.listing import show_listing
from dogcam.console.tables import clean, duration, show, show_error, show_json, show_problems, table
from dogcam.console.training import show_training
from dogcam.data import Problem


class TestClean:
    def test_one_printable_line(self, hostile):
        assert clean(hostile).isprintable()
        assert len(clean(hostile)) == len(hostile)

    def test_letters_stay(self):
        for text in ("Grad-CAM ≥ 0.5 · ±", "강아지 사진.jpg", "chien à poil", "[bold]"):
            assert clean(text) == text

    def test_anything_can_be_shown(self):
        assert clean(3) == "3"
        assert clean(Path("a") / "b").endswith("b")


class TestStreams:
    def test_answers_go_to_standard_output(self, capsys):
        show("a", table("t", ["h"], [["v"]]))
        out, err = capsys.readouterr()
        assert out.split() == ["a", "t", "h", "v"]
        assert err == ""

    def test_errors_go_to_standard_error_on_one_line(self, capsys):
        show_error("what\nwent [bold]wrong[/bold] \x1b[31m")
        out, err = capsys.readouterr()
        assert out == ""
        assert err == "error: what went [bold]wrong[/bold] �[31m\n"

    def test_a_long_error_is_broken_between_words_on_a_narrow_terminal(self, terminal, made):
        _, err = terminal(40)
        show_error("word " * 40)
        lines = made.text_of(err).splitlines()
        assert len(lines) > 4
        assert set(" ".join(lines).split()) == {"error:", "word"}

    def test_a_long_error_is_one_line_without_a_terminal(self, capsys):
        show_error("word " * 400)
        assert capsys.readouterr().err.count("\n") == 1

    def test_json_and_nothing_else(self, capsys):
        document = {"rows": [{"iou": 0.5, "name": "[bold]강아지[/bold]"}], "none": None}
        show_json(document)
        out, err = capsys.readouterr()
        assert json.loads(out) == document
        assert "강아지" in out, "readable, not escaped"
        assert err == ""

    def test_json_carries_any_text_through(self, capsys, hostile):
        show_json({hostile: hostile})
        out = capsys.readouterr().out
        assert json.loads(out) == {hostile: hostile}

    @pytest.mark.parametrize("encoding", ["cp1252", "ascii", "cp949"])
    def test_a_pipe_that_cannot_say_every_letter_gets_an_answer_all_the_same(self, monkeypatch, encoding, made):
        """Windows gives a pipe its old code page: neither the table's ≥ nor a Korean file name may be an error."""
        raw = io.BytesIO()
        monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding=encoding, newline="\n"))
        show_evaluation(made.evaluation([made.row(), made.baseline("whole-image")]))
        show("강아지 🐕")
        sys.stdout.flush()
        text = raw.getvalue().decode(encoding)
        assert "gradcam" in text
        assert "-0.100 [-0.150, -0.050]" in text.replace("−", "-"), "a difference keeps its sign"
        assert "?0.1" not in text

    @pytest.mark.parametrize("encoding", ["cp1252", "ascii", "cp949", "utf-8"])
    def test_json_is_exact_whatever_the_pipe_can_say(self, monkeypatch, encoding):
        """Also a file name that is not UTF-8, which Python carries as a lone surrogate."""
        raw = io.BytesIO()
        monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding=encoding, newline="\n"))
        document = {"id": "강아지 🐕 é", "bad": "dog-\udcff.jpg"}
        show_json(document)
        sys.stdout.flush()
        assert json.loads(raw.getvalue().decode(encoding)) == document

    def test_a_pipe_gets_no_colours_and_no_cut_lines(self, capsys):
        show_listing(Listing("t", ("name", "text"), (("a", "word " * 100),)))
        out = capsys.readouterr().out
        assert "\x1b" not in out
        assert len(out.splitlines()) == 3


class TestHostileTexts:
    def test_in_titles_and_sentences(self, terminal, hostile, made):
        out, err = terminal(80)
        show_listing(Listing(hostile, ("name",), ((hostile,),)))
        show(hostile)
        show_training(made.training(path=hostile))
        show_evaluation(made.evaluation([made.row()], path=hostile))
        show_report(SimpleNamespace(paths=[Path(hostile)], figures=[Path(hostile, hostile)], tables=(), seconds=1))
        show_problems([Problem(hostile, hostile)])
        show_error(hostile)
        assert made.harmless(made.text_of(out))
        assert made.harmless(made.text_of(err))
        assert made.squeezed(clean(hostile)) in made.squeezed(made.text_of(out))
        assert made.squeezed(f"{clean(hostile)}: {clean(hostile)}") in made.squeezed(made.text_of(err))


class TestProblems:
    def test_each_is_named_up_to_a_limit_and_the_rest_counted(self, capsys):
        show_problems([Problem(f"dog {number}", "truncated") for number in range(12)])
        out, err = capsys.readouterr()
        assert out == ""
        assert "12 inputs were skipped" in err
        assert "  dog 9: truncated" in err
        assert "dog 10:" not in err
        assert "and 2 more" in err

    def test_none_is_silence(self, capsys):
        show_problems([])
        assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0 s"), (48.4, "48 s"), (59.6, "1 min 0 s"), (200, "3 min 20 s"), (7325, "122 min 5 s")]
)
def test_durations(seconds, text):
    assert duration(seconds) == text


def test_the_room_is_entered_at_once():
    """An error line must not wait for arrays, statistics or networks."""
    program = (
        "import sys\nimport dogcam.console\nassert 'rich' not in sys.modules\nimport dogcam.console.tables\n"
        "heavy = {'numpy', 'scipy', 'matplotlib', 'keras', 'tensorflow', 'dogcam.metrics', 'dogcam.analysis', 'dogcam.report'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    out = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert out.strip() == "[]"
