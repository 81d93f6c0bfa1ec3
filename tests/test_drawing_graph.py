"""The picture of the dataflow: what is a node, what is folded, and where boxes and lines may not be."""

from __future__ import annotations

import json
from itertools import combinations, pairwise
from typing import Any

import pytest

import cnncalc
from cnncalc.drawing.graph import Picture, Tree, place
from cnncalc.pages.view import View, shown_rows
from cnncalc.shipped import FAMILIES

NETWORKS = [name for family in FAMILIES.values() for name in family]


def tree_of(name: str) -> Tree:
    return Tree(cnncalc.analyze(name))


def inside(box: Any, around: Any) -> bool:
    return bool(
        around["x"] <= box["x"]
        and around["y"] <= box["y"]
        and box["x"] + box["w"] <= around["x"] + around["w"]
        and box["y"] + box["h"] <= around["y"] + around["h"]
    )


def apart(a: Any, b: Any) -> bool:
    return bool(
        a["x"] + a["w"] <= b["x"] or b["x"] + b["w"] <= a["x"] or a["y"] + a["h"] <= b["y"] or b["y"] + b["h"] <= a["y"]
    )


def meets(box: Any, start: list[int], end: list[int]) -> bool:
    """Whether a piece of a line goes through the inside of a box (Liang and Barsky)."""
    low, high = 0.0, 1.0
    for at, to, least, most in (
        (start[0], end[0], box["x"] + 1, box["x"] + box["w"] - 1),
        (start[1], end[1], box["y"] + 1, box["y"] + box["h"] - 1),
    ):
        if at == to:
            if not least < at < most:
                return False
            continue
        first, second = sorted([(least - at) / (to - at), (most - at) / (to - at)])
        low, high = max(low, first), min(high, second)
    return low < high


def pieces(edge: Any) -> list[tuple[list[int], list[int]]]:
    """The straight pieces of a line; of one that goes across also the box that a curve in its place stays in."""
    return list(pairwise(edge["points"]))


def check_places(picture: Picture) -> None:
    """No node over another, each in its frame, no line through a foreign node or frame, lines from node to node."""
    nodes = {node["id"]: node for node in picture["nodes"]}
    frames = {frame["id"]: frame for frame in picture["frames"]}
    assert len(nodes) == len(picture["nodes"])
    whole = {"x": 0, "y": 0, "w": picture["width"], "h": picture["height"]}
    boxes = [*nodes.values(), *frames.values()]
    around: dict[str, list[Any]] = {}
    for box in boxes:
        assert inside(box, frames[box["frame"]] if box["frame"] else whole), box["name"]
        around.setdefault(box["frame"], []).append(box)
    for neighbours in around.values():
        for a, b in combinations(neighbours, 2):
            assert apart(a, b), (a["id"], b["id"])

    def frames_of(id: str) -> set[str]:
        found, box = {id}, nodes[id]["frame"]
        while box:
            found.add(box)
            box = frames[box]["frame"]
        return found

    for edge in picture["edges"]:
        own = frames_of(edge["source"]) | frames_of(edge["target"])
        (x, y), (x2, y2) = edge["points"][0], edge["points"][-1]
        for node, at, to in ((nodes[edge["source"]], x, y), (nodes[edge["target"]], x2, y2)):
            assert node["x"] < at < node["x"] + node["w"]
            assert to in (node["y"], node["y"] + node["h"])
        spans = pieces(edge)
        left, right = min(p[0] for p in edge["points"]), max(p[0] for p in edge["points"])
        low, high = min(p[1] for p in edge["points"]), max(p[1] for p in edge["points"])
        for box in boxes:
            if box["x"] >= right or box["x"] + box["w"] <= left or box["y"] >= high or box["y"] + box["h"] <= low:
                continue
            if box["id"] not in own or box["id"] in (edge["source"], edge["target"]):
                assert not any(meets(box, start, end) for start, end in spans), (edge, box["id"])


@pytest.mark.parametrize("name", NETWORKS)
def test_a_node_is_a_row_of_the_table_at_the_same_depth(name: str) -> None:
    tree = tree_of(name)
    for depth in range(1, tree.depth + 1):
        picture = place(tree, tree.fold(depth), "macs")
        rows = shown_rows(tree.report, View(depth=depth))
        nodes = [node for node in picture["nodes"] if node["role"] != "input"]
        assert [(n["name"], n["number"], tuple(n["shape"])) for n in nodes] == [
            (r.name, r.macs, r.output) for r in rows
        ]


@pytest.mark.parametrize("name", NETWORKS)
def test_nothing_stands_over_another_and_no_line_goes_through_a_foreign_node(name: str) -> None:
    tree = tree_of(name)
    for depth in range(1, min(tree.depth, 4) + 1):
        check_places(place(tree, tree.fold(depth)))


@pytest.mark.parametrize("color", ["macs", "params", "activations", "receptive_field"])
def test_a_picture_is_a_plain_value_and_comes_out_the_same(color: str) -> None:
    first, second = (place(tree_of("resnet50"), color=color) for _time in range(2))
    assert json.loads(json.dumps(first)) == first == second
    assert first["legend"] is not None
    assert max(node["heat"] or 0 for node in first["nodes"]) == 1


def test_a_block_is_folded_by_its_id_and_unfolded_again() -> None:
    tree = tree_of("resnet50")
    folded = tree.fold(1)
    names = [node["name"] for node in place(tree, folded)["nodes"]]
    assert "stage2" in names
    opened = place(tree, folded - {"stage2/"})
    assert [frame["folds"] for frame in opened["frames"]] == [["stage2/"]]
    assert "stage2/3" in [node["name"] for node in opened["nodes"]]
    again = (folded - {"stage2/"}) | {opened["frames"][0]["folds"][0]}
    assert [node["name"] for node in place(tree, again)["nodes"]] == names


def test_a_repeat_says_how_often() -> None:
    nodes = {node["name"]: node for node in place(tree_of("resnet50"), tree_of("resnet50").fold(1))["nodes"]}
    assert nodes["stage3"]["times"] == 6
    assert nodes["stage3"]["lines"][0] == "bottleneck x6"


def test_large_networks_are_folded_by_themselves() -> None:
    layers = ["input: 1x8x8", "layers:", *["  - conv 1 k3 p1 relu"] * 3_000]
    report = cnncalc.analyze("\n".join(layers))
    picture = place(Tree(report))
    assert len(picture["nodes"]) <= 100
    counted = sum(node["number"] or 0 for node in place(Tree(report), color="params")["nodes"])
    assert counted == report.totals.params
