"""`cnncalc verify` and the reference as people use them, and what they say to what cannot be used."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from test_cli import on_terminal, run, without_escapes

import cnncalc
from cnncalc import evidence, reference
from cnncalc.evidence import arrays, size
from cnncalc.layers import KINDS, Kind, register
from cnncalc.layers.base import POINTWISE, Facts, Layer, Shape
from cnncalc.layers.conv import Conv
from cnncalc.reference import base
from cnncalc.reference.conv import conv

NET = "input: 2x7x6\nlayers: [{C: conv 3 k3 p1 relu}, {F: dense 4}]"


def verify(*arguments: str) -> Result:
    from cnncalc.cli.verify import command

    return CliRunner().invoke(command, [*arguments])


@pytest.fixture
def planted(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = Conv.facts

    def wrong(self: Any, x: Shape) -> Facts:
        facts = honest(self, x)
        facts.macs = (facts.macs or 0) + 1
        return facts

    monkeypatch.setattr(Conv, "facts", wrong)


class Enigma(Layer):
    """A layer that claims what nobody can run."""

    def facts(self, x: Shape) -> Facts:
        return Facts(output=x, params=3)


@pytest.fixture
def enigma(monkeypatch: pytest.MonkeyPatch) -> None:
    import cnncalc.layers as layers

    monkeypatch.setitem(sys.modules, "cnncalc.layers.enigmas", sys.modules[__name__])
    monkeypatch.setattr(layers, "KINDS", dict(KINDS))
    monkeypatch.setattr(layers, "_BY_PLAIN_NAME", dict(layers._BY_PLAIN_NAME))
    register(Kind("enigma", "enigmas", "Enigma"))


@pytest.mark.usefixtures("enigma")
@pytest.mark.parametrize("lost", [np.array, lambda x: np.asarray(x)[:, :, ::-1], lambda x: x.tolist()])
def test_a_forward_pass_that_probes_cannot_follow_proves_nothing(monkeypatch: pytest.MonkeyPatch, lost: Any) -> None:
    """Of a plain array nobody knows what was done to it: counts behind it would be low, and fields another's."""
    from cnncalc.reference.base import REFERENCES, Reference

    monkeypatch.setitem(REFERENCES, "enigma", Reference(lambda layer, w, x: lost(x), lambda layer, x: {}))
    monkeypatch.setattr(Enigma, "facts", lambda self, x: Facts(output=x, params=0, macs=0, work={}, reach=POINTWISE))
    found = cnncalc.verify("2x7x6; conv 3 k3; enigma; conv 3 k3")
    assert not found.holds
    told = {
        check.verdict for check in found.checks if check.layer in ("enigma1", "conv2") and check.claimed is not None
    }
    assert told <= {"not measured"}
    assert found.failure.startswith("running it fails: ")
    assert all(check.verdict in ("holds", "not measured") for check in found.checks)


# --- what is given to the reference


def image(*shape: int) -> Any:
    return np.ones(shape, dtype=np.float32)


@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        (image(2, 7, 5), "input input: the network reads 2x7x6, the array is 2x7x5"),
        (image(7, 6, 2), "channels come first"),
        (image(3, 2, 7, 5), "the array is 3x2x7x5"),
        (image(1, 1, 2, 7, 6), "the array is 1x1x2x7x6"),
        (3.0, "a number"),
        ("cat.png", "not of numbers"),
        ([[1, 2], [3]], "not an array"),
        ({"image": image(2, 7, 6)}, "there is no input 'image'"),
        ({}, "the input input is missing"),
        (np.full((2, 7, 6), np.nan), r"holds NaN, first at \[0, 0, 0\]"),
        (np.full((2, 7, 6), np.inf), "holds infinite"),
        (np.ones((2, 7, 6), dtype=complex), "an array of complex128"),
        (np.ones((0, 2, 7, 6)), "no sample"),
    ],
)
def test_an_image_that_does_not_fit_is_refused(inputs: Any, said: str) -> None:
    with pytest.raises(cnncalc.CnncalcError, match=said):
        reference.run(cnncalc.load(NET), inputs)


def test_several_inputs_have_names_and_one_batch_size() -> None:
    graph = cnncalc.load("inputs: {a: 1x5, b: 1x5}\nlayers: [{from: a, layers: [{add: [identity, {from: b}]}]}]")
    with pytest.raises(cnncalc.CnncalcError, match="several inputs: give a mapping of a, b"):
        reference.run(graph, image(1, 5))
    with pytest.raises(cnncalc.CnncalcError, match="one batch size"):
        reference.run(graph, {"a": image(2, 1, 5), "b": image(3, 1, 5)})
    with pytest.raises(cnncalc.CnncalcError, match="one batch size"):
        reference.run(graph, {"a": image(2, 1, 5), "b": image(1, 5)})
    assert list(reference.run(graph, {"a": image(2, 1, 5), "b": image(2, 1, 5)}).values())[-1].shape == (2, 1, 5)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"C.weight": image(3, 2, 3, 2)}, "C.weight is 3x2x3x2, the layer stores 3x2x3x3"),
        ({"C.weigth": image(3, 2, 3, 3)}, "no 'C.weigth': did you mean C.weight"),
        ({"C.bias": None}, "C.bias is missing, an array of 3"),
        ({"F.weight": np.array(["a"])}, "F.weight: an array of <U1, not of numbers"),
        ({"C.bias": np.array([1, np.nan, 2])}, r"C.bias: holds NaN, first at \[1\]"),
        ({"C.bias": 1.5}, "C.bias is a number, the layer stores 3"),
        ({"C.bias": object()}, "C.bias: an array of object, not of numbers"),
    ],
)
def test_weights_that_do_not_fit_are_refused(changes: dict[str, Any], said: str) -> None:
    graph = cnncalc.load(NET)
    weights = {name: value for name, value in {**reference.draw(graph), **changes}.items() if value is not None}
    with pytest.raises(cnncalc.CnncalcError, match=said):
        reference.run(graph, weights=weights)


def test_weights_come_from_a_seed_a_dict_or_a_file(tmp_path: Path) -> None:
    graph = cnncalc.load(NET)
    x = np.random.default_rng(1).random((2, 7, 6)).astype(np.float32)
    weights = reference.draw(graph, seed=3)
    np.savez(tmp_path / "weights.npz", **weights)
    maps = [
        reference.run(graph, x, seed=3),
        reference.run(graph, x, weights),
        reference.run(graph, x, np.load(tmp_path / "weights.npz")),
    ]
    assert list(maps[0]) == ["input", "C", "C/relu", "F/flatten", "F"]
    for other in maps[1:]:
        assert all(np.array_equal(other[name], values) for name, values in maps[0].items())
    assert not np.array_equal(reference.run(graph, x, seed=4)["F"], maps[0]["F"])
    assert all(np.array_equal(a, b) for a, b in zip(reference.draw(graph, 3).values(), weights.values(), strict=True))
    assert reference.run(graph, x.astype(np.float64))["F"].dtype == np.float64
    assert reference.run(graph, (x * 9).astype(np.uint8))["F"].dtype == np.float32


@pytest.mark.parametrize(
    "spec",
    [
        NET, "lenet5", "resnet-like", "3x9; lstm 4 bidirectional; gru 3 bias=double last",
        "4x9x7; {conv: 3, kernel: 3, table: [[0, 1], [2], [1, 3]]}; transposed_conv 3 k3 s2 g3; upsample 2 bicubic",
        "6x9x8; groupnorm 3; layernorm; lrn; instancenorm; depthwise k3; local 2 k3; softmax; adaptive_avgpool 3",
        "12; hopfield; gaussian_rbf 3; rbf 2",
    ],
)  # fmt: skip
def test_a_batch_gives_what_its_samples_give(spec: str) -> None:
    graph = cnncalc.load(
        "4x8x8; residual: [conv 4 k3 p1 nobias bn relu, conv 4 k3 p1 nobias bn]; global_avgpool; dense 3"
        if spec == "resnet-like"
        else spec
    )
    ((_, shape),) = graph.inputs.items()
    batch = np.random.default_rng(0).standard_normal((3, *shape))
    together = reference.run(graph, batch)
    for i, x in enumerate(batch):
        alone = reference.run(graph, x)
        for name, values in alone.items():
            np.testing.assert_allclose(together[name][i], values, rtol=1e-9, atol=1e-12, err_msg=name)


def test_shared_weights_are_stored_once_and_used_twice() -> None:
    spec = "inputs: {a: 1x9, b: 1x9}\nlayers:\n  - l: {from: a, layers: [{t: conv 2 k3}]}\n"
    graph = cnncalc.load(spec + "  - r: {from: b, layers: [{t: conv 2 k3}], weights: l}\n")
    weights = reference.draw(graph)
    assert sum(values.size for values in weights.values()) == 8
    x = np.random.default_rng(0).random((1, 9))
    maps = list(reference.run(graph, {"a": x, "b": x}).values())
    assert np.array_equal(maps[-1], maps[-2])


# --- the counter is checked: the definition, number by number


class Counting:
    """A number that counts what is done to it."""

    done = 0

    def __init__(self, value: float) -> None:
        self.value = value

    def __mul__(self, other: Any) -> Counting:
        Counting.done += 1
        return Counting(self.value * getattr(other, "value", other))

    def __add__(self, other: Any) -> Counting:
        Counting.done += 1
        return Counting(self.value + getattr(other, "value", other))


def test_the_tally_counts_what_loops_count_in_a_convolution() -> None:
    c, h, w, f, k, stride, pad = 2, 5, 4, 3, 3, 2, 1
    random = np.random.default_rng(0)
    x, kernels, biases = random.random((c, h, w)), random.random((f, c, k, k)), random.random(f)
    layer = cnncalc.load(f"{c}x{h}x{w}; conv {f} k{k} s{stride} p{pad}").nodes[0].layer
    room = np.pad(x, [(0, 0), (pad, pad), (pad, pad)])
    Counting.done, products = 0, 0
    expected = np.zeros((f, (h + 2 * pad - k) // stride + 1, (w + 2 * pad - k) // stride + 1))
    for o in np.ndindex(*expected.shape):
        total = Counting(0.0)
        for ch, i, j in np.ndindex(c, k, k):
            total = total + Counting(room[ch, o[1] * stride + i, o[2] * stride + j]) * kernels[o[0], ch, i, j]
            products += 1
        expected[o] = (total + biases[o[0]]).value
    with arrays.counting() as book:
        weights = {"weight": kernels, "bias": biases.view(arrays.Added)}
        y = conv(layer, weights, x[np.newaxis].view(arrays.Tally))
    np.testing.assert_allclose(np.asarray(y)[0], expected)
    assert book["mac"] == products
    assert book["bias"] == book["add"] == expected.size
    assert 2 * book["mac"] + book["add"] == Counting.done


def test_the_tally_counts_reductions_and_broadcasts() -> None:
    x = np.ones((2, 3, 4)).view(arrays.Tally)
    with arrays.counting() as book:
        e = np.exp(x)
        e / e.sum(axis=1, keepdims=True)
        np.maximum(x, 0)
        np.max(x, axis=2)
        np.concatenate([x, x])[:, ::2].reshape(-1)
        np.ones((5, 3)) @ x
    assert dict(book) == {"exp": 24, "add": 16, "divide": 24, "compare": 24 + 18, "mac": 2 * 5 * 3 * 4}


# --- the command


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("lenet5", "--quantity", "maks"), "there is no quantity 'maks'"),
        (("lenet5", "--layer", "C9"), "C9"),
        (("lenet5", "--seed", "-1"), "seed"),
        (("lenet5", "--format", "junit"), "junit"),
        (("lenet55",), "lenet5"),
        (("-e", "1x5; conv 2 k9"), "does not fit"),
        (("lenet5", "--fast"), "no smaller version of this network fits together, with 1x4x4: "),
        (("lenet5", "--fast"), "does not fit"),
        (("lenet5", "--fast"), "hint: leave --fast out"),
        (("vgg16", "--input", "3x2x2"), "does not fit"),
        (("mobilenet-v1", "--fast", "--set", "width=x"), "width"),
        ((), "SPEC"),
    ],
)
def test_what_cannot_be_verified_ends_with_status_2(arguments: tuple[str, ...], said: str) -> None:
    done = verify(*arguments)
    assert done.exit_code == 2, done.output
    assert said in done.stderr
    assert done.stdout == ""
    assert isinstance(done.exception, SystemExit)  # nothing else came up


@pytest.mark.usefixtures("enigma")
def test_a_kind_without_a_reference_is_named() -> None:
    with pytest.raises(cnncalc.CnncalcError, match="the kind enigma has no reference"):
        cnncalc.verify(cnncalc.load("1x8x8; conv 2 k3; enigma"))
    with pytest.raises(cnncalc.CnncalcError, match="the kind enigma has no reference"):
        reference.run(cnncalc.load("1x8x8; enigma"))


def test_a_network_too_large_for_the_machine_is_not_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(size, "memory_of_machine", lambda: 2**20)
    done = verify("resnet50")
    assert done.exit_code == 2
    assert "GiB to run, and this machine has 0.0 GiB free" in done.output
    assert "--fast runs a smaller version" in done.output
    monkeypatch.setattr(size, "memory_of_machine", lambda: None)
    assert verify("-e", "1x5; conv 2 k3").exit_code == 0


@pytest.mark.usefixtures("planted")
def test_a_number_that_differs_ends_with_status_1() -> None:
    done = verify("-e", "1x5x4; conv 2 k3")
    assert done.exit_code == 1
    assert "109, but 108 ✗" in done.output
    assert "2 differ" in done.output or "differ" in done.output
    found = json.loads(verify("-e", "1x5x4; conv 2 k3", "--format", "json").output)
    assert not found["holds"]
    assert found["counts"]["differs"] == 8
    wrong = [check for check in found["checks"] if check["verdict"] == "differs"]
    assert {(check["layer"], check["quantity"]) for check in wrong} == {
        (layer, quantity)
        for layer in ("conv1", None)
        for quantity in ("macs", "flops", "backward_flops", "arithmetic_intensity")
    }  # fmt: skip


def test_a_run_that_cannot_go_on_is_not_measured_and_does_not_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = reference.find_reference("relu")
    monkeypatch.setitem(reference.REFERENCES, "relu", honest._replace(forward=lambda layer, w, x: x[:, :, :-1]))
    done = verify("-e", "2x7x6; conv 3 k3 p1 relu; dense 4")
    assert done.exit_code == 1
    assert "3x7x6, but 3x6x6 ✗" in done.output
    assert "4 ?" in done.output
    assert "not measured: dense1.output (running it fails: ValueError" in done.output
    assert "the network could not be run to its end" in done.output
    assert "the run stopped before" in done.output


def test_json_and_markdown_have_every_check() -> None:
    done = run("verify", "-e", "1x9x8; conv 2 k3 p1 relu; maxpool 2", "--format", "json", "--seed", "5")
    found = json.loads(done.stdout)
    assert list(found) == ["schema_version", "name", "inputs", "scaled", "seed", "holds", "counts", "checks"]
    assert (found["seed"], found["holds"], found["scaled"]) == (5, True, None)
    assert list(found["checks"][0]) == ["layer", "quantity", "claimed", "measured", "probe", "verdict", "reason"]
    assert sum(found["counts"].values()) == len(found["checks"])
    text = verify("-e", "1x9x8; conv 2 k3 p1 relu; maxpool 2", "--format", "markdown").stdout
    assert text.startswith("### network: claims against evidence")
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert any("conv1" in row and "✓" in row for row in rows)


def test_one_layer_and_one_quantity() -> None:
    found = json.loads(verify("lenet5", "--layer", "C3", "--quantity", "macs", "--format", "json").stdout)
    assert [(c["layer"], c["quantity"], c["claimed"], c["measured"]) for c in found["checks"]] == [
        ("C3", "macs", 150_000, 150_000)
    ]
    assert "C3" in verify("lenet5", "--layer", "C3").stdout


def test_fast_says_what_it_changed_and_keeps_what_was_given() -> None:
    done = verify("mobilenet-v1", "--fast", "--set", "width=8", "--quantity", "params", "--format", "json")
    assert done.exit_code == 0, done.output
    scaled = json.loads(done.stdout)["scaled"]
    assert scaled
    assert "width" not in scaled


def test_a_bar_on_a_terminal_and_none_through_a_pipe() -> None:
    assert run("verify", "lenet5", "--quantity", "macs").stderr == ""
    shown = without_escapes(on_terminal("verify", "lenet5", "--quantity", "macs"))
    assert " of 1" in shown
    assert "numbers hold, none differs" in shown


def test_what_no_probe_counts_is_said_and_has_not_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A quantity that is new, and that nobody measures yet: neither left out nor said to have stopped."""
    honest = evidence.measure_counts

    def without_flops(*arguments: Any) -> Any:
        findings, peak = honest(*arguments)
        return [{name: one for name, one in found.items() if name != "flops"} for found in findings], peak

    monkeypatch.setattr(evidence, "measure_counts", without_flops)
    found = cnncalc.verify("1x8x8; conv 2 k3; relu")
    flops = [check for check in found.checks if check.quantity == "flops"]
    assert [(check.layer, check.verdict, check.reason) for check in flops] == [
        (layer, "not measured", "no probe counts it") for layer in ("conv1", "relu1", None)
    ]
    assert found.holds


@pytest.mark.parametrize(
    "net",
    [
        "4x9x17; conv 6 k3 p1 s2 groups=2; maxpool 2; dense 3",
        "4x17x9; conv 2 k5x3 same d2; depthwise k3 p1 multiplier=2",
        "3x8x11; {conv: 2, kernel: 3, table: [[0, 2], [1]]}; {conv: 3, kernel: 2, bias: per_unit}",
        "2x30; conv 3 k4 s3 p1; depthwise k3",
        "2x4x5x6; conv 3 k2 p1",
    ],
)
def test_windows_are_read_in_bands_or_at_once(net: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of large maps so many windows as fill some memory: the values, the counts and the fields are those of one go."""
    graph = cnncalc.load(net)
    x = np.random.default_rng(0).normal(size=next(iter(graph.inputs.values())))
    quantities = (*evidence.QUANTITIES, evidence.EFFECTIVE)
    whole = reference.run(graph, x), cnncalc.verify(graph, quantities=quantities)
    sizes: list[int] = []
    honest = base.columns
    monkeypatch.setattr(base, "columns", lambda x, moves: sizes.append(honest(x, moves).size) or honest(x, moves))
    monkeypatch.setattr(base, "BAND", 100)
    banded = reference.run(graph, x), cnncalc.verify(graph, quantities=quantities)
    assert len(sizes) > 12 * len(graph.nodes)
    for name, values in whole[0].items():
        np.testing.assert_allclose(banded[0][name], values, rtol=1e-12, atol=1e-12, err_msg=name)
    assert banded[1].checks == whole[1].checks
    assert whole[1].holds
