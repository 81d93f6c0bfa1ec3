"""cnncalc kinds [KIND]"""

from __future__ import annotations

import inspect
import sys
import textwrap
from itertools import groupby

import click
from click.shell_completion import CompletionItem

from cnncalc.cli.common import fail
from cnncalc.layers import KINDS, Kind, kind_named
from cnncalc.layers.base import Layer, Option
from cnncalc.layers.sliding import Sliding
from cnncalc.layers.windows import Window
from cnncalc.spec.advice import unknown_kind

WINDOW_RULE = (Window.positions.__doc__ or "").partition(": ")[2]


class KindType(click.ParamType):  # type: ignore[type-arg]  # generic in new versions of click only
    """A kind's name, completed."""

    name = "kind"

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        return [CompletionItem(name) for name in KINDS if name.startswith(incomplete)]


@click.command("kinds", context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("kind", required=False, type=KindType())
def command(kind: str | None) -> None:
    """The kinds of layers; with KIND, its options, its other names, and the code that counts it."""
    if kind is None:
        for family, rows in groupby(KINDS.values(), key=lambda row: row.family):
            click.echo(f"{family:<14} {' '.join(row.name for row in rows)}")
        click.echo("\n`cnncalc kinds KIND` shows its options, its other names and its arithmetic.")
        return
    found = kind_named(kind)
    if found is None:
        fail(f"there is no kind '{kind[:40]}'\n  hint: {unknown_kind(kind, ())}")
    click.echo(page(found))


def page(kind: Kind) -> str:
    """All that is known of a kind, from the code itself."""
    layer = kind.load()
    lines = [kind.name, "", inspect.cleandoc(layer.__doc__ or "")]
    if kind.aliases:
        lines += ["", f"also: {', '.join(kind.aliases)} (without regard to case, _, - and 1d, 2d, 3d)"]
    lines += ["", "options", *map(option_line, options_of(layer))]
    if not layer.options:
        lines.append("  none")
    lines += ["", "arithmetic", *(indented(function) for function in arithmetic(layer))]
    if issubclass(layer, Sliding):
        lines += ["", f"  positions of a window: {WINDOW_RULE}"]
    if kind.family == "activation":
        table = getattr(sys.modules[layer.__module__], "OPERATIONS", {}).get(kind.name)
        if table is not None:
            each = ", ".join(f"{times} {operation}" for operation, times in table.items())
            lines += ["", f"operations per element: {each or 'none'}"]
    return "\n".join(lines)


def options_of(layer: type[Layer]) -> list[Option]:
    """The options, the main one first."""
    return sorted(layer.options.values(), key=lambda option: not option.main)


def option_line(option: Option) -> str:
    """`k3  kernel: size of the window, k  (required; also kernel_size, pool_size)`"""
    ways = [f"{option.flag}3"] if option.flag else []
    ways += ["first value"] if option.main else []
    ways += option.words
    default = f"default {shown(option.default)}" if option.default is not None else "optional"
    if option.required:
        default = "required"
    also = f"; also {', '.join(option.aliases)}" if option.aliases else ""
    how = f" [{', '.join(ways)}]" if ways else ""
    return f"  {option.doc}{how} ({default}{also})"


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
