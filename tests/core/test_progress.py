"""Progress: work tells what it does to whoever listens, or to nobody."""

from __future__ import annotations

from contextlib import contextmanager

import pytest

from dogcam.core.progress import Progress, Step


class Recorder(Progress):
    """Writes down all it hears."""

    def __init__(self):
        self.heard = []

    @contextmanager
    def task(self, title, total=None):
        heard = self.heard
        heard.append(("begin", title, total))

        class Counting(Step):
            def advance(self, units=1, text=""):
                heard.append(("advance", units))

        try:
            yield Counting()
        finally:
            heard.append(("end",))


def test_the_silent_listener_says_nothing(capsys):
    progress = Progress()
    progress.note("a")
    progress.warn("b")
    progress.history([])
    with progress.task("c", 3) as step:
        step.advance()
        step.advance(2, "loss 0.5")
    assert list(progress.track("xyz", "d")) == ["x", "y", "z"]
    assert capsys.readouterr() == ("", "")


def test_tracking_advances_by_one_after_each_item():
    progress = Recorder()
    seen = []
    for item in progress.track("ab", "letters", 2):
        seen.append((item, len(progress.heard)))
    assert seen == [("a", 1), ("b", 2)]
    assert progress.heard == [("begin", "letters", 2), ("advance", 1), ("advance", 1), ("end",)]


def test_tracking_is_lazy():
    def endless():
        while True:
            yield 1

    progress = Recorder()
    items = progress.track(endless(), "for ever")
    assert progress.heard == []
    next(items)
    assert progress.heard == [("begin", "for ever", None)]
    items.close()
    assert progress.heard[-1] == ("end",)


def test_a_task_ends_where_its_items_fail():
    def failing():
        yield 1
        raise RuntimeError("broken")

    progress = Recorder()
    with pytest.raises(RuntimeError, match="broken"):
        list(progress.track(failing(), "work"))
    assert progress.heard == [("begin", "work", None), ("advance", 1), ("end",)]


def test_nothing_to_do():
    progress = Recorder()
    assert list(progress.track([], "nothing", 0)) == []
    assert progress.heard == [("begin", "nothing", 0), ("end",)]
