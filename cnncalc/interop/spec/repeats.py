"""Calls that repeat: `bottleneck 64 x3` for a list of three, `first:stride=2` where the first of them differs."""

from __future__ import annotations

from collections.abc import Sequence

from cnncalc.interop.spec.numbers import Number, Place
from cnncalc.interop.spec.steps import Block, Call, Named, Step


def repeat_calls(step: Named, blocks: Sequence[Block]) -> Step:
    """A list of nothing but calls of one block whose names count as one call, repeated; any other list as it is."""
    calls = [inner for inner in step.steps if isinstance(inner, Call)]
    if len(calls) < 2 or not are_repetitions(step.steps, calls):
        return step
    params = next(block.params for block in blocks if block.name == calls[0].block)
    full = [{**params, **call.values} for call in calls]
    # The first and the last may have other values than those between, which must be alike.
    middle = full[1:-1] or full[-1:]
    common = middle[0]
    if any(values != common for values in middle):
        return step
    one = Call(step.name, calls[0].block, {p: v for p, v in common.items() if v != params[p] and v is not None})
    one.repeat = len(calls)
    one.first = find_differing(full[0], common)
    one.last = find_differing(full[-1], common) if len(full) > 2 else {}
    return one


def join_runs(steps: Sequence[Step]) -> list[Step]:
    """Three calls or more that are equal and stand one behind the other as one, by the name of the first."""
    runs: list[list[Step]] = []
    for step in steps:
        last = runs[-1][-1] if runs else None
        if isinstance(step, Call) and isinstance(last, Call) and are_alike(last, step):
            runs[-1].append(step)
        else:
            runs.append([step])
    found: list[Step] = []
    for first, *others in runs:
        if isinstance(first, Call) and len(others) >= 2:
            first.repeat = 1 + len(others)
            others = []
        found += [first, *others]
    return found


def are_alike(one: Call, other: Call) -> bool:
    """Whether two calls whose names are numbers, neither of them repeated, say the same."""
    numbers = one.name.isdigit() and other.name.isdigit()
    plain = one.repeat == other.repeat == 1
    return numbers and plain and (one.block, one.values) == (other.block, other.values)


def are_repetitions(steps: Sequence[Step], calls: Sequence[Call]) -> bool:
    """Whether steps are calls of one block whose names count, none of which repeats by itself."""
    # A block that reads a value from elsewhere reads the same in each repetition.
    return (
        len(calls) == len(steps)
        and all(call.block == calls[0].block for call in calls)
        and are_numbered([call.name for call in calls])
        and all(call.repeat == 1 and not call.first and not call.last for call in calls)
        and all(call.values == calls[0].values for call in calls if any(map(is_place, call.values.values())))
    )


def is_place(value: Number) -> bool:
    return isinstance(value, Place)


def are_numbered(names: Sequence[str]) -> bool:
    """Whether names count: 0, 1, 2, or `layer1`, `layer2`, `layer3`."""
    stem = names[0].rstrip("0123456789")
    # What repeats gets numbers from 0 where it has no stem.
    start = names[0][len(stem) :]
    if not start or (not stem and start != "0"):
        return False
    return list(names) == [f"{stem}{int(start) + i}" for i in range(len(names))]


def find_differing(values: dict[str, Number | None], common: dict[str, Number | None]) -> dict[str, Number]:
    return {name: value for name, value in values.items() if value != common[name] and value is not None}
