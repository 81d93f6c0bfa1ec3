"""Sweeps in partitions: Parquet in a folder, gone on with after a kill, in this process or by workers of Dask."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import cnncalc
from cnncalc.cli import group
from cnncalc.families import partitions

parquet = pytest.importorskip("pyarrow.parquet")

NET = "3x16x16; conv $f k$k; relu; gap; dense 10"
OVER = ("sweep", "-e", NET, "--over", "f=1..12", "--over", "k=1..18")


def run(folder: Path, *arguments: str, status: int = 0) -> str:
    done = CliRunner().invoke(group(), [*OVER, "--parts", str(folder), "--partition", "50", *arguments])
    assert done.exit_code == status, done.output
    return done.output


def macs_in(folder: Path) -> list[int | None]:
    """Of all partitions, in the order of the members."""
    files = sorted(folder.glob("*.parquet"))
    return [n for file in files for n in parquet.read_table(file).column("macs").to_pylist()]


def finished(folder: Path) -> list[int]:
    lines = (folder / partitions.MANIFEST).read_text(encoding="utf-8").splitlines()[1:]
    return [json.loads(line)["partition"] for line in lines]


def test_partitions_hold_every_member_in_order(tmp_path: Path) -> None:
    folder = tmp_path / "found"
    assert "5 partitions in" in run(folder)
    expected = cnncalc.sweep(NET, f=range(1, 13), k=range(1, 19))["macs"].tolist()
    assert macs_in(folder) == expected
    assert expected.count(None) == 24
    assert finished(folder) == [0, 1, 2, 3, 4]


def test_a_run_that_ends_early_is_gone_on_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write, written = partitions.write_partition, []

    def write_two(job: Any, partition: int) -> Any:
        if len(written) == 2:
            raise KeyboardInterrupt
        written.append(partition)
        return write(job, partition)

    monkeypatch.setattr(partitions, "write_partition", write_two)
    CliRunner().invoke(group(), [*OVER, "--parts", str(tmp_path), "--partition", "50"])
    assert finished(tmp_path) == [0, 1]
    manifest = tmp_path / partitions.MANIFEST
    with manifest.open("a", encoding="utf-8") as file:
        file.write('{"partition": 2, "mem')  # a kill in the middle of a line
    written.clear()
    monkeypatch.setattr(partitions, "write_partition", lambda job, i: written.append(i) or write(job, i))
    assert "216 rows" in run(tmp_path)
    assert written == [2, 3, 4]
    assert macs_in(tmp_path) == cnncalc.sweep(NET, f=range(1, 13), k=range(1, 19))["macs"].tolist()
    (tmp_path / "part-000003.parquet").unlink()
    run(tmp_path)
    assert written == [2, 3, 4, 3]


def test_two_runs_do_not_write_into_one_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two sweeps the manifest was that of one and partitions were those of the other."""
    pytest.importorskip("fcntl", reason="there are no such locks on this system")
    write, said = partitions.write_partition, []

    def write_and_meet_another(job: Any, partition: int) -> Any:
        command = [sys.executable, "-m", "cnncalc", *OVER, "--parts", str(tmp_path / "found"), "--partition", "50"]
        if not said:
            said.append(subprocess.run(command, capture_output=True, encoding="utf-8", timeout=120))
        return write(job, partition)

    monkeypatch.setattr(partitions, "write_partition", write_and_meet_another)
    run(tmp_path / "found")
    assert said[0].returncode == 2
    assert f"another run is writing to {tmp_path / 'found'}: wait for it" in said[0].stderr
    assert finished(tmp_path / "found") == [0, 1, 2, 3, 4]
    assert "5 partitions in" in run(tmp_path / "found")


def test_partitions_without_a_network_are_an_error(tmp_path: Path) -> None:
    arguments = ["sweep", "-e", NET, "--over", "f=1..3", "--over", "k=17..18", "--parts", str(tmp_path)]
    done = CliRunner().invoke(group(), arguments)
    assert done.exit_code == 2
    assert "1 partitions" in done.output
    assert "none of the 6 members is a network" in done.output


def test_a_folder_of_another_sweep_stays_as_it_is(tmp_path: Path) -> None:
    run(tmp_path)
    assert "holds another sweep" in run(tmp_path, "--columns", "macs", status=2)
    (tmp_path / partitions.MANIFEST).unlink()
    assert "no manifest" in run(tmp_path, status=2)


def test_conditions_hold_in_every_partition(tmp_path: Path) -> None:
    run(tmp_path, "--where", "macs <= 20k")
    found = cnncalc.sweep(NET, f=range(1, 13), k=range(1, 19), where="macs <= 20k")
    assert macs_in(tmp_path) == found["macs"].tolist()


@pytest.mark.parametrize("arguments", [["--sort", "macs"], ["--pareto", "macs,-params"], ["--top", "3"]])
def test_what_needs_all_members_is_refused(arguments: list[str], tmp_path: Path) -> None:
    assert "--parts writes all members" in run(tmp_path / "none", *arguments, status=2)
    assert not (tmp_path / "none").exists()


@pytest.mark.slow
def test_a_killed_run_is_gone_on_with(tmp_path: Path) -> None:
    command = [
        sys.executable, "-m", "cnncalc", "sweep", "resnet50", "--over", "width=16..128", "--over",
        "input=3x{128..640}x{same}", "--parts", str(tmp_path), "--partition", "4000",
    ]  # fmt: skip
    process = subprocess.Popen(command)
    deadline = time.monotonic() + 120
    while not len(list(tmp_path.glob("*.parquet"))) > 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    before = {path: os.stat(path).st_mtime_ns for path in tmp_path.glob("*.parquet")}
    kept = set(finished(tmp_path))
    assert 0 < len(kept) < 15
    subprocess.run(command, check=True)
    assert len(finished(tmp_path)) >= 15
    after = {path: os.stat(path).st_mtime_ns for path in before if int(path.stem[5:]) in kept}
    assert after.items() <= before.items()
    assert parquet.read_table(tmp_path, columns=["macs"]).num_rows == 113 * 513


@pytest.mark.slow
def test_workers_of_dask_write_the_same(tmp_path: Path) -> None:
    pytest.importorskip("distributed")
    command = [sys.executable, "-m", "cnncalc", *OVER, "--partition", "50", "--dask", "local", "--parts", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "5 partitions" in done.stdout
    assert macs_in(tmp_path) == cnncalc.sweep(NET, f=range(1, 13), k=range(1, 19))["macs"].tolist()


@contextmanager
def scheduler_with_workers(folder: Path, count: int) -> Iterator[str]:
    """The address of a scheduler of Dask with so many workers, all of them processes of their own."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    address = f"tcp://127.0.0.1:{port}"
    scheduler = ["distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", port, "--no-dashboard"]
    worker = ["distributed.cli.dask_worker", address, "--nthreads", "1", "--no-dashboard", "--no-nanny"]
    commands = [scheduler, *[worker] * count]
    start = [sys.executable, "-m"]
    processes = [subprocess.Popen([*start, *rest], cwd=folder, stderr=subprocess.DEVNULL) for rest in commands]
    try:
        yield address
    finally:
        for process in reversed(processes):
            process.kill()
            process.wait()


@pytest.mark.slow
def test_a_run_on_a_scheduler_that_is_killed_is_gone_on_with(tmp_path: Path) -> None:
    pytest.importorskip("distributed")
    found = tmp_path / "found"
    with scheduler_with_workers(tmp_path, 2) as address:
        command = [
            sys.executable, "-m", "cnncalc", "sweep", "resnet50", "--over", "width=16..128", "--over",
            "input=3x{128..640}x{same}", "--parts", str(found), "--partition", "4000", "--dask", address,
        ]  # fmt: skip
        process = subprocess.Popen(command)
        deadline = time.monotonic() + 240
        while len(list(found.glob("*.parquet"))) < 3 and time.monotonic() < deadline:
            time.sleep(0.05)
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert 0 < len(finished(found)) < 15
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        assert "15 partitions" in done.stdout
    assert set(finished(found)) == set(range(15))
    ends = parquet.read_table(found, columns=["macs"]).column("macs").to_pylist()
    singly = cnncalc.sweep("resnet50", width=[16, 128], input=["3x128x128", "3x640x640"])
    assert len(ends) == 113 * 513
    assert [ends[0], ends[512], ends[112 * 513], ends[-1]] == singly["macs"].tolist()


@pytest.mark.slow
def test_a_scheduler_that_is_not_there_is_told(tmp_path: Path) -> None:
    pytest.importorskip("distributed")
    assert "cannot be reached" in run(tmp_path / "found", "--dask", "tcp://127.0.0.1:1", status=2)


@pytest.mark.parametrize("where", ["nonsense", "local:0", "tcp://nowhere", "localhost:8786"])
def test_what_is_no_place_of_workers_is_told(where: str, tmp_path: Path) -> None:
    assert "--dask is local, local:4 or a scheduler's address" in run(tmp_path, "--dask", where, status=2)
