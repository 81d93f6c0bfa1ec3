"""Programs that torch.export made: the numbers are those of the module, and no pickle in an archive is loaded."""

from __future__ import annotations

import contextlib
import io
import json
import pickle
import subprocess
import sys
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import cnncalc
from cnncalc import cli

torch = pytest.importorskip("torch", reason="PyTorch is not installed: no program is read")

pytestmark = pytest.mark.framework
nn = torch.nn
F = nn.functional


class Everything(nn.Module):
    """A convolution, a batch norm, attention with its heads in one axis with the samples, a sequence, an upsampling."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm = nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8)
        self.attend = nn.MultiheadAttention(8, 2, batch_first=True)
        self.token = nn.Parameter(torch.zeros(1, 1, 8))
        self.layer, self.steps = nn.LayerNorm(8), nn.LSTM(8, 4, batch_first=True)
        self.head = nn.Linear(4, 10)

    def forward(self, x: Any) -> Any:
        x = F.max_pool2d(F.relu(self.norm(self.conv(x))), 2)
        big = F.interpolate(x[:, :4], scale_factor=2, mode="bilinear")
        y = x.flatten(2).transpose(1, 2)
        y = self.layer(torch.cat([self.token.expand(y.shape[0], -1, -1), y], 1))
        y = y + self.attend(y, y, y, need_weights=False)[0]
        y, _state = self.steps(y)
        return self.head(y[:, 1:].mean(1)), big


def exported(samples: int) -> Any:
    """The program, made on one sample or for any number of them."""
    sizes = {} if samples == 1 else {"dynamic_shapes": ({0: torch.export.Dim("samples", min=1, max=64)},)}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's own, of the list in which an LSTM keeps its weights
        return torch.export.export(Everything().eval(), (torch.randn(samples, 3, 12, 10),), **sizes)


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("programs") / "net.pt2"
    torch.export.save(exported(1), path)
    return path


@pytest.mark.parametrize("samples", [1, 2])
def test_a_program_has_the_numbers_of_its_module(samples: int) -> None:
    program = cnncalc.analyze(exported(samples)).totals
    module = cnncalc.analyze(cnncalc.from_torch(Everything(), (3, 12, 10))).totals
    assert program.params == sum(p.numel() for p in Everything().parameters())
    # 30 positions and the token: the projections, two products of 31 x 31, and four gates of the sequence.
    assert program.macs == 120 * 216 + 31 * 4 * 64 + 2 * 31 * 31 * 8 + 31 * 4 * 4 * 12 + 40
    assert (program.macs, program.flops, program.buffers) == (module.macs, module.flops, module.buffers)
    assert program.left_out == {}


def test_a_file_is_read_by_the_command_with_the_names_of_the_modules(saved: Path) -> None:
    done = CliRunner().invoke(cli.group(), [str(saved)])
    assert done.exit_code == 0, done.output
    assert "attend/dot_product_attention1" in done.output
    assert [line.split()[0] for line in done.output.splitlines() if line.startswith(("conv", "head ", "steps "))] == [
        "conv1", "steps", "head",
    ]  # fmt: skip


class Trap:
    def __reduce__(self) -> Any:
        return Path.touch, (Path("trapped"),)


def test_an_archive_with_a_pickle_is_refused_and_nothing_in_it_runs(
    saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "trap.pt2"
    held = io.BytesIO()
    torch.save(Trap(), held)
    with zipfile.ZipFile(saved) as before, zipfile.ZipFile(path, "w") as after:
        for name in before.namelist():
            sample = name.endswith(".pt")
            after.writestr(name, held.getvalue() if sample else before.read(name))
    done = CliRunner().invoke(cli.group(), [str(path)])
    assert done.exit_code == 2
    assert "it holds a pickle" in done.output
    assert not Path("trapped").exists()
    pickle.loads(pickle.dumps(Trap()))  # so that the trap is known to work
    assert Path("trapped").exists()


def edit(saved: Path, path: Path, parts: dict[str, Any], extra: dict[str, bytes] | None = None) -> None:
    """An archive with other parts: `parts` say by their ending what becomes of one, `extra` what is added."""
    with zipfile.ZipFile(saved) as before, zipfile.ZipFile(path, "w") as after:
        top = before.namelist()[0].partition("/")[0]
        for name in before.namelist():
            data = before.read(name)
            change = next((change for ending, change in parts.items() if name.endswith(ending)), None)
            after.writestr(name, data if change is None else change(data))
        for name, data in (extra or {}).items():
            after.writestr(f"{top}/{name}", data)


def with_config(name: str) -> Callable[[bytes], bytes]:
    """A configuration that calls a part an object, and no pickle."""
    meta = {
        "dtype": 7, "sizes": [{"as_int": 1}], "requires_grad": False, "device": {"type": "cpu", "index": None},
        "strides": [{"as_int": 1}], "storage_offset": {"as_int": 0}, "layout": 7,
    }  # fmt: skip
    entry = {"path_name": name, "is_param": False, "use_pickle": False, "tensor_meta": meta}
    return lambda data: json.dumps({"config": {"c": entry}}).encode()


def replace(before: str, after: str) -> Callable[[bytes], bytes]:
    def change(data: bytes) -> bytes:
        assert before.encode() in data
        return data.replace(before.encode(), after.encode())

    return change


def with_size(text: str) -> Callable[[bytes], bytes]:
    size = json.dumps({"as_expr": {"expr_str": text, "hint": None}})
    return replace('"sizes": [{"as_int": 1}', f'"sizes": [{size}')


TRAP = pickle.dumps(Trap())
RUNS = "__import__('pathlib').Path('trapped').touch()"
TRAPS: dict[str, tuple[dict[str, Any], dict[str, bytes], str]] = {
    # what is edited, what is added, what is said
    "an object that is no pickle by its configuration": (
        {"constants_config.json": with_config("opaque_obj_0")},
        {"data/constants/opaque_obj_0": TRAP + bytes(-len(TRAP) % 4)},
        "it holds a pickle, opaque_obj_0, which runs whatever is in it",
    ),
    "a compiled library": ({}, {"data/aotinductor/model/net.so": b"\x7fELF"}, "it has a part that is not read"),
    "an operator by any name": (
        {"model.json": replace("torch.ops.aten.relu.default", "torch.os.system")},
        {},
        "it calls what is no operator of a program: torch.os.system",
    ),
    "an operator that writes files": (
        {"model.json": replace("torch.ops.aten.relu.default", "torch.ops.aten.from_file.default")},
        {},
        "it calls what is no operator of a program: torch.ops.aten.from_file.default",
    ),
    "a size that is evaluated": (
        {"model.json": with_size(RUNS)},
        {},
        "a size in it is no expression that a program has: __import__('pathlib')",
    ),
    "a size without an end": (
        {"model.json": with_size("Pow(9, Pow(9, 9))")},
        {},
        "a size in it is no expression that a program has: Pow(9, Pow(9, 9))",
    ),
    "arguments that import": (
        {"model.json": replace("builtins.tuple", "collections.defaultdict")},
        {},
        "its arguments are no tuples, lists and mappings",
    ),
    "symbols that torch counts up to": (
        {"model.json": replace('"range_constraints": {', '"range_constraints": {"u99999999999": {"min_val": 0}')},
        {},
        "a size in it is no expression that a program has: u99999999999",
    ),
    "two parts of one name": ({}, {"Models/model.json": b"{}"}, "two of its parts have the same name"),
}


@pytest.mark.parametrize("name", TRAPS)
def test_nothing_in_an_archive_runs(name: str, saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """torch alone would unpickle, import, load and evaluate: what may stand in an archive is listed, and no more."""
    parts, extra, said = TRAPS[name]
    monkeypatch.chdir(tmp_path)
    edit(saved, tmp_path / "trap.pt2", parts, extra)
    done = CliRunner().invoke(cli.group(), ["trap.pt2"])
    assert (done.exit_code, said in done.output) == (2, True), done.output
    assert not Path("trapped").exists()


@pytest.mark.parametrize("name", ["an object that is no pickle by its configuration", "a size that is evaluated"])
def test_torch_alone_runs_what_is_in_an_archive(
    name: str, saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that the traps are known to be such."""
    parts, extra, _said = TRAPS[name]
    monkeypatch.chdir(tmp_path)
    edit(saved, tmp_path / "trap.pt2", parts, extra)
    with contextlib.suppress(Exception):
        torch.export.load("trap.pt2")
    assert Path("trapped").exists()


@pytest.mark.parametrize("text", [b"", b"PK\x03\x04 no archive", b"no archive at all"])
def test_a_file_that_is_no_archive_is_said(text: bytes, tmp_path: Path) -> None:
    path = tmp_path / "net.pt2"
    path.write_bytes(text)
    done = CliRunner().invoke(cli.group(), [str(path)])
    assert done.exit_code == 2
    assert "it cannot be read as an archive" in done.output


def test_without_torch_a_program_is_refused_by_name(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    done = CliRunner().invoke(cli.group(), [str(saved)])
    assert done.exit_code == 2
    assert "pip install 'cnncalc[torch]'" in done.output


def test_a_program_takes_as_many_inputs_as_it_has() -> None:
    with pytest.raises(cnncalc.CnncalcError, match="its inputs are 1: x"):
        cnncalc.from_torch(exported(1), [(3, 12, 10), (3, 12, 10)])


def test_what_torch_logs_of_a_damaged_archive_is_no_traceback(saved: Path, tmp_path: Path) -> None:
    """In a process of its own: torch writes to the standard error that it found."""
    path = tmp_path / "net.pt2"
    edit(saved, path, {"model_weights_config.json": replace('"strides": [{"as_int": 8}, ', '"strides": [')})
    command = [sys.executable, "-m", "cnncalc", str(path)]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=200)
    assert done.returncode == 2
    assert "torch cannot read it" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_file_beside_the_folder_of_an_archive_is_refused(saved: Path, tmp_path: Path) -> None:
    """torch falls back to those of a form of before, which it unpickles."""
    path = tmp_path / "net.pt2"
    edit(saved, path, {})
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("version", "8.8")
        archive.writestr("serialized_state_dict.json", TRAP)
    done = CliRunner().invoke(cli.group(), [str(path)])
    assert (done.exit_code, "it cannot be read as an archive" in done.output) == (2, True), done.output
