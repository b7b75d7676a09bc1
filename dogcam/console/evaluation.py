"""What `evaluate` found: the scores, what was asked for beside them, and what it all says in words."""

from __future__ import annotations

from typing import Any

from dogcam.console.dynamics import show_dynamics
from dogcam.console.fitting import Column, drawn
from dogcam.console.groups import show_breakdown, show_curves
from dogcam.console.scores import show_faithfulness, show_scores
from dogcam.console.tables import duration, following, show, show_problems, stream
from dogcam.report.claims_words import sentence, verdict_words


def show_evaluation(result: Any) -> None:
    """Scores first, what was asked for beside them next, and then sentences."""
    show_scores(result)
    _show_asked_for(result)
    _show_words(result)
    if result.unannotated:
        of = "1 picture has" if result.unannotated == 1 else f"{result.unannotated:,} pictures have"
        show(f"{of} no usable box: scored for faithfulness only.")
    show(f"Run {', '.join(map(str, result.runs))}: {result.why}.")
    show(f"Rows and summary in {result.evaluation.path.parent} after {duration(result.seconds)}.")
    show(f"Next: {following('report', result.evaluation.path.parents[1])}")
    show_problems(result.problems)


def _show_words(result: Any) -> None:
    """What the tables say; of several protocols, under which it holds, and of claims only under the first."""
    told = [(each.protocol, each.sentences()) for each in result.comparisons]
    told += [("", each.sentences()) for each in result.walks]
    protocols = list(dict.fromkeys(each.protocol for each in result.claims))
    mine = [each for each in result.claims if each.protocol == protocols[0]]
    verdicts = [f"{verdict_words(each.verdict)}: {sentence(each)}" for each in mine]
    told += [(protocols[0], verdicts)] if protocols else []
    several = len({protocol for protocol, _ in told if protocol} | set(protocols)) > 1
    for protocol, sentences in told:
        show(*(f"{protocol}: {each}" if several and protocol else each for each in sentences))
    if len(protocols) > 1:
        show(f"Verdicts and dynamics under {', '.join(protocols[1:])} are in summary.json and in the report.")


def _show_asked_for(result: Any) -> None:
    """The tables of what options ask for."""
    if result.config.pairs:
        for comparison in result.comparisons:
            _show_comparison(comparison)
    for breakdown in result.breakdowns:
        show_breakdown(breakdown)
    if result.config.curves:
        show_curves(result.curves)
    for walk in result.walks:
        _show_walk(walk)
    show_faithfulness(result.faithfulness)
    for found in result.dynamics[:1]:
        show_dynamics(found)


def _show_comparison(comparison: Any) -> None:
    """The ranking with intervals, then every pair, each line under the name of the first method that it stands for."""
    runs = f"run{'s' if len(comparison.runs) > 1 else ''} {', '.join(map(str, comparison.runs))}"
    of = f"protocol {comparison.protocol}, {runs}, epoch {comparison.epoch}"
    lines, pairs, width = comparison.lines, comparison.of_methods, stream().width
    described = lines[0].iou.described if lines else ""
    columns = [
        Column.of("rank", (each.rank for each in lines)),
        Column.of("letters", (each.letters for each in lines)),
        Column.of("method", (", ".join(each.names) for each in lines), name=True),
        Column.of("mean IoU", (f"{each.iou.value:.3f}" for each in lines)),
        Column.of("interval", (_interval(each.iou) for each in lines)),
    ]
    show(drawn(f"Ranking, {of} ({described}; a shared letter: not told apart)", columns, width), "")
    columns = [
        Column.of("first", (each.first for each in pairs), name=True),
        Column.of("second", (each.second for each in pairs), name=True),
        Column.of("mean", (f"{each.mean:+.3f}" for each in pairs)),
        Column.of("95 % interval", (_interval(each) for each in pairs)),
        Column.of("p (Holm)", (f"{each.holm:.3g}" for each in pairs)),
        Column.of("effect", (f"{each.effect:+.2f}" for each in pairs)),
        Column.of("w/t/l", (f"{each.wins}/{each.ties}/{each.losses}" for each in pairs)),
    ]
    tests = ", ".join(dict.fromkeys(each.test for each in pairs))
    family = f"Holm over all {len(comparison.pairs)} pairs, those of baselines too"
    title = f"Pairs, {of}: mean IoU of the first less the second ({tests}; {family}; effect: rank-biserial)"
    show(drawn(title, columns, width), "")


def _interval(figure: Any) -> str:
    """ "[0.512, 0.560]", or a word where there is none."""
    return f"[{figure.low:.3f}, {figure.high:.3f}]" if figure.low == figure.low else "too few"


def _show_walk(walk: Any) -> None:
    """The choices that lead from one method's pipeline to another's, and what each changes by three accounts."""
    found = walk.decomposition
    steps = found.steps
    columns = [
        Column.of("choice", (step.label for step in steps), name=True),
        Column.of("from → to", (walk.said[step.label] for step in steps), name=True),
        Column.of("A to B", (f"{step.forward.value:+.3f}" for step in steps)),
        Column.of("B to A", (f"{step.backward.value:+.3f}" for step in steps)),
        Column.of("average", (f"{step.average.value:+.3f}" for step in steps)),
        Column.of("95 % interval", (_interval(step.average) for step in steps)),
    ]
    way = f"From A, {walk.first} ({found.start.value:.3f}), to B, {walk.second} ({found.end.value:.3f})"
    way += f", at {walk.layer}{f', run {walk.run}, epoch {walk.epoch}' if walk.run else ''}"
    show(drawn(f"{way}: {found.total.value:+.3f} {_interval(found.total)}", columns, stream().width), "")
