"""How a run ends that nothing expected: one line and a status, never a traceback; which --debug shows."""

from __future__ import annotations

import os
import re
import signal
import stat
import time
from pathlib import Path
from typing import Any

import pytest
from commands import SETTLED, Forked

COMMANDS = [
    ("--help",), ("--version",), ("kinds",), ("kinds", "conv"), ("networks", "mobile"), ("lenet5",),
    ("explain", "lenet5", "C1"), ("exercise",), ("rf", "lenet5"), ("compare", "lenet5", "alexnet"), ("lint", "--list"),
    ("draw", "lenet5"), ("lenet5", "--help"),
    ("lenet5", "--format", "json"), ("check", "lenet5", "params=60000"), ("lock", "net.yaml"),
    ("conventions", "lenet5"), ("diff", "lenet5", "alexnet"),
    ("verify", "-e", "1x8x8; conv 2 k3"), ("identify", "lenet5", "60000"),
    ("format", "--diff", "net.yaml"), ("convert", "lenet5", "-", "--to", "spec"), ("kinds", "--format", "csv"),
]  # fmt: skip


def started(folder: Path, *arguments: str, code: str = "", **more: Any) -> Forked:
    return Forked(arguments, folder, {**os.environ, **SETTLED}, code=code, **more)


def end(process: Forked, timeout: float = 60) -> tuple[int, str, str]:
    """Its status, and what it wrote where that was kept."""
    done = process.end(timeout)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "net.yaml").write_text("layers:\n  - dense 2\ninput: 3\n", encoding="utf-8")
    return tmp_path


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_full_disk_is_told_in_a_line(folder: Path, command: tuple[str, ...]) -> None:
    with open("/dev/full", "w") as full:
        status, _, said = end(started(folder, *command, stdout=full.fileno()))
    assert "standard output cannot be written: No space left on device\n" in said
    assert "Traceback" not in said
    assert "Exception ignored" not in said
    assert status == 2


WRITING = [
    (("lenet5", "-o", "out.json"), "out.json"), (("explain", "lenet5", "-o", "out.html"), "out.html"),
    (("draw", "lenet5", "-o", "out.svg"), "out.svg"), (("draw", "alexnet", "-o", "out.png"), "out.png"),
    (("report", "lenet5", "-o", "out.html"), "out.html"), (("convert", "lenet5", "out.onnx"), "out.onnx"),
    (("convert", "lenet5", "out.py", "--to", "torch"), "out.py"), (("format", "long.yaml"), "long.yaml"),
    (("lock", "lenet5", "alexnet", "--file", "out.lock"), "out.lock"),
    (("sweep", "-e", "1x9x9; conv $c k3", "--over", "c={1..900}", "-o", "out.csv"), "out.csv"),
    (("exercise", "alexnet", "--questions", "40", "--force", "-o", "out"), "out-questions.md"),
]  # fmt: skip


@pytest.mark.skipif(os.name == "nt", reason="there is no such limit")
@pytest.mark.parametrize(("command", "name"), WRITING, ids=lambda value: value[0] if isinstance(value, tuple) else "")
def test_where_there_is_room_for_a_part_the_file_stays_as_it_was(
    folder: Path, command: tuple[str, ...], name: str
) -> None:
    """All files of a command, where it writes several; and nothing is left beside them."""
    for ending, package in ((".png", "resvg_py"), (".onnx", "onnx"), (".yaml", "ruamel.yaml")):
        if name.endswith(ending):
            pytest.importorskip(package, reason=f"{package} is not installed: no {ending} is written")

    steps = "".join(f"  -   conv 4 k3 same   # step {i}\n" for i in range(60))
    old = {
        "out.lock": "net.yaml\tparams\t8\n",
        "long.yaml": f"input: 1x12x12\nlayers:\n{steps}",
        "out.yaml": "the network of before\n",
        "out-questions.md": "its questions\n",
        "out-key.csv": "its key\n",
    }
    for path, text in {name: "as it was\n", **old}.items():
        (folder / path).write_text(text, encoding="utf-8")
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    status, _, said = end(started(folder, *command, limits={"RLIMIT_FSIZE": 1000}))
    assert (status, said.count("cannot be written: File too large")) == (2, 1), said
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_a_checkout_that_is_not_installed_knows_its_version(folder: Path) -> None:
    """Without what an installer writes down beside the package."""
    code = (
        "import importlib.metadata as m\n"
        "def version(name): raise m.PackageNotFoundError(name)\n"
        "m.version = version\nfrom cnncalc import cli\ncli.main(['--version'])\n"
    )
    status, told, said = end(started(folder, code=code))
    assert status == 0, said
    assert re.fullmatch(r"cnncalc (\d+\.\d+.*|unknown)\n", told)


def test_an_interrupt_is_status_130_and_one_line(folder: Path) -> None:
    code = (
        "import sys, time\nfrom cnncalc import cli\nimport cnncalc.cli.networks as command\n"
        "def wait(**_): print('waiting', flush=True); time.sleep(60)\n"
        "command.command.callback = wait\ncli.main(['networks'])\n"
    )
    reader, writer = os.pipe()
    process = started(folder, code=code, stdout=writer)
    os.close(writer)
    with open(reader, encoding="utf-8") as told:
        assert told.readline() == "waiting\n"
        time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        assert end(process) == (130, "", "interrupted\n")


@pytest.mark.parametrize("moment", ["make_context", "resolve_command"])
def test_an_interrupt_before_the_command_runs_is_no_answer(folder: Path, moment: str) -> None:
    """It was status 1, which says that the answer is no."""
    code = (
        "import click\nfrom cnncalc import cli\n"
        "def stop(*_, **__): raise KeyboardInterrupt\n"
        f"click.Group.{moment} = stop\ncli.main(['networks'])\n"
    )
    assert end(started(folder, code=code)) == (130, "", "interrupted\n")


@pytest.mark.parametrize(
    ("raised", "status", "line"),
    [
        (
            "ZeroDivisionError('of its own')",
            3,
            "cnncalc went wrong here, which is its own fault: ZeroDivisionError: of its own",
        ),
        (
            "EOFError('cut short')",
            3,
            "cnncalc went wrong here, which is its own fault: RuntimeError: EOFError: cut short",
        ),
        ("RecursionError()", 3, "cnncalc went wrong here, which is its own fault: RecursionError: "),
        ("MemoryError()", 2, "this needs more memory than there is"),
        ("ModuleNotFoundError(name='numpy')", 2, "this command needs NumPy, which is not installed here"),
    ],
)
def test_what_nobody_expected_asks_for_a_report(folder: Path, raised: str, status: int, line: str) -> None:
    code = (
        "import sys\nfrom cnncalc import cli\nimport cnncalc.cli.networks as command\n"
        f"def fail(**_): raise {raised}\n"
        "command.command.callback = fail\ncli.main([*sys.argv[1:], 'networks'])\n"
    )
    ended, _, said = end(started(folder, code=code))
    assert said.split("\n")[0] == line
    assert ("please report" in said) == (status == 3)
    assert "Traceback" not in said
    assert ended == status
    assert "Traceback" in end(started(folder, "--debug", code=code))[2]


WRITERS = {
    "page.json": ("lenet5",),
    "members.csv": ("sweep", "-e", "3x8x8; conv $c k1", "--over", "c=1..4"),
    "drawing.svg": ("draw", "lenet5"),
    "plot.svg": ("sweep", "-e", "3x8x8; conv $c k1", "--over", "c=1..4", "--format", "csv"),
    "report.html": ("report", "-e", "3x8x8; conv 3 k1"),
    "spec.yaml": ("convert", "lenet5", "--to", "spec"),
}


def writing(folder: Path, name: str) -> Forked:
    """A command that writes a file."""
    where = {"plot.svg": ("--svg", name), "spec.yaml": (name,)}.get(name, ("-o", name))
    return started(folder, *WRITERS[name], *where)


@pytest.mark.parametrize("name", WRITERS)
def test_a_file_that_is_replaced_keeps_its_mode_and_owner_and_a_read_only_one_stays(folder: Path, name: str) -> None:
    out = folder / name
    out.write_text("as it was", encoding="utf-8")
    out.chmod(0o640)
    if os.getuid() == 0:
        os.chown(out, 12345, 54321)
    before = out.stat()
    status, _, said = end(writing(folder, name))
    assert "cannot" not in said
    assert status == 0
    after = out.stat()
    assert out.read_text(encoding="utf-8") != "as it was"
    assert (after.st_mode, after.st_uid, after.st_gid) == (before.st_mode, before.st_uid, before.st_gid)
    out.write_text("as it was", encoding="utf-8")
    out.chmod(0o444)
    status, _, said = end(writing(folder, name))
    assert f"{name}: cannot be written: Permission denied" in said
    assert status == 2
    assert out.read_text(encoding="utf-8") == "as it was"
    assert sorted(path.name for path in folder.iterdir()) == sorted(["net.yaml", name])


@pytest.mark.parametrize("name", WRITERS)
def test_a_pipe_or_a_device_is_written_to_and_not_replaced(folder: Path, name: str) -> None:
    """As root, -o /dev/full put a file in the place of the device."""
    os.mkfifo(folder / name)
    reader = os.open(folder / name, os.O_RDWR | os.O_NONBLOCK)
    taken = b""
    try:
        done = writing(folder, name)
        while done.poll() is None or not taken:
            try:
                taken += os.read(reader, 1 << 16)
            except BlockingIOError:
                if done.poll() is not None and not taken:
                    break
                time.sleep(0.01)
        status, _, said = end(done)
        assert status == 0, said
        assert taken
    finally:
        os.close(reader)
    assert stat.S_ISFIFO(os.stat(folder / name).st_mode)


@pytest.mark.skipif(os.name == "nt", reason="signals are others there")
@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("moment", ["while it is written", "when it has just been made"])
def test_a_run_that_is_ended_while_it_writes_leaves_nothing(
    folder: Path, number: int, status: int, moment: str
) -> None:
    """What was written so far is gone, and the file is as it was."""
    (folder / "out.txt").write_text("as it was")
    send = f"import os, signal, time\nos.kill(os.getpid(), {int(number)})\ntime.sleep(0.1)\n"
    patch = {
        "while it is written": "import os\nflush = os.chmod\n"
        f"def chmod(*words):\n    exec({send!r})\n    return flush(*words)\n"
        "os.chmod = chmod\n",
        "when it has just been made": "import cnncalc.formats.files as files\nmake = files.NamedTemporaryFile\n"
        f"def made(*words, **more):\n    file = make(*words, **more)\n    exec({send!r})\n    return file\n"
        "files.NamedTemporaryFile = made\n",
    }[moment]
    code = f"import sys\nfrom cnncalc import cli\n{patch}cli.main(sys.argv[1:])\n"
    ended, _, said = end(started(folder, "lenet5", "-o", "out.txt", code=code))
    assert (ended, "Traceback" in said) == (status, False), said
    assert sorted(path.name for path in folder.iterdir()) == ["net.yaml", "out.txt"]
    assert (folder / "out.txt").read_text() == "as it was"
