"""A document's figures, as files for print and as pictures within a page: each drawn once, many by several processes.

A figure is drawn on light paper and saved as PNG, SVG and PDF; a page takes the same SVG of a chart, a dark one beside it, and
a sheet's pictures one by one. What is drawn is plain values and functions of `dogcam.figures`, so that another process can
draw it, in the language and the colours that are given to it. Where no font has the letters of the page's language figures are
drawn in English.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from dogcam.core.choices import COLORMAPS
from dogcam.core.files import write_bytes
from dogcam.figures import heat_colours, image_bytes, tile, warning
from dogcam.language import SOURCE, speaking, spoken
from dogcam.report.document import Chart, Document, Exhibit, Sheet, Tile

KINDS = ("png", "svg", "pdf")
FIGURES = "figures"  # the folder they lie in
TILE_INCHES = 3.0
_CHART_DPI = 300
_SHEET_DPI = {"png": 150, "svg": 90, "pdf": 110}  # what was kept of photographs has no more to show
_TILE_DPI = (80, 160)
_FULL_SIZE_TILES = 60  # with more pictures on a page each is made smaller, so that the page can still be mailed
_TILES_A_TURN = 8
_WORTH = 40  # pictures: for fewer, starting other processes takes longer than drawing
_MOST = 8  # processes, each of which takes some 200 MB


def illustrations(document: Document) -> Iterator[Chart | Sheet]:
    """Every chart and sheet of the exhibits, in order; the hero shows nothing that they do not."""
    for exhibit in document.exhibits:
        yield from (block for block in exhibit.blocks if isinstance(block, Chart | Sheet))


def sheets(document: Document) -> list[Sheet]:
    """Every sheet, the hero first."""
    found = [each for each in illustrations(document) if isinstance(each, Sheet)]
    return [document.hero, *found] if document.hero else found


def legible(document: Document, again: Callable[[], Document]) -> Document:
    """The document itself, or with figures labelled in English where no installed font has the letters of its language.

    Args:
        again: makes the same document in the language that is spoken then; called only where fonts are missing.
    """
    if not warning():
        return document
    with speaking(SOURCE):
        english = again()
    drawn = {block.name: block for block in illustrations(english)}
    hero = replace(document.hero, draw=english.hero.draw) if document.hero and english.hero else document.hero
    return replace(document, hero=hero, exhibits=tuple(_with(each, drawn) for each in document.exhibits))


def _with(exhibit: Exhibit, drawn: Mapping[str, Chart | Sheet]) -> Exhibit:
    """An exhibit whose figures draw what those of the same names draw."""
    blocks = [
        replace(each, draw=drawn[each.name].draw) if isinstance(each, Chart | Sheet) and each.name in drawn else each
        for each in exhibit.blocks
    ]
    return replace(exhibit, blocks=tuple(blocks))


@dataclass
class Pictures:
    """What is drawn for a page, as it is asked for; what was drawn before is not drawn again.

    Attributes:
        tile_dpi: pixels per inch of a sheet's pictures.
        tiles: those that were drawn, by the tile's id.
        charts: likewise, by name and theme.
    """

    tile_dpi: int = _TILE_DPI[1]
    tiles: dict[int, bytes] = field(default_factory=dict)
    charts: dict[tuple[str, str], bytes] = field(default_factory=dict)

    @classmethod
    def of(cls, document: Document) -> Pictures:
        """For a page of this document: the more pictures it has, the smaller they are."""
        tiles = sum(len(row) for sheet in sheets(document) for _, row in sheet.rows)
        return cls(int(np.clip(_TILE_DPI[1] * (_FULL_SIZE_TILES / max(tiles, 1)) ** 0.5, *_TILE_DPI)))

    def tile(self, each: Tile) -> bytes:
        """A picture of a sheet, JPEG."""
        if id(each) not in self.tiles:
            (self.tiles[id(each)],) = _draw_tiles([each], self.tile_dpi)
        return self.tiles[id(each)]

    def chart(self, each: Chart, theme: str) -> bytes:
        """A chart on "light" or "dark" paper, SVG."""
        if (each.name, theme) not in self.charts:
            self.charts[each.name, theme] = image_bytes(each.draw(theme=theme), "svg")
        return self.charts[each.name, theme]


def draw(
    document: Document,
    out: Path,
    done: Callable[[], None],
    *,
    page: bool = True,
    processes: int = 1,
    colormap: str = COLORMAPS[0],
) -> tuple[Pictures, list[Path]]:
    """Write every figure into `out`/figures, each file whole or not at all, and draw what a page shows.

    Args:
        done: called after each figure.
        page: whether there is to be a page.
        processes: how many may draw; 0 means one for each processor.
        colormap: of heat, for those other processes.

    Returns:
        What a page shows, and the files in the order of the document.
    """
    pictures, blocks = Pictures.of(document), list(illustrations(document))
    jobs = [_figure_job(block, out / FIGURES, page) for block in blocks]
    turns = _turns(document) if page else []
    jobs += [(len(turn), partial(_draw_tiles, turn, pictures.tile_dpi)) for turn in turns]
    drawn = {}
    for place, found in _worked(jobs, processes or _processors(), colormap):
        drawn[place] = found
        if place < len(blocks):
            done()
    for place, turn in enumerate(turns, start=len(blocks)):
        pictures.tiles.update(zip(map(id, turn), drawn[place], strict=True))
    for place, block in enumerate(blocks):
        pictures.charts.update({(block.name, theme): svg for theme, svg in drawn[place][1].items()})
    return pictures, [path for place in range(len(blocks)) for path in drawn[place][0]]


_Job = tuple[int, Callable[[], Any]]  # roughly how many pictures' work it is, and what is to be called in any process


def _figure_job(block: Chart | Sheet, folder: Path, page: bool) -> _Job:
    chart = isinstance(block, Chart)
    size = 1 if chart else sum(len(row) for _, row in block.rows)
    return size, partial(_draw_figure, block.draw, folder / block.name, chart, chart and page)


def _turns(document: Document) -> list[list[Tile]]:
    """The pictures of all sheets, each once, some at a turn."""
    each = list({id(tile): tile for sheet in sheets(document) for _, row in sheet.rows for tile in row}.values())
    return [each[start : start + _TILES_A_TURN] for start in range(0, len(each), _TILES_A_TURN)]


def _draw_figure(draw: Callable[..., Any], path: Path, chart: bool, page: bool) -> tuple[list[Path], dict[str, bytes]]:
    """Write a figure in all kinds; for a page return a chart's SVG on light and on dark paper."""
    figure = draw(theme="light")
    made = {kind: image_bytes(figure, kind, _CHART_DPI if chart else _SHEET_DPI[kind]) for kind in KINDS}
    paths = [path.with_name(f"{path.name}.{kind}") for kind in KINDS]
    for each, content in zip(paths, made.values(), strict=True):
        write_bytes(each, content)
    if not page:
        return paths, {}
    return paths, {"light": made["svg"], "dark": image_bytes(draw(theme="dark"), "svg")}


def _draw_tiles(tiles: Sequence[Tile], dpi: int) -> list[bytes]:
    return [image_bytes(tile(e.pixels, e.panel, e.truth, inches=TILE_INCHES), "jpg", dpi) for e in tiles]


def _processors() -> int:
    """Those that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _worked(jobs: Sequence[_Job], processes: int, colormap: str) -> Iterator[tuple[int, Any]]:
    """The place of every job and what came of it, as it is finished: in other processes where that is worth while."""
    left = dict(enumerate(jobs))
    if processes > 1 and sum(size for size, _ in jobs) >= _WORTH:
        # Where other processes cannot be had, or end for want of memory, what is left is drawn in this one.
        with suppress(BrokenProcessPool):
            for place, found in _elsewhere(jobs, min(processes, _MOST), colormap):
                del left[place]
                yield place, found
    for place, (_, work) in left.items():
        yield place, work()


def _elsewhere(jobs: Sequence[_Job], processes: int, colormap: str) -> Iterator[tuple[int, Any]]:
    """The same in other processes; the largest are begun first."""
    # Spawned, not forked: this process has threads, whose locks a fork would copy as they are.
    fresh = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, fresh, _begin, (spoken(), colormap)) as pool:
        order = sorted(range(len(jobs)), key=lambda place: -jobs[place][0])
        with _interrupts_held():
            begun = {pool.submit(jobs[place][1]): place for place in order}
        try:
            for each in as_completed(begun):
                yield begun[each], each.result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Keep Ctrl-C waiting while processes are started: they inherit that, so that none is interrupted before `_begin`."""
    if not hasattr(signal, "pthread_sigmask"):  # as on Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


_setting = ExitStack()  # a worker's language and colours, which last as long as it does


def _begin(language: str, colormap: str) -> None:
    """Set up a process that draws: it speaks the language, and leaves Ctrl-C to the process that asked."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _setting.enter_context(speaking(language))
    _setting.enter_context(heat_colours(colormap))
