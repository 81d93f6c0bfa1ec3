"""Graphs as ONNX models, with the package `onnx`: a function for each kind of layer."""
