"""Calls of functions of torch: what a function is called, and which arguments and results are tensors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

LIKE = ("type_as", "expand_as", "view_as", "reshape_as")  # of what they get second they read type or shape alone
FILL = ("setitem", "copy")  # functions that write into what they get first, and read nothing of it
VIEWED = ("getitem", "select", "slice", "narrow")  # functions that give a part, into which something may be written
BEGUN = ("linear", "conv1d", "conv2d", "conv3d")  # functions that sum products with weights, for each sample anew


def word_of(function: Any) -> str:
    """A function's name without underscores: `add_` and `__iadd__` are add and iadd; a property's is its own."""
    name: str = getattr(function, "__name__", type(function).__name__)
    # `x.T` and `x.real` call the getter of a property, whose own name is __get__ for all of them.
    if name == "__get__":
        name = getattr(getattr(function, "__self__", None), "__name__", name)
    return name.partition(".")[0].strip("_")  # add.Tensor is an overload of add


def writes_in_place(function: Any) -> bool:
    """Whether a function's name says that it writes over its input: relu_, __iadd__."""
    name = getattr(function, "__name__", "")
    return (name.endswith("_") and not name.endswith("__")) or (name.startswith("__i") and name not in ("__invert__",))


def tensors_in(torch: Any, thing: Any) -> list[Any]:
    """All tensors in lists, tuples and mappings."""
    return [item for item in flatten(thing) if isinstance(item, torch.Tensor)]


def flatten(thing: Any) -> Iterator[Any]:
    """All things in lists, tuples and mappings."""
    if isinstance(thing, (list, tuple)):
        for item in thing:
            yield from flatten(item)
    elif isinstance(thing, Mapping):
        for item in thing.values():
            yield from flatten(item)
    elif hasattr(thing, "to_tuple"):  # outputs of the library transformers
        yield from flatten(thing.to_tuple())
    else:
        yield thing
