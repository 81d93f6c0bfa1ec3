"""Exact sets of elements of a map, as unions of products.

A region of one axis is an integer: bit i stands for place i. A region of more axes is a tuple of (places on the first
axis, region of the other axes), the places disjoint, the regions different, in the order of their first places: so
equal sets are equal values. The set of a path through a network is one product, that of a graph a few of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from math import prod
from typing import Any

Region = Any  # int, or tuple[tuple[int, Region], ...]; what is empty is false


def whole(n: int) -> int:
    """All n places of an axis."""
    return (1 << n) - 1


def everything(shape: Sequence[int]) -> Region:
    """All elements of a map of this shape."""
    return product([whole(n) for n in shape])


def product(places: Sequence[int]) -> Region:
    """The elements whose place on every axis is among these."""
    if not all(places):
        return 0 if len(places) == 1 else ()
    region: Region = places[-1]
    for mask in reversed(places[:-1]):
        region = ((mask, region),)
    return region


def union(one: Region, other: Region) -> Region:
    """The elements of either."""
    if not one or not other or one == other:
        return one or other
    return one | other if isinstance(one, int) else join([*one, *other])


def join(parts: Iterable[tuple[int, Region]]) -> Region:
    """The region of parts that may overlap, each places on the first axis and a region of the others."""
    by_rest: dict[Region, int] = {}
    for mask, rest in parts:
        if mask and rest:
            by_rest[rest] = by_rest.get(rest, 0) | mask
    found: dict[Region, int] = {}  # disjoint
    for rest, mask in by_rest.items():
        new: dict[Region, int] = {}
        for known, places in found.items():
            common = places & mask
            if common:
                both = union(known, rest)
                new[both] = new.get(both, 0) | common
                mask ^= common
                places ^= common
            if places:
                new[known] = new.get(known, 0) | places
        if mask:
            new[rest] = new.get(rest, 0) | mask
        found = new
    return tuple(sorted(((mask, rest) for rest, mask in found.items()), key=first_place))


def first_place(part: tuple[int, Region]) -> int:
    # The lowest bit alone; parts are disjoint, so that no two have the same.
    return part[0] & -part[0]


def products(region: Region) -> Iterator[tuple[int, ...]]:
    """Disjoint products that make up the region: for each, the places on every axis."""
    if isinstance(region, int):
        if region:
            yield (region,)
        return
    for mask, rest in region:
        for places in products(rest):
            yield mask, *places


def size(region: Region) -> int:
    """How many elements there are."""
    if isinstance(region, int):
        return region.bit_count()
    return sum(mask.bit_count() * size(rest) for mask, rest in region)


def shadows(region: Region, axes: int) -> list[int]:
    """For every axis the places that some element has."""
    found = [0] * axes
    for places in products(region):
        found = [known | mask for known, mask in zip(found, places, strict=True)]
    return found


def part_of(region: Region, places: Sequence[int]) -> Region:
    """The elements of the region within a product."""
    if isinstance(region, int):
        return region & places[0]
    return join([(mask & places[0], part_of(rest, places[1:])) for mask, rest in region])


def without(region: Region, other: Region) -> Region:
    """The elements of the region that are not in the other."""
    if not other or not region:
        return region
    if isinstance(region, int):
        return region & ~other
    parts: list[tuple[int, Region]] = []
    for mask, rest in region:
        for places, gone in other:
            if common := mask & places:
                parts.append((common, without(rest, gone)))
                mask ^= common
        parts.append((mask, rest))
    return join(parts)


def holds(region: Region, place: Sequence[int]) -> bool:
    """Whether the element is in the region."""
    for i in place:
        if isinstance(region, int):
            return bool(region >> i & 1)
        region = next((rest for mask, rest in region if mask >> i & 1), 0)
        if not region:
            return False
    return bool(region)


def runs(mask: int) -> list[tuple[int, int]]:
    """Places in a row, as (first, last)."""
    found = []
    start = 0
    while mask:
        skip = (mask & -mask).bit_length() - 1
        mask >>= skip
        start += skip
        # The lowest 0 stands behind the ones in a row: of 0b10111 it is place 3.
        count = (~mask & (mask + 1)).bit_length() - 1
        found.append((start, start + count - 1))
        mask >>= count
        start += count
    return found


def places_of(mask: int) -> list[int]:
    """The places, one by one."""
    return [i for first, last in runs(mask) for i in range(first, last + 1)]


def boxes(region: Region) -> Iterator[tuple[tuple[int, int], ...]]:
    """Disjoint boxes that make up the region: for each, (first, last) on every axis; rectangles of an image."""
    if isinstance(region, int):
        for run in runs(region):
            yield (run,)
        return
    for run, rest in sorted((run, rest) for mask, rest in region for run in runs(mask)):
        for box in boxes(rest):
            yield run, *box


def ravel(region: Region, shape: Sequence[int]) -> int:
    """The region of a vector that holds the elements of a map row by row."""
    if isinstance(region, int):
        return region
    inner = prod(shape[1:])
    # Times a mask with bits `inner` apart, what is no longer than that is copied to each of them, and nothing carries.
    return sum(spread(mask, inner) * ravel(rest, shape[1:]) for mask, rest in region)


def unravel(mask: int, shape: Sequence[int]) -> Region:
    """The region of a map of this shape whose elements, row by row, are these of a vector."""
    if len(shape) == 1:
        return mask
    inner = prod(shape[1:])
    if mask == whole(inner * shape[0]):
        return everything(shape)
    one, known = whole(inner), {}
    parts: dict[Region, int] = {}
    for i in range(shape[0]):
        chunk = mask >> i * inner & one
        if chunk:
            # Most rows hold the same places: worked out once, and one part of the region.
            if chunk not in known:
                known[chunk] = unravel(chunk, shape[1:])
            parts[known[chunk]] = parts.get(known[chunk], 0) | 1 << i
    return join((places, rest) for rest, places in parts.items())


def permute(region: Region, order: Sequence[int]) -> Region:
    """The region with axis i being what axis `order[i]` was."""
    found: Region = ()
    for places in products(region):
        found = union(found, product([places[axis] for axis in order]))
    return found


def spread(mask: int, step: int) -> int:
    """Place i moved to i * step."""
    # 0b1011 at step 2: its digits with a zero between them, 0b1000101.
    return mask if step == 1 or mask < 2 else int(("0" * (step - 1)).join(bin(mask)[2:]), 2)


def every(mask: int, step: int, first: int) -> int:
    """Of the places first, first + step, ... those that are set, moved to 0, 1, ..."""
    if step == 1:
        return mask >> first
    # The digits behind `0b` backwards, place 0 first.
    text = bin(mask)[:1:-1][first::step]
    return int(text[::-1], 2) if text else 0


def repeat(mask: int, times: int, step: int) -> int:
    """The places, and those `step`, 2 `step`, ... further on, `times` in all."""
    done = 1
    while done < times:
        # Doubled, and the rest; places that are set twice are set.
        more = min(done, times - done)
        mask |= mask << more * step
        done += more
    return mask
