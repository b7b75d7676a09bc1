"""Made-up experiments to be compared: sixteen images, and changes of IoU that are sure or that are not."""

import numpy as np
from made_up import Made

IMAGES = 16
SPREAD = np.tile([0.0, 0.02, -0.02, 0.01, -0.01, 0.015, -0.015, 0.0], 2)
NOISE = np.tile([0.2, -0.2], 8)
HALF = np.full(IMAGES, 0.5)


def writer(home):
    """Writes an experiment of that name; `cam` and `gradcam` are the IoU of every image at every epoch."""

    def written(name, cam=HALF, gradcam=HALF, **changes):
        made = Made(str(home), name=name, images=IMAGES, **changes)
        made.ious = {(m, e): iou for m, iou in (("cam", cam), ("gradcam", gradcam)) for e in made.epochs}
        return made.write()

    return written
