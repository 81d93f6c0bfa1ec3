"""The same spec gives the same bytes: whatever the hash seed, the locale, the encoding, the terminal, the folder."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from commands import Forked, cnncalc

from cnncalc.formats import EVERYWHERE

COMMANDS = [
    *(("analyze", "net.yaml", "--format", name) for name in EVERYWHERE),
    *(("explain", "net.yaml", "C3", "--format", name) for name in EVERYWHERE),
    *(("check", "net.yaml", "--format", name) for name in ("plain", "table", "markdown", "json", "junit", "github")),
    ("check", "net.yaml", "--format", "sarif"),
    *(("diff", "lenet5", "net.yaml", "--format", name) for name in EVERYWHERE),
    ("lock", "net.yaml"),
    ("check", "net.yaml", "C3.params=2416", "params=60k", "--explain"),
    ("exercise", "--seed", "7"),
    ("compare", "lenet5", "net.yaml"),
    ("networks", "mobile"),  # of two families, one with variants
    ("kinds",),
    *(("verify", "net.yaml", "--format", name) for name in ("plain", "json")),  # last: NumPy makes what forks large
]
SPEC = """name: "网络 – ½"
input: 1x32x32
layers:
  - C1: conv 6 k5 tanh
  - S2: avgpool 2
  - C3: conv 16 k5 tanh
  - concat:
      - [conv 8 k1 bn relu]
      - [maxpool k3 s1 p1]
  - dense 10 softmax
expect: {C3.params: 2416, params: "<= 1M", macs: 1}
"""
WORLDS = [
    {"PYTHONHASHSEED": "1", "LC_ALL": "C.UTF-8", "TZ": "Asia/Shanghai"},
    {"PYTHONHASHSEED": "2", "LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"},
    {"PYTHONHASHSEED": "3", "LC_ALL": "tr_TR.ISO8859-9", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "TERM": "dumb"},
    {"PYTHONHASHSEED": "4", "LC_ALL": "zh_CN.GBK", "FORCE_COLOR": "1", "CLICOLOR_FORCE": "1", "NO_COLOR": ""},
]


def output_of(command: tuple[str, ...], folder: Path, world: dict[str, str]) -> tuple[bytes, bytes, int]:
    """What it prints, with the lock file if it writes one, and its status."""
    base = {
        name: os.environ[name]
        for name in ("PATH", "SYSTEMROOT", "PYTHONPATH", "PYTHONPYCACHEPREFIX")
        if name in os.environ
    }
    done = Forked([*command, "--lang", "en"], folder, {**base, "HOME": str(folder), **world}, settled=world).end()
    lock = folder / "cnncalc.lock"
    return done.stdout + (lock.read_bytes() if lock.exists() else b""), done.stderr, done.returncode


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_the_same_bytes_in_every_world(command: tuple[str, ...], tmp_path: Path) -> None:
    found = []
    for i, world in enumerate(WORLDS):
        folder = tmp_path / f"world {i}"
        folder.mkdir()
        (folder / "net.yaml").write_bytes(SPEC.encode().replace(b"\n", b"\r\n" if i == 1 else b"\n"))
        found.append(output_of(command, folder, world))
    first = found[0]
    assert first[0]
    assert first[2] in (0, 1)
    assert b"\r" not in first[0]
    first[0].decode("utf-8")
    for other in found[1:]:
        assert other == first


def test_data_is_the_same_in_every_language(tmp_path: Path) -> None:
    (tmp_path / "net.yaml").write_text(SPEC, encoding="utf-8")
    for name in ("json", "csv"):
        texts = {cnncalc("net.yaml", "--format", name, "--lang", lang, cwd=tmp_path).stdout for lang in ("en", "zh")}
        assert len(texts) == 1
        assert "" not in texts


def test_what_an_encoding_cannot_say_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "net.yaml").write_text(SPEC, encoding="utf-8")
    environment = {**os.environ, "PYTHONIOENCODING": "iso8859-9"}
    for words in (["net.yaml", "--lang", "zh"], ["nothing – at all"]):
        done = subprocess.run(
            [sys.executable, "-m", "cnncalc", *words], cwd=tmp_path, capture_output=True, env=environment, timeout=60
        )
        assert b"Traceback" not in done.stderr
        (done.stdout + done.stderr).decode("iso8859-9")
