"""ONNX's operator Attention, of sets 23 on: softmax(q k' / sqrt(d) + mask) v, heads apart or in one axis."""

from __future__ import annotations

from math import isclose

from cnncalc.interop.axis_parts import regroup
from cnncalc.interop.onnx.read.concat import as_value
from cnncalc.interop.onnx.read.constants import Constant, shortest
from cnncalc.interop.onnx.read.file import NodeData
from cnncalc.interop.onnx.read.layout import Tensor
from cnncalc.interop.onnx.read.network import Network, NotReadError, Value
from cnncalc.interop.onnx.read.places import in_places, lay_alike
from cnncalc.interop.onnx.read.table import reads
from cnncalc.language import _


@reads("Attention")
def read_attention(net: Network, node: NodeData) -> Value:
    """Of (N, heads, tokens, width), or of (N, tokens, heads * width); what comes out stands as what asks."""
    # com.microsoft has an Attention that holds its projections, too.
    if node.domain:
        raise NotReadError(_("the operator of {domain} is another one", domain=node.domain))
    # Keys and values of steps before, which a cache holds.
    for i, name in enumerate(node.inputs[4:], start=4):
        if name:
            raise NotReadError(_("its input {i} is not read", i=1 + i))
    asks = net.tensor(node)
    apart = len(asks.dims()) == 4
    heads = node.attributes.get("q_num_heads", 0) or (asks.dims()[1] if apart else 0)
    q, k, v = (heads_of(net.tensor(node, i), name_of_heads(node, i), i) for i in range(3))
    if not q.dims()[1] == k.dims()[1] == v.dims()[1] == heads:
        raise NotReadError(_("several heads of queries share one of keys"))
    scale = node.attributes.get("scale", 0.0)
    if scale and not isclose(scale, q.dims()[-1] ** -0.5, rel_tol=1e-5):
        raise NotReadError(_("the attribute {name} is {value}", name="scale", value=shortest(scale)))
    tensors = [q, k, v]
    if len(node.inputs) > 3 and node.inputs[3]:
        tensors.append(mask_of(net, node))
    laid = lay_alike(net, node, tensors, apart=2)
    if len(net.shape(laid[0].tensor)) < 2:
        raise NotReadError(_("its inputs are no matrices"))
    value = net.add(node, "dot_product_attention", {}, [each.tensor.value for each in laid])
    made = in_places(net, laid[0], value)
    if apart:
        return made
    samples, head, tokens, width = made.axes or ()
    return Tensor(value, (samples, tokens, (*head, *width)))


def name_of_heads(node: NodeData, i: int) -> int:
    """How many heads an input has, where they stand in one axis with their width."""
    found: int = node.attributes.get("kv_num_heads" if i else "q_num_heads", 0)
    return found


def heads_of(x: Tensor, heads: int, i: int) -> Tensor:
    """(N, heads, tokens, width), of that or of (N, tokens, heads * width)."""
    dims = x.dims()
    if len(dims) == 4:
        return x
    if len(dims) != 3 or not heads or dims[2] % heads:
        raise NotReadError(
            _("its input {i} has {count} axes, and {heads} heads", i=1 + i, count=len(dims), heads=heads)
        )
    axes = regroup(x.axes or (), (*dims[:2], heads, dims[2] // heads))
    if axes is None:
        raise NotReadError(_("its axes are mixed in a way that no layer is: {shape}", shape=list(dims)))
    # (N, tokens, heads, width) to (N, heads, tokens, width).
    return Tensor(x.value, (axes[0], axes[2], axes[1], axes[3]))


def mask_of(net: Network, node: NodeData) -> Tensor:
    """What is added to the scores: computed, or trained. Raises NotReadError for a mask that forbids."""
    mask = net.values[node.inputs[3]]
    if not isinstance(mask, Constant):
        mask = net.tensor(node, 3)
    elif net.is_trained(mask):
        dims = (1,) * (4 - len(mask.dims)) + mask.dims
        mask = as_value(net, node, mask.move_later(dims, lambda array: array.reshape(dims)), "mask")
    else:
        raise NotReadError(_("its input {name} is not read", name="attn_mask"))
    return Tensor(mask.value, ((),) * (4 - len(mask.axes or ())) + (mask.axes or ()))
