"""`dogcam explain`: heatmaps and boxes of pictures."""
