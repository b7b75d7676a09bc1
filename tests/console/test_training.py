"""The study's run-by-epoch table, and the live one."""

from __future__ import annotations

import pytest

from dogcam.console.tables import show
from dogcam.console.training import history_table, show_training
from dogcam.experiment.runs import HistoryRow


class TestTrainingTable:
    @pytest.mark.parametrize("width", [80, 120])
    def test_the_studys_table_fits(self, terminal, width, made):
        out, _ = terminal(width)
        show_training(made.training())
        lines = made.text_of(out).splitlines()
        assert lines[0].startswith("Test accuracy and loss at the kept epochs")
        assert " ".join(lines[1].split()) == "run e3 acc e3 loss e5 acc e5 loss e7 acc e7 loss peak"
        assert [line.split()[0] for line in lines[2:5]] == ["1", "2", "3"]
        assert lines[2].split() == ["1", "0.7395", "0.2500", "0.7395", "0.1667", "0.7395", "0.1250", "e7"]
        assert "Chosen: run 2, highest test accuracy at its best epoch (0.7395 at epoch 7)." in made.text_of(out)
        assert "1 min 0 s" in made.text_of(out)

    def test_the_live_table_shows_the_last_runs_side_by_side(self, capsys):
        rows = [HistoryRow(run, 1, "test", run / 10, 0.5) for run in range(1, 6)]
        rows += [HistoryRow(5, 2, "test", 0.9, 0.25), HistoryRow(5, 2, "train", 0.123, 0.321)]
        show(history_table(rows))
        lines = capsys.readouterr().out.splitlines()
        assert "run 2" not in lines[1]
        assert [f"run {run} acc" in lines[1] for run in (3, 4, 5)] == [True] * 3
        assert lines[2].split() == ["1", "0.3000", "0.5000", "0.4000", "0.5000", "0.5000", "0.5000"]
        assert lines[3].split() == ["2", "0.9000", "0.2500"]
