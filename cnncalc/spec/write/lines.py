"""A layer in one line: the kind, its main value, then flags with a letter, then all other options by name or word.

conv 64 k3 s2 p1 nobias, maxpool 2, maxpool k3 s2, reduce_max hw, reduce_min axes=ch
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from cnncalc.layers import Kind
from cnncalc.layers.base import Option
from cnncalc.spec.read.words import split_flag

SHORT = {"batchnorm": "bn"}  # what a kind is called in a line, where that is not its name
ONE_AXIS = "1d"  # tells a sequence from an image without channels; 2d and 3d say nothing more


def kind_word(kind: Kind | str) -> str:
    """What a kind is called in a line."""
    name = kind if isinstance(kind, str) else kind.name
    return SHORT.get(name, name)


def option_words(options: Iterable[Option], texts: Mapping[str, str | None]) -> dict[str, str | None]:
    """The words for those options that have a text, in the order in which they are written; None has no word.

    texts  option to value as text, `3x1`, `false`, `$c`; None where only the long form can say it
    """
    # False sorts before True: the main value, then what has a letter, then the rest.
    given = sorted((o for o in options if o.name in texts), key=lambda option: (not option.main, not option.flag))
    # A window beside a stride or a padding is told by its letter: maxpool k3 s2, but maxpool 2.
    lettered = any(o.flag and not o.main and word_for(o, texts[o.name]) is None for o in given)
    return {option.name: write_option(option, texts[option.name], lettered) for option in given}


def write_option(option: Option, text: str | None, lettered: bool = False) -> str | None:
    """An option as one word. `lettered`: a window is told by its letter."""
    if text is None:
        return None
    word = word_for(option, text)
    if word is not None:
        return word
    # What stands behind a kind without a name is a number, or what stands for one; all else would be a flag.
    bare = text[:1] in "$[(+." or text[:1].isdigit() or (text[:1] == "-" and text[1:2].isdigit())
    if option.main and bare and not (lettered and option.name == "kernel"):
        return text
    if option.flag and split_flag(option.flag + text):
        return option.flag + text
    return f"{option.name}={text}"


def word_for(option: Option, text: str | None) -> str | None:
    """The word that says this value of an option: nobias, same."""
    return next((word for word, meant in option.words.items() if text == meant), None)
