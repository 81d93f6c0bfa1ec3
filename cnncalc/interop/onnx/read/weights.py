"""The weights of an ONNX model in the form in which layers store them, one at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from cnncalc.errors import CnncalcError
from cnncalc.graph import Graph
from cnncalc.interop.builder import Builder
from cnncalc.interop.onnx.read.constants import Constant
from cnncalc.interop.onnx.read.wire import WireError
from cnncalc.language import _
from cnncalc.reference import Drawn
from cnncalc.reference.weights import name_array


class Stored(Mapping[str, Any]):
    """LAYER.name to array, float32; each is read from the file when it is asked for."""

    def __init__(self, builder: Builder, stored: Mapping[tuple[int, str], Constant], graph: Graph) -> None:
        self.source = builder.source
        first = len(graph.inputs)
        self.arrays = {
            name_array(builder.nodes[value - first], name): constant for (value, name), constant in stored.items()
        }
        self.shapes = {name: weight.shape for name, weight in Drawn(graph).weights.items()}
        missing = [name for name in self.shapes if name not in self.arrays]
        if missing:
            raise CnncalcError(
                _("{file}: the weights of {name} are not in a form that is read", file=self.source, name=missing[0])
            )

    def __getitem__(self, name: str) -> Any:
        import numpy as np

        shape = self.shapes[name]
        try:
            values = np.asarray(self.arrays[name].array(), dtype=np.float32)
        except WireError as error:
            raise CnncalcError(f"{self.source}: {error.problem}") from None
        # The file may have one number where the layer has one for each: a slope, say.
        return np.broadcast_to(values, shape) if values.size == 1 else values.reshape(shape)

    def __iter__(self) -> Iterator[str]:
        return iter(self.shapes)

    def __len__(self) -> int:
        return len(self.shapes)
