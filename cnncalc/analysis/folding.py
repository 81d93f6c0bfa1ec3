"""Which operations are shown as one row: activations inside that of their layer, blocks as one where they are folded.

A table and every drawing of a network show the same rows.
"""

from __future__ import annotations

from cnncalc.report import Report, Row, add_rows

SHORT_CHAIN = 3  # operations that a folded row still names one by one

Fold = tuple[Row, list[int]]  # a row, and the operations that it stands for


def fold(report: Report, *, expand: bool = False, depth: int | None = None) -> list[Fold]:
    """The rows of a network in the order in which they run. `expand`: a row for every operation."""
    rows = report.layers
    if expand:
        folds: list[Fold] = [(row, [i]) for i, row in enumerate(rows)]
    else:
        parts: dict[int, list[int]] = {}
        for i, row in enumerate(rows):
            owner = i if row.shown_with is None else row.shown_with
            if owner in parts:
                parts[owner].append(i)
            else:
                parts[owner] = [i]
        folds = [(with_followers(report, owner, part), part) for owner, part in parts.items()]
    return folds if depth is None else fold_blocks(report, folds, depth)


def with_followers(report: Report, owner: int, places: list[int]) -> Row:
    """The row of a layer with what is shown inside it."""
    rows = [report.layers[i] for i in places]
    if len(rows) == 1:
        return rows[0]
    # What comes before its layer was put there for it (a flatten); what comes behind was written.
    kinds = [row.kind for i, row in zip(places, rows, strict=True) if i >= owner]
    return add_rows(rows, rows[-1], name=report.layers[owner].name, kind=" + ".join(kinds))


def fold_blocks(report: Report, folds: list[Fold], depth: int) -> list[Fold]:
    """Neighbouring rows whose names begin with the same `depth` parts, as one."""
    parts: list[tuple[str, list[Fold]]] = []
    for entry in folds:
        key = beginning(entry[0].name, depth)
        # Neighbours alone: a name that comes again further on is another part.
        if parts and parts[-1][0] == key:
            parts[-1][1].append(entry)
        else:
            parts.append((key, [entry]))
    return [(folded_row(report, key, part), [i for _row, places in part for i in places]) for key, part in parts]


def count_blocks(folds: list[Fold], depth: int) -> int:
    """How many rows would be left."""
    keys = [beginning(row.name, depth) for row, _places in folds]
    return sum(key != before for key, before in zip(keys, [None, *keys], strict=False))


def beginning(name: str, depth: int) -> str:
    """The first `depth` parts of a name."""
    return "/".join(name.split("/")[:depth])


def folded_row(report: Report, key: str, part: list[Fold]) -> Row:
    """Neighbouring rows as one under the name that they have in common; a single one stays as it is."""
    rows = [row for row, _places in part]
    if len(rows) == 1:
        return rows[0]
    kind = " + ".join(row.kind for row in rows) if len(rows) <= SHORT_CHAIN else rows[0].kind
    # A block that is called has a name, which says more than its first layer.
    if key in report.groups:
        kind = report.groups[key].kind
    return add_rows(rows, rows[-1], name=key, kind=kind)
