"""ONNX models that cut tokens into windows: parts of axes, masks, tables that are looked up, axes put together.

What comes out, parameters and MACs are worked out by hand from the operators' pages at onnx.ai.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx_bytes import Model

import cnncalc
from cnncalc import reference
from cnncalc.interop.onnx.read import table
from cnncalc.interop.onnx.read.table import FILES, OPERATORS, READERS


def rows(model: Model, tmp_path: Path) -> list[str]:
    report = cnncalc.analyze(str(model.save(tmp_path)))
    return [f"{row.kind} {'x'.join(map(str, row.output))} {row.params}" for row in report]


def test_a_part_of_an_axis_that_is_itself_a_part_is_not_taken_from_the_whole(tmp_path: Path) -> None:
    """Heads apart, (2, 6) of 12 channels, then the first 3 of each: elements 0-2 and 6-8."""
    model = Model(1, 12, 5).whole("shape", 1, 2, 6, 5).whole("a", 0).whole("b", 3).whole("axis", 2)
    model.op("Reshape", "x shape", "h").op("Slice", "h a b axis", "s").op("Relu", "s", "y")
    assert rows(model, tmp_path) == ["reshape 2x6x5 0", "slice 2x3x5 0", "relu 2x3x5 0"]


def test_every_other_row_of_a_map_with_its_channels_last(tmp_path: Path) -> None:
    model = Model(1, 6, 8, 3).whole("a", 1).whole("b", 6).whole("axis", 1).whole("step", 2)
    model.op("Slice", "x a b axis step", "s").op("Relu", "s", "y")
    assert rows(model, tmp_path)[0].startswith("take 3x8x3")


def test_a_mask_of_the_formula_is_a_fixed_value_and_no_parameter(tmp_path: Path) -> None:
    model = Model(1, 4, 3, 3).weight("blocks.1.attn_mask", 1, 4, 3, 3)
    model.op("Add", "x blocks.1.attn_mask", "a").op("Softmax", "a", "y", axis=-1)
    assert rows(model, tmp_path) == ["parameter 4x3x3 0", "add 4x3x3 0", "softmax 4x3x3 0"]
    assert cnncalc.analyze(str(tmp_path / "model.onnx")).totals.fixed_params == 36


@pytest.mark.parametrize("nd", [False, True])
def test_a_table_that_is_looked_up_is_stored_once(nd: bool, tmp_path: Path) -> None:
    """A relative bias: 5 trained numbers for 2 heads, by the distance of 3 tokens."""
    places = [2, 3, 4, 1, 2, 3, 0, 1, 2]
    model = Model(1, 2, 3, 3).weight("table", 5, 2).whole("at", *places, dims=(9, 1) if nd else (9,))
    model.op("GatherND" if nd else "Gather", "table at", "g").whole("square", 3, 3, 2)
    model.op("Reshape", "g square", "r", allowzero=1).op("Transpose", "r", "t", perm=[2, 0, 1])
    model.op("Add", "x t", "a").op("Softmax", "a", "y", axis=-1)
    assert rows(model, tmp_path)[:2] == ["parameter 2x3x3 10", "add 2x3x3 0"]


def test_numbers_put_into_constants_are_worked_out(tmp_path: Path) -> None:
    model = Model(1, 4, 6).whole("shape", 1, 1, 1).whole("at", 1, dims=(1, 1)).whole("new", 24)
    model.op("ScatterND", "shape at new", "s").op("Reshape", "x s", "r").op("Relu", "r", "y")
    assert rows(model, tmp_path) == ["relu 4x6 0", "reshape 24x1 0"]


def test_a_norm_over_an_axis_that_is_put_together(tmp_path: Path) -> None:
    """Patches of 2x2 joined along the channels, as between the stages of a Swin transformer: 4 * 3 of each."""
    model = Model(1, 4, 6, 3).whole("apart", 1, 2, 2, 3, 2, 3).whole("joined", 1, 2, 3, 12)
    model.op("Reshape", "x apart", "a").op("Transpose", "a", "t", perm=[0, 1, 3, 4, 2, 5]).op(
        "Reshape", "t joined", "j"
    )
    model.weight("scale", 12).weight("shift", 12).op("LayerNormalization", "j scale shift", "y", axis=-1)
    found = rows(model, tmp_path)
    assert found[-1] in ("layernorm 2x3x12 24", "layernorm 12x2x3 24", "permute 12x2x3 0")
    assert "layernorm 2x3x12 24" in found or "layernorm 12x2x3 24" in found


def test_two_readers_of_a_value_that_is_moved_about_have_one_move(tmp_path: Path) -> None:
    model = Model(1, 12, 5).whole("shape", 1, 2, 6, 5)
    model.op("Reshape", "x shape", "h").op("Transpose", "h", "t", perm=[0, 2, 1, 3])
    model.op("Split", "t", "a b", axis=1, num_outputs=2).op("Mul", "a b", "y")
    assert [row.split()[0] for row in rows(model, tmp_path)].count("permute") == 1


@pytest.mark.parametrize(
    ("equation", "dims", "weights", "expected"),
    [
        ("bchw->bhwc", (1, 3, 4, 5), None, ["relu 3x4x5 0"]),
        ("bchw,dc->bdhw", (1, 3, 4, 5), (7, 3), ["conv 7x4x5 21", "relu 7x4x5 0"]),
        ("blc,chk->blhk", (1, 5, 6), (6, 2, 4), ["permute 6x5 0", "conv 8x5 48"]),
        ("dc,bchw->bdhw", (1, 3, 4, 5), (7, 3), ["conv 7x4x5 21", "relu 7x4x5 0"]),
        ("bc,dc->bd", (1, 6), (4, 6), ["dense 4 24", "relu 4 0"]),
    ],
)
def test_a_sum_of_products_with_weights_is_a_dense_layer_along_an_axis(
    equation: str, dims: tuple[int, ...], weights: tuple[int, ...] | None, expected: list[str], tmp_path: Path
) -> None:
    model = Model(*dims)
    names = ["x"]
    if weights:
        model.weight("w", *weights)
        names.insert(0 if equation.startswith("dc") else 1, "w")
    model.op("Einsum", " ".join(names), "e", equation=equation).op("Relu", "e", "y")
    assert rows(model, tmp_path)[: len(expected)] == expected


@pytest.mark.parametrize(
    ("equation", "macs"),
    [("bchw,bcwk->bchk", 3 * 4 * 4 * 4), ("bchw,bchk->bcwk", 3 * 4 * 4 * 4), ("bchw,bdhw->bcd", 3 * 3 * 16)],
)
def test_a_sum_of_products_of_two_values_is_a_matrix_product(equation: str, macs: int, tmp_path: Path) -> None:
    model = Model(1, 3, 4, 4).op("Relu", "x", "r").op("Einsum", "x r", "e", equation=equation).op("Relu", "e", "y")
    report = cnncalc.analyze(str(model.save(tmp_path)))
    assert report.totals.macs == macs
    assert [row.kind for row in report].count("matmul") == 1


@pytest.mark.parametrize("equation", ["bii->bi", "bchw->bc", "b...->b", "bchw,bchw->bchw"])
def test_another_sum_of_products_is_refused_with_its_equation(equation: str, tmp_path: Path) -> None:
    model = Model(1, 3, 4, 4).op("Einsum", " ".join(["x"] * len(equation.split(","))), "y", equation=equation)
    with pytest.raises(cnncalc.SpecError, match=r"this Einsum is not read here: its equation is"):
        cnncalc.load(str(model.save(tmp_path)))


def test_a_constant_is_split_as_a_value_is(tmp_path: Path) -> None:
    """7 numbers in 3 parts are 3, 3 and 1 (ONNX, Split-18: the last is smaller)."""
    model = Model(1, 9, opset=18).whole("all", 0, 0, 0, 1, 3, 3, 5)
    model.op("Split", "all", "p q r", axis=0, num_outputs=3).op("Reshape", "x q", "y")
    graph = cnncalc.load(model.save(tmp_path))
    assert graph.shape(graph.outputs[0]) == (3, 3)


def test_corners_are_aligned_where_one_axis_comes_to_one_element(tmp_path: Path) -> None:
    model = Model(1, 2, 5, 5).whole("s", 1, 2, 1, 3)
    model.op("Resize", "x - - s", "y", mode="linear", coordinate_transformation_mode="align_corners")
    graph = cnncalc.load(model.save(tmp_path))
    assert graph.nodes[-1].layer.align_corners
    found = reference.run(graph, np.arange(50.0).reshape(2, 5, 5))
    # The first row, at 0, 2 and 4: ONNX reads element 0 where the result has one.
    assert np.allclose(found[graph.nodes[-1].name].reshape(2, 3), [[0, 2, 4], [25, 27, 29]])


def test_what_is_cast_like_whole_numbers_is_refused_as_a_cast_is(tmp_path: Path) -> None:
    model = Model(1, 4, 6, 6, opset=21).whole("like", 1).op("CastLike", "x like", "c").op("Relu", "c", "y")
    with pytest.raises(cnncalc.SpecError, match="it makes whole numbers of what is computed"):
        cnncalc.load(model.save(tmp_path))
    model = Model(1, 4, 6, 6, opset=21).number("like", 1.0).op("CastLike", "x like", "c").op("Relu", "c", "y")
    assert rows(model, tmp_path) == ["relu 4x6x6 0"]


def test_a_constant_that_is_cast_like_what_is_computed_is_divided_as_decimals_are(tmp_path: Path) -> None:
    """1 / 2 is a half then, and no 0."""
    model = Model(1, 4, 6, 6, opset=21).whole("one", 1, dims=[]).whole("two", 2, dims=[])
    model.op("CastLike", "one x", "a").op("CastLike", "two x", "b").op("Div", "a b", "half").op("Add", "x half", "y")
    graph = cnncalc.load(model.save(tmp_path))
    ones = np.ones((4, 6, 6))
    assert np.all(
        reference.run(graph, ones, cnncalc.weights_of(str(tmp_path / "model.onnx")))[graph.nodes[-1].name] == 1.5
    )


@pytest.mark.parametrize(
    ("options", "outside", "said"),
    [
        ({"mode": "linear", "align_corners": 1}, "zeros", ""),
        ({"mode": "bilinear", "padding_mode": "border"}, "border", ""),
        ({"padding_mode": "reflection"}, "", "reflection"),
        ({"mode": "nearest"}, "", "nearest"),
    ],
)
def test_a_map_is_read_at_places(options: dict[str, Any], outside: str, said: str, tmp_path: Path) -> None:
    """GridSample: (1, 3, 9, 9) at (1, 9, 9, 2), which a Transpose brings behind the places."""
    model = Model(1, 3, 9, 9).weight("w", 2, 3, 3, 3).op("Conv", "x w", "c", pads=[1, 1, 1, 1])
    model.op("Transpose", "c", "t", perm=[0, 2, 3, 1]).op("GridSample", "x t", "y", **options)
    path = model.save(tmp_path)
    if said:
        with pytest.raises(cnncalc.SpecError, match=said):
            cnncalc.load(path)
        return
    layer = cnncalc.load(path).nodes[-1].layer
    assert (layer.kind, layer.outside, layer.align_corners) == (
        "grid_sample",
        outside,
        options.get("align_corners") == 1,
    )


def test_every_operator_that_is_read_stands_in_the_table() -> None:
    """A file is loaded for the operators that the table names: one that it does not is read behind others alone."""
    for file in FILES:
        import_module(f"cnncalc.interop.onnx.read.{file}")
    assert set(READERS) == set(OPERATORS)
    declared = {path.stem for path in Path(table.__file__).parent.glob("*.py") if "\n@reads(" in path.read_text()}
    assert declared == set(FILES)
