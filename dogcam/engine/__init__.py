"""The heatmap engine: raw maps of many methods at many layers, from as few passes of the network as they need.

`cells` says what is wanted; `one_pass` computes all that needs activations, gradients or class weights in one compiled
function; `probing` asks the network again and again for the methods that do; `combining` fuses layers and smooths over
varied inputs; `heatmaps` puts them together.
"""

from dogcam.engine.cells import INPUT, SCORES, Cell, checked_layer, plan_cells, score_layers, study_cells
from dogcam.engine.combining import fused_cells
from dogcam.engine.heatmaps import HeatmapEngine, Heatmaps
from dogcam.engine.targets import NOBODY, PREDICTED, SECOND

__all__ = [
    "INPUT",
    "NOBODY",
    "PREDICTED",
    "SCORES",
    "SECOND",
    "Cell",
    "HeatmapEngine",
    "Heatmaps",
    "checked_layer",
    "fused_cells",
    "plan_cells",
    "score_layers",
    "study_cells",
]
