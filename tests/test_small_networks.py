"""The exact sets of input pixels that sixty small networks depend on, unit by unit, borders included."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cases import read_yaml, write_yaml

import cnncalc
from cnncalc.analysis.fields.backward import look_back
from cnncalc.analysis.fields.values import Grid
from cnncalc.evidence.fields import find_seen

NETWORKS = read_yaml(Path(__file__).parent / "small_networks.yaml")
WORDS = {"k": "kernel", "s": "stride", "p": "padding", "d": "dilation", "o": "output_padding"}
KINDS = {"conv": ("conv", {"filters": 1}), "tconv": ("transposed_conv", {"filters": 1}), "pool": ("maxpool", {})}


def step(node: str) -> dict[str, Any]:
    """`n7: conv n6 k3 s1 p0 d1` as a step of the language."""
    name, rest = node.split(": ")
    operation, reads, *words = rest.split()
    if operation == "add":
        return {name: {"add": [{"from": source} for source in reads.split(",")]}}
    options: dict[str, Any] = {WORDS[w[0]]: int(w[1:]) for w in words if re.fullmatch(r"[kspdo]\d+", w)}
    if operation in ("nearest", "bilinear"):
        layer = {"upsample": {"factor": options["stride"], "mode": operation}}
    else:
        kind, more = KINDS[operation]
        layer = {kind: {**options, **more, **({"rounding": "ceil"} if "ceil" in words else {})}}
    return {name: {"from": "in" if reads == "x" else reads, "layers": [layer]}}


def spec(network: dict[str, Any]) -> str:
    steps = write_yaml([step(node) for node in network["nodes"]], default_flow_style=None, width=1000)
    return f"inputs: {{x: 1x{network['n']}}}\nlayers:\n{steps}".replace("from: in", "from: x")


def members(word: str) -> set[int]:
    found: set[int] = set()
    for part in word.split(",") if word != "none" else ():
        first, _, last = part.partition("-")
        found |= set(range(int(first), int(last or first) + 1))
    return found


@pytest.mark.parametrize("network", NETWORKS, ids=range(len(NETWORKS)))
def test_units_see_exactly_the_pixels_that_they_depend_on(network: dict[str, Any]) -> None:
    graph = cnncalc.load(spec(network))
    assert [facts.output[1] for facts in graph.facts] == network["sizes"]
    sets = find_seen(graph, "x", 0)
    assert [len(planes[0]) for planes in sets] == network["sizes"]
    found = [set(np.flatnonzero(sets[-1][:, unit])) for unit in range(network["sizes"][-1])]
    assert found == [members(word) for word in network["sees"].split()]


def test_no_operation_is_left_out() -> None:
    operations = {node.split()[1] for network in NETWORKS for node in network["nodes"]}
    assert operations == {"conv", "tconv", "pool", "nearest", "bilinear", "add"}
    assert len(NETWORKS) == 60


def test_what_a_layer_claims_is_what_units_far_from_the_borders_see() -> None:
    compared = []
    for network in NETWORKS:
        graph = cnncalc.load(spec(network))
        back = look_back(graph, len(graph.nodes) - 1)
        sizes = [graph.shape(v)[1] for v in range(len(back))]
        for unit, word in enumerate(network["sees"].split()):
            hulls = [field and ends(field[0], unit) for field in back]
            if all(h is None or (h[0] >= 0 and h[1] < n) for h, n in zip(hulls, sizes, strict=True)):
                seen = members(word)
                assert hulls[0] == ((min(seen), max(seen)) if seen else None)
                compared.append(len(seen))
    assert len(compared) > 1200
    assert 0 in compared  # a unit that sees nothing is among them


def ends(field: Any, unit: int) -> tuple[int, int] | None:
    """First and last of what a unit sees."""
    assert isinstance(field, Grid)
    turns, phase = divmod(unit, len(field.lo))
    lo, hi = field.lo[phase], field.hi[phase]
    return None if lo is None or hi is None else (lo + turns * field.span, hi + turns * field.span)
