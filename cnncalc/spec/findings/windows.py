"""Windows and what they read: pixels that none reaches, padding that nobody needs. Indices of one axis, from 0."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from math import prod

from cnncalc.language import _, enumerate_words
from cnncalc.layers.base import Facts, shape_text
from cnncalc.layers.options import SPATIAL
from cnncalc.layers.sliding import Sliding
from cnncalc.layers.windows import Window
from cnncalc.spec.findings.network import Hit, Network

LONGEST_AXIS = 100_000  # pixels that are looked at one by one
MOST_READ = 10_000_000  # pixels that the positions of a window read on one axis, counted one by one
ON_PURPOSE = ("crop", "slice", "split")  # leaving something out is what they are for
SHOWN = 3  # indices that are written out


def unread_pixels(net: Network) -> Iterator[Hit]:
    """Rows and columns of a map that no window of any layer reads, told at the first layer that passes over them."""
    for value, readers in enumerate(net.readers):
        if not readers or value in net.outputs or len(net.shapes[value]) < 2:
            continue
        left = [outside(net, value, axis, gap) for axis, gap in enumerate(gaps(net, value))]
        # The finding stands at a layer that was not asked to leave something out.
        blamed = [i for i in readers if net.graph.nodes[i].layer.kind not in ON_PURPOSE]
        if blamed and any(left):
            yield unread_hit(net, blamed[0], net.shapes[value][1:], left)


def gaps(net: Network, value: int) -> list[bytes | None]:
    """For each axis of a map, a byte per pixel, 1 for those that no reader reads; None where each is read."""
    size = net.shapes[value][1:]
    left: list[bytes | None] = []
    for count, reader in enumerate(net.readers[value]):
        windows = sliding(net.graph.facts[reader], len(size))
        # What reads without a window reads all, as a window of one pixel does.
        gap = [unread(w, n) for w, n in zip(windows or [Window()] * len(size), size, strict=True)]
        if max(size) <= LONGEST_AXIS and any(
            marks and all(marks) for marks in gap
        ):  # every tap misses one axis, and so the whole map
            gap = [b"\1" * n for n in size]
        left = [both(a, b) for a, b in zip(left, gap, strict=True)] if count else gap
        if not any(left):
            break
    return left


def sliding(facts: Facts, axes: int) -> Sequence[Window]:
    """The window of each axis; none where a layer sees its input in another way, and so perhaps all of it."""
    reach = facts.reach
    if not isinstance(reach, tuple) or len(reach) != axes:
        return ()
    return [step if isinstance(step, Window) else Window() for step in reach]


@lru_cache(1024)
def unread(window: Window, n: int) -> bytes | None:
    """A byte per pixel, 1 for those that no position of the window reads. None: each is read, or n is too large."""
    k, s, d = window.kernel, window.stride, window.dilation
    if n > LONGEST_AXIS or k > LONGEST_AXIS:
        return None
    last = (window.positions(n) - 1) * s - window.before  # where the last position begins
    # The usual window: positions touch or overlap, and the last one reaches the end.
    if d == 1 and s <= k and last + k >= n and window.before >= 0:
        return None
    marks = bytearray(b"\1" * n)
    if d == 1 and s <= k:
        first, end = max(0, -window.before), min(last + k, n)
        # Touching windows read one stretch, from the first to the last: bytes(n) is n zeros.
        marks[first:end] = bytes(max(0, end - first))
    # Holes are found tap by tap; where that would take seconds, nothing is said rather than something wrong.
    elif k * (n // s + 1) > MOST_READ:
        return None
    else:
        for tap in range(k):
            begin, end = tap * d - window.before, min(last + tap * d, n - 1)
            # From padding on to the first pixel at this stride: begin -3, stride 2, -3 // 2 = -2, so 4 further on is 1.
            begin += -(begin // s) * s if begin < 0 else 0
            if begin <= end:
                marks[begin : end + 1 : s] = bytes((end - begin) // s + 1)
    return bytes(marks) if any(marks) else None


def both(one: bytes | None, other: bytes | None) -> bytes | None:
    """What neither of two layers reads."""
    if one is None or other is None:
        return None
    marks = bytes(x & y for x, y in zip(one, other, strict=True))
    return marks if any(marks) else None


def outside(net: Network, value: int, axis: int, marks: bytes | None) -> bytes | None:
    """Without the elements that a padding layer has added: they are no pixels."""
    maker = net.maker(value)
    if marks is None or maker is None or maker.layer.kind != "pad":
        return marks
    window = sliding(net.graph.facts[value - net.first], len(net.shapes[value]) - 1)[axis]
    inner = marks[window.before : len(marks) - window.after]
    return bytes(window.before) + inner + bytes(window.after) if any(inner) else None


def unread_hit(net: Network, reader: int, size: Sequence[int], left: Sequence[bytes | None]) -> Hit:
    node = net.graph.nodes[reader]
    letters = SPATIAL[len(size) + 1]
    told = [lines_of(letter, marks) for letter, marks in zip(letters, left, strict=True) if marks]
    # What is read is a product over axes, so that what is not is the rest.
    read = prod(n - sum(marks or ()) for n, marks in zip(size, left, strict=True))
    share = 100 * (prod(size) - read) / prod(size)
    text = _(
        "{name}: no window reads {unread} of the {size} that enter ({share:.1f} % of the pixels)",
        name=node.name,
        unread=enumerate_words(told),
        size=shape_text(size),
        share=share,
    )
    return Hit(
        reader, text, _("pad, crop or resize what enters, choose kernel and stride that fit, or round up (ceil)")
    )


def lines_of(letter: str, marks: bytes) -> str:
    """The marked indices of an axis in words: `row 54`, `columns 54 to 55`, `rows 1, 3, 5, ... 55`."""
    found = [i for i, mark in enumerate(marks) if mark]
    which = enumerate_words(found)
    if len(found) > 1 and found[-1] - found[0] == len(found) - 1:
        which = _("{first} to {last}", first=found[0], last=found[-1])
    elif len(found) > SHOWN + 1:
        which = ", ".join(map(str, found[:SHOWN])) + f", ... {found[-1]}"
    if len(found) == 1:
        return {
            "l": _("element {which}", which=which),
            "d": _("plane {which}", which=which),
            "h": _("row {which}", which=which),
            "w": _("column {which}", which=which),
        }[letter]
    return {
        "l": _("elements {which}", which=which),
        "d": _("planes {which}", which=which),
        "h": _("rows {which}", which=which),
        "w": _("columns {which}", which=which),
    }[letter]


def blind_windows(net: Network) -> Iterator[Hit]:
    """Positions at the border at which every tap lands on padding."""
    for i, (node, facts) in enumerate(zip(net.graph.nodes, net.graph.facts, strict=True)):
        size = net.entering(node)[1:]
        windows = sliding(facts, len(size))
        # A pool on padding gives zeros, which is harmless; weights on padding alone are trained for nothing.
        if len(node.reads) > 1 or not facts.params or not any(w.before > 0 or w.after > 0 for w in windows):
            continue
        units, seeing = prod(facts.output[1:]), prod(map(seeing_positions, windows, size))
        if seeing < units:
            text = _(
                "{name}: {blind} of its {units} positions see nothing but padding",
                name=node.name,
                blind=f"{units - seeing:,}",
                units=f"{units:,}",
            )
            yield Hit(i, text, _("pad less than the window is wide"))


def seeing_positions(window: Window, n: int) -> int:
    """The positions of a window on an axis of n pixels that do not lie beside it as a whole.

    The taps of position o lie from o*stride - before to o*stride - before + span - 1, the axis from 0 to n - 1.
    """
    first = max(0, divide_up(window.before - (window.span - 1), window.stride))  # its last tap has come to pixel 0
    end = min(window.positions(n), divide_up(window.before + n, window.stride))  # here the first tap is past n - 1
    return max(0, end - first)


def divide_up(a: int, b: int) -> int:
    return -(-a // b)


def useless_padding(net: Network) -> Iterator[Hit]:
    """`same` around a window of one pixel, and padding at the end that no window reaches."""
    for i, (node, facts) in enumerate(zip(net.graph.nodes, net.graph.facts, strict=True)):
        size = net.entering(node)[1:]
        windows = sliding(facts, len(size))
        said = net.find_written(node, "padding")
        if said is None or not windows or not isinstance(node.layer, Sliding):
            continue
        if said == "same":
            if all(w.kernel == 1 for w in windows) and net.find_written(node, "kernel") is not None:
                text = _("{name}: a window of one pixel needs no padding, and `same` adds none", name=node.name)
                yield Hit(i, text, _("leave out `same`"))
        elif (axis := unreached_end(windows, size)) is not None:
            after, n = windows[axis].after, size[axis]
            text = _("{name}: no window reaches the {after} added behind {n} pixels", name=node.name, after=after, n=n)
            yield Hit(i, text, _("leave this padding out"))


def unreached_end(windows: Sequence[Window], size: Sequence[int]) -> int | None:
    """The first axis at whose end pixels were added that no position of its window reads; None: there is none.

    As many on both sides is how padding is written: that a stride leaves some out at the end says nothing.
    """
    for axis, (window, n) in enumerate(zip(windows, size, strict=True)):
        read = (window.positions(n) - 1) * window.stride - window.before + window.span  # behind the last pixel read
        if window.after and window.after != window.before and read <= n:
            return axis
    return None


def useless_dilation(net: Network) -> Iterator[Hit]:
    """A distance between the taps of a window that has one tap."""
    for i, node in enumerate(net.graph.nodes):
        values = vars(node.layer)
        if set(values.get("kernel") or ()) != {1} or set(values.get("dilation") or ()) <= {1}:
            continue
        # Only what the line itself says: a kernel that comes from an expression may be wider elsewhere.
        if net.find_written(node, "kernel") is not None and net.find_written(node, "dilation") is not None:
            text = _("{name}: a window of one pixel has no distance between taps", name=node.name)
            yield Hit(i, text, _("leave the dilation out, or give the window more pixels"))
