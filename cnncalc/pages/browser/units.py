"""What single units see, as data for the page: what every layer reads of its inputs, and what lies beyond the borders.

The page walks back from a unit as fields/sets does; here is all that it needs to know of the layers, exactly. Sets of
channels and places are lists of runs, [first, last, first, last, ...].
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from fractions import Fraction
from math import sqrt
from typing import Any

from cnncalc.analysis.fields.effective.moments import axes_alike, find_spreads
from cnncalc.analysis.fields.effective.profile import Profile, profiles_of
from cnncalc.analysis.fields.forward import Pass
from cnncalc.analysis.fields.reads import Book
from cnncalc.analysis.fields.sets.regions import runs
from cnncalc.analysis.fields.values import Fixed, Grid, Whole
from cnncalc.errors import CnncalcError
from cnncalc.graph import Graph
from cnncalc.layers.base import POINTWISE, WHOLE
from cnncalc.layers.elements import EVERY, Channels, Permuted, Read, Step
from cnncalc.layers.windows import Listed, Window
from cnncalc.pages.browser.equations import Distinct, shortest
from cnncalc.report import Report

MOST_SPREAD = 2500  # operations of a network whose effective fields the page has
MOST_PHASES = 64  # of the profile of an effective field
MOST_PROFILES = 6  # layers whose effective field is drawn
LONGEST_PROFILE = 1500  # pixels


def run_list(mask: int) -> list[int]:
    """The places of a set, as runs."""
    return [end for run in runs(mask) for end in run]


def step_data(step: Step) -> Any:
    """A step along an axis: {w: kernel, stride, before, dilation}, {p: taps by phase}, {l: places, each}, or 0 or 1.

    0  the same place; 1: all of the axis
    """
    if isinstance(step, str):
        return {POINTWISE: 0, WHOLE: 1}[step]
    if isinstance(step, Window):
        return {"w": [step.kernel, step.stride, step.before, step.dilation]}
    if isinstance(step, Listed):
        return {"l": [[read.start, read.stop - 1] if isinstance(read, range) and read.step == 1 else runs_of(read)
                      for read in step.reads]}  # fmt: skip
    return {"p": [list(taps) for taps in step.taps]}


def runs_of(places: Sequence[int]) -> list[int]:
    """Places as runs; the same place twice is once."""
    # A set as the bits of a number, as fields/sets has it: sorted and without doubles by itself.
    mask = 0
    for place in places:
        mask |= 1 << place
    return run_list(mask)


def channels_data(channels: Channels) -> Any:
    """Null: all of them; a number: how far the channel that is read is from the reader's; or pairs of sets."""
    if channels == EVERY:
        return None
    if isinstance(channels, int):
        return channels
    assert isinstance(channels, tuple)
    return [[run_list(readers), run_list(read)] for readers, read in channels]


def read_data(read: Read) -> list[Any]:
    """[source, channels, steps, 1 for a gate]."""
    return [read.source, channels_data(read.channels), [step_data(step) for step in read.steps], int(read.gate)]


def reads_data(graph: Graph) -> dict[str, Any]:
    """What layers read, each written once, and which of it each layer reads; null where it is not known.

    "ravelled": the same elements in the same order; {order: ...}: the same elements, axis by axis.
    """
    book = Book(graph)
    known: dict[int, int] = {}
    rules: list[Any] = []
    of_nodes: list[int | None] = []
    for number in range(len(graph.nodes)):
        try:
            reads = book.of(number)
        # A kind that does not say what it reads: the page goes on without it, and says so at its units.
        except CnncalcError:
            of_nodes.append(None)
            continue
        if id(reads) not in known:  # the book keeps them, so that no identity is used again
            known[id(reads)] = len(rules)
            if isinstance(reads, str):
                rules.append(reads)
            elif isinstance(reads, Permuted):
                rules.append({"order": list(reads.order)})
            else:
                rules.append([read_data(read) for read in reads])
        of_nodes.append(known[id(reads)])
    return {"rules": rules, "of": of_nodes}


def borders_data(graph: Graph) -> dict[str, Any]:
    """For each value, input by input and axis by axis, what a unit would see if the image went on at its borders.

    [span, lows, highs]: unit u = turn * phases + phase sees from lows[phase] + turn * span on; [lo, hi]: all see that;
    0: everything; null: there is no saying. Equal ones are written once.
    """
    passed = Pass(graph)
    known: dict[str, int] = {}
    found: list[Any] = []
    places = []
    for value in passed.values:
        entry = {str(source): [border_data(field) for field in fields] for source, fields in value.seen.items()}
        # Layer after layer of one resolution has the same grid: a ResNet has some dozens in all.
        key = repr(entry)
        if key not in known:
            known[key] = len(found)
            found.append(entry)
        places.append(known[key])
    return {"fields": found, "of": places}


def border_data(field: Any) -> Any:
    if isinstance(field, Whole):
        return 0
    if isinstance(field, Fixed):
        return [field.lo, field.hi]
    if isinstance(field, Grid):
        return [field.span, list(field.lo), list(field.hi)]
    return None


def effective_data(report: Report) -> dict[str, Any]:
    """Sigma of the effective field of every layer on the first input, and whole profiles of some maps.

    Shares are exact fractions, which grow from layer to layer: a network above MOST_SPREAD operations has none.

    A profile is [start, weights], as bytes in base64: shares of the pixel that counts most, of 255.
    """
    graph = report.graph
    assert graph is not None
    # -1: of this layer none is defined.
    found, sigmas = Distinct(), [-1] * len(graph.nodes)
    places = {node.name: i for i, node in enumerate(graph.nodes)}
    if len(graph.nodes) > MOST_SPREAD:
        return {"sigma": sigmas, "sigmas": [], "profiles": {}}
    source = next(iter(graph.inputs))
    for entry in find_spreads(graph):
        if entry.source == source:
            # The variance is exact; its root is a number for people.
            spread = [None if axis is None else shortest(sqrt(axis.mixture.variance), 4) for axis in entry.axes]
            # All zero is one pixel, of which no spread is to be drawn.
            sigmas[places[entry.layer]] = found.place(spread if any(spread) else None)
    profiles = {str(number): drawn for number in maps_of_interest(report) if (drawn := profiles_data(graph, number))}
    return {"sigma": sigmas, "sigmas": found.values, "profiles": profiles}


def maps_of_interest(report: Report) -> list[int]:
    """The last map of every resolution whose units see less than everything, the last of the network among them."""
    last: dict[Any, int] = {}
    for number, row in enumerate(report.layers):
        if row.shown_with is None and max(row.output[1:], default=1) > 1 and row.jump and None not in row.jump:
            # Out and in again, so that it stands last: only the last few resolutions are drawn.
            last.pop(row.jump, None)
            last[row.jump] = number
    return list(last.values())[-MOST_PROFILES:]


def profiles_data(graph: Graph, number: int) -> list[Any] | None:
    """For each axis {span, units}; None where a profile is not defined, or is too long to be drawn."""
    shape = next(iter(graph.inputs.values()))
    value = len(graph.inputs) + number
    found: list[Any] = []
    for axis in range(len(shape) - 1):
        # Nearly every network treats height and width alike, and the fractions are what takes time.
        if axis and axes_alike(graph, axis - 1, axis):
            found.append(found[-1])
            continue
        try:
            units = profiles_of(graph, value, 0, axis)
        except CnncalcError:
            return None
        if units is None or len(units) > MOST_PHASES:
            return None
        if any(unit is not None and len(unit.weights) > LONGEST_PROFILE for unit in units):
            return None
        found.append([profile_data(unit) for unit in units])
    return found or None


def profile_data(unit: Profile | None) -> list[Any] | None:
    if unit is None:
        return None
    # A byte per pixel is finer than a screen shows; exact fractions would be megabytes.
    peak = max(unit.weights)
    scaled = bytes(int(Fraction(255 * weight, peak)) if peak else 0 for weight in unit.weights)
    return [unit.start, base64.b64encode(scaled).decode()]
