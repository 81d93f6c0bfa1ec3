"""A forward pass, noted call by call: which function of torch ran in which module, on which values.

Tensors have a shape and no values. What comes out of a layer must have the shape that PyTorch gives: the two are
compared, call by call.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from cnncalc.interop.builder import Builder
from cnncalc.interop.layouts import Seen, settle
from cnncalc.language import _
from cnncalc.layers import KINDS
from cnncalc.layers.base import Shape

AS_LAYER = "cnncalc_layer"  # the method of a module that says which layer it is
BATCH = 2  # so that an axis of length 1 is none of samples


class Trace:
    """Notes every call of a function of torch while it is entered; `seen` has the values of tensors by identity."""

    def __init__(self, torch: Any, module: Any, b: Builder) -> None:
        from cnncalc.interop.torch.read import arithmetic, views  # noqa: F401 - they fill the table
        from cnncalc.interop.torch.read.functions import FUNCTIONS

        self.torch = torch
        self.b = b
        self.functions = FUNCTIONS
        self.seen: dict[int, Seen] = {}
        self.kept: list[Any] = []  # tensors, so that no identity is used again
        self.stand_ins: dict[str, Any] = {}
        self.stored: dict[int, tuple[str, bool]] = {}  # of a tensor: the name in the module, and whether it is trained
        self.sizes: dict[int, int] = {}  # how many numbers a stored tensor holds
        self.made_of: dict[int, frozenset[int]] = {}  # of a tensor computed from stored ones alone: which
        self.owners: dict[int, int] = {}  # of a stored tensor: the value of the layer that has it
        self.used: dict[int, Any] = {}  # trained tensors that were read
        self.stack: list[str] = [""]
        self.hidden = 0  # modules around that say themselves what they are
        self.paths: dict[int, str] = {id(part): path for path, part in module.named_modules()}
        self.parts = list(module.modules())
        self.leaves = {self.paths[id(part)] for part in self.parts if self.is_leaf(part)}
        self.pads = {path for path in self.leaves if "Pad" in type(module.get_submodule(path)).__name__}
        self.handles: list[Any] = []
        for named, trained in ((module.named_parameters(), True), (module.named_buffers(), False)):
            for name, tensor in named:
                if tensor is not None:
                    empty = torch.empty_like(tensor, device="meta")
                    self.stand_ins[name] = empty
                    self.stored[id(empty)] = (name, trained)
                    self.sizes[id(empty)] = empty.numel()
        self.mode = self.recorder()

    def is_leaf(self, part: Any) -> bool:
        """One of torch's own modules or a subclass of one, without modules inside: its name is the layer's."""
        inside = next(part.children(), None)
        return inside is None and any(c.__module__.startswith("torch.nn.modules.") for c in type(part).__mro__[:-2])

    def recorder(self) -> Any:
        trace = self

        class Recorder(self.torch.overrides.TorchFunctionMode):  # type: ignore[name-defined, misc]
            def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
                kwargs = kwargs or {}
                result = trace.normalised(function, args, kwargs)
                result = function(*args, **kwargs) if result is None else result
                trace.called(function, args, kwargs, result)
                return result

        return Recorder()

    def __enter__(self) -> Trace:
        def into(part: Any, _args: Any) -> None:
            self.stack.append(self.paths[id(part)])
            self.hidden += hasattr(part, AS_LAYER)

        def out(part: Any, args: Any, result: Any) -> None:
            if hasattr(part, AS_LAYER):
                self.hidden -= 1
                if not self.hidden:
                    self.told(part, args, result)
            self.stack.pop()

        for part in self.parts:
            self.handles += [part.register_forward_pre_hook(into), part.register_forward_hook(out)]
        self.mode.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self.mode.__exit__(*error)
        for handle in self.handles:
            handle.remove()

    # --- what functions use

    def enter(self, name: str, shape: Shape) -> Any:
        """A tensor for an input."""
        value = self.b.input(name, shape)
        tensor = self.torch.empty((BATCH, *shape), device="meta")
        self.keep(tensor, Seen(value, tuple(shape)))
        return tensor

    def keep(self, tensor: Any, seen: Seen) -> None:
        self.kept.append(tensor)
        self.seen[id(tensor)] = seen

    def of(self, thing: Any) -> Seen | None:
        """The value of a tensor; None for what is no tensor, or holds weights or constants."""
        return self.seen.get(id(thing))

    def settled(self, thing: Any) -> int:
        """The value of a tensor as it is seen."""
        return settle(self.b, self.seen[id(thing)], self.place())

    def sources(self, thing: Any) -> frozenset[int]:
        """The stored tensors from which one comes: itself, or those of which it is computed."""
        if id(thing) in self.stored:
            return frozenset((id(thing),))
        return self.made_of.get(id(thing), frozenset())

    def name(self, kind: str) -> str:
        """What a layer is called: as its module, or by its kind inside a module of several."""
        path = self.stack[-1]
        if path in self.leaves and (kind != "pad" or path in self.pads):
            return path
        return f"{path}.{kind}" if path else kind

    def behind(self, value: int, kind: str) -> str:
        """What an activation is called: as its module; without one after the layer that it follows, `conv1/relu`."""
        node = value - len(self.b.inputs)
        if self.stack[-1] in self.leaves or node < 0 or not KINDS[kind].inline:
            return self.name(kind)
        name = before = self.b.nodes[node].name
        for last in ("/", "_"):  # conv1/batchnorm, or conv1_batchnorm
            owner = before.removesuffix(f"{last}{self.b.nodes[node].layer.kind}")
            if owner != before and owner in self.b.taken:
                name = owner
        return f"{name}/{kind}"

    def spot(self) -> str:
        """The name of a layer made here whose kind is not known yet: see layouts.Move."""
        path = self.stack[-1]
        return path if path in self.leaves else self.inside()

    def inside(self) -> str:
        """The same for a layer that the module makes on its way."""
        return f"{self.stack[-1]}."

    def place(self, function: str = "") -> str:
        """Where it is in the module, for errors."""
        path = self.stack[-1]
        if path and function:
            return _("module '{path}' ({function})", path=path, function=function)
        return _("module '{path}'", path=path) if path else function

    # --- what is noted

    def called(self, function: Any, args: Any, kwargs: Any, result: Any) -> None:
        """Note one call: which layer it is."""
        results = [thing for thing in flat(result) if isinstance(thing, self.torch.Tensor)]
        if not results or self.hidden:
            self.kept += results
            return
        entering = [thing for thing in flat((args, kwargs)) if isinstance(thing, self.torch.Tensor)]
        sources = frozenset().union(*(self.sources(t) for t in entering)) if entering else frozenset()
        word = word_of(function)
        if not any(id(t) in self.seen for t in entering):
            if sources:
                for t in results:
                    self.kept.append(t)
                    self.made_of.setdefault(id(t), sources) if id(t) not in self.stored else None
            return
        for source in sources:
            self.used[source] = True
        translate = self.functions.get(word)
        made = None
        if translate is not None:
            made = translate(self, args, kwargs, result)
        if made is None:
            made = self.not_known(word, entering, results)
        found = [made] if isinstance(made, Seen) else made
        for tensor, seen in zip(results, found, strict=False):
            self.check(word, tensor, seen)
            self.keep(tensor, seen)

    def told(self, part: Any, args: Any, result: Any) -> None:
        """A module that says which layer it is: (kind, options). Its weights are counted against what it holds."""
        kind, options = getattr(part, AS_LAYER)()
        if kind not in KINDS or not all(id(t) in self.seen for t in args) or not isinstance(result, self.torch.Tensor):
            self.b.fail(
                self.place(AS_LAYER), _("it is no layer of tensors that are known: {kind}", kind=str(kind)[:60])
            )
        value = self.b.add(self.stack[-1], kind, options, [self.settled(t) for t in args], at=self.place(kind))
        facts = self.b.facts[value - len(self.b.inputs)]
        path = f"{self.stack[-1]}." if self.stack[-1] else ""
        own = {s: name for s, (name, trained) in self.stored.items() if trained and name.startswith(path)}
        held, claimed = sum(self.sizes[s] for s in own), (facts.params or 0) + (facts.fixed_params or 0)
        if held != claimed:
            problem = _(
                "it holds {held:,} numbers, and a {kind} has {claimed:,}", held=held, kind=kind, claimed=claimed
            )
            self.b.fail(self.place(AS_LAYER), problem)
        self.owners.update(dict.fromkeys(own, value))
        self.used.update(dict.fromkeys(own, True))
        seen = Seen(value, self.b.shape(value))
        self.check(kind, result, seen)
        self.keep(result, seen)

    def normalised(self, function: Any, args: Any, kwargs: Any) -> Any:
        """What a batch norm gives: the shape of what enters, for which PyTorch takes half of a network's time."""
        if function is not self.torch.nn.functional.batch_norm or len(args) < 2:
            return None
        x, mean = args[:2]
        training = args[5] if len(args) > 5 else kwargs.get("training", False)
        fits = mean is not None and not training and x.ndim > 1 and mean.shape == x.shape[1:2]
        return self.torch.empty_like(x) if fits else None

    def not_known(self, word: str, entering: Sequence[Any], results: Sequence[Any]) -> list[Seen]:
        reads = list(dict.fromkeys(self.settled(t) for t in entering if id(t) in self.seen))
        found = []
        for tensor in results:
            shape = tuple(tensor.shape[1:])
            known = tensor.ndim > 1 and tensor.shape[0] == BATCH and len(shape) <= 4
            value = self.b.unknown(self.name(word), word, reads, shape if known else None, at=self.place(word))
            found.append(Seen(value, shape if known else ()))
            if len(results) > 1:
                self.b.unknowns[:] = list(dict.fromkeys(self.b.unknowns))
        for source in frozenset().union(*(self.sources(t) for t in entering)):
            self.owners.setdefault(source, found[0].value)
        return found

    def check(self, word: str, tensor: Any, seen: Seen) -> None:
        """A layer's shape is PyTorch's."""
        if seen.shape and tuple(tensor.shape) != (BATCH, *seen.shape):
            ours, theirs = ("x".join(map(str, s)) for s in (seen.shape, tensor.shape[1:]))
            self.b.fail(self.place(word), _("{theirs} comes out, and {ours} was worked out", theirs=theirs, ours=ours))

    def finish(self, result: Any) -> None:
        """The outputs; and weights that were read in a way that no layer accounts for."""
        found = [t for t in flat(result) if id(t) in self.seen]
        if not found:
            self.b.fail("", _("no tensor that depends on the input comes out"))
        self.b.output(*(self.settled(t) for t in found))
        for source in self.used:
            name, trained = self.stored[source]
            if trained and source not in self.owners:
                self.b.unknown(name, "parameter", [], None, at=_("parameter '{name}'", name=name))


def word_of(function: Any) -> str:
    """A function's name without underscores: `add_` and `__iadd__` are add and iadd; a property's is its own."""
    name: str = getattr(function, "__name__", type(function).__name__)
    if name == "__get__":
        name = getattr(getattr(function, "__self__", None), "__name__", name)
    return name.strip("_")


def flat(thing: Any) -> Iterator[Any]:
    """All things in lists, tuples and mappings."""
    if isinstance(thing, (list, tuple)):
        for item in thing:
            yield from flat(item)
    elif isinstance(thing, Mapping):
        for item in thing.values():
            yield from flat(item)
    elif hasattr(thing, "to_tuple"):  # outputs of the library transformers
        yield from flat(thing.to_tuple())
    else:
        yield thing
