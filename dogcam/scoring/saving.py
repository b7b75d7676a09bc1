"""Every map that is scored, in files of its own: what other tools can check ours by, and `evaluate --maps` reads again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dogcam.core.errors import OptionError
from dogcam.data import Record
from dogcam.data.maps import map_path, write_map

Pair = tuple[str, str]  # method and layer


@dataclass(frozen=True)
class Saving:
    """Where maps are written: a subfolder for each method and layer; files that are there stay.

    Attributes:
        folder: of all.
        several: whether they are of several runs or epochs, which the subfolders then tell apart.
    """

    folder: Path
    several: bool

    @classmethod
    def into(cls, folder: str, several: bool, resume: bool) -> Saving:
        """Into a new or empty folder, or with `resume` into one that has some of them.

        Raises:
            OptionError: there is something already.
        """
        path = Path(folder).expanduser()
        if path.exists() and (not path.is_dir() or (any(path.iterdir()) and not resume)):
            raise OptionError(f"--save-maps {folder}: it is not empty; name a new folder, or --resume to add what it lacks")
        return cls(path, several)

    def method(self, pair: Pair, score: str, run: int, epoch: int) -> str:
        """What a cell's subfolder is called: "gradcam@conv5_block3_out", with run and epoch where there are several."""
        method, layer = pair
        place = f" run {run} epoch {epoch}" if self.several else ""
        return f"{method}@{layer}{place}{'' if score == 'logit' else f' ({score})'}"

    def has(self, records: Iterable[Record], pair: Pair, score: str, run: int, epoch: int) -> bool:
        """Whether the maps of all records are there."""
        name = self.method(pair, score, run, epoch)
        return all(map_path(self.folder, name, record).exists() for record in records)

    def save(
        self, records: Sequence[Record], maps: Mapping[Pair, Sequence[np.ndarray]], score: str, run: int, epoch: int
    ) -> None:
        """Write the raw maps (h, w) of these records."""
        for pair, of_pair in maps.items():
            name = self.method(pair, score, run, epoch)
            for record, raw in zip(records, of_pair, strict=True):
                path = map_path(self.folder, name, record)
                if not path.exists():
                    write_map(path, raw)
