"""The words of a one-line step, each with its place; and what in them is no part of the language, noted once.

Spaces separate words; inside brackets they belong to the word: `conv $(2 * c) k3`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from cnncalc.language import _
from cnncalc.layers import kind_named
from cnncalc.spec.read.yamltree import Text

# What an input method for Chinese writes for what stands on the keyboard. Other scripts' letters may be names.
WIDE = "[\uff01-\uff5e\u3000\u3001\u3002]"
# What a value behind the letter of a flag begins with: k5, k$c, p-1.
BEGINNINGS = (*"0123456789$([", *(f"-{digit}" for digit in range(10)))
Note = Callable[..., None]


class Token(Text):
    """A word of a one-line step, where it stands."""

    __slots__ = ()

    def cut(self, start: int, stop: int) -> Token:
        """A part of the word, in its place."""
        place = self.position._replace(column=self.position.column + start, width=stop - start)
        return Token(self.text[start:stop], place)


def tokens(line: Text) -> list[Token]:
    """The words of a line; spaces inside brackets belong to the word."""
    text = line.text
    found: list[Token] = []
    start, end, depth = 0, 0, 0
    for part in text.split():
        # Looked for behind the part before, since a word may stand in a line twice.
        first = text.index(part, end)
        end = first + len(part)
        if depth == 0:
            start = first
        # Nearly every part is a word without brackets: no need to look at each character.
        if depth or "(" in part or "[" in part:
            for c in part:
                depth = max(0, depth + (c in "([") - (c in ")]"))
        if depth == 0:
            found.append(Token(text[start:end], line.at(start, end - start)))
    if depth:  # a bracket that nobody closes takes the rest of the line
        found.append(Token(text[start:], line.at(start, len(text) - start)))
    return found


def split_flag(word: str) -> tuple[str, str] | None:
    """`k` and `5` of `k5`; None for a word that is no small letter with a value behind it."""
    letter, value = word[:1], word[1:]
    # No pattern: it would be compiled at every start.
    return (letter, value) if letter.isascii() and letter.islower() and value.startswith(BEGINNINGS) else None


def narrow(text: str) -> str:
    """A text with full-width letters, digits and signs as they stand on the keyboard."""
    from unicodedata import normalize

    return normalize("NFKC", text.translate({0x3001: ",", 0x3002: "."}))


def wide_character(text: str) -> tuple[int, str, str] | None:
    """(offset, problem, hint) for the first full-width character of a text; None if it has none."""
    found = None if text.isascii() else re.search(WIDE, text)
    if found is None:
        return None
    character = found[0]
    problem = _("'{character}' is a full-width character", character=character)
    hint = _("write {value}", value=narrow(character))
    if character == "\u3000":
        hint = _("write a space")
    elif character == "\uff1a":
        hint = _("write a colon and a space")
    return found.start(), problem, hint


def tidy(words: Sequence[Token], note: Note) -> list[Token]:
    """The words behind a kind without commas, signs and brackets that say nothing; each of these is noted."""
    found: list[Token] = []
    left = list(words)
    while left:
        word = left.pop(0)
        # Noted as one mistake: name, sign and value are passed over together.
        if left and left[0].text == "=":  # k = 5
            value = left[1].text if len(left) > 1 else "..."
            hint = _("write {name}={value}", name=word.text, value=value)
            note(_("spaces around ="), left[0].position, hint)
            del left[:2]
        # Commas between words are noted, commas in a list of numbers (0,2,1) mean something.
        elif "," in word.text and re.fullmatch(r"[^,()\[\]]+,|\w*\d\w*(,[A-Za-z][^,()\[\]]*)+,?", word.text):
            at = word.text.index(",")
            note(
                _("a comma in a step"), word.cut(at, at + 1).position, _("spaces alone separate words: conv 6 k5 relu")
            )
            found += [word.cut(m.start(), m.end()) for m in re.finditer("[^,]+", word.text)]
        elif is_only_marks(word.text):
            hint = _("words stand one behind the other, with spaces: conv 6 k5 relu")
            note(_("'{word}' says nothing in a step", word=word.text[:40]), word.position, hint)
        elif (inner := word_in_brackets(word.text)) and kind_named(inner):
            note(_("'{word}' in brackets", word=word.text[:40]), word.position, _("write {value}", value=inner))
        else:
            found.append(word)
    return found


def is_only_marks(text: str) -> bool:
    """Whether a word has neither letters, digits nor brackets."""
    if text[:1].isalnum() or text[:1] in "$([{":  # most words
        return False
    return re.fullmatch(r"[^\w\s$()\[\]{}'\"]+", text) is not None


def word_in_brackets(text: str) -> str | None:
    """`relu` of `(relu)`; None for anything else."""
    inner = re.fullmatch(r"\(\s*(\w+)\s*\)", text) if text.startswith("(") else None
    return None if inner is None else inner[1]
