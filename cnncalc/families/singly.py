"""A family member by member: each is read, unrolled and analyzed as if there were no other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cnncalc.analysis import analyze_graph
from cnncalc.errors import CnncalcError, SpecError
from cnncalc.families.columns import Column, Evaluated
from cnncalc.families.questions import Question
from cnncalc.families.settings import Setting
from cnncalc.report import Report
from cnncalc.spec import graph_from_text
from cnncalc.spec.values import write_value


def report_of(setting: Setting, params: Mapping[str, Any], inputs: Mapping[str, Any]) -> Report:
    """The report of one member. Raises SpecError where it is no network."""
    graph = graph_from_text(
        setting.source,
        params={**setting.params, **{name: write_value(value) for name, value in params.items()}},
        inputs={**setting.inputs, **{name: write_value(shape) for name, shape in inputs.items()}},
        max_operations=setting.max_operations,
        inline=setting.inline,
    )
    return analyze_graph(graph, setting.settings)


def layers_before(setting: Setting, params: Mapping[str, Any], inputs: Mapping[str, Any]) -> tuple[Report | None, str]:
    """Of a member that is no network the layers before the first that does not fit, and why that does not."""
    try:
        return report_of(setting, params, inputs), ""
    except SpecError as error:
        partial = None if error.partial is None else analyze_graph(error.partial, setting.settings)
        return partial, reason_of(error)


def reason_of(error: CnncalcError) -> str:
    """Why a member is no network, in one line: the first problem of its spec."""
    # The later problems of a spec often follow from its first.
    return error.problems[0].problem if isinstance(error, SpecError) else str(error)


def evaluate_singly(
    setting: Setting,
    members: Sequence[tuple[Mapping[str, Any], Mapping[str, Any]]],
    questions: Mapping[str, Question],
) -> Evaluated:
    """The columns of some members, (parameters, inputs) each."""
    values: dict[str, list[Any]] = {name: [] for name in questions}
    reasons: list[str | None] = []
    for params, inputs in members:
        try:
            report: Report | None = report_of(setting, params, inputs)
            reasons.append(None)
        # Other errors are programming mistakes, and must not pass for networks that do not work.
        except CnncalcError as error:
            report = None
            reasons.append(reason_of(error))
        for name, question in questions.items():
            values[name].append(None if report is None else question.answer(report))
    return Evaluated({name: Column.of(items) for name, items in values.items()}, reasons)
