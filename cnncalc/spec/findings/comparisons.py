"""Comparisons in `$(...)` and `if:` that come out the same whatever is set: a word against a number."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

from cnncalc.errors import OptionError
from cnncalc.language import _
from cnncalc.layers.options import condition
from cnncalc.spec.expressions import SPEC, parse_expression, parse_value, pieces
from cnncalc.spec.findings.network import Hit, Network
from cnncalc.spec.read.document import calls_in
from cnncalc.spec.read.yamltree import Entries, Items, Text, Tree, raw

NUMBER, WORD = "number", "word"
Kinds = Mapping[str, str]  # of parameters: NUMBER or WORD, "" where it may be either


def word_against_number(net: Network) -> Iterator[Hit]:
    """`==` and `!=` between a word, which no switch is, and a number: never equal, always unequal."""
    kinds = {name: kind for name, value in net.graph.params.items() if (kind := kind_of(value))}
    for key, node in net.top():
        if key.text != "blocks":
            yield from hits_below(node, kinds)
    for key, node in net.top("blocks"):
        yield from hits_below(node, {**kinds, **kinds_in_block(net, key.text)})


def kind_of(value: Any) -> str:
    """NUMBER, WORD, or "" for what may be either: a switch, a list, an expression."""
    try:
        found = parse_value(value)
    except OptionError:
        return ""
    if isinstance(found, int):
        return NUMBER
    if not isinstance(found, str) or "$" in found:
        return ""
    try:
        condition(found)
    except OptionError:
        return WORD
    return ""


def kinds_in_block(net: Network, block: str) -> Kinds:
    """What the parameters of a block are in every call of it."""
    found: dict[str, str] = {}
    calls = [call for sequence in net.sequences for call in calls_in(sequence) if call.block == block]
    for place, (name, default) in enumerate(net.top("blocks", block, "params")):
        kinds = set()
        for call in calls:
            given = [a.value for a in (*call.arguments, *call.first, *call.last) if a.name == name.text]
            unnamed = [argument.value for argument in call.arguments if argument.name is None]
            # By name, or else by its place, or else the default.
            kinds |= {kind_of(value) for value in given or unnamed[place : place + 1] or [raw(default)]}
            if call.first or call.last:  # in the other repetitions it is as elsewhere
                kinds |= {kind_of(value) for value in unnamed[place : place + 1] or [raw(default)]}
        found[name.text] = kinds.pop() if len(kinds) == 1 else ""
    return found


def hits_below(node: Tree, kinds: Kinds) -> Iterator[Hit]:
    """The comparisons in all texts of a part of a spec."""
    if isinstance(node, Items):
        for item in node.items:
            yield from hits_below(item, kinds)
    elif isinstance(node, Entries):
        for key, value in node:
            yield from hits_below(key, kinds)
            yield from hits_below(value, kinds)
    elif isinstance(node, Text) and "$" in node.text:
        yield from hits_in(node, kinds)


def hits_in(text: Text, kinds: Kinds) -> Iterator[Hit]:
    try:
        found = [(start, piece, parse_expression(piece, SPEC)) for piece, start, code in pieces(text.text) if code]
    except OptionError:  # not an expression after all
        return
    for start, piece, tree in found:
        for node in ast.walk(tree):
            if not isinstance(node, ast.Compare):
                continue
            for operator, sides in zip(node.ops, pairwise([node.left, *node.comparators]), strict=True):
                if {side_of(side, kinds) for side in sides} == {NUMBER, WORD} and isinstance(
                    operator, (ast.Eq, ast.NotEq)
                ):
                    equal = isinstance(operator, ast.Eq)
                    # The parser was given in_ for `in`.
                    shown = f" {'==' if equal else '!='} ".join(map(ast.unparse, sides)).replace("in_.", "in.")
                    told = _("{comparison} never holds: one is a word, the other a number", comparison=shown)
                    if not equal:
                        told = _("{comparison} always holds: one is a word, the other a number", comparison=shown)
                    hint = _("compare words with words, as in act == 'relu', and numbers with numbers")
                    yield Hit(text.at(start, len(piece) + 3), told, hint)


def side_of(node: ast.expr, kinds: Kinds) -> str:
    """What a side of a comparison is, where that is known."""
    if isinstance(node, ast.Constant):
        return kind_of(node.value)
    if isinstance(node, ast.Name):
        return kinds.get(node.id, "")
    # in.c is a number, and so is what comes out of arithmetic, min, max and len.
    if isinstance(node, (ast.Attribute, ast.BinOp, ast.Call)):
        return NUMBER
    return NUMBER if isinstance(node, ast.UnaryOp) and not isinstance(node.op, ast.Not) else ""
