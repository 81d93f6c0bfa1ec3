"""Numbers that are right when one counts differently: each convention is a change of the network or of the number."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from functools import cached_property
from typing import Any

from cnncalc.analysis import analyze_graph
from cnncalc.answers.words import plain
from cnncalc.errors import CnncalcError
from cnncalc.graph import Graph
from cnncalc.language import _
from cnncalc.report import Report, Row, Totals

# Layers with an option changed: what it is called, the option, and the values that change into each other.
REBUILT: dict[str, tuple[str, Any, Any]] = {
    "without biases": ("bias", True, False),
    "with biases": ("bias", False, True),
    "windows rounded up (ceil)": ("rounding", "floor", "ceil"),
    "windows rounded down (floor)": ("rounding", "ceil", "floor"),
}
COUNTS = frozenset({"params", "connections", "macs", "flops", "parameter_bytes"})
# What is a mistake unless the teacher says otherwise: the word for --accept and the key, and the convention that it is.
ALLOWED = {"no-bias": "without biases", "bias": "with biases"}
ALLOWED_WORDS = {
    **dict.fromkeys(("nobias", "nobiases", "withoutbias", "withoutbiases", "无偏置", "不计偏置", "无bias"), "no-bias"),
    **dict.fromkeys(("bias", "biases", "withbias", "withbiases", "有偏置", "计偏置"), "bias"),
}


def read_allowed(text: str) -> str | None:
    """The word of ALLOWED that a text stands for; None where it is none, but perhaps a number."""
    return ALLOWED_WORDS.get(plain(text))


def add_known(*values: int | None) -> int | None:
    return None if None in values else sum(v for v in values if v is not None)


# Other numbers of the same row: for each quantity what it is called, and what to add up.
RECOUNTED: dict[str, dict[str, Callable[[Any], int | None]]] = {
    "params": {
        "with the buffers of batch norm, as Keras counts (4 per channel)": lambda r: add_known(r.params, r.buffers),
        "with the fixed weights": lambda r: add_known(r.params, r.fixed_params),
        "with fixed weights and buffers": lambda r: add_known(r.params, r.fixed_params, r.buffers),
    },
    "macs": {
        "FLOPs, all operations counted": lambda r: r.flops,
        "FLOPs = 2 MACs": lambda r: add_known(r.macs, r.macs),
    },
    "flops": {
        "MACs, as one operation each": lambda r: r.macs,
        "FLOPs = 2 MACs, nothing else counted": lambda r: add_known(r.macs, r.macs),
    },
}


class Conventions:
    """The report of one network under each convention, worked out when it is first asked for."""

    def __init__(self, report: Report) -> None:
        self.report = report

    @cached_property
    def rebuilt(self) -> dict[str, Report]:
        """The networks with an option of their layers changed, where that changes anything and fits."""
        graph, found = self.report.graph, {}
        for name, (option, old, new) in REBUILT.items():
            changed = None if graph is None else change_graph(graph, option, old=old, new=new)
            if changed is not None:
                found[name] = analyze_graph(changed, self.report.settings)
        return found

    @cached_property
    def ours(self) -> Report | None:
        """The report as we count it, where it counts as another tool does."""
        return None if self.report.graph is None else analyze_graph(self.report.graph, self.report.settings)

    def others(self, layer: str | None, quantity: str, allowed: Collection[str] = ()) -> Iterator[tuple[str, Any]]:
        """(name of the convention, the number) for every one that gives another number.

        allowed  words of ALLOWED: what else than the usual is a convention here, and no mistake
        """
        right = value_of(self.report, layer, quantity)
        labels = self.report.convention
        # The numbers are those of the tool, and its own variants are not known.
        if labels is not None and quantity in labels.replaced:  # another tool's: what we count is the other way
            value = None if self.ours is None else value_of(self.ours, layer, quantity)
            if value not in (None, right):
                yield _("as cnncalc counts"), value
            return
        for name, count in RECOUNTED.get(quantity, {}).items():
            value = count(find_subject(self.report, layer))
            if value not in (None, right):
                yield translate(name), value
        # What a teacher has not allowed is left to the mistakes.
        refused = {name for word, name in ALLOWED.items() if word not in allowed}
        for name, report in self.rebuilt.items():
            if name in refused:
                continue
            value = value_of(report, layer, quantity)
            # A bias changes counts alone; windows that are rounded otherwise change sizes, and so everything.
            if value not in (None, right) and (quantity in COUNTS or "window" in name):
                yield translate(name), value
        if quantity == "rf_start" and isinstance(right, tuple) and None not in right:
            yield _("counted from 1"), tuple(v + 1 for v in right)


def translate(name: str) -> str:
    """The convention's name in the language in use."""
    return {
        "without biases": _("without biases"),
        "with biases": _("with biases"),
        "windows rounded up (ceil)": _("windows rounded up (ceil)"),
        "windows rounded down (floor)": _("windows rounded down (floor)"),
        "with the buffers of batch norm, as Keras counts (4 per channel)": _(
            "with the buffers of batch norm, as Keras counts (4 per channel)"
        ),
        "with the fixed weights": _("with the fixed weights"),
        "with fixed weights and buffers": _("with fixed weights and buffers"),
        "FLOPs, all operations counted": _("FLOPs, all operations counted"),
        "FLOPs = 2 MACs": _("FLOPs = 2 MACs"),
        "MACs, as one operation each": _("MACs, as one operation each"),
        "FLOPs = 2 MACs, nothing else counted": _("FLOPs = 2 MACs, nothing else counted"),
    }[name]


def change_graph(graph: Graph, option: str, *, old: Any, new: Any) -> Graph | None:
    """The network with an option of all its layers changed; None where no layer has it so, or it does not fit."""
    nodes = []
    for node in graph.nodes:
        # To Python 1 is True: only what is of the same type is the same value.
        now = getattr(node.layer, option, None)
        if option in node.layer.options and type(now) is type(old) and now == old:
            node = node._replace(layer=node.layer.replace(**{option: new}))
        nodes.append(node)
    if tuple(nodes) == graph.nodes:
        return None
    try:
        return Graph(name=graph.name, inputs=graph.inputs, nodes=tuple(nodes), outputs=graph.outputs,
                     groups=graph.groups)  # fmt: skip
    except CnncalcError:
        return None


def find_subject(report: Report, layer: str | None) -> Row | Totals:
    return report.totals if layer is None else report[layer]


def value_of(report: Report, layer: str | None, quantity: str) -> Any:
    """The number of a layer or of the whole; None where it is not known."""
    one = find_subject(report, layer)
    if isinstance(one, Totals) and one.is_partial(quantity):
        return None
    value = getattr(one, quantity, None)
    return None if isinstance(value, tuple) and None in value else value


def count_as_shown(report: Report, layer: str, quantity: str) -> int | None:
    """The number with those of the activation and norm that are shown in the layer's row."""
    for i, row in enumerate(report.layers):
        if row.name == layer:
            values = [getattr(r, quantity) for r in (row, *(r for r in report.layers if r.shown_with == i))]
            return None if None in values else sum(values)
    return None
