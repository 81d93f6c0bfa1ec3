"""The step grammar: YAML nodes to steps. Every mistake is noted in its place and reading goes on."""

from __future__ import annotations

import re
from collections.abc import Collection

from cnncalc.errors import Position, suggest
from cnncalc.language import _
from cnncalc.layers import KINDS, MERGES, Kind, kind_named, suggest_kind
from cnncalc.layers.options import CONSTRUCTION
from cnncalc.spec.read import advice
from cnncalc.spec.read.lines import LineReader
from cnncalc.spec.read.words import Token, tokens
from cnncalc.spec.read.yamltree import Entries, Items, Text, Tree, raw
from cnncalc.spec.steps import (
    Argument,
    BrokenStep,
    FromStep,
    MergeStep,
    ResidualStep,
    Sequence,
    SequenceStep,
    Step,
)

NAME = r"\w[\w+-]*"
KEYWORDS = ("residual", "from", "layers", "shortcut", "then", "repeat", "if", "weights")
ANY_STEP = ("then", "repeat", "if", "weights")  # keys of every step
RESERVED = ("in", "identity")
BRANCH = "branch"  # what is empty, where it is a branch


class StepReader(LineReader):
    """Reads steps in any of their forms."""

    def sequence(self, tree: Tree, what: str = "") -> Sequence:
        """One step, or a list of them."""
        if isinstance(tree, Items):
            steps: list[Step] = []
            # A list in the list is most often a name that was forgotten: noted once, and its steps are not read.
            for item in tree.items:
                steps += [self.sequence_step(item)] if isinstance(item, Items) else [self.step(item)]
            if not steps:
                steps.append(self.empty(what, tree.position))
            return Sequence(tree.position, steps)
        if isinstance(tree, Text) and not tree.text.strip():
            return Sequence(tree.position, [self.empty(what, tree.position)])
        return Sequence(tree.position, [self.step(tree)])

    def empty(self, what: str, position: Position) -> Step:
        """Note that a list has no steps."""
        problem = _("{what} is empty", what=what) if what else _("a list of steps is empty")
        if what == BRANCH:
            problem = _("a branch is empty")
        self.note(problem, position, _("write at least one step"))
        return BrokenStep(position)

    def sequence_step(self, tree: Items) -> Step:
        self.note(
            _("a list inside the list of steps"), tree.position, _("name it, `stem: [...]`, or remove the brackets")
        )
        return BrokenStep(tree.position)

    def step(self, tree: Tree) -> Step:
        """One step, in any of its forms."""
        if isinstance(tree, Text):
            return self.line(tree)
        if isinstance(tree, Entries):
            return self.mapping(tree)
        return SequenceStep(tree.position, self.sequence(tree))

    def mapping(self, tree: Entries) -> Step:
        # A mapping names its kind in any place: `{kernel: 5, conv: 6}` is a step too.
        heads = [key for key, _ in tree if self.is_head(key.text)]
        if not tree.entries:
            self.note(_("an empty step"), tree.position, _("write a kind: `conv 6 k5`"))
            return BrokenStep(tree.position)
        if not heads:
            return self.read_named(tree)
        head = self.head_among(heads)
        if head is None:
            one, other = (advice.short(key.text) for key in heads[:2])
            problem = _("one step with two kinds, '{one}' and '{other}'", one=one, other=other)
            self.note(problem, heads[1].position, _("make two steps, or use then:"))
            return BrokenStep(tree.position)
        value = tree.entries[head.text][1]
        rest = [(key, node) for key, node in tree if key is not head]
        kind = None if head.text in self.blocks else kind_named(head.text)
        # `pool: conv 6 k5` is a step called pool, not a pooling whose main value is `conv 6 k5`.
        if kind is not None and self.holds_step(kind, value):
            problem = _("'{head}' cannot be a step's name: it is a kind", head=head.text)
            if kind.name != head.text.lower():
                problem = _(
                    "'{head}' cannot be a step's name: it is another name of the kind {kind}",
                    head=head.text,
                    kind=kind.name,
                )
            self.note(problem, head.position, _("choose another name, {head}_1: ...", head=head.text))
            return BrokenStep(tree.position)
        if head.text == "residual":
            step: Step = self.residual(head, value, rest)
        elif head.text == "from":
            step = self.from_step(head, value, rest)
        elif kind is None:
            step = self.call_mapping(head, value, rest)
        elif kind.name in MERGES:
            step = self.merge(kind, head, value)
            self.no_more(kind.name, rest, tuple(self.maker.options(kind)))
            if isinstance(step, MergeStep):
                step.arguments = self.construction(kind, rest)
        else:
            step = self.layer_mapping(kind, head, value, rest)
        self.common(step, tree)
        return step

    def common(self, step: Step, tree: Entries) -> None:
        """What every step may have: the keys of ANY_STEP."""
        for key, node in tree:
            if key.text == "then":
                step.then += self.sequence(node, "then").steps
            elif key.text == "repeat":
                self.repeat_step(step, Argument("repeat", raw(node), node.position))
            elif key.text == "if":
                step.condition = self.check(Argument("if", raw(node), node.position))
            elif key.text == "weights" and not (isinstance(node, Text) and node.text):
                self.note(_("weights needs the name of one step"), node.position, _("weights: C3"))
            elif key.text == "weights":
                step.weights = self.check(Argument("weights", raw(node), node.position))

    def is_head(self, word: str) -> bool:
        return word in ("residual", "from") or word in self.blocks or kind_named(word) is not None

    def holds_step(self, kind: Kind, value: Tree) -> bool:
        """Whether what stands behind a kind is a step, as if the kind were its name: `fc: dense 10`."""
        if isinstance(value, Items) and value.items and kind.name not in MERGES:
            value = value.items[0]
        if isinstance(value, Entries):
            return any(self.is_head(key.text) and key.text.lower() not in self.maker.options(kind) for key, _ in value)
        words = tokens(value) if isinstance(value, Text) else []
        return bool(words) and words[0].text not in RESERVED and self.is_head(words[0].text)

    def head_among(self, heads: list[Text]) -> Text | None:
        """The key that says what the step is: the others must be options of it (`pad` is both)."""
        if len(heads) == 1:
            return heads[0]
        for head in heads:
            kind = kind_named(head.text)
            if kind and all(other is head or other.text.lower() in self.maker.options(kind) for other in heads):
                return head
        return None

    def read_named(self, tree: Entries) -> Step:
        """NAME: step"""
        (key, value), *others = tree
        if not key.text.strip():
            self.note(_("an empty step"), key.position, _("write a kind: `conv 6 k5`"))
            return BrokenStep(tree.position)
        # Beside a name may stand what every step has: {C1: conv 6 k5, repeat: 2}.
        if others and all(other.text in ANY_STEP for other, _ in others):
            others = []
        if others:
            hint = suggest_kind(key.text, self.blocks) or _("one of the keys is the kind: {conv: 16, kernel: 5}")
            names = ", ".join(advice.short(k.text) for k, _node in tree)
            self.note(_("no kind among the keys {names}", names=names), key.position, hint)
            return BrokenStep(tree.position)
        if isinstance(value, Text):
            # `convv: 16` is a kind misspelt, `C1: convv 16` a name in front of one.
            words = tokens(value)
            word = len(words) == 1 and words[0].text[0] == "$"
            if not words or not (words[0].text[0].isalpha() or word):
                near = suggest_kind(key.text, [*self.blocks, "residual"])
                if ":" in key.text or " " in key.text:
                    near = advice.unknown_kind(key.text, self.blocks)
                self.note(
                    _("unknown kind '{name}'", name=advice.short(key.text)),
                    key.position,
                    near or _("write NAME: KIND ..."),
                )
                return BrokenStep(tree.position)
        step = self.step(value)
        if self.check_name(key, KEYWORDS):
            step.name, step.name_position = key.text, key.position
        self.common(step, tree)
        return step

    def check_name(self, key: Text, taken: Collection[str]) -> bool:
        """Whether a key can be a name; noted if not."""
        if key.text in taken or key.text in RESERVED:
            hint = _("it stands beside `from:`; a list has a name, stem: [...]") if key.text == "layers" else None
            hint = hint or _("choose another name")
            self.note(_("'{key}' is a word of the language, not a name", key=key.text), key.position, hint)
        # Most are letters and digits: for those no pattern has to be compiled.
        elif not (key.text.isalnum() or re.fullmatch(NAME, key.text)) or len(key.text) > 100:
            hint = _("letters, digits, _, - and +, beginning with a letter, a digit or _")
            self.note(_("'{key}' is not a name", key=advice.short(key.text)), key.position, hint)
        else:
            return True
        return False

    def no_more(self, what: str, rest: list[tuple[Text, Tree]], known: Collection[str]) -> None:
        for key, _node in rest:
            if key.text not in (*ANY_STEP, *known):
                names = [*known, *ANY_STEP]
                hint = suggest(key.text, [*ANY_STEP, *known]) or _("known: {names}", names=", ".join(names))
                self.note(_("{what} has no option '{key}'", what=what, key=advice.short(key.text)), key.position, hint)

    def layer_mapping(self, kind: Kind, head: Text, value: Tree, rest: list[tuple[Text, Tree]]) -> Step:
        """{KIND: main, option: value, ...}; the main value may carry flags, or be a mapping of options."""
        pairs = [(key, node) for key, node in rest if key.text not in ANY_STEP]
        words: list[Token] = []
        more: list[Argument] = []
        if isinstance(value, Entries):
            pairs = [*value, *pairs]
        elif isinstance(value, Text):
            words = tokens(value)
        else:
            main = next((o.name for o in kind.load().options.values() if o.main), "main")
            # A list as the main value, `{maxpool: [3, 2]}`.
            more.append(self.check(Argument(main, raw(value), value.position)))
        for key, node in pairs:
            if isinstance(node, Entries):
                self.note(
                    _("{kind}: {key} is a value, not a mapping", kind=kind.name, key=advice.short(key.text)),
                    node.position,
                )
                return BrokenStep(head.position)
            more.append(self.check(Argument(key.text.lower(), raw(node), node.position, key.position)))
        return self.layer(kind, head, words, more)

    def merge(self, kind: Kind, head: Text, value: Tree) -> Step:
        """add: [branch, branch, ...]"""
        if not isinstance(value, Items) or len(value.items) < 2:
            self.note(
                _("{kind} needs a list of at least two branches", kind=kind.name),
                value.position,
                f"{kind.name}: [..., ...]",
            )
            return BrokenStep(head.position)
        return MergeStep(head.position, kind, [self.branch(item) for item in value.items])

    def branch(self, tree: Tree) -> Sequence:
        """A step, a list of steps, {from: ...}, or `identity`: no step at all."""
        # No kind of its own here: without steps what enters is what comes out.
        if isinstance(tree, Text) and tree.text.strip() == "identity":
            return Sequence(tree.position, [])
        return self.sequence(tree, BRANCH)

    def residual(self, head: Text, value: Tree, rest: list[tuple[Text, Tree]]) -> Step:
        """residual: [steps], shortcut: [steps]"""
        self.no_more("residual", rest, ("shortcut", *CONSTRUCTION))
        shortcut = next((node for key, node in rest if key.text == "shortcut"), None)
        body = self.sequence(value, "residual")
        step = ResidualStep(head.position, body, None if shortcut is None else self.branch(shortcut))
        step.arguments = self.construction(KINDS["add"], rest)
        return step

    def construction(self, kind: Kind, rest: list[tuple[Text, Tree]]) -> list[Argument]:
        """The options of the layer that brings branches together, those among them that every kind has."""
        known = self.maker.options(kind)
        given = [(key, node) for key, node in rest if key.text in known]
        arguments = [self.check(Argument(key.text, raw(node), node.position, key.position)) for key, node in given]
        return self.maker.check_names(kind, arguments)

    def from_step(self, head: Text, value: Tree, rest: list[tuple[Text, Tree]]) -> Step:
        """from: NAME, layers: [steps]"""
        self.no_more("from", rest, ("layers",))
        if not isinstance(value, Text) or not value.text:
            self.note(_("from needs the name of one step"), value.position, _("from: C3"))
            return BrokenStep(head.position)
        layers = next((node for key, node in rest if key.text == "layers"), None)
        body = Sequence(head.position, []) if layers is None else self.sequence(layers, "layers")
        return FromStep(head.position, Argument("from", value.text, value.position), body)

    def call_mapping(self, head: Text, value: Tree, rest: list[tuple[Text, Tree]]) -> Step:
        """{BLOCK: [values] or {name: value}, name: value, first: {name: value}, ...}"""
        step = self.call(head, tokens(value) if isinstance(value, Text) else [])
        pairs = [(key, node) for key, node in rest if key.text not in ANY_STEP]
        if isinstance(value, Items):
            step.arguments = [self.check(Argument(None, raw(item), item.position)) for item in value.items]
        elif isinstance(value, Entries):
            pairs = [*value, *pairs]
        for key, node in pairs:
            # Values of the first or the last repetition alone.
            target = {"first": step.first, "last": step.last}.get(key.text)
            if target is not None and isinstance(node, Entries):
                changes = [Argument(k.text, raw(v), v.position, k.position) for k, v in node]
                target.extend(map(self.check, changes))
            elif target is not None or isinstance(node, Entries):
                name = advice.short(key.text)
                problem = (
                    _("'{name}' needs a mapping", name=name)
                    if target is not None
                    else _("'{name}' needs a value", name=name)
                )
                self.note(problem, node.position)
            else:
                step.arguments.append(self.check(Argument(key.text, raw(node), node.position, key.position)))
        return step
