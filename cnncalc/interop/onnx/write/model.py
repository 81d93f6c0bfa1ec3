"""A network as an ONNX model, with its weights.

    model = to_model(graph, reference.draw(graph, seed=0))
    onnx.save(model, "lenet5.onnx")

Every kind is written by a small function in the file of its family (table.py), which takes the sizes of windows and
padding from what the layers claim: nothing of the reference's arithmetic goes into a model. The package `onnx` is
imported when a model is written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cnncalc.errors import CnncalcError
from cnncalc.graph import Graph
from cnncalc.interop.onnx.write.part import Array, Part, Value
from cnncalc.interop.onnx.write.table import NotInOnnxError, writer_of
from cnncalc.interop.refusals import MissingPackageError
from cnncalc.interop.targets import Conversion
from cnncalc.language import _
from cnncalc.reference import owner
from cnncalc.reference.values import as_weights

if TYPE_CHECKING:
    from onnx import ModelProto

OPSET = 21  # the first in which GroupNormalization scales channel by channel; ONNX 1.16, ONNX Runtime 1.18
BYTES = 4  # of a number
IR_VERSION = 10  # what ONNX 1.16 writes, so that runtimes of that time read it
LARGEST_MODEL = 2**31 - 1  # bytes of one protobuf message
LARGEST_CHECKED = 1024  # values; of larger arrays the checker sees the shape, which is all it asks: it copies the rest
BATCH = "N"


def package() -> Any:
    """The package `onnx`. Raises MissingPackageError."""
    try:
        import onnx
    except ImportError:
        raise MissingPackageError(_("an ONNX model needs the package onnx: pip install 'cnncalc[onnx]'")) from None
    return onnx


def to_model(graph: Graph, weights: Mapping[str, Any], *, batch: int | None = None) -> ModelProto:
    """The network as an ONNX model of float32, checked by onnx.checker.

    graph    what `cnncalc.load` returns
    weights  LAYER.name to array, as `cnncalc.reference.draw` gives them
    batch    samples at once; left open where not given

    Inputs, outputs and maps have the names of the layers, and the shapes that these claim: (batch, C, *size). The
    checker infers all shapes by itself and fails where one differs. Raises CnncalcError: NotInOnnxError where a
    layer cannot be expressed, WeightError where weights do not belong to the network.
    """
    onnx = package()
    # A network of a hundred gigabytes is refused before an array of it is made.
    check_size(BYTES * sum(stored_numbers(graph)))
    stored = as_weights(graph, weights)
    values = [Value(name, shape) for name, shape in graph.inputs.items()]
    nodes: list[Any] = []
    arrays: dict[str, Array] = {}
    for node, facts in zip(graph.nodes, graph.facts, strict=True):
        write = writer_of(node.layer.kind)
        if write is None:
            said = _("{name}: the kind {kind} cannot be written as ONNX", name=node.name, kind=node.layer.kind)
            raise NotInOnnxError(said)
        part = Part(onnx, node.name, owner(graph, node).name, stored, arrays, values[0].name)
        written = write(part, node.layer, *(values[v] for v in node.reads))
        nodes += part.finish(written)
        values.append(Value(node.name, facts.output))
    # Once more, as some kinds are written with more numbers than they have: tables of connections, say.
    check_size(sum(array.nbytes for array in arrays.values()))

    def describe(value: Value) -> Any:
        return type_value(onnx, value.name, (batch or BATCH, *value.shape))

    first = len(graph.inputs)
    # An input that leaves the network as it is would be no output of any operator.
    results = [v for v in dict.fromkeys(graph.outputs) if v >= first]
    model = onnx.helper.make_model(
        onnx.helper.make_graph(
            nodes,
            graph.name or "network",
            [describe(value) for value in values[:first]],
            [describe(values[v]) for v in results],
            value_info=[describe(value) for v, value in enumerate(values) if v >= first and v not in results],
        ),
        opset_imports=[onnx.helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="cnncalc",
    )
    # Shapes are worked out from small arrays, such as sizes and axes: the checker has to see their values.
    small = {name for name, array in arrays.items() if array.size <= LARGEST_CHECKED}
    store(onnx, model, {name: array for name, array in arrays.items() if name in small})
    large = {name: array for name, array in arrays.items() if name not in small}
    model.graph.input.extend(
        type_value(onnx, name, array.shape, whole=array.dtype == "int64") for name, array in large.items()
    )
    try:
        onnx.checker.check_model(model, full_check=True)
    except Exception as error:  # sizes beyond those of ONNX, say; its errors have no class in common
        reason = " ".join(str(error).split())[:200]
        raise NotInOnnxError(_("ONNX cannot hold this network, says its checker: {reason}", reason=reason)) from error
    # For the checker large arrays were inputs, of which it sees the shape; now they are stored.
    del model.graph.input[first:]
    store(onnx, model, large)
    return model


def stored_numbers(graph: Graph) -> Iterator[int]:
    """How many numbers each layer stores that does not share those of another."""
    for node, facts in zip(graph.nodes, graph.facts, strict=True):
        if node.weights_of is None:
            yield (facts.params or 0) + (facts.fixed_params or 0) + (facts.buffers or 0)


def check_size(size: int) -> None:
    """Raise CnncalcError for more bytes of weights than a model holds."""
    if size > LARGEST_MODEL:
        raise CnncalcError(_("{size:.1f} GB of weights: an ONNX model in one piece holds 2 GB", size=size / 1e9))


def convert(graph: Graph, weights: Callable[[], Mapping[str, Any]]) -> Conversion:
    """The model as the bytes of a file, and what they are read as: ONNX has other words for some kinds."""
    from cnncalc.interop.onnx.read.reading import read_bytes

    package()
    data: bytes = to_model(graph, weights()).SerializeToString()
    try:
        return Conversion(data, read_bytes(data, "ONNX"))
    except CnncalcError as error:
        return Conversion(data, unread=str(error).splitlines()[0])


def type_value(onnx: Any, name: str, shape: Sequence[int | str], *, whole: bool = False) -> Any:
    """The description of a value of float32, or of whole numbers."""
    return onnx.helper.make_tensor_value_info(name, onnx.TensorProto.INT64 if whole else onnx.TensorProto.FLOAT, shape)


def store(onnx: Any, model: ModelProto, arrays: Mapping[str, Array]) -> None:
    """Put arrays into a model, one at a time: each is copied."""
    for name, array in arrays.items():
        model.graph.initializer.append(onnx.numpy_helper.from_array(array, name))
