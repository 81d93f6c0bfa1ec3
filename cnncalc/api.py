"""The Python side: from a spec to a graph, from a graph to a report."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, overload

from cnncalc import sources
from cnncalc.analysis import analyze_graph
from cnncalc.errors import CnncalcError
from cnncalc.graph import Graph
from cnncalc.language import _
from cnncalc.loading import (
    Inputs,
    from_torch,
    graph_of,
    inputs_of,
    load,
    make_settings,
    pause_collection,
    source_in,
    text_of,
    weights_of,
)
from cnncalc.pages.drawing import DEFAULT, Drawing, Wish
from cnncalc.report import Report, Settings
from cnncalc.results import Comparison
from cnncalc.spec import MAX_OPERATIONS

if TYPE_CHECKING:
    from cnncalc.analysis.derivations import Derivation
    from cnncalc.analysis.fields.sets.units import UnitField
    from cnncalc.answers import Result
    from cnncalc.conventions import Reconciled
    from cnncalc.conventions.identifying import Match
    from cnncalc.difference import Difference
    from cnncalc.evidence import Verification
    from cnncalc.families.family import Family
    from cnncalc.families.results import Sweep
    from cnncalc.families.solving import Solved
    from cnncalc.spec.findings import Finding

__all__ = [
    "analyze", "check", "compare", "diff", "draw", "explain", "from_torch", "identify", "lint", "load", "networks",
    "receptive_field", "reconcile", "solve", "sweep", "to_keras", "to_torch", "verify", "weights_of",
]  # fmt: skip


def analyze(
    spec: str | os.PathLike[str] | Graph,
    *,
    set: Mapping[str, Any] | None = None,
    input: Inputs | None = None,
    dtype: str = "float32",
    batch: int = 1,
    exact_padding: bool = False,
    convention: str | os.PathLike[str] | None = None,
    max_operations: int = MAX_OPERATIONS,
    **params: Any,
) -> Report:
    """Shapes, parameters, connections, MACs, FLOPs, receptive fields and memory of a network.

    spec           as for `load`, or a graph that `load` returned
    dtype          bytes per value: float32 is 4
    batch          samples at once: work and activations are those of all of them
    exact_padding  count only taps that land on real input
    convention     count as another tool does: "thop", "fvcore", ..., or a file that says how
    **params       values for the spec's parameters: analyze("resnet50", width=32)

    Counts are exact integers; None says that a number is not known. Raises SpecError, and CnncalcError for
    settings that do not exist.
    """
    settings = make_settings(dtype, batch, exact_padding=exact_padding)
    graph = graph_of(spec, set, input, max_operations, params)
    with pause_collection():
        report = analyze_graph(graph, settings)
    if convention is None:
        return report
    from cnncalc import conventions

    return conventions.under(report, conventions.convention(os.fsdecode(convention)))


def _report_of(spec: str | os.PathLike[str] | Graph | Report, params: Mapping[str, Any]) -> Report:
    """A report as it is, or the analysis of what it would be of. Raises CnncalcError where a report is to change."""
    if not isinstance(spec, Report):
        return analyze(spec, **params)
    if params:
        raise CnncalcError(_("a report is fixed: give parameters to analyze()"))
    return spec


def reconcile(spec: str | os.PathLike[str] | Graph | Report, one: str, other: str, **params: Any) -> Reconciled:
    """Why two tools print different numbers for a network: the difference as an exact sum of causes.

    spec        a report, a graph, or as for `analyze`
    one, other  conventions: "thop" and "fvcore", or files

    The result has .one, .other, .difference, .causes and .left_over, which is 0. Raises SpecError, and CnncalcError
    for a convention that does not exist.
    """
    from cnncalc import conventions

    report = _report_of(spec, params)
    return conventions.reconcile(report, conventions.convention(one), conventions.convention(other))


def identify(spec: str | os.PathLike[str] | Graph | Report, number: int | str, **params: Any) -> list[Match]:
    """Whose number it is: which tool and unit gives a total that somebody published, the best matches first.

    Where no total is the number, a layer may have it: then .candidate.what is as `C1.macs`.

    spec    a report, a graph, or as for `analyze`
    number  a whole number, or text as people write it: "4.13G", "4.1 GFLOPs"

    A match has .candidate (.conventions, .what, .number), .how (exact, rounded or cut off) and .unit.
    """
    # Rooms are imported where they are used: whoever analyzes a network waits for none of them.
    from cnncalc.conventions.identifying import identify as identified

    report = _report_of(spec, params)
    return identified(str(number), [(report.name, report)], layers=True)[0]


def verify(
    spec: str | os.PathLike[str] | Graph,
    *,
    set: Mapping[str, Any] | None = None,
    input: Inputs | None = None,
    quantities: Sequence[str] | None = None,
    layers: Sequence[str] | None = None,
    exact_padding: bool = False,
    seed: int = 0,
    max_operations: int = MAX_OPERATIONS,
    **params: Any,
) -> Verification:
    """Hold every claim of a report against what running the network in NumPy gives.

    spec, set, input, params  as for `analyze`
    quantities, layers        only these, as `params` and `C3`; a block stands for its layers
    exact_padding             count only taps that land on real input
    seed                      of the weights and the image; no number depends on it

    `holds` of the result says whether no number differs, `checks` has them all. Raises SpecError, and
    CnncalcError for what does not exist or cannot be run.
    """
    from cnncalc import evidence

    graph = graph_of(spec, set, input, max_operations, params)
    wanted = evidence.QUANTITIES if quantities is None else quantities
    return evidence.verify(graph, quantities=wanted, layers=layers, exact_padding=exact_padding, seed=seed)


def receptive_field(
    spec: str | os.PathLike[str] | Graph,
    layer: str,
    unit: Sequence[int] | None = None,
    *,
    local: bool = False,
    set: Mapping[str, Any] | None = None,
    input: Inputs | None = None,
    max_operations: int = MAX_OPERATIONS,
    **params: Any,
) -> UnitField:
    """The pixels that one unit depends on: exactly, borders and holes included.

    layer                     a layer, a block call or a repeat, by its name
    unit                      its place (row, column), counted from 0, perhaps with a channel before it; of a vector
                              (i,); negative numbers count from the end; none: the middle
    local                     without what gates and norms bring from the whole image
    spec, set, input, params  as for `analyze`

    `inputs` of the result has a patch for each input that is seen: pixels, hull, boxes, mask(). Raises SpecError,
    and CnncalcError for a layer or a unit that does not exist.
    """
    from cnncalc.analysis.fields.sets.units import unit_field

    graph = graph_of(spec, set, input, max_operations, params)
    return unit_field(graph, layer, unit, local=local)


@overload
def explain(
    spec: str | os.PathLike[str] | Graph | Report,
    layer: str,
    quantity: str,
    *,
    since: str | None = None,
    free: Collection[str] = (),
    **params: Any,
) -> Derivation: ...


@overload
def explain(
    spec: str | os.PathLike[str] | Graph | Report,
    layer: str,
    quantity: None = None,
    *,
    since: str | None = None,
    free: Collection[str] = (),
    **params: Any,
) -> list[Derivation]: ...


def explain(
    spec: str | os.PathLike[str] | Graph | Report,
    layer: str,
    quantity: str | None = None,
    *,
    since: str | None = None,
    free: Collection[str] = (),
    **params: Any,
) -> Derivation | list[Derivation]:
    """How a number comes about: the Derivation of one quantity, or a list with those of all quantities of a layer.

    spec    a report, a graph, or as for `analyze`
    layer   a name of the report, or `total` for the sums over all layers
    since   an earlier layer or an input: the receptive field in its units
    free    letters that stay letters in a closed form: explain("lenet5", "C1", "params", free="cf")

    A Derivation has .value, .formula, .substituted, .steps, .to_latex(), and shows itself in a notebook.
    """
    from cnncalc.analysis import derivations

    report = _report_of(spec, params)
    found = derivations.explain(report, layer, quantity, since=since, free=free)
    return found if quantity is None else found[0]


def check(
    spec: str | os.PathLike[str] | Graph | Report,
    answers: str | os.PathLike[str] | Mapping[Any, Any] | Sequence[Any],
    *,
    strict: bool = False,
    accept: Collection[str] = (),
    key: str | os.PathLike[str] | None = None,
    **params: Any,
) -> Result:
    """Answers held against a network: which are right, and which mistake the wrong ones come from.

    spec     a report, a graph, or as for `analyze`
    answers  a file, or a mapping: {"C3.params": "1,516", "C3": {"output": (16, 10, 10)}, "params": "60k"}
    strict   an answer that is right under another convention earns nothing
    accept   what else is a convention, not a mistake: "no-bias", "bias"
    key      a file with the questions of an exam: nothing else counts, and what is missing does

    The result has .score from 0 to 1, .items with .verdict, .expected, .given and .mistakes, and .problems.
    Raises SpecError where nothing of a file can be read.
    """
    # Under another name, for `answers` are those that are graded.
    from cnncalc import answers as room

    report = _report_of(spec, params)
    if isinstance(answers, (str, os.PathLike)):
        sheet = room.read_sheet(os.fsdecode(answers))
    else:
        sheet = room.from_mapping(answers)
    exam = None if key is None else room.read_key(os.fsdecode(key))
    return room.Grader(report, strict=strict, accept=accept, key=exam).grade(sheet)


def draw(
    spec: str | os.PathLike[str] | Graph | Report,
    style: str = DEFAULT,
    *,
    depth: int | None = None,
    color: str = "",
    quantities: Sequence[str] = (),
    sort: str = "",
    top: int | None = None,
    log: bool = False,
    **params: Any,
) -> Drawing:
    """A drawing of a network, which shows itself in a notebook; `.svg` is its text, `.save("net.svg")` writes it.

    spec, params  a report, a graph, or as for `analyze`
    style         one of `cnncalc.pages.drawing.STYLES`
    depth         how many levels of blocks are shown; None: as many as can be read
    color         the quantity that heats the nodes of a graph
    quantities    what `costs` shows; sort: the one by which rows are ordered; top: how many rows
    log           sizes by their logarithms

    The ending of a file's name chooses the format. Raises CnncalcError for a style or a quantity that there is not.
    """
    report = _report_of(spec, params)
    return Drawing(report, style, Wish(depth, color, tuple(quantities), sort, top, log))


def to_torch(spec: str | os.PathLike[str] | Graph, **params: Any) -> str:
    """The network as the text of a PyTorch module: a class for each kind of block, the spec's names as attributes.

    spec, params  as for `analyze`

    The last class is the network, made without arguments; it takes (N, C, *size). Where the weights of the reference
    belong in it says `cnncalc.interop.torch.write.text.state_dict`. Raises CnncalcError that names the layer where
    PyTorch has nothing for it.
    """
    # The module: its function is called as this one is.
    from cnncalc.interop.torch.write import text as torch_text

    return torch_text.to_torch(graph_of(spec, params, None, MAX_OPERATIONS, {}))


def to_keras(spec: str | os.PathLike[str] | Graph, **params: Any) -> str:
    """The network as the text of a functional Keras model, channels last: a function for each kind of block.

    spec, params  as for `analyze`

    The text ends with `model = keras.Model(...)`. Where the weights of the reference belong in it says
    `cnncalc.interop.keras.write.text.layer_weights`. Raises CnncalcError that names the layer where Keras has none
    for it.
    """
    from cnncalc.interop.keras.write import text as keras_text

    return keras_text.to_keras(graph_of(spec, params, None, MAX_OPERATIONS, {}))


def compare(*specs: str | os.PathLike[str] | Graph | Report, **params: Any) -> Comparison:
    """Totals of several networks side by side: `.names` and `.reports`; printed, the table of `cnncalc compare`.

    specs, params  as for `analyze`; a report stays as it is
    """
    reports = [spec if isinstance(spec, Report) else analyze(spec, **params) for spec in specs]
    names = [
        os.fsdecode(spec) if isinstance(spec, (str, os.PathLike)) else report.name
        for spec, report in zip(specs, reports, strict=True)
    ]
    return Comparison(tuple(names), tuple(reports))


def diff(
    old: str | os.PathLike[str] | Graph | Report, new: str | os.PathLike[str] | Graph | Report, **params: Any
) -> Difference:
    """What changed from one network to another: `.same`, `.totals` and `.layers`, each with its changes.

    old, new, params  as for `analyze`; a report stays as it is
    """
    from cnncalc import difference

    before, after = (spec if isinstance(spec, Report) else analyze(spec, **params) for spec in (old, new))
    return difference.compare(before, after)


def lint(
    spec: str | os.PathLike[str] | Graph, *, input: Inputs | None = None, ignore: Collection[str] = ()
) -> list[Finding]:
    """What is in a spec for sure and probably not meant: each with `.code`, `.position`, `.text` and `.hint`.

    spec    as for `load`, or a graph
    input   another input shape, as for `load`
    ignore  codes of findings that are not looked for

    In a graph and in the model of another program `.position` is None. Raises SpecError where the spec cannot be used.
    """
    from cnncalc.spec import findings

    codes = [code for code in findings.RULES if code not in ignore]
    if isinstance(spec, Graph):
        return findings.findings_of(graph_of(spec, None, input, MAX_OPERATIONS, {}), codes)
    text = text_of(spec)
    source, inline = source_in(text)
    if source is not None:
        return findings.findings_in(source, inputs=inputs_of(input), inline=inline, codes=codes)
    # A model of another program has no text in which a finding could stand: its graph is looked at.
    if sources.reader_of(text) is not None:
        return findings.findings_of(load(text, input=input), codes)
    # `net.yaml@3x64x64` brings a shape of its own.
    name, shapes = sources.split_shapes(text)
    return findings.findings_in(sources.read_source(name), inputs=inputs_of(input) or shapes, codes=codes)


def networks() -> list[str]:
    """The names of the bundled networks, those of their variants among them: each is a spec for `analyze`."""
    from cnncalc import shipped

    return shipped.known_names()


def sweep(
    spec: str | os.PathLike[str],
    *,
    over: Mapping[str, Any] | None = None,
    input: Any = None,
    quantities: Sequence[str] | None = None,
    where: str = "",
    sort: str = "",
    top: int | None = None,
    pareto: Sequence[str] | str = (),
    dtype: str = "float32",
    batch: int = 1,
    exact_padding: bool = False,
    max_operations: int = MAX_OPERATIONS,
    **params: Any,
) -> Sweep:
    """The numbers of a spec for every combination of the values that its parameters are given.

    params      a value, or several: a range, a list or an array, as sweep("resnet50", width=range(8, 129),
                classes=10). Where a parameter is itself a list, depth=[2, 2, 2, 2] is one value, and a list of
                lists is several
    over        the same as a mapping, for parameters whose names are words of this function
    input       an input shape, or a list of several; with several inputs {name: shapes}
    quantities  of the network, "macs", or of a layer, "C3.output"; all totals unless given
    where       which members are kept: "macs <= 600M and params <= 5M"
    sort, top   a quantity or a parameter to order by, behind a - in falling order; how many are kept
    pareto      members that no other beats: "macs,-receptive_field" for few MACs and a large field

    sweep["macs"] is a NumPy array with a number per member. One that is no network has its reason in `.reasons`.
    Raises CnncalcError for names that do not exist, SpecError for a spec that cannot be read.
    """
    from cnncalc.families.asking import SHOWN, space_of, wish_of
    from cnncalc.families.columns import QUICK
    from cnncalc.families.results import result_of
    from cnncalc.families.sweeping import Sweeping

    # Without NumPy columns are lists of our own, which are nothing to hand out.
    if not QUICK:
        raise CnncalcError(_("cnncalc.sweep gives NumPy's arrays, and NumPy is not installed here"))
    family = _family_of(spec, make_settings(dtype, batch, exact_padding=exact_padding), max_operations)
    space = space_of(family, {**(over or {}), **params}, input)
    with pause_collection():
        wish = wish_of(quantities, where, sort, top, pareto)
        return result_of(Sweeping(family, space, wish), shown=SHOWN if quantities is None else None)


def solve(
    spec: str | os.PathLike[str],
    *,
    find: Mapping[str, Any],
    where: str = "",
    maximize: str = "",
    minimize: str = "",
    dtype: str = "float32",
    batch: int = 1,
    max_operations: int = MAX_OPERATIONS,
) -> Solved:
    """A question asked backwards: which values of some parameters give a network that meets conditions.

    find                values by parameter, {"k": range(1, 12), "act": ["relu", "silu"]}; `size` is that of the input
    where               "conv1.output = 6x28x28", "macs <= 600M and params <= 5M"
    maximize, minimize  a quantity or a parameter: only the solutions with the most, or the least, of it

    solved.members is a dict per solution, the usual one first; solved.misses what comes nearest where there is none.
    Raises CnncalcError for names that do not exist and for a space that is too large to be searched.
    """
    from cnncalc.families.asking import space_sought_in
    from cnncalc.families.conditions import read_conditions
    from cnncalc.families.solving import roles_in
    from cnncalc.families.solving import solve as solve_question

    family = _family_of(spec, make_settings(dtype, batch, exact_padding=False), max_operations)
    with pause_collection():
        return solve_question(
            family,
            space_sought_in(family, find),
            read_conditions(where),
            maximize=maximize,
            minimize=minimize,
            roles=roles_in(family.setting.source.text),
        )


def _family_of(spec: str | os.PathLike[str], settings: Settings, max_operations: int) -> Family:
    """A spec whose parameters take many values. Raises CnncalcError for what is no spec."""
    from cnncalc.families.asking import family_of

    text = text_of(spec)
    written, inline = source_in(text)
    return family_of(written or sources.read_source(text), inline, settings, max_operations)
