"""The values that options take, and the options that many kinds share.

A reader gets what stood in the spec, text or (nested) lists of text, or the numbers themselves, as other programs'
models have them; it returns the value or raises OptionError. Numbers in text are read strictly: 010, 1_1, 1e3 and 3.0
are said to be wrong, never reinterpreted.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from math import isfinite
from typing import Any

from cnncalc.errors import OptionError, suggest, visible
from cnncalc.language import _, n_
from cnncalc.layers.base import Axes, Option

LARGEST = 10**12  # of any number written in a spec; what is counted from them has no bound
POSITIVE = n_("a positive whole number")
NATURAL = n_("a whole number of 0 or more")

MOST_AXES = 8  # of one array, the channels among them
SPATIAL = {1: "", 2: "l", 3: "hw", 4: "dhw"}  # letters of the axes behind the channels, by the number of axes

Padding = str | tuple[tuple[int, int], ...]


class Mixture:
    """Text with numbers in it that are more than their digits: `3x` and a width that remembers what it is made of."""

    __slots__ = ("pieces",)

    def __init__(self, pieces: Sequence[Any]) -> None:
        self.pieces = tuple(pieces)

    def __str__(self) -> str:
        return "".join(map(str, self.pieces))

    __repr__ = __str__


def remembers(value: Any) -> bool:
    """Whether a value is a whole number that is more than its digits."""
    # Such numbers are of a subclass of int; so are truth values, which remember nothing.
    return type(value) is not int and isinstance(value, int) and not isinstance(value, bool)


def split(raw: str | Mixture, separators: str) -> list[Any]:
    """The parts between separators, a class of characters: text, or the number that a part consists of."""
    if isinstance(raw, str):
        for other in separators[1:]:
            raw = raw.replace(other, separators[0])
        return list(raw.split(separators[0]))
    parts: list[list[Any]] = [[]]
    for piece in raw.pieces:
        first, *others = re.split(f"[{separators}]", piece) if isinstance(piece, str) else [piece]
        parts[-1].append(first)
        parts += [[other] for other in others]
    return [_join(part) for part in parts]


def _join(pieces: list[Any]) -> Any:
    # Blanks around a number do not turn it back into text, or it would forget what it is made of.
    kept = [piece for piece in pieces if not isinstance(piece, str) or piece.strip()]
    if all(isinstance(piece, str) for piece in kept):
        return "".join(pieces)
    return kept[0] if len(kept) == 1 else Mixture(kept)


def split_list(raw: str | Mixture) -> list[Any] | None:
    """The parts of `[3, 1]`; None for what stands in no brackets."""
    text = str(raw)
    if not (text.startswith("[") and text.endswith("]")):
        return None
    if isinstance(raw, str):
        return [part.strip() for part in raw[1:-1].split(",")]
    # The brackets are text, so the first and the last piece are strings, perhaps the same one.
    first, *others = raw.pieces
    inner = [first[1:], *others]
    inner[-1] = inner[-1][:-1]
    return [part.strip() if isinstance(part, str) else part for part in split(Mixture(inner), ",")]


def quote(raw: Any) -> str:
    """What stood there, short enough for a message."""
    text = _source(raw)
    return "'" + visible(text if len(text) <= 40 else text[:37] + "...") + "'"


def _source(raw: Any) -> str:
    if isinstance(raw, dict):
        return "{" + ", ".join(f"{key}: {_source(value)}" for key, value in raw.items()) + "}"
    if isinstance(raw, (list, tuple)):
        return "[" + ", ".join(map(_source, raw)) + "]"
    return raw if isinstance(raw, str) else str(raw)


def whole(raw: Any, least: int, what: str) -> int:
    """A whole number of at least `least`, in plain decimal digits or as a number."""
    if is_number(raw) and isinstance(raw, int) and least <= raw <= LARGEST:
        return raw
    # 10^12 has 13 digits; longer text is refused unread, for int() is slow on it and has a limit of its own.
    if isinstance(raw, str) and is_whole(raw) and len(raw) <= 13:
        number = int(raw)
        if least <= number <= LARGEST:
            return number
    if raw == "":
        raise OptionError(_("there is no value"), _("write {what}", what=_(what)))
    raise OptionError(_("{value} is not {what}", value=quote(raw), what=_(what)), _number_hint(raw, least))


def is_whole(text: str) -> bool:
    """Whether a text is a whole number in plain decimal digits: 0, 12, -5, but not 05."""
    digits = text.removeprefix("-")
    return digits.isascii() and digits.isdecimal() and (digits[0] != "0" or digits == "0")


def is_number(raw: Any) -> bool:
    """Whether a value is a number, and not text. Truth values are none."""
    return isinstance(raw, (int, float)) and not isinstance(raw, bool)


def _number_hint(raw: Any, least: int) -> str | None:
    if is_number(raw):
        raw = str(raw)
    if not isinstance(raw, str):
        return _("write one number")
    if is_whole(raw):
        return (
            _("the least is {least}", least=least)
            if raw.startswith("-") or len(raw) < 12
            else _("the largest is 10^12")
        )
    # `1,000`, `1_000` and `010` are refused, since people read them differently; the hint names the likely one.
    plain = re.sub(r"(?<=\d)[,_](?=\d)", "", raw).lstrip("0")
    if plain.isascii() and plain.isdigit() and int(plain[:14]) >= least:
        return _("write {value}", value=plain)
    try:
        value = float(raw)
    except ValueError:
        return None
    return (
        _("write {value}", value=int(value))
        if value.is_integer() and least <= value <= LARGEST
        else _("fractions are not sizes")
    )


def positive(raw: Any) -> int:
    return whole(raw, 1, POSITIVE)


def natural(raw: Any) -> int:
    return whole(raw, 0, NATURAL)


def integer(raw: Any) -> int:
    """A whole number, negative ones too."""
    return whole(raw, -LARGEST, n_("a whole number"))


def _split_axes(raw: Any, what: str) -> list[Any]:
    if is_number(raw):
        return [raw]
    parts: Any = raw
    if isinstance(raw, (str, Mixture)):
        listed = split_list(raw)
        parts = split(raw, "xX×*") if listed is None else listed
    if not isinstance(parts, list) or not 1 <= len(parts) <= 3 or any(isinstance(part, list) for part in parts):
        raise OptionError(
            _("{value} is not {what}", value=quote(raw), what=_(what)),
            _("write one number, or one per axis: 3 or 3x1"),
        )
    return list(parts)


def axes(raw: Any) -> Axes:
    """`3`, `3x1` or [3, 1]: positive, one for all axes or one for each."""
    return tuple(positive(part) for part in _split_axes(raw, n_("a size per axis")))


def natural_axes(raw: Any) -> Axes:
    return tuple(natural(part) for part in _split_axes(raw, n_("a number per axis")))


def sides(raw: Any) -> tuple[tuple[int, int], ...]:
    """`2`, `3x0`, [3, 0] or [[before, after], ...]: elements before and after each axis."""
    if isinstance(raw, list) and raw and all(isinstance(pair, list) for pair in raw):
        if len(raw) > 3 or any(len(pair) != 2 for pair in raw):
            raise OptionError(_("{value} is not a pair per axis", value=quote(raw)), _("write [[before, after], ...]"))
        return tuple((natural(before), natural(after)) for before, after in raw)
    return tuple((p, p) for p in natural_axes(raw))


def padding(raw: Any) -> Padding:
    """As `sides`, or `same` (output as large as the input / stride), or `valid` (none)."""
    if isinstance(raw, str) and raw.lower() in ("same", "valid"):
        return "same" if raw.lower() == "same" else ((0, 0),)
    # Asked before numbers are read: a misspelt `same` should not be told that it is no whole number.
    if isinstance(raw, str) and raw[:1].isalpha():
        raise OptionError(
            _("{value} is not a padding", value=quote(raw)), _("write a number, one per axis (3x0), same or valid")
        )
    return sides(raw)


def switch(raw: Any, also: str = "") -> bool:
    """true or false; `also` is another value that the option has, for the hint."""
    if isinstance(raw, bool):
        return raw
    text = raw.lower() if isinstance(raw, str) else ""
    # The words of YAML 1.1, which people still write.
    if text in ("true", "yes", "on"):
        return True
    if text in ("false", "no", "off"):
        return False
    hint = _("write true, false or {also}", also=also) if also else _("write true or false")
    raise OptionError(_("{value} is neither true nor false", value=quote(raw)), hint)


def all_or_number(raw: Any) -> bool | int:
    """A switch, or how many: 64."""
    return positive(raw) if is_number(raw) or (isinstance(raw, str) and raw.isdecimal()) else switch(raw)


def condition(raw: Any) -> bool:
    """A switch, or what a comparison gives: 0 or 1."""
    if is_number(raw) and raw in (0, 1):
        return bool(raw)
    return switch({"0": "false", "1": "true"}.get(raw, raw) if isinstance(raw, str) else raw)


def choice(*known: str, **also: str) -> Callable[[Any], str]:
    """A reader of one of the known words, or of other names for them."""

    def read(raw: Any) -> str:
        word = raw.lower() if isinstance(raw, str) else ""
        if word in known:
            return word
        if word in also:
            return also[word]
        raise OptionError(
            _("{value} is not one of {names}", value=quote(raw), names=", ".join(known)), suggest(word, known)
        )

    return read


def decimal(raw: Any) -> float:
    """A finite decimal number."""
    if is_number(raw) and isfinite(raw):
        return float(raw)
    # Without re.ASCII \d takes the digits of every script, and so does float(), which makes an infinity of 1e999.
    if isinstance(raw, str) and re.fullmatch(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d{1,3})?", raw, re.ASCII):
        number = float(raw)
        if isfinite(number):
            return number
    raise OptionError(_("{value} is not a number", value=quote(raw)), _decimal_hint(raw))


def _decimal_hint(raw: Any) -> str | None:
    """For `0,5` and `50%`: the number that is meant."""
    comma = re.fullmatch(r"(\d*),(\d+)", raw, re.ASCII) if isinstance(raw, str) else None
    percent = re.fullmatch(r"(\d{1,3}(?:\.\d+)?)%", raw, re.ASCII) if isinstance(raw, str) else None
    if comma:
        return _("write {value}", value=f"{comma[1] or '0'}.{comma[2]}")
    return _("write {value}", value=f"{float(percent[1]) / 100:g}") if percent else None


def decimals(raw: Any) -> float | tuple[float, ...]:
    """A decimal number, or a list of them."""
    return tuple(decimal(part) for part in raw) if isinstance(raw, list) and raw else decimal(raw)


def rate(raw: Any) -> float:
    """A probability: at least 0, less than 1."""
    value = decimal(raw)
    # Training divides what is left by 1 - rate (inverted dropout): a rate of 1 would divide by 0.
    if not 0 <= value < 1:
        raise OptionError(
            _("{value} is not a rate", value=quote(raw)), _("write a number from 0 up to, not including, 1")
        )
    return value


def natural_list(raw: Any) -> tuple[int, ...]:
    """`0,2,1` or [0, 2, 1]."""
    parts = [raw] if is_number(raw) else raw
    if isinstance(raw, (str, Mixture)):
        parts = [part.strip() if isinstance(part, str) else part for part in split(raw, ",")]
    if not isinstance(parts, list) or not all(is_number(part) or str(part).isdecimal() for part in parts):
        raise OptionError(_("{value} is not a list of numbers", value=quote(raw)), _("write 0,2,1"))
    return tuple(natural(part) for part in parts)


def sizes_or_rest(raw: Any) -> tuple[int, ...]:
    """`16x5x5` or [16, 5, 5]: sizes of which one may be -1."""
    parts = split(raw, "x") if isinstance(raw, (str, Mixture)) else [raw] if is_number(raw) else raw
    if isinstance(raw, str) and "," in raw:
        raise OptionError(
            _("{value} is not a shape", value=quote(raw)),
            _("write {value}", value="x".join(re.findall(r"-?\d+", raw))),
        )
    if not isinstance(parts, list) or not 1 <= len(parts) <= MOST_AXES:
        raise OptionError(_("{value} is not a shape", value=quote(raw)), _("channels, then the axes: 16x5x5"))
    sizes = tuple(-1 if part in ("-1", -1) else positive(part) for part in parts)
    if sizes.count(-1) > 1:
        raise OptionError(_("only one size may be -1"), _("it stands for what the others leave: write all but one"))
    return sizes


def slice_range(raw: Any) -> tuple[int, int | None]:
    """`0:32`, `-8:end`: where a part of an axis begins, and before which element it ends. As numbers, (0, 32)."""
    if isinstance(raw, Mixture):
        ends = split(raw, ":")
        if len(ends) == 2:
            return integer(ends[0] or 0), None if ends[1] in ("", "end") else integer(ends[1])
    if isinstance(raw, list) and len(raw) == 2 and is_number(raw[0]) and (raw[1] is None or is_number(raw[1])):
        return integer(raw[0]), None if raw[1] is None else integer(raw[1])  # of models; a spec's are text
    match = re.fullmatch(r"(-?\d{1,13})?:(-?\d{1,13}|end)?", raw, re.ASCII) if isinstance(raw, str) else None
    if match is None:
        raise OptionError(_("{value} is not a range", value=quote(raw)), _("write start:stop, 0:32, or 8:end"))
    start, stop = match.groups()
    return int(start or 0), None if stop in (None, "end") else int(stop)


PER_UNIT = "per_unit"


def bias(raw: Any) -> bool | str:
    """true, false, or `per_unit`: a bias that is not shared by the units of a map."""
    if isinstance(raw, str) and raw.lower() == PER_UNIT:
        return PER_UNIT
    return switch(raw, PER_UNIT)


# Aliases are the names of PyTorch, Keras and Caffe (`num_output`, `bias_term`), so that copied lines can be read.
FILTERS = Option(
    positive,
    "filters: the number of output channels",
    required=True,
    main=True,
    aliases=("out_channels", "channels", "units", "num_output"),
)
UNITS = Option(
    positive,
    "units of the layer",
    required=True,
    main=True,
    aliases=("out_features", "filters", "channels", "num_output"),
)
KERNEL = Option(
    axes, "kernel: size of the window, k", required=True, flag="k", aliases=("kernel_size", "pool_size", "k")
)
STRIDE = Option(axes, "stride: step of the window, s", default=(1,), flag="s", aliases=("strides", "s"))
PADDING = Option(
    padding,
    "padding: elements added on each side, p; or `same`, `valid`, or [[before, after], ...]",
    default=((0, 0),),
    flag="p",
    aliases=("pad", "p"),
    words={"same": "same", "valid": "valid"},
)
DILATION = Option(axes, "dilation: distance between taps, d", default=(1,), flag="d", aliases=("dilation_rate", "d"))
GROUPS = Option(
    positive, "groups: the channels are split into g independent groups", default=1, flag="g", aliases=("group", "g")
)
BIAS = Option(
    switch,
    "bias: a trained constant for every filter or unit",
    default=True,
    aliases=("use_bias", "bias_term"),
    words={"nobias": "false"},
)
ROUNDING = Option(
    # PyTorch says it as `ceil_mode: true`: hence truth values beside the words.
    choice("floor", "ceil", true="ceil", false="floor"),
    "rounding of a last window that does not fit: `floor` drops it, `ceil` keeps it",
    default="floor",
    aliases=("ceil_mode",),
    words={"floor": "floor", "ceil": "ceil"},
)

# What every step may say about the program that it stands for; no number of ours depends on it.
BUILT = Option(
    choice("module", "function", "operator"),
    "built: as a `module` of its own, by a `function`, or by an `operator` or method of tensors",
).named("built")
INPLACE = Option(
    switch, "inplace: the result is written over the input", default=False, words={"inplace": "true"}
).named("inplace")
FROZEN = Option(
    all_or_number,
    "frozen: its parameters are stored and not trained; a number: so many of them",
    default=False,
    words={"frozen": "true"},
).named("frozen")
CONSTRUCTION = {option.name: option for option in (BUILT, INPLACE, FROZEN)}
