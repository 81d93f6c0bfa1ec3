"""ONNX: models are read without the package and without their weights, and written with it."""
