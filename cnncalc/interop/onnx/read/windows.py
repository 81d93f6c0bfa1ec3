"""Windows as operators have them, as options of layers: kernel, stride, padding, dilation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cnncalc.interop.onnx.read.file import NodeData
from cnncalc.interop.onnx.read.network import NotReadError
from cnncalc.language import _
from cnncalc.layers.sliding import same_padding


def window_options(node: NodeData, kernel: Sequence[int], size: Sequence[int]) -> dict[str, Any]:
    """Kernel, stride, padding and dilation as options; what is at its default is left out."""
    rank = len(kernel)
    if len(size) != rank:
        raise NotReadError(_("a window of {rank} axes on a map of {axes}", rank=rank, axes=len(size)))
    # The weights have a shape anyway; some files say another one beside them.
    said = node.attributes.get("kernel_shape")
    if said and tuple(said) != tuple(kernel):
        shown = "x".join(map(str, said))
        raise NotReadError(_("the attribute {name} is {value}, and its weights are another window",
                             name="kernel_shape", value=shown))  # fmt: skip
    stride = node.attributes.get("strides") or (1,) * rank
    dilation = node.attributes.get("dilations") or (1,) * rank
    pads = node.attributes.get("pads") or (0,) * (2 * rank)
    automatic = node.attributes.get("auto_pad", "NOTSET")
    for name, values, count in (("strides", stride, rank), ("dilations", dilation, rank), ("pads", pads, 2 * rank)):
        if len(values) != count:
            raise NotReadError(_("the attribute {name} has {n} numbers for {rank} axes", name=name, n=len(values),
                                 rank=rank))  # fmt: skip
    # What is added in front of all axes comes first, then what is added behind.
    padding: Any = [(pads[i], pads[i + rank]) for i in range(rank)]
    if automatic == "SAME_UPPER":
        padding = "same"
    elif automatic == "SAME_LOWER":
        # The odd one of an uneven number goes in front, where SAME_UPPER and `same` have it behind.
        axes = zip(size, kernel, stride, dilation, strict=True)
        padding = [same_padding(n, k, s, d)[::-1] for n, k, s, d in axes]
    elif automatic == "VALID":
        padding = [(0, 0)] * rank
    elif automatic not in ("NOTSET", ""):
        raise NotReadError(_("the attribute {name} is {value}", name="auto_pad", value=str(automatic)[:30]))
    return {
        "kernel": shorten_sizes(kernel),
        "stride": shorten_sizes(stride),
        "padding": shorten_sides(padding),
        "dilation": None if set(dilation) == {1} else shorten_sizes(dilation),
    }


def shorten_sizes(values: Sequence[int]) -> Any:
    """One number where it is the same for all axes."""
    return values[0] if len(set(values)) == 1 else list(values)


def shorten_sides(padding: Any) -> Any:
    """Padding as people write it: one number, one per axis, or pairs; None for none at all."""
    if padding == "same":
        return padding
    if all(before == after for before, after in padding):
        found = shorten_sizes([before for before, _after in padding])
        return None if found == 0 else found
    return [list(pair) for pair in padding]
