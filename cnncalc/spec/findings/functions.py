"""Activations, norms and dropout that change nothing, or undo each other."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

from cnncalc.graph import Node
from cnncalc.language import _
from cnncalc.layers import KINDS
from cnncalc.layers.ranges import UNCHANGED
from cnncalc.spec.findings.network import Hit, Network
from cnncalc.spec.steps import MergeStep, ResidualStep

NORMS = ("batchnorm", "instancenorm", "layernorm", "groupnorm")
PER_CHANNEL = ("batchnorm", "instancenorm")  # they take a constant of a channel away


def useless_activation(net: Network) -> Iterator[Hit]:
    """A function on values that it gives back as they are: relu of what cannot be negative."""
    for i, node in net.readers_of_values:
        wanted = UNCHANGED.get(node.layer.kind)
        low, high = net.ranges[node.reads[0]]
        if wanted is not None and wanted[0] <= low and high <= wanted[1]:
            text = _("{name}: it changes nothing, no negative value enters it", name=node.name)
            if node.layer.kind == "relu6":
                text = _("{name}: it changes nothing, no value below 0 or above 6 enters it", name=node.name)
            yield Hit(i, text, _("leave one of the two out"), net.graph.facts[i].params or 0)


def repeated_layer(net: Network) -> Iterator[Hit]:
    """A norm, dropout or function directly behind another one of its kind, which nothing else reads."""
    for i, node in net.readers_of_values:
        before = net.maker(node.reads[0])
        kind = node.layer.kind
        # What somebody else reads too, or what leaves the network, is needed as it is.
        if before is None or before.layer.kind != kind or net.only_reader(node.reads[0]) is None:
            continue
        row = KINDS.get(kind)
        # relu of relu is found by its range, which says more; the others do something a second time.
        if row is None or not row.appendable or kind in ("relu", "relu6", "lrn", "identity", "maxout", "glu"):
            continue
        text = _("{name}: {kind} directly behind {kind}", name=node.name, kind=kind)
        # Of the two norms it is the first whose numbers the second undoes.
        params = net.graph.facts[node.reads[0] - net.first].params or 0
        yield Hit(i, text, _("leave one of the two out"), params if kind in NORMS else 0)


def bias_before_norm(net: Network) -> Iterator[Hit]:
    """A bias for each channel that only norms read, whose first step is to subtract the mean of the channel."""
    # Biases that several layers share are useless only where norms take them away behind each of them.
    shared: dict[int, list[int]] = {}
    for i, node in enumerate(net.graph.nodes):
        if node.weights_of is not None:
            shared.setdefault(node.weights_of, []).append(net.first + i)
    for i, node in enumerate(net.graph.nodes):
        value = net.first + i
        biases = channel_biases(net, i)
        if biases and all(only_norms_read(net, v) for v in (value, *shared.get(value, ()))):
            text = _(
                "{name}: {count:,} biases that {norm} takes away again",
                name=node.name,
                count=biases,
                norm=net.graph.nodes[net.readers[value][0]].name,
            )
            yield Hit(i, text, _("write nobias"), biases)


def channel_biases(net: Network, i: int) -> int:
    """The biases of a node, if it stores one for each channel of its output; 0 else."""
    node, facts = net.graph.nodes[i], net.graph.facts[i]
    if vars(node.layer).get("bias") is not True or node.weights_of is not None or facts.params is None:
        return 0
    # By counting without it: no kind says how many of its parameters are biases.
    without = net.without_bias(node.layer, tuple(net.shapes[value] for value in node.reads))
    return facts.output[0] if without is not None and facts.params - without == facts.output[0] else 0


def only_norms_read(net: Network, value: int) -> bool:
    """Whether all that reads a map makes no difference between it and the same with a constant in each channel."""
    readers = net.readers[value]
    norms = all(takes_constants_away(net, net.graph.nodes[reader]) for reader in readers)
    return bool(readers) and norms and value not in net.outputs


def takes_constants_away(net: Network, node: Node) -> bool:
    """Whether a constant added to a channel before a layer makes no difference behind it."""
    kind = node.layer.kind
    if kind == "groupnorm":
        return bool(vars(node.layer)["groups"] == net.entering(node)[0])
    return kind in PER_CHANNEL


def rectified_residual(net: Network) -> Iterator[Hit]:
    """A branch that ends in a function without negative values, and is added to what went around it."""
    for node in net.graph.nodes:
        if node.layer.kind != "add" or node.position is None:
            continue
        step = net.steps.get(node.position)
        if isinstance(step, ResidualStep):
            branches = [node.reads[0]]
        elif isinstance(step, MergeStep) and len(step.branches) == len(node.reads):
            branches = [v for v, branch in zip(node.reads, step.branches, strict=True) if branch.steps]
            # No branch goes around: then every summand may be without negative values, and nothing is lost.
            if len(branches) == len(node.reads):
                continue
        else:
            continue
        for value in branches:
            last = net.maker(value)
            row = KINDS.get(last.layer.kind) if last else None
            if last and row and row.family == "activation" and net.ranges[value][0] >= 0:
                text = _(
                    "{last}: behind {kind} the branch can only add to what goes around it, never take away",
                    last=last.name,
                    kind=last.layer.kind,
                )
                yield Hit(value - net.first, text, _("put the function behind the sum: `then: {kind}`", kind=row.name))


def softmax_of_one(net: Network) -> Iterator[Hit]:
    """The softmax over one channel, which is 1 whatever enters."""
    for i, node in net.readers_of_values:
        if node.layer.kind in ("softmax", "log_softmax") and net.entering(node)[0] == 1:
            always = 1 if node.layer.kind == "softmax" else 0
            text = _("{name}: of one channel it is always {always}", name=node.name, always=always)
            yield Hit(i, text, _("write sigmoid, or give it two channels"))


def kept_twice(net: Network) -> Iterator[Hit]:
    """An activation whose input training keeps for it alone, while its result is kept too and would do in its place."""
    trained = False
    for i, node in enumerate(net.graph.nodes):
        before = net.maker(node.reads[0]) if len(node.reads) == 1 else None
        if before is not None and trained and not node.layer.inplace and is_kept_behind(net, net.first + i):
            value = node.reads[0]
            # The layer before must not need its own result for its gradient, or writing over it would destroy that.
            given = net.graph.facts[value - net.first].kept
            alone = net.only_reader(value) is not None and given is not None and not (given.result or given.shares)
            if alone and does_with_result(net, i):
                text = _(
                    "{name}: training keeps what enters and what comes out, {count:,} numbers each",
                    name=node.name,
                    count=prod(net.shapes[value]),
                )
                yield Hit(i, text, _("written over what enters, the result alone is kept: {kind} inplace",
                                     kind=node.layer.kind))  # fmt: skip
        # Before the first trained weight no gradient is asked for, and so nothing is kept.
        trained = trained or bool(net.graph.facts[i].trainable_params)


def is_kept_behind(net: Network, value: int) -> bool:
    """Whether a layer that reads a value keeps it for its backward pass."""
    for i in net.readers[value]:
        kept, reads = net.graph.facts[i].kept, net.graph.nodes[i].reads
        if kept is not None and any(reads[place] == value for place in (*kept.inputs, *kept.trained)):
            return True
    return False


def does_with_result(net: Network, i: int) -> bool:
    """Whether a layer keeps what enters, and in place its result instead, and nothing else."""
    node, kept = net.graph.nodes[i], net.graph.facts[i].kept
    if kept is None or kept.inputs != (0,) or kept.values or net.entering(node) != net.graph.facts[i].output:
        return False
    other = node.layer.replace(inplace=True).facts(net.entering(node)).kept
    return other is not None and other.result and not (other.inputs or other.values)
