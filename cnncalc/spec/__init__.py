"""Text to graph: what a spec says, with positions, worked out. See docs/spec.md for the language."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from cnncalc.errors import OptionError, Position, Problem, Source, SpecError
from cnncalc.graph import Claims, Graph
from cnncalc.graph_builder import MAX_OPERATIONS
from cnncalc.language import _
from cnncalc.spec.build.network import build
from cnncalc.spec.expressions import names_used
from cnncalc.spec.read.document import Document, read_document
from cnncalc.spec.steps import Argument

if TYPE_CHECKING:
    from cnncalc.spec.build.opening import Line
    from cnncalc.spec.read.yamltree import Tree

__all__ = ["MAX_OPERATIONS", "check_option", "graph_from_text", "names_of", "parameters_of", "tree_of"]


def graph_from_text(
    source: Source,
    *,
    params: Mapping[str, Any] | None = None,
    inputs: Mapping[str, Any] | None = None,
    max_operations: int = MAX_OPERATIONS,
    inline: bool = False,
    claims: Claims | None = None,
) -> Graph:
    """The graph of a YAML spec, or with `inline` of a one-line net: `3x227x227; conv 96 k11 s4; dense 10`.

    params, inputs  override its own: text as it would stand in the spec, whole numbers, or lists of those
    claims          who works out the facts of layers

    Raises SpecError with every problem that was found.
    """
    # A variant of a bundled network brings parameters along, which what is given outranks.
    params = {**dict(source.params), **(params or {})}
    try:
        document = read_document(source, tree_of(source, inline=inline))
        if inline and not document.problems:
            declare_used(document, params)
        document = open_named_options(document, params, inline=inline)
        return build(document, params=params, inputs=inputs, max_operations=max_operations, claims=claims)
    except SpecError as error:
        # Looked for only where reading fails, since the lines may be a text that somebody meant.
        left_over = re.search("^<{7}( .*)?$", source.text, re.MULTILINE)
        if left_over is None or error.source != source:
            raise
        line, width = source.text.count("\n", 0, left_over.start()) + 1, len(left_over[0])
        hint = _("choose between the two sides and remove the lines <<<<<<<, ======= and >>>>>>>")
        problem = Problem(_("a conflict that is left over from a merge"), Position(line, 1, width), hint)
    # Behind the handler, so that the errors which the conflict has caused are not shown with it.
    raise SpecError([problem], source)


def open_named_options(document: Document, given: Mapping[str, Any], *, inline: bool) -> Document:
    """The document with what is given as LAYER.option among its parameters. Raises SpecError."""
    named = {name: value for name, value in given.items() if "." in name and name not in document.params}
    if not named or document.problems:
        return document
    from cnncalc.spec.build.opening import open_options

    try:
        return open_options(document, lines_as_written(document.source, inline), named)
    except OptionError as error:
        name = ", ".join(named)
        problem = Problem(_("{name}: {text}", name=name[:60], text=error.problem), None, error.hint)
        raise SpecError([problem], document.source) from None


def check_option(source: Source, name: str, *, inline: bool) -> None:
    """Raise OptionError where LAYER.option names no option of a layer that has a line of its own."""
    from cnncalc.spec.build.opening import option_in

    document = read_document(source, tree_of(source, inline=inline))
    option_in(document, lines_as_written(source, inline), name)


# Every member of a family asks for the same lines.
@lru_cache(maxsize=8)
def lines_as_written(source: Source, inline: bool) -> dict[str, Line]:
    """The line of every layer of a spec with its own values. Raises OptionError where it has none for a parameter."""
    from cnncalc.spec.build.opening import lines_of

    try:
        return lines_of(graph_from_text(source, inline=inline))
    except SpecError as error:
        if not inline or not names_used(source.text):
            raise
        raise OptionError(
            _("which layer that is, is not known before ${name} has a value", name=names_used(source.text)[0]),
            _("write $NAME in the net where the option stands"),
        ) from error


def tree_of(source: Source, *, inline: bool = False) -> Tree | None:
    """The YAML of a spec, or of a one-line net, with the place of every value. Raises SpecError."""
    # Before any parser: at such characters each would count lines in its own way.
    check_characters(source)
    if inline:
        from cnncalc.spec.read.inline import read_inline

        return read_inline(source)
    from cnncalc.spec.read.yamltree import read_yaml

    return read_yaml(source)


def parameters_of(source: Source) -> tuple[str, ...]:
    """The names of a spec's parameters. Raises SpecError where it cannot be read."""
    return tuple(read_document(source, tree_of(source)).params)


def names_of(source: Source, *, inline: bool = False) -> tuple[tuple[str, ...], tuple[str, ...], frozenset[str]]:
    """The names of a spec's parameters and of its inputs, and the parameters whose own value is a list.

    A one-line net declares none: its parameters are the names in its expressions. Raises SpecError where the spec
    cannot be read.
    """
    document = read_document(source, tree_of(source, inline=inline))
    if document.problems:
        raise SpecError(document.problems, source)
    params = names_used(source.text) if inline else tuple(document.params)
    own = {name: argument.value for name, argument in document.params.items()}
    # A list of YAML, or one in quotes, which is a text until it is worked out.
    lists = [name for name, value in own.items() if isinstance(value, list) or str(value).startswith("[")]
    return params, tuple(document.inputs), frozenset(lists)


def declare_used(document: Document, given: Mapping[str, Any]) -> None:
    """Declare those parameters of a one-line net that are used in it and have a value: `conv 6 k$k`."""
    for name in names_used(document.source.text):
        if name in given:
            document.params.setdefault(name, Argument(name, given[name], Position(1, 1)))


def check_characters(source: Source) -> None:
    """Raise SpecError for characters that no text should hold: half characters, and line ends of other worlds."""
    text = source.text
    bad = None if text.isascii() else re.search("[\x85\u2028\u2029\ud800-\udfff]", text)
    if bad:
        line, column = text.count("\n", 0, bad.start()) + 1, bad.start() - text.rfind("\n", 0, bad.start())
        problem = Problem(
            _("the character {character!a} does not belong here", character=bad.group()),
            Position(line, column),
            _("remove it"),
        )
        raise SpecError([problem], source)
