"""ONNX files made byte by byte, so that reading them is tested without the package onnx.

Fields and their numbers: onnx.proto, version 1.16.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any


def varint(number: int) -> bytes:
    number &= 0xFFFFFFFFFFFFFFFF
    found = b""
    while True:
        byte = number & 127
        number >>= 7
        found += bytes([byte | (128 if number else 0)])
        if not number:
            return found


def part(field: int, content: bytes | str) -> bytes:
    data = content.encode() if isinstance(content, str) else content
    return varint(field << 3 | 2) + varint(len(data)) + data


def whole(field: int, number: int) -> bytes:
    return varint(field << 3) + varint(number)


def tensor(name: str, dims: Sequence[int], dtype: int, raw: bytes | None) -> bytes:
    data = b"".join(whole(1, n) for n in dims) + whole(2, dtype) + part(8, name)
    return data if raw is None else data + part(9, raw)


def attribute(name: str, value: Any) -> bytes:
    if isinstance(value, Model):
        return part(1, name) + part(6, value.graph + value.after + value.output) + whole(20, 5)
    if isinstance(value, int):
        return part(1, name) + whole(3, int(value)) + whole(20, 2)
    if isinstance(value, float):
        return part(1, name) + varint(2 << 3 | 5) + struct.pack("<f", value) + whole(20, 1)
    if isinstance(value, str):
        return part(1, name) + part(4, value) + whole(20, 3)
    return part(1, name) + b"".join(whole(8, n) for n in value) + whole(20, 7)


def described(name: str, dims: Sequence[int | str] | None) -> bytes:
    if dims is None:
        return part(1, name)
    shape = b"".join(part(1, whole(1, n) if isinstance(n, int) else part(2, n)) for n in dims)
    return part(1, name) + part(2, part(1, whole(1, 1) + part(2, shape)))


class Model:
    """A model with one input `x` and one output `y`, unless others are said."""

    def __init__(self, *dims: int | str, opset: int = 17) -> None:
        self.graph = part(11, described("x", dims)) if dims else b""
        self.after = b""
        self.opset = opset
        self.functions = b""
        self.output = part(12, described("y", None))

    def node(
        self, operator: str, inputs: str, outputs: str, *, name: str = "", domain: str = "", **options: Any
    ) -> bytes:
        data = b"".join(part(1, "" if n == "-" else n) for n in inputs.split())
        data += b"".join(part(2, n) for n in outputs.split())
        data += (part(3, name) if name else b"") + part(4, operator) + (part(7, domain) if domain else b"")
        return data + b"".join(part(5, attribute(key, value)) for key, value in options.items())

    def op(self, operator: str, inputs: str, outputs: str, **options: Any) -> Model:
        self.graph += part(1, self.node(operator, inputs, outputs, **options))
        return self

    def weight(self, name: str, *dims: int, fill: float | None = None) -> Model:
        """Weights; the values all different, or all the same."""
        count = 1
        for n in dims:
            count *= n
        values = [0.01 * (i % 97) - 0.3 if fill is None else fill for i in range(count)]
        self.after += part(5, tensor(name, dims, 1, struct.pack(f"<{count}f", *values)))
        return self

    def whole(self, name: str, *numbers: int, dims: Sequence[int] | None = None) -> Model:
        raw = struct.pack(f"<{len(numbers)}q", *numbers)
        self.after += part(5, tensor(name, [len(numbers)] if dims is None else dims, 7, raw))
        return self

    def truth(self, name: str, *, holds: bool) -> Model:
        self.after += part(5, tensor(name, [], 9, bytes([holds])))
        return self

    def gives(self, name: str) -> Model:
        """Another name for its output."""
        self.output = part(12, described(name, None))
        return self

    def number(self, name: str, value: float) -> Model:
        self.after += part(5, tensor(name, [], 1, struct.pack("<f", value)))
        return self

    def constant(self, name: str, fill: float, *dims: int) -> Model:
        """Numbers in an operator Constant."""
        count = 1
        for n in dims:
            count *= n
        value = (
            part(1, "value") + part(5, tensor("", dims, 1, struct.pack(f"<{count}f", *[fill] * count))) + whole(20, 4)
        )
        self.graph += part(1, part(2, name) + part(4, "Constant") + part(5, value))
        return self

    def bytes(self) -> bytes:
        opsets = part(8, part(1, "") + whole(2, self.opset)) + part(8, part(1, "own") + whole(2, 1))
        return whole(1, 8) + opsets + part(7, self.graph + self.after + self.output) + self.functions

    def save(self, folder: Path, name: str = "model.onnx") -> str:
        path = folder / name
        path.write_bytes(self.bytes())
        return str(path)
