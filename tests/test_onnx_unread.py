"""What an ONNX operator says and nobody reads is refused by its name, whatever operator it is."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from onnx_bytes import Model, attribute, part, whole

from cnncalc import SpecError, analyze, load
from cnncalc.interop.onnx.read import unread
from cnncalc.interop.onnx.read.table import OPERATORS

FULL = {"kernel_shape": [2, 2]}
# Operators with what they need besides the map x, (1, 4, 6, 6).
NEEDED: dict[str, tuple[Callable[[Model], Model], str, dict[str, Any]]] = {
    "Conv": (lambda m: m.weight("w", 4, 4, 3, 3), "x w", {}),
    "ConvTranspose": (lambda m: m.weight("w", 4, 4, 3, 3), "x w", {}),
    "Gemm": (lambda m: m.op("Flatten", "x", "f").weight("w", 144, 5), "f w", {}),
    "MatMul": (lambda m: m.weight("w", 6, 5), "x w", {}),
    "MaxPool": (lambda m: m, "x", FULL),
    "AveragePool": (lambda m: m, "x", FULL),
    "LpPool": (lambda m: m, "x", FULL),
    "Pow": (lambda m: m.number("n", 2), "x n", {}),
    "PRelu": (lambda m: m.weight("w", 4, 1, 1), "x w", {}),
    "BatchNormalization": (lambda m: m.weight("a", 4).weight("b", 4).weight("c", 4).weight("d", 4), "x a b c d", {}),
    "InstanceNormalization": (lambda m: m.weight("a", 4).weight("b", 4), "x a b", {}),
    "GroupNormalization": (lambda m: m.weight("a", 4).weight("b", 4), "x a b", {"num_groups": 2}),
    "LayerNormalization": (lambda m: m.weight("a", 6).weight("b", 6), "x a b", {}),
    "LRN": (lambda m: m, "x", {"size": 3}),
    "Concat": (lambda m: m.op("Relu", "x", "r"), "x r", {"axis": 1}),
    "Attention": (lambda m: m.op("Sqrt", "x", "r"), "x r r", {}),
    "Cast": (lambda m: m, "x", {"to": 1}),
    "Reshape": (lambda m: m.whole("s", 1, 4, 36), "x s", {}),
    "Squeeze": (lambda m: m.op("ReduceMean", "x", "r", axes=[3]).whole("s", 3), "r s", {}),
    "Unsqueeze": (lambda m: m.op("Flatten", "x", "f").whole("s", 2), "f s", {}),
    "Transpose": (lambda m: m, "x", {"perm": [0, 1, 3, 2]}),
    "SpaceToDepth": (lambda m: m, "x", {"blocksize": 2}),
    "DepthToSpace": (lambda m: m, "x", {"blocksize": 2}),
    "Split": (lambda m: m.whole("s", 2, 2), "x s", {"axis": 1}),
    "Slice": (lambda m: m.whole("a", 1).whole("b", 3).whole("c", 2), "x a b c", {}),
    "Gather": (lambda m: m.whole("i", 1, dims=()), "x i", {"axis": 1}),
    "Pad": (lambda m: m.whole("p", 0, 0, 1, 1, 0, 0, 1, 1), "x p", {}),
    "Resize": (
        lambda m: m.whole("s", 1, 4, 12, 12), "x - - s", {"mode": "linear"},
    ),
    "Expand": (lambda m: m.op("ReduceMean", "x", "r", axes=[3]).whole("s", 1, 4, 6, 6), "r s", {}),
    "Tile": (lambda m: m.whole("s", 1, 1, 2, 1), "x s", {}),
    "QuantizeLinear": (lambda m: m.number("s", 0.5), "x s", {}),
    "DequantizeLinear": (lambda m: m.number("s", 0.5), "x s", {}),
    "CastLike": (lambda m: m.number("s", 0.5), "x s", {}),
    "Einsum": (lambda m: m.op("Sqrt", "x", "q"), "x q", {"equation": "nchw,nchx->ncwx"}),
    **{
        operator: (lambda m: m.op("Sqrt", "x", "q"), "x q", {})
        for operator in ("Add", "Sum", "Mul", "Max", "Mean", "Sub", "Div", "Min", "Greater", "Less", "Equal",
                         "GreaterOrEqual", "LessOrEqual", "And", "Or")
    },
    "MaxUnpool": (
        lambda m: m.op("MaxPool", "x", "v places", kernel_shape=[2, 2], strides=[2, 2]), "v places",
        {"kernel_shape": [2, 2], "strides": [2, 2]},
    ),
    "DeformConv": (
        lambda m: m.weight("w", 4, 4, 3, 3).weight("v", 18, 4, 3, 3).op("Conv", "x v", "o"), "x w o", {},
    ),
    "GridSample": (
        lambda m: m.weight("v", 2, 4, 3, 3).op("Conv", "x v", "o").op("Transpose", "o", "t", perm=[0, 2, 3, 1]), "x t",
        {},
    ),
    "If": (lambda m: m.truth("c", holds=True), "c", dict.fromkeys(("then_branch", "else_branch"), Model().gives("x"))),
    "Where": (lambda m: m.op("Sqrt", "x", "q").op("Less", "x q", "c"), "c x q", {}),
}  # fmt: skip
# Numbers of shapes, sequences, and those that fusion.py makes: they are not by themselves in a model.
NOT_ALONE = ("Shape", "Size", "SplitToSequence", "SequenceAt", "QLinearConv", "Upsample", "RNN", "GRU", "LSTM")


def alone(operator: str, more: str = "", **options: Any) -> Model:
    """A model of one operator, and of what it needs; with inputs and attributes that it does not have."""
    make, inputs, own = NEEDED.get(operator, (lambda m: m, "x", {}))
    model = make(Model(1, 4, 6, 6, opset=13 if operator.startswith("Reduce") else 21)).number("more", 1.0)
    model.op(operator, f"{inputs} {more}", "made other" if operator == "Split" else "made", **own, **options)
    return model.op("Relu", "made", "y")


SINGLE = sorted(op for op in OPERATORS if not op.startswith("cnncalc:") and op not in (*NOT_ALONE, "Identity"))


@pytest.mark.parametrize("operator", SINGLE)
def test_an_attribute_that_nobody_reads_is_refused_by_its_name(operator: str, tmp_path: Path) -> None:
    assert load(alone(operator).save(tmp_path), allow_unknown=False)
    path = alone(operator, to_come=3).save(tmp_path)
    with pytest.raises(SpecError) as caught:
        load(path)
    assert "the attribute to_come is 3" in str(caught.value)
    assert analyze(load(path, allow_unknown=True)).totals.left_out


@pytest.mark.parametrize("operator", sorted(set(SINGLE) - {"Sum", "Max", "Mean", "Min", "Concat", "Einsum"}))
def test_an_input_that_nobody_reads_is_refused_by_its_number(operator: str, tmp_path: Path) -> None:
    path = alone(operator, "- - - - - - more").save(tmp_path)
    with pytest.raises(SpecError) as caught:
        load(path)
    assert re.search(rf"this {operator} is not read here: its input \d+ is not read", str(caught.value))


def test_an_attribute_at_its_usual_value_is_no_obstacle(tmp_path: Path) -> None:
    """As PyTorch writes it beside every Resize, of whatever mode."""
    model = alone("Resize", cubic_coeff_a=-0.75, nearest_mode="floor", extrapolation_value=0.0)
    assert [row.kind for row in analyze(model.save(tmp_path))] == ["upsample", "relu"]
    other = alone("Resize", extrapolation_value=1.0).save(tmp_path)
    with pytest.raises(SpecError, match=r"the attribute extrapolation_value is 1\.0"):
        load(other)


def test_a_window_that_is_not_that_of_the_weights_is_refused(tmp_path: Path) -> None:
    path = alone("Conv", kernel_shape=[5, 5]).save(tmp_path)
    with pytest.raises(SpecError, match="the attribute kernel_shape is 5x5, and its weights are another window"):
        load(path)


def test_a_result_that_a_reader_does_not_give_is_refused_where_it_is_used(tmp_path: Path) -> None:
    model = Model(1, 4, 6, 6, opset=21).weight("a", 6).op("LayerNormalization", "x a", "n m")
    assert load(model.op("Relu", "n", "y").save(tmp_path))
    path = model.op("Mul", "m y", "z").save(tmp_path)
    path = Model.save(relabelled(model, "z"), tmp_path)
    with pytest.raises(SpecError, match="its result 2 is not read"):
        load(path)


def relabelled(model: Model, output: str) -> Model:
    from onnx_bytes import described

    model.output = part(12, described(output, None))
    return model


def test_an_addition_of_an_old_operator_set_lies_where_its_axis_says(tmp_path: Path) -> None:
    """`axis` and `broadcast`, before operator set 7: a vector for the rows, in front of the columns."""
    model = Model(1, 4, 6, 6, opset=6).weight("v", 6).op("Add", "x v", "y", broadcast=1, axis=2)
    [node] = load(model.save(tmp_path)).nodes
    assert (node.layer.kind, vars(node.layer)["per"]) == ("shift", "h")


def test_the_attributes_that_a_function_gives_itself_are_not_lost(tmp_path: Path) -> None:
    """The default of an attribute of a function of the model's own, which the call leaves out."""
    body = part(7, part(1, "a") + part(2, "b") + part(4, "LeakyRelu") + part(5, reference("alpha", "slope")))
    model = Model(1, 4, 6, 6).op("Leak", "x", "y", domain="own")
    own = part(1, "Leak") + part(4, "a") + part(5, "b") + part(10, "own") + body
    model.functions = part(25, own + part(11, attribute("slope", 0.5)))
    [node] = load(model.save(tmp_path)).nodes
    assert vars(node.layer)["alpha"] == 0.5


def reference(name: str, to: str) -> bytes:
    """An attribute that the caller of a function gives: `ref_attr_name`."""
    return part(1, name) + part(21, to) + whole(20, 1)


def test_every_operator_with_a_reader_is_tried() -> None:
    """Of those that stand in a model by themselves."""
    assert set(NEEDED) <= set(OPERATORS)
    assert len(SINGLE) > 60


@pytest.mark.onnx
def test_usual_values_are_those_of_the_operators_pages() -> None:
    onnx = pytest.importorskip("onnx", reason="no ONNX: pip install 'cnncalc[third-opinion]'")
    found: dict[str, set[Any]] = {}
    for schema in onnx.defs.get_all_schemas_with_history():
        if schema.domain or schema.name not in OPERATORS:
            continue
        for name, described in schema.attributes.items():
            value = described.default_value
            if name in unread.USUAL and value.name:
                given = onnx.helper.get_attribute_value(value)
                found.setdefault(name, set()).add(given.decode() if isinstance(given, bytes) else round(given, 6))
    assert all(values == {unread.USUAL[name]} for name, values in found.items())
    assert len(found) > 12
