"""What a spec says and never uses: parameters, blocks, defaults, conditions and expectations without effect."""

from __future__ import annotations

from collections.abc import Iterator

from cnncalc.errors import OptionError
from cnncalc.language import _
from cnncalc.layers import kind_named
from cnncalc.spec.findings.network import Hit, Network, names_below, names_in
from cnncalc.spec.read.document import NEEDED, calls_in, walk
from cnncalc.spec.read.yamltree import Entries, Text, Tree, raw
from cnncalc.spec.steps import CallStep, LayerStep, WordStep


def unused_param(net: Network) -> Iterator[Hit]:
    """Parameters that no expression names, of the network and of blocks."""
    blocks = list(net.top("blocks"))
    everywhere = set().union(*(names_below(net.top(key)) for key in ("params", "defaults", "inputs")))
    everywhere |= names_below((k, v) for k, v in net.top() if k.text in ("input", "layers"))
    for key, node in blocks:
        own = {name.text for name, _value in net.top("blocks", key.text, "params")}
        in_defaults = names_below(net.top("blocks", key.text, "params"))
        in_body = names_below((k, v) for k, v in entries_of(node) if k.text == "layers")
        # In `{c: $c}` the value is the network's c; in the steps of the block c is its own.
        everywhere |= in_defaults | (in_body - own)
        for name, _value in net.top("blocks", key.text, "params"):
            if name.text not in in_defaults | in_body:
                text = _("block {block} never uses its parameter '{name}'", block=key.text, name=name.text)
                yield Hit(name.position, text, _("leave it out, or write ${name} where it is meant", name=name.text))
    for name, _value in net.top("params"):
        if name.text not in everywhere:
            text = _("the parameter '{name}' is never used: setting it changes nothing", name=name.text)
            yield Hit(name.position, text, _("leave it out, or write ${name} where it is meant", name=name.text))


def entries_of(node: Tree) -> Iterator[tuple[Text, Tree]]:
    yield from node if isinstance(node, Entries) else ()


def unused_block(net: Network) -> Iterator[Hit]:
    """Blocks that the network does not call, nor any block that it calls."""
    if net.document is None:
        return
    blocks = net.document.blocks
    called: set[str] = set()
    waiting = [call.block for call in calls_in(net.document.layers)]
    while waiting:
        name = waiting.pop()
        if name not in called:
            called.add(name)
            waiting += [call.block for call in calls_in(blocks[name].body)]
    for name, block in blocks.items():
        if name not in called:
            yield Hit(block.position, _("the block '{name}' is never called", name=name), _("leave it out, or call it"))


def unused_default(net: Network) -> Iterator[Hit]:
    """Defaults of kinds that do not occur, of options that every step says itself, or that are so anyway."""
    document = net.document
    if document is None:
        return
    steps = [step for sequence in net.sequences for step in walk(sequence)]
    open_words = any(isinstance(step, WordStep) for step in steps)  # `$act` may be any norm or activation
    given: dict[str, list[set[str]]] = {}
    for step in steps:
        if isinstance(step, LayerStep):
            given.setdefault(step.kind.name, []).append({argument.name or "" for argument in step.arguments})
    for node in net.graph.nodes:
        if node.position not in net.steps or not isinstance(net.steps[node.position], LayerStep):
            given.setdefault(node.layer.kind, []).append(set())  # a projection that was inserted
    for key, defaults in net.top("defaults"):
        kind = kind_named(key.text)
        if kind is None or not isinstance(defaults, Entries) or (open_words and kind.appendable):
            continue
        if kind.name not in given:
            text = _("the defaults of {kind} are never used: there is no such layer", kind=kind.name)
            yield Hit(key.position, text, _("leave them out"))
            continue
        known = document.maker.options(kind)
        for name, value in defaults:
            option = known[name.text.lower()]
            if all(option.name in said for said in given[kind.name]):
                text = _("every {kind} says its {option} itself", kind=kind.name, option=option.name)
                yield Hit(name.position, text, _("leave this default out"))
            elif not names_in(raw(value)) and same_value(option.read, raw(value), option.default):
                text = _(
                    "{option} of {kind} is {value} anyway", option=option.name, kind=kind.name, value=name_of(value)
                )
                yield Hit(name.position, text, _("leave this default out"))


def same_value(read: object, text: object, default: object) -> bool:
    try:
        return callable(read) and bool(read(text) == default)
    except OptionError:
        return False


def name_of(value: object) -> str:
    return value.text if isinstance(value, Text) else _("so")


def shadowed_param(net: Network) -> Iterator[Hit]:
    """A block's own default for a parameter of the network: where it is in force, --set does not reach."""
    document = net.document
    if document is None:
        return
    calls = [call for sequence in net.sequences for call in calls_in(sequence)]
    for key, _node in net.top("blocks"):
        params = list(net.top("blocks", key.text, "params"))
        for i, (name, default) in enumerate(params):
            if name.text not in document.params or names_in(raw(default)) or raw(default) == NEEDED:
                continue
            # A call that gives the value says itself which one it means.
            leave_out = [call for call in calls if call.block == key.text and not gives(call, name.text, i)]
            if leave_out:
                text = _(
                    "'{name}' of block {block} is not the network's: the call in line {line} gets {default}",
                    name=name.text,
                    block=key.text,
                    line=leave_out[0].position.line,
                    default=raw(default),
                )
                yield Hit(name.position, text, _("write {name}: ${name}, or give it another name", name=name.text))


def gives(call: CallStep, name: str, place: int) -> bool:
    """Whether a call gives a value for the parameter of this name, the place-th of its block."""
    unnamed = sum(argument.name is None for argument in call.arguments)
    return unnamed > place or any(argument.name == name for argument in call.arguments)


def constant_condition(net: Network) -> Iterator[Hit]:
    """`if:` beside a step, with a value that never changes."""
    for step in net.steps.values():
        condition = step.condition
        if condition is None or condition.open:
            continue
        # Other values are refused when the step is built.
        if condition.value in ("0", "false", "no", "off"):
            yield Hit(condition.position, _("this step is never there"), _("leave it out, or write if: $name"))
        else:
            yield Hit(
                condition.position, _("this step is always there"), _("leave out the condition, or write if: $name")
            )


def vacuous_expectation(net: Network) -> Iterator[Hit]:
    """`>= 0` of a count, or `>= 1` of a size."""
    for expectation in net.graph.expectations:
        least = 1 if expectation.quantity == "output" else 0
        if expectation.relation == ">=" and all(value <= least for value in expectation.value) and expectation.position:
            # A start may lie before the image, below 0.
            if expectation.quantity in ("rf_start", "jump"):
                continue
            name = f"{expectation.layer}.{expectation.quantity}" if expectation.layer else expectation.quantity
            text = _("expect: {name} is always {text}", name=name, text=expectation.text)
            yield Hit(expectation.position, text, _("write the number that must come out, or a bound that can fail"))
