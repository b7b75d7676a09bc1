"""All that a terminal sees: tables, progress, the error line. The only user of rich and tqdm.

Answers go to standard output, everything else to standard error, so that output can be piped. Texts from users are
printed as they are and never read as rich's markup.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from shlex import quote
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.progress import Progress as Bars
from rich.table import Table
from rich.text import Text
from tqdm import tqdm

from dogcam.config import TrainConfig
from dogcam.progress import Progress, Step

# Without a terminal nothing is cut to a width that nobody sees; a table may be as wide as its content.
PIPED_WIDTH = 1000
# Without a terminal, progress is a line now and then, and none for what is done in two seconds.
_LOG_LINES = {"mininterval": 10.0, "delay": 2.0, "ascii": True, "ncols": 100}
LIVE_RUNS = 3  # runs beside each other in the live table

WIDE = 120  # columns of a terminal that has room for everything

_PLAIN = {"box": None, "padding": (0, 1, 0, 0), "pad_edge": False, "header_style": "bold"}


def _console(stderr: bool = False) -> Console:
    stream = sys.stderr if stderr else sys.stdout
    if getattr(stream, "errors", None) == "strict" and hasattr(stream, "reconfigure"):
        # A pipe on Windows cannot say "≥" or "한": it gets a "?" there, not an error.
        stream.reconfigure(errors="replace")
    width = None if stream.isatty() else PIPED_WIDTH
    return Console(stderr=stderr, width=width, markup=False, highlight=False, emoji=False)


def clean(text: object) -> str:
    """`text` on one line, without control characters that a terminal would obey."""
    return "".join(each if each.isprintable() else "�" for each in str(text).replace("\n", " "))


def table(title: str, headings: Sequence[str], rows: Iterable[Sequence[object]], left: int = 1) -> Group:
    """A plain table under its title; the first `left` columns are text, the others numbers and never wrapped."""
    made = Table(**_PLAIN)
    for position, heading in enumerate(headings):
        text = position < left
        made.add_column(
            Text(heading),
            justify="left" if text else "right",
            no_wrap=not text,
            overflow="fold" if text else "ellipsis",
        )
    for row in rows:
        made.add_row(*(Text(clean(value)) for value in row))
    # A title of the table's own would be broken at the table's width, which may be narrow.
    return Group(Text(clean(title), style="bold"), made)


def show(*things: Any) -> None:
    """Print texts and tables to standard output."""
    console = _console()
    for thing in things:
        if isinstance(thing, str):
            _say(console, Text(clean(thing)))
        else:
            console.print(thing)


def _say(console: Console, text: Text) -> None:
    """Print a text: broken between words on a terminal, and not at all where a program may read it."""
    console.print(text, soft_wrap=not console.is_terminal)


def show_json(document: Any) -> None:
    """Print JSON, and nothing else, to standard output."""
    text = json.dumps(document, ensure_ascii=False, indent=1)
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        text = json.dumps(document, indent=1)  # \u escapes, for a stream that cannot say every letter
    sys.stdout.write(text + "\n")


def show_error(text: str, label: str = "error") -> None:
    """The error line, on standard error."""
    console = _console(stderr=True)
    _say(console, Text.assemble((f"{label}: ", "bold red"), clean(text)))


class TerminalProgress(Progress):
    """Shows work on standard error: bars and a live table on a terminal, lines now and then without one.

    Args:
        verbosity: -1 says nothing but warnings, 0 shows progress and notes.
    """

    def __init__(self, verbosity: int = 0):
        self.verbosity = verbosity
        self._console = _console(stderr=True)
        self._bars = Bars(
            TextColumn("{task.description}", markup=False),
            BarColumn(24),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[text]}", markup=False),
            console=self._console,
        )
        self._table: Group | None = None
        self._live: Live | None = None

    def __enter__(self) -> TerminalProgress:
        if self._console.is_terminal and self.verbosity >= 0:
            self._live = Live(self._view(), console=self._console, refresh_per_second=4, transient=True)
            self._live.start()
        return self

    def __exit__(self, *exception: object) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None

    def _view(self) -> Group:
        return Group(*([self._table] if self._table else []), self._bars)

    @contextmanager
    def task(self, title: str, total: int | None = None) -> Iterator[Step]:
        """A bar on a terminal; otherwise tqdm's line, now and then."""
        if self.verbosity < 0:
            yield Step()
        elif self._live is None:
            with tqdm(total=total, desc=clean(title), file=_Lines(), **_LOG_LINES) as bar:
                yield _LineStep(bar)
        else:
            bar = self._bars.add_task(_within(clean(title), self._console.width // 2), total=total, text="")
            try:
                yield _BarStep(self._bars, bar)
            finally:
                self._bars.remove_task(bar)

    def note(self, text: str) -> None:
        """A quiet line."""
        if self.verbosity >= 0:
            _say(self._console, Text(clean(text), style="dim"))

    def warn(self, text: str) -> None:
        """A line that asks for attention."""
        _say(self._console, Text.assemble(("warning: ", "bold yellow"), clean(text)))

    def history(self, rows: list[Any]) -> None:
        """The live table on a terminal; otherwise one line for the epoch that ended."""
        if self._live is not None:
            self._table = history_table(rows)
            self._live.update(self._view())
        elif self.verbosity >= 0:
            last = max((row.run, row.epoch) for row in rows)
            for row in (row for row in rows if row.split == "test" and (row.run, row.epoch) == last):
                self.note(f"run {row.run} epoch {row.epoch}: test accuracy {row.accuracy:.4f}, loss {row.loss:.4f}")


def _within(text: str, room: int) -> str:
    """`text` in so many characters: its beginning and its end, which tell most."""
    half = (room - 1) // 2
    return text if len(text) <= room else f"{text[:half]}…{text[-half:]}"


class _BarStep(Step):
    def __init__(self, bars: Bars, task: Any):
        self._bars, self._task = bars, task

    def advance(self, units: int = 1, text: str = "") -> None:
        self._bars.update(self._task, advance=units, text=text)


class _LineStep(Step):
    def __init__(self, bar: Any):
        self._bar = bar

    def advance(self, units: int = 1, text: str = "") -> None:
        if text:
            self._bar.set_postfix_str(text, refresh=False)
        self._bar.update(units)


class _Lines:
    """Standard error for tqdm where it is no terminal: what would redraw a line ends it instead, and is written once."""

    def __init__(self) -> None:
        self._last = ""

    def write(self, text: str) -> None:
        line = text.replace("\r", "").strip()
        if line and line != self._last:
            sys.stderr.write(line + "\n")
            self._last = line

    def flush(self) -> None:
        sys.stderr.flush()


def history_table(rows: Iterable[Any]) -> Group:
    """Test accuracy and loss, an epoch a line, the last `LIVE_RUNS` runs beside each other."""
    measured = {(row.run, row.epoch): row for row in rows if row.split == "test"}
    runs = sorted({run for run, _ in measured})[-LIVE_RUNS:]
    headings = ["epoch", *(f"run {run} {name}" for run in runs for name in ("acc", "loss"))]
    lines = []
    for epoch in sorted({epoch for _, epoch in measured}):
        line: list[object] = [epoch]
        for run in runs:
            row = measured.get((run, epoch))
            line += [f"{row.accuracy:.4f}", f"{row.loss:.4f}"] if row else ["", ""]
        lines.append(line)
    return table("test split", headings, lines)


def show_problems(problems: Sequence[Any], limit: int = 10) -> None:
    """What was skipped or not as it should be, each with its reason, on standard error."""
    if problems:
        count = "1 input was" if len(problems) == 1 else f"{len(problems)} inputs were"
        show_error(f"{count} skipped, or not as it should be:", label="skipped")
    console = _console(stderr=True)
    for problem in problems[:limit]:
        _say(console, Text(f"  {clean(problem.id)}: {clean(problem.reason)}"))
    if len(problems) > limit:
        console.print(Text(f"  ... and {len(problems) - limit} more: all are in --json"))


def show_training(result: Any) -> None:
    """The study's run-by-epoch table, what each run's curve says, and the choice."""
    measured = {(row.run, row.epoch): row for row in result.history if row.split == "test"}
    epochs = result.config.checkpoints
    headings = ["run", *(f"e{epoch} {name}" for epoch in epochs for name in ("acc", "loss")), "peak"]
    rows = []
    for verdict in result.verdicts:
        found = [measured[verdict.run, epoch] for epoch in epochs]
        figures = [f"{value:.4f}" for row in found for value in (row.accuracy, row.loss)]
        rows.append([verdict.run, *figures, f"e{verdict.peak_epoch}"])
    show(table("Test accuracy and loss at the kept epochs", headings, rows))
    show("", *(verdict.sentence() for verdict in result.verdicts))
    show(f"Chosen: run {result.chosen}, {result.why}.")
    show(f"Kept in {result.experiment.path} after {duration(result.seconds)}.")
    show(f"Next: {following('evaluate', result.experiment.path)}")
    show_problems(result.problems)


def following(command: str, experiment: Path) -> str:
    """The command line that goes on with an experiment, as it can be pasted."""
    home = "" if str(experiment.parent) == TrainConfig.home else f" --home {quote(str(experiment.parent))}"
    return f"dogcam {command} {quote(experiment.name)}{home}"


def _score_row(row: dict[str, Any]) -> list[str]:
    error = f"±{row['sem']:.3f}" if row["sem"] == row["sem"] else ""
    shares = [f"{row[name]:.2f}" for name in ("iou30", "iou50", "iou70", "area", "empty")]
    place = "" if row["run"] == 0 else f"{row['run']}·{row['epoch']}"
    return [place, row["method"], row["layer"], f"{row['mean_iou']:.3f}{error}", *shares]


def show_evaluation(result: Any) -> None:
    """One table a protocol: the scores of every cell that was asked for, and the baselines beside them."""
    headings = ["r·ep", "method", "layer", "mean IoU", "≥.3", "≥.5", "≥.7", "area", "empty"]
    shown = [row for row in result.rows if result.asked(row)]
    for protocol in dict.fromkeys(row["protocol"] for row in shown):
        rows = [_score_row(row) for row in shown if row["protocol"] == protocol]
        show(table(f"Protocol {protocol}, {result.images} images", headings, rows, left=3), "")
    for comparison in result.comparisons:
        if result.show_pairs:
            _show_comparison(comparison)
        show(*comparison.sentences())
    show(f"Run {', '.join(map(str, result.runs))}: {result.why}. r·ep is run and epoch; area and empty are shares.")
    show(f"Rows and summary in {result.evaluation.path.parent} after {duration(result.seconds)}.")
    show(f"Next: {following('report', result.evaluation.path.parents[1])}")
    show_problems(result.problems)


def _show_comparison(comparison: Any) -> None:
    """The ranking with intervals, then every pair, each line under the name of the first method that it stands for."""
    of = f"protocol {comparison.protocol}, run {comparison.run}, epoch {comparison.epoch}"
    lines = [
        [each.rank, each.letters, ", ".join(each.names), f"{each.iou.value:.3f}", _interval(each.iou)]
        for each in comparison.lines
    ]
    described = comparison.lines[0].iou.described if comparison.lines else ""
    headings = ["rank", "letters", "method", "mean IoU", "interval"]
    show(table(f"Ranking, {of} ({described}; a shared letter: not told apart)", headings, lines, left=3), "")
    pairs = [
        [
            f"{each.first} - {each.second}",
            f"{each.mean:+.3f}",
            _interval(each),
            f"{each.holm:.3g}",
            f"{each.effect:+.2f}",
            f"{each.wins}/{each.ties}/{each.losses}",
        ]
        for each in comparison.of_methods
    ]
    headings = ["difference of mean IoU", "mean", "95 % interval", "p (Holm)", "effect", "w/t/l"]
    show(table(f"Pairs, {of} (Wilcoxon signed-rank; effect: rank-biserial)", headings, pairs), "")


def _interval(figure: Any) -> str:
    """ "[0.512, 0.560]", or a word where there is none."""
    return f"[{figure.low:.3f}, {figure.high:.3f}]" if figure.low == figure.low else "too few"


def show_explanations(result: Any) -> None:
    """For each picture the top classes, and for each class explained the boxes, in pixels of the original."""
    for explanation in result.explanations:
        height, width = explanation.shape
        show("", f"{clean(explanation.record.id)} ({width} x {height})")
        for epoch, top in explanation.top.items():
            # Of ImageNet's synonyms, which commas part, the first says enough here; --json has them all.
            classes = ", ".join(f"{clean(name.partition(',')[0])} {share:.3f}" for name, share in top)
            show(f"{'' if epoch is None else f'epoch {epoch}: '}{classes}")
        for title, heats in _by_class(explanation.heats).items():
            show(_heat_table(title, heats, width, height))
    show("")
    maps = [heat for explanation in result.explanations for heat in explanation.heats if heat.target is not None]
    _show_doubtful(maps)
    count = sum(len(explanation.files) for explanation in result.explanations)
    show(f"{_counted(count, 'file')} in {result.out} (model {result.model}, protocol {result.protocol.name})")
    show_problems(result.problems)


def _by_class(heats: Sequence[Any]) -> dict[str, list[Any]]:
    """Heat by the title of its table: the class it is for, and the one it is set against."""
    found: dict[str, list[Any]] = {}
    for heat in heats:
        against = "" if heat.against is None else f" against {heat.against}"
        title = (
            "baselines, the same box in every picture" if heat.target is None else f"heat for {heat.target}{against}"
        )
        found.setdefault(title, []).append(heat)
    return found


def _heat_table(title: str, heats: Sequence[Any], width: int, height: int) -> Group:
    """A row for each map; columns that would be blank are left out."""
    headings = ["method", "layer", "epoch", "box x0 y0 x1 y1", "IoU", "remark"]
    rows = [_heat_row(heat, width, height) for heat in heats]
    used = [i for i in range(len(headings)) if any(row[i] for row in rows)]
    left = sum(position < 2 for position in used)
    return table(title, [headings[i] for i in used], [[row[i] for i in used] for row in rows], left=left)


def _heat_row(heat: Any, width: int, height: int) -> list[str]:
    corners = zip(heat.box, (width, height, width, height), strict=True) if heat.box is not None else ()
    box = " ".join(f"{round(float(value) * side)}" for value, side in corners) or "none"
    score = "" if heat.iou is None else f"{heat.iou:.3f}"
    remark = ", ".join(word for word, holds in (("empty", heat.empty), ("flagged", heat.flagged)) if holds)
    return [heat.method, heat.layer, "" if heat.epoch is None else str(heat.epoch), box, score, remark]


def _show_doubtful(maps: Sequence[Any]) -> None:
    """How many maps say nothing, and how many are not what their formula means, where there are any."""
    empty, flagged = sum(heat.empty for heat in maps), sum(heat.flagged for heat in maps)
    if empty:
        show(f"{empty} of {_counted(len(maps), 'map')} empty: no value above zero.")
    if flagged:
        show(
            f"{flagged} of {_counted(len(maps), 'map')} flagged: the formula does not hold there (it is meant for scores "
            "above zero, or a value was not finite)."
        )


def _counted(count: int, name: str) -> str:
    """ "1 file", "2 files"."""
    return f"{count} {name}" if count == 1 else f"{count} {name}s"


def show_report(result: Any) -> None:
    """Where the report lies."""
    show(*(f"{clean(path)}" for path in result.paths))


def show_demo(result: Any) -> None:
    """The tables of the whole study, where to look and what to type next."""
    show_training(result.training)
    show("")
    show_evaluation(result.evaluation)
    show("", f"All of it took {duration(result.seconds)}.", "", "Look at:")
    sheets = [path for each in result.explanation.explanations for path in each.files if path.stem.endswith("_sheet")]
    show(*(f"  {path}" for path in [*result.report.paths, *sheets]), "", "Type next:")
    show(*(f"  {command}" for command in result.next_commands))


def show_listing(listing: Any) -> None:
    """A registry as a table: names stay whole, the last column takes the room that is left.

    Columns that the listing calls `wide_only` are left out of a terminal narrower than `WIDE`.
    """
    headings = listing.headings
    kept = [i for i, name in enumerate(headings) if _console().width >= WIDE or name not in listing.wide_only]
    made = Table(**_PLAIN)
    for position in kept:
        made.add_column(Text(headings[position]), no_wrap=position != kept[-1], overflow="fold")
    for row in listing.rows:
        made.add_row(*(Text(clean(row[position])) for position in kept))
    show(Group(Text(clean(listing.title), style="bold"), made))
    for each in listing.more:
        show("")
        show_listing(each)


def duration(seconds: float) -> str:
    """ "48 s" or "3 min 20 s"."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
