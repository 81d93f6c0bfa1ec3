"""Layers that nothing needs: unread, the same before and behind, or expressed by another one."""

from __future__ import annotations

from collections.abc import Iterator

from cnncalc.graph import Node
from cnncalc.language import _
from cnncalc.layers.base import Facts
from cnncalc.spec.findings.network import Hit, Network
from cnncalc.spec.steps import LayerStep, ResidualStep


def unread_layer(net: Network) -> Iterator[Hit]:
    """Layers whose result nothing reads, and what leads to them alone."""
    dead: set[int] = set()
    # From the last: a layer is for nothing if all that read it are, and these run behind it.
    for i in reversed(range(len(net.graph.nodes))):
        value = net.first + i
        if value not in net.outputs and all(reader in dead for reader in net.readers[value]):
            dead.add(i)
    for i in sorted(dead):
        # Told once, at the end of a dead branch, and not again for each layer that leads there.
        if net.readers[net.first + i]:
            continue
        # Shared weights are not spared by leaving one of their users out.
        behind = only_for(net, i, dead)
        params = [p for j in behind if (p := net.graph.facts[j].params) and net.graph.nodes[j].weights_of is None]
        node = net.graph.nodes[find_row(net, i)]
        text = _("{name}: nothing reads what comes out", name=node.name)
        if len(behind) > 1:
            count = len(behind)
            text = _(
                "{name}: nothing reads what comes out; {count} layers are for nothing", name=node.name, count=count
            )
        yield Hit(find_row(net, i), text, _("leave it out, read it (`from:`), or name it under outputs:"), sum(params))


def find_row(net: Network, i: int) -> int:
    """The node in whose row a node is shown: that of C1 for C1/relu."""
    owner = net.graph.nodes[i].shown_with
    return i if owner is None else owner - net.first


def only_for(net: Network, last: int, dead: set[int]) -> set[int]:
    """The nodes that lead to this one alone, with it."""
    found, waiting = {last}, [last]
    while waiting:
        # Whoever shares the weights needs them as they are.
        for value in net.graph.nodes[waiting.pop()].reads:
            i = value - net.first
            if i in dead and i not in found and all(reader in found for reader in net.readers[value]):
                found.add(i)
                waiting.append(i)
    return found


def unread_input(net: Network) -> Iterator[Hit]:
    places = {key.text: key.position for key, _node in net.top("inputs")}
    for value, name in enumerate(net.graph.inputs):
        if not net.readers[value] and value not in net.outputs and name in places:
            text = _("no layer reads the input '{name}'", name=name)
            yield Hit(places[name], text, _("leave it out, or start from it: `from: {name}`", name=name))


def unread_channels(net: Network) -> Iterator[Hit]:
    """Channels of a map that every layer behind it cuts off."""
    for value, readers in enumerate(net.readers):
        if not readers or value in net.outputs:
            continue
        taken = [find_kept(net.graph.nodes[reader], net.shapes[value]) for reader in readers]
        # One reader that takes the whole map is enough: then nothing is unread.
        if None in taken:
            continue
        c = net.shapes[value][0]
        # The gaps between the parts that are taken, which may overlap.
        unread, at = 0, 0
        for first, last in sorted(part for part in taken if part is not None):
            unread += max(0, first - at)
            at = max(at, last)
        unread += c - at
        maker = net.maker(value)
        if unread and maker is not None:
            text = _(
                "{name}: of its {channels} channels {unread} are read by nobody",
                name=maker.name,
                channels=c,
                unread=unread,
            )
            yield Hit(value - net.first, text, _("compute fewer channels, or read the rest"))


def find_kept(node: Node, shape: tuple[int, ...]) -> tuple[int, int] | None:
    """Which channels a layer that cuts them takes: from, up to. None if it is no such layer."""
    options = vars(node.layer)
    if node.layer.kind == "split":
        size = shape[0] // options["parts"]
        return options["part"] * size, (options["part"] + 1) * size
    if node.layer.kind == "slice" and options["axis"] == "c":
        start, stop, _axis = node.layer.bounds(shape)  # type: ignore[attr-defined]
        return start, stop
    return None


def identity_step(net: Network) -> Iterator[Hit]:
    """A layer that gives back what it gets, on any input, by what its own line says."""
    for i, node in net.readers_of_values:
        if changes_nothing(node, net.entering(node)) and is_plain(net, node):
            text = _("{name}: gives back what it gets", name=node.name)
            yield Hit(i, text, _("leave it out"))


def changes_nothing(node: Node, shape: tuple[int, ...]) -> bool:
    kind, options = node.layer.kind, vars(node.layer)
    ones = {
        "upsample": "factor", "pixel_shuffle": "factor", "pixel_unshuffle": "factor", "maxout": "pieces",
        "channel_shuffle": "groups", "split": "parts",
    }  # fmt: skip
    if kind in ("maxpool", "avgpool"):
        stride = options["stride"] or options["kernel"]
        no_padding = options["padding"] == "same" or not any(map(any, options["padding"]))
        return set(options["kernel"]) == {1} and set(stride) == {1} and no_padding
    if kind in ones:
        value = options[ones[kind]]
        # `factor` may be a number, or one for each axis.
        return value in (1, (1,) * (len(value) if isinstance(value, tuple) else 0))
    if kind in ("pad", "crop"):
        sides = options["padding" if kind == "pad" else "cropping"]
        return sides is not None and not any(map(any, sides))
    if kind == "dropout":
        return bool(options["rate"] == 0)
    if kind == "permute":
        return bool(options["order"] == tuple(range(len(shape))))
    if kind == "slice":
        return bool(options["range"] == (0, None))
    return kind == "flatten" and len(shape) == 1


def is_plain(net: Network, node: Node) -> bool:
    """Whether the node's step has no expression: one may stand for something else in another variant."""
    step = net.steps.get(node.position) if node.position else None
    return isinstance(step, LayerStep) and step.kind.name == node.layer.kind and not any(a.open for a in step.arguments)


def linear_after_linear(net: Network) -> Iterator[Hit]:
    """Two dense layers, or convolutions of which the second has 1x1 windows, with no function between them.

    Where the map between them is narrower than what it connects, the two say and store less than one layer would:
    that may be meant.
    """
    shared = {node.weights_of for node in net.graph.nodes} - {None}
    for i, node in net.readers_of_values:
        value = node.reads[0]
        # Dropout is no function between them: when it is switched off, as it is in use, nothing is there.
        while (maker := net.maker(value)) is not None and maker.layer.kind == "dropout" and net.only_reader(value):
            value = maker.reads[0]
        if maker is None or maker.layer.kind != node.layer.kind or not (plain(maker) and mixes_channels(node)):
            continue
        if net.only_reader(value) is None or {value, net.first + i} & shared or maker.weights_of or node.weights_of:
            continue
        before, behind = net.graph.facts[value - net.first], net.graph.facts[i]
        # What one filter of the first reads: its window times its maps, whatever the kind of layer.
        fan_in = ((before.params or 0) - biases(maker, before)) // before.output[0]
        leaving = behind.output[0]
        one = fan_in * leaving + (biases(node, behind) or (leaving if biases(maker, before) else 0))
        two = (before.params or 0) + (behind.params or 0)
        # Narrower than both sides is a factorisation, which people write on purpose; wider says nothing more.
        if before.output[0] >= min(fan_in, leaving) and one < two:
            text = _(
                "{name}: with no function behind {before} the two are one layer, of {one:,} parameters, not {two:,}",
                name=node.name,
                before=maker.name,
                one=one,
                two=two,
            )
            yield Hit(i, text, _("put a function between them, for example relu"), two - one)


def plain(node: Node) -> bool:
    """A dense layer or a convolution in which every unit reads every map."""
    options = vars(node.layer)
    kinds = ("dense", "conv")
    return node.layer.kind in kinds and options["table"] is None and options.get("groups", 1) == 1


def mixes_channels(node: Node) -> bool:
    """Of those the ones that work at each position by itself, without padding."""
    options = vars(node.layer)
    if node.layer.kind == "dense":
        return plain(node)
    at_a_position = node.layer.kind == "conv" and set(options["kernel"]) == {1} and set(options["stride"]) == {1}
    return plain(node) and at_a_position and options["padding"] in ("same", ((0, 0),))


def biases(node: Node, facts: Facts) -> int:
    """The biases that a dense layer or a convolution stores: one for each channel, or none."""
    return facts.output[0] if vars(node.layer)["bias"] is True else 0


def unused_shortcut(net: Network) -> Iterator[Hit]:
    """`shortcut:` where the shapes agree: then the input itself is added."""
    for i, node in enumerate(net.graph.nodes):
        step = net.steps.get(node.position) if node.position else None
        if isinstance(step, ResidualStep) and step.shortcut is not None and node.layer.kind == "add":
            y, around = node.reads
            if around < y:  # what a shortcut gives comes after what the branch gives
                text = _("{name}: the shapes agree, and its shortcut is not used", name=node.name)
                hint = _("leave it out, or write add: with both branches")
                yield Hit(i, text, hint)
