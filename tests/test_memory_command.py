"""`cnncalc memory`: what is held, step by step; what fits; whether another order takes less."""

from __future__ import annotations

import json
import random
from itertools import permutations
from typing import Any

import pytest
from cases import bundled_graph
from click.testing import CliRunner, Result

import cnncalc
from cnncalc.analysis.inplace import in_place
from cnncalc.analysis.memory import find_peak
from cnncalc.analysis.ordering import find_order
from cnncalc.analysis.timeline import FORWARD, KINDS, Plan, Timeline, plan_inference, plan_training
from cnncalc.cli import group
from cnncalc.graph import Graph, Node
from cnncalc.language import use


def call(*words: str) -> Result:
    return CliRunner().invoke(group(), ["memory", *words])


def data(*words: str) -> Any:
    done = call(*words, "--format", "json")
    assert done.exit_code == 0, done.output
    return json.loads(done.output)


def values_at_peak(name: str, **plan: Any) -> int:
    found = plan_inference(bundled_graph(name), Plan(dtype="int8", fused=True, **plan))
    kinds = found.by_kind(found.peak_step())
    return kinds.get("inputs", 0) + kinds.get("other values", 0)


# 8 bit, norms and activations in the layer before: Lin et al. 2020 (arXiv:2007.10319) count the input and the output of
# the largest layer. v1: 32 and 64 maps of 112x112. v2: 96 maps of 112x112 and of 56x56. ResNet-50, its sums in place:
# the shortcut with 256 maps, 64 maps and 256 maps of 56x56.
@pytest.mark.parametrize(
    ("name", "peak"),
    [("mobilenet-v1", 1_204_224), ("mobilenet-v2", 1_505_280), ("resnet50", (256 + 64 + 256) * 56 * 56)],
)
def test_the_peak_of_a_small_runtime(name: str, peak: int) -> None:
    assert values_at_peak(name) == peak


def test_by_hand_what_is_done_in_place() -> None:
    found = plan_inference(cnncalc.load("1x8x8; {residual: [conv 4 k3 p1 relu, conv 1 k1]}"), Plan("int8", fused=True))
    # At the activation: the image (64) waits, 4 maps are written over. At the sum one of both is.
    assert [step.name for step in found.steps] == ["conv1", "conv1/relu", "conv2", "add1"]
    params = 4 * 10 + 5
    assert found.sum_held() == [params + n for n in (64 + 256, 64 + 256, 64 + 256 + 64, 64 + 64)]
    twice = plan_inference(cnncalc.load("1x8x8; conv 2 k1; {add: [relu, sigmoid]}"), Plan("int8", fused=True))
    # What two layers read is written over by the last of them alone.
    assert [n - 4 for n in twice.sum_held()] == [64 + 128, 128 + 128, 128 + 128, 128 + 128]


def test_what_only_looks_at_elements_takes_nothing() -> None:
    found = plan_inference(cnncalc.load("2x4x4; flatten; reshape 4x8; dense 3"), Plan("int8", fused=True))
    assert max(found.by_kind(2).values()) == 99 == 33 * 3
    assert found.sum_held() == [99 + 32, 99 + 32, 99 + 32, 99 + 32 + 3]


@pytest.mark.parametrize("name", ["lenet5", "resnet34", "googlenet", "densenet121", "unet", "gru"])
def test_without_fusion_it_is_the_peak_of_the_report(name: str) -> None:
    graph = bundled_graph(name)
    found = plan_inference(graph, Plan("int8", batch=3))
    stored = sum(found.size(t) for t in found.tensors if t.kind in ("parameters", "statistics"))
    assert found.peak() - stored == 3 * (find_peak(graph)[0] or 0)
    assert found.steps[found.peak_step()].name == graph.nodes[find_peak(graph)[1] or 0].name


def test_a_step_of_training_by_hand() -> None:
    found = plan_training(cnncalc.load("4; dense 3 tanh; dense 2"), Plan("int8", batch=10, optimizer="momentum"))
    assert [(step.name, step.phase) for step in found.steps] == [
        ("dense1", "forward"), ("dense1/tanh", "forward"), ("dense2", "forward"),
        ("dense2", "backward"), ("dense1/tanh", "backward"), ("dense1", "backward"),
    ]  # fmt: skip
    always = {"parameters": 15 + 8, "optimizer state": 15 + 8, "inputs": 40}
    # tanh keeps its result, and dense2 the same; the output is held by the program.
    assert [found.by_kind(step) for step in range(6)] == [
        {**always, "other values": 30},
        {**always, "saved for the backward pass": 30, "other values": 30},
        {**always, "saved for the backward pass": 30, "other values": 20},
        {**always, "gradients of parameters": 8, "saved for the backward pass": 30, "other values": 20,
         "gradients of values": 20 + 30},
        {**always, "gradients of parameters": 8, "saved for the backward pass": 30, "other values": 20,
         "gradients of values": 30 + 30},
        {**always, "gradients of parameters": 23, "other values": 20, "gradients of values": 30},
    ]  # fmt: skip


def test_a_checkpointed_block_keeps_what_enters_and_runs_again() -> None:
    spec = "input: 1x16\nlayers:\n- conv 2 k1\n- part: [conv 4 k1 sigmoid, conv 4 k1 sigmoid]\n- conv 1 k1\n"
    graph = cnncalc.load(spec)
    (block,) = graph.groups
    plain, again = (plan_training(graph, Plan("int8", checkpoint=names)) for names in ((), (block,)))
    assert [s.phase for s in again.steps].count("forward again") == 4
    saved = [t for t in again.tensors if t.kind == "saved for the backward pass" and t.name.startswith(block)]
    # what the layer behind the block reads is kept from the first run on, the others from the second
    assert [t.name for t in saved if again.steps[t.first].phase == "forward"] == [f"{block}/conv2/sigmoid"]
    assert len(saved) == 3
    (entering,) = [t for t in again.tensors if t.name == "conv1" and t.kind == "saved for the backward pass"]
    assert again.steps[entering.last].phase != "forward"
    forward = len(graph.nodes)
    assert max(again.sum_held()[:forward]) < max(plain.sum_held()[:forward])


def test_16_bit_values_have_copies_of_the_weights() -> None:
    graph = cnncalc.load("3x8x8; conv 4 k3; batchnorm relu; conv 2 k1")
    full, half = (plan_training(graph, Plan(batch=5, amp=amp)) for amp in (False, True))

    def total(found: Timeline, kind: str) -> int:
        return sum(tensor.each for tensor in found.tensors if tensor.kind == kind)

    saved = "saved for the backward pass"
    image = 3 * 8 * 8  # in 32 bits it is there anyway; its 16-bit copy is kept
    assert total(half, saved) - 2 * image == total(full, saved) // 2
    assert total(half, "inputs") == total(full, "inputs") == 4 * image
    once = {kind: sum(t.once for t in half.tensors if t.kind == kind) for kind in KINDS}
    assert once["16-bit copies"] == 2 * (112 + 10)  # of convolutions, not of the norm
    assert once["parameters"] == once["gradients of parameters"] == 4 * (112 + 8 + 10)


def test_the_batch_that_fits_is_exact() -> None:
    for words in (("--train", "--optimizer", "adam"), ("--train", "--amp"), ("--fused", "--dtype", "int8"), ()):
        found = data("mobilenet-v2", *words, "--fits", "700MB", "--find", "batch")
        most = found["limit"]["batch"]
        assert data("mobilenet-v2", *words, "--batch", str(most))["peak"]["bytes"] <= 700_000_000
        assert data("mobilenet-v2", *words, "--batch", str(most + 1))["peak"]["bytes"] > 700_000_000


def test_whether_it_fits_is_the_status() -> None:
    assert call("lenet5", "--fits", "1MiB").exit_code == 0
    done = call("lenet5", "--fits", "100KiB")
    assert done.exit_code == 1
    assert "does not fit into 100KiB (102,400 bytes)" in done.output
    assert "not even 1 sample" in call("lenet5", "--fits", "100KiB", "--find", "batch").output


def test_kinds_and_steps_add_up() -> None:
    found = data("inception-v3", "--train", "--batch", "4", "--inplace")
    assert sum(kind["bytes"] for kind in found["kinds"]) == found["peak"]["bytes"]
    assert max(step["bytes"] for step in found["steps"]) == found["peak"]["bytes"]
    assert {kind["kind"] for kind in found["kinds"]} <= set(KINDS)
    for place in (0, 100, len(found["steps"]) - 1):
        held = sum(t["bytes"] for t in found["tensors"] if t["first"] <= place <= t["last"])
        assert held == found["steps"][place]["bytes"]


def test_activations_in_place_hold_less_and_compute_the_same() -> None:
    graph = cnncalc.load("densenet121")
    changed = in_place(graph)
    assert sum(node.layer.inplace for node in changed.nodes) > 100
    less, more = (plan_training(net, Plan(batch=4)) for net in (changed, graph))
    assert all(a <= b for a, b in zip(less.sum_held(), more.sum_held(), strict=True))
    assert sum(less.sum_held()) < sum(more.sum_held())
    # what a sigmoid gives is what it keeps itself: nothing may be written over it
    written_over = {node.name: node.layer.inplace for node in in_place(cnncalc.load("4; dense 3 sigmoid; relu")).nodes}
    assert written_over == {"dense1": False, "dense1/sigmoid": True, "relu1": False}


# --- orders


def reordered(graph: Graph, order: tuple[int, ...]) -> Graph:
    """The network with its operations in another order."""
    first = len(graph.inputs)
    place = {node: i for i, node in enumerate(order)}

    def moved(value: int) -> int:
        return value if value < first else first + place[value - first]

    nodes = tuple(
        Node(graph.nodes[i].name, graph.nodes[i].layer, tuple(map(moved, graph.nodes[i].reads))) for i in order
    )
    return Graph(
        name="", inputs=graph.inputs, nodes=nodes, outputs=tuple(map(moved, graph.outputs)), groups={},
    )  # fmt: skip


def peak_of_all_orders(graph: Graph) -> int:
    first, best = len(graph.inputs), 10**9
    for order in permutations(range(len(graph.nodes))):
        place = {node: i for i, node in enumerate(order)}
        if all(v < first or place[v - first] < place[i] for i in order for v in graph.nodes[i].reads):
            best = min(best, find_peak(reordered(graph, order))[0] or 0)
    return best


def test_the_best_order_is_the_best_of_all() -> None:
    rng = random.Random(5)
    smaller = 0
    for _ in range(25):
        a, b, c, d, e = (rng.randint(1, 9) for _ in range(5))
        branch = f"[conv {a} k1, conv {b} k1]"
        graph = cnncalc.load(f"{c}x7; {{concat: [{branch}, [conv {d} k1, maxpool 1], conv {e} k1]}}")
        found = find_order(graph)
        assert found is not None
        assert found.exact
        assert found.peak == peak_of_all_orders(graph) == find_peak(reordered(graph, found.nodes))[0]
        smaller += found.peak < found.as_written
    assert smaller > 1


def test_an_order_that_takes_less_is_told_and_a_search_that_ends_early_is_said() -> None:
    done = call("unet", "--order").output
    assert "158.6 MiB at peak instead of 159.6 MiB" in done
    assert "up4/crop1    bottom/conv1" in done
    assert "no other order" in call("resnet34", "--order").output
    found = find_order(cnncalc.load("unet"), most=3)
    assert found is not None
    assert (found.exact, found.peak) == (False, found.as_written)


# --- the command


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--amp",), "--amp goes with --train."),
        (("--optimizer", "adam"), "--optimizer goes with --train."),
        (("--checkpoint", "C1"), "--checkpoint goes with --train."),
        (("--train", "--fused"), "--fused goes without --train."),
        (("--train", "--order"), "--order goes without --train."),
        (("--fused", "--order"), "--order goes without --fused."),
        (("--train", "--amp", "--dtype", "int8"), "--amp goes with float32"),
        (("--find", "batch"), "--find goes with --fits SIZE."),
        (("--fits", "4 parsecs"), "is no size"),
        (("--batch", "0"), "0 is not in the range"),
        (("--train", "--checkpoint", "C9"), "there is no block 'C9'"),
    ],
)
def test_what_does_not_go_together_is_refused(words: tuple[str, ...], said: str) -> None:
    done = call("lenet5", *words)
    assert done.exit_code == 2
    assert said in done.output


def test_what_is_not_known_ends_it() -> None:
    done = call("-e", "1x8x8; conv 2 k3; dense 2 frozen=3", "--train")
    assert done.exit_code == 0  # which weights are frozen is not known; how many are is
    assert "statistics" not in done.output


def test_every_step_is_shown_where_it_is_asked_for() -> None:
    short, long = call("resnet50", "--train").output, call("resnet50", "--train", "--expand").output
    assert "24 of 350 steps" in short
    assert long.count("\n") > 350
    assert call("lenet5", "--format", "csv").output.startswith("layer,phase,bytes\nC1,forward,")


def test_in_chinese() -> None:
    try:
        use("zh")
        done = CliRunner().invoke(group(), ["memory", "lenet5", "--train", "--lang", "zh"])
    finally:
        use("en")
    assert done.exit_code == 0
    assert "为反向传播保存的值" in done.output


def test_the_forward_pass_of_training_has_every_operation() -> None:
    graph = cnncalc.load("googlenet")
    found = plan_training(graph, Plan())
    assert [s.name for s in found.steps if s.phase == FORWARD] == [node.name for node in graph.nodes]


def test_shares_and_missing_bytes_are_those_of_the_peak() -> None:
    """LeNet-5: 60,840 parameters of 4 bytes and 9,408 values of 4 bytes, 280,992 in all."""
    done = call("lenet5", "--fits", "100KB")
    assert done.exit_code == 1
    assert "does not fit into 100KB (100,000 bytes): 180,992 bytes are missing" in done.output
    assert [line.split() for line in done.output.splitlines() if line.startswith("parameters  ")] == [
        ["parameters", "243,360", "86.6"]
    ]
