"""Progress on standard error, on a terminal and without one."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pytest

from dogcam.console import progress as progress_room
from dogcam.console.progress import TerminalProgress
from dogcam.console.tables import clean
from dogcam.experiment.runs import HistoryRow


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
        monkeypatch.setitem(progress_room._LOG_LINES, "mininterval", 0)
        monkeypatch.setitem(progress_room._LOG_LINES, "delay", 0)

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
        monkeypatch.setitem(progress_room._LOG_LINES, "delay", 2.0)
        with TerminalProgress() as progress, progress.task("quick", 2) as step:
            step.advance(2)
        assert capsys.readouterr() == ("", "")

    def test_quiet_says_only_warnings(self, capsys):
        with TerminalProgress(-1) as progress:
            Work().do(progress)
        assert capsys.readouterr() == ("", "warning: reading\n")

    def test_hostile_titles_are_text(self, capsys, hostile, made):
        with TerminalProgress() as progress:
            Work(title=hostile).do(progress)
        out, err = capsys.readouterr()
        assert out == ""
        assert made.harmless(err)
        assert f"warning: {clean(hostile)}\n" in err
        assert f"{clean(hostile)}\n" in err

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
    def test_bars_and_table_on_standard_error_only(self, terminal, hostile, made):
        out, err = terminal(100)
        with TerminalProgress() as progress:
            Work(title=hostile).do(progress)
            assert progress._table is not None
            assert progress._bars.tasks == [], "a bar goes when its task ends"
        assert out.getvalue() == ""
        assert "\x1b[31mred" not in err.getvalue()
        assert "\x07" not in err.getvalue()
        assert made.squeezed(clean(hostile)) in made.squeezed(made.text_of(err))

    def test_it_ends_its_display_also_where_the_work_fails(self, terminal):
        _, err = terminal(100)
        with pytest.raises(KeyboardInterrupt), TerminalProgress() as progress, progress.task("work", 3):
            raise KeyboardInterrupt
        assert progress._live is None
        assert err.getvalue().count("\x1b[?25l") == err.getvalue().count("\x1b[?25h"), "the cursor is shown again"

    def test_a_long_title_leaves_room_for_the_bar(self, terminal, made):
        _, err = terminal(80)
        with TerminalProgress() as progress, progress.task("smooth-gradcam++ at resnet50/conv4_block6_out, picture 10 of 16", 9):
            progress._live.refresh()
        assert re.search(
            r"^smooth-gradcam\+\+ at…t, picture 10 of 16 .{17,} 0/9 0:00:00 ", made.text_of(err).replace("\x1b[?25l", "")
        )

    def test_quiet_shows_no_bars(self, terminal, made):
        _, err = terminal(100)
        with TerminalProgress(-1) as progress:
            Work().do(progress)
        assert made.text_of(err) == "warning: reading\n"
