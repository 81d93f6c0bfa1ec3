"""Specs held to what they expect of themselves: the half of `cnncalc check` that CI runs."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from cnncalc.analysis import analyze_graph
from cnncalc.cli.options import Asked, count_again
from cnncalc.cli.output import Output, fail
from cnncalc.errors import CnncalcError, visible
from cnncalc.formats import write_page
from cnncalc.formats.page import Page
from cnncalc.language import _, reason_of

if TYPE_CHECKING:
    from cnncalc.pages.expectations import Checked


def check_spec(asked: Asked, convention: str | None = None) -> Checked:
    """What became of a spec's expectations, or what is wrong with the spec."""
    from cnncalc.pages.expectations import Checked
    from cnncalc.pages.expectations import check_report as kept

    path = path_of(asked.name)
    try:
        return kept(asked.name, path, count_again(analyze_graph(asked.graph()), convention, judged=True))
    except CnncalcError as error:
        return Checked(asked.name, path, error=error)


def path_of(name: str) -> str:
    """The file of a spec or a model, as it was named; of a bundled network, where it lies."""
    from cnncalc import shipped
    from cnncalc.sources import file_of

    name = file_of(name) or name
    # A file outranks a bundled network of its name.
    found = None if os.path.isfile(name) or os.path.basename(name) != name else shipped.find(name)
    return found.path if found else name


def page_of(found: Sequence[Checked], out: Output) -> Page:
    """The outcome; that for GitHub also goes to the summary of the job, if there is one."""
    from cnncalc.pages.expectations import expected_page

    page = expected_page(found)
    if out.format == "github":
        summarise("### cnncalc check\n\n" + write_page(page, "markdown"))
    return page


def summarise(text: str) -> None:
    """Markdown added to the summary of a job on GitHub; nothing elsewhere."""
    path = os.environ.get("GITHUB_STEP_SUMMARY")
    if not path:
        return
    try:
        # Appended, for other steps of the job write into the same summary.
        with open(path, "a", encoding="utf-8", newline="\n") as file:
            file.write(text + "\n")
    except OSError as error:
        fail(_("{output}: cannot be written: {reason}", output=visible(path), reason=reason_of(error)))
