"""Steps that are written as calls of PyTorch or Keras, `nn.Conv2d(1, 6, 5)`, as the step that was meant: `conv 6 k5`.

Only for hints. Nothing is run: the text is parsed, and its arguments are literals or it is not understood.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Sequence
from typing import Any

from cnncalc.layers import Kind, kind_named
from cnncalc.layers.options import CONSTRUCTION
from cnncalc.spec.makers import ELSEWHERE, LayerMaker
from cnncalc.spec.write.lines import option_words

LONGEST = 300  # characters of a call that is looked at

# The arguments without a name, in their order, in PyTorch and in Keras; None is left out, since it is known.
NORM = (None, "epsilon")
IN_PYTORCH: dict[str, tuple[str | None, ...]] = {
    "conv": (None, "filters", "kernel", "stride", "padding", "dilation", "groups", "bias"),
    "transposed_conv": (None, "filters", "kernel", "stride", "padding", "output_padding", "groups", "bias", "dilation"),
    "dense": (None, "units", "bias"),
    "maxpool": ("kernel", "stride", "padding", "dilation"),
    "avgpool": ("kernel", "stride", "padding"),
    "adaptive_avgpool": ("size",),
    "adaptive_maxpool": ("size",),
    "dropout": ("rate",),
    "batchnorm": NORM,
    "layernorm": NORM,
}
IN_KERAS: dict[str, tuple[str | None, ...]] = {
    "conv": ("filters", "kernel", "stride", "padding"),
    "transposed_conv": ("filters", "kernel", "stride", "padding"),
    "dense": ("units", "activation"),
    "maxpool": ("kernel", "stride", "padding"),
    "avgpool": ("kernel", "stride", "padding"),
    "dropout": ("rate",),
}


def step_for(text: str, maker: LayerMaker) -> str | None:
    """The step that a call stands for, with its value; only the kind where its arguments are not understood.

    None where it is no call, or of nothing that is a kind.
    """
    call = parse_call(text)
    if call is None:
        return None
    path = ast.unparse(call.func).split(".")
    kind = kind_named(path[-1])
    if kind is None:
        return None
    try:
        return " ".join(words_of(call, kind, path, maker))
    except (ValueError, TypeError, AttributeError):  # no literal, or an option that a line cannot say
        return f"{kind.name} ..." if kind.load().options else kind.name


def parse_call(text: str) -> ast.Call | None:
    if len(text) > LONGEST or not re.match(r"[A-Za-z_][\w.]*\(", text):
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            parsed = ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    named = isinstance(parsed, ast.Call) and isinstance(parsed.func, (ast.Name, ast.Attribute))
    return parsed if named and isinstance(parsed, ast.Call) else None


def words_of(call: ast.Call, kind: Kind, path: Sequence[str], maker: LayerMaker) -> list[str]:
    """The words of the step. Raises ValueError, TypeError for what cannot be said in one."""
    known = maker.options(kind)
    given, appended = {}, []
    for name, node in named_arguments(call, kind, path):
        if name == "activation":
            activation = kind_named(str(ast.literal_eval(node)))
            appended += [activation.name] if activation is not None and activation.name != "identity" else []
        elif name in known:
            given[known[name].name] = value_text(ast.literal_eval(node))
        elif name not in ELSEWHERE:
            raise ValueError(name)
    options = {**kind.load().options, **CONSTRUCTION}
    missing = [option.name for option in options.values() if option.required and option.name not in given]
    if missing:
        raise ValueError(missing)
    # Lower-case switches that are as they would be anyway say nothing.
    texts = {name: text for name, text in given.items() if options[name].read(text) != options[name].default}
    return [kind.name, *filter(None, option_words(options.values(), texts).values()), *appended]


def named_arguments(call: ast.Call, kind: Kind, path: Sequence[str]) -> list[tuple[str, ast.expr]]:
    """(option, value) of every argument. Raises ValueError for one that has no name here."""
    given = {keyword.arg or "": keyword.value for keyword in call.keywords}
    # PyTorch writes nn.Conv2d, Keras Conv2D. One that lacks what enters is meant without it.
    in_pytorch = path[0] in ("nn", "torch") or re.search(r"\dd$", path[-1]) or path[-1] == "Linear"
    order = (IN_PYTORCH if in_pytorch else IN_KERAS).get(kind.name, ())
    needed = [name for name in order[1:] if name in ("filters", "kernel") and not is_given_as(kind, name, given)]
    # `Conv2d(6, 5)` in PyTorch's way lacks the channels that enter: values then begin at the filters.
    if order[:1] == (None,) and needed and len(call.args) == len(needed):
        order = order[1:]
    if len(call.args) > len(order):
        raise ValueError(call.args)
    positional = [(name, node) for name, node in zip(order, call.args, strict=False) if name is not None]
    return [*positional, *given.items()]


def is_given_as(kind: Kind, name: str, given: dict[str, Any]) -> bool:
    """Whether an option is given by one of its names."""
    return any(alias in given for alias in (name, *kind.load().options[name].aliases))


def value_text(value: Any) -> str:
    """A value as a word. Raises TypeError for what a word cannot say."""
    if isinstance(value, (tuple, list)):
        if not value or not all(isinstance(part, int) for part in value):
            raise TypeError(value)
        # (5, 5) is the k5 of a spec.
        return str(value[0]) if len(set(value)) == 1 else "x".join(map(str, value))
    if not isinstance(value, (bool, int, float, str)):
        raise TypeError(value)
    return str(value).lower()
