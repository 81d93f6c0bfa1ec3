"""A spec whose parameters and inputs take many values: asked for columns of numbers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from cnncalc.errors import CnncalcError, Source, suggest
from cnncalc.families.columns import Evaluated
from cnncalc.families.questions import questions_of
from cnncalc.families.settings import Setting
from cnncalc.families.singly import evaluate_singly
from cnncalc.graph_builder import MAX_OPERATIONS
from cnncalc.language import _
from cnncalc.report import Settings
from cnncalc.spec import names_of

INPUT = "input"  # the column of the only input's shapes; `input.NAME` where there are several


class Family:
    """One spec for many values of its parameters.

    source          the spec; with `inline` a one-line net, whose parameters are the names that its $ stand before
    params, inputs  what is the same for all members, as text
    settings        bytes per value, batch, taps on padding
    """

    def __init__(
        self,
        source: Source,
        *,
        inline: bool = False,
        params: Mapping[str, Any] | None = None,
        inputs: Mapping[str, Any] | None = None,
        settings: Settings | None = None,
        max_operations: int = MAX_OPERATIONS,
    ) -> None:
        self.setting = Setting(source, inline, params or {}, inputs or {}, settings or Settings(), max_operations)
        self.parameters, self.inputs = names_of(source, inline=inline)

    def evaluate(self, columns: Mapping[str, Sequence[Any]], quantities: Iterable[str]) -> Evaluated:
        """The quantities of every member.

        columns     by parameter a value per member: integers, words, lists; under INPUT shapes, as tuples or text
        quantities  of the network, `macs`, or of a layer or a block, `C3.output`

        A member that is no network has its reason; a layer that a member does not have is not known there. Raises
        CnncalcError for a parameter or a quantity that does not exist.
        """
        questions = questions_of(quantities)
        self.check_columns(columns)
        members = [
            self.split(dict(zip(columns, values, strict=True))) for values in zip(*columns.values(), strict=True)
        ]
        return evaluate_singly(self.setting, members, questions)

    def split(self, values: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """The values of one member as those of parameters and those of inputs."""
        params = {name: value for name, value in values.items() if not self.is_input(name)}
        inputs = {name[len(INPUT) + 1 :]: value for name, value in values.items() if self.is_input(name)}
        return params, inputs

    def is_input(self, column: str) -> bool:
        """Whether a column holds the shapes of an input; a parameter called `input` outranks it."""
        return column not in self.parameters and (column == INPUT or column.startswith(INPUT + "."))

    def check_columns(self, columns: Mapping[str, Sequence[Any]]) -> None:
        """Raise CnncalcError for a column that is neither a parameter nor an input, or of another length."""
        for name in columns:
            if name not in self.parameters and not self.is_input(name):
                known = [*self.parameters, INPUT]
                hint = suggest(name, known) or _("known: {names}", names=", ".join(known))
                raise CnncalcError(_("the spec has no parameter '{name}': {hint}", name=name[:40], hint=hint))
        if len({len(values) for values in columns.values()}) > 1:
            raise CnncalcError(_("every column has a value per member: their lengths differ"))
