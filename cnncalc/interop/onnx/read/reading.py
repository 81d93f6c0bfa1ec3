"""An ONNX model as a graph. The package `onnx` is not needed, nothing of the model is run, no weight is read.

Each operator is read by a small function of operators.py or one of its neighbours, which adds layers to a
builder and says how the axes of its result lie. What exporters compute of shapes is folded, what they write as several
operators and people call by one name is put together first (fusion.py).
"""

from __future__ import annotations

import mmap
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from cnncalc.graph import Graph
from cnncalc.interop.builder import Builder
from cnncalc.interop.onnx.read.arrays import array, raw_of
from cnncalc.interop.onnx.read.constants import Constant, NotKnownError, folded
from cnncalc.interop.onnx.read.expanding import inlined, needed
from cnncalc.interop.onnx.read.file import GraphData, ModelData, NodeData, TensorData, ValueInfo, parse, place
from cnncalc.interop.onnx.read.inputs import read_inputs
from cnncalc.interop.onnx.read.layout import Tensor, in_order, plain
from cnncalc.interop.onnx.read.names import names
from cnncalc.interop.onnx.read.wire import WireError
from cnncalc.interop.refused import unusable_file
from cnncalc.language import _
from cnncalc.layers.base import shape_text
from cnncalc.spec import MAX_OPERATIONS
from cnncalc.spec.build.sharing import OF_ITS_OWN

OLDEST, NEWEST = 1, 26  # operator sets
Value = Tensor | Constant
Handler = Callable[["Reading", NodeData], "Value | list[Value]"]
HANDLERS: dict[str, Handler] = {}


class NotReadError(Exception):
    """An operator, or a use of one, that no kind of layer is; with the shape that comes out, if that is known."""

    def __init__(self, dims: Sequence[int] | None = None) -> None:
        super().__init__()
        self.dims = None if dims is None else tuple(dims)


def reads(*operators: str) -> Callable[[Handler], Handler]:
    """Declare who reads an operator."""

    def declare(handler: Handler) -> Handler:
        HANDLERS.update(dict.fromkeys(operators, handler))
        return handler

    return declare


def read(spec: str, *, inputs: Mapping[str, Any], max_operations: int, allow_unknown: bool = False) -> Graph:
    """The graph of an ONNX file. `inputs` are shapes that outrank the model's; raises SpecError."""
    return reading(spec, inputs=inputs, max_operations=max_operations).builder.graph(allow_unknown=allow_unknown)


def weights(spec: str, graph: Graph) -> Mapping[str, Any]:
    """The weights of a model as the layers of its graph store them, read when they are asked for.

    Raises CnncalcError where the graph has layers whose weights the model does not hold in a form that is known.
    """
    from cnncalc.interop.onnx.read.weights import Stored

    shapes = {name: shape_text(shape) for name, shape in graph.inputs.items()}
    given = {"": next(iter(shapes.values()))} if len(shapes) == 1 else shapes
    return Stored(reading(spec, inputs=given, max_operations=MAX_OPERATIONS), graph)


def reading(spec: str, *, inputs: Mapping[str, Any], max_operations: int) -> Reading:
    """The model read: its builder has the network, and `stored` says where the weights are."""
    from cnncalc.interop.onnx.read import (  # noqa: F401 - they fill the table
        merge,
        normalisation,
        operators,
        recurrent,
        resampling,
    )

    try:
        with open(spec, "rb") as file:
            data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except ValueError:
        raise unusable_file(spec, _("the file is empty")) from None
    except OSError as error:
        raise unusable_file(spec, _("cannot be read: {reason}", reason=error.strerror)) from None
    try:
        model = parse(data, max_operations)
        if model.graph is None or not (model.graph.nodes or model.graph.outputs):
            raise WireError(_("it holds no graph"), 0)
        found = Reading(spec, model, max_operations)
        found.run(model.graph, inputs)
    except WireError as error:
        raise unusable_file(spec, *not_a_model(bytes(data[:64]), error)) from None
    except RecursionError:
        raise unusable_file(spec, _("functions of the model are nested too deep")) from None
    return found


def not_a_model(head: bytes, error: WireError) -> tuple[str, str | None]:
    """(problem, hint) for a file that is no ONNX model."""
    if head.startswith(b"version https://git-lfs"):
        return _("this is a pointer of Git LFS, not the model"), _("git lfs pull")
    if not error.place:
        return error.problem, None
    return _(
        "not an ONNX model, or not all of one: {problem} (byte {place:,})", problem=error.problem, place=error.place
    ), None


class Reading:
    """A model while it is read: what every name of it stands for."""

    def __init__(self, spec: str, model: ModelData, max_operations: int) -> None:
        self.folder = os.path.dirname(spec)
        self.model = model
        self.opset = model.opsets.get("", NEWEST)
        name = model.graph.name if model.graph else ""
        stem = os.path.splitext(os.path.basename(spec))[0]
        self.builder = Builder(stem if name in MEANINGLESS else name, spec, max_operations=max_operations)
        self.max_operations = max_operations
        self.operations = 0
        self.values: dict[str, Value] = {}
        self.readers: dict[str, list[NodeData]] = {}
        self.outputs: set[str] = set()
        self.names: dict[int, str] = {}
        self.batch = 1
        self.as_declared = True
        self.stored: dict[tuple[int, str], Constant] = {}  # (value of a layer, name of its array)
        self.owners: dict[tuple[Any, ...], int] = {}  # layers by the tensors that they store
        self.movers: dict[tuple[int, Any], NodeData] = {}  # the operator after which the axes of a map lie so
        self.sequences: dict[str, tuple[Tensor, int, list[int]]] = {}  # lists of parts of a tensor along an axis
        self.absorbed: dict[str, str] = {}  # results that another one's layer has taken in

    # --- the whole model

    def run(self, graph: GraphData, inputs: Mapping[str, Any]) -> None:
        self.check_operator_set()
        for name, stored in graph.tensors.items():
            self.values[name] = self.constant(stored, name)
        from cnncalc.interop.onnx.read.fusion import fused

        nodes = needed(fused(list(inlined(self, graph)), graph, self.number_of), graph)
        for node in nodes:
            for name in dict.fromkeys(node.inputs):
                self.readers.setdefault(name, []).append(node)
        self.outputs = {info.name for info in graph.outputs}
        self.names = dict(zip(map(id, nodes), names(nodes), strict=True))
        read_inputs(self, [info for info in graph.inputs if info.name not in graph.tensors], inputs)
        declared = {**graph.values, **{info.name: info for info in graph.outputs}}
        for node in nodes:
            self.node(node, declared)
        for info in graph.outputs:
            value = self.values.get(info.name)
            if isinstance(value, Tensor):
                self.leave(value, nodes)

    def leave(self, x: Tensor, nodes: Sequence[NodeData]) -> None:
        """A result that leaves: in its places, unless only its channels stand last, or sizes of 1 are gone."""
        shape = self.builder.shape(x.value)
        last = (*plain(shape, 1)[2:], *plain(shape, 1)[1:2])
        ones = in_order(x.axes or ()) and [n for n in x.dims()[1:] if n > 1] == [n for n in shape if n > 1]
        if x.axes is not None and x.axes[1:] != last and not ones:
            with suppress(NotReadError):
                x = Tensor(self.map(nodes[-1], x), None)
        if x.value >= len(self.builder.inputs):
            self.builder.output(x.value)

    def check_operator_set(self) -> None:
        if "" not in self.model.opsets:
            return
        if not OLDEST <= self.opset <= NEWEST:
            self.builder.fail(
                "",
                _(
                    "operator set {opset} is not read: {oldest} to {newest} are",
                    opset=self.opset,
                    oldest=OLDEST,
                    newest=NEWEST,
                ),
                _("onnx.version_converter gives the model in another one"),
            )

    def constant(self, stored: TensorData, root: str = "") -> Constant:
        return Constant(stored.dims, lambda: array(stored, self.folder), root, raw_of(stored))

    def number_of(self, name: str) -> float | None:
        """The number that a name stands for, before anything is run; None if it is none."""
        value = self.values.get(name)
        return value.number() if isinstance(value, Constant) and value.size <= 64 else None

    # --- one operator

    def node(self, node: NodeData, declared: Mapping[str, ValueInfo]) -> None:
        found: Sequence[Value]
        for name in node.inputs:
            if name and name not in self.values:
                self.builder.fail(place(node), _("it reads '{name}', which nothing before it gives", name=name[:60]))
        given = [self.values[name] if name else None for name in node.inputs]
        if node.outputs[0] in self.absorbed:
            found = [self.values[self.absorbed[node.outputs[0]]]]
        elif all(value is None or isinstance(value, Constant) for value in given) and node.operator not in NOT_FOLDED:
            found = self.folded(node, given)
        elif any(isinstance(value, Tensor) and value.axes is None for value in given):
            found = [self.behind(node, name, declared) for name in node.outputs]
        else:
            found = self.handled(node, declared)
        for name, value in zip(node.outputs, found, strict=False):
            if not name:
                continue
            self.values[name] = value
            if isinstance(value, Tensor):
                if len(value.axes or ()) > MOST_AXES:
                    self.builder.fail(place(node), _("a tensor of more than {most} axes", most=MOST_AXES))
                self.movers.setdefault((value.value, value.axes), node)
            self.check(node, value, declared.get(name))

    def folded(self, node: NodeData, given: Sequence[Any]) -> Sequence[Value]:
        attributes = {
            key: self.constant(value) if isinstance(value, TensorData) else value
            for key, value in node.attributes.items()
        }
        try:
            found = folded(node.operator, given, attributes, self.opset)
        except NotKnownError:
            return [self.unknown(node, None) for _name in node.outputs]
        if node.operator == "Identity":
            found[0].root = node.outputs[0]
        return found

    def handled(self, node: NodeData, declared: Mapping[str, ValueInfo]) -> Sequence[Value]:
        handler = HANDLERS.get(node.operator) if node.domain in ("", "com.microsoft") else None
        dims: tuple[int, ...] | None = None
        if handler is not None:
            try:
                found = handler(self, node)
                return found if isinstance(found, list) else [found]
            except NotReadError as error:
                dims = error.dims
            except NotKnownError:
                pass
            except (KeyError, ValueError, TypeError, IndexError, ZeroDivisionError, OverflowError):
                self.builder.fail(place(node), _("its inputs or attributes are not those of the operator"))
        results = []
        for name in node.outputs:
            results.append(self.unknown(node, dims or self.declared_dims(declared.get(name))))
            dims = None
        return results

    def behind(self, node: NodeData, name: str, declared: Mapping[str, ValueInfo]) -> Tensor:
        """What reads a value whose shape is not known is not known either, unless the model says its shape."""
        dims = self.declared_dims(declared.get(name))
        builder = self.builder
        entering = [v.value for v in (self.values.get(i) for i in node.inputs) if isinstance(v, Tensor)]
        value = builder.open(self.names.get(id(node), ""), node.operator, entering, None if dims is None else dims[1:])
        return self.seen(value)

    def unknown(self, node: NodeData, dims: Sequence[int] | None) -> Tensor:
        entering = [v.value for v in (self.values.get(i) for i in node.inputs) if isinstance(v, Tensor)]
        operator = f"{node.domain}.{node.operator}" if node.domain else node.operator
        shape = None if dims is None or not 2 <= len(dims) <= 5 or dims[0] != self.batch else dims[1:]
        value = self.builder.unknown(self.names.get(id(node), ""), operator, entering, shape, at=place(node))
        return self.seen(value)

    def declared_dims(self, info: ValueInfo | None) -> tuple[int, ...] | None:
        """The shape that the model says a value has, if it says all of it and the inputs are as declared."""
        if info is None or info.shape is None or not self.as_declared or not 2 <= len(info.shape) <= 5:
            return None
        dims = [self.batch if not i and not isinstance(n, int) else n for i, n in enumerate(info.shape)]
        return tuple(n for n in dims if isinstance(n, int)) if all(isinstance(n, int) and n > 0 for n in dims) else None

    def check(self, node: NodeData, value: Value, info: ValueInfo | None) -> None:
        """Hold a shape against what the model says it is."""
        dims = self.declared_dims(info)
        if dims is None or not isinstance(value, Tensor) or value.axes is None or value.dims() == dims:
            return
        self.builder.fail(
            place(node),
            _(
                "the model says that {said} comes out; {found} does",
                said=shape_text(dims),
                found=shape_text(value.dims()),
            ),
            _("the file contradicts itself, or the operator is read wrongly here"),
        )

    # --- what the readers of operators use

    def tensor(self, node: NodeData, i: int = 0) -> Tensor:
        """An input that is computed. Raises NotReadError where it is none."""
        value = self.values.get(node.inputs[i]) if i < len(node.inputs) else None
        if not isinstance(value, Tensor) or value.axes is None:
            raise NotReadError
        return value

    def optional(self, node: NodeData, i: int) -> Constant | None:
        """An input that is a constant, or is not there. Raises NotReadError where it is computed."""
        if i >= len(node.inputs) or not node.inputs[i]:
            return None
        value = self.values[node.inputs[i]]
        if not isinstance(value, Constant):
            raise NotReadError
        return value

    def weight(self, node: NodeData, i: int) -> Constant:
        found = self.optional(node, i)
        if found is None:
            raise NotReadError
        return found

    def numbers(self, node: NodeData, i: int, attribute: str) -> list[int] | None:
        """Whole numbers that are an input in new operator sets, and an attribute in old ones."""
        found = self.optional(node, i)
        if found is not None:
            return found.whole()
        listed = node.attributes.get(attribute)
        return None if listed is None else list(listed)

    def seen(self, value: int) -> Tensor:
        """A value of the network as a tensor with its axes as they are."""
        shape = self.builder.shape(value)
        return Tensor(value, plain(shape, self.batch) if shape else None)

    def add(
        self,
        node: NodeData,
        kind: str,
        options: Mapping[str, Any] | None = None,
        reads: Sequence[int] = (),
        arrays: Mapping[str, Constant | None] | None = None,
        part: str = "",
    ) -> int:
        """A layer for an operator, or for a part of one; `arrays` are the tensors that it stores."""
        name = self.names.get(id(node), "")
        if part:
            name = f"{name.rstrip('/')}/{part}" if name.strip("/") else ""
        kept = {key: array for key, array in (arrays or {}).items() if array is not None}
        owner = self.owner(kind, options, kept)
        value = self.builder.add(name, kind, options, reads, at=place(node), weights_of=owner)
        if kept and owner is None:
            self.owners.setdefault(self.key(kind, kept), value)
        self.stored.update({(value, key): array for key, array in kept.items()})
        return value

    def key(self, kind: str, arrays: Mapping[str, Constant]) -> tuple[Any, ...]:
        return (kind, *((name, array.root) for name, array in arrays.items()))

    def owner(self, kind: str, options: Mapping[str, Any] | None, arrays: Mapping[str, Constant]) -> int | None:
        """The layer whose weights a layer uses: it stores the same tensors.

        Exporters store equal tensors once, and a fresh network's norms are all equal: vectors alone say something
        where they differ from each other, and within.
        """
        value = self.owners.get(self.key(kind, arrays)) if arrays else None
        if value is None or not all(array.root for array in arrays.values()):
            return None
        owner = self.builder.nodes[value - len(self.builder.inputs)]
        layer = self.builder.layer(kind, options or {})
        ours, theirs = vars(layer), vars(owner.layer)
        if any(ours[name] != theirs[name] for name in ours if name not in OF_ITS_OWN):
            return None
        if all(sum(n > 1 for n in array.dims) < 2 for array in arrays.values()):
            alike = len({array.root for array in arrays.values()}) < len(arrays)
            if alike or any(array.number() is not None for array in arrays.values()):
                return None
        return value

    def map(self, node: NodeData, tensor: Tensor) -> int:
        """The value of the map that a tensor is, moved about where its axes are not in their places."""
        from cnncalc.interop.onnx.read.shape import settled

        return settled(self, node, tensor).value

    def following(self, node: NodeData, operator: str) -> NodeData | None:
        """The one operator that reads a result, if it is this one and the result goes nowhere else."""
        name = node.outputs[0]
        found = self.readers.get(name, [])
        if len(found) != 1 or name in self.outputs or found[0].operator != operator or found[0].domain:
            return None
        return found[0]


MOST_AXES = 32
MEANINGLESS = (
    "",
    "main_graph",
    "torch-jit-export",
    "torch_jit",
    "tf2onnx",
    "graph",
    "model",
    "network",
    "main",
    "onnx",
)
NOT_FOLDED = ("If", "Loop", "Scan", "RandomNormal", "RandomUniform", "RandomNormalLike", "RandomUniformLike")
