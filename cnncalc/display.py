"""Results that print and show themselves as the commands show them.

A table from the name of a class to the function that makes its page, loaded when a value is shown, like the table of
commands: so what computes a result knows nothing of how it is shown, and `pages` may know all results.
"""

from importlib import import_module
from typing import Any

from cnncalc.formats.page import Page

PAGES = {"Report": "network.network_page", "Difference": "difference.difference_page",
         "Verification": "verification.verification_page", "Reconciled": "conventions.reconciled_page",
         "UnitField": "units.field_page", "Result": "grades.result_page", "Sweep": "sweep.sweep_page",
         "Solved": "solve.solve_page", "Comparison": "totals.compared_page"}  # fmt: skip


def page_of(value: Any) -> Page:
    """The page that shows a result. Its class, or one that it is derived from, has a row in PAGES."""
    # By their names: a class that nobody has a value of is not loaded for this.
    name = next(cls.__name__ for cls in type(value).__mro__ if cls.__name__ in PAGES)
    module, function = PAGES[name].split(".")
    page: Page = getattr(import_module(f"cnncalc.pages.{module}"), function)(value)
    return page


def text_of(value: Any) -> str:
    """What a command prints for it through a pipe, without the last line break."""
    from cnncalc.formats import write_page

    return write_page(page_of(value), "plain").rstrip("\n")


def html_of(value: Any) -> str:
    """What a notebook shows of it."""
    from cnncalc.formats.html import fragment

    return fragment(page_of(value))
