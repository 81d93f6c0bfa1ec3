"""Shapes as people write them: 6x28x28, (6, 28, 28), 28x28@6, 6个28x28, C=6, H=28, W=28, torch.Size([1, 6, 28, 28]).

The texts come with plain digits and signs, as notation.py makes them.
"""

from __future__ import annotations

import re
from fractions import Fraction
from math import prod

Sizes = tuple[Fraction, ...]
Said = list[tuple[Sizes, bool]]  # sizes, and whether the channels are known to stand first

BATCH = re.compile(r"^[(\[]?\s*(none|n|batch(?:[_ ]?size)?|bs|b|\?|-1)\s*[,x*]\s*", re.IGNORECASE)
CALLED = re.compile(r"^[a-z][\w.]*\s*(?:=\s*)?\(?\s*([\[(].*?[\])])\s*\)?$", re.IGNORECASE)  # torch.Size([6, 28, 28])
MAPS = r"(?:个?通道|张|幅|个|层|channels?|(?:feature\s*|activation\s*)?maps?|filters?|planes?|deep)"
COUNT_FIRST = re.compile(
    rf"^(\d+)\s*{MAPS}\s*(?:的|特征图|of|each|size|尺寸|大小|为|,|with|x|\*|\s)*\(?\s*(\d.*?)\)?$", re.IGNORECASE
)
TIMES = r"\s*(?:[x*]|by)\s*"
COUNT_LAST = re.compile(
    rf"^\(?([\d.]+(?:{TIMES}[\d.]+)+)\)?[\s,(x*]*(?:with|and|共|有|的)?\s*(\d+)\s*{MAPS}\s*(?:特征图)?\)?$",
    re.IGNORECASE,
)
AXES = {
    "c": {"c", "ch", "channel", "channels", "depth", "d", "maps", "k", "通道", "通道数", "深", "深度", "个通道"},
    "h": {"h", "height", "rows", "高", "高度"},
    "w": {"w", "width", "cols", "columns", "宽", "宽度"},
    "n": {"n", "b", "batch", "批"},
}
AXIS_OF = {word: axis for axis, words in AXES.items() for word in words}
NAMED = re.compile(r"\s*([a-z]+|[一-鿿]+)\s*[=:]?\s*(\d+)\s*|\s*(\d+)\s*([a-z]+|[一-鿿]+)\s*", re.IGNORECASE)
MOST_AXES = 6


def read_sizes(text: str) -> Said | None:
    """The sizes that a text names, in every way in which it may be meant; None where it holds none."""
    by_name = read_named_axes(text)
    if by_name is not None:
        return [(by_name, True)]
    called = CALLED.match(text)
    text = called[1] if called else text
    text = BATCH.sub("(" if text[:1] in "([" else "", text)
    text = re.sub(
        r"(?<=[\d)])\s*(px|pixels?|像素|的?(输出)?特征图|maps?|feature\s+maps?)\s*$", "", text, flags=re.IGNORECASE
    )
    text = re.sub(r"([\d.]+)\s*(?:\^|\*\*)\s*2(?!\d)", r"\1*\1", text)  # 28² is 28x28
    for pattern, count, rest in ((COUNT_FIRST, 1, 2), (COUNT_LAST, 2, 1)):
        found = pattern.match(text)
        if found and len(sizes_in(found[rest])) > 1:
            text = f"{found[count]}@{found[rest]}"
    if text.count("@") == 1:
        return around_at(*(sizes_in(part) for part in text.split("@"))) or None
    sizes = sizes_in(text)
    if not sizes:
        return None
    said: Said = [(sizes, False)]
    if len(sizes) > 1 and re.fullmatch(r"\d{1,3}([, ]\d{3})+", text):  # 1,024 for a vector
        said.append(((Fraction(re.sub("[, ]", "", text)),), False))
    if len(sizes) > 1 and "*" in text and "," not in text:  # 16*5*5 for a vector
        said.append(((prod(sizes, start=Fraction(1)),), False))
    return said


def around_at(left: Sizes, right: Sizes) -> Said:
    """`6@28x28` and `28x28@6`: the lone number is that of the channels."""
    said: Said = []
    # People write 6@28x28 and 28x28@6; the side with one number is the count.
    if right and len(left) == 1:
        said.append(((*left, *right), True))
    if left and len(right) == 1:
        said.append(((*right, *left), True))
    return said


def read_named_axes(text: str) -> Sizes | None:
    """`C=6, H=28, W=28` and `28宽,28高,8深`: channels, height and width in whatever order, or None."""
    split = re.split(r"[,;x*]|\s+(?=[a-z一-鿿]+\s*[=:])", text.strip("()[] "), flags=re.IGNORECASE)
    pieces = [piece for piece in split if piece.strip()]
    found: dict[str, Fraction] = {}
    for piece in pieces:
        match = NAMED.fullmatch(piece)
        axis = AXIS_OF.get((match[1] or match[4]).casefold()) if match else None
        if match is None or axis is None or axis in found:
            return None
        found[axis] = Fraction(match[2] or match[3])
    # `k` and `d` may be a kernel and a dilation: only a height or a width makes it a shape.
    if len(found) < 2 or not {"h", "w"} & found.keys():
        return None
    return tuple(found[axis] for axis in "chw" if axis in found)


def sizes_in(text: str) -> Sizes:
    """`6x28x28`, `(6, 28, 28)`, `6 28 28`, `28 by 28`, `4.5x4.5`; empty where it is none."""
    text = text.strip()
    inner = text[1:-1] if text[:1] + text[-1:] in ("()", "[]", "{}", "<>") else text
    inner = re.sub(r"[(\[](\d[\d\sx*,]*)[)\]]", r"\1", inner)  # 6 x (28 x 28)
    parts = re.split(r"\s*(?:[x*,;]|\bby\b)\s*|\s+", inner.strip().rstrip(","), flags=re.IGNORECASE)
    if 1 <= len(parts) <= MOST_AXES and all(re.fullmatch(r"[-+]?\d{1,15}(\.\d{1,6})?", p, re.ASCII) for p in parts):
        return tuple(map(Fraction, parts))
    return ()
