"""How a pass ends: at its outputs, or where it goes no further; and what another try would have to know."""

from __future__ import annotations

from typing import Any

from cnncalc.interop.torch.read.calls import tensors_in
from cnncalc.interop.torch.read.unknown import DECIDED, give_lost, say_decided
from cnncalc.language import _

# Functions that ask what the values are, which tensors of a pass have not.
ASKED = (
    "item", "contains", "bool", "float", "int", "index", "tolist", "numpy", "getitem", "where", "equal", "allclose",
)  # fmt: skip
OPEN_ENDED = ("nonzero", "argwhere", "masked_select", "getitem", "where", "nms", "unique")  # they choose some of many


class Wishes:
    """What a pass that fails would have needed from its start; it is run once more with it.

    indices  inputs that are whole numbers: an embedding looks them up
    apart    calls of nn.MultiheadAttention, counted from 1, whose weights are asked for
    mapping  whether the one input comes in a mapping by its name
    """

    def __init__(self) -> None:
        self.indices: set[str] = set()
        self.apart: set[int] = set()
        self.mapping = False


def finish(trace: Any, result: Any) -> None:
    """The outputs; and weights that were read in a way that no layer accounts for."""
    found = [t for t in tensors_in(trace.torch, result) if trace.depends(t)]
    for tensor in found:
        if trace.of(tensor) is None:
            give_lost(trace, tensor)
    if not found:
        trace.b.fail("", _("no tensor that depends on the input comes out"))
    trace.b.output(*(trace.settle(t) for t in found))
    trace.stored.close(trace.b)


# --- another try


def learn(trace: Any, error: Exception) -> bool:
    """Whether the pass is worth another try, with wishes that this one did not know of."""
    if learn_apart(trace):
        return True
    wishes, inputs = trace.wishes, list(trace.b.inputs)
    if inputs == ["input"] and not wishes.mapping and isinstance(error, (TypeError, IndexError)):
        wishes.mapping = True  # one input that is called so may be meant by its name
        return True
    # Inputs are numbers with a fraction until an embedding refuses them: only it says that they are indices.
    word, raised, entering = trace.failed
    if raised is error and word in ("embedding", "embedding_bag"):
        values = [seen.value for seen in map(trace.of, entering) if seen]
        fresh = {inputs[value] for value in values if value < len(inputs)} - wishes.indices
        wishes.indices |= fresh
        return bool(fresh)
    return False


def learn_apart(trace: Any) -> bool:
    """Whether weights of an attention were asked for, which the next pass will have."""
    fresh = trace.asked - trace.wishes.apart
    trace.wishes.apart |= fresh
    return bool(fresh)


# --- no further


def explain_failure(trace: Any, error: Exception) -> tuple[str, bool]:
    """That the forward pass asks for values, where that is why it goes no further, and at which function first.

    And whether nothing is lost but what chooses among the results: no parameter is left that was not read.
    """
    word, raised, _entering = trace.failed
    if raised is not error or word not in (*DECIDED, *ASKED):
        return "", False
    say_decided(trace, word)
    stored = trace.stored
    read = any(source in stored.trained for source in stored.used)
    return trace.decided, word in OPEN_ENDED and read and not stored.find_unread()


def stop(trace: Any, reason: str, *, rest: bool) -> None:
    """The forward pass went no further: what nothing reads leaves the network, or enters what is not known.

    rest  with a row for what was not reached; else it has no parameters, and is said to be left out
    """
    b, stored = trace.b, trace.stored
    # Layers without weights that only served the choice, such as the boxes of a detector, are no part of the network.
    if trace.tail is not None:
        nodes, unknowns = trace.tail
        b.back_to(len(b.inputs) + nodes)
        del b.unknowns[unknowns:]
    # What nothing reads where the pass ended is as good as an output.
    read = {value for node in b.nodes for value in node.reads}
    ends = [value for value in range(len(b.shapes)) if value not in read]
    if not rest:
        b.output(*ends)
        b.remarks.append(_("what comes behind is left out, and has no parameters: {reason}", reason=reason))
        stored.close(b)
        return
    behind = stored.find_unread()
    for name in list(dict.fromkeys(behind.values())) or ["rest"]:
        part = dict(trace.module.named_modules()).get(name)
        value = b.unknown(name, "rest" if part is None else type(part).__name__, ends, None, at=name)
        sources = [source for source, whole in behind.items() if whole == name]
        stored.read(sources)
        stored.assign(sources, value)
        b.output(value)
    b.remarks.append(_("the forward pass goes no further: {reason}", reason=reason))
    stored.close(b)
