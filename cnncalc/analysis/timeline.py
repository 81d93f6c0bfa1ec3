"""What is in memory while a network runs or is trained, step by step: who holds how much, from when to when.

A tensor takes some bytes for each sample and some whatever the batch is, so that the batch that fits is exact. Rules:
docs/memory.md. Workspace of algorithms, and what an allocator rounds up or leaves in pieces, are not counted.

    found = plan_training(graph, Plan(batch=32, optimizer="adam"))
    found.peak(), found.steps[found.peak_step()].name, found.by_kind(found.peak_step())
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from math import prod
from typing import NamedTuple

from cnncalc.analysis.costs import MASK, Stores, count_kept_numbers, find_gradients, find_kept_values, is_trained
from cnncalc.analysis.inplace import is_elementwise
from cnncalc.analysis.memory import find_lives
from cnncalc.errors import CnncalcError, suggest
from cnncalc.graph import Graph
from cnncalc.language import _, n_
from cnncalc.layers.gradients import INDEX
from cnncalc.report import BYTES

OPTIMIZERS = {"sgd": 0, "momentum": 1, "adam": 2}  # numbers kept for each parameter besides it and its gradient
FULL, HALF = 4, 2  # bytes of a value with --amp: of what is stored, and of what is computed with

# Kinds of tensors, in the order of the table.
PARAMETERS, STATISTICS, COPIES, STATE = n_("parameters"), n_("statistics"), n_("16-bit copies"), n_("optimizer state")
GRADIENTS, INPUTS, SAVED = n_("gradients of parameters"), n_("inputs"), n_("saved for the backward pass")
VALUES, VALUE_GRADIENTS = n_("other values"), n_("gradients of values")
KINDS = (PARAMETERS, STATISTICS, COPIES, GRADIENTS, STATE, INPUTS, SAVED, VALUES, VALUE_GRADIENTS)
FORWARD, AGAIN, BACKWARD = n_("forward"), n_("forward again"), n_("backward")


class Plan(NamedTuple):
    """How a network is run: see `cnncalc memory`.

    mask  bytes for each element that dropout may leave out
    """

    dtype: str = "float32"
    batch: int = 1
    optimizer: str = "sgd"
    amp: bool = False
    checkpoint: tuple[str, ...] = ()
    fused: bool = False
    mask: int = MASK

    @property
    def size(self) -> int:
        """Bytes of a value."""
        return HALF if self.amp else BYTES[self.dtype]

    @property
    def stored(self) -> int:
        """Bytes of a parameter."""
        return FULL if self.amp else BYTES[self.dtype]


class Step(NamedTuple):
    """One operation, in its phase: forward, forward again, or backward."""

    name: str
    phase: str


class Tensor(NamedTuple):
    """Memory that is held from step `first` to step `last`: `each` bytes for a sample, and `once` bytes besides."""

    name: str
    kind: str
    each: int
    once: int
    first: int
    last: int


class Timeline(NamedTuple):
    """All steps and tensors of a run. `batch`: samples at once."""

    steps: tuple[Step, ...]
    tensors: tuple[Tensor, ...]
    batch: int

    def size(self, tensor: Tensor) -> int:
        """Bytes of a tensor."""
        return tensor.each * self.batch + tensor.once

    def sum_held(self) -> list[int]:
        """Bytes that are held at each step."""
        return [each * self.batch + once for each, once in self.slopes()]

    def slopes(self) -> list[tuple[int, int]]:
        """For each step bytes for a sample, and bytes besides."""
        each, once = [0] * (len(self.steps) + 1), [0] * (len(self.steps) + 1)
        for tensor in self.tensors:
            for changes, amount in ((each, tensor.each), (once, tensor.once)):
                # Differences, added up below: one pass over tensors and one over steps.
                changes[tensor.first] += amount
                changes[tensor.last + 1] -= amount
        found, a, b = [], 0, 0
        for step in range(len(self.steps)):
            a, b = a + each[step], b + once[step]
            found.append((a, b))
        return found

    def peak(self) -> int:
        """The most that is held at once, in bytes."""
        return max(self.sum_held(), default=0)

    def peak_step(self) -> int:
        """The first step at which that is held."""
        held = self.sum_held()
        return held.index(max(held))

    def by_kind(self, step: int) -> dict[str, int]:
        """Bytes of each kind at a step, those that are there."""
        found = dict.fromkeys(KINDS, 0)
        for tensor in self.tensors:
            if tensor.first <= step <= tensor.last:
                found[tensor.kind] += self.size(tensor)
        return {kind: size for kind, size in found.items() if size}

    def largest_batch(self, limit: int) -> int | None:
        """The most samples with which no step holds more than `limit` bytes; 0: none fits; None: any number does."""
        most: int | None = None
        for each, once in self.slopes():
            # A step that takes nothing for a sample bounds nothing, unless it does not fit by itself.
            if each or once > limit:
                fits = max(0, (limit - once) // each) if each else 0
                most = fits if most is None else min(most, fits)
        return most


def plan_inference(graph: Graph, plan: Plan) -> Timeline:
    """A forward pass: parameters, and every value as long as it is needed.

    Every operation writes a new tensor, unless the plan is `fused`. Raises CnncalcError where a shape is not known.
    """
    check_shapes(graph)
    last = len(graph.nodes) - 1
    steps = tuple(Step(node.name, FORWARD) for node in graph.nodes)
    tensors = hold_stored(graph, plan, last)
    names = [*graph.inputs, *(node.name for node in graph.nodes)]
    first = len(graph.inputs)
    buffers = fuse(graph) if plan.fused else separate(graph)
    for buffer in buffers:
        born, ends = max(0, buffer.value - first), min(buffer.last, last)
        # An input that nobody reads takes no memory; what an operation writes is there while it runs.
        if ends >= born or buffer.value >= first:
            kind = INPUTS if buffer.value < first else VALUES
            tensors.append(Tensor(names[buffer.value], kind, buffer.elements * plan.size, 0, born, max(born, ends)))
    return Timeline(steps, tuple(tensors), plan.batch)


class Buffer(NamedTuple):
    """Memory of a value, and of those that are written over it: until the operation that reads the last of them."""

    value: int
    elements: int
    last: int


def separate(graph: Graph) -> list[Buffer]:
    """A buffer for each value: nothing is done in place."""
    known = find_lives(graph)
    assert known is not None
    return [Buffer(value, known.elements[value], last) for value, last in enumerate(known.last_use) if last >= 0]


def fuse(graph: Graph) -> list[Buffer]:
    """The buffers of a runtime that writes elements over those that they are worked out from.

    What works element by element (activations, norms with stored statistics, sums) takes the memory of an input of
    its shape that nothing else reads any more; what only looks at elements under another shape, or at a part of them,
    takes none. So a norm and an activation cost nothing behind the layer whose output they work on.
    """
    known = find_lives(graph)
    assert known is not None
    first = len(graph.inputs)
    same = list(range(first))  # for each value the one whose elements it looks at
    for i, node in enumerate(graph.nodes):
        kept = graph.facts[i].kept
        looks = kept is not None and (kept.shares or kept.mask)  # dropout passes everything on
        same.append(same[node.reads[0]] if looks and node.reads else first + i)
    last = list(known.last_use)
    # A memory is held as long as any look at it is read.
    for value, owner in enumerate(same):
        last[owner] = max(last[owner], known.last_use[value])
    buffer = list(range(len(same)))  # for each value that is no look at another the value whose memory it is in
    for i, node in enumerate(graph.nodes):
        own = first + i
        if same[own] == own and is_elementwise(node, graph.facts[i]):
            free = [
                same[v] for v in node.reads
                if graph.shape(v) == graph.shape(own) == graph.shape(same[v]) and last[same[v]] == i
            ]  # fmt: skip
            if free:
                buffer[own] = buffer[free[0]]
    ends: dict[int, int] = {}
    for value, owner in enumerate(same):
        if owner == value:
            ends[buffer[value]] = max(ends.get(buffer[value], -1), last[value])
    return [Buffer(value, known.elements[value], end) for value, end in ends.items() if end >= 0]


def check_shapes(graph: Graph) -> None:
    """Raise CnncalcError where the shape of a value is not known: what is behind it takes an unknown amount."""
    for node, facts in zip(graph.nodes, graph.facts, strict=True):
        if not facts.output:
            raise CnncalcError(_("{name}: its shape is not known, so its memory is not either", name=node.name))
        if facts.params is None or facts.fixed_params is None or facts.buffers is None:
            raise CnncalcError(_("{name}: what it stores is not known", name=node.name))


def hold_stored(graph: Graph, plan: Plan, last: int) -> list[Tensor]:
    """Parameters and statistics, which are there all the time; those of a layer that uses another's are the other's."""
    found = []
    for node, facts in zip(graph.nodes, graph.facts, strict=True):
        if node.weights_of is None:
            found.append(Tensor(node.name, PARAMETERS, 0, (facts.weights or 0) * plan.stored, 0, last))
            found.append(Tensor(node.name, STATISTICS, 0, (facts.buffers or 0) * plan.stored, 0, last))
    return [tensor for tensor in found if tensor.once]


# --- training


def plan_training(graph: Graph, plan: Plan) -> Timeline:
    """A step of training: forward, then backward, layer by layer; what the optimizer keeps is there all the time.

    Raises CnncalcError where a shape or what a layer keeps is not known, and for a block that there is not.
    """
    check_shapes(graph)
    return Training(graph, plan).timeline()


class Training:
    """The steps of a training step, and who holds what; filled in by `timeline`."""

    def __init__(self, graph: Graph, plan: Plan) -> None:
        self.graph, self.plan = graph, plan
        self.first = len(graph.inputs)
        self.names = [*graph.inputs, *(node.name for node in graph.nodes)]
        self.needed = find_gradients(graph, graph.facts)
        self.stores = Stores(len(graph.inputs))
        for node, facts in zip(graph.nodes, graph.facts, strict=True):
            self.stores.add(node, facts)
        self.segments = find_segments(graph, plan.checkpoint)
        self.steps: list[Step] = []
        self.forward: list[int] = list(range(len(graph.nodes)))
        self.again: dict[int, int] = {}  # for each node of a segment the step at which it runs once more
        self.backward: dict[int, int] = {}
        self.tensors: list[Tensor] = []

    def timeline(self) -> Timeline:
        """All of it."""
        self.lay_out()
        last = len(self.steps) - 1
        self.tensors = hold_stored(self.graph, self.plan, last)
        self.hold_values()
        self.hold_inside()
        self.hold_gradients(last)
        return Timeline(tuple(self.steps), tuple(self.tensors), self.plan.batch)

    def lay_out(self) -> None:
        """The steps in their order: forward, then back, each checkpointed segment forward again before its way back."""
        graph = self.graph
        self.steps = [Step(node.name, FORWARD) for node in graph.nodes]
        segment_of = {i: segment for segment in self.segments for i in segment}
        for i in range(len(graph.nodes) - 1, -1, -1):
            segment = segment_of.get(i)
            # From behind its last operation is met first: before that goes back, all of them run once more.
            if segment is not None and i not in self.again and any(self.has_gradient(j) for j in segment):
                for j in segment:
                    self.again[j] = len(self.steps)
                    self.steps.append(Step(graph.nodes[j].name, AGAIN))
            if self.has_gradient(i):
                self.backward[i] = len(self.steps)
                self.steps.append(Step(graph.nodes[i].name, BACKWARD))

    def has_gradient(self, i: int) -> bool:
        """Whether a gradient reaches the output of an operation. Raises CnncalcError where that is not known."""
        needed = self.needed[self.first + i]
        if needed is None or (needed and self.graph.facts[i].kept is None):
            raise CnncalcError(
                _("{name}: what it keeps for its gradient is not known", name=self.names[self.first + i])
            )
        return needed

    def find_kept(self, i: int) -> list[int]:
        """The memories that an operation keeps, each by the value that it is of."""
        facts, node = self.graph.facts[i], self.graph.nodes[i]
        if not self.has_gradient(i) or facts.kept is None:
            return []
        values = find_kept_values(facts.kept, node, facts, self.needed, self.first + i)
        return [place for place in dict.fromkeys(self.stores.of[value] for value in values) if place >= 0]

    def hold_values(self) -> None:
        """Every memory of a value: as long as an operation reads it, or has kept it for its way back.

        What only a checkpointed segment makes is let go behind its last reader, and made once more.
        """
        reads: dict[int, list[int]] = {}  # of each memory the operations that read it
        keeps: dict[int, list[int]] = {}
        for i, node in enumerate(self.graph.nodes):
            for value in node.reads:
                reads.setdefault(self.stores.of[value], []).append(i)
            for place in self.find_kept(i):
                keeps.setdefault(place, []).append(i)
        outputs = {self.stores.of[value] for value in self.graph.outputs}
        # -1 is the memory of weights, which are there in any case.
        for place in sorted({*range(self.first), *self.stores.of} - {-1}):
            self.hold_value(place, reads.get(place, []), keeps.get(place, []), outputs)

    def hold_value(self, place: int, readers: Sequence[int], keepers: Sequence[int], outputs: Collection[int]) -> None:
        """One of them: in the first run, and in the second where it is made again."""
        made = place - self.first
        within = [i for i in keepers if i in self.again]
        born = max(0, made)
        ends = [born, *readers, *(self.backward[i] for i in keepers if i not in self.again)]
        if made in self.again:
            again = self.again[made]
            later = [again, *(self.again[i] for i in readers if i in self.again)]
            later += [self.backward[i] for i in within]
            self.hold(place, within, again, max(later))
        else:  # what enters a segment waits for it to run again
            ends += [self.again[i] for i in readers if i in self.again] + [self.backward[i] for i in within]
        if place in outputs or made < 0:  # the program that trains holds them
            ends.append(len(self.steps) - 1)
        outside = [i for i in keepers if i not in self.again or made not in self.again]
        if made not in self.again:
            outside += [i for i in readers if i in self.again]
        self.hold(place, outside, born, max(ends))

    def hold(self, place: int, keepers: Sequence[int], first: int, last: int) -> None:
        """A tensor for a value. With 16 bits an input is there in 32, and its copy is what is kept."""
        elements = prod(self.graph.shape(place))
        name = self.names[place]
        if place < self.first:
            self.tensors.append(Tensor(name, INPUTS, elements * self.plan.stored, 0, first, last))
            if not (self.plan.amp and keepers):
                return
        self.tensors.append(Tensor(name, SAVED if keepers else VALUES, elements * self.plan.size, 0, first, last))

    def hold_inside(self) -> None:
        """What operations keep besides values: masks, places, statistics; and with 16 bits their weights' copies."""
        plan = self.plan
        for i, step in self.backward.items():
            node, facts = self.graph.nodes[i], self.graph.facts[i]
            kept = facts.kept
            if kept is None:
                continue
            values = count_kept_numbers(kept, [self.needed[v] for v in node.reads])
            each = plan.size * values + INDEX * kept.indices + plan.mask * kept.mask
            # What is checkpointed keeps nothing of its first run.
            start = self.again.get(i, i)
            if each or kept.once:
                self.tensors.append(Tensor(node.name, SAVED, each, plan.stored * kept.once, start, step))
            # Gradients are worked out with the copy; weights that are another's have that one's.
            if plan.amp and facts.macs and facts.weights and node.weights_of is None:
                self.tensors.append(Tensor(node.name, COPIES, 0, HALF * facts.weights, i, step))

    def hold_gradients(self, last: int) -> None:
        """Gradients of parameters from the way back on, those of values between reader and writer, and the state."""
        plan, graph = self.plan, self.graph
        owners: dict[int, int] = {}  # of each layer with weights the first step of its gradient
        for i, step in self.backward.items():
            node = graph.nodes[i]
            owner = i if node.weights_of is None else node.weights_of - self.first
            if is_trained(graph.facts[i]):
                # From the first part of it on, however many layers use these weights.
                owners[owner] = min(step, owners.get(owner, step))
        for owner, step in owners.items():
            name, trained = graph.nodes[owner].name, graph.facts[owner].trainable_params or 0
            self.tensors.append(Tensor(name, GRADIENTS, 0, trained * plan.stored, step, last))
            state = OPTIMIZERS[plan.optimizer] * trained * plan.stored
            if state:
                self.tensors.append(Tensor(name, STATE, 0, state, 0, last))
        self.hold_value_gradients()

    def hold_value_gradients(self) -> None:
        """The gradient of each value: from the operation that reads it last, on the way back the first, to its own.

        A sum hands the gradient of its result on as it is, and so do operations that only look at elements.
        """
        graph = self.graph
        size = self.plan.size
        start: dict[int, int] = {}  # of each value the step at which its gradient is there first
        source: dict[int, int] = {}  # and the value whose gradient it is, where it is handed on
        for value in graph.outputs:
            if value >= self.first and value - self.first in self.backward:
                # The loss hands its gradient over before the first step back.
                start[value] = min(self.backward.values())
        end: dict[int, int] = {}
        temporary: list[Tensor] = []
        for i, step in self.backward.items():
            own = self.first + i
            kept = graph.facts[i].kept
            passes, looks = kept is not None and kept.passes, kept is not None and bool(kept.shares)
            origin = source.get(own, own)
            end[origin] = max(end.get(origin, step), step)
            for value in dict.fromkeys(graph.nodes[i].reads):
                if not self.needed[value]:
                    continue
                alike = looks or (passes and graph.shape(value) == graph.shape(own))
                if value not in start and alike:
                    start[value], source[value] = step, origin
                elif value not in start:
                    start[value] = step
                elif not alike:  # a second part of it, which is added to the first
                    elements = prod(graph.shape(value))
                    temporary.append(Tensor(self.names[value], VALUE_GRADIENTS, elements * size, 0, step, step))
        for value, step in start.items():
            if value not in source:
                elements = prod(graph.shape(value))
                last = max(end.get(value, step), step)
                self.tensors.append(Tensor(self.names[value], VALUE_GRADIENTS, elements * size, 0, step, last))
        self.tensors += temporary


def find_segments(graph: Graph, names: Sequence[str]) -> list[range]:
    """The operations of each block that is run again, in order. Raises CnncalcError for what is no block."""
    found: list[range] = []
    groups: Mapping[str, object] = graph.groups
    for name in names:
        if name not in groups:
            hint = suggest(name, groups) or _("blocks and repeats: {names}", names=", ".join(list(groups)[:8]) or "-")
            raise CnncalcError(_("there is no block '{name}': {hint}", name=name[:40], hint=hint))
        group = graph.groups[name]
        segment = range(group.first, group.last)
        if any(set(segment) & set(other) for other in found):
            raise CnncalcError(_("{name} is a part of another block that is named", name=name))
        found.append(segment)
    return found
