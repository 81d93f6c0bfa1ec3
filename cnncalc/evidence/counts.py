"""What a network stores and does, measured by running it: the probes shape, allocation, tally and ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from math import prod
from typing import Any, NamedTuple

import numpy as np

from cnncalc import reference
from cnncalc.errors import CnncalcError
from cnncalc.evidence.arrays import Added, PaddedOnes, Stored, Tally, counting, run_watched
from cnncalc.graph import Graph, Node
from cnncalc.language import _, n_
from cnncalc.layers.base import Layer, Shape
from cnncalc.reference.base import Array, Reference, Weight
from cnncalc.reference.values import as_input

LARGEST_EXACT = 2**24  # whole numbers that float32 holds; beyond, ones are added up in float64
FLOAT = 4  # bytes of a value
STOPPED = n_("the run stopped before")
UNDERWAY = Callable[[str], None]


class Measured(NamedTuple):
    """What a probe found, and its name; None with the reason where it could not measure."""

    value: Any
    probe: str
    reason: str = ""


Finding = dict[str, Measured]  # by quantity


def measure_counts(graph: Graph, seed: int, exact_padding: bool, done: UNDERWAY) -> tuple[list[Finding], Measured]:
    """For each node what it stores and does, by one forward pass of the whole network; and the peak of memory.

    Arrays are float32, one sample. With `exact_padding` taps on padding are left out.
    """
    weights = Counted(graph, seed)
    inputs = [x[np.newaxis].view(Tally) for x in as_input(graph, None, seed).values()]
    ones = OnesProbe(exact_padding)
    findings: list[Finding] = []
    backward = BackwardProbe(graph)
    peak = 0
    with counting() as book, np.errstate(all="ignore"), catch_stop() as failure:
        for node, y, alive in run_watched(graph, inputs, weights):
            # A copy, since the book is emptied for the next layer; + leaves out zeros.
            work = dict(+book)
            book.clear()
            peak = max(peak, sum(array.nbytes for array in alive.values()))
            shapes = tuple(graph.shape(v) for v in node.reads)
            found = count_stored(graph, node, shapes)
            found["output"] = Measured(y.shape[1:], "shape")
            found["activation_bytes"] = Measured(y.nbytes, "shape")
            read = sum(alive[v].nbytes for v in dict.fromkeys(node.reads))
            weighing = weights_of(graph, node)
            stored_bytes = FLOAT * sum(prod(weight.shape) for weight in weighing if weight.stored != "buffers")
            found["moved_bytes"] = Measured(read + y.nbytes + stored_bytes, "allocation")
            found.update(count_outputs(node, shapes, y))
            products = backward.note(node, y, alive, work, weighing)
            found.update(count_work(work, ones.of(node.layer, shapes)))
            backward.products.append(products._replace(real=found["macs"]))
            moved, flops = found["moved_bytes"].value, found["flops"].value
            found["arithmetic_intensity"] = Measured(flops / moved, found["flops"].probe)
            findings.append(found)
            done(node.name)
    if failure:  # what is claimed to fit does not, or the reference has a fault: nothing can be said from here on
        findings.append({"output": Measured(None, "shape", failure[0])})
        findings += [{"output": Measured(None, "shape", STOPPED)}] * (len(graph.nodes) - len(findings))
        return findings, Measured(None, "allocation", STOPPED)
    for found, measured in zip(findings, backward.measure(), strict=True):
        found.update(measured)
    return findings, Measured(peak, "allocation")


@contextmanager
def catch_stop() -> Iterator[list[str]]:
    """Why a run could not go on, if it could not: sizes that are not what they are claimed to be end it."""
    failure: list[str] = []
    try:
        yield failure
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:
        if isinstance(error, CnncalcError):
            raise
        failure.append(_("running it fails: {kind}: {error}", kind=type(error).__name__, error=str(error)[:100]))


class Counted(reference.Drawn):
    """Weights drawn when they are asked for, biases and what is trained marked so that a tally knows them."""

    def __init__(self, graph: Graph, seed: int = 0) -> None:
        super().__init__(graph, seed)
        self.trains = {node.name: node.layer.frozen is not True for node in graph.nodes}

    def __getitem__(self, name: str) -> Array:
        values = super().__getitem__(name)
        weight = self.weights[name]
        own = values.view(Added if weight.added else Tally if weight.value else Stored)
        # An array without elements, as of a Hopfield network of one unit, is nothing that is trained
        own.trained = weight.stored == "params" and values.size > 0 and self.trains[name.rpartition(".")[0]]
        return own


def count_stored(graph: Graph, node: Node, shapes: tuple[Shape, ...]) -> Finding:
    """The sizes of the arrays that a layer allocates; those of a layer that uses another's are counted there."""
    found = dict.fromkeys(("params", "fixed_params", "buffers"), 0)
    size = 0
    if node.weights_of is None:
        for weight in reference.allocate(node, *shapes).values():
            array = np.broadcast_to(np.float32(0), weight.shape)  # as large as it would be, without its memory
            found[weight.stored] += array.size
            size += array.nbytes if weight.stored != "buffers" else 0
    frozen = node.layer.frozen  # all of the parameters, or so many
    found["trainable_params"] = 0 if frozen is True else max(0, found["params"] - frozen)
    found["parameter_bytes"] = size
    return {name: Measured(count, "allocation") for name, count in found.items()}


class Products(NamedTuple):
    """What a layer's gradients take, as far as its own arrays tell.

    gradients  multiply-accumulates with what depends on something trained, out of `macs`; `real`: those that count
    told       whether it can be said of each product what it is with
    passes     whether what comes out depends on what is trained, where something does that goes in
    needed     whether it depends on what is trained
    """

    gradients: int
    macs: int
    told: bool
    passes: bool
    needed: bool
    real: Measured = Measured(0, "tally")


class BackwardProbe:
    """Which layers have a gradient at all, from what depended on what is trained in the pass forward."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.products: list[Products] = []

    def note(
        self, node: Node, y: Array, alive: Mapping[int, Array], work: dict[str, int], weighing: Sequence[Weight]
    ) -> Products:
        """What was counted of a layer; taken out of `work`."""
        gradients, mixed = work.pop("gradient", 0), work.pop("mixed", 0)
        told = not (mixed and gradients) and all(weight.unit != 0 for weight in weighing)  # no distances
        trained = node.layer.frozen is not True and any(w.stored == "params" and prod(w.shape) for w in weighing)
        entering = trained or any(getattr(alive[v], "trained", False) for v in node.reads)
        needed = bool(getattr(y, "trained", False))
        told = told and node.layer.frozen in (True, False)
        return Products(gradients, work.get("mac", 0), told, not entering or needed, needed)

    def measure(self) -> Iterator[Finding]:
        """The FLOPs of each layer's products, as far as they can be told. Of each product alike: those on padding have
        no gradients. Where what is trained has no say in what comes out no gradient comes back, and nothing is kept.
        """
        used = self.find_used()
        for i, (gradients, macs, told, _passes, needed, real) in enumerate(self.products):
            leads = len(self.graph.inputs) + i in used
            counted = gradients if leads else 0
            exact = 2 * counted * real.value // macs if macs else 0
            found = {"backward_flops": Measured(exact, real.probe)} if told or not counted else {}
            if not leads or not needed:
                found["saved_bytes"] = Measured(0, "tally")
            yield found

    def find_used(self) -> set[int]:
        """The values that an output of the network depends on, by way of layers that pass a gradient on."""
        first = len(self.graph.inputs)
        found: set[int] = set()
        waiting = list(self.graph.outputs)
        while waiting:
            value = waiting.pop()
            if value not in found and (value < first or self.products[value - first].passes):
                found.add(value)
                waiting += self.graph.nodes[value - first].reads if value >= first else ()
        return found


def weights_of(graph: Graph, node: Node) -> list[Weight]:
    """The arrays that a layer reads, its own or another's."""
    source = reference.owner(graph, node)
    return list(reference.allocate(source, *(graph.shape(v) for v in source.reads)).values())


def count_outputs(node: Node, shapes: tuple[Shape, ...], y: Array) -> Finding:
    """Elements that come out of sums over weights, where all of a layer's are its output."""
    found = reference.find_reference(node.layer.kind)
    if not any(weight.unit is not None for weight in found.weights(node.layer, *shapes).values()):
        return {"activations": Measured(0, "allocation")}
    return {"activations": Measured(y[0].size, "shape")} if found.sums == "products" else {}


def count_work(work: dict[str, int], ones: Ones) -> Finding:
    """MACs, FLOPs and connections out of what was counted."""
    macs, biases, data = work.pop("mac", 0), work.pop("bias", 0), work.pop("data", 0)
    rest = sum(work.values())
    exact = macs if ones.products is None else ones.products
    probe = "tally" if ones.products is None else "ones"
    connections = (
        Measured(macs - data + biases, "tally") if ones.connections is None else Measured(ones.connections, "ones")
    )
    return {
        "macs": Measured(exact, probe),
        "flops": Measured(2 * exact + rest, "tally" if probe == "tally" else "tally and ones"),
        "connections": connections,
    }


class Ones(NamedTuple):
    """What the ones probe counts: connections, and products with real input; None where the tally counts them."""

    connections: int | None
    products: int | None


class OnesProbe:
    """Weights, biases and input all 1: then every connection adds 1, and the sum of the output counts them.

    Padding is 1 too, unless it is left out. Equal layers on equal shapes are run once.
    """

    def __init__(self, exact_padding: bool) -> None:
        self.exact_padding = exact_padding
        self.known: dict[tuple[Layer, tuple[Shape, ...]], Ones] = {}

    def of(self, layer: Layer, shapes: tuple[Shape, ...]) -> Ones:
        key = (layer, shapes)
        if key not in self.known:
            self.known[key] = self._measure(layer, shapes)
        return self.known[key]

    def _measure(self, layer: Layer, shapes: tuple[Shape, ...]) -> Ones:
        found = reference.find_reference(layer.kind)
        weights = found.weights(layer, *shapes)
        if all(weight.unit is None for weight in weights.values()):
            return Ones(0, None)  # what only scales or shifts connects nothing
        if not found.sums:
            return Ones(None, None)
        if not self.exact_padding:
            return Ones(None if found.cuts else sum_outputs(found, layer, weights, shapes, PaddedOnes), None)
        connections = sum_outputs(found, layer, weights, shapes, np.ndarray)
        if found.sums == "scaled":
            return Ones(connections, None)
        return Ones(connections, sum_outputs(found, layer, weights, shapes, np.ndarray, biases=False))


def sum_outputs(
    found: Reference,
    layer: Layer,
    weights: Mapping[str, Weight],
    shapes: tuple[Shape, ...],
    values: type[Array],
    *,
    biases: bool = True,
) -> int:
    """The sum of a layer's output where everything that it reads and stores adds 1."""
    for kind in (np.float32, np.float64):
        own = {name: unit(weight, kind, biases) for name, weight in weights.items()}
        xs = [np.ones((1, *shape), dtype=kind).view(values) for shape in shapes]
        y = found.forward(layer, own, *xs).view(np.ndarray)
        if y.max() < LARGEST_EXACT:
            break
    return int(y.sum(dtype=np.float64))


def unit(weight: Weight, kind: Any, biases: bool) -> Array:
    """A weight's array with the value that passes 1 on as 1."""
    value = 0.0 if weight.added and not biases else 1.0 if weight.unit is None else weight.unit
    return np.full(weight.shape, value, dtype=kind)
