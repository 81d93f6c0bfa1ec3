"""The inputs of an ONNX model: their shapes, as the model or --input says, and whether channels come last."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from cnncalc.errors import OptionError
from cnncalc.interop.builder import other_axes
from cnncalc.interop.onnx.read.file import ValueInfo
from cnncalc.interop.onnx.read.layout import MOST_AXES, Tensor, plain
from cnncalc.interop.onnx.read.network import Network
from cnncalc.language import _
from cnncalc.layers.base import Shape, shape_text
from cnncalc.spec.values import shape as read_shape

# Names of which nobody chose one: the only input is then called as that of a spec.
INPUTS = ("input", "input.1", "x", "data", "image", "images", "pixel_values", "inputs", "input_1", "args_0", "input_0")


def read_inputs(net: Network, infos: Sequence[ValueInfo], given: Mapping[str, Any]) -> None:
    """All inputs that something reads, with the shapes that are given or declared. Raises SpecError."""
    used = [info for info in infos if info.name in net.readers or info.name in net.outputs]
    net.as_declared = not given
    check_names(net, [info.name for info in used], given, {info.name for info in infos})
    for i, info in enumerate(used):
        text = given.get(info.name, given.get(""))
        if text is None:
            put(net, info.name, *declared_shape(net, info, i == 0), rank=len(info.shape or ()))
            continue
        try:
            found = read_shape(text)
        except OptionError as error:
            net.builder.fail("", _("input: {problem}", problem=error.problem), error.hint)
        other = other_axes(found, len(info.shape or ()) - 1)
        if other is not None:
            net.builder.fail(_("input '{name}'", name=info.name), *other)
        known = len(info.shape or ()) == len(found) + 1
        net.batch = batch_of(info) if i == 0 else net.batch
        last = known and channels_last(net, info, (0, *found[1:], found[0]))
        put(net, info.name, found, last)


def check_names(net: Network, used: Sequence[str], given: Mapping[str, Any], known: Collection[str]) -> None:
    """Raise SpecError where a shape is given to no input, or to several at once.

    known  all inputs: one that graphs inside an operator read alone is one, too
    """
    wrong = [name for name in given if name and name not in known]
    hint = _("the inputs are: {names} (on the command line --input NAME=SHAPE)", names=", ".join(used[:20]))
    if wrong:
        net.builder.fail("", _("input: there is no input '{name}'", name=wrong[0][:40]), hint)
    if "" in given and len(used) > 1:
        net.builder.fail("", _("input: the network has several inputs"), hint)


def batch_of(info: ValueInfo) -> int:
    """The samples that a model has fixed for an input; one where it leaves their number open."""
    first = (info.shape or (None,))[0]
    return first if isinstance(first, int) and first > 0 else 1


def declared_shape(net: Network, info: ValueInfo, first: bool) -> tuple[Shape, bool]:
    """The shape that the model gives an input, channels first, and whether it has them last."""
    if len(info.shape or ()) > MOST_AXES:  # written out, its shape would leave no room for what is wrong with it
        net.builder.fail(
            _("input '{name}'", name=info.name),
            _("a tensor of {count} axes: {most} at most", count=len(info.shape or ()), most=MOST_AXES),
        )
    if info.shape is None or not all(isinstance(n, int) and n > 0 for n in info.shape[1:]):
        dims = [str(n) if n is not None else "?" for n in info.shape or ()]
        net.builder.fail(
            _("input '{name}'", name=info.name),
            _("the model leaves its size open: {shape}", shape="x".join(dims) or "?"),
            _("give it with --input, without the samples: --input 3x224x224"),
        )
    if first and info.shape:
        net.batch = batch_of(info)
    found = tuple(n for n in info.shape[1:] if isinstance(n, int)) or (1,)
    if len(found) > 4:
        net.builder.fail(
            _("input '{name}'", name=info.name),
            _("{shape} is no shape: channels, then up to three axes", shape=shape_text(found)),
        )
    last = channels_last(net, info, (0, *found))
    return ((found[-1], *found[:-1]) if last else found), last


def channels_last(net: Network, info: ValueInfo, dims: Sequence[int]) -> bool:
    """Whether an image has its channels last: what reads it brings them to the front."""
    if len(dims) < 4:
        return False
    # TensorFlow's exporter brings (N, H, W, C) to (N, C, H, W) in front of the first convolution.
    order = (0, len(dims) - 1, *range(1, len(dims) - 1))
    name = info.name
    # Between them a mean may be taken off, and a scale.
    for _step in range(8):
        [*following] = net.readers.get(name, [])
        if any(node.operator == "Transpose" and node.attributes.get("perm") == order for node in following):
            return True
        if len(following) != 1 or following[0].operator not in ("Sub", "Mul", "Div", "Add", "Cast", "Identity"):
            return False
        name = following[0].outputs[0]
    return False


def put(net: Network, name: str, shape: Shape, last: bool, rank: int | None = None) -> None:
    """An input, whose channels the model may have last; or samples alone, each a number; or one number for all.

    rank  how many axes the model gives it, where it says so
    """
    value = net.builder.input("input" if len(net.builder.inputs) == 0 and name in INPUTS else name, shape)
    axes = plain(shape, net.batch)[: rank if rank in (0, 1) else None]
    if last:
        axes = (axes[0], *axes[2:], axes[1])
    net.values[name] = Tensor(value, axes)
