"""The words behind a kind in a one-line step, `conv 6 k5 s2 bn relu x3`, taken one by one.

What a word may be stands in `_LayerLine.takers`, in the order in which it is tried: the first that knows the word
takes it and says how many words that were. A mistake is noted in its place, and reading goes on.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence

from cnncalc.errors import OptionError, Position, Problem
from cnncalc.language import _
from cnncalc.layers import Kind, kind_named
from cnncalc.layers.options import CONSTRUCTION
from cnncalc.spec.expressions import check_expressions
from cnncalc.spec.makers import LayerMaker
from cnncalc.spec.read import advice
from cnncalc.spec.read.words import Token, split_flag, tidy
from cnncalc.spec.read.yamltree import Text
from cnncalc.spec.steps import Argument, LayerStep, Step, WordStep

GLUED_FLAGS = r"(?:[a-z]\d+(?:x\d+)*){2,}"  # k5s2, but not k5x5


class LayerReader:
    """Reads layers. Knows the names of the blocks, so that a call can be told from a kind."""

    def __init__(
        self,
        blocks: Collection[str],
        maker: LayerMaker,
        problems: list[Problem],
        unreadable: Collection[str] = (),
    ) -> None:
        self.blocks = blocks
        self.unreadable = unreadable  # blocks whose definition is wrong, which has been noted
        self.maker = maker
        self.problems = problems

    def note(self, problem: str, position: Position, hint: str | None = None) -> None:
        self.problems.append(Problem(problem, position, hint))

    def layer(self, kind: Kind, head: Text, words: Sequence[Token], more: Iterable[Argument] = ()) -> LayerStep:
        """A kind with its main value, flags and options; kinds behind it become layers of their own."""
        problems = len(self.problems)
        line = _LayerLine(self, kind, head.position)
        line.read(tidy(words, self.note))
        step = line.step
        ending = head.text[-2:].lower()
        step.axes = int(ending[0]) if ending in ("1d", "2d", "3d") else None
        step.arguments = self.maker.check_names(kind, [*line.found, *more])
        # What is wrong has been said; what is missing may be what is misspelt.
        step.broken = len(self.problems) > problems
        if not step.broken:
            self.make(step)
        return step

    def append_layer(self, kind: Kind, position: Position, arguments: list[Argument]) -> LayerStep:
        """A norm, an activation or a dropout behind another layer, with its main value at most, and how it is built."""
        step = LayerStep(position, kind)
        step.arguments = self.maker.check_names(kind, arguments) if len(arguments) > 1 else arguments
        self.make(step)
        step.broken = step.layer is None and self.is_closed(step)
        return step

    def is_closed(self, step: LayerStep) -> bool:
        """Whether nothing of a step has to be worked out first."""
        return step.kind.name not in self.maker.open_defaults and not any(a.open for a in step.arguments)

    def make(self, step: LayerStep) -> None:
        """Make the layer of a step now if that can be, so that its mistakes are noted even if it is never used."""
        if self.is_closed(step):
            step.layer = self.maker.make(step.kind, step.arguments, step.position)

    def option_names(self, kind: Kind) -> dict[str, str]:
        """Every name of an option that can be told from a flag, and the option's own."""
        return {name: option.name for name, option in self.maker.options(kind).items() if len(name) > 1}

    def repeat_step(self, step: Step, times: Argument) -> None:
        """Repeat a step; once, however it is said."""
        if step.repeat is not None:
            self.note(_("repeat is given twice"), times.position, _("keep one of them"))
        step.repeat = self.check(times)

    def check(self, argument: Argument) -> Argument:
        """The argument; a wrong expression in it is noted now, even if the block is never called."""
        if argument.open:
            try:
                check_expressions(argument.value)
            except OptionError as error:
                self.note(error.problem, argument.position, error.hint)
        return argument


class _LayerLine:
    """One layer while its words are taken: `found` are its options so far, `step.then` what is appended to it."""

    def __init__(self, reader: LayerReader, kind: Kind, position: Position) -> None:
        self.reader = reader
        self.kind = kind
        self.step = LayerStep(position, kind)
        self.found: list[Argument] = []
        self.flagged: set[str | None] = set()
        self.too_many: list[Token] = []  # numbers without a flag, behind the main value
        self.options = list(kind.load().options.values())
        self.main = next((o.name for o in self.options if o.main), None)
        self.by_flag = {o.flag: o.name for o in self.options if o.flag}
        self.by_word = {
            word: (o.name, text) for o in [*CONSTRUCTION.values(), *self.options] for word, text in o.words.items()
        }

    def read(self, words: Sequence[Token]) -> None:
        # Letters of either case: `K5` is k5, since no option is told by the case of its flag.
        flags = [split_flag(word.text.lower()) for word in words]
        # Looked at ahead: whether a second number is a kernel depends on a k that may come later.
        self.flagged = {self.by_flag.get(flag[0]) for flag in flags if flag}  # options that a flag says somewhere
        at = 0
        while at < len(words):
            word, following = words[at], words[at + 1] if at + 1 < len(words) else None
            taken = next((count for take in self.takers if (count := take(self, word, following))), 0)
            at += taken or self.refuse(word, following)
        if self.too_many:
            texts = [word.text for word in self.too_many]
            problem, hint = advice.more_values(self.kind, self.main or "", texts, self.by_flag, self.flagged)
            self.reader.note(problem, self.too_many[0].position, hint)

    def is_given(self, option: str | None) -> bool:
        return any(argument.name == option for argument in self.found)

    def add(self, name: str | None, value: str, word: Token) -> None:
        self.found.append(self.reader.check(Argument(name, value, word.position)))

    # --- each returns how many words it has taken

    def take_named(self, word: Token, following: Token | None) -> int:
        """`kernel=5`, or a word that says an option's value: `nobias`, `same`."""
        assignment = re.match(r"([A-Za-z_]\w*)=(.*)", word.text, re.DOTALL) if "=" in word.text else None
        if assignment:
            named = self.reader.check(Argument(assignment[1].lower(), assignment[2], word.position))
        elif word.text.lower() in self.by_word:
            named = Argument(*self.by_word[word.text.lower()], word.position)
        else:
            return 0
        last = self.step.then[-1] if self.step.then else None
        if named.name in CONSTRUCTION and isinstance(last, LayerStep):  # `conv 6 k5 relu inplace`: the relu
            arguments = [*last.arguments, named]
            self.step.then[-1] = self.reader.append_layer(last.kind, last.position, arguments)
        elif named.name in CONSTRUCTION and isinstance(last, WordStep):
            last.arguments.append(named)
        else:
            self.found.append(named)
        return 1

    def take_repeat(self, word: Token, following: Token | None) -> int:
        """`x3`"""
        flag = self.flag_of(word)
        if not flag or flag[0] != "x":
            return 0
        self.reader.repeat_step(self.step, Argument("repeat", flag[1], word.position))
        return 1

    def take_flag(self, word: Token, following: Token | None) -> int:
        """`k5`; of `k5s2`, which lacks a space, all flags."""
        flag = self.flag_of(word)
        if not flag or flag[0] not in self.by_flag:
            return 0
        # Nearly every flag is a letter and digits, or an expression: only others may be several glued together.
        plain = word.text[1:].isdigit() or "$" in word.text
        if not plain and re.fullmatch(GLUED_FLAGS, word.text.lower()):
            # Without x, which stands between sizes: k5x3s2 is k5x3 and s2.
            parts = re.findall(r"[a-wyz]\d+(?:x\d+)*", word.text.lower())
            if len(parts) > 1:
                hint = _("put a space between them: {words}", words=" ".join(parts))
                self.reader.note(_("'{word}' is several flags", word=advice.short(word.text)), word.position, hint)
                return 1
        self.add(self.by_flag[flag[0]], flag[1], word)
        return 1

    def flag_of(self, word: Token) -> tuple[str, str] | None:
        return split_flag(word.text if word.text[:1].islower() else word.text.lower())

    def take_open_word(self, word: Token, following: Token | None) -> int:
        """`$act`, a parameter that names a norm or an activation; it is the main value where that is still missing."""
        main = None if self.is_given(self.main) else next((o for o in self.options if o.main), None)
        if word.text[0] != "$" or (main is not None and (main.required or not self.step.then)):
            return 0  # a depthwise convolution may do without, `depthwise k3 bn $act`
        self.step.then.append(WordStep(self.reader.check(Argument(None, word.text, word.position))))
        return 1

    def take_main(self, word: Token, following: Token | None) -> int:
        """A number where the main value stands."""
        # Digits, a sign in front of them, an expression or a list: what else stands here is a word.
        text = word.text
        if not self.main or not (text[0] in "$[(+." or text[0].isdigit() or (text[0] == "-" and text[1:2].isdecimal())):
            return 0
        if self.is_given(self.main):
            self.too_many.append(word)
            return 1
        wrong = advice.no_main_value(self.kind, self.main, text, self.by_flag)
        if wrong is None:
            self.add(self.main, text, word)
        else:
            self.reader.note(wrong[0], word.position, wrong[1])
        return 1

    def take_apart(self, word: Token, following: Token | None) -> int:
        """A flag taken apart, which is noted: `k 3`, `stride 2`, `p same`."""
        if following is None:
            return 0
        names = self.reader.option_names(self.kind)
        option = self.by_flag.get(word.text.lower()) or names.get(word.text.lower())
        meant = self.by_word.get(following.text.lower())
        hint = None
        if option is not None and meant is not None and meant[0] == option:
            hint = _("write {value} alone", value=following.text)
        elif following.text[:1].isdigit() and re.fullmatch(r"\d+(x\d+)*", following.text, re.ASCII):
            hint = advice.separate_value(word.text.lower(), following.text, self.by_flag, names)
        if hint is None:
            return 0
        self.reader.note(_("'{word} {number}' is one flag", word=word.text, number=following.text), word.position, hint)
        return 2

    def take_appended(self, word: Token, following: Token | None) -> int:
        """A norm, an activation or a dropout, perhaps with its own main value."""
        other = kind_named(word.text)
        if other is None or not other.appendable:
            return 0
        # A number behind it is its own, `dropout 0.7`, unless the layer itself still waits for one.
        waits = any(o.main and o.required and not self.is_given(o.name) for o in self.options)
        own = None if waits or following is None else main_value(other, following)
        self.step.then.append(self.reader.append_layer(other, word.position, [own] if own else []))
        return 2 if own else 1

    # The order decides where a word could be several things: `x3` repeats, even where a kind had a flag x.
    takers = (take_named, take_repeat, take_flag, take_open_word, take_main, take_apart, take_appended)

    def refuse(self, word: Token, following: Token | None) -> int:
        """Note a word that means nothing here."""
        if following is not None and (name := advice.kind_in_words([word.text, following.text])):
            self.reader.note(
                _("'{words}' is one word", words=f"{word.text} {following.text}"),
                word.position,
                _("write {value}", value=name),
            )
            return 2
        flags = [word for word, (option, _value) in self.by_word.items() if option not in CONSTRUCTION]
        names = self.reader.option_names(self.kind)
        hint = advice.unknown_flag(self.kind, word.text, [*flags, *self.by_flag], names)
        if word.text in self.reader.blocks:
            hint = _("{text} is a block: put it in a line of its own", text=word.text)
        problem = _("unknown flag '{text}' of {kind}", text=advice.short(word.text), kind=self.kind.name)
        self.reader.note(problem, word.position, hint)
        other = kind_named(word.text)  # a number behind a kind is that one's: it is no second mistake
        return 2 if other is not None and following is not None and main_value(other, following) else 1


def main_value(kind: Kind, word: Token) -> Argument | None:
    """A number as the main value of a kind that has one; None if it is no number, or the kind has none."""
    main = next((o.name for o in kind.load().options.values() if o.main), None)
    # Digits of other scripts are digits to a pattern: here none but 0 to 9.
    plain = main and re.fullmatch(r"\d+|\d*\.\d+", word.text, re.ASCII)
    return Argument(main, word.text, word.position) if plain else None
