"""What a rule of a convention can speak of: the numbers and options of one layer, under the names that formulas use.

Elements, MACs, FLOPs and connections are those of all samples of a batch; parameters belong to the layer. Sizes are
elements of one axis. No kind is named: what a layer has, it has.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

from cnncalc.language import n_
from cnncalc.layers.base import Facts, Layer, Shape, per_axis
from cnncalc.layers.options import axes, natural_axes
from cnncalc.layers.windows import Window
from cnncalc.quantities import COUNT, of_subject
from cnncalc.quantities import QUANTITIES as OF_REPORTS
from cnncalc.spec.expressions import UNKNOWN, Grammar, Value, Word

AS_WRITTEN = "_as_written"  # behind a size per axis: as the spec gives it, one number or one for each axis

# Work first, then what is stored, as readers look for it.
FACTS = [name for name in of_subject(COUNT) if OF_REPORTS[name].fact]
COUNTS = tuple(sorted(FACTS, key=lambda name: OF_REPORTS[name].stored))

# Every name with what it stands for; the options of the layer come on top.
QUANTITIES: dict[str, str] = {
    "N": n_("samples of the batch"),
    "x": n_("elements of the input (of the first one, where there are several)"),
    "x_all": n_("elements of all inputs"),
    "o": n_("elements of the output"),
    "inputs": n_("number of inputs"),
    "input": n_("shape of the first input, without the batch"),
    "output": n_("shape of the output, without the batch"),
    "dims": n_("axes of the input behind the channels"),
    "c": n_("channels of the input"),
    "f": n_("channels of the output"),
    "n": n_("positions of the input: elements of one map"),
    "m": n_("positions of the output"),
    "k": n_("taps of the window: the product of its sizes"),
    **{name: OF_REPORTS[name].meaning for name in COUNTS},
    "groups": n_("groups of channels"),
    "before": n_("padding before each axis"),
    "after": n_("padding behind each axis"),
    "m_evenly": n_("positions of the output with the padding before each axis on both sides of it"),
    "taps": n_("taps over all positions of one map, without those beyond the padding"),
    "taps_on_input": n_("taps over all positions of one map that land on the input"),
    "built": n_("module, function or operator, as the spec says or its default"),
    "next": n_("the kind of the layer that reads the output, where there is just one"),
    "previous": n_("the kind of the layer whose output enters, where nothing else reads it"),
    "rest": n_("elements behind the last window of each axis, padding included"),
    "inplace": n_("1 where the result is written over the input"),
}
GRAMMAR = Grammar({"min": min, "max": max, "sum": sum, "prod": prod, "int": lambda n: int(n[0])}, None, divides=True)


def quantities(layer: Layer, shapes: Sequence[Shape], facts: Facts, batch: int) -> dict[str, Value]:
    """Every name that is known of a layer on inputs of these shapes, with its value."""
    y = facts.output
    x = shapes[0] if shapes else ()  # an array that is only stored reads nothing
    # Options first, so that a quantity stands above an option of the same name.
    scope: dict[str, Any] = dict(options_of(layer, x))
    scope |= {
        "N": batch,
        "x": batch * prod(x) if x else 0,
        "x_all": batch * sum(map(prod, shapes)),
        "o": batch * prod(y),
        "inputs": len(shapes),
        "input": list(x),
        "output": list(y),
        "dims": max(len(x) - 1, 0),
        "c": x[0] if x else 0,
        "f": y[0] if y else 0,
        "n": prod(x[1:]) if x else 0,
        "m": prod(y[1:]),
        # A merge is `a + b` in most programs, and anything else a module.
        "built": Word(layer.built or ("operator" if len(shapes) > 1 else "module")),
        "inplace": int(layer.inplace),
    }
    for name in COUNTS:
        count = getattr(facts, OF_REPORTS[name].fact)
        # Tools count the work of all samples; weights belong to the layer.
        scope[name] = UNKNOWN if count is None else count if OF_REPORTS[name].stored else batch * count
    if hasattr(layer, "maps_read"):  # of a convolution whose groups follow from the input
        scope["groups"] = x[0] // layer.maps_read(x[0])
    reach = facts.reach
    if "kernel" in layer.options and isinstance(reach, tuple) and all(isinstance(w, Window) for w in reach):
        scope |= window_quantities([w for w in reach if isinstance(w, Window)], x[1:])
    if hasattr(layer, "stretches"):  # of a transposed convolution
        windows = layer.stretches(x[1:])
        scope |= {"before": [w.before for w in windows], "after": [w.after for w in windows]}
    if "kernel" in layer.options:
        scope["k"] = prod(scope["kernel"])
    return scope


def options_of(layer: Layer, x: Shape) -> Mapping[str, Value]:
    """Options as numbers, words and sizes per axis; 1 or 0 for one that is given or not."""
    found: dict[str, Any] = {}
    for name, option in layer.options.items():
        value = vars(layer)[name]
        if isinstance(value, str):
            found[name] = Word(value)
        elif option.read in (axes, natural_axes) and isinstance(value, tuple):
            found[name] = list(per_axis(value, x[1:], name))
            found[name + AS_WRITTEN] = list(value)
        elif isinstance(value, tuple) and all(isinstance(item, (int, float)) for item in value):
            found[name] = list(value)
        elif isinstance(value, int):
            found[name] = int(value)
        elif isinstance(value, float):
            found[name] = value
        else:
            found[name] = int(value is not None)
    return found


def window_quantities(windows: Sequence[Window], size: Shape) -> dict[str, Value]:
    """What a window that slides adds: its sizes axis by axis, and how many taps land where."""
    taps = on_input = evenly = 1
    rest = []
    for w, n in zip(windows, size, strict=True):
        positions = w.positions(n)
        reached = (positions - 1) * w.stride + w.span
        # Only the last window can reach beyond the padding, and only where sizes are rounded up.
        beyond = max(0, reached - n - w.before - w.after)
        rest.append(max(0, n + w.before + w.after - reached))
        # Every dilation-th element beyond the padding is a tap; the division rounds up.
        taps *= positions * w.kernel - -(-beyond // w.dilation)
        on_input *= w.taps_on_input(n)
        # Tools that know one padding per axis take the one before for both sides.
        evenly *= w._replace(after=w.before).positions(n)
    return {
        "kernel": [w.kernel for w in windows],
        "stride": [w.stride for w in windows],
        "dilation": [w.dilation for w in windows],
        "before": [w.before for w in windows],
        "after": [w.after for w in windows],
        "m_evenly": evenly,
        "taps": taps,
        "taps_on_input": on_input,
        "rest": rest,
    }
