"""An ONNX model as a graph. The package `onnx` is not needed, nothing of the model is run, no weight is read.

The file is walked over (file.py), functions of its own are taken apart (functions.py), what exporters write as several
operators and people call by one name is put together (fusion.py), what they compute of shapes is folded (folding.py).
Then each operator is read by a small function (table.py), which adds layers to the network (network.py) and says how
the axes of its result lie (layout.py).
"""

from __future__ import annotations

import mmap
import os
import stat
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from cnncalc.errors import CnncalcError
from cnncalc.graph import Graph
from cnncalc.interop.builder import UnfitOptionError
from cnncalc.interop.faults import fault_text, say_fault
from cnncalc.interop.onnx.read import unread
from cnncalc.interop.onnx.read.branches import most_readings, open_branches
from cnncalc.interop.onnx.read.constants import Constant, NotKnownError, UnreadError
from cnncalc.interop.onnx.read.file import GraphData, ModelData, NodeData, TensorData, ValueInfo, parse, place
from cnncalc.interop.onnx.read.folding import fold
from cnncalc.interop.onnx.read.functions import inline, keep_needed
from cnncalc.interop.onnx.read.fusion import fuse
from cnncalc.interop.onnx.read.inputs import read_inputs
from cnncalc.interop.onnx.read.layout import MOST_AXES, Tensor, in_order, plain
from cnncalc.interop.onnx.read.names import find_modules, name_operators
from cnncalc.interop.onnx.read.network import NEWEST, Network, NotReadError, Value
from cnncalc.interop.onnx.read.places import as_map
from cnncalc.interop.onnx.read.quantised import as_decimals
from cnncalc.interop.onnx.read.remarks import count_folded_norms, count_left_out, remarks
from cnncalc.interop.onnx.read.shared import find_split_biases
from cnncalc.interop.onnx.read.table import reader_of
from cnncalc.interop.onnx.read.trained import FLOATS, stores_tensors
from cnncalc.interop.onnx.read.wire import WireError
from cnncalc.interop.refusals import unusable_file
from cnncalc.language import _, reason_of
from cnncalc.layers.base import shape_text
from cnncalc.spec import MAX_OPERATIONS

# What gives other values each time, or has graphs inside, is nothing that could be worked out.
NOT_FOLDED = ("If", "Loop", "Scan", "RandomNormal", "RandomUniform", "RandomNormalLike", "RandomUniformLike")
DOMAINS = ("", "com.microsoft")


def read(spec: str, *, inputs: Mapping[str, Any], max_operations: int, allow_unknown: bool = False) -> Graph:
    """The graph of an ONNX file. `inputs` are shapes that outrank the model's; raises SpecError."""
    net = read_network(spec, inputs=inputs, max_operations=max_operations, forgiving=allow_unknown)
    net.builder.remarks += remarks(net)
    return net.builder.graph(allow_unknown=allow_unknown)


def weights(spec: str, graph: Graph) -> Mapping[str, Any]:
    """The weights of a model as the layers of its graph store them, read when they are asked for.

    Raises CnncalcError where the graph has layers whose weights the model does not hold in a form that is known.
    """
    from cnncalc.interop.onnx.read.weights import Stored

    shapes = {name: shape_text(shape) for name, shape in graph.inputs.items()}
    # The graph may have been read on another input: the layers must come out the same here.
    given = {"": next(iter(shapes.values()))} if len(shapes) == 1 else shapes
    net = read_network(spec, inputs=given, max_operations=MAX_OPERATIONS, forgiving=True)
    return Stored(net.builder, net.stored, graph)


def read_bytes(data: bytes, name: str) -> Graph:
    """The graph of a model that is in no file yet. Raises SpecError."""
    net = read_network(name, inputs={}, max_operations=MAX_OPERATIONS, forgiving=False, data=data)
    net.builder.remarks += remarks(net)
    return net.builder.graph(allow_unknown=False)


def read_network(
    spec: str, *, inputs: Mapping[str, Any], max_operations: int, forgiving: bool, data: bytes | None = None
) -> Network:
    """The model read: its builder has the network, and `stored` says where the weights are.

    forgiving  operators that contradict what enters them become unknown ones
    data       the bytes, where they are in no file
    """
    data = map_file(spec) if data is None else data
    try:
        model = parse(data, max_operations)
        if model.graph is None or not (model.graph.nodes or model.graph.outputs):
            raise WireError(_("it holds no graph"), 0)
        decided: dict[tuple[str, ...], bool] = {}
        for reading in range(most := most_readings(model.graph)):
            before = len(decided)
            net = Network(spec, model, max_operations)
            net.decided = decided
            net.builder.forgiving = forgiving
            check_operator_set(net, model)
            try:
                read_graph(net, model, open_branches(model.graph, decided), inputs, max_operations)
            except CnncalcError:
                # Behind an `If` that is open yet, what is wrong may be no more when its branch stands there.
                if len(decided) == before or reading == most - 1:
                    raise
            if len(decided) == before:
                break
        net.opened = before
    except WireError as error:
        raise unusable_file(spec, *not_a_model(bytes(data[:64]), error)) from None
    except RecursionError:
        raise unusable_file(spec, _("functions of the model are nested too deep")) from None
    except CnncalcError:
        raise
    except Exception as error:
        say_fault(error)
        raise unusable_file(spec, _("cannot be read: {reason}", reason=fault_text(error))) from None
    return net


def map_file(spec: str) -> Any:
    """The bytes of a file, none of which is read yet. Raises SpecError."""
    try:
        if not stat.S_ISREG(os.stat(spec).st_mode):  # a pipe would be waited for
            raise unusable_file(spec, _("this is no file"))
        with open(spec, "rb") as file:
            return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except ValueError:
        raise unusable_file(spec, _("the file is empty")) from None
    except OSError as error:
        raise unusable_file(spec, _("cannot be read: {reason}", reason=reason_of(error))) from None


def not_a_model(head: bytes, error: WireError) -> tuple[str, str | None]:
    """(problem, hint) for a file that is no ONNX model."""
    # The commonest file that looks like a model and is none.
    if head.startswith(b"version https://git-lfs"):
        return _("this is a pointer of Git LFS, not the model"), _("git lfs pull")
    if not error.place:
        return error.problem, None
    return _(
        "not an ONNX model, or not all of one: {problem} (byte {place:,})", problem=error.problem, place=error.place
    ), None


def check_operator_set(net: Network, model: ModelData) -> None:
    """An operator set that is newer than what is known here is read, and said."""
    if "" in model.opsets and net.opset < 1:
        net.builder.fail("", _("operator set {opset} is not read: 1 is the first", opset=net.opset))
    if net.opset > NEWEST:
        text = _("operator set {opset} is newer than {newest}, the last that is known here", opset=net.opset,
                 newest=NEWEST)  # fmt: skip
        net.builder.remarks.append(text)


def read_graph(net: Network, model: ModelData, graph: GraphData, inputs: Mapping[str, Any], most: int) -> None:
    """All operators that an output depends on, in their order."""
    for name, stored in graph.tensors.items():
        net.values[name] = net.constant(stored, name)
    # The order of these passes matters: functions are opened before operators are put together, and what nobody reads
    # is left out before names are given.
    nodes, constants = inline(graph.nodes, model.functions, most, net.builder)
    nodes = as_decimals(nodes, graph)
    read_constants(net, constants, stores_tensors(graph))
    fused = [unread.watch(node) for node in fuse([unread.watch(node) for node in nodes], graph, net.number_of)]
    nodes = keep_needed(fused, graph)
    net.left_out = count_left_out(net, fused, nodes)
    for node in nodes:
        for name in dict.fromkeys(node.inputs):
            net.readers.setdefault(name, []).append(node)
    net.outputs = {info.name for info in graph.outputs}
    fold_ahead(net, nodes)
    net.split = find_split_biases(nodes, net.values, net.readers)
    net.folded_norms = count_folded_norms(nodes, by_pytorch=net.by_pytorch)
    modules = find_modules(nodes)
    # An operator without a name is called after its result, which says nothing of a module.
    net.modules = {id(node): name for node, name in zip(nodes, modules, strict=True) if node.name or node.scopes}
    net.names = dict(zip(map(id, nodes), name_operators(nodes, modules), strict=True))
    read_inputs(net, [info for info in graph.inputs if info.name not in graph.tensors], inputs)
    declared = {**graph.values, **{info.name: info for info in graph.outputs}}
    for node in nodes:
        read_operator(net, node, declared)
    for info in graph.outputs:
        value = net.values.get(info.name)
        if isinstance(value, Tensor):
            leave(net, value, nodes)


def fold_ahead(net: Network, nodes: Sequence[NodeData]) -> None:
    """What operators make of constants alone, first: readers look at what stands behind their operator."""
    for node in nodes:
        known = [net.values.get(name) for name in node.inputs if name]
        if node.operator in NOT_FOLDED or not known or not all(isinstance(value, Constant) for value in known):
            continue
        given = [net.values[name] if name else None for name in node.inputs]
        with suppress(NotKnownError, WireError):
            constants = [v for v in given if not isinstance(v, Tensor)]
            found = fold(node.operator, constants, attributes_of(net, node), len(node.outputs))
            if node.operator == "Identity":
                found = [found[0].rename(node.outputs[0])]
            net.values.update((name, value) for name, value in zip(node.outputs, found, strict=False) if name)


def attributes_of(net: Network, node: NodeData) -> dict[str, Any]:
    """The attributes of an operator, tensors among them as constants."""
    return unread.Attributes(
        {k: net.constant(value) if isinstance(value, TensorData) else value for k, value in node.attributes.items()}
    )


def read_constants(net: Network, constants: Sequence[NodeData], tensors_apart: bool) -> None:
    """The operators Constant. They are weights where the file stores none apart."""
    for node in constants:
        name = node.outputs[0]
        found = constant_of(net, node)
        if not tensors_apart and found.dims and found.name:
            found.roots = (name,)
        net.values[name] = found


def constant_of(net: Network, node: NodeData) -> Constant:
    """The value of a Constant; `name` is kept for one of decimals."""
    import numpy as np

    from cnncalc.interop.onnx.read.constants import constant

    # Which attribute it is depends on the operator set: tensors since 1, single numbers and lists since 12.
    for key, value in node.attributes.items():
        if isinstance(value, TensorData):
            found = net.constant(value)
            found.name = node.outputs[0] if value.dtype in FLOATS else ""
            return found
        if key in ("value_int", "value_ints") and value is not None:
            return constant(np.array(value, np.int64))
        if key in ("value_float", "value_floats") and value is not None:
            return constant(np.array(value, np.float32))
    raise WireError(_("{place}: not a constant that is read", place=place(node)), 0)


def leave(net: Network, x: Tensor, nodes: Sequence[NodeData]) -> None:
    """A result that leaves: in its places, unless only its channels stand last, or sizes of 1 are gone."""
    shape = net.shape(x)
    # A result may leave with its channels last, as it was computed: no layer is added for a layout that nobody sees.
    last = (*plain(shape, 1)[2:], *plain(shape, 1)[1:2])
    ones = in_order(x.axes or ()) and [n for n in x.dims()[1:] if n > 1] == [n for n in shape if n > 1]
    if x.axes is not None and x.axes[1:] != last and not ones:
        with suppress(NotReadError):
            x = Tensor(as_map(net, nodes[-1], x), None)
    if x.value >= len(net.builder.inputs):
        net.builder.output(x.value)


def read_operator(net: Network, node: NodeData, declared: Mapping[str, ValueInfo]) -> None:
    """One operator: its results get values."""
    for name in node.inputs:
        if name and name not in net.values:
            net.refuse(node, _("it reads '{name}', which nothing before it gives", name=name[:60]))
    if node.outputs and all(name in net.values for name in node.outputs if name):
        return  # worked out ahead
    given = [net.values[name] if name else None for name in node.inputs]
    found: Sequence[Value]
    # A layer before it has taken it in: a bias, say. What it says besides may still make it another operator.
    if node.outputs and node.outputs[0] in net.absorbed:
        found = [net.values[net.absorbed[node.outputs[0]]]]
        left = unread.unread_attribute(node.operator, node.attributes)
        if left:
            found = [unknown(net, node, declared_dims(net, declared.get(node.outputs[0])), left)]
    elif all(value is None or isinstance(value, Constant) for value in given) and node.operator not in NOT_FOLDED:
        found = fold_operator(net, node, [value for value in given if not isinstance(value, Tensor)])
    elif any(isinstance(value, Tensor) and value.axes is None for value in given):
        found = [open_behind(net, node, name, declared) for name in node.outputs]
    else:
        found = handle(net, node, declared)
    found = [*found, *not_given(net, node, len(found), declared)]
    for name, value in zip(node.outputs, found, strict=False):
        if not name:
            continue
        net.values[name] = value
        if isinstance(value, Tensor):
            # Each Unsqueeze adds an axis: a file of a million of them would fill memory.
            if len(value.axes or ()) > MOST_AXES:
                net.refuse(node, _("a tensor of more than {most} axes", most=MOST_AXES))
            net.movers.setdefault((value.value, value.axes), node)
        check_shape(net, node, value, declared.get(name))


def not_given(net: Network, node: NodeData, first: int, declared: Mapping[str, ValueInfo]) -> list[Value]:
    """Results that a reader did not give: unknown where somebody asks for them."""
    # Dropout's mask and a pool's indices are outputs that hardly anybody reads.
    asked = [i for i, name in enumerate(node.outputs) if name and (name in net.readers or name in net.outputs)]
    if not asked or asked[-1] < first:
        return []
    results: list[Value] = []
    for i, name in enumerate(node.outputs[first:], start=first):
        reason = _("its result {i} is not read", i=1 + i)
        results.append(unknown(net, node, declared_dims(net, declared.get(name)), reason))
    return results


def fold_operator(net: Network, node: NodeData, given: Sequence[Constant | None]) -> Sequence[Value]:
    """An operator on constants alone."""
    try:
        found = fold(node.operator, given, attributes_of(net, node), len(node.outputs))
    except UnreadError as error:
        return [unknown(net, node, None, error.reason) for _name in node.outputs]
    except NotKnownError:
        reason = _("what it makes of constants is not worked out here")
        return [unknown(net, node, None, reason) for _name in node.outputs]
    if node.operator == "Identity":
        return [found[0].rename(node.outputs[0])]
    return found


def handle(net: Network, node: NodeData, declared: Mapping[str, ValueInfo]) -> Sequence[Value]:
    """An operator that computes, by its reader. Whatever goes wrong in there is said at the operator.

    What it was about to add is taken back, so that nothing of a reader that failed stays.
    """
    reader = reader_of(node.operator) if node.domain in DOMAINS else None
    dims: tuple[int, ...] | None = None
    reason = ""
    if reader is not None:
        # Readers look ahead and add layers before they find what they cannot read.
        before = net.mark()
        unread.start(node)
        try:
            found = reader(net, node)
            reason = unread.find_unread(node)
            if not reason:
                return found if isinstance(found, list) else [found]
            if not isinstance(found, list) and isinstance(found, Tensor):
                dims = found.dims()
        except NotReadError as error:
            dims, reason = error.dims, error.reason
        except NotKnownError:
            reason = _("one of its constants cannot be worked out here")
        except WireError as error:
            reason = error.problem
        except UnfitOptionError as error:
            reason = error.reason
        except CnncalcError as error:
            if not net.builder.forgiving:
                raise
            reason = str(error)
        except Exception as error:  # a fault of ours, or a file that breaks the rules of its operators
            say_fault(error)
            reason = fault_text(error)
        net.back_to(before)
    # The reason knows the shape of the first result alone.
    results = []
    for name in node.outputs:
        results.append(unknown(net, node, dims or declared_dims(net, declared.get(name)), reason))
        dims = None
    return results


def open_behind(net: Network, node: NodeData, name: str, declared: Mapping[str, ValueInfo]) -> Tensor:
    """What reads a value whose shape is not known is not known either, unless the model says its shape."""
    dims = declared_dims(net, declared.get(name))
    entering = [v.value for v in (net.values.get(i) for i in node.inputs) if isinstance(v, Tensor)]
    shape = None if dims is None or dims[0] != net.batch else dims[1:]
    return net.see(net.builder.open(net.names.get(id(node), ""), node.operator, entering, shape))


def unknown(net: Network, node: NodeData, dims: Sequence[int] | None, reason: str = "") -> Tensor:
    """A layer of which nothing is known, for an operator that is not read."""
    entering = [v.value for v in (net.values.get(i) for i in node.inputs) if isinstance(v, Tensor)]
    operator = f"{node.domain}.{node.operator}" if node.domain else node.operator
    shape = None if dims is None or not 2 <= len(dims) <= 5 or dims[0] != net.batch else dims[1:]
    name = net.names.get(id(node), "")
    return net.see(net.builder.unknown(name, operator, entering, shape, at=place(node), reason=reason))


def declared_dims(net: Network, info: ValueInfo | None) -> tuple[int, ...] | None:
    """The shape that the model says a value has, if it says all of it and the inputs are as declared."""
    if info is None or info.shape is None or not net.as_declared or not 2 <= len(info.shape) <= 5:
        return None
    # Only the samples may go by a name; with another name in it nothing is said.
    dims = [net.batch if not i and not isinstance(n, int) else n for i, n in enumerate(info.shape)]
    return tuple(n for n in dims if isinstance(n, int)) if all(isinstance(n, int) and n > 0 for n in dims) else None


def check_shape(net: Network, node: NodeData, value: Value, info: ValueInfo | None) -> None:
    """Hold a shape against what the model says it is."""
    dims = declared_dims(net, info)
    if dims is None or not isinstance(value, Tensor) or value.axes is None or value.dims() == dims:
        return
    net.refuse(
        node,
        _("the model says that {said} comes out; {found} does", said=shape_text(dims), found=shape_text(value.dims())),
        _("the file contradicts itself, or the operator is read wrongly here"),
    )
