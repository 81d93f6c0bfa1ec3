"""cnncalc kinds [KIND]"""

from __future__ import annotations

import sys
from typing import Any

import click
from click.shell_completion import CompletionItem

from cnncalc.cli.docstrings import docstring_of
from cnncalc.cli.help_option import OwnHelp
from cnncalc.cli.options import lang_option
from cnncalc.cli.output import Output, errors_end_the_run, fail, output_options
from cnncalc.errors import visible
from cnncalc.formats.page import Page, Section, Table
from cnncalc.language import _, enumerate_words, n_
from cnncalc.layers import KINDS, Kind, kind_named
from cnncalc.layers.base import Layer, Option, shape_text
from cnncalc.layers.sliding import Sliding
from cnncalc.layers.windows import Window

# The families of `layers`, as they are shown.
FAMILIES = (
    n_("conv"), n_("pooling"), n_("dense"), n_("normalisation"), n_("attention"), n_("activation"), n_("shape"),
    n_("learned"), n_("reduction"), n_("resampling"), n_("merge"), n_("recurrent"),
)  # fmt: skip
# The rule is the code's own description, without the words before the colon.
WINDOW_RULE = docstring_of(Window.positions).partition(": ")[2]


class KindType(click.ParamType):  # type: ignore[type-arg]  # generic in new versions of click only
    """A kind's name, completed."""

    name = "kind"

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        return [CompletionItem(name) for name in KINDS if name.startswith(incomplete)]


@click.command("kinds", cls=OwnHelp)
@click.argument("kind", required=False, type=KindType())
@output_options()
@lang_option
def command(kind: str | None, out: Output) -> None:
    """The kinds of layers; with KIND, its options, its other names, and its arithmetic."""
    found = None if kind is None else kind_named(kind)
    if kind is not None and found is None:
        problem = _("there is no kind '{kind}'", kind=visible(kind[:40]))
        from cnncalc.spec.read.advice import unknown_kind

        fail(problem + "\n" + _("  hint: {hint}", hint=unknown_kind(kind, ())))
    with errors_end_the_run():
        out.write(kinds_page() if found is None else kind_page(found))


def kinds_page() -> Page:
    """Every kind, family by family."""
    # Kinds of one family need not stand together in the table: those that join values stand apart.
    families: dict[str, list[Kind]] = {}
    for kind in KINDS.values():
        families.setdefault(kind.family, []).append(kind)
    rows = [[_(family), " ".join(kind.name for kind in kinds)] for family, kinds in families.items()]
    data = [{"family": kind.family, "name": kind.name, "also": list(kind.aliases)} for kind in KINDS.values()]
    notes = [_("`cnncalc kinds KIND` shows its options, its other names and its arithmetic.")]
    return Page("", [Section("kinds", Table([_("family"), _("kinds")], rows, left=2), data, notes=notes)])


def kind_page(kind: Kind) -> Page:
    """All that is known of a kind, from the code itself."""
    layer = kind.load()
    about = _(docstring_of(layer))
    sections = [Section("", notes=[" ".join(part.split()) for part in about.split("\n\n")], indent=0)]
    if kind.aliases:
        names = enumerate_words(kind.aliases)
        also = _("also: {names} (without regard to case, _, - and 1d, 2d, 3d)", names=names)
        sections.append(Section("", notes=[also], indent=0))
    options = [write_option(option) for option in options_of(layer)] or [_("none")]
    sections.append(Section("", heading=_("options"), notes=options))
    sections += explain_arithmetic(kind)
    if issubclass(layer, Sliding):
        sections.append(Section("", notes=[_("positions of a window: {window}", window=WINDOW_RULE)]))
    if kind.family == "activation":
        # What an activation costs stands beside its class, in the table that its arithmetic reads.
        table = getattr(sys.modules[layer.__module__], "OPERATIONS", {}).get(kind.name)
        if table is not None:
            each = ", ".join(f"{times} {operation}" for operation, times in table.items())
            sections.append(Section("", notes=[_("operations per element: {each}", each=each or _("none"))]))
    return Page(kind.name, sections, lambda: kind_data(kind), records=lambda: options_data(layer), broken_at=100)


def kind_data(kind: Kind) -> dict[str, Any]:
    """A kind as JSON has it."""
    layer = kind.load()
    about = docstring_of(layer)
    return {"name": kind.name, "family": kind.family, "also": list(kind.aliases), "about": about,
            "options": options_data(layer)}  # fmt: skip


def options_data(layer: type[Layer]) -> list[dict[str, Any]]:
    """The options of a kind for programs."""
    return [
        {"name": name, "about": option.doc, "required": option.required, "also": list(option.aliases)}
        for name, option in layer.options.items()
    ]


def options_of(layer: type[Layer]) -> list[Option]:
    """The options, the main one first."""
    # False comes before True, and what is equal keeps its order.
    return sorted(layer.options.values(), key=lambda option: not option.main)


def write_option(option: Option) -> str:
    """`k3  kernel: size of the window, k  (required; also kernel_size, pool_size)`"""
    ways = [f"{option.flag}3"] if option.flag else []
    ways += [_("first value")] if option.main else []
    ways += option.words
    default = (
        _("default {default}", default=write_default(option.default)) if option.default is not None else _("optional")
    )
    if option.required:
        default = _("required")
    also = _("; also {names}", names=enumerate_words(option.aliases)) if option.aliases else ""
    if not ways:
        return _("{option} ({default})", option=_(option.doc), default=default + also)
    return _("{option} [{ways}] ({default})", option=_(option.doc), ways=enumerate_words(ways), default=default + also)


def write_default(value: object) -> str:
    """A default as it would be written in a spec."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return ", ".join(str(v[0]) if isinstance(v, tuple) else str(v) for v in value)
    return str(value)


def explain_arithmetic(kind: Kind) -> list[Section]:
    """The kind's arithmetic on the board: the formulas that its `facts` run, on an example."""
    from cnncalc.analysis import analyze_graph
    from cnncalc.analysis.derivations import explain
    from cnncalc.analysis.derivations.board import board
    from cnncalc.cli.examples import example_of

    example = example_of(kind)
    if example is None:
        return []
    step, graph = example
    report = analyze_graph(graph)
    name = graph.nodes[-1].name
    sized = ("_bytes", "field")  # of the batch and the dtype, and of what stands before the layer
    found = [derivation for derivation in explain(report, name) if not derivation.quantity.endswith(sized)]
    entering = shape_text(next(iter(graph.inputs.values())))
    heading = _("arithmetic, by the example of `{step}` on {shape}", step=step, shape=entering)
    return [Section("", heading=heading), *board(found).sections]
