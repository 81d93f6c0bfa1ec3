"""Each answer held against the report: right, right by another convention, wrong, or not to be read."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

from cnncalc.answers.layer_names import LayerNames
from cnncalc.answers.matching import EXACT, Match, match, match_binary
from cnncalc.answers.mistakes import diagnosis
from cnncalc.answers.mistakes.diagnosis import Mistake
from cnncalc.answers.notation import Reading, read
from cnncalc.answers.options import (
    OPTIONS,
    has_option,
    is_own_value,
    option_of,
    output_of,
    own_value,
    sentence_of,
    try_value,
    value_in,
)
from cnncalc.answers.recounting import Conventions, count_as_shown, read_allowed, value_of
from cnncalc.answers.sheets.sheet import Answer, Sheet
from cnncalc.answers.unnamed import name_quantities
from cnncalc.answers.words import IN_BYTES, QUANTITIES, SHAPED, quantity_of
from cnncalc.errors import OptionError, Problem, describe, suggest
from cnncalc.language import _
from cnncalc.quantities import LAYER_NAMES, NETWORK_NAMES, SUMMED, USUAL, listed_in
from cnncalc.report import Report

OF_THE_NETWORK, OF_A_LAYER = NETWORK_NAMES, tuple(name for name in QUANTITIES if name in LAYER_NAMES)
PARAMS, TRAINABLE = "params", "trainable_params"
VERDICTS = ("right", "convention", "wrong", "unreadable", "missing")
Key = tuple[str | None, str]


class Item(NamedTuple):
    """One answer and what became of it. `expected` is None where the layer or the quantity does not exist."""

    layer: str | None
    quantity: str
    given: str
    expected: Any
    verdict: str  # one of VERDICTS
    convention: str = ""  # under which it is right
    mistakes: tuple[Mistake, ...] = ()
    points: Fraction = Fraction(1)
    earned: Fraction = Fraction(0)
    line: int | None = None
    remark: str = ""  # what a right answer leaves open
    asked: bool = True  # False: the key does not ask for it

    @property
    def holds(self) -> bool:
        """Whether it is right: under a convention, where that earns its points; or is not asked for."""
        counts = self.verdict == "right" or (self.verdict == "convention" and self.earned == self.points)
        return counts or not self.asked

    @property
    def name(self) -> str:
        """`C3.params`, or `params` of the whole network."""
        return f"{self.layer}.{self.quantity}" if self.layer else self.quantity


class Result(NamedTuple):
    """A sheet, graded: its items in order, and what could not be read."""

    sheet: Sheet
    items: tuple[Item, ...]
    problems: tuple[Problem, ...] = ()

    def __repr__(self) -> str:
        return f"<Result: {len(self.items)} answers, score {self.score:.2f}>"

    def __str__(self) -> str:
        """What the command prints."""
        from cnncalc.display import text_of

        return text_of(self)

    def _repr_html_(self) -> str:
        from cnncalc.display import html_of

        return html_of(self)

    @property
    def points(self) -> Fraction:
        """The points that could be had."""
        return sum((item.points for item in self.items), Fraction(0))

    @property
    def earned(self) -> Fraction:
        """The points that were had."""
        return sum((item.earned for item in self.items), Fraction(0))

    @property
    def score(self) -> float:
        """The part of the points that was earned: 0 to 1."""
        return float(self.earned / self.points) if self.points else 0.0

    @property
    def holds(self) -> bool:
        """Whether everything is right, by this convention or another, and all could be read."""
        return not self.problems and bool(self.items) and all(item.holds for item in self.items)

    def messages(self) -> list[str]:
        """Every problem at file:line:column."""
        return self._describe(self.problems)

    def all_messages(self) -> list[str]:
        """The problems, and what was passed over."""
        return self._describe((*self.problems, *self.sheet.notes))

    def _describe(self, problems: Iterable[Problem]) -> list[str]:
        lines = self.sheet.source.text.split("\n")
        return [describe(problem, self.sheet.source.name, lines) for problem in problems]


class Grader:
    """Grades sheets against one report; whatever several sheets need is worked out once.

    strict  an answer that is right under another convention earns nothing
    accept  words of recounting.ALLOWED: what else is a convention
    key     a sheet of the teacher's with the questions. It is the exam: nothing else earns or costs points, and what is
            missing costs them. Where it has an answer, that is right too; where it has none, the report's is.
    """

    def __init__(
        self, report: Report, *, strict: bool = False, accept: Collection[str] = (), key: Sheet | None = None
    ) -> None:
        self.report = report
        self.strict = strict
        self.accept = frozenset(accept)
        self.conventions = Conventions(report)
        self.layers = LayerNames(((row.name, row.kind) for row in report.layers), report.groups)
        # A class makes the same mistakes again and again: each is looked for once.
        self.diagnosed: dict[tuple[Key, tuple[Any, ...]], tuple[Mistake, ...]] = {}
        self.key_sheet = key
        self.key_problems: list[Problem] = list(key.problems) if key else []
        self.key: dict[Key, Answer] = {}
        for answer in key.answers if key else ():
            found = self.resolve(answer, self.key_problems)
            if found is not None and found in self.key:
                said = _("a second row for {name}: the first one counts", name=name_answer(found))
                self.key_problems.append(Problem(said, answer.position))
            elif found is not None:
                self.key[found] = self.with_own_answer(found, answer)

    def with_own_answer(self, key: Key, answer: Answer) -> Answer:
        """A row of the key whose answer is accepted too; where it is another than the report's, that is said."""
        if not answer.text.strip():
            return answer
        graded = self.grade_answer(key, answer, self.key_problems)
        if graded.verdict in ("right", "unreadable"):
            return answer
        said = _(
            "{name}: the key says {given}, cnncalc counts {number}; both are taken for right",
            name=name_answer(key), given=answer.text.strip(), number=as_text(graded.expected),
        )  # fmt: skip
        self.key_problems.append(Problem(said, answer.position))
        return answer._replace(accept=(*answer.accept, answer.text))

    def again(self) -> Grader:
        """A grader by the same rules that has said nothing yet: for another language."""
        return Grader(self.report, strict=self.strict, accept=self.accept, key=self.key_sheet)

    def key_messages(self) -> list[str]:
        """Every problem of the key, at file:line:column."""
        if self.key_sheet is None:
            return []
        source = self.key_sheet.source
        lines = source.text.split("\n")
        return [describe(problem, source.name, lines) for problem in dict.fromkeys(self.key_problems)]

    def fill_in(self) -> list[tuple[str, str, str, Fraction]]:
        """(layer, quantity, right answer, points) of every question of the key."""
        return [
            (layer or "total", quantity, as_text(self.find_expected(layer, quantity)), row.points)
            for (layer, quantity), row in self.key.items()
        ]

    def grade(self, sheet: Sheet) -> Result:
        """Every answer of a sheet."""
        sheet = name_quantities(sheet, self.layers, self.find_expected, self.questions_of_layers())
        problems = list(sheet.problems)
        seen: dict[Key, Answer] = {}
        items = []
        for answer in sheet.answers:
            key = self.resolve(answer, problems)
            if key in seen and seen[key].quantity != answer.quantity and quantity_of(answer.quantity) == TRAINABLE:
                key = (key[0], TRAINABLE)  # asked beside params, it is a question of its own
            if key is None:
                items.append(self.set_aside(unreadable(answer, answer.layer, answer.quantity, None)))
            elif key in seen:
                first = seen[key].position
                hint = _("the first one is in line {line}", line=first.line) if first else None
                said = _("a second answer for {name}: the first one counts", name=name_answer(key))
                problems.append(Problem(said, answer.position, hint))
            else:
                seen[key] = answer
                # What an answer is worth, and what else is right, the key says, and not the sheet.
                rules = self.key.get(key, answer)
                item = self.grade_answer(key, answer._replace(points=rules.points, accept=rules.accept), problems)
                items.append(item if key in self.key else self.set_aside(item))
        # Who leaves a question out has the same total as everyone else.
        for key, question in self.key.items():
            if key not in seen:
                expected = self.find_expected(*key)
                # What is not known of the network costs nobody points.
                points = Fraction(0) if expected is None else question.points
                items.append(Item(*key, "", expected, "missing", points=points))
        return Result(sheet, tuple(items), tuple(dict.fromkeys(problems)))

    def questions_of_layers(self) -> tuple[str, ...]:
        """What an answer that says a layer and a number alone may be about: what the key asks for, else the table."""
        asked = [quantity for layer, quantity in self.key if layer is not None and quantity not in OPTIONS]
        return tuple(dict.fromkeys(asked)) or listed_in(USUAL)

    def set_aside(self, item: Item) -> Item:
        """An item that the key does not ask for: without points; where there is no key, as it is."""
        return item._replace(points=Fraction(0), earned=Fraction(0), asked=False) if self.key else item

    def resolve(self, answer: Answer, problems: list[Problem]) -> Key | None:
        """The layer and quantity that are meant; None, and a problem, where there are none."""
        layer, quantity = answer.layer, quantity_of(answer.quantity)
        if layer is not None:
            layer = self.layers.find(layer)
        elif answer.under is not None:
            layer = self.layers.find(answer.under)
        if layer is None and answer.layer is not None:
            hint = suggest(answer.layer, self.layers.names) or _("layers are named as in the table")
            place = answer.layer_at or answer.position
            problems.append(Problem(_("there is no layer '{name}'", name=answer.layer[:40]), place, hint))
            return None
        quantities = OF_THE_NETWORK if layer is None else OF_A_LAYER
        option = option_of(answer.quantity) if quantity is None else None
        if option is not None:
            return self.option_key(layer, option, answer, problems)
        if quantity is None or quantity not in quantities:
            hint = suggest(answer.quantity, QUANTITIES) or _("known: {names}", names=", ".join(quantities))
            said = _("there is no quantity '{name}'", name=answer.quantity[:40])
            if quantity is not None:
                said = _("{name} belongs to a layer", name=quantity)
                hint = _("write LAYER.{name}", name=quantity)
                if layer is not None:
                    said = _("{name} belongs to the whole network", name=quantity)
                    hint = _("write {name} alone", name=quantity)
            elif answer.layer is None and self.layers.find(answer.quantity) is not None:
                hint = _("that is a layer: write {name}.params", name=answer.quantity)
            problems.append(Problem(said, answer.quantity_at or answer.position, hint))
            return None
        if quantity == TRAINABLE and value_of(self.report, layer, TRAINABLE) == value_of(self.report, layer, PARAMS):
            quantity = PARAMS  # nothing is frozen: people say so of the same number
        told = self.report.convention
        if told is not None and quantity == told.calls.casefold():  # as fvcore calls its MACs flops
            quantity = told.number
        return layer, quantity

    def option_key(self, layer: str | None, option: str, answer: Answer, problems: list[Problem]) -> Key | None:
        """The layer and its option, asked backwards; None, and a problem, where it has no such option."""
        if has_option(self.report, layer, option):
            return layer, option
        said = _("{layer} has no {option}", layer=layer or _("the network"), option=option)
        problems.append(Problem(said, answer.position, _("write LAYER.{name}", name=option) if layer is None else None))
        return None

    def grade_answer(self, key: Key, answer: Answer, problems: list[Problem]) -> Item:
        """One answer, graded."""
        layer, quantity = key
        expected = self.find_expected(layer, quantity)
        if expected is None:
            said = _("{name} of this network is not known: it is not graded", name=name_answer(key))
            problems.append(Problem(said, answer.position))
            return unreadable(answer, layer, quantity, None)._replace(points=Fraction(0))
        if not answer.text.strip():
            return unreadable(answer, layer, quantity, expected)._replace(verdict="missing")
        if quantity in OPTIONS:
            return self.grade_option(key, answer, expected, problems)
        try:
            readings = read(answer.text, shaped=quantity in SHAPED)
        except OptionError as error:
            return note_unreadable(key, answer, expected, error, problems)
        done = right(key, answer, expected)
        # Right in any reading is right: 41.600 may be forty-one thousand six hundred.
        meant = self.find_match(key, readings, expected, answer.accept)
        if meant is not None:
            verdict = "convention" if meant.convention else "right"
            return done._replace(convention=meant.convention, verdict=verdict, remark=meant.remark)
        if self.has_wrong_axes(key, readings, expected, answer, problems):
            return done._replace(verdict="wrong", earned=Fraction(0))
        # A teacher may allow it for one question, in the key, or for all, on the command line.
        allowed = self.accept | {word for word in map(read_allowed, answer.accept) if word}
        other = self.find_convention(key, readings, expected, allowed)
        return done._replace(
            verdict="convention" if other else "wrong",
            convention=other or "",
            mistakes=self.find_mistakes(key, tuple(r.value for r in readings)),
            earned=answer.points if other and not self.strict else Fraction(0),
        )

    def find_expected(self, layer: str | None, quantity: str) -> Any:
        """The report's number; of an option the network's own value."""
        return (own_value if quantity in OPTIONS else value_of)(self.report, layer, quantity)

    def grade_option(self, key: Key, answer: Answer, expected: Any, problems: list[Problem]) -> Item:
        """An answer to a question asked backwards: right where the layer with it gives the same output."""
        layer, option = key
        try:
            trial = try_value(self.report, layer, option, answer.text)
        except OptionError as error:
            return note_unreadable(key, answer, expected, error, problems)
        done = right(key, answer, expected)
        wanted = output_of(self.report, layer)
        accepted = {value_in(text, option) for text in answer.accept}
        if trial.output == wanted or value_in(answer.text, option) in accepted:
            same = trial.output != wanted or is_own_value(self.report, layer, option, answer.text)
            return done if same else done._replace(remark=_("the network has another value; the output is the same"))
        wrong = Mistake("other_output", sentence_of(trial, wanted), None)
        return done._replace(verdict="wrong", mistakes=(wrong,), earned=Fraction(0))

    def find_match(self, key: Key, readings: Sequence[Reading], expected: Any, accept: Iterable[str]) -> Match | None:
        """How an answer is right: as it stands, as the teacher allows, or with its activation, as the table has it."""
        layer, quantity = key
        meant = match(readings, expected, quantity)
        if meant is None and self.is_accepted(readings, accept, quantity):
            return EXACT
        # The table counts an activation in the row of its layer: that sum is right, too.
        if meant is None and layer is not None and quantity in SUMMED:
            shown = count_as_shown(self.report, layer, quantity)
            return match(readings, shown, quantity)
        return meant

    def is_accepted(self, readings: Sequence[Reading], accept: Iterable[str], quantity: str) -> bool:
        """Whether it is one of the alternatives that a teacher allows."""
        # A key may allow numbers and words in one cell: 2416 | no-bias.
        for text in accept:
            try:
                allowed = read(text, shaped=quantity in SHAPED)
            except OptionError:  # a word, such as no-bias
                continue
            if any(match(readings, one.value, quantity) is not None for one in allowed):
                return True
        return False

    def find_convention(
        self, key: Key, readings: Sequence[Reading], expected: Any, allowed: Collection[str]
    ) -> str | None:
        """The convention under which the answer is right."""
        if key[1] in IN_BYTES and match_binary(readings, expected):
            return _("powers of 1024 (MiB for MB)")
        for name, value in self.conventions.others(*key, allowed):
            if match(readings, value, key[1]) is not None:
                return name
        return None

    def find_mistakes(self, key: Key, values: tuple[Any, ...]) -> tuple[Mistake, ...]:
        """The mistakes behind a wrong number; a class makes the same ones again and again."""
        labels = self.report.convention
        if labels is not None and key[1] in labels.replaced:  # of the numbers of another tool none are known
            return ()
        known = self.diagnosed.get((key, values))
        if known is None:
            known = tuple(diagnosis.diagnose(self.report, *key, list(values)))
            self.diagnosed[key, values] = known
        return known

    def has_wrong_axes(
        self, key: Key, readings: Sequence[Reading], expected: Any, answer: Answer, problems: list[Problem]
    ) -> bool:
        """Whether a shape has the wrong number of dimensions, which is said."""
        if key[1] not in SHAPED or not isinstance(expected, tuple):
            return False
        lengths = {len(r.value) for r in readings if isinstance(r.value, tuple)}
        n = len(expected)
        # One size for a square map, no channels, or a batch in front of an output.
        allowed = {1, n, max(n - 1, 1)} | ({n + 1} if key[1] == "output" else set())
        if lengths & allowed:
            return False
        said = _("{name} has {n} dimensions, the answer {m}", name=name_answer(key), n=n, m=min(lengths))
        problems.append(Problem(said, answer.position, _("write all of them")))
        return True


def right(key: Key, answer: Answer, expected: Any) -> Item:
    """An answer with all its points: what is found to be otherwise is changed."""
    line = answer.position.line if answer.position else None
    return Item(*key, answer.text, expected, "right", points=answer.points, earned=answer.points, line=line)


def note_unreadable(key: Key, answer: Answer, expected: Any, error: OptionError, problems: list[Problem]) -> Item:
    """An answer that cannot be read, which is noted with the reason."""
    said = _("{name}: {text}", name=name_answer(key), text=error.problem)
    problems.append(Problem(said, answer.position, error.hint))
    return unreadable(answer, *key, expected)


def unreadable(answer: Answer, layer: str | None, quantity: str, expected: Any) -> Item:
    line = answer.position.line if answer.position else None
    return Item(layer, quantity, answer.text, expected, "unreadable", points=answer.points, line=line)


def name_answer(key: Key) -> str:
    return f"{key[0]}.{key[1]}" if key[0] else key[1]


def as_text(value: Any) -> str:
    """A number as a sheet has it."""
    if value is None:
        return "?"
    return "x".join(map(str, value)) if isinstance(value, tuple) else str(value)


def find_commonest(results: Mapping[str, Result]) -> list[tuple[str, str, str, int]]:
    """(answer, mistake, sentence, how many made it), the commonest first; an answer's first mistake counts."""
    found: dict[tuple[str, str], tuple[str, int]] = {}
    for result in results.values():
        for item in result.items:
            # The likeliest alone, so that an answer counts once.
            for mistake in item.mistakes[:1] if item.verdict == "wrong" else ():
                sentence, times = found.get((item.name, mistake.id), (mistake.sentence, 0))
                found[item.name, mistake.id] = sentence, times + 1
    ranked = sorted(found.items(), key=lambda entry: -entry[1][1])
    return [(name, identity, sentence, times) for (name, identity), (sentence, times) in ranked]
