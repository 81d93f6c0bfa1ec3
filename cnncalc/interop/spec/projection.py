"""What stands around an attention that was put together: its last projection, and the rolls of shifted windows.

Both are found once the whole network is written anew, since only then it is known who reads the attention's result.
"""

from __future__ import annotations

from cnncalc.graph import Node
from cnncalc.interop.spec.linear import is_linear, width_of
from cnncalc.interop.spec.rebuilding import Rebuilt
from cnncalc.layers.axes import axis_number


class Rest:
    """The nodes of a new network while some of them are joined or left out, by their values.

    same  values that are another one now, which is this
    """

    def __init__(self, new: Rebuilt, outputs: tuple[int, ...]) -> None:
        self.new = new
        self.first = new.first
        self.nodes: dict[int, Node] = {self.first + i: node for i, node in enumerate(new.b.nodes)}
        self.same: dict[int, int] = {}
        self.outputs = outputs

    def now(self, value: int) -> int:
        """What a value is now."""
        while value in self.same:
            value = self.same[value]
        return value

    def readers(self) -> dict[int, list[int]]:
        """Who reads each value; -1 is whoever gets the outputs."""
        found: dict[int, list[int]] = {}
        for value, node in self.nodes.items():
            for v in dict.fromkeys(map(self.now, node.reads)):
                found.setdefault(v, []).append(value)
        for v in self.outputs:
            found.setdefault(self.now(v), []).append(-1)
        return found

    def drop_unread(self) -> None:
        """Leave out what nobody reads, though somebody did."""
        readers = self.readers()
        # From the end, as what is left out may be the last reader of what stands before it.
        for value in reversed(list(self.nodes)):
            # What nobody read in the old network either is somebody's wish, and stays.
            old = self.new.sources.get(value)
            was_read = old is None or old in self.new.readers
            if was_read and not readers.get(value):
                for v in map(self.now, self.nodes.pop(value).reads):
                    if value in readers.get(v, ()):
                        readers[v].remove(value)


def finish_attention(new: Rebuilt, outputs: tuple[int, ...]) -> tuple[tuple[Node, ...], tuple[int, ...], set[int]]:
    """The nodes and outputs, attention with its last projection; the results of those that turned out to be none."""
    rest = Rest(new, outputs)
    rest.drop_unread()
    wrong: set[int] = set()
    readers = rest.readers()
    for value, found in new.attended.items():
        if value not in rest.nodes:
            continue
        end = project(rest, readers, value)
        # A mask was taken for that of shifted windows: where nothing is rolled, it is another.
        if found.factor and not move_windows(rest, readers, end):
            wrong.add(found.result)
    numbers: dict[int, int] = {i: i for i in range(rest.first)}
    shown = {old: value for value, old in new.sources.items()}
    # Values still count in the order in which they run: now without gaps.
    order = sorted(rest.nodes)
    numbers |= {value: rest.first + i for i, value in enumerate(order)}
    nodes = []
    for value in order:
        node = rest.nodes[value]
        with_row = None if node.shown_with is None else numbers.get(rest.now(shown.get(node.shown_with, -1)))
        owner = None if node.weights_of is None else numbers[node.weights_of]
        reads = tuple(numbers[rest.now(v)] for v in node.reads)
        nodes.append(node._replace(reads=reads, shown_with=with_row, weights_of=owner))
    return tuple(nodes), tuple(numbers[rest.now(v)] for v in outputs), wrong


def project(rest: Rest, readers: dict[int, list[int]], value: int) -> int:
    """Take the linear layer behind into an attention; the value that comes out."""
    node = rest.nodes[value]
    following = readers.get(value, [])
    last = rest.nodes.get(following[0]) if len(following) == 1 else None
    if last is None or not is_linear(last.layer) or last.weights_of is not None or last.layer.frozen:
        return value
    options = vars(last.layer)
    channels = rest.new.b.shapes[node.reads[0]][0]
    # One word for both: `bias` of all, of what goes in alone, or of what comes out.
    biased = (vars(node.layer)["bias"], options["bias"])
    said = {(True, True): True, (False, False): False, (True, False): "in", (False, True): "out"}[biased]
    out = None if width_of(last.layer) == channels else width_of(last.layer)
    layer = node.layer.replace(project=True, bias=said, out=out)
    # It stands where its last projection stood, since that is the value that others read.
    rest.nodes[following[0]] = node._replace(layer=layer)
    del rest.nodes[value]
    for v in map(rest.now, node.reads):
        readers[v] = [following[0] if reader == value else reader for reader in readers[v]]
    return following[0]


def move_windows(rest: Rest, readers: dict[int, list[int]], value: int) -> bool:
    """Say `shift` where what enters windows is rolled, and what comes out is rolled back. Whether that is so."""
    node = rest.nodes[value]
    size = rest.new.b.shapes[rest.now(node.reads[0])]
    moved: dict[int, int] = {}
    before, source = [], rest.now(node.reads[0])
    while source in rest.nodes and rest.nodes[source].layer.kind == "roll" and len(readers[source]) == 1:
        options = vars(rest.nodes[source].layer)
        # Windows shifted by s are a roll by -s in front and by s behind.
        moved[axis_number(options["axis"], size)] = -options["shift"]
        before.append(source)
        source = rest.now(rest.nodes[source].reads[0])
    # Each of them has to be taken back right behind, before anything is computed with what comes out.
    behind: list[int] = []
    at = value
    while len(readers.get(at, [])) == 1 and readers[at][0] in rest.nodes and len(behind) < len(before):
        reader = readers[at][0]
        following = rest.nodes[reader]
        if following.layer.kind == "roll":
            options = vars(following.layer)
            if moved.get(axis_number(options["axis"], size)) != options["shift"]:
                return False
            behind.append(reader)
        elif following.layer.kind != "dropout":
            return False
        at = reader
    # Windows of w can be shifted by up to w - 1: further they would be the same windows again.
    shift = tuple(moved.get(i, 0) for i in range(1, len(size)))
    window = vars(node.layer)["window"]
    if not before or len(behind) < len(before) or any(not 0 <= s < w for s, w in zip(shift, window, strict=True)):
        return False
    for roll in behind:
        rest.same[roll] = rest.now(rest.nodes.pop(roll).reads[0])
    for roll in before:
        del rest.nodes[roll]
    rest.nodes[value] = node._replace(reads=(source,), layer=node.layer.replace(shift=shift))
    return True
