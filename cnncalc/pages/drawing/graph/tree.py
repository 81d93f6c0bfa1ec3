"""What of a network is drawn as one: its rows, the blocks that they stand in, and what is folded of them.

A leaf is a row of the table (an activation is inside its layer's), or an input. Names say what belongs together, as
they do in the table: neighbours whose names begin with the same parts. A block call or a repeat is drawn as a frame; a
layer and what is appended to it are folded together, and have no frame when they are not. A block of more than
`MANY` parts has them in ranges, `conv1 … conv400`, so that whatever the size of a network, few of them are seen.
"""

from collections.abc import Iterator
from functools import cached_property
from typing import NamedTuple

from cnncalc.analysis.folding import Fold, fold, folded_row
from cnncalc.report import Report, Row

READABLE = 100  # nodes that a picture has, if names fold it to so few
MANY = 600  # parts side by side before ranges of them are folded
RANGES = 64  # and into so many
PLAIN = ("group", "from")  # kinds of groups that say nothing of what is in them
MOST = 2_000  # nodes of a picture, whatever depth is asked for
FEW = 3  # nodes that say little of a large network: blocks that repeat are then opened once
ONCE = "*"  # behind the id of a block among what is folded: its first repetition stands for all


class Leaf(NamedTuple):
    """A row of the table, and the operations that it is; an input has none. `id` is unique among leaves and blocks."""

    id: str
    name: str
    row: Row | None
    shape: tuple[int, ...]
    number: int
    operations: tuple[int, ...]


class Block(NamedTuple):
    """Leaves `first` up to, not including, `last`: neighbours whose names begin with the same `depth` parts.

    frame  whether it has one when it is not folded; range: neighbours that have no name in common (depth 0)
    kind   the block or layer that was called or repeated; "" of what only has a name
    times  how often the block repeats, where its parts are all repetitions; else 1
    """

    id: str
    name: str
    depth: int
    frame: bool
    range: bool
    times: int
    first: int
    last: int
    parts: "tuple[Block | Leaf, ...]"
    kind: str = ""


Part = Block | Leaf


class Tree:
    """A report's leaves in the order in which they run, the blocks around them, and who reads whom."""

    def __init__(self, report: Report) -> None:
        self.report = report
        entering = [
            Leaf(f"input:{name}", name, None, shape, number, ())
            for number, (name, shape) in enumerate(report.inputs.items())
        ]
        first = len(entering)
        rows = [
            Leaf(row.name, row.name, row, row.output, first + n, tuple(operations))
            for n, (row, operations) in enumerate(fold(report))
        ]
        self.leaves: list[Leaf] = _name_uniquely([*entering, *rows])
        where = {name: number for number, name in enumerate(report.inputs)}
        where |= {report.layers[i].name: leaf.number for leaf in self.leaves for i in leaf.operations}
        reads = [(where[name], where[row.name]) for row in report.layers for name in row.inputs]
        self.edges: list[tuple[int, int]] = list(dict.fromkeys((a, b) for a, b in reads if a != b))
        self.outputs = {where[name] for name in _outputs(report)}
        self._ids: dict[str, int] = {}
        self._rows: dict[str, Row] = {}  # of folded blocks
        parts = (*self.leaves[:first], *self._group(self.leaves[first:], 1))
        self.root = Block(
            "/", "", depth=0, frame=False, range=False, times=1,
            first=0, last=len(self.leaves), parts=self._make_ranges(parts),
        )  # fmt: skip

    def _group(self, leaves: list[Leaf], depth: int) -> list[Part]:
        """Neighbours whose names begin with the same `depth` parts as one block; a single one stays a leaf."""
        runs: list[tuple[str, list[Leaf]]] = []
        for leaf in leaves:
            key = "/".join(leaf.name.split("/")[:depth])
            if runs and runs[-1][0] == key:
                runs[-1][1].append(leaf)
            else:
                runs.append((key, [leaf]))
        return [run[0] if len(run) == 1 else self._block(key, run, depth) for key, run in runs]

    def _block(self, name: str, leaves: list[Leaf], depth: int) -> Block:
        # Names of the same depth are the same name: only deeper ones can be parted further.
        if any(leaf.name.count("/") >= depth for leaf in leaves):
            parts = self._group(leaves, depth + 1)
        else:  # several rows of one name
            parts = list(leaves)
        # A layer and what is appended to it have a row of that very name; then the name is no block's.
        frame = name in self.report.groups or all(leaf.name != name for leaf in leaves)
        repetitions = [f"{name}/{n}" for n in range(len(parts))]
        repeats = bool(self._kind_of(name)) and [part.name for part in parts] == repetitions
        times = len(parts) if repeats else 1
        return self._make(name, self._make_ranges(tuple(parts)), depth=depth, frame=frame, times=times)

    def _make(self, name: str, parts: tuple[Part, ...], *, depth: int, frame: bool, times: int) -> Block:
        first, last = bounds(parts[0])[0], bounds(parts[-1])[1]
        # Blocks of one name may stand apart, with others between them: each has an id of its own.
        count = self._ids[name] = self._ids.get(name, 0) + 1
        id = f"{name}/" if count == 1 else f"{name}/@{first}"
        return Block(
            id, name, depth, frame, range=depth == 0, times=times,
            first=first, last=last, parts=parts, kind=self._kind_of(name),
        )  # fmt: skip

    def _kind_of(self, name: str) -> str:
        """What a block is, as far as that says something."""
        group = self.report.groups.get(name)
        return "" if group is None or group.kind in PLAIN else group.kind

    def _make_ranges(self, parts: tuple[Part, ...]) -> tuple[Part, ...]:
        """The parts, or ranges of them where they are too many to be seen side by side."""
        if len(parts) <= MANY:
            return parts
        # Rounded up: RANGES of them at the most.
        size = -(-len(parts) // RANGES)
        found = []
        for start in range(0, len(parts), size):
            inside = parts[start : start + size]
            name = f"{inside[0].name} … {inside[-1].name}"
            found.append(self._make(name, self._make_ranges(inside), depth=0, frame=False, times=1))
        return tuple(found)

    @cached_property
    def blocks(self) -> dict[str, Block]:
        """All blocks by their ids, outer ones first; the whole network is not among them."""
        return {part.id: part for part in walk(self.root) if isinstance(part, Block) and part is not self.root}

    @cached_property
    def parts(self) -> dict[str, Part]:
        """All leaves and blocks by their ids."""
        return {part.id: part for part in walk(self.root)}

    @cached_property
    def depth(self) -> int:
        """The depth from which on nothing is folded by names."""
        return 1 + max((block.depth for block in self.blocks.values()), default=0)

    def row_of(self, part: Part) -> Row | None:
        """The row that stands for a leaf or a folded block; None for an input."""
        if isinstance(part, Leaf):
            return part.row
        if part.id not in self._rows:
            inside = self.leaves[part.first : part.last]
            rows: list[Fold] = [(leaf.row, [*leaf.operations]) for leaf in inside if leaf.row is not None]
            self._rows[part.id] = folded_row(self.report, part.name, rows)
        return self._rows[part.id]

    def count_nodes(self, folded: frozenset[str]) -> int:
        """How many nodes a picture has with these blocks folded."""
        return sum(1 for _part in see(self.root, folded))

    def fold(self, depth: int | None = None) -> frozenset[str]:
        """The blocks to fold: those of this depth, as the table has it, or so many that a picture can be read.

        Not more than MOST nodes are left in any case; `depth_of` says which depth it came to. Where so few are left
        that nothing is seen, of a block whose repetitions are alike the first one is: its id is there with ONCE behind.
        """
        if depth is not None:
            # From the depth that was asked for outwards, until the picture is small enough to be laid out.
            for tried in range(min(depth, self.depth), 0, -1):
                for ranges in (False, True):
                    folded = self._fold_at(tried, ranges=ranges)
                    if self.count_nodes(folded) <= MOST:
                        return folded
        best = self._fold_at(1, ranges=self.count_nodes(self._fold_at(1, ranges=False)) > MANY)
        for tried in range(2, self.depth + 1):
            folded = self._fold_at(tried, ranges=False)
            if self.count_nodes(folded) > READABLE:
                break
            best = folded
        return self._open_once(best)

    def _open_once(self, folded: frozenset[str]) -> frozenset[str]:
        """The same, with repeated blocks opened once where little is seen and that leaves no more than can be read."""
        seen = [part for part in see(self.root, folded) if self.row_of(part) is not None]
        if len(seen) > FEW:
            return folded
        for part in seen:
            if isinstance(part, Block) and self.repeats_alike(part):
                inside = {
                    block.id
                    for block in walk(find_first_repetition(part))
                    if isinstance(block, Block) and block.frame
                    # Inside the first repetition all is open, or hardly more would be seen.
                }
                opened = (folded - {part.id} - inside) | {part.id + ONCE}
                if self.count_nodes(opened) <= READABLE:
                    folded = opened
        return folded

    def repeats_alike(self, block: Block) -> bool:
        """Whether a block repeats, and each repetition has the same kinds with the same outputs."""
        if block.times < 2:
            return False
        rows = [(leaf.row and leaf.row.kind, leaf.shape) for leaf in self.leaves[block.first : block.last]]
        first, last = bounds(find_first_repetition(block))
        return rows == rows[: last - first] * block.times

    def _fold_at(self, depth: int, *, ranges: bool) -> frozenset[str]:
        return frozenset(b.id for b in self.blocks.values() if (ranges if b.range else b.depth >= depth))


def walk(part: Part) -> Iterator[Part]:
    """A part and everything inside it, from outside in."""
    yield part
    if isinstance(part, Block):
        for inner in part.parts:
            yield from walk(inner)


def see(part: Part, folded: frozenset[str]) -> Iterator[Part]:
    """The leaves and folded blocks that are seen of a part."""
    if isinstance(part, Leaf) or part.id in folded:
        yield part
        return
    for inner in choose_parts(part, folded):
        yield from see(inner, folded)


def choose_parts(block: Block, folded: frozenset[str]) -> tuple[Part, ...]:
    """The parts of a block that is not folded: one of them where the first repetition stands for all."""
    return (find_first_repetition(block),) if block.id + ONCE in folded else block.parts


def find_first_repetition(block: Block) -> Part:
    """The first part of a block, whatever ranges its parts were put into."""
    part = block.parts[0]
    while isinstance(part, Block) and part.range:
        part = part.parts[0]
    return part


def bounds(part: Part) -> tuple[int, int]:
    """The leaves of a part: the first, and the one behind the last."""
    return (part.number, part.number + 1) if isinstance(part, Leaf) else (part.first, part.last)


def _outputs(report: Report) -> list[str]:
    """The names of what leaves the network; where its graph is not at hand, of what nobody reads."""
    names = [*report.inputs, *(row.name for row in report.layers)]
    if report.graph is not None:
        return [names[value] for value in report.graph.outputs]
    read = {name for row in report.layers for name in row.inputs}
    return [row.name for row in report.layers if row.name not in read]


def _name_uniquely(leaves: list[Leaf]) -> list[Leaf]:
    """The leaves, those of a name that was there before with their number behind it."""
    seen: set[str] = set()
    found = []
    for leaf in leaves:
        unique = leaf if leaf.id not in seen else leaf._replace(id=f"{leaf.id}@{leaf.number}")
        seen.add(unique.id)
        found.append(unique)
    return found
