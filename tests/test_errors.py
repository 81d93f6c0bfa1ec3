"""Broken input: the whole message, within seconds and bounded memory, never a traceback."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest
from cases import read_yaml
from click.testing import CliRunner
from commands import SETTLED, Forked
from hypothesis import given, settings
from hypothesis import strategies as st

import cnncalc
from cnncalc.cli import group
from cnncalc.errors import Source, visible
from cnncalc.spec import graph_from_text

# What is wrong with a shape may be what the warning says, and both are told.
pytestmark = pytest.mark.filterwarnings("ignore::cnncalc.errors.SpecWarning")

CASES = read_yaml(Path(__file__).parent / "errors.yaml")


def error_of(text: str) -> cnncalc.SpecError:
    with pytest.raises(cnncalc.SpecError, match=r"net\.yaml") as caught:
        graph_from_text(Source("net.yaml", text))
    return caught.value


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["case"])
def test_the_message_of_a_broken_spec(case: dict[str, Any]) -> None:
    assert str(error_of(case["spec"])) + "\n" == case["message"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["case"])
def test_every_problem_has_a_place_inside_the_text(case: dict[str, Any]) -> None:
    lines = case["spec"].split("\n")
    for problem in error_of(case["spec"]).problems:
        assert problem.position is not None
        line, column, width = problem.position
        assert 1 <= line <= len(lines)
        assert width >= 1
        assert 1 <= column <= len(lines[line - 1]) + 1


@pytest.mark.parametrize(("count", "last"), [(20, ""), (23, "... and 3 others"), (300, "... and 180 or more others")])
def test_of_many_problems_the_first_are_told_and_the_others_counted(count: int, last: str) -> None:
    text = str(error_of("input: 1x8x8\nlayers:\n" + "  - frobnicate\n" * count))
    assert text.count("net.yaml:") == 20
    assert text.endswith(last)
    assert ("others" in text) == bool(last)


def test_problems_are_data_for_programs() -> None:
    problem = error_of("input: 1x8x8\nlayers: [conv 2 k9]\n").problems[0]
    assert problem.problem == "conv1: a 9x9 window does not fit the 8x8 input (padding 0)"
    assert problem.position == cnncalc.Position(2, 17, 2)
    assert problem.hint == "the largest kernel that fits is 8; or pad 1 more"


def refused(*arguments: str, data: bytes = b"", cwd: Path | None = None) -> str:
    """Standard error of a run that must end with status 2 in bounded time and memory."""
    limits = {"RLIMIT_AS": 600_000_000}
    done = Forked(arguments, cwd, {**os.environ, **SETTLED}, input=data, limits=limits).end(30)
    said = done.stderr.decode()
    assert (done.returncode, done.stdout) == (2, b""), said
    assert "Traceback" not in said
    return said


BIG = b"input: 3x8x8\nlayers:\n" + b"  - conv 3 k1 relu\n" * 660_000

STREAMS = {
    "a binary file": (b"\x7fELF\x02\x01\x01\x00\xff\xfe", "<stdin>:1:9: not a text file: byte 0xff is not UTF-8"),
    "a NUL byte": (b"input: 3x8x8\nlay\0ers: []\n", "<stdin>:2:4: not a text file: a NUL byte"),
    "UTF-16": ("input: 3x8x8\n".encode("utf-16"), "<stdin>:1:1: not a text file: byte 0xff"),
    "a file of 12 MB": (BIG, "the file is larger than 10 MB"),
    "10,000 nested lists": (b"input: 1x1x1\nlayers: " + b"[" * 10_000, "nested more than 50 deep"),
    "10,000 nested lists in block style": (b"- " * 10_000 + b"a\n", "nested more than 50 deep"),
    "10,000 nested mappings": (b"input: 1x1x1\nlayers: " + b"{a: " * 10_000, "<stdin>:2:205: lists and mappings are"),
    "lists in mappings in lists": (
        b"input: 1x1x1\nlayers: " + b"[{a: " * 5_000,
        "<stdin>:2:130: lists and mappings are",
    ),
    "10,000 nested lists behind brackets in quotes": (
        b"name: '" + b"[" * 900 + b"'\nlayers: " + b"[" * 10_000,
        "<stdin>:2:58: lists and mappings are nested more than 50 deep",
    ),
    "a repeat of repeats of repeats": (
        b"input: 1x9x9\nlayers: [a x999]\nblocks:\n  a: {layers: [b x999]}\n  b: {layers: [c x999]}\n"
        b"  c: {layers: [relu x999]}\n",
        "more than 1,000,000 operations",
    ),
    "a number of 10^6 digits": (
        b"input: 1x9x9\nlayers: [conv " + b"9" * 10**6 + b" k3]\n",
        "is not a positive whole number",
    ),
    "an expression of 10^6 digits": (
        b"input: 1x9x9\nlayers: [conv $(" + b"9" * 10**6 + b") k3]\n",
        "an expression of more than 500 characters",
    ),
    "an expression of 400 brackets": (
        b"input: 1x9x9\nlayers: [conv $(" + b"(" * 230 + b"1" + b")" * 230 + b") k3]\n",
        "is not an expression",
    ),
    "a product that grows": (
        b"input: 1x9x9\nparams: {a: 999999999999}\nlayers: [conv $(a*a*a) k3]\n",
        "larger than 10^15",
    ),
    "20,000 unknown kinds": (
        b"input: 1x9x9\nlayers:\n" + b"".join(b"  - convv%d 6\n" % i for i in range(20_000)),
        "or more others",
    ),
    "20,000 references to nothing": (
        b"input: 1x9x9\nlayers:\n"
        + b"".join(b"  - s%d: relu\n" % i for i in range(2000))
        + b"".join(b"  - {from: t%d}\n" % i for i in range(20_000)),
        "or more others",
    ),
    "5,000 expectations for layers that do not exist": (
        b"input: 1x9x9\nlayers:\n"
        + b"".join(b"  - s%d: relu\n" % i for i in range(2000))
        + b"expect:\n"
        + b"".join(b"  t%d.params: 1\n" % i for i in range(5000)),
        "or more others",
    ),
    "blocks that call blocks 1,000 deep": (
        b"input: 1x9x9\nlayers: [b0]\nblocks:\n"
        + b"".join(b"  b%d: {layers: [b%d]}\n" % (i, i + 1) for i in range(1000))
        + b"  b1000: {layers: [relu]}\n",
        "nested more than 80 deep",
    ),
    "calls that double and come to nothing": (
        b"input: 1x9x9\nlayers: [relu, b0]\nblocks:\n"
        + b"".join(b"  b%d: {layers: [b%d, b%d]}\n" % (i, i + 1, i + 1) for i in range(50))
        + b"  b50: {layers: [{relu: , if: 0}]}\n".replace(b"relu: ", b"conv: 1 k1"),
        "more than 100,000 calls come to nothing",
    ),
    "10^6 calls that come to nothing": (
        b"input: 1x9x9\nlayers: [relu, b x1000000]\nblocks:\n  b: {layers: [{conv: 1 k1, if: 0}]}\n",
        "more than 100,000 calls come to nothing",
    ),
    "calls that double under a condition that always holds": (
        b"input: 1x9x9\nlayers: [b0]\nblocks:\n"
        + b"".join(b"  b%d: {layers: [{b%d: , if: 1}, {b%d: , if: 1}]}\n" % (i, i + 1, i + 1) for i in range(50))
        + b"  b50: {layers: [relu]}\n",
        "more than 1,000,000 operations",
    ),
    "100,000 uses of the weights of a long step": (
        b"input: 1x9x9\nblocks:\n  b: {layers: [relu x1000]}\nlayers:\n  - a: b\n"
        b"  - {conv: 1 k1, weights: a, repeat: 100000}\n",
        "has 1 layer with weights, a has 0",
    ),
    "10,000 mistakes": (b"input: 1x9x9\nlayers:\n" + b"  - rellu\n" * 10_000, "... and 180 or more others"),
}


@pytest.mark.parametrize(("data", "said"), STREAMS.values(), ids=STREAMS)
def test_hostile_input_is_refused_in_bounded_time_and_memory(data: bytes, said: str) -> None:
    assert said in refused("-", data=data)


def test_brackets_in_quotes_are_not_nested() -> None:
    name = "[" * 2000
    spec = f"name: '{name}'\nsource: \"{name}\"  # {name}\ninput: 1x8x8\nlayers: [conv 2 k3]\n"
    assert cnncalc.analyze(spec).name == name


@pytest.mark.skipif(sys.platform != "linux", reason="needs /dev/zero")
def test_a_file_without_end_is_refused() -> None:
    assert "larger than 10 MB" in refused("/dev/zero")


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "loop.yaml").symlink_to("loop.yaml")
    assert "loop.yaml: cannot be read" in refused("loop.yaml", cwd=tmp_path)
    secret = tmp_path / "secret.yaml"
    secret.write_text("input: 1x1\n")
    secret.chmod(0)
    if not os.access(secret, os.R_OK):
        assert "secret.yaml: cannot be read: Permission denied" in refused("secret.yaml", cwd=tmp_path)


def test_a_byte_order_mark_and_carriage_returns_do_no_harm(tmp_path: Path) -> None:
    spec = tmp_path / "windows.yaml"
    spec.write_bytes(b"\xef\xbb\xbfinput: 1x8x8\r\nlayers:\r\n  - conv 2 k3\r\n")
    assert cnncalc.analyze(spec).totals.params == 20


def test_escapes_are_shown_and_never_sent_to_the_terminal() -> None:
    assert visible("a\x1b[31m\u202eb") == "a\\x1b[31m\\u202eb"
    said = refused("-", data='input: 1x8x8\nlayers: [{"\\e[2J": conv 2 k3}, "\u202e x"]\n'.encode())
    assert "\x1b" not in said
    assert "\u202e" not in said
    assert "\x1b" not in refused("no\x1b[31m.yaml")


ALPHABET = st.text("conv 3x[]{}:,$()-\"'#&*!|>%@`\n\tink", max_size=60)


@settings(max_examples=300, deadline=None)
@given(ALPHABET)
def test_no_text_brings_a_traceback(text: str) -> None:
    for spec in (text, f"input: 3x9x9\nlayers:\n  - {text}\n", f"input: 3x9x9\nlayers: [conv 6 k3]\nexpect: {text}\n"):
        try:
            graph_from_text(Source("net.yaml", spec))
        except cnncalc.SpecError as error:
            message = str(error)
        else:
            message = "net.yaml: no error"
        assert message.startswith("net.yaml")


STEP_WORDS = (
    "conv dense maxpool relu bn b add 6 k3 s2 p1 x2 g3 k99 0 -1 $c $(c//2) $(1/0) first:c=3 c=4 nobias same - [ ] { } :"
)
WORDS = st.lists(st.sampled_from(STEP_WORDS.split()), max_size=8)


@settings(max_examples=300, deadline=None)
@given(st.lists(WORDS, min_size=1, max_size=4))
def test_no_steps_bring_a_traceback(steps: list[list[str]]) -> None:
    lines = "".join(f"  - {' '.join(words)}\n" for words in steps)
    spec = (
        f"input: 3x9x9\nparams: {{c: 8}}\nblocks: {{b: {{params: {{c: 2}}, layers: [conv $c k3]}}}}\nlayers:\n{lines}"
    )
    try:
        report = cnncalc.analyze(spec)
    except cnncalc.SpecError as error:
        assert all(problem.position for problem in error.problems)  # noqa: PT017
    else:
        assert report.layers


HINTS = read_yaml(Path(__file__).parent / "hints.yaml")


@pytest.mark.parametrize("case", HINTS, ids=lambda case: case.get("net") or case["spec"].replace("\n", "; "))
def test_what_people_write_instead_gets_the_hint_that_helps(case: dict[str, str]) -> None:
    """One problem, at its place, with a hint that says what to write: no second one that follows from the first."""
    arguments, name = (["-e", case["net"]], "-e") if "net" in case else (["-"], "<stdin>")
    done = CliRunner().invoke(group(), arguments, input=case.get("spec"))
    assert done.exit_code == 2
    lines = [line for line in done.stderr.splitlines() if not line.startswith("    ")]  # without the excerpts
    assert len(lines) == 2, done.stderr
    assert lines[0].startswith(f"{name}:{case['at']}: ")
    assert lines[1] == f"  hint: {case['hint']}"
