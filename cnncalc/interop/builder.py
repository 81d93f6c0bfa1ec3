"""From the operators of another program's model to a graph, as the reader of specs makes one.

    b = Builder("ResNet-50", "resnet50.onnx")
    x = b.input("input", (3, 224, 224))
    y = b.add("conv1", "conv", {"filters": 64, "kernel": (7, 7), "stride": 2, "padding": 3}, [x], at="node 'conv1'")
    b.output(b.add("relu", "relu", {}, [y]))
    graph = b.graph()

Values are numbers, as in a graph. Layers come from the table of kinds, names become names of the spec language,
activations and dropout stand in the row of the layer that they follow, and a dense layer that meets a map gets its
flatten. Every error is a SpecError that says where in the model it arose.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn

from cnncalc.errors import OptionError, Problem, ShapeError, Source, SpecError
from cnncalc.graph import Graph, Group, Node
from cnncalc.graph_builder import MAX_OPERATIONS, GraphBuilder, TooLargeError
from cnncalc.interop.names import Names, is_word, legal, number_name, unique
from cnncalc.language import _
from cnncalc.layers import KINDS, kind_named
from cnncalc.layers.base import Layer, Shape, shape_text
from cnncalc.layers.options import CONSTRUCTION, LARGEST, MOST_AXES
from cnncalc.layers.unknown import NOT_KNOWN, Unknown


class UnfitOptionError(SpecError):
    """A layer with an option that its kind cannot have: whoever read the model took an operator for what it is not."""

    reason = ""  # without the place


class Builder(GraphBuilder):
    """A network while it is put together.

    name            what the network is called
    source          the file or whatever else errors speak of
    max_operations  the largest network to build
    """

    def __init__(self, name: str, source: str, *, max_operations: int = MAX_OPERATIONS) -> None:
        super().__init__(max_operations)
        self.name = name
        self.source = source
        self.outputs: list[int] = []
        self.taken = Names()
        self.unknowns: list[Problem] = []
        self.remarks: list[str] = []  # what is said below the table
        self.forgiving = False  # what contradicts itself is unknown, and no error
        self.rows: dict[int, int] = {}  # the value in whose row an activation stands
        self.ends: dict[int, int] = {}  # the last value of a row that has several
        self._layers: dict[tuple[str, str], Layer] = {}
        self._moved: dict[tuple[int, str, str], int] = {}

    # --- what a reader calls

    def input(self, name: str, shape: Sequence[int]) -> int:
        """An input of the network, (C, *size) without the batch. All inputs come before the first layer."""
        found = tuple(shape)
        if not 1 <= len(found) <= MOST_AXES or not all(1 <= n <= LARGEST for n in found):
            self.fail(
                _("input '{name}'", name=name),
                _("{shape} is no shape: channels, then up to seven axes", shape=shape_text(found) or "()"),
            )
        path = self._name(name, "input", prefer="input" if name == "input" else None)
        return self.add_input(path, found)

    def add(
        self,
        name: str,
        kind: str,
        options: Mapping[str, Any] | None = None,
        reads: Sequence[int] = (),
        *,
        at: str = "",
        weights_of: int | None = None,
    ) -> int:
        """A layer; its value.

        name        as the model has it; empty where it has none
        kind        a name of the table of kinds
        options     option to value: numbers, tuples, switches; None stands for the default
        reads       the values that enter
        at          the place in the model, for errors: "node 'conv1' (Conv)"
        weights_of  the value of the layer whose weights this one uses

        Raises SpecError where what enters does not suit the kind, UnfitOptionError where the options do not.
        """
        layer = self.layer(kind, options or {}, at)
        path = self._name(name, kind)
        if layer.flattens and len(self.shapes[reads[0]]) > 1:
            flatten = self._append(f"{path}/flatten", self.layer("flatten", {}, at), reads, at)
            reads = [flatten]
        x = reads[0] if reads else -1
        shown_with = None
        # `conv1/relu` is shown in the row of `conv1`, unless another reader of `conv1` is there already.
        if KINDS[kind].inline and x >= len(self.inputs):
            row = self.rows.get(x, x)
            if self.ends.get(row, row) == x:
                shown_with = row
        value = self._append(path, layer, reads, at, shown_with, weights_of)
        if shown_with is not None:
            self.rows[value], self.ends[shown_with] = shown_with, value
        first = len(self.inputs)
        # A flatten that the model has itself is shown as the one that a spec would have put there.
        if layer.flattens and x >= first and self.nodes[x - first].layer.kind == "flatten":
            self.nodes[x - first] = self.nodes[x - first]._replace(shown_with=value)
        return value

    def move(self, value: int, kind: str, options: Mapping[str, Any], add: Callable[[], int]) -> int:
        """A layer that only moves elements about, for whoever reads them: `add` adds it where it is not there yet."""
        key = (value, kind, repr(options))
        if key not in self._moved:
            self._moved[key] = add()
        return self._moved[key]

    def unknown(
        self,
        name: str,
        operator: str,
        reads: Sequence[int] = (),
        shape: Sequence[int] | None = None,
        *,
        at: str = "",
        reason: str = "",
    ) -> int:
        """An operator that no kind is, with the shape that comes out where the model says it; its value.

        reason  why this use of it is not read, for an operator that is known
        """
        entering = ", ".join(shape_text(self.shapes[v]) or "?" for v in reads)
        shown = operator[:60]
        if reason:
            problem = _("this {operator} is not read here: {reason}", operator=shown, reason=reason)
        elif entering:
            problem = _(
                "the operator {operator} is not known here; what enters is {shapes}", operator=shown, shapes=entering
            )
        else:
            problem = _("the operator {operator} is not known here", operator=shown)
        # Once is enough: a model may have hundreds of operators that are not known.
        hint = _("--allow-unknown goes on, with ? for what is not known") if not self.unknowns else None
        self.unknowns.append(self.problem(at or name, problem, hint))
        layer = Unknown(kind=operator, shape=NOT_KNOWN if shape is None else tuple(shape))
        return self._append(self._name(name, "unknown"), layer, reads, at)

    def open(self, name: str, operator: str, reads: Sequence[int] = (), shape: Sequence[int] | None = None) -> int:
        """An operator behind an unknown one, of which nothing can be said for that reason; its value."""
        layer = Unknown(kind=operator, shape=NOT_KNOWN if shape is None else tuple(shape))
        return self._append(self._name(name, "unknown"), layer, reads, name)

    def back_to(self, first: int) -> None:
        """Take back all values from `first` on."""
        # Names too: what is tried again is called as it would have been at first.
        self.taken.give_back([node.name for node in self.nodes[first - len(self.inputs) :]])
        del self.nodes[first - len(self.inputs) :], self.facts[first - len(self.inputs) :], self.shapes[first:]
        self.rows = {value: row for value, row in self.rows.items() if value < first}
        self.ends = {row: value for row, value in self.ends.items() if value < first}
        self._moved = {key: value for key, value in self._moved.items() if value < first}

    def change(self, value: int, layer: Layer, weights_of: int | None = None) -> None:
        """Another layer of the same shape in the place of one."""
        i = value - len(self.inputs)
        node = self.nodes[i] = self.nodes[i]._replace(layer=layer, weights_of=weights_of)
        self.facts[i] = self.claims.of(layer, tuple(self.shapes[v] for v in node.reads))

    def output(self, *values: int) -> None:
        """Values that leave the network."""
        self.outputs += [value for value in values if value not in self.outputs]

    def shape(self, value: int) -> Shape:
        """The shape of a value; () where it is not known."""
        return self.shapes[value]

    def graph(self, *, allow_unknown: bool = False) -> Graph:
        """The network. Raises SpecError where operators are not known, unless that is allowed."""
        if self.unknowns and not allow_unknown:
            raise SpecError(self.unknowns, Source(self.source, ""))
        if not self.nodes or not self.outputs:
            self.fail("", _("the network has no layers"))
        return Graph(
            name=self.name,
            inputs=self.inputs,
            nodes=tuple(self.nodes),
            outputs=tuple(self.outputs),
            groups=groups(self.nodes, len(self.inputs)),
            facts=tuple(self.facts),
            remarks=tuple(self.remarks),
        )

    def fail(self, at: str, problem: str, hint: str | None = None) -> NoReturn:
        """Raise SpecError with the place in the model."""
        raise SpecError([self.problem(at, problem, hint)], Source(self.source, ""))

    def problem(self, at: str, problem: str, hint: str | None = None) -> Problem:
        """A problem with its place in the model in front: such a file has no lines."""
        return Problem(_("{name}: {text}", name=at, text=problem) if at else problem, None, hint)

    # --- how it is done

    def layer(self, kind: str, options: Mapping[str, Any], at: str = "") -> Layer:
        """The layer with these options, each checked as a spec's would be; equal ones are one."""
        # Equal layers are one object: thousands of operators have a few dozen different sets of options.
        given = {name: plain(value) for name, value in options.items() if value is not None}
        key = (kind, repr(given))
        layer = self._layers.get(key)
        if layer is None:
            made = KINDS[kind].load()
            values = {}
            for name, value in given.items():
                try:
                    option = made.options.get(name) or CONSTRUCTION[name]
                    values[name] = option.read(value)
                except OptionError as error:
                    said = _("{kind}: {option}: {problem}", kind=kind, option=name, problem=error.problem)
                    unfit = UnfitOptionError([self.problem(at, said, error.hint)], Source(self.source, ""))
                    unfit.reason = said
                    raise unfit from None
            layer = self._layers[key] = made(kind=kind, **values)
        return layer

    def _append(
        self,
        path: str,
        layer: Layer,
        reads: Sequence[int],
        at: str,
        shown_with: int | None = None,
        weights_of: int | None = None,
    ) -> int:
        self.taken.add(path)
        try:
            return self.append(Node(path, layer, tuple(reads), None, shown_with, weights_of))
        except ShapeError as error:
            self.fail(at or path, error.problem, error.hint)
        except TooLargeError as error:
            self.fail(at, str(error), _("allow more with --max-operations"))

    def _name(self, name: str, kind: str, prefer: str | None = None) -> str:
        """The unique name of a layer: the model's own, or the kind with a number."""
        owner, _stroke, last = name.rpartition("/")
        if owner in self.taken and re.fullmatch(rf"{kind}\d*", last) and KINDS[kind].appendable:
            path = name  # a spec calls it so: C1/relu
        elif kind == "flatten" and owner and last == kind:
            path = name
        elif name.endswith("/"):  # a part of what is called so, or the same as its last part says
            owner, _stroke, last = name[:-1].rpartition("/")
            found = kind_named(last)
            path = legal(owner if found is not None and found.name == kind else name)
            path = number_name(kind, f"{path}/" if path else "", self.taken)
        else:
            path = prefer or legal(name)
            if path in self.taken and is_word(re.split(r"[./]", name)[-1]):
                path = number_name(path[:-1], "", self.taken)  # called again: pool1, pool2
        path = path or number_name(kind, "", self.taken)
        path = unique(path, self.taken)
        self.taken.add(path)
        return path


def plain(value: Any) -> Any:
    """A value of Python alone: numbers of NumPy and tuples as numbers and lists."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    return [plain(item) for item in value] if isinstance(value, (list, tuple, range)) else value


def groups(nodes: Sequence[Node], first: int) -> dict[str, Group]:
    """The nodes that share the beginning of their names, wherever they stand one behind the other."""
    # A block's name may come again further on, where weights are shared: only what stands together is a group.
    spans: dict[str, list[int]] = {}
    for i, node in enumerate(nodes):
        parts = node.name.split("/")
        for depth in range(1, len(parts)):
            spans.setdefault("/".join(parts[:depth]), []).append(i)
    names = {node.name for node in nodes}
    return {
        path: Group("group", span[0], span[-1] + 1, first + span[-1])
        for path, span in spans.items()
        if path not in names and span[-1] - span[0] + 1 == len(span)
    }


def other_axes(given: Shape, own: int) -> tuple[str, str] | None:
    """(problem, hint) for an input shape with other axes than the model's own has: samples in front, mostly.

    own  how many axes the model gives the input, without the samples
    """
    if len(given) == own or own < 1:
        return None
    hint = _("without the samples it has {count} axes, the channels first", count=own)
    if len(given) == own + 1:
        hint = _("samples are no axis here: write {value}, and --batch for more", value=shape_text(given[1:]))
    problem = _(
        "{given} has {count} axes, the model's own has {own}", given=shape_text(given), count=len(given), own=own
    )
    return problem, hint
