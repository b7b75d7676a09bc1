"""`dogcam demo`: the whole study on drawn dogs, offline, in minutes: train, evaluate, explain, report."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from typing import Any

from dogcam.commands import report, train
from dogcam.commands.evaluate import command as evaluate
from dogcam.commands.evaluate.command import EvaluateResult
from dogcam.commands.explain import command as explain
from dogcam.commands.explain.command import ExplainResult
from dogcam.commands.report import ReportResult
from dogcam.commands.train import TrainResult
from dogcam.core.config import DemoConfig, EvaluateConfig, ExplainConfig, ReportConfig
from dogcam.core.progress import Progress


@dataclass(frozen=True)
class DemoResult:
    """The results of the four commands, and how long all of it took."""

    training: TrainResult
    evaluation: EvaluateResult
    explanation: ExplainResult
    report: ReportResult
    next_commands: tuple[str, ...]
    seconds: float

    def document(self) -> dict[str, Any]:
        """As plain values, for JSON."""
        return {
            "train": self.training.document(),
            "evaluate": self.evaluation.document(),
            "explain": self.explanation.document(),
            "report": self.report.document(),
            "next": list(self.next_commands),
            "seconds": self.seconds,
        }


def run(config: DemoConfig, progress: Progress) -> DemoResult:
    """Run the study on drawn dogs. A second demo takes a name of its own."""
    began = time.perf_counter()
    name = _free_name(config)
    progress.note("1/4 train: three runs on drawn dogs")
    training = train.run(config.training(name), progress)
    progress.note("2/4 evaluate: CAM and Grad-CAM against the exact boxes")
    evaluation = evaluate.run(EvaluateConfig(experiment=name, home=config.out), progress)
    progress.note("3/4 explain: two pictures")
    samples = evaluation.evaluation.sample.entries()
    pictures = tuple(entry["id"] for entry in samples[1 :: max(1, len(samples) // config.explained)])[: config.explained]
    explanation = explain.run(_explained(config, name, pictures, evaluation), progress)
    progress.note("4/4 report")
    reported = report.run(ReportConfig(experiment=name, home=config.out), progress)
    home = "" if config.out == DemoConfig.out else f" --home {quote(config.out)}"
    return DemoResult(
        training,
        evaluation,
        explanation,
        reported,
        (
            f"dogcam explain {quote(pictures[-1])} --epoch 3,5,7 --method cam,gradcam{home}",
            f"dogcam evaluate --protocol cam2016,gradcam2017,exercise{home}",
            f"dogcam report{home}",
            "dogcam train --help",
        ),
        time.perf_counter() - began,
    )


def _free_name(config: DemoConfig) -> str:
    """ "demo", or "demo-2" and so on where there is one."""
    number = 1
    while (Path(config.out) / (name := config.name if number == 1 else f"{config.name}-{number}")).exists():
        number += 1
    return name


def _explained(config: DemoConfig, name: str, pictures: tuple[str, ...], evaluation: EvaluateResult) -> ExplainConfig:
    """Both methods at the study's three layers, and all kept epochs."""
    return ExplainConfig(
        images=pictures,
        methods=("cam", "gradcam"),
        layers=tuple(evaluation.experiment.document["model"]["stages"]),
        epochs=evaluation.asked.epochs,
        target="true",
        model=name,
        out=str(evaluation.experiment.path / "explained"),
        home=config.out,
    )
