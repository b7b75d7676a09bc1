"""What the tables say, as values: no figures, no TensorFlow, no sentences."""
