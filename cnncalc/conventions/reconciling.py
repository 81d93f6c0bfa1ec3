"""Why two tools print different numbers: the difference as an exact sum of causes, kind by kind and rule by rule."""

from __future__ import annotations

from collections import defaultdict
from typing import Any, NamedTuple

from cnncalc.conventions.counting import Count, counts, quantities_of_nodes
from cnncalc.conventions.reading import Convention, Rule
from cnncalc.conventions.terms import Product, Terms, difference, terms_of, text_of, value_of
from cnncalc.errors import CnncalcError
from cnncalc.language import _
from cnncalc.report import Report
from cnncalc.spec.expressions import Scope


class Cause(NamedTuple):
    """What two rules make of the layers of a kind: how they differ, in which layers, and how much it comes to.

    term        `2 × x`, the one rule less the other; parts: its products, each with what it comes to
    one, other  what the two conventions count there: `4 × x` and `2 × x`
    """

    kind: str
    term: str
    amount: int
    layers: tuple[str, ...]
    parts: tuple[tuple[str, int], ...]
    names: frozenset[str]
    one: str
    other: str
    rules: tuple[Rule | None, Rule | None]


class Reconciled(NamedTuple):
    """Two numbers and the causes between them: `one` = `other` + the sum of all causes.

    quantity  what is compared: counts, or params
    unknown   layers that one of them does not count, which are left out of both, with the reason
    """

    conventions: tuple[Convention, Convention]
    quantity: str
    one: int
    other: int
    causes: tuple[Cause, ...]
    unknown: dict[str, str]

    def __repr__(self) -> str:
        return f"<Reconciled {self.quantity}: {self.one:,} and {self.other:,}, {len(self.causes)} causes>"

    def __str__(self) -> str:
        """What the command prints."""
        from cnncalc.display import text_of

        return text_of(self)

    def _repr_html_(self) -> str:
        from cnncalc.display import html_of

        return html_of(self)

    @property
    def difference(self) -> int:
        return self.one - self.other

    @property
    def left_over(self) -> int:
        """What the causes do not explain: 0."""
        return self.difference - sum(cause.amount for cause in self.causes)


def reconcile(report: Report, one: Convention, other: Convention) -> Reconciled:
    """The difference of two conventions for a network, as causes, the largest first. Raises CnncalcError."""
    graph, batch = report.graph, report.settings.batch
    if graph is None:
        raise CnncalcError(_("a report without its graph cannot be counted again"))
    of_params = "params" in (one.number, other.number)
    groups: dict[tuple[Any, ...], list[tuple[str, int, list[tuple[Terms, int]]]]] = defaultdict(list)
    first_total = second_total = 0
    unknown: dict[str, str] = {}
    known: dict[tuple[int, int, int, int], tuple[tuple[Any, ...], list[tuple[Terms, int]]]] = {}
    every = zip(
        graph.nodes, counts(graph, one, batch), counts(graph, other, batch), quantities_of_nodes(graph, one, batch),
        quantities_of_nodes(graph, other, batch), strict=True,
    )  # fmt: skip
    for node, first, second, scope, other_scope in every:
        a, b = (first.params, second.params) if of_params else (first.number, second.number)
        if a is None or b is None:
            unknown[node.name] = first.reason or second.reason or _("it is not known")
            continue
        first_total, second_total = first_total + a, second_total + b
        if a == b:
            continue
        # Equal layers share their scopes, and differ alike.
        alike = id(scope), id(other_scope), a, b
        if alike not in known:
            mine, theirs = read_terms(first, of_params, scope), read_terms(second, of_params, other_scope)
            # Tools that count from the same sizes differ in terms, which can be named one by one.
            parts = parts_of(mine, theirs, scope) if scope == other_scope else []
            if sum(amount for _term, amount in parts) != a - b:  # stored once, or for another number of samples
                parts = [({}, a - b)]
            # Layers in which the same two rules differ in the same way are one cause.
            key = node.layer.kind, text_of(mine), text_of(theirs), first.rule, second.rule, not parts[0][0]
            known[alike] = key, parts
        key, parts = known[alike]
        groups[key].append((node.name, a - b, parts))
    causes = [cause(key, entries) for key, entries in groups.items()]
    causes.sort(key=lambda cause: -abs(cause.amount))
    compared = "params" if of_params else "count"
    return Reconciled((one, other), compared, first_total, second_total, tuple(causes), unknown)


def parts_of(mine: Terms, theirs: Terms, scope: Scope) -> list[tuple[Terms, int]]:
    """The terms of the difference that come to anything, each with what it comes to."""
    products = difference(mine, theirs)
    found = [({product: n}, n * value_of(product, scope)) for product, n in products.items()]
    return [(term, amount) for term, amount in found if amount]


def cause(key: tuple[Any, ...], entries: list[Any]) -> Cause:
    """The layers that two rules count alike, put together."""
    kind, one, other, rule, other_rule, _same_scope = key
    sums: dict[str, int] = defaultdict(int)
    whole: dict[Product, int] = {}
    for _name, _amount, parts in entries:
        for term, amount in parts:
            sums[text_of(term, signed=True)] += amount
            whole.update(term)
    return Cause(
        kind,
        text_of(whole) if whole else _("another number of samples, or stored once"),
        sum(amount for _name, amount, _parts in entries),
        tuple(name for name, _amount, _parts in entries),
        tuple(sums.items()),
        frozenset(name for product in whole for name in product),
        one,
        other,
        (rule, other_rule),
    )


def read_terms(count: Count, of_params: bool, scope: Scope) -> Terms:
    """What a rule counts in a layer, as a sum."""
    rule = count.rule
    if of_params:
        return terms_of((rule.params if rule else "") or "params", scope)
    return terms_of(rule.counted if rule else "0", scope)
