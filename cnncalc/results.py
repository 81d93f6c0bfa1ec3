"""What several networks give together, for whoever asks from Python: compared side by side, or as one family."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from cnncalc.report import Report, Totals


class Comparison(NamedTuple):
    """Several networks side by side."""

    names: tuple[str, ...]
    reports: tuple[Report, ...]

    def __str__(self) -> str:
        """What the command prints."""
        from cnncalc.display import text_of

        return text_of(self)

    def _repr_html_(self) -> str:
        from cnncalc.display import html_of

        return html_of(self)


class Sweep(NamedTuple):
    """Totals of a family of networks: for each member the values of its parameters, and what they give."""

    params: tuple[Mapping[str, Any], ...]
    totals: tuple[Totals, ...]

    def __str__(self) -> str:
        """What the command prints."""
        from cnncalc.display import text_of

        return text_of(self)

    def _repr_html_(self) -> str:
        from cnncalc.display import html_of

        return html_of(self)

    def __getitem__(self, quantity: Any) -> Any:
        """A quantity of every member, exact integers in order: sweep["macs"]."""
        if isinstance(quantity, str):
            return [getattr(totals, quantity) for totals in self.totals]
        return tuple.__getitem__(self, quantity)
