"""How other tools count: every convention as data, in tools/, and what each would print for a network.

cnncalc.conventions.convention("thop") reads one; under(report, convention) counts a report by it; overview(report)
puts all side by side; reconcile(report, one, other) says where a difference comes from; identify(number, networks)
finds out whose number it is.
"""

from __future__ import annotations

from cnncalc.conventions.counting import Count, counts, under
from cnncalc.conventions.overview import Printed, overview
from cnncalc.conventions.reading import SHIPPED, Convention, Rule, convention
from cnncalc.conventions.reconciling import Cause, Reconciled, reconcile

__all__ = [
    "SHIPPED",
    "Cause",
    "Convention",
    "Count",
    "Printed",
    "Reconciled",
    "Rule",
    "convention",
    "counts",
    "overview",
    "reconcile",
    "under",
]
