"""A family that is run for one member and evaluated for all that go the same way.

A run with numbers that remember gives formulas, and the decisions that led to them. The decisions of all runs form a
tree: members go down together as long as their answers agree, and where they come to an answer that no run has had,
one of them is run. At a leaf stand the formulas for all that come there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from cnncalc.errors import CnncalcError
from cnncalc.families.assembly import Assembly
from cnncalc.families.columns import Array, Evaluated, np, pack
from cnncalc.families.evaluation import Evaluation
from cnncalc.families.formulas import Leaf, formula_of
from cnncalc.families.numbers import Decision, Question, Trace, operand_of
from cnncalc.families.singly import reason_of
from cnncalc.families.tape import Tape
from cnncalc.graph import BEHIND_UNKNOWN, Claims
from cnncalc.layers.base import Facts, Layer, Shape

# A run that remembers takes as long as a few that do not: members with little in common are analyzed one by one.
SEVERAL, MANY_RUNS = 5, 40


class Fork:
    """A question, and what follows from each of its answers."""

    __slots__ = ("question", "ways")

    def __init__(self, question: Question) -> None:
        self.question = question
        self.ways: dict[int, Fork | Leaf] = {}


UNSOUND = Leaf(None, None)


class StepClaims(Claims):
    """The facts of layers, once for each layer on the same steps; what is equal by chance is not asked."""

    def of(self, layer: Layer, shapes: tuple[Shape, ...]) -> Facts:
        """What `layer` claims on `shapes`. Raises ShapeError."""
        key: Any = (id(layer), tuple([tuple(map(operand_of, shape)) for shape in shapes]))
        facts = self._by_identity.get(key)
        if facts is None:
            facts = layer.facts(*shapes) if () not in shapes else BEHIND_UNKNOWN
            if layer.frozen:
                facts = facts.freeze(layer.frozen)
            self._by_identity[key] = facts
            # Kept, for the id of a layer that is gone may be that of another.
            self._kept.append(layer)
        return facts


Run = Callable[[Trace], Mapping[str, Any]]  # the answers of one member; raises CnncalcError where there is no network
Plain = Callable[[Mapping[str, int]], Evaluated]  # the same of a member on plain numbers


class Tree:
    """The decisions of a family of one structure.

    bounds  the least and the greatest value of each parameter, over all members that will be asked about
    run     analyzes one member with the numbers of a trace
    plain   analyzes it as if there were no other: what a run gave must be the same for its own member
    """

    def __init__(self, bounds: Mapping[str, tuple[int, int]], run: Run, plain: Plain) -> None:
        self.tape = Tape(bounds)
        self.run = run
        self.plain = plain
        self.root: Fork | Leaf | None = None
        self.runs = self.served = 0

    def leaves(self, columns: Mapping[str, Array], members: int) -> list[tuple[Array, Leaf, Evaluation]]:
        """Which members come to which leaf, with the values of their steps."""
        found = []
        waiting: list[tuple[list[Decision], Array]] = [([], np.arange(members))]
        while waiting:
            path, rows = waiting.pop()
            evaluation = Evaluation(self.tape, {name: column[rows] for name, column in columns.items()}, len(rows))
            path = list(path)
            place = self.at(path)
            while not isinstance(place, Leaf):
                if place is None and self.is_scattered(len(rows)):
                    place = UNSOUND
                    continue
                if place is None:
                    # The first of those that wait here is run; the others follow where they decide alike.
                    self.trace({name: int(column[rows[0]]) for name, column in columns.items()})
                    place = self.at(path)
                    if place is None:  # its run went another way than its numbers: nothing to rely on
                        self.insert(path, UNSOUND)
                        place = UNSOUND
                    continue
                answers = evaluation.answers(place.question)
                first = int(answers[0])
                same = answers == first
                if same.all():
                    path.append((place.question, first))
                    place = place.ways.get(first)
                    continue
                for answer in dict.fromkeys(answers.tolist()):
                    waiting.append(([*path, (place.question, int(answer))], rows[answers == answer]))
                break
            # The loop came to a leaf, and was not left at a fork.
            else:
                found.append((rows, place, evaluation))
                self.served += len(rows)
        return found

    def is_scattered(self, members: int) -> bool:
        """Whether a run for so few members is not worth it: those before have hardly served more than one each."""
        return members < SEVERAL and self.runs > MANY_RUNS and self.served < SEVERAL * self.runs

    def leaf_of(self, values: Mapping[str, int]) -> Leaf:
        """What is known for one member. It is run where no run has gone its way."""
        columns = {name: pack([value]) for name, value in values.items()}
        ((_rows, leaf, _evaluation),) = self.leaves(columns, 1)
        return leaf

    def at(self, path: Sequence[Decision]) -> Fork | Leaf | None:
        """The place to which these decisions lead; None where no run has been."""
        place = self.root
        for _question, answer in path:
            if not isinstance(place, Fork):
                return None
            place = place.ways.get(answer)
        return place

    def trace(self, values: Mapping[str, int]) -> None:
        """Run one member, and put what it gives into the tree."""
        self.runs += 1
        trace = Trace(self.tape, values)
        try:
            answers = self.run(trace)
            leaf = Leaf({name: formula_of(answer) for name, answer in answers.items()}, None)
        except CnncalcError as error:
            leaf = Leaf(None, reason_of(error))
        except Exception:  # of arithmetic or of the interpreter: code that takes numbers apart which remember
            leaf = UNSOUND
        self.insert(trace.decisions, leaf if self.holds(leaf, values) else UNSOUND)

    def holds(self, leaf: Leaf, values: Mapping[str, int]) -> bool:
        """Whether formulas, or a message, give for the member that was run what it gives by itself."""
        if not leaf.is_sound:
            return False
        evaluation = Evaluation(self.tape, {name: pack([value]) for name, value in values.items()}, 1)
        found, plain = Assembly(leaf.formulas or {}, 1), self.plain(values)
        if not found.put(np.zeros(1, dtype=np.int64), leaf, evaluation):
            return False
        result = found.finish()
        same = all(column.item(0) == plain.columns[name].item(0) for name, column in result.columns.items())
        return same and result.reasons == plain.reasons

    def insert(self, path: Sequence[Decision], leaf: Leaf) -> None:
        """A leaf behind these decisions; where others were asked in between, it is not put in."""
        if not path:
            self.root = leaf
            return
        if self.root is None:
            self.root = Fork(path[0][0])
        place = self.root
        for i, (question, answer) in enumerate(path):
            if not isinstance(place, Fork) or place.question != question:
                return
            if i == len(path) - 1:
                place.ways[answer] = leaf
            elif answer not in place.ways:
                place.ways[answer] = Fork(path[i + 1][0])
            place = place.ways[answer]
