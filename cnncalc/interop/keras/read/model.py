"""The graph of a configuration: models, and models inside them, layer by layer.

Shapes of Keras have the channels last, unless a layer says otherwise: they are put first. table.py says which kinds a
layer of Keras is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from cnncalc.errors import Problem, Source, SpecError
from cnncalc.graph import Graph
from cnncalc.interop.builder import Builder, other_axes
from cnncalc.interop.keras.read.calls import (
    Calls,
    Key,
    Waiting,
    count_results,
    find_calls,
    in_order,
    number_calls,
    tensors_of,
)
from cnncalc.interop.keras.read.table import Call, read_call
from cnncalc.interop.keras.read.unread import Asked, Numbers, Tensors
from cnncalc.interop.layouts import Seen, settle, value_of
from cnncalc.language import _
from cnncalc.layers.base import Shape
from cnncalc.spec import MAX_OPERATIONS

MODELS = ("Functional", "Sequential", "Model")
# What goes wrong where a configuration is not what Keras writes: all of it comes from outside.
MALFORMED = (KeyError, TypeError, ValueError, IndexError, AttributeError, OverflowError, AssertionError)
DEEPEST = 50  # models inside models
MOST_RESULTS = 1000  # of a layer: a configuration may say any number


def graph_of(
    model: Any,
    source: str,
    shapes: Mapping[str, Shape],
    *,
    max_operations: int = MAX_OPERATIONS,
    allow_unknown: bool = False,
    before_3: bool = False,
) -> Graph:
    """The graph of a configuration, that of Keras 2 where it is said. Raises SpecError."""
    if not isinstance(model, Mapping) or model.get("class_name") not in MODELS:
        name = model.get("class_name") if isinstance(model, Mapping) else None
        problem = _("this is no model of Keras that is a graph of layers")
        if isinstance(name, str):
            problem = _("a {name} is no graph of layers: what it does stands in its Python code", name=name[:60])
        hint = _("Functional and Sequential models are read; export others to ONNX")
        raise SpecError([Problem(problem, None, hint)], Source(source, ""))
    config = model.get("config")
    title = config.get("name") if isinstance(config, Mapping) else None
    b = Builder(title if isinstance(title, str) else "", source, max_operations=max_operations)
    reader = Reader(b, shapes, before_3=before_3)
    try:
        outputs = reader.model(model, None, "", 0)
        b.output(*(settle(b, reader.first(seen)) for seen in outputs))
    except RecursionError:
        b.fail("", _("its configuration is nested too deep"))
    except MALFORMED as error:
        b.fail("", _("its configuration cannot be read: {error}", error=in_words(error)))
    return b.graph(allow_unknown=allow_unknown)


class Listed(NamedTuple):
    """A model of a configuration, and where it stands.

    entering  what enters one that is a layer of another; None for the whole, which has inputs
    prefix    the names of the models around it
    depth     how many these are
    """

    config: Mapping[str, Any]
    layers: Sequence[Any]
    entering: Sequence[Seen] | None
    prefix: str
    depth: int


class Reader:
    """Reads the layers of one configuration into a builder.

    given     shapes of inputs that somebody asked for, by name
    before_3  whether Keras 2 wrote it
    owners    of a layer's path: the values of its layers, for another call
    time      axes of steps in front: inside a model that TimeDistributed stands around
    last      whether channels are last where a layer does not say
    """

    def __init__(self, b: Builder, shapes: Mapping[str, Shape], *, before_3: bool = False) -> None:
        self.b = b
        self.given = dict(shapes)
        self.before_3 = before_3
        self.owners: dict[str, list[int]] = {}
        self.time = 0
        self.last = True

    def first(self, seen: Seen) -> Seen:
        """With the channels first, as graphs have them."""
        rank = len(seen.shape)
        return seen.permute((rank - 1, *range(rank - 1))) if self.last and rank > 1 else seen

    # --- models

    def model(self, model: Mapping[str, Any], entering: Sequence[Seen] | None, prefix: str, depth: int) -> list[Seen]:
        """The outputs of a model; `entering` is what enters one that is a layer of another."""
        at = _("model '{name}'", name=prefix.rstrip("/")) if prefix else ""
        if depth > DEEPEST:
            self.b.fail(at, _("models are nested more than {deepest} deep", deepest=DEEPEST))
        config = model.get("config")
        layers = config.get("layers") if isinstance(config, Mapping) else config  # a list in the first Keras 2
        if not isinstance(layers, list) or not all(isinstance(layer, Mapping) for layer in layers):
            self.b.fail(at, _("its configuration has no list of layers"))
        config = config if isinstance(config, Mapping) else {"layers": layers}
        if depth == 0:
            # Only layers with windows write it down; Dense or Reshape of the same model follow without saying so.
            self.last = not any(is_channels_first(layer) for layer in layers)
        listed = Listed(config, layers, entering, prefix, depth)
        return self.sequential(listed) if model.get("class_name") == "Sequential" else self.functional(listed)

    def sequential(self, model: Listed) -> list[Seen]:
        """Layers one behind the other: each gets what the one before it gives."""
        seen = None if model.entering is None else list(model.entering)
        for layer in model.layers:
            if layer.get("class_name") == "InputLayer":
                seen = [self.input(layer)] if seen is None else seen
                continue
            if seen is None:
                # A Sequential of Keras 2 need not have an InputLayer: its first layer says what enters.
                told = (self.settings(layer, "").get("batch_input_shape"), model.config.get("build_input_shape"))
                shape = next((s for s in told if isinstance(s, list)), None)
                seen = [self.enter("input", shape)]
            seen = self.layer(layer, Calls(), seen, model.prefix, model.depth)
        return seen or []

    def functional(self, model: Listed) -> list[Seen]:
        """Calls in an order in which what enters has been worked out: as they are listed, where that is one."""
        found: dict[Key, Seen] = {}
        prefix, entering = model.prefix, model.entering
        starts = [t.layer for t in tensors_of(model.config.get("input_layers"))]
        ends = [t[:3] for t in tensors_of(model.config.get("output_layers"))]
        waiting: list[Waiting] = []
        for layer in model.layers:
            name = str(layer.get("name") or self.settings(layer, "").get("name"))
            if layer.get("class_name") == "InputLayer":
                if entering is None:
                    found[name, 0, 0] = self.input(layer)
                elif name in starts and starts.index(name) < len(entering):
                    found[name, 0, 0] = entering[starts.index(name)]
                continue
            calls = find_calls(layer.get("inbound_nodes", []))
            if calls is None:
                self.b.fail(f"'{name}'", _("its configuration cannot be read"))
            waiting += [Waiting(layer, name, node, call) for node, call in enumerate(calls)]
        waiting = number_calls(waiting, ends)
        needed = count_results([*(t[:3] for call in waiting for t in call.calls.tensors), *ends])
        told = {t[:3]: t.shape for call in waiting for t in call.calls.tensors if t.shape is not None}
        done = 0
        for call in in_order(waiting, found):
            here = [found[t[:3]] for t in call.calls.tensors]
            shape = told.get((call.name, call.node, 0))
            results = self.layer(call.layer, call.calls, here, prefix, model.depth, shape)
            # A handler may give fewer results than others read: not the states of a recurrent layer, say.
            asked = needed.get((call.name, call.node), 0)
            results = [*results, *self.not_given(call, here, prefix, len(results), asked)]
            for index, seen in enumerate(results):
                key = (call.name, call.node, index)
                found[key] = self.check_shape(seen, told.get(key), prefix + call.name)
            done += 1
        if done < len(waiting):
            name = next(c.name for c in waiting if (c.name, c.node, 0) not in found)
            self.b.fail(f"'{prefix}{name}'", _("it reads what no layer gives, or itself"))
        missing = [name for name, node, index in ends if (name, node, index) not in found]
        if missing or not ends:
            self.b.fail("", _("an output of the model is missing: {name}", name=missing[0] if missing else "?"))
        return [found[end] for end in ends]

    def not_given(self, call: Waiting, here: Sequence[Seen], prefix: str, first: int, asked: int) -> list[Seen]:
        """Results of a layer that its handler did not give, and that somebody reads: not known."""
        if not first or not first < asked <= MOST_RESULTS:
            return []
        word, name = str(call.layer.get("class_name")), f"{prefix}{call.name}"
        at = _("layer '{name}' ({kind})", name=name[:100], kind=word[:60])
        reads = list(dict.fromkeys(value_of(self.b, seen, at) for seen in here))
        return [
            Seen(self.b.unknown(f"{name}/{i}", word, reads, at=at, reason=_("its result {i} is not read", i=1 + i)), ())
            for i in range(first, asked)
        ]

    def check_shape(self, seen: Seen, told: tuple[Any, ...] | None, name: str) -> Seen:
        """A layer's shape is the one that Keras wrote down; but not where another input was asked for."""
        if told and seen.shape and not self.given and not self.time:
            for ours, theirs in zip(seen.shape, told[1:], strict=False):
                if isinstance(theirs, int) and theirs != ours:
                    shapes = {"ours": "x".join(map(str, seen.shape)), "theirs": "x".join(map(str, told[1:]))}
                    self.b.fail(f"'{name}'", _("{theirs} comes out in Keras, and {ours} was worked out", **shapes))
        return seen

    # --- inputs

    def input(self, layer: Mapping[str, Any]) -> Seen:
        """An InputLayer: its shape has the samples in front."""
        config = self.settings(layer, "InputLayer")
        shape = config.get("batch_shape") or config.get("batch_input_shape")
        return self.enter(str(config.get("name") or layer.get("name") or "input"), shape)

    def enter(self, name: str, shape: Any) -> Seen:
        """An input: as Keras has it, or as --input gives it, with the channels first."""
        # Keras counts nameless inputs over the whole session: input_1, input_layer_3.
        path = "input" if name.startswith("input") else name
        first = self.given.get(name) or self.given.get(path) or self.given.get("")
        if first is None:
            sizes = tuple(shape[1:]) if isinstance(shape, (list, tuple)) else (None,)
            if not all(isinstance(n, int) for n in sizes):
                told = "x".join("?" if n is None else str(n) for n in sizes)
                self.b.fail(
                    _("input '{name}'", name=name),
                    _("its shape is not known: {shape}", shape=told),
                    _("give it with the channels first: --input 3x224x224"),
                )
            first = (sizes[-1], *sizes[:-1]) if self.last and len(sizes) > 1 else sizes
        elif isinstance(shape, (list, tuple)) and (other := other_axes(first, len(shape) - 1)) is not None:
            self.b.fail(_("input '{name}'", name=name), *other)
        value = self.b.input(path if path not in self.b.inputs else name, first)
        seen = Seen(value, first)
        if self.last and len(first) > 1:
            seen = seen.permute((*range(1, len(first)), 0))
        return seen

    # --- layers

    def settings(self, layer: Mapping[str, Any], name: str) -> Mapping[str, Any]:
        """The configuration of a layer."""
        config = layer.get("config", {})
        if not isinstance(config, Mapping):
            self.b.fail(f"'{name}'", _("its configuration cannot be read"))
        return config

    def layer(
        self,
        layer: Mapping[str, Any],
        calls: Calls,
        entering: Sequence[Seen],
        prefix: str,
        depth: int,
        told: tuple[Any, ...] | None = None,
    ) -> list[Seen]:
        """What one call of a layer gives."""
        word = str(layer.get("class_name"))
        config = self.settings(layer, word)
        name = f"{prefix}{layer.get('name') or config.get('name') or word.lower()}"
        if word in MODELS:
            return self.model(layer, entering, f"{name}/", depth + 1)
        inner = config.get("layer")
        if word == "TimeDistributed" and isinstance(inner, Mapping) and inner.get("class_name") in MODELS:
            self.time += 1
            found = self.model(inner, entering, f"{name}/", depth + 1)
            self.time -= 1
            return found
        at = _("layer '{name}' ({kind})", name=name[:100], kind=word[:60])
        # The shape that Keras wrote down is that of its own inputs, and of a sample without steps around.
        own = told is not None and not self.given and not self.time
        shape = told[1:] if told and own and all(type(n) is int and n > 0 for n in told[1:]) else None
        call = Call(
            self.b, name, word, Asked(config), Tensors(entering), Numbers(calls.others), at, self.last, self.owners,
            shape, Asked(calls.named), calls.arguments, self.time, self.before_3,
        )  # fmt: skip
        try:
            return read_call(call)
        except MALFORMED as error:
            self.b.fail(at, _("its configuration cannot be read: {error}", error=in_words(error)))


def in_words(error: BaseException) -> str:
    """An error of Python's in one line."""
    return f"{type(error).__name__}: {error}"[:200]


def is_channels_first(layer: Mapping[str, Any]) -> bool:
    """Whether a layer, or one inside it, says that channels come first."""
    config = layer.get("config")
    if not isinstance(config, Mapping):
        return False
    if config.get("data_format") == "channels_first":
        return True
    inner = config.get("layers")
    return isinstance(inner, list) and any(is_channels_first(each) for each in inner if isinstance(each, Mapping))
