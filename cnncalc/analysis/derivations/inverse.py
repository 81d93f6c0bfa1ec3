"""A question asked backwards, on the board: which padding, kernel, stride or input gives this size.

The size is that of `layers/windows.py`, on numbers that remember. Solved for one of them, the division that rounds down
leaves a range, and every whole number in it is a solution.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from cnncalc.analysis.derivations.board import Derivation
from cnncalc.analysis.derivations.formulas import TEXT, Notation
from cnncalc.analysis.derivations.lines import Line
from cnncalc.analysis.derivations.symbols import AXES, meanings
from cnncalc.errors import CnncalcError
from cnncalc.language import _
from cnncalc.layers.sliding import Sliding
from cnncalc.layers.windows import Window
from cnncalc.report import Report
from cnncalc.trace import symbol

SOUGHT = {"padding": "p", "kernel": "k", "stride": "s", "size": "n"}
MOST_LISTED = 12  # solutions in a sentence
SEVERAL = 2  # outputs from which on the stride has a greatest value


class Equation(Line):
    """`formula in the letter that is sought = number`."""

    def parts(self, notation: Notation = TEXT) -> list[str]:
        """What stands on both sides."""
        return [self.formula(notation), notation.number(self.value)]


class Board(NamedTuple):
    """One axis in letters: input n, output m, kernel k, stride s, dilation d; both: the padding of both sides."""

    n: int
    m: int
    k: int
    s: int
    d: int
    both: int


Bounds = tuple[int, int | None]


def solve_for_padding(b: Board) -> Bounds:
    """Of both sides together."""
    # m = floor((n + P - d (k - 1) - 1) / s) + 1 holds for s values of P in a row; this is the first.
    least = b.s * (b.m - 1) + b.d * (b.k - 1) + 1 - b.n
    return least, least + (b.s - 1)


def solve_for_kernel(b: Board) -> Bounds:
    """Of d (k - 1), which is what a kernel takes from the steps."""
    most = b.n + b.both - 1 - b.s * (b.m - 1)
    return most - (b.s - 1), most


def solve_for_stride(b: Board) -> Bounds:
    """Of the stride: m positions begin within the room, and one more would not."""
    room = b.n + b.both - b.d * (b.k - 1) - 1
    # m - 1 strides fit the room and m do not: room / m < s <= room / (m - 1).
    return room // b.m + 1, room // (b.m - 1) if b.m >= SEVERAL else None


def solve_for_size(b: Board) -> Bounds:
    """Of what enters."""
    least = b.s * (b.m - 1) + b.d * (b.k - 1) + 1 - b.both
    return least, least + (b.s - 1)


SOLVERS: dict[str, Callable[[Board], Bounds]] = {
    "padding": solve_for_padding, "kernel": solve_for_kernel, "stride": solve_for_stride, "size": solve_for_size,
}  # fmt: skip


def invert(report: Report, layer: str, sought: str) -> list[Derivation]:
    """How the padding, the kernel, the stride or the size that enters follows from the size of a layer's output.

    A derivation for each axis, or one where they are alike. Raises CnncalcError for a layer without a window that is
    rounded down.
    """
    name, graph = layer, report.graph
    # A window belongs to a layer: of a block there is none to solve for.
    node = next((node for node in graph.nodes if node.name == name), None) if graph is not None else None
    if node is None:
        report[layer]  # raises where there is no block of this name either
    if graph is None or node is None or not isinstance(node.layer, Sliding):
        raise CnncalcError(_("{layer} slides no window: there is no {option} to solve for", layer=layer, option=sought))
    sizes = graph.shape(node.reads[0])[1:]
    own: Any = node.layer
    if vars(own).get("rounding", "floor") != "floor":
        raise CnncalcError(_("{layer} rounds up: only windows that are rounded down are solved", layer=layer))
    if own.padding == "same" and sought != "padding":
        raise CnncalcError(_("{layer} is padded to `same`: its padding follows from the others", layer=layer))
    axes = list(zip(sizes, own.windows(sizes), strict=True))
    alike = len(set(axes)) == 1
    letters = ("",) if alike else AXES.get(len(sizes), tuple(map(str, range(1, len(sizes) + 1))))
    return [along_axis(name, sought, n, window, at) for at, (n, window) in zip(letters, axes, strict=False)]


def along_axis(layer: str, sought: str, n: int, window: Window, axis: str) -> Derivation:
    """The size formula of one axis, solved for what is sought."""
    at = f"_{axis}" if axis else ""
    # With both sides alike the textbook's 2 p can be written, and half of it is what is sought.
    even = window.before == window.after
    k, s, p = (symbol(f"{letter}{at}", value) for letter, value in zip(
        "ksp", (window.kernel, window.stride, window.before if even else window.before + window.after), strict=True
    ))  # fmt: skip
    d = 1 if window.dilation == 1 else symbol(f"d{at}", window.dilation)
    known = Board(symbol(f"n{at}", n), symbol(f"m{at}", window.positions(n)), k, s, d, p + p if even else p)
    # Uneven sides are one number here, put in front: the size depends on their sum alone.
    size = Window(k, s, p, p if even else 0, d).positions(known.n)
    letter = f"{SOUGHT[sought]}{at}"
    least, most = SOLVERS[sought](known)
    lines = [Line(f"m{at}", size), Equation("", size, free=frozenset({letter})), Line(f"a{at}", least)]
    lines += [] if most is None else [Line(f"b{at}", most)]
    texts = meanings(2, of_units=False)
    texts |= {"m": _("output size, per axis"), "p": texts["p"] if even else _("padding of both sides together")}
    values = {part.name: int(part) for line in lines for part in line.symbols()}
    symbols: dict[str, tuple[int | None, str]] = {name: (value, texts[name[0]]) for name, value in values.items()}
    term = {
        "padding": f"2 {letter}" if even else letter,
        "kernel": f"{letter} - 1" if d == 1 else f"d{at} ({letter} - 1)",
    }
    asked = term.get(sought, letter)
    symbols[f"a{at}"] = (None, _("the least that {term} may be", term=asked))
    if most is not None:
        symbols[f"b{at}"] = (None, _("the most that {term} may be", term=asked))
    found = solutions(sought, int(least), None if most is None else int(most), window, even=even)
    value = {"padding": int(p), "kernel": window.kernel, "stride": window.stride, "size": n}[sought]
    remark = in_words(letter, asked, int(least), None if most is None else int(most), found)
    return Derivation(layer, sought, f"{sought}{at}", value, tuple(lines), (remark,), symbols)


def solutions(sought: str, least: int, most: int | None, window: Window, *, even: bool) -> list[int]:
    """The whole numbers in a range that an option can be; of one without an end, the first few."""
    most = least + MOST_LISTED if most is None else most
    if sought == "padding":
        step = 2 if even else 1
        # Rounded inwards on both ends: only whole numbers are solutions.
        return list(range(max(0, -(-least // step)), most // step + 1))
    if sought == "kernel":
        # The range is that of d (k - 1): from it k is the quotient and 1.
        return list(range(max(1, -(-least // window.dilation) + 1), most // window.dilation + 2))
    return list(range(max(1, least), most + 1))


def in_words(letter: str, term: str, least: int, most: int | None, found: list[int]) -> str:
    """The range, and the whole numbers in it."""
    listed = ", ".join(map(str, found[:MOST_LISTED])) + (", ..." if most is None or len(found) > MOST_LISTED else "")
    values = {"letter": letter, "term": term, "least": f"{least:,}", "listed": listed}
    if most is None:
        return _("{term} is at least {least}: {letter} = {listed}.", **values)
    if most == least:
        return _("{term} is {least}: {letter} = {listed}.", **values)
    values["most"] = f"{most:,}"
    return _("{term} lies between {least} and {most}: {letter} = {listed}.", **values)
