"""HDF5 files as Keras saves models: their attributes are read, in a process of its own, and nothing else of them."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from test_mutations import SEQUENTIAL

from cnncalc.cli import group

MODEL = json.dumps(SEQUENTIAL)
PARAMS = 3 * 4 * 9 + 4 + 8 + 64 * 10 + 10  # of SEQUENTIAL: windows of 3x3, scale and shift, 64 inputs to 10 units


def run(path: Path) -> tuple[int, str]:
    done = CliRunner().invoke(group(), [str(path), "--format", "json"])
    return done.exit_code, done.output


@pytest.fixture
def write(tmp_path: Path) -> Callable[[Callable[[Any], None]], Path]:
    h5py = pytest.importorskip("h5py", reason="HDF5 files are read with the package h5py")

    def written(fill: Callable[[Any], None]) -> Path:
        path = tmp_path / "net.h5"
        with h5py.File(path, "w") as file:
            fill(file)
        return path

    return written


@pytest.mark.parametrize("text", [MODEL, MODEL.encode()], ids=["str", "bytes"])
@pytest.mark.parametrize("version", [None, "2.15.0", "9" * 5000, 7])
def test_a_model_is_read(text: Any, version: Any, write: Callable[[Any], Path]) -> None:
    def fill(file: Any) -> None:
        file.attrs["model_config"] = text
        if version is not None:
            file.attrs["keras_version"] = version

    status, said = run(write(fill))
    assert (status, json.loads(said)["totals"]["params"]) == (0, PARAMS)


def test_links_are_not_followed(write: Callable[[Any], Path]) -> None:
    """Loops, links to other files and data sets that stand in others: none is looked at."""
    h5py = pytest.importorskip("h5py")

    def fill(file: Any) -> None:
        file.attrs["model_config"] = MODEL
        file["a"], file["b"] = h5py.SoftLink("/b"), h5py.SoftLink("/a")
        file["passwd"] = h5py.ExternalLink("/etc/passwd", "/x")
        inside = file.create_group("model_weights")
        inside["again"] = inside
        layout = h5py.VirtualLayout((1000,), dtype="f4")
        layout[:] = h5py.VirtualSource("/dev/zero", "x", (1000,))
        file.create_virtual_dataset("virtual", layout)

    status, said = run(write(fill))
    assert (status, json.loads(said)["totals"]["params"]) == (0, PARAMS)


@pytest.mark.parametrize("value", [5, [MODEL, MODEL], b"\xff{}", '{"a":' * 100_000, "[" * 5_000_000], ids=range(5))
def test_an_attribute_that_is_no_model_is_refused(value: Any, write: Callable[[Any], Path]) -> None:
    def fill(file: Any) -> None:
        file.attrs["model_config"] = value

    status, said = run(write(fill))
    assert (status, "its configuration" in said) == (2, True), said


def test_weights_alone_are_no_model(write: Callable[[Any], Path]) -> None:
    status, said = run(write(lambda file: file.create_group("layers/conv/vars")))
    assert (status, "holds weights, and no model" in said) == (2, True)


@pytest.mark.parametrize("body", ["while True: pass", "os.abort()", "raise ValueError('no such thing')"])
def test_a_library_that_hangs_or_crashes_is_survived(
    body: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """HDF5 1.14 goes round for ever in the heap of some damaged files, in compiled code that no signal interrupts."""
    (tmp_path / "h5py.py").write_text(f"import os\ndef File(path, mode):\n    {body}\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "h5py", raising=False)
    path = tmp_path / "net.h5"
    path.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(100))
    status, said = run(path)
    assert (status, "the HDF5 file is damaged: " in said) == (2, True), said
    assert ("no such thing" in said) == ("raise" in body)
