"""Functions of torch that choose between values: by a condition that is worked out, or by a mask that stands."""

from __future__ import annotations

from math import isinf
from typing import Any

from cnncalc.interop.layouts import Seen
from cnncalc.interop.torch.read.arithmetic import with_numbers
from cnncalc.interop.torch.read.making import as_value, layer, merge_seen, without_reshape
from cnncalc.interop.torch.read.table import Made, NotReadError, translates
from cnncalc.language import _


@translates("masked_fill", "input mask value", anywhere=True)
def masked_fill(trace: Any, given: dict[str, Any], result: Any) -> Made:
    """A number where the mask is: of one that stands, nothing times the value plus the number there.

    Of minus infinity, as in front of a softmax, it is a mask that is added.
    """
    tensor, mask, value = given["input"], given["mask"], given["value"]
    if trace.of(tensor) is None or not isinstance(value, (int, float)):
        return None
    if trace.of(mask) is not None:
        return choose(trace, mask, value, tensor)
    if isinf(value):
        return with_numbers(trace, "add", tensor, mask)
    made = with_numbers(trace, "multiply", tensor, mask)
    if value == 0 or not isinstance(made, Seen):
        return made
    # A clone, as `as_value` gives a tensor that it knows the value it had: these numbers are others than the mask's.
    other = as_value(trace, mask.clone(), made)  # the number where the mask is, else nothing
    return other and merge_seen(trace, "add", [made, other])


@translates("where", "condition | input other", anywhere=True)
def where(trace: Any, given: dict[str, Any], result: Any) -> Made:
    """One value where a condition holds, else another."""
    if "input" not in given or "other" not in given:
        return None
    return choose(trace, given["condition"], given["input"], given["other"])


def choose(trace: Any, condition: Any, one: Any, other: Any) -> Made:
    """c one + (1 - c) other, of a condition c that is 1 or 0: as arithmetic, since no kind chooses."""
    like = next((trace.of(t) for t in (one, other, condition) if trace.of(t) is not None), None)
    if like is None or not like.shape:
        return None
    like = without_reshape(trace, like)
    holds = trace.of(condition) or as_value(trace, condition, like)
    if holds is None:
        return None
    sides: list[Seen | None] = []
    for side, turned in ((one, False), (other, True)):
        # 0 times infinity is no number, so that c one + (1 - c) other would be none on both sides.
        if isinstance(side, (int, float)) and isinf(side):
            raise NotReadError(_("it puts in numbers without end"))
        if isinstance(side, (int, float)) and not side:
            continue  # nothing is added
        factor = turn(trace, holds) if turned else holds
        if isinstance(side, (int, float)):
            made = layer(trace, "rescale", {"factor": float(side)}, [factor.value]) if side != 1 else factor
            sides.append(made and factor._replace(value=made.value))
            continue
        value = trace.of(side) or as_value(trace, side, like)
        sides.append(value and merge_seen(trace, "multiply", [value, factor]))
    known = [side for side in sides if side is not None]
    if not sides or len(known) < len(sides):
        return None
    return known[0] if len(known) == 1 else merge_seen(trace, "add", known)


def turn(trace: Any, holds: Any) -> Any:
    """1 - c."""
    plain = without_reshape(trace, holds)
    made = layer(trace, "rescale", {"factor": -1.0, "offset": 1.0}, [plain.value])
    return plain._replace(value=made.value) if made else None
