"""A rule as a sum: 4 × x, MACs + o. So that two rules can be subtracted, and what is left said in words.

A term is a product of quantities with a whole coefficient. Options that are 0 or 1 and branches are worked out first.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Mapping
from math import prod
from typing import Any

from cnncalc.conventions.quantities import GRAMMAR, QUANTITIES
from cnncalc.errors import CnncalcError
from cnncalc.language import _
from cnncalc.quantities import QUANTITIES as OF_REPORTS
from cnncalc.spec.expressions import Scope, evaluate, parse_expression

MOST_TERMS = 2000  # of a rule; what is longer nobody reads

Product = tuple[str, ...]  # quantities that are multiplied, in order; empty: 1
Terms = Mapping[Product, int]


def terms_of(text: str, scope: Scope) -> Terms:
    """The expression as a sum of products, each with its coefficient."""
    return {product: n for product, n in _terms(parse_expression(text, GRAMMAR), scope).items() if n}


def _terms(node: ast.expr, scope: Scope) -> dict[Product, int]:
    if isinstance(node, ast.IfExp):
        # This layer's sizes choose the branch: terms are those of one layer, not of the rule.
        return _terms(node.body if evaluate(ast.unparse(node.test), scope, GRAMMAR) else node.orelse, scope)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return {product: -n for product, n in _terms(node.operand, scope).items()}
    if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Add, ast.Sub)):
        found = defaultdict(int, _terms(node.left, scope))
        for product, n in _terms(node.right, scope).items():
            found[product] += n if isinstance(node.op, ast.Add) else -n
        return dict(found)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        found = defaultdict(int)
        for left, n in _terms(node.left, scope).items():
            for right, m in _terms(node.right, scope).items():
                # Sorted, so that `x * o` and `o * x` are one product.
                found[tuple(sorted((*left, *right)))] += n * m
            if len(found) > MOST_TERMS:
                raise CnncalcError(_("a rule multiplies out to more than {most:,} terms", most=MOST_TERMS))
        return dict(found)
    text = ast.unparse(node)
    value = evaluate(text, scope, GRAMMAR)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.FloorDiv):
        # Divided by 1, as by `groups` mostly, the terms stay terms instead of one opaque quotient.
        if evaluate(ast.unparse(node.right), scope, GRAMMAR) == 1:
            return _terms(node.left, scope)
    elif isinstance(value, int) and (not isinstance(node, ast.Name) or (text not in QUANTITIES and value in (0, 1))):
        return {(): int(value)}  # a comparison, a number, an element of a shape, a flag
    # What does not multiply out is a factor by its text.
    return {(text,): 1}


def value_of(product: Product, scope: Scope) -> int:
    """What a product gives."""
    factors: list[Any] = [evaluate(name, scope, GRAMMAR) for name in product]
    return int(prod(factors))


def difference(one: Terms, other: Terms) -> dict[Product, int]:
    """The first sum less the second."""
    found = defaultdict(int, one)
    for product, n in other.items():
        found[product] -= n
    return {product: n for product, n in found.items() if n}


SIGNS = {name: quantity.symbol for name, quantity in OF_REPORTS.items()}


def text_of(terms: Terms, *, signed: bool = False) -> str:
    """`4 × x`, `MACs + o`, `- 2 × x`."""
    parts: list[str] = []
    for product, n in terms.items():
        names = [SIGNS.get(name, f"({name})" if " " in name else name) for name in product]
        factors = [str(abs(n))] if abs(n) != 1 or not names else []
        sign = "-" if n < 0 else "+" if parts or signed else ""
        parts.append(f"{sign} {' × '.join(factors + names)}".strip() if sign else " × ".join(factors + names))
    return " ".join(parts) or "0"
