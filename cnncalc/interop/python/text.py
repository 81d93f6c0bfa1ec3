"""Python code as text: calls with their arguments, laid out as black and ruff would, and names that Python allows."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from cnncalc.errors import visible

WIDTH = 88  # of a line: what black and ruff take where nothing else is said
INDENT = "    "
NOT_GIVEN = object()


class Code(str):
    """A piece of Python that stands for itself, where a plain text is a value in quotes."""


class Argument(NamedTuple):
    """An argument of a call. By position if it has no default; else by name, and left out where it has that value."""

    name: str
    value: Any
    default: Any = NOT_GIVEN


class Call(NamedTuple):
    """A call of `function`; the values of its arguments may be calls."""

    function: str
    arguments: tuple[Argument, ...] = ()


def call(function: str, *positional: tuple[str, Any], **options: tuple[Any, Any]) -> Call:
    """`call("nn.Conv2d", ("in_channels", 3), stride=(2, 1))`: options are (value, default)."""
    given = [Argument(name, value) for name, value in positional]
    return Call(function, (*given, *(Argument(name, *pair) for name, pair in options.items())))


def even(values: tuple[Any, ...]) -> Any:
    """One number where all axes have the same, as people write it."""
    return values[0] if len(set(values)) == 1 else values


# --- values apart from structure


def values_in(tree: Any) -> Iterator[tuple[Argument, Any]]:
    """The values in a call and the calls inside it, in order, each with its argument."""
    for argument in tree.arguments:
        if isinstance(argument.value, Call):
            yield from values_in(argument.value)
        else:
            yield argument, argument.value


def with_values(tree: Call, values: Iterator[Any]) -> Call:
    """The same call with other values, in the order of `values_in`."""
    return tree._replace(
        arguments=tuple(
            a._replace(value=with_values(a.value, values) if isinstance(a.value, Call) else next(values))
            for a in tree.arguments
        )
    )


def structure(tree: Call) -> Any:
    """What two calls have in common that differ in values alone."""
    return tree.function, tuple(
        (a.name, structure(a.value) if isinstance(a.value, Call) else "") for a in tree.arguments
    )


# --- text


def text_of(value: Any) -> str:
    """A value or a call in one line."""
    if isinstance(value, Call):
        return f"{value.function}({', '.join(arguments_of(value))})"
    if isinstance(value, Code):
        return str(value)
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if isinstance(value, tuple):
        return f"({', '.join(map(text_of, value))}{',' if len(value) == 1 else ''})"
    if isinstance(value, float):
        return repr(int(value)) + ".0" if value.is_integer() and abs(value) < 1e15 else repr(value)
    return repr(value)


def arguments_of(tree: Call) -> list[str]:
    """The arguments that have to be written; equal ones without names that follow each other as a loop."""
    shown = [a for a in tree.arguments if a.default is NOT_GIVEN or not same(a.value, a.default)]
    texts = [text_of(a.value) if a.default is NOT_GIVEN else f"{a.name}={text_of(a.value)}" for a in shown]
    if not all(isinstance(a.value, Call) and a.default is NOT_GIVEN for a in shown):
        return texts
    # Twelve equal blocks of a transformer are `*(Block() for _ in range(12))`.
    folded: list[str] = []
    i = 0
    while i < len(texts):
        times = next((n for n, other in enumerate(texts[i:]) if other != texts[i]), len(texts) - i)
        folded += [f"*({texts[i]} for _ in range({times}))"] if times > 2 else [texts[i]] * times
        i += times
    return folded


def same(value: Any, default: Any) -> bool:
    """Whether an argument is at its default."""
    # 1 == True == 1.0 in Python, and none of them may stand for another.
    return not isinstance(value, Code) and type(value) is type(default) and bool(value == default)


def lay_out(start: str, tree: Call, end: str = "", depth: int = 0) -> list[str]:
    """The lines of `start` + call + `end`, as black breaks them: inside the brackets, then one argument a line."""
    before = INDENT * depth
    line = f"{before}{start}{text_of(tree)}{end}"
    if len(line) <= WIDTH:
        return [line]
    inner = INDENT * (depth + 1)
    if end.startswith("(") and len(f"{before}{start}{text_of(tree)}(") <= WIDTH:  # a call of what the call gives
        return [f"{before}{start}{text_of(tree)}(", f"{inner}{end[1:-1]}", f"{before})"]
    # All arguments in one line of their own, or each in one.
    body = f"{inner}{', '.join(arguments_of(tree))}"
    if len(body) <= WIDTH:
        return [f"{before}{start}{tree.function}(", body, f"{before}){end}"]
    lines = [f"{before}{start}{tree.function}("]
    for text, value in pair_up(tree):
        if len(f"{inner}{text},") <= WIDTH or value is None:
            lines.append(f"{inner}{text},")
        elif isinstance(value, Call):
            lines += lay_out("", value, ",", depth + 1)
        else:
            lines += [
                f"{inner}{text[: text.index('(')]}(",
                *(f"{inner}{INDENT}{text_of(v)}," for v in value),
                f"{inner}),",
            ]
    return [*lines, f"{before}){end}"]


def pair_up(tree: Call) -> list[tuple[str, Any]]:
    """The written arguments, each with what it is if that can be broken into lines: a call alone, or a tuple."""
    values: dict[str, Any] = {}
    values |= {
        text_of(a.value): a.value for a in tree.arguments if isinstance(a.value, Call) and a.default is NOT_GIVEN
    }
    values |= {f"{a.name}={text_of(a.value)}": a.value for a in tree.arguments if type(a.value) is tuple}
    return [(text, values.get(text)) for text in arguments_of(tree)]


def signature(name: str, parameters: Sequence[str], depth: int = 1) -> list[str]:
    """`def name(self, ...):`, broken where it is too long."""
    before, inner = INDENT * depth, INDENT * (depth + 1)
    line = f"{before}def {name}({', '.join(parameters)}):"
    if len(line) <= WIDTH:
        return [line]
    body = f"{inner}{', '.join(parameters)}"
    if len(body) <= WIDTH:
        return [f"{before}def {name}(", body, f"{before}):"]
    return [f"{before}def {name}(", *(f"{inner}{p}," for p in parameters), f"{before}):"]


def docstring(text: str, depth: int = 0) -> list[str]:
    """A text as the docstring of a module or class, broken at words."""
    import textwrap

    before = INDENT * depth
    text = visible(text).replace("\\", "\\\\").replace('"""', "'''")
    # A quote at the end would run into the three that close the docstring.
    if text.endswith('"'):
        text += " "
    if len(before) + len(text) + 6 <= WIDTH:
        return [f'{before}"""{text}"""']
    lines = textwrap.wrap(text, WIDTH - len(before) - 3, break_long_words=False)
    return [f'{before}"""{lines[0]}', *(f"{before}{line}" for line in lines[1:]), f'{before}"""']


def bare(use: str) -> str:
    """Without the brackets around all of it."""
    if not use.startswith("(") or not use.endswith(")"):
        return use
    # (a) + (b) begins and ends with brackets that are not one pair.
    depth = 0
    for i, letter in enumerate(use):
        depth += (letter == "(") - (letter == ")")
        if depth == 0 and i < len(use) - 1:
            return use
    return use[1:-1]


# --- names


def identifier(word: str, fallback: str = "layer") -> str:
    """The nearest name that Python allows; `fallback` stands in front of a digit."""
    name = re.sub(r"\W+", "_", word).strip("_") or fallback
    if name[0].isdigit():
        name = f"{fallback}_{name}"
    if not name.isidentifier():
        name = fallback
    return f"{name}_" if keyword.iskeyword(name) else name


def class_name(words: str, fallback: str) -> str:
    """`ResNet-50, with heads` as ResNet50WithHeads."""
    parts = [part for part in re.split(r"\W+|_", words) if part]
    name = "".join(part[0].upper() + part[1:] for part in parts)
    return name if name.isidentifier() and not keyword.iskeyword(name) and len(name) <= 60 else fallback


class Names:
    """Names that are not given twice."""

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self.taken = set(taken)

    def __call__(self, wanted: str, between: str = "_") -> str:
        name, number = wanted, 2
        while name in self.taken:
            name, number = f"{wanted}{between}{number}", number + 1
        self.taken.add(name)
        return name
