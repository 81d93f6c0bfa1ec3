"""What `cnncalc memory` shows: the peak by kind, the steps, what fits, and whether another order takes less."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from cnncalc.analysis.costs import MASK
from cnncalc.analysis.ordering import MOST_SETS, Order
from cnncalc.analysis.timeline import Plan, Timeline
from cnncalc.formats.numbers import in_units, number
from cnncalc.formats.page import Note, Page, Section, Table
from cnncalc.language import _
from cnncalc.report import Report
from cnncalc.report import title as title_of

MOST_ROWS = 24  # of the steps, unless all are asked for
WIDEST_BAR = 24
BAR = "█"


class Limit(NamedTuple):
    """What is to be fitted into: bytes, as they were written; and what is looked for, if anything is."""

    bytes: int
    text: str
    find: str | None


class Asked(NamedTuple):
    """How a network was run: the plan, whether it was trained, and activations in place."""

    plan: Plan
    train: bool
    inplace: bool


def build_memory_page(
    report: Report, found: Timeline, asked: Asked, limit: Limit | None, order: Order | None, *, expand: bool
) -> Page:
    """The page of a run. `limit` and `order`: what was asked besides."""
    # A network without layers has no steps, and so no peak among them.
    peak, place = found.peak(), found.peak_step() if found.steps else 0
    kinds = found.by_kind(place) if found.steps else {}
    notes = [*say_peak(found, peak, place), *say_rules(asked)]
    sections = [Section("kinds", kinds_table(kinds, peak), data_of_kinds(kinds), notes=notes)]
    if limit is not None:
        sections.append(Section("", notes=[say_fit(found, limit, peak)], indent=0))
    if order is not None:
        sections.append(build_order_section(report, order, asked.plan))
    sections.append(build_steps_section(found, expand))
    return Page(
        _("{network}: {run}", network=title_of(report), run=say_run(asked)),
        sections,
        lambda: facts_of(report, found, asked, limit, order),
        records=lambda: data_of_steps(found),
    )


def say_run(asked: Asked) -> str:
    """`a step of training, 32 samples of float32, adam`."""
    plan = asked.plan
    values = {"batch": plan.batch, "dtype": plan.dtype if not plan.amp else _("float32 with 16-bit values")}
    samples = _("1 sample of {dtype}", **values) if plan.batch == 1 else _("{batch} samples of {dtype}", **values)
    if not asked.train:
        return _("a forward pass, {samples}", samples=samples)
    return _("a step of training, {samples}, {optimizer}", samples=samples, optimizer=plan.optimizer)


def kinds_table(kinds: dict[str, int], peak: int) -> Table:
    """A row for each kind of tensor, at the peak."""
    rows = [[_(kind), number(size), f"{100 * size / peak:.1f}"] for kind, size in kinds.items()]
    return Table([_("at the peak"), _("bytes"), "%"], rows, foot=[_("total"), number(peak), "100.0"])


def data_of_kinds(kinds: dict[str, int]) -> list[dict[str, Any]]:
    return [{"kind": kind, "bytes": size} for kind, size in kinds.items()]


def say_peak(found: Timeline, peak: int, place: int) -> list[Note]:
    """Where the peak is."""
    if not found.steps:
        return []
    step = found.steps[place]
    text = _("{bytes} at {layer}, {phase}", bytes=in_units(peak), layer=step.name, phase=_(step.phase))
    return [(_("peak"), text)]


def say_rules(asked: Asked) -> list[Note]:
    """What is counted, and what is not."""
    left_out = _("workspace of algorithms, the loss, and what an allocator rounds up")
    notes: list[Note] = [(_("not counted"), left_out)]
    if asked.train:
        mask = _("a byte") if asked.plan.mask == MASK else _("a value")
        notes.append((_("kept"), _("what PyTorch keeps; of dropout {mask} for each element", mask=mask)))
        if asked.inplace:
            notes.append((_("in place"), _("activations that do with their result are written over what enters")))
        if asked.plan.amp:
            notes.append((_("16 bit"), _("values, and a copy of the weights; parameters and statistics have 32")))
        if asked.plan.checkpoint:
            notes.append((_("run again"), ", ".join(asked.plan.checkpoint)))
    elif asked.plan.fused:
        notes.append((_("in place"), _("norms, activations and sums take the memory of what they read")))
    else:
        notes.append((_("kept"), _("every operation writes a new tensor, which lives until its last reader has run")))
    return notes


def say_fit(found: Timeline, limit: Limit, peak: int) -> Note:
    """Whether it fits, or how many samples do."""
    room = _("{text} ({bytes} bytes)", text=limit.text, bytes=number(limit.bytes))
    if limit.find is None:
        if peak <= limit.bytes:
            return _("fits into {room}: {left} bytes are left", room=room, left=number(limit.bytes - peak))
        return _("does not fit into {room}: {more} bytes are missing", room=room, more=number(peak - limit.bytes))
    most = found.largest_batch(limit.bytes)
    if most is None:
        return _("any number of samples fits into {room}", room=room)
    if most == 0:
        return _("not even 1 sample fits into {room}", room=room)
    # How full it is, and what one more would take: whoever reads it sees how near the limit is.
    full = found._replace(batch=most).peak()
    more = found._replace(batch=most + 1).peak()
    return _(
        "{most} samples fit into {room}: they take {full} bytes, and {next} would take {more}",
        most=number(most), room=room, full=number(full), next=number(most + 1), more=number(more),
    )  # fmt: skip


def build_order_section(report: Report, order: Order, plan: Plan) -> Section:
    """Whether another order of the branches has a smaller peak, and which."""
    # Orders are compared in elements of one sample: here they become bytes.
    size = plan.size * plan.batch
    was, best = in_units(order.as_written * size), in_units(order.peak * size)
    names = [row.name for row in report.layers]
    if order.peak < order.as_written:
        notes: list[Note] = [
            _("order: {best} at peak instead of {was}, if these operations run earlier", best=best, was=was)
        ]
        if not order.exact:
            notes.append(_("of more than {most} sets of operations not all were looked at", most=number(MOST_SETS)))
        table = Table([_("run earlier"), _("before")], list_moves(order, names), left=2)
        return Section("order", table, data_of_order(order, names), notes=notes)
    if order.exact:
        note = _("order: no other order of the operations has a smaller peak than {was}", was=was)
    else:
        note = _(
            "order: none of those that were looked at has a smaller peak than {was}; there are too many for all",
            was=was,
        )
    return Section("order", data=data_of_order(order, names), notes=[note], indent=0)


def list_moves(order: Order, names: Sequence[str]) -> list[list[str]]:
    """Operations that run earlier than they stand: stretches of them, and before which one each runs."""
    rows: list[list[str]] = []
    waiting, last = 0, -2  # the first that has not run; the one that ran last
    ran: set[int] = set()
    for node in order.nodes:
        # It runs before one that stands before it: that is a move. Neighbours that move together are one stretch.
        if node != waiting:
            if node == last + 1 and rows and rows[-1][1] == names[waiting]:
                rows[-1][0] = f"{rows[-1][0].split(' .. ')[0]} .. {names[node]}"
            else:
                rows.append([names[node], names[waiting]])
        ran.add(node)
        last = node
        while waiting in ran:
            waiting += 1
    return rows


def data_of_order(order: Order, names: Sequence[str]) -> list[dict[str, Any]]:
    return [{"place": place, "layer": names[node]} for place, node in enumerate(order.nodes)]


def build_steps_section(found: Timeline, expand: bool) -> Section:
    """The steps with what is held at each; of many those that hold most among their neighbours."""
    held = found.sum_held()
    places = list(range(len(held)))
    if not expand and len(held) > MOST_ROWS:
        # Stretches of nearly the same length, in whole numbers: none is empty, as there are more steps than rows.
        cuts = [len(held) * i // MOST_ROWS for i in range(MOST_ROWS + 1)]
        places = [max(range(a, b), key=held.__getitem__) for a, b in pairwise(cuts)]
    # Where nothing is held anywhere all bars have length 0.
    top = max(held, default=0) or 1
    rows = [
        [found.steps[i].name, _(found.steps[i].phase), number(held[i]), BAR * round(WIDEST_BAR * held[i] / top)]
        for i in places
    ]
    notes = []
    if len(places) < len(held):
        notes.append(
            _("{shown} of {all} steps, those that hold most among their neighbours: --expand shows all",
              shown=len(places), all=len(held))
        )  # fmt: skip
    table = Table([_("step"), _("phase"), _("bytes held"), ""], rows, left={0, 1, 3}, dispensable=[""])
    return Section("steps", table, data_of_steps(found), notes=notes)


def data_of_steps(found: Timeline) -> list[dict[str, Any]]:
    return [
        {"layer": step.name, "phase": step.phase, "bytes": held}
        for step, held in zip(found.steps, found.sum_held(), strict=True)
    ]


def facts_of(report: Report, found: Timeline, asked: Asked, limit: Limit | None, order: Order | None) -> dict[str, Any]:
    """What JSON says besides kinds and steps."""
    place = found.peak_step() if found.steps else 0
    step = found.steps[place] if found.steps else None
    facts: dict[str, Any] = {
        "name": report.name,
        "inputs": {name: list(shape) for name, shape in report.inputs.items()},
        "settings": {**asked.plan._asdict(), "train": asked.train, "inplace": asked.inplace},
        "peak": {
            "bytes": found.peak(), "layer": step.name if step else None, "phase": step.phase if step else None,
        },
        "tensors": [
            {"name": t.name, "kind": t.kind, "bytes": found.size(t), "first": t.first, "last": t.last}
            for t in found.tensors
        ],
    }  # fmt: skip
    if limit is not None:
        facts["limit"] = {"bytes": limit.bytes, "fits": found.peak() <= limit.bytes}
        if limit.find:
            facts["limit"]["batch"] = found.largest_batch(limit.bytes)
    if order is not None:
        facts["best_order"] = {"peak": order.peak * asked.plan.size * asked.plan.batch, "exact": order.exact}
    return facts
