"""What `evaluate` found: the answer in a sentence, then the scores and what was asked for beside them, then where the rest is."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

from dogcam.analysis.claims import Claim
from dogcam.analysis.comparison import Comparison
from dogcam.analysis.decomposition import PipelineDecomposition
from dogcam.analysis.faithfulness import FaithfulnessRow
from dogcam.analysis.groups import Groups
from dogcam.commands.evaluate.results import EvaluateResult, listed
from dogcam.console.dynamics import show_dynamics
from dogcam.console.fitting import Column, drawn
from dogcam.console.groups import show_curves, show_groups
from dogcam.console.naming import About, named
from dogcam.console.scores import show_faithfulness, show_scores
from dogcam.console.tables import duration, following, show, show_problems, stream
from dogcam.experiment.evaluations import MapKey
from dogcam.language.numbers import ends, number, p_value, signed, signed_ends
from dogcam.report import answer
from dogcam.report.claims_words import claim_words, judged, sentence, verdict_words
from dogcam.report.decomposition_words import change_words, choice_words, pipeline_words, sentences
from dogcam.report.naming import names
from dogcam.report.texts import text
from dogcam.report.training_words import choice_words as run_words
from dogcam.report.wording import interval_words
from dogcam.statistics import Interval

_NOTHING = "No picture has a usable box: nothing says which method localises best."


def show_evaluation(result: EvaluateResult) -> None:
    """The answer first; with `--wide` all that is said of it."""
    wide, found = result.asked.config.wide, result.main
    pooled = result.analysis.pooled_layer
    show(_NOTHING if found is None else answer.best(found, pooled), *_about(result, found), "")
    show_scores(result)
    _show_asked_for(result)
    if found is not None and wide:
        _show_dynamics(result, found.protocol)
        told = {answer.best(found, pooled), answer.where(result.analysis, found)}
        show(*(each for each in answer.sentences(result.analysis, found) if each not in told), "")
    _show_verdicts(result)
    _show_rest(result)


def _about(result: EvaluateResult, found: Comparison | None) -> Iterator[str]:
    """What the answer holds for, and what it rests on besides what was asked for."""
    if found is None:
        return
    yield answer.where(result.analysis, found)
    asked = {row.map for row in result.rows()}
    others = names((key for line in found.lines for key in line.maps if key not in asked), result.analysis.pooled_layer)
    if others:
        yield f"It rests on all that was ever scored on these images, so also on {others}."
    if found.runs != result.asked.runs:
        yield f"It rests on run {listed(found.runs)} alone: not all of that was scored in every run."


def _show_verdicts(result: EvaluateResult) -> None:
    """What the main protocol's scores say of each claim, a line each; with `--wide` with all numbers."""
    claims, wide = result.analysis.claims, result.asked.config.wide
    main = result.asked.protocols[0]
    mine = [claim for claim in claims if claim.protocol == main]
    others = [name for name in result.asked.protocols[1:] if any(claim.protocol == name for claim in claims)]
    lines = [f"{verdict_words(claim.verdict)}: {sentence(claim)}" if wide else _verdict(claim) for claim in mine]
    if others:
        lines.append(f"These are the verdicts under {main}; those under {', '.join(others)} are in the report.")
    show(*lines, *[""] * bool(lines))


def _verdict(claim: Claim) -> str:
    """A verdict in one line."""
    if claim.verdict == "identical":
        return f"{verdict_words(claim.verdict)}: {claim_words(claim)} ({judged(claim)})"
    return f"{judged(claim)}: {claim_words(claim)}"


def _show_rest(result: EvaluateResult) -> None:
    """What was left out, where the rest is and what comes next."""
    bare, config, counted = result.counted.unannotated, result.asked.config, result.counted
    if counted.left_out:
        show(
            f"{counted.read:,} read = {counted.images:,} scored + {bare:,} without a usable box + {counted.left_out:,} left out."
        )
    if bare:
        scored = "scored for faithfulness only" if config.maps is None else "not scored"
        show(f"{'1 picture has' if bare == 1 else f'{bare:,} pictures have'} no usable box: {scored}.")
    if config.maps is None:
        show(f"Run {listed(result.asked.runs)}: {run_words(result.asked.choice)}.")
    more = {"--wide": "every metric", "--pairs": "every comparison"}
    asked = {"--wide": config.wide, "--pairs": config.pairs}
    told = " or ".join(f"{option} ({what})" for option, what in more.items() if not asked[option])
    show(*[f"More: the same command with --resume and {told}."] * bool(told and result.asked.cells))
    show(f"Rows and summary in {result.evaluation.path.parent} after {duration(result.seconds)}.")
    show(f"Next: {following('report', result.experiment.path)}")
    show_problems(result.problems)


def _show_asked_for(result: EvaluateResult) -> None:
    """The tables of what options ask for."""
    asked = result.asked
    families = (result.comparison(name, max(asked.epochs)) for name in asked.protocols if asked.config.pairs)
    for family in families:
        if family is not None:
            _show_comparison(family)
    for groups in _groups(result):
        show_groups(groups)
    if asked.config.curves:
        show_curves([curve for curve in result.analysis.curves if curve.cell in asked.cells])
    for each in asked.decompositions:
        _show_decomposition(each)
    show_faithfulness(_faithfulness(result))


def _groups(result: EvaluateResult) -> Iterator[Groups]:
    """Those asked for: of the cells of this call, unless it was about another run or epoch than groups are told of."""
    for found in result.analysis.groups:
        mine = tuple(line for line in found.lines if line.cell in result.asked.cells)
        lines = mine if any(line.cell.run for line in mine) else found.lines
        if found.by in result.asked.config.by and lines[0].cell.protocol in result.asked.protocols:
            yield replace(found, lines=lines)


def _faithfulness(result: EvaluateResult) -> list[FaithfulnessRow]:
    """What this call asked the network about: the maps of its cells, and those that know nothing."""
    found, asked = result.analysis.faithfulness, result.asked
    if found is None or not (asked.config.faithfulness or result.counted.unannotated):
        return []
    maps = {cell.map for cell in asked.cells}
    rows = [row for row in found.rows if row.cell.run in asked.runs and row.cell.epoch in asked.epochs]
    return [row for row in rows if not maps or row.baseline or row.cell.map in maps]


def _show_dynamics(result: EvaluateResult, protocol: str) -> None:
    for found in result.analysis.dynamics:
        if found.protocol == protocol:
            show_dynamics(found)


def _show_comparison(found: Comparison) -> None:
    """The ranking with intervals, then every pair, each line under the name of the first method that it stands for."""
    runs = f"run{'s' if len(found.runs) > 1 else ''} {listed(found.runs)}"
    of = f"protocol {found.protocol}, {runs}, epoch {found.epoch}"
    lines, pairs, width, name = found.lines, found.of_methods, stream().width, _names(found)
    columns = [
        Column.of("rank", (line.rank for line in lines)),
        Column.of("letters", (line.letters for line in lines)),
        Column.of("method", (", ".join(name[key] for key in line.maps) for line in lines), name=True),
        Column.of("mean IoU", (number(line.iou.value) for line in lines)),
        Column.of("interval", (_interval(line.iou) for line in lines)),
    ]
    described = interval_words(lines[0].iou)
    show(drawn(f"Ranking, {of} ({described}; a shared letter: not told apart)", columns, width), "")
    columns = [
        Column.of("first", (name[pair.first] for pair in pairs), name=True),
        Column.of("second", (name[pair.second] for pair in pairs), name=True),
        Column.of("difference [95 %]", (signed_ends(pair.difference) for pair in pairs)),
        Column.of("p (Holm)", (p_value(pair.holm) for pair in pairs)),
        Column.of("effect", (signed(pair.effect, 2) for pair in pairs)),
        Column.of("w/t/l", (f"{pair.wins}/{pair.ties}/{pair.losses}" for pair in pairs)),
    ]
    tests = ", ".join(dict.fromkeys(text(f"interval.tested.{pair.test}") for pair in pairs))
    family = f"Holm over all {len(found.pairs)} pairs, those of baselines too"
    title = f"Pairs, {of}: mean IoU of the first less the second ({tests}; {family}; effect: rank-biserial)"
    show(drawn(title, columns, width), "")


def _names(found: Comparison) -> dict[MapKey, str]:
    """What each map of a family is called in its tables."""
    keys = [key for line in found.lines for key in line.maps]
    rows = [About(found.runs if key in found.methods else (), found.epoch, key, found.protocol) for key in keys]
    return dict(zip(keys, named(rows), strict=True))


def _interval(found: Interval) -> str:
    """ "[0.512, 0.560]", or a word where there is none."""
    return "too few" if math.isnan(found.low) else ends(found)


def _show_decomposition(found: PipelineDecomposition) -> None:
    """The choices that lead from one pipeline to another, what each changes by three accounts, and that in words."""
    numbers, steps = found.numbers, found.numbers.steps
    columns = [
        Column.of("choice", map(choice_words, steps), name=True),
        Column.of("from → to", (change_words(found, step) for step in steps), name=True),
        Column.of("A to B", (signed(step.forward.value) for step in steps)),
        Column.of("B to A", (signed(step.backward.value) for step in steps)),
        Column.of("average [95 %]", (signed_ends(step.average) for step in steps)),
    ]
    way = f"From A, {pipeline_words(found.first)} ({number(numbers.start.value)}), to B, "
    way += f"{pipeline_words(found.second)} ({number(numbers.end.value)}), at {found.layer}"
    way += f", run {found.run}, epoch {found.epoch}" if found.run else ""
    show(drawn(f"{way}: {signed_ends(numbers.total)}", columns, stream().width), "")
    show(*sentences(found)[1:], "")
