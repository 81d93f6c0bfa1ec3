"""Which function of torch is which kind of layer: a table of names, whose entries stand in the files beside it.

A handler gets the trace, the arguments by name (or in order, where it names none) and the result, and returns what the
result is, several for several results; or None where no kind is that: the operator is then named as not known.
Nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

from cnncalc.errors import CnncalcError
from cnncalc.interop.layouts import Seen

Made = Seen | list[Seen] | None
Handler = Callable[..., Made]
FILES = ("weighted", "recurrent", "pooling", "reductions", "activations", "arithmetic", "views", "parts", "attention")
HANDLERS: dict[str, Handler] = {}
BATCH = 2  # samples of the pass: so that an axis of length 1 is none of samples
ANYWHERE: set[str] = set()  # functions that are read wherever the samples stand: see Seen.lead and Seen.folded


class NotReadError(CnncalcError):
    """A use of a function that is known, but cannot be said as a layer; the words say why."""


def find_handler(word: str) -> Handler | None:
    """The handler of a function, by its name without underscores around; None for one that is not known."""
    if not HANDLERS:
        for name in FILES:
            import_module(f"cnncalc.interop.torch.read.{name}")
    return HANDLERS.get(word)


def translates(words: str, signature: str = "", *, anywhere: bool = False) -> Callable[[Handler], Handler]:
    """Declare the handler of functions. `signature` names their arguments in order, those behind `|` optional.

    anywhere  it asks where the samples stand; others get tensors alone whose first axis is that of the samples
    """
    needed, _bar, optional = signature.partition("|")
    names = [*needed.split(), *optional.split()]
    least = len(needed.split())

    def declare(handle: Handler) -> Handler:
        def bound(trace: Any, args: Any, kwargs: Any, result: Any) -> Made:
            given = dict(zip(names, args, strict=False)) | dict(kwargs)
            if signature and (len(args) > len(names) or any(name not in given for name in names[:least])):
                return None
            return handle(trace, given if signature else args, result)

        HANDLERS.update(dict.fromkeys(words.split(), bound))
        if anywhere:
            ANYWHERE.update(words.split())
        return handle

    return declare
