"""Models of Keras as graphs: a .keras archive, the JSON of `model.to_json()`, or an HDF5 file where h5py is there.

The architecture is JSON in all of them; weights are never read, and nothing is executed, neither Keras nor a Lambda.
Keras 2 and 3 write it differently; table.py says which kinds a layer of Keras is. Shapes there have the channels
last, unless a layer says otherwise: they are put first.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from heapq import heappop, heappush
from itertools import count, takewhile
from typing import Any, NamedTuple

from cnncalc.errors import CnncalcError, OptionError, Problem, Source, SpecError, refuse_packing
from cnncalc.graph import Graph
from cnncalc.interop.builder import Builder
from cnncalc.interop.keras.read.hdf5 import attributes
from cnncalc.interop.keras.read.table import Call, read_call
from cnncalc.interop.keras.read.unread import Asked, Numbers, Tensors
from cnncalc.interop.keras.read.versions import is_before_3, version_in_archive
from cnncalc.interop.layouts import Seen, settle, value_of
from cnncalc.language import _, reason_of
from cnncalc.layers.base import Shape
from cnncalc.spec import MAX_OPERATIONS
from cnncalc.spec.values import shape as read_shape

LARGEST = 50_000_000  # bytes of JSON: 50,000 layers
MOST_PARTS = 4_000_000  # lists, mappings and what is in them: of nothing but brackets a computer has no memory
MODELS = ("Functional", "Sequential", "Model")
MALFORMED = (KeyError, TypeError, ValueError, IndexError, AttributeError, OverflowError, AssertionError)
DEEPEST = 50  # models inside models


def read(
    spec: str, *, inputs: Mapping[str, Any], max_operations: int = MAX_OPERATIONS, allow_unknown: bool = False
) -> Graph:
    """The network of a file. `inputs` are shapes with the channels first, as text. Raises SpecError."""

    def unusable(problem: str, hint: str | None = None) -> SpecError:
        return SpecError([Problem(problem, None, hint)], Source(spec, ""))

    try:
        text, version = configuration(spec)
        if sum(text.count(mark) for mark in (b"[", b"{", b",")) > MOST_PARTS:
            raise NotKerasError(_("its configuration has more than {n:,} parts", n=MOST_PARTS))
        model = json.loads(text)
    except RecursionError:
        raise unusable(_("its configuration is nested too deep")) from None
    except (ValueError, UnicodeDecodeError):
        raise unusable(_("its configuration is not JSON"), _("save the model again: model.save('net.keras')")) from None
    except OSError as error:
        raise unusable(_("cannot be read: {reason}", reason=reason_of(error))) from None
    except CnncalcError as error:
        raise unusable(str(error), getattr(error, "hint", None)) from None
    except MemoryError:
        raise
    except Exception as error:  # of the packages that unpack: lzma, zipfile
        raise unusable(_("cannot be read: {reason}", reason=in_words(error))) from None
    try:
        shapes = {name: read_shape(given) for name, given in inputs.items()}
    except OptionError as error:
        raise unusable(f"--input: {error.problem}", error.hint) from None
    old = isinstance(model, Mapping) and is_before_3(model, version)
    return graph_of(model, spec, shapes, max_operations=max_operations, allow_unknown=allow_unknown, before_3=old)


class NotKerasError(CnncalcError):
    """A file without a model of Keras in it."""

    def __init__(self, problem: str, hint: str | None = None) -> None:
        super().__init__(problem)
        self.hint = hint


def configuration(path: str) -> tuple[bytes, str | None]:
    """The JSON in a file, and the version of Keras that it says beside it. Raises NotKerasError, OSError."""
    with open(path, "rb") as file:
        head = file.read(4)
        if head.startswith(b"\x89HDF"):
            return from_hdf5(path)
        # What begins otherwise is no archive, and can only be JSON.
        if head != b"PK\x03\x04":
            text = hold_length(head + file.read(LARGEST + 1))
            if text.lstrip()[:1] != b"{":
                raise NotKerasError(
                    _("this is no archive of Keras 3, and no JSON"), _("save the model again: model.save('net.keras')")
                )
            return text, None
    from zipfile import BadZipFile, ZipFile
    from zlib import error as zlib_error

    try:
        with ZipFile(path) as archive:
            refuse_packing(archive, path)
            if "config.json" not in archive.namelist():
                raise NotKerasError(_("the archive holds no config.json, as models of Keras do"))
            with archive.open("config.json") as file:
                text = file.read(LARGEST + 1)  # whatever size the archive says: no more is unpacked
            return hold_length(text), version_in_archive(archive)
    except (BadZipFile, zlib_error, EOFError, NotImplementedError, RuntimeError) as error:
        raise NotKerasError(_("the archive is damaged: {error}", error=error)) from None


def hold_length(text: bytes) -> bytes:
    if len(text) > LARGEST:
        raise NotKerasError(_("the configuration is larger than {n} MB", n=LARGEST // 10**6))
    return text


def from_hdf5(path: str) -> tuple[bytes, str | None]:
    """The attributes `model_config` and `keras_version` of an HDF5 file."""
    found, version = attributes(path, ["model_config", "keras_version"], LARGEST)
    if found is False:
        raise NotKerasError(
            _("the HDF5 file holds weights, and no model"), _("save the model as a whole: model.save('net.keras')")
        )
    if found is True:
        raise NotKerasError(_("its configuration is not JSON"), _("save the model again: model.save('net.keras')"))
    return hold_length(found), version.decode("utf-8", "replace") if isinstance(version, bytes) else None


class Tensor(NamedTuple):
    """A tensor of a configuration: `output` of call `node` of a layer, and its shape where it is told."""

    layer: str
    node: int
    output: int
    shape: tuple[Any, ...] | None = None


Key = tuple[str, int, int]  # a layer, the number of its call, the number of the result


class Calls(NamedTuple):
    """One call of a layer: the tensors that enter, the numbers beside them, and all arguments.

    tensors    in the order of the arguments
    others     the numbers among the arguments
    named      arguments that have names; a tensor stands as its number among the tensors
    arguments  those without names, as Keras 3 writes them
    """

    tensors: tuple[Tensor, ...] = ()
    others: tuple[Any, ...] = ()
    named: Mapping[str, Any] = {}
    arguments: tuple[Any, ...] = ()


class Waiting(NamedTuple):
    """A call of a layer that has not been read yet: `node` is its number among those of the layer."""

    layer: Mapping[str, Any]
    name: str
    node: int
    calls: Calls


def number_calls(waiting: list[Waiting], ends: Sequence[Key]) -> list[Waiting]:
    """Calls by the numbers under which others speak of them.

    A model that is a layer of another was called once before, to make it, which Keras 3 counts and does not list.
    """
    listed: dict[str, int] = {}
    for call in waiting:
        listed[call.name] = listed.get(call.name, 0) + 1
    spoken = [*(t[:3] for call in waiting for t in call.calls.tensors), *ends]
    counted_before = {name for name, node, _index in spoken if node >= listed.get(name, node + 1)}
    return [call._replace(node=call.node + 1) if call.name in counted_before else call for call in waiting]


def in_order(waiting: list[Waiting], found: Mapping[Key, Seen]) -> Iterator[Waiting]:
    """The first call all of whose tensors are there, again and again. `found` is filled by whoever takes them."""
    readers: dict[Key, list[int]] = {}
    missing = []
    for i, call in enumerate(waiting):
        needed = {t[:3] for t in call.calls.tensors if t[:3] not in found}
        missing.append(len(needed))
        for key in needed:
            readers.setdefault(key, []).append(i)
    ready = [i for i, count in enumerate(missing) if count == 0]
    while ready:
        # The lowest number of those that can run: the order of the list, wherever that is possible.
        call = waiting[heappop(ready)]
        yield call
        for key in [key for key in find_taken(call, readers) if key in readers and key in found]:
            for i in readers.pop(key):
                missing[i] -= 1
                if missing[i] == 0:
                    heappush(ready, i)


MOST_RESULTS = 1000  # of a layer: a configuration may say any number


def count_results(keys: Iterable[Key]) -> dict[tuple[str, int], int]:
    """How many results of each call somebody reads, up to the last one."""
    found: dict[tuple[str, int], int] = {}
    for name, node, index in keys:
        found[name, node] = max(found.get((name, node), 0), index + 1)
    return found


def find_taken(call: Waiting, readers: Mapping[Key, Any]) -> Iterator[Key]:
    """The results of a call that somebody waits for, from the first one on."""
    return takewhile(lambda key: key in readers or key[2] == 0, ((call.name, call.node, i) for i in count()))


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


class Reader:
    """Reads the layers of one configuration into a builder."""

    def __init__(self, b: Builder, shapes: Mapping[str, Shape], *, before_3: bool = False) -> None:
        self.b = b
        self.before_3 = before_3
        self.given = dict(shapes)
        self.owners: dict[str, list[int]] = {}  # of a layer's path: the values of its layers, for another call
        self.time = 0  # axes of steps in front: inside a model that TimeDistributed stands around
        self.last = True  # whether channels are last where a layer does not say

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
            self.last = not any(formats(layer) for layer in layers)
        if model.get("class_name") == "Sequential":
            return self.sequential(config, layers, entering, prefix, depth)
        return self.functional(config, layers, entering, prefix, depth)

    def sequential(
        self,
        config: Mapping[str, Any],
        layers: list[Any],
        entering: Sequence[Seen] | None,
        prefix: str,
        depth: int,
    ) -> list[Seen]:
        x = None if entering is None else list(entering)
        for layer in layers:
            if layer.get("class_name") == "InputLayer":
                x = [self.input(layer)] if x is None else x
                continue
            if x is None:
                # A Sequential of Keras 2 need not have an InputLayer: its first layer says what enters.
                told = (self.settings(layer, "").get("batch_input_shape"), config.get("build_input_shape"))
                shape = next((s for s in told if isinstance(s, list)), None)
                x = [self.enter("input", shape)]
            x = self.layer(layer, Calls(), x, prefix, depth)
        return x or []

    def functional(
        self,
        config: Mapping[str, Any],
        layers: list[Any],
        entering: Sequence[Seen] | None,
        prefix: str,
        depth: int,
    ) -> list[Seen]:
        """Calls in an order in which what enters has been worked out: as they are listed, where that is one."""
        found: dict[Key, Seen] = {}
        starts = [t.layer for t in tensors_of(config.get("input_layers"))]
        ends = [t[:3] for t in tensors_of(config.get("output_layers"))]
        waiting: list[Waiting] = []
        for layer in layers:
            name = str(layer.get("name") or self.settings(layer, "").get("name"))
            if layer.get("class_name") == "InputLayer":
                if entering is None:
                    found[name, 0, 0] = self.input(layer)
                elif name in starts and starts.index(name) < len(entering):
                    found[name, 0, 0] = entering[starts.index(name)]
                continue
            waiting += [Waiting(layer, name, node, calls) for node, calls in enumerate(self.calls(layer, name))]
        waiting = number_calls(waiting, ends)
        needed = count_results([*(t[:3] for call in waiting for t in call.calls.tensors), *ends])
        told = {t[:3]: t.shape for call in waiting for t in call.calls.tensors if t.shape is not None}
        done = 0
        for call in in_order(waiting, found):
            here = [found[t[:3]] for t in call.calls.tensors]
            results = self.layer(call.layer, call.calls, here, prefix, depth, told.get((call.name, call.node, 0)))
            asked = needed.get((call.name, call.node), 0)
            results = [*results, *self.not_given(call, here, prefix, len(results), asked)]
            for index, seen in enumerate(results):
                shape = told.get((call.name, call.node, index))
                found[call.name, call.node, index] = self.check_shape(seen, shape, prefix + call.name)
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

    def calls(self, layer: Mapping[str, Any], name: str) -> list[Calls]:
        """What enters a layer, call by call."""
        nodes = layer.get("inbound_nodes", [])
        if isinstance(nodes, Mapping):
            nodes = [nodes]
        if not isinstance(nodes, list):
            self.b.fail(f"'{name}'", _("its configuration cannot be read"))
        if nodes and isinstance(nodes[0], list) and nodes[0] and isinstance(nodes[0][0], str):
            nodes = [nodes]  # one call with one tensor, as Keras 2 may write it
        return [
            Calls(tuple(tensors_of(node)), tuple(others_of(node)), find_named(node), find_arguments(node))
            for node in nodes
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
        config = self.settings(layer, "InputLayer")
        shape = config.get("batch_shape") or config.get("batch_input_shape")
        return self.enter(str(config.get("name") or layer.get("name") or "input"), shape)

    def enter(self, name: str, shape: Any) -> Seen:
        """An input: as Keras has it, or as --input gives it, with the channels first."""
        # Keras counts nameless inputs over the whole session: input_1, input_layer_3.
        path = "input" if name.startswith("input") else name
        given = self.given.get(name) or self.given.get(path) or self.given.get("")
        if given is None and (not isinstance(shape, (list, tuple)) or not all(isinstance(n, int) for n in shape[1:])):
            told = (
                ""
                if not isinstance(shape, (list, tuple))
                else "x".join("?" if n is None else str(n) for n in shape[1:])
            )
            self.b.fail(
                _("input '{name}'", name=name),
                _("its shape is not known: {shape}", shape=told or "?"),
                _("give it with the channels first: --input 3x224x224"),
            )
        if given is not None:
            first = given
        else:
            sizes = tuple(shape[1:])
            first = (sizes[-1], *sizes[:-1]) if self.last and len(sizes) > 1 else sizes
        value = self.b.input(path if path not in self.b.inputs else name, first)
        seen = Seen(value, first)
        if self.last and len(first) > 1:
            seen = seen.permute((*range(1, len(first)), 0))
        return seen

    # --- layers

    def settings(self, layer: Mapping[str, Any], name: str) -> Mapping[str, Any]:
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
        shape = (
            told[1:]
            if told and not self.given and not self.time and all(type(n) is int and n > 0 for n in told[1:])
            else None
        )
        call = Call(
            self.b, name, word, Asked(config), Tensors(entering), Numbers(calls.others), at, self.last, self.owners,
            shape, Asked(calls.named), calls.arguments, self.time, self.before_3,
        )  # fmt: skip
        try:
            return read_call(call)
        except MALFORMED as error:
            self.b.fail(at, _("its configuration cannot be read: {error}", error=in_words(error)))


def in_words(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"[:200]


def formats(layer: Mapping[str, Any]) -> bool:
    """Whether a layer, or one inside it, says that channels come first."""
    config = layer.get("config")
    if not isinstance(config, Mapping):
        return False
    if config.get("data_format") == "channels_first":
        return True
    inner = config.get("layers")
    return isinstance(inner, list) and any(formats(each) for each in inner if isinstance(each, Mapping))


def tensors_of(thing: Any) -> Iterator[Tensor]:
    """All tensors in the arguments of a call: ["conv1", 0, 0] of Keras 2, or the `keras_history` of Keras 3."""
    if isinstance(thing, Mapping):
        config = thing.get("config")
        if thing.get("class_name") == "__keras_tensor__" and isinstance(config, Mapping):
            layer, node, index = config["keras_history"]
            shape = config.get("shape")
            yield Tensor(str(layer), int(node), int(index), tuple(shape) if isinstance(shape, list) else None)
        else:
            for item in thing.values():
                yield from tensors_of(item)
    elif isinstance(thing, (list, tuple)):
        if len(thing) >= 3 and isinstance(thing[0], str) and all(type(n) is int for n in thing[1:3]):
            # ["conv1", 0, 0, {...}]: in Keras 2 tensors that have the names of arguments stand in the fourth element.
            yield Tensor(thing[0], thing[1], thing[2])
            yield from (t for item in thing[3:] for t in tensors_of(item))
        else:
            for item in thing:
                yield from tensors_of(item)


def others_of(thing: Any) -> Iterator[Any]:
    """The numbers among the arguments of a call."""
    if isinstance(thing, Mapping) and thing.get("class_name") == "__keras_tensor__":
        return
    if isinstance(thing, Mapping):
        for item in thing.values():
            yield from others_of(item)
    elif isinstance(thing, (list, tuple)):
        if len(thing) >= 3 and isinstance(thing[0], str) and all(type(n) is int for n in thing[1:3]):
            thing = thing[3:]
        for item in thing:
            yield from others_of(item)
    elif isinstance(thing, (int, float)) and not isinstance(thing, bool):
        yield thing


def find_named(node: Any) -> dict[str, Any]:
    """The arguments of a call that have names and say something; tensors as their numbers among those of the call."""
    if isinstance(node, Mapping) and isinstance(node.get("kwargs"), Mapping):  # Keras 3
        before, named = len(list(tensors_of(node.get("args")))), node["kwargs"]
    elif isinstance(node, list) and node and isinstance(node[0], list) and len(node[0]) > 3:  # Keras 2
        before, named = 1, node[0][3]
    else:
        return {}
    found = {}
    for name, value in named.items() if isinstance(named, Mapping) else ():
        tensors = len(list(tensors_of(value)))
        if tensors:
            found[str(name)] = before
            before += tensors
        elif value is not None and value is not False:
            found[str(name)] = value
    return found


def find_arguments(node: Any) -> tuple[Any, ...]:
    """The arguments of a call without names, as Keras 3 writes them."""
    listed = node.get("args") if isinstance(node, Mapping) else None
    return tuple(listed) if isinstance(listed, list) else ()
