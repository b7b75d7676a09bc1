"""Pictures kept for figures, and raw maps of them: a folder with an index.

index.json                   one entry for each picture: at least its id
000.jpg ...                  the pictures, in the order of the index
maps_run-1_epoch-07.npz      raw maps by method and layer, with the ids of the pictures that they are of
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from dogcam.core.files import write_bytes, write_json, written_whole

_IDS = "ids"  # the entry of a maps file that says which pictures its maps are of
Pair = tuple[str, str]  # method and layer


class KeptPictures:
    """The pictures of one folder, which need not be there yet."""

    def __init__(self, path: Path):
        self.path = path

    def write(self, index: list[dict[str, Any]], pictures: Iterable[bytes]) -> None:
        """Keep pictures in place of those that were there: `index` has the id of each and more, `pictures` are JPEG files."""
        for stale in self.path.glob("*.jpg"):
            stale.unlink()
        for number, content in enumerate(pictures):
            write_bytes(self._picture(number), content)
        write_json(self.path / "index.json", index)

    def entries(self) -> list[dict[str, Any]]:
        """The index, with each picture's path as "picture"; empty where nothing was kept."""
        path = self.path / "index.json"
        if not path.exists():
            return []
        index = json.loads(path.read_text(encoding="utf-8"))
        return [{**entry, "picture": self._picture(number)} for number, entry in enumerate(index)]

    def ids(self) -> list[str]:
        """The pictures' ids, in order."""
        return [entry["id"] for entry in self.entries()]

    def write_maps(self, run: int, epoch: int, maps: Mapping[Pair, np.ndarray]) -> None:
        """Keep the pictures' raw maps (n, h, w) by (method, layer); those of other methods stay."""
        kept = {**self.maps(run, epoch), **maps}
        packed = {json.dumps(key, ensure_ascii=False): value.astype(np.float32) for key, value in kept.items()}
        packed[_IDS] = np.array(self.ids(), np.str_)
        with written_whole(self._maps(run, epoch)) as temporary:
            np.savez_compressed(temporary, **packed)

    def maps(self, run: int, epoch: int) -> dict[Pair, np.ndarray]:
        """The raw maps (n, h, w) by (method, layer), in the order of `entries`; none where they are of other pictures."""
        path = self._maps(run, epoch)
        if not path.exists():
            return {}
        with np.load(path, allow_pickle=False) as packed:
            if _IDS not in packed.files or packed[_IDS].tolist() != self.ids():
                return {}
            return {tuple(json.loads(key)): packed[key] for key in packed.files if key != _IDS}

    def _picture(self, number: int) -> Path:
        return self.path / f"{number:03d}.jpg"

    def _maps(self, run: int, epoch: int) -> Path:
        return self.path / f"maps_run-{run}_epoch-{epoch:02d}.npz"
