"""An ONNX file as data: nodes, tensors and descriptions of values, without the values of weights.

The messages are those of onnx.proto, version 1.16; the numbers of their fields stand beside what they are. The file
is mapped, not read: of a model of 500 MB the pages that hold its structure are touched, and no others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from cnncalc.interop.onnx.read.wire import LONGEST_TEXT, MOST_FIELDS, Bytes, Span, WireError, float32, sign
from cnncalc.language import _

DEEPEST = 8  # graphs inside each other
# TensorProto.DataType: names that NumPy knows, and bytes of a value
TYPES = {
    1: ("float32", 4), 2: ("uint8", 1), 3: ("int8", 1), 4: ("uint16", 2), 5: ("int16", 2), 6: ("int32", 4),
    7: ("int64", 8), 9: ("bool", 1), 10: ("float16", 2), 11: ("float64", 8), 12: ("uint32", 4), 13: ("uint64", 8),
    16: ("bfloat16", 2), 17: ("float8", 1), 18: ("float8", 1), 19: ("float8", 1), 20: ("float8", 1),
}  # fmt: skip


# Where torch.export's writer says what a tensor is: of the module itself, and of what was worked out of others.
ORIGINS = ("pkg.torch.export.graph_signature.InputSpec.kind", "pkg.onnxscript.optimizer.folded_from")
SIGNATURE = "pkg.torch.export.ExportedProgram.graph_signature"
LONGEST_SIGNATURE = 10_000_000  # bytes: a line for each tensor of a module


class TensorData(NamedTuple):
    """A stored tensor: where its values stand, and not what they are."""

    name: str
    dims: tuple[int, ...]
    dtype: int
    raw: Span | None
    packed: tuple[tuple[int, Any], ...]  # (field, span or number): values that stand in fields of their own
    external: Mapping[str, str] | None  # location, offset, length


class ValueInfo(NamedTuple):
    """An input or output: its name and shape; a dimension is a number, or a text, or None where nothing is said."""

    name: str
    shape: tuple[int | str | None, ...] | None
    dtype: int
    origin: str = ""  # PARAMETER, or the names that it was worked out of: torch.export writes them


class NodeData(NamedTuple):
    """An operator."""

    name: str
    operator: str
    domain: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any]
    scopes: tuple[str, ...] = ()  # of the modules that it came from: torch.export writes them


class GraphData(NamedTuple):
    """A graph: its operators in order, the tensors that it stores, and what is said of its values."""

    name: str
    nodes: list[NodeData]
    tensors: dict[str, TensorData]
    inputs: list[ValueInfo]
    outputs: list[ValueInfo]
    values: dict[str, ValueInfo]
    signature: str = ""  # what torch.export says of the module's tensors


class FunctionData(NamedTuple):
    """An operator that the model defines itself."""

    name: str
    domain: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    nodes: list[NodeData]
    defaults: Mapping[str, Any]  # of the attributes that a call may leave out


class ModelData(NamedTuple):
    """A model: the operator sets by their domains, and the functions that it defines by domain and name."""

    ir_version: int
    opsets: Mapping[str, int]
    producer: str
    graph: GraphData | None
    functions: Mapping[tuple[str, str], FunctionData]


def place(node: NodeData) -> str:
    """Where an operator stands: by its name, or by what comes out of it."""
    shown = node.name or (node.outputs[0] if node.outputs else "")
    return _("node '{name}' ({operator})", name=shown[:80], operator=node.operator[:40])


class Reference(NamedTuple):
    """An attribute that is given when a function is called."""

    name: str


class Parser:
    """Reads messages; `most` operations at most. The numbers are those of the fields in onnx.proto."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.nodes = 0

    def model(self, span: Span) -> ModelData:
        """A ModelProto."""
        version, producer, graph = 0, "", None
        opsets: dict[str, int] = {}
        functions = {}
        for number, value in span.fields():
            if number == 1:
                version = whole(value)
            elif number == 2:
                producer = text(value)
            elif number == 7:
                graph = self.graph(message(value))
            elif number == 8:
                domain, opset = "", 0
                for inner, part in message(value).fields():
                    if inner == 1:
                        domain = text(part)
                    elif inner == 2:
                        opset = whole(part)
                # "ai.onnx" is the long name of the empty domain.
                opsets["" if domain == "ai.onnx" else domain] = opset
            elif number == 25:
                function = self.function(message(value))
                functions[function.domain, function.name] = function
        return ModelData(version, opsets, producer, graph, functions)

    def graph(self, span: Span, depth: int = 0) -> GraphData:
        """A GraphProto, which may stand in an attribute: of If or Loop."""
        if depth > DEEPEST:
            raise WireError(_("graphs are nested more than {deepest} deep", deepest=DEEPEST), span.start)
        found = GraphData("", [], {}, [], [], {})
        name = ""
        for number, value in span.fields():
            if number == 1:
                found.nodes.append(self.node(message(value), depth))
            elif number == 2:
                name = text(value)
            elif number in (5, 15):
                # 5 is `initializer`, 15 `sparse_initializer`.
                for stored in stored_tensors(number, message(value)):
                    found.tensors[stored.name] = stored
            elif number == 11:
                found.inputs.append(describe(message(value)))
            elif number == 12:
                found.outputs.append(describe(message(value)))
            elif number == 13:
                info = describe(message(value))
                found.values[info.name] = info
            elif number == 16 and entry_of(message(value), SIGNATURE):
                found = found._replace(signature=entry_of(message(value), SIGNATURE, LONGEST_SIGNATURE))
        return found._replace(name=name)

    def node(self, span: Span, depth: int) -> NodeData:
        """A NodeProto."""
        self.nodes += 1
        if self.nodes > self.most:
            raise WireError(_("the network has more than {max_operations:,} operations", max_operations=self.most), 0)
        name = operator = domain = ""
        inputs, outputs = [], []
        attributes: dict[str, Any] = {}
        scopes: tuple[str, ...] = ()
        for number, value in span.fields():
            if number == 1:
                inputs.append(text(value))
            elif number == 2:
                outputs.append(text(value))
            elif number == 3:
                name = text(value)
            elif number == 4:
                operator = text(value)
            elif number == 5:
                key, content = self.attribute(message(value), depth)
                attributes[key] = content
            elif number == 7:
                domain = text(value)
            # 9 is `metadata_props`, which is where torch.export says modules.
            elif number == 9:
                content = entry_of(message(value), "pkg.torch.onnx.name_scopes")
                if content:
                    scopes = tuple(part.strip(" '\"") for part in content.strip("[]").split(","))
        domain = "" if domain == "ai.onnx" else domain
        return NodeData(name, operator, domain, tuple(inputs), tuple(outputs), attributes, scopes)

    def attribute(self, span: Span, depth: int) -> tuple[str, Any]:
        """(name, value): a number, a text, a tensor, a graph, a list of numbers or texts."""
        name, kind = "", 0
        value: Any = None
        lists: dict[int, list[Any]] = {7: [], 8: [], 9: []}
        for number, part in span.fields():
            if number == 1:
                name = text(part)
            elif number in SINGLE:
                value = SINGLE[number](part)
            elif number == 6:
                value = self.graph(message(part), depth + 1)
            elif number == 7:
                lists[7] += floats(part)
            elif number == 8:
                lists[8] += numbers(part)
            elif number == 9:
                lists[9].append(text(part))
            elif number == 20:
                kind = whole(part)
        # proto3 leaves out a field that is 0.
        if value is None and kind in NOTHING:
            value = NOTHING[kind]
        # An empty list leaves no field behind: where the type is said, it decides.
        listed = {6: 7, 7: 8, 8: 9}.get(kind) or next((n for n, found in lists.items() if found), None)
        return name, tuple(lists[listed]) if listed and value is None else value

    def function(self, span: Span) -> FunctionData:
        """A FunctionProto."""
        name = domain = ""
        inputs, outputs, nodes = [], [], []
        defaults: dict[str, Any] = {}
        for number, value in span.fields():
            if number == 1:
                name = text(value)
            elif number == 4:
                inputs.append(text(value))
            elif number == 5:
                outputs.append(text(value))
            elif number == 7:
                nodes.append(self.node(message(value), 1))
            elif number == 10:
                domain = text(value)
            elif number == 11:
                key, content = self.attribute(message(value), 1)
                defaults[key] = content
        return FunctionData(name, domain, tuple(inputs), tuple(outputs), nodes, defaults)


# AttributeProto.AttributeType: what one without a value says, as some writers leave out zeros.
NOTHING: dict[int, Any] = {1: 0.0, 2: 0, 3: ""}
# Fields of an attribute that hold one value: a decimal, a whole number, a text, a tensor, the name of another.
SINGLE: dict[int, Callable[[Any], Any]] = {
    2: lambda part: float32(fix(part)),
    3: lambda part: sign(whole(part)),
    4: lambda part: text(part),
    5: lambda part: tensor(message(part)),
    21: lambda part: Reference(text(part)),
}


def parse(data: Any, most: int) -> ModelData:
    """The model in these bytes. Raises WireError where they are none."""
    return Parser(most).model(Span(Bytes(data, [MOST_FIELDS]), 0, len(data)))


def stored_tensors(number: int, span: Span) -> list[TensorData]:
    """The tensor that stands in a graph; of a sparse one its values, which alone have a name."""
    if number == 5:
        return [tensor(span)]
    return [tensor(message(part)) for inner, part in span.fields() if inner == 1]


def tensor(span: Span) -> TensorData:
    """A TensorProto."""
    name, dtype, raw = "", 0, None
    dims: list[int] = []
    packed: list[tuple[int, Any]] = []
    external: dict[str, str] | None = None
    for number, value in span.fields():
        if number == 1:
            dims += numbers(value)
        elif number == 2:
            dtype = whole(value)
        elif number == 8:
            name = text(value)
        elif number == 9:
            raw = message(value)
        # Values in fields by their types, where they are not bytes as a whole.
        elif number in (4, 5, 6, 7, 10, 11):
            packed.append((number, value))
        elif number == 13:
            key, content = entry(message(value))
            external = {**(external or {}), key: content}
        # data_location EXTERNAL: without an entry it says no file, which is said when the values are asked for.
        elif number == 14 and whole(value) == 1:
            external = external or {}
    # 32 axes are the most that NumPy had before version 2.
    if any(n < 0 for n in dims) or len(dims) > 32:
        raise WireError(_("'{name}' is no tensor: its shape is {shape}", name=name[:40], shape=dims[:8]), span.start)
    return TensorData(name, tuple(dims), dtype, raw, tuple(packed), external)


def describe(span: Span) -> ValueInfo:
    """A ValueInfoProto, of a tensor."""
    name, dtype, origin = "", 0, ""
    shape: tuple[int | str | None, ...] | None = None
    for number, value in span.fields():
        if number == 1:
            name = text(value)
        elif number == 2:
            for kind, part in message(value).fields():
                if kind != 1:
                    continue
                for inner, content in message(part).fields():
                    if inner == 1:
                        dtype = whole(content)
                    elif inner == 2:
                        shape = tuple(dimension(message(d)) for n, d in message(content).fields() if n == 1)
        elif number == 4:
            origin = origin or next((found for key in ORIGINS if (found := entry_of(message(value), key))), "")
    return ValueInfo(name, shape, dtype, origin)


def dimension(span: Span) -> int | str | None:
    """A size, or the name of one that is open."""
    found: int | str | None = None
    for number, value in span.fields():
        if number == 1:
            found = sign(whole(value))
        elif number == 2:
            found = text(value) or None
    return found


def entry(span: Span) -> tuple[str, str]:
    """A key and its text."""
    fields = {number: text(value) for number, value in span.fields()}
    return fields.get(1, ""), fields.get(2, "")


def entry_of(span: Span, wanted: str, longest: int = LONGEST_TEXT) -> str:
    """The text of an entry with this key; empty for others, which are not read."""
    for number, value in span.fields():
        if number == 1 and text(value) != wanted:
            return ""
        if number == 2:
            return message(value).text(longest)
    return ""


# A field may be written as any of the wire's types: one that is not what onnx.proto says makes the file no model.


def message(value: Any) -> Span:
    """A field that is a message, a text, or a stretch of numbers."""
    if isinstance(value, Span):
        return value
    raise WireError(_("not a field of a model"), 0)


def text(value: Any) -> str:
    """A field that is a text."""
    return message(value).text()


def whole(value: Any) -> int:
    """A field that is a whole number."""
    if isinstance(value, int):
        return value
    raise WireError(_("not a field of a model"), 0)


def fix(value: Any) -> bytes:
    """A field of 4 or 8 bytes."""
    if isinstance(value, bytes):
        return value
    raise WireError(_("not a field of a model"), 0)


def numbers(value: Any) -> list[int]:
    """Whole numbers: one, or several without keys between them."""
    return [sign(n) for n in value.varints()] if isinstance(value, Span) else [sign(whole(value))]


def floats(value: Any) -> list[float]:
    """Decimals: one, or several without keys between them."""
    if not isinstance(value, Span):
        return [float32(fix(value))]
    value.spend(len(value) // 4)
    raw = value.bytes()
    return [float32(raw[i : i + 4]) for i in range(0, len(raw) - 3, 4)]
