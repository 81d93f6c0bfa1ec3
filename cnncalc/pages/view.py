"""What of a report is shown: which rows, which columns, and what is said around the table.

Shared by all formats for people. Numbers with thousands separators, shapes as 6x28x28, `?` for unknown.
"""

from collections.abc import Callable, Iterator, Sequence
from math import prod
from typing import Any, NamedTuple

from cnncalc.analysis.folding import fold
from cnncalc.analysis.memory import find_peak
from cnncalc.errors import CnncalcError, suggest
from cnncalc.formats.numbers import in_units, number, percent, sizes, value_text
from cnncalc.language import _, n_
from cnncalc.quantities import ASKED, OF_A_LAYER, QUANTITIES, SHAPE, SUMMED, USUAL, USUAL_SHARE
from cnncalc.report import Report, Row, Verdict
from cnncalc.report import title as title


class Column(NamedTuple):
    """A column: its heading, and how a row's number is written.

    usual: there unless others are asked for; leaves: rank among those that go where they do not all fit, the first to
    go first; summed: it has a total; asked: nowhere unless it is asked for.
    """

    heading: str
    write: Callable[[Any], str]
    left: bool = False
    usual: bool = False
    leaves: float | None = None
    summed: bool = False
    asked: bool = False


def quantity_columns() -> Iterator[tuple[str, Column]]:
    """A column for each quantity of a layer, behind it one with its share where there is such."""
    for q in OF_A_LAYER:
        write = sizes if q.tuples else number
        # A total that is no sum, a shape or a field, has no place at the foot of a column.
        summed = bool(q.total) and q.subject != SHAPE
        yield q.name, Column(q.heading, write, usual=USUAL in q.lists, leaves=q.leaves, summed=summed)
        if q.share:  # shares are the first to go
            yield f"{q.name}_share", Column(q.share, percent, usual=USUAL_SHARE in q.lists, leaves=0)


COLUMNS = {
    "name": Column(n_("layer"), str, left=True, usual=True),
    "kind": Column(n_("kind"), str, left=True, usual=True, leaves=4),
    "inputs": Column(n_("inputs"), ", ".join, left=True),
    "input": Column(n_("input"), str, asked=True),
    **{
        name: Column(letter, str, asked=True)
        for name, letter in (("kernel", "k"), ("stride", "s"), ("padding", "p"), ("dilation", "d"), ("groups", "g"))
    },
    **dict(quantity_columns()),
}
DEFAULT = tuple(name for name, column in COLUMNS.items() if column.usual)
# Where they do not all fit: the first to go comes first.
DISPENSABLE = tuple(
    sorted((name for name in DEFAULT if COLUMNS[name].leaves is not None), key=lambda n: COLUMNS[n].leaves or 0)
)


def headings_of(columns: Sequence[str], report: Report | None = None) -> list[str]:
    """What stands above these columns; the number of another tool has the tool's name."""
    labels = report.convention if report is not None else None
    found = []
    for name in columns:
        text = _(COLUMNS[name].heading)
        foreign = labels is not None and name.removesuffix("_share") == labels.number != "params"
        found.append(f"{labels.name} {text}" if labels is not None and foreign else text)
    return found


class View(NamedTuple):
    """What the reader asked for. No columns: those that fit. `expand`: a row for every operation.

    sort  the column by which rows are ordered, the largest first; top: how many rows are shown
    """

    columns: tuple[str, ...] | None = None
    expand: bool = False
    depth: int | None = None
    sort: str | None = None
    top: int | None = None

    def columns_for(self, report: Report) -> list[str]:
        """The columns asked for, or the usual ones; vectors have no receptive field."""
        if self.columns is not None:
            return list(self.columns)
        # Before the columns are chosen, for of vectors no unit sees more than another.
        has_axes = any(len(shape) > 1 for shape in report.inputs.values())
        columns = [name for name in DEFAULT if has_axes or name != "receptive_field"]
        # Where all are trained the column would say the same twice.
        if report.totals.trainable_params != report.totals.params:
            columns.insert(columns.index("params") + 1, "trainable_params")
        if report.convention is not None:  # what the tool does not count is no column
            gone = {"macs", "flops"} - {report.convention.number}
            columns = [name for name in columns if name.removesuffix("_share") not in gone]
        return columns


def read_columns(text: str) -> tuple[str, ...]:
    """`name,output,params`. Raises CnncalcError with the nearest name."""
    # Headings are understood too, in English and in the reader's language, since they are what is seen.
    headings = {text.lower(): name for name, (text, *_rest) in COLUMNS.items()}
    headings |= {_(text).lower(): name for name, (text, *_rest) in COLUMNS.items()}
    names = []
    for part in text.split(","):
        word = part.strip().lower()
        name = word if word in COLUMNS else headings.get(word)
        if name is None:
            known, near = ", ".join(COLUMNS), suggest(word, COLUMNS)
            if near:
                raise CnncalcError(
                    _("there is no column '{name}': {hint} Known: {names}", name=word[:40], hint=near, names=known)
                )
            raise CnncalcError(_("there is no column '{name}'. Known: {names}", name=word[:40], names=known))
        if name in names:
            raise CnncalcError(_("the column '{name}' is named twice", name=name))
        names.append(name)
    return tuple(names)


def choose_rows(report: Report, view: View) -> list[Row]:
    """The rows to show: activations inside the row of their layer, blocks folded below `depth`."""
    rows = [row for row, _places in fold(report, expand=view.expand, depth=view.depth)]
    if view.sort is not None:
        rows.sort(key=lambda row: rank(value_of(report, row, view.sort or "")), reverse=True)
    return rows[: view.top]


def rank(value: Any) -> tuple[bool, Any]:
    """What rows are ordered by: what is not known comes last, sizes go by how many elements they are."""
    if isinstance(value, tuple):
        known = [v for v in value if v is not None and not isinstance(v, str)]
        return bool(known), prod(known) if known else 0
    if isinstance(value, str):
        # Settings are texts, `11` or `3x1` or `same`: they go by their first number.
        first = value.replace("x", " ").split(" ")[0]
        return first.isdigit(), int(first) if first.isdigit() else 0
    return value is not None, value or 0


def write_cells(report: Report, rows: Sequence[Row], columns: Sequence[str]) -> list[Sequence[str]]:
    """The texts of a table, row by row."""
    return list(zip(*(write_column(report, rows, name) for name in columns), strict=True))


def write_column(report: Report, rows: Sequence[Row], column: str) -> list[str]:
    """The cells of a column."""
    write = COLUMNS[column].write
    return [write(value) for value in values_of(report, rows, column)]


def values_of(report: Report, rows: Sequence[Row], column: str) -> list[Any]:
    """The values behind the cells of a column; a share is per cent of the total."""
    quantity, share, _rest = column.partition("_share")
    if COLUMNS[column].asked:
        from cnncalc.pages.settings import setting_of  # which nobody needs who does not ask for it

        return [setting_of(report, row, column) for row in rows]
    found = [getattr(row, quantity) for row in rows]
    return found if not share else [None if part is None else 100 * part for part in report.shares(found, quantity)]


def value_of(report: Report, row: Row, column: str) -> Any:
    """The value behind a cell."""
    return values_of(report, [row], column)[0]


def total_cells(report: Report, columns: Sequence[str]) -> list[str]:
    """The footer: sums, with a mark where rows are left out of one."""
    result = []
    for name in columns:
        # The first column names the row, whichever it is.
        if name == columns[0]:
            result.append(_("total"))
        elif not COLUMNS[name].summed:
            result.append("")
        else:
            result.append(_sum(report, name, COLUMNS[name].write))
    return result


def _sum(report: Report, quantity: str, write: Callable[[Any], str]) -> str:
    """A total: with `+ ?` where rows are left out of it, `?` where nothing of it is known."""
    value = report.totals.known(quantity)
    if value is None:
        return "?"
    return write(value) + " + ?" * report.totals.is_partial(quantity)


def make_notes(report: Report) -> list[tuple[str, str]]:
    """What is said below the table: (subject, text)."""
    totals, settings = report.totals, report.settings
    # What is not there is not said: most networks have trained parameters and nothing else.
    frozen = totals.params - totals.trainable_params
    stored = _("{n} trained", n=_sum(report, "trainable_params", number))
    if frozen:
        stored += _(", {n:,} frozen", n=frozen)
    if totals.fixed_params:
        stored += _(", {n:,} fixed", n=totals.fixed_params)
    if totals.buffers:
        stored += _(", {n:,} buffers", n=totals.buffers)
    stored += _("; {bytes} as {dtype}", bytes=_sum(report, "parameter_bytes", _bytes), dtype=settings.dtype)
    macs, flops = _sum(report, "macs", number), _sum(report, "flops", number)
    work = _("{macs} MACs (multiply-accumulates), {flops} FLOPs", macs=macs, flops=flops)
    whole, peak = _sum(report, "activation_bytes", _bytes), _bytes(totals.peak_activation_bytes)
    where = find_peak_place(report)
    memory = _("activations {whole} in all, {peak} at peak", whole=whole, peak=peak)
    if where:
        memory = _("activations {whole} in all, {peak} at peak, in {where}", whole=whole, peak=peak, where=where)
    per = "" if settings.batch == 1 else _(" for a batch of {batch}", batch=settings.batch)
    on_padding = _(" (taps on padding left out)") if settings.exact_padding else ""
    if report.convention is not None:
        work = say_convention(report)
    lines = [(_("parameters"), stored), (_("operations"), work + per + on_padding), (_("memory"), memory + per)]
    lines += _unknown_notes(report)
    # What is left out of a sum is said for each sum, in the order of the columns.
    for quantity in SUMMED:
        if report.convention is not None and quantity in report.convention.replaced:
            continue
        if ASKED in QUANTITIES[quantity].lists:  # no number here leaves them out
            continue
        rows = totals.count_left_out(quantity)
        if not rows:
            continue
        text = _("{quantity} of {rows} rows, left out of the total", quantity=quantity, rows=rows)
        if rows == 1:
            text = _("{quantity} of 1 row, left out of the total", quantity=quantity)
        lines.append((_("not known"), text))
    lines += _sharing_notes(report)
    lines += [(_("note"), remark) for remark in report.remarks]
    lines += _expectation_notes(report)
    if report.source:
        lines.append((_("source"), report.source))
    return lines


def find_peak_place(report: Report) -> str:
    """The layer at which most memory is taken; nothing where that is not known, or before any of them runs."""
    if report.graph is None or report.totals.peak_activation_bytes is None:
        return ""
    node = find_peak(report.graph)[1]
    return "" if node is None else report.graph.nodes[node].name


def say_convention(report: Report) -> str:
    """`4,133,742,592 MACs as thop 0.1.1 counts them: ...`."""
    labels = report.convention
    assert labels is not None
    total = _sum(report, labels.number, number)
    return _("{total} {calls} as {tool} prints them: {unit}", total=total, calls=labels.calls, tool=labels.title,
             unit=_(labels.unit))  # fmt: skip


def _unknown_notes(report: Report) -> list[tuple[str, str]]:
    """The layers for which the convention of another tool gives no number, reason by reason."""
    reasons: dict[str, list[str]] = {}
    for name, reason in report.convention.unknown.items() if report.convention is not None else ():
        reasons.setdefault(reason, []).append(name)
    return [(_("not known"), _("{name}: {text}", name=_some(names), text=reason)) for reason, names in reasons.items()]


def _sharing_notes(report: Report) -> list[tuple[str, str]]:
    # By whom they belong to: a recurrent network uses one layer's weights many times.
    users: dict[str, list[str]] = {}
    for row in report:
        if row.weights_of is not None:
            users.setdefault(row.weights_of, []).append(row.name)
    if len(users) > 4:
        count = sum(map(len, users.values()))
        return [(_("shared"), _("{count} layers use the weights of {others} others", count=count, others=len(users)))]
    return [(_("shared"), _say_shared(names, owner)) for owner, names in users.items()]


def _say_shared(names: list[str], owner: str) -> str:
    if len(names) == 1:
        return _("{name} uses the weights of {owner}, counted there", name=names[0], owner=owner)
    return _("{names} use the weights of {owner}, counted there", names=_some(names), owner=owner)


def _some(names: list[str]) -> str:
    if len(names) <= 6:
        return ", ".join(names)
    return _("{names} and {count} others", names=", ".join(names[:5]), count=len(names) - 5)


def _expectation_notes(report: Report) -> list[tuple[str, str]]:
    if not report.expectations:
        return []
    count, holding = len(report.expectations), sum(v.holds for v in report.expectations)
    text = _("{holding} of {count} hold", holding=holding, count=count)
    if not report.as_written:
        return [(_("expected"), text + _("; they are meant for the spec without changes"))]
    return [(_("expected"), text), *((_("not so"), say_broken(v)) for v in report.expectations if not v.holds)]


def say_broken(verdict: Verdict) -> str:
    """`C3.params: expected 1516, is 2,416`."""
    is_now = value_text(verdict.actual)
    text = verdict.expectation.text
    return _("{name}: expected {expected}, is {actual}", name=verdict.name, expected=text, actual=is_now)


def _bytes(n: int | None) -> str:
    """`234.4 KiB (240,000 bytes)`."""
    if n is None:
        return "?"
    exact = _("{n:,} bytes", n=n)
    return exact if n < 1024 else _("{name} ({n})", name=in_units(n), n=exact)
