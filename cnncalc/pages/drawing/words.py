"""What is written into drawings: numbers of quantities, short and whole, and which quantity a word names."""

from __future__ import annotations

from typing import Any

from cnncalc.errors import CnncalcError, suggest
from cnncalc.formats.numbers import in_units, number, sizes, value_text
from cnncalc.language import _
from cnncalc.quantities import OF_A_LAYER, QUANTITIES, Quantity
from cnncalc.report import Row


def find_quantity(word: str) -> Quantity:
    """The quantity of a layer that this word names: `macs`, or `activations`. Raises CnncalcError."""
    plain = word.strip().lower()
    for quantity in OF_A_LAYER:
        if plain == quantity.name or plain in quantity.words.split():
            return quantity
    names = [quantity.name for quantity in OF_A_LAYER]
    hint = suggest(plain, names) or _("known: {names}", names=", ".join(names))
    raise CnncalcError(_("no layer has the quantity '{name}': {hint}", name=word[:40], hint=hint))


def write_short(quantity: str, value: Any) -> str:
    """A number as it is written beside a bar: bytes in their units, others whole."""
    if QUANTITIES[quantity].bytes and value is not None:
        return in_units(value)
    return value_text(value) if value != () else "?"


def describe(row: Row) -> str:
    """What a pointer is told of a row: a line for its kind and shape, and one for each quantity that is drawn."""
    from cnncalc.quantities import DRAWN

    lines = [row.name, f"{row.kind}: {sizes(row.output)}"]
    for quantity in OF_A_LAYER:
        if DRAWN in quantity.lists:
            value = getattr(row, quantity.name)
            lines.append(_("{name}: {text}", name=_(quantity.heading), text=number(value)))
    return "\n".join(lines)
