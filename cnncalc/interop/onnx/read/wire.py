"""The wire format of protocol buffers, as far as reading models needs it: fields one by one, nothing copied.

A message is a stretch of the file. What is long, the values of weights, is never looked at: its field says where it
begins and ends. Source: protobuf.dev/programming-guides/encoding.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any, NamedTuple

from cnncalc.errors import CnncalcError
from cnncalc.language import _

MOST_FIELDS = 1_500_000  # of one file: read in seconds; ResNet-50 has five thousand
LONGEST_TEXT = 10_000  # bytes of a name
TEXT = 64  # bytes of names and lists that count as much as a field


class WireError(CnncalcError):
    """Bytes that are no protocol buffer; `place` is the byte at which that is seen."""

    def __init__(self, problem: str, place: int) -> None:
        super().__init__(problem)
        self.problem = problem
        self.place = place


class Bytes(NamedTuple):
    """A file, or memory, and how many fields of it may still be read."""

    data: Any  # bytes, or a mapped file: indexed and cut, never copied as a whole
    left: list[int]  # one number, counted down


class Span(NamedTuple):
    """A stretch of the file: a message, a text or numbers."""

    source: Bytes
    start: int
    stop: int

    def fields(self) -> Iterator[tuple[int, Any]]:
        """(number, value) of each field: whole numbers as they stand, 4 or 8 bytes as bytes, the rest as spans."""
        data, i, stop = self.source.data, self.start, self.stop
        budget = self.source.left
        while i < stop:
            budget[0] -= 1
            if budget[0] < 0:
                raise WireError(_("more fields than a model has: {most:,}", most=MOST_FIELDS), i)
            # A key is 8 times the field's number plus its kind: 10 is field 1 of kind 2, a stretch behind its length.
            key = data[i]
            i += 1
            # Nearly all keys and lengths are one byte, which takes no call.
            if key > 127:
                key, i = varint(data, i - 1, stop)
            number, kind = key >> 3, key & 7
            if kind == 2:
                if i >= stop:
                    raise end(i)
                length = data[i]
                i += 1
                if length > 127:
                    length, i = varint(data, i - 1, stop)
                if length > stop - i:
                    raise end(i)
                yield number, Span(self.source, i, i + length)
                i += length
            elif kind == 0:
                value, i = varint(data, i, stop)
                yield number, value
            elif kind in (1, 5):
                size = 8 if kind == 1 else 4
                if size > stop - i:
                    raise end(i)
                yield number, bytes(data[i : i + size])
                i += size
            else:
                raise WireError(_("not a field of a model"), i)

    def text(self, longest: int = LONGEST_TEXT) -> str:
        """A name, as UTF-8."""
        self.spend(min(len(self), longest) // TEXT)
        return bytes(self.source.data[self.start : min(self.stop, self.start + longest)]).decode("utf-8", "replace")

    def __len__(self) -> int:
        return self.stop - self.start

    def spend(self, fields: int) -> None:
        """Count what is read as fields. Raises WireError where there are more than a model has."""
        self.source.left[0] -= fields
        if self.source.left[0] < 0:
            raise WireError(_("more fields than a model has: {most:,}", most=MOST_FIELDS), self.start)

    def bytes(self) -> bytes:
        """A copy of the stretch."""
        return bytes(self.source.data[self.start : self.stop])

    def varints(self) -> list[int]:
        """Numbers that stand one behind the other without keys."""
        found = []
        data, i = self.source.data, self.start
        self.spend(len(self))
        while i < self.stop:
            value, i = varint(data, i, self.stop)
            found.append(value)
        return found


def varint(data: Any, i: int, stop: int) -> tuple[int, int]:
    """A number of 7 bits in each byte, and where it ends."""
    # Ten bytes of 7 bits hold any number of 64 bits; what goes on is no number.
    value = shift = 0
    while i < stop and shift < 70:
        byte = data[i]
        i += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value & 0xFFFFFFFFFFFFFFFF, i
        shift += 7
    raise end(i)


def end(place: int) -> WireError:
    return WireError(_("the file ends in the middle, or is no model"), place)


def sign(value: int) -> int:
    """A 64-bit number with its sign."""
    # int64 in ONNX is no zigzag number: -1 stands as 2**64 - 1, in ten bytes.
    return value - (1 << 64) if value >> 63 else value


def float32(raw: bytes) -> float:
    """A decimal number of 4 bytes. Raises WireError for 8."""
    if len(raw) != 4:
        raise WireError(_("not a field of a model"), 0)
    value: float = struct.unpack("<f", raw)[0]
    return value
