"""The data of the page: all that it shows of one network, or of two side by side.

`page_data(reports)` is what the island in the page holds, and what its function `show(root, data)` is called with;
`data_of_text(text)` is the same for the text of a spec. Numbers and texts are those of the commands. The parts, each
with its form, are in docs/report.md.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

import cnncalc
from cnncalc.analysis import analyze_graph
from cnncalc.difference import compare
from cnncalc.errors import Source
from cnncalc.language import LANGUAGES, _
from cnncalc.pages.browser.equations import (
    Distinct,
    Equations,
    explain_costs,
    explain_fields,
    explain_layers,
    explain_peak,
)
from cnncalc.pages.browser.graph import graph_data
from cnncalc.pages.browser.network import (
    describe,
    items_of,
    memory_data,
    nodes_data,
    places_of,
    rows_data,
    totals_data,
    training_data,
)
from cnncalc.pages.browser.pool import Pool, Text
from cnncalc.pages.browser.sections import note_data
from cnncalc.pages.browser.sections import page_data as sections_of
from cnncalc.pages.browser.sides import sides_data
from cnncalc.pages.browser.texts import OF_TWO, TEXTS
from cnncalc.pages.browser.tools import tools_data
from cnncalc.pages.browser.units import borders_data, effective_data, reads_data
from cnncalc.pages.difference import difference_page
from cnncalc.pages.drawing.graph.tree import Tree
from cnncalc.pages.effective import say_assumptions
from cnncalc.report import Report, as_json
from cnncalc.spec import graph_from_text

VERSION = 2  # of the form of this data


def page_data(reports: Sequence[Report], language: str = "en") -> dict[str, Any]:
    """What the page shows of these networks, one or two, as JSON has it.

    language  in which it opens, one of LANGUAGES; it has all of them
    """
    # One pool for all networks: what their texts have in common is written once.
    pool = Pool()
    networks = [network_data(report, pool) for report in reports]
    words = {key: text for key, text in TEXTS.items() if len(reports) == 2 or key not in OF_TWO}
    own = pool.speak(lambda: {key: Text(_(text)) for key, text in words.items()})
    difference = sides = None
    if len(reports) == 2:
        found = compare(*reports)
        difference = pool.speak(lambda: sections_of(difference_page(found)))
        sides = pool.speak(lambda: sides_data(found))
    return {
        "version": VERSION,
        "generator": f"cnncalc {cnncalc.__version__}",
        "languages": list(LANGUAGES),
        "language": language,
        "own": own,
        "networks": networks,
        "difference": difference,
        "sides": sides,
        "texts": pool.texts,
    }


def network_data(report: Report, pool: Pool) -> dict[str, Any]:
    """One network: rows, operations, derivations, what units see, and how others count."""
    graph = report.graph
    assert graph is not None
    equations = Equations()
    tree = Tree(report)
    items = items_of(tree)
    places = places_of(report, items)
    # Before `equations.as_data`, which is what they have put there.
    derivations = derivations_data(report, equations, pool)
    return {
        "name": report.name,
        "inputs": [[name, list(shape)] for name, shape in graph.inputs.items()],
        "outputs": list(graph.outputs),
        **pool.speak(lambda: describe(report)),
        **rows_data(report, items),
        "graph": pool.speak(lambda: graph_data(tree, places)),
        "totals": totals_data(report),
        "memory": memory_data(report),
        "training": pool.speak(lambda: training_data(report)),
        "nodes": nodes_data(report),
        "derivations": {**derivations, **equations.as_data([node.name for node in graph.nodes])},
        "reads": reads_data(graph),
        "borders": borders_data(graph),
        "effective": {
            **effective_data(report),
            **pool.speak(lambda: {"notes": list(map(note_data, say_assumptions()))}),
        },
        "tools": tools_data(report, pool),
        "expectations": [[v.name, v.expectation.text, as_json(v.actual), v.holds] for v in report.expectations],
    }


def derivations_data(report: Report, equations: Equations, pool: Pool) -> dict[str, Any]:
    """Every derivation once, in `found`; for each quantity of each distinct layer, and for each layer, its number."""
    layers, of_layer = pool.speak(lambda: explain_layers(report, equations))
    fields, of_field = pool.speak(lambda: explain_fields(report, equations))
    costs = pool.speak(lambda: explain_costs(report, equations))
    peak = pool.speak(lambda: explain_peak(report, equations))
    distinct = Distinct()
    quantities = list(dict.fromkeys(name for layer in layers for name in layer))
    data = {
        "quantities": quantities,
        "layers": [[distinct.place(layer.get(name)) for name in quantities] for layer in layers],
        "of_layer": of_layer,
        "of_node": {
            "receptive_field": [distinct.place(fields[place]) for place in of_field],
            **{name: [distinct.place(found[place]) for place in places] for name, (found, places) in costs.items()},
        },
        "peak": distinct.place(peak),
    }
    return {**data, **share_letters(distinct.values)}


def share_letters(derivations: Sequence[Sequence[Any]]) -> dict[str, Any]:
    """Derivations in which numbers stand for letters with their meanings, each of which is written once."""
    letters = Distinct()
    found = []
    for derivation in derivations:
        parts = list(derivation)
        if len(parts) > 1:  # each letter and, behind it, what it means
            parts[1] = [letters.place(list(pair)) for pair in zip(parts[1][::2], parts[1][1::2], strict=True)]
        found.append(parts)
    return {"found": found, "letters": letters.values}


def data_of_text(text: str, name: str = "spec.yaml", language: str = "en") -> dict[str, Any]:
    """The data of the page for the text of a spec. Raises SpecError with the places of its mistakes."""
    return page_data([analyze_graph(graph_from_text(Source(name, text)))], language)


def json_text(data: Mapping[str, Any]) -> str:
    """The data as one line of JSON that may stand inside a script element: no `<` in it ends one."""
    # NaN is no JSON, and would keep a browser from reading anything.
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for character, code in ESCAPED.items():
        text = text.replace(character, code)
    # What is left begins <mi> and its like: neither a comment nor another script, which would go on for long.
    return re.sub(r"<(?![a-rt-z\\])", r"\\u003c", text)


# `</` ends the script element; the separators end a line in old JavaScript; the last turns the direction of text.
ESCAPED = {"</": "<\\/", "\u2028": "\\u2028", "\u2029": "\\u2029", "\u202e": "\\u202e"}
