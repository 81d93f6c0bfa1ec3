"""Functions of torch that pool: windows, parts of a map, all places."""

from __future__ import annotations

from typing import Any

from cnncalc.interop.layouts import Seen, settle
from cnncalc.interop.torch.read.folded import by_channel, unfold
from cnncalc.interop.torch.read.making import both_sides, layer, per_axis, sizes_of
from cnncalc.interop.torch.read.table import Given, Handler, Made, NotReadError, translates
from cnncalc.language import _


def pool(kind: str, rank: int) -> Handler:
    def translate(trace: Any, given: dict[str, Any], result: Any) -> Made:
        if given.get("return_indices") or given.get("divisor_override") is not None:
            return None
        size = sizes_of(given["kernel_size"], rank)
        options: dict[str, Any] = {
            "kernel": size,
            # aten writes an empty list where no stride is said, which means the kernel.
            "stride": sizes_of(given["stride"] if given.get("stride") not in (None, []) else size, rank),
            "padding": both_sides(given.get("padding", 0), rank),
            "rounding": "ceil" if given.get("ceil_mode") else "floor",
        }
        seen = trace.of(given["input"])
        if kind == "maxpool":
            options["dilation"] = sizes_of(given.get("dilation", 1), rank)
            if seen.around:  # more padding
                both = zip(seen.around, options["padding"], strict=True)
                options["padding"] = [[before + p[0], after + p[1]] for (before, after), p in both]
                return layer(trace, kind, options, [settle(trace.b, seen._replace(around=()), trace.here.place())])
        elif kind == "avgpool":
            options["count_include_pad"] = given.get("count_include_pad", True)
        # torch takes powers without the absolute value, so that odd norms are none; and where ceil_mode lets a window
        # stand beyond the border, it multiplies the mean of fewer elements by the size of the whole window.
        elif given.get("ceil_mode") or given["norm_type"] % 1 or given["norm_type"] < 1 or int(given["norm_type"]) % 2:
            return None
        else:
            options["norm"] = int(given["norm_type"])
        return unfold(trace, seen, kind, options)

    return translate


def with_places(rank: int) -> Handler:
    """A max pooling that also says where the largest stood: an unpooling asks for it, and nothing else is followed.

    One that is written once more for its places alone, of a map that was pooled alike, is the pooling that is there.
    """

    def translate(trace: Any, given: dict[str, Any], result: Any) -> Made:
        alone = Given({name: given[name] for name in given if name != "return_indices"})
        given.get("return_indices")
        nodes, count = trace.b.nodes, len(trace.b.nodes)
        seen = trace.of(given["input"])
        made = pool("maxpool", rank)(trace, alone, result)
        if not isinstance(made, Seen):
            return None
        # Only where the pooling is one layer on the map itself are its places those of that map.
        if seen.plain and not seen.around and not made.moves:
            first = len(trace.b.inputs)
            if len(nodes) == count + 1:
                own = (nodes[-1].layer, nodes[-1].reads)
                same = (i for i, node in enumerate(nodes) if (node.layer.replace(built=""), node.reads) == own)
                alike = next(same)
                if alike < count:
                    trace.b.back_to(first + count)
                    made = made._replace(value=first + alike)
            trace.values.places[id(result[1])] = made.value
            trace.values.kept.append(result[1])
        return [made]

    return translate


for _rank in (1, 2, 3):
    translates(
        f"max_pool{_rank}d_with_indices",
        "input kernel_size | stride padding dilation ceil_mode return_indices",
        anywhere=True,
    )(with_places(_rank))
    for _words, _signature, _kind in (
        ("max_pool{0}d", "input kernel_size | stride padding dilation ceil_mode return_indices", "maxpool"),
        ("avg_pool{0}d", "input kernel_size | stride padding ceil_mode count_include_pad divisor_override", "avgpool"),
        ("lp_pool{0}d", "input norm_type kernel_size | stride ceil_mode", "lppool"),
    ):
        translates(_words.format(_rank), _signature, anywhere=True)(pool(_kind, _rank))


def unpool(trace: Any, given: dict[str, Any], result: Any) -> Made:
    """Values put where a pooling found them: its window and the map that entered it say where that is."""
    x, pool = trace.of(given["input"]), trace.values.places.get(id(given["indices"]))
    for name in ("kernel_size", "stride", "padding", "output_size"):
        given.get(name)  # they say no more than how large the output is
    if pool is None:
        raise NotReadError(_("its places are not those of a max pooling"))
    # Another size of the output would put the same places elsewhere.
    node = trace.b.nodes[pool - len(trace.b.inputs)]
    if tuple(result.shape[1:]) != trace.b.shape(node.reads[0]):
        raise NotReadError(_("its output is not as large as the map that was pooled"))
    options = {name: getattr(node.layer, name) for name in ("kernel", "stride", "padding", "rounding", "dilation")}
    return layer(trace, "max_unpool", options, [settle(trace.b, x, trace.here.place()), node.reads[0]])


for _rank in (1, 2, 3):
    translates(f"max_unpool{_rank}d", "input indices kernel_size | stride padding output_size")(unpool)


def adaptive(kind: str, rank: int) -> Handler:
    """The handler of a pooling to a size; to one place it is the pooling of the whole map."""

    def translate(trace: Any, given: dict[str, Any], result: Any) -> Made:
        if given.get("return_indices"):
            return None
        seen = trace.of(given["input"])
        behind = seen.shape[1 + seen.folded :]
        size = [n if m is None else m for m, n in zip(per_axis(given["output_size"], rank), behind, strict=True)]
        word, options = (f"global_{kind}", {}) if set(size) == {1} else (f"adaptive_{kind}", {"size": size})
        return by_channel(trace, seen, lambda value: layer(trace, word, options, [value]))

    return translate


for _rank in (1, 2, 3):
    translates(f"adaptive_avg_pool{_rank}d", "input output_size", anywhere=True)(adaptive("avgpool", _rank))
    translates(f"adaptive_max_pool{_rank}d", "input output_size | return_indices", anywhere=True)(
        adaptive("maxpool", _rank)
    )
