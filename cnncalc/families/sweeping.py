"""All members of a family, part by part: evaluated, held against conditions, ordered, the best of them kept.

What is kept while the parts go by is no more than what is asked for: the first so many, those that no other beats.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from cnncalc.errors import CnncalcError, suggest
from cnncalc.families.columns import Array, Column, Evaluated, np
from cnncalc.families.conditions import Condition, find_holding
from cnncalc.families.family import CHUNK, Family
from cnncalc.families.members import Choice
from cnncalc.families.questions import questions_of
from cnncalc.families.singly import report_of
from cnncalc.families.space import Space
from cnncalc.language import _

MOST_REASONS = 1000  # that are told apart
PART = 8 * CHUNK  # members between two looks at what is kept, where all that varies are numbers


class Wish(NamedTuple):
    """What is asked of a family.

    quantities  that are shown
    conditions  which members are kept
    sort        the column by which they are ordered, behind a - in falling order; empty: as they come
    top         how many of them; None: all
    pareto      columns, the smaller the better, behind a - the larger: members that none other beats in all of them
    others      columns that are worked out besides, for a plot
    """

    quantities: tuple[str, ...]
    conditions: tuple[Condition, ...] = ()
    sort: str = ""
    top: int | None = None
    pareto: tuple[str, ...] = ()
    others: tuple[str, ...] = ()

    @property
    def keeps_all(self) -> bool:
        """Whether members go by as they come, those that are no networks too."""
        return not (self.conditions or self.sort or self.top is not None or self.pareto)

    @property
    def named(self) -> tuple[str, ...]:
        """Every column that is spoken of."""
        ordered = [name.removeprefix("-") for name in (self.sort, *self.pareto) if name]
        return tuple(dict.fromkeys([*self.quantities, *(c.name for c in self.conditions), *ordered, *self.others]))


class Part(NamedTuple):
    """Some members: their numbers, what their parameters are, what they give, and why they are no networks."""

    members: Array
    params: Mapping[str, Column]
    columns: Mapping[str, Column]
    reasons: Sequence[str | None]

    def __len__(self) -> int:
        return len(self.members)

    def column(self, name: str) -> Column:
        return self.params[name] if name in self.params else self.columns[name]

    def rows(self, places: Array) -> Part:
        """These of the members, in this order."""
        return Part(
            self.members[places],
            {name: _take(column, places) for name, column in self.params.items()},
            {name: _take(column, places) for name, column in self.columns.items()},
            [self.reasons[place] for place in places],
        )


def _take(column: Column, places: Array) -> Column:
    return Column(column.values[places], column.known[places])


def check_wish(family: Family, space: Space, wish: Wish) -> tuple[str, ...]:
    """The quantities to work out. Raises CnncalcError for a name that is neither a parameter nor a quantity."""
    names = [name for name in wish.named if name not in space.names]
    for name in names:
        if "." not in name and name in family.parameters:
            raise CnncalcError(_("{name} has one value: conditions and orders are on what varies", name=name))
    try:
        questions_of(names)
    except CnncalcError:
        for name in names:
            hint = suggest(name, space.names)
            if hint and "." not in name:
                raise CnncalcError(_("there is no quantity '{name}': {hint}", name=name[:60], hint=hint)) from None
        raise
    given = {*space.names, *family.setting.params}
    missing = [name for name in family.parameters if name not in given] if family.setting.inline else []
    if missing:  # a net in one line has no values of its own
        several = ", ".join(missing)
        raise CnncalcError(
            _("{names}: no value is given; --set {name}=VALUE gives one", names=several, name=missing[0])
        )
    return tuple(names)


def evaluate_part(family: Family, space: Space, members: Array, names: Sequence[str]) -> Part:
    """Some members of a space, evaluated."""
    columns = space.columns(members)
    found: Evaluated = family.evaluate(columns, names)
    return Part(members, {name: as_column(values) for name, values in columns.items()}, found.columns, found.reasons)


def as_column(values: Any) -> Column:
    """The values of a parameter as a column."""
    if isinstance(values, Choice):
        one = Column.of([tuple(v) if isinstance(v, list) else v for v in values.values])
        return _take(one, values.which)
    return Column(values, np.ones(values.shape, dtype=bool))


class Sweeping:
    """The members of a space that are wished for, as they come out of its parts.

    infeasible  members so far that are no networks; seen: members so far; examples: some reasons, with how many
    """

    def __init__(self, family: Family, space: Space, wish: Wish, watch: Callable[[Part], None] | None = None) -> None:
        self.family, self.space, self.wish = family, space, wish
        self.watch = watch  # sees every part that meets the conditions, before the best of it are chosen
        self.names = check_wish(family, space, wish)
        # Before the first part, so that formulas made for it hold for the last one too.
        family.widen(space.bounds())
        self.seen = self.infeasible = 0
        self.examples: dict[str, int] = {}
        self._best: Part | None = None
        self._unanswered = [name for name in self.names if "." in name]  # of layers that no member has had yet
        self._sound: int | None = None  # the first member that is a network

    @property
    def none_is_sound(self) -> bool:
        """Whether members were looked at, and none of them is a network."""
        return 0 < self.seen == self.infeasible

    def parts(self, told: Callable[[int], None] | None = None, members: range | None = None) -> Iterator[Part]:
        """The parts of what is wished for. `told` hears how many members each step has dealt with.

        members  those to look at, one after the other; all of them unless given
        """
        wanted = range(self.space.size) if members is None else members
        # Members that differ in words take longer: so that there is news of them.
        words = any(not isinstance(values, np.ndarray) for factor in self.space.factors for values in factor.values())
        at_once = CHUNK if words else PART
        for start in range(wanted.start, wanted.stop, at_once):
            members_here = np.arange(start, min(start + at_once, wanted.stop))
            part = self.count_members(evaluate_part(self.family, self.space, members_here, self.names))
            if told is not None:
                told(len(members_here))
            if self.wish.keeps_all:
                if self.watch is not None:
                    self.watch(part)
                yield part
                continue
            part = part.rows(np.flatnonzero(self._is_wanted(part)))
            if self.watch is not None:
                self.watch(part)
            if self.wish.sort or self.wish.pareto or self.wish.top is not None:
                self._best = self._choose(part if self._best is None else join_parts([self._best, part]))
                # In the order of the members nothing later can take the place of the first so many.
                if not self.wish.sort and not self.wish.pareto and len(self._best) == self.wish.top:
                    break
            elif len(part):
                yield part
        # Some of the members may well lack a layer that others have.
        if members is None:
            self._check_layers()
        if self._best is not None:
            yield self._best

    def _check_layers(self) -> None:
        """Raise UnknownLayerError for a layer that no member has: an empty column would say nothing."""
        if self._sound is None or not self._unanswered:
            return
        columns = self.space.columns(np.array([self._sound]))
        report = report_of(self.family.setting, *self.family.split({name: c[0] for name, c in columns.items()}))
        for name in self._unanswered:
            report[name.rpartition(".")[0]]

    def count_members(self, part: Part) -> Part:
        """The part, counted."""
        self.seen += len(part)
        self._unanswered = [name for name in self._unanswered if not part.columns[name].known.any()]
        # One network is enough to ask whether a layer of that name exists.
        if self._sound is None and None in part.reasons:
            self._sound = int(part.members[part.reasons.index(None)])
        for reason in part.reasons:
            if reason is not None:
                self.infeasible += 1
                known = reason in self.examples or len(self.examples) < MOST_REASONS
                # Reasons hold numbers, and a million members may have a million of them.
                reason = reason if known else _("other reasons")
                self.examples[reason] = self.examples.get(reason, 0) + 1
        return part

    def _is_wanted(self, part: Part) -> Array:
        feasible = np.array([reason is None for reason in part.reasons], dtype=bool)
        names = [condition.name for condition in self.wish.conditions]
        return feasible & find_holding(self.wish.conditions, {name: part.column(name) for name in names}, len(part))

    def _choose(self, part: Part) -> Part:
        """What is kept of these: those that none other beats, the first so many in order."""
        if self.wish.pareto:
            part = part.rows(find_unbeaten([_key(part, name) for name in self.wish.pareto]))
        if self.wish.sort:
            part = part.rows(np.argsort(_key(part, self.wish.sort), kind="stable"))
        return part if self.wish.top is None else part.rows(np.arange(min(len(part), self.wish.top)))


def _key(part: Part, name: str) -> Array:
    """What members are ordered by, the best first; the unknown last. Of sizes per axis the smallest counts."""
    falls = name.startswith("-")
    values, known = part.column(name.removeprefix("-"))
    if values.ndim == 2:
        # An axis that is not known must not be the smallest.
        worst = np.where(known, values, values.max(initial=0))
        values, known = np.asarray(worst.min(axis=1)), np.asarray(known.any(axis=1))
    if values.dtype == object and any(not isinstance(value, int) for value in values):
        order = sorted(set(map(_comparable, values)))
        places = {value: place for place, value in enumerate(order)}
        values = np.array([places[_comparable(value)] for value in values], dtype=np.int64)
    key = -values if falls else values
    if known.all() or not len(key):
        return np.asarray(key)
    # One more than the last: the unknown come behind all others.
    return np.where(known, key, key.max() + 1)


def _comparable(value: Any) -> tuple[int, Any]:
    """A value in an order: numbers, then words, then tuples."""
    if isinstance(value, str):
        return 1, value
    # Padded with zeros, so that texts stand in the order of their numbers.
    return (2, tuple(str(v).zfill(30) for v in value)) if isinstance(value, tuple) else (0, value)


def find_unbeaten(keys: Sequence[Array]) -> Array:
    """The places that no other is at least as good as in all keys and better in one, the least being the best."""
    rows = np.stack(keys, axis=1)
    # `lexsort` orders by its last key first.
    order = np.lexsort(tuple(reversed(keys)))
    left, kept = order, []
    # In this order nobody is beaten by one behind: the first is unbeaten, and takes away all that it beats.
    while len(left):
        best = rows[left[0]]
        same = left[(rows[left] == best).all(axis=1)]
        kept.append(same)
        left = left[~(rows[left] >= best).all(axis=1)]
    return np.concatenate(kept) if kept else order


def join_parts(parts: Sequence[Part]) -> Part:
    """Several parts as one."""
    first = parts[0]
    return Part(
        np.concatenate([part.members for part in parts]),
        {name: _behind_each_other([part.params[name] for part in parts]) for name in first.params},
        {name: _behind_each_other([part.columns[name] for part in parts]) for name in first.columns},
        [reason for part in parts for reason in part.reasons],
    )


def empty_part(sweeping: Sweeping) -> Part:
    """A part without members."""
    none = np.zeros(0, dtype=np.int64)
    columns = {name: Column(none, none.astype(bool)) for name in (*sweeping.space.names, *sweeping.names)}
    params = {name: columns.pop(name) for name in sweeping.space.names}
    return Part(none, params, columns, [])


def _behind_each_other(columns: Sequence[Column]) -> Column:
    shapes = {column.values.shape[1:] for column in columns if len(column.values)}
    if len(shapes) > 1:  # of several ranks
        return Column.of([item for column in columns for item in column.items()])
    # A part without members has columns of one axis, whatever the others have.
    columns = [column for column in columns if len(column.values)] or columns[:1]
    return Column(np.concatenate([c.values for c in columns]), np.concatenate([c.known for c in columns]))
