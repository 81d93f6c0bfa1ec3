"""The dataflow of a network as boxes and lines: blocks are frames, which are folded or not.

`place` is all that others need; see its docstring. What its value looks like: picture.py.
"""

from collections.abc import Collection

from cnncalc.pages.drawing import Wish
from cnncalc.pages.drawing.graph.assembly import assemble
from cnncalc.pages.drawing.graph.picture import Picture
from cnncalc.pages.drawing.graph.tree import Tree
from cnncalc.pages.drawing.words import find_quantity
from cnncalc.report import Report

__all__ = ["Picture", "Tree", "place", "place_for"]


def place(tree: Tree, folded: Collection[str] | None = None, color: str = "") -> Picture:
    """The picture of a network with these blocks folded: a plain value of numbers, texts and lists, ready for JSON.

    tree    `Tree(report)`, which may be used again for other foldings of the same report
    folded  ids of blocks, which are the keys of `tree.blocks`; a block inside a folded one does not matter. None: so
            many that the picture can be read. `tree.fold(2)` gives those of `--depth 2`, at which nodes are the rows
            that the table shows at that depth; `tree.depth` is the first depth that folds nothing
    color   the quantity that heats the nodes: "macs", "params", "activations", "receptive_field" or any other; "": none

    For a page on which blocks are folded by clicking:

        tree = Tree(report)
        levels = [place(tree, tree.fold(depth), "macs") for depth in range(1, tree.depth + 1)]

    or, for any other set, `place(tree, tree.fold(1) - {node["id"]}, "macs")`: a node of role "block" is unfolded by
    taking its id out, and a frame is folded by putting `frame["folds"][0]` in. The same report, set and colour give the
    same value, number by number. Raises CnncalcError for a colour that is no quantity.
    """
    quantity = find_quantity(color).name if color else ""
    return assemble(tree, tree.fold() if folded is None else frozenset(folded), quantity)


def place_for(report: Report, wish: Wish) -> Picture:
    """The picture that is asked for: at a depth, with the colour of a quantity."""
    tree = Tree(report)
    return place(tree, tree.fold(wish.depth), wish.color)
