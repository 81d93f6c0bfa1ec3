"""ONNX models as graphs, without the package `onnx`: the file, the names of axes, and a function for each operator."""
