"""Right answers in all the ways in which people write them: of every question of the courses, none is called wrong."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cases import read_yaml

import cnncalc
from cnncalc.answers import Grader, from_mapping
from cnncalc.answers.matching import match
from cnncalc.answers.notation import read
from cnncalc.errors import CnncalcError

FOLDER = Path(__file__).parent
CASES = [
    (case["spec"], case["ask"].removeprefix("total."))
    for name, key in (("homework.yaml", "questions"), ("homework_more.yaml", "cases"))
    for case in read_yaml(FOLDER / name)[key]
    if "dtype" not in case
]
RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
CHINESE = str.maketrans("0123456789", "零一二三四五六七八九")


def ten_thousands(n: int) -> str:
    """12万2304, as one says it; below ten thousand as it is."""
    return f"{n // 10**4}万{n % 10**4 or ''}" if n >= 10**4 and (n % 10**4 >= 1000 or n % 10**4 == 0) else str(n)


def power_of_ten(n: int) -> str:
    digits = str(n)
    return f"{digits[0]}.{digits[1:] or '0'}×10{str(len(digits) - 1).translate(RAISED)}"


COUNTS: dict[str, Callable[[int], str]] = {
    "plain": str,
    "commas": lambda n: f"{n:,}",
    "thin spaces": lambda n: f"{n:,}".replace(",", "\u2009"),
    "named in Chinese": lambda n: f"参数量：{n}",
    "in all": lambda n: f"共{n}个",
    "with a unit of speech": lambda n: f"{n:,} multiplications",
    "Chinese unit of speech": lambda n: f"{n}次乘法",
    "ten thousands": ten_thousands,
    "power of ten": power_of_ten,
    "exponent": lambda n: f"{n:.12e}",
    "worked": lambda n: f"({n}-3)·1 + 3 = {n:,}",
    "a formula": lambda n: f"({n} - 5) × 1 + 5",
    "a square": lambda n: f"{n}·1²",
    "LaTeX": lambda n: rf"${n} \times 1^{{2}}$",
    "about": lambda n: f"about {n:,} in total",
    "a sentence": lambda n: f"The answer is {n}.",
    "thousands": lambda n: f"{n / 1000:.3f}k",
    "parameters": lambda n: f"= {n} parameters",
    "with an aside": lambda n: f"{n} (biases included)",
    "fullwidth": lambda n: "".join(chr(ord(c) + 0xFEE0) for c in str(n)),
}
SHAPES: dict[str, Callable[[tuple[int, ...]], str]] = {
    "plain": lambda s: "x".join(map(str, s)),
    "times": lambda s: "×".join(map(str, s)),
    "stars": lambda s: " * ".join(map(str, s)),
    "tuple": lambda s: f"({', '.join(map(str, s))})",
    "list": lambda s: f"[{','.join(map(str, s))}]",
    "torch": lambda s: f"torch.Size([1, {', '.join(map(str, s))}])",
    "any batch": lambda s: f"(N, {', '.join(map(str, s))})",
    "some batch": lambda s: f"(16, {', '.join(map(str, s))})",
    "channels last": lambda s: "x".join(map(str, (*s[1:], s[0]))),
    "Keras": lambda s: f"(None, {', '.join(map(str, (*s[1:], s[0])))})",
    "at": lambda s: f"{s[0]}@{'x'.join(map(str, s[1:]))}" if len(s) > 1 else str(s[0]),
    "pieces": lambda s: f"{s[0]}个{'×'.join(map(str, s[1:]))}" if len(s) > 2 else "x".join(map(str, s)),
    "named": lambda s: f"C={s[0]}, H={s[1]}, W={s[2]}" if len(s) == 3 else "x".join(map(str, s)),
    "named in Chinese": lambda s: f"{s[2]}宽、{s[1]}高、{s[0]}深" if len(s) == 3 else "x".join(map(str, s)),
    "maps": lambda s: f"{s[0]} feature maps of {'x'.join(map(str, s[1:]))}" if len(s) > 2 else "x".join(map(str, s)),
    "channels": lambda s: f"{'x'.join(map(str, s[1:]))}, {s[0]} channels" if len(s) > 2 else "x".join(map(str, s)),
    "said": lambda s: f"输出：{'×'.join(map(str, s))}",
    "the size alone": lambda s: str(s[1]) if len(s) > 1 and len(set(s[1:])) == 1 else "x".join(map(str, s)),
    "squared": lambda s: f"{s[1]}²" if len(s) == 3 and s[1] == s[2] else "x".join(map(str, s)),
    "by": lambda s: " by ".join(map(str, s)),
}
FIELDS: dict[str, Callable[[tuple[int, ...]], str]] = {
    "one number": lambda s: str(s[0]),
    "both": lambda s: "x".join(map(str, s)),
    "times": lambda s: "×".join(map(str, s)),
    "pixels": lambda s: f"{s[0]} × {s[-1]} pixels",
    "squared": lambda s: f"{s[0]}²" if len(set(s)) == 1 else "x".join(map(str, s)),
    "said": lambda s: f"感受野大小为{s[0]}×{s[-1]}",
    "tuple": lambda s: str(tuple(s)),
    "in words": lambda s: f"RF = {s[0]}",
}


@pytest.mark.parametrize(("spec", "ask"), dict.fromkeys(CASES), ids=lambda text: text[:30])
def test_the_right_answer_is_right_in_every_notation(spec: str, ask: str) -> None:
    report = cnncalc.analyze(spec)
    layer, _dot, quantity = ask.rpartition(".")
    right: Any = getattr(report[layer] if layer else report.totals, quantity)
    ways = COUNTS if isinstance(right, int) else SHAPES if quantity == "output" else FIELDS
    grader = Grader(report)
    wrong = {}
    for name, write in ways.items():
        if (
            isinstance(right, tuple)
            and quantity != "output"
            and len(set(right)) > 1
            and name in ("one number", "in words")
        ):
            continue
        text = write(right)  # type: ignore[arg-type]
        (item,) = grader.grade(from_mapping({ask: text})).items
        if item.verdict not in ("right", "convention"):
            wrong[name] = text, item.verdict, [m.id for m in item.mistakes]
    assert wrong == {}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("28²", 784), ("1.22×10⁵", 122_000), ("26·6·28²", 122_304), ("参数量：156", 156), ("共156个", 156),
        ("12万2304", 122_304), ("六万", 60_000), ("117600次乘法", 117_600), ("117,600 multiplications", 117_600),
        ("9 MB", 9_000_000), ("4.5KB", 4_500), ("9 million bytes", 9_000_000), ("4800 + 49152", 53_952),
        ("(28*28*32)*(5*5)*(192)", 120_422_400), ("3780万", 37_800_000), ("150 weights + 6 biases", 156),
        (r"$26 \times 6 \times 28^{2}$", 122_304), ("1,22,304", 122_304), ("十二万二千三百零四", 122_304),
        ("1亿2千万", 120_000_000), ("(5*5+1)6", 156), ("参数量=(5×5+1)×6=156个", 156), ("12 2304", 122_304),
        ("1.2百万", 1_200_000), ("两千", 2000), ("156。", 156), ("C1 的参数：156", 156),
    ],
)  # fmt: skip
def test_numbers_as_people_write_them(text: str, value: int) -> None:
    assert read(text, shaped=False)[0].value == value


@pytest.mark.parametrize("text", ["5 apples", "not 5", "maybe", "5%", "6x", "= B2", "28x28x", "万", "C=6 and so on"])
def test_what_is_no_number_stays_none(text: str) -> None:
    for shaped in (False, True):
        with pytest.raises(CnncalcError):
            read(text, shaped=shaped)


def test_a_number_of_values_answers_for_a_shape_from_a_hundred_on() -> None:
    """Below, it may as well be a size: 99 of 11x3x3."""
    assert match(read("100", shaped=True), (4, 5, 5), "output") is not None
    assert match(read("99", shaped=True), (11, 3, 3), "output") is None
