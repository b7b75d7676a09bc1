"""Pictures that rules chose for galleries, kept as `dogcam evaluate` keeps them."""

import io

import numpy as np
from PIL import Image


def _picture():
    buffer = io.BytesIO()
    Image.fromarray(np.full((40, 60, 3), 128, np.uint8)).save(buffer, "JPEG")
    return buffer.getvalue()


def keep(experiment, ids, epoch=4):
    """A gallery's pictures of these ids, as `dogcam evaluate` keeps them, with maps that tell them apart."""
    evaluation = experiment.evaluation("test", None, "true")
    box = {"boxes": [[0.25, 0.25, 0.75, 0.75]], "width": 60, "height": 40}
    index = [{"id": each, "label": 0, "class": "pug", "rules": [], **box} for each in ids]
    evaluation.gallery.write(index, [_picture() for _ in ids])
    maps = np.stack([np.full((6, 9), 1 + k, np.float32) for k in range(len(ids))])
    pairs = {(cell.method, cell.layer) for cell in evaluation.cells() if cell.run}
    evaluation.gallery.write_maps(2, epoch, dict.fromkeys(pairs, maps))
    return experiment
