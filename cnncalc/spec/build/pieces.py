"""Members of a family built in pieces: a call of a block that was unrolled before, on equal values, is not again.

What a block's own steps come to depends on the parameters that they speak of, on the shape that enters, and on the
shapes that its calls give. So its outline is found by asking for one call after the other: a tree of calls, with an
outline at each end. Where no outline is known yet, the steps are unrolled as in any network.

Whatever a network in pieces would have to say of a name inside another piece, of weights that are shared, of a mistake
or of a limit, it leaves to a network that is built as a whole: ApartError.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from cnncalc.errors import OptionError
from cnncalc.graph import Claims, Graph
from cnncalc.graph_builder import TooLargeError
from cnncalc.layers.base import Shape
from cnncalc.pieces import ApartError, Outline, Piece
from cnncalc.spec.build.calls import block_scope
from cnncalc.spec.build.draft import Draft
from cnncalc.spec.build.needed_names import find_needed_of_network, names_in, names_of_blocks
from cnncalc.spec.build.network import allow_steps, find_outputs, read_inputs, read_parameters
from cnncalc.spec.build.scope import Frame, collect_names, shape_scope
from cnncalc.spec.build.unroll import DEEPEST, LongError, Unroller
from cnncalc.spec.expressions import Value
from cnncalc.spec.read.document import Document, walk
from cnncalc.spec.read.expectations import read_expectations
from cnncalc.spec.steps import Argument, CallStep
from cnncalc.spec.steps import Sequence as Steps

MOST_REMEMBERED = 20_000  # pieces, and operations of outlines: then all is forgotten
MOST_DEFAULTS = 20  # of which pieces are kept apart
NETWORK = ""  # the name of the steps that are in no block


class Call:
    """A call where an outline comes to it: what it is given, the shape that enters, and what it has come to so far.

    given, network  the names of the values that it depends on, as they are known at the call and in the network
    pieces          by these values; None: none
    ways            by the shape that it gives, the next call or the outline
    """

    __slots__ = ("arguments", "depth", "given", "network", "pieces", "scope", "shape", "step", "ways")

    def __init__(self, step: CallStep, arguments: Sequence[Argument], shape: Shape, depth: int) -> None:
        self.step, self.arguments, self.shape, self.depth = step, arguments, shape, depth
        self.given = names_in(arguments)
        self.network: tuple[str, ...] = ()
        self.scope = shape_scope(shape)
        self.pieces: dict[tuple[Any, ...], Piece | None] = {}
        self.ways: dict[Shape | None, Call | Outline | None] = {}


class Pieces:
    """The pieces of a spec, for one network after the other. Raises ApartError for a spec that has none.

    unrolled  operations that were unrolled; asked: operations of the networks that were asked for
    read      gives its document, anew each time
    defaults  the network's parameters, by which the options that stand under `defaults:` are worked out
    """

    def __init__(
        self, read: Callable[[], Document], max_operations: int, defaults: Mapping[str, Value] | None = None
    ) -> None:
        self.read, self.max_operations, self.defaults = read, max_operations, defaults
        self.forget()
        document = self.document
        opened = [argument for _kind, arguments in document.maker.open_defaults.values() for argument in arguments]
        read_expectations(document.expect, (), document.problems, as_written=False)  # what is wrong with them
        shared = any(step.weights is not None for body in self.bodies.values() for step in walk(body))
        if document.problems or document.loop or shared or not self.blocks:
            raise ApartError
        try:
            self.names = names_of_blocks(document)
            self.names_of_defaults = names_in(opened)
        except OptionError:
            raise ApartError from None
        self.unrolled = self.asked = 0
        self.steps = allow_steps(document)

    def forget(self) -> None:
        """Begin anew, with a document whose steps have made no layers yet."""
        self.document = self.read()
        if self.defaults is not None:
            self.document.maker.work_out_defaults(self.defaults)
        self.blocks = self.document.blocks
        self.bodies: dict[str, Steps] = {NETWORK: self.document.layers, **{n: b.body for n, b in self.blocks.items()}}
        self.claims = Claims()
        self.remembered = 0
        # Three ways to a piece that is there already, from the nearest to the farthest: by the call and the values it
        # depends on; by the block and the values that its steps speak of; by what came of one call after the other.
        self.known_of_calls: dict[Any, dict[tuple[Any, ...], Piece | None]] = {}  # by the step and shapes
        self.known: dict[Any, Piece | None] = {}
        self.outlines: dict[Any, Call | Outline | None] = {}
        self.by_defaults: dict[Any, Pieces] = {}
        self.given_names = {name: collect_names(body) for name, body in self.bodies.items()}

    def network(self, params: Mapping[str, Any], inputs: Mapping[str, Any]) -> Piece:
        """The network with these parameters and inputs. Raises ApartError."""
        # All at once, and from the beginning: which pieces are still needed nobody knows.
        if self.remembered > MOST_REMEMBERED:
            self.forget()
        draft = Draft(self.document.problems, self.max_operations, self.claims)
        scope = read_parameters(self.document, params, draft)
        entry = read_inputs(self.document, inputs, scope, draft)
        self.check_sound()
        # A square without channels may be meant as an image: whether a window suits it is asked of the whole network.
        if entry is None or any(len(shape) == 2 for shape in draft.inputs.values()):
            raise ApartError
        if self.names_of_defaults:
            return self.network_with_defaults(scope, params, inputs)
        self.params = scope
        inside = {**scope, **shape_scope(draft.shapes[entry])}
        piece = self.piece_of(NETWORK, inside, draft.inputs, draft)
        if piece.output is None or piece.operations > self.max_operations or piece.steps > self.steps:
            raise ApartError
        self.asked += piece.operations
        return piece

    def network_with_defaults(
        self, scope: Mapping[str, Value], params: Mapping[str, Any], inputs: Mapping[str, Any]
    ) -> Piece:
        """The network, from the pieces of those that have the same defaults, which are in every layer."""
        # Layers are made once and kept in the steps of the document: other defaults need a document of their own.
        key = as_key(scope, self.names_of_defaults)
        if key not in self.by_defaults:
            self.remembered += MOST_REMEMBERED // MOST_DEFAULTS
            self.by_defaults[key] = Pieces(self.read, self.max_operations, scope)
        others = self.by_defaults[key]
        unrolled, asked = others.unrolled, others.asked
        try:
            return others.network(params, inputs)
        finally:
            self.unrolled += others.unrolled - unrolled
            self.asked += others.asked - asked

    def check_sound(self) -> None:
        """Raise ApartError where a problem was noted, and forget it: the whole network says it."""
        if self.document.problems:
            self.document.problems.clear()
            raise ApartError

    def piece_of(
        self, name: str, scope: Mapping[str, Value], inputs: Mapping[str, Shape], draft: Draft | None
    ) -> Piece:
        """What the steps of a block come to, with these values on these shapes. Raises ApartError."""
        start = (name, as_key(scope, self.names[name].own), *inputs.items())
        pieces: list[Piece] = []
        at: dict[Any, Call | Outline | None] = self.outlines
        key: Any = start
        depth = 0
        # Down a tree of what such networks did before: at each call there is a way on for each piece that it gave, and
        # at the end stands the outline. Where there is no way yet, the network is unrolled and leaves one behind.
        while isinstance(place := at.get(key), Call):
            piece = self.piece_of_call(place, scope)
            depth = max(depth, place.depth + piece.depth)
            key, at = piece.output, place.ways
            if key is not None:
                pieces.append(piece)
        if place is None:
            if key in at:  # tried before, and it is none that comes in pieces
                raise ApartError
            unroller = PieceUnroller(self, name, scope, inputs, draft, start)
            place, pieces, depth = unroller.outline(), unroller.pieces, unroller.depth_of_calls
        depth = max(depth, place.depth)
        if depth > DEEPEST:
            raise ApartError
        self.remembered += 1
        return Piece(place, pieces, depth)

    def piece_of_call(self, call: Call, scope: Mapping[str, Value]) -> Piece:
        """What a call comes to, by the values that are known where it stands. Raises ApartError."""
        key = (*as_key(scope, call.given), *as_key(self.params, call.network))
        if key in call.pieces:
            piece = call.pieces[key]
        else:
            piece = call.pieces[key] = self.piece_of_block(call, scope)
        if piece is None:
            raise ApartError
        return piece

    def piece_of_block(self, call: Call, scope: Mapping[str, Value]) -> Piece | None:
        """The same, where this call has not come to it yet; None for a block that is not in pieces."""
        # Names need no prefix: a piece has none of its own, or it would not serve in two places.
        block = self.blocks[call.step.block]
        frame = Frame(prefix="", scope=scope, entry=0, given={})
        draft = Draft(self.document.problems, self.max_operations, self.claims)
        inner = block_scope(call.step, call.arguments, block.params, self.params, draft, frame)
        if inner is None or self.document.problems:
            self.document.problems.clear()
            return None
        inner.update(call.scope)
        # By what the block speaks of, not by all that is known: other parameters may differ and it is the same.
        names = self.names[block.name]
        key = (block.name, as_key(inner, names.local), as_key(self.params, names.network), call.shape)
        if key not in self.known:
            try:
                self.known[key] = self.piece_of(block.name, inner, {"in": call.shape}, None)
            except ApartError:
                self.known[key] = None
        return self.known[key]


def as_key(scope: Mapping[str, Value], names: Sequence[str]) -> tuple[Any, ...]:
    """The values of some names, by which what depends on them is found. Raises ApartError for a name without one."""
    try:
        values = [scope[name] for name in names]
    except KeyError:
        raise ApartError from None
    # Lists are no keys, and a decimal that equals a whole number is another value to a spec: both by their text.
    return tuple([value if isinstance(value, (str, int)) else repr(value) for value in values])


class PieceUnroller(Unroller):
    """Unrolls the steps of one block, with a piece for each call; and keeps the way to the outline.

    pieces          of the calls, without those that come to nothing
    depth_of_calls  how deep steps are nested in them
    """

    def __init__(
        self,
        owner: Pieces,
        name: str,
        scope: Mapping[str, Value],
        inputs: Mapping[str, Shape],
        draft: Draft | None,
        start: Any,
    ) -> None:
        if draft is None:
            draft = Draft(owner.document.problems, owner.max_operations, owner.claims)
            for key, shape in inputs.items():
                draft.input(key, shape, owner.bodies[name].position)
        super().__init__(owner.document, draft, owner.params, owner.steps)
        self.owner, self.name = owner, name
        self.square_input = None  # there is none: see `Pieces.network`
        self.frame = Frame(prefix="", scope=scope, entry=0, given=owner.given_names[name])
        self.way: dict[Any, Call | Outline | None] = owner.outlines
        self.key = start
        self.pieces: list[Piece] = []
        self.calls: list[int] = []
        self.depth_of_calls = self.deepest = 0

    def outline(self) -> Outline:
        """What the block does by itself, which is remembered. Raises ApartError."""
        try:
            outline = self._outline()
        except (ApartError, LongError, TooLargeError):
            self.document.problems.clear()
            self.way[self.key] = None
            raise ApartError from None
        self.way[self.key] = outline
        self.owner.remembered += len(outline.graph.nodes) + 1
        self.owner.unrolled += len(outline.graph.nodes)
        return outline

    def _outline(self) -> Outline:
        draft = self.draft
        result = self.sequence(self.owner.bodies[self.name], 0, self.frame)
        outputs: tuple[int, ...] = ()
        if self.name != NETWORK:
            outputs = () if result is None else (result,)
        elif not draft.problems:
            outputs = find_outputs(self.document, result, self.frame, draft)
        self.owner.check_sound()
        if not outputs or (outputs == (0,) and draft.nodes) or not all(facts.output for facts in draft.facts):
            raise ApartError
        read = {value for node in draft.nodes for value in node.reads} | {*outputs}
        first = len(draft.inputs)
        if not read >= {first + i for i in self.calls} | ({0} if self.name != NETWORK else set()):
            raise ApartError  # of what nobody reads the whole network knows how long it lives
        graph = Graph(
            name="",
            inputs=draft.inputs,
            nodes=tuple(draft.nodes),
            outputs=outputs,
            groups={},
            facts=tuple(draft.facts),
        )
        return Outline(graph, self.calls, self.steps_taken, self.deepest)

    def sequence(self, sequence: Steps, x: int | None, frame: Frame) -> int | None:
        """Steps one behind the other; how deep they are is kept."""
        self.deepest = max(self.deepest, self.depth + 1)
        return super().sequence(sequence, x, frame)

    def call(self, step: CallStep, x: int | None, frame: Frame, path: str, changes: Sequence[Argument]) -> int | None:
        """A call as one operation, which is a piece of its own."""
        # What is wrong with it the whole network says.
        if step.broken or x is None:
            raise ApartError
        call = self.way.get(self.key)
        if not isinstance(call, Call):
            call = Call(step, [*step.arguments, *changes], self.draft.shapes[x], self.depth)
            call.network = find_needed_of_network(self.document, self.owner.names[step.block], step.block)
            # What a call is given may speak of the shape that enters the steps it stands in, as in.c
            key = (id(step), *map(id, changes), call.shape, *self.draft.inputs.values())
            call.pieces = self.owner.known_of_calls.setdefault(key, call.pieces)
            self.way[self.key] = call
        piece = self.owner.piece_of_call(call, frame.scope)
        self.depth_of_calls = max(self.depth_of_calls, call.depth + piece.depth)
        output = piece.output
        # The next call is looked for behind this one, under the shape that it gave.
        self.way, self.key = call.ways, output
        if output is None:
            return x
        self.pieces.append(piece)
        self.calls.append(len(self.draft.nodes))
        return self.draft.append_call(path, x, output)
