"""Findings in a network that can be used: what is so for sure, and probably not meant.

`findings_in` runs every rule of the table over a spec and leaves out what its comments ignore, `findings_of` over a
network that no spec says.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, NamedTuple

from cnncalc.errors import Position, Source
from cnncalc.graph import Graph
from cnncalc.language import _
from cnncalc.spec import MAX_OPERATIONS
from cnncalc.spec.findings.ignores import ignores_in
from cnncalc.spec.findings.network import Hit, Network
from cnncalc.spec.findings.rules import RULES, UNUSED_IGNORE, Rule

__all__ = ["RULES", "Finding", "Rule", "findings_in", "findings_of"]


class Finding(NamedTuple):
    """Something at a place of a spec; of a network without a text `position` is None, and its one layer is named.

    layers  the layers that have it, of the `uses` that the line stands for; none where it is no layer
    params  trained numbers that all of them together have for nothing
    """

    code: str
    position: Position | None
    text: str
    hint: str
    layers: tuple[str, ...] = ()
    uses: int = 1
    params: int = 0


def findings_of(graph: Graph, codes: Collection[str] = tuple(RULES)) -> list[Finding]:
    """The findings with these codes in a network that no spec says, in the order of its layers."""
    net = Network(graph)
    order = {node.name: i for i, node in enumerate(graph.nodes)}
    found = [f for rule in RULES.values() if rule.find and rule.code in codes for f in gather(rule, net)]
    return sorted(found, key=lambda finding: (*map(order.get, finding.layers), finding.code))


def findings_in(
    source: Source,
    *,
    inputs: Mapping[str, Any] | None = None,
    inline: bool = False,
    codes: Collection[str] = tuple(RULES),
    max_operations: int = MAX_OPERATIONS,
) -> list[Finding]:
    """The findings with these codes, in the order of the text. Raises SpecError where the spec cannot be used.

    inputs  shapes in place of its own
    """
    net = Network.of_spec(source, inputs=inputs, inline=inline, max_operations=max_operations)
    # A net in one line has no comments.
    ignores = [] if inline else ignores_in(source, RULES)
    found = [f for rule in RULES.values() if rule.find and rule.code in codes for f in gather(rule, net)]
    kept, needed = [], set()
    for finding in found:
        line = place_in(finding)[0]
        covering = [ignore for ignore in ignores if ignore.covers(finding.code, line)]
        needed.update(covering)
        if not covering:
            kept.append(finding)
    if UNUSED_IGNORE in codes and not source.params:  # of another variant, other findings
        unused = [i for i in ignores if i not in needed and i.code in codes and i.code != UNUSED_IGNORE]
        # Line 0 stands for the whole file, which no line of a text has.
        hidden = {line for i in ignores if i.code == UNUSED_IGNORE for line in i.lines or (0,)}
        rule = RULES[UNUSED_IGNORE]
        for ignore in unused:
            if not hidden & {0, ignore.position.line, *ignore.lines}:
                text = _("there is no {code} here to ignore", code=ignore.code)
                kept.append(Finding(rule.code, ignore.position, text, _("leave the comment out")))
    return sorted(kept, key=lambda finding: (place_in(finding), finding.code))


def place_in(finding: Finding) -> tuple[int, int]:
    """Line and column of a finding in a spec."""
    assert finding.position is not None  # every step of a spec stands in it
    return finding.position.line, finding.position.column


def gather(rule: Rule, net: Network) -> Iterable[Finding]:
    """What a rule finds, once for each place: layers that one line has become are told together."""
    assert rule.find is not None
    places: dict[tuple[Position, str], list[Hit]] = {}
    written = net.document is not None
    for hit in rule.find(net):
        if not isinstance(hit.place, int):
            yield Finding(rule.code, hit.place, hit.text, hit.hint)
            continue
        node = net.graph.nodes[hit.place]
        if not written:
            # Of a model no line is known: every layer has its own finding.
            yield Finding(rule.code, None, hit.text, hit.hint, (node.name,), 1, hit.params)
        elif node.position is not None:
            # One line may have become layers of several kinds: the place alone does not tell them apart.
            places.setdefault((node.position, node.layer.kind), []).append(hit)
    for place, hits in places.items():
        uses = len(net.uses[place])
        layers = tuple(dict.fromkeys(net.graph.nodes[hit.place].name for hit in hits if isinstance(hit.place, int)))
        # A line that is right in one of its calls is not to be changed for the others.
        if len(layers) == uses or not rule.every:
            params = sum(hit.params for hit in hits)
            yield Finding(rule.code, place[0], hits[0].text, hits[0].hint, layers, uses, params)
