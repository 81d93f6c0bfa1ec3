"""Named lists that repeat, as blocks: the same steps, with parameters where the numbers differ.

Lists are compared by their form: kinds, names and options with the numbers left out. Those of one form become calls
of one block. A number that is the same everywhere stays, one that is a multiple of another parameter or of the
channels that enter is written so, `$(4*c)`; the rest are parameters. Inner lists are replaced before outer ones.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from cnncalc.graph import Graph
from cnncalc.interop.spec.numbers import default_of, expression, free, is_number, plain, settled_column
from cnncalc.interop.spec.steps import Call, From, Line, Merge, Named, Step, entry, lines_of
from cnncalc.interop.spec.text import how_built, stated, text_of
from cnncalc.layers import kind_named

MOST_PARAMETERS = 8  # of a block that somebody reads
LETTERS = {
    "filters": "c", "units": "c", "kernel": "k", "stride": "stride", "padding": "p", "dilation": "d", "groups": "g",
    "size": "size", "factor": "r", "multiplier": "m", "parts": "n", "part": "i",
}  # fmt: skip


class Block:
    """A block: its parameters in order, and its steps."""

    def __init__(self, name: str, params: dict[str, Any], steps: list[Step]) -> None:
        self.name = name
        self.params = params  # name to default; None where it must be given
        self.steps = steps


class Folder:
    """Finds the blocks of a network."""

    def __init__(self, graph: Graph, defaults: dict[str, dict[str, Any]]) -> None:
        self.graph = graph
        self.defaults = defaults
        self.blocks: list[Block] = []
        self.names: set[str] = set()  # of steps: a block has another one

    def folded(self, steps: list[Step]) -> list[Step]:
        """The steps with calls of blocks in the place of lists that repeat, the innermost first."""
        self.names = set(all_names(steps))
        for height in range(highest(steps) + 1):
            found: dict[Any, list[Named]] = {}
            for named in at_height(steps, height):
                form: list[Any] = []
                if self.form(named.steps, form, []) and worth(named.steps):
                    found.setdefault(tuple(form), []).append(named)
            found = self.with_shortcuts(found)
            made = {}
            for lists in found.values():
                block = self.block(lists) if len(lists) > 1 else None
                if block is not None:
                    made.update({id(named): (block, values) for named, values in zip(lists, block[1], strict=True)})
            if made:
                steps = self.replaced(steps, made)
        return steps

    def with_shortcuts(self, found: dict[Any, list[Named]]) -> dict[Any, list[Named]]:
        """Forms that differ in a shortcut alone are one: where the shape stays, a residual does not use it."""
        joined: dict[Any, list[Named]] = {}
        with_it = [form for form in found if "shortcut" in str(form)]
        for form, lists in found.items():
            same = next((other for other in with_it if other != form and without_shortcut(other) == form), None)
            joined.setdefault(form if same is None else same, []).extend(lists)
        return {form: sorted(lists, key=first_node) for form, lists in joined.items()}

    # --- forms

    def form(self, steps: Sequence[Step], form: list[Any], values: list[Any]) -> bool:
        """Append what the steps have besides numbers, and the numbers; whether a block can hold them."""
        return all(self.form_of(step, form, values) for step in steps)

    def form_of(self, step: Step, form: list[Any], values: list[Any]) -> bool:
        if isinstance(step, Line):
            self.form_of_layer(step, form, values)
            form.append(("tail", len(step.tail)))
            for part in step.tail:
                self.form_of_layer(part, form, values)
            return True
        if isinstance(step, Merge):
            form.append(("merge", step.layer.kind, step.name, step.residual, len(step.branches)))
            for i, branch in enumerate(step.branches):
                if step.residual and i and branch:
                    form.append("shortcut")
                elif not step.residual or not i:
                    form.append("branch")
                if not self.form(branch, form, values):
                    return False
                if step.residual and i and branch:
                    form.append("end")
            form.append(("tail", len(step.tail)))
            for part in step.tail:
                self.form_of_layer(part, form, values)
            return True
        if isinstance(step, Named):
            form.append(("named", step.name, len(step.steps)))
            return self.form(step.steps, form, values)
        if isinstance(step, Call):
            form.append(("call", step.name, step.block, tuple(step.values), tuple(step.first), tuple(step.last)))
            for given in (step.values, step.first, step.last):
                for name, value in given.items():
                    values.append((name, value))
            values.append(("repeat", step.repeat))
            return True
        return False

    def form_of_layer(self, line: Line, form: list[Any], values: list[Any]) -> None:
        options = stated(line.layer, self.defaults.get(line.layer.kind, {}))
        slots: list[Any] = []
        for name, option in line.layer.options.items():
            value = vars(line.layer)[name]
            if is_number(value) and name in LETTERS and (name in options or option.flag):
                slots.append(name)
                values.append((name, plain(value)))
            elif name in options:
                slots.append((name, text_of(value) or repr(value)))
        form.append((line.layer.kind, line.name, tuple(slots), *how_built(line.layer)))

    # --- blocks

    def block(self, lists: list[Named]) -> tuple[Block, list[dict[str, Any]]] | None:
        """A block for lists of one form, and the values with which each calls it."""
        full = next((n for n in lists if any(m.residual and m.branches[1] for m in merges(n.steps))), lists[0])
        numbers = []
        for named in lists:
            values: list[Any] = []
            self.form(named.steps, [], values)
            numbers.append(values)
        longest: list[Any] = []
        self.form(full.steps, [], longest)
        places = shortcut_places(self, full)
        rows = [fill(values, longest, places) for values in numbers]
        entering = [self.channels(named) for named in lists]
        params: dict[str, list[Any]] = {}
        written: list[Any] = []
        for i, (name, _value) in enumerate(longest):
            column = [None if row[i] is None else row[i][1] for row in rows]
            said = expression(name, column, params, entering)
            if said is None:
                letter = free(LETTERS.get(name, name), params)
                params[letter] = settled_column(column)
                said = f"${letter}"
            written.append(said)
        if len(params) > MOST_PARAMETERS:
            return None
        name = self.name_for(full)
        defaults = {letter: default_of(letter, column) for letter, column in params.items()}
        block = Block(name, dict(sorted(defaults.items(), key=lambda pair: pair[1] is not None)), full.steps)
        Substitution(iter(written), self.defaults).steps(full.steps)
        self.blocks.append(block)
        calls = [
            {letter: params[letter][i] for letter, usual in block.params.items() if params[letter][i] != usual}
            for i in range(len(lists))
        ]
        return block, calls

    def channels(self, named: Named) -> int | None:
        """The channels that enter a list."""
        for step in named.steps[:1]:
            first = step if isinstance(step, Line) else next(iter(lines_of([step])), None)
            if isinstance(step, Merge):
                start = entry(step, self.graph)
                return None if start is None else self.graph.shape(start)[0]
            if isinstance(first, Line):
                return self.graph.shape(self.graph.nodes[first.node - len(self.graph.inputs)].reads[0])[0]
        return None

    def name_for(self, named: Named) -> str:
        """What people call such a block."""
        lines = [line for line in lines_of(named.steps) if isinstance(line, Line)]
        kinds = [line.layer.kind for line in lines]
        residual = any(m.residual for m in merges(named.steps))
        branches = max((len(m.branches) for m in merges(named.steps)), default=0)
        base = "block"
        if "depthwise" in kinds:
            base = "inverted" if residual else "separable"
        elif residual:
            kernels = [vars(line.layer).get("kernel") for line in lines if line.layer.kind == "conv"]
            base = "bottleneck" if kernels[:3] == [(1,), (3,), (1,)] else "basic"
        elif branches > 2:
            base = "inception"
        taken = self.names | {block.name for block in self.blocks}
        names = [base, *(f"{base}{i}" for i in range(2, len(taken) + 3))]
        return next(name for name in names if name not in taken and kind_named(name) is None)

    def replaced(self, steps: list[Step], made: dict[int, Any]) -> list[Step]:
        """Calls in the place of lists; neighbours called 0, 1, 2 as one that repeats."""
        found: list[Step] = []
        for step in steps:
            if isinstance(step, Named) and id(step) in made:
                (block, _calls), values = made[id(step)]
                found.append(Call(step.name, block.name, values))
                continue
            if isinstance(step, Merge):
                step.branches = [self.replaced(branch, made) for branch in step.branches]
            elif isinstance(step, (Named, From)):
                step.steps = self.replaced(step.steps, made)
            found.append(repeated(step, self.blocks) if isinstance(step, Named) else step)
        return found


class Substitution:
    """Writes the numbers of a block's steps, in the order in which they were taken."""

    def __init__(self, written: Iterator[Any], defaults: dict[str, dict[str, Any]]) -> None:
        self.written = written
        self.defaults = defaults

    def steps(self, steps: Sequence[Step]) -> None:
        for step in steps:
            if isinstance(step, Line):
                self.line(step)
            elif isinstance(step, Merge):
                for branch in step.branches:
                    self.steps(branch)
                for part in step.tail:
                    self.layer(part)
            elif isinstance(step, Named):
                self.steps(step.steps)
            elif isinstance(step, Call):
                for given in (step.values, step.first, step.last):
                    for name in given:
                        given[name] = next(self.written)
                step.repeat = next(self.written)

    def line(self, line: Line) -> None:
        self.layer(line)
        for part in line.tail:
            self.layer(part)

    def layer(self, line: Line) -> None:
        options = stated(line.layer, self.defaults.get(line.layer.kind, {}))
        for name, option in line.layer.options.items():
            value = vars(line.layer)[name]
            if is_number(value) and name in LETTERS and (name in options or option.flag):
                said = next(self.written)
                usual = self.defaults.get(line.layer.kind, {}).get(name, option.default)
                if isinstance(said, str) or usual is None or usual == "same" or said != plain(usual):
                    options[name] = said
                else:
                    options.pop(name, None)
        vars(line)["options"] = options


def repeated(step: Named, blocks: list[Block]) -> Step:
    """A list of nothing but calls of one block called 0, 1, 2 is one call, repeated."""
    calls = [inner for inner in step.steps if isinstance(inner, Call)]
    if len(calls) < len(step.steps) or not calls or any(c.block != calls[0].block for c in calls):
        return step
    if [c.name for c in calls] != [str(i) for i in range(len(calls))] or any(c.repeat != 1 for c in calls):
        return step
    if any(c.first or c.last for c in calls):
        return step
    if len(calls) == 1:
        return step
    params = next(block.params for block in blocks if block.name == calls[0].block)
    full = [{**params, **c.values} for c in calls]
    middle = full[1:-1] or full[-1:]
    if any(values != middle[0] for values in middle):
        return step
    common = middle[0]
    first = {name: value for name, value in full[0].items() if value != common[name]}
    last = {name: value for name, value in full[-1].items() if value != common[name]} if len(full) > 2 else {}
    one = Call(step.name, calls[0].block, {name: v for name, v in common.items() if v != params[name]})
    one.repeat, one.first, one.last = len(calls), first, last
    return one


def merges(steps: Sequence[Step]) -> Iterator[Merge]:
    return (line for line in lines_of(steps) if isinstance(line, Merge))


def worth(steps: Sequence[Step]) -> bool:
    """Whether a list is worth a block: it has more than a line."""
    return sum(1 for _ in lines_of(steps)) > 1 or any(isinstance(step, Merge) for step in steps)


def first_node(named: Named) -> int:
    return min(line.node for line in lines_of(named.steps)) if any(True for _ in lines_of(named.steps)) else 0


def height_of(named: Named) -> int:
    """How many named lists stand in each other below one; those of a shortcut do not count, which others may lack."""
    return max((1 + height_of(inner) for inner in lists_in(named.steps, shortcuts=False)), default=0)


def highest(steps: Sequence[Step]) -> int:
    return max(map(height_of, lists_in(steps)), default=-1)


def at_height(steps: Sequence[Step], height: int) -> Iterator[Named]:
    """The named lists of a height, wherever they stand."""
    for named in lists_in(steps):
        if height_of(named) == height:
            yield named
        yield from at_height(named.steps, height)


def lists_in(steps: Sequence[Step], *, shortcuts: bool = True) -> Iterator[Named]:
    """The named lists that stand directly among steps, in branches too."""
    for step in steps:
        if isinstance(step, Named):
            yield step
        elif isinstance(step, From):
            yield from lists_in(step.steps, shortcuts=shortcuts)
        elif isinstance(step, Merge):
            for branch in step.branches[: 1 if step.residual and not shortcuts else None]:
                yield from lists_in(branch, shortcuts=shortcuts)


def all_names(steps: Sequence[Step]) -> Iterator[str]:
    for step in steps:
        if not isinstance(step, From):
            yield step.name
        if isinstance(step, (From, Named)):
            yield from all_names(step.steps)
        elif isinstance(step, Merge):
            for branch in step.branches:
                yield from all_names(branch)


def without_shortcut(form: tuple[Any, ...]) -> tuple[Any, ...]:
    """A form less what stands between `shortcut` and its end."""
    left: list[Any] = []
    inside = 0
    for part in form:
        if part == "shortcut":
            inside += 1
        elif part == "end":
            inside -= 1
        elif not inside:
            left.append(part)
    return tuple(left)


def shortcut_places(folder: Folder, named: Named) -> list[bool]:
    """For each number of a list, whether it belongs to a shortcut."""
    marks: list[bool] = []

    def walk(steps: Sequence[Step], inside: bool) -> None:
        for step in steps:
            if isinstance(step, Merge):
                for i, branch in enumerate(step.branches):
                    walk(branch, inside or (step.residual and i == 1))
                count(step.tail, inside)
            elif isinstance(step, Named):
                walk(step.steps, inside)
            else:
                values: list[Any] = []
                folder.form_of(step, [], values)
                marks.extend([inside] * len(values))

    def count(tail: Sequence[Line], inside: bool) -> None:
        for part in tail:
            values: list[Any] = []
            folder.form_of_layer(part, [], values)
            marks.extend([inside] * len(values))

    walk(named.steps, False)
    return marks


def fill(values: list[Any], longest: list[Any], places: list[bool]) -> list[Any]:
    """The numbers of a list in the places of the longest; None where it has no shortcut and so no number."""
    if len(values) == len(longest):
        return list(values)
    left = iter(values)
    return [None if inside else next(left) for inside in places]
