"""Conventions as data: a YAML file says what a tool counts, rule by rule. See docs/conventions.md for the format.

The ones that ship are in tools/; a file of the user's own may extend one of them. Mistakes are told as those of a
spec are: every problem at file:line:column.
"""

from __future__ import annotations

import ast
import os
from collections.abc import Iterator
from functools import cached_property, lru_cache
from typing import NamedTuple, NoReturn

from cnncalc.conventions.quantities import AS_WRITTEN, GRAMMAR, QUANTITIES
from cnncalc.errors import OptionError, Position, Problem, Problems, Source, SpecError, open_file, suggest
from cnncalc.language import _, reason_of
from cnncalc.layers import KINDS
from cnncalc.quantities import COUNTED, listed_in
from cnncalc.sources import LARGEST_FILE, decode
from cnncalc.spec.expressions import parse_expression
from cnncalc.spec.read.yamltree import Entries, Items, Text, Tree, read_yaml

NUMBERS = listed_in(COUNTED)
KEYS = (
    "name",
    "version",
    "number",
    "calls",
    "unit",
    "project",
    "batch",
    "per_mac",
    "framework",
    "extends",
    "notes",
    "rules",
    "otherwise",
)
RULE_KEYS = ("kinds", "but", "if", "count", "unknown", "fails", "params", "once", "source", "note")
OUTCOMES = ("count", "unknown", "fails")
SUFFIXES = (".yaml", ".yml")
DEEPEST = 10  # files that extend each other
MOST_RULES = 2000


class Rule(NamedTuple):
    """How some kinds are counted. At most one of counted, unknown and fails says something.

    counted  an expression; unknown, fails: why there is no number, and that the tool stops with an error
    params   an expression for the parameters that the tool sees; empty: those of the layer
    but      with kinds None, the kinds that the rule is not for; what it has not heard of, it is for
    once     layers for which this expression gives the same number share their parameters
    """

    kinds: frozenset[str] | None
    condition: str = ""
    counted: str = ""
    unknown: str = ""
    fails: str = ""
    params: str = ""
    once: str = ""
    source: str = ""
    note: str = ""
    origin: str = ""
    line: int = 0
    but: frozenset[str] = frozenset()

    def covers(self, kind: str) -> bool:
        """Whether the rule is for this kind, its condition apart."""
        return kind not in self.but if self.kinds is None else kind in self.kinds


class _Fields(NamedTuple):
    """What a Convention is made of."""

    name: str
    version: str
    number: str
    calls: str
    unit: str
    project: str
    per_mac: int
    one: bool
    notes: tuple[str, ...]
    rules: tuple[Rule, ...]
    otherwise: Rule | None = None


class Convention(_Fields):
    """How a tool counts. `number`: the column that its number stands in; `calls`: what the tool calls it.

    unit     what is counted, in words
    per_mac  the units that a multiply-accumulate of a convolution counts for: 1 or 2; 0: it is no such number
    one      whether the tool counts one sample whatever the batch
    rules    in order: of those that fit a layer the first one counts
    otherwise  for a layer that no rule fits
    """

    @property
    def title(self) -> str:
        """`thop 0.1.1`, or the name alone where it says the version."""
        return f"{self.name} {_(self.version)}" if self.version and self.version not in self.name else self.name

    def rules_of(self, kind: str) -> list[Rule]:
        """The rules for a kind, in order, their conditions apart."""
        found = self._by_kind.get(kind)
        if found is None:
            found = self._by_kind[kind] = [rule for rule in self.rules if rule.covers(kind)]
        return found

    @cached_property
    def _by_kind(self) -> dict[str, list[Rule]]:
        return {}


def folder() -> str:
    return os.path.join(os.path.dirname(os.path.abspath(__file__)), "tools")


# In the order in which they are listed.
SHIPPED = (
    "cnncalc", "lecun", "torchinfo-1.8", "torchinfo-main", "fvcore", "ptflops", "ptflops-aten", "thop",
    "ultralytics-thop", "torchprofile", "torch", "torchvision", "deepspeed", "deepspeed-macs", "calflops",
    "calflops-macs", "torchscan", "torchscan-flops", "onnx-tool", "onnx-tool-dynamo", "keras", "keras-as-written",
    "tf-profiler", "netscope",
)  # fmt: skip


def convention(name: str) -> Convention:
    """The convention of this name, or that a file says. Raises SpecError, with every problem of the file."""
    if name in SHIPPED:
        return read_shipped(name)
    if not (name.endswith(SUFFIXES) or os.path.lexists(name)):
        hint = suggest(name, SHIPPED) or _("known: {names}; or a file, my.yaml", names=", ".join(SHIPPED))
        unusable(name, _("there is no such convention, and no such file"), hint)
    return read_convention(name)


@lru_cache
def read_shipped(name: str) -> Convention:
    return read_convention(os.path.join(folder(), f"{name}.yaml"))


def text_of(name: str) -> str:
    """The file of a convention, by its name or path. Raises SpecError where there is none, or it is broken."""
    # Read before it is shown: a broken file is refused with its mistakes.
    convention(name)
    return source_of(os.path.join(folder(), f"{name}.yaml") if name in SHIPPED else name).text


def read_convention(path: str, depth: int = 0) -> Convention:
    """A file as a convention. Raises SpecError."""
    source = source_of(path)
    tree = read_yaml(source)
    if not isinstance(tree, Entries):
        place = tree.position if tree is not None else Position(1, 1)
        problem = _("a convention is a mapping with the keys name and rules")
        raise SpecError([Problem(problem, place, _("see docs/conventions.md"))], source)
    return Reader(source, tree, depth).read()


def source_of(path: str) -> Source:
    """The text of a file. Raises SpecError."""
    try:
        if os.path.isdir(path):
            unusable(path, _("this is a directory, not a convention"), _("name a file"))
        with open_file(path) as file:
            # One byte more than is allowed, to notice a file that goes on.
            data = file.read(LARGEST_FILE + 1)
    except OSError as error:
        unusable(path, _("cannot be read: {reason}", reason=reason_of(error)), None)
    return Source(path, decode(data, path))


def unusable(name: str, problem: str, hint: str | None) -> NoReturn:
    raise SpecError([Problem(problem, None, hint)], Source(name, ""))


class Reader:
    """Reads one file; every mistake is noted in its place."""

    def __init__(self, source: Source, tree: Entries, depth: int) -> None:
        self.source = source
        self.tree = tree
        self.depth = depth
        self.problems = Problems(source)

    def note(self, problem: str, position: Position | None, hint: str | None = None) -> None:
        self.problems.append(Problem(problem, position, hint))

    def read(self) -> Convention:
        for key, _node in self.tree:
            if key.text not in KEYS:
                hint = suggest(key.text, KEYS) or _("known: {names}", names=", ".join(KEYS))
                self.note(_("unknown key '{key}'", key=key.text[:40]), key.position, hint)
        # A framework's rules stand before one's own, those of what is extended behind: the first that fits counts.
        base, framework = self.other("extends"), self.other("framework")
        stem = os.path.splitext(os.path.basename(self.source.name))[0]
        name = self.word("name") or stem
        rules = tuple(self.rules(name))
        if not rules and base is None and not self.problems:
            self.note(_("a convention has rules"), self.tree.position, _("rules: [{kinds: [conv], count: macs}]"))
        found = Convention(
            name=name,
            # A version is that of a tool: what has a name of its own does not inherit it.
            version=self.word("version") or (base.version if base and not self.word("name") else ""),
            number=self.choice("number", NUMBERS) or (base.number if base else "macs"),
            calls=self.word("calls") or (base.calls if base else ""),
            unit=self.word("unit") or (base.unit if base else ""),
            project=self.word("project") or (base.project if base else ""),
            per_mac=int(self.choice("per_mac", ("0", "1", "2")) or (base.per_mac if base else 1)),
            one=(self.choice("batch", ("all", "one")) or ("one" if base and base.one else "all")) == "one",
            notes=tuple(self.notes()) or (base.notes if base else ()),
            rules=(framework.rules if framework else ()) + rules + (base.rules if base else ()),
            otherwise=self.otherwise(name) or (base.otherwise if base else None),
        )
        # Only now, so that all mistakes of a file are told together.
        if self.problems:
            raise SpecError(self.problems, self.source)
        return found

    def other(self, key: str) -> Convention | None:
        """The convention that this one extends, or the framework that says first what there is."""
        name = self.word(key)
        if not name:
            return None
        place = self.tree.entries[key][1].position
        beside = os.path.join(os.path.dirname(self.source.name), name)
        shipped_path = os.path.join(folder(), f"{name}.yaml")
        # Names of conventions that ship outrank files of the same name beside this one.
        path = shipped_path if os.path.isfile(shipped_path) else beside
        # Also what ends a circle of files that extend each other.
        if self.depth >= DEEPEST:
            self.note(_("conventions extend each other without an end"), place, _("extend one that stands alone"))
        elif not os.path.isfile(path):
            hint = suggest(name, SHIPPED) or _("known: {names}; or a file, my.yaml", names=", ".join(SHIPPED))
            self.note(_("there is no convention '{name}' to extend", name=name[:60]), place, hint)
        else:
            return read_convention(path, self.depth + 1)
        return None

    def word(self, key: str) -> str:
        """The text of a key of the file; empty where it is not there."""
        _key, node = self.tree.entries.get(key, (None, None))
        if node is None:
            return ""
        if not isinstance(node, Text) or not node.text.strip():
            self.note(_("{key} is a text", key=key), node.position, _("write {key}: ...", key=key))
            return ""
        return " ".join(node.text.split())

    def choice(self, key: str, known: tuple[str, ...]) -> str:
        text = self.word(key)
        if text and text not in known:
            hint = suggest(text, known) or _("known: {names}", names=", ".join(known))
            self.note(
                _("{key}: '{text}' is not known", key=key, text=text[:40]), self.tree.entries[key][1].position, hint
            )
            return ""
        return text

    def notes(self) -> Iterator[str]:
        _key, node = self.tree.entries.get("notes", (None, None))
        for item in node.items if isinstance(node, Items) else [] if node is None else [node]:
            if isinstance(item, Text):
                yield " ".join(item.text.split())
            else:
                self.note(_("{key} is a text", key="notes"), item.position)

    def rules(self, origin: str) -> Iterator[Rule]:
        _key, node = self.tree.entries.get("rules", (None, None))
        if node is not None and not isinstance(node, Items):
            self.note(_("rules is a list"), node.position, _("- {kinds: [conv], count: macs}"))
            return
        items = node.items if node is not None else []
        if len(items) > MOST_RULES:
            self.note(_("more than {most} rules", most=MOST_RULES), items[0].position)
            return
        for item in items:
            if isinstance(item, Entries):
                rule = self.rule(item, origin)
                if rule is not None:
                    yield rule
            else:
                self.note(_("a rule is a mapping"), item.position, _("- {kinds: [conv], count: macs}"))

    def otherwise(self, origin: str) -> Rule | None:
        """The rule for all that no other fits."""
        _key, node = self.tree.entries.get("otherwise", (None, None))
        if isinstance(node, Entries):
            return self.rule(node, origin, every=True)
        if node is not None:
            self.note(_("a rule is a mapping"), node.position, _("otherwise: {count: 0}"))
        return None

    def rule(self, tree: Entries, origin: str, *, every: bool = False) -> Rule | None:
        """One rule, or None where something is wrong with it, which is noted. `every`: for every kind."""
        before = len(self.problems)
        texts: dict[str, str] = {}
        for key, node in tree:
            if key.text not in RULE_KEYS:
                hint = suggest(key.text, RULE_KEYS) or _("known: {names}", names=", ".join(RULE_KEYS))
                self.note(_("a rule has no key '{key}'", key=key.text[:40]), key.position, hint)
            elif key.text not in ("kinds", "but"):
                if isinstance(node, Text) and node.text.strip():
                    texts[key.text] = " ".join(node.text.split())
                else:
                    self.note(_("{key} is a text", key=key.text), node.position)
        # A rule about parameters alone leaves the count to the rules behind it.
        said = [name for name in OUTCOMES if name in tree.entries]
        if len(said) > 1 or (not said and "params" not in tree.entries):
            problem = _("a rule has one of {names}", names=", ".join(OUTCOMES))
            self.note(problem, tree.position, _("count: macs + bias * o"))
        kinds = None if every or "but" in tree.entries else self.kinds(tree)
        but = (self.kinds(tree, "but") or frozenset()) if "but" in tree.entries else frozenset()
        if "but" in tree.entries and "kinds" in tree.entries:
            self.note(_("a rule has kinds, or all kinds but some"), tree.position, _("but: [conv, depthwise]"))
        for name in ("if", "count", "params", "once"):
            if name in texts:
                self.check(name, texts[name], tree.entries[name][1], kinds)
        if len(self.problems) > before:
            return None
        return Rule(
            kinds,
            condition=texts.get("if", ""),
            counted=texts.get("count", ""),
            origin=origin,
            line=tree.position.line,
            but=but,
            **{name: texts.get(name, "") for name in ("unknown", "fails", "params", "once", "source", "note")},
        )

    def kinds(self, tree: Entries, key: str = "kinds") -> frozenset[str] | None:
        """The kinds that a rule is for, or that it is not for; None for all of them."""
        _key, node = tree.entries.get(key, (None, None))
        if node is None:
            self.note(
                _("a rule says for which kinds it is"), tree.position, _("kinds: [conv, depthwise], or kinds: all")
            )
            return frozenset()
        if isinstance(node, Text) and node.text == "all":
            return None
        words: list[Tree] = list(node.items) if isinstance(node, Items) else [node]
        found = set()
        for word in words:
            text = word.text if isinstance(word, Text) else ""
            if text in KINDS:
                found.add(text)
            else:
                self.note(_("there is no kind '{kind}'", kind=text[:40]), word.position, suggest(text, KINDS))
        return frozenset(found)

    def check(self, name: str, text: str, node: Tree, kinds: frozenset[str] | None) -> None:
        """Note an expression that is none, and names in it that no layer of these kinds has."""
        try:
            tree = parse_expression(text, GRAMMAR)
        except OptionError as error:
            self.note(_("{name}: {text}", name=name, text=error.problem), node.position, error.hint)
            return
        # `intersection` wants one set at least; a rule for all kinds knows no options.
        options = [set(KINDS[kind].load().options) for kind in kinds or ()] or [set()]
        known = {*QUANTITIES, *set.intersection(*options)}  # what every one of the kinds has
        # In min(a, b) the parser sees three names, of which one is no quantity.
        functions = {id(call.func) for call in ast.walk(tree) if isinstance(call, ast.Call)}
        for part in ast.walk(tree):
            if isinstance(part, ast.Attribute) or (isinstance(part, ast.Name) and id(part) not in functions):
                word = part.id if isinstance(part, ast.Name) else "in."
                if word.removesuffix(AS_WRITTEN) not in known and word != "in_":
                    hint = suggest(word, known) or _("known: {names}", names=", ".join(QUANTITIES))
                    self.note(_("{key}: there is no quantity '{name}'", key=name, name=word), node.position, hint)
