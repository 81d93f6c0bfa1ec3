"""Specs of networks that other programs moved about: tokens with their channels in front, attention put together."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

import cnncalc
from cnncalc import reference
from cnncalc.cli import group
from cnncalc.interop.spec.lifting import lift
from cnncalc.interop.spec.writing import to_spec

# Attention of windows of 2x2 that are moved by one, as timm 1.0 traces a block of Swin: channels last, rolled, cut.
MOVED = """
input: 8x4x4
layers:
  - stem: conv 8 k1
  - blk:
      - norm: layernorm
      - roll -1 axis=h
      - roll -1 axis=w
      - permute 1,2,0
      - reshape 2x2x2x2x8
      - permute 0,2,1,3,4
      - reshape 4x4x8
      - permute 2,0,1
      - attn:
          - qkv: dense 24 axes=c
          - permute 1,2,0
          - reshape 4x4x3x2x4
          - apart: permute 2,0,3,1,4
          - {from: apart, layers: [slice 1:2 axis=0, reshape 4x2x4x4, k: "permute 0,1,3,2"]}
          - {from: apart, layers: [slice 2:3 axis=0, v: reshape 4x2x4x4]}
          - {from: apart, layers: [slice 0:1 axis=0, reshape 4x2x4x4, q: rescale 0.5]}
          - {matmul: [{from: q}, {from: k}]}
          - {add: [identity, parameter 1x2x4x4 stored=18]}
          - {add: [identity, parameter 4x1x4x4 stored=0], then: [softmax axis=w, dropout 0.0]}
          - {matmul: [identity, {from: v}]}
          - permute 0,2,1,3
          - reshape 4x4x8
          - permute 2,0,1
          - proj: dense 8 axes=c
      - permute 1,2,0
      - reshape 2x2x2x2x8
      - permute 0,2,1,3,4
      - reshape 4x4x8
      - roll 1 axis=c
      - roll 1 axis=h
      - permute 2,0,1
  - {add: [identity, {from: stem}]}
"""
# The same of all positions: a vision transformer, tokens last.
TOKENS = """
input: 8x4x4
layers:
  - stem: [conv 8 k1, reshape 8x16, tokens: "permute 1,0"]
  - {concat: [parameter 1x8, {from: stem}], then: shift per=element}
  - blk:
      - permute 1,0
      - qkv: dense 24 axes=c
      - permute 1,0
      - reshape 17x3x2x4
      - apart: permute 1,2,0,3
      - dot_product_attention:
          - {from: apart, layers: [slice 0:1 axis=0, reshape 2x17x4]}
          - {from: apart, layers: [slice 1:2 axis=0, reshape 2x17x4]}
          - {from: apart, layers: [slice 2:3 axis=0, reshape 2x17x4]}
      - permute 1,0,2
      - reshape 17x8
      - permute 1,0
      - proj: dense 8 axes=c
  - permute 1,0
  - slice 0:1 axis=c
  - flatten
"""


def convert(text: str, tmp_path: Path) -> Result:
    (tmp_path / "net.yaml").write_text(text)
    done = CliRunner().invoke(group(), ["convert", str(tmp_path / "net.yaml"), "--to", "spec"])
    assert done.exit_code == 0, done.output
    return done


def test_windows_that_are_rolled_there_and_back_are_one_attention(tmp_path: Path) -> None:
    done = convert(MOVED, tmp_path)
    assert (
        done.stdout
        == """\
input: 8x4x4
layers:
  - stem: conv 8 k1
  - blk:
      - residual:
          - norm: layernorm
          - attn: attention 2 window=2 shift=1 relative_bias
expect: {params: 394, macs: 6144}
"""
    )
    assert "params" not in done.stderr  # what is stored and multiplied is the same; what is said is what differs
    assert "connections" in done.stderr


def test_tokens_have_their_channels_in_front(tmp_path: Path) -> None:
    assert (
        convert(TOKENS, tmp_path).stdout
        == """\
input: 8x4x4
layers:
  - stem:
      - conv 8 k1
      - reshape 8x16
  - concat:
      - parameter 8x1
      - identity
    axis: l
    then: shift per=element
  - blk: attention 2
  - slice 0:1 axis=l
  - flatten
expect: {params: 504, macs: 10000}
"""
    )


def test_an_export_stores_a_number_for_every_pair_and_rolls_by_cutting(tmp_path: Path) -> None:
    text = MOVED.replace("{add: [identity, parameter 1x2x4x4 stored=18]}", "shift per=dhw")
    text = text.replace("parameter 4x1x4x4 stored=0", "parameter 4x1x4x4 fixed")
    text = text.replace("  - roll -1 axis=w\n", "  - {concat: [slice 1:end axis=w, slice 0:1 axis=w], axis: w}\n", 1)
    text = text.replace("  - roll 1 axis=h\n", "  - {concat: [slice 3:end axis=h, slice 0:3 axis=h], axis: h}\n", 1)
    text = text.replace("norm: layernorm", 'norm: ["permute 1,2,0", layernorm axes=w, "permute 2,0,1"]')
    done = convert(text, tmp_path)
    assert "attn: attention 2 window=2 shift=1 pair_bias" in done.stdout
    assert "expect: {params: 408, macs: 6144}" in done.stdout
    assert "note: attention stores 32 numbers, one for every pair of positions; by distances" in done.stderr


@pytest.mark.parametrize(
    ("here", "instead"),
    [
        ("rescale 0.5", "rescale 0.4"),  # of another scale
        ('k: "permute 0,1,3,2"', 'roll 1 axis=0, k: "permute 0,1,3,2"'),
        ("stored=18", "stored=17"),
        ("stored=18", "stored=18 fixed"),
        ("roll 1 axis=h", "roll -1 axis=h"),  # not back to where it was
        ("roll 1 axis=h", "relu"),
        ("dropout 0.0", "dropout 0.1"),
        ("softmax axis=w", "softmax axis=h"),
        ("      - reshape 2x2x2x2x8\n      - permute 0,2,1,3,4\n      - reshape 4x4x8\n      - permute 2,0,1\n",
         "      - reshape 4x4x8\n      - permute 2,0,1\n"),  # a mask of windows, and no windows
    ],
)  # fmt: skip
def test_what_is_no_attention_stays_the_products_that_it_is(here: str, instead: str, tmp_path: Path) -> None:
    assert here in MOVED
    text = convert(MOVED.replace(here, instead, 1), tmp_path).stdout
    assert "attention" not in text
    assert text.count("matmul") == 2


def test_a_softmax_that_is_moved_to_the_channels_and_back_is_one_over_the_last_axis(tmp_path: Path) -> None:
    softmax = ['"permute 3,0,1,2"', "softmax", '"permute 1,2,3,0"', "dropout 0.0"]
    text = MOVED.replace("[softmax axis=w, dropout 0.0]", f"[{', '.join(softmax)}]")
    assert "attention 2 window=2 shift=1 relative_bias" in convert(text, tmp_path).stdout  # as Keras is read
    other = MOVED.replace("[softmax axis=w, dropout 0.0]", f"[{', '.join(softmax)}]").replace("3,0,1,2", "2,0,1,3")
    assert "attention" not in convert(other, tmp_path).stdout


def test_parts_of_the_channels_in_another_order_are_the_same_attention(tmp_path: Path) -> None:
    mixed = "reshape 4x4x2x4x3\n          - permute 0,1,4,2,3"
    assert "attention 2 window=2 shift=1" in convert(MOVED.replace("reshape 4x4x3x2x4", mixed), tmp_path).stdout


def same_attention(text: str, names: dict[str, str], order: list[int]) -> None:
    """The reference gives the same for the products and for the attention, whose weights are theirs in an order."""
    graph = cnncalc.load(text)
    lifted = lift(graph)
    [name] = [node.name for node in lifted.nodes if node.layer.kind == "attention"]
    drawn = dict(reference.Drawn(graph, 3))
    weights = {key: array for key, array in drawn.items() if key.rpartition(".")[0] not in names.values()}
    stacked = {part: drawn[f"{names['qkv']}.{part}"][order] for part in ("weight", "bias")}
    thirds = {part: np.split(array.reshape(len(order), -1), 3) for part, array in stacked.items()}
    for i, part in enumerate(("query", "key", "value")):
        weights[f"{name}.{part}"] = thirds["weight"][i]
        weights[f"{name}.{part}_bias"] = thirds["bias"][i][:, 0]
    weights[f"{name}.out"] = drawn[f"{names['proj']}.weight"].reshape(8, 8)
    weights[f"{name}.out_bias"] = drawn[f"{names['proj']}.bias"]
    image = np.random.default_rng(5).normal(size=tuple(graph.inputs["input"]))
    for key, array in weights.items():  # trained numbers that stand in other axes now
        kept = key.rpartition(".")[0]
        shapes = {node.name: facts.output for node, facts in zip(lifted.nodes, lifted.facts, strict=True)}
        if kept in shapes and array.ndim == 2 and array.shape == shapes[kept][::-1]:
            weights[key] = array.T
    before, after = (reference.run(g, image, w) for g, w in ((graph, drawn), (lifted, weights)))
    ends = [list(found.values())[-1] for found in (before, after)]
    np.testing.assert_allclose(ends[0].reshape(-1), ends[1].reshape(-1), rtol=1e-9)


NAMES = {"qkv": "blk/qkv", "proj": "blk/proj"}


def test_the_reference_gives_the_same_for_tokens() -> None:
    same_attention(TOKENS.replace("  - slice 0:1 axis=c\n  - flatten\n", ""), NAMES, list(range(24)))


@pytest.mark.parametrize("cells", ["permute 0,2,1,3,4", "permute 1,3,0,2,4"])
@pytest.mark.parametrize("mixed", [False, True])
def test_the_reference_gives_the_same_for_windows_and_grids(cells: str, mixed: bool) -> None:
    back = "permute 0,2,1,3,4" if cells == "permute 0,2,1,3,4" else "permute 2,0,3,1,4"
    heads = "reshape 4x4x2x3x4, apart: permute 3,0,2,1,4" if mixed else "reshape 4x4x3x2x4, apart: permute 2,0,3,1,4"
    text = f"""
input: 8x4x4
layers:
  - blk:
      - permute 1,2,0
      - reshape 2x2x2x2x8
      - {cells}
      - reshape 4x4x8
      - permute 2,0,1
      - qkv: dense 24 axes=c
      - permute 1,2,0
      - {heads.split(", ")[0]}
      - {heads.split(", ", 1)[1]}
      - {{from: apart, layers: [slice 1:2 axis=0, reshape 4x2x4x4, k: "permute 0,1,3,2"]}}
      - {{from: apart, layers: [slice 2:3 axis=0, v: reshape 4x2x4x4]}}
      - {{from: apart, layers: [slice 0:1 axis=0, q: reshape 4x2x4x4]}}
      - {{matmul: [{{from: q}}, {{from: k}}], then: [rescale 0.5, softmax axis=w]}}
      - {{matmul: [identity, {{from: v}}]}}
      - permute 0,2,1,3
      - reshape 4x4x8
      - permute 2,0,1
      - proj: dense 8 axes=c
      - permute 1,2,0
      - reshape 2x2x2x2x8
      - {back}
      - reshape 4x4x8
      - permute 2,0,1
"""
    order = [12 * head + 4 * part + i for part in range(3) for head in range(2) for i in range(4)]
    same_attention(text, NAMES, order if mixed else list(range(24)))
    kind = "window" if cells == "permute 0,2,1,3,4" else "grid"
    assert f"attention 2 {kind}=2" in to_spec(cnncalc.load(text))


def test_a_merge_of_moved_values_and_a_norm_of_the_last_axis_see_what_was_not_moved() -> None:
    text = """
input: 6x5x4
layers:
  - x: conv 6 k1
  - y: [permute 1,2,0, layernorm axes=w, dense_like: permute 2,0,1, fc1: conv 6 k1, permute 1,2,0]
  - {add: [identity, {from: x, layers: ["permute 1,2,0"]}], then: relu}
  - permute 2,0,1
""".replace("permute 1,2,0, layernorm", '"permute 1,2,0", layernorm').replace(
        "dense_like: permute 2,0,1, fc1: conv 6 k1, permute 1,2,0", '"permute 2,0,1", fc1: conv 6 k1, "permute 1,2,0"'
    )
    assert [node.layer.kind for node in lift(cnncalc.load(text)).nodes] == ["conv", "layernorm", "conv", "add", "relu"]


def test_a_block_may_be_called_on_an_array_of_more_axes_than_have_letters() -> None:
    text = "input: 8x4x4\nblocks: {b: {layers: [{residual: [relu]}]}}\nlayers: [reshape 2x2x2x4x4, b x2]\n"
    assert cnncalc.analyze(text).totals.flops == 2 * 2 * 128
