"""From the arguments of a step to a layer: option names, values, defaults; each wrong one noted in its place."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from cnncalc.errors import OptionError, Position, Problem, UnknownValueError, suggest
from cnncalc.language import _, n_
from cnncalc.layers import Kind
from cnncalc.layers.base import Layer, Option
from cnncalc.layers.options import CONSTRUCTION
from cnncalc.spec.expressions import Scope, work_out
from cnncalc.spec.steps import Argument

LEAVE_OUT = n_("leave it out: what enters is known from the step before")
ELSEWHERE = {
    **dict.fromkeys(("in_channels", "in_features", "input_shape", "input_dim", "num_features", "in_c"), LEAVE_OUT),
    **dict.fromkeys(("activation", "act", "nonlinearity"), n_("write what follows as then: relu")),
    "name": n_("write the name in front, C3: {conv: 16, kernel: 5}"),
    "if": n_("only in long form: {conv: 16 k5, if: $heads}"),
    "weights": n_("only in long form: {conv: 16 k5, weights: C3}"),
}


class LayerMaker:
    """Makes layers; equal kinds with equal arguments give the same layer."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = problems
        self.defaults: dict[str, list[Argument]] = {}
        self.open_defaults: dict[str, tuple[Kind, list[Argument]]] = {}  # with expressions in them
        self._made: dict[tuple[str, str], Layer] = {}
        self._options: dict[str, dict[str, Option]] = {}

    def options(self, kind: Kind) -> dict[str, Option]:
        """Every name that an option of this kind goes by."""
        known = self._options.get(kind.name)
        if known is None:
            known = {}
            declared = kind.load().options
            for option in declared.values():
                known.update(dict.fromkeys(option.aliases, option))
            known.update(CONSTRUCTION)
            known.update(declared)  # an option's own name outranks another's alias
            self._options[kind.name] = known
        return known

    def set_defaults(self, kind: Kind, arguments: Iterable[Argument]) -> None:
        """Use these arguments wherever a step of this kind does not say otherwise."""
        kept = self.check_names(kind, arguments)
        if any(a.open for a in kept):
            self.open_defaults[kind.name] = (kind, kept)
        else:
            self._keep_readable(kind, kept)

    def work_out_defaults(self, scope: Scope) -> None:
        """Put the parameters' values into the defaults; from now on every layer can be made."""
        for kind, arguments in self.open_defaults.values():
            kept = []
            for argument in arguments:
                try:
                    kept.append(argument._replace(value=work_out(argument.value, scope)))
                except UnknownValueError:
                    continue
                except OptionError as error:
                    self.problems.append(Problem(error.problem, argument.position, error.hint))
            self._keep_readable(kind, kept)
        self.open_defaults.clear()

    def _keep_readable(self, kind: Kind, arguments: Iterable[Argument]) -> None:
        known = self.options(kind)
        # Noted here, once: a wrong default that was kept would be noted at every layer.
        self.defaults[kind.name] = [a for a in arguments if self._reads(kind, known[a.name or ""], a) is not None]

    def _reads(self, kind: Kind, option: Option, argument: Argument) -> tuple[Any] | None:
        """The argument's value, in a tuple; None if it is wrong, which is noted."""
        try:
            # In a tuple, since None may be what an option is set to.
            return (option.read(argument.value),)
        except OptionError as error:
            problem = _("{kind}: {option}: {problem}", kind=kind.name, option=option.name, problem=error.problem)
            self.problems.append(Problem(problem, argument.position, error.hint))
            return None

    def make(self, kind: Kind, arguments: Sequence[Argument], position: Position) -> Layer | None:
        """The layer, or None if something is wrong with it (then noted)."""
        # By their text, because values may be lists, which are no keys.
        key = (kind.name, repr([(a.name, a.value) for a in arguments]))
        if key in self._made:
            return self._made[key]
        known = self.options(kind)
        values: dict[str, Any] = {}
        sound = True
        # Defaults come first: what the step says itself comes later, and stays.
        for argument in [*self.defaults.get(kind.name, ()), *arguments]:
            option = known[argument.name or ""]
            value = self._reads(kind, option, argument)
            if value is None:
                sound = False
            else:
                values[option.name] = value[0]
        # What was given and is wrong has been noted; it is not missing besides.
        given = {known[a.name or ""].name for a in arguments} | values.keys()
        missing = [o.name for o in kind.load().options.values() if o.required and o.name not in given]
        if missing:
            self.problems.append(_missing(kind, missing, position))
        if missing or not sound:
            return None
        layer = self._made[key] = kind.load()(kind=kind.name, **values)
        return layer

    def check_names(self, kind: Kind, arguments: Iterable[Argument]) -> list[Argument]:
        """The arguments whose names this kind knows, each option at most once; the others are noted."""
        known = self.options(kind)
        kept: dict[str, Argument] = {}
        for argument in arguments:
            option = known.get(argument.name or "")
            where = argument.name_position or argument.position
            if option is None:
                own = list(kind.load().options)
                if argument.name in ELSEWHERE:
                    hint: str | None = _(ELSEWHERE[argument.name])
                else:
                    hint = suggest(argument.name or "", [*known, "then", "repeat"])
                hint = hint or (
                    _("options of {kind}: {names}", kind=kind.name, names=", ".join(own))
                    if own
                    else _("{kind} has no options", kind=kind.name)
                )
                self.problems.append(
                    Problem(_("{kind} has no option '{option}'", kind=kind.name, option=argument.name), where, hint)
                )
            elif option.name in kept:
                self.problems.append(
                    Problem(
                        _("{kind}: {option} is given twice", kind=kind.name, option=option.name),
                        where,
                        _("keep one of them"),
                    )
                )
            else:
                kept[option.name] = argument._replace(name=option.name)
        return list(kept.values())


def _missing(kind: Kind, missing: Sequence[str], position: Position) -> Problem:
    window = "2" if kind.family == "pooling" else "5"
    examples = {"filters": "6", "kernel": window, "units": "84", "groups": "4"}
    line = [kind.name]
    for o in kind.load().options.values():
        if o.required:
            number = examples.get(o.name, "2")
            line.append(number if o.main else f"{o.flag}{number}")
    # As one writes it: the kind, its main value, which is a plain number, then flags.
    line.sort(key=lambda word: (word != kind.name, not word.isdigit()))
    needed = _(" and its ").join(sorted(missing, key=lambda name: name == "kernel"))
    return Problem(
        _("{kind} needs its {needed}", kind=kind.name, needed=needed),
        position,
        _("for example `{names}`", names=" ".join(line)),
    )
