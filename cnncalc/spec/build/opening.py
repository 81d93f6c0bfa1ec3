"""Options of layers that are given from outside: with `C1.filters=8` the spec has that number in the line of C1.

A line that makes several layers, repeated or in a block that is called again, is no layer's own: it is refused, since
all of them would change.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from cnncalc.errors import OptionError, Position, suggest
from cnncalc.graph import Graph
from cnncalc.language import _
from cnncalc.spec.read.document import Document, walk
from cnncalc.spec.steps import Argument, LayerStep


class Line(NamedTuple):
    """Where a layer is written, and how many layers that line makes; `kind` as the table calls it."""

    position: Position
    kind: str
    makes: int


def lines_of(graph: Graph) -> dict[str, Line]:
    """The line of every layer that is written down, by its name."""
    made: dict[tuple[Position, str], int] = {}
    for node in graph.nodes:
        if node.position is not None:
            made[node.position, node.layer.kind] = made.get((node.position, node.layer.kind), 0) + 1
    return {
        node.name: Line(node.position, node.layer.kind, made[node.position, node.layer.kind])
        for node in graph.nodes
        if node.position is not None
    }


def option_in(document: Document, lines: Mapping[str, Line], name: str) -> tuple[LayerStep, str]:
    """The step and the option that `C1.filters` names. Raises OptionError where that is not one layer's own."""
    layer, _dot, word = name.rpartition(".")
    # In any case, as layers are found elsewhere on the command line.
    line = lines.get(layer) or next((at for own, at in lines.items() if own.casefold() == layer.casefold()), None)
    if line is None:
        hint = suggest(layer, lines) or _("LAYER.option names an option of a layer: conv1.filters")
        raise OptionError(_("there is no layer '{name}'", name=layer[:40]), hint)
    bodies = [document.layers, *(block.body for block in document.blocks.values())]
    steps = [step for body in bodies for step in walk(body) if isinstance(step, LayerStep)]
    step = next((s for s in steps if s.position == line.position and s.kind.name == line.kind), None)
    if step is None or line.makes > 1:
        said = _("the line of {name} makes {count} layers", name=layer[:40], count=line.makes)
        raise OptionError(said, _("write a parameter there: filters=$width"))
    known = document.maker.options(step.kind)
    option = known.get(word) or known.get(word.lower())
    if option is None:
        own = step.kind.load().options
        hint = suggest(word, known) or _("options of {kind}: {names}", kind=step.kind.name, names=", ".join(own))
        raise OptionError(_("{kind} has no option '{option}'", kind=step.kind.name, option=word[:40]), hint)
    return step, option.name


def open_options(document: Document, lines: Mapping[str, Line], given: Mapping[str, Any]) -> Document:
    """The document with these options as parameters of it. Raises OptionError."""
    params, aliases = dict(document.params), dict(document.aliases)
    for name, value in given.items():
        step, option = option_in(document, lines, name)
        # Expressions know names without points alone: C1.filters is C1_filters_ there.
        alias = re.sub(r"\W", "_", name) + "_"
        # The spec may have a parameter of that name.
        while alias in params or alias in aliases:
            alias += "_"
        aliases[alias] = name
        params[name] = Argument(name, value, step.position)
        # What the line itself says there is outranked.
        others = [argument for argument in step.arguments if argument.name != option]
        step.arguments = [*others, Argument(option, f"${alias}", step.position)]
        # Made when the line was read, with the value that stands there.
        step.layer = None
    return document._replace(params=params, aliases=aliases)
