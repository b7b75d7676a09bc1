"""The classifier: backbones, pretrained weights, any Keras model's graph and readout, training."""
