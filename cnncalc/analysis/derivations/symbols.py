"""A layer and its input with numbers that remember: the textbook's letters for options and sizes.

n input size, k kernel, s stride, p padding, d dilation, c input channels, f filters, g groups, b bias. Where the
axes of a map differ, each has an index: n_h and n_w.
"""

from __future__ import annotations

from typing import Any

from cnncalc.language import _
from cnncalc.layers.base import Layer, Shape
from cnncalc.trace import symbol

AXES = {1: ("",), 2: ("h", "w"), 3: ("d", "h", "w")}

LETTERS = {
    "filters": "f",
    "kernel": "k",
    "stride": "s",
    "padding": "p",
    "dilation": "d",
    "groups": "g",
    "bias": "b",
    "multiplier": "q",
    "units": "m",
    "output_padding": "a",
    "factor": "r",
    "pieces": "k",
    "parts": "q",
    "steps": "t",
    "size": "z",
    "cropping": "p",
}


def results() -> dict[str, str]:
    """Numbers of a layer that its other formulas use, where they do not stand above."""
    return {"params": _("parameters"), "MACs": _("multiply-accumulates")}


def meanings(rank: int, of_units: bool) -> dict[str, str]:
    """What each letter stands for, in the language in use.

    rank      axes of what enters, the channels among them: 1 for a vector
    of_units  whether the layer has units, as dense and recurrent layers have
    """
    found = {
        "c": _("input channels"),
        "n": _("input size, per axis"),
        "m": _("output size, per axis"),
        "f": _("filters: output channels"),
        "k": _("kernel size, per axis"),
        "s": _("stride"),
        "p": _("padding on each side"),
        "p_1": _("padding before"),
        "p_2": _("padding behind"),
        "d": _("dilation: distance between taps"),
        "g": _("groups"),
        "b": _("bias: 1 if there is one, else 0"),
        "q": _("how many for each channel"),
        "a": _("output padding"),
        "r": _("factor"),
        "t": _("steps"),
        "z": _("window or output size"),
        "params": _("parameters, as above"),
        "MACs": _("multiply-accumulates, as above"),
    }
    if of_units:
        found["m"] = _("units: outputs")
    if rank == 1:
        found["n"] = _("inputs")
    elif of_units:
        found |= {"c": _("values at each step"), "n": _("steps")}
    return found


def trace_layer(layer: Layer, rank: int) -> Layer:
    """The same layer whose numbers are symbols. Groups of 1 stay a plain 1: nobody writes them."""
    changes: dict[str, Any] = {}
    for name, value in vars(layer).items():
        letter = LETTERS.get(name)
        # Words such as `same` and rates choose a formula or stand in none.
        if letter is None or value is None or isinstance(value, (str, float)):
            continue
        if isinstance(value, bool):
            # A bias is a factor of formulas, b = 1 or 0; other switches choose between formulas.
            changes[name] = symbol(letter, int(value)) if name == "bias" else value
        elif isinstance(value, int):
            changes[name] = value if name == "groups" and value == 1 else symbol(letter, value)
        elif isinstance(value, tuple):
            changes[name] = trace_axes(letter, value, rank)
    return layer.replace(**changes)


def trace_axes(letter: str, values: tuple[Any, ...], rank: int) -> tuple[Any, ...]:
    """One letter where all axes agree, else one for each; a pair of sides as p, or as p_1 and p_2."""
    alike = len(set(values)) == 1
    found: list[Any] = []
    for axis, value in enumerate(values):
        name = letter if alike or rank not in AXES or len(values) != rank else f"{letter}_{AXES[rank][axis]}"
        if isinstance(value, tuple):
            before, after = value
            if before == after:
                p = symbol(name, before)
                found.append((p, p))
            else:
                # One index is enough for a reader: ph_1, not p_h_1.
                base = name if "_" not in name else name.replace("_", "")
                found.append((symbol(f"{base}_1", before), symbol(f"{base}_2", after)))
        else:
            found.append(symbol(name, value))
    if alike and found:
        found = [found[0]] * len(found)  # one symbol, not several of one name
    return tuple(found)


def trace_shape(shape: Shape) -> Shape:
    """c for the channels, n for the size of each axis; a vector is n."""
    if len(shape) == 1:
        return (symbol("n", shape[0]),)
    # A square map has one n: the same object, so that formulas of both axes read alike.
    size = shape[1:]
    if len(set(size)) == 1:
        n = symbol("n", size[0])
        return (symbol("c", shape[0]), *(n for _n in size))
    return (symbol("c", shape[0]), *(symbol(f"n_{a}", n) for a, n in zip(AXES[len(size)], size, strict=True)))
