"""Where NumPy cannot be imported, as in a browser: families on lists, and commands that say what they need."""

from __future__ import annotations

import os
import random
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cases import read_yaml
from click.testing import CliRunner
from commands import Forked

from cnncalc.cli import group
from cnncalc.families import lists

# Done by Python as it starts, in a folder of its own on the path
BLOCKED = """
import sys
class NoNumpy:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "numpy":
            raise ModuleNotFoundError("there is none", name="numpy")
sys.meta_path.insert(0, NoNumpy())
sys.modules["torch"] = None  # which warns where it finds no NumPy
"""


def question(asked: dict[str, Any]) -> list[str]:
    net = ["-e", asked["net"]] if ";" in asked["net"] else [asked["net"]]
    find = ",".join(f"{name}={values}" for name, values in asked["find"].items())
    best = ["--maximize", asked["maximize"]] if "maximize" in asked else []
    return ["solve", *net, "--find", find, "--where", asked["where"], *best]


QUESTIONS = read_yaml(Path(__file__).parent / "inverse_questions.yaml")
SAME = {  # what is asked, with NumPy and without
    **{asked["ask"]: question(asked) for asked in QUESTIONS},
    "no solution": ["solve", "-e", "1x32x32; conv 6 k$k s2", "--find", "k=1..11", "--where", "conv1.output=6x28x28"],
    "no network": ["solve", "-e", "1x8x8; conv 6 k$k", "--find", "k=9..40", "--where", "macs<=9"],
    "size": ["solve", "lenet5-modern", "--find", "size", "--where", "params=61706"],
    "a large space": [
        "solve", "-e", "1x32x32; conv $f k$k", "--find", "f=1..3000000,k=1..5", "--where", "500<=params,params<12345"
    ],
    "a space too large": [
        "solve", "-e", "1x9x9; conv $f k$k s$s", "--find", "f=1..9000,k=1..9000,s=1..9000", "--where", "macs<=9"
    ],
    "beyond 64 bits": [
        "sweep", "-e", "1x1x1; dense $w; dense $(w * w)", "--over", "w=[3, 2000000, 3000000000]", "--format", "jsonl"
    ],
    "reasons": [
        "sweep", "-e", "3x16x16; conv $f k$k; relu; gap; dense 10", "--over", "f=1..3", "--over", "k=1,3,17,20"
    ],
    "the least and the most": [
        "sweep", "-e", "1x9x12; conv 4 k$k s2 p$p", "--over", "k=1..4", "--over", "p=0..3", "--exact-padding",
        "--columns", "macs,conv1.output,receptive_field", "--format", "csv",
    ],
    "words": ["sweep", "-e", "3x8x8; conv 4 k$k same s2; $act", "--over", "k=2..5", "--over", "act=[relu, silu]"],
    "lists and shapes": [
        "sweep", "resnet34", "--over", "depth=[[1, 1, 1, 1], [2, 1, 1, 1]]", "--over", "input=3x{32,64}x{same}",
        "--over", "width=8..16..8", "--format", "csv",
    ],
    "an order": ["sweep", "mobilenet-v1", "--over", "width=8..32..4", "--sort", "-params", "--top", "3"],
    "a front": [
        "sweep", "mobilenet-v1", "--over", "width=8..32..4", "--over", "input=3x{96..224..32}x{same}", "--where",
        "macs <= 300M", "--pareto", "macs,-receptive_field,-params",
    ],
    "written as Keras": ["convert", "resnet50", "--to", "keras"],
}  # fmt: skip
REFUSED = {
    "verify": ["verify", "lenet5"],
    "onnx": ["convert", "lenet5", "never-written.onnx"],
}
WITHOUT_IT = [
    ["explain", "lenet5", "C1", "--inverse", "padding"],
    ["rf", "lenet5", "--effective"],
    ["lint", "lenet5"],
    ["convert", "unet", "--to", "torch"],
]


@pytest.fixture(scope="module")
def blocked(tmp_path_factory: pytest.TempPathFactory) -> Callable[[list[str]], tuple[int, str, str]]:
    """Runs a command where NumPy is not to be found."""
    folder = tmp_path_factory.mktemp("blocked")
    (folder / "sitecustomize.py").write_text(BLOCKED, encoding="utf-8")
    path = os.pathsep.join(filter(None, (str(folder), os.environ.get("PYTHONPATH"))))
    settled = {"PYTHONUTF8": "1", "PYTHONPATH": path}

    def run(words: list[str]) -> tuple[int, str, str]:
        done = Forked(words, folder, {**os.environ, **settled}, settled=settled).end()
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    return run


@pytest.mark.parametrize("words", [pytest.param(words, id=name) for name, words in SAME.items()])
def test_the_same_answer_with_numpy_and_without(words: list[str], blocked: Callable[[list[str]], Any]) -> None:
    done = CliRunner().invoke(group(), words)
    assert done.exit_code < 3, done.output
    assert (done.exit_code, done.stdout, done.stderr) == blocked(words)


@pytest.mark.parametrize("words", REFUSED.values(), ids=REFUSED)
def test_what_cannot_do_without_numpy_says_so(words: list[str], blocked: Callable[[list[str]], Any]) -> None:
    assert blocked(words) == (2, "", "this command needs NumPy, which is not installed here\n")


@pytest.mark.parametrize("words", WITHOUT_IT, ids=lambda words: words[0])
def test_what_needs_no_numpy_works_without(words: list[str], blocked: Callable[[list[str]], Any]) -> None:
    status, _text, said = blocked(words)
    assert status == 0, said


def test_arrays_of_a_sweep_in_python_need_numpy() -> None:
    code = "import sys; sys.modules['numpy'] = None; import cnncalc; cnncalc.sweep('lenet5', input=[(1, 32, 32)])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stderr.splitlines()[-1].endswith("cnncalc.sweep gives NumPy's arrays, and NumPy is not installed here")


# --- what stands in for NumPy, held against it


def test_families_ask_nothing_of_numpy_that_lists_do_not_have() -> None:
    asked = set()
    for path in Path(lists.__file__).parent.glob("*.py"):
        text = path.read_text(encoding="utf-8")
        if path.name not in ("lists.py", "columns.py"):
            assert "import numpy as np" not in text, path.name
        if path.name != "writing.py":  # Parquet is written with NumPy alone
            asked |= set(re.findall(r"\bnp\.(\w+)", text))
    assert len(asked) > 20
    assert [name for name in sorted(asked - {"__name__"}) if not hasattr(lists, name)] == []


COLUMNS: dict[str, Callable[..., Any]] = {
    "sum": lambda np, a, b: a + b,
    "sum with a number": lambda np, a, b: 3 + a,
    "difference": lambda np, a, b: (a - b) + (7 - a),
    "product": lambda np, a, b: 5 * (a * b),
    "quotient": lambda np, a, b: a // b,
    "quotient of a number": lambda np, a, b: 100 // b,
    "quotient by a number": lambda np, a, b: a // -3,
    "remainder": lambda np, a, b: a % b,
    "remainder of a number": lambda np, a, b: 100 % b,
    "turned": lambda np, a, b: abs(-a),
    "fraction": lambda np, a, b: a / b,
    "fraction of a number": lambda np, a, b: 1 / b,
    "least": lambda np, a, b: np.minimum(np.minimum(a, b), 2),
    "most": lambda np, a, b: np.maximum(-1, np.maximum(a, b)),
    "divisor": lambda np, a, b: np.gcd(np.gcd(a, b), 12),
    "parts": lambda np, a, b: np.divmod(a, 4)[0] * 10 + np.divmod(a, 4)[1],
    "compared": lambda np, a, b: (a < b) & ~(a == b) & (a != 3) & (b <= 2),
    "chosen": lambda np, a, b: np.where(a < b, a, b),
    "chosen or a number": lambda np, a, b: np.where(a <= b, a, 9),
    "those": lambda np, a, b: a[a > b],
    "these": lambda np, a, b: a[np.flatnonzero(a > b)][::-1],
    "order": lambda np, a, b: np.argsort(a, kind="stable"),
    "order by both": lambda np, a, b: np.lexsort((b, a)),
    "side by side": lambda np, a, b: np.stack([a, b], axis=1),
    "a column": lambda np, a, b: np.stack([a, b], axis=1)[:, 1],
    "a row": lambda np, a, b: np.stack([a, b], axis=1)[3],
    "rows": lambda np, a, b: np.stack([a, b], axis=1)[np.arange(5, 1, -2)],
    "first rows": lambda np, a, b: np.stack([a, b], axis=1)[:2],
    "axes": lambda np, a, b: np.stack([a, b], axis=1).T,
    "rows that are so": lambda np, a, b: (np.stack([a, b], axis=1) >= np.array((1, 2), dtype=object)).all(axis=1),
    "rows with one": lambda np, a, b: (np.stack([a, b], axis=1) == 2).any(axis=1),
    "the least of rows": lambda np, a, b: np.stack([a, b], axis=1).min(axis=1),
    "behind each other": lambda np, a, b: np.concatenate([a, b]),
    "rows behind each other": lambda np, a, b: np.concatenate([np.stack([a, b], axis=1), np.stack([b, a], axis=1)]),
    "steps": lambda np, a, b: np.diff(a),
    "rows that differ": lambda np, a, b: np.unique(np.stack([a % 2, b % 2], axis=1), axis=0, return_inverse=True)[0],
    "which of them": lambda np, a, b: np.unique(np.stack([a % 2, b % 2], axis=1), axis=0, return_inverse=True)[
        1
    ].reshape(-1),
    "another length": lambda np, a, b: np.stack([a, b], axis=1).reshape(2, -(-len(a) * 2 // 2)),
    "truth values": lambda np, a, b: a.astype(bool),
    "a number in each place": lambda np, a, b: np.full_like(a, 4),
    "a range": lambda np, a, b: np.arange(3, 30, 4)[1:4],
}
NUMBERS: dict[str, Callable[..., Any]] = {
    "all": lambda np, a, b: bool((a < 9**30).all()) and not (a < b).all(),
    "any": lambda np, a, b: bool((a == 10**9).any()),
    "least": lambda np, a, b: int(a.min()) + int(np.arange(7, -3, -2).min()),
    "most": lambda np, a, b: int(a.max(initial=-1)) + int(np.arange(7, -3, -2).max()),
    "of none": lambda np, a, b: int(a[:0].max(initial=0)),
    "equal": lambda np, a, b: (np.array_equal(a, a + 0), np.array_equal(a, b), np.array_equal(a, a[1:])),
    "product": lambda np, a, b: int(np.prod([3, 10**20], dtype=object)),
}


def columns(np: Any, large: bool) -> tuple[Any, Any]:
    rng = random.Random(large)
    a = [rng.randint(-9, 9) * (10**25 if large else 1) for _ in range(40)]
    b = [rng.choice([-3, -2, -1, 1, 2, 5]) for _ in range(40)]
    return np.array(a, dtype=object if large else np.int64), np.array(b, dtype=np.int64)


BEYOND_64_BITS = [name for name in COLUMNS if name not in ("fraction", "parts", "rows that differ", "which of them")]


@pytest.mark.parametrize(
    ("name", "large"), [*((name, False) for name in COLUMNS), *((name, True) for name in BEYOND_64_BITS)]
)
def test_lists_do_what_numpy_does(name: str, large: bool) -> None:
    mine, theirs = (COLUMNS[name](module, *columns(module, large)) for module in (lists, np))
    assert mine.tolist() == theirs.tolist()
    assert mine.shape == theirs.shape
    assert mine.dtype.kind == theirs.dtype.kind


@pytest.mark.parametrize("large", [False, True])
@pytest.mark.parametrize("name", NUMBERS)
def test_lists_come_to_the_numbers_that_numpy_does(name: str, large: bool) -> None:
    mine, theirs = (NUMBERS[name](module, *columns(module, large)) for module in (lists, np))
    assert mine == theirs


@pytest.mark.parametrize("place", [2, slice(None), slice(1, 4), [3, 0], (slice(None), 1)], ids=str)
def test_lists_are_written_to_as_numpy_is(place: Any) -> None:
    for rows in (False, True):
        if rows != isinstance(place, tuple):
            continue
        found = []
        for module in (lists, np):
            array: Any = module.zeros((5, 3) if rows else 5, dtype=module.int64)
            array[place] = 7
            if not isinstance(place, int):
                length = 5 if rows else len(range(5)[place]) if isinstance(place, slice) else len(place)
                array[place] = module.arange(length) + 1
            found.append(array.tolist())
        assert found[0] == found[1]
