"""Hints for what people write when they mean something else. Every function returns a sentence, or None."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence

from cnncalc.errors import suggest
from cnncalc.language import _, n_
from cnncalc.layers import Kind, kind_named, suggest_kind

KNOWN_KINDS = n_("`cnncalc kinds` lists them; blocks of your own stand under blocks:")

ENDED_BY_COMMA = n_("inside [ ] and { } a comma ends a value: put quotes around the step")


def short(text: str) -> str:
    """What was written, short enough for a message."""
    return text if len(text) <= 40 else text[:37] + "..."


def unknown_kind(word: str, blocks: Collection[str]) -> str:
    """For a step that begins with no kind and no block."""
    before_colon = word.split(":")[0]
    # From the surest sign to the vaguest: the first that fits is said.
    if ":" in word and (kind_named(before_colon) or before_colon in blocks):
        return _("a space is missing behind {before_colon}:", before_colon=before_colon)
    if word in ("residual", "from"):
        return _("{word} has a list of steps: write `{word}: ...`", word=word)
    if word.count("(") > word.count(")"):
        return _(ENDED_BY_COMMA)
    if word.lower() == "activation":
        return _("write its name: relu")
    first, *rest = word.split() or [""]
    if not first:
        return _(KNOWN_KINDS)
    if kind_named(first) and rest:
        return _("a colon with a space behind it ends a name: leave out the colon, or the spaces around it")
    if word[0].isdigit() or word[0] in ")]":
        return _(ENDED_BY_COMMA)
    return suggest_kind(word, [*blocks, "residual"]) or _(KNOWN_KINDS)


def kind_in_words(words: Sequence[str]) -> str | None:
    """The kind that two words are together: `max pool`, `batch norm`."""
    kind = kind_named("".join(words)) if all(word.isalpha() for word in words) else None
    return None if kind is None else kind.name


def misplaced_kind(words: Sequence[str]) -> str | None:
    """For a step whose first words hold a kind all the same: `6 conv`, `max pool 2`, `conv3-64`. None if not."""
    first, following = words[0], words[1] if len(words) > 1 else ""
    # Up to three words make one: `global avg pool`.
    for count in (3, 2):
        name = kind_in_words(words[:count]) if len(words) >= count else None
        if name is not None:
            return _("write {value}", value=name)
    if not first.strip("-*+\u2013\u2014\u2022\u00b7"):  # a dash of a list in a net without a file
        return _("leave out the {word}", word=first)
    if first[0].isdigit() and kind_named(following):
        return _("the kind stands first: {value}", value=f"{following} {first}")
    # conv3-64: name, kernel, filters; conv64 or conv_3x3: name and one value.
    glued = re.fullmatch(r"([A-Za-z_]+?)[-_]?(\d+(?:x\d+)*)(?:-(\d+))?", first, re.ASCII)
    kind = kind_named(glued[1]) if glued else None
    if glued is None or kind is None or following[:1].isdigit():
        return None
    if glued[3] is not None:  # as papers write: conv3-64
        return _("write {value}", value=f"{kind.name} {glued[3]} k{glued[2]}")
    value = glued[2] if "x" not in glued[2] or kind.name != "conv" else f"k{glued[2]}"
    return _("a space is missing: {value}", value=f"{glued[1]} {value}")


def no_main_value(kind: Kind, main: str, text: str, flags: Mapping[str, str]) -> tuple[str, str] | None:
    """(problem, hint) for a main value with more in it: `6@5x5`, `5x5` where filters stand. None if it may be one."""
    at = re.fullmatch(r"(\d+)@(\d+(?:x\d+)*)", text) if "@" in text else None
    if at and "k" in flags:
        hint = _("write {value}", value=f"{kind.name} {at[1]} k{at[2]}")
        return _("'{text}' is two values", text=short(text)), hint
    if "x" in text and re.fullmatch(r"\d+(x\d+)+", text) and main in ("filters", "units") and "k" in flags:
        return _("'{text}' is no number of {main}", text=short(text), main=main), _(
            "a kernel is written k{text}", text=text
        )
    return None


def more_values(
    kind: Kind, main: str, texts: Sequence[str], flags: Mapping[str, str], given: Collection[str | None] = ()
) -> tuple[str, str]:
    """(problem, hint) for numbers where the main value stands already. `given`: options that have a flag."""
    problem = _("a second value, '{text}', of {kind}, which takes one", text=short(texts[0]), kind=kind.name)
    # `conv 16 3 1 1`: in the order of other programs, kernel, stride, padding, where none is said otherwise.
    free = [flag for flag in "ksp" if flags.get(flag) not in (None, main, *given)]
    first = texts[0]
    if re.fullmatch(r"\d+x\d+(x\d+)?", first) and "k" in flags:
        free = ["k", *(flag for flag in free if flag != "k")]
    elif main != "kernel" and free[:1] != ["k"]:
        free = []
    if 1 < len(texts) <= len(free):
        return problem, _("write {value}", value=" ".join(map(str.__add__, free, texts)))
    hint = _("only the {main}: what enters is known from the step before", main=main)
    if main == "order":
        hint = _("write the axes with commas: 0,2,1")
    elif main == "parts":
        hint = _("which of them is written part={text}", text=first)
    elif free[:1] == ["k"]:
        hint = _("a kernel is written k{text}", text=first)
    elif free[:1] == ["s"]:
        hint = _("a stride is written s{text}", text=first)
    return problem, hint


def separate_value(word: str, number: str, flags: Mapping[str, str], names: Mapping[str, str]) -> str | None:
    """For `k 3` and `stride 2`: a flag or an option with its number apart. None if it is neither."""
    if word in flags:
        return _("write the number behind it: {word}{number}", word=word, number=number)
    name = names.get(word)
    if name is None:
        return None
    letter = next((letter for letter, option in flags.items() if option == name), None)
    return (
        _("write {letter}{number} or {word}={number}", letter=letter, number=number, word=word)
        if letter
        else _("write {name}={value}", name=word, value=number)
    )


def unknown_flag(kind: Kind, word: str, flags: Collection[str], names: Mapping[str, str]) -> str:
    """For a word behind a kind that means nothing there."""
    listed = ", ".join(flags) or _("none")
    if word[0] in "-_" and word[1:]:
        return _("without the {word}: {rest}", word=word[0], rest=short(word[1:]))
    if word.lower() in ("if", "weights"):
        return _("only in long form: {{{kind}: ..., {lower}: ...}}", kind=kind.name, lower=word.lower())
    if word in flags and len(word) == 1:
        return _("write the number behind it: {word}3", word=word)
    joined = re.fullmatch(r"([a-z_]+?)_?(\d\S*)", word.lower())
    if joined and joined[1] in names:
        return _("write {name}={value}", name=joined[1], value=joined[2])
    main = next((option for option in kind.load().options.values() if option.main), None)
    if joined and len(joined[1]) == 1 and main is not None and not flags:  # dropout p0.5
        return _("write {value}", value=f"{kind.name} {joined[2]}")
    if joined and len(joined[1]) == 1:
        return _("flags of {kind}: {listed}, and x3 to repeat", kind=kind.name, listed=listed)
    if kind_named(word):
        return _("{word} is a step of its own: put it in a line of its own, behind a dash", word=word)
    if word.lower() in names:
        option = kind.load().options.get(names[word.lower()]) or kind.load().options.get(word.lower())
        if option is not None and isinstance(option.default, bool):
            return _("write {name}={value}", name=word.lower(), value="true")
        return _("write {lower}=3", lower=word.lower())
    # A near name says more than a list of all there are.
    near = suggest_kind(word, flags, appendable=True)
    if near is None and all(len(flag) > 1 for flag in flags):  # few flags or none: what it takes has names
        options = ", ".join(f"{name}=" for name in kind.load().options)
        if not options:
            return _("it takes no options (see `cnncalc kinds {kind}`)", kind=kind.name)
        return _("it takes {options} (see `cnncalc kinds {kind}`)", options=options, kind=kind.name)
    return near or _("flags of {kind}: {listed}; and names of norms and activations", kind=kind.name, listed=listed)


def unnamed_argument(word: str) -> tuple[str, str] | None:
    """(problem, hint) for a word behind a block that is no value for it; None if it may be one."""
    if word == "x":
        return _("x without a number"), _("write how often: x3")
    if re.match(r"\w+:\w+=", word):
        hint = suggest(word.split(":")[0], ("first", "last"))
        return _("'{word}' changes no repetition", word=short(word)), hint or _("write first:stride=2 or last:stride=2")
    return None


def condition(text: object, params: Collection[str]) -> str:
    """For an `if:` that is neither true nor false."""
    words = re.findall(r"[A-Za-z_]\w*", text) if isinstance(text, str) else []
    if not any(word in params for word in words):
        return _("write 0, 1, false, true or a comparison: if: $(c > 1)")
    return _("write if: ${text}", text=text) if [text] == words else _("write if: $({text})", text=text)


def are_steps(values: Sequence[str]) -> bool:
    """Whether what was given to a block looks like steps in front of which its name stands: `head: conv 6 k5`."""
    for value in values:
        word, space, _rest = value.strip().partition(" ")
        kind = kind_named(word)
        if word in ("from", "residual", "layers", "if", "weights") or (kind is not None and not kind.appendable):
            # A lone word further behind may be the value of a parameter; with words behind it, it is a step.
            return value is values[0] or space != ""
    return False


def surplus_argument(word: str, params: Collection[str]) -> str:
    """For a value without a name where every parameter of the block has one."""
    kind = kind_named(word)
    if kind is not None and kind.appendable:
        return _("put {word} into a line of its own, or use then:", word=word)
    return _("it takes {count}: {names}", count=len(params), names=", ".join(params)) if params else _("it takes none")
