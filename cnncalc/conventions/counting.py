"""A network under a convention: which rule fits each layer, and what it gives.

Counts are exact integers for the whole batch; None says that the convention gives no number, and why.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple
from weakref import WeakKeyDictionary

from cnncalc.analysis import count_totals
from cnncalc.conventions.quantities import GRAMMAR, quantities
from cnncalc.conventions.reading import Convention, Rule
from cnncalc.errors import CnncalcError, OptionError, UnknownValueError
from cnncalc.graph import Graph
from cnncalc.language import _
from cnncalc.layers.base import Facts, Layer, Shape
from cnncalc.quantities import RATIOS
from cnncalc.report import SEEN, Labels, Report, Row
from cnncalc.spec.expressions import Scope, Value, Word, evaluate


class LayerScope(dict[str, Value]):
    """The quantities of a layer by name. counted: what conventions made of them, by the convention's identity."""

    __slots__ = ("counted",)

    def __init__(self, found: Mapping[str, Value]) -> None:
        super().__init__(found)
        # With the convention itself, so that no other one has its identity later.
        self.counted: dict[int, tuple[Convention, Count]] = {}


class Count(NamedTuple):
    """What a convention says of one layer. `reason`: why the number is not known; `fails`: the tool would stop here."""

    number: int | None
    params: int | None
    rule: Rule | None
    reason: str = ""
    fails: bool = False


def counts(graph: Graph, convention: Convention, batch: int = 1) -> list[Count]:
    """The count of every node, in order. Raises CnncalcError where an expression cannot be worked out."""
    known: dict[int, Count] = {}
    stored: set[tuple[Rule, int]] = set()
    found = []
    for node, scope in zip(graph.nodes, quantities_of_nodes(graph, convention, batch), strict=True):
        # Equal layers share their scope: a network of a thousand layers has a few dozen.
        one = known.get(id(scope))
        if one is None:
            one = known[id(scope)] = count(node.layer.kind, scope, convention)
        if one.rule is not None and one.rule.once:
            same = one.rule, work_out(one.rule.once, scope, one.rule, node.layer.kind)
            # The first of the layers that share their parameters has brought them.
            one = one._replace(params=0) if same in stored else one
            stored.add(same)
        found.append(one if node.weights_of is None else one._replace(params=0))  # stored, and counted, once
    return found


_scopes: WeakKeyDictionary[Graph, dict[int, list[LayerScope]]] = WeakKeyDictionary()


def quantities_of_nodes(graph: Graph, convention: Convention, batch: int) -> list[LayerScope]:
    """The quantities of every node, for all conventions; equal layers on equal shapes have the same mapping."""
    samples = 1 if convention.one else batch
    known = _scopes.setdefault(graph, {})
    if samples not in known:
        shapes = [*graph.inputs.values(), *(facts.output for facts in graph.facts)]
        known[samples] = [
            scope_of(node.layer, tuple([shapes[v] for v in node.reads]), beside, facts, samples)
            for node, facts, beside in zip(graph.nodes, graph.facts, neighbours(graph), strict=True)
        ]
    return known[samples]


def neighbours(graph: Graph) -> list[tuple[str, str]]:
    """For every node the kinds of the one that it alone reads, and of the one that alone reads it; empty for none."""
    # Values are numbered inputs first: node i gives value `first` + i.
    first = len(graph.inputs)
    readers: list[list[int]] = [[] for _node in graph.nodes]
    for i, node in enumerate(graph.nodes):
        # A node that reads a value twice, as x + x does, is one reader.
        for value in set(node.reads):
            if value >= first:
                readers[value - first].append(i)
    found = [["", ""] for _node in graph.nodes]
    for i, reading in enumerate(readers):
        # A tool that folds a norm into the convolution before it does so only where nothing else reads that.
        if len(reading) == 1:
            found[i][1] = graph.nodes[reading[0]].layer.kind
            found[reading[0]][0] = graph.nodes[i].layer.kind
    return [(before, after) for before, after in found]


@lru_cache(65536)
def scope_of(layer: Layer, shapes: tuple[Shape, ...], beside: tuple[str, str], facts: Facts, batch: int) -> LayerScope:
    """The quantities of a layer, worked out once for all conventions."""
    found = quantities(layer, shapes, facts, batch)
    return LayerScope(found | {"previous": Word(beside[0]), "next": Word(beside[1])})


def count(kind: str, scope: LayerScope, convention: Convention) -> Count:
    """What a convention makes of a layer: variants of a network have most of their layers in common."""
    known = scope.counted.get(id(convention))
    if known is not None:
        return known[1]
    found = apply_rules(kind, scope, convention)
    if not found.reason:  # which is said in the language that is in force
        scope.counted[id(convention)] = convention, found
    return found


def apply_rules(kind: str, scope: LayerScope, convention: Convention) -> Count:
    """The first rule that fits, and its numbers; none where not even the shape that comes out is known."""
    if not scope["output"]:
        return Count(None, None, None, _("the shape of {kind} is not known", kind=kind))
    known = scope.get("params")
    params = known if isinstance(known, int) else None
    try:
        return follow_rules(kind, scope, convention, params)
    except UnknownValueError:
        return Count(None, params, None, _("{kind} does not say a number that the rule needs", kind=kind))


def follow_rules(kind: str, scope: Scope, convention: Convention, params: int | None) -> Count:
    """What the first rule that fits counts. Raises UnknownValueError where it asks for what the layer does not say."""
    rule = rule_for(kind, scope, convention)
    if rule is None:
        reason = _("{name} has no rule for {kind}", name=convention.name, kind=kind)
        return Count(None, params, None, reason)
    if rule.params:
        params = work_out(rule.params, scope, rule, kind)
    if rule.counted:
        return Count(work_out(rule.counted, scope, rule, kind), params, rule)
    if rule.fails:
        return Count(None, params, rule, _("the tool stops: {reason}", reason=_(rule.fails)), fails=True)
    return Count(None, params, rule, _(rule.unknown) if rule.unknown else "")  # none: a rule for parameters alone


def rule_for(kind: str, scope: Scope, convention: Convention) -> Rule | None:
    """The first rule for a kind whose condition holds."""
    for rule in convention.rules_of(kind):
        if not rule.condition or value(rule.condition, scope, rule, kind):
            return rule
    return convention.otherwise


def work_out(text: str, scope: Scope, rule: Rule, kind: str) -> int:
    """An expression as a whole number."""
    number = value(text, scope, rule, kind)
    if not isinstance(number, int):
        problem = _("'{text}' gives no whole number for {kind}", text=text, kind=kind)
        raise CnncalcError(
            _("{name}, rule in line {line}: {problem}", name=rule.origin, line=rule.line, problem=problem)
        )
    return int(number)


def value(text: str, scope: Scope, rule: Rule, kind: str) -> Value:
    try:
        return evaluate(text, scope, GRAMMAR)
    except UnknownValueError:
        raise
    except (OptionError, OverflowError, ValueError) as error:  # of a division in double precision
        problem = _("{name}: {text}", name=kind, text=error)
        raise CnncalcError(
            _("{name}, rule in line {line}: {problem}", name=rule.origin, line=rule.line, problem=problem)
        ) from None


def under(report: Report, convention: Convention, *, judged: bool = False) -> Report:
    """The report with the numbers of a convention in place of ours; what it does not count is not known.

    judged  whether the expectations of the spec are about these numbers

    Raises CnncalcError for a report that leaves padding out, which no tool does.
    """
    graph = report.graph
    if graph is None:
        raise CnncalcError(_("a report without its graph cannot be counted again"))
    if report.settings.exact_padding:
        raise CnncalcError(_("taps on padding cannot be left out here: every tool counts them"))
    found = counts(graph, convention, report.settings.batch)
    rows = tuple(replace_numbers(row, one, convention) for row, one in zip(report.layers, found, strict=True))
    totals = count_totals(graph, rows, report.settings)
    reasons = {row.name: one.reason for row, one in zip(rows, found, strict=True) if one.reason}
    labels = Labels(convention.name, convention.title, convention.number, convention.calls, convention.unit, reasons)
    return Report(
        name=report.name,
        source=report.source,
        inputs=report.inputs,
        layers=rows,
        totals=totals,
        groups=report.groups,
        settings=report.settings,
        expectations=graph.expectations,
        as_written=report.as_written and judged,
        graph=graph,
        convention=labels,
    )


def replace_numbers(row: Row, one: Count, convention: Convention) -> Row:
    """A row with the numbers of a convention."""
    new = Row()
    for name in Row.__slots__:
        if name not in SEEN:  # which is asked for where it is shown
            setattr(new, name, getattr(row, name))
    new.params = one.params
    if convention.name != "cnncalc":  # what its number is not, the tool does not print
        new.macs = new.flops = None
        for ratio in RATIOS:
            setattr(new, ratio.name, None)
    if convention.number != "params":
        setattr(new, convention.number, one.number)
    return new


def total(values: Sequence[int | None]) -> int | None:
    """The sum; None where a part is not known."""
    known = [value for value in values if value is not None]
    return sum(known) if len(known) == len(values) else None
