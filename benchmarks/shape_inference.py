"""All quantities of the parsed ResNet-50 against onnx.shape_inference in C++, which infers shapes alone.

Both get the network in memory and without weights: cnncalc its graph with the facts dropped, ONNX a model
whose weights are inputs of known shape. Needs the package `onnx`.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable

import cnncalc
from cnncalc.analysis import analyze_graph
from cnncalc.graph import Graph
from cnncalc.graph import claims as claims_of

SHORT = "--short" in sys.argv  # one small round, which tells whether the script works


def onnx_model(graph: Graph) -> object:
    """The same operations as an ONNX model."""
    from onnx import TensorProto, helper

    inputs = [helper.make_tensor_value_info("input", TensorProto.FLOAT, [1, *graph.shape(0)])]
    nodes = []

    def weight(name: str, *shape: int) -> str:
        inputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, list(shape)))
        return name

    for i, node in enumerate(graph.nodes):
        reads = [f"v{v}" if v else "input" for v in node.reads]
        layer, out, c = node.layer, f"v{i + 1}", graph.shape(node.reads[0])[0]
        if layer.kind in ("conv", "maxpool"):
            options = vars(layer)
            kernel, stride, padding = (
                options[name] * (2 // len(options[name])) for name in ("kernel", "stride", "padding")
            )
            pads = [before for before, _ in padding] + [after for _, after in padding]
            attributes = {"kernel_shape": kernel, "strides": stride, "pads": pads}
            if layer.kind == "conv":
                reads.append(weight(f"w{i}", options["filters"], c, *kernel))
            nodes.append(
                helper.make_node({"conv": "Conv", "maxpool": "MaxPool"}[layer.kind], reads, [out], **attributes)
            )
        elif layer.kind == "batchnorm":
            reads += [weight(f"{part}{i}", c) for part in ("scale", "shift", "mean", "variance")]
            nodes.append(helper.make_node("BatchNormalization", reads, [out]))
        elif layer.kind == "dense":
            units = graph.facts[i].output[0]
            reads += [weight(f"w{i}", units, c), weight(f"b{i}", units)]
            nodes.append(helper.make_node("Gemm", reads, [out], transB=1))
        else:
            name = {"relu": "Relu", "add": "Add", "global_avgpool": "GlobalAveragePool", "flatten": "Flatten"}[
                layer.kind
            ]
            nodes.append(helper.make_node(name, reads, [out]))
    last = helper.make_tensor_value_info(f"v{len(graph.nodes)}", TensorProto.FLOAT, None)
    return helper.make_model(helper.make_graph(nodes, "resnet50", inputs, [last]))


def analyzed(graph: Graph) -> object:
    fresh = Graph(
        name=graph.name, inputs=graph.inputs, nodes=graph.nodes, outputs=graph.outputs, groups=graph.groups,
        facts=claims_of(graph),
    )  # fmt: skip
    return analyze_graph(fresh)


def milliseconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return (time.perf_counter() - start) * 1e3


def main() -> None:
    try:
        from onnx import shape_inference
    except ImportError:
        sys.exit("the package onnx is not installed here; not compared")
    graph = cnncalc.load("resnet50")
    model = onnx_model(graph)
    inferred = shape_inference.infer_shapes(model, strict_mode=True)
    shape = [d.dim_value for d in inferred.graph.output[0].type.tensor_type.shape.dim]
    assert shape == [1, 1000], shape
    for _ in range(2 if SHORT else 20):
        analyzed(graph)
        shape_inference.infer_shapes(model)
    pairs = [
        (milliseconds(lambda: analyzed(graph)), milliseconds(lambda: shape_inference.infer_shapes(model)))
        for _ in range(3 if SHORT else 201)
    ]
    ratio = statistics.median(a / b for a, b in pairs)
    ours, theirs = (statistics.median(times) for times in zip(*pairs, strict=True))
    print(f"all quantities / ONNX shapes: {ratio:.2f}  goal <= 3   median {ours:.2f} ms against {theirs:.2f} ms")


if __name__ == "__main__":
    main()
