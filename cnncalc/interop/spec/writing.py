"""A graph as the text of a spec that a person would have written, whatever it came from.

Names are kept, but for those of norms and activations, which are flags behind their layer; steps that repeat become
blocks. The text is read back before it is given, and every number compared.
"""

from __future__ import annotations

import re
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

from cnncalc.analysis.fields.forward import receptive_fields
from cnncalc.analysis.memory import peak_elements
from cnncalc.errors import CnncalcError, Source, SpecError, SpecWarning, visible
from cnncalc.graph import Graph
from cnncalc.interop.names import Names, number_name, unique
from cnncalc.interop.spec.blocks import Folder
from cnncalc.interop.spec.growing import with_growing_concats
from cnncalc.interop.spec.lifting import lift
from cnncalc.interop.spec.steps import (
    Call,
    From,
    Line,
    Merge,
    Named,
    Step,
    Structure,
    attach_followers,
    is_numbered,
    lines_of,
    named_lists,
    with_residuals,
)
from cnncalc.interop.spec.text import Writer, text_of
from cnncalc.interop.targets import Conversion
from cnncalc.language import _
from cnncalc.layers import KINDS
from cnncalc.layers.base import shape_text
from cnncalc.layers.unknown import Unknown
from cnncalc.spec import graph_from_text
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


# The shortest text first that says the same network.
NESTED = (
    Way(blocks=True, runs=True),
    Way(blocks=True, runs=True, straight=True),
    Way(blocks=True),
    Way(blocks=True, straight=True),
    Way(blocks=True, merges=True),
    Way(blocks=True, straight=True, merges=True),
)
# What is not nested is shorter in the order in which it runs, where modules run one after the other.
RUNNING = (
    Way(blocks=True, runs=True, running=True),
    Way(blocks=True, runs=True, running=True, straight=True),
    Way(blocks=True, running=True, straight=True, merges=True),
)
LONG = (
    Way(),
    Way(merges=True),
    Way(flat=True, merges=True),
    Way(merges=True, ordered=True),
    Way(flat=True, merges=True, ordered=True),
)


class NotASpecError(CnncalcError):
    """A network that the language of specs cannot say."""


def to_spec(graph: Graph) -> str:
    """The text of a spec of this network. Raises NotASpecError where it has operators that no kind is.

    Reading it gives the same layers with the same numbers, concats that grow one behind the other: that is checked.
    """
    return text_for(as_people_say(graph))


def text_for(graph: Graph) -> str:
    """The shortest text that is read back as this network."""
    for node in graph.nodes:
        if isinstance(node.layer, Unknown):
            raise NotASpecError(
                _(
                    "{name}: {kind} is not known, and cannot be written",
                    name=node.name,
                    kind=node.layer.kind,
                )
            )
    found = []
    ours: list[Fingerprints] = []  # of this network, once they are asked for

    @cache  # ways that differ may give one text
    def same(text: str) -> bool:
        return same_numbers(graph, text, ours)

    # Each text is read back, and the first that gives the same network is taken: what cannot be said one way is tried
    # in the next.
    for ways in (NESTED, RUNNING):
        texts = (write_text(graph, way) for way in ways)
        found += [text] if (text := next((text for text in texts if same(text)), "")) else []
        if found and "from:" not in found[0]:
            break
    if found:
        return min(found, key=lambda text: text.count("\n"))
    for way in LONG:
        text = write_text(graph, way)
        if same(text):
            return text
    raise NotASpecError(_("{name} cannot be written as a spec: what is read back is not the same", name=graph.name))


def convert(graph: Graph, weights: Callable[[], Mapping[str, Any]]) -> Conversion:
    """The text, which holds no weights."""
    said = as_people_say(graph)
    return Conversion(text_for(said), again=None if said is graph else said)


def as_people_say(graph: Graph) -> Graph:
    """The same network in the words of the language: concats that grow, channels in front, attention."""
    grown = with_growing_concats(graph)
    lifted = lift(grown)
    # Layers of a spec have places there. A single move that somebody wrote is meant, even where all its sizes are 1.
    written = any(node.position is not None for node in graph.nodes)
    return grown if written and len(lifted.nodes) > len(grown.nodes) - 2 else lifted


Fingerprints = Counter[Any]


def same_numbers(graph: Graph, text: str, ours: list[Fingerprints] | None = None) -> bool:
    """Whether a text is read as the same layers: kinds, shapes and counts, and the same outputs.

    ours  takes the fingerprints of the network, for the next text that is held against it
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SpecWarning)  # what is probably meant otherwise has been said
            other = graph_from_text(Source("<spec>", text))
    except SpecError:
        return False
    leaving = [sorted(g.shape(v) for v in g.outputs) for g in (graph, other)]
    if leaving[0] != leaving[1] or len(graph.nodes) != len(other.nodes):
        return False
    ours = [] if ours is None else ours
    if not ours:
        ours.append(Counter(fingerprints(graph)))
    alike = ours[0] == Counter(fingerprints(other))
    return alike and peak_elements(graph) == peak_elements(other)  # in another order more may be alive at once


def fingerprints(graph: Graph) -> Iterable[Any]:
    """What each layer is and what enters it, without names."""
    kinds = [*(("input", shape) for shape in graph.inputs.values())]
    for node, facts in zip(graph.nodes, graph.facts, strict=True):
        kinds.append((node.layer.kind, facts.output))
    fields = receptive_fields(graph)
    for node, facts, seen in zip(graph.nodes, graph.facts, fields, strict=True):
        # By what they are, not by number: the order of branches is the writer's to choose.
        entering = tuple(sorted(str(kinds[v]) for v in node.reads))
        counts = (facts.params, facts.macs, facts.connections, facts.flops)
        built = (node.layer.built, node.layer.inplace, node.layer.frozen)
        yield (node.layer.kind, entering, facts.output, *counts, node.weights_of is None, str([*seen.values()]), built)


def write_text(graph: Graph, way: Way) -> str:
    """The text, written in one of the ways."""
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
    lines = [f"name: {quote_text(graph.name)}"] if graph.name else []
    lines += [f"source: {quote_text(graph.source)}"] if graph.source else []
    if list(graph.inputs) == ["input"]:
        lines.append(f"input: {shape_text(graph.inputs['input'])}")
    else:
        lines.append("inputs:")
        lines += [f"  {name}: {shape_text(shape)}" for name, shape in graph.inputs.items()]
    if defaults:
        lines.append("defaults:")
        for kind, options in defaults.items():
            inner = ", ".join(f"{name}: {text_of(value)}" for name, value in options.items())
            lines.append(f"  {kind}: {{{inner}}}")
    if folder.blocks:
        lines.append("blocks:")
    for block in folder.blocks:
        lines.append(f"  {block.name}:")
        if block.params:
            inner = ", ".join(
                f"{name}: {'required' if default is None else text_of(default)}"
                for name, default in block.params.items()
            )
            lines.append(f"    params: {{{inner}}}")
        lines += ["    layers:", *writer.steps(block.steps, "      ")]
    lines += ["layers:", *writer.steps(steps, "  ")]
    last = last_value(structure, steps)
    if list(graph.outputs) != [last]:
        lines.append(f"outputs: [{', '.join(names.values[v] for v in graph.outputs)}]")
    lines += expect_lines(graph)
    return "\n".join(lines) + "\n"


def on_sequences(graph: Graph) -> set[int]:
    """The layers that move along one axis, where the input looks like an image without channels: 28x28."""
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
    for kind in dict.fromkeys(node.layer.kind for node in graph.nodes):
        layers = [node.layer for node in graph.nodes if node.layer.kind == kind]
        for name, said in (("built", layers[0].built), ("inplace", layers[0].inplace)):
            if said and len(layers) > 1 and all(getattr(layer, name) == said for layer in layers):
                found.setdefault(kind, {})[name] = said
    return found


class Naming:
    """The names that steps get in the text: their own, without what stands around them."""

    def __init__(self, graph: Graph, *, merges: bool, flat: bool = False) -> None:
        self.graph = graph
        self.flat = flat  # names stand in no lists
        self.merges = merges  # are given their names where something reads them, even those that they have anyway
        self.first = len(graph.inputs)
        self.values = dict(enumerate(graph.inputs))
        self.taken = Names(graph.inputs)
        self.owners: dict[int, str] = {}
        self.results: set[int] = set()  # the last steps of lists, by identity: they can be called like these
        self.origins: set[int] = set()
        self.wanted = set(graph.outputs) | {n.weights_of for n in graph.nodes if n.weights_of is not None}

    def walk(self, steps: Sequence[Step], prefix: str) -> None:
        """Give every step below a prefix its name; values are called by the whole of it."""
        self.origins |= {step.origin for step in all_froms(steps)}
        self.name_steps(steps, prefix)
        for step in all_froms(steps):
            self.values.setdefault(step.origin, self.graph_name(step.origin))

    def name_steps(self, steps: Sequence[Step], prefix: str) -> None:
        for step in steps:
            if isinstance(step, Named):
                self.results.add(id(step.steps[-1]))
                self.name_steps(step.steps, f"{prefix}{step.name}/")
                self.call_result(step.steps, f"{prefix}{step.name}")
            elif isinstance(step, From):
                self.name_steps(step.steps, prefix)
            elif isinstance(step, Merge):
                self.merge(step, prefix)
            elif isinstance(step, Line):
                own = self.own_name(step.name, prefix)
                path = unique(prefix + own, self.taken)
                if is_numbered(step) and (path != prefix + own or (not self.flat and "_" in own)):
                    path = number_name(step.layer.kind, prefix, self.taken)
                self.taken.add(path)
                step.name = path[len(prefix) :]
                self.call_values(step, path)

    def call_result(self, steps: Sequence[Step], path: str) -> None:
        """What a list gives is called like the list."""
        last = steps[-1]
        if isinstance(last, (Named, From)) and last.steps:
            self.call_result(last.steps, path)
        elif isinstance(last, (Line, Merge)):
            self.values[last.tail[-1].node if last.tail else last.node] = path

    def own_name(self, name: str, prefix: str) -> str:
        """What is left of a name behind the lists around the step."""
        left = name.split("/")
        for part in prefix.split("/")[:-1]:
            if left[0] == part and len(left) > 1:
                del left[0]
        return "_".join(left)

    def merge(self, step: Merge, prefix: str) -> None:
        """A merge that is read elsewhere, or that somebody named, keeps its name: its branches stand below it."""
        own = self.own_name(step.name, prefix)
        read = {step.node, *(part.node for part in step.tail)} & (self.origins | self.wanted)
        inside = list(lines_of([branch_step for branch in step.branches for branch_step in branch]))
        below = all(line.name.startswith(f"{step.name}/") for line in inside)
        by_itself = is_numbered(step) and not self.merges and id(step) in self.results
        if read and by_itself:
            self.call_values(step, prefix + own)
            read = set()
        if read or (not is_numbered(step) and (below or not inside)):
            path = unique(prefix + own, self.taken)
            self.taken.add(path)
            step.name = path[len(prefix) :]
            self.call_values(step, path)
            for branch in step.branches:
                self.name_steps(branch, f"{path}/")
            return
        step.name = ""
        for part in step.tail:
            part.name = ""
        for branch in step.branches:
            self.name_steps(branch, prefix)

    def call_values(self, step: Line | Merge, path: str) -> None:
        self.values[step.node] = path
        self.owners[step.node] = path
        for part in step.tail:
            self.values[part.node] = path
            self.owners[part.node] = f"{path}/{part.layer.kind}"
            part.name = ""  # it is called after the step that it follows

    def graph_name(self, value: int) -> str:
        return self.graph.nodes[value - self.first].name if value >= self.first else list(self.graph.inputs)[value]

    def weights(self) -> dict[int, str]:
        """For layers that use the weights of others, what these are called."""
        found = {}
        for i, node in enumerate(self.graph.nodes):
            if node.weights_of is not None:
                owner = node.weights_of
                found[self.first + i] = self.owners.get(owner, self.graph_name(owner))
        return found


def without_numbers(steps: Sequence[Step]) -> None:
    """Leave out the names that steps without one would get: their kind with the next number of what is around them."""
    # A name that has to be written shifts the numbers of those behind it: again until all are right.
    kept: set[int] = set()
    while True:
        given = {name for name in names_of(steps, kept) if name}
        wrong = find_misnamed(steps, kept, given, Counter())
        if not wrong:
            break
        kept |= wrong
    for step in every_step(steps):
        if isinstance(step, Line) and is_numbered(step) and id(step) not in kept and "/" not in step.name:
            step.name = ""


def names_of(steps: Sequence[Step], kept: set[int]) -> Iterable[str]:
    """The names that stand in the text."""
    for step in every_step(steps):
        if isinstance(step, Line) and is_numbered(step) and id(step) not in kept:
            continue
        if isinstance(step, (Line, Merge, Named)):
            yield step.name


def find_misnamed(steps: Sequence[Step], kept: set[int], given: set[str], counters: Counter[str]) -> set[int]:
    """Steps that would be called otherwise without their name. `counters` are those of the steps around."""
    wrong: set[int] = set()
    for step in steps:
        if isinstance(step, Named):
            wrong |= find_misnamed(step.steps, kept, given, Counter())
        elif isinstance(step, From):
            wrong |= find_misnamed(step.steps, kept, given, counters)
        elif isinstance(step, Merge):
            inner = Counter() if step.name else counters
            for branch in step.branches:
                wrong |= find_misnamed(branch, kept, given, inner)
            if not step.name:
                advance(counters, step.layer.kind, given)
        elif not isinstance(step, Line) or not is_numbered(step) or id(step) in kept:
            continue
        elif advance(counters, step.layer.kind, given) != step.name:
            wrong.add(id(step))
    return wrong


def advance(counters: Counter[str], kind: str, given: set[str]) -> str:
    """The next name of a step without one."""
    while True:
        counters[kind] += 1
        if f"{kind}{counters[kind]}" not in given:
            return f"{kind}{counters[kind]}"


def every_step(steps: Sequence[Step]) -> Iterable[Step]:
    for step in steps:
        yield step
        if isinstance(step, (Named, From)):
            yield from every_step(step.steps)
        elif isinstance(step, Merge):
            for branch in step.branches:
                yield from every_step(branch)


def all_froms(steps: Sequence[Step]) -> Iterable[From]:
    for step in steps:
        if isinstance(step, From):
            yield step
            yield from all_froms(step.steps)
        elif isinstance(step, Named):
            yield from all_froms(step.steps)
        elif isinstance(step, Merge):
            for branch in step.branches:
                yield from all_froms(branch)
