"""Tensors of a model that are known before it runs: weights, and the small whole numbers that shapes are made of.

A weight is its shape until somebody asks for its values: it may be transposed, cut and multiplied meanwhile, and
remembers which tensors of the file it comes from.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from struct import calcsize, pack, unpack
from typing import Any

from cnncalc.errors import CnncalcError

LARGEST = 1_000_000  # elements that are computed with; larger tensors are weights, which are only moved


class NotKnownError(CnncalcError):
    """A constant that cannot be worked out here."""


class UnreadError(NotKnownError):
    """A constant that an operator makes in a way that is not read here."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Constant:
    """A tensor that is known.

    dims    its shape
    values  called for its values
    roots   the tensors of the file that its numbers come from; none for what an exporter made up
    name    what it was called last: an alias of a tensor, which exporters store once for several that are equal
    form    what was done to its root: two that differ in it do not store the same numbers
    mixed   each number comes from several tensors
    parts   the constants that it was put together from along its last axis
    said    whether the file says that it is trained, or that it is not; None where it says nothing
    """

    __slots__ = ("_array", "_raw", "_values", "dims", "form", "mixed", "name", "parts", "roots", "said")

    def __init__(
        self,
        dims: Sequence[int],
        values: Callable[[], Any],
        roots: tuple[str, ...] = (),
        raw: Callable[[], tuple[str, bytes]] | None = None,
        *,
        name: str = "",
        form: tuple[Any, ...] = (),
        mixed: bool = False,
        parts: tuple[Constant, ...] = (),
        said: bool | None = None,
    ) -> None:
        self.dims = tuple(dims)
        self._raw = raw  # the letter of the type in `struct`, and the bytes: looked at without loading NumPy
        self._values = values
        self._array: Any = None
        self.roots = roots
        self.name = name
        self.form = form
        self.mixed = mixed
        self.parts = parts
        self.said = said

    @property
    def size(self) -> int:
        return prod(self.dims)

    @property
    def stored(self) -> bool:
        """Whether its numbers stand in the file as a tensor of their own."""
        return bool(self.roots)

    def array(self) -> Any:
        """The values, of a small tensor kept. Raises WireError where the file does not hold them."""
        if self._array is None:
            found = self._values()
            if self.size > LARGEST:
                return found
            self._array = found
        return self._array

    def move_later(self, dims: Sequence[int], move: Callable[[Any], Any], form: Any = None) -> Constant:
        """The same values in another place or shape: they are moved when they are asked for."""
        forms = self.form if form is None else (*self.form, form)
        # Turned twice it is as it was: layers that share a matrix are still known to share it.
        if forms[-2:] == (TURNED, TURNED):
            forms = forms[:-2]
        return Constant(
            dims, lambda: move(self.array()), self.roots,
            name=self.name, form=forms, mixed=self.mixed, parts=self.parts, said=self.said,
        )  # fmt: skip

    def turn(self) -> Constant:
        """A matrix with its axes exchanged."""
        return self.move_later(self.dims[::-1], lambda array: array.T, TURNED)

    def rename(self, name: str) -> Constant:
        """The same under another name."""
        found = self.move_later(self.dims, lambda array: array)
        found._raw, found.name = self._raw, name
        return found

    def whole(self) -> list[int]:
        """Whole numbers, of a tensor of one axis or none. Raises NotKnownError."""
        if self.size > LARGEST:
            raise NotKnownError("too large")
        if self._raw is not None and self._array is None:
            letter, data = self._raw()
            size = calcsize(letter)
            if letter in "iq" and len(data) == size * self.size:
                return list(unpack(f"<{self.size}{letter}", data))
        return [int(n) for n in self.array().reshape(-1)]

    def number(self) -> float | None:
        """The number, of a tensor that holds one value, or the same everywhere; None for others."""
        if self.size > LARGEST or not self.size:
            return None
        if self._raw is not None and self._array is None:
            letter, data = self._raw()
            one = data[: calcsize(letter)] if letter else b""
            if one and len(data) == len(one) * self.size:
                # Equal bytes are equal numbers: none has to be made of them.
                if data != one * self.size:
                    return None
                value = unpack(f"<{letter}", one)[0]
                return shortest(value) if letter == "f" else float(value)
        array = self.array()
        first = array.reshape(-1)[0]
        return short(first) if array.dtype.kind in "fiub" and (array == first).all() else None


TURNED = "turned"


def constant(array: Any) -> Constant:
    """An array as a constant that no tensor of the file is."""
    import numpy as np

    array = np.asarray(array)
    return Constant(array.shape, lambda: array)


def shortest(value: float) -> float:
    """A number of float32 as people write it, 1e-05: the shortest that is the same in float32."""
    for digits in range(1, 10):
        text = f"{value:.{digits}g}"
        if pack("<f", float(text)) == pack("<f", value):
            return float(text)
    return value


def short(value: Any) -> float:
    """A number of float32 as people write it: 1e-05, not 9.999999747378752e-06."""
    import numpy as np

    # NumPy writes the fewest digits that give the same float32 again.
    return float(str(np.float32(value))) if getattr(value, "dtype", None) != np.float64 else float(value)
