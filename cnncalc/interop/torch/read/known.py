"""Numbers that depend on no input: buffers, constants, and what a forward pass makes of them, as a mask of ones.

Tensors of a pass have no values. What is worked out of no input, no weight and few numbers is worked out once more with
values beside it, so that `if torch.all(mask == 1)` gets its answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cnncalc.interop.torch.read.flow import Flow, address

MADE = ("ones", "zeros", "full", "arange", "linspace", "eye", "tensor", "as_tensor", "scalar_tensor")
MOST_KNOWN = 100_000  # numbers of a tensor that are looked at, or worked out


class Known:
    """Tensors without values of which the values are known, by identity.

    flow       what is written over meanwhile
    fixed      the values of buffers and constants
    values     those that the forward pass has made of them and of no others
    kept       tensors, so that no identity is used again
    constants  of a tensor with values: it, and the one that stands for it
    """

    def __init__(self, torch: Any, flow: Flow, buffers: Mapping[int, Any]) -> None:
        self.torch = torch
        self.flow = flow
        self.fixed: dict[int, Any] = {}
        self.values: dict[int, Any] = {}
        self.kept: list[Any] = []
        self.constants: dict[int, tuple[Any, Any]] = {}
        for source, tensor in buffers.items():
            # A module that was made without memory has buffers without values, too.
            if not tensor.is_meta:
                self.fix(source, tensor)

    def fix(self, identity: int, tensor: Any) -> None:
        """Note the values of what is not trained and depends on nothing; those of large tensors are not looked at."""
        if tensor.numel() <= MOST_KNOWN:
            self.fixed[identity] = tensor.detach()

    def without_values(self, thing: Any) -> Any:
        """Tensors that a forward pass makes itself, or keeps beside its buffers, as tensors without values."""
        if isinstance(thing, self.torch.Tensor):
            if thing.is_meta:
                return thing
            if id(thing) not in self.constants:
                empty = thing.to("meta")
                self.constants[id(thing)] = (thing, empty)
                self.fix(id(empty), thing)
            return self.constants[id(thing)][1]
        if type(thing) in (list, tuple):
            return type(thing)(self.without_values(item) for item in thing)
        if type(thing) is dict:
            return {key: self.without_values(item) for key, item in thing.items()}
        return thing

    def read_fixed(self, thing: Any) -> Any:
        """The numbers of a tensor that is not trained and depends on nothing; None where they are not known."""
        numbers = self.fixed.get(id(thing))
        return None if numbers is None or numbers.dtype is self.torch.bool or numbers.is_complex() else numbers

    def look_up(self, tensor: Any) -> Any:
        """The values of a tensor, whether they were there or were worked out; None where they are not known."""
        found = self.values.get(id(tensor))
        return self.fixed.get(id(tensor)) if found is None else found

    def with_values(self, thing: Any) -> Any:
        """The same with values in the place of tensors without. Raises LookupError where they are not known."""
        if isinstance(thing, self.torch.Tensor):
            found = self.look_up(thing) if thing.is_meta else thing
            if found is None:
                raise LookupError
            return found
        if isinstance(thing, (list, tuple)):
            made = [self.with_values(item) for item in thing]
            return made if isinstance(thing, list) else tuple(made)
        if isinstance(thing, self.torch.device):
            return self.torch.device("cpu")
        return thing

    def work_out(self, function: Any, args: Any, kwargs: Any) -> Any:
        """What a function gives on the values; None where they are not known, or it cannot be called on them."""
        try:
            given = {name: self.with_values(value) for name, value in kwargs.items()}
            # Wherever the module wants it, values are worked out where there is memory for them.
            if given.get("device") is not None:
                given["device"] = "cpu"
            # The trace listens to torch's calls by such modes: this call is no part of the network.
            with self.torch._C.DisableTorchFunction(), self.torch.utils._python_dispatch._disable_current_modes():
                return function(*self.with_values(tuple(args)), **given)
        except Exception:  # it is not known then, which is no mistake of anybody
            return None

    def answer(self, function: Any, args: Any, kwargs: Any) -> Any:
        """A number that is asked for, or whether something holds; None where that is not known."""
        self.forget(self.flow.written)
        # A tensor without values raises an error at each of these: here it may be told.
        name = getattr(function, "__name__", "").strip("_")
        if name not in ("bool", "item", "float", "int", "index", "tolist") or self.look_up(args[0]) is None:
            return None
        return self.work_out(function, args, kwargs)

    def learn(self, function: Any, args: Any, kwargs: Any, result: Any) -> None:
        """The values of what a function gives, where all that enters is known."""
        if not isinstance(result, self.torch.Tensor) or not result.is_meta or result.numel() > MOST_KNOWN:
            return
        name = getattr(function, "__name__", "")
        entering = [thing for thing in (*args, *kwargs.values()) if isinstance(thing, self.torch.Tensor)]
        if writes(name) or not (entering or name in MADE):
            return
        if any(self.look_up(tensor) is None for tensor in entering if tensor.is_meta):
            return
        # Of the same shape as on tensors without values, or it was not the same call.
        made = self.work_out(function, args, kwargs)
        if isinstance(made, self.torch.Tensor) and made.shape == result.shape:
            self.values[id(result)] = made
            self.kept.append(result)

    def forget(self, written: Sequence[Any]) -> None:
        """Tensors were written over: what shares memory with them is not known any more."""
        homes = {address(tensor) for tensor in written}
        if homes:
            for tensor in self.kept:
                if address(tensor) in homes:
                    self.values.pop(id(tensor), None)
        for tensor in written:
            self.fixed.pop(id(tensor), None)
            self.fixed.pop(id(tensor._base), None)


def writes(name: str) -> bool:
    """Whether a function writes over what it gets: fill_, __iadd__, __setitem__."""
    return name in ("__setitem__", "__set__") or (name.endswith("_") and not name.endswith("__")) or name[:3] == "__i"


def in_vmap(tensor: Any) -> bool:
    """Whether a tensor stands for one of many in torch.vmap: it has no memory of its own to be followed by."""
    from torch._C._functorch import is_batchedtensor

    return bool(is_batchedtensor(tensor))
