"""What depends on the input, below all functions of torch: which tensors do, and which of them are written over.

A trace sees functions, and what a function does inside stays its own affair. Here every single operation is seen, those
of compiled code too, so that nothing that touches what depends on the input can go by unaccounted for: a tensor that
depends on it and of which the trace knows no value has come out of something that is not known.
"""

from __future__ import annotations

from typing import Any

# What these give has the shape of a tensor that enters, and nothing of its values.
FRESH = {f"{how}_like" for how in ("empty", "zeros", "ones", "full", "rand", "randn", "randint")}
FRESH |= {f"new_{how}" for how in ("empty", "zeros", "ones", "full", "empty_strided")}
ZEROS = ("zeros", "zeros_like", "new_zeros")
FULL = {"full": 1, "full_like": 1, "new_full": 2}  # what fills these with one number, and which argument it is
LARGEST_MASK = 50_000_000  # elements of a storage up to which overlaps are looked up one by one


class Flow:
    """Follows the input while it is entered. `derived` has the storages that depend on it, by identity."""

    def __init__(self, torch: Any) -> None:
        self.torch = torch
        self.derived: dict[int, Any] = {}  # a storage's address to a tensor in it, which keeps it alive
        self.zeros: dict[int, Any] = {}  # of a storage that holds zeros alone: a tensor in it
        self.zeros_once: dict[int, Any] = {}  # the same of one that did when it was made
        self.written: list[Any] = []  # tensors that were written over since `take_written`
        self.mode = self.watcher()

    def __enter__(self) -> Flow:
        self.mode.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self.mode.__exit__(*error)

    def watcher(self) -> Any:
        from torch.utils._python_dispatch import TorchDispatchMode

        flow = self

        class Watcher(TorchDispatchMode):  # type: ignore[misc, unused-ignore]
            def __torch_dispatch__(self, operation: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
                kwargs = kwargs or {}
                result = operation(*args, **kwargs)
                with flow.torch._C.DisableTorchFunction():
                    flow.note(operation, args, kwargs, result)
                return result

        return Watcher()

    def note(self, operation: Any, args: Any, kwargs: Any, result: Any) -> None:
        """One operation: what comes out of it depends on the input if anything that enters does."""
        # Keyword arguments too: aten's `out=` stands among them.
        entering = self.tensors((args, tuple(kwargs.values())))
        written = self.tensors(find_written(operation, args, kwargs))
        self.written += written
        for tensor in written:
            self.zeros.pop(address(tensor), None)
        if makes_zeros(operation.overloadpacket.__name__, args):
            for made in (self.zeros, self.zeros_once):
                made.update((address(tensor), tensor) for tensor in self.tensors(result))
        if operation.overloadpacket.__name__ in FRESH or not any(self.depends(t) for t in entering):
            return
        for tensor in (*self.tensors(result), *written):
            self.derived.setdefault(address(tensor), tensor)

    def tensors(self, thing: Any) -> list[Any]:
        """All tensors in lists and tuples."""
        if isinstance(thing, self.torch.Tensor):
            return [thing]
        return [t for item in thing for t in self.tensors(item)] if isinstance(thing, (list, tuple)) else []

    def depends(self, tensor: Any) -> bool:
        """Whether a tensor depends on the input."""
        return address(tensor) in self.derived

    def is_zero(self, tensor: Any) -> bool:
        """Whether a tensor holds zeros, as it was made here."""
        return address(tensor) in self.zeros

    def began_as_zero(self, tensor: Any) -> bool:
        """Whether a tensor held zeros when it was made."""
        return address(tensor) in self.zeros_once

    def begin(self, tensor: Any) -> None:
        """An input."""
        self.derived[address(tensor)] = tensor

    def take_written(self) -> list[Any]:
        """The tensors that were written over since the last time."""
        written, self.written = self.written, []
        return written


def makes_zeros(word: str, args: Any) -> bool:
    """Whether an operation makes a tensor of zeros."""
    at = FULL.get(word, len(args))
    return word in ZEROS or (at < len(args) and not isinstance(args[at], bool) and args[at] == 0)


def find_written(operation: Any, args: Any, kwargs: Any) -> list[Any]:
    """The arguments that an operation writes over, as its schema says."""
    schema = operation._schema
    if not schema.is_mutable:
        return []
    found = []
    for i, argument in enumerate(schema.arguments):
        if argument.alias_info is not None and argument.alias_info.is_write:
            found.append(args[i] if i < len(args) else kwargs.get(argument.name))
    return found


def address(tensor: Any) -> int:
    """Where the numbers of a tensor lie: the same for all its views."""
    # Not data_ptr(), which is 0 for all tensors without values.
    return int(tensor.untyped_storage()._cdata)


def geometry(tensor: Any) -> tuple[Any, ...]:
    """Which elements of a storage a tensor has."""
    return tensor.storage_offset(), tuple(tensor.shape), tensor.stride()


def overlap(one: Any, other: Any) -> bool:
    """Whether two tensors of one storage have an element in common. Where that takes too long: yes."""
    import numpy as np

    size = max(last_element(one), last_element(other)) + 1
    if size > LARGEST_MASK:
        return True
    if not one.numel() or not other.numel():
        return False
    # Strides may interleave two tensors that have no element in common: only a look at each element says so.
    mask = np.zeros(size, np.bool_)

    def see(tensor: Any) -> Any:
        # As bytes, so that a stride in elements is one in bytes.
        return np.lib.stride_tricks.as_strided(mask[tensor.storage_offset() :], tensor.shape, tensor.stride())

    see(one)[...] = True
    return bool(see(other).any())


def last_element(tensor: Any) -> int:
    """The place of a tensor's last element in its storage."""
    steps = zip(tensor.shape, tensor.stride(), strict=True)
    return int(tensor.storage_offset() + sum(max(0, n - 1) * step for n, step in steps))
