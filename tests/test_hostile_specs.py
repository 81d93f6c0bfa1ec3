"""Small specs that stand for very much: refused, or built, within seconds; and no mistake found that is none."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import commands
import pytest
from cases import read_yaml

import cnncalc
from cnncalc import shipped
from cnncalc.errors import Source
from cnncalc.graph_builder import MAX_OPERATIONS
from cnncalc.spec import graph_from_text
from cnncalc.spec.build import network
from cnncalc.spec.style import format_spec

HERE = Path(__file__).parent
SECONDS = 6  # of the processor; each took from ten seconds to minutes, and takes a tenth of one now


def doubled(leaf: str, call: str, times: int = 30) -> str:
    """Blocks of which each calls the one before it twice: 2^times calls of the first."""
    blocks = [f"  b0: {{layers: [{leaf}]}}"]
    blocks += [f"  b{i}: {{layers: [{call}, {call}]}}".replace("B", f"b{i - 1}") for i in range(1, times)]
    return "\n".join(
        ["input: 3x32x32", "params: {x: 1}", "blocks:", *blocks, "layers:", f"  - s: relu\n  - b{times - 1}"]
    )


TOO_MANY = "the network has more than 1,000,000 operations"
EMPTY = "more than 100,000 calls come to nothing: all steps of their blocks are left out"
DIFFERENT = "the blocks stand for more than 40,000 steps that differ from one another"
FEWER = {  # operations that are allowed, a million by default: a twenty-fifth of so many may differ, and at least 5,000
    "calls doubled with other values in every call": 125_000,
    "a repeat whose shape changes every time": 150_000,
}
BOMBS = {
    # text: what is said, and in which line
    "a mistake behind a long repeat": (
        "input: 3x32x32\nlayers:\n  - conv 3 k1 x999999\n  - dense foo\n", "unknown flag 'foo' of dense", 4,
    ),
    "a mistake in a shape behind a repeated block": (
        "input: 3x32x32\nblocks:\n  b: {params: {c: 3}, layers: [conv $c k1]}\nlayers:\n"
        "  - b x999999\n  - conv 3 k99\n",
        "conv1: a 99x99 window does not fit the 32x32 input (padding 0)", 6,
    ),
    "a mistake inside a repeat that shrinks first": (
        "input: 3x32x32\nlayers:\n  - a: [maxpool 2 same, relu]\n    repeat: 300000\n  - split 5\n",
        "split1: 5 parts do not divide the 3 channels", 5,
    ),
    "repeats inside repeats": (
        "input: 3x8x8\nlayers:\n  - {a: [{b: [{c: [relu x1000], repeat: 1000}], repeat: 1000}], repeat: 1000}\n",
        TOO_MANY, 3,
    ),
    "calls doubled, each on a condition": (doubled('{relu: "", if: $x}', "{B: [], if: $x}"), TOO_MANY, 24),
    "calls doubled that come to nothing": (doubled("{from: in}", "B"), EMPTY, 20),
    "calls doubled that read a step outside": (doubled('{from: s, layers: [{relu: "", if: $x}]}', "B"), TOO_MANY, 24),
    "repeated calls that come to nothing": (
        "input: 3x8x8\nparams: {x: 0}\nblocks:\n  b: {layers: [{relu: '', if: $x}]}\nlayers:\n  - b x999999\n",
        EMPTY, 6,
    ),
    "calls doubled with other values in every call": (
        "input: 3x8x8\nblocks:\n  b0: {params: {c: 3}, layers: [{conv: $c, kernel: 1, if: $(c > 0)}]}\n"
        + "".join(
            f"  b{i}: {{params: {{c: 3}}, layers: [{{b{i - 1}: [$c], if: $(c > 0)}}, "
            f"{{b{i - 1}: [$(c + {2 ** (i - 1)})], if: $(c > 0)}}]}}\n"
            for i in range(1, 24)
        )
        + "layers:\n  - b23 3\n",
        DIFFERENT.replace("40", "5"), 5,
    ),
    "a repeat whose shape changes every time": (
        "input: 3x8x8\nlayers:\n  - {pad: 1, repeat: 99999}\n", DIFFERENT.replace("40", "6"), 3,
    ),
    "parameters that double line by line": (
        "input: 3x8x8\nparams:\n  p0: [1, 1]\n"
        + "".join(f"  p{i}: [$p{i - 1}, $p{i - 1}]\n" for i in range(1, 40))
        + "layers:\n  - conv $p39\n",
        "lists of more than 10000 values together", 15,
    ),
    "parameters in parameters": (
        "input: 3x8x8\nparams:\n  p0: [1]\n"
        + "".join(f"  p{i}: [$p{i - 1}]\n" for i in range(1, 10_000))
        + "layers:\n  - conv $p3\n",
        "lists are nested more than 20 deep", 23,
    ),
    "a long chain of calls": (
        "input: 3x8x8\nblocks:\n  b0: {layers: [relu]}\n"
        + "".join(f"  b{i}: {{layers: [b{i - 1}]}}\n" for i in range(1, 10_001))
        + "layers: [b10000]\n",
        "steps are nested more than 80 deep", 9924,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused_at_once(name: str) -> None:
    text, problem, line = BOMBS[name]
    start = time.process_time()
    with pytest.raises(cnncalc.SpecError, match=r"net\.yaml") as caught:
        graph_from_text(Source("net.yaml", text), max_operations=FEWER.get(name, MAX_OPERATIONS))
    assert time.process_time() - start < SECONDS
    first = caught.value.problems[0]
    assert (first.problem, first.position and first.position.line) == (problem, line)


LARGE: dict[str, tuple[Callable[[int], str], int]] = {  # the spec of so many operations
    "named inputs": (
        lambda n: (
            "inputs:\n"
            + "".join(f"  i{i}: 3x8x8\n" for i in range(8 * n))
            + "layers:\n"
            + "".join(f"  - {{from: i{i}, layers: [conv 3 k3]}}\n" for i in range(n))
        ),
        2_500,
    ),
    "blocks in a chain": (
        lambda n: (
            "input: 3x8x8\nblocks:\n"
            + "".join(f"  b{i}: {{layers: [relu]}}\n" for i in range(n))
            + "layers:\n"
            + "".join(f"  - b{i}\n" for i in range(n))
        ),
        5_000,
    ),
    "shared weights": (
        lambda n: (
            "input: 3x8x8\nlayers:\n  - c0: conv 3 k1\n"
            + "".join(f"  - c{i}: {{conv: 3 k1, weights: c{i - 1}}}\n" for i in range(1, n))
        ),
        8_000,
    ),
}


@pytest.mark.parametrize("name", LARGE)
def test_what_is_large_takes_as_long_as_it_is(name: str) -> None:
    """Four times as many steps take four times as long: looking through all of them for each would take sixteen."""
    write, operations = LARGE[name]

    def seconds(n: int) -> float:
        text = write(n)
        start = time.process_time()
        assert len(graph_from_text(Source("net.yaml", text)).nodes) == n
        return time.process_time() - start

    seconds(10)  # what is loaded once
    few = seconds(operations // 4)
    assert any(seconds(operations) < 8 * few for _attempt in range(3))


# What a rehearsal passes over is named, numbered and shared here.
LONG = """
input: 3x16x16
blocks:
  b: {params: {c: 3}, layers: [conv $c k1, {from: in, layers: [relu]}, {from: s, layers: [conv 4 k1]}, conv $c k1]}
layers:
  - s: conv 3 k1
  - t: b x9
  - {from: t/5/conv1, layers: [conv 5 k1]}
  - conv 7 k1 x8
  - {from: conv6, layers: [split 7]}
  - u: [conv 2 k1, {concat: [{from: s}, {from: t/8}]}]
    repeat: 6
  - {conv: 3 k1, repeat: 5, weights: u/4/conv1, if: $(in.c == 99)}
  - b 6 first:c=2 last:c=9 x5
  - b
outputs: [u/3/conv1, conv6]
"""


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every network counts as long."""
    monkeypatch.setattr(network, "allow_steps", lambda document: 0)


def test_a_rehearsal_finds_no_mistake_where_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    graph = graph_from_text(Source("net.yaml", LONG))
    monkeypatch.setattr(network, "allow_steps", lambda document: 0)
    again = graph_from_text(Source("net.yaml", LONG))
    assert (again.nodes, again.groups, again.outputs) == (graph.nodes, graph.groups, graph.outputs)
    assert [facts.output for facts in again.facts] == [facts.output for facts in graph.facts]


@pytest.mark.parametrize("name", sorted(shipped.bundled()))
@pytest.mark.usefixtures("impatient")
def test_a_rehearsal_finds_nothing_wrong_with_a_bundled_network(name: str) -> None:
    cnncalc.load(name)


CASES = read_yaml(HERE / "errors.yaml")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["case"])
@pytest.mark.filterwarnings("ignore::cnncalc.errors.SpecWarning")
def test_a_rehearsal_finds_no_other_mistake(case: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(cnncalc.SpecError, match=r"net\.yaml") as caught:
        graph_from_text(Source("net.yaml", case["spec"]))
    monkeypatch.setattr(network, "allow_steps", lambda document: 0)
    with pytest.raises(cnncalc.SpecError, match=r"net\.yaml") as again:
        graph_from_text(Source("net.yaml", case["spec"]))
    assert {p.problem for p in again.value.problems} <= {p.problem for p in caught.value.problems}


def run(*arguments: str, seconds: float = 30) -> subprocess.CompletedProcess[str]:
    """What a command does that must not wait for ever."""
    return commands.cnncalc(*arguments, timeout=seconds)


PIPED = [
        ["PIPE.yaml"], ["check", "PIPE.yaml"], ["lint", "PIPE.yaml"], ["format", "PIPE.yaml"], ["lock", "PIPE.yaml"],
        ["diff", "lenet5", "PIPE.yaml"], ["check", "lenet5", "PIPE.csv"], ["check", "lenet5", "PIPE.xlsx"],
        ["check", "lenet5", "--key", "PIPE.yaml"], ["lenet5", "--convention", "PIPE.yaml"],
        ["lock", "--check", "--file", "PIPE.lock"],
    ["rf", "lenet5", "--to", "C3", "--svg", "OUT.svg", "--image", "PIPE.png"],
    ["convert", "lenet5", "OUT.onnx", "--weights", "PIPE.npz"], ["sweep", "lenet5", "--members", "PIPE.csv"],
]  # fmt: skip


@pytest.mark.parametrize("arguments", PIPED, ids=" ".join)
def test_a_named_pipe_is_refused_at_once(arguments: list[str], tmp_path: Path) -> None:
    name = next(word for word in arguments if "PIPE" in word)
    pipe = tmp_path / name
    os.mkfifo(pipe)
    if "OUT.onnx" in arguments:
        pytest.importorskip("onnx")
    done = run(*(str(tmp_path / word) if word.startswith(("PIPE", "OUT")) else word for word in arguments))
    assert done.returncode == 2, done.stderr
    assert str(pipe) in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.skipif(not os.path.exists("/dev/zero"), reason="needs /dev/zero")
@pytest.mark.parametrize("arguments", [["FILE.xlsx"], ["FILE.npz"], ["FILE.csv"]], ids=" ".join)
def test_a_device_without_an_end_is_no_table(arguments: list[str], tmp_path: Path) -> None:
    pytest.importorskip("openpyxl")
    pytest.importorskip("onnx")
    (file,) = (str(tmp_path / name) for name in arguments)
    os.symlink("/dev/zero", file)
    command = {
        "xlsx": ["check", "lenet5", file],
        "npz": ["convert", "lenet5", str(tmp_path / "net.onnx"), "--weights", file],
        "csv": ["sweep", "-e", "3x8x8; conv $c k1", "--members", file],
    }[file.rpartition(".")[2]]
    done = run(*command)
    assert done.returncode == 2
    assert file in done.stderr


def test_weights_that_unpack_to_more_than_the_network_stores_are_refused(tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    path = tmp_path / "weights.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("C1.weight.npy", bytes(50_000_000))
    done = run("convert", "lenet5", str(tmp_path / "net.onnx"), "--weights", str(path))
    assert (done.returncode, done.stderr) == (2, f"{path}: it holds more than this network stores\n")
    with zipfile.ZipFile(path, "w") as archive:  # a head that NumPy reads as Python, and that is none
        archive.writestr("C1.weight.npy", b"\x93NUMPY\x01\x00" + bytes([60, 0]) + b"(" * 60)
    done = run("convert", "lenet5", str(tmp_path / "net.onnx"), "--weights", str(path))
    assert (done.returncode, done.stderr) == (2, f"{path}: cannot be read: not an .npz file of arrays\n")


@pytest.mark.parametrize(
    "net",
    ["3x999999999x999999999; conv 3 k3; dense 99999", "3x8x8; upsample 999999999; upsample 999"],
    ids=["weights", "sizes"],
)
def test_what_onnx_cannot_hold_is_said_and_no_file_is_left(net: str, tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    done = run("convert", "-e", net, str(tmp_path / "net.onnx"))
    assert done.returncode == 2, done.stderr
    assert "ONNX" in done.stderr
    assert not [*tmp_path.iterdir()]


def test_comments_cost_as_much_as_they_are_long(tmp_path: Path) -> None:
    """A style looked through all lines for each of them: minutes for this."""
    path = tmp_path / "net.yaml"
    path.write_text("#\n" * 60_000 + "input: 3x8x8\nlayers:\n  - relu\n", encoding="utf-8")
    start = time.process_time()
    assert format_spec(Source("net.yaml", path.read_text(encoding="utf-8"))) == path.read_text(encoding="utf-8")
    assert time.process_time() - start < SECONDS
    long = Source("net.yaml", "#\n" * 100_001 + "input: 3\nlayers: [relu]\n")
    with pytest.raises(cnncalc.CnncalcError, match="lines"):
        format_spec(long)


@pytest.mark.parametrize(
    "net",
    [";" * 120_000, "1x8x8" + "\n" * 120_000 + "relu", "1x8x8" + "".join(f"; a{i}: relu" for i in range(8_000))],
    ids=["semicolons", "lines", "names"],
)
def test_a_net_without_a_file_takes_as_long_as_it_is(net: str) -> None:
    """As long as the argument of a command may be. Each step counted the lines from the beginning: half a minute."""
    start = time.process_time()
    if net.startswith(";"):
        with pytest.raises(cnncalc.SpecError, match="an empty net"):
            graph_from_text(Source("-e", net), inline=True)
    else:
        assert len(graph_from_text(Source("-e", net), inline=True).nodes) in (1, 8_000)
    assert time.process_time() - start < SECONDS


def test_a_mistake_in_a_step_without_a_file_is_told_at_its_place() -> None:
    for net, line, column in (
        ("1x8x8; a: rleu", 1, 11), ("1x8x8\n  a: rleu", 2, 6), ("1x8x8; {conv: 3, kernel: 9}", 1, 26),
        ("1x8x8; a: [relu", 1, 11), ("1x8x8; {conv: 3,\n kernel: 9}", 2, 10),
    ):  # fmt: skip
        with pytest.raises(cnncalc.SpecError) as caught:
            graph_from_text(Source("-e", net), inline=True)
        position = caught.value.problems[0].position
        assert position
        assert position[:2] == (line, column), (net, position)


@pytest.mark.parametrize(
    "arguments",
    [
        ["lenet5", "--batch", "9" * 400],
        ["memory", "lenet5", "--batch", "9" * 400],
        ["sweep", "-e", "3x8x8; conv $c k1", "--over", "c=1..4", "--where", "params <= " + "9" * 5000],
    ],
    ids=lambda arguments: arguments[0],
)
def test_numbers_longer_than_any_are_refused(arguments: list[str]) -> None:
    done = run(*arguments)
    assert done.returncode == 2, done.stderr
    assert "its own fault" not in done.stderr


def test_a_sum_of_thousands_is_explained() -> None:
    branches = "identity, " * 3000 + "conv 2 k1"
    done = run("explain", "-e", f"3x8x8; {{concat: [{branches}]}}", "concat1", "output")
    assert done.returncode == 0, done.stderr[-300:]
    assert "9,002" in done.stdout or "9002" in done.stdout


def test_the_title_of_a_model_reaches_an_exercise_as_text(tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    path = tmp_path / "net.onnx"
    assert run("convert", "-e", "1x8x8; conv 2 k3", str(path)).returncode == 0
    model = onnx.load(path)
    model.graph.name = 'he said "x"\n# \x1b[31m `y`'
    onnx.save(model, path)
    done = run("exercise", str(path), "--seed", "1", "-o", str(tmp_path / "ex"))
    assert done.returncode == 0, done.stderr
    sheet = (tmp_path / "ex-questions.md").read_text(encoding="utf-8")
    assert not [c for c in sheet if not c.isprintable() and c != "\n"]
    assert sheet.count("\n# ") == 0
    assert run(str(tmp_path / "ex.yaml")).returncode == 0


def test_the_pipe_of_a_shell_is_read() -> None:
    command = f"{shlex.quote(sys.executable)} -m cnncalc <(printf 'input: 1x8x8\\nlayers: [conv 2 k3]\\n')"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stderr
    assert "conv1" in done.stdout


def test_a_loop_of_links_is_walked_once(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "net.yaml").write_text("input: 1x8x8\nlayers: [relu]\nexpect: {params: 0}\n", encoding="utf-8")
    (tmp_path / "a" / "up").symlink_to(tmp_path, target_is_directory=True)
    done = run("lint", str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert "specs: 1" in done.stderr + done.stdout


@pytest.mark.parametrize("kind", ["", " ", "\t", "\x1b[31m\n::error::x"])
def test_a_kind_without_a_name_is_none(kind: str) -> None:
    done = run("kinds", kind)
    assert done.returncode == 2
    assert done.stderr.startswith("there is no kind '")
    assert "\x1b" not in done.stderr
    assert "\n::" not in done.stderr


def test_a_sheet_of_millions_of_cells_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("openpyxl")
    path = tmp_path / "cells.xlsx"
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        page = f'<worksheet xmlns="{main}"><sheetData><row r="1">{"<c/>" * 2_000_000}</row></sheetData></worksheet>'
        archive.writestr("xl/worksheets/sheet1.xml", page)
    done = run("check", "lenet5", str(path))
    assert done.returncode == 2
    assert "the sheet has more than 200,000 cells" in done.stderr


@pytest.mark.parametrize("form", ["torch", "keras", "spec"])
def test_a_title_with_escapes_becomes_no_escape(form: str, tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    path = tmp_path / "net.onnx"
    assert run("convert", "-e", "1x8x8; conv 2 k3", str(path)).returncode == 0
    model = onnx.load(path)
    model.graph.name = "evil\n\x1b]0;owned\x07\x1b[31m\u202e"
    onnx.save(model, path)
    done = run("convert", "--to", form, str(path))
    assert done.returncode == 0, done.stderr
    assert not [c for c in done.stdout if not c.isprintable() and c != "\n"]


def test_the_name_of_a_file_is_no_escape_and_no_command(tmp_path: Path) -> None:
    path = tmp_path / "g\x1b[31m\n::stop-commands::z.yaml"
    path.write_text("input: 1x8x8\nlayers: [relu]\nexpect: {params: 19}\n", encoding="utf-8")
    for format in ("plain", "csv", "json", "junit", "github", "sarif", "markdown", "latex", "html"):
        done = run("check", "--format", format, str(path))
        assert done.returncode == 1
        assert "\x1b" not in done.stdout + done.stderr
        assert "\n::stop" not in done.stdout + done.stderr
    done = run("lock", "--file", str(tmp_path / "l\x1b.lock"), str(path))
    assert "\x1b" not in done.stdout + done.stderr


@pytest.mark.parametrize("net", ["3x4x4; shift per=element", "3x4x4; scale"])
def test_numbers_beside_a_module_are_written_as_pytorch(net: str) -> None:
    pytest.importorskip("torch")
    done = run("convert", "-e", net, "--to", "torch")
    assert done.returncode == 0, done.stderr
    assert "nn.Parameter" in done.stdout


def test_a_network_that_is_written_down_is_never_too_different(monkeypatch: pytest.MonkeyPatch) -> None:
    """The limit is for steps that blocks stand for: each of these stands in the text, several to a line."""
    network = import_module("cnncalc.spec.build.network")
    monkeypatch.setattr(network, "PATIENCE", 10)
    monkeypatch.setattr(network, "DIFFERENT", 10**9)
    monkeypatch.setattr(import_module("cnncalc.spec.build.rehearsal"), "MOST_STEPS", 20)
    step = "- residual: [conv 8 k3 p1, conv 8 k3 p1, conv 8 k3 p1, conv 8 k3 p1, conv 8 k3 p1, conv 8 k3 p1]\n"
    report = cnncalc.analyze("input: 8x8x8\nlayers:\n" + 60 * step)
    assert report.totals.params == 60 * 6 * (8 * 8 * 9 + 8)
