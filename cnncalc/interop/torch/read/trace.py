"""A forward pass, noted call by call: which function of torch ran in which module, on which values.

Tensors have a shape and no values. What comes out of a layer must have the shape that PyTorch gives: the two are
compared, call by call. A tensor that depends on the input and of which no value is known, or that was written over
behind the back of its value, is not known: see flow.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from cnncalc.errors import CnncalcError, Problem, SpecError
from cnncalc.interop.builder import Builder
from cnncalc.interop.faults import fault_text, say_fault
from cnncalc.interop.layouts import Seen, settle
from cnncalc.interop.torch.read.flow import FRESH, Flow, address, overlap
from cnncalc.interop.torch.read.known import Known, in_vmap
from cnncalc.interop.torch.read.making import standing
from cnncalc.interop.torch.read.samples import JOINED, call_key, fills_on, find_sample, read_filled
from cnncalc.interop.torch.read.table import ANYWHERE, BATCH, NotReadError, find_handler
from cnncalc.language import _
from cnncalc.layers import KINDS
from cnncalc.layers.base import Shape
from cnncalc.layers.options import MOST_AXES
from cnncalc.layers.unknown import Unknown

AS_LAYER = "cnncalc_layer"  # the method of a module that says which layer it is
MOVED = (
    "flatten",
    "reshape",
    "permute",
    "channel_shuffle",
    "slice",
    "split",
    "crop",
)  # made where something needs them
LIKE = ("type_as", "expand_as", "view_as", "reshape_as")  # of what they get second they read type or shape alone
FILL = ("setitem", "copy")  # functions that write into what they get first, and read nothing of it
VIEWED = ("getitem", "select", "slice", "narrow")  # functions that give a part, into which something may be written
BEGUN = ("linear", "conv1d", "conv2d", "conv3d")  # functions that sum products with weights, for each sample anew
# Functions of whose results the values decide: which elements, how many, in which order.
DECIDED = (
    "topk", "sort", "msort", "argsort", "argmax", "argmin", "kthvalue", "median", "nanmedian", "mode", "quantile",
    "nonzero", "argwhere", "unique", "unique_consecutive", "bincount", "histc", "masked_select", "multinomial",
    "searchsorted", "bucketize", "nms", "roi_align", "ps_roi_align", "roi_pool", "ps_roi_pool",
)  # fmt: skip
ASKED = (
    "item", "contains", "bool", "float", "int", "index", "tolist", "numpy", "getitem", "where", "equal", "allclose",
)  # fmt: skip
OPEN_ENDED = ("nonzero", "argwhere", "masked_select", "getitem", "where", "nms", "unique")  # they choose some of many
MOST_FIXED = 100_000  # numbers of a constant that are looked at
# Where modules stand that are one layer each: those of torch, and the one of torchvision.
MODULES = ("torch.nn.modules.", "torchvision.ops.deform_conv")


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


class Trace:
    """Notes every call of a function of torch while it is entered; `seen` has the values of tensors by identity."""

    def __init__(self, torch: Any, module: Any, b: Builder, wishes: Wishes | None = None) -> None:
        self.torch = torch
        self.wishes = wishes or Wishes()
        self.module = module
        self.b = b

        self.seen: dict[int, Seen] = {}
        self.kept: list[Any] = []  # tensors, so that no identity is used again
        self.flow = Flow(torch)
        self.at: dict[int, list[Any]] = {}  # of a storage: the tensors in it of which a value is known
        self.origins: dict[
            int, str
        ] = {}  # of a tensor without a value: the function that it comes from, or was lost by
        self.empty: set[int] = set()  # tensors without elements
        self.writers: dict[int, str] = {}  # of a storage: the function that wrote into it last
        self.dirty: dict[int, tuple[Seen, list[Any]]] = {}  # of a tensor: its value until then, and what was written
        self.fills: dict[int, dict[int, Any]] = {}  # of a storage: the samples that were written into it, one by one
        self.writes: dict[int, int] = {}  # how often something was written into a storage
        self.mirrors: dict[Any, list[Seen]] = {}  # calls on the first sample alone, and what they give
        self.failed: tuple[str, Any] = ("", None)  # the function that raised an error, and the error
        self.flat_failed: list[Any] = []  # the tensors that entered it
        # Where layers without weights begin that are of one sample, or behind what values decide; problems until then.
        self.tail: tuple[int, int] | None = None
        self.decided = ""  # the first function of which values decide what it gives, with its place
        self.filling: dict[int, dict[tuple[int, int, int], Seen]] = {}  # of a tensor made empty: the parts put into it
        self.stand_ins: dict[str, Any] = {}
        self.stored: dict[int, tuple[str, bool]] = {}  # of a tensor: the name in the module, and whether it is trained
        self.sizes: dict[int, int] = {}  # how many numbers a stored tensor holds
        self.made_of: dict[int, frozenset[int]] = {}  # of a tensor computed from stored ones alone: which
        self.standing: dict[Any, Seen] = {}  # numbers that depend on no input, as the values that they have become
        self.places: dict[int, int] = {}  # of a tensor of places of largest elements: the pooling that gives them
        self.owners: dict[int, int] = {}  # of a stored tensor: the value of the layer that has it
        self.used: dict[int, Any] = {}  # trained tensors that were read
        self.stack: list[str] = [""]
        self.later: dict[int, Callable[[], Seen | None]] = {}  # of a tensor: its value, made where something needs it
        self.numbers: dict[int, Any] = {}  # of a tensor that stands for fixed numbers: the numbers
        self.attentions = 0  # calls of nn.MultiheadAttention so far
        self.asked: set[int] = set()  # those whose weights are asked for, and are not known
        self.known = Known(torch, self.numbers, self.flow)
        self.constants: dict[int, Any] = {}  # of a tensor with values: the one that stands for it
        self.hidden = 0  # modules around that say themselves what they are
        self.paths: dict[int, str] = {id(part): path for path, part in module.named_modules()}
        self.parts = list(module.modules())
        self.leaves = {self.paths[id(part)] for part in self.parts if self.is_leaf(part)}
        self.exact = {self.paths[id(part)] for part in self.parts if type(part).__module__.startswith(MODULES)}
        heads = torch.nn.MultiheadAttention  # one layer, though its last projection is a module inside it
        self.exact &= self.leaves | {self.paths[id(part)] for part in self.parts if type(part) is heads}
        self.pads = {path for path in self.leaves if "Pad" in type(module.get_submodule(path)).__name__}
        self.handles: list[Any] = []
        self.frozen: set[int] = set()  # stored tensors that are parameters, and not trained
        for named, trained in ((module.named_parameters(), True), (module.named_buffers(), False)):
            for name, tensor in named:
                if tensor is not None:
                    empty = torch.empty_like(tensor, device="meta")
                    self.stand_ins[name] = empty
                    self.stored[id(empty)] = (name, trained)
                    self.sizes[id(empty)] = empty.numel()
                    if not trained and not tensor.is_meta and tensor.numel() <= MOST_FIXED:
                        self.numbers[id(empty)] = tensor.detach()
                    if trained and not tensor.requires_grad:
                        self.frozen.add(id(empty))
        self.apart = self.with_several_biases()
        self.mode = self.recorder()
        self.dtype = next((p.dtype for p in module.parameters() if p.is_floating_point()), torch.get_default_dtype())

    def with_several_biases(self) -> set[int]:
        """The stored weights that several modules share, each with another bias: their biases are layers apart."""
        stood_for = {id(tensor): id(self.stand_ins[name]) for name, tensor in self.module.named_parameters()}
        biases: dict[int, set[int | None]] = {}
        for part in self.parts:
            weight, bias = (getattr(part, name, None) for name in ("weight", "bias"))
            if id(weight) in stood_for:
                biases.setdefault(stood_for[id(weight)], set()).add(None if bias is None else id(bias))
        return {weight for weight, found in biases.items() if len(found) > 1}

    def is_leaf(self, part: Any) -> bool:
        """One of torch's own modules or a subclass of one, without modules inside: its name is the layer's."""
        # The last two of its classes are nn.Module, which stands in torch.nn.modules too, and object.
        inside = next(part.children(), None)
        return inside is None and any(c.__module__.startswith(MODULES) for c in type(part).__mro__[:-2])

    def recorder(self) -> Any:
        trace = self

        class Recorder(self.torch.overrides.TorchFunctionMode):  # type: ignore[name-defined, misc]
            def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
                kwargs = kwargs or {}
                if any(tensor.is_meta for tensor in trace.tensors_in((args, kwargs))):  # what has values meets the rest
                    args, kwargs = trace.without_values(args), trace.without_values(kwargs)
                known = trace.known.answer(function, args, kwargs)
                if known is not None:
                    return known
                result = trace.normalise(function, args, kwargs)
                try:
                    result = function(*args, **kwargs) if result is None else result
                except Exception as error:
                    trace.failed = (word_of(function), error)
                    trace.flat_failed = trace.tensors_in((args, kwargs))
                    raise
                if not any(map(in_vmap, trace.tensors_in((args, kwargs, result)))):
                    trace.note_call(function, args, kwargs, result)
                    trace.known.learn(function, args, kwargs, result)
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
                    self.take_word(part, args, result)
            self.stack.pop()

        for part in self.parts:
            self.handles += [part.register_forward_pre_hook(into), part.register_forward_hook(out)]
        self.flow.__enter__()
        self.mode.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self.mode.__exit__(*error)
        self.flow.__exit__(*error)
        for handle in self.handles:
            handle.remove()

    # --- what functions use

    def enter(self, name: str, shape: Shape) -> Any:
        """A tensor for an input."""
        value = self.b.input(name, shape)
        dtype = self.torch.long if name in self.wishes.indices else self.dtype
        tensor = self.torch.empty((BATCH, *shape), device="meta", dtype=dtype)
        self.flow.begin(tensor)
        self.keep(tensor, Seen(value, tuple(shape)))
        return tensor

    def keep(self, tensor: Any, seen: Seen) -> None:
        """Note the value of a tensor."""
        self.kept.append(tensor)
        self.seen[id(tensor)] = seen
        self.dirty.pop(id(tensor), None)
        here = self.at.setdefault(address(tensor), [])
        if not any(tensor is other for other in here):
            here.append(tensor)

    def of(self, thing: Any) -> Seen | None:
        """The value of a tensor; None for what is no tensor, or holds weights or constants."""
        return self.seen.get(id(thing))

    def settle(self, thing: Any) -> int:
        """The value of a tensor as it is seen."""
        return settle(self.b, self.seen[id(thing)], self.place())

    def sources(self, thing: Any) -> frozenset[int]:
        """The stored tensors from which one comes: itself, or those of which it is computed."""
        if id(thing) in self.stored:
            return frozenset((id(thing),))
        return self.made_of.get(id(thing), frozenset())

    def kind_of(self, value: int) -> str:
        """The kind of the layer that gives a value."""
        return str(self.b.nodes[value - len(self.b.inputs)].layer.kind)

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

    def note_call(self, function: Any, args: Any, kwargs: Any, result: Any) -> None:
        """Note one call: which layer it is. Whatever goes wrong in that is not the module's fault."""
        word = word_of(function)
        try:
            first = len(self.b.nodes)
            self.note(word, args, kwargs, result)
            self.say_how_built(first, function, kwargs)
        except CnncalcError:
            raise
        except Exception as error:
            reason = f"{type(error).__name__}: {error}"[:200]
            self.b.fail(self.place(word) or word, _("cannot be read: {reason}", reason=reason))

    def note(self, word: str, args: Any, kwargs: Any, result: Any) -> None:
        written = self.take_written(word)
        results = self.tensors_in(result)
        if word == "setitem" or (word == "set" and not results):
            results = [args[0]]  # what is written over, and nothing comes out
        if not results or self.hidden:
            self.kept += results
            self.forget(written, (), word)
            return
        entering = self.tensors_in(args[:1] if word in LIKE else (args, kwargs))
        # Learned queries go through layers as an input does, though no input has come to them.
        if word in BEGUN and entering and not any(self.depends(t) for t in entering):
            self.begin(word, entering)
        sources = frozenset().union(*(self.sources(t) for t in entering)) if entering else frozenset()
        # Nothing of the input in it: arithmetic on weights, sizes and masks is no layer.
        if word in FRESH or not any(self.depends(t) for t in entering):
            self.derive(results, sources if word not in FRESH else frozenset())
            return
        for source in sources:
            self.used[source] = True
        if any(self.stored[source][1] for source in sources):
            self.tail = None
        if all(tensor.numel() == 0 for tensor in results):  # a part without elements, of which nothing can depend
            self.kept += results
            self.empty |= set(map(id, results))
            self.forget(written, results, word)
            return
        entering = [tensor for tensor in entering if id(tensor) not in self.empty]
        found = self.values_of(word, args, kwargs, entering, results, result)
        self.forget(written, results, word)
        for tensor, seen in zip(results, found, strict=False):
            self.check(word, tensor, seen)
            self.keep(tensor, seen)
        # A handler may know fewer results than torch gives: not the places of a maximum, say.
        for tensor in results[len(found) :]:
            self.lose(tensor, word)

    def derive(self, results: Sequence[Any], sources: frozenset[int]) -> None:
        """What is worked out of stored tensors alone; what is written over may have come of others before."""
        self.kept += results if sources else []
        for t in results:
            if sources and id(t) not in self.stored:
                self.made_of[id(t)] = self.made_of.get(id(t), frozenset()) | sources

    def take_written(self, word: str) -> Sequence[Any]:
        """The tensors that a function has written over."""
        written = self.flow.take_written()
        self.known.forget(written)
        for home in set(map(address, written)):
            self.writers[home] = word
            self.writes[home] = self.writes.get(home, 0) + 1
        return written

    def begin(self, word: str, entering: Sequence[Any]) -> None:
        """What depends on no input, and stands there for every sample, meets weights for every one of them: a value."""
        x = entering[0]
        first = x.ndim > 1 and x.shape[0] == BATCH and id(x) not in self.stored
        if not first or not any(self.stored[s][1] for t in entering[1:] for s in self.sources(t)):
            return
        # expand() gives the axis of the samples a stride of 0: learned queries, the same for each of them.
        if x.stride(0) == 0 or (word != "linear" and not self.sources(x)):
            seen = standing(self, x, Seen(-1, tuple(x.shape[1:])))
            if seen is not None:
                self.keep(x, seen)

    def values_of(
        self, word: str, args: Any, kwargs: Any, entering: Sequence[Any], results: Sequence[Any], result: Any
    ) -> list[Seen]:
        """What the results of a call are."""
        if word in VIEWED and fills_on(self, entering):
            return []
        for tensor in entering:
            filled = word in FILL and tensor is args[0]  # its handler knows what was in it before
            told = id(tensor) in self.places and word.startswith("max_unpool")
            if not filled and not told and id(tensor) not in self.seen and self.depends(tensor):
                self.not_seen(tensor)
        if any(not seen.base or not seen.shape for seen in map(self.of, entering) if seen is not None):
            return self.open(word, entering, results)
        handle = find_handler(word)
        reason = None
        try:
            elsewhere = any(not seen.plain for seen in map(self.of, entering) if seen is not None)
            if elsewhere and handle is not None and word not in ANYWHERE:
                raise NotReadError(_("other axes stand in front of the samples, or in one with them"))
            made = None if handle is None else self.handle_samples(handle, word, (args, kwargs, result), entering)
        except SpecError as error:  # the kind has no such option or shape: its own words say which
            made, reason = None, error.problems[0]
        except NotReadError as error:
            problem = _("this {operator} is not read here: {reason}", operator=word, reason=str(error))
            made, reason = None, self.b.problem(self.place(word), problem, None)
        except Exception as error:  # arguments of a form that the handler does not expect, or a fault of ours
            say_fault(error)
            problem = _("this {operator} is not read here: {reason}", operator=word, reason=fault_text(error))
            made, reason = None, self.b.problem(self.place(word), problem, None)
        if made is None:
            return self.not_known(word, entering, results, reason)
        return [seen if seen.base else Seen(seen.value, ()) for seen in ([made] if isinstance(made, Seen) else made)]

    def handle_samples(self, handle: Any, word: str, call: tuple[Any, Any, Any], entering: Sequence[Any]) -> Any:
        """What a handler makes of a call; of one sample alone it is what it was of the first."""
        args, kwargs, result = call
        parts = [seen for seen in map(self.of, entering) if seen is not None and seen.sample >= 0]
        if not parts or (word in JOINED and len({seen.sample for seen in parts}) > 1):
            return handle(self, args, kwargs, result)
        sample = find_sample(self, entering)
        # Detectors go through samples one by one: what is done with the second was done with the first, and is no
        # second layer.
        key = call_key(self, word, args, kwargs)
        self.tail = self.tail or (len(self.b.nodes), len(self.b.unknowns))
        if sample and word not in FILL:
            known = self.mirrors.get(key)
            if known is None:
                raise NotReadError(_("it is not done with the first sample"))
            return [seen._replace(sample=sample) for seen in known]
        made = handle(self, args, kwargs, result)
        if made is None or word in FILL:
            return made
        found = [seen._replace(sample=0) for seen in ([made] if isinstance(made, Seen) else made)]
        self.mirrors[key] = found
        return found

    # --- what depends on the input, and what becomes of it

    def tensors_in(self, thing: Any) -> list[Any]:
        """All tensors in lists, tuples and mappings."""
        return [item for item in flat(thing) if isinstance(item, self.torch.Tensor)]

    def depends(self, tensor: Any) -> bool:
        """Whether a tensor depends on the input."""
        return id(tensor) in self.seen or self.flow.depends(tensor)

    def forget(self, written: Sequence[Any], results: Sequence[Any], word: str) -> None:
        """Tensors that share elements with what was written over have not the value any more that was known."""
        for over in written:
            for tensor in self.at.get(address(over), ()):
                known = id(tensor) in self.seen or id(tensor) in self.dirty
                if known and not any(tensor is r for r in results) and overlap(tensor, over):
                    # What was written over it is kept: where all of it was, the value is what was written.
                    before = self.dirty.get(id(tensor)) or (self.seen[id(tensor)], [])
                    self.dirty[id(tensor)] = (before[0], [*before[1], over])
                    self.lose(tensor, word)

    def lose(self, tensor: Any, word: str) -> None:
        """A tensor has not the value any more that was known, or never had one."""
        self.kept.append(tensor)
        self.seen.pop(id(tensor), None)
        self.origins[id(tensor)] = word

    def not_seen(self, tensor: Any) -> None:
        """A tensor that depends on the input, and of which nobody has said what it is, unless it is made when asked."""
        made = self.later.pop(id(tensor), lambda: None)() or read_filled(self, tensor)
        if made is not None:
            self.keep(tensor, made)
            return
        word = self.origins.get(id(tensor)) or self.writers.get(address(tensor), "compiled code")
        self.keep(tensor, self.not_known(word, [], [tensor])[0])

    def open(self, word: str, entering: Sequence[Any], results: Sequence[Any]) -> list[Seen]:
        """What comes out behind a value whose shape is not known: nothing can be said of it for that reason."""
        reads = list(dict.fromkeys(self.seen[id(t)].value for t in entering if id(t) in self.seen))
        found = []
        for tensor in results:
            shape = self.shape_of(tensor)
            value = self.b.open(self.name(word), word, reads, shape)
            found.append(Seen(value, shape or ()))
        for source in frozenset().union(*(self.sources(t) for t in entering)):
            self.owners.setdefault(source, found[0].value)
        return found

    def shape_of(self, tensor: Any) -> Shape | None:
        """The shape of a tensor that has the samples in front and axes as a graph has them; else None."""
        shape = tuple(tensor.shape[1:])
        return shape if 1 <= len(shape) <= MOST_AXES and tensor.shape[0] == BATCH and all(shape) else None

    def take_word(self, part: Any, args: Any, result: Any) -> None:
        """A module that says which layer it is: (kind, options). Its weights are counted against what it holds."""
        kind, options = getattr(part, AS_LAYER)()
        if kind not in KINDS or not all(id(t) in self.seen for t in args) or not isinstance(result, self.torch.Tensor):
            self.b.fail(
                self.place(AS_LAYER), _("it is no layer of tensors that are known: {kind}", kind=str(kind)[:60])
            )
        value = self.b.add(self.stack[-1], kind, options, [self.settle(t) for t in args], at=self.place(kind))
        facts = self.b.facts[value - len(self.b.inputs)]
        path = f"{self.stack[-1]}." if self.stack[-1] else ""
        # A module may say what it likes: its numbers have to be as many as the layer has.
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

    def without_values(self, thing: Any) -> Any:
        """Tensors that a forward pass makes itself, or keeps beside its buffers, as tensors without values."""
        if isinstance(thing, self.torch.Tensor):
            if thing.is_meta:
                return thing
            if id(thing) not in self.constants:
                empty = self.constants[id(thing)] = thing.to("meta")
                self.kept += [thing, empty]
                if thing.numel() <= MOST_FIXED:
                    self.numbers[id(empty)] = thing.detach()
            return self.constants[id(thing)]
        if type(thing) in (list, tuple):
            return type(thing)(self.without_values(item) for item in thing)
        if type(thing) is dict:
            return {key: self.without_values(item) for key, item in thing.items()}
        return thing

    def read_fixed(self, thing: Any) -> Any:
        """The numbers of a tensor that is not trained and depends on nothing; None where they are not known."""
        numbers = self.numbers.get(id(thing))
        return None if numbers is None or numbers.dtype is self.torch.bool or numbers.is_complex() else numbers

    def normalise(self, function: Any, args: Any, kwargs: Any) -> Any:
        """What a batch norm gives: the shape of what enters, for which PyTorch takes half of a network's time."""
        if function is not self.torch.nn.functional.batch_norm or len(args) < 2:
            return None
        x, mean = args[:2]
        training = args[5] if len(args) > 5 else kwargs.get("training", False)
        fits = mean is not None and not training and x.ndim > 1 and mean.shape == x.shape[1:2]
        return self.torch.empty_like(x) if fits else None

    def not_known(
        self, word: str, entering: Sequence[Any], results: Sequence[Any], reason: Problem | None = None
    ) -> list[Seen]:
        """Values of a function that no kind is; `reason` says it in better words than that it is not known."""
        if word in DECIDED:
            reason = self.say_decided(word)
        reads = list(dict.fromkeys(self.settle(t) for t in entering if id(t) in self.seen))
        found, said = [], len(self.b.unknowns)
        alone = any(seen is not None and seen.sample >= 0 for seen in map(self.of, entering))
        for tensor in results:
            shape = None if alone else self.shape_of(tensor)
            value = self.b.unknown(self.name(word), word, reads, shape, at=self.place(word))
            found.append(Seen(value, shape or ()))
        first = self.b.unknowns[said]  # said once, however many results there are
        self.b.unknowns[said:] = [first if reason is None else reason._replace(hint=reason.hint or first.hint)]
        for source in frozenset().union(*(self.sources(t) for t in entering)):
            self.owners.setdefault(source, found[0].value)
        return found

    def say_decided(self, word: str) -> Problem:
        """That values decide what a function gives, and what is behind it."""
        self.tail = self.tail or (len(self.b.nodes), len(self.b.unknowns))
        text = _("the values decide what {operator} gives", operator=word)
        problem = self.b.problem(self.place(), text, None)
        self.decided = self.decided or problem.problem
        return problem

    def check(self, word: str, tensor: Any, seen: Seen) -> None:
        """A layer's shape is PyTorch's."""
        if seen.shape and tuple(tensor.shape) != seen.lay_out(BATCH):
            ours, theirs = ("x".join(map(str, s)) for s in (seen.lay_out(BATCH), tensor.shape))
            self.b.fail(self.place(word), _("{theirs} comes out, and {ours} was worked out", theirs=theirs, ours=ours))

    def finish(self, result: Any) -> None:
        """The outputs; and weights that were read in a way that no layer accounts for."""
        found = [t for t in self.tensors_in(result) if self.depends(t)]
        for tensor in found:
            if id(tensor) not in self.seen:
                self.not_seen(tensor)
        if not found:
            self.b.fail("", _("no tensor that depends on the input comes out"))
        self.b.output(*(self.settle(t) for t in found))
        self.close()

    def learn(self, error: Exception) -> bool:
        """Whether the pass is worth another try, with wishes that this one did not know of."""
        if self.learn_apart():
            return True
        if list(self.b.inputs) == ["input"] and not self.wishes.mapping and isinstance(error, (TypeError, IndexError)):
            self.wishes.mapping = True  # one input that is called so may be meant by its name
            return True
        word, raised = self.failed
        if raised is error and word in ("embedding", "embedding_bag"):
            entering = [self.of(tensor) for tensor in self.flat_failed]
            names = [list(self.b.inputs)[seen.value] for seen in entering if seen and seen.value < len(self.b.inputs)]
            fresh = set(names) - self.wishes.indices
            self.wishes.indices |= fresh
            return bool(fresh)
        return False

    def learn_apart(self) -> bool:
        """Whether weights of an attention were asked for, which the next pass will have."""
        fresh = self.asked - self.wishes.apart
        self.wishes.apart |= fresh
        return bool(fresh)

    def explain_failure(self, error: Exception) -> tuple[str, bool]:
        """That the forward pass asks for values, where that is why it goes no further, and at which function first.

        And whether nothing is lost but what chooses among the results: no parameter is left that was not read.
        """
        word, raised = self.failed
        if raised is not error or word not in (*DECIDED, *ASKED):
            return "", False
        self.say_decided(word)
        read = any(self.stored[source][1] for source in self.used)
        return self.decided, word in OPEN_ENDED and read and not self.find_unread()

    def stop(self, reason: str, *, rest: bool) -> None:
        """The forward pass went no further: what nothing reads leaves the network, or enters what is not known.

        rest  with a row for what was not reached; else it has no parameters, and is said to be left out
        """
        if self.tail is not None:
            self.b.back_to(len(self.b.inputs) + self.tail[0])
            del self.b.unknowns[self.tail[1] :]
        # What nothing reads where the pass ended is as good as an output.
        read = {value for node in self.b.nodes for value in node.reads}
        ends = [value for value in range(len(self.b.shapes)) if value not in read]
        if not rest:
            self.b.output(*ends)
            self.b.remarks.append(_("what comes behind is left out, and has no parameters: {reason}", reason=reason))
            self.close()
            return
        behind = self.find_unread()
        for name in list(dict.fromkeys(behind.values())) or ["rest"]:
            part = dict(self.module.named_modules()).get(name)
            value = self.b.unknown(name, "rest" if part is None else type(part).__name__, ends, None, at=name)
            for source in [source for source, whole in behind.items() if whole == name]:
                self.used[source] = True
                self.owners[source] = value
            self.b.output(value)
        self.b.remarks.append(_("the forward pass goes no further: {reason}", reason=reason))
        self.close()

    def find_unread(self) -> dict[int, str]:
        """Trained tensors that were not read, each with the largest module of which none was."""
        unused = {s: name for s, (name, trained) in self.stored.items() if trained and s not in self.used}
        read = [name for s, (name, trained) in self.stored.items() if trained and s in self.used]
        return {s: part_without(name, read) for s, name in unused.items()}

    def close(self) -> None:
        """Weights that were read in a way that no layer accounts for; what is frozen, and what is never read."""
        for source in self.used:
            name, trained = self.stored[source]
            if trained and source not in self.owners:
                value = self.b.unknown(name, "parameter", [], None, at=_("parameter '{name}'", name=name))
                self.owners[source] = value
        self.count_unknown()
        self.freeze()
        self.say_unused()

    def count_unknown(self) -> None:
        """How many parameters are stored for what is not known: they are its own, whatever it does with them."""
        held: dict[int, int] = {}
        for source, value in self.owners.items():
            if self.stored[source][1]:
                held[value] = held.get(value, 0) + self.sizes[source]
        first = len(self.b.inputs)
        for i, node in enumerate(self.b.nodes):
            if isinstance(node.layer, Unknown):
                self.b.change(first + i, node.layer.replace(params=held.get(first + i, 0)))

    # --- what is said of layers besides

    def say_how_built(self, first: int, function: Any, kwargs: Any) -> None:
        """Whether the layers from `first` on are a module, a function or an operator; and whether one is in place."""
        inplace = bool(kwargs.get("inplace")) or writes_in_place(function)
        built = self.say_form(function)
        for i, node in enumerate(self.b.nodes[first:], first):
            if isinstance(node.layer, Unknown) or node.layer.kind in MOVED:
                continue
            usual = "operator" if len(node.reads) > 1 else "module"
            if inplace or built != usual:
                layer = node.layer.replace(built="" if built == usual else built, inplace=inplace)
                self.b.nodes[i] = node._replace(layer=layer)

    def say_form(self, function: Any) -> str:
        """How a call is written: in one of torch's own modules, as a function, or as a method or operator."""
        path = self.stack[-1]
        if path in self.exact:
            return "module"
        name = getattr(function, "__qualname__", "")
        of_tensors = name.startswith(("Tensor.", "TensorBase.", "_TensorBase.", "wrap_"))
        return "operator" if of_tensors or type(function).__name__.endswith("descriptor") else "function"

    def freeze(self) -> None:
        """Layers whose parameters are not trained, all or some of them. A kind's own fixed weights are none."""
        held: dict[int, int] = {}
        for source in self.frozen:
            if source in self.owners:
                held[self.owners[source]] = held.get(self.owners[source], 0) + self.sizes[source]
        for value, count in held.items():
            i = value - len(self.b.inputs)
            facts, layer = self.b.facts[i], self.b.nodes[i].layer
            count -= facts.fixed_params or 0
            if count > 0 and facts.params:  # of what is not known, nothing can be said
                self.b.change(value, layer.replace(frozen=True if count >= facts.params else count))

    def say_unused(self) -> None:
        """Parameters that the forward pass never reads, of which no layer is."""
        unused = self.find_unread()
        if unused:
            self.b.remarks.append(
                _(
                    "{count:,} parameters that the forward pass does not read are left out: {names}",
                    count=sum(self.sizes[s] for s in unused),
                    names=name_some(unused.values()),
                )
            )

    def say_unread(self) -> str:
        """The same, as what stands behind a place."""
        unread = self.find_unread()
        count = sum(self.sizes[s] for s in unread)
        return _("{names} with {count:,} parameters", names=name_some(unread.values()), count=count)


def name_some(names: Iterable[str]) -> str:
    """The first four of several names."""
    whole = list(dict.fromkeys(names))
    return ", ".join(whole[:4]) + (", ..." if len(whole) > 4 else "")


def part_without(name: str, others: Sequence[str]) -> str:
    """The largest module around a parameter that holds none of the others; or its own name."""
    parts = name.split(".")
    around = (".".join(parts[:depth]) for depth in range(1, len(parts)))
    return next((m for m in around if not any(other.startswith(f"{m}.") for other in others)), name)


def writes_in_place(function: Any) -> bool:
    """Whether a function's name says that it writes over its input: relu_, __iadd__."""
    name = getattr(function, "__name__", "")
    return (name.endswith("_") and not name.endswith("__")) or (name.startswith("__i") and name not in ("__invert__",))


def word_of(function: Any) -> str:
    """A function's name without underscores: `add_` and `__iadd__` are add and iadd; a property's is its own."""
    name: str = getattr(function, "__name__", type(function).__name__)
    if name == "__get__":
        name = getattr(getattr(function, "__self__", None), "__name__", name)
    return name.partition(".")[0].strip("_")  # add.Tensor is an overload of add


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
