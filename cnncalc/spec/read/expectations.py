"""The `expect:` block: LAYER.quantity and the number, shape or bound that it must meet."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from math import isfinite
from typing import Any

from cnncalc.errors import CnncalcError, OptionError, Position, Problem, suggest
from cnncalc.graph import Expectation
from cnncalc.language import _
from cnncalc.quantities import LAYER_NAMES, NETWORK_NAMES, QUANTITIES
from cnncalc.spec.read.yamltree import Text, Tree, raw
from cnncalc.spec.values import number, shape


def read_expectations(
    entries: Iterable[tuple[Text, Tree]],
    layers: Iterable[str],
    problems: list[Problem],
    left_out: Collection[str] = (),
    *,
    as_written: bool = True,
) -> tuple[Expectation, ...]:
    """Every expectation; keys and values that cannot be read are noted.

    With other parameters than the spec's own a layer may not be there: what is expected of it is passed over.
    """
    known = set(layers)
    found = []
    for key, node in entries:
        layer, dot, quantity = key.text.rpartition(".")
        quantities = LAYER_NAMES if dot else NETWORK_NAMES
        if dot and layer not in known and not as_written:
            continue
        if dot and layer not in known:
            hint = suggest(layer, known) or _("layers are named as in the table")
            if layer in left_out:
                hint = _("it is left out: its `if:` does not hold")
            problems.append(Problem(_("expect: there is no layer '{layer}'", layer=layer[:40]), key.position, hint))
        elif quantity not in quantities:
            hint = suggest(quantity, quantities) or _("known: {names}", names=", ".join(quantities))
            if quantity in LAYER_NAMES:
                hint = _("only a layer has one: LAYER.{quantity}", quantity=quantity)
            # {params: 61,706} is params: 61, and a key 706 without a value.
            if key.text.isdigit():
                hint = _("inside { } a comma ends a value: write the number without commas, or in quotes")
            problems.append(
                Problem(_("expect: unknown quantity '{quantity}'", quantity=quantity[:40]), key.position, hint)
            )
        else:
            try:
                found.append(_expectation(layer or None, quantity, raw(node), key))
            except OptionError as error:
                problems.append(
                    Problem(
                        _("expect: {key}: {problem}", key=key.text, problem=error.problem), node.position, error.hint
                    )
                )
    return tuple(found)


def expectations_of(bounds: Mapping[str, Any], layers: Iterable[str]) -> tuple[Expectation, ...]:
    """Expectations from Python: {"macs": "<= 500M", "C3.output": (16, 10, 10)}. Raises CnncalcError."""
    problems: list[Problem] = []
    entries = [(Text(name, _NOWHERE), Text(_write_value(value), _NOWHERE)) for name, value in bounds.items()]
    found = read_expectations(entries, layers, problems)
    if problems:
        raise CnncalcError("; ".join(p.problem + (f" ({p.hint})" if p.hint else "") for p in problems))
    return tuple(expectation._replace(position=None) for expectation in found)


_NOWHERE = Position(1, 1)


def _write_value(value: Any) -> str:
    return "x".join(map(str, value)) if isinstance(value, (tuple, list)) else str(value)


def _expectation(layer: str | None, quantity: str, value: object, key: Text) -> Expectation:
    # With the text as it was written, which is found below.
    def make(relation: str, low: tuple[int, ...], high: tuple[int, ...] = ()) -> Expectation:
        return Expectation(layer, quantity, relation, low, high, key.position, text)

    read: Any = _sizes if QUANTITIES[quantity].tuples else _ratio if QUANTITIES[quantity].of else _count
    text = str(value).strip()
    if read is _ratio and text[:1].isdecimal() and ".." not in text:  # as far as it is written
        # 5.03 stands for all that rounds to it: from 5.025 to 5.035.
        (near,), digits = read(text), len(text.partition(".")[2])
        return make("..", (near - 0.5 / 10**digits,), (near + 0.5 / 10**digits,))
    if not isinstance(value, str):
        return make("=", read(value))
    for relation in ("<=", ">=", "<", ">"):
        if text.startswith(relation):
            return make(relation, read(text[len(relation) :].strip()))
    if ".." in text:
        low, high = text.split("..", 1)
        lower, upper = read(low.strip()), read(high.strip())
        if any(a > b for a, b in zip(lower, upper, strict=False)):
            raise OptionError(_("no number lies in {text}", text=text), _("the smaller number stands first"))
        return make("..", lower, upper)
    return make("=", read(text))


def _ratio(value: object) -> tuple[float, ...]:
    """A ratio, with or without a point."""
    try:
        return (float(value),) if isinstance(value, str) and isfinite(float(value)) else _count(value)
    except ValueError:
        return _count(value)


def _count(value: object) -> tuple[int, ...]:
    if not isinstance(value, str):
        raise OptionError(_("a count is one number"))
    return (number(value),)


def _sizes(value: object) -> tuple[int, ...]:
    """A size per axis; starts may be negative, and 0."""
    if isinstance(value, str) and value[:1] in "-0":
        parts = value.split("x")
        if all(part.removeprefix("-").isdecimal() and len(part) < 16 for part in parts):
            return tuple(map(int, parts))
    return shape(value)
