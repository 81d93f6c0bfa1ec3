"""One-line steps: `KIND main flags` and `BLOCK value name=value x4`, word by word.

Every mistake is noted in its place and reading goes on.
"""

from __future__ import annotations

import re

from cnncalc.language import _
from cnncalc.layers import MERGES, kind_named
from cnncalc.spec.read import advice
from cnncalc.spec.read.layer_lines import LayerReader
from cnncalc.spec.read.words import Token, tokens, wide_character
from cnncalc.spec.read.yamltree import Text
from cnncalc.spec.steps import Argument, BrokenStep, CallStep, Step, WordStep


class LineReader(LayerReader):
    """Reads one-line steps."""

    def line(self, line: Text) -> Step:
        # Before the words: a full-width space separates none, and would be part of a name.
        wide = wide_character(line.text)
        if wide is not None:
            self.note(wide[1], line.at(wide[0], 1), wide[2])
            return BrokenStep(line.position)
        words = tokens(line)
        if not words:
            self.note(_("an empty step"), line.position, _("write a kind: `conv 6 k5`"))
            return BrokenStep(line.position)
        head, rest = words[0], words[1:]
        if head.text in self.blocks:
            return self.call(head, rest)
        if head.text[0] == "$" and not rest:
            return WordStep(self.check(Argument(None, head.text, head.position)))
        kind = kind_named(head.text)
        if kind is None:
            return self.refuse_kind(head, rest)
        # `Conv2D (6, 5)`: a space before the bracket makes two words of a call.
        if rest and rest[0].text[0] == "(" and self.is_code(head, head.text + rest[0].text):
            return BrokenStep(head.position)
        if kind.name in MERGES:
            self.note(
                _("{kind} needs its branches", kind=kind.name),
                head.position,
                _("write `{kind}: [..., ...]`", kind=kind.name),
            )
            return BrokenStep(head.position)
        return self.layer(kind, head, rest)

    def is_code(self, head: Token, text: str) -> bool:
        """Whether a step is a call of another program's, which is noted with the step that was meant."""
        from cnncalc.spec.read.code import step_for

        meant = step_for(text, self.maker)
        if meant is None:
            return False
        problem = _("'{text}' is not how a step is written", text=advice.short(text))
        self.note(problem, head.position, _("write {value}", value=meant))
        return True

    def refuse_kind(self, head: Token, rest: list[Token]) -> Step:
        """Note that a step begins with no kind and no block."""
        word = head.text
        # What is wrong with the block is said where that stands.
        if word in self.unreadable:
            return BrokenStep(head.position)
        if "(" in word and self.is_code(head, word):
            return BrokenStep(head.position)
        rest_of_call = word.count(")") > word.count("(")
        if rest_of_call and self.problems and self.problems[-1].hint == _(advice.ENDED_BY_COMMA):
            return BrokenStep(head.position)  # the other half of `[Conv2D(6, 5)]`, which is one mistake
        name = advice.short(word)
        problem = (
            _("unknown kind or block '{name}'", name=name) if self.blocks else _("unknown kind '{name}'", name=name)
        )
        hint = advice.misplaced_kind([word, *(token.text for token in rest)]) or advice.unknown_kind(word, self.blocks)
        self.note(problem, head.position, hint)
        return BrokenStep(head.position)

    def call(self, head: Text, words: list[Token]) -> CallStep:
        """BLOCK value ... name=value ... x4 first:name=value"""
        step = CallStep(head.position, head.text, [])
        for word in words:
            match, repeat = None, None  # a pattern is compiled at the first word that it may be for
            if "=" in word.text:
                match = re.match(r"(?:(first|last):)?([A-Za-z_]\w*)=(.*)", word.text, re.DOTALL)
            if word.text.startswith("x"):
                # x-1 is taken too: refused as a number of repetitions, it is better explained than as a value.
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
                target.append(self.check(Argument(match[2], match[3], word.position)))
            elif repeat:
                self.repeat_step(step, Argument("repeat", repeat[1], word.position))
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
                step.arguments.append(self.check(Argument(None, word.text, word.position)))
            if match and not match[3]:
                self.note(
                    _("{name} has no value", name=match[2]),
                    word.position,
                    _("write {name}=3, without a space", name=match[2]),
                )
                step.broken = True
        return step
