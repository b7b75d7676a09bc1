"""From a heatmap to a box: protocols, drawing, the sweep over all thresholds, geometry, boxes that never look."""
