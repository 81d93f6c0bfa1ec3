"""What all members of a family have in common."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from cnncalc.errors import Source
from cnncalc.graph_builder import MAX_OPERATIONS
from cnncalc.report import Settings


class Setting(NamedTuple):
    """A spec with what is fixed for all members.

    params, inputs  as they would stand in the spec, text or lists of text; `""` is the only input
    settings        bytes per value, batch, taps on padding
    """

    source: Source
    inline: bool = False
    params: Mapping[str, Any] = {}
    inputs: Mapping[str, Any] = {}
    settings: Settings = Settings()
    max_operations: int = MAX_OPERATIONS
