"""How much memory a run takes, and a smaller network of the same kind where it takes too much. Bytes of float32."""

from __future__ import annotations

import os
from collections.abc import Callable

from cnncalc.analysis.memory import peak_elements
from cnncalc.errors import CnncalcError, SpecError
from cnncalc.graph import Graph
from cnncalc.language import _
from cnncalc.layers.base import shape_text

BYTES = 4
ANYWHERE = 2**20  # bytes that nobody lacks: a small network is run without asking the system, which takes longer
NARROWER = (8, 4, 2)  # what width is divided by, the smallest network first
SHORTER = (8, 4, 2)  # and what the axes of an image are
Load = Callable[[tuple[str, ...], tuple[str, ...]], Graph]


def bytes_needed(graph: Graph) -> int:
    """Weights of the largest layer, twice for the ones probe; what is alive at most; the columns of a window."""
    largest = columns = 0
    for facts in graph.facts:
        largest = max(largest, (facts.params or 0) + (facts.fixed_params or 0) + (facts.buffers or 0))
        # MACs over filters are the elements that a window's columns take, at all positions together.
        columns = max(columns, (facts.macs or 0) // max((1, *facts.output[:1])))
    return BYTES * (2 * largest + (peak_elements(graph) or 0) + 2 * columns)


def memory_to_be_had() -> int | None:
    """Bytes that this process can still get: of the machine, and within its own limit; None where nobody says."""
    known = [found for found in (memory_of_machine(), memory_within_limit()) if found is not None]
    return min(known, default=None)


def memory_within_limit() -> int | None:
    """Bytes up to the limit on this process (`ulimit -v`); None where there is no limit, or it cannot be told."""
    try:
        from resource import RLIM_INFINITY, RLIMIT_AS, getrlimit  # there is none on Windows

        limit = getrlimit(RLIMIT_AS)[0]
        if limit == RLIM_INFINITY:
            return None
        with open("/proc/self/statm", "rb") as file:
            # The first number: pages of address space, which is what this limit is about, not of memory in use.
            used = int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    except (ImportError, AttributeError, OSError, ValueError):
        return None
    return max(0, limit - used)


def memory_of_machine() -> int | None:
    """Bytes that are free; None where the system does not say."""
    try:
        with open("/proc/meminfo", "rb") as file:
            for line in file:
                if line.startswith(b"MemAvailable:"):
                    return int(line.split()[1]) * 1024
    except (OSError, ValueError):
        pass
    try:
        # Without /proc what is free is not known: all that the machine has is an upper bound.
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return None


def check_memory(graph: Graph, hint: str = "") -> None:
    """Raise CnncalcError if this machine has less memory than running the network takes."""
    needed = bytes_needed(graph)
    available = None if needed <= ANYWHERE else memory_to_be_had()
    if available is not None and needed > available:
        problem = _(
            "{name} takes about {needed:,.1f} GiB to run, and this machine has {available:,.1f} GiB free",
            name=graph.name or _("the network"),
            needed=needed / 2**30,
            available=available / 2**30,
        )
        raise CnncalcError(problem + "\n" + _("  hint: {hint}", hint=hint or _("load it with a smaller input")))


def smaller(graph: Graph, load: Load, params: tuple[str, ...], inputs: tuple[str, ...]) -> tuple[Graph, str]:
    """The smallest network that the spec allows with shorter axes and a smaller `width`, and what was changed.

    `load` reads the spec with other overrides; those that the user gave are kept. Raises CnncalcError if
    nothing smaller fits together.
    """
    width = graph.params.get("width")
    free = isinstance(width, int) and not any(text.startswith("width=") for text in params)
    widths = [(f"width={width // by}",) for by in NARROWER if width >= by] if free and width else []
    alone = len(graph.inputs) == 1  # its name may be another one in the model that it comes from
    shapes = [
        tuple(f"{'' if alone else f'{name}='}{shorter(shape, by)}" for name, shape in graph.inputs.items())
        for by in SHORTER
    ]
    failed = ""
    # The smallest first; shorter axes and fewer channels together before either alone.
    for changed in (*(shapes if not inputs else ()), inputs):
        for narrow in (*widths, ()):
            # This would be the network itself.
            if changed == inputs and not narrow:
                continue
            try:
                found = load((*params, *narrow), changed)
            except CnncalcError as error:
                tried = ", ".join([*(changed if changed != inputs else ()), *narrow])
                first = error.problems[0].problem if isinstance(error, SpecError) else str(error)
                failed = failed or _(
                    "no smaller version of this network fits together, with {changes}: {problem}",
                    changes=tried,
                    problem=first.splitlines()[0],
                )
                continue
            return found, ", ".join([*(changed if changed != inputs else ()), *narrow])
    problem = failed or _("no smaller version of this network fits together")
    raise CnncalcError(problem + "\n" + _("  hint: {hint}", hint=_("leave --fast out")))


def shorter(shape: tuple[int, ...], by: int) -> str:
    """The same channels on shorter axes; a vector stays as it is."""
    return shape_text((shape[0], *(max(1, n // by) for n in shape[1:])))
