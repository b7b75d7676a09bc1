"""The table of training dynamics, which `--wide` shows."""

from __future__ import annotations

import pytest
from console_results import WIDTHS
from rich.cells import cell_len

from dogcam.core.config import EvaluateConfig


@pytest.fixture
def lines(shown, made):
    """What a result with these dynamics is shown as."""

    def of(*found, width=80, wide=True):
        return shown(made.evaluation([made.row()], dynamics=found, config=EvaluateConfig(wide=wide)), width)

    return of


def test_accuracy_loss_and_fit_at_each_evaluated_epoch_and_where_each_is_best(lines, made):
    found = lines(made.dynamics(), made.dynamics(protocol="cam2016"))
    start = found.index("Training dynamics, protocol default, mean over runs 1, 2")
    rows = [line.split() for line in found[start + 1 : start + 6]]
    assert rows[0] == ["e1", "e3", "best", "sure", "box", "area"]
    assert rows[1] == ["test", "accuracy", "0.500", "0.750", "e3", "yes"]
    assert rows[2] == ["test", "loss", "1.500", "1.250", "e2"]
    assert rows[3] == ["cam", "at", "last", "0.512", "0.534", "e3", "yes", "0.50", "to", "0.25"]
    assert rows[4][3:7] == ["0.550", "0.540", "e1", "no"]
    assert sum(line.startswith("Training dynamics") for line in found) == 1, "of the main protocol"


@pytest.mark.parametrize("width", WIDTHS)
def test_one_line_a_row_at_any_width(lines, made, width, hostile):
    found = lines(made.dynamics(hostile * 3, 1), width=width)
    assert max(map(cell_len, found)) <= width
    assert len([line for line in found if "0.512" in line or "0.550" in line]) == 2


def test_only_wide(lines, made):
    assert not any(line.startswith("Training dynamics") for line in lines(made.dynamics(), wide=False))
