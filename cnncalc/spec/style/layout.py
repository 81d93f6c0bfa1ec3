"""YAML as it is written: read and emitted by ruamel.yaml, which keeps comments. Loaded when a spec is formatted."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from io import StringIO
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.composer import Composer
from ruamel.yaml.emitter import Emitter
from ruamel.yaml.events import SequenceEndEvent
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.parser import RoundTripParser
from ruamel.yaml.resolver import VersionedResolver
from ruamel.yaml.scanner import RoundTripScanner
from ruamel.yaml.serializer import Serializer
from ruamel.yaml.tag import Tag
from ruamel.yaml.tokens import CommentToken

WIDTH = 120
NO_WIDTH = 1_000_000  # lines are broken by `fit` alone, between steps
OFFSET = 2  # of a list below a key: the dash is indented by 2, what stands behind it by 4

TEXT = Tag(suffix="tag:yaml.org,2002:str")


class AsText(VersionedResolver):
    """Every scalar is text: `no`, `010` and `1e3` are what was written, and need no quotes."""

    def resolve(self, kind: Any, value: Any, implicit: Any) -> Any:
        return TEXT if kind is ScalarNode else super().resolve(kind, value, implicit)


class Looking(RoundTripScanner):
    """Asked about the next token again and again, it looks once: until one is taken or more of the text is read.

    The parser asks some five times for each token, and the scanner would look for comments around it each time.
    """

    looked: tuple[int, int, int] | None = None  # where it was when it looked last

    @cached_property
    def reader(self) -> Any:
        return self.loader.reader

    def check_token(self, *choices: Any) -> bool:
        if self.place() == self.looked:
            return not choices or isinstance(self.tokens[0], choices)
        found: bool = super().check_token(*choices)
        self.keep_place()
        return found

    def peek_token(self) -> Any:
        if self.place() == self.looked:
            return self.tokens[0]
        token = super().peek_token()
        self.keep_place()
        return token

    def place(self) -> tuple[int, int, int]:
        return self.tokens_taken, len(self.tokens), self.reader.index

    def keep_place(self) -> None:
        # A comment in front is not what will be taken next: it waits for the token that it is put at.
        waits = not self.tokens or isinstance(self.tokens[0], CommentToken)
        self.looked = None if waits else self.place()


class Hearing(RoundTripParser):
    """A parser that looks for its scanner once, and not for each token."""

    @cached_property
    def scanner(self) -> Any:
        return self.loader.scanner


class Keeping(Composer):
    """Of a list or mapping in brackets both comments: the one in front of it and the one behind."""

    @cached_property
    def parser(self) -> Any:
        return self.loader.parser

    @cached_property
    def resolver(self) -> Any:
        return self.loader.resolver

    def compose_sequence_node(self, anchor: Any) -> Any:
        return self.with_both(super().compose_sequence_node, anchor)

    def compose_mapping_node(self, anchor: Any) -> Any:
        return self.with_both(super().compose_mapping_node, anchor)

    def with_both(self, compose: Callable[[Any], Any], anchor: Any) -> Any:
        start = self.parser.peek_event()
        if not start.flow_style:
            return compose(anchor)
        # The composer would put the comment behind in place of this one: it is set aside, and joined again.
        front, start.comment = start.comment, None
        node = compose(anchor)
        behind = node.comment
        node.comment = front if behind is None else behind if front is None else [behind[0], front[1]]
        return node


class Compact(Emitter):
    """A list directly in a list begins in the same line, `- - conv 6 k5`, without more space."""

    inside: list[bool]

    def expect_block_sequence(self) -> None:
        nested = bool(self.sequence_context)
        super().expect_block_sequence()  # indents by what is set for the list around this one
        self.inside = [*getattr(self, "inside", []), nested]
        self.adjust()

    def expect_block_sequence_item(self, first: bool = False) -> None:
        ends = not first and isinstance(self.event, SequenceEndEvent)
        super().expect_block_sequence_item(first)
        if ends:
            self.inside.pop()
            self.adjust()

    def adjust(self) -> None:
        nested = bool(self.inside) and self.inside[-1]
        self.sequence_dash_offset = 0 if nested else OFFSET
        self.best_sequence_indent = self.sequence_dash_offset + 2


class Named(Serializer):
    """Anchors keep their names."""

    def generate_anchor(self, node: Any) -> Any:
        return node.anchor if isinstance(node.anchor, str) else super().generate_anchor(node)


def make_yaml() -> YAML:
    # A new one for each text: it remembers what it has read.
    made = YAML()
    made.Scanner, made.Parser = Looking, Hearing
    made.Resolver, made.Composer, made.Emitter, made.Serializer = AsText, Keeping, Compact, Named
    made.width = NO_WIDTH
    made.indent(mapping=2, sequence=OFFSET + 2, offset=OFFSET)
    return made


def compose(text: str) -> Node:
    node: Node = make_yaml().compose(text)
    return node


def emit(node: Node) -> str:
    out = StringIO()
    make_yaml().serialize(node, out)
    return out.getvalue()


def make_scalar(like: Node, value: str, comment: Any = None) -> ScalarNode:
    """A plain scalar with this value."""
    return ScalarNode(TEXT, value, start_mark=like.start_mark, end_mark=like.end_mark, comment=comment)


def fit(node: Node, indent: int = 0, column: int = 0) -> None:
    """Write lists and mappings in brackets that pass the width with an entry per line.

    indent  where the line begins in which the node begins; column  where the node begins
    """
    if not isinstance(node, (SequenceNode, MappingNode)):
        return
    if node.flow_style:
        if column + len(in_brackets(node)) <= WIDTH or not node.value:
            return
        node.flow_style = False
    if isinstance(node, MappingNode):
        for key, value in node.value:
            # A mapping is indented by 2 below its key, a list's dash by OFFSET; both then begin a line of their own.
            below = indent if isinstance(value, MappingNode) else indent + OFFSET
            fit(value, indent + 2 if isinstance(value, MappingNode) else below, indent + len(key.value) + 2)
    else:
        for item in node.value:
            fit(item, indent + 2, indent + 2)


def in_brackets(node: Node) -> str:
    """What a node is in one line."""
    if isinstance(node, SequenceNode):
        return "[" + ", ".join(map(in_brackets, node.value)) + "]"
    if isinstance(node, MappingNode):
        return "{" + ", ".join(f"{in_brackets(key)}: {in_brackets(value)}" for key, value in node.value) + "}"
    # Whichever quotes they were, they are as wide.
    return f"'{node.value}'" if getattr(node, "style", None) else str(node.value)
