"""How tiles have to overlap, as a page: see formats/page.py."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cnncalc.analysis.fields.sets.units import SPATIAL_LETTERS
from cnncalc.analysis.fields.tiles import Halo
from cnncalc.formats.page import Page, Section, Table
from cnncalc.language import _
from cnncalc.report import as_json


def halo_page(found: Sequence[Halo], of: str, facts: Mapping[str, Any]) -> Page:
    """A row for each axis."""
    heads = [_("axis"), _("begin at"), _("length"), _("jump"), _("wrong before"), _("wrong after"), _("overlap")]
    rows, data = [], []
    for halo, letter in zip(found, SPATIAL_LETTERS[len(found)], strict=True):
        # With a stride tiles fit only where the whole image's windows begin too: at multiples of the period.
        begin = _("multiples of {period}", period=halo.period) if halo.period > 1 else _("any pixel")
        length = _("any")
        if halo.period > 1:
            length = f"{halo.period} x n + {halo.remainder}" if halo.remainder else f"{halo.period} x n"
        wrong = [str(halo.before), str(halo.after)]
        rows.append([letter, begin, length, str(halo.jump), *wrong, str(halo.overlap)])
        (jump,) = as_json((halo.jump,))
        data.append(
            {
                "axis": letter,
                "period": halo.period,
                "remainder": halo.remainder,
                "jump": jump,
                "wrong_before": halo.before,
                "wrong_after": halo.after,
                "overlap": halo.overlap,
            }
        )
    notes = [
        _("wrong: outputs next to a cut that differ from those of the whole image; at its own borders none do"),
        _("overlap: the fewest pixels that neighbouring tiles have in common, so that no output is missing"),
        _("all other outputs are bit-identical where sums run in the same order, else equal to rounding"),
    ]
    title = _("tiles for {layer}: {network}", layer=found[0].output, network=of)
    table = Table(heads, rows)
    return Page(title, [Section("axes", table, data, notes=notes)], {**facts, "layer": found[0].output})
