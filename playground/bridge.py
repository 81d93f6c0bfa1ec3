"""What the page asks of cnncalc: commands as people type them, the problems of a text, what can be chosen.

Runs inside the browser, on the installed package; it computes nothing itself. Each function takes and gives JSON, so
that no object of Python has to live in JavaScript.
"""

from __future__ import annotations

import io
import json
import os
import tempfile
import warnings
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from typing import Any

import cnncalc
from cnncalc.cli import main
from cnncalc.errors import Position, Source, SpecError, SpecWarning
from cnncalc.language import _, speaking
from cnncalc.pages.browser.data import data_of_text, json_text, page_data
from cnncalc.report import Settings
from cnncalc.sources import read_source

SPEC = "network.yaml"  # the text in the editor, for every command
MOST_OPERATIONS = 20_000  # a page that answers at every key draws no larger network
WORKPLACE = tempfile.mkdtemp()  # a folder of the page's memory: no file of the reader's is written


def command(asked: str) -> str:
    """{"argv": [...], "spec": text} -> {"status", "out", "err"}: what the command line prints, in the same words."""
    request = json.loads(asked)
    _keep(request.get("spec"))
    out, err = io.StringIO(), io.StringIO()
    status: Any = 0
    with redirect_stdout(out), redirect_stderr(err):
        try:
            main(request["argv"])
        except SystemExit as end:
            status = end.code or 0
    return json.dumps({"status": status, "out": out.getvalue(), "err": err.getvalue()})


def drawing(asked: str) -> str:
    """As `command`, for one that writes a picture: OUT in "argv" stands for the file, whose text is "picture"."""
    request = json.loads(asked)
    path = os.path.join(WORKPLACE, "picture.svg")
    if os.path.exists(path):
        os.remove(path)
    request["argv"] = [path if word == "OUT" else word for word in request["argv"]]
    answer = json.loads(command(json.dumps(request)))
    if os.path.exists(path):
        with open(path, encoding="utf-8") as file:
            answer["picture"] = file.read()
    return json.dumps(answer)


def prepare() -> None:
    """Load what questions over many networks need, so that the time of none of them goes into it."""
    argv = ["solve", "-e", "1x8x8; conv 1 k$k", "--find", "k=1..3", "--where", "conv1.output=1x6x6", "--format", "html"]
    command(json.dumps({"argv": argv}))


def problems(asked: str) -> str:
    """{"spec": text, "lang"} -> a list of {"line", "column", "width", "problem", "hint", "severity"}, from 1."""
    request = json.loads(asked)
    found: list[dict[str, Any]] = []
    with speaking(request.get("lang")), warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always", SpecWarning)
        try:
            cnncalc.load(_whole(request["spec"]), max_operations=MOST_OPERATIONS)
            found += [_problem(f.position, f.text, f.hint, "info") for f in cnncalc.lint(_whole(request["spec"]))]
        except SpecError as error:
            found += [_problem(p.position, p.problem, p.hint, "error") for p in error.problems]
        except cnncalc.CnncalcError as error:
            found.append(_problem(None, str(error), None, "error"))
        found += [_problem(None, str(warning.message), None, "warning") for warning in told]
    return json.dumps(found)


def choices(asked: str) -> str:
    """{"lang"} -> what the page offers: bundled networks, family by family, with their texts; the version."""
    shown = json.loads(json.loads(command(json.dumps({"argv": ["networks", "--format", "json"]})))["out"])["networks"]
    with speaking(json.loads(asked).get("lang")):
        networks = [
            {"family": _(n["family"]), "name": n["name"], "title": n["title"], "spec": read_source(n["name"]).text}
            for n in shown
        ]
    return json.dumps({"networks": networks, "version": cnncalc.__version__})


def report(asked: str) -> str:
    """{"spec": text, "lang"} -> the data of the page that explains a network (docs/report.md).

    {"path": where JavaScript put a model, "unknown": whether operators may be unknown, "lang"}: of that model.
    """
    request = json.loads(asked)
    language = request.get("lang", "en")
    with speaking(language):
        if "path" not in request:
            return json_text(data_of_text(_whole(request["spec"]), SPEC, language))
        graph = cnncalc.load(request["path"], max_operations=MOST_OPERATIONS, allow_unknown=request["unknown"])
        return json_text(page_data([cnncalc.analyze(graph)], language))


def examples(asked: str) -> str:
    """{"spec": text} -> what can be asked of this network and others like it, as what fills the fields of the cards.

    {"solve": [{"about": which of them, "name": of what, "net", "find", "where", "best": as they are typed}, ...],
    "sweep": [{"about", "name", "over"}, ...]}
    """
    text = _whole(json.loads(asked)["spec"])
    graph = cnncalc.load(text, max_operations=MOST_OPERATIONS)
    side = _side(text)
    width = _width(graph)
    depth = {"about": "depth", "net": "3x224x224; conv 8 k3 p1 x$n", "find": "n=1..40", "where": "receptive_field=31"}
    backwards = [_window(graph), width, _size(graph, side) if side else None, depth]
    varied = []
    if width:
        varied.append({"about": "everyWidth", "name": width["name"], "over": width["find"]})
    if side:
        (channels, *_sides), *_others = graph.inputs.values()
        over = f"input={channels}x{{{side // 2}..{2 * side}..{max(1, side // 8)}}}x{{same}}"
        varied.append({"about": "everySize", "name": "input", "over": over, "up": "peak_activation_bytes"})
    if len(varied) == 2:
        varied.append({"about": "both", "over": "\n".join(example["over"] for example in varied)})
    return json.dumps({"solve": [example for example in backwards if example is not None], "sweep": varied})


def _window(graph: cnncalc.Graph) -> dict[str, str] | None:
    """Which kernel, stride and padding give a layer the output that it has: the first with a square kernel."""
    for node, facts in zip(graph.nodes, graph.facts, strict=True):
        layer, entered = node.layer, graph.shape(node.reads[0]) if node.reads else ()
        if layer.kind == "conv" and len(set(layer.kernel)) == len(set(layer.stride)) == 1 and len(entered) == 3:
            groups = f" g{layer.groups}" if layer.groups > 1 else ""
            return {
                "about": "window",
                "name": node.name,
                "net": f"{_text(entered)}; conv {layer.filters} k$k s$s p$p{groups}",
                "find": f"k=1..{max(11, layer.kernel[0])},s=1..{max(4, layer.stride[0])},p=0..5",
                "where": f"conv1.output={_text(facts.output)}",
            }
    return None


def _width(graph: cnncalc.Graph) -> dict[str, str] | None:
    """The largest value of a parameter, no number of classes or channels, within about half of the MACs."""
    ends = {graph.facts[-1].output[0], *(shape[0] for shape in graph.inputs.values())}
    macs = cnncalc.analyze(graph).totals.macs
    for name, value in graph.params.items():
        if type(value) is int and value >= 8 and value not in ends and macs:
            first, step = (8, "..8") if value % 8 == 0 else (1, "")
            where = f"macs<={_about(macs // 2)}"
            find = f"{name}={first}..{2 * value}{step}"
            return {"about": "width", "name": name, "find": find, "where": where, "best": f"+{name}"}
    return None


def _side(text: str) -> int:
    """The height and width of the only input, where it is a square that depends on nothing; else 0."""
    from cnncalc.families.asking import family_of, own_shape  # only where it is asked: the page starts without families

    try:
        entered = own_shape(family_of(Source(SPEC, text), False, Settings()))
    except cnncalc.CnncalcError:  # several inputs, or one that depends on parameters
        return 0
    return entered[1] if len(entered) == 3 and entered[1] == entered[2] else 0


def _size(graph: cnncalc.Graph, side: int) -> dict[str, str] | None:
    """Which square inputs give the last map with a height and a width the sizes that it has."""
    shown = [(node.name, f.output) for node, f in zip(graph.nodes, graph.facts, strict=True) if not node.shown_with]
    maps = [(name, output) for name, output in shown if len(output) == 3 and output[1] > 1]
    if not maps:
        return None
    name, output = maps[-1]
    where = f"{name}.output={_text(output)}"
    return {"about": "size", "name": name, "find": f"size=1..{2 * side}", "where": where}


def _text(shape: Sequence[int]) -> str:
    return "x".join(map(str, shape))


def _about(count: int) -> str:
    """A count as people write one, no less than it is: 2.1G, 300M."""
    for unit, letter in ((10**9, "G"), (10**6, "M"), (10**3, "k")):
        if count >= 10 * unit:
            return f"{-(-count // unit)}{letter}"
        if count >= unit:
            return f"{-(-10 * count // unit) / 10}{letter}"
    return str(count)


def model(asked: str) -> str:
    """{"path": where JavaScript put it, "lang"} -> {"spec": text}, {"error": text} or {"why": text, "unknown"}.

    "why" is why no spec says this model, which can be shown all the same; "unknown" whether it has operators that
    are not known. What reading and writing say beside a spec stands above it, as comments.
    """
    request = json.loads(asked)
    asked_for = [request["path"], "--max-operations", str(MOST_OPERATIONS), "--lang", request.get("lang", "en")]

    def run(*argv: str) -> dict[str, Any]:
        return dict(json.loads(command(json.dumps({"argv": argv}))))

    written = run("convert", *asked_for, "--to", "spec")
    said = written["err"].replace(f"{request['path']}: ", "").strip().splitlines()
    if written["status"] == 0:
        return json.dumps({"spec": "".join(f"# {line}\n" for line in said) + written["out"]})
    for options in ([], ["--allow-unknown"]):
        if run("analyze", *asked_for, *options, "--format", "json")["status"] == 0:
            why = [line for line in said if "--allow-unknown" not in line]  # which is what is done here
            return json.dumps({"why": "\n".join(why), "unknown": bool(options)})
    return json.dumps({"error": "\n".join(said)})


def _keep(spec: str | None) -> None:
    os.chdir(WORKPLACE)
    if spec is not None:
        with open(SPEC, "w", encoding="utf-8") as file:
            file.write(spec)


def _whole(text: str) -> str:
    """A text that `load` takes for YAML whatever stands in it."""
    return text if "\n" in text else text + "\n"


def _problem(position: Position | None, problem: str, hint: str | None, severity: str) -> dict[str, Any]:
    line, column, width = position or Position(1, 1)
    return {"line": line, "column": column, "width": width, "problem": problem, "hint": hint, "severity": severity}
