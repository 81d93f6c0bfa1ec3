"""What every ONNX writer is made of: operators that are appended, arrays that are stored with them.

A kind's writer is `write(ops, layer, *values)`: it calls `ops("Conv", ...)` for each operator and returns the name of
its result. Values in ONNX have the samples of a batch first; shapes here have not, as everywhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any, NamedTuple

import numpy as np

from cnncalc.layers.base import Shape
from cnncalc.layers.windows import Window

Array = np.ndarray[Any, Any]


class Value(NamedTuple):
    """A map of the network: its name in the model, and its shape without the batch."""

    name: str
    shape: Shape


class Part:
    """The operators of one layer. `name` is the layer's, `owner` that of the layer whose weights it uses."""

    def __init__(
        self,
        onnx: Any,
        name: str,
        owner: str,
        stored: Mapping[str, Array],
        initializers: dict[str, Array],
        network_input: str,
    ) -> None:
        self.onnx = onnx
        self.name = name
        self.owner = owner
        self.stored = stored
        self.initializers = initializers
        self.network_input = network_input  # which knows how many samples there are
        self.nodes: list[Any] = []
        self.count = 0

    def __call__(self, operator: str, *inputs: str, **attributes: Any) -> str:
        """Append an operator with one result; the name of it."""
        return self.several(operator, [True], *inputs, **attributes)[0]

    def several(self, operator: str, wanted: Sequence[bool], *inputs: str, **attributes: Any) -> list[str]:
        """Append an operator with several results, of which those that are wanted get a name."""
        results = [self._new() if needed else "" for needed in wanted]
        self.nodes.append(self.onnx.helper.make_node(operator, list(inputs), results, **attributes))
        return results

    def inner(self) -> Part:
        """A part whose operators run inside a loop of this one; its arrays are stored with the others."""
        return Part(self.onnx, self._new(), self.owner, self.stored, self.initializers, self.network_input)

    def _new(self) -> str:
        self.count += 1
        return f"{self.name}::{self.count}"  # a layer's name holds no colon

    def has(self, name: str) -> bool:
        """Whether the layer stores such an array."""
        return f"{self.owner}.{name}" in self.stored

    def array(self, name: str) -> Array:
        """A stored array of the layer."""
        return self.stored[f"{self.owner}.{name}"]

    def weight(self, name: str, values: Array | None = None) -> str:
        """A stored array of the layer as LAYER.name, perhaps in the form that ONNX wants; shared ones once."""
        return self._keep(f"{self.owner}.{name}", self.array(name) if values is None else values)

    def constant(self, values: Any, dtype: type[np.generic] = np.float32) -> str:
        """Numbers that belong to the layer's definition. With axes they are an operator Constant: a stored tensor is
        a trained one to whoever reads the model."""
        array = np.asarray(values, dtype=dtype)
        if array.ndim and dtype != np.int64:
            return self("Constant", value=self.onnx.numpy_helper.from_array(np.ascontiguousarray(array)))
        return self._keep(self._new(), array)

    def whole(self, *numbers: int) -> str:
        """A list of whole numbers, as shapes and axes are given."""
        return self.constant(numbers, np.int64)

    def _keep(self, name: str, values: Array) -> str:
        # Layers that share weights ask for the same array.
        if name not in self.initializers:
            kept = values if values.dtype == np.int64 else values.astype(np.float32, copy=False)
            self.initializers[name] = np.asarray(kept, order="C")
        return name

    def finish(self, result: str) -> list[Any]:
        """All operators, the result under the layer's name."""
        # An input or a stored array cannot be renamed: it goes through an operator that does nothing.
        if not self.nodes or result != self.nodes[-1].output[0]:
            result = self("Identity", result)
        self.nodes[-1].output[0] = self.name
        return self.nodes

    # --- what many kinds need

    def reshape(self, x: str, *shape: int) -> str:
        """Another shape behind the batch; -1 for what is left."""
        # 0 keeps the axis of the samples, whose number is open.
        return self("Reshape", x, self.whole(0, *shape))

    def transpose(self, x: str, *order: int) -> str:
        """The axes behind the batch in another order, counted from 1."""
        return self("Transpose", x, perm=[0, *order])

    def cut(self, x: str, axis: int, start: int, stop: int) -> str:
        """Elements start up to stop of an axis, the batch being axis 0."""
        return self("Slice", x, self.whole(start), self.whole(stop), self.whole(axis))

    def surround(self, x: str, sides: Sequence[tuple[int, int]], value: float = 0.0, mode: str = "constant") -> str:
        """Elements around each axis behind the channels."""
        if not any(map(any, sides)):
            return x
        pads = [0, 0, *(before for before, _ in sides), 0, 0, *(after for _, after in sides)]
        return self("Pad", x, self.whole(*pads), *([self.constant(value)] if mode == "constant" else []), mode=mode)

    def scale(self, x: str, factor: float) -> str:
        """A value times a number."""
        return self("Mul", x, self.constant(factor))


def per_channel(values: Array, rank: int) -> Array:
    """(C,) to be combined with (N, C, *size) of `rank` spatial axes."""
    return values.reshape(-1, *(1,) * rank)


def window_attributes(
    windows: Sequence[Window], after: Sequence[int], before: Sequence[int] | None = None
) -> dict[str, Any]:
    """The attributes of an operator that slides windows; padding at the end as `ends` says."""
    return {
        "kernel_shape": [w.kernel for w in windows],
        "strides": [w.stride for w in windows],
        "dilations": [w.dilation for w in windows],
        "pads": [*([w.before for w in windows] if before is None else before), *after],
    }


def taps(windows: Sequence[Window]) -> int:
    """Elements that a window reads from one map."""
    return prod(w.kernel for w in windows)


def move(ops: Part, x: str, apart: list[int], order: list[int], together: list[int]) -> str:
    """Axes taken apart, brought into another order, and joined again."""
    return ops.reshape(ops.transpose(ops.reshape(x, *apart), *order), *together)


def spread(table: tuple[tuple[int, ...], ...], weights: Array, inputs: int) -> Array:
    """(pairs, ...) in the order of a table to (rows, inputs, ...): zeros for the pairs that are not in it."""
    full = np.zeros((len(table), inputs, *weights.shape[1:]), dtype=weights.dtype)
    rows = [i for i, row in enumerate(table) for _ in row]
    full[rows, [j for row in table for j in row]] = weights
    return full
