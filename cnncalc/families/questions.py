"""Which numbers of a network are asked for: `macs`, `C3.output`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from cnncalc.errors import CnncalcError, suggest
from cnncalc.graph import UnknownLayerError
from cnncalc.language import _
from cnncalc.quantities import LAYER_NAMES, NETWORK_NAMES, quantity_called
from cnncalc.report import Report


class Question(NamedTuple):
    """A quantity of the network, or of one of its layers."""

    layer: str
    quantity: str

    def answer(self, report: Report) -> Any:
        """The number, or a tuple of numbers; None where it is not known, or there is no such layer."""
        if not self.layer:
            return report.totals.known(self.quantity)
        try:
            value = getattr(report[self.layer], self.quantity)
        except UnknownLayerError:
            # A family's members differ in depth: a layer of one need not exist in another.
            return None
        return None if value == () else value


def questions_of(names: Iterable[str]) -> dict[str, Question]:
    """The questions by the names in which they are asked. Raises CnncalcError for what is no quantity."""
    found = {}
    for name in names:
        layer, _dot, quantity = name.rpartition(".")
        known = LAYER_NAMES if layer else NETWORK_NAMES
        if quantity not in known:
            meant = quantity_called(quantity)
            near = _("did you mean {word}?", word=meant) if meant in known else suggest(quantity, known)
            if not layer and quantity in LAYER_NAMES:
                near = _("only a layer has one: LAYER.{quantity}", quantity=quantity)
            hint = near or _("known: {names}", names=", ".join(known))
            raise CnncalcError(_("there is no quantity '{name}': {hint}", name=name[:60], hint=hint))
        found[name] = Question(layer, quantity)
    return found
