"""What goes to other programs, where their packages are not installed."""

from __future__ import annotations

import subprocess
import sys

import pytest

import cnncalc
from cnncalc.interop.onnx.write import model as writer


def test_a_missing_package_is_named_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(cnncalc.CnncalcError, match=r"pip install 'cnncalc\[onnx\]'"):
        writer.to_model(cnncalc.load("8; relu"), {})


def test_the_package_is_not_loaded_before_a_model_is_written() -> None:
    code = "import sys, cnncalc.interop.onnx.write.model, cnncalc.interop.onnx.write.conv; print('onnx' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_a_reader_of_onnx_is_found_in_whichever_file_it_stands() -> None:
    """The rows that tell where to look first are right, and one that is missing costs time alone."""
    code = """\
from cnncalc.interop.onnx.read import table
row = table.OPERATORS.pop("Einsum")
assert table.reader_of("Einsum") and table.reader_of("NoSuchOperator") is None
table.OPERATORS["Einsum"] = row
wrong = [name for name, file in table.OPERATORS.items() if not table.reader_of(name).__module__.endswith("." + file)]
print(wrong)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
