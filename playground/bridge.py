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
from contextlib import redirect_stderr, redirect_stdout
from typing import Any

import cnncalc
from cnncalc.cli import main
from cnncalc.errors import Position, SpecError, SpecWarning
from cnncalc.language import _, speaking
from cnncalc.pages.browser.data import data_of_text, json_text, page_data
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
