"""The installed command, as a student would run it: from an empty folder, through a pipe, on a terminal."""

from __future__ import annotations

import csv
import io
import json
import os
import pty
import re
import struct
import subprocess
from pathlib import Path

import commands
import pytest
from commands import SETTLED, Forked

import cnncalc

SPECS = Path(__file__).parent.parent / "specs"


def run(
    *arguments: str, cwd: Path | None = None, input: str | None = None, **env: str
) -> subprocess.CompletedProcess[str]:
    return commands.cnncalc(*arguments, cwd=cwd, input=input or "", **env)


def on_terminal(*arguments: str, columns: int = 80, **env: str) -> str:
    """What the command writes to a terminal of this width, escapes included."""
    import fcntl
    import termios

    main, side = pty.openpty()
    fcntl.ioctl(side, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    environment = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "COLUMNS", "LINES", "FORCE_COLOR")}
    environment |= {"TERM": "xterm-256color", **env}
    process = Forked(arguments, None, {**environment, **SETTLED}, input=side, stdout=side, stderr=side)
    os.close(side)
    data = b""
    while True:
        try:
            chunk = os.read(main, 65536)
        except OSError:
            break
        if not chunk:
            break
        data += chunk
    os.close(main)
    process.end()
    return data.decode().replace("\r\n", "\n")


def without_escapes(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


LENET = """\
LeNet-5, input 1x32x32

layer   kind                output  params  params %  connections     MACs  MACs %    FLOPs     RF
--------------------------------------------------------------------------------------------------
C1      conv + tanh        6x28x28     156       0.3      122,304  117,600    35.8  244,608    5x5
S2      subsample + tanh   6x14x14      12       0.0        5,880    1,176     0.4    8,232    6x6
C3      conv + tanh       16x10x10   1,516       2.5      151,600  150,000    45.7  303,200  14x14
S4      subsample + tanh    16x5x5      32       0.1        2,000      400     0.1    2,800  16x16
C5      conv + tanh        120x1x1  48,120      80.2       48,120   48,000    14.6   96,240  32x32
F6      dense + tanh            84  10,164      16.9       10,164   10,080     3.1   20,328  32x32
OUTPUT  rbf                     10       0       0.0          840      840     0.3    2,520  32x32
--------------------------------------------------------------------------------------------------
total                               60,000                340,908  328,096          677,928  32x32
"""


def test_lenet5_through_a_pipe(tmp_path: Path) -> None:
    done = run("lenet5", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(LENET)
    assert "expected    19 of 19 hold" in done.stdout
    assert run(str(SPECS / "lenet5.yaml")).stdout == done.stdout
    assert run("analyze", "LeNet-5.yaml").stdout == done.stdout


@pytest.mark.parametrize("columns", [80, 120])
def test_the_table_fits_the_terminal_and_cuts_no_number(columns: int) -> None:
    for network in ("lenet5", "resnet50"):
        text = on_terminal(network, columns=columns)
        assert "\x1b[1m" in text
        lines = without_escapes(text).split("\n")
        assert max(map(len, lines)) <= columns
        total = next(line for line in lines if line.startswith("total"))
        assert {"lenet5": "60,000", "resnet50": "25,557,032"}[network] in total
        assert {"lenet5": "340,908", "resnet50": "4,089,184,256"}[network] in total


def test_a_narrow_terminal_says_what_it_leaves_out() -> None:
    text = without_escapes(on_terminal("resnet50", columns=60))
    assert max(map(len, text.split("\n"))) <= 60
    assert "connections" in text[text.index("not shown") :]


def test_no_color_is_honoured() -> None:
    assert re.search(r"\x1b\[[0-9;]*3[0-9]", on_terminal("lenet5"))
    assert not re.search(r"\x1b\[[0-9;]*3[0-9]", on_terminal("lenet5", NO_COLOR="1"))


@pytest.mark.parametrize(
    ("count", "said"),
    [
        (6, "conv1, conv2, conv3, conv4, conv5, conv6 use"),
        (7, "conv1, conv2, conv3, conv4, conv5 and 2 others use"),
        (9, "conv1, conv2, conv3, conv4, conv5 and 4 others use"),
    ],
)
def test_of_many_layers_the_first_are_named_and_the_others_counted(count: int, said: str) -> None:
    steps = "".join("  - {conv: 4 k1, weights: a}\n" for _step in range(count))
    report = run("-", input="input: 4x8x8\nlayers:\n  - a: conv 4 k1\n" + steps)
    assert f"{said} the weights of a, counted there" in report.stdout


def test_names_in_chinese_are_aligned() -> None:
    done = run("-e", "1x8x8; 卷积: conv 2 k3; 池化层: maxpool 2; c: dense 3", PYTHONUTF8="1")
    rows = done.stdout.split("\n")[4:7]
    assert [row.index("x" if i < 2 else "3 ") for i, row in enumerate(rows)]
    wide = [sum(2 if ord(c) > 0x2E80 else 1 for c in row[: row.index("  ")]) for row in rows]
    spaces = [len(re.match(r"\S+( +)", row)[1]) for row in rows]  # type: ignore[index]
    assert {w + s for w, s in zip(wide, spaces, strict=True)} == {8}


def test_a_net_without_a_file() -> None:
    done = run("-e", "3x227x227; conv 96 k11 s4 relu; maxpool k3 s2; dense 10", "--format", "json")
    rows = {row["name"]: row for row in json.loads(done.stdout)["layers"]}
    assert rows["conv1"]["output"] == [96, 55, 55]
    assert rows["conv1"]["params"] == 34_944
    assert rows["maxpool1"]["output"] == [96, 27, 27]
    assert rows["dense1"]["params"] == 10 * (96 * 27 * 27 + 1)


def test_a_spec_from_standard_input() -> None:
    assert run("-", input=(SPECS / "lenet5.yaml").read_text()).stdout.startswith(LENET)


def test_parameters_and_inputs_are_overridden() -> None:
    done = run("resnet50", "--set", "depth=[2,2,2,2]", "--set", "classes=10", "--input", "3x64x96", "--format", "json")
    data = json.loads(done.stdout)
    assert done.returncode == 0
    assert data["inputs"] == {"input": [3, 64, 96]}
    assert data["layers"][-1]["output"] == [10]
    assert "stage3/2/conv1" not in {row["name"] for row in data["layers"]}


def test_expand_gives_every_operation_a_row_and_depth_folds_blocks() -> None:
    assert "C1/tanh" in run("lenet5", "--expand").stdout
    assert "F6/flatten" in run("lenet5", "--expand").stdout
    folded = run("resnet50", "--depth", "1").stdout
    names = [line.split()[0] for line in folded.split("\n")[4:] if line and not line.startswith("-")]
    assert names[:8] == ["conv1", "maxpool1", "stage1", "stage2", "stage3", "stage4", "global_avgpool1", "dense1"]
    assert "25,557,032" in folded


def test_columns_are_chosen_and_ordered() -> None:
    lines = run("lenet5", "--columns", "params,name,rf_start").stdout.split("\n")
    assert lines[2].split() == ["params", "layer", "RF", "start"]
    assert lines[4].split() == ["156", "C1", "0x0"]


def test_csv_holds_every_operation_in_plain_numbers() -> None:
    rows = list(csv.DictReader(io.StringIO(run("lenet5", "--format", "csv").stdout)))
    assert [row["name"] for row in rows] == [row.name for row in cnncalc.analyze("lenet5")]
    assert sum(int(row["connections"]) for row in rows) == 340_908


def test_markdown_is_a_table_with_a_bold_total() -> None:
    text = run("lenet5", "--format", "markdown").stdout
    assert "|:--" in text
    assert "| **total** |" in re.sub(" +", " ", text)
    assert "| **340,908** |" in re.sub(" +", " ", text)


def test_latex_is_a_booktabs_table() -> None:
    text = run("resnet50", "--format", "latex", "--depth", "1").stdout
    assert text.count("\\midrule") == 2
    assert "global\\_avgpool1" in text
    assert text.count("\\begin{tabular}") == text.count("\\end{tabular}") == 1


def test_html_is_a_page_that_loads_nothing() -> None:
    text = run("lenet5", "--format", "html").stdout
    assert text.startswith("<!doctype html>")
    assert not re.search(r"<script|src=|href=|@import|url\(", text)
    assert text.count("<tr>") == 7 + 2


def test_the_ending_of_the_output_file_chooses_the_format(tmp_path: Path) -> None:
    for ending, beginning in (
        ("json", "{"),
        ("md", "###"),
        ("csv", "name,"),
        ("tex", "%"),
        ("html", "<!"),
        ("txt", "LeNet"),
    ):
        target = tmp_path / f"out.{ending}"
        assert run("lenet5", "--output", str(target)).returncode == 0
        assert target.read_text().startswith(beginning)


def test_an_output_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    target = tmp_path / "report.json"
    target.write_text("before")
    assert run("-e", "1x8x8; conv 2 k9", "--output", str(target)).returncode == 2
    assert target.read_text() == "before"
    done = run("lenet5", "--output", str(tmp_path / "no" / "such" / "folder.json"))
    assert (done.returncode, done.stdout) == (2, "")
    assert "cannot be written: No such file or directory" in done.stderr
    assert sorted(p.name for p in tmp_path.iterdir()) == ["report.json"]


def test_a_broken_expectation_is_told_and_the_status_is_1(tmp_path: Path) -> None:
    spec = tmp_path / "net.yaml"
    spec.write_text("input: 1x8x8\nlayers: [C1: conv 2 k3]\nexpect: {params: 21, macs: 648, C1.output: '<= 2x6x6'}\n")
    done = run(str(spec))
    assert done.returncode == 1
    assert "expected    2 of 3 hold" in done.stdout
    assert "not so      params: expected 21, is 20" in done.stdout
    assert run(str(spec), "--input", "1x9x9").returncode == 0  # the expectations are about the spec as written


def test_errors_go_to_standard_error_with_status_2() -> None:
    done = run("-e", "1x8x8; conv 2 k9; relux")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "-e:1:15: conv1: a 9x9 window does not fit the 8x8 input (padding 0)\n"
        "    1x8x8; conv 2 k9; relux\n"
        "                  ^^\n"
        "  hint: the largest kernel that fits is 8; or pad 1 more\n"
        "-e:1:19: unknown kind 'relux'\n"
        "    1x8x8; conv 2 k9; relux\n"
        "                      ^^^^^\n"
        "  hint: did you mean relu?\n"
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ["lenet6"],
            "lenet6: there is no such file, and no bundled network of this name\n  hint: did you mean lenet5?",
        ),
        (["specs/none.yaml"], "specs/none.yaml: there is no such file"),
        (["."], ".: this is a directory, not a spec"),
        (["lenet5", "--columns", "name,parms"], "there is no column 'parms': did you mean params?"),
        (
            ["resnet50", "--set", "widht=3"],
            "the spec has no parameter 'widht'\n  hint: did you mean width?",
        ),
        (["resnet50", "--set", "width=0"], "is not a positive whole number"),
        (["lenet5", "--input", "32"], "conv needs a map"),
        (["lenet5", "--input", "a=1x32x32"], "input: there is no input 'a'"),
        (["lenet5", "--input", "1x0x32"], "input: '1x0x32' is not a shape"),
        (["lenet5", "--set", "width"], "'width' is not NAME=VALUE"),
        (["lenet5", "-e", "1x3; relu"], "Give a SPEC or -e NET, not both."),
        (["analyze"], "Give a SPEC or -e NET."),
        (["lenet5", "--format", "xml"], "'xml' is not one of"),
        (["lenet5", "--max-operations", "5"], "the network has more than 5 operations"),
        (["kinds", "cnov"], "there is no kind 'cnov'\n  hint: did you mean conv?"),
    ],
)
def test_a_wrong_command_line_ends_with_status_2(arguments: list[str], said: str) -> None:
    done = run(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_the_bound_on_operations_is_exact() -> None:
    assert run("lenet5", "--max-operations", "14").returncode == 0
    assert run("lenet5", "--max-operations", "13").returncode == 2
    net = "3x8x8; {residual: [conv 8 k3 p1 relu], repeat: 2}"  # conv, relu, shortcut, its norm, add; conv, relu, add
    assert run("-e", net, "--max-operations", "8").returncode == 0
    assert run("-e", net, "--max-operations", "7").returncode == 2


def test_a_reader_that_goes_away_is_no_error() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    assert Forked(["resnet50"], None, {**os.environ, **SETTLED}, stdout=writer).end().stderr == b""
    os.close(writer)


def test_kinds_lists_every_kind_and_shows_the_arithmetic_of_one() -> None:
    from cnncalc.layers import KINDS

    listed = run("kinds").stdout
    assert all(re.search(rf"\b{name}\b", listed) for name in KINDS)
    page = run("kinds", "Conv2D").stdout
    assert page.startswith("conv\n")
    assert "also: convolution" in page
    assert "MACs = k × k × c × f × m × m = " in page
    assert "k3, required" in page or "[k3] (required" in page
    assert "1.7159" not in run("kinds", "tanh").stdout
    assert "operations per element: 1 negative, 1 exp, 1 add, 1 divide" in run("kinds", "sigmoid").stdout


@pytest.mark.parametrize("name", sorted(__import__("cnncalc.layers", fromlist=["KINDS"]).KINDS))
def test_every_kind_has_a_page(name: str) -> None:
    from cnncalc.cli.kinds import kind_page
    from cnncalc.formats import write_page
    from cnncalc.layers import KINDS

    text = write_page(kind_page(KINDS[name]), "plain")
    assert "example.output = " in text
    assert len(text.split("\n")[2]) > 20  # says what it does


def test_networks_are_listed_with_totals_and_sources() -> None:
    text = run("networks").stdout
    for name, params in (("lenet5", "60,000"), ("alexnet", "60,965,224"), ("vgg16", "138,357,544")):
        assert re.search(rf"^{name} .* {params} ", text, re.MULTILINE)
    assert "resnet101 (resnet50)" in text
    assert "resnet50: ResNet-50. He, Zhang, Ren, Sun 2015" in run("networks", "--sources").stdout
    data = json.loads(run("networks", "--format", "json").stdout)
    assert [entry["totals"]["params"] for entry in data["networks"] if entry["name"] == "lenet5"] == [60_000]


def test_networks_are_compared_side_by_side() -> None:
    table = run("compare", "lenet5", "ResNet-101", "mobilenet-v1:width=8", "--set", "classes=10").stdout
    rows = {line.split()[0]: line.split() for line in table.splitlines()[2:]}
    assert rows["lenet5"][3] == "60,000"
    assert rows["ResNet-101"][3] == f"{44_549_160 - 990 * 2049:,}"
    assert list(rows) == ["lenet5", "ResNet-101", "mobilenet-v1:width=8"]
    exact = json.loads(run("compare", "lenet5", "--format", "json").stdout)
    assert exact["networks"][0]["totals"]["macs"] == 328_096
    wrong = run("compare", "lenet5", "vgg16", "--set", "clases=10")
    assert wrong.returncode == 2
    assert "none of these networks has a parameter 'clases'\n  hint: did you mean classes?" in wrong.stderr
    assert "lenet6" in run("compare", "lenet5", "lenet6").stderr
    assert "Missing argument 'SPECS...'" in run("compare").stderr
    assert "is not NAME=VALUE" in run("compare", "lenet5", "--set", "x").stderr


def test_columns_of_a_comparison_that_do_not_fit_are_named() -> None:
    from cnncalc.formats import write_page
    from cnncalc.formats.page import Page, Section, Table

    rows = [["a", "1,000", "20"], ["b", "1", "3"]]
    table = Table(["network", "params", "MACs"], rows, dispensable=["MACs", "params"])
    page = Page("", [Section("", table)])
    assert write_page(page, "table", 16).splitlines() == [
        "network   params",
        "────────────────",
        "a          1,000",
        "b              1",
        "",
        "not shown",
        "  here: MACs",
    ]
    assert write_page(page, "markdown").splitlines()[1] == "|:----------|---------:|-------:|"


def test_the_ending_of_a_file_chooses_the_format_of_a_comparison(tmp_path: Path) -> None:
    run("compare", "lenet5", "-o", str(tmp_path / "a.json"))
    assert json.loads((tmp_path / "a.json").read_text())["networks"][0]["name"] == "lenet5"
    assert "no format goes by .png" in run("compare", "lenet5", "-o", str(tmp_path / "a.png")).stderr


def test_a_title_says_what_was_changed() -> None:
    assert run("resnet101").stdout.startswith("ResNet-50 with depth=[3, 4, 23, 3], input 3x224x224\n")


def test_a_folder_does_not_hide_the_bundled_network_of_its_name(tmp_path: Path) -> None:
    (tmp_path / "lenet5").mkdir()
    (tmp_path / "specs").mkdir()
    assert "60,000" in run("lenet5", cwd=tmp_path).stdout
    assert "this is a directory" in run("specs", cwd=tmp_path).stderr


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_full_disk_is_told_by_networks_too() -> None:
    with open("/dev/full", "w") as full:
        done = Forked(["networks", "mobile"], None, {**os.environ, **SETTLED}, stdout=full.fileno()).end()
    assert (done.returncode, done.stderr) == (2, b"standard output cannot be written: No space left on device\n")


def test_version_and_help() -> None:
    assert re.fullmatch(r"cnncalc \d+\.\d+\.\d+\n", run("--version").stdout)
    text = run("--help").stdout
    assert "analyze" in text
    assert "networks" in text
    assert "--exact-padding" in run("analyze", "--help").stdout


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("cnncalc len", {"lenet5", "lenet5-modern"}),
        ("cnncalc kin", {"kinds"}),
        ("cnncalc lenet5 --for", {"--format"}),
        ("cnncalc --exa", {"--exact-padding"}),
        ("cnncalc lenet5 --format la", {"latex"}),
        ("cnncalc analyze resn", {"resnet50"}),
        ("cnncalc kinds subs", {"subsample"}),
    ],
)
def test_the_shell_completes_networks_commands_and_options(line: str, expected: set[str]) -> None:
    words = line.split(" ")
    environment = {"COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1), "_CNNCALC_COMPLETE": "bash_complete"}
    found = run(**environment).stdout.split("\n")
    assert expected <= {entry.partition(",")[2] for entry in found}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("lenet5 C3", "cnncalc explain lenet5 C3"),
        ("lenet5 alexnet", "cnncalc compare lenet5 alexnet"),
        ("params lenet5", "neither a command nor a spec"),
        ("lenet5 --json", "--format json"),
        ("check lenet5 --csv", "--format csv"),
        ("rf lenet5 -f", "--format"),
        ("explain lenet5 C9", "the layers are C1, S2, C3, S4, C5, F6, OUTPUT"),
        ("rf lenet5 C9", "the layers are input, C1"),
        ("explain lenet5 C3.foo", "there is no layer 'C3.foo'"),
    ],
)
def test_what_people_try_first_is_told_what_to_write(words: str, said: str) -> None:
    done = run(*words.split())
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr


@pytest.mark.parametrize(
    ("words", "as_if"),
    [
        ("explain lenet5 C3.connections", "explain lenet5 C3 connections"),
        ("explain lenet5 c3.参数量", "explain lenet5 C3 params"),
        ("lenet5 --dtype fp16", "lenet5 --dtype float16"),
        ("memory lenet5 --dtype HALF", "memory lenet5 --dtype float16"),
        ("help", "--help"),
        ("help nothing", "--help"),
        ("help check", "check --help"),
    ],
)
def test_what_people_write_otherwise_is_the_same(words: str, as_if: str) -> None:
    done, expected = run(*words.split()), run(*as_if.split())
    assert (done.returncode, done.stdout, done.stderr) == (0, expected.stdout, expected.stderr)
