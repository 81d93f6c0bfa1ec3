"""Operators on whole numbers, as quantising tools write them, as the operators on the decimals that these stand for.

    x -> DynamicQuantizeLinear -> MatMulInteger, ConvInteger -> Cast -> Mul by both scales
    QLinearMatMul, and QGemm, QLinearAdd, ... of com.microsoft: each value with its scale and its zero

A stored tensor of whole numbers goes through a DequantizeLinear, which readers know; a value that is computed is the
decimal already. What is not of these forms stays as it is, and is refused by its name. Sources: the operators' pages at
onnx.ai/onnx/operators, and ContribOperators.md of ONNX Runtime.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from cnncalc.interop.onnx.read.file import GraphData, NodeData

MICROSOFT = "com.microsoft"


class Form(NamedTuple):
    """An operator on whole numbers: the one on decimals, and the inputs that are values, each before its scale."""

    operator: str
    values: tuple[int, ...]
    domain: str = MICROSOFT


# a, a_scale, a_zero, b, b_scale, b_zero, y_scale, y_zero: the values are inputs 0 and 3.
FORMS = {
    "QLinearMatMul": Form("MatMul", (0, 3), ""),
    "QGemm": Form("Gemm", (0, 3)),
    "QLinearAdd": Form("Add", (0, 3)),
    "QLinearMul": Form("Mul", (0, 3)),
    "QLinearGlobalAveragePool": Form("GlobalAveragePool", (0,)),
    "QLinearAveragePool": Form("AveragePool", (0,)),
    "QLinearSigmoid": Form("Sigmoid", (0,)),
    "QLinearLeakyRelu": Form("LeakyRelu", (0,)),
    "QLinearSoftmax": Form("Softmax", (0,)),
}
INTEGER = {"MatMulInteger": "MatMul", "ConvInteger": "Conv"}
SOFTMAX_OVER_ONE_AXIS = 13  # the operator set from which on Softmax is over one axis


def as_decimals(nodes: Sequence[NodeData], graph: GraphData) -> list[NodeData]:
    """The operators with those on whole numbers replaced, as far as their forms are known."""
    if not any(node.operator in FORMS or node.operator in INTEGER or node.operator in OTHERS for node in nodes):
        return list(nodes)
    found = Rewriting(nodes, graph)
    for node in nodes:
        if node.operator in INTEGER and not node.domain:
            found.read_integer(node)
        elif node.operator in OTHERS and node.domain == MICROSOFT:
            OTHERS[node.operator](found, node)
        elif node.operator in FORMS and node.domain in (FORMS[node.operator].domain, MICROSOFT):
            found.read_form(node, FORMS[node.operator])
    return found.result()


class Rewriting:
    """The operators of a graph, and those that come in place of some."""

    def __init__(self, nodes: Sequence[NodeData], graph: GraphData) -> None:
        self.nodes = nodes
        self.tensors = graph.tensors
        self.makers = {name: node for node in nodes for name in node.outputs}
        self.readers = {name: node for node in nodes for name in node.inputs}  # one of them, for those with one
        self.uses = Counter(name for node in nodes for name in node.inputs if name)
        self.left = {info.name for info in graph.outputs}
        self.uses.update(self.left)
        self.new: dict[int, list[NodeData]] = {}  # by the operator that they stand for

    def result(self) -> list[NodeData]:
        """The operators, without those whose results nobody reads any more."""
        found = [made for node in self.nodes for made in self.new.get(id(node), [node])]
        read, kept = self.left, []
        # From the end: what only a dropped operator has read is dropped, too.
        for node in reversed(found):
            wasted = any(self.uses[name] for name in node.outputs) and not any(name in read for name in node.outputs)
            if not wasted:
                read.update(node.inputs)
                kept.append(node)
        return kept[::-1]

    def decimal(self, node: NodeData, i: int, made: list[NodeData], scale: str = "", axis: int = 1) -> str:
        """The name of an input as a decimal: of a stored tensor, what an operator in front makes of it."""
        name, zero = node.inputs[i], node.inputs[i + 2] if i + 2 < len(node.inputs) else ""
        if name not in self.tensors:
            return name
        return self.stand_for(name, scale or node.inputs[i + 1], zero, made, axis)

    def stand_for(self, name: str, scale: str, zero: str, made: list[NodeData], axis: int = 1) -> str:
        """An operator that makes decimals of a stored tensor; their name."""
        inputs = (name, scale, zero) if zero else (name, scale)
        result = f"{name}/decimals/{len(self.new)}"
        made.append(NodeData("", "DequantizeLinear", "", inputs, (result,), {"axis": axis}))
        return result

    def read_form(self, node: NodeData, form: Form) -> None:
        """Values with a scale and a zero each."""
        if len(node.inputs) < 3 * len(form.values):
            return
        made: list[NodeData] = []
        inputs = [self.decimal(node, i, made) for i in form.values]
        # Of com.microsoft's own: no channels behind the places, which the operators on decimals do not know.
        attributes = dict(node.attributes)
        if not attributes.get("channels_last"):
            attributes.pop("channels_last", None)
        # QLinearSoftmax remembers the set of its Softmax: before 13 that took all axes from `axis` on for one.
        if attributes.get("opset", 0) >= SOFTMAX_OVER_ONE_AXIS:
            attributes.pop("opset")
        if form.operator == "Gemm" and len(node.inputs) > 6 and node.inputs[6]:  # the bias has both scales
            scale = f"{node.inputs[6]}/scale/{len(self.new)}"
            made.append(NodeData("", "Mul", "", (node.inputs[1], node.inputs[4]), (scale,), {}))
            inputs.append(self.stand_for(node.inputs[6], scale, "", made, axis=0))
        self.put(node, made, form.operator, inputs, attributes)

    def read_integer(self, node: NodeData) -> None:
        """A product of whole numbers, made of decimals right before and made decimals right behind."""
        before = self.makers.get(node.inputs[0])
        weight = node.inputs[1] if len(node.inputs) > 1 else ""
        adding = self.one_behind(node, "Add")
        bias = self.bias_of(adding, node) if adding else ""
        cast = self.one_behind(adding if adding and bias else node, "Cast")
        scaling = self.one_behind(cast, "Mul") if cast else None
        if before is None or before.operator != "DynamicQuantizeLinear" or cast is None or scaling is None:
            return
        other = next((name for name in scaling.inputs if name != cast.outputs[0]), "")
        both = self.makers.get(other)
        if both is None or both.operator != "Mul" or before.outputs[1] not in both.inputs or weight not in self.tensors:
            return
        scale = next((name for name in both.inputs if name != before.outputs[1]), "")
        zero = node.inputs[3] if len(node.inputs) > 3 else ""
        if scale not in self.tensors:
            return
        made: list[NodeData] = []
        # One scale for each filter: the first axis of Conv's weights, the columns of MatMul's.
        axis = 0 if node.operator == "ConvInteger" else 1
        inputs = [before.inputs[0], self.stand_for(weight, scale, zero, made, axis)]
        if bias:
            inputs.append(bias)
        self.put(scaling, made, INTEGER[node.operator], inputs, dict(node.attributes), node)

    def bias_of(self, adding: NodeData, node: NodeData) -> str:
        """The stored tensor of decimals that was made whole by the scale of the product, as old tools add it."""
        name = next((name for name in adding.inputs if name != node.outputs[0]), "")
        for operator in ("Reshape", "Cast", "Floor", "Div"):
            maker = self.makers.get(name)
            if maker is None or maker.operator != operator:
                return ""
            name = maker.inputs[0]
        return name if name in self.tensors else ""

    def one_behind(self, node: NodeData, operator: str) -> NodeData | None:
        """The only reader of a result, if it is this operator."""
        name = node.outputs[0]
        found = self.readers.get(name) if self.uses[name] == 1 else None
        return found if found is not None and found.operator == operator and not found.domain else None

    def read_concat(self, node: NodeData) -> None:
        """The scale and zero of the result come first, then each value with its own."""
        made: list[NodeData] = []
        if len(node.inputs) < 5 or len(node.inputs) % 3 != 2:
            return
        inputs = [self.decimal(node, i, made) for i in range(2, len(node.inputs), 3)]
        self.put(node, made, "Concat", inputs, dict(node.attributes))

    def read_lstm(self, node: NodeData) -> None:
        """Its matrices stand with their columns first: (directions, inputs, rows of all gates)."""
        if len(node.inputs) < 12 or any(len(self.dims(node.inputs[i])) != 1 for i in (8, 10)):
            return
        if node.inputs[1] not in self.tensors or node.inputs[2] not in self.tensors:
            return
        made: list[NodeData] = []
        inputs = list(node.inputs[:8])
        # 1 and 2 are W and R; 8 and 9 the scale and zero of W, 10 and 11 those of R.
        for i, at in ((1, 8), (2, 10)):
            decimal = self.stand_for(node.inputs[i], node.inputs[at], node.inputs[at + 1], made, axis=0)
            inputs[i] = f"{decimal}/turned"
            made.append(NodeData("", "Transpose", "", (decimal,), (inputs[i],), {"perm": (0, 2, 1)}))
        self.put(node, made, "LSTM", inputs, dict(node.attributes))

    def dims(self, name: str) -> tuple[int, ...]:
        return self.tensors[name].dims if name in self.tensors else ()

    def put(
        self,
        node: NodeData,
        made: list[NodeData],
        operator: str,
        inputs: Sequence[str],
        attributes: dict[str, object],
        named: NodeData | None = None,
    ) -> None:
        """An operator in the place of one, with its results; `named` after another."""
        name = (named or node).name.removesuffix("_quant")
        whole = NodeData(name, operator, "", tuple(inputs), node.outputs, attributes, node.scopes)
        self.new[id(node)] = [*made, whole]


OTHERS = {"QLinearConcat": Rewriting.read_concat, "DynamicQuantizeLSTM": Rewriting.read_lstm}
