"""The top level of a spec: keys, parameters, blocks, inputs, expectations. Nothing is worked out yet."""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from cnncalc.errors import Position, Problem, Problems, Source, SpecError, suggest
from cnncalc.language import _
from cnncalc.layers import kind_named, suggest_kind
from cnncalc.spec.makers import LayerMaker
from cnncalc.spec.read.steps import StepReader
from cnncalc.spec.read.yamltree import Entries, Items, Text, Tree, raw
from cnncalc.spec.steps import Argument, Block, CallStep, LayerStep, MergeStep, ResidualStep, Sequence, Step, parts

KEYS = ("name", "source", "params", "input", "inputs", "defaults", "blocks", "layers", "outputs", "expect")
LARGEST_SIZE = 10**15  # of a block, in operations: more is too many in any case
TAKEN = ("in", "if", "else", "min", "max", "len", "and", "or", "not", "weights")  # no names of parameters
NEEDED = "required"  # a block's parameter that has no default


class Document(NamedTuple):
    """A spec as written. `problems` is shared with whoever works it out."""

    source: Source
    name: str
    citation: str
    params: dict[str, Argument]
    inputs: dict[str, Argument]
    blocks: dict[str, Block]
    layers: Sequence
    outputs: list[Text]
    expect: list[tuple[Text, Tree]]
    maker: LayerMaker
    problems: list[Problem]
    sizes: dict[str, int]  # the least number of operations that each block unrolls to
    loop: bool = False
    aliases: Mapping[str, str] = {}  # what expressions call parameters whose names are none, such as C1.filters


def read_document(source: Source, tree: Tree | None) -> Document:
    """The parts of a spec. Raises SpecError where there is nothing to go on with."""
    if tree is None or (isinstance(tree, Text) and not tree.text.strip()):
        raise SpecError(
            [Problem(_("the file is empty"), Position(1, 1), _("a spec has `input:` and `layers:`"))], source
        )
    if not isinstance(tree, Entries):
        problem = Problem(
            _("a spec is a mapping with the keys input and layers"), tree.position, _("see `cnncalc networks`")
        )
        raise SpecError([problem], source)
    return _DocumentReader(source, tree).read()


class _DocumentReader:
    def __init__(self, source: Source, tree: Entries) -> None:
        self.source = source
        self.tree = tree
        self.problems = Problems(source)
        self.maker = LayerMaker(self.problems)

    def note(self, problem: str, position: Position, hint: str | None = None) -> None:
        self.problems.append(Problem(problem, position, hint))

    def read(self) -> Document:
        for key, _node in self.tree:
            if key.text not in KEYS:
                hint = suggest(key.text, KEYS) or _("known: {names}", names=", ".join(KEYS))
                self.note(_("unknown key '{key}'", key=key.text[:40]), key.position, hint)
        # Defaults come before any step: a step with nothing open is made into a layer as it is read.
        self.read_defaults()
        # Names of blocks come first: a step `stage x3` is a call only if `stage` is one.
        block_trees = dict(self.block_trees())
        # A block whose definition is wrong is noted there; its calls are not unknown kinds.
        unreadable = {key.text for key, _ in self.mapping("blocks")} - block_trees.keys()
        reader = StepReader(block_trees.keys(), self.maker, self.problems, unreadable)
        blocks = {name: self.block(key, entries, reader) for name, (key, entries) in block_trees.items()}
        layers = self.layers(reader)
        order, loop = self.order_of_calls(blocks)
        return Document(
            source=self.source,
            name=self.text("name"),
            citation=self.text("source"),
            params=self.params(),
            inputs=self.inputs(),
            blocks=blocks,
            layers=layers,
            outputs=self.outputs(),
            expect=list(self.mapping("expect")),
            maker=self.maker,
            problems=self.problems,
            sizes=least_sizes([blocks[name] for name in order]),
            loop=loop,
        )

    def note_missing(self, key: str, problem: str, hint: str) -> None:
        """Note that a key is missing, unless one of the unknown keys is that one misspelt."""
        if not any(suggest(other.text, [key]) for other, _ in self.tree if other.text not in KEYS):
            self.note(problem, self.tree.position, hint)

    def value(self, key: str) -> Tree | None:
        found = self.tree.entries.get(key)
        return None if found is None else found[1]

    def text(self, key: str) -> str:
        value = self.value(key)
        if value is None:
            return ""
        if not isinstance(value, Text):
            self.note(_("{key} is a text", key=key), value.position)
            return ""
        # In one line, since it stands in headings.
        text = " ".join(value.text.split())
        if not text.isprintable():
            self.note(_("{key} holds a control character", key=key), value.position, _("write printable characters"))
        return text

    def mapping(self, key: str) -> Entries:
        value = self.value(key)
        if isinstance(value, Entries):
            return value
        # A key with nothing behind it is as good as none.
        if value is not None and not (isinstance(value, Text) and not value.text):
            self.note(_("{key} is a mapping", key=key), value.position, _("write {key}: {{name: value}}", key=key))
        return Entries(Position(1, 1))

    def params(self) -> dict[str, Argument]:
        return {key.text: Argument(key.text, raw(node), node.position) for key, node in self.read_named("params")}

    def read_named(self, key: str) -> Iterator[tuple[Text, Tree]]:
        """The entries of a mapping whose keys are parameter names."""
        for name, node in self.mapping(key):
            if self.is_parameter(name):
                yield name, node

    def is_parameter(self, key: Text) -> bool:
        if key.text in TAKEN:
            self.note(_("'{key}' is a word of the language", key=key.text), key.position, _("choose another name"))
            return False
        if key.text.isascii() and key.text.isidentifier():
            return True
        self.note(
            _("'{key}' is not a parameter's name", key=key.text[:40]),
            key.position,
            _("a letter, then letters and digits"),
        )
        return False

    def inputs(self) -> dict[str, Argument]:
        one, several = self.value("input"), self.value("inputs")
        if one is not None and several is not None:
            self.note(_("both input and inputs"), self.tree.entries["inputs"][0].position, _("keep one of them"))
        if one is not None:
            return {"input": Argument("input", raw(one), one.position)}
        if several is not None and not (isinstance(several, Entries) and several.entries):
            self.note(
                _("inputs is a mapping of names to shapes"), several.position, _("{left: 3x32x32, right: 3x32x32}")
            )
            return {}
        if several is None:
            self.note_missing("input", _("no input: what enters the network?"), _("write input: 3x224x224"))
            return {}
        # Inputs can be read by `from:`, so their names follow the rules of steps.
        names = StepReader((), self.maker, self.problems)
        found = {}
        for key, node in self.mapping("inputs"):
            names.check_name(key, ())
            found[key.text] = Argument(key.text, raw(node), node.position)
        return found

    def layers(self, reader: StepReader) -> Sequence:
        value = self.value("layers")
        if value is None:
            self.note_missing("layers", _("no layers"), _("write layers: and a list of steps"))
            return Sequence(self.tree.position, [])
        if not isinstance(value, Items):
            self.note(_("layers is a list of steps"), value.position, _("begin each step with `- `"))
            return Sequence(value.position, [])
        return reader.sequence(value, "layers")

    def outputs(self) -> list[Text]:
        value = self.value("outputs")
        if value is None:
            return []
        # A name alone needs no brackets.
        items = value.items if isinstance(value, Items) else [value]
        if not items:
            self.note(_("outputs is empty"), value.position, _("leave it out: the last step is the output"))
        for item in items:
            if not isinstance(item, Text) or not item.text:
                self.note(_("an output is the name of a step"), item.position, _("outputs: [C5, F6]"))
        return [item for item in items if isinstance(item, Text) and item.text]

    def read_defaults(self) -> None:
        for key, node in self.mapping("defaults"):
            kind = kind_named(key.text)
            if kind is None:
                self.note(_("unknown kind '{name}'", name=key.text[:40]), key.position, suggest_kind(key.text))
            elif not isinstance(node, Entries):
                self.note(_("defaults of {kind} are a mapping", kind=kind.name), node.position, _("{option: value}"))
            else:
                given = [Argument(k.text.lower(), raw(v), v.position, k.position) for k, v in node]
                self.maker.set_defaults(kind, given)

    def block_trees(self) -> Iterator[tuple[str, tuple[Text, Entries]]]:
        for key, node in self.mapping("blocks"):
            if kind_named(key.text) or key.text in ("residual", "from"):
                self.note(
                    _("a block cannot be called '{key}': that is a kind", key=key.text),
                    key.position,
                    _("choose another name"),
                )
            elif not isinstance(node, Entries):
                self.note(
                    _("block {key} needs layers", key=key.text[:40]), node.position, _("{params: {...}, layers: [...]}")
                )
            else:
                StepReader((), self.maker, self.problems).check_name(key, ())
                yield key.text, (key, node)

    def block(self, key: Text, tree: Entries, reader: StepReader) -> Block:
        for name, _node in tree:
            if name.text not in ("params", "layers"):
                self.note(
                    _("a block has no key '{name}'", name=name.text[:40]), name.position, _("known: params, layers")
                )
        params: dict[str, Argument | None] = {}
        _key, given = tree.entries.get("params", (None, None))
        if isinstance(given, Entries):
            for name, node in given:
                if self.is_parameter(name):
                    needed = isinstance(node, Text) and node.text == NEEDED
                    argument = Argument(name.text, raw(node), node.position)
                    params[name.text] = None if needed else reader.check(argument)
        elif given is not None:
            self.note(_("params is a mapping"), given.position, _("{c: required, stride: 1}"))
        _key, layers = tree.entries.get("layers", (None, None))
        if layers is None:
            self.note(_("block {key} has no layers", key=key.text), key.position, _("layers: [...]"))
            return Block(key.text, key.position, params, Sequence(key.position, []))
        return Block(key.text, key.position, params, reader.sequence(layers, "layers"))

    def order_of_calls(self, blocks: dict[str, Block]) -> tuple[list[str], bool]:
        """The blocks, each behind those that it calls; and whether one calls itself, which is noted.

        Depth first without recursion, since a chain of calls may be long.
        """
        calls = {name: list(calls_in(block.body)) for name, block in blocks.items()}
        done: dict[str, None] = {}
        found = False
        for root in blocks:
            # A dict keeps the order of the way, and tells in one look whether a block is on it.
            waiting = {root: iter(calls[root])} if root not in done else {}  # the way to here, in order
            while waiting:
                last = next(reversed(waiting))
                call = next(waiting[last], None)
                if call is None:
                    done[last] = None
                    del waiting[last]
                elif call.block in waiting:
                    found = True
                    path = list(waiting)
                    way = write_way([*path[path.index(call.block) :], call.block])
                    problem = _("block {block} calls itself: {way}", block=call.block, way=way)
                    self.note(problem, call.position, _("a block may only call other blocks"))
                elif call.block not in done:
                    waiting[call.block] = iter(calls[call.block])
        return list(done), found


def write_way(blocks: list[str]) -> str:
    """`a calls b calls a`; of a long way its two ends."""
    shown = blocks if len(blocks) <= 8 else [*blocks[:4], "...", *blocks[-3:]]
    return _(" calls ").join(shown)


def least_sizes(blocks: Iterable[Block]) -> dict[str, int]:
    """For each block the least number of operations that it unrolls to; those that it calls come before it."""
    sizes: dict[str, int] = {}
    for block in blocks:
        sizes[block.name] = least_size(block.body, sizes)
    return sizes


def least_size(sequence: Sequence, sizes: Mapping[str, int]) -> int:
    """The least number of operations of a sequence, from those of the blocks that it calls."""
    total = 0
    for step in sequence.steps:
        # The least: what may be left out counts as nothing, so that no network is refused that might fit.
        one = int(isinstance(step, (LayerStep, MergeStep, ResidualStep)))
        one += sum(least_size(part, sizes) for part in parts(step)) + len(step.then)
        if step.condition is not None and step.condition.value not in ("1", "true"):
            continue  # perhaps left out
        if isinstance(step, CallStep):
            one += sizes.get(step.block, 0)
        times = str(step.repeat.value) if step.repeat else "1"
        # An expression is at least once; a number of ten digits is too many anyway.
        total += min(LARGEST_SIZE, one * (int(times) if times.isdecimal() and len(times) < 10 else 1))
    return min(LARGEST_SIZE, total)


def walk(sequence: Sequence) -> Iterator[Step]:
    """Every step of a sequence, those inside others too. YAML nesting is bounded, and so is this."""
    for step in sequence.steps:
        yield step
        for inner in parts(step):
            yield from walk(inner)
        yield from walk(Sequence(step.position, step.then))


def calls_in(sequence: Sequence) -> Iterator[CallStep]:
    return (step for step in walk(sequence) if isinstance(step, CallStep))
