"""Columns that say how a layer is set: k, s, p, d, g as formulas call them, and the shape that it reads.

What a layer has no option for is empty; so is the row of a block, which has no settings of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from cnncalc.formats.numbers import sizes
from cnncalc.graph import Graph, Node
from cnncalc.report import Report, Row


def setting_of(report: Report, row: Row, name: str) -> str:
    """A column's text for a row: `3`, `3x5`, `0+1` for sides that differ, `same`."""
    node = nodes_of(report).get(row.name)
    if node is None or report.graph is None:
        return ""
    return SETTINGS[name](report.graph, node)


# Of two networks, which a page may set side by side.
@lru_cache(maxsize=2)
def nodes_of(report: Report) -> dict[str, Node]:
    """The nodes of a report by name: looked up for each cell."""
    return {} if report.graph is None else {node.name: node for node in report.graph.nodes}


def option_text(name: str) -> Callable[[Graph, Node], str]:
    """How an option is written, for a column of its own."""
    return lambda graph, node: value_text(getattr(node.layer, name, None))


def stride_text(graph: Graph, node: Node) -> str:
    """The stride; that of a pool which names none is its window."""
    stride = getattr(node.layer, "stride", None)
    return value_text(getattr(node.layer, "kernel", None) if stride is None else stride)


def value_text(value: Any) -> str:
    """One number where the axes agree, else one for each; before and after, where the sides differ."""
    if value is None or isinstance(value, str):
        return value or ""
    if not isinstance(value, tuple):
        return str(value)
    axes = [axis if isinstance(axis, tuple) else (axis,) for axis in value]
    # Two sides of an axis that differ: 0+1.
    texts = ["+".join(map(str, axis if len(set(axis)) > 1 else axis[:1])) for axis in axes]
    return texts[0] if len(set(texts)) == 1 else "x".join(texts)


def input_text(graph: Graph, node: Node) -> str:
    """The shapes that a layer reads."""
    return ", ".join(sizes(graph.shape(value)) for value in node.reads)


SETTINGS: dict[str, Callable[[Graph, Node], str]] = {
    "input": input_text,
    "kernel": option_text("kernel"),
    "stride": stride_text,
    "padding": option_text("padding"),
    "dilation": option_text("dilation"),
    "groups": option_text("groups"),
}
