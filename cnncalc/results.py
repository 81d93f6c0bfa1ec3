"""What several networks give together, for whoever asks from Python: compared side by side."""

from __future__ import annotations

from typing import NamedTuple

from cnncalc.report import Report


class Comparison(NamedTuple):
    """Several networks side by side."""

    names: tuple[str, ...]
    reports: tuple[Report, ...]

    def __repr__(self) -> str:
        return f"<Comparison of {', '.join(self.names)}>"

    def __str__(self) -> str:
        """What the command prints."""
        from cnncalc.display import text_of

        return text_of(self)

    def _repr_html_(self) -> str:
        from cnncalc.display import html_of

        return html_of(self)
