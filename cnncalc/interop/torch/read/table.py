"""Which function of torch is which kind of layer: a table of names, whose entries stand in the files beside it.

A handler gets the trace, the arguments by name (or in order, where it names none) and the result, and returns what the
result is, several for several results; or None where no kind is that: the operator is then named as not known.
Nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import Any

from cnncalc.errors import CnncalcError
from cnncalc.interop.layouts import Seen
from cnncalc.interop.watching import Watched
from cnncalc.language import _

Made = Seen | list[Seen] | None
Handler = Callable[..., Made]
FILES = (
    "weighted", "recurrent", "pooling", "reductions", "activations", "arithmetic", "views", "parts", "writing",
    "resizing", "gathers", "products", "einsum", "attention", "choices", "sampling", "cells", "tables",
)  # fmt: skip
HANDLERS: dict[str, Handler] = {}
BATCH = 2  # samples of the pass: so that an axis of length 1 is none of samples
ANYWHERE: set[str] = set()  # functions that are read wherever the samples stand: see Seen.lead and Seen.folded


class NotReadError(CnncalcError):
    """A use of a function that is known, but cannot be said as a layer; the words say why."""


# What an argument is where it is not given, if that is the same for every function that has it.
USUAL: dict[str, Any] = {
    "alpha": 1, "beta": 1, "ceil_mode": False, "count_include_pad": True, "dropout_p": 0.0, "enable_gqa": False,
    "dropout": 0.0, "is_causal": False, "max_norm": None, "out": None, "padding_idx": None, "return_indices": False,
    "rounding_mode": None, "scale_grad_by_freq": False, "sparse": False, "threshold": 20, "training": False,
}  # fmt: skip
# Where numbers are put and how exactly they are held, training, and what shapes say too.
OF_NO_EFFECT = (
    "inplace", "dtype", "memory_format", "non_blocking", "generator", "device", "requires_grad", "momentum",
    "_stacklevel", "keepdim", "normalized_shape", "train", "average_attn_weights", "need_weights", "embed_dim",
    "embed_dim_to_check", "recompute_scale_factor", "cudnn_enabled", "cudnn_enable",
)  # fmt: skip


PLAIN = (bool, int, float, str, tuple, list)  # values that can be compared


class Given(Watched):
    """The arguments of a call, by name. Those that no handler asks for are refused, unless they change nothing."""

    def check(self) -> None:
        """Raise NotReadError for the first argument that may have an effect and was not asked for."""
        found = self.find_left(USUAL, OF_NO_EFFECT.__contains__, is_same)
        if found is None:
            return
        name, value = found
        if isinstance(value, PLAIN):
            raise NotReadError(_("the argument {name} is {value}", name=name, value=str(value)[:40]))
        raise NotReadError(_("its argument {name} is not read", name=name))


def is_same(value: Any, other: Any) -> bool:
    """Whether a value is that other one; a tensor is none, and may not be compared while a network is traced."""
    return isinstance(value, PLAIN) and bool(value == other)


def find_handler(word: str) -> Handler | None:
    """The handler of a function, by its name without underscores around; None for one that is not known."""
    load_handlers()
    return HANDLERS.get(word)


@cache
def load_handlers() -> None:
    """Import the files of all handlers, once."""
    for name in FILES:
        import_module(f"cnncalc.interop.torch.read.{name}")


def translates(words: str, signature: str = "", *, anywhere: bool = False) -> Callable[[Handler], Handler]:
    """Declare the handler of functions. `signature` names their arguments in order, those behind `|` optional.

    anywhere  it asks where the samples stand; others get tensors alone whose first axis is that of the samples
    """
    needed, _bar, optional = signature.partition("|")
    names = [*needed.split(), *optional.split()]
    least = len(needed.split())

    def declare(handle: Handler) -> Handler:
        # By name, so that a handler need not know how a call was written, and what it leaves unread is noticed.
        def bind(trace: Any, args: Any, kwargs: Any, result: Any) -> Made:
            given = Given(dict(zip(names, args, strict=False)) | dict(kwargs))
            if signature and (len(args) > len(names) or any(name not in given for name in names[:least])):
                return None
            made = handle(trace, given if signature else args, result)
            if signature and made is not None:
                given.check()
            return made

        HANDLERS.update(dict.fromkeys(words.split(), bind))
        if anywhere:
            ANYWHERE.update(words.split())
        return handle

    return declare
