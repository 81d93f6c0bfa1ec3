"""Numbers as people write them: 41,600, 61.7k, 6x28x28, 28x28@6, (5*5+1)*6, fullwidth digits, 6.17万.

One text may be read in several ways: 28*28*6 is a shape and a product. All readings are given, the likeliest first.
"""

from __future__ import annotations

import ast
import re
import warnings
from fractions import Fraction
from typing import Any, NamedTuple
from unicodedata import normalize

from cnncalc.errors import OptionError, visible
from cnncalc.language import _

LONGEST = 300  # characters of an answer
LARGEST = 10**40
NONE = Fraction(0)

# What stands behind a number: the factor, and which power of 1024 it may stand for instead (0: none).
UNITS: dict[str, tuple[int, int]] = {
    "": (1, 0),
    **dict.fromkeys(("k", "kb", "thousand", "千"), (10**3, 1)),
    **dict.fromkeys(("m", "mb", "mio", "million", "百万"), (10**6, 2)),
    **dict.fromkeys(("g", "gb", "bn", "billion", "十亿"), (10**9, 3)),
    **dict.fromkeys(("t", "tb", "trillion", "万亿"), (10**12, 4)),
    **{u: (1024**n, 0) for n, u in enumerate(("kib", "mib", "gib", "tib"), 1)},
    "万": (10**4, 0),
    "亿": (10**8, 0),
}
# Words that say what is counted and change nothing.
COUNTED = re.compile(
    r"\s*(params?|parameters|weights|connections|macs?|flops?|madds?|ops|pixels|px|bytes?|bits?\b|values|units"
    r"|个参数|个连接|参数|连接|像素|字节|次|个|b)\s*$",
    re.IGNORECASE,
)
SIGNS = str.maketrans({"×": "*", "✕": "*", "⋅": "*", "·": "*", "∙": "*", "÷": "/", "−": "-", "–": "-", "、": ",",
                       "【": "[", "】": "]", "\u00a0": " ", "\u202f": " ", "\u2009": " ", "’": "'"})  # fmt: skip
BATCH = re.compile(r"^[(\[]?\s*(none|n|batch|b|\?|-1)\s*[,x*]\s*", re.IGNORECASE)


class Reading(NamedTuple):
    """One way to read an answer: a number, or a size per axis; `slack` is half a unit of the last digit given.

    `power` of 1024 that the unit may stand for; `channels_first` where the way of writing says which they are.
    """

    value: Any
    slack: Fraction = NONE
    power: int = 0
    channels_first: bool = False

    def means(self, number: Any) -> bool:
        """Whether a number is what was written, to the digits that were given."""
        if isinstance(self.value, tuple) or isinstance(number, tuple):
            return bool(self.value == number)
        return bool(abs(self.value - number) <= self.slack)


def read(text: str, *, shaped: bool) -> list[Reading]:
    """Every reading of an answer; `shaped` for sizes per axis. Raises OptionError where there is none."""
    if len(text) > LONGEST:
        raise OptionError(_("an answer of more than {longest} characters", longest=LONGEST))
    plain = normalize("NFKC", text).translate(SIGNS).strip().strip("`*$_ ").strip()
    plain = re.sub(r"^(≈|~|≃|=|约|大约|about|approx\.?|ca\.?)\s*", "", plain, flags=re.IGNORECASE)
    if "=" in plain:  # a student shows the work: what stands last is the answer
        plain = plain.rpartition("=")[2].strip()
    if not plain:
        raise OptionError(_("there is no answer"), _("write a number"))
    found = shapes(plain) if shaped else counts(plain)
    if not found:
        shown = visible(text.strip()[:40])
        hint = _("6x28x28, (6, 28, 28) or 6@28x28") if shaped else _("41600, 41,600, 61.7k, 6.17e4 or (5*5+1)*6")
        raise OptionError(_("'{text}' is not a number", text=shown), hint)
    return list(dict.fromkeys(found))


def counts(text: str) -> list[Reading]:
    """Readings as one number."""
    shorter = COUNTED.sub("", text)
    found = [r for part in dict.fromkeys((text, shorter)) for r in simple(part)]
    value = None if found else formula(shorter)
    return found if value is None else [Reading(value)]


def simple(text: str) -> list[Reading]:
    """A number in digits, with or without a unit: `41 600`, `61.7k`, `6.17e4`; 41.600 may be either."""
    match = re.fullmatch(r"([-+]?)(\d[\d,._' ]*|\.\d+)(?:e([-+]?\d{1,2})|[*x]\s*10\s*(?:\^|\*\*)\s*(\d{1,2}))?"
                         r"\s*([a-zA-Z一-鿿]*)", text.strip(), re.ASCII | re.IGNORECASE)  # fmt: skip
    if not match or match[5].lower() not in UNITS:
        return []
    factor, power = UNITS[match[5].lower()]
    scale = Fraction(10) ** int(match[3] or match[4] or 0) * factor
    found = []
    for digits in groupings(match[2].strip()):
        whole, _dot, decimals = digits.partition(".")
        value = int(whole or "0") + (Fraction(int(decimals), 10 ** len(decimals)) if decimals else 0)
        exact = not decimals and scale == 1
        rounded = len((whole + decimals).lstrip("0")) >= 2 and not exact  # one digit alone says too little
        slack = scale / 10 ** len(decimals) / 2 if rounded else NONE
        found.append(Reading(tidy(value * scale * (-1 if match[1] == "-" else 1)), slack, power))
    return found


def groupings(digits: str) -> list[str]:
    """The digits with a decimal point at most: thousands apart by , space ' _ or a dot, decimals by . or a comma."""
    found = []
    if re.fullmatch(r"\d{1,3}([, '_])\d{3}(\1\d{3})*(\.\d+)?", digits) or re.fullmatch(r"\d*(\.\d+)?", digits):
        found.append(re.sub("[, '_]", "", digits))
    elif re.fullmatch(r"\d{1,4}([, ])\d{4}(\1\d{4})*", digits):  # 6,1706: ten thousands apart
        found.append(re.sub("[, ]", "", digits))
    if re.fullmatch(r"[1-9]\d{0,2}(\.\d{3})+(,\d+)?", digits):
        found.append(digits.replace(".", "").replace(",", "."))
    elif re.fullmatch(r"\d+,(\d{1,2}|\d{4,})", digits) and digits.replace(",", "") not in found:
        found.append(digits.replace(",", "."))
    return found


def shapes(text: str) -> list[Reading]:
    """Readings as a size per axis, in the order written; `28x28@6` says which number is the channels."""
    text = BATCH.sub("(" if text[:1] in "([" else "", text)
    text = re.sub(r"(?<=\d)\s*(px|pixels?|像素)\s*$", "", text, flags=re.IGNORECASE)
    if text.count("@") == 1:
        left, right = (sizes_in(part) for part in text.split("@"))
        found = []
        if right and left and len(left) == 1:
            found.append(Reading((*left, *right), channels_first=True))
        if left and right and len(right) == 1:
            found.append(Reading((*right, *left), channels_first=True))
        return found
    sizes = sizes_in(text)
    found = [Reading(sizes)] if sizes else []
    if not sizes or (len(sizes) > 1 and re.fullmatch(r"\d{1,3}([, ]\d{3})+", text)):
        found += [Reading((r.value,), r.slack) for r in counts(text) if not isinstance(r.value, tuple)]
    return found


def sizes_in(text: str) -> tuple[int, ...]:
    """`6x28x28`, `(6, 28, 28)`, `6 28 28`, `28 by 28`; empty where it is none."""
    text = text.strip()
    inner = text[1:-1] if text[:1] + text[-1:] in ("()", "[]", "{}", "<>") else text
    parts = re.split(r"\s*(?:[x*,;]|\bby\b)\s*|\s+", inner.strip().rstrip(","), flags=re.IGNORECASE)
    if 1 <= len(parts) <= 6 and all(re.fullmatch(r"[-+]?\d{1,15}", part, re.ASCII) for part in parts):
        return tuple(map(int, parts))
    return ()


_OPERATORS: dict[type, Any] = {
    ast.Add: lambda a, b: a + b,
    ast.Sub: lambda a, b: a - b,
    ast.Mult: lambda a, b: a * b,
    ast.Div: lambda a, b: a / b,
    ast.FloorDiv: lambda a, b: Fraction(a // b),
    ast.Mod: lambda a, b: a % b,
    ast.Pow: lambda a, b: a ** int(b) if b.denominator == 1 and 0 <= b <= 64 and abs(a) <= 10**6 else None,
    ast.UAdd: lambda a: a,
    ast.USub: lambda a: -a,
}


def formula(text: str) -> int | Fraction | None:
    """The value of `(5*5+1)*6`; None where it is no formula. Python's `ast` parses, the table above decides."""
    source = re.sub(r"(?<=[\d)\s])x(?=[\d(\s])", "*", text, flags=re.IGNORECASE).replace("^", "**")
    source = re.sub(r"(?<=\d),(?=\d{3}(?!\d))", "", source).replace("[", "(").replace("]", ")")
    source = re.sub(r"(?<![\d.])0+(?=\d)", "", source)  # 010 is ten
    if not re.fullmatch(r"[\d.+\-*/%() ]+", source, re.ASCII):
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            value = worked_out(ast.parse(source.strip(), mode="eval").body)
    except (SyntaxError, SyntaxWarning, ValueError, TypeError, ZeroDivisionError, RecursionError, MemoryError):
        return None
    return tidy(value)


def worked_out(node: ast.AST) -> Fraction:
    """The value of a part of a formula. Raises TypeError or ValueError for what is not allowed."""
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        value = Fraction(str(node.value))
    elif isinstance(node, ast.BinOp):
        value = _OPERATORS[type(node.op)](worked_out(node.left), worked_out(node.right))
    elif isinstance(node, ast.UnaryOp) and type(node.op) in _OPERATORS:
        value = _OPERATORS[type(node.op)](worked_out(node.operand))
    else:
        raise ValueError("not allowed in a formula")
    if value is None or abs(value) > LARGEST or value.denominator > LARGEST:
        raise ValueError("out of bounds")
    return value


def tidy(value: int | Fraction) -> int | Fraction:
    """A whole number as an int."""
    return int(value) if value.denominator == 1 else value
