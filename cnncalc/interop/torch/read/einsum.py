"""torch.einsum: a matrix product whose axes are brought in order, a linear layer, or products alone.

The letters are those of the equation: bnc,cd->bnd.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

from cnncalc.interop.layouts import Seen, make_plain
from cnncalc.interop.torch.read.making import along, as_value, layer, merge_seen, whole
from cnncalc.interop.torch.read.products import product
from cnncalc.interop.torch.read.table import BATCH, Made, translates

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@translates("einsum", "", anywhere=True)
def einsum(trace: Any, args: Any, result: Any) -> Made:
    """Sums of products over letters that the result has not; with a tensor of weights, a linear layer."""
    equation, *tensors = args
    if tensors and isinstance(tensors[0], (list, tuple)):
        tensors = list(tensors[0])
    said = find_words(equation, tensors, result.ndim)
    if said is None:
        return None
    words, out = said
    seen = [trace.of(tensor) for tensor in tensors]
    if seen[0] is None:  # the value first
        seen, words, tensors = seen[::-1], words[::-1], tensors[::-1]
    sizes = {letter: n for word, t in zip(words, tensors, strict=True) for letter, n in zip(word, t.shape, strict=True)}
    if seen[0] is None or any(s is not None and (not s.shape or s.sample >= 0) for s in seen):
        return None
    folded, front = seen[0].folded, seen[0].front
    # What stands in one axis with the samples gets letters of its own meanwhile.
    if folded:
        if any(s is not None and (s.lead or s.place != seen[0].place) for s in seen) or out[:1] != words[0][0]:
            return None
        inside = [letter for letter in LETTERS if letter not in equation and letter not in sizes][:folded]
        words = [word.replace(out[0], out[0] + "".join(inside)) for word in words]
        sizes.update(zip(inside, seen[0].shape, strict=False))
        out = out.replace(out[0], out[0] + "".join(inside))
        seen = [s and s._replace(folded=0, front=0) for s in seen]
    one, other = seen
    first = words[0][one.lead]
    sizes[first] = BATCH
    if other is None:
        made = by_weights(trace, one, tensors[1], words, out, sizes)
    elif first != words[1][other.lead]:
        return None
    else:
        made = sum_products(trace, (one, other), words, out, first, sizes)
    return made._replace(folded=folded, front=front) if isinstance(made, Seen) else made


def find_words(equation: Any, tensors: Sequence[Any], rank: int) -> tuple[list[str], str] | None:
    """The letters of two tensors, and those of the result, of so many axes; None for an equation of another form."""
    if not isinstance(equation, str):
        return None
    left, arrow, out = equation.replace(" ", "").partition("->")
    words = left.split(",")
    if not arrow or len(words) != 2 or len(tensors) != 2:
        return None
    if "..." in equation:  # axes without a letter
        spare = [letter for letter in LETTERS if letter not in equation]
        words = [spell(word, spare, tensor.ndim) for word, tensor in zip(words, tensors, strict=True)]
        out = spell(out, spare, rank)
    # A letter twice in one word is a diagonal, as in bii->bi.
    return None if any(len(set(word)) < len(word) for word in (*words, out)) else (words, out)


def spell(word: str, spare: Sequence[str], rank: int) -> str:
    """The letters of axes, with others for `...`, of which the last stand for the last axes."""
    count = rank - len(word.replace("...", ""))
    return word.replace("...", "".join(spare[len(spare) - count :]))


def by_weights(trace: Any, seen: Seen, tensor: Any, words: Sequence[str], out: str, sizes: dict[str, int]) -> Made:
    """Sums of a value with numbers that depend on no input: a linear layer, or products where they share an axis."""
    a, b = words
    first = a[seen.lead]
    # bnc,cd->bnd: the samples are b, rows n, summed c, columns d.
    summed = [letter for letter in a if letter in b and letter not in out]
    rows = [letter for letter in a if letter not in b and letter != first]
    columns = [letter for letter in b if letter not in a]
    if first in b or first not in out or not hasattr(tensor, "ndim"):
        return None
    if any(letter in b and letter in out for letter in a) or not summed or not whole(trace, tensor):
        other = as_value(trace, tensor, Seen(-1, tuple(tensor.shape)))
        return other and sum_products(trace, (seen, other), (a, first + b), out, first, sizes)
    # A letter of one word alone that the result has not, as n in bnc,cd->bd, is a sum before the product.
    if not set(rows + columns) <= set(out):
        return None
    last = bring(trace, seen, a, ([first, *rows], summed), sizes)
    axis = last and last.axis(last.rank - 1)
    if last is None or axis is None:
        return None
    units = prod(sizes[letter] for letter in columns)
    options = {"units": units, "bias": False, "axes": "c" if len(last.shape) > 1 else None}
    made = along(trace, last, axis, lambda v: layer(trace, "dense", options, [v], (tensor,)))
    return take_apart(trace, made, [first, *rows, *columns], out, sizes)


def sum_products(
    trace: Any, seen: tuple[Seen, Seen], words: Sequence[str], out: str, first: str, sizes: dict[str, int]
) -> Made:
    """Sums over letters of products of two values: a matrix product, their axes brought in order; or products alone."""
    a, b = words
    # bhqd,bhkd->bhqk: both are b and h, rows q, columns k, summed d; so (b, h, q, d) times (b, h, d, k).
    both = [first, *(letter for letter in a if letter in b and letter in out and letter != first)]
    summed = [letter for letter in a if letter in b and letter not in out]
    rows, columns = [letter for letter in a if letter not in b], [letter for letter in b if letter not in a]
    if first not in out or not set(rows + columns) <= set(out):
        return None
    if not summed:
        return multiply_letters(trace, seen, words, out, sizes)
    one = bring(trace, seen[0], a, (both, rows, summed), sizes)
    other = bring(trace, seen[1], b, (both, summed, columns), sizes)
    return take_apart(trace, product(trace, one, other), [*both, *rows, *columns], out, sizes)


def bring(trace: Any, seen: Seen, word: str, groups: Sequence[Sequence[str]], sizes: dict[str, int]) -> Seen | None:
    """A value with its axes in the order of the groups; those of each group but the first as one."""
    place = trace.here.inside()
    ordered = seen.reorder([word.index(letter) for group in groups for letter in group], place)
    apart, *together = groups
    shape = [sizes[letter] for letter in apart] + [prod(sizes[letter] for letter in group) for group in together]
    return ordered.arrange(shape, BATCH, place)


def take_apart(trace: Any, made: Seen | None, letters: Sequence[str], out: str, sizes: dict[str, int]) -> Seen | None:
    """What comes out with an axis for each of these letters, in the order of the result."""
    place = trace.here.inside()
    apart = made and made.arrange([sizes[letter] for letter in letters], BATCH, place)
    return apart and apart.reorder([letters.index(letter) for letter in out], place)


def multiply_letters(trace: Any, seen: Sequence[Seen], words: Sequence[str], out: str, sizes: dict[str, int]) -> Made:
    """Two values with their axes in the order of the result, with one element where one of them has not the axis."""
    place, sides = trace.here.inside(), []
    for value, word in zip(seen, words, strict=True):
        ordered = value.reorder([word.index(letter) for letter in out if letter in word], place)
        side = ordered.arrange([sizes[letter] if letter in word else 1 for letter in out], BATCH, place)
        if side is None:
            return None
        sides.append(make_plain(trace.b, side, trace.here.place()))
    return merge_seen(trace, "multiply", sides)
