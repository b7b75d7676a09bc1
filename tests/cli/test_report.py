"""`dogcam report`: what it forwards."""

from __future__ import annotations

from dogcam.cli import app
from dogcam.core.config import ReportConfig


def test_every_option(forwarded):
    line = "report exp --out o --format md --format html,pdf --csv --lang ko --colormap cividis --jobs 2 --home h --json"
    assert app.main(line.split()) == 0
    assert forwarded[0] == (
        "dogcam.commands.report:run",
        ReportConfig(
            experiment="exp", out="o", formats=("md", "html", "pdf"), csv=True, lang="ko", colormap="cividis", jobs=2,
            home="h",
        ),
        {},
    )  # fmt: skip


def test_of_several_experiments_the_others_are_compared_with_the_first(forwarded):
    assert app.main("report a b,c d --json".split()) == 0
    assert (forwarded[0][1].experiment, forwarded[0][1].others) == ("a", ("b,c", "d"))


def test_nothing_given_means_the_defaults_of_the_configuration(forwarded, monkeypatch):
    monkeypatch.delenv("DOGCAM_HOME", raising=False)
    assert app.main(["report", "--json"]) == 0
    assert forwarded[0][1] == ReportConfig()
