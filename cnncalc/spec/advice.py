"""Hints for what people write when they mean something else. Every function returns a sentence, or None."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence

from cnncalc.errors import suggest
from cnncalc.layers import Kind, kind_named, suggest_kind

KNOWN_KINDS = "`cnncalc kinds` lists them; blocks of your own stand under blocks:"


def short(text: str) -> str:
    """What was written, short enough for a message."""
    return text if len(text) <= 40 else text[:37] + "..."


def unknown_kind(word: str, blocks: Collection[str]) -> str:
    """For a step that begins with no kind and no block."""
    before_colon = word.split(":")[0]
    if ":" in word and (kind_named(before_colon) or before_colon in blocks):
        return f"a space is missing behind {before_colon}:"
    if word in ("residual", "from"):
        return f"{word} has a list of steps: write `{word}: ...`"
    if word.lower() == "activation":
        return "write its name: relu"
    if kind_named(word.split()[0]) and " " in word:
        return "a colon with a space behind it ends a name: leave out the colon, or the spaces around it"
    if word[0].isdigit() or word[0] in ")]":
        return "inside [ ] and { } a comma ends a value: put quotes around the step"
    return suggest_kind(word, [*blocks, "residual"]) or KNOWN_KINDS


def second_value(kind: Kind, main: str, text: str, flags: Mapping[str, str]) -> tuple[str, str]:
    """(problem, hint) for a number where the main value stands already."""
    hint = f"only the {main}: what enters is known from the step before"
    if main == "kernel" and "s" in flags:
        hint = f"a stride is written s{text}"
    elif main == "order":
        hint = "write the axes with commas: 0,2,1"
    elif main == "parts":
        hint = f"which of them is written part={text}"
    if re.fullmatch(r"\d+x\d+(x\d+)?", text) and "k" in flags:
        hint = f"a kernel is written k{text}"
    return f"a second value, '{short(text)}', of {kind.name}, which takes one", hint


def separate_value(
    kind: Kind, word: str, number: str, flags: Mapping[str, str], names: Mapping[str, str]
) -> str | None:
    """For `k 3` and `stride 2`: a flag or an option with its number apart. None if it is neither."""
    if word in flags:
        return f"write the number behind it: {word}{number}"
    name = names.get(word)
    if name is None:
        return None
    letter = next((letter for letter, option in flags.items() if option == name), None)
    return f"write {letter}{number} or {word}={number}" if letter else f"write {word}={number}"


def unknown_flag(kind: Kind, word: str, flags: Collection[str], names: Mapping[str, str]) -> str:
    """For a word behind a kind that means nothing there."""
    listed = ", ".join(flags) or "none"
    if word[0] in "-_" and word[1:]:
        return f"without the {word[0]}: {short(word[1:])}"
    if word.lower() in ("if", "weights"):
        return f"only in long form: {{{kind.name}: ..., {word.lower()}: ...}}"
    if word in flags and len(word) == 1:
        return f"write the number behind it: {word}3"
    joined = re.fullmatch(r"([a-z_]+?)_?(\d\S*)", word.lower())
    if joined and joined[1] in names:
        return f"write {joined[1]}={joined[2]}"
    if joined and len(joined[1]) == 1:
        return f"flags of {kind.name}: {listed}, and x3 to repeat"
    if kind_named(word):
        return f"{word} is a step of its own: put it in a line of its own"
    if word.lower() in names:
        return f"write {word.lower()}=3"
    near = suggest_kind(word, flags, appendable=True)
    if near is None and all(len(flag) > 1 for flag in flags):  # few flags or none: what it takes has names
        options = ", ".join(f"{name}=" for name in kind.load().options)
        return f"it takes {options or 'no options'} (see `cnncalc kinds {kind.name}`)"
    return near or f"flags of {kind.name}: {listed}; and names of norms and activations"


def unnamed_argument(word: str) -> tuple[str, str] | None:
    """(problem, hint) for a word behind a block that is no value for it; None if it may be one."""
    if word == "x":
        return "x without a number", "write how often: x3"
    if re.match(r"\w+:\w+=", word):
        hint = suggest(word.split(":")[0], ("first", "last"))
        return f"'{short(word)}' changes no repetition", hint or "write first:stride=2 or last:stride=2"
    return None


def condition(text: object, params: Collection[str]) -> str:
    """For an `if:` that is neither true nor false."""
    words = re.findall(r"[A-Za-z_]\w*", text) if isinstance(text, str) else []
    if not any(word in params for word in words):
        return "write 0, 1, false, true or a comparison: if: $(c > 1)"
    return f"write if: ${text}" if [text] == words else f"write if: $({text})"


def are_steps(values: Sequence[str]) -> bool:
    """Whether what was given to a block looks like steps in front of which its name stands: `head: conv 6 k5`."""
    for value in values:
        word, space, _ = value.strip().partition(" ")
        kind = kind_named(word)
        if word in ("from", "residual", "layers", "if", "weights") or (kind is not None and not kind.appendable):
            return value is values[0] or space != ""
    return False


def surplus_argument(word: str, params: Collection[str]) -> str:
    """For a value without a name where every parameter of the block has one."""
    kind = kind_named(word)
    if kind is not None and kind.appendable:
        return f"put {word} into a line of its own, or use then:"
    return f"it takes {len(params)}: {', '.join(params)}" if params else "it takes none"
