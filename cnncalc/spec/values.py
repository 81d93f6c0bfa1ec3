"""Shapes and expected numbers, read from text."""

from __future__ import annotations

import re
from typing import Any

from cnncalc.errors import OptionError
from cnncalc.language import _, n_
from cnncalc.layers.base import Shape
from cnncalc.layers.options import Mixture, is_number, positive, quote, split, split_list

SHAPES = n_("channels first, without the batch: 3x224x224, 16x100, 784")
SUFFIXES: dict[str, int] = {
    "": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12, "万": 10**4, "亿": 10**8,
    **{unit: 1024**power for power, unit in enumerate(("kib", "mib", "gib", "tib"), 1)},
}  # fmt: skip


def shape(raw: Any) -> Shape:
    """`3x224x224`, `784` or [3, 224, 224]: channels, then up to three axes."""
    parts = [raw] if is_number(raw) else raw
    if isinstance(raw, str):
        text = raw.strip()
        listed = text[1:-1].split(",") if text[:1] in "([" and text[-1:] in ")]" and text else None
        parts = listed if listed is not None else split(text, "xX×*")
    elif isinstance(raw, Mixture):
        listed = split_list(raw)
        parts = listed if listed is not None else split(raw, "xX×*")
    sizes = isinstance(parts, list) and all(isinstance(part, str) or is_number(part) for part in parts)
    if not sizes or not 1 <= len(parts) <= 4:
        raise OptionError(_("{value} is not a shape", value=quote(raw)), _(SHAPES))
    try:
        return tuple(positive(part.strip() if isinstance(part, str) else part) for part in parts)
    except OptionError as error:
        # What people mean by 32*32*3 or by full-width signs can be said in digits.
        hint = error.hint or _(SHAPES)
        plain = raw if isinstance(raw, str) else ""
        if not plain.isascii():  # full-width digits and commas
            from unicodedata import normalize

            plain = normalize("NFKC", plain.replace("\u3001", ","))
        if re.fullmatch(r"\d+(\s*[,xX×*\s]\s*\d+)*", plain, re.ASCII):
            meant = "x".join(re.findall(r"\d+", plain))
            hint = hint if meant == raw else _("write {value}", value=meant)
        raise OptionError(
            _("{value} is not a shape: {problem}", value=quote(raw), problem=error.problem), hint
        ) from None


def write_value(value: Any) -> Any:
    """A Python value as it would stand in a spec: text, or lists of text."""
    if hasattr(value, "tolist"):  # of NumPy
        value = value.tolist()
    if isinstance(value, (list, tuple, range)):
        return [write_value(item) for item in value]
    return str(value)


def number(text: str) -> int:
    """`60000`, `60,000`, `61.7k` as far as it is a whole number, `4.2G`, `3 MiB`, `6亿`."""
    plain = text.strip()
    first, *groups = plain.split(",") if len(plain) <= 40 and plain.isascii() else [""]
    # 60,000 is a number; 60,00 is a slip, or a decimal comma.
    thousands = len(first) <= 3 and all(len(group) == 3 and group.isdigit() for group in groups)
    if first.isdigit() and (thousands or not groups):
        return int("".join([first, *groups]))
    match = re.fullmatch(r"(\d{1,3}(?:[,_]\d{3})+|\d+)(\.\d+)?\s*((?i:[kmgt](?:ib)?)?|[万亿])", plain, re.ASCII)
    if match and len(match[0]) <= 40:
        decimals = (match[2] or ".")[1:]
        # 4.2G as 42 * 10^9 / 10, without a float in between: counts are exact.
        value = int(re.sub("[,_]", "", match[1]) + decimals) * SUFFIXES[match[3].lower()]
        whole, rest = divmod(value, int("1" + "0" * len(decimals)))
        # 61.7k is 61,700, and 61.7005k no whole number.
        if rest == 0:
            return whole
    raise OptionError(_("{value} is not a whole number", value=quote(text)), _("60000, 60,000, 25.6M"))
