"""A spec whose parameters and inputs take many values: asked for columns of numbers."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from cnncalc.analysis import analyze_graph
from cnncalc.errors import CnncalcError, OptionError, Source, SpecWarning, suggest
from cnncalc.families.assembly import Assembly
from cnncalc.families.columns import Evaluated, np
from cnncalc.families.formulas import Formula
from cnncalc.families.members import Form, Group, groups_of
from cnncalc.families.numbers import Trace
from cnncalc.families.questions import Question, questions_of
from cnncalc.families.settings import Setting
from cnncalc.families.singly import evaluate_singly
from cnncalc.families.tape import Tape
from cnncalc.families.tracing import SEVERAL, StepClaims, Tree
from cnncalc.graph_builder import MAX_OPERATIONS
from cnncalc.language import _
from cnncalc.report import Settings
from cnncalc.spec import check_option, graph_from_text, names_of

if TYPE_CHECKING:
    from cnncalc.families.piecewise import Piecewise

INPUT = "input"  # the column of the only input's shapes; `input.NAME` where there are several
CHUNK = 8192  # members that are evaluated together: columns that stay near the processor
FEW = 40  # members of a structure that pieces may take less for: a run that remembers is as long as a few that do not


class Family:
    """One spec for many values of its parameters.

    source          the spec; with `inline` a one-line net, whose parameters are the names that its $ stand before
    params, inputs  what is the same for all members, as text
    settings        bytes per value, batch, taps on padding
    """

    def __init__(
        self,
        source: Source,
        *,
        inline: bool = False,
        params: Mapping[str, Any] | None = None,
        inputs: Mapping[str, Any] | None = None,
        settings: Settings | None = None,
        max_operations: int = MAX_OPERATIONS,
    ) -> None:
        self.setting = Setting(source, inline, params or {}, inputs or {}, settings or Settings(), max_operations)
        self.parameters, self.inputs, self.lists = names_of(source, inline=inline)
        self._trees: dict[Any, Tree] = {}
        self._bounds: dict[str, tuple[int, int]] = {}

    def evaluate(self, columns: Mapping[str, Sequence[Any]], quantities: Iterable[str]) -> Evaluated:
        """The quantities of every member.

        columns     by parameter a value per member: integers, words, lists; under INPUT shapes, as tuples or text.
                    Integers are quickest as an array, shapes and lists of one length as an array with two axes
        quantities  of the network, `macs`, or of a layer or a block, `C3.output`

        A member that is no network has its reason; a layer that a member does not have is not known there. Raises
        CnncalcError for a parameter or a quantity that does not exist.
        """
        questions = questions_of(quantities)
        self.check_columns(columns)
        members = len(next(iter(columns.values()))) if columns else 1
        found = Assembly(questions, members)
        groups = list(groups_of(columns, members, {name: self.is_input(name) for name in columns}))
        # All bounds before the first formula: it would be made anew for every group that is wider.
        for group in groups:
            self.widen({name: (int(numbers.min()), int(numbers.max())) for name, numbers in group.numbers.items()})
        for group in self._without_few(groups, questions, found):
            for start in range(0, len(group.rows), CHUNK):
                part = slice(start, start + CHUNK)
                numbers = {name: column[part] for name, column in group.numbers.items()}
                self._evaluate(Group(group.rows[part], group.forms, numbers), questions, found)
        return found.finish()

    def evaluate_singly(self, columns: Mapping[str, Sequence[Any]], quantities: Iterable[str]) -> Evaluated:
        """The same, member by member: what is right, a thousand times slower."""
        questions = questions_of(quantities)
        self.check_columns(columns)
        members = [
            self.split(dict(zip(columns, values, strict=True))) for values in zip(*columns.values(), strict=True)
        ]
        return evaluate_singly(self.setting, members, questions)

    def formulas(
        self, member: Mapping[str, Any], quantities: Iterable[str]
    ) -> tuple[Tape, Mapping[str, int], Mapping[str, Formula]]:
        """The formulas of one member: the tape they stand on, the values of its parameters, a formula per quantity.

        Empty where that member is no network, or nothing of its formulas is to be relied on.
        """
        questions = questions_of(quantities)
        columns = {name: [value] for name, value in member.items()}
        (group,) = groups_of(columns, 1, {name: self.is_input(name) for name in columns})
        values = {name: int(numbers[0]) for name, numbers in group.numbers.items()}
        self.widen({name: (value, value) for name, value in values.items()})
        inputs = [name for name in group.forms if self.is_input(name)]
        same = _alike_in_bounds(_alike(group, inputs), self._bounds)
        values = {name: value for name, value in values.items() if same[name] == name}
        tree = self._tree(group, questions, same, list(values))
        leaf = tree.leaf_of(values)
        return tree.tape, values, leaf.formulas or {}

    def widen(self, bounds: Mapping[str, tuple[int, int]]) -> None:
        """Say between which numbers members will be asked about: formulas hold there, and are made anew beyond.

        bounds  by parameter, `width`; `depth[0]`, `input[1]` where it is a list
        """
        for name, (low, high) in bounds.items():
            least, greatest = self._bounds.get(name, (low, high))
            self._bounds[name] = min(low, least), max(high, greatest)

    def _evaluate(self, group: Group, questions: Mapping[str, Question], found: Assembly) -> None:
        same = _alike(group, [name for name in group.forms if self.is_input(name)])
        numbers = {name: column for name, column in group.numbers.items() if same[name] == name}
        if len(group.rows) == 1 and all(low == high for low, high in map(self._bounds.__getitem__, numbers)):
            member = self._member(group, same, {name: int(column[0]) for name, column in numbers.items()})
            found.put_single(group.rows, evaluate_singly(self.setting, [member], questions))
            return  # the only one of its structure: formulas would serve nobody else
        tree = self._tree(group, questions, same, list(numbers))
        for rows, leaf, evaluation in tree.leaves(numbers, len(group.rows)):
            places = group.rows[rows]
            # Where the formulas may not hold for all of these, each is analyzed by itself: slower, and right.
            if not leaf.is_sound or not found.put(places, leaf, evaluation):
                members = [self._member(group, same, {n: int(c[row]) for n, c in numbers.items()}) for row in rows]
                found.put_single(places, evaluate_singly(self.setting, members, questions))

    @cached_property
    def _piecewise(self) -> Piecewise:
        from cnncalc.families.piecewise import Piecewise  # of members that differ in words

        return Piecewise(self.setting)

    def _without_few(self, groups: list[Group], questions: Mapping[str, Question], found: Assembly) -> Iterator[Group]:
        """The groups that formulas are for; those before which pieces take less are evaluated on the way."""
        few = [group for group in groups if len(groups) > 1 and len(group.rows) <= FEW]
        # Three ways: formulas for groups of many, pieces for groups of a few, and between both by which of them takes
        # less.
        if not few or not self._piecewise.serves(questions):
            yield from groups
            return
        fewest = [group for group in few if len(group.rows) < SEVERAL]
        if fewest:
            self._evaluate_piecewise(fewest, questions, found)
        for group in groups:
            if SEVERAL <= len(group.rows) <= FEW and self._piecewise.reuses:
                self._evaluate_piecewise([group], questions, found)
            elif len(group.rows) >= SEVERAL:
                yield group

    def _evaluate_piecewise(self, groups: Sequence[Group], questions: Mapping[str, Question], found: Assembly) -> None:
        """Groups of a few members each: formulas would serve hardly anyone, the blocks that they share do."""
        rows, members = [], []
        for group in groups:
            numbers = {name: column.tolist() for name, column in group.numbers.items()}
            same = {name: name for name in numbers}
            for i, row in enumerate(group.rows.tolist()):
                rows.append(row)
                members.append(self._member(group, same, {name: column[i] for name, column in numbers.items()}))
        for start in range(0, len(rows), CHUNK):
            evaluated = self._piecewise.evaluate(members[start : start + CHUNK], questions)
            found.put_together(rows[start : start + CHUNK], evaluated)

    def _tree(
        self, group: Group, questions: Mapping[str, Question], same: Mapping[str, str], names: Sequence[str]
    ) -> Tree:
        """The decisions of these members so far; new ones where the bounds have grown."""
        forms: tuple[tuple[str, Form], ...] = tuple(group.forms.items())
        # What members are asked and how they are built decides which formulas there are; their numbers do not.
        key = (forms, tuple(questions.items()), tuple(same.items()))
        bounds = {name: self._bounds[name] for name in names}
        tree = self._trees.get(key)
        # Decisions were made for sure within the old bounds: beyond them they may go the other way.
        if tree is None or tree.tape.limits != bounds:
            tree = self._trees[key] = Tree(
                bounds,
                lambda trace: self._run(group, same, questions, trace),
                lambda values: evaluate_singly(self.setting, [self._member(group, same, values)], questions),
            )
        return tree

    def _run(
        self, group: Group, same: Mapping[str, str], questions: Mapping[str, Question], trace: Trace
    ) -> dict[str, Any]:
        """The answers of one member, with the numbers of a trace."""
        params, inputs = self._member(group, same, {name: trace.parameter(name) for name in trace.values})
        setting = self.setting
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SpecWarning)  # said where the member is analyzed by itself
            graph = graph_from_text(
                setting.source,
                params={**setting.params, **params},
                inputs={**setting.inputs, **inputs},
                max_operations=setting.max_operations,
                inline=setting.inline,
                claims=StepClaims(),
            )
            report = analyze_graph(graph, setting.settings)
        return {name: question.answer(report) for name, question in questions.items()}

    def _member(
        self, group: Group, same: Mapping[str, str], numbers: Mapping[str, Any]
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """The values of one member as those of parameters and those of inputs."""
        all_of_them = {name: numbers[other] for name, other in same.items()}
        return self.split({name: group.values(name, all_of_them) for name in group.forms})

    def split(self, values: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """The values of one member as those of parameters and those of inputs."""
        params = {name: value for name, value in values.items() if not self.is_input(name)}
        # The empty name, that of the only input, stands for `input` alone.
        inputs = {name[len(INPUT) + 1 :]: value for name, value in values.items() if self.is_input(name)}
        return params, inputs

    def is_input(self, column: str) -> bool:
        """Whether a column holds the shapes of an input; a parameter called `input` outranks it."""
        return column not in self.parameters and column in self.input_columns

    @property
    def input_columns(self) -> list[str]:
        """The names of columns of shapes."""
        return [*([INPUT] if len(self.inputs) == 1 else []), *(f"{INPUT}.{name}" for name in self.inputs)]

    def check_option(self, name: str) -> None:
        """Raise CnncalcError for a column that names no option of a layer: `C1.filters`."""
        try:
            check_option(self.setting.source, name, inline=self.setting.inline)
        except OptionError as error:
            said = _("{name}: {text}", name=name[:60], text=error.problem)
            raise CnncalcError(f"{said}: {error.hint}" if error.hint else said) from None

    def check_columns(self, columns: Mapping[str, Sequence[Any]]) -> None:
        """Raise CnncalcError for a column that is neither a parameter nor an input, or of another length."""
        for name in columns:
            if "." in name and name not in self.parameters and not self.is_input(name):
                self.check_option(name)
            elif name not in self.parameters and not self.is_input(name):
                known = [*self.parameters, *(self.input_columns if len(self.inputs) > 1 else [INPUT])]
                hint = suggest(name, known) or _("known: {names}", names=", ".join(known))
                raise CnncalcError(_("the spec has no parameter '{name}': {hint}", name=name[:40], hint=hint))
            fixed = self.setting.inputs if self.is_input(name) else self.setting.params
            if (name[len(INPUT) + 1 :] if self.is_input(name) else name) in fixed:
                raise CnncalcError(_("{name} is given twice", name=name[:40]))
        if len({len(values) for values in columns.values()}) > 1:
            raise CnncalcError(_("every column has a value per member: their lengths differ"))


def _alike_in_bounds(same: Mapping[str, str], bounds: Mapping[str, tuple[int, int]]) -> dict[str, str]:
    """Of one member, sizes that are the same by chance apart: only those that vary alike go together."""
    return {name: other if bounds[name] == bounds[other] else name for name, other in same.items()}


def _alike(group: Group, inputs: Sequence[str]) -> dict[str, str]:
    """By parameter, the one that it is the same as for all members: the height of a square is its width."""
    same = {name: name for name in group.numbers}
    for name in inputs:
        axes = [axis for axis in same if axis.startswith(f"{name}[")]
        for i, axis in enumerate(axes):
            numbers = group.numbers
            same[axis] = next((first for first in axes[:i] if np.array_equal(numbers[first], numbers[axis])), axis)
    return same
