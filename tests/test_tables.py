"""Published tables of whole families, each out of one spec in one sweep."""

from __future__ import annotations

import csv
import json
import os
import re
import subprocess
import sys
from collections import Counter
from itertools import product
from pathlib import Path
from typing import Any

import pytest

import cnncalc
from cnncalc import shipped
from cnncalc.families import Family
from cnncalc.sources import read_source

HERE = Path(__file__).resolve().parent
OPS = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")
DATASETS = {"cifar10": (10, (3, 32, 32)), "cifar100": (100, (3, 32, 32)), "ImageNet16-120": (120, (3, 16, 16))}


def published_cells() -> dict[str, Any]:
    """Parameters and MACs by dataset, 3x3 and 1x1 convolutions in the cell."""
    found: dict[str, Any] = json.loads((HERE / "nas_bench_201.json").read_text(encoding="utf-8"))
    del found["source"]
    return found


def pair_of(cell: tuple[str, ...]) -> tuple[int, int]:
    count = Counter(cell)
    return count["nor_conv_3x3"], count["nor_conv_1x1"]


def check_cells(cells: list[tuple[str, ...]]) -> None:
    """All three datasets of these cells, against the authors' counter."""
    columns = {name: list(values) for name, values in zip("abcdef", zip(*cells, strict=True), strict=True)}
    published = published_cells()
    family = Family(read_source("nas-bench-201"))
    for dataset, (classes, shape) in DATASETS.items():
        same: dict[str, list[Any]] = {"classes": [classes] * len(cells), "input": [shape] * len(cells)}
        found = family.evaluate({**columns, **same}, ["params", "macs", "connections"])
        wanted = [published["|".join([dataset, *map(str, pair_of(cell))])] for cell in cells]
        numbers = zip(found.columns["params"].items(), found.columns["macs"].items(), strict=True)
        assert list(map(list, numbers)) == wanted
        # the authors' FLOPs count what the classifier's biases add
        assert found.columns["connections"].items() == [macs + classes for _params, macs in wanted]


def test_a_cell_of_each_pair_has_the_numbers_of_the_authors() -> None:
    cells: dict[tuple[int, int], tuple[str, ...]] = {}
    for i, cell in enumerate(product(OPS, repeat=6)):
        if (i * 7) % 15625 >= i % 3 * 2000:  # not always the first: other operations on other edges
            cells.setdefault(pair_of(cell), cell)
    for cell in product(OPS, repeat=6):
        cells.setdefault(pair_of(cell), cell)
    assert len(cells) == 28
    assert len(published_cells()) == 3 * 28
    check_cells(list(cells.values()))


@pytest.mark.slow
def test_all_cells_have_the_numbers_of_the_authors_by_the_command_of_the_page(tmp_path: Path) -> None:
    page = (HERE.parent / "docs" / "families.md").read_text(encoding="utf-8")
    (command,) = re.findall("(?m)^    op=(?:.*\\\\\n)*.*$", page)
    lines = [f"{classes},{'x'.join(map(str, shape))}" for classes, shape in DATASETS.values()]
    assert all(f"`{line}`" in page for line in lines)
    (tmp_path / "datasets.csv").write_text("\n".join(["classes,input", *lines]), encoding="utf-8")
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    subprocess.run(["bash", "-c", command], cwd=tmp_path, env={**os.environ, "PATH": path}, check=True)
    published, names = published_cells(), {str(classes): name for name, (classes, _shape) in DATASETS.items()}
    with (tmp_path / "cells.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 3 * 15625
    for row in rows:
        pair = map(str, pair_of(tuple(row[name] for name in "abcdef")))
        assert [int(row["params"]), int(row["macs"])] == published["|".join([names[row["classes"]], *pair])]
        assert int(row["connections"]) == int(row["macs"]) + int(row["classes"])


@pytest.mark.parametrize(("network", "full"), [("mobilenet_v1", 32), ("mobilenet_v2", 100)])
def test_the_grid_of_widths_and_resolutions_is_that_of_a_sweep(network: str, full: int) -> None:
    with (HERE / "mobilenet_grid.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["network"] == network]
    widths = [round(float(row["multiplier"]) * full) for row in rows]
    sizes = [int(row["resolution"]) for row in rows]
    found = cnncalc.sweep(network, width=sorted(set(widths)), resolution=sorted(set(sizes)))
    members = zip(found["width"].tolist(), found["resolution"].tolist(), strict=True)
    numbers = dict(zip(members, zip(found["macs"].tolist(), found["params"].tolist(), strict=True), strict=True))
    assert [numbers[member] for member in zip(widths, sizes, strict=True)] == [
        (int(row["macs"]), int(row["params"])) for row in rows
    ]


def test_the_print_of_the_grid_is_near_apart_from_the_rows_named_in_the_spec() -> None:
    """Millions of MACs, rounded or cut off; five rows of MobileNet v1 are further away."""
    with (HERE / "mobilenet_grid.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    far = [row for row in rows if abs(int(row["macs"]) / 1e6 - int(row["published_mmacs"])) >= 1]
    assert [(row["network"], row["multiplier"], row["published_mmacs"]) for row in far] == [
        *(("mobilenet_v1", "0.75", printed) for printed in ("317", "233", "162", "104")),
        ("mobilenet_v1", "0.25", "34"),
    ]
    text = Path(shipped.bundled()["mobilenet-v1"]).read_text(encoding="utf-8")
    assert all(row["published_mmacs"] in text for row in far)


@pytest.mark.parametrize("word", ["nope", "relu", "3"])
def test_a_word_that_is_no_operation_is_refused(word: str) -> None:
    """It must not become an edge that passes on what enters."""
    with pytest.raises(cnncalc.CnncalcError):
        cnncalc.analyze("nas-bench-201", a=word)
