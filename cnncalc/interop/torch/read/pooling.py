"""Functions of torch that pool: windows, parts of a map, all places."""

from __future__ import annotations

from typing import Any

from cnncalc.interop.layouts import Seen, settle
from cnncalc.interop.torch.read.folded import by_channel, unfold
from cnncalc.interop.torch.read.making import layer, pairs, wide
from cnncalc.interop.torch.read.table import Given, Handler, Made, translates


def pool(kind: str, rank: int) -> Handler:
    def translate(trace: Any, given: dict[str, Any], result: Any) -> Made:
        if given.get("return_indices") or given.get("divisor_override") is not None:
            return None
        size = pairs(given["kernel_size"], rank)
        options: dict[str, Any] = {
            "kernel": size,
            # aten writes an empty list where no stride is said, which means the kernel.
            "stride": pairs(given["stride"] if given.get("stride") not in (None, []) else size, rank),
            "padding": [[p, p] for p in pairs(given.get("padding", 0), rank)],
            "rounding": "ceil" if given.get("ceil_mode") else "floor",
        }
        seen = trace.of(given["input"])
        if kind == "maxpool":
            options["dilation"] = pairs(given.get("dilation", 1), rank)
            if seen.around:  # more padding
                both = zip(seen.around, options["padding"], strict=True)
                options["padding"] = [[before + p[0], after + p[1]] for (before, after), p in both]
                return layer(trace, kind, options, [settle(trace.b, seen._replace(around=()), trace.place())])
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
    """A max pooling that also says where the largest stood, which is not followed."""

    def translate(trace: Any, given: dict[str, Any], result: Any) -> Made:
        alone = Given({name: given[name] for name in given if name != "return_indices"})
        given.get("return_indices")
        made = pool("maxpool", rank)(trace, alone, result)
        return [made] if isinstance(made, Seen) else None

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


def adaptive(kind: str, rank: int) -> Handler:
    def translate(trace: Any, given: dict[str, Any], result: Any) -> Made:
        if given.get("return_indices"):
            return None
        seen = trace.of(given["input"])
        behind = seen.shape[1 + seen.folded :]
        size = [n if m is None else m for m, n in zip(wide(given["output_size"], rank), behind, strict=True)]
        word, options = (f"global_{kind}", {}) if set(size) == {1} else (f"adaptive_{kind}", {"size": size})
        return by_channel(trace, seen, lambda value: layer(trace, word, options, [value]))

    return translate


for _rank in (1, 2, 3):
    translates(f"adaptive_avg_pool{_rank}d", "input output_size", anywhere=True)(adaptive("avgpool", _rank))
    translates(f"adaptive_max_pool{_rank}d", "input output_size | return_indices", anywhere=True)(
        adaptive("maxpool", _rank)
    )
