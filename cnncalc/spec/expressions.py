"""`$name` and `$(expression)` in a spec: integers, lists and words, worked out by a walker of ours.

Python's `ast` parses, a whitelist decides; nothing is ever executed. Numbers stay within `LARGEST`.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from cnncalc.arithmetic import least, most
from cnncalc.errors import OptionError, UnknownValueError, suggest
from cnncalc.language import _, n_
from cnncalc.layers.options import Mixture, condition, is_number, is_whole, remembers, split_list

LARGEST = 10**15
LONGEST = 500  # characters of an expression
LONGEST_LIST = 1000  # values of a parameter
MOST_VALUES = 10_000  # of a parameter, in the lists in its lists too
DEEPEST = 20  # lists in lists
LONGEST_RESULT = 2000  # characters of a step with its expressions worked out
NAME = r"[A-Za-z_][A-Za-z0-9_]*"
REFERENCE = rf"in\.[a-z]|{NAME}"
UNKNOWN = object()  # the value of a name whose definition is wrong, which has been noted


class Word(str):
    """A parameter's value that is neither a number nor a list: `relu`, `same`, `3x1`."""

    __slots__ = ()


Value = int | Word | list[Any] | Mixture
Scope = Mapping[str, Value]


def parse_value(raw: Any) -> Value:
    """A parameter's value as written: a whole number, a list of values, or a word. What is a value stays as it is."""
    if is_number(raw) and isinstance(raw, int):
        return raw
    if isinstance(raw, Mixture):
        listed = split_list(raw)
        return raw if listed is None else [parse_value(part) for part in listed]
    if isinstance(raw, list):
        check_lists(raw)
        return _values(raw)
    if not isinstance(raw, str):
        raise OptionError(_("a parameter is a number, a list or a word"))
    text = raw.strip()
    if not text:
        raise OptionError(_("there is no value"), _("write a number, a list [1, 2] or a word"))
    # Here and below no pattern is compiled where a glance tells: that takes longer than reading a spec.
    if is_whole(text) and len(text.removeprefix("-")) <= 16:
        return int(text)
    if text.startswith("[") and text.endswith("]"):
        inner = text[1:-1].strip()
        if inner.count(",") >= LONGEST_LIST:
            raise OptionError(_("a list of more than {longest} values", longest=LONGEST_LIST))
        if "[" in inner:
            raise OptionError(_("'{text}' is a list of lists", text=text[:40]), _("one level of brackets"))
        return [parse_value(part) for part in inner.split(",")] if inner else []
    # 0.25 is a word here, which some options take as a number; other numbers that are no whole ones are refused.
    if (
        text[0] in "-0123456789"
        and re.fullmatch(r"-?[0-9][0-9_,.]*([eE][-+]?[0-9]+)?", text)
        and not re.fullmatch(r"[0-9]*\.[0-9]+", text)
    ):
        raise OptionError(_("'{text}' is not a whole number", text=text[:40]), _("write plain digits"))
    return Word(text)


def _values(raw: list[Any]) -> list[Any]:
    return [_values(item) if isinstance(item, list) else parse_value(item) for item in raw]


def check_lists(raw: list[Any]) -> None:
    """Raise OptionError for a list that holds too much: a list of parameters may double line by line."""
    waiting, count = [(raw, 1)], 0
    while waiting:
        values, depth = waiting.pop()
        count += len(values)
        if len(values) > LONGEST_LIST:
            raise OptionError(_("a list of more than {longest} values", longest=LONGEST_LIST))
        if count > MOST_VALUES:
            raise OptionError(_("lists of more than {most} values together", most=MOST_VALUES))
        if depth > DEEPEST:
            raise OptionError(_("lists are nested more than {deepest} deep", deepest=DEEPEST))
        waiting += [(value, depth + 1) for value in values if isinstance(value, list)]


def as_text(value: Value) -> str:
    """A value as it is put into a step: a list of numbers as `[3, 1]`."""
    return "[" + ", ".join(map(as_text, value)) + "]" if isinstance(value, list) else str(value)


@lru_cache(4096)
def pieces(text: str) -> tuple[tuple[str, int, bool], ...]:
    """`text` cut into (piece, start, is an expression); brackets of `$(...)` are balanced."""
    found: list[tuple[str, int, bool]] = []
    position = 0
    while (start := text.find("$", position)) >= 0:
        if start > position:
            found.append((text[position:start], position, False))
        end = _end_of_expression(text, start + 1)
        inner = text[start + 2 : end - 1] if text[start + 1] == "(" else text[start + 1 : end]
        found.append((inner, start, True))
        position = end
    if position < len(text):
        found.append((text[position:], position, False))
    return tuple(found)


def _end_of_expression(text: str, start: int) -> int:
    # Compiled where a spec has a $ at all, and kept by `re`.
    name = re.compile(REFERENCE).match(text, start)
    if name:
        return name.end()
    if text[start : start + 1] != "(":
        raise OptionError(_("a $ without a name"), _("write $name or $(expression)"))
    depth = 0
    for i in range(start, len(text)):
        depth += (text[i] == "(") - (text[i] == ")")
        if depth == 0:
            return i + 1
    raise OptionError(_("'{text}' is not closed", text=text[start - 1 :][:40]), _("a ) is missing"))


def names_used(text: str) -> tuple[str, ...]:
    """The parameters that the expressions in a text speak of, in their order. Raises OptionError."""
    found: dict[str, None] = {}
    for piece, _start, code in pieces(text):
        if code:
            found.update(
                (node.id, None) for node in ast.walk(parse_expression(piece, SPEC)) if isinstance(node, ast.Name)
            )
    return tuple(name for name in found if name not in ("in_", "len", *SPEC.calls))


def substitute(text: str, scope: Scope) -> Any:
    """`text` with every $name and $(expression) replaced by its value. Raises OptionError.

    An expression alone gives its value where that is a number or a list, as it is; among other text it gives text,
    or a Mixture where a number is more than its digits.
    """
    if "$" not in text:
        return text
    found = pieces(text)
    if len(found) == 1:
        value = evaluate(found[0][0], scope)
        # A comparison gives a bool, which Python takes for a whole number: it goes on as a word.
        return value if isinstance(value, (int, list, Mixture)) and not isinstance(value, bool) else as_text(value)
    length, parts = 0, list[Any]()
    for piece, _start, code in found:
        part: Any = evaluate(piece, scope) if code else piece
        if isinstance(part, Mixture):
            parts += part.pieces[:-1]
            part = part.pieces[-1]
        part = part if remembers(part) else as_text(part)
        length += len(str(part))
        if length > LONGEST_RESULT:
            raise OptionError(
                _("with its expressions worked out this has more than {longest} characters", longest=LONGEST_RESULT)
            )
        parts.append(part)
    return Mixture(parts) if any(map(remembers, parts)) else "".join(parts)


def work_out(raw: Any, scope: Scope) -> Any:
    """Text or lists of text with the expressions in them replaced by their values. Raises OptionError."""
    if isinstance(raw, list):
        return [work_out(item, scope) for item in raw]
    return substitute(raw, scope) if isinstance(raw, str) else raw


def smallest(numbers: Sequence[Any]) -> Any:
    # The least of one number is no step of a derivation.
    return least(*numbers) if len(numbers) > 1 else numbers[0]


def largest(numbers: Sequence[Any]) -> Any:
    return most(*numbers) if len(numbers) > 1 else numbers[0]


class Grammar:
    """What may stand in an expression besides the whole numbers and lists of a spec.

    calls    functions of numbers, or of one list of them
    largest  the largest number; None: there is none
    divides  whether / gives what a program gets that divides in double precision
    """

    def __init__(
        self,
        calls: Mapping[str, Callable[..., Any]],
        largest: int | None,
        *,
        divides: bool = False,
    ) -> None:
        self.calls = calls
        self.largest = largest
        self.divides = divides


SPEC = Grammar({"min": smallest, "max": largest}, LARGEST)


def evaluate(text: str, scope: Scope, grammar: Grammar = SPEC) -> Value:
    """The value of an expression over the names of a scope. Raises OptionError."""
    # Most expressions are a name alone, and need no parser.
    if text in scope:
        return _look_up(text, scope, grammar)
    tree = parse_expression(text, grammar)
    try:
        value: Value = _value(tree, scope, grammar)
    # Python's parser takes deeper nests than a walk over what it gives.
    except RecursionError:
        raise OptionError(_("an expression nested too deep"), _("use a parameter for a part of it")) from None
    return value


@lru_cache(4096)
def parse_expression(text: str, grammar: Grammar) -> ast.expr:
    """The syntax tree of an expression, in which only the allowed parts occur. Raises OptionError."""
    if len(text) > LONGEST:
        raise OptionError(
            _("an expression of more than {longest} characters", longest=LONGEST), _("use parameters for its parts")
        )
    # `in` is a word of Python; in.c, in.h and in.w are names of ours.
    source = text.strip()
    if "in." in source:
        source = re.sub(r"\bin\.", "in_.", source)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # `1if` is a warning of Python's, and no expression of ours
            tree = ast.parse(source, mode="eval").body
    except (SyntaxError, SyntaxWarning, ValueError, MemoryError, RecursionError):
        raise OptionError(_("'{text}' is not an expression", text=text[:60]), _grammar_hint(text)) from None
    for node in ast.walk(tree):
        _check_allowed(node, text, grammar)
        if isinstance(node, ast.Constant) and type(node.value) is int:
            digits = ast.get_source_segment(source, node) or ""
            if not digits.isdecimal():  # 0x10 and 1_000 are numbers of Python's, and elsewhere in a spec no numbers
                raise OptionError(
                    _("'{text}': {node!r} is not a whole number", text=text[:60], node=digits[:60]), _(_GRAMMAR)
                )
    return tree


_GRAMMAR = n_("allowed: whole numbers, names, lists, [i], + - * // %, comparisons, a if c else b, min, max, len")


def _grammar_hint(text: str) -> str:
    return _("write // for a division") if "/" in text and "//" not in text else _(_GRAMMAR)


_ALLOWED = (
    ast.Constant, ast.Name, ast.Load, ast.List, ast.Subscript, ast.BinOp, ast.UnaryOp, ast.BoolOp,
    ast.Compare, ast.IfExp, ast.Call, ast.Attribute, ast.operator, ast.unaryop, ast.boolop, ast.cmpop,
)  # fmt: skip


_FORBIDDEN = (ast.MatMult, ast.BitAnd, ast.BitOr, ast.BitXor, ast.LShift, ast.RShift, ast.Invert)


def _check_allowed(node: ast.AST, text: str, grammar: Grammar) -> None:
    if isinstance(node, ast.Div) and not grammar.divides:
        raise OptionError(
            _("'{text}': / may give a fraction", text=text[:60]), _("write // for a division that rounds down")
        )
    if isinstance(node, ast.Pow):
        raise OptionError(_("'{text}': powers are not allowed", text=text[:60]), _("write the factors with *"))
    if isinstance(node, ast.Constant) and type(node.value) not in (int, str):
        raise OptionError(_("'{text}': {node!r} is not a whole number", text=text[:60], node=node.value), _(_GRAMMAR))
    # The parser was given in_ for `in`: a text that has in_ itself must not mean the same.
    if isinstance(node, ast.Name) and node.id == "in_" and "in_" in text:
        raise OptionError(_("'{text}': there is no parameter 'in_'", text=text[:60]), _("write in.c, in.h or in.w"))
    if isinstance(node, ast.Attribute) and not (isinstance(node.value, ast.Name) and node.value.id == "in_"):
        raise OptionError(
            _("'{text}': a dot is allowed in in.c, in.h, in.w and their like only", text=text[:60]), _(_GRAMMAR)
        )
    calls = ("len", *grammar.calls)
    if isinstance(node, ast.Call) and not (isinstance(node.func, ast.Name) and node.func.id in calls):
        if grammar is not SPEC:
            names = ", ".join(calls)
            raise OptionError(_("'{text}': only these can be called: {names}", text=text[:60], names=names))
        raise OptionError(_("'{text}': only min, max and len can be called", text=text[:60]), _(_GRAMMAR))
    if not isinstance(node, _ALLOWED) or isinstance(node, _FORBIDDEN):
        raise OptionError(_("'{text}' holds what is not allowed in an expression", text=text[:60]), _(_GRAMMAR))


def check_expressions(raw: Any) -> None:
    """Raise OptionError if an expression in text, or lists of text, cannot be one."""
    if isinstance(raw, list):
        for item in raw:
            check_expressions(item)
    elif isinstance(raw, str) and "$" in raw:
        for piece, _start, code in pieces(raw):
            if code:
                parse_expression(piece, SPEC)


def _value(node: ast.expr, scope: Scope, grammar: Grammar) -> Any:
    if isinstance(node, ast.Constant):
        if isinstance(node.value, int) and grammar.largest is not None and node.value > grammar.largest:
            raise OptionError(_("a number in an expression is larger than 10^15"))
        return node.value
    if isinstance(node, ast.Name):
        return _look_up(node.id, scope, grammar)
    if isinstance(node, ast.Attribute):
        return _look_up(f"in.{node.attr}", scope, grammar)
    if isinstance(node, ast.List):
        return [_value(item, scope, grammar) for item in node.elts]
    if isinstance(node, ast.IfExp):
        return _value(node.body if _truth(_value(node.test, scope, grammar), grammar) else node.orelse, scope, grammar)
    if isinstance(node, ast.BoolOp):
        # Both sides, for a mistake in the second is one whatever the first says.
        values = [_truth(_value(item, scope, grammar), grammar) for item in node.values]
        return all(values) if isinstance(node.op, ast.And) else any(values)
    if isinstance(node, ast.Compare):
        return _compare(node, scope, grammar)
    if isinstance(node, ast.Subscript):
        return _item(_value(node.value, scope, grammar), _value(node.slice, scope, grammar))
    if isinstance(node, ast.Call):
        return _call(node, scope, grammar)
    if isinstance(node, ast.UnaryOp):
        return _negate(node.op, _value(node.operand, scope, grammar), grammar)
    assert isinstance(node, ast.BinOp)
    return _calculate(
        grammar, node.op, _number(_value(node.left, scope, grammar)), _number(_value(node.right, scope, grammar))
    )


def _negate(operator: ast.unaryop, operand: Any, grammar: Grammar) -> Any:
    """`not a`, `-a` or `+a`."""
    if isinstance(operator, ast.Not):
        return not _truth(operand, grammar)
    return _number(operand) * (1 if isinstance(operator, ast.UAdd) else -1)


def _truth(value: Any, grammar: Grammar) -> Any:
    """Whether a value holds. In a spec a text does if it says so, as for `if:`: "false" is a text that is not empty.

    In rules of tools a text is one of several values of an option, such as the bias `per_unit`, and holds.
    """
    return condition(value) if isinstance(value, str) and grammar is SPEC else value


def _look_up(name: str, scope: Scope, grammar: Grammar) -> Value:
    value = scope.get(name)
    if value is UNKNOWN:
        raise UnknownValueError
    if value is not None:
        return value
    if grammar is not SPEC:
        raise OptionError(_("there is no quantity '{name}'", name=name), suggest(name, scope))
    raise OptionError(
        _("there is no parameter '{name}'", name=name),
        suggest(name, scope) or _("known here: {names}", names=", ".join(scope)),
    )


def _number(value: Any) -> Any:
    if isinstance(value, (int, float)):
        return value
    raise OptionError(_("'{value}' is not a number", value=as_text(value)[:40]))


def _calculate(grammar: Grammar, operator: ast.operator, a: Any, b: Any) -> Any:
    if isinstance(operator, (ast.FloorDiv, ast.Mod, ast.Div)) and b == 0:
        raise OptionError(_("division by zero"), _("the divisor works out as 0 here"))
    if isinstance(operator, ast.Add):
        result = a + b
    elif isinstance(operator, ast.Sub):
        result = a - b
    elif isinstance(operator, ast.Mult):
        result = a * b
    elif isinstance(operator, ast.FloorDiv):
        result = a // b
    elif isinstance(operator, ast.Mod):
        result = a % b
    elif isinstance(operator, ast.Div):
        result = a / b
    else:
        raise OptionError(_("an operator that is not allowed"), _(_GRAMMAR))
    # Else some products of products would fill the memory.
    if grammar.largest is not None and abs(result) > grammar.largest:
        raise OptionError(_("a number in an expression is larger than 10^15"))
    return result


def _item(items: Any, index: Any) -> Any:
    if not isinstance(items, list):
        raise OptionError(_("'{value}' is not a list", value=as_text(items)[:40]))
    if not isinstance(index, int) or not -len(items) <= index < len(items):
        raise OptionError(
            _("the list has no item {index}", index=index), _("its {count} items are counted from 0", count=len(items))
        )
    return items[index]


def _call(node: ast.Call, scope: Scope, grammar: Grammar) -> Any:
    assert isinstance(node.func, ast.Name)
    arguments = [_value(item, scope, grammar) for item in node.args]
    if node.func.id == "len":
        if len(arguments) != 1 or not isinstance(arguments[0], list):
            raise OptionError(_("len takes one list"))
        return len(arguments[0])
    numbers = arguments[0] if len(arguments) == 1 and isinstance(arguments[0], list) else arguments
    if not numbers or not all(isinstance(n, (int, float)) for n in numbers):
        raise OptionError(_("{function} takes numbers, or one list of them", function=node.func.id))
    return grammar.calls[node.func.id](numbers)


_COMPARISONS: dict[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Eq: lambda a, b: a == b, ast.NotEq: lambda a, b: a != b, ast.Lt: lambda a, b: _number(a) < _number(b),
    ast.LtE: lambda a, b: _number(a) <= _number(b), ast.Gt: lambda a, b: _number(a) > _number(b),
    ast.GtE: lambda a, b: _number(a) >= _number(b),
}  # fmt: skip


def _alike(left: Any, right: Any) -> tuple[Any, Any]:
    """Both sides of a comparison: a switch against a number is 0 or 1, as for `if:`."""
    if isinstance(left, str) and isinstance(right, int):
        return _switch_as_number(left), right
    if isinstance(right, str) and isinstance(left, int):
        return left, _switch_as_number(right)
    return left, right


def _switch_as_number(text: str) -> int | str:
    """0 or 1 for a switch; any other text as it is, which no number equals."""
    try:
        return int(condition(text))
    except OptionError:
        return text


def _compare(node: ast.Compare, scope: Scope, grammar: Grammar) -> bool:
    left = _value(node.left, scope, grammar)
    for operator, item in zip(node.ops, node.comparators, strict=True):
        right = _value(item, scope, grammar)
        if type(operator) not in _COMPARISONS:
            raise OptionError(_("a comparison that is not allowed"), _(_GRAMMAR))
        if not _COMPARISONS[type(operator)](*(_alike(left, right) if grammar is SPEC else (left, right))):
            return False
        left = right
    return True
