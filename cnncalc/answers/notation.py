"""Numbers as people write them: 41,600, 61.7k, 6x28x28, 28x28@6, (5*5+1)*6, 28², 6.17万, 参数量：156, 9 MB.

One text may be read in several ways: 28*28*6 is a shape and a product. All readings are given, the likeliest first.
A text is first made plain (widths of characters, signs, LaTeX), then what is said around the number is taken off.
"""

from __future__ import annotations

import ast
import re
import warnings
from fractions import Fraction
from math import prod
from typing import Any, NamedTuple
from unicodedata import normalize

from cnncalc.answers.shape_words import read_sizes
from cnncalc.errors import OptionError, visible
from cnncalc.language import _

LONGEST = 300  # characters of an answer
LARGEST = 10**40
NONE = Fraction(0)

# What stands behind a number: the factor, and which power of 1024 it may stand for instead (0: none).
UNITS: dict[str, tuple[int, int]] = {
    "": (1, 0),
    **dict.fromkeys(("k", "kb", "thousand"), (10**3, 1)),
    **dict.fromkeys(("m", "mb", "mio", "mln", "million", "millions", "兆", "兆字节"), (10**6, 2)),
    **dict.fromkeys(("g", "gb", "bn", "billion", "billions"), (10**9, 3)),
    **dict.fromkeys(("t", "tb", "trillion"), (10**12, 4)),
    **{u: (1024**n, 0) for n, u in enumerate(("kib", "mib", "gib", "tib"), 1)},
    "b": (10**9, 0),  # 1.2B parameters; that it may be bytes is read below
}
CHINESE_DIGITS = {digit: value for value, digit in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2}
CHINESE_UNITS = {"十": 10, "百": 100, "千": 1000, "万": 10**4, "亿": 10**8}
# Words that say what is counted, or how well it is known, and change nothing.
BEFORE = re.compile(
    r"^(?:≈|~|≃|=|there\s+are|it\s+is|it'?s|that\s+is|the\s+answer|answer|ans\.?|result|is|are|about|approx(?:imately|\.)?"
    r"|around|roughly|nearly|almost|ca\.|ca\b|circa|in\s+total|total(?:ly)?|a\s+total\s+of|equals?|so|thus|therefore"
    r"|exactly|only|has|have|params?\b|parameters|size|shape|output|大约|大概|约为|约|近似|接近|将近|一共|总共|总计|合计|共计|共有|共|总和|总数"
    r"|需要|需|因此|所以|结果|答案|答|解|得到|得|就是|是|为|有|等于|参数量|参数|尺寸|大小|边长|输出|感受野)[\s,]*",
    re.IGNORECASE,
)
AFTER_WORDS = (
    r"(?:learnable|trainable|free|different)?\s*(?:params?|parameters|weights?|connections?|links|bias(?:es)?)"
    r"|multiply[- ](?:adds?|accumulates?)|mult[- ]adds?|multiplications?|multiplies|additions?|muls?|operations?"
    r"|macs?|madds?"
    r"|flops?|ops?|pixels?|px|bytes?|values?|units?|neurons?|numbers?|elements?|in\s+total|total|altogether|overall|each|only"
    r"|per\s+(?:layer|image|sample|side|axis)|wide|high"
    r"|次?(?:浮点)?(?:乘加|乘法|加法|运算|计算|操作)(?:运算|操作)?|个?(?:可训练|可学习|需要训练的)?的?(?:参数|权重|偏置)|[个条]?连接"
    r"|个?(?:神经元|单元|元素|数值|数|像素点?|字节|值)|像素|字节|次|个|条|左右|多"
)
AFTER = re.compile(rf"[\s,]*(?:{AFTER_WORDS}|(?<=[\d\s])b)[\s.。!]*$", re.IGNORECASE)
INSIDE = re.compile(rf"(?<=[\d\s)])\s*(?:{AFTER_WORDS})(?=\s*(?:[-+*/)]|$))", re.IGNORECASE)
SIGNS = str.maketrans(
    dict.fromkeys("×✕✖⋅·∙•∗", "*")
    | dict.fromkeys("−–—", "-")
    | dict.fromkeys("\u00a0\u202f\u2009\n\t", " ")
    | {"÷": "/", "、": ",", "【": "[", "】": "]", "〔": "[", "〕": "]", "’": "'", "：": ":", "。": "."}
)
CONCLUSION = re.compile(r"=|:|->|→|⇒|,?\s*\b(?:so|thus|hence|therefore)\b|,?\s*(?:所以|因此)", re.IGNORECASE)
BOUND = re.compile("(?<![-=])>|<|[≤≥≠⩽⩾]|!=")  # `=>` and `->` lead to a result
RAISED = re.compile("[⁰¹²³⁴⁵⁶⁷⁸⁹]+")
LATEX = (
    (r"\\[dt]?frac\{([^{}]*)\}\{([^{}]*)\}", r"(\1)/(\2)"), (r"\\(?:times|cdot|ast)\b", "*"), (r"\{,\}", ","),
    (r"\\(?:left|right|,|;|!|quad| *)(?![a-z])", " "), (r"\\approx\b", ""), (r"\\(?:text|mathrm|mathbf|rm)\b", ""),
    (r"\^\s*\{(\d+)\}", r"^\1"), (r"\\[()\[\]]", ""),
)  # fmt: skip


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
    plain = plain_text(text)
    if not plain:
        raise OptionError(_("there is no answer"), _("write a number"))
    if BOUND.search(plain):
        raise OptionError(_("'{text}' is a bound, not a number", text=visible(text.strip()[:40])), _("write a number"))
    found: list[Reading] = []
    for part in parts_that_answer(plain, shaped):
        found += read_shapes(part) if shaped else read_counts(part)
        if found and not shaped:  # 28x28x6 = 4704 is a shape and its product
            break
    if not found and text.lstrip().startswith("=") and re.search(r"[A-Za-z]", text):
        raise OptionError(
            _("the formula {text} without a stored value", text=visible(text.strip()[:40])),
            _("open the file in a spreadsheet program and save it, so that the result is in it"),
        )
    if not found:
        shown = visible(text.strip()[:40])
        hint = _("6x28x28, (6, 28, 28) or 6@28x28") if shaped else _("41600, 41,600, 61.7k, 6.17e4 or (5*5+1)*6")
        raise OptionError(_("'{text}' is not a number", text=shown), hint)
    return list(dict.fromkeys(found))


def plain_text(text: str) -> str:
    """The text in ASCII digits and signs: raised digits as powers, LaTeX and Markdown taken off."""
    # Before NFKC, which makes 282 of 28².
    plain = RAISED.sub(lambda found: "^" + normalize("NFKC", found[0]), text)
    plain = normalize("NFKC", plain).translate(SIGNS)
    for pattern, instead in LATEX if "\\" in plain or "{" in plain else ():
        plain = re.sub(pattern, instead, plain)
    return plain.strip().strip("`*$_ ").strip().rstrip(";")


def parts_that_answer(plain: str, shaped: bool) -> list[str]:
    """What may be the answer in a text, first of all what stands behind the last `=` or `:`.

    A student shows the work, and gives the number a name. `C=6, H=28, W=28` is all of one piece.
    """
    if shaped and read_sizes(plain):
        return [plain]
    aside = re.sub(r"(?<=\S)\s*\((?=[^()]*(?:[a-z=]|[一-鿿]))[^()]*\)$", "", plain, flags=re.IGNORECASE)
    parts = []
    # Without its aside first: 156 (150 + 6 biases) is 156.
    for whole in dict.fromkeys((aside, plain)):
        pieces = [piece.strip() for piece in CONCLUSION.split(whole)]
        last = pieces[-1]
        if shaped and len(pieces) > 1 and re.fullmatch(r"[\d,]+", last):  # 28x28x6 = 4704
            parts += [pieces[-2], without_words(pieces[-2])]
        parts += [without_words(last), last]
    return list(dict.fromkeys(part for part in parts if part))


def without_words(text: str) -> str:
    """A number without what is said before it: about, 共, the answer is."""
    # One word after the other, for people use several: so, in total, about 156.
    for _time in range(8):
        shorter = BEFORE.sub("", text, count=1)
        if shorter == text or not shorter:
            return text
        text = shorter
    return text


def read_counts(text: str) -> list[Reading]:
    """Readings as one number."""
    # Words go one after the other: 60 thousand parameters in total.
    variants = [text]
    for _time in range(4):
        shorter = AFTER.sub("", variants[-1])
        if shorter == variants[-1] or not shorter:
            break
        variants.append(shorter)
    variants.append(variants[-1].rstrip("."))
    found = [r for part in dict.fromkeys(variants) for r in read_simple(part)]
    value = None if found else read_formula(INSIDE.sub("", variants[-1]))
    return found if value is None else [Reading(value)]


def read_simple(text: str) -> list[Reading]:
    """A number in digits, with or without a unit: `41 600`, `61.7k`, `6.17e4`, `12万2304`; 41.600 may be either."""
    match = re.fullmatch(r"([-+]?)(\d[\d,._' ]*|\.\d+)(?:e([-+]?\d{1,2})|[*x]\s*10\s*(?:\^|\*\*)\s*(\d{1,2}))?"
                         r"\s*([a-zA-Z一-鿿]*)", text.strip(), re.ASCII | re.IGNORECASE)  # fmt: skip
    unit = unit_of(match[5].lower()) if match else None
    if match is None or unit is None:
        value = read_chinese(text.strip())
        return [] if value is None else [Reading(value)]
    factor, power = unit
    scale = Fraction(10) ** int(match[3] or match[4] or 0) * factor
    found = []
    for digits in regroup(match[2].strip()):
        whole, _dot, decimals = digits.partition(".")
        value = int(whole or "0") + (Fraction(int(decimals), 10 ** len(decimals)) if decimals else 0)
        exact = not decimals and scale == 1
        rounded = len((whole + decimals).lstrip("0")) >= 2 and not exact  # one digit alone says too little
        # Half a unit of the last digit that stands there.
        slack = scale / 10 ** len(decimals) / 2 if rounded else NONE
        found.append(Reading(tidy(value * scale * (-1 if match[1] == "-" else 1)), slack, power))
    return found


def unit_of(word: str) -> tuple[int, int] | None:
    """The factor of a unit, and the power of 1024 that it may stand for; 千万 is a thousand ten thousands."""
    if word in UNITS:
        return UNITS[word]
    if word and all(sign in CHINESE_UNITS for sign in word):
        return prod(CHINESE_UNITS[sign] for sign in word), 0
    return None


def read_chinese(text: str) -> Fraction | int | None:
    """`六万`, `十二万二千三百零四`, `12万2304`, `1亿2千万`; None where it is no such number."""
    tokens = re.findall(r"\d+(?:\.\d+)?|[零〇一二两三四五六七八九]|[十百千万亿]", text)
    if len(tokens) < 2 or "".join(tokens) != text or not any(token in CHINESE_UNITS for token in tokens):
        return CHINESE_DIGITS.get(text)
    total, section, number = Fraction(0), Fraction(0), None
    for token in tokens:
        if token in ("万", "亿"):  # what stands before it counts so many times, under 亿 the 万 too
            section += number or 0
            factor = CHINESE_UNITS[token]
            # With nothing before it a 万 counts once.
            total = (total + section) * factor if token == "亿" else total + (section or 1) * factor
            section, number = Fraction(0), None
        elif token in CHINESE_UNITS:
            section += (Fraction(1) if number is None else number) * CHINESE_UNITS[token]
            number = None
        else:
            number = Fraction(CHINESE_DIGITS[token]) if token in CHINESE_DIGITS else Fraction(token)
    return tidy(total + section + (number or 0))


def regroup(digits: str) -> list[str]:
    """The digits with a decimal point at most: thousands apart by , space ' _ or a dot, decimals by . or a comma."""
    found = []
    # One separator throughout: `1,234 567` is no number.
    if re.fullmatch(r"\d{1,3}([, '_])\d{3}(\1\d{3})*(\.\d+)?", digits) or re.fullmatch(r"\d*(\.\d+)?", digits):
        found.append(re.sub("[, '_]", "", digits))
    elif re.fullmatch(r"\d{1,3}(,\s?\d{3})+(\.\d+)?", digits):  # 41, 600
        found.append(re.sub(r"[,\s]", "", digits))
    elif re.fullmatch(r"\d{1,4}([, ])\d{4}(\1\d{4})*", digits) or re.fullmatch(r"\d{1,2}(,\d{2})+,\d{3}", digits):
        found.append(re.sub("[, ]", "", digits))  # 6,1706: ten thousands apart; 1,22,304 as in India
    if re.fullmatch(r"[1-9]\d{0,2}(\.\d{3})+(,\d+)?", digits):
        found.append(digits.replace(".", "").replace(",", "."))
    elif re.fullmatch(r"\d+,(\d{1,2}|\d{4,})", digits) and digits.replace(",", "") not in found:
        found.append(digits.replace(",", "."))
    return found


def read_shapes(text: str) -> list[Reading]:
    """Readings as a size per axis, in the order written; where it is said which are the channels, these first."""
    said = read_sizes(text)
    if said is not None:
        return [Reading(tuple(map(tidy, sizes)), channels_first=first) for sizes, first in said]
    found: list[Reading] = []
    if not any(sign in text for sign in ",;") or re.fullmatch(r"\d{1,3}(,\d{3})+", text):
        # One number for a square map, or the product of a shape that was flattened.
        found += [Reading((r.value,), r.slack) for r in read_counts(text) if not isinstance(r.value, tuple)]
    return found


_OPERATORS: dict[type, Any] = {
    ast.Add: lambda a, b: a + b,
    ast.Sub: lambda a, b: a - b,
    ast.Mult: lambda a, b: a * b,
    ast.Div: lambda a, b: a / b,
    ast.FloorDiv: lambda a, b: Fraction(a // b),
    ast.Mod: lambda a, b: a % b,
    # Bounded, or 9^9^9 would fill the memory.
    ast.Pow: lambda a, b: a ** int(b) if b.denominator == 1 and 0 <= b <= 64 and abs(a) <= 10**6 else None,
    ast.UAdd: lambda a: a,
    ast.USub: lambda a: -a,
}


def read_formula(text: str) -> int | Fraction | None:
    """The value of `(5*5+1)*6`; None where it is no formula. Python's `ast` parses, the table above decides."""
    # Signs of people into those of Python: x between numbers, ^, commas between thousands.
    source = re.sub(r"(?<=[\d)\s])x(?=[\d(\s])", "*", text, flags=re.IGNORECASE).replace("^", "**")
    source = re.sub(r"(?<=\d),(?=\d{3}(?!\d))", "", source).replace("[", "(").replace("]", ")")
    source = re.sub(r"(?<![\d.])0+(?=\d)", "", source)  # 010 is ten
    source = re.sub(r"\)\s*(?=[\d(])|(?<=\d)\s*(?=\()", lambda found: found[0] + "*", source)  # (5*5+1)6
    if not re.fullmatch(r"[\d.+\-*/%() ]+", source, re.ASCII):
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            value = evaluate(ast.parse(source.strip(), mode="eval").body)
    except (SyntaxError, SyntaxWarning, ValueError, TypeError, ZeroDivisionError, RecursionError, MemoryError):
        return None
    return tidy(value)


def evaluate(node: ast.AST) -> Fraction:
    """The value of a part of a formula. Raises TypeError or ValueError for what is not allowed."""
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        # By its text: 0.1 is a tenth, not the double nearest to it.
        value = Fraction(str(node.value))
    elif isinstance(node, ast.BinOp):
        value = _OPERATORS[type(node.op)](evaluate(node.left), evaluate(node.right))
    elif isinstance(node, ast.UnaryOp) and type(node.op) in _OPERATORS:
        value = _OPERATORS[type(node.op)](evaluate(node.operand))
    else:
        raise ValueError("not allowed in a formula")
    if value is None or abs(value) > LARGEST or value.denominator > LARGEST:
        raise ValueError("out of bounds")
    return value


def tidy(value: int | Fraction) -> int | Fraction:
    """A whole number as an int."""
    return int(value) if value.denominator == 1 else value
