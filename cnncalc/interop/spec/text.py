"""Steps as the text of a spec: one line for what one line can say, the long form for the rest."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from cnncalc.interop.spec.steps import Call, From, Line, Merge, Named, Step
from cnncalc.layers.base import Layer, Option
from cnncalc.spec.write.lines import ONE_AXIS, kind_word, option_words

WIDTH = 100  # of a line with a branch in brackets
Options = Mapping[str, Any]


def text_of(value: Any) -> str | None:
    """A value as one word of a line; None where only the long form can say it."""
    if isinstance(value, bool) or value is None:
        return str(value).lower()
    if isinstance(value, tuple):
        # Padding of both sides of each axis: a word has one number for both.
        if value and isinstance(value[0], tuple):
            if any(len(pair) != 2 or pair[0] != pair[1] for pair in value):
                return None
            return text_of(tuple(pair[0] for pair in value))
        return str(value[0]) if len(set(value)) == 1 else "x".join(map(str, value))
    return str(value)


def word_of(name: str, value: Any) -> str | None:
    """The same for values whose option reads them in a way of its own."""
    if name == "range":
        start, stop = value
        return f"{start}:{'end' if stop is None else stop}"
    if name in ("order", "indices") and isinstance(value, tuple):  # of axes, of elements
        return ",".join(map(str, value))
    if name == "shape":
        return "x".join(map(str, value))
    # A table of connections has rows, and numbers with a fraction do not stand behind an `x`.
    if name == "table" or (isinstance(value, tuple) and any(isinstance(part, float) for part in value)):
        return None
    return text_of(value)


def stated_options(layer: Layer, defaults: Options) -> dict[str, Any]:
    """The options of a layer that are not at their defaults, the spec's or the kind's."""
    # Those that must be given stand there whatever they are: a line without them cannot be read.
    values = vars(layer)
    return {
        name: values[name]
        for name, option in layer.options.items()
        if values[name] != defaults.get(name, option.default) or option.required
    }


def line_of(kind: str, options: Options, declared: Mapping[str, Option]) -> tuple[str, dict[str, Any]]:
    """`conv 64 k3 s2 p1 nobias`, and the options that no word says."""
    # In a block a value may be a parameter, `$c`, which any option takes as it is.
    texts = {name: v if isinstance(v, str) and "$" in v else word_of(name, v) for name, v in options.items()}
    words = option_words(declared.values(), texts)
    left = {name: options[name] for name, word in words.items() if word is None}
    return " ".join([kind, *filter(None, words.values())]), left


def frozen_text(layer: Layer) -> list[str]:
    """`frozen`, or how many of its parameters are."""
    return [] if not layer.frozen else ["frozen" if layer.frozen is True else f"frozen={layer.frozen}"]


def how_built(layer: Layer, defaults: Options) -> list[str]:
    """What a spec says about the program that a layer stands for, where its defaults do not: see docs/spec.md."""
    return [
        *([f"built={layer.built}"] if layer.built and layer.built != defaults.get("built") else []),
        *(["inplace"] if layer.inplace and not defaults.get("inplace") else []),
        *frozen_text(layer),
    ]


class Writer:
    """Writes steps.

    defaults  options of kinds that the spec states once
    names     what values are called
    weights   for a layer that uses another's weights, what that one is called
    required  how many parameters of a block must be given
    sequences  layers of which it has to be said that they move along one axis: `conv1d`
    """

    def __init__(
        self,
        defaults: Mapping[str, Options],
        names: Mapping[int, str],
        weights: Mapping[int, str],
        required: Mapping[str, int],
        sequences: Collection[int] = (),
    ) -> None:
        self.sequences = sequences
        self.required = required
        self.defaults = defaults
        self.names = names
        self.weights = weights

    def steps(self, steps: Sequence[Step], indent: str) -> list[str]:
        """Lines of a list, each step behind a hyphen."""
        lines: list[str] = []
        for step in steps:
            first, *more = self.step(step)
            lines.append(f"{indent}- {first}")
            lines += [f"{indent}  {line}" for line in more]
        return lines

    def step(self, step: Step) -> list[str]:
        """The lines of one step, the first to stand behind a hyphen."""
        if isinstance(step, Line):
            return [self.line(step)]
        if isinstance(step, Call):
            text = call(step, self.required[step.block])
            return [f"{step.name}: {text}" if step.name else text]
        if isinstance(step, Named):
            # A list of one step needs no lines of its own where it fits one.
            if len(step.steps) == 1 and isinstance(step.steps[0], (Line, Call)):
                text = f"{step.name}: [{self.in_brackets(step.steps[0])}]"
                if len(text) <= WIDTH:
                    return [text]
            return [f"{step.name}:", *self.steps(step.steps, "  ")]
        if isinstance(step, From):
            return self.from_elsewhere(step)
        return self.merge(step)

    def line(self, step: Line, *, in_brackets: bool = False) -> str:
        """A layer with its norms and activations, by name if it has one."""
        body, left = self.layer(step)
        tail = [self.layer(part) for part in step.tail]
        sharing = self.weights.get(step.node)
        words = [word for word, _ in tail]
        # A second word of a tail's is read as its main value: no more than that fits a line.
        plain = not left and not sharing and all(not rest for _word, rest in tail)
        plain = plain and all(self.fits_a_line(part, word) for part, word in zip(step.tail, words, strict=True))
        if plain:
            text = " ".join([body, *words])
            # A comma or a bracket would end the item for YAML.
            quoted = f'"{text}"' if in_brackets and set(text) & set(",[]{}") else text
            return f"{step.name}: {quoted}" if step.name else quoted
        # The long form: the kind with the words that stand for themselves, then option by option.
        kind, _space, flags = body.partition(" ")
        main = next((name for name in left if step.layer.options[name].main), None)
        entries = [f"{kind}: {quote(flags)}" if flags else f'{kind}: ""']
        if main and not flags:
            entries = [f"{kind}: {list_value(left.pop(main))}"]
        entries += [f"{name}: {list_value(value)}" for name, value in left.items()]
        if sharing:
            entries.append(f"weights: {sharing}")
        if tail:
            parts = [self.long(part) for part in step.tail]
            entries.append(f"then: {parts[0]}" if len(parts) == 1 else f"then: [{', '.join(parts)}]")
        long = "{" + ", ".join(entries) + "}"
        return f"{step.name}: {long}" if step.name else long

    def fits_a_line(self, step: Line, word: str) -> bool:
        """Whether a norm or activation behind a layer can say its options there: its main value at most."""
        if step.node in self.weights:
            return False
        # These words may stand behind a layer in its line.
        said = how_built(step.layer, {} if step.word else self.defaults.get(step.layer.kind, {}))
        parts = [part for part in word.split(" ") if part not in said]
        return len(parts) == 1 or (len(parts) == 2 and parts[1].replace(".", "", 1).isdigit())

    def long(self, step: Line) -> str:
        """A norm or an activation in the brackets of `then:`."""
        body, left = self.layer(step)
        sharing = self.weights.get(step.node)
        if not left and not sharing:
            return quote(body)
        kind, _space, flags = body.partition(" ")
        entries = [f"{kind}: {quote(flags)}" if flags else f'{kind}: ""']
        entries += [f"{name}: {list_value(value)}" for name, value in left.items()]
        entries += [f"weights: {sharing}"] if sharing else []
        return "{" + ", ".join(entries) + "}"

    def layer(self, step: Line | Merge) -> tuple[str, dict[str, Any]]:
        """The words of a layer, and the options that no word says."""
        layer = step.layer
        if isinstance(step, Line) and step.word:  # which activation it is, others say: their defaults do not count
            return " ".join([step.word, *how_built(layer, {})]), {}
        kind = kind_word(layer.kind) + ONE_AXIS * (step.node in self.sequences)
        options = step.options if isinstance(step, Line) else None
        given = stated_options(layer, self.defaults.get(layer.kind, {})) if options is None else options
        text, left = line_of(kind, given, layer.options)
        return " ".join([text, *how_built(layer, self.defaults.get(layer.kind, {}))]), left

    def from_elsewhere(self, step: From) -> list[str]:
        """Steps that start at a value by its name: in brackets where they fit."""
        origin = self.names[step.origin] if step.said is None else step.said
        if not step.steps:
            return [f"from: {origin}"]
        if all(isinstance(inner, Line) for inner in step.steps):
            text = f"{{from: {origin}, layers: [{', '.join(self.in_brackets(inner) for inner in step.steps)}]}}"
            if len(text) <= WIDTH:
                return [text]
        return [f"from: {origin}", "layers:", *self.steps(step.steps, "  ")]

    def in_brackets(self, step: Step) -> str:
        """A layer or a call as an item of a list in brackets."""
        return self.line(step, in_brackets=True) if isinstance(step, Line) else self.step(step)[0]

    def merge(self, step: Merge) -> list[str]:
        """A residual, or a merge with its branches; a name in front where it was given one."""
        if step.residual:
            lines = ["residual:", *self.steps(step.branches[0], "  ")]
            if step.branches[1]:
                lines += ["shortcut:", *self.steps(step.branches[1], "  ")]
        else:
            lines = [f"{step.layer.kind}:"]
            for branch in step.branches:
                lines += self.branch(branch)
            given = stated_options(step.layer, self.defaults.get(step.layer.kind, {}))
            lines += [f"{name}: {list_value(value)}" for name, value in given.items()]
        if step.tail:
            parts = [self.long(part) for part in step.tail]
            lines.append(f"then: {parts[0]}" if len(parts) == 1 else f"then: [{', '.join(parts)}]")
        if step.node in self.weights:
            lines.append(f"weights: {self.weights[step.node]}")
        # A merge has no line of words: what they would say are keys of their own.
        for said in how_built(step.layer, self.defaults.get(step.layer.kind, {})):
            name, _equals, value = said.partition("=")
            lines.append(f"{name}: {value or 'true'}")
        return [f"{step.name}:", *(f"  {line}" for line in lines)] if step.name else lines

    def branch(self, branch: list[Step]) -> list[str]:
        """A branch behind a hyphen: alone, in brackets where it fits, or a list below it."""
        if not branch:
            return ["  - identity"]
        if len(branch) == 1 and not isinstance(branch[0], Named):
            first, *more = self.step(branch[0])
            return [f"  - {first}", *(f"    {line}" for line in more)]
        if all(isinstance(step, Line) for step in branch):
            text = f"  - [{', '.join(self.in_brackets(step) for step in branch)}]"
            if len(text) <= WIDTH:
                return [text]
        first, *more = self.steps(branch, "")
        return [f"  - {first}", *(f"    {line}" for line in more)]


def call(step: Call, required: int) -> str:
    """`bottleneck 64 x3 first:stride=2`: what must be given stands in its order, the rest by name."""
    words = [step.block]
    for i, (name, value) in enumerate(step.values.items()):
        words.append(word(value) if i < required else f"{name}={word(value)}")
    if step.repeat != 1:
        words.append(f"x{step.repeat}")
    words += [f"first:{name}={word(value)}" for name, value in step.first.items()]
    words += [f"last:{name}={word(value)}" for name, value in step.last.items()]
    return " ".join(words)


def word(value: Any) -> str:
    """A value of a call, which is a number or the name of one."""
    return str(text_of(value))


def list_value(value: Any) -> str:
    """A value in the long form: lists in brackets."""
    if isinstance(value, tuple):
        return "[" + ", ".join(map(list_value, value)) + "]"
    return str(text_of(value))


def quote(text: str) -> str:
    """A text within brackets, where commas and colons are YAML's."""
    return f'"{text}"' if set(text) & set(",[]{}:") else text
