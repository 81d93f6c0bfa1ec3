"""JSON of other programs' files: how much of it is read. A file of brackets alone would fill any memory."""

from __future__ import annotations

LARGEST = 50_000_000  # bytes: 50,000 layers
MOST_PARTS = 4_000_000  # lists, mappings and what is in them


def count_parts(text: bytes) -> int:
    """Lists, mappings and what is in them, at most: counted before it is read."""
    # A list in memory takes a hundred times what its brackets take in a file.
    return sum(text.count(mark) for mark in (b"[", b"{", b","))
