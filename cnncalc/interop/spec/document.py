"""The whole text of a spec, written in one of several ways: its head, defaults, blocks, layers, outputs and totals."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from cnncalc.errors import visible
from cnncalc.graph import Graph
from cnncalc.interop.spec.blocks import Folder
from cnncalc.interop.spec.lists import named_lists
from cnncalc.interop.spec.naming import Naming, without_numbers
from cnncalc.interop.spec.residuals import attach_followers, with_residuals
from cnncalc.interop.spec.steps import Block, Call, From, Line, Merge, Named, Step, lines_of
from cnncalc.interop.spec.structure import Structure
from cnncalc.interop.spec.text import Writer, text_of
from cnncalc.layers import KINDS
from cnncalc.layers.base import shape_text
from cnncalc.spec.build.unroll import SMALLEST

# Options that a spec states once for a kind where all layers of it agree.
SHARED = (("batchnorm", "epsilon"), ("layernorm", "epsilon"), ("groupnorm", "epsilon"), ("maxpool", "rounding"))


class Way(NamedTuple):
    """How a text is written. Some of what makes it shorter does not work for all networks.

    blocks   what repeats is a block
    straight branches of additions stand in the order in which they run: a residual runs its shortcut last
    flat     names stand in no lists
    merges   merges that are read are given their names, even those that they have anyway
    ordered  steps stand in the order in which they run, and nothing is nested
    running  merges are nested, and what does not stand within one is in the order in which it runs
    runs     equal calls that are neighbours in a list are one, which is called like the first
    """

    blocks: bool = False
    straight: bool = False
    flat: bool = False
    merges: bool = False
    ordered: bool = False
    running: bool = False
    runs: bool = False


def write_text(graph: Graph, way: Way) -> str:
    """The text, written in one of the ways."""
    # From the graph to the steps that stand in the text.
    structure = Structure(graph, running=way.running)
    steps = attach_followers(structure.steps_in_order() if way.ordered else structure.steps(), structure)
    with_residuals(steps, graph, straight=way.straight)
    defaults = shared_options(graph)
    if not way.flat:
        steps = named_lists(steps, "", {line.name for line in lines_of(steps)})
    names = Naming(graph, merges=way.merges, flat=way.flat)
    names.walk(steps, "")
    without_numbers(steps)
    folder = Folder(graph, defaults, names.values, runs=way.runs)
    # Who shares weights says whose by a name, and a layer in a block has one for each call.
    if way.blocks and all(node.weights_of is None for node in graph.nodes):
        steps = folder.fold(steps)
    required = {block.name: list(block.params.values()).count(None) for block in folder.blocks}
    writer = Writer(defaults, names.values, names.weights(), required, on_sequences(graph))
    # And the text, in the order in which people write it.
    lines = [*head_lines(graph), *defaults_lines(defaults), *block_lines(folder.blocks, writer)]
    lines += ["layers:", *writer.steps(steps, "  ")]
    # What comes out of the last step leaves the network anyway.
    if list(graph.outputs) != [last_value(structure, steps)]:
        lines.append(f"outputs: [{', '.join(names.values[v] for v in graph.outputs)}]")
    lines += expect_lines(graph)
    return "\n".join(lines) + "\n"


def head_lines(graph: Graph) -> list[str]:
    """What the network is called, where it comes from, and what enters it."""
    lines = [f"name: {quote_text(graph.name)}"] if graph.name else []
    lines += [f"source: {quote_text(graph.source)}"] if graph.source else []
    if list(graph.inputs) == ["input"]:
        return [*lines, f"input: {shape_text(graph.inputs['input'])}"]
    return [*lines, "inputs:", *(f"  {name}: {shape_text(shape)}" for name, shape in graph.inputs.items())]


def defaults_lines(defaults: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Options that are stated once for all layers of a kind."""
    lines = ["defaults:"] if defaults else []
    for kind, options in defaults.items():
        inner = ", ".join(f"{name}: {text_of(value)}" for name, value in options.items())
        lines.append(f"  {kind}: {{{inner}}}")
    return lines


def block_lines(blocks: Sequence[Block], writer: Writer) -> list[str]:
    """The blocks, the inner ones before those that call them."""
    lines = ["blocks:"] if blocks else []
    for block in blocks:
        lines.append(f"  {block.name}:")
        params = {name: "required" if usual is None else text_of(usual) for name, usual in block.params.items()}
        if params:
            lines.append(f"    params: {{{', '.join(f'{name}: {usual}' for name, usual in params.items())}}}")
        lines += ["    layers:", *writer.steps(block.steps, "      ")]
    return lines


def on_sequences(graph: Graph) -> set[int]:
    """The layers that move along one axis, where the input looks like an image without channels: 28x28.

    Their line says `conv1d`, so that no channels are thought to be missing.
    """
    if not any(len(shape) == 2 and shape[0] == shape[1] >= SMALLEST for shape in graph.inputs.values()):
        return set()
    first = len(graph.inputs)
    return {
        first + i
        for i, node in enumerate(graph.nodes)
        if "kernel" in node.layer.options and len(graph.shape(node.reads[0])) == 2
    }


def last_value(structure: Structure, steps: Sequence[Step]) -> int | None:
    """The value that comes out of the last step."""
    for step in reversed(steps):
        if isinstance(step, (Line, Merge)):
            return step.tail[-1].node if step.tail else step.node
        if isinstance(step, (Named, From)) and step.steps:
            return last_value(structure, step.steps)
        if isinstance(step, Call):
            return structure.end - 1
    return None


def expect_lines(graph: Graph) -> list[str]:
    """The totals, where all are known: whoever changes the text sees what changes."""
    totals = []
    for quantity in ("params", "macs"):
        # Weights of another layer are counted there.
        values = [
            0 if quantity == "params" and node.weights_of is not None else getattr(facts, quantity)
            for node, facts in zip(graph.nodes, graph.facts, strict=True)
        ]
        if None not in values:
            totals.append(f"{quantity}: {sum(values)}")
    return [f"expect: {{{', '.join(totals)}}}"] if totals else []


def quote_text(text: str) -> str:
    """A text of one line as YAML has it; what cannot be shown is written out, as \\x1b."""
    plain = " ".join(text.split())
    shown = visible(plain)
    # Where YAML would see a mapping, a comment, a list or a tag.
    unusual = re.search(r"(: )|( #)|:$|^[-#:{}\[\],&*?|<>=!%@`'\"]", plain)
    return "'" + shown.replace("'", "''") + "'" if unusual or not plain or shown != plain else plain


def shared_options(graph: Graph) -> dict[str, dict[str, Any]]:
    """Options in which all layers of a kind agree, and which the kind has otherwise."""
    found: dict[str, dict[str, Any]] = {}
    for kind, name in SHARED:
        values = {vars(node.layer)[name] for node in graph.nodes if node.layer.kind == kind}
        default = KINDS[kind].load().options[name].default
        if len(values) == 1 and values != {default}:
            found.setdefault(kind, {})[name] = values.pop()
    # How layers are built is said for any kind, where several of it agree: once for one layer gains nothing.
    for kind in dict.fromkeys(node.layer.kind for node in graph.nodes):
        layers = [node.layer for node in graph.nodes if node.layer.kind == kind]
        for name, said in (("built", layers[0].built), ("inplace", layers[0].inplace)):
            if said and len(layers) > 1 and all(getattr(layer, name) == said for layer in layers):
                found.setdefault(kind, {})[name] = said
    return found
