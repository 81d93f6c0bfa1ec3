"""What a teacher says beside the formula: the rule that was applied, and what is often asked about it.

Sentences only: every formula comes from the code that computes it. A kind that has no sentence of its own gets
the one of its quantity.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import Any

from cnncalc.language import _, n_
from cnncalc.layers.base import Layer, Shape
from cnncalc.layers.sliding import Sliding

Remark = Callable[[Layer, tuple[Shape, ...], Mapping[str, Any]], list[str]]


def remarks(layer: Layer, shapes: tuple[Shape, ...], quantity: str, row: Mapping[str, Any]) -> list[str]:
    """The sentences for one quantity of a layer that reads these shapes; `row` has its numbers."""
    own = KINDS.get((layer.kind, quantity)) or usual(layer, shapes, quantity, row)
    found = own(layer, shapes, row)
    return [*found, *unread(layer, shapes)] if quantity == "output" else found


def usual(layer: Layer, shapes: tuple[Shape, ...], quantity: str, row: Mapping[str, Any]) -> Remark:
    """The sentences for a kind that has none of its own."""
    # The first that fits: what is said of windows is more than that a shape stays.
    if quantity == "output" and isinstance(layer, Sliding):
        return SLIDES
    if quantity == "output" and shapes and row["output"] == shapes[0]:
        return UNCHANGED
    if quantity in ("params", "connections", "macs") and weightless(row):
        return NO_WEIGHTS
    if quantity in ("connections", "macs") and row[quantity] == 0:
        return SCALES
    return GENERAL.get(quantity, say())  # a new quantity has its formula alone until there is something to say


def weightless(row: Mapping[str, Any]) -> bool:
    """Whether a layer stores nothing and multiplies nothing."""
    return all(row[quantity] == 0 for quantity in ("params", "fixed_params", "connections", "macs"))


def table_of(layer: Layer) -> Sequence[Sequence[str]]:
    """Which inputs each filter or unit reads, where a table says so."""
    table = getattr(layer, "table", None)
    if not table:
        return ()
    rows = [(str(i), " ".join(map(str, row)), str(len(row))) for i, row in enumerate(table)]
    return [(_("map"), _("reads"), _("how many")), *rows]


def unread(layer: Layer, shapes: tuple[Shape, ...]) -> list[str]:
    """What the rounding of a window that does not fit leaves over, and what rounding up would give."""
    # An unpooling reads the map that was pooled last.
    if not isinstance(layer, Sliding) or len(shapes[-1]) < 2:
        return []
    rounding = getattr(layer, "rounding", "floor")
    said = []
    windows = layer.windows(shapes[-1][1:], ceil=rounding == "ceil")
    for axis, (window, n) in enumerate(zip(windows, shapes[-1][1:], strict=True)):
        if axis and (window, n) == (windows[axis - 1], shapes[-1][axis]):
            continue  # said already
        m = window.positions(n)
        up = window._replace(ceil=True).positions(n)
        # In places of the padded axis, up to the last that a window covers.
        reached = (m - 1) * window.stride + window.span
        # Positive: pixels that no window reads. Negative: the last window reaches beyond, as with rounding up.
        left = n + window.before + window.after - reached
        if left > 0:
            whole = n + window.before + window.after
            if up == m:
                rest = _("The division leaves a rest: the last {left} of {n} elements are read by no window.",
                         left=left, n=whole)  # fmt: skip
            else:
                rest = _("The division leaves a rest: the last {left} of {n} elements are read by no window. "
                         "Rounding up would give {up} instead of {m}.", left=left, n=whole, up=up, m=m)  # fmt: skip
            said.append(rest)
        elif left < 0:
            said.append(_("Rounding is up: the last window lacks {left} elements, which are left out.", left=-left))
    return said


def exact_sizes(layer: Layer, shapes: tuple[Shape, ...]) -> list[str]:
    """Which input sizes leave no rest, where the stride is more than 1."""
    if not isinstance(layer, Sliding) or len(shapes[-1]) < 2 or layer.padding == "same":
        return []
    found = []
    for window, n in dict.fromkeys(zip(layer.windows(shapes[-1][1:]), shapes[-1][1:], strict=True)):
        if window.stride > 1:
            rest = (n + window.before + window.after - window.span) % window.stride
            # Four sizes around the one that is there show the step.
            sizes = [n - rest + i * window.stride for i in range(-1, 3)]
            listed = ", ".join(str(size) for size in sizes if size > 0)
            found.append(_("No element is left over for a size of ..., {sizes}, ...", sizes=listed))
    return found


def say(*sentences: str) -> Remark:
    """Sentences that need no numbers. They are translated when they are said."""
    return lambda layer, shapes, row: [_(sentence) for sentence in sentences]


def conv_params(layer: Any, shapes: tuple[Shape, ...], row: Mapping[str, Any]) -> list[str]:
    if layer.table is not None:
        pairs = sum(len(r) for r in layer.table)
        return [
            _(
                "The table says which input maps each filter reads: {pairs} of {all} pairs. Each pair has a kernel of "
                "its own, and each filter one bias.",
                pairs=pairs,
                all=len(layer.table) * shapes[0][0],
            )
        ]
    found = [_("A filter has a kernel for every map that it reads. All places share its weights.")]
    if layer.groups > 1:
        found.append(
            _("With {g} groups a filter reads {c} of the maps.", g=layer.groups, c=shapes[0][0] // layer.groups)
        )
    if layer.bias is False:
        found.append(_("There is no bias."))
    elif layer.bias is True:
        found.append(_("Each filter has one bias."))
    else:
        found.append(_("Here every unit has a bias of its own: biases are not shared."))
    return found


def conv_connections(layer: Any, shapes: tuple[Shape, ...], row: Mapping[str, Any]) -> list[str]:
    if prod(row["output"][1:]) == 1:
        return [_("The kernel is as large as what enters: there is one place, and each parameter is used once.")]
    return [_("At every place of the output each parameter is one connection.")]


GENERAL: dict[str, Remark] = {
    "output": say(n_("Shapes are channels first.")),
    "params": say(n_("Trained numbers, each counted once however often it is used.")),
    "fixed_params": say(n_("Stored, but not trained.")),
    "buffers": say(n_("Stored statistics: not trained by gradients.")),
    "connections": say(
        n_("Over all units of the output: the values that a unit reads through a weight, and its bias.")
    ),
    "macs": say(n_("A product of a weight with a value, added to a sum. Biases are no products.")),
    "flops": say(n_("Scalar operations: two for each multiply-accumulate, and the rest one by one.")),
    "activation_bytes": say(n_("Elements of the output times bytes of each.")),
    "parameter_bytes": say(n_("Stored parameters times bytes of each.")),
    "activations": say(n_("Elements that come out of convolutions and dense layers, of those inside it too.")),
}

SLIDES = say(n_("The window starts at the first element and moves on by the stride while all of it fits."))
UNCHANGED = say(n_("Every element by itself: the shape stays."))
NO_WEIGHTS = say(n_("It has no weights: nothing to train, and no connections are counted."))
SCALES = say(
    n_("It scales and shifts: no unit reads another, so no connections and no products of a sum are counted."),
    n_("This work is among the operations."),
)
ADAPTS = say(n_("The size of the output is given; the windows are made to fit."))
SHARED_ELEMENTS = say(
    n_("Neighbouring windows share elements unless the sizes divide."),
    n_("The number taken away for it is the greatest common divisor of both sizes."),
)
GATES = say(
    n_("For every gate a weight for each input and each unit of the state, and a bias. All steps share them."),
)
EVERY_STEP = say(n_("The same weights are used at every step."))
RECURRENT = ("rnn", "mgu", "gru", "lstm")

KINDS: dict[tuple[str, str], Remark] = {
    ("conv", "params"): conv_params,
    ("conv", "connections"): conv_connections,
    ("conv", "macs"): say(n_("At every place of the output each weight is multiplied once.")),
    ("depthwise", "params"): say(n_("Every filter reads one channel only.")),
    ("depthwise", "connections"): conv_connections,
    ("local", "params"): say(n_("Weights are not shared: every unit of the output has its own kernels and bias.")),
    ("local", "connections"): say(n_("Nothing is shared, so there are as many connections as parameters.")),
    ("transposed_conv", "output"): say(
        n_("Every element of the input lays down a kernel, a stride further on; padding cuts the border off."),
    ),
    ("transposed_conv", "macs"): say(n_("Every element of the input is multiplied with every tap of its kernels.")),
    ("transposed_conv", "connections"): say(
        n_("Counted from the input: each element reaches all taps of its kernels."),
        n_("Every unit of the output has its bias."),
    ),
    ("subsample", "params"): say(
        n_("One coefficient and one bias for each map: the window is summed first, so its values need no weights."),
    ),
    ("subsample", "connections"): say(
        n_("A unit still reads every value of its window, and its bias."),
        n_("The shared coefficient counts once for each of these values."),
    ),
    ("subsample", "macs"): say(n_("The sum of a window is multiplied once.")),
    ("dense", "params"): say(n_("Every unit has a weight for every input, and one bias.")),
    ("dense", "connections"): say(
        n_("Nothing is shared: each weight and each bias is used once."),
        n_("So there are as many connections as parameters."),
    ),
    ("dense", "macs"): say(n_("Every weight is multiplied once.")),
    ("rbf", "params"): say(n_("The centres are fixed beforehand: nothing is trained.")),
    ("rbf", "fixed_params"): say(n_("The centres: a number for every input and unit.")),
    ("rbf", "connections"): say(
        n_("Each unit compares all inputs with its centre: one connection for each."),
        n_("A distance has no bias, so nothing is added for one."),
    ),
    ("gaussian_rbf", "params"): say(n_("A centre with a number for every input, and a width, for each unit.")),
    ("hopfield", "params"): say(n_("Two units share the weight between them, so there are half as many weights.")),
    ("hopfield", "connections"): say(n_("Every unit reads all the others, never itself.")),
    ("batchnorm", "params"): say(n_("A scale and a shift for each channel.")),
    ("batchnorm", "buffers"): say(n_("The mean and the variance of each channel, gathered in training.")),
    ("batchnorm", "flops"): say(n_("The statistics are folded in: one factor and one summand for each element.")),
    ("maxpool", "flops"): say(n_("The largest of k values takes one comparison less than there are values.")),
    ("avgpool", "flops"): say(n_("A mean takes one addition less than there are values, and a division.")),
    ("max_unpool", "output"): say(n_("The output is as large as the map that was pooled.")),
    **{(kind, "output"): ADAPTS for kind in ("adaptive_avgpool", "adaptive_maxpool")},
    **{(kind, "flops"): SHARED_ELEMENTS for kind in ("adaptive_avgpool", "adaptive_maxpool")},
    ("add", "flops"): say(n_("One addition per element for each further input.")),
    ("concat", "output"): say(n_("The channels of all inputs, one behind the other.")),
    ("flatten", "output"): say(n_("All elements in a row.")),
    **{(kind, "params"): GATES for kind in RECURRENT},
    **{(kind, "connections"): EVERY_STEP for kind in RECURRENT},
}
