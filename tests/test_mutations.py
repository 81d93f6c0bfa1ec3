"""Mutated specs, models and sheets through the commands: status 0, 1 or 2, in bounded time, never a traceback.

The seeds are fixed. `--runslow` goes through fifty times as many; CNNCALC_SEED=N takes others.
"""

from __future__ import annotations

import functools
import io
import json
import os
import signal
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from types import FrameType
from typing import Any

import pytest
from click.testing import CliRunner
from mutations import mutate_archive, mutate_bytes, mutate_text, mutate_tree

import cnncalc
from cnncalc import shipped
from cnncalc.cli import group
from cnncalc.errors import Source
from cnncalc.graph import Graph
from cnncalc.spec import graph_from_text

pytestmark = [
    pytest.mark.filterwarnings("ignore::cnncalc.errors.SpecWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),  # zipfile's, of two files with one name
]
SECONDS = 10  # of the processor, for one command
FIRST_SEED = int(os.environ.get("CNNCALC_SEED", "0"))


class HangsError(BaseException):
    """A command took too long. No `except Exception` catches it."""


@pytest.fixture(scope="module", autouse=True)
def _lenet_is_read_once() -> Iterator[None]:
    """Sheets, locks and tools are held against networks that no mutation changes."""
    read = functools.cache(graph_from_text)
    paths = {*shipped.bundled().values()}

    def read_or_remember(source: Source, **changes: Any) -> Graph:
        plain = {name: value for name, value in changes.items() if value}
        if source.name not in paths or plain.keys() - {"max_operations"}:
            return graph_from_text(source, **changes)
        return read(source, **plain)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("cnncalc.sources.graph_from_text", read_or_remember)
        yield


@pytest.fixture
def bounded() -> Iterator[None]:
    """A command that goes on for ever is stopped."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise HangsError

    before = signal.signal(signal.SIGVTALRM, stop)
    yield
    signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    signal.signal(signal.SIGVTALRM, before)


def hold(arguments: list[str], seed: int) -> None:
    """Run a command, and see that it ends well: status 0, 1 or 2, and nothing raw on the terminal."""
    signal.setitimer(signal.ITIMER_VIRTUAL, SECONDS)
    start = time.process_time()
    result = CliRunner().invoke(group(), arguments)
    spent = time.process_time() - start
    signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    told = f"seed {seed}: {' '.join(arguments)}"
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise AssertionError(told) from result.exception
    assert result.exit_code in (0, 1, 2), told
    assert "Traceback (most recent call last)" not in result.output, told
    assert result.exit_code != 2 or result.output.strip(), told
    assert spent < SECONDS, told
    if result.stdout_bytes[:1] == b"\x08":  # a model of ONNX, for a pipe: it begins with its version
        return
    assert not [c for c in result.output if not c.isprintable() and c not in "\n\t\r\xa0"], told  # spaces of HTML


# --- what is mutated

SPECS = (
    "lenet5", "resnet34", "unet", "googlenet-d2l", "mobilenet-v2", "vit-b16", "lstm", "squeezenet1_0", "alexnet",
    "hopfield",
    "dcgan-generator", "shufflenet-v1", "example-shared-kernels", "rbf-network",
)  # fmt: skip
EXTRA = (
    "inputs: {left: 3x16x16, right: 3x16x16}\nparams: {c: 8, deep: 1}\ndefaults: {conv: {bias: false}}\n"
    "blocks:\n  b: {params: {n: required}, layers: [conv $n k3 p1 bn relu, {dropout: 0.5, if: $deep}]}\n"
    "layers:\n  - l: {from: left, layers: [b $c]}\n  - r: {from: right, layers: [{b: [$(c*2)], repeat: 2}]}\n"
    "  - {concat: [{from: l}, {from: r}]}\n  - residual: [conv 24 k3 p1, conv 24 k1]\n"
    "  - split 3 part=1\n  - global_avgpool\n  - dense 10 softmax\noutputs: [l, dense1]\nexpect: {params: <99999}\n",
    "input: 4x20\nlayers:\n  - conv1d 8 k3\n  - lstm 16\n  - attention heads=4\n  - layernorm\n  - dense 3\n",
)
NETS = (
    "1x8x8; conv 4 k3 relu; maxpool 2; flatten; dense 3 softmax",
    "3x12x10; conv 6 k3 s2 p1 bn relu; conv 6 k3 g3 p1; global_avgpool; dense 4",
    "2x9x9; conv 4 k3 p1; upsample 2; convtranspose 3 k2 s2; avgpool 3; sigmoid",
)
LAYERS = [
    {"class_name": "InputLayer", "config": {"batch_shape": [None, 8, 8, 3], "name": "input"}},
    {"class_name": "Conv2D", "config": {
        "name": "c1", "filters": 4, "kernel_size": [3, 3], "strides": [1, 1], "padding": "same", "activation": "relu",
        "data_format": "channels_last", "dilation_rate": [1, 1], "groups": 1, "use_bias": True,
    }},
    {"class_name": "BatchNormalization", "config": {"name": "bn", "axis": -1, "center": True, "scale": True}},
    {"class_name": "MaxPooling2D", "config": {"name": "p", "pool_size": [2, 2], "strides": [2, 2],
    "padding": "valid"}},
    {"class_name": "Flatten", "config": {"name": "f"}},
    {"class_name": "Dense", "config": {"name": "d", "units": 10, "activation": "softmax", "use_bias": True}},
]  # fmt: skip
SEQUENTIAL = {"class_name": "Sequential", "config": {"name": "net", "layers": LAYERS}}


SHAPES = {"input": [8, 8, 3], "c1": [8, 8, 4], "bn": [8, 8, 4], "p": [4, 4, 4], "f": [64]}


def tensor_of(name: str) -> dict[str, Any]:
    """How Keras 3 writes that a layer reads the output of another."""
    shape = [None, *SHAPES[name]]
    return {"class_name": "__keras_tensor__", "config": {"shape": shape, "keras_history": [name, 0, 0]}}


FUNCTIONAL = {
    "class_name": "Functional",
    "config": {
        "name": "net",
        "layers": [
            {**layer, "name": layer["config"]["name"],
             "inbound_nodes": [{"args": [tensor_of(before)], "kwargs": {}}] if before else []}
            for layer, before in zip(LAYERS, [None, "input", "c1", "bn", "p", "f"], strict=True)
        ],
        "input_layers": [["input", 0, 0]],
        "output_layers": [["d", 0, 0]],
    },
}  # fmt: skip
SHEETS = {
    "csv": "name,quantity,answer\nC1,params,156\nC1,output,6x28x28\nC3,macs,151600\nS4,connections,2000\n"
    "total,params,60840\n",
    "md": "| layer | quantity | answer |\n|---|---|---|\n| C1 | params | 156 |\n| C3 | output | 16x10x10 |\n",
    "yaml": "C1:\n  params: 156\n  output: 6x28x28\n  connections: (5*5+1)*6*28*28\nC3: {params: 1516, macs: 151,600}\n"
    "total:\n  params: 60840\n",
    "json": '{"C1": {"params": 156, "output": "6x28x28"}, "total": {"params": "60,840"}}',
    "txt": "C1.params=156\nC1.output = 6x28x28\ntotal.params=60840\n",
}

WORKBOOK = (
    ["layer", "quantity", "answer"],
    ["C1", "params", 156],
    ["C3", "output", "16x10x10"],
    ["total", "params", "=60000+840"],
)


@functools.cache
def spec_texts() -> tuple[str, ...]:
    """Bundled specs, and two that have what those lack."""
    paths = shipped.bundled()
    return (*(Path(paths[name]).read_text(encoding="utf-8") for name in SPECS), *EXTRA)


@functools.cache
def onnx_models() -> tuple[bytes, ...]:
    pytest.importorskip("onnx", reason="models to be mutated are written by the package onnx")
    with TemporaryDirectory() as folder:
        paths = [Path(folder) / f"{i}.onnx" for i in range(len(NETS))]
        for net, path in zip(NETS, paths, strict=True):
            result = CliRunner().invoke(group(), ["convert", "-e", net, str(path)])
            assert result.exit_code == 0, result.output
        return tuple(path.read_bytes() for path in paths)


def archive_of(tree: Any) -> bytes:
    """A .keras file without weights."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("metadata.json", '{"keras_version": "3.0.0"}')
        archive.writestr("config.json", json.dumps(tree))
    return out.getvalue()


@functools.cache
def workbook() -> bytes:
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    for row in (
        ["layer", "quantity", "answer"],
        ["C1", "params", 156],
        ["C3", "output", "16x10x10"],
        ["total", "params", "=60000+840"],
    ):
        book.active.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


# --- the kinds of files: how one is made, and the commands that take it


def mutated_spec(random: Random) -> tuple[str, bytes]:
    text = mutate_text(random.choice(spec_texts()), random)
    data = text.encode("utf-8", "replace")
    return "net.yaml", mutate_bytes(data, random) if random.random() < 0.1 else data


def mutated_onnx(random: Random) -> tuple[str, bytes]:
    data = random.choice(onnx_models())
    if random.random() < 0.3:
        return "net.onnx", mutate_bytes(data, random)
    found = bytearray(data)  # its structure stays, since no length changes
    for _turn in range(random.randint(1, 3)):
        found[random.randrange(len(found))] = random.choice((0, 1, 2, 3, 5, 127, random.randrange(256)))
    return "net.onnx", bytes(found)


def mutated_keras(random: Random) -> tuple[str, bytes]:
    tree = mutate_tree(random.choice((SEQUENTIAL, FUNCTIONAL)), random)
    if random.random() < 0.5:
        return "net.json", json.dumps(tree).encode()
    return "net.keras", archive_of(tree) if random.random() < 0.6 else mutate_archive(archive_of(SEQUENTIAL), random)


@functools.cache
def hdf5_models() -> tuple[bytes, ...]:
    """Models as Keras 2 saves them: an attribute, and links and weights beside."""
    h5py = pytest.importorskip("h5py", reason="models to be mutated are written by the package h5py")
    found = []
    for tree in (SEQUENTIAL, FUNCTIONAL):
        out = io.BytesIO()
        with h5py.File(out, "w") as file:
            file.attrs["model_config"], file.attrs["keras_version"] = json.dumps(tree), "2.15.0"
            file["model_weights/c1/kernel"] = [0.5] * 108
            file["soft"], file["outside"] = h5py.SoftLink("/model_weights"), h5py.ExternalLink("x.h5", "/")
        found.append(out.getvalue())
    return tuple(found)


def mutated_hdf5(random: Random) -> tuple[str, bytes]:
    data = random.choice(hdf5_models())
    if random.random() < 0.4:
        return "net.h5", mutate_bytes(data, random)
    found = bytearray(data)
    places = [i for i, byte in enumerate(found) if byte]  # most bytes are room for more
    for _turn in range(random.randint(1, 3)):
        found[random.choice(places)] = random.choice((0, 1, 2, 127, 128, 255, random.randrange(256)))
    return "net.h5", bytes(found)


@functools.cache
def arrays() -> bytes:
    """Weights of a small network, as an .npz."""
    import numpy as np

    out = io.BytesIO()
    np.savez(out, **{"conv1.weight": np.ones((2, 1, 3, 3), "f4"), "conv1.bias": np.zeros(2, "f4")})
    return out.getvalue()


def mutated_npz(random: Random) -> tuple[str, bytes]:
    return "weights.npz", mutate_archive(arrays(), random)


@functools.cache
def program() -> bytes:
    """A program as torch.export.save writes it."""
    torch = pytest.importorskip("torch", reason="programs are read by PyTorch")
    layers = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(144, 3))
    out = io.BytesIO()
    torch.export.save(torch.export.export(layers.eval(), (torch.zeros(2, 3, 8, 8),)), out)
    return out.getvalue()


def mutated_program(random: Random) -> tuple[str, bytes]:
    return "net.pt2", mutate_archive(program(), random)


def mutated_sheet(random: Random) -> tuple[str, bytes]:
    ending = random.choice([*SHEETS, "xlsx"])
    if ending == "xlsx":
        return "answers.xlsx", mutate_archive(workbook(), random)
    data = mutate_text(SHEETS[ending], random).encode(random.choice(("utf-8", "utf-8", "utf-16", "gb18030")), "replace")
    return f"answers.{ending}", mutate_bytes(data, random) if random.random() < 0.2 else data


def lock_text() -> str:
    numbers = ("params\t61706", "macs\t416520", "C1.output\t6x28x28", "C1.receptive_field\t5x5")
    return "# covers models/\n" + "".join(f"lenet5.yaml\t{number}\n" for number in numbers)


def mutated_lock(random: Random) -> tuple[str, bytes]:
    return "net.lock", mutate_text(lock_text(), random).encode("utf-8", "replace")


def mutated_tool(random: Random) -> tuple[str, bytes]:
    """The rules by which another tool counts."""
    tools = sorted((Path(cnncalc.__file__).parent / "conventions" / "tools").glob("*.yaml"))
    return "tool.yaml", mutate_text(random.choice(tools).read_text(encoding="utf-8"), random).encode("utf-8", "replace")


def mutated_members(random: Random) -> tuple[str, bytes]:
    return "members.csv", mutate_text("c,k\n4,3\n5,5\n16,1\n", random).encode("utf-8", "replace")


LITTLE = ["--max-operations", "20000"]
ON_SPECS = (
    ["analyze", *LITTLE, "FILE"], ["lint", "FILE"], ["format", "--check", "FILE"], ["explain", *LITTLE, "FILE"],
    ["rf", *LITTLE, "FILE"],
    ["check", *LITTLE, "FILE"], ["convert", *LITTLE, "--to", "torch", "FILE"], ["convert", *LITTLE, "--to", "spec",
    "FILE"],
    ["analyze", *LITTLE, "--format", "json", "FILE"], ["diff", "lenet5", "FILE"], ["conventions", *LITTLE, "FILE"],
    ["exercise", "--questions", "3", "FILE"],
    ["memory", *LITTLE, "--train", "FILE"], ["draw", *LITTLE, "FILE"], ["compare", "lenet5", "FILE"],
    ["identify", "FILE", "61706"], ["rf", *LITTLE, "--coverage", "FILE"],
    ["sweep", "FILE", "--over", "input=3x{8..32..8}x{same}"],
    ["solve", "FILE", "--find", "size=1..32", "--where", "params <= 1M"],
)  # fmt: skip
ON_MODELS = (
    ["analyze", *LITTLE, "FILE"], ["analyze", *LITTLE, "--allow-unknown", "FILE"], ["convert", *LITTLE, "--to",
    "spec", "FILE"],
    ["convert", *LITTLE, "--to", "keras", "FILE"], ["rf", *LITTLE, "FILE"], ["explain", *LITTLE, "--format",
    "latex", "FILE"],
)  # fmt: skip
ON_SHEETS = (
    ["check", "lenet5", "FILE"], ["check", "lenet5", "--marks", "FILE"], ["check", "lenet5", "--hint", "FILE"],
    ["check", "lenet5", "--format", "html", "FILE"], ["check", "lenet5", "--key", "FILE", "FILE"],
    ["check", "lenet5", "--explain", "--format", "csv", "FILE"],
)  # fmt: skip
ON_LOCKS = (
    ["lock", "--check", "--file", "FILE"], ["lock", "--check", "--format", "github", "--file", "FILE"],
)  # fmt: skip
ON_TOOLS = (
    ["lenet5", "--convention", "FILE"], ["conventions", "lenet5", "--reconcile", "FILE", "thop"],
    ["identify", "lenet5", "61706", "--convention", "FILE"], ["diff", "lenet5", "alexnet", "--convention", "FILE"],
)  # fmt: skip
ON_MEMBERS = (
    ["sweep", "-e", "3x8x8; conv $c k$k", "--members", "FILE"],
    ["sweep", "-e", "3x8x8; conv $c k$k", "--members", "FILE", "--where", "params <= 100", "--format", "csv"],
)  # fmt: skip
ON_ARRAYS = (["convert", "-e", "1x8x8; conv 2 k3", "--to", "onnx", "--weights", "FILE", os.devnull],)
KINDS: dict[str, tuple[Callable[[Random], tuple[str, bytes]], tuple[list[str], ...]]] = {
    "specs": (mutated_spec, ON_SPECS),
    "onnx": (mutated_onnx, ON_MODELS),
    "keras": (mutated_keras, ON_MODELS),
    "sheets": (mutated_sheet, ON_SHEETS),
    "locks": (mutated_lock, ON_LOCKS),
    "tools": (mutated_tool, ON_TOOLS),
    "members": (mutated_members, ON_MEMBERS),
    "hdf5": (mutated_hdf5, ON_MODELS),
    "npz": (mutated_npz, ON_ARRAYS),
    "programs": (mutated_program, ON_MODELS),
}
FEWER = {"hdf5": 20, "programs": 10}  # each of the one starts a process, and torch takes its time
CASES = [pytest.param(kind, marks=pytest.mark.framework if kind == "programs" else ()) for kind in KINDS]


def go_through(kind: str, count: int, folder: Path) -> None:
    """So many mutations of a kind, each through one of the commands that take it."""
    make, commands = KINDS[kind]
    for seed in range(FIRST_SEED, FIRST_SEED + count):
        random = Random(f"{kind} {seed}")
        name, data = make(random)
        path = folder / name
        path.write_bytes(data)
        hold([str(path) if word == "FILE" else word for word in random.choice(commands)], seed)


def test_models_that_are_mutated_can_be_read(tmp_path: Path) -> None:
    for i, model in enumerate(onnx_models()):
        (tmp_path / f"{i}.onnx").write_bytes(model)
        result = CliRunner().invoke(group(), ["analyze", str(tmp_path / f"{i}.onnx")])
        assert result.exit_code == 0, result.output


def test_what_is_mutated_can_be_read(tmp_path: Path) -> None:
    """Otherwise every mutation would end at the first line of a reader."""
    files = {f"{i}.yaml": text.encode() for i, text in enumerate(spec_texts())}
    files |= {f"{i}.keras": archive_of(tree) for i, tree in enumerate((SEQUENTIAL, FUNCTIONAL))}
    files |= {f"{i}.json": json.dumps(tree).encode() for i, tree in enumerate((SEQUENTIAL, FUNCTIONAL))}
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
        result = CliRunner().invoke(group(), ["analyze", str(tmp_path / name)])
        assert result.exit_code == 0, name + result.output
    sheets = {**{ending: text.encode() for ending, text in SHEETS.items()}, "xlsx": workbook()}
    for ending, data in sheets.items():
        path = tmp_path / f"answers.{ending}"
        path.write_bytes(data)
        result = CliRunner().invoke(group(), ["check", "lenet5", str(path)])
        assert result.exit_code in (0, 1), ending + result.output
        assert "156" in result.output


def test_weights_that_are_mutated_can_be_read(tmp_path: Path) -> None:
    pytest.importorskip("onnx", reason="onnx is not installed: no model is written")
    (tmp_path / "w.npz").write_bytes(arrays())
    words = [str(tmp_path / "w.npz") if word == "FILE" else word for word in ON_ARRAYS[0]]
    result = CliRunner().invoke(group(), words)
    assert result.exit_code == 0, result.output


@pytest.mark.parametrize("kind", CASES)
@pytest.mark.usefixtures("bounded")
def test_a_mutated_file_ends_in_an_answer_or_an_error(kind: str, tmp_path: Path) -> None:
    go_through(kind, FEWER.get(kind, 100), tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("kind", CASES)
@pytest.mark.usefixtures("bounded")
def test_mutated_files_by_the_thousand(kind: str, tmp_path: Path) -> None:
    go_through(kind, 30 * FEWER.get(kind, 100), tmp_path)
