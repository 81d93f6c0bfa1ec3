"""Derivations of what a layer puts out, stores and does, from its own arithmetic; and sums over a network."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from functools import lru_cache
from typing import Any

from cnncalc.analysis.derivations import words
from cnncalc.analysis.derivations.board import Derivation
from cnncalc.analysis.derivations.formulas import Names
from cnncalc.analysis.derivations.lines import Line
from cnncalc.analysis.derivations.symbols import AXES, meanings, results, trace_layer, trace_shape
from cnncalc.graph import Graph
from cnncalc.language import _, in_use
from cnncalc.layers.base import Facts, Layer, Shape
from cnncalc.layers.unknown import NOT_KNOWN
from cnncalc.layers.windows import Window
from cnncalc.quantities import ALWAYS, ASKED, COUNT, EXPLAINED, QUANTITIES, SHAPE, listed_in, of_subject
from cnncalc.report import BYTES, Report
from cnncalc.trace import Traced, add_up, symbol

STORED = tuple(q.name for q in QUANTITIES.values() if q.stored and not q.bytes)  # with the layer that owns them
(SIZES,) = of_subject(SHAPE)
WEIGHTS = STORED[0]
OF_WEIGHTS = [q.name for q in QUANTITIES.values() if ALWAYS in q.lists and not q.tuples and not q.stored]
MOST_TERMS = 12  # of a sum that is written in a line


class Board:
    """One layer's facts on numbers that remember, and the names of the parts that other formulas use.

    given   the layer as the network has it
    shapes  what enters
    output  what comes out
    """

    def __init__(self, given: Layer, shapes: tuple[Shape, ...], output: Shape) -> None:
        self.given = given
        self.shapes = shapes
        entering = self.shapes[0] if self.shapes else output  # a parameter reads nothing
        self.layer = trace_layer(given, len(entering) - 1)
        self.inputs = trace_shapes(self.shapes)
        self.facts: Facts = self.layer.facts(*self.inputs)
        if self.facts.work is not None:  # each number a memory of its own, since one may stand for two operations
            self.facts.work = {operation: own(times) for operation, times in self.facts.work.items()}
        self.meanings = meanings(len(entering), "units" in self.layer.options)
        self.sizes = self._output_lines()
        # By identity: an equal number elsewhere means something else. The facts keep these objects alive.
        self.names: dict[int, str] = {id(line.number): line.name for line in self.sizes}
        self.names |= {id(n): line.name for line in self.sizes for n in self.same_as(line)}
        # Parameters have a line of their own, so that other formulas may speak of them as `params`.
        if isinstance(self.facts.params, Traced) and self.facts.params.operator:
            self.names[id(self.facts.params)] = "params"

    def _output_lines(self) -> list[Line]:
        """A line for each size that comes out of a formula: one for axes that agree."""
        found: list[Line] = []
        channels, *sizes = self.facts.output
        if isinstance(channels, Traced) and channels.operator:
            found.append(Line("C" if sizes else "N", channels))
        padded = self.paddings()
        pads = [line for line, _numbers in padded]
        names = {id(number): line.name for line, numbers in padded for number in numbers}
        # One line does for all axes only where all of them are computed, by formulas that read the same.
        computed = [(axis, m) for axis, m in enumerate(sizes) if isinstance(m, Traced) and m.operator]
        formulas = {Line("m", m, names).formula() for _axis, m in computed}
        letters = AXES.get(len(sizes), ("",) * len(sizes))
        for axis, m in computed:
            if len(formulas) == 1 and len(computed) == len(sizes):
                return [*found, *pads, Line("m", m, names)]
            found.append(Line(f"m_{letters[axis]}" if letters[axis] else "m", m, names))
        # Paddings first, since the formulas of sizes speak of them.
        return [*pads, *found]

    def paddings(self) -> list[tuple[Line, list[Any]]]:
        """What `same` pads, as lines of their own, each with the numbers that it stands for."""
        reach = self.facts.reach
        windows = [w for w in reach if isinstance(w, Window)] if isinstance(reach, tuple) else []
        sides: list[tuple[Any, Any]] = [(w.before, w.after) for w in windows]
        sides = [(before, after) for before, after in sides if getattr(before, "operator", "") == "//"]
        alike = len({Line("p", before).formula() for before, _after in sides}) == 1
        letters = AXES.get(len(self.facts.output) - 1, ())
        found: list[tuple[Line, list[Any]]] = []
        for axis, (before, after) in enumerate(sides[:1] if alike else sides):
            index = "" if alike or axis >= len(letters) else letters[axis]
            names: dict[int, str] = {}
            # `same` puts P // 2 before: P is the first part of that number's memory.
            for name, number in (("P", before.parts[0]), ("p_1", before), ("p_2", after)):
                line = Line(f"{name}_{index}" if index and name == "P" else f"{name}{index}", number, dict(names))
                names[id(number)] = line.name
                found.append((line, [number]))
        if alike:
            # The other axes have numbers of their own: formulas find the same names for them.
            for other_before, other_after in sides[1:]:
                for (_line, numbers), number in zip(
                    found, (other_before.parts[0], other_before, other_after), strict=True
                ):
                    numbers.append(number)
        return found

    def same_as(self, line: Line) -> list[Any]:
        """The other sizes that one line stands for."""
        if line.name != "m":
            return []
        return [m for m in self.facts.output[1:] if isinstance(m, Traced) and m.operator]

    def names_without(self, number: Any) -> Names:
        return {key: name for key, name in self.names.items() if key != id(number)}

    def line(self, name: str, number: int) -> Line:
        """`name = formula`; a number that is the parameters themselves, seen again, is said to be."""
        if name != "params" and number is self.facts.params and id(number) in self.names:
            number = symbol("params", number)
        return Line(name, number, self.names_without(number))

    def close(self, line: Line, free: Collection[str]) -> Line:
        """The line with everything put in but the free letters; parts are opened down to them."""
        return Line(line.name, line.number, {}, frozenset(free))

    def find_parts(self, lines: Sequence[Line]) -> list[Line]:
        """The lines of the parts that these use by name, each before the one that uses it."""
        candidates = list(self.sizes)
        if self.facts.params is not None:
            candidates.append(self.line("params", self.facts.params))
        used = {name for line in lines for name in line.uses()}
        found = []
        # Backwards, since a part may itself use one that stands before it.
        for line in reversed(candidates):
            if line.name in used and line not in lines:
                found.append(line)
                used |= line.uses()
        return found[::-1]


def board_of(graph: Graph, number: int) -> Board:
    """The board of a node; layers that are alike share theirs, in one language."""
    node = graph.nodes[number]
    return shared_board(node.layer, tuple(graph.shape(v) for v in node.reads), graph.facts[number].output, in_use())


@lru_cache(1024)
def shared_board(given: Layer, shapes: tuple[Shape, ...], output: Shape, language: str) -> Board:
    # The language is part of the key alone: a board keeps the sentences that it has made.
    return Board(given, shapes, output)


def own(number: int) -> int:
    """The same number with the same memory, as an object of its own."""
    return Traced(int(number), number.operator, number.parts, number.name) if isinstance(number, Traced) else number


def trace_shapes(shapes: Sequence[Shape]) -> tuple[Shape, ...]:
    """Symbols for what enters: equal inputs share theirs, maps of other channels have an index, c_2."""
    if not shapes:
        return ()
    first = trace_shape(shapes[0])
    found: list[Shape] = []
    for i, shape in enumerate(shapes, start=1):
        if shape == shapes[0]:
            found.append(first)
        elif shape[1:] == shapes[0][1:]:
            found.append((symbol(f"c_{i}", shape[0]), *first[1:]))
        else:
            # Inputs of other sizes stay plain numbers: a third set of letters would explain nothing.
            found.append(shape)
    return tuple(found)


def letters_of(report: Report, number: int) -> list[str]:
    """The letters that a layer's formulas use."""
    found = layer_derivations(report, number, listed_in(ALWAYS))
    return list(dict.fromkeys(name for d in found for name in d.symbols if len(name.partition("_")[0]) == 1))


def knows_shapes(graph: Graph, number: int) -> bool:
    """Whether it is known what enters and leaves a layer: of one behind an operator that is not known it may not be."""
    shapes = graph.facts[number].output, *(graph.shape(v) for v in graph.nodes[number].reads)
    return NOT_KNOWN not in shapes


def nothing_known(report: Report, number: int, wanted: Sequence[str]) -> list[Derivation]:
    """The quantities of a layer whose shapes are not known: no number, and no formula."""
    counted = [name for name in listed_in(EXPLAINED) if name == SIZES or not QUANTITIES[name].tuples]
    return [Derivation(report.layers[number].name, name, name, None) for name in counted if name in wanted]


def layer_derivations(
    report: Report, number: int, wanted: Sequence[str], free: Collection[str] = ()
) -> list[Derivation]:
    """The quantities of one layer that are asked for, but for its receptive field.

    With letters that stay `free`, only what depends on them, each in one closed form.
    """
    assert report.graph is not None
    if not knows_shapes(report.graph, number):
        return [] if free else nothing_known(report, number, wanted)
    return derivations_on(board_of(report.graph, number), report, number, wanted, free, alone=len(wanted) == 1)


def single_derivations(report: Report, number: int) -> list[Derivation]:
    """Every quantity of one layer, each as if it alone were asked for: with the lines of the parts that it uses."""
    assert report.graph is not None
    wanted = listed_in(EXPLAINED)
    if not knows_shapes(report.graph, number):
        return nothing_known(report, number, wanted)
    board = board_of(report.graph, number)
    return [found for quantity in wanted for found in derivations_on(board, report, number, (quantity,), alone=True)]


def derivations_on(
    board: Board, report: Report, number: int, wanted: Sequence[str], free: Collection[str] = (), *, alone: bool
) -> list[Derivation]:
    """The quantities that are asked for; `alone`: each of them stands for itself."""
    row = report.layers[number]
    found = []
    for quantity, own in lines_of(board, row, BYTES[report.settings.dtype], wanted, alone).items():
        # Weights that are shared are counted with the layer that owns them.
        if row.weights_of is not None and quantity in STORED:
            found.append(say_shared(row, quantity))
            continue
        if free:
            own = [line for line in (board.close(line, free) for line in own) if line.letters() & set(free)]
            if own:
                found.append(closed_form(board, row, quantity, own, free))
            continue
        if not alone and quantity in OF_WEIGHTS and words.weightless(facts_of(row)):
            continue  # said once, with the parameters
        shown = [*board.find_parts(own), *own] if alone else own
        remarks = remarks_of(board, row, quantity, own)
        table = words.table_of(board.given) if quantity == WEIGHTS else ()
        symbols = symbols_of(shown, board.meanings if not alone else {**board.meanings, **results()})
        value = getattr(row, quantity)
        found.append(Derivation(row.name, quantity, quantity, value, tuple(shown), tuple(remarks), symbols, table))
    return found


def lines_of(board: Board, row: Any, size: int, wanted: Sequence[str], alone: bool) -> dict[str, list[Line]]:
    """The formulas of the quantities that are asked for: counts from their facts, memory from what its bytes hold.

    alone  the only quantity that is asked for has its line even where it is 0
    """
    lines: dict[str, list[Line]] = {SIZES: board.sizes} if SIZES in wanted else {}
    for quantity in (QUANTITIES[name] for name in (*listed_in(EXPLAINED), *listed_in(ASKED))):
        if not quantity.fact or quantity.tuples or quantity.name not in wanted:
            continue
        value = getattr(board.facts, quantity.fact)
        if quantity.name in OPENED:
            if value is not None:
                lines[quantity.name] = OPENED[quantity.name](board)
        elif quantity.bytes:
            if value is not None and getattr(row, quantity.name):
                lines[quantity.name] = [board.line("bytes", value * size)]
        elif value or alone or ALWAYS in quantity.lists:
            lines[quantity.name] = [] if value is None else [board.line(quantity.symbol, value)]
    return lines


def closed_form(board: Board, row: Any, quantity: str, own: Sequence[Line], free: Collection[str]) -> Derivation:
    """A quantity with some letters left free; said of sizes is when the form holds."""
    remarks = remarks_of(board, row, quantity, own)
    if quantity == SIZES:
        remarks = words.exact_sizes(board.given, board.shapes)
    symbols = {name: entry for name, entry in symbols_of(own, board.meanings).items() if name in free}
    return Derivation(row.name, quantity, quantity, getattr(row, quantity), tuple(own), tuple(remarks), symbols, ())


def remarks_of(board: Board, row: Any, quantity: str, own: Sequence[Line]) -> list[str]:
    """The rule behind a number; and the number itself where the report counts more samples, or no padding."""
    remarks = list(words.remarks(board.given, board.shapes, quantity, facts_of(row)))
    value = getattr(row, quantity)
    if own and isinstance(value, int) and value != own[-1].value:
        remarks.append(_("With the settings of this report (batch, padding left out) it is {value}.", value=value))
    return remarks


def flops_lines(board: Board) -> list[Line]:
    """Each kind of scalar operation, then two for every multiply-accumulate and all the others."""
    work, macs = board.facts.work or {}, board.facts.macs or 0
    lines = [board.line(operation, times) for operation, times in work.items() if times]
    # FLOPs are the sum of these very numbers, so that their names stand in its formula.
    named = {id(line.number): line.name for line in lines if isinstance(line.number, Traced)}
    if isinstance(macs, Traced) and macs.operator:
        named[id(macs)] = "MACs"
    flops = board.facts.flops
    return [*lines, Line("FLOPs", flops, {**board.names, **named})] if flops else []


# Quantities whose derivation shows how they come together, in lines before their own.
OPENED: dict[str, Callable[[Board], list[Line]]] = {"flops": flops_lines}


def facts_of(row: Any) -> dict[str, Any]:
    return {name: getattr(row, name) for name in of_subject(SHAPE, COUNT)}


def say_shared(row: Any, quantity: str) -> Derivation:
    """A layer that uses the weights of another stores none of its own."""
    remark = _("It uses the weights of {owner}: they are counted there, once.", owner=row.weights_of)
    return Derivation(row.name, quantity, quantity, getattr(row, quantity), (), (remark,))


def symbols_of(lines: Sequence[Line], known: dict[str, str]) -> dict[str, tuple[int, str]]:
    """The letters that the lines use, with value and meaning, in the order of reading."""
    defined = {line.name for line in lines}
    found: dict[str, tuple[int, str]] = {}
    for line in lines:
        for part in line.symbols():
            name = part.name or line.names[id(part)]
            # n_h is called as n is.
            meaning = known.get(name) or known.get(name.partition("_")[0], "")
            # What has a line of its own is explained by that.
            if name not in defined:
                found.setdefault(name, (int(part), meaning))
    return found


def sum_derivation(report: Report, quantity: str, block: str | None = None) -> Derivation:
    """A sum over all layers, or over those of a block, with its terms."""
    group = None if block is None else report.groups[block]
    rows = report.layers if group is None else report.layers[group.first : group.last]
    known = [(row.name, value) for row in rows if (value := getattr(row, quantity))]
    total = getattr(report.totals if block is None else report[block], quantity)
    number = add_up([symbol(name, value) for name, value in known])
    table: list[tuple[str, str]] = []
    if len(known) > MOST_TERMS:  # a table is read more easily
        table = [(_("layer"), quantity), *((name, f"{value:,}") for name, value in known)]
        # Without its memory, which would be written as a sum.
        number = int(number)
    remarks = []
    unknown = sum(getattr(row, quantity) is None for row in rows)
    if unknown:
        remarks.append(_("{rows} rows are not known and left out.", rows=unknown))
    line = Line(QUANTITIES[quantity].symbol, number)
    return Derivation(block, quantity, quantity, total, (line,), tuple(remarks), table=table)
