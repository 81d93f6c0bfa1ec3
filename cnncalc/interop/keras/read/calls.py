"""The calls of the layers of a model: what enters each, and an order in which they can be read.

A layer that is called twice has two results and one set of weights. Keras 2 writes ["conv1", 0, 0] for a tensor,
Keras 3 its `keras_history`; both mean the layer, the number of its call and the number of the result.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from heapq import heappop, heappush
from itertools import count, takewhile
from typing import Any, NamedTuple

from cnncalc.interop.layouts import Seen


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


# --- as they are written


def find_calls(nodes: Any) -> list[Calls] | None:
    """What enters a layer, call by call, as its `inbound_nodes` say; None for what is no list of calls."""
    if isinstance(nodes, Mapping):
        nodes = [nodes]
    if not isinstance(nodes, list):
        return None
    if nodes and isinstance(nodes[0], list) and nodes[0] and isinstance(nodes[0][0], str):
        nodes = [nodes]  # one call with one tensor, as Keras 2 may write it
    return [
        Calls(tuple(tensors_of(node)), tuple(others_of(node)), find_named(node), find_arguments(node)) for node in nodes
    ]


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
    # None and False are what nobody said: Keras writes them for every argument that a layer might have.
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


# --- in which order they are read


def number_calls(waiting: list[Waiting], ends: Sequence[Key]) -> list[Waiting]:
    """Calls by the numbers under which others speak of them.

    A model that is a layer of another was called once before, to make it, which Keras 3 counts and does not list.
    """
    # So whoever reads it speaks of call 1 where only one call, number 0, is listed.
    listed: dict[str, int] = {}
    for call in waiting:
        listed[call.name] = listed.get(call.name, 0) + 1
    spoken = [*(t[:3] for call in waiting for t in call.calls.tensors), *ends]
    counted_before = {name for name, node, _index in spoken if node >= listed.get(name, node + 1)}
    return [call._replace(node=call.node + 1) if call.name in counted_before else call for call in waiting]


def in_order(waiting: list[Waiting], found: Mapping[Key, Seen]) -> Iterator[Waiting]:
    """The first call all of whose tensors are there, again and again. `found` is filled by whoever takes them."""
    # How many tensors each call waits for: what it gives lets others run, in a time that grows with the network.
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


def count_results(keys: Iterable[Key]) -> dict[tuple[str, int], int]:
    """How many results of each call somebody reads, up to the last one."""
    found: dict[tuple[str, int], int] = {}
    for name, node, index in keys:
        found[name, node] = max(found.get((name, node), 0), index + 1)
    return found


def find_taken(call: Waiting, readers: Mapping[Key, Any]) -> Iterator[Key]:
    """The results of a call that somebody waits for, from the first one on."""
    return takewhile(lambda key: key in readers or key[2] == 0, ((call.name, call.node, i) for i in count()))
