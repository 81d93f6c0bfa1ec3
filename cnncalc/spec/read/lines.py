"""One-line steps: `KIND main flags` and `BLOCK value name=value x4`, word by word.

Every mistake is noted in its place and reading goes on.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

from cnncalc.errors import OptionError, Position, Problem
from cnncalc.language import _
from cnncalc.layers import MERGES, Kind, kind_named
from cnncalc.layers.options import CONSTRUCTION
from cnncalc.spec.expressions import check_expressions
from cnncalc.spec.makers import LayerMaker
from cnncalc.spec.read import advice
from cnncalc.spec.read.yamltree import Text
from cnncalc.spec.steps import Argument, BrokenStep, CallStep, LayerStep, Step, WordStep

FLAG = re.compile(r"([a-z])((?:[0-9$(\[]|-[0-9]).*)", re.DOTALL)


class Token(Text):
    """A word of a one-line step, where it stands."""

    __slots__ = ()


def tokens(line: Text) -> list[Token]:
    """The words of a line; spaces inside brackets belong to the word."""
    text = line.text
    if "(" not in text and "[" not in text:
        return [Token(m.group(), line.at(m.start(), len(m.group()))) for m in re.finditer(r"\S+", text)]
    found, start, depth = [], None, 0
    for i, c in enumerate(text + " "):
        if c.isspace() and (depth == 0 or i == len(text)):
            if start is not None:
                found.append(Token(text[start:i], line.at(start, i - start)))
            start = None
            continue
        if start is None:
            start = i
        depth = max(0, depth + (c in "([") - (c in ")]"))
    return found


class LineReader:
    """Reads one-line steps. Knows the names of the blocks, so that a call can be told from a kind."""

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

    def line(self, line: Text) -> Step:
        words = tokens(line)
        if not words:
            self.note(_("an empty step"), line.position, _("write a kind: `conv 6 k5`"))
            return BrokenStep(line.position)
        head, rest = words[0], words[1:]
        if head.text in self.blocks:
            return self.call(head, rest)
        if head.text[0] == "$" and not rest:
            return WordStep(self.checked(Argument(None, head.text, head.position)))
        kind = kind_named(head.text)
        if kind is None:
            return self.unknown_kind(head)
        if kind.name in MERGES:
            self.note(
                _("{kind} needs its branches", kind=kind.name),
                head.position,
                _("write `{kind}: [..., ...]`", kind=kind.name),
            )
            return BrokenStep(head.position)
        return self.layer(kind, head.position, rest)

    def unknown_kind(self, head: Text) -> Step:
        word = head.text
        if word in self.unreadable:
            return BrokenStep(head.position)
        name = advice.short(word)
        problem = (
            _("unknown kind or block '{name}'", name=name) if self.blocks else _("unknown kind '{name}'", name=name)
        )
        self.note(problem, head.position, advice.unknown_kind(word, self.blocks))
        return BrokenStep(head.position)

    def layer(self, kind: Kind, position: Position, words: list[Token], more: Iterable[Argument] = ()) -> LayerStep:
        """A kind with its main value, flags and options; kinds behind it become layers of their own."""
        options = kind.load().options.values()
        main = next((o.name for o in options if o.main), None)
        by_word = {word: (o.name, text) for o in [*CONSTRUCTION.values(), *options] for word, text in o.words.items()}
        by_flag = {o.flag: o.name for o in options if o.flag}
        step = LayerStep(position, kind)
        problems = len(self.problems)
        found: list[Argument] = []
        rest = zip(words, [*words[1:], None], strict=False)
        for word, following in rest:
            text, lower = word.text, word.text.lower()
            assignment = re.match(r"([A-Za-z_]\w*)=(.*)", text, re.DOTALL)
            flag = FLAG.fullmatch(text if text[:1].islower() else lower)
            other = kind_named(text)
            named = None
            if assignment:
                named = self.checked(Argument(assignment[1].lower(), assignment[2], word.position))
            elif lower in by_word:
                named = Argument(*by_word[lower], word.position)
            if named is not None:
                last = step.then[-1] if step.then else None
                if named.name in CONSTRUCTION and isinstance(last, LayerStep):  # `conv 6 k5 relu inplace`: the relu
                    step.then[-1] = self.appended(last.kind, last.position, [*last.arguments, named])
                else:
                    found.append(named)
            elif flag and flag[1] == "x":
                self.repeated(step, Argument("repeat", flag[2], word.position))
            elif flag and flag[1] in by_flag:
                found.append(self.checked(Argument(by_flag[flag[1]], flag[2], word.position)))
            elif text[0] == "$" and any(a.name == main for a in found) | (main is None):
                step.then.append(WordStep(self.checked(Argument(None, text, word.position))))
            elif main and (text[0] in "$[(+." or text[0].isdigit() or re.match(r"-\d", text)):
                if any(a.name == main for a in found):
                    problem, hint = advice.second_value(kind, main, text, by_flag)
                    self.note(problem, word.position, hint)
                else:
                    found.append(self.checked(Argument(main, text, word.position)))
            elif following and following.text.isdigit() and self.separate(kind, word, following, by_flag):
                next(rest)
            elif other and other.appendable:
                # A number behind it is its own, `dropout 0.7`, unless the layer itself still waits for one.
                waits = any(o.main and o.required and not any(a.name == o.name for a in found) for o in options)
                own = None if waits or following is None else self.main_value(other, following)
                step.then.append(self.appended(other, word.position, [own] if own else []))
                if own:
                    next(rest)
            else:
                flags = [word for word, (option, _value) in by_word.items() if option not in CONSTRUCTION]
                hint = advice.unknown_flag(kind, text, [*flags, *by_flag], self.option_names(kind))
                if text in self.blocks:
                    hint = _("{text} is a block: put it in a line of its own", text=text)
                self.note(
                    _("unknown flag '{text}' of {kind}", text=advice.short(text), kind=kind.name), word.position, hint
                )
        step.arguments = self.maker.check_names(kind, [*found, *more])
        # What is wrong has been said; what is missing may be what is misspelt.
        step.broken = len(self.problems) > problems
        if not step.broken and kind.name not in self.maker.open_defaults and not any(a.open for a in step.arguments):
            step.layer = self.maker.make(kind, step.arguments, position)
        return step

    def appended(self, kind: Kind, position: Position, arguments: list[Argument]) -> LayerStep:
        """A norm, an activation or a dropout behind another layer, with its main value at most, and how it is built."""
        step = LayerStep(position, kind)
        step.arguments = self.maker.check_names(kind, arguments) if len(arguments) > 1 else arguments
        if kind.name not in self.maker.open_defaults and not any(a.open for a in step.arguments):
            step.layer = self.maker.make(kind, step.arguments, position)
            step.broken = step.layer is None
        return step

    def main_value(self, kind: Kind, word: Token) -> Argument | None:
        """A number as the main value of a kind that has one; None if it is no number, or the kind has none."""
        main = next((o.name for o in kind.load().options.values() if o.main), None)
        plain = main and re.fullmatch(r"\d+|\d*\.\d+", word.text, re.ASCII)
        return Argument(main, word.text, word.position) if plain else None

    def option_names(self, kind: Kind) -> dict[str, str]:
        """Every name of an option that can be told from a flag, and the option's own."""
        return {name: option.name for name, option in self.maker.options(kind).items() if len(name) > 1}

    def separate(self, kind: Kind, word: Token, number: Token, flags: dict[str, str]) -> bool:
        """Whether a word and the number behind it are a flag taken apart, `k 3`; noted if so."""
        hint = advice.separate_value(kind, word.text.lower(), number.text, flags, self.option_names(kind))
        if hint:
            self.note(_("'{word} {number}' is one flag", word=word.text, number=number.text), word.position, hint)
        return hint is not None

    def call(self, head: Text, words: list[Token]) -> CallStep:
        """BLOCK value ... name=value ... x4 first:name=value"""
        step = CallStep(head.position, head.text, [])
        for word in words:
            match = re.match(r"(?:(first|last):)?([A-Za-z_]\w*)=(.*)", word.text, re.DOTALL)
            repeat = re.fullmatch(r"x([0-9$(-].*)", word.text, re.DOTALL)
            if match:
                target = {None: step.arguments, "first": step.first, "last": step.last}[match[1]]
                if any(a.name == match[2] for a in target):
                    self.note(
                        _("{name} is given twice to block {block}", name=match[2], block=head.text),
                        word.position,
                        _("keep one of them"),
                    )
                    step.broken = True
                target.append(self.checked(Argument(match[2], match[3], word.position)))
            elif repeat:
                self.repeated(step, Argument("repeat", repeat[1], word.position))
            elif re.match(r"(first|last):", word.text):
                self.note(
                    _("'{word}' changes no parameter", word=advice.short(word.text)),
                    word.position,
                    _("write first:stride=2"),
                )
            elif wrong := advice.unnamed_argument(word.text):
                self.note(wrong[0], word.position, wrong[1])
                step.broken = True
            else:
                step.arguments.append(self.checked(Argument(None, word.text, word.position)))
            if match and not match[3]:
                self.note(
                    _("{name} has no value", name=match[2]),
                    word.position,
                    _("write {name}=3, without a space", name=match[2]),
                )
                step.broken = True
        return step

    def repeated(self, step: Step, times: Argument) -> None:
        """Repeat a step; once, however it is said."""
        if step.repeat is not None:
            self.note(_("repeat is given twice"), times.position, _("keep one of them"))
        step.repeat = self.checked(times)

    def checked(self, argument: Argument) -> Argument:
        """The argument; a wrong expression in it is noted now, even if the block is never called."""
        if argument.open:
            try:
                check_expressions(argument.value)
            except OptionError as error:
                self.note(error.problem, argument.position, error.hint)
        return argument
