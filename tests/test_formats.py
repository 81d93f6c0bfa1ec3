"""Every command in every format, chosen by --format or the ending of -o; and texts of others, harmless in all.

A command makes one page, whatever the format: that is held once for every command and format. So texts of others go
through a command once, and its page is written in every format.
"""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import subprocess
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from cnncalc.analysis import analyze_graph
from cnncalc.cli import group
from cnncalc.cli.sweep import STREAMED
from cnncalc.errors import Source
from cnncalc.formats import ALIASES, ENDINGS, EVERYWHERE, FORMATS, write_page
from cnncalc.formats.page import Page
from cnncalc.graph import Graph
from cnncalc.report import Report
from cnncalc.spec import graph_from_text

DOCS = Path(__file__).parent.parent / "docs" / "formats.md"
SPEC = """\
name: {name}
source: {name}
input: 1x12x12
layers:
  - {layer}: conv 4 k3
  - other: maxpool 2
  - dense 10
expect:
  other.params: 1
"""
# What can be in the names of a file: escape sequences, line breaks, commands of LaTeX, of spreadsheets, of GitHub's
# log, of HTML, of Markdown; marks that turn the direction of reading; half a character.
NASTY = [
    "a\x1b[31mred", "b\x9b31m", "c\r\nd", "e\u2028f", "g\u202eh", "::stop-commands::x", "##[error]y",
    r"\input{/etc/passwd}", "100% & _$#^~{}", "=1+1", "@SUM(A1)", "+cmd|' /C calc'!A0", "-2+3",
    "<script>alert(1)</script>", "]]>", "`x`|*y*_z_", "[l](javascript:x)", "$$x$$", "\x00", "tab\tstop", "'quote\"",
]  # fmt: skip


def run(*arguments: str) -> Result:
    return CliRunner().invoke(group(), list(arguments))


def commands(spec: str) -> dict[str, tuple[str, ...]]:
    """Every command that shows something, on a network; with formats of findings behind a plus."""
    return {
        "analyze": (spec,),
        "rf": ("rf", spec),
        "rf unit": ("rf", spec, "--unit", "dense1"),
        "explain": ("explain", spec),
        "verify": ("verify", spec, "--all"),
        "compare": ("compare", spec, "lenet5"),
        "diff": ("diff", spec, "lenet5"),
        "lint": ("lint", spec),
        "check": ("check", spec),
        "check answers": ("check", spec, "other.params=3"),
        "conventions": ("conventions", spec, "--convention", "thop", "--convention", "fvcore"),
        "reconcile": ("conventions", spec, "--reconcile", "thop", "fvcore"),
        "identify": ("identify", spec, "12345"),
        "memory": ("memory", spec, "--train"),
        "sweep": ("sweep", spec, "--over", "input=1x{12..20..4}x{same}"),
        "solve": ("solve", spec, "--find", "size=12..20", "--where", "params <= 1M"),
        "lock": ("lock", spec, "--check", "--file", str(Path(spec).parent / "cnncalc.lock")),
        "networks": ("networks",),
        "kinds": ("kinds",),
        "kind": ("kinds", "conv"),
        "rules": ("lint", "--list"),
    }


WITH_FINDINGS = {"diff", "lint", "check", "check answers", "lock", "rules"}


@pytest.fixture(scope="module")
def spec(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("net")
    path = folder / "net.yaml"
    path.write_text(SPEC.format(name="net", layer="first"))
    assert run("lock", str(path), "--file", str(folder / "cnncalc.lock")).exit_code == 0
    path.write_text(SPEC.format(name="net", layer="first").replace("conv 4", "conv 5"))
    return str(path)


@pytest.fixture(scope="module", autouse=True)
def _bundled_specs_are_read_once() -> Iterator[None]:
    """A text is read and counted once for all formats; `networks` alone would go through all of them for each."""
    known: dict[str, Graph] = {}
    reports: dict[int, Report] = {}

    def read(source: Source, **changes: Any) -> Graph:
        if changes.get("claims"):
            return graph_from_text(source, **changes)
        key = repr((source, sorted(changes.items())))
        if key not in known:
            known[key] = graph_from_text(source, **changes)
        return known[key]

    def count(graph: Graph, *settings: Any) -> Report:
        if settings or not any(graph is other for other in known.values()):
            return analyze_graph(graph, *settings)
        if id(graph) not in reports:
            reports[id(graph)] = analyze_graph(graph)
        return reports[id(graph)]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("cnncalc.analysis.analyze_graph", count)
        for reader in ("spec", "sources", "cli.diff"):
            patch.setattr(f"cnncalc.{reader}.graph_from_text", read)
        yield


run_once = cache(run)


def run_for_page(*words: str) -> tuple[Result, Page | None]:
    """What a command ends with, and the page that it writes; none where it writes none."""
    pages: list[Page] = []

    def keep(page: Page, *how: Any) -> str:
        pages.append(page)
        return write_page(page, *how)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("cnncalc.cli.output.write_page", keep)
        done = run(*words, "--format", "plain")
    return done, pages[-1] if pages else None


page_once = cache(run_for_page)


def in_format(format: str, words: tuple[str, ...], page: Page) -> str:
    """The page of a command in a format; what is written without one is asked of the command."""
    if words[0] == "sweep" and format in STREAMED:
        return run(*words, "--format", format).stdout
    return write_page(page, format, shutil.get_terminal_size().columns if format == "table" else None)


@pytest.mark.parametrize("format", FORMATS)
def test_every_command_has_every_format(format: str, spec: str) -> None:
    for name, words in commands(spec).items():
        other, page = page_once(*words)
        assert page is not None
        if FORMATS[format].of_findings and page.findings is None:
            continue
        done = run_once(*words, "--format", format)
        assert done.exit_code in (0, 1), (name, done.output, done.exception)
        assert well_formed(format, done.stdout), name
        assert (done.exit_code, done.stderr) == (other.exit_code, other.stderr), name
        assert done.stdout == in_format(format, words, page), name


@pytest.mark.parametrize("ending", sorted(ENDINGS))
def test_the_ending_of_the_file_chooses_the_format(ending: str, spec: str, tmp_path: Path) -> None:
    format = ENDINGS[ending]
    for name, words in commands(spec).items():
        if FORMATS[format].of_findings and name not in ("diff", "lint", "check", "lock"):
            continue
        file = tmp_path / f"page.{ending}"
        file.unlink(missing_ok=True)
        done = run(*words, "-o", str(file))
        assert done.exit_code in (0, 1), (name, done.output, done.exception)
        assert file.read_text(encoding="utf-8") == run_once(*words, "--format", format).stdout, name


def test_an_ending_that_is_no_format_is_refused_by_every_command(spec: str, tmp_path: Path) -> None:
    for words in commands(spec).values():
        done = run(*words, "-o", str(tmp_path / "page.docx"))
        assert done.exit_code == 2
        assert "no format goes by .docx" in done.stderr
        assert not (tmp_path / "page.docx").exists()


def test_json_of_every_command_has_a_version(spec: str) -> None:
    for name, words in commands(spec).items():
        data = json.loads(run_once(*words, "--format", "json").stdout)
        assert data["schema_version"] == 1, name


def test_a_name_of_before_means_the_same_and_is_not_shown(spec: str) -> None:
    for alias, name in ALIASES.items():
        assert run("explain", spec, "--format", alias).stdout == run("explain", spec, "--format", name).stdout
        assert f"{alias}|" not in run("explain", "--help").stdout


@pytest.mark.parametrize("format", FORMATS)
def test_every_format_is_a_file_of_its_own_with_docs(format: str) -> None:
    from importlib import import_module

    module = import_module(f"cnncalc.formats.{format}")
    assert callable(module.render)
    told = DOCS.read_text(encoding="utf-8")
    assert f"| `{format}` |" in told
    assert all(f"`.{ending}`" in told for ending in FORMATS[format].endings)


# Names of others


@pytest.mark.parametrize("where", ["network", "layer"])
@pytest.mark.parametrize("nasty", NASTY, ids=range(len(NASTY)))
def test_no_name_gets_through(nasty: str, where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The name of a network and its source, or that of a layer, in every format of the commands that show them."""
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    path = tmp_path / "net.yaml"
    name = json.dumps(nasty) if where == "network" else "net"
    layer = json.dumps(nasty) if where == "layer" else "first"
    path.write_text(SPEC.format(name=name, layer=layer), encoding="utf-8")
    usable = run("lock", str(path), "--file", str(tmp_path / "cnncalc.lock")).exit_code == 0
    assert usable or where == "layer" or not nasty.isprintable()  # specs refuse what cannot be shown; models do not
    path.write_text(SPEC.format(name=name, layer=layer).replace("conv 4", "conv 5"), encoding="utf-8")
    for name, words in commands(str(path)).items() if usable else [("analyze", (str(path),))]:
        if name in ("networks", "kinds", "kind", "rules"):
            continue
        done, page = run_for_page(*words)
        assert done.exit_code in (0, 1, 2), (name, done.exception)
        assert harmless(done.stderr, "plain"), (name, done.stderr)
        for format, row in FORMATS.items() if done.exit_code != 2 else ():
            if row.of_findings and name not in WITH_FINDINGS:
                continue
            assert page is not None, name
            if row.of_findings and page.findings is None:  # answers have none, and that is said
                refused = run(*words, "--format", format)
                assert refused.exit_code == 2, (name, format)
                assert harmless(refused.stderr, "plain"), (name, format)
                continue
            text = in_format(format, words, page)
            assert well_formed(format, text), (name, format)
            assert harmless(text, format), (name, format, text)


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
def test_tex_sets_what_every_command_writes(tmp_path: Path) -> None:
    """In one document, with the packages that the first lines ask for; names of the marks of TeX."""
    path = tmp_path / "net.yaml"
    name = json.dumps("a\\\\b_c & 100% $x$ #1 ~^ {y} \\\\input{/etc/passwd} <s>")
    path.write_text(SPEC.format(name=name, layer="a_b+c-d"), encoding="utf-8")
    text = [r"\documentclass{article}\usepackage{booktabs,longtable,amsmath}\begin{document}"]
    for words in commands(str(path)).values():
        done = run(*words, "--format", "latex")
        assert done.exit_code in (0, 1, 2), words
        text.append(done.stdout if done.exit_code != 2 else "")
    (tmp_path / "all.tex").write_text("\n\n".join([*text, r"\end{document}"]), encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "all.tex"]
    done_tex = subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=120)
    assert done_tex.returncode == 0, done_tex.stdout[-1500:].decode("utf-8", "replace")


@pytest.mark.parametrize("format", FORMATS)
def test_no_text_of_a_page_gets_through(format: str) -> None:
    """Every text that a page can have, as names of models come in: nothing has looked at them before."""
    from cnncalc.formats.findings import Case, Finding, Suite
    from cnncalc.formats.page import Derived, Formula, Section, Table

    for nasty in NASTY:
        formula = Formula(lambda how: ["x", "1"])
        table = Table([nasty, "n"], [[nasty, "1"], [nasty, nasty]], foot=[nasty, ""], below=[[nasty], []])
        suites = [Suite(nasty, nasty, [Case(nasty, (nasty, nasty)), Case(nasty)])]
        for document in (False, True):
            page = Page(
                nasty,
                [
                    Section(
                        "rows", table, [{nasty: nasty, "n": [nasty]}], nasty, [nasty, (nasty, nasty)], folded=nasty
                    ),
                    Section("", table, heading=nasty, notes=[nasty], derived=Derived([(formula, nasty)], [formula])),
                ],
                {"name": nasty},
                findings=[Finding(nasty, 1, 1, nasty, nasty)],
                suites=suites,
                summary=nasty,
                document=document,
            )
            for width in (None, 40):
                text = write_page(page, format, width)
                assert harmless(text, format), (nasty, text)
                assert well_formed(format, text) or format == "csv", (nasty, text)


def test_docutils_reads_every_text_as_it_is() -> None:
    """No text of a page is markup to reStructuredText: a cell says what it said, and nothing is complained about."""
    docutils = pytest.importorskip("docutils.core", reason="docutils is not installed")
    from cnncalc.formats import plain
    from cnncalc.formats.page import Section, Table

    beginnings = [
        "1. x",
        "(a) y",
        "- z",
        "iv) q",
        "a::",
        "x_",
        "..  c",
        "--opt",
        "=====",
        ">>> 1",
        ":f: x",
        "A.",
        "• x",
    ]
    for text in [*NASTY, *beginnings]:
        table = Table([text, "n"], [[text, "1"], ["", text], [text, text]], foot=[text, ""])
        complaints = io.StringIO()
        tree = docutils.publish_doctree(
            write_page(Page(text, [Section("rows", table, heading="of it", notes=[text])]), "rst"),
            settings_overrides={"warning_stream": complaints, "report_level": 2},
        )
        cells = [cell.astext() for cell in tree.findall(lambda node: node.tagname == "entry")]
        said = plain.escape(text)
        assert cells == [said, "n", said, "1", "", said, said, said, said, ""]
        assert (tree.astext().split("\n\n")[0], complaints.getvalue()) == (said, "")
        assert {node.tagname for node in tree.findall() if node.tagname.endswith("_list")} == {"bullet_list"}


def test_formulas_are_math_in_restructuredtext() -> None:
    text = run("explain", "lenet5", "C3", "connections", "--format", "rst").stdout
    assert "\n    \\text{connections} = \\text{params} \\times m \\times m" in text
    assert "\n.. math::\n\n    " in text
    assert "- :math:`k = 5`: " in text  # C3 of LeNet-5 has windows of 5x5: LeCun et al. 1998, section II-B


def test_a_file_of_answers_gets_nothing_through(tmp_path: Path) -> None:
    for i, nasty in enumerate(NASTY):
        sheet = tmp_path / f"{i}.csv"
        with sheet.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([["layer", "params"], ["C3", nasty], [nasty, "5"]])
        for marks in ((), ("--marks",)):
            words = ("check", "lenet5", str(sheet), *marks)
            done, page = run_for_page(*words)
            assert done.exit_code in (0, 1, 2), (nasty, done.exception)
            assert harmless(done.stderr, "plain")
            for format in EVERYWHERE:
                text = in_format(format, words, page) if page is not None else done.stdout
                assert harmless(text, format), (nasty, format)


def test_what_an_error_shows_is_no_command_to_a_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    path = tmp_path / "net.yaml"
    path.write_text("input: 1x8x8\nlayers:\n  - |\n    x\n  ::stop-commands::x\n")
    for words in ((str(path),), ("check", str(path)), ("lint", str(path)), ("diff", str(path), "lenet5")):
        assert harmless(run(*words).stderr, "plain")


def test_what_is_wrong_with_an_option_is_no_command_to_a_log(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    nasty = "a\n::stop-commands::x\x1b[31m"
    for words in (
        ("diff", "lenet5", "alexnet", "--max-increase", nasty), ("lenet5", "--format", nasty), ("lenet5", nasty),
        ("rf", "lenet5", f"--{nasty}"), (nasty,), ("lenet5", "--columns", nasty), ("lenet5", "--set", nasty),
    ):  # fmt: skip
        done = run(*words)
        assert done.exit_code == 2, words
        assert harmless(done.stderr, "plain"), done.stderr
        assert not [line for line in done.stderr.splitlines() if line.startswith("::")], done.stderr


def harmless(text: str, format: str) -> bool:
    """Whether nothing in a text acts: on a terminal, in a log, in TeX, a browser or a spreadsheet."""
    lines = text.split("\n")
    shown = re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]", text) is None
    if format == "latex":
        told = [line for line in lines if not line.startswith("%")]
        return shown and not re.search(r"\\input|(?<!\\)[#]", "\n".join(told))
    if format == "html":
        return shown and "<script" not in text
    if format == "csv":
        cells = [cell for row in csv.reader(io.StringIO(text)) for cell in row]
        return shown and not any(cell[:1] in tuple("=@") or ("cmd|" in cell[:6] and cell[:1] == "+") for cell in cells)
    if format == "markdown":
        return shown and not re.search(r"(?<!\\)<script", text)
    if format == "github":
        known = ("::error ", "::warning ", "::notice ")
        return shown and all(line.startswith(known) for line in lines if line.lstrip().startswith("::"))
    if format == "plain":
        return shown
    return shown


class Tags(HTMLParser):
    """Whether tags are closed in the order in which they were opened."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def well_formed(format: str, text: str) -> bool:
    """Whether a text can be what its format says."""
    if format in ("json", "sarif"):
        return bool(json.loads(text))
    if format == "junit":
        return ElementTree.fromstring(text).tag == "testsuites"
    if format == "html":
        tags = Tags()
        tags.feed(text)
        return text.startswith("<!doctype html>") and not tags.open
    if format == "csv":
        return len({len(row) for row in csv.reader(io.StringIO(text))}) <= 1
    if format == "latex":
        return list(environments(text, "begin")) == list(environments(text, "end")) or balanced(text)
    return text.endswith("\n") or format == "github"


def environments(text: str, which: str) -> Iterator[str]:
    return (found[1] for found in re.finditer(rf"(?m)^\\{which}\{{(\w+\*?)\}}", text))


def balanced(text: str) -> bool:
    return sorted(environments(text, "begin")) == sorted(environments(text, "end"))


# What a table shows


def test_options_and_the_shape_that_enters_are_columns() -> None:
    rows = run("alexnet", "--columns", "name,input,k,s,p,d,g", "--format", "csv").stdout.splitlines()
    assert rows[0] == "name,input,kernel,stride,padding,dilation,groups"
    assert rows[1] == "conv1,3x227x227,11,4,0,1,1"  # Krizhevsky et al. 2012, figure 2, with the size that fits
    assert "conv2,96x27x27,5,1,2,1,2" in rows
    assert "pool1,96x55x55,3,2,0,1," in rows
    assert "kernel" not in run("alexnet", "--format", "csv").stdout  # only where it is asked for


def test_rows_are_sorted_and_the_largest_shown() -> None:
    text = run("alexnet", "--sort", "macs", "--top", "2").stdout
    names = [line.split()[0] for line in text.splitlines() if line.startswith("conv")]
    assert names == ["conv2", "conv3"]  # 223,948,800 and 149,520,384
    assert "2 of 13 are shown" in text
    assert "724,406,816" in text  # the total stays that of all
    assert run("alexnet", "--top", "2").stdout == text
    layers = run("alexnet", "--sort", "output", "--format", "csv").stdout.splitlines()
    assert layers[1].startswith("conv1,")


def test_a_column_that_there_is_not_is_answered_with_those_that_there_are() -> None:
    for words in (("--columns", "nme"), ("--sort", "zzz")):
        done = run("lenet5", *words)
        assert done.exit_code == 2
        assert "activation_bytes, parameter_bytes" in done.stderr


def test_the_place_of_the_peak_is_said() -> None:
    # The first unit of stage 1: input 64x56x56, branch and projection at 256x56x56, twice with the batch norm.
    assert "at peak, in stage1/0/projection/batchnorm" in run("resnet50").stdout
    assert "at peak, in" not in run("-e", "4").stdout


def test_table_and_derivation_say_what_each_of_them_counts() -> None:
    for quantity, own, row in (("flops", "301,600", "303,200"), ("activation_bytes", "6,400", "12,800")):
        text = run("explain", "lenet5", "C3", quantity).stdout
        assert f"C3.{quantity} = {own}\n" in text
        assert f"The row of the table has {row}, with C3/tanh." in text
    assert "row of the table" not in run("explain", "lenet5", "C3", "params").stdout
    assert "activations count in the row of their layer" in run("lenet5").stdout
    assert "activations count" not in run("lenet5", "--expand").stdout


def test_nothing_is_above_what_is_explained_alone() -> None:
    assert "as above" not in run("explain", "lenet5", "C3", "flops").stdout
    assert "as above" in run("explain", "lenet5", "C3").stdout


@pytest.mark.parametrize("width", [80, 100])
def test_tables_wrap_at_the_width_and_break_no_word(width: int, spec: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from cnncalc.errors import columns_of

    monkeypatch.chdir(Path(spec).parent)
    wide = commands("net.yaml")
    for name, words in wide.items():
        if name in ("kind", "explain"):  # code and formulas are not broken
            continue
        text = CliRunner(env={"COLUMNS": str(width)}).invoke(group(), [*words, "--format", "table"]).stdout
        long = [line for line in text.splitlines() if columns_of(line) > width]
        assert all(sum(c.isdigit() for c in line) > 12 or set(line) <= {"─"} for line in long), (name, long)  # numbers


def test_a_cell_of_text_gets_several_lines_and_no_word_is_cut() -> None:
    from cnncalc.formats.page import Section, Table

    table = Table(
        ["tool", "what it is", "number"], [["thop, fvcore, ptflops", "FLOPs of all operators", "12,345"]], left=2
    )
    lines = write_page(Page("", [Section("", table)]), "table", 44).splitlines()
    assert [line.split() for line in lines[2:]] == [
        ["thop,", "fvcore,", "FLOPs", "of", "all", "12,345"],
        ["ptflops", "operators"],
    ]
    assert max(map(len, lines)) <= 44
