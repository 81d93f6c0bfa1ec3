"""Two reports side by side: which layers are the same, which changed, came or went, and by how much.

Layers are matched by what they are (kind and options) in their order, so that one that is inserted is one
insertion, even where it renumbers those behind it; what is left is matched by name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from cnncalc import quantities
from cnncalc.quantities import DIFFERS, NETWORK_NAMES, listed_in
from cnncalc.report import Report, Row

# With the kind: a layer that keeps its name and its numbers may be another one.
QUANTITIES = ("kind", *listed_in(DIFFERS))
# The shape that comes out is that of the last layer, and told there.
TOTALS = tuple(name for name in NETWORK_NAMES if quantities.QUANTITIES[name].subject != quantities.SHAPE)
SAME, CHANGED, ADDED, REMOVED = "same", "changed", "added", "removed"


class Change(NamedTuple):
    """A number on both sides; None on the side where it is not known, or has no layer."""

    quantity: str
    old: Any
    new: Any

    @property
    def by(self) -> Any:
        """The difference of two counts or ratios; None for shapes and what is not known."""
        numbers = isinstance(self.old, (int, float)) and isinstance(self.new, (int, float))
        return self.new - self.old if numbers else None

    @property
    def share(self) -> float | None:
        """The difference as a part of the old number; None where that is 0 or there is none."""
        return self.by / self.old if self.by is not None and self.old else None


class LayerDifference(NamedTuple):
    """One layer on either side, or on both; `changes` are its quantities that are not equal."""

    status: str
    old: Row | None
    new: Row | None
    changes: tuple[Change, ...]

    @property
    def name(self) -> str:
        """Its name; both, where it goes by another one now."""
        if self.old is None or self.new is None or self.old.name == self.new.name:
            return (self.new or self.old).name  # type: ignore[union-attr]  # one of them is there
        return f"{self.old.name} -> {self.new.name}"


class Difference(NamedTuple):
    """All layers, in the order of the new network, and the totals."""

    old: Report
    new: Report
    layers: tuple[LayerDifference, ...]
    totals: tuple[Change, ...]

    def __repr__(self) -> str:
        return (
            f"<Difference {self.old.name} -> {self.new.name}: {sum(c.old != c.new for c in self.totals)} totals differ>"
        )

    def __str__(self) -> str:
        """What the command prints."""
        from cnncalc.display import text_of

        return text_of(self)

    def _repr_html_(self) -> str:
        from cnncalc.display import html_of

        return html_of(self)

    @property
    def same(self) -> bool:
        """Whether no number and no layer differs."""
        return all(layer.status == SAME for layer in self.layers) and not any(c.old != c.new for c in self.totals)


def compare(old: Report, new: Report) -> Difference:
    """What changed from one network to the other."""
    pairs = match_layers(old, new)
    layers = []
    for before, after in pairs:
        changes = () if before is None or after is None else find_changes(before, after)
        if before is None or after is None:
            status = ADDED if before is None else REMOVED
        else:
            status = CHANGED if changes else SAME
        layers.append(LayerDifference(status, before, after, changes))
    totals = tuple(Change(name, find_total(old, name), find_total(new, name)) for name in TOTALS)
    return Difference(old, new, tuple(layers), totals)


def find_total(report: Report, name: str) -> Any:
    """A total; None where a layer's part of it is not known."""
    return None if report.totals.is_partial(name) else getattr(report.totals, name)


def find_changes(old: Row, new: Row) -> tuple[Change, ...]:
    found = (Change(name, getattr(old, name), getattr(new, name)) for name in QUANTITIES)
    return tuple(change for change in found if change.old != change.new)


def match_layers(old: Report, new: Report) -> list[tuple[Row | None, Row | None]]:
    """Layers in pairs, in the order of the new network; what is gone stands where it was."""
    from difflib import SequenceMatcher

    before, after = sign_layers(old), sign_layers(new)
    pairs: list[tuple[Row | None, Row | None]] = []
    # autojunk would pass over what is frequent, and in a deep network nearly every layer is.
    for operation, i, i_end, j, j_end in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        left, right = list(old.layers[i:i_end]), list(new.layers[j:j_end])
        if operation == "equal":
            pairs += zip(left, right, strict=True)
        else:
            pairs += pair_by_name(left, right)
    return pairs


def sign_layers(report: Report) -> list[tuple[str, Any]]:
    """What a layer is, whatever it is called: its name counts only where somebody chose it."""
    # Without a graph a layer is known by its kind alone.
    layers = [None] * len(report.layers) if report.graph is None else [node.layer for node in report.graph.nodes]
    return [(strip_number(row), layer or row.kind) for row, layer in zip(report.layers, layers, strict=True)]


def strip_number(row: Row) -> str:
    """The name of a layer without the number that it was given."""
    last = row.name.rpartition("/")[2]
    # Behind an inserted layer `conv2` is `conv3`: a given number says only where a layer stands.
    return row.name[: len(row.name) - len(last)] + (row.kind if last.rstrip("0123456789") == row.kind else last)


def same_name(old: Row, new: Row) -> bool:
    return old.name == new.name


def same_kind(old: Row, new: Row) -> bool:
    return old.kind == new.kind


def behind_the_same(old: Row, new: Row) -> bool:
    """Both stand behind a layer of one name, as C1/tanh and C1/relu do."""
    return old.shown_with is not None and new.shown_with is not None and old.inputs == new.inputs


# The surest first: what one rule has paired is taken for the next.
RULES = (same_name, behind_the_same, same_kind)


def pair_by_name(old: Sequence[Row], new: Sequence[Row]) -> list[tuple[Row | None, Row | None]]:
    """Pairs of one name, behind one layer, or of one kind in order; the others alone."""
    left: dict[int, Row] = dict(enumerate(old))
    partner: dict[int, int] = {}
    for rule in RULES:
        for j, row in enumerate(new):
            # Pairs do not cross: a partner stands between those of the rows before and behind.
            floor = max((i for k, i in partner.items() if k < j), default=-1)
            ceiling = min((i for k, i in partner.items() if k > j), default=len(old))
            if j not in partner:
                found = next((i for i, other in left.items() if floor < i < ceiling and rule(other, row)), None)
                if found is not None:
                    partner[j] = found
                    del left[found]
    pairs: list[tuple[Row | None, Row | None]] = []
    # What is gone comes before the first row whose partner stood behind it.
    gone = iter(sorted(left))
    waiting = next(gone, None)
    for j, row in enumerate(new):
        while waiting is not None and j in partner and waiting < partner[j]:
            pairs.append((old[waiting], None))
            waiting = next(gone, None)
        pairs.append((old[partner[j]] if j in partner else None, row))
    while waiting is not None:
        pairs.append((old[waiting], None))
        waiting = next(gone, None)
    return pairs


class Limit(NamedTuple):
    """How much a total may grow, or shrink: by a number, or by a part of what it was."""

    quantity: str
    most: float
    relative: bool
    text: str
    shrinks: bool = False


class Broken(NamedTuple):
    """A limit that is not kept: the total grew, or shrank, by so much; None where that is not known."""

    limit: Limit
    by: float | None
    old: float = 0

    @property
    def share(self) -> float | None:
        """By which part of what it was; None where that is 0, or not known."""
        return self.by / self.old if self.by is not None and self.old else None


def find_broken(difference: Difference, limits: Sequence[Limit]) -> list[Broken]:
    """The limits that are not kept. Of a total that is not known on both sides, none is."""
    totals: Mapping[str, Change] = {change.quantity: change for change in difference.totals}
    found = []
    for limit in limits:
        old, new = axes_of(totals[limit.quantity].old), axes_of(totals[limit.quantity].new)
        if old is None or new is None or len(old) != len(new):
            found.append(Broken(limit, None))
            continue
        # One axis of a field over its limit is enough: the first is told.
        for before, after in zip(old, new, strict=True):
            by = before - after if limit.shrinks else after - before
            if by > (limit.most * before if limit.relative else limit.most):
                found.append(Broken(limit, by, before))
                break
    return found


def axes_of(value: Any) -> tuple[Any, ...] | None:
    """A count as one axis, a field with its axes; None if any is not known."""
    axes = value if isinstance(value, tuple) else (value,)
    return None if None in axes else axes


def find_most_changed(difference: Difference, quantity: str, *, shrinks: bool = False) -> LayerDifference | None:
    """The layer of the new network that adds most to a total, or takes most away."""
    best, most = None, 0
    for layer in difference.layers:
        # A new layer adds all that it has; one that is gone is none of the new network's.
        before = axes_of(getattr(layer.old, quantity, None)) if layer.old else (0,)
        after = axes_of(getattr(layer.new, quantity, None)) if layer.new else None
        if before is not None and after is not None:
            # Of a field the largest axis stands for all.
            by = max(after) - max(before)
            if (-by if shrinks else by) > most:
                best, most = layer, -by if shrinks else by
    return best
