"""A spec as nodes of ruamel.yaml, restyled: names, one line per layer, the order of keys, no needless quotes."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from functools import lru_cache
from typing import Any

from ruamel.yaml.error import YAMLError as Unreadable
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from cnncalc.errors import CnncalcError, OptionError, Position, Source
from cnncalc.layers import MERGES, Kind, kind_named
from cnncalc.layers.base import shape_text
from cnncalc.spec.read.steps import ANY_STEP
from cnncalc.spec.read.yamltree import Entries, Items, Text, Tree, raw, read_yaml
from cnncalc.spec.style.layout import compose, emit, fit, in_brackets, make_scalar
from cnncalc.spec.style.steps import StepWriter
from cnncalc.spec.values import shape
from cnncalc.spec.write.lines import ONE_AXIS

__all__ = ["Unreadable", "restyle"]
HERE = Position(1, 1)
FOLD = "\a"  # how ruamel.yaml marks the line ends inside a folded text
SMALL = 80  # characters of a mapping that is put into brackets
WORDS = re.compile(
    r"[A-Za-z][\w=$()*/+. -]{0,99}", re.ASCII
)  # nothing in it that YAML would take for a mark of its own
LAST = ("weights", "if", "repeat", "then")  # of the keys of a step, in this order


def restyle(text: str, blocks: Collection[str]) -> str:
    """The text of a spec that can be read, in the one style; only where a comment stands is left to others."""
    root = compose(text)
    _Styler(writer_of(frozenset(blocks))).root(root)
    # After restyling, because quotes may be needed inside brackets that are gone by now; before `fit`, which counts
    # characters.
    take_quotes_off(root, inside=False, seen=set())
    fit(root)
    return emit(root)


@lru_cache(1)
def writer_of(blocks: frozenset[str]) -> StepWriter:
    """One writer for all turns of a spec: it knows the lines that it has written."""
    return StepWriter(blocks)


class _Styler:
    def __init__(self, writer: StepWriter) -> None:
        self.writer = writer
        self.reader = writer.reader
        self.done: dict[int, Node] = {}  # by identity: what an anchor names stands in several places

    def root(self, node: Node) -> None:
        for i, (key, value) in enumerate(node.value):
            if key.value in ("input", "outputs") or key.value == "layers":
                node.value[i] = (key, self.section(key.value, value))
            elif key.value == "inputs":
                value.value = [(k, self.shape(v)) for k, v in value.value]
            elif key.value == "defaults" and isinstance(value, MappingNode):
                self.defaults(value)
            elif key.value == "params":
                in_brackets_if_small(value)
            elif key.value == "blocks" and isinstance(value, MappingNode):
                for _name, block in value.value:
                    self.block(block)

    def section(self, key: str, value: Node) -> Node:
        if key == "layers":
            return self.sequence(value)
        return self.shape(value) if key == "input" else value

    def block(self, block: Node) -> None:
        keys = [key.value for key, _value in block.value]
        # Parameters come first, since layers speak of them.
        if keys == ["layers", "params"] and not block.comment and not has_comments(block):
            block.value.reverse()
        for key, value in block.value:
            if key.value == "params":
                in_brackets_if_small(value)
        block.value = [(k, self.sequence(v) if k.value == "layers" else v) for k, v in block.value]

    def shape(self, node: Node) -> Node:
        """A shape as 3x32x32."""
        text = raw(as_tree(node))
        if "$" in str(text) or has_comments(node):
            return node
        try:
            written = shape_text(shape(text))
        except OptionError:
            return node
        return make_scalar(node, written, node.comment)

    def defaults(self, node: MappingNode) -> None:
        """Kinds and options by the names that they have."""
        for key, given in node.value:
            kind = kind_named(key.value)
            if kind is not None and isinstance(given, MappingNode):
                key.value = kind.name
                self.name_options(kind, given.value)

    def name_options(self, kind: Kind, entries: Sequence[tuple[ScalarNode, Node]]) -> None:
        known = self.writer.maker.options(kind)
        for key, _value in entries:
            option = known.get(key.value.lower())
            if option is not None:
                key.value = option.name

    # --- steps

    def sequence(self, node: Node) -> Node:
        """A step, or a list of them."""
        if isinstance(node, SequenceNode):
            node.value = [self.step(item) for item in node.value]
            for item in node.value:
                if isinstance(item, MappingNode) and len(item.value) == 1 and not node.flow_style:
                    item.flow_style = False  # a name and its step: `- C1: conv 6 k5`
            return node
        return self.step(node)

    def step(self, node: Node) -> Node:
        if id(node) not in self.done:
            self.done[id(node)] = node  # itself, in case it is reached again meanwhile
            self.done[id(node)] = self.restyle(node)
        return self.done[id(node)]

    def restyle(self, node: Node) -> Node:
        if isinstance(node, ScalarNode):
            if node.value.strip() != "identity":
                node.value = self.writer.line(node.value.replace(FOLD, ""))
            return node
        if isinstance(node, SequenceNode):
            return self.sequence(node)
        tree = as_tree(node)
        assert isinstance(tree, Entries)
        heads = [key for key, _value in tree if self.reader.is_head(key.text)]
        head = self.reader.head_among(heads) if heads else None
        if head is None:
            return self.read_named(node)
        kind = None if head.text in self.reader.blocks else kind_named(head.text)
        line = None if has_comments(node) else self.in_one_line(node, tree)
        if line is not None:
            return line
        for i, (key, value) in enumerate(node.value):
            if key.value in ("then", "shortcut", "layers", "residual"):
                node.value[i] = (key, self.sequence(value))
            elif key.value == head.text and kind is not None and kind.name in MERGES:
                value.value = [self.sequence(item) for item in value.value]
        name = head.text
        if kind is not None:
            own = [entry for entry in node.value if entry[0].value not in (head.text, *ANY_STEP)]
            self.name_options(kind, own)
            name = kind.name + ONE_AXIS * head.text.lower().endswith(ONE_AXIS)
            next(key for key, _value in node.value if key.value == head.text).value = name
        self.order(node, name)
        in_brackets_if_small(node)
        return node

    def read_named(self, node: Node) -> Node:
        """NAME: step"""
        for i, (key, value) in enumerate(node.value):
            if key.value == "then" or key.value not in ANY_STEP:
                node.value[i] = (key, self.sequence(value))
        return node

    def in_one_line(self, node: Node, tree: Entries) -> Node | None:
        """A step in long form that a line can say; beside `weights` and `if`, what stands in front of them."""
        step = self.reader.mapping(tree)
        beside = [entry for entry in node.value if entry[0].value in ("weights", "if")]
        # Taken off the step alone: they stay in the mapping, beside the line.
        step.condition = step.weights = None
        text = self.writer.one_line(step)
        if text is None:
            return None
        first = node.value[0][0]
        if not beside:
            return make_scalar(first, text, node.comment)
        word, _space, rest = text.partition(" ")
        if not rest:
            return None
        order = sorted(beside, key=lambda entry: LAST.index(entry[0].value))
        node.value = [(make_scalar(first, word), make_scalar(first, rest)), *order]
        in_brackets_if_small(node)
        return node

    def order(self, node: Node, head: str) -> None:
        """The kind first, then its options, then what every step may have; as it is where comments stand between."""
        if has_comments(node):
            return

        def place(entry: tuple[Any, Any]) -> int:
            key = entry[0].value
            return -1 if key == head else LAST.index(key) + 1 if key in LAST else 0

        node.value.sort(key=place)


def in_brackets_if_small(node: Node) -> None:
    """Write a mapping of a few words in brackets, perhaps with a list of one step: `{from: a, layers: [relu]}`."""
    if not isinstance(node, MappingNode) or has_comments(node) or len(in_brackets(node)) > SMALL:
        return
    # One list of one step at most: of more, brackets would hide where each step begins.
    lists = [value for _key, value in node.value if isinstance(value, SequenceNode)]
    words = [value for _key, value in node.value if isinstance(value, ScalarNode)]
    one_step = all(len(value.value) == 1 and isinstance(value.value[0], ScalarNode) for value in lists)
    if words and one_step and len(lists) <= 1 and len(words) + len(lists) == len(node.value):
        for part in (node, *lists):
            part.flow_style = True


def has_comments(node: Node) -> bool:
    """Whether a comment stands inside a list or mapping: what it is about would be lost in one line."""
    children = [part for entry in node.value for part in (entry if isinstance(entry, tuple) else (entry,))]
    return not isinstance(node, ScalarNode) and any(bool(child.comment) or has_comments(child) for child in children)


def as_tree(node: Node) -> Tree:
    """A node as the reader of steps has it, without places."""
    if isinstance(node, ScalarNode):
        return Text(node.value, HERE)
    if isinstance(node, SequenceNode):
        items = Items(HERE)
        items.items = [as_tree(item) for item in node.value]
        return items
    entries = Entries(HERE)
    for key, value in node.value:
        entries.entries[key.value] = (Text(key.value, HERE), as_tree(value))
    return entries


def take_quotes_off(node: Node, inside: bool, seen: set[int]) -> None:
    """Take the quotes off what is the same without them."""
    if id(node) in seen:
        return
    seen.add(id(node))
    if isinstance(node, ScalarNode):
        # Behind a folded text a comment stands in the next line, and would come into this one.
        quoted = node.style in ("'", '"') or (node.style in (">", "|") and not node.comment)
        if quoted and same_without(node.value, inside):
            node.style = None
        return
    for entry in node.value:
        for part in entry if isinstance(entry, tuple) else (entry,):
            take_quotes_off(part, inside or bool(getattr(node, "flow_style", False)), seen)


def same_without(text: str, inside: bool) -> bool:
    """Whether a text is read as itself without quotes: inside brackets too, if it stands there."""
    if not text or not text.isprintable() or text != text.strip():
        return False
    # Most are plain words: reading twice what surely comes back took a sixth of all time.
    if WORDS.fullmatch(text):
        return True
    try:
        tree = read_yaml(Source("", f"- [{text}]" if inside else f"- {text}"))
        # As a key too, since `a: b` without quotes would be one.
        keyed = read_yaml(Source("", f"- {{{text}: x}}" if inside else f"{text}: x"))
    except CnncalcError:
        return False
    item = tree.items[0] if isinstance(tree, Items) and len(tree.items) == 1 else None
    if inside and isinstance(item, Items) and len(item.items) == 1:
        item = item.items[0]
    first = keyed.items[0] if isinstance(keyed, Items) and keyed.items else keyed
    return isinstance(item, Text) and item.text == text and isinstance(first, Entries) and list(first.entries) == [text]
