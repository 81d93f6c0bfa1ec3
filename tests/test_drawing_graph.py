"""The picture of the dataflow: what is a node, what is folded, and where boxes and lines may not be."""

from __future__ import annotations

import json
import subprocess
from functools import cache
from importlib import import_module
from itertools import combinations, pairwise
from pathlib import Path
from random import Random
from shutil import which
from typing import Any

import pytest
from cases import bundled_report

import cnncalc
from cnncalc.pages.drawing import Drawing, Wish
from cnncalc.pages.drawing.graph import Picture, Tree, place
from cnncalc.pages.view import View, choose_rows
from cnncalc.shipped import FAMILIES

NETWORKS = [name for family in FAMILIES.values() for name in family]


@cache
def tree_of(name: str) -> Tree:
    return Tree(bundled_report(name))


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


@cache
def pictures_of(name: str) -> list[Picture]:
    """A bundled network at every depth, with the numbers that heat it."""
    tree = tree_of(name)
    return [place(tree, tree.fold(depth), "macs") for depth in range(1, tree.depth + 1)]


@pytest.mark.parametrize("name", NETWORKS)
def test_a_node_is_a_row_of_the_table_at_the_same_depth(name: str) -> None:
    for depth, picture in enumerate(pictures_of(name), 1):
        rows = choose_rows(bundled_report(name), View(depth=depth))
        nodes = [node for node in picture["nodes"] if node["role"] != "input"]
        assert [(n["name"], n["number"], tuple(n["shape"])) for n in nodes] == [
            (r.name, r.macs, r.output) for r in rows
        ]


@pytest.mark.parametrize("name", NETWORKS)
def test_nothing_stands_over_another_and_no_line_goes_through_a_foreign_node(name: str) -> None:
    for picture in pictures_of(name)[:4]:
        check_places(picture)


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
    vgg = tree_of("vgg16")
    assert {node["lines"][0] for node in place(vgg, vgg.fold(1))["nodes"] if node["times"] == 3} == {"conv x3"}
    assert "conv3 · conv x3" in [frame["title"] for frame in place(vgg)["frames"]]


LADDER = """
input: 3x64x64
blocks:
  twice:
    params: {c: required}
    layers:
      - conv $c k3 p1 relu
      - residual: [conv $c k3 p1 bn relu, conv $c k3 p1 bn]
  net:
    layers:
      - down1: twice 8
      - maxpool 2
      - down2: twice 16
      - maxpool 2
      - down3: twice 32
      - maxpool 2
      - deep: twice 64
      - transposed_conv 32 k2 s2
      - concat: [{from: down3}, identity]
      - up3: twice 32
      - transposed_conv 16 k2 s2
      - concat: [{from: down2, layers: [conv 16 k1]}, identity]
      - up2: twice 16
      - transposed_conv 8 k2 s2
      - concat: [{from: down1}, identity]
      - up1: twice 8
layers:
  - stem: conv 4 k3 p1
  - LAYERS
  - head: conv 2 k1
"""


@pytest.mark.parametrize("inside", ["net", "net x2"])
def test_a_network_that_goes_down_and_up_again_looks_like_a_u(inside: str) -> None:
    """Down on the left, up on the right, both ends of what goes across on one level; in a frame as well."""
    tree = Tree(cnncalc.analyze(LADDER.replace("LAYERS", inside)))
    for depth in range(1, tree.depth + 1):
        picture = place(tree, tree.fold(depth))
        check_places(picture)
        places = {box["name"]: box for box in [*picture["nodes"], *picture["frames"]] if "/1/" not in box["name"]}
        for level in (1, 2, 3):
            down = [box for name, box in places.items() if name.endswith(f"down{level}")]
            up = [box for name, box in places.items() if name.endswith(f"up{level}")]
            if down:
                assert down[0]["x"] + down[0]["w"] < up[0]["x"]
        rows = [place for name, place in places.items() if name.split("/")[-1] in ("up3", "up2", "up1")]
        assert [row["y"] for row in rows] == sorted((row["y"] for row in rows), reverse=True)


def random_layers(rng: Random, depth: int, count: int) -> list[str]:
    """Steps that read earlier ones, or all of a block one level further in."""
    steps: list[str] = []
    for i in range(count):
        what, names = rng.random(), [f"n{k}" for k in range(i)]
        if names and what < 0.35:
            bodies = ["", ", layers: [conv 4 k3 p1]", ", layers: [conv 4 k1 relu, conv 4 k1]"]
            some = rng.sample(names, min(len(names), rng.randint(1, 3)))
            steps.append(f"concat: [{', '.join(f'{{from: {n}{rng.choice(bodies)}}}' for n in some)}, identity]")
            steps[-1] = f"{{{steps[-1]}}}"
        elif what < 0.55 and depth < 3:
            steps.append(f"b{depth + 1}{rng.choice(['', ' x2', ' x3'])}")
        elif names and what < 0.65:
            steps.append(f"{{from: {rng.choice(names)}, layers: [conv 4 k3 p1 relu]}}")
        elif what < 0.75:
            steps.append("{residual: [conv 4 k3 p1 bn relu, conv 4 k3 p1], shortcut: [conv 4 k1]}")
        else:
            steps.append("conv 4 k3 p1" + rng.choice(["", " bn relu", " relu"]))
    return [f"{{n{i}: {step}}}" for i, step in enumerate(steps)]


@pytest.mark.parametrize("seed", range(8))
def test_nothing_stands_over_another_in_networks_that_nobody_thought_of(seed: int) -> None:
    rng = Random(seed)
    lines = ["input: 4x16x16", "blocks:"]
    for depth in (1, 2, 3):
        lines += [f"  b{depth}:", "    layers:"]
        lines += [f"      - {step}" for step in random_layers(rng, depth, rng.randint(2, 4))]
    lines += ["layers:", *(f"  - {step}" for step in random_layers(rng, 0, rng.randint(3, 10)))]
    tree = Tree(cnncalc.analyze("\n".join(lines)))
    for depth in range(1, tree.depth + 1):
        folded = tree.fold(depth)
        if tree.count_nodes(folded) < 150:
            check_places(place(tree, folded))  # without numbers, which the bundled ones have


def test_the_unet_of_its_paper_has_its_levels_side_by_side() -> None:
    tree = tree_of("unet")
    for depth in (1, 2, 3):
        picture = place(tree, tree.fold(depth))
        boxes = {box["name"]: box for box in [*picture["nodes"], *picture["frames"]]}
        for level in (1, 2, 3, 4):
            down, up = boxes[f"level{level}"], boxes[f"up{level}"]
            assert down["x"] + down["w"] < up["x"]
            assert abs(down["y"] + down["h"] - up["y"] - up["h"]) < 20


def test_a_block_of_residuals_in_a_residual_is_no_u() -> None:
    """What passes by is nested there, too; but the maps do not become smaller."""
    spec = """
input: 8x16x16
layers:
  - conv 8 k3 p1
  - residual: [conv 8 k3 p1, {residual: [conv 8 k3 p1, {residual: [conv 8 k3 p1]}]}, conv 8 k3 p1]
"""
    picture = place(Tree(cnncalc.analyze(spec)))
    for edge in picture["edges"]:
        assert edge["points"][0][1] < edge["points"][-1][1]


def test_large_networks_are_folded_by_themselves() -> None:
    layers = ["input: 1x8x8", "layers:", *["  - conv 1 k3 p1 relu"] * 3_000]
    report = cnncalc.analyze("\n".join(layers))
    picture = place(Tree(report))
    assert len(picture["nodes"]) <= 100
    counted = sum(node["number"] or 0 for node in place(Tree(report), color="params")["nodes"])
    assert counted == report.totals.params


NAMES = '输入-"<b>x</b>" ]; } --> \\'


def hostile_report() -> Any:
    name = json.dumps(NAMES, ensure_ascii=False)
    layers = "[{卷积: conv 2 k3 p1}, {块: double 2}, dense 3]"
    return cnncalc.analyze(f"name: {name}\ninput: 1x8x8\nblocks: {{double: {{params: {{c: required}}, layers: "
                           f"[conv $c k3 p1 relu x2]}}}}\nlayers: {layers}\n")  # fmt: skip


def test_mermaid_has_every_box_in_its_frame_and_no_name_breaks_it() -> None:
    text = str(Drawing(hostile_report(), "graph").render("mermaid"))
    lines = text.splitlines()
    assert lines[1] == 'title: "输入-\\"<b>x</b>\\" ]; } --> \\\\, input 1x8x8"'
    assert lines[3] == "flowchart TD"
    assert '  n0(["<b>input</b><br/>1x8x8"])' in lines
    start = lines.index('  subgraph f0["块 · double"]')
    assert lines[start + 1 : start + 4] == [
        '    n2["<b>conv1</b><br/>conv + relu<br/>2x8x8"]',
        '    n3["<b>conv2</b><br/>conv + relu<br/>2x8x8"]',
        "  end",
    ]
    assert [line.strip() for line in lines if "-->" in line][1:] == ["n0 --> n1", "n1 --> n2", "n2 --> n3", "n3 --> n4"]


def test_dot_has_every_box_in_its_cluster_and_no_name_breaks_it() -> None:
    text = str(Drawing(hostile_report(), "graph", Wish(color="params")).render("dot"))
    assert text.startswith('digraph "输入-\\"<b>x</b>\\" ]; } --> \\\\" {\n')
    assert text.count("subgraph cluster_") == 1
    assert "    n2 [label=<<b>conv1</b><br/>conv + relu<br/>2x8x8<br/>params 38>" in text
    assert [line.strip() for line in text.splitlines() if line.startswith("  n") and "->" in line] == [
        "n0 -> n1;", "n1 -> n2;", "n2 -> n3;", "n3 -> n4;",
    ]  # fmt: skip


@pytest.mark.skipif(which("dot") is None, reason="needs Graphviz")
def test_graphviz_reads_the_dot_that_is_written() -> None:
    text = str(Drawing(hostile_report(), "graph").render("dot"))
    done = subprocess.run(["dot", "-Tplain"], input=text, capture_output=True, text=True, check=True)
    assert sum(line.startswith("node ") for line in done.stdout.splitlines()) == 5
    assert not done.stderr


@pytest.mark.skipif(which("dot") is None, reason="needs Graphviz")
@pytest.mark.parametrize("name", ["hrnet", "googlenet", "unet"])
def test_no_more_lines_cross_than_in_the_drawing_of_dot(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The script prints the table of docs/pictures.md; here it is asked about three networks."""
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1] / "benchmarks"))
    crossings = import_module("crossings")
    for row in crossings.measured(name, deepest=3):
        assert int(row[5]) <= int(row[6]), row


REPEATED = """
input: 16x8x8
blocks:
  unit:
    layers:
    - residual: [conv 16 k3 p1 bn relu, conv 16 k3 p1 bn]
      then: relu
layers:
- unit x{times}
"""


@pytest.mark.parametrize("times", [400, 999])  # 999 repetitions stand in ranges
def test_one_block_that_repeats_is_opened_once_with_its_count(times: int) -> None:
    tree = Tree(cnncalc.analyze(REPEATED.format(times=times)))
    picture = place(tree, tree.fold(), "macs")
    assert [(node["title"], node["output"]) for node in picture["nodes"]] == [
        ("input", False), ("conv1", False), ("conv2", False), ("add1", True),
    ]  # fmt: skip
    assert [frame["title"] for frame in picture["frames"]] == [f"unit1 · unit x{times}"]
    ends = sorted((edge["source"].split("/")[-1], edge["target"]) for edge in picture["edges"])
    assert len(ends) == 4  # along the block, and round it
    assert "boxes for" in cnncalc.draw(tree.report).svg
    assert f"x{times}" in str(Drawing(tree.report).render("dot"))


def test_repetitions_that_differ_are_not_drawn_as_one() -> None:
    grows = REPEATED.replace("k3 p1 bn]", 'k3 p1 bn, "conv $(c) k1"]').replace("unit:", "unit:\n    params: {{c: 16}}")
    alike = Tree(cnncalc.analyze(grows.format(times=200)))
    assert [id for id in alike.fold() if id.endswith("*")] == ["unit1/*"]
    shrinks = "input: 4x900x8\nblocks: {unit: {layers: [conv 4 k3, conv 4 k1]}}\nlayers: [unit x400]\n"
    tree = Tree(cnncalc.analyze(shrinks.replace("x8\n", "x900\n")))
    assert tree.count_nodes(tree.fold()) == 2
