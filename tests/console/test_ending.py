"""What comes last: the demo's words around the whole study."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

from dogcam.console.ending import show_demo


def demo(made):
    """A result of `demo`: its parts are those of the commands."""
    return SimpleNamespace(
        training=made.training(),
        evaluation=made.evaluation([made.row(), made.baseline("whole-image")]),
        explanation=made.explanations([made.heat()], files=(Path("out/dog_sheet.png"), Path("out/dog_cam.png"))),
        report=SimpleNamespace(paths=[Path("runs/tiny/report/index.html")]),
        next_commands=("dogcam list runs",),
        seconds=100,
    )


def test_training_then_the_answer_then_where_to_look_and_what_to_type(made, capsys):
    show_demo(demo(made))
    lines = capsys.readouterr().out.splitlines()
    starts = ("Test accuracy and loss", "Grad-CAM at conv5_block3_out has", "Protocol default", "All of it took", "Look at:")
    places = [next(place for place, line in enumerate(lines) if line.startswith(start)) for start in starts]
    assert places == sorted(places)
    assert lines[places[-1] + 1 : places[-1] + 3] == ["  runs/tiny/report/index.html", "  out/dog_sheet.png"]
    assert lines[-2:] == ["Type next:", "  dogcam list runs"]
