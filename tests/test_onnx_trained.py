"""What counts as trained in an ONNX file: by a rule that never looks at values, and each stored tensor once.

The sums are by hand: what a PyTorch module that is exported so has as parameters.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from onnx_bytes import Model, part, tensor

import cnncalc
from cnncalc import SpecError, analyze, load, reference

Build = Callable[[Model, float | None], Model]
CONV = 4 * 4 * 3 * 3


def conv(m: Model) -> Model:
    return m.weight("w", 4, 4, 3, 3).op("Conv", "x w", "c", pads=[1, 1, 1, 1])


# name: (shape that enters, the model with tensors of one value or of different ones, parameters, kinds)
TRAINED: dict[str, tuple[tuple[int, ...], Build, int, str]] = {
    "a layer scale": (
        (1, 4, 6, 6), lambda m, v: conv(m).weight("g", 4, 1, 1, fill=v).op("Mul", "c g", "y"), CONV + 4, "conv scale",
    ),
    "a scale for each element": (
        (1, 4, 6, 6), lambda m, v: conv(m).weight("g", 1, 4, 6, 6, fill=v).op("Mul", "c g", "y"), 2 * CONV,
        "conv scale",
    ),
    "an embedding of places": (
        (1, 4, 6, 6), lambda m, v: conv(m).weight("p", 1, 4, 6, 6, fill=v).op("Add", "c p", "y"), 2 * CONV,
        "conv shift",
    ),
    "a scale along the rows": (
        (1, 4, 6, 5), lambda m, v: m.weight("g", 6, 1, fill=v).op("Mul", "x g", "y"), 6, "scale",
    ),
    "a bias that stands alone": (
        (1, 4, 6, 6), lambda m, v: m.op("Relu", "x", "r").weight("p", 4, 1, 1, fill=v).op("Add", "r p", "y"), 4,
        "relu shift",
    ),
    "a trained divisor": (
        (1, 4, 6, 6), lambda m, v: conv(m).weight("g", 4, 1, 1, fill=v).op("Div", "c g", "y"), CONV + 4, "conv scale",
    ),
    "a trained number that is taken away": (
        (1, 4, 6, 6), lambda m, v: conv(m).weight("g", 4, 1, 1, fill=v).op("Sub", "c g", "y"), CONV + 4, "conv shift",
    ),
    "one trained factor": (
        (1, 4, 6, 6), lambda m, v: m.weight("g", 1, fill=v).op("Mul", "x g", "y"), 1, "scale",
    ),
    "one trained factor of one channel": (
        (1, 1, 4, 4), lambda m, v: m.weight("g", 1, 1, 1, fill=v).op("Mul", "x g", "y"), 1, "scale",
    ),
    "a bias of a convolution": (
        (1, 4, 6, 6), lambda m, v: m.weight("w", 4, 4, 3, 3).weight("b", 4, fill=v).op("Conv", "x w b", "y"), CONV + 4,
        "conv",
    ),
    "a bias of one number": (
        (1, 8), lambda m, v: m.weight("w", 8, 5).weight("b", 1, fill=v).op("Gemm", "x w b", "y"), 41, "dense shift",
    ),
    "a bias that is added to a product": (
        (1, 8), lambda m, v: m.weight("w", 8, 5).weight("b", 5, fill=v).op("MatMul", "x w", "a").op("Add", "a b", "y"),
        45, "dense",
    ),
    "a slope for each channel": (
        (1, 4, 6, 6), lambda m, v: m.weight("a", 4, 1, 1, fill=v).op("PRelu", "x a", "y"), 4, "prelu",
    ),
    "a batch norm": (
        (1, 4, 6, 6),
        lambda m, v: m.weight("g", 4, fill=v).weight("b", 4, fill=v).weight("m", 4).weight("s", 4, fill=1)
        .op("BatchNormalization", "x g b m s", "y"),
        8, "batchnorm",
    ),
    "a layer norm without a bias": (
        (1, 4, 6, 6),
        lambda m, v: m.weight("g", 4, fill=v).op("Transpose", "x", "t", perm=[0, 2, 3, 1])
        .op("LayerNormalization", "t g", "n", axis=-1).op("Transpose", "n", "y", perm=[0, 3, 1, 2]),
        4, "layernorm scale",
    ),
    "a group norm put together": (
        (1, 6, 5, 5),
        lambda m, v: m.whole("s", 0, 2, -1).constant("one", 1.0, 2).constant("zero", 0.0, 2).whole("d", 1, 6, 5, 5)
        .weight("g", 6, 1, 1, fill=v).weight("b", 6, 1, 1, fill=v)
        .op("Reshape", "x s", "r").op("InstanceNormalization", "r one zero", "n").op("Reshape", "n d", "m")
        .op("Mul", "m g", "p").op("Add", "p b", "y"),
        12, "groupnorm",
    ),
    "one weight and two biases": (
        (1, 8, 6),
        lambda m, v: m.weight("w", 8, 8, 1).weight("p", 8, fill=v).weight("q", 8, fill=v)
        .op("Conv", "x w p", "a").op("Relu", "a", "b").op("Conv", "b w q", "y"),
        80, "conv shift relu conv shift",
    ),
    "one weight, with a bias and without": (
        (1, 4, 6, 6),
        lambda m, v: conv(m).weight("q", 4, fill=v).op("Relu", "c", "b").op("Conv", "b w q", "y"),
        CONV + 4, "conv relu conv shift",
    ),
    "one weight, and biases that are added behind": (
        (1, 8),
        lambda m, v: m.weight("w", 8, 8).weight("p", 8, fill=v).weight("q", 8, fill=v).op("MatMul", "x w", "a")
        .op("Add", "a p", "b").op("Relu", "b", "c").op("MatMul", "c w", "d").op("Add", "q d", "y"),
        80, "dense shift relu dense shift",
    ),
    "a layer that is used twice": (
        (1, 8),
        lambda m, v: m.weight("w", 8, 8, fill=v).weight("p", 8, fill=v)
        .op("Gemm", "x w p", "a").op("Relu", "a", "b").op("Gemm", "b w p", "y"),
        72, "dense relu dense",
    ),
    "a weight by another name": (
        (1, 8),
        lambda m, v: m.weight("w", 8, 8, fill=v).op("Identity", "w", "v")
        .op("MatMul", "x w", "a").op("Relu", "a", "b").op("MatMul", "b v", "y"),
        64, "dense relu dense",
    ),
    "a norm that is used twice": (
        (1, 4, 6, 6),
        lambda m, v: m.weight("g", 4, fill=v).weight("b", 4, fill=v).weight("m", 4).weight("s", 4, fill=1)
        .op("BatchNormalization", "x g b m s", "a").op("BatchNormalization", "a g b m s", "y"),
        8, "batchnorm batchnorm",
    ),
    "norms of two modules whose equal vectors an exporter stores once": (
        (1, 4, 6, 6),
        lambda m, v: m.weight("g", 4, fill=v).weight("b", 4, fill=v).weight("m", 4).weight("s", 4, fill=1)
        .op("BatchNormalization", "x g b m s", "a", name="/one/BatchNormalization")
        .op("BatchNormalization", "a g b m s", "y", name="/two/BatchNormalization"),
        16, "batchnorm batchnorm",
    ),
}  # fmt: skip


@pytest.mark.parametrize("fill", [None, 0.0, 1.0], ids=["trained", "zeros", "ones"])
@pytest.mark.parametrize("name", TRAINED)
def test_parameters_do_not_depend_on_values(name: str, fill: float | None, tmp_path: Path) -> None:
    shape, build, params, kinds = TRAINED[name]
    report = analyze(build(Model(*shape), fill).save(tmp_path))
    assert report.totals.params == params
    assert " ".join(row.kind for row in report) == kinds


# What a formula is made of, however it is stored: (shape, model, what the rows must be)
FORMULAS: dict[str, tuple[tuple[int, ...], Callable[[Model], Model], str]] = {
    "a number without axes": ((1, 4, 6), lambda m: m.number("half", 0.5).op("Mul", "x half", "y"), "rescale"),
    "numbers in an operator Constant, with a tensor stored": (
        (1, 4, 6, 6),
        lambda m: conv(m).constant("k", 0.5, 4, 1, 1).op("Mul", "c k", "y"),
        "conv rescale",
    ),
    "a tensor that is called a constant": (
        (1, 4, 6, 6),
        lambda m: conv(m).weight("const_fold_opt__7", 4, 1, 1).op("Mul", "c const_fold_opt__7", "y"),
        "conv rescale",
    ),
    "the ones and zeros that a norm demands": (
        (1, 4, 6, 6),
        lambda m: (
            conv(m).constant("one", 1.0, 4).constant("zero", 0.0, 4).op("InstanceNormalization", "c one zero", "y")
        ),
        "conv instancenorm",
    ),
    "a mean and a deviation of the data": (
        (1, 4, 6, 6),
        lambda m: m.weight("m", 1, 4, 1, 1).weight("s", 1, 4, 1, 1).op("Sub", "x m", "a").op("Div", "a s", "y"),
        "batchnorm",
    ),
}


@pytest.mark.parametrize("name", FORMULAS)
def test_what_belongs_to_a_formula_is_not_trained(name: str, tmp_path: Path) -> None:
    shape, build, kinds = FORMULAS[name]
    report = analyze(build(Model(*shape)).save(tmp_path))
    assert report.totals.params == (CONV if "conv" in kinds else 0)
    assert " ".join(row.kind for row in report) == kinds


def test_constants_are_weights_where_a_file_stores_none_apart(tmp_path: Path) -> None:
    m = Model(1, 4, 6, 6).constant("w", 0.5, 4, 4, 3, 3).constant("b", 0.0, 1, 4, 1, 1)
    report = analyze(m.op("Conv", "x w", "c").op("Add", "c b", "y").save(tmp_path))
    assert report.totals.params == CONV + 4


def test_a_number_of_pytorch_with_the_name_of_a_parameter_is_trained(tmp_path: Path) -> None:
    for name, params in (("gain", 1), ("val_7", 0), ("onnx::Mul_7", 0)):
        m = Model(1, 4, 6).number(name, 0.5).op("Mul", f"x {name}", "y")
        path = tmp_path / "model.onnx"
        path.write_bytes(m.bytes() + part(2, "pytorch"))
        assert analyze(str(path)).totals.params == params


def test_what_the_rule_counts_is_said_below_the_table(tmp_path: Path) -> None:
    report = analyze(conv(Model(1, 4, 6, 6)).weight("g", 4, 1, 1).op("Mul", "c g", "y").save(tmp_path))
    assert report.to_dict()["remarks"] == ["ONNX does not say what is trained: stored tensors with axes count, here g"]
    assert "remarks" not in analyze(conv(Model(1, 4, 6, 6)).op("Relu", "c", "y").save(tmp_path)).to_dict()


def test_filters_of_pytorch_that_are_no_weights_by_name_are_said_below_the_table(tmp_path: Path) -> None:
    m = Model(1, 4, 6, 6).weight("blur.filt", 4, 1, 3, 3).op("Conv", "x blur.filt", "y", group=4)
    path = tmp_path / "model.onnx"
    path.write_bytes(m.bytes() + part(2, "pytorch"))
    assert analyze(str(path)).to_dict()["remarks"] == [
        "ONNX does not say what is trained: filters count, and these may be fixed: blur.filt"
    ]


def test_what_no_output_depends_on_is_said_below_the_table(tmp_path: Path) -> None:
    m = conv(Model(1, 4, 6, 6)).op("Relu", "x", "y").op("Shape", "x", "s").op("Exp", "c", "e")
    report = analyze(m.save(tmp_path))
    assert [row.kind for row in report] == ["relu"]
    assert report.to_dict()["remarks"] == ["2 operators on which no output depends are left out"]


def test_folded_norms_are_said_below_the_table(tmp_path: Path) -> None:
    m = Model(1, 4, 6, 6).weight("onnx::Conv_3", 4, 4, 3, 3).weight("onnx::Conv_4", 4)
    path = tmp_path / "model.onnx"
    path.write_bytes(m.op("Conv", "x onnx::Conv_3 onnx::Conv_4", "y").bytes() + part(2, "pytorch"))
    assert "a batch norm folded into a convolution" in analyze(str(path)).to_dict()["remarks"][0]


def test_weights_that_are_used_in_another_form_are_refused_by_name(tmp_path: Path) -> None:
    m = Model(1, 8).weight("w", 8, 8).op("Gemm", "x w", "a", transB=1).op("Gemm", "a w", "y")
    path = m.save(tmp_path)
    with pytest.raises(SpecError, match="its weights are those of a, in another form"):
        load(path)
    assert analyze(load(path, allow_unknown=True)).totals.left_out["params"] == 1


def test_weights_worked_out_of_several_tensors_are_refused_by_name(tmp_path: Path) -> None:
    m = Model(1, 8).weight("v", 8, 5).weight("g", 1, 5).op("Mul", "v g", "w").op("MatMul", "x w", "y")
    with pytest.raises(SpecError, match="its input 2 is worked out of several tensors: v, g"):
        load(m.save(tmp_path))


def test_missing_external_weights_are_no_obstacle(tmp_path: Path) -> None:
    """Of biases, norms and factors, too, whose values nobody has to see."""

    def outside(name: str, *dims: int) -> bytes:
        return part(5, tensor(name, dims, 1, None) + part(13, part(1, "location") + part(2, "gone.bin")) + b"\x70\x01")

    m = Model(1, 4, 6, 6).op("Conv", "x w b", "c", pads=[1, 1, 1, 1]).op("BatchNormalization", "c g h m v", "n")
    m = m.op("Mul", "n s", "p").op("Exp", "e", "f").op("Mul", "p f", "y")
    m.after += outside("w", 4, 4, 3, 3) + b"".join(outside(name, 4) for name in "bghmv")
    m.after += outside("s", 4, 1, 1) + outside("e", 4, 1, 1)
    report = analyze(m.save(tmp_path))
    assert report.totals.params == CONV + 4 + 8 + 4 + 4


@pytest.mark.parametrize("name", ["one weight and two biases", "a bias of one number", "a scale along the rows"])
def test_layers_apart_compute_what_the_model_does(name: str, tmp_path: Path) -> None:
    """The biases are added where the model adds them: against the products written out."""
    shape, build, _params, _kinds = TRAINED[name]
    path = build(Model(*shape), None).save(tmp_path)
    graph = load(path)
    weights = dict(cnncalc.weights_of(path) or {})
    x = np.random.default_rng(3).random(shape[1:], dtype=np.float32)
    y = list(reference.run(graph, x, weights).values())[-1]
    if name == "a bias of one number":
        assert np.allclose(y, x @ weights["y.weight"].T + weights["y/shift.beta"], atol=1e-6)
    elif name == "a scale along the rows":
        assert np.allclose(y, x * weights["y.gamma"].reshape(6, 1), atol=1e-6)
    else:
        w = weights["a.weight"][:, :, 0]
        a = np.maximum(w @ x + weights["a/shift.beta"][:, None], 0)
        assert np.allclose(y, w @ a + weights["y/shift.beta"][:, None], atol=1e-5)


def said(model: Model, signature: str, **origins: str) -> Model:
    """With what torch.export's writer says of stored tensors, as PyTorch 2.13 writes it: fields 16 and 4."""
    key = "pkg.torch.export.ExportedProgram.graph_signature"
    model.after += part(16, part(1, key) + part(2, signature))
    for name, origin in origins.items():
        folded = origin.startswith("[")
        key = "pkg.onnxscript.optimizer.folded_from" if folded else "pkg.torch.export.graph_signature.InputSpec.kind"
        model.after += part(13, part(1, name) + part(4, part(1, key) + part(2, origin)))
    return model


SIGNATURE = "\n# inputs\np_g: PARAMETER target='g'\nb_p: BUFFER target='p' persistent=True\nx: USER_INPUT\n"


@pytest.mark.parametrize(("origin", "params"), [
    ("PARAMETER", 4), ("BUFFER", 0), ("CONSTANT_TENSOR", 0), ("['val_3', 'g']", 4), ("['arange', 'val_3', 'p']", 0),
])  # fmt: skip
@pytest.mark.parametrize("name", ["cos", "val_7"])
def test_what_the_file_says_of_a_tensor_outranks_the_rule_on_its_name(
    name: str, origin: str, params: int, tmp_path: Path
) -> None:
    model = Model(1, 4, 6, 6).weight(name, 4, 1, 1).op("Mul", f"x {name}", "y")
    totals = analyze(load(said(model, SIGNATURE, **{name: origin}).save(tmp_path))).totals
    assert totals.params == params


def test_ones_that_an_exporter_worked_out_of_nothing_are_no_scale_of_a_norm(tmp_path: Path) -> None:
    model = Model(1, 4, 6, 6).weight("one", 4).weight("g", 4).op("InstanceNormalization", "x one g", "y")
    origins = {"one": "['ones']", "g": "PARAMETER"}
    report = analyze(load(said(model, SIGNATURE, **origins).save(tmp_path)))
    assert report.totals.params == 4
    assert "remarks" not in report.to_dict()


def test_a_tensor_of_which_the_file_says_nothing_goes_by_the_rule(tmp_path: Path) -> None:
    model = Model(1, 4, 6, 6).weight("other", 4, 1, 1).op("Mul", "x other", "y")
    report = analyze(load(said(model, SIGNATURE).save(tmp_path)))
    assert report.totals.params == 4
    assert "ONNX does not say what is trained" in report.to_dict()["remarks"][-1]


def test_parameters_that_the_exporter_did_not_write_are_named(tmp_path: Path) -> None:
    signature = SIGNATURE + "p_b: PARAMETER target='fc.bias'\np_h: PARAMETER target='h'\n"
    model = (
        Model(1, 4, 6, 6).weight("g", 4, 1, 1).weight("val_2", 4, 1, 1).op("Mul", "x g", "a").op("Add", "a val_2", "y")
    )
    one = said(model, signature, g="PARAMETER", val_2="['val_1', 'h']")
    remarks = analyze(load(one.save(tmp_path))).to_dict()["remarks"]
    assert len(remarks) == 1
    assert remarks[0].endswith(": fc.bias")
    assert remarks[0].startswith("a parameter of the module is not in the file")
