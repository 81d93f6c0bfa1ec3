"""The derivation of a receptive field: the textbook's walk back from the layer, line by line."""

from __future__ import annotations

from functools import lru_cache
from weakref import WeakKeyDictionary

from cnncalc.analysis.derivations.board import Derivation
from cnncalc.analysis.derivations.lines import Line
from cnncalc.analysis.derivations.symbols import AXES
from cnncalc.analysis.fields.forward import Pass
from cnncalc.analysis.fields.table import axes_of, has_gates
from cnncalc.analysis.fields.walk import Stop, Walk, step_along, step_back, walk_back
from cnncalc.errors import CnncalcError, suggest
from cnncalc.graph import Graph
from cnncalc.language import _
from cnncalc.layers.windows import Window
from cnncalc.report import Report, Row
from cnncalc.trace import symbol

LONGEST = 60  # lines of a way back that are shown in full where it may be shortened
ENDS = 5  # lines at either end of one that is longer


def field_derivation(
    report: Report, number: int, since: str | None = None, *, shortened: bool = False
) -> Derivation | None:
    """What a unit of a layer sees of the input, or of the output of an earlier layer `since`.

    shortened  of a long way only the first and the last lines, which is said
    """
    graph = report.graph
    assert graph is not None
    row = report.layers[number]
    if since is None and not row.fields:  # a parameter sees nothing of the input
        return None
    value, shape = start_of(graph, report, number, since)
    rank = len(shape) - 1
    if not rank:
        return None
    # Axes with which every layer does the same are walked once.
    walks = [walk_back(graph, number, value, 0)]
    walks += [walks[0] if same_steps(graph, axis) else walk_back(graph, number, value, axis) for axis in range(1, rank)]
    lines: list[Line] = []
    remarks = [_("Seen from the layer: one of its units, then what that sees of the layer before, and so on back.")]
    for axis, found in enumerate(walks):
        # Axes that are alike share their lines, and then no line has an index.
        if axis and found == walks[0]:
            continue
        index = AXES[rank][axis] if any(other != walks[0] for other in walks) else ""
        more, said = walk_lines(graph, report, found, index, shortened=shortened)
        lines += more
        remarks += [remark for remark in said if remark not in remarks]
    sizes = tuple(None if w is None else w.field for w in walks)
    if since is None or value < len(graph.inputs):
        claimed = row.receptive_field
        remarks += [*hull_remarks(claimed, sizes), *forward_remarks(row), *remarks_apart(graph, number)]
    else:
        # The report counts in pixels of the input: in units of another map it takes a pass from there.
        last = len(graph.inputs) + number
        seen = Pass(graph, origins={value: 0}, last=last).fields[last].get(0, (None,) * rank)
        claimed = tuple(axis.size for axis in axes_of(seen, shape[1:]))
        remarks += hull_remarks(claimed, sizes)
    origin = since or next(iter(graph.inputs))
    symbols = {
        "k": _("kernel size"),
        "s": _("stride"),
        "d": _("dilation"),
        "RF": _("what is seen of the layer's output; 1 to begin with"),
    }
    used = {s.name for line in lines for s in line.symbols()}
    meanings = {name: (None, text) for name, text in symbols.items() if name in used}
    title = "receptive_field" if since is None else _("receptive_field in units of {name}", name=origin)
    table = forward_table(report, walks[0]) if since is None and walks[0] and walks[0].stops else ()
    return Derivation(row.name, "receptive_field", title, claimed, tuple(lines), tuple(remarks), meanings, table)


@lru_cache(maxsize=8)
def same_steps(graph: Graph, axis: int) -> bool:
    """Whether every layer does to an axis what it does to the first."""
    return all(step_along(facts, axis) == step_along(facts, 0) for facts in graph.facts)


def start_of(graph: Graph, report: Report, number: int, since: str | None) -> tuple[int, tuple[int, ...]]:
    """The value up to which is walked, and its shape: the first input that the layer sees, unless one is named."""
    names = [*graph.inputs, *(node.name for node in graph.nodes)]
    if since is None:
        value = names.index(next(iter(report.layers[number].fields)))
        return value, graph.shape(value)
    if since in report.groups:
        value = report.groups[since].result
    elif since in names:
        value = names.index(since)
    else:
        hint = suggest(since, names) or _("a layer, a block or an input before it")
        raise CnncalcError(_("there is no layer '{name}': {hint}", name=since[:40], hint=hint))
    # Nothing is seen of what is made later.
    if value >= len(graph.inputs) + number:
        raise CnncalcError(_("{name} does not come before {layer}", name=since, layer=report.layers[number].name))
    return value, graph.shape(value)


def walk_lines(
    graph: Graph, report: Report, found: Walk | None, index: str, *, shortened: bool
) -> tuple[list[Line], list[str]]:
    """A line for each window on the way, and what is to be said of the way."""
    if found is None:
        return [], [_("It sees nothing of it.")]
    if found.whole is not None:
        name = report.layers[found.whole].name
        return [], [_("{name} sees everything, so the field is the whole input.", name=name)]
    if found.unknown is not None:
        name = report.layers[found.unknown].name
        return [], [
            _("Behind {name} units differ from one another, and the walk back is not the same for all.", name=name),
            _("`cnncalc rf` with --to shows what the largest sees of every layer."),
        ]
    shown, said = windows(found), []
    if shortened and len(shown) > LONGEST:
        said.append(
            _("Of {all} lines the first {n} and the last {n}: `cnncalc explain` prints the others.", all=len(shown),
              n=ENDS)
        )  # fmt: skip
        shown = [*shown[:ENDS], *shown[-ENDS:]]
    lines = [
        Line(f"RF{'_' + index if index else ''}({report.layers[stop.node].name})", trace_step(stop)) for stop in shown
    ]
    joined = found.joined[:ENDS] if shortened and len(found.joined) > LONGEST else found.joined
    places = {stop.node: i for i, stop in enumerate(found.stops)}
    for node in joined:
        row, behind = report.layers[node], places[node] + 1
        origin = graph.nodes[found.stops[behind].node].name if behind < len(found.stops) else row.inputs[0]
        said.append(_("At {name} several paths meet; most is seen by way of {path}.", name=row.name, path=origin))
    if len(joined) < len(found.joined):
        said.append(_("So they do at {n} other places.", n=len(found.joined) - len(joined)))
    return lines, said


def windows(found: Walk) -> list[Stop]:
    """The stops with a window: what keeps the field has no line."""
    # Kernel 1 at stride 1 keeps the field: (RF - 1) 1 + 0 + 1.
    return [stop for stop in found.stops if stop.window is not None and stop.window[:2] != (1, 1)]


def trace_step(stop: Stop) -> int:
    """The same step on numbers that remember: the field behind it is a plain number, as on the board."""
    assert stop.window is not None
    k, s, d = stop.window.kernel, stop.window.stride, stop.window.dilation
    named = Window(symbol("k", k), symbol("s", s), dilation=d if d == 1 else symbol("d", d))
    return step_back(symbol("RF", stop.behind), named)


def hull_remarks(known: tuple[int | None, ...] | None, sizes: tuple[int | None, ...]) -> list[str]:
    """Where the field is not that of the path through which most is seen."""
    pairs = [(k, n) for k, n in zip(known or (), sizes, strict=False) if k is not None and n is not None]
    if all(k == n for k, n in pairs):
        return []
    hull = "x".join("?" if k is None else str(k) for k in known or ())
    if any(k < n for k, n in pairs):
        return [_("Not all channels on this way are read: those that are see {hull}.", hull=hull)]
    return [_("The paths do not lie in the middle of one another: together they see {hull}.", hull=hull)]


def forward_remarks(row: Row) -> list[str]:
    """Jump and start from the report."""
    said = []
    if row.jump and None not in row.jump and row.rf_start and None not in row.rf_start:
        jump, start = ("x".join(map(str, values)) for values in (row.jump, row.rf_start))
        said.append(
            _(
                "Neighbouring units lie {jump} elements of the input apart; unit 0 begins at {start}.",
                jump=jump,
                start=start,
            )
        )
    return said


# A walk over a network asks for every layer: one pass serves all, and goes with its graph.
_passes: WeakKeyDictionary[Graph, tuple[Pass, Pass | None]] = WeakKeyDictionary()


def remarks_apart(graph: Graph, number: int) -> list[str]:
    """How units differ behind upsampling, and what is seen without gates."""
    if graph not in _passes:
        _passes[graph] = Pass(graph), Pass(graph, local=True) if has_gates(graph) else None
    found, local = _passes[graph]
    said = []
    source, fields = next(iter(found.of_nodes[number].items()))
    axes = axes_of(fields, found.sizes[source])
    phases = next((axis.phases for axis in axes if axis.phases), None)
    if phases is not None:
        several = sorted({size for size in phases.sizes if size})
        if phases.period is None:
            said.append(_("Its units follow no grid: on an input of this size the largest sees so much."))
        elif len(several) > 1:
            said.append(
                _(
                    "By their place units see {smallest} to {largest}, the same again after {period} of them.",
                    smallest=several[0],
                    largest=several[-1],
                    period=phases.period,
                )
            )
        if 0 in phases.sizes:
            empty, count = phases.sizes.count(0), len(phases.sizes)
            said.append(_("{empty} of {count} units see nothing.", empty=empty, count=count))
    if local is not None and local.of_nodes[number].get(source) not in (None, fields):
        without = axes_of(local.of_nodes[number][source], found.sizes[source])
        sizes = "x".join("?" if axis.size is None else str(axis.size) for axis in without)
        said.append(_("Without gates and the statistics of whole maps it would be {sizes}.", sizes=sizes))
    return said


def forward_table(report: Report, found: Walk) -> list[list[str]]:
    """The same way forward: size, jump and start behind each window."""
    table = [[_("layer"), "k", "s", _("field"), _("jump"), _("start")]]
    for stop in reversed(windows(found)):
        row, window = report.layers[stop.node], stop.window
        assert window is not None
        numbers = [values[0] if values else None for values in (row.receptive_field, row.jump, row.rf_start)]
        shown = ["?" if number is None else str(number) for number in numbers]
        table.append([row.name, str(window.kernel), str(window.stride), *shown])
    return table if len(table) > 1 else []
