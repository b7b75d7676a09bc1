"""Faithfulness of heatmaps: the network asked about pictures of which it sees, or does not see, what a map points at."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import numpy as np
import tensorflow as tf

from dogcam.core.progress import Progress
from dogcam.data import Record
from dogcam.data.pipeline import WORKERS, Pictures
from dogcam.engine import HeatmapEngine, Heatmaps
from dogcam.engine.probing import Network
from dogcam.engine.targets import PREDICTED, Target
from dogcam.experiment.evaluations import Cell
from dogcam.methods import METHODS
from dogcam.metrics import faithfulness as scores
from dogcam.scoring import Scoring
from dogcam.scoring.saving import Pair

Variant = Callable[[], np.ndarray]  # makes one changed input (H, W, C)
# A picture's changed inputs -> the target's probability of each.
Ask = Callable[[Sequence[Variant]], np.ndarray]


def faithfulness_targets(target: Target, records: Sequence[Record]) -> np.ndarray:
    """The targets (n, 2) of pictures, as `faithfulness_of` takes them; the predicted class stands in for an unknown true one."""
    labels = [PREDICTED if record.label is None else record.label for record in records]
    pairs = [target.of(label, record.id) for label, record in zip(labels, records, strict=True)]
    return np.array(pairs, np.int64).reshape(-1, 2)


def score_faithfulness(
    scoring: Scoring, engine: HeatmapEngine, number: int, epoch: int, mask_batch: int, progress: Progress
) -> None:
    """Score the faithfulness of an engine's cells on the pictures of `scoring.asking`, and write their tables."""
    asking = scoring.asking
    if asking is None:
        return
    found = faithfulness_of(
        engine,
        asking.pictures,
        np.arange(len(asking.pictures.records)),
        asking.targets,
        steps=asking.steps,
        batch_size=scoring.batch_size,
        mask_batch=mask_batch,
        progress=progress,
        title=f"run {number} epoch {epoch}, faithfulness",
    )
    for pair, columns in found.items():
        scoring.evaluation.write_faithfulness(Cell(number, epoch, *pair, ""), columns)


def faithfulness_of(
    engine: HeatmapEngine,
    pictures: Pictures,
    positions: np.ndarray,
    targets: np.ndarray,
    *,
    steps: int,
    batch_size: int,
    mask_batch: int,
    progress: Progress,
    title: str,
) -> dict[Pair, dict[str, np.ndarray]]:
    """Every score of `metrics.faithfulness.FAITHFULNESS` of every cell of an engine, picture by picture.

    What is asked for is always the probability of the target class, also where maps are of a logit, or of one class against
    another. What counts of a map is its evidence, see `metrics.faithfulness.evidence`. A picture needs 2 forward passes, and
    for each cell once more the cell's own passes and 2 (steps - 1) + 8.

    Args:
        engine: gives the maps, and those of the masked pictures.
        positions: int (m,), which pictures to score.
        targets: int (n, 2), one row for each of `pictures` and not only for those to score: see `faithfulness_targets`.
        steps: of the insertion and deletion curves.
        batch_size: how many pictures the engine explains at a time.
        mask_batch: how many changed copies of a picture go through the network at a time: what bounds the memory.
        progress: hears of every picture, under `title`.

    Returns:
        By (method, layer): columns of m rows, as `Evaluation.write_faithfulness` takes them. The scores are float32; NaN
        for "pointing" and "energy" where there is no annotated box. A label that is not known is None.
    """
    network = Network(engine.classifier, "softmax", mask_batch)
    again = {cell: _engine_for(engine, cell, mask_batch) for cell in engine.cells}
    shared: list[dict[str, Any]] = []
    found: dict[Pair, list[dict[str, float]]] = {cell: [] for cell in engine.cells}
    with progress.task(title, len(positions)) as step, ThreadPoolExecutor(WORKERS) as pool:
        for part in _parts(np.asarray(positions, np.int64), batch_size):
            records = [pictures.records[position] for position in part]
            batch = _Batch(engine, again, pictures.images[part], targets[part])
            shared += [_about(record, *batch.classes(row)) for row, record in enumerate(records)]
            for row, record in enumerate(records):
                ask = partial(_asked, network, batch.signs(row), pool)
                for cell, scored in batch.scores(row, record.boxes, steps, ask).items():
                    found[cell].append(scored)
                step.advance()
    return {cell: {**_columns(shared, _ABOUT), **_columns(rows, _SCORES)} for cell, rows in found.items()}


_ABOUT = {
    "image": object, "picture": object, "label": object, "predicted": np.int32, "target": np.int32, "boxed": bool,
}  # fmt: skip
_SCORES = dict.fromkeys(scores.FAITHFULNESS, np.float32)


def _about(record: Record, predicted: int, target: int) -> dict[str, Any]:
    boxed = len(record.boxes) > 0
    names = {"image": record.id, "picture": record.picture, "label": record.label}
    return {**names, "predicted": predicted, "target": target, "boxed": boxed}


def _columns(rows: Sequence[dict[str, Any]], types: dict[str, Any]) -> dict[str, np.ndarray]:
    return {name: np.array([row[name] for row in rows], kind) for name, kind in types.items()}


def _parts(positions: np.ndarray, size: int) -> Iterator[np.ndarray]:
    return (positions[start : start + size] for start in range(0, len(positions), size))


def _engine_for(engine: HeatmapEngine, cell: Pair, mask_batch: int) -> HeatmapEngine:
    """What draws the map of a masked picture: the engine itself, as one pass gives all of its maps.

    Where some of its methods ask the network hundreds of times, each cell is drawn alone: every one has masked pictures of
    its own, and would pay for all.
    """
    if len(engine.cells) == 1 or not any(METHODS[method].probing for method, _ in engine.plain):
        return engine
    fuse = engine.fuse if cell in engine.fused else None
    plain = engine.fused.get(cell, [cell])
    return HeatmapEngine(engine.classifier, plain, engine.score, fuse=fuse, smooth=engine.smooth, mask_batch=mask_batch)


def _asked(network: Network, signs: tf.Tensor, pool: ThreadPoolExecutor, variants: Sequence[Variant]) -> np.ndarray:
    """The target's probability (n,) of changed inputs, which threads make a batch at a time."""
    found = [np.zeros(0, np.float32)]
    for start in range(0, len(variants), network.batch):
        copies = list(pool.map(lambda make: make(), variants[start : start + network.batch]))
        found.append(network.scores_of(tf.convert_to_tensor(np.stack(copies)), signs)[1].numpy())
    return np.concatenate(found)


class _Batch:
    """Some pictures, their maps, and what the network makes of them masked by these."""

    def __init__(self, engine: HeatmapEngine, again: dict[Pair, HeatmapEngine], images: np.ndarray, targets: np.ndarray):
        self.classifier = engine.classifier
        self.inputs = self.classifier.inputs_of(images)
        self.heat = engine(self.inputs, *targets.T)
        # The classes that were explained: those put first may be others once the picture is masked.
        against = np.where(self.heat.against < 0, targets[:, 1], self.heat.against)
        self.masked = {cell: own(self._masked_by(cell), self.heat.targets, against) for cell, own in again.items()}

    def _masked_by(self, cell: Pair) -> np.ndarray:
        """The inputs times the min-max maps of a cell (B, H, W, C): what is not warm goes to the input's 0."""
        masks = [scores.min_max(self.evidence(self.heat, cell, row)) for row in range(len(self.inputs))]
        return self.inputs * np.stack(masks)[..., None]

    def evidence(self, heat: Heatmaps, cell: Pair, row: int) -> np.ndarray:
        return scores.evidence(heat.maps[cell][row], self.classifier.size)

    def classes(self, row: int) -> tuple[int, int]:
        """The class that the network predicts, and the one explained."""
        return int(self.heat.logits[row].argmax()), int(self.heat.targets[row])

    def signs(self, row: int) -> tf.Tensor:
        """(1, classes), 1 for the class explained."""
        return tf.one_hot(self.heat.targets[row : row + 1], self.heat.logits.shape[1])

    def probability(self, heat: Heatmaps, row: int) -> float:
        """The target's, as the engine's own pass found it."""
        return float(self.classifier.probabilities(heat.logits[row : row + 1])[0, self.heat.targets[row]])

    def scores(self, row: int, boxes: np.ndarray, steps: int, ask: Ask) -> dict[Pair, dict[str, float]]:
        """All scores of a picture by cell."""
        picture = _Picture(self.inputs[row], self.probability(self.heat, row), steps, ask)
        found = {}
        for cell, masked in self.masked.items():
            warm, later = self.evidence(self.heat, cell, row), self.evidence(masked, cell, row)
            y, o = picture.probability, self.probability(masked, row)
            found[cell] = {**picture.curves(warm), **_by_mask(warm, later, y, o), **_games(warm, boxes)}
        return found


class _Picture:
    """One input (H, W, C), its probability, and what all maps of it start from or end at."""

    def __init__(self, inputs: np.ndarray, probability: float, steps: int, ask: Ask):
        self.inputs, self.probability, self.steps, self.ask = inputs, probability, steps, ask
        self.nothing, self.blurred = np.zeros_like(inputs), scores.blurred(inputs)
        self.noise = scores.imputation_noise(inputs)
        self.of_nothing, self.of_blurred = ask([lambda: self.nothing, lambda: self.blurred])

    def curves(self, warm: np.ndarray) -> dict[str, float]:
        """Insertion, deletion and ROAD of a map."""
        between = scores.changes(warm, self.steps)[1:-1]
        inserted = [partial(scores.mixed, self.blurred, self.inputs, change) for change in between]
        deleted = [partial(scores.mixed, self.inputs, self.nothing, change) for change in between]
        without = [partial(self._without, warm, share, first) for first in (True, False) for share in scores.ROAD_SHARES]
        ends = np.cumsum([len(inserted), len(deleted), len(scores.ROAD_SHARES)])
        back, gone, warmest, coldest = np.split(self.ask([*inserted, *deleted, *without]), ends)
        return {
            "insertion": scores.area_under([self.of_blurred, *back, self.probability]),
            "deletion": scores.area_under([self.probability, *gone, self.of_nothing]),
            "road": scores.road(warmest, coldest),
        }

    def _without(self, warm: np.ndarray, share: float, warmest: bool) -> np.ndarray:
        return scores.imputed(self.inputs, scores.removed(warm, share, warmest), self.noise)


def _by_mask(warm: np.ndarray, later: np.ndarray, y: float, o: float) -> dict[str, float]:
    """What follows from the masked picture: its map and its probability o, beside the picture's own y."""
    lost, alike, wide = float(scores.drop(y, o)), scores.coherency(warm, later), scores.complexity(warm)
    whole = scores.adcc(alike, wide, lost)
    rises = float(scores.increase(y, o))
    return {"drop": lost, "increase": rises, "coherency": alike, "complexity": wide, "adcc": whole}


def _games(warm: np.ndarray, boxes: np.ndarray) -> dict[str, float]:
    return {"pointing": scores.pointing_game(warm, boxes), "energy": scores.energy_pointing_game(warm, boxes)}
