"""Derivations of what a layer costs beyond its own counts: products of gradients, bytes moved and kept, their ratio."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from functools import lru_cache
from math import prod
from typing import Any

from cnncalc.analysis.costs import (
    Known,
    Store,
    count_kept_numbers,
    find_gradients,
    find_kept,
    find_kept_values,
    is_any,
    is_trained,
)
from cnncalc.analysis.derivations.board import Derivation
from cnncalc.analysis.derivations.counts import Board, board_of, knows_shapes, symbols_of
from cnncalc.analysis.derivations.lines import Line, Quotient
from cnncalc.analysis.derivations.symbols import results
from cnncalc.graph import Graph
from cnncalc.language import _
from cnncalc.layers.gradients import INDEX
from cnncalc.quantities import ASKED, QUANTITIES, RATIOS, listed_in
from cnncalc.report import BYTES, Report, Row, Totals
from cnncalc.trace import Traced, add_up, symbol

RATIO_NAMES = tuple(ratio.name for ratio in RATIOS)
Explained = tuple[list[Line], list[str]]  # lines, and remarks


# One network is explained at a time; a longer memory would keep graphs that nobody needs.
@lru_cache(maxsize=1)
def gradients_of(graph: Graph) -> list[Known]:
    """Whether a gradient reaches each value: of the network whose layers are explained one after the other."""
    return find_gradients(graph, graph.facts)


@lru_cache(maxsize=1)
def find_kept_of(graph: Graph, size: int, batch: int) -> list[list[Store] | None]:
    """What each layer is the first to keep."""
    return find_kept(graph, graph.facts, size, batch, gradients_of(graph))


def cost_derivation(report: Report, number: int, quantity: str, free: Collection[str] = ()) -> Derivation | None:
    """How such a number of a layer comes about; None where nothing of it depends on the letters that stay free."""
    row = report.layers[number]
    if report.graph is None or getattr(row, quantity) is None or not knows_shapes(report.graph, number):
        return None if free else Derivation(row.name, quantity, quantity, None)
    board = board_of(report.graph, number)
    lines, remarks = WRITERS[quantity](report, board, number)
    # With letters left open only what depends on them is of interest.
    if free:
        lines = [line for line in (board.close(line, free) for line in lines) if line.letters() & set(free)]
        if not lines:
            return None
    shown = lines if free else [*board.find_parts(lines), *lines]
    known = symbols_of(shown, {**board.meanings, **results()})
    symbols = {name: entry for name, entry in known.items() if not free or name in free}
    return Derivation(row.name, quantity, quantity, getattr(row, quantity), tuple(shown), tuple(remarks), symbols)


def ratio_derivation(of: Row | Totals, layer: str | None, quantity: str) -> Derivation:
    """A ratio, of a layer, a block or the network: one number by another."""
    value = getattr(of, quantity)
    return Derivation(layer, quantity, quantity, value, () if value is None else (quotient(of, quantity),))


def quotient(of: Row | Totals, quantity: str) -> Line:
    """The line of a ratio."""
    above, below = (symbol(QUANTITIES[name].symbol, getattr(of, name)) for name in QUANTITIES[quantity].of)
    return Quotient(quantity, Traced(0, "/", (above, below)))


def ratio_lines(report: Report, board: Board, number: int) -> Explained:
    """The one ratio that there is of a layer."""
    return [quotient(report.layers[number], RATIO_NAMES[0])], []


def backward_lines(report: Report, board: Board, number: int) -> Explained:
    """Two operations for each product of a gradient that is needed."""
    graph = report.graph
    assert graph is not None
    needed, node, products = gradients_of(graph), graph.nodes[number], board.facts.backward
    assert products is not None
    name, batch = QUANTITIES["backward_flops"].symbol, report.settings.batch
    trained, entering = is_trained(graph.facts[number]), is_any([needed[v] for v in node.reads])
    parts: list[tuple[str, int]] = []
    if needed[number + len(graph.inputs)]:
        # An input that no trained weight stands before needs no gradient: its products are left out.
        asked = [n for n, v in zip(products.inputs, node.reads, strict=False) if needed[v]]
        parts = [
            ("weights", products.weights if trained else 0),
            ("between", products.inside),
            *((f"input {i}" if len(asked) > 1 else "input", n) for i, n in enumerate(asked, start=1)),
        ]
    macs = board.facts.macs
    lines: list[Line] = []
    terms: list[int] = []
    for part, count in parts:
        if not count:
            continue
        # The same object, not an equal number: then it is the MACs again, and is called so.
        if count is macs:
            terms.append(symbol("MACs", int(count)))
        else:
            lines.append(board.line(part, count))
            terms.append(symbol(part, int(count)))
    remarks = []
    if macs and not needed[number + len(graph.inputs)]:
        remarks.append(_("No gradient goes through it."))
    elif macs and not entering:
        remarks.append(_("Nothing before it is trained: what enters needs no gradient."))
    if macs and not trained and board.facts.weights:
        remarks.append(_("Its weights are not trained: they have no gradient."))
    if terms:
        remarks.append(_("Of each product one gradient goes to the weight, and one to what it was multiplied with."))
    total: Any = 0
    for term in terms:
        # Begun at 0, which a number that remembers leaves out of its formula.
        total = total + (2 if batch == 1 else 2 * batch) * term
    return ([*lines, Line(name, total)] if terms else []), remarks


def moved_lines(report: Report, board: Board, number: int) -> Explained:
    """Bytes of the weights, of what is read and of what is written."""
    size, batch = BYTES[report.settings.dtype], report.settings.batch
    assert report.graph is not None
    reads = report.graph.nodes[number].reads
    # A value that is read twice, x + x, comes from memory once.
    shapes = [shape for i, shape in enumerate(board.inputs) if reads.index(reads[i]) == i]
    read: Any = sum_of([prod(shape) for shape in shapes])
    written: Any = prod(board.facts.output)
    lines = [board.line("read", read), board.line("written", written)] if shapes else [board.line("written", written)]
    samples: Any = sum_of([symbol(line.name, line.value) for line in lines])
    stored: Any = symbol("weights", int(board.facts.weights or 0)) if board.facts.weights else 0
    if isinstance(board.facts.weights, Traced) and board.facts.weights.operator and stored:
        lines.append(board.line("weights", board.facts.weights))
    # Weights are read once for the whole batch, values once for each sample.
    total = size * (stored + (batch * samples if batch > 1 else samples))
    return [*lines, Line("moved_bytes", total)], [_("Each value and each weight once, of {n} bytes.", n=size)]


def saved_lines(report: Report, board: Board, number: int) -> Explained:
    """The values that it is the first to keep, and what it keeps besides."""
    graph = report.graph
    assert graph is not None
    size, batch = BYTES[report.settings.dtype], report.settings.batch
    needed = gradients_of(graph)
    own = number + len(graph.inputs)
    if not needed[own]:
        return [], [_("No gradient goes through it: it keeps nothing.")]
    stores = find_kept_of(graph, size, batch)
    mine = [store for store in stores[number] or [] if store.value is not None]
    terms: list[Any] = [symbol(name_value(graph, store.value or 0), store.size) for store in mine]
    remarks = []
    kept = board.facts.kept
    assert kept is not None
    numbers = count_kept_numbers(kept, [needed[v] for v in graph.nodes[number].reads])
    for count, each, samples in (
        (numbers, size, batch), (kept.indices, INDEX, batch), (kept.mask, 1, batch), (kept.once, size, 1),
    ):  # fmt: skip
        if count:
            # A factor of 1 stays out of the formula.
            terms.append((each * samples if each * samples > 1 else 1) * count)
    claimed = graph.facts[number].kept
    assert claimed is not None
    values = find_kept_values(claimed, graph.nodes[number], graph.facts[number], needed, own)
    # What another layer keeps already takes no second place in memory.
    first_here = {store.value for store in mine}
    others = [name_value(graph, value) for value in dict.fromkeys(values) if value not in first_here]
    if others:
        remarks.append(_("It keeps {names} too, which is memory that is kept already.", names=", ".join(others)))
    elif not terms:
        remarks.append(_("It keeps nothing: the gradient is passed on without any value."))
    if kept.indices:
        remarks.append(_("The place of each value that was chosen takes {n} bytes.", n=INDEX))
    return ([Line("saved_bytes", sum_of(terms), board.names)] if terms else []), remarks


def name_value(graph: Graph, value: int) -> str:
    """What a value is called: an input, or the node that gives it."""
    behind = value - len(graph.inputs)
    return graph.nodes[behind].name if behind >= 0 else list(graph.inputs)[value]


def sum_of(terms: Sequence[Any]) -> Any:
    """A sum as one step, whether its terms remember or not."""
    if all(isinstance(term, Traced) for term in terms):
        return add_up(terms)
    return sum(terms[1:], terms[0]) if terms else 0


WRITERS: dict[str, Callable[[Report, Board, int], Explained]] = {
    "backward_flops": backward_lines,
    "moved_bytes": moved_lines,
    "saved_bytes": saved_lines,
    **dict.fromkeys(RATIO_NAMES, ratio_lines),
}
COSTS = tuple(name for name in listed_in(ASKED) if name in WRITERS)
