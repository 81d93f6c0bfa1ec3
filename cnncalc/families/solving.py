"""Questions asked backwards: which values of some parameters give a network that meets conditions.

Every member of the space is worked out where there are not too many; else the longest range is bisected, where what is
asked for rises or falls along it. Whether it does is looked at, member by member at many places, and not assumed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import islice, pairwise
from typing import Any, NamedTuple

from cnncalc.errors import CnncalcError
from cnncalc.families.closed_form import closed_forms
from cnncalc.families.columns import QUICK, Array, Column, np
from cnncalc.families.conditions import Condition, find_holding
from cnncalc.families.family import Family
from cnncalc.families.questions import questions_of
from cnncalc.families.singly import layers_before
from cnncalc.families.space import Space
from cnncalc.families.sweeping import Part, Sweeping, Wish, as_column, check_wish, empty_part, evaluate_part, join_parts
from cnncalc.language import _

MOST_MEMBERS = 2_000_000 if QUICK else 100_000  # that are worked out one by one
MOST_LINES = 2_000  # of members along which the longest range is bisected
AT_ONCE = 65_536  # members between two looks at what is kept
PROBES = 64  # places along a range at which it is looked whether a number rises or falls
MISSES = 3  # nearest members that are shown where none fits
MOST_FORBIDDEN = 1_000  # members that are no networks, of which it is looked what their first layers give


class Forbidden(NamedTuple):
    """A member whose layers give what is asked for as far as they fit, and why it is no network all the same."""

    params: Mapping[str, Any]
    reason: str


class Solved(NamedTuple):
    """What a question asked backwards has for answers.

    solutions  members that meet all conditions, the usual one first
    misses     where there is none, the members that come nearest
    lines      the formulas that were solved, where they are short
    bisected   the parameter whose range was bisected: rows are then the first and the last value of each stretch
    seen       members in the space; infeasible: how many of those looked at are no networks, with their reasons
    meeting    how many members meet all conditions; of them solutions are the best, where that was asked for
    forbidden  where there is no solution, a member that would be one, were it not for a layer further on
    """

    solutions: Part
    misses: Part
    conditions: tuple[Condition, ...]
    lines: tuple[str, ...]
    bisected: str | None
    seen: int
    infeasible: int
    reasons: Mapping[str, int]
    meeting: int
    forbidden: Forbidden | None = None

    def __len__(self) -> int:
        return len(self.solutions)

    @property
    def members(self) -> list[dict[str, Any]]:
        """The values of the parameters, a dict per solution."""
        return [self.member(i) for i in range(len(self.solutions))]

    def member(self, place: int) -> dict[str, Any]:
        return {name: column.item(place) for name, column in self.solutions.params.items()}

    def __str__(self) -> str:
        from cnncalc.display import text_of

        return text_of(self)

    def _repr_html_(self) -> str:
        from cnncalc.display import html_of

        return html_of(self)


def solve(
    family: Family,
    space: Space,
    conditions: Sequence[Condition],
    *,
    maximize: str = "",
    minimize: str = "",
    roles: Mapping[str, str] | None = None,
    told: Callable[[int], None] | None = None,
) -> Solved:
    """The members of a space that meet all conditions.

    maximize, minimize  a quantity or a parameter: only the members that have the most, or the least, of it
    roles               of a parameter, the option that it fills: `kernel`, `padding`. It decides what is usual
    told                hears how many members each step has dealt with

    Raises CnncalcError for names that do not exist, and for a space that is too large to be searched.
    """
    sought = maximize or minimize
    wish = Wish((), tuple(conditions), others=(sought,) if sought else ())
    sweeping = Sweeping(family, space, wish)
    names = sweeping.names
    bisected = None
    # Each member by itself, as long as that takes seconds: nothing has to be assumed of how numbers rise.
    if space.size <= MOST_MEMBERS:
        parts = list(sweeping.parts(told))
    else:
        search = Bisection(family, space, conditions, check_wish(family, space, wish))
        bisected, parts = search.name, list(search.stretches(told))
        sweeping.infeasible = search.infeasible
    found = join_parts(parts) if parts else empty_part(sweeping)
    meeting = len(found)
    if sought and meeting:
        found = best_of(found, sought, greatest=bool(maximize))
    found = found.rows(usual_order(found, {**roles_of_options(space.names), **(roles or {})}))
    # The nearest of a space too large to be looked at would be the nearest of some of it.
    misses = empty_part(sweeping) if len(found) or bisected else nearest(family, space, conditions, names)
    forbidden = None
    if not len(found) and not bisected and sweeping.infeasible:
        forbidden = find_forbidden(family, space, conditions)
    feasible = found if len(found) else misses
    lines: tuple[str, ...] = ()
    if len(feasible):
        first = {name: column.item(0) for name, column in feasible.params.items()}
        lines = tuple(closed_forms(family, first, list(conditions)))
    return Solved(
        found,
        misses,
        tuple(conditions),
        lines,
        bisected,
        space.size,
        sweeping.infeasible,
        dict(sweeping.examples),
        meeting,
        forbidden,
    )


def best_of(part: Part, name: str, *, greatest: bool) -> Part:
    """The members with the most of a number, or the least: all of them where several have it."""
    column = part.column(name)
    numbers = [None if value is None else extent(value) for value in column.items()]
    known = [number for number in numbers if number is not None]
    if not known:
        return part.rows(np.zeros(0, dtype=np.int64))
    best = max(known) if greatest else min(known)
    return part.rows(np.flatnonzero([number == best for number in numbers]))


def extent(value: Any) -> Any:
    """What members are compared by: a number; of sizes per axis the smallest."""
    # An axis decides by its smallest: the best shape has no small side.
    if isinstance(value, tuple):
        return min((extent(part) for part in value if part is not None), default=0)
    if isinstance(value, str):
        raise CnncalcError(_("'{word}' is a word: the most and the least are of numbers", word=value[:40]))
    return value


def axes_of(value: Any) -> tuple[Any, ...]:
    """A number, or sizes per axis, as numbers one by one. Raises CnncalcError where there is none."""
    numbers = value if isinstance(value, tuple) else (value,)
    if any(number is None or isinstance(number, str) for number in numbers):
        raise CnncalcError(_("a range this long is bisected along numbers that are known for every value alone"))
    return numbers


# --- what is usual

USUAL = ("kernel", "padding", "stride", "dilation")


def usual_order(part: Part, roles: Mapping[str, str]) -> Array:
    """Solutions as people would name them: odd kernels, small padding, small strides, then small numbers."""
    columns = {name: column.items() for name, column in part.params.items()}

    def key(row: int) -> tuple[Any, ...]:
        values = {name: column[row] for name, column in columns.items()}
        # Kernels are odd by custom: they have a middle.
        even = sum(
            isinstance(value, int) and value % 2 == 0 for name, value in values.items() if roles.get(name) == "kernel"
        )
        small = [
            tuple(sortable(values[name]) for name in values if roles.get(name) == role)
            for role in ("padding", "stride", "dilation", "kernel")
        ]
        return even, *small, tuple(map(sortable, values.values()))

    return np.array(sorted(range(len(part)), key=key), dtype=np.int64)


def sortable(value: Any) -> tuple[Any, ...]:
    """A value in an order: numbers, shapes, words."""
    # By size first, then by sign: 1, -1, 2.
    if isinstance(value, (int, Fraction)):
        return 0, abs(value), value
    return (1, *value) if isinstance(value, tuple) and all(isinstance(v, int) for v in value) else (2, str(value))


LETTERS = {"k": "kernel", "p": "padding", "s": "stride", "d": "dilation"}
# `k$size`, `kernel=$(size)`: the letter of a flag, or the option's name, right before the parameter.
ROLE = re.compile(
    r"(?<![\w$])(k|p|s|d|kernel\s*[=:]\s*|padding\s*[=:]\s*|stride\s*[=:]\s*|dilation\s*[=:]\s*)\$\(?(\w+)"
)


def roles_in(text: str) -> dict[str, str]:
    """Which parameters of a spec fill a kernel, a padding, a stride or a dilation, by how they stand in it."""
    found = {}
    for option, name in ROLE.findall(text):
        word = option.rstrip(" =:\t")
        found[name] = LETTERS.get(word, word)
    return found


def roles_of_options(names: Iterable[str]) -> dict[str, str]:
    """The options that parameters such as `C1.kernel` fill, by the word behind the dot."""
    words = {name: name.rpartition(".")[2] for name in names if "." in name}
    return {name: LETTERS.get(word, word) for name, word in words.items()}


# --- nearest misses


def nearest(family: Family, space: Space, conditions: Sequence[Condition], names: Sequence[str]) -> Part:
    """The few networks of a space that miss conditions by the least, each difference as a share of what is asked."""
    best: Part | None = None
    for members in parts_of(space.size):
        # A member that is no network is not near to anything.
        part = evaluate_part(family, space, members, names)
        part = part.rows(np.flatnonzero(np.array([reason is None for reason in part.reasons], dtype=bool)))
        # Only the best so far are kept beside the next part: the space may not fit memory.
        both = part if best is None else join_parts([best, part])
        far = np.zeros(len(both))
        for condition in conditions:
            far += distances(condition, both.column(condition.name), ~condition.holds(both.column(condition.name)))
        best = both.rows(np.argsort(far, kind="stable")[:MISSES])
    assert best is not None
    return best


def find_forbidden(family: Family, space: Space, conditions: Sequence[Condition]) -> Forbidden | None:
    """The first member that is no network, but whose layers meet the conditions on layers before the one that fails.

    None where there is none among the first so many, or no condition is on a layer.
    """
    of_layers = [condition for condition in conditions if "." in condition.name]
    of_members = [condition for condition in conditions if condition.name in space.names]
    questions = questions_of([condition.name for condition in of_layers])
    left = MOST_FORBIDDEN if of_layers else 0
    for members in parts_of(space.size):
        if left <= 0:
            break
        part = evaluate_part(family, space, members, ())
        wanted = find_holding(of_members, {c.name: part.column(c.name) for c in of_members}, len(part))
        infeasible = np.array([reason is not None for reason in part.reasons], dtype=bool)
        for row in np.flatnonzero(infeasible & wanted)[:left]:
            left -= 1
            params = {name: column.item(int(row)) for name, column in part.params.items()}
            layers, reason = layers_before(family.setting, *family.split(params))
            if layers is None:
                continue
            answers = {name: Column.of([question.answer(layers)]) for name, question in questions.items()}
            if all(condition.holds(answers[condition.name])[0] for condition in of_layers):
                return Forbidden(params, reason)
    return None


def parts_of(size: int, most: int = AT_ONCE) -> Iterator[Array]:
    for start in range(0, size, most):
        yield np.arange(start, min(start + most, size))


def distances(condition: Condition, column: Column, missed: Array) -> Array:
    """How far members are from meeting a condition; 0 where they do. For an order only: not exact."""
    far = np.zeros(len(missed))
    wanted = condition.value if isinstance(condition.value, tuple) else None
    for place in np.flatnonzero(missed):
        value = column.item(int(place))
        if value is None or isinstance(value, str) or isinstance(condition.value, str):
            # Farther than any number can be.
            far[place] = 1e9
            continue
        values = value if isinstance(value, tuple) else (value,)
        targets = wanted if wanted is not None else (condition.value,) * len(values)
        if len(targets) != len(values):
            far[place] = 1e9
            continue
        far[place] = sum(
            # As a share of what is asked for, so that MACs and sizes weigh alike; at least 1, for 0 is asked for, too.
            abs(float(v) - float(t)) / max(abs(float(t)), 1.0)
            for v, t in zip(values, targets, strict=True)
            if v is not None
        )
    return far


# --- spaces that are too large


Place = tuple[int, int]  # the number of a line, and the place along it
Stretches = dict[int, tuple[int, int]]  # by line the first and the last place


class Edge(NamedTuple):
    """Two places of a line, between which a condition begins or ceases to hold; the same where it does at an end."""

    outside: int
    inside: int


class Bisection:
    """The longest range of a space, bisected for every combination of the other parameters: all lines together.

    name        the parameter whose range it is
    infeasible  members that were looked at and are no networks
    """

    def __init__(self, family: Family, space: Space, conditions: Sequence[Condition], names: Sequence[str]) -> None:
        self.family, self.space, self.conditions, self.names = family, space, conditions, names
        self.infeasible = 0
        # Bisection takes log2 steps along a range: the longest one saves the most.
        longest = max(range(len(space.factors)), key=lambda i: space.lengths[i])
        factor = space.factors[longest]
        self.length = space.lengths[longest]
        self.name = next(iter(factor))
        values = factor[self.name]
        if len(factor) == 1 and isinstance(values, np.ndarray) and values.ndim == 1 and values[0] > values[-1]:
            values = values[::-1]  # 512..8 asks for the same members
            space = self.space = Space([*space.factors[:longest], {self.name: values}, *space.factors[longest + 1 :]])
        self.lines = space.size // self.length
        rises = isinstance(values, np.ndarray) and values.ndim == 1 and bool((np.diff(values) > 0).all())
        if len(factor) > 1 or not rises or self.lines > MOST_LINES:
            raise CnncalcError(
                _(
                    "{size:,} members are too many to look at each: narrow the values of what is sought",
                    size=space.size,
                )
            )
        # A member is a number whose digits are the places in the factors, the last of which changes first
        self.stride = int(np.prod(space.lengths[longest + 1 :], dtype=object)) if space.lengths[longest + 1 :] else 1

    def stretches(self, told: Callable[[int], None] | None = None) -> Iterator[Part]:
        """The first and the last member of every stretch of solutions."""
        beside = [c for c in self.conditions if c.name in self.space.names and c.name != self.name]
        found: Stretches = dict.fromkeys(self.lines_where(beside), (0, self.length - 1))
        for condition in self.conditions:
            if condition not in beside:
                found = self.narrow(condition, found)
            if told is not None:
                told(self.space.size // len(self.conditions))
        places = [(line, place) for line, ends in found.items() for place in sorted(set(ends))]
        if places:
            yield self.part(places)

    def lines_where(self, conditions: Sequence[Condition]) -> list[int]:
        """The lines on which conditions hold that are on the other parameters, numbers or words."""
        members = np.array([self.member(line, 0) for line in range(self.lines)], dtype=np.int64)
        columns = {name: as_column(values) for name, values in self.space.columns(members).items()}
        holding: list[int] = np.flatnonzero(find_holding(conditions, columns, self.lines)).tolist()
        return holding

    def part(self, places: Sequence[Place]) -> Part:
        """Members on lines. Raises CnncalcError where one is no network: nothing is bisected then."""
        parts = []
        for start in range(0, len(places), AT_ONCE):
            members = np.array([self.member(*place) for place in places[start : start + AT_ONCE]], dtype=np.int64)
            part = evaluate_part(self.family, self.space, members, self.names)
            for reason in part.reasons:
                if reason is not None:
                    raise CnncalcError(
                        _(
                            "{size:,} members are too many to look at each, and {name} cannot be bisected: not every "
                            "value gives a network ({reason})",
                            size=self.space.size,
                            name=self.name,
                            reason=reason,
                        )
                    )
            parts.append(part)
        return join_parts(parts)

    def member(self, line: int, place: int) -> int:
        # The line counts the other factors: those before the range are `above`, those behind it `below`.
        above, below = divmod(line, self.stride)
        return (above * self.length + place) * self.stride + below

    def narrow(self, condition: Condition, stretches: Stretches) -> Stretches:
        """The stretches in which a condition holds too, given that its number rises or falls along them."""
        if condition.relation == "!=":
            raise CnncalcError(_("!= leaves holes: a range this long is bisected for =, <, <=, > and >= alone"))
        edges: dict[int, tuple[Edge, Edge]] = {}
        # The places looked at may all miss a short stretch of solutions: between two that the number jumps over, it is
        # looked for again.
        while stretches:
            probed = [(line, place) for line, ends in stretches.items() for place in places_between(*ends)]
            column = self.part(probed).column(condition.name)
            values, holds = iter(column.items()), iter(condition.holds(column).tolist())
            narrower: Stretches = {}
            for line, ends in stretches.items():
                places = places_between(*ends)
                values_here, holds_here = list(islice(values, len(places))), list(islice(holds, len(places)))
                # Checked at every level: what rises along 64 places may fall between two of them.
                self.check_monotone(condition.name, values_here)
                inside = self.crossing(condition, values_here)
                if any(holds_here):
                    edges[line] = edges_of(places, holds_here)
                elif inside is not None and places[inside + 1] - places[inside] > 1:
                    narrower[line] = places[inside], places[inside + 1]
            stretches = narrower
        lows = self.close_in(condition, {line: low for line, (low, _high) in edges.items()})
        highs = self.close_in(condition, {line: high for line, (_low, high) in edges.items()})
        return {line: (lows[line], highs[line]) for line in sorted(edges)}

    def close_in(self, condition: Condition, edges: Mapping[int, Edge]) -> dict[int, int]:
        """On each line the last place, on the way to one at which the condition does not hold, at which it does."""
        edges = dict(edges)
        while True:
            # Halfway between a place outside and one inside, whichever of them is lower.
            middles = {line: sum(edge) // 2 for line, edge in edges.items() if abs(edge.outside - edge.inside) > 1}
            if not middles:
                return {line: edge.inside for line, edge in edges.items()}
            holds = condition.holds(self.part(list(middles.items())).column(condition.name)).tolist()
            for (line, middle), held in zip(middles.items(), holds, strict=True):
                edges[line] = edges[line]._replace(**{"inside" if held else "outside": middle})

    def check_monotone(self, name: str, values: Sequence[Any]) -> None:
        """Raise CnncalcError where a number rises and falls along the places looked at; of a shape each on its own."""
        for numbers in zip(*map(axes_of, values), strict=True):
            steps = [b - a for a, b in pairwise(numbers)]
            if any(step > 0 for step in steps) and any(step < 0 for step in steps):
                raise CnncalcError(
                    _(
                        "{size:,} members are too many to look at each, and {name} cannot be bisected: {quantity} "
                        "rises and falls along it",
                        size=self.space.size,
                        name=self.name,
                        quantity=name,
                    )
                )

    def crossing(self, condition: Condition, values: Sequence[Any]) -> int | None:
        """Between which two places the number passes what is asked for, where it hits it at neither."""
        if condition.relation != "=" or isinstance(condition.value, str):
            return None
        numbers = list(map(axes_of, values))
        wanted = (
            axes_of(condition.value) if isinstance(condition.value, tuple) else (condition.value,) * len(numbers[0])
        )
        if len(wanted) != len(numbers[0]):
            return None
        for place, ends in enumerate(pairwise(numbers)):
            # Of a shape every axis has to be passed between the same two places.
            if all(min(a, b) <= value <= max(a, b) for a, b, value in zip(*ends, wanted, strict=True)):
                return place
        return None


def places_between(low: int, high: int) -> list[int]:
    """Some places of a stretch, its ends among them."""
    # In integers, and as a set: in a short stretch several of the 65 places are one.
    return sorted({low + (high - low) * i // PROBES for i in range(PROBES + 1)})


def edges_of(places: Sequence[int], holds: Sequence[bool]) -> tuple[Edge, Edge]:
    """Between which of the places a condition begins to hold, and between which it ends."""
    first, last = holds.index(True), len(holds) - 1 - holds[::-1].index(True)
    before, behind = max(first - 1, 0), min(last + 1, len(places) - 1)
    return Edge(places[before], places[first]), Edge(places[behind], places[last])
