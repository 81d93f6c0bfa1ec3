"""cnncalc kinds [KIND]"""

from __future__ import annotations

import inspect
import sys
import textwrap
from itertools import groupby

import click
from click.shell_completion import CompletionItem

from cnncalc.cli.common import fail, lang_option
from cnncalc.language import _
from cnncalc.layers import KINDS, Kind, kind_named
from cnncalc.layers.base import Layer, Option
from cnncalc.layers.sliding import Sliding
from cnncalc.layers.windows import Window
from cnncalc.spec.read.advice import unknown_kind

WINDOW_RULE = (Window.positions.__doc__ or "").partition(": ")[2]


class KindType(click.ParamType):  # type: ignore[type-arg]  # generic in new versions of click only
    """A kind's name, completed."""

    name = "kind"

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        return [CompletionItem(name) for name in KINDS if name.startswith(incomplete)]


@click.command("kinds", context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("kind", required=False, type=KindType())
@lang_option
def command(kind: str | None) -> None:
    """The kinds of layers; with KIND, its options, its other names, and the code that counts it."""
    if kind is None:
        for family, rows in groupby(KINDS.values(), key=lambda row: row.family):
            click.echo(f"{family:<14} {' '.join(row.name for row in rows)}")
        click.echo("\n" + _("`cnncalc kinds KIND` shows its options, its other names and its arithmetic."))
        return
    found = kind_named(kind)
    if found is None:
        problem = _("there is no kind '{kind}'", kind=kind[:40])
        fail(problem + "\n" + _("  hint: {hint}", hint=unknown_kind(kind, ())))
    click.echo(page(found))


def page(kind: Kind) -> str:
    """All that is known of a kind, from the code itself."""
    layer = kind.load()
    lines = [kind.name, "", _(inspect.cleandoc(layer.__doc__ or "?"))]
    if kind.aliases:
        lines += ["", _("also: {names} (without regard to case, _, - and 1d, 2d, 3d)", names=", ".join(kind.aliases))]
    lines += ["", _("options"), *map(option_line, options_of(layer))]
    if not layer.options:
        lines.append(_("  none"))
    lines += ["", _("arithmetic"), *(indented(function) for function in arithmetic(layer))]
    if issubclass(layer, Sliding):
        lines += ["", "  " + _("positions of a window: {window}", window=WINDOW_RULE)]
    if kind.family == "activation":
        table = getattr(sys.modules[layer.__module__], "OPERATIONS", {}).get(kind.name)
        if table is not None:
            each = ", ".join(f"{times} {operation}" for operation, times in table.items())
            lines += ["", _("operations per element: {each}", each=each or _("none"))]
    return "\n".join(lines)


def options_of(layer: type[Layer]) -> list[Option]:
    """The options, the main one first."""
    return sorted(layer.options.values(), key=lambda option: not option.main)


def option_line(option: Option) -> str:
    """`k3  kernel: size of the window, k  (required; also kernel_size, pool_size)`"""
    ways = [f"{option.flag}3"] if option.flag else []
    ways += [_("first value")] if option.main else []
    ways += option.words
    default = _("default {default}", default=shown(option.default)) if option.default is not None else _("optional")
    if option.required:
        default = _("required")
    also = _("; also {names}", names=", ".join(option.aliases)) if option.aliases else ""
    how = f" [{', '.join(ways)}]" if ways else ""
    return f"  {_(option.doc)}{how} ({default}{also})"


def shown(value: object) -> str:
    """A default as it would be written in a spec."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return ", ".join(str(v[0]) if isinstance(v, tuple) else str(v) for v in value)
    return str(value)


def arithmetic(layer: type[Layer]) -> list[str]:
    """The source of `facts`, and of the functions beside it that it needs, from the class that counts."""
    shared = (Layer, Sliding, object)
    functions: dict[str, str] = {"facts": inspect.getsource(layer.facts)}
    for owner in layer.__mro__:
        for name, value in vars(owner).items():
            if owner not in shared and inspect.isfunction(value) and name not in ("on_padding", *functions):
                functions[name] = inspect.getsource(value)
    return list(functions.values())


def indented(source: str) -> str:
    return textwrap.indent(textwrap.dedent(source).rstrip(), "  ")
