"""Steps to operations: blocks unrolled, branches brought together, shapes passed from step to step.

A mistake is noted and the shape after it is not known; what does not depend on it is still checked, so
that one run reports what one run can.
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence as Listed
from math import inf
from typing import Any

from cnncalc.errors import OptionError, Position, UnknownValueError, suggest
from cnncalc.language import _, n_
from cnncalc.layers import KINDS, Kind, kind_named
from cnncalc.layers.base import Layer, shape_text
from cnncalc.layers.options import condition, whole
from cnncalc.spec.build.calls import block_scope
from cnncalc.spec.build.draft import Draft
from cnncalc.spec.build.scope import Frame, collect_names, shape_scope
from cnncalc.spec.expressions import Value, as_text, work_out
from cnncalc.spec.read import advice
from cnncalc.spec.read.document import Document, walk
from cnncalc.spec.steps import (
    Argument,
    CallStep,
    FromStep,
    LayerStep,
    MergeStep,
    ResidualStep,
    Sequence,
    SequenceStep,
    Step,
    WordStep,
)

MOST_EMPTY = 100_000  # calls of blocks whose steps are all left out
SMALLEST = 8  # pixels of a side: what is smaller is no image
DEEPEST = 80  # sequences of steps inside each other, through blocks too


class LongError(Exception):
    """More steps than there was patience for."""


class Unroller:
    """Turns steps into the nodes of a draft.

    patience  how many steps to take; at the next one, LongError
    """

    def __init__(self, document: Document, draft: Draft, params: Mapping[str, Value], patience: float = inf) -> None:
        self.document = document
        self.draft = draft
        self.params = dict(params)  # the network's own, known inside blocks too
        self.maker = document.maker
        self.max_operations = draft.max_operations
        self.max_steps = 4 * draft.max_operations + 1000  # some steps are no operation: a call, a `from`
        self.made: dict[int, tuple[Mapping[str, Value], list[Argument], Layer | None]] = {}
        self.scopes: dict[tuple[str, str], dict[str, Value]] = {}  # of calls, by the block and what is in them
        self.steps_taken = 0
        self.at = document.layers.position  # where patience ended
        self.patience = patience
        self.empty_calls = 0  # of blocks whose steps are all left out
        self.depth = 0
        self.numbers: dict[str, int] = {}  # of layers of one kind behind one step: C1/relu, C1/relu2
        # A square of two axes may be an image whose channels were left out: see `suits_axes`.
        squares = (name for name, s in draft.inputs.items() if len(s) == 2 and s[0] == s[1] >= SMALLEST)
        self.square_input = next(squares, None)
        # Of every block once, since it may be called a million times.
        self.block_names = {name: collect_names(block.body) for name, block in document.blocks.items()}
        bodies = [document.layers, *(block.body for block in document.blocks.values())]
        self.shares_weights = any(step.weights is not None for body in bodies for step in walk(body))

    def sequence(self, sequence: Sequence, x: int | None, frame: Frame) -> int | None:
        """Steps one behind the other: the value that comes out of the last."""
        self.depth += 1
        # Blocks that call blocks nest without brackets: the limit of the text does not bound them.
        if self.depth > DEEPEST:
            if sequence.steps:
                self.draft.note(
                    _("steps are nested more than {deepest} deep", deepest=DEEPEST),
                    sequence.steps[0].position,
                    None,
                    frame,
                )
            x = None
        else:
            for step in sequence.steps:
                x = self.step(step, x, frame)
        self.depth -= 1
        return x

    def step(self, step: Step, x: int | None, frame: Frame) -> int | None:
        """One step, as often as it is repeated; the value that comes out, None if it is not known."""
        if step.condition is not None:
            wanted = self.is_wanted(step, frame)
            if not wanted:
                # Left out for sure, the step passes on what enters; where that is open, nothing is known behind it.
                return None if wanted is None else x
        if isinstance(step, WordStep):
            return self.take_word(step, x, frame)
        if step.repeat is None:  # a single call is the first and the last repetition
            changes = [*step.first, *step.last] if isinstance(step, CallStep) else None
            return self.take_once(step, x, frame, step.name, changes)
        # The number is worked out once, outside the repetitions: it speaks of what stands around the step.
        times = self.count_repetitions(step.repeat, frame)
        if times is None:
            return None
        # Refused before it is unrolled: a block that doubles itself forty times would take for ever.
        if isinstance(step, CallStep) and self.document.sizes[step.block] * times > self.max_operations:
            self.draft.too_large(step.repeat.position)
        # `conv 6 k5 x3` without a name: three layers that are numbered as any others, and no group.
        if step.name is None and isinstance(step, LayerStep):
            return self.repeat(step, x, frame, None, times)
        path = frame.path(step.name, step.base_name)
        self.draft.declare(path, step.name_position)
        start = len(self.draft.nodes)
        x = self.repeat(step, x, frame, path[len(frame.prefix) :], times)
        self.draft.group(path, step.base_name, start, x)
        self.draft.results[path] = x
        self.keep_span(path, start)
        return x

    def is_wanted(self, step: Step, frame: Frame) -> bool | None:
        """Whether a step is there: its condition holds, or it has none. None if that is not known."""
        if step.condition is None:
            return True
        path = None if step.name is None else frame.prefix + step.name
        value = self.evaluate(step.condition, frame)
        if value is not None:
            try:
                if condition(value):
                    return True
                if path is not None:
                    self.draft.left_out.add(path)
                return False
            except OptionError as error:
                hint = advice.condition(value, frame.scope)
                self.draft.note(_("if: {problem}", problem=error.problem), step.condition.position, hint, frame)
        if path is not None:
            self.draft.results[path] = None
        return None

    def repeat(self, step: Step, x: int | None, frame: Frame, stem: str | None, times: int) -> int | None:
        """All repetitions, NAME/0, NAME/1 and so on where a stem NAME is given; the value that the last gives."""
        for i in range(times):
            x = self.repeat_once(step, x, frame, stem, i, times)
        return x

    def take_turn(self, step: Step, x: int | None, frame: Frame, stem: str | None, i: int, times: int) -> int | None:
        """One repetition; the first and the last may have other arguments."""
        changes = None
        if isinstance(step, CallStep):
            changes = [*(step.first if i == 0 else ()), *(step.last if i == times - 1 else ())]
        return self.take_once(step, x, frame, None if stem is None else f"{stem}/{i}", changes)

    def repeat_once(self, step: Step, x: int | None, frame: Frame, stem: str | None, i: int, times: int) -> int | None:
        """One repetition. The second shows how many operations those between the first and the last have."""
        steps, empty, operations = self.steps_taken, self.empty_calls, self.count_operations()
        x = self.take_turn(step, x, frame, stem, i, times)
        # The first may differ, the second is like all that follow: from it on what all of them take is known.
        if i == 1:
            steps += (self.steps_taken - steps) * (times - 2)
            empty += (self.empty_calls - empty) * (times - 2)
            operations += (self.count_operations() - operations) * (times - 2)
            if empty > MOST_EMPTY:
                self.draft.too_empty(step.repeat.position if step.repeat else step.position, MOST_EMPTY)
            if operations > self.max_operations or steps > self.max_steps:
                self.draft.too_large(step.repeat.position if step.repeat else step.position)
        return x

    def count_operations(self) -> int:
        """How many there are so far."""
        return len(self.draft.nodes)

    def count_repetitions(self, repeat: Argument, frame: Frame) -> int | None:
        """How often a step is repeated; None where that cannot be said, which is noted."""
        value = self.evaluate(repeat, frame)
        if value is None:
            return None
        try:
            times = int(whole(value, 1, n_("a number of repetitions")))
        except OptionError as error:
            self.draft.note(_("repeat: {problem}", problem=error.problem), repeat.position, error.hint, frame)
            return None
        if times > self.max_operations:
            self.draft.too_large(repeat.position)
        return times

    def take_once(
        self, step: Step, x: int | None, frame: Frame, name: str | None, changes: Listed[Argument] | None = None
    ) -> int | None:
        """A step that is there, under the name of this repetition; the value that it gives.

        changes  what a block is given in this repetition alone
        """
        self.steps_taken += 1
        start, operations = len(self.draft.nodes), self.count_operations()
        # Where a network is long, a rehearsal comes first: see `network.unroll`.
        if self.steps_taken > self.patience:
            self.at = step.position
            raise LongError
        if self.steps_taken > self.max_steps:
            self.draft.too_large(step.position)
        if isinstance(step, LayerStep):
            path = frame.path(name, step.kind.name)
            self.draft.declare(path, step.name_position)
            result = self.add_layer(step, x, frame, path)
        elif isinstance(step, CallStep):
            if len(self.draft.nodes) + self.document.sizes[step.block] > self.max_operations:
                self.draft.too_large(step.position)
            path = frame.path(name, step.block)
            self.draft.declare(path, step.name_position)
            result = self.call(step, x, frame, path, changes or ())
        else:
            path, result = self.take_composite(step, x, frame, name)
        if step.then:
            result = self.follow(step.then, result, frame, path)
        # Calls that leave everything out cost time and no operations: they have a limit of their own.
        if isinstance(step, CallStep) and self.count_operations() == operations:
            self.empty_calls += 1
            if self.empty_calls > MOST_EMPTY:
                self.draft.too_empty(step.position, MOST_EMPTY)
        if step.weights is not None and result is not None:
            self.share(step.weights, path, start, frame)
        if name is not None or isinstance(step, (LayerStep, CallStep)):
            self.draft.results[path] = result
            self.keep_span(path, start)
        return result

    def keep_span(self, path: str, start: int) -> None:
        """Keep which nodes a finished step has made, where a step uses the weights of another."""
        if self.shares_weights:
            self.draft.spans[path] = (start, len(self.draft.nodes))

    def share(self, weights: Argument, path: str, start: int, frame: Frame) -> None:
        """Let the nodes from `start` on use the weights of those of the step that is named. Noted once if not."""
        from cnncalc.spec.build.sharing import tie_weights  # which few networks need

        name = self.evaluate_text(weights, frame)
        # In a block that is called a thousand times the mistake would be found and noted a thousand times.
        if name is None or any(p.position == weights.position for p in self.draft.problems[-50:]):
            return
        problem = tie_weights(self.draft, path, start, name, frame)
        if problem is not None:
            self.draft.note(problem[0], weights.position, problem[1], frame)

    def follow(self, steps: list[Step], x: int | None, frame: Frame, owner: str) -> int | None:
        """What follows a step: norms and activations get its name and theirs, `C1/relu`."""
        for step in steps:
            if isinstance(step, WordStep):
                kind = self.kind_of(step, frame)
                if kind is None:
                    continue
                layer = self.maker.make(kind, step.arguments, step.position)
                step = LayerStep(step.position, kind)
                step.layer = layer
            # A norm or an activation is told by the layer that it follows.
            if isinstance(step, LayerStep) and step.name is None and step.repeat is None and step.kind.appendable:
                # With a name or a repeat of its own it is a step like any other, and keeps that.
                path = base = f"{owner}/{step.kind.name}"
                # `C1/relu` may be there from a block: the second is `C1/relu2`.
                while path in self.draft.declared:
                    self.numbers[base] = self.numbers.get(base, 1) + 1
                    path = f"{base}{self.numbers[base]}"
                x = self.take_once(step, x, frame, path[len(frame.prefix) :])
            else:
                x = self.step(step, x, frame)
        return x

    def take_word(self, step: WordStep, x: int | None, frame: Frame) -> int | None:
        """`$act` as a step of its own."""
        kind = self.kind_of(step, frame)
        if kind is None:
            return x
        layer = LayerStep(step.position, kind)
        layer.name, layer.name_position, layer.repeat, layer.then = (
            step.name, step.name_position, step.repeat, step.then,
        )  # fmt: skip
        layer.layer = self.maker.make(kind, step.arguments, step.position)
        return self.step(layer, x, frame)

    def kind_of(self, step: WordStep, frame: Frame) -> Kind | None:
        """The kind that a `$word` stands for; None for `none`, and if it is no norm or activation."""
        text = self.evaluate_text(step.word, frame)
        # A parameter that says `none` switches the step off.
        if text is None or text in ("none", "identity", ""):
            return None
        kind = kind_named(text)
        if kind is None or not kind.appendable:
            hint = suggest(text, [k.name for k in KINDS.values() if k.appendable])
            if text[:1].isdigit() or text[:1] == ".":
                hint = _("an expression as the value of what stands before it: in long form, then: {dropout: $p}")
            self.draft.note(_("'{text}' is not a norm or an activation", text=text[:40]), step.position, hint, frame)
            return None
        return kind

    def evaluate(self, argument: Argument, frame: Frame) -> Any | None:
        """An argument with its expressions worked out, or None with the problem noted."""
        if not argument.open:
            return argument.value
        try:
            return work_out(argument.value, frame.scope)
        except UnknownValueError:
            return None
        except OptionError as error:
            self.draft.note(error.problem, argument.position, error.hint, frame)
            return None

    def evaluate_text(self, argument: Argument, frame: Frame) -> str | None:
        """The same where a word is meant: a name, a kind."""
        value = self.evaluate(argument, frame)
        return None if value is None else as_text(value)

    def add_layer(self, step: LayerStep, x: int | None, frame: Frame, path: str) -> int | None:
        """One layer as an operation of the network; None where it cannot be made or does not fit, which is noted."""
        arguments, layer = step.arguments, step.layer
        known = self.made.get(id(step))
        if known is not None and known[0] is frame.scope:  # a repetition: the same expressions, the same values
            _scope, arguments, layer = known
        if layer is None:
            values = [self.evaluate(a, frame) for a in arguments]
            if None in values or step.broken:
                return None
            arguments = [a._replace(value=v) for a, v in zip(arguments, values, strict=True)]
            # The maker notes problems at their place, and knows nothing of the calls that led to it.
            before = len(self.draft.problems)
            layer = self.maker.make(step.kind, arguments, step.position)
            self.tell_where(before, path, frame)
            self.made[id(step)] = (frame.scope, arguments, layer)
        if layer is None or x is None:
            return None
        if layer.reads_nothing:
            return self.draft.node(path, layer, (), step.position, arguments, frame)
        # A dense layer behind a map: what is not written is put in, and shown in the row of the layer that needs it.
        if layer.flattens and len(self.draft.shapes[x]) > 1:
            flatten = self.maker.make(KINDS["flatten"], [], step.position)
            assert flatten is not None
            shown_with = len(self.draft.shapes) + 1
            x = self.draft.node(f"{path}/flatten", flatten, (x,), step.position, arguments, frame, shown_with)
            assert x is not None
        if not self.suits_axes(step, layer, x, path, frame):
            return None
        # An activation without a name of its own is shown in the row of the layer that it follows.
        owner = None
        if step.kind.inline and step.name is None and x >= len(self.draft.inputs):
            # The owner may itself be shown with another: then that row is meant.
            owner = self.draft.nodes[x - len(self.draft.inputs)].shown_with or x
        return self.draft.node(path, layer, (x,), step.position, arguments, frame, owner)

    def suits_axes(self, step: LayerStep, layer: Layer, x: int, path: str, frame: Frame) -> bool:
        """Whether a window moves over as many axes as what enters has; noted if not.

        `conv2d` says how many. Where nothing says so, a square input without channels, 28x28, is taken for an image
        whose channels were left out, and not for 28 channels of a sequence.
        """
        shape = self.draft.shapes[x]
        axes = len(shape) - 1
        # Somebody wrote `conv1d`: then all inputs are sequences, however square they are.
        if step.axes == axes == 1 and len(self.draft.sequences) < len(self.draft.inputs):
            self.draft.sequences.update(self.draft.inputs)
        if axes < 1 or "kernel" not in layer.options:
            return True
        square = self.square_input
        is_image = step.axes is None and axes == 1 and square is not None and square not in self.draft.sequences
        if not is_image and step.axes in (None, axes):
            return True
        from cnncalc.spec.build.axes import say_channels_missing, say_other_axes  # for mistakes alone

        if is_image and square is not None:
            problem, hint = say_channels_missing(path, step.kind.name, self.draft.inputs[square][0])
            self.draft.note(problem, self.draft.places[square], hint)
        else:
            is_input = x < len(self.draft.inputs)
            problem, hint = say_other_axes(path, step.kind.name, step.axes or axes, shape, is_input)
            self.draft.note(problem, step.position, hint, frame)
        return False

    def tell_where(self, before: int, path: str, frame: Frame) -> None:
        """Give the problems noted since `before` the path and the calls that led there."""
        for i in range(before, len(self.draft.problems)):
            problem = self.draft.problems[i]
            self.draft.problems[i] = problem._replace(trail=frame.trail)
        # Noted again one by one, so that one that is there already is not told twice.
        last = self.draft.problems[before:]
        del self.draft.problems[before:]
        for p in last:
            self.draft.note(p.problem, p.position, p.hint, frame)

    # --- steps made of steps

    def take_composite(self, step: Step, x: int | None, frame: Frame, name: str | None) -> tuple[str, int | None]:
        """A merge, a residual, a `from` or a named list: the name of its result, and the result."""
        start = len(self.draft.nodes)
        path = None
        if name is not None:
            path = frame.prefix + name
            self.draft.declare(path, step.name_position)
            frame = frame.inside(path)
        result = None
        if isinstance(step, MergeStep):
            path, result = self.take_merge(step, x, frame, path)
        elif isinstance(step, ResidualStep):
            path, result = self.take_residual(step, x, frame, path)
        elif isinstance(step, FromStep):
            origin = self.evaluate_text(step.origin, frame)
            result = None if origin is None else self.resolve(origin, step.origin.position, frame)
            result = self.sequence(step.body, result, frame)
        elif isinstance(step, SequenceStep):
            result = self.sequence(step.body, x, frame)
        if path is None:
            path = frame.path(None, step.base_name)
        if name is not None:
            self.draft.group(path, step.base_name, start, result)
        return path, result

    def resolve(self, name: str, position: Position, frame: Frame) -> int | None:
        """The value of a named step; None if it is not known, which is noted."""
        return self.draft.resolve(name, position, frame)

    def take_merge(self, step: MergeStep, x: int | None, frame: Frame, path: str | None) -> tuple[str, int | None]:
        """The branches of a merge, from the same value, and what brings them together."""
        branches = [branch for branch in step.branches if self.has_steps(branch, frame)]
        values = [self.sequence(branch, x, frame) for branch in branches]
        # Behind the branches, whose layers are numbered first.
        path = path or frame.path(None, step.kind.name)
        # A branch that is not known was complained about where it broke: nothing follows from it here.
        known = [v for v in values if v is not None]
        if len(known) < len(values):
            return path, None
        if len(known) < 2:
            if not known:
                hint = _("leave the merge out too, with an `if:` of its own")
                self.draft.note(_("{path}: every branch is left out", path=path), step.position, hint, frame)
            return path, known[0] if known else None
        layer = self.make_join(step, step.kind, frame)
        if layer is None:
            return path, None
        places = [Argument(f"branch {i}", None, branch.position) for i, branch in enumerate(branches)]
        return path, self.draft.node(path, layer, tuple(known), step.position, places, frame)

    def has_steps(self, branch: Sequence, frame: Frame) -> bool:
        """Whether a branch is there: one whose steps are all left out is no `identity`, but left out itself."""
        return not branch.steps or any(self.is_wanted(step, frame) is not False for step in branch.steps)

    def take_residual(
        self, step: ResidualStep, x: int | None, frame: Frame, path: str | None
    ) -> tuple[str, int | None]:
        """The steps of a residual, and their sum with what entered."""
        # Without steps there is nothing to add: what enters comes out.
        if not self.has_steps(step.body, frame):
            return path or frame.path(None, "add"), x
        y = self.sequence(step.body, x, frame)
        # Equal shapes are added as they are, a shortcut or not; else it is asked for, or a projection put in.
        skip = x
        if x is None or y is None or self.draft.shapes[x] != self.draft.shapes[y]:
            if step.shortcut is not None and self.has_steps(step.shortcut, frame):
                skip = self.sequence(step.shortcut, x, frame)
            elif x is not None and y is not None:
                from cnncalc.spec.build.shortcuts import projection  # which plain networks do not need

                skip = projection(self.draft, self.maker, step, x, y, frame)
        path = path or frame.path(None, "add")
        if y is None or skip is None:
            return path, None
        if self.draft.shapes[y] != self.draft.shapes[skip]:
            problem = _(
                "{path}: add needs equal shapes; the layers of the residual give {one}, its shortcut gives {other}",
                path=path,
                one=shape_text(self.draft.shapes[y]),
                other=shape_text(self.draft.shapes[skip]),
            )
            place = step.shortcut.position if step.shortcut else step.position
            self.draft.note(problem, place, _("give both the same channels and strides"), frame)
            return path, None
        layer = self.make_join(step, KINDS["add"], frame)
        if layer is None:
            return path, None
        return path, self.draft.node(path, layer, (y, skip), step.position, (), frame)

    def make_join(self, step: MergeStep | ResidualStep, kind: Kind, frame: Frame) -> Layer | None:
        """The layer that brings the branches of a step together; None if an option of it is wrong, which is noted."""
        values = [self.evaluate(a, frame) for a in step.arguments]
        if None in values:
            return None
        arguments = [a._replace(value=v) for a, v in zip(step.arguments, values, strict=True)]
        return self.maker.make(kind, arguments, step.position)

    def call(self, step: CallStep, x: int | None, frame: Frame, path: str, changes: Listed[Argument]) -> int | None:
        """The steps of a block, with the values of this call."""
        block = self.document.blocks[step.block]
        if step.broken:
            return None
        scope = block_scope(step, [*step.arguments, *changes], block.params, self.params, self.draft, frame)
        if scope is None:
            return None
        # Last, so that in.c means the channels at this call, not those around the step that makes it.
        scope.update(shape_scope(None if x is None else self.draft.shapes[x]))
        # Calls with equal values share one scope, so that `layer` finds what it worked out in the call before.
        scope = self.scopes.setdefault((step.block, repr(scope)), scope)
        # The inner end says most, and the message stays in a line.
        place = path if len(path) < 60 else "..." + path[-57:]
        inner = Frame(
            prefix=path + "/",
            scope=scope,
            entry=x,
            given=self.block_names[step.block],
            trail=(_("in {place}, called in line {line}", place=place, line=step.position.line), *frame.trail[:2]),
        )
        start = len(self.draft.nodes)
        result = self.enter(step, block.body, x, inner)
        self.draft.group(path, step.base_name, start, result)
        return result

    def enter(self, step: CallStep, body: Sequence, x: int | None, inner: Frame) -> int | None:
        """The steps of a block, in one call."""
        return self.sequence(body, x, inner)
