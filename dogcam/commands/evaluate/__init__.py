"""`dogcam evaluate`: score boxes against the annotated ones."""
