"""Named lists that repeat, as blocks: the same steps, with parameters where the numbers differ.

Lists of one form (see forms.py) become calls of one block. A number that is the same everywhere stays, one that is a
multiple of another parameter or of the channels that enter is written so, `$(4*c)`; the rest are parameters. Inner
lists are replaced before outer ones.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from cnncalc.graph import Graph
from cnncalc.interop.names import RESERVED
from cnncalc.interop.spec.forms import (
    ACTIVATION,
    LETTERS,
    SHORTCUT,
    Around,
    Defaults,
    Form,
    Slot,
    form_of,
    without_shortcut,
)
from cnncalc.interop.spec.numbers import Column, Number, default_of, express, free, settle_column
from cnncalc.interop.spec.repeats import join_runs, repeat_calls
from cnncalc.interop.spec.steps import (
    Block,
    Call,
    From,
    Line,
    Merge,
    Named,
    Step,
    every_step,
    first_node,
    has_shortcut,
    lines_of,
    lists_in,
    merges_in,
)
from cnncalc.layers import kind_named

PLAIN = "block"  # of which nothing is known
MOST_PARAMETERS = 8  # of a block that somebody reads


class Use(NamedTuple):
    """A list that is replaced: the block, and the values with which it is called."""

    block: Block
    values: dict[str, Number]


class Listed(NamedTuple):
    """A named list and its form."""

    named: Named
    form: Form


class Folder:
    """Finds the blocks of a network.

    defaults  options of kinds that the spec states once
    values    what values are called
    runs      neighbours in a list that are called alike are one call, under the name of the first
    """

    def __init__(self, graph: Graph, defaults: Defaults, values: Mapping[int, str], *, runs: bool = False) -> None:
        self.graph = graph
        self.defaults = defaults
        self.values = values
        self.runs = runs
        self.around: dict[int, Around] = {}  # of lists, by identity
        self.blocks: list[Block] = []
        self.names: set[str] = set()  # of steps: a block has another one
        self.heights: dict[int, int] = {}  # of lists, by identity, before any of them became a call

    def fold(self, steps: list[Step]) -> list[Step]:
        """The steps with calls of blocks in the place of lists that repeat, the innermost first."""
        self.names = {step.name for step in every_step(steps) if not isinstance(step, From)}
        self.heights = {}
        self.look_around(steps, "", 0)
        tallest = max((self.measure(named) for named in lists_in(steps)), default=-1)
        # Once inner lists are calls, outer ones that call alike have one form.
        for height in range(tallest + 1):
            uses: dict[int, Use] = {}
            for lists in self.alike(steps, height):
                if len(lists) > 1:
                    uses.update(self.make_block(lists))
            if uses:
                steps = self.replace(steps, uses)
        return steps

    def look_around(self, steps: Sequence[Step], prefix: str, at: int) -> int:
        """Note what stands around each list, where `at` enters the steps; what comes out of the last."""
        for step in steps:
            if isinstance(step, Named):
                self.around[id(step)] = Around(prefix + step.name, at, self.values)
                at = self.look_around(step.steps, f"{prefix}{step.name}/", at)
            elif isinstance(step, From):
                at = self.look_around(step.steps, prefix, step.origin)
            elif isinstance(step, (Line, Merge)):
                for branch in step.branches if isinstance(step, Merge) else ():
                    self.look_around(branch, f"{prefix}{step.name}/" if step.name else prefix, at)
                at = step.tail[-1].node if step.tail else step.node
        return at

    def measure(self, named: Named) -> int:
        """How many named lists stand in each other below one; a shortcut's do not count, which others may lack."""
        below = {id(inner): self.measure(inner) for inner in lists_in(named.steps)}
        counted = (1 + below[id(inner)] for inner in lists_in(named.steps, shortcuts=False))
        found = self.heights[id(named)] = max(counted, default=0)
        return found

    def at_height(self, steps: Sequence[Step], height: int) -> Iterator[Named]:
        """The named lists of a height, wherever they stand."""
        for named in lists_in(steps):
            if self.heights[id(named)] == height:
                yield named
            yield from self.at_height(named.steps, height)

    def alike(self, steps: Sequence[Step], height: int) -> list[list[Listed]]:
        """The lists of a height that are worth a block, those of one form together."""
        found: dict[tuple[Any, ...], list[Listed]] = {}
        for named in self.at_height(steps, height):
            form = form_of(named.steps, self.defaults, self.around[id(named)])
            if form is not None and is_worth_a_block(named.steps):
                found.setdefault(form.pattern, []).append(Listed(named, form))
        # Forms that differ in a shortcut alone are one: where the shape stays, a residual does not use it.
        joined: dict[tuple[Any, ...], list[Listed]] = {}
        with_it = [pattern for pattern in found if SHORTCUT in pattern]
        for pattern, lists in found.items():
            same = (other for other in with_it if other != pattern and without_shortcut(other) == pattern)
            joined.setdefault(next(same, pattern), []).extend(lists)
        return [sorted(lists, key=lambda listed: first_node(listed.named)) for lists in joined.values()]

    def make_block(self, lists: Sequence[Listed]) -> dict[int, Use]:
        """A block for lists of one form: how each of them calls it, by identity. Empty where none would be read."""
        # Written from the list with the most in it: one that has a shortcut, where some have none.
        full = next((one for one in lists if has_shortcut(one.named)), lists[0])
        columns = columns_of(lists, full.form.slots)
        params, written = self.parameters(
            full.form.slots, columns, [self.graph.shape(self.around[id(one.named)].enters)[0] for one in lists]
        )
        # A block of ten parameters is harder to read than its steps.
        if len(params) > MOST_PARAMETERS:
            return self.make_blocks(lists)
        defaults = {letter: default_of(letter, column) for letter, column in params.items()}
        # What must be given stands first: it is given in its order, without its name.
        ordered = dict(sorted(defaults.items(), key=lambda pair: pair[1] is not None))
        block = Block(self.name_for([one.named for one in lists], full.named), ordered, full.named.steps)
        for slot, said in zip(full.form.slots, written, strict=True):
            slot.write(said)
        self.blocks.append(block)
        return {
            id(one.named): Use(block, {p: params[p][i] for p, usual in ordered.items() if params[p][i] != usual})
            for i, one in enumerate(lists)
        }

    def make_blocks(self, lists: Sequence[Listed]) -> dict[int, Use]:
        """Blocks for lists that would need too many parameters together: one for those with the same activations."""
        found: dict[tuple[Any, ...], list[Listed]] = {}
        for one in lists:
            found.setdefault(tuple(slot.number for slot in one.form.slots if slot.name == ACTIVATION), []).append(one)
        uses: dict[int, Use] = {}
        for alike in found.values() if len(found) > 1 else ():
            if len(alike) > 1:
                uses.update(self.make_block(alike))
        return uses

    def parameters(
        self, slots: Sequence[Slot], columns: Sequence[Column], entering: Sequence[int]
    ) -> tuple[dict[str, list[Number]], list[Number]]:
        """The parameters of a block with the value of each list, and what is written in each slot.

        columns   for each slot the numbers that the lists have there; None where a list has no such number
        entering  the channels that enter each list
        """
        params: dict[str, list[Number]] = {}
        written: list[Number] = []
        for slot, column in zip(slots, columns, strict=True):
            # In the order of the steps, so that a number is said by those in front of it.
            said = express(slot.name, column, params, entering)
            if said is None:
                letter = free(LETTERS.get(slot.name, slot.name), params)
                params[letter] = settle_column(column)
                said = f"${letter}"
            written.append(said)
        return params, written

    def name_for(self, lists: Sequence[Named], full: Named) -> str:
        """What people call such a block, or its lists but for their numbers: `denselayer1`, `denselayer2`."""
        base = usual_name(full)
        stems = {one.name.rstrip("0123456789").rstrip("_-") for one in lists}
        if base == PLAIN and len(stems) == 1:
            base = stems.pop() or PLAIN
        base = PLAIN if base in RESERVED else base
        # Neither a step nor a kind has the name of a block: its calls would be read as that.
        taken = self.names | {block.name for block in self.blocks}
        names = [base, *(f"{base}{i}" for i in range(2, len(taken) + 3))]
        return next(name for name in names if name not in taken and kind_named(name) is None)

    def replace(self, steps: Sequence[Step], uses: dict[int, Use]) -> list[Step]:
        """Calls in the place of lists; neighbours called 0, 1, 2 as one that repeats."""
        found: list[Step] = []
        for step in steps:
            use = uses.get(id(step)) if isinstance(step, Named) else None
            if use is not None and isinstance(step, Named):
                found.append(Call(step.name, use.block.name, use.values))
                continue
            if isinstance(step, Merge):
                step.branches = [self.replace(branch, uses) for branch in step.branches]
            elif isinstance(step, (Named, From)):
                step.steps = self.replace(step.steps, uses)
            # A list of nothing but calls may be one call that repeats.
            if isinstance(step, Named):
                step = repeat_calls(step, self.blocks)
                if self.runs and isinstance(step, Named):
                    step.steps = join_runs(step.steps)
            found.append(step)
        return found


def columns_of(lists: Sequence[Listed], slots: Sequence[Slot]) -> list[Column]:
    """For each slot of the fullest list the numbers that all lists have there; None where one has no shortcut."""
    # A list without a shortcut has all slots but the shortcut's, in the same order.
    rows = []
    for one in lists:
        numbers = iter([slot.number for slot in one.form.slots])
        lacking = len(one.form.slots) < len(slots)
        rows.append([None if lacking and slot.in_shortcut else next(numbers) for slot in slots])
    return [list(column) for column in zip(*rows, strict=True)]


def usual_name(named: Named) -> str:
    """The name of such a block in the literature, as far as its layers tell."""
    # MobileNet's separable and inverted blocks, ResNet's two, SENet's and GoogLeNet's.
    lines = [line for line in lines_of(named.steps) if isinstance(line, Line)]
    merges = list(merges_in(named.steps))
    residual = [step.residual for step in named.steps if isinstance(step, Merge)] == [True]
    if any(line.layer.kind == "depthwise" for line in lines):
        return "inverted" if residual else "separable"
    if residual:
        kernels = [vars(line.layer).get("kernel") for line in lines if line.layer.kind == "conv"]
        return "bottleneck" if kernels[:3] == [(1,), (3,), (1,)] else "basic"
    if any(merge.layer.kind == "multiply" for merge in merges) and any(
        line.layer.kind == "global_avgpool" for line in lines
    ):
        return "squeeze_excite"
    return "inception" if any(merge.layer.kind == "concat" and len(merge.branches) > 2 for merge in merges) else PLAIN


def is_worth_a_block(steps: Sequence[Step]) -> bool:
    """Whether a list is worth a block: it has more than a line."""
    return sum(1 for _ in lines_of(steps)) > 1 or any(isinstance(step, Merge) for step in steps)
