"""What of a report is shown: which rows, which columns, and what is said around the table.

Shared by all formats for people. Numbers with thousands separators, shapes as 6x28x28, `?` for unknown.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from cnncalc.errors import CnncalcError, suggest
from cnncalc.report import Report, Row, Verdict, added_up


class Column(NamedTuple):
    """A column: its heading, and how a row's number is written."""

    heading: str
    write: Callable[[Any], str]
    left: bool = False


def number(value: int | None) -> str:
    return "?" if value is None else f"{value:,}"


def sizes(value: Sequence[Any] | None) -> str:
    """`5x5`; an axis that is not known as `?`."""
    return "?" if value is None else "x".join("?" if v is None else str(v) for v in value)


def percent(value: float | None) -> str:
    return "?" if value is None else f"{value:.1f}"


COLUMNS = {
    "name": Column("layer", str, left=True),
    "kind": Column("kind", str, left=True),
    "inputs": Column("inputs", ", ".join, left=True),
    "output": Column("output", sizes),
    "params": Column("params", number),
    "params_share": Column("params %", percent),
    "fixed_params": Column("fixed", number),
    "buffers": Column("buffers", number),
    "connections": Column("connections", number),
    "macs": Column("MACs", number),
    "macs_share": Column("MACs %", percent),
    "flops": Column("FLOPs", number),
    "flops_share": Column("FLOPs %", percent),
    "receptive_field": Column("RF", sizes),
    "jump": Column("jump", sizes),
    "rf_start": Column("RF start", sizes),
    "activation_bytes": Column("activation bytes", number),
    "parameter_bytes": Column("parameter bytes", number),
}
DEFAULT = (
    "name",
    "kind",
    "output",
    "params",
    "params_share",
    "connections",
    "macs",
    "macs_share",
    "flops",
    "receptive_field",
)
# Where they do not all fit: the first to go comes first.
DISPENSABLE = ("params_share", "macs_share", "flops", "kind", "connections", "receptive_field", "macs", "output")
SHORT_CHAIN = 3  # operations that a folded row still names one by one
WITHOUT_TOTAL = ("name", "kind", "inputs", "output", "jump", "rf_start")


class View(NamedTuple):
    """What the reader asked for. No columns: those that fit. `expand`: a row for every operation."""

    columns: tuple[str, ...] | None = None
    expand: bool = False
    depth: int | None = None

    def columns_for(self, report: Report) -> list[str]:
        """The columns asked for, or the usual ones; vectors have no receptive field."""
        if self.columns is not None:
            return list(self.columns)
        has_axes = any(len(shape) > 1 for shape in report.inputs.values())
        return [name for name in DEFAULT if has_axes or name != "receptive_field"]


def read_columns(text: str) -> tuple[str, ...]:
    """`name,output,params`. Raises CnncalcError with the nearest name."""
    headings = {column.heading.lower(): name for name, column in COLUMNS.items()}
    names = []
    for part in text.split(","):
        word = part.strip().lower()
        name = word if word in COLUMNS else headings.get(word)
        if name is None:
            hint = suggest(word, COLUMNS) or f"known: {', '.join(COLUMNS)}"
            raise CnncalcError(f"there is no column '{word[:40]}': {hint}")
        if name in names:
            raise CnncalcError(f"the column '{name}' is named twice")
        names.append(name)
    return tuple(names)


def shown_rows(report: Report, view: View) -> list[Row]:
    """The rows to show: activations inside the row of their layer, blocks folded below `depth`."""
    rows = list(report.layers)
    if not view.expand:
        parts: dict[int, list[Row]] = {}
        for i, row in enumerate(rows):
            parts.setdefault(i if row.shown_with is None else row.shown_with, []).append(row)
        rows = [_with_followers(report.layers[owner], part) for owner, part in parts.items()]
    if view.depth is not None:
        rows = _folded(report, rows, view.depth)
    return rows


def _with_followers(owner: Row, rows: list[Row]) -> Row:
    if len(rows) == 1:
        return owner
    # What comes before its layer was put there for it (a flatten); what comes behind was written.
    kinds = [row.kind for row in rows[rows.index(owner) :]]
    return added_up(rows, rows[-1], name=owner.name, kind=" + ".join(kinds))


def _folded(report: Report, rows: list[Row], depth: int) -> list[Row]:
    """Neighbouring rows whose names begin with the same `depth` parts, as one."""
    parts: list[tuple[str, list[Row]]] = []
    for row in rows:
        key = "/".join(row.name.split("/")[:depth])
        if parts and parts[-1][0] == key:
            parts[-1][1].append(row)
        else:
            parts.append((key, [row]))
    folded = []
    for key, part in parts:
        kind = " + ".join(row.kind for row in part) if len(part) <= SHORT_CHAIN else part[0].kind
        if key in report.groups:
            kind = report.groups[key].kind
        folded.append(part[0] if len(part) == 1 else added_up(part, part[-1], name=key, kind=kind))
    return folded


def cells(report: Report, row: Row, columns: Sequence[str]) -> list[str]:
    return [COLUMNS[name].write(value_of(report, row, name)) for name in columns]


def value_of(report: Report, row: Row, column: str) -> Any:
    """The value behind a cell; a share is per cent of the total."""
    quantity, share, _ = column.partition("_share")
    if not share:
        return getattr(row, quantity)
    part = report.share(row, quantity)
    return None if part is None else 100 * part


def total_cells(report: Report, columns: Sequence[str]) -> list[str]:
    """The footer: sums, with a mark where rows are left out of one."""
    result = []
    for name in columns:
        if name == columns[0]:
            result.append("total")
        elif name in WITHOUT_TOTAL or name.endswith("_share"):
            result.append("")
        else:
            text = COLUMNS[name].write(getattr(report.totals, name))
            result.append(text + " + ?" if name in report.totals.left_out else text)
    return result


def title(report: Report) -> str:
    """`LeNet-5, input 1x32x32`."""
    inputs = ", ".join(
        f"input {sizes(shape)}" if name == "input" else f"input {name} {sizes(shape)}"
        for name, shape in report.inputs.items()
    )
    return f"{report.name}, {inputs}" if report.name else inputs


def notes(report: Report) -> list[tuple[str, str]]:
    """What is said below the table: (subject, text)."""
    totals, settings = report.totals, report.settings
    stored = f"{totals.params:,} trained"
    if totals.fixed_params:
        stored += f", {totals.fixed_params:,} fixed"
    if totals.buffers:
        stored += f", {totals.buffers:,} buffers"
    per = "" if settings.batch == 1 else f" for a batch of {settings.batch}"
    on_padding = " (taps on padding left out)" if settings.exact_padding else ""
    lines = [
        ("parameters", f"{stored}; {_bytes(totals.parameter_bytes)} as {settings.dtype}"),
        ("operations", f"{totals.macs:,} MACs (multiply-accumulates), {totals.flops:,} FLOPs{per}{on_padding}"),
        (
            "memory",
            f"activations {_bytes(totals.activation_bytes)} in all, "
            f"{_bytes(totals.peak_activation_bytes)} at peak{per}",
        ),
    ]
    for quantity, rows in totals.left_out.items():
        lines.append(("not known", f"{quantity} of {rows} row{'s' if rows > 1 else ''}, left out of the total"))
    lines += _sharing_notes(report)
    lines += _expectation_notes(report)
    if report.source:
        lines.append(("source", report.source))
    return lines


def _sharing_notes(report: Report) -> list[tuple[str, str]]:
    users: dict[str, list[str]] = {}
    for row in report:
        if row.weights_of is not None:
            users.setdefault(row.weights_of, []).append(row.name)
    if len(users) > 4:
        return [("shared", f"{sum(map(len, users.values()))} layers use the weights of {len(users)} others")]
    return [
        ("shared", f"{_some(names)} use{'s' if len(names) == 1 else ''} the weights of {owner}, counted there")
        for owner, names in users.items()
    ]


def _some(names: list[str]) -> str:
    return ", ".join(names) if len(names) <= 6 else f"{', '.join(names[:5])} and {len(names) - 5} others"


def _expectation_notes(report: Report) -> list[tuple[str, str]]:
    if not report.expectations:
        return []
    count, holding = len(report.expectations), sum(v.holds for v in report.expectations)
    text = f"{holding} of {count} hold"
    if not report.as_written:
        return [("expected", f"{text}; they are meant for the spec without changes")]
    return [("expected", text), *(("not so", broken(v)) for v in report.expectations if not v.holds)]


def broken(verdict: Verdict) -> str:
    """`C3.params: expected 1516, is 2,416`."""
    actual = verdict.actual
    is_now = sizes(actual) if isinstance(actual, tuple) else number(actual)
    return f"{verdict.name}: expected {verdict.expectation.text}, is {is_now}"


def _bytes(n: int) -> str:
    """`234.4 KiB (240,000 bytes)`."""
    size, unit = float(n), "bytes"
    for larger in ("KiB", "MiB", "GiB", "TiB"):
        if size < 1024:
            break
        size, unit = size / 1024, larger
    return f"{n:,} bytes" if unit == "bytes" else f"{size:,.1f} {unit} ({n:,} bytes)"
