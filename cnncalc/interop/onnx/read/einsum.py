"""ONNX's Einsum: sums of products, written with a letter for each axis, "bhwc,hkc->bhwk".

What is said of one value is another order of its axes; of two values, or of a value and weights, a matrix product with
the axes brought in order. Source: the operator's page at onnx.ai/onnx/operators.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from math import prod

from cnncalc.interop.axis_parts import regroup
from cnncalc.interop.onnx.read.constants import Constant
from cnncalc.interop.onnx.read.conv import Bias, find_bias
from cnncalc.interop.onnx.read.dense import multiply, multiply_values
from cnncalc.interop.onnx.read.file import NodeData
from cnncalc.interop.onnx.read.layout import Tensor
from cnncalc.interop.onnx.read.network import Network, NotReadError, Value
from cnncalc.interop.onnx.read.table import reads
from cnncalc.language import _

Sizes = Mapping[str, int]


@reads("Einsum")
def read_einsum(net: Network, node: NodeData) -> Value:
    """One value, two, or a value and weights; more of them are not read."""
    equation = str(node.attributes.get("equation", "")).replace(" ", "")
    left, arrow, out = equation.partition("->")
    words = left.split(",")
    given = [net.values[name] for name in node.inputs if name]
    # A letter twice in a word is a diagonal, and dots are axes without a letter.
    plain = arrow and all(word.isalpha() and len(set(word)) == len(word) for word in (*words, out))
    if not plain or len(words) != len(given):
        raise NotReadError(_("its equation is {equation}", equation=equation[:60]))
    if len(words) == 1 and isinstance(given[0], Tensor) and sorted(words[0]) == sorted(out):
        return in_order(net.tensor(node), words[0], out)
    if len(words) != 2:
        raise NotReadError(_("its equation is {equation}", equation=equation[:60]))
    if isinstance(given[0], Constant):
        return by_weights(net, node, (words[1], words[0]), out, 1)
    if isinstance(given[1], Constant):
        return by_weights(net, node, (words[0], words[1]), out, 0)
    return of_values(net, node, (words[0], words[1]), out)


def in_order(x: Tensor, word: str, out: str) -> Tensor:
    """The same value with its axes in another order."""
    axes = x.axes or ()
    return Tensor(x.value, tuple(axes[word.index(letter)] for letter in out))


def join(x: Tensor, word: str, *groups: str) -> Tensor:
    """The axes of each group as one, in the order of its letters."""
    axes = x.axes or ()
    return Tensor(x.value, tuple(tuple(chain(*(axes[word.index(letter)] for letter in group))) for group in groups))


def apart(x: Tensor, letters: Sequence[str], sizes: Sizes, out: str) -> Tensor:
    """The joined axes apart, one for each letter, in the order of the result."""
    axes = regroup(x.axes or (), [sizes[letter] for letter in letters])
    if axes is None:
        raise NotReadError(_("its axes are mixed in a way that no layer is: {shape}", shape=list(x.dims())))
    return in_order(Tensor(x.value, axes), "".join(letters), out)


def letters_of(one: str, other: str, out: str) -> tuple[str, str, str, str]:
    """The letters that stay in both, those of one, those of the other, and those over which is summed."""
    both = "".join(letter for letter in one if letter in other and letter in out)
    summed = "".join(letter for letter in one if letter in other and letter not in out)
    first, second = ("".join(letter for letter in word if letter not in both + summed) for word in (one, other))
    if not summed or not set(first + second) <= set(out) or len(out) != len(both + first + second):
        raise NotReadError(_("its equation is no matrix product"))
    return both, first, second, summed


def by_weights(net: Network, node: NodeData, words: tuple[str, str], out: str, place: int) -> Tensor:
    """A value, the input at this place, times weights: a dense layer along the axes over which is summed."""
    x, weight = net.tensor(node, place), net.weight(node, 1 - place)
    both, kept, units, summed = letters_of(*words, out)
    if both or not units:
        raise NotReadError(_("each part of its weights belongs to another part of what enters"))
    sizes = dict(zip(words[0], x.dims(), strict=True)) | dict(zip(words[1], weight.dims, strict=True))
    # bnc,chd->bnhd: units h and d, summed c; weights (c, h, d) become (h d, c).
    order = [words[1].index(letter) for letter in units + summed]
    rows, columns = (prod(sizes[letter] for letter in group) for group in (units, summed))
    form = None if order == sorted(order) else ("Transpose", *order)
    matrix = weight.move_later((rows, columns), lambda array: array.transpose(order).reshape(rows, columns), form)
    bias = find_bias(net, node, matrix, None, len(out), out.index(units), rows) if len(units) == 1 else Bias()
    made = multiply(net, node, join(x, words[0], *kept, summed), matrix, bias)
    return apart(made, [*kept, *units], sizes, out)


def of_values(net: Network, node: NodeData, words: tuple[str, str], out: str) -> Tensor:
    """The product of two values."""
    a, b = net.tensor(node, 0), net.tensor(node, 1)
    # bqhd,bkhd->bhqk: both b and h, rows q, columns k, summed d.
    both, rows, columns, summed = letters_of(*words, out)
    if not rows or not columns:
        raise NotReadError(_("its equation is no matrix product"))
    sizes = dict(zip(words[0], a.dims(), strict=True)) | dict(zip(words[1], b.dims(), strict=True))
    made = multiply_values(net, node, join(a, words[0], *both, rows, summed), join(b, words[1], *both, summed, columns))
    return apart(made, [*both, *rows, *columns], sizes, out)
