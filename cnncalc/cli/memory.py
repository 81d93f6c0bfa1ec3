"""cnncalc memory SPEC: what is in memory while a network runs or is trained."""

from __future__ import annotations

import re
import sys
from typing import Any, NamedTuple

import click

from cnncalc.analysis.timeline import OPTIMIZERS, Plan
from cnncalc.cli.completion import LayerType
from cnncalc.cli.help_option import OwnHelp
from cnncalc.cli.options import Asked, size_options, spec_options
from cnncalc.cli.output import Output, errors_end_the_run, output_options
from cnncalc.language import _

UNITS = {
    "": 1, "b": 1, "kib": 2**10, "mib": 2**20, "gib": 2**30, "tib": 2**40,
    "kb": 10**3, "mb": 10**6, "gb": 10**9, "tb": 10**12,
}  # fmt: skip
MASKS = ("byte", "value")


class SizeType(click.ParamType):  # type: ignore[type-arg]  # generic in new versions of click only
    """Bytes: 4GiB is 4 x 2^30, 4GB 4 x 10^9."""

    name = "size"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, str]:
        match = re.fullmatch(
            r"(\d{1,3}(?:,\d{3})+|\d{1,30})(?:\.(\d{1,9}))?\s*([a-zA-Z]{0,3})", value.strip(), re.ASCII
        )
        unit = UNITS.get(match[3].lower()) if match else None
        if match is None or unit is None:
            self.fail(_("'{value}' is no size: write 4GiB, 512MiB, 320KB or a number of bytes.", value=value[:40]))
        decimals = match[2] or ""
        # In integers: 0.1GB is 100,000,000 bytes, and nothing is rounded on the way.
        return int(match[1].replace(",", "") + decimals) * unit // 10 ** len(decimals), value.strip()


class Wish(NamedTuple):
    """What is asked of a network's memory, as the options have it."""

    train: bool
    batch: int
    dtype: str
    optimizer: str | None
    amp: bool
    blocks: tuple[str, ...]
    mask: str
    inplace: bool
    fused: bool
    limit: tuple[int, str] | None
    find: str | None
    order: bool

    def check(self) -> None:
        """Raise UsageError for options of which one leaves no sense to the other."""
        training = {
            "--optimizer": self.optimizer, "--amp": self.amp, "--checkpoint": self.blocks, "--inplace": self.inplace,
        }  # fmt: skip
        alone = next((name for name, given in training.items() if given and not self.train), None)
        if alone:
            raise click.UsageError(_("{option} goes with --train.", option=alone))
        if self.train and (self.fused or self.order):
            option = "--fused" if self.fused else "--order"
            raise click.UsageError(_("{option} goes without --train.", option=option))
        if self.order and self.fused:
            raise click.UsageError(_("--order goes without --fused."))
        if self.amp and self.dtype != "float32":
            raise click.UsageError(_("--amp goes with float32: it has 16-bit values itself."))
        if self.find and self.limit is None:
            raise click.UsageError(_("--find goes with --fits SIZE."))

    def plan(self) -> Plan:
        """How the network runs. What dropout keeps of an element is a byte, or as large as a value."""
        plan = Plan(self.dtype, self.batch, self.optimizer or "sgd", self.amp, self.blocks, self.fused)
        # How large a value is follows from the dtype, which the plan has made out.
        return plan._replace(mask=1 if self.mask == "byte" else plan.size)


@click.command("memory", cls=OwnHelp)
@spec_options
@click.option("--train", is_flag=True, help=_("A step of training instead of a forward pass."))
@size_options
@click.option("--optimizer", type=click.Choice(list(OPTIMIZERS)), help=_("With --train.  [default: sgd]"))
@click.option("--amp", is_flag=True, help=_("With --train: values in 16 bit, parameters in 32."))
@click.option(
    "--checkpoint",
    "blocks",
    multiple=True,
    metavar="BLOCK",
    type=LayerType(),
    help=_("With --train: this block keeps nothing and runs again; may be given again."),
)
@click.option(
    "--dropout-mask",
    "mask",
    type=click.Choice(MASKS),
    default="byte",
    show_default=True,
    help=_("With --train: what dropout keeps of each element, a byte as on GPUs, or a value as on CPUs (PyTorch)."),
)
@click.option(
    "--inplace", is_flag=True, help=_("With --train: activations written over what enters, where they can be.")
)
@click.option("--fused", is_flag=True, help=_("Norms, activations and sums in place, as small runtimes do."))
@click.option("--fits", "limit", type=SizeType(), metavar="SIZE", help=_("Status 1 if it takes more: 4GiB, 512KB."))
@click.option("--find", type=click.Choice(["batch"]), help=_("With --fits: the largest batch that does."))
@click.option("--order", is_flag=True, help=_("Whether another order of the branches has a smaller peak."))
@click.option("--expand", is_flag=True, help=_("Every step, however many there are."))
@output_options()
def command(asked: Asked, expand: bool, out: Output, **chosen: Any) -> None:
    """What is in memory while a network runs, or is trained: the peak with its layer, by kind, and step by step.

    `cnncalc memory resnet50 --train --fits 16GiB --find batch` says how large a batch may be. Workspace is not counted.
    """
    wish = Wish(**chosen)
    wish.check()
    with errors_end_the_run():
        from cnncalc.analysis import analyze_graph
        from cnncalc.analysis.inplace import in_place
        from cnncalc.analysis.ordering import find_order
        from cnncalc.analysis.timeline import plan_inference, plan_training
        from cnncalc.pages import memory as pages

        graph = asked.graph()
        plan = wish.plan()
        # Before the plan, for what is kept depends on what is written over.
        if wish.inplace:
            graph = in_place(graph)
        found = plan_training(graph, plan) if wish.train else plan_inference(graph, plan)
        page = pages.build_memory_page(
            analyze_graph(graph),
            found,
            pages.Asked(plan, wish.train, wish.inplace),
            None if wish.limit is None else pages.Limit(*wish.limit, wish.find),
            find_order(graph) if wish.order else None,
            expand=expand,
        )
        out.write(page)
    if wish.limit is not None:
        most = wish.limit[0]
        fits = found.peak() <= most if wish.find is None else found.largest_batch(most) != 0
        sys.exit(0 if fits else 1)
