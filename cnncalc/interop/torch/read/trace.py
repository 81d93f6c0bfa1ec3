"""A forward pass, noted call by call: which function of torch ran in which module, on which values.

Tensors have a shape and no values. What comes out of a layer must have the shape that PyTorch gives: the two are
compared, call by call. A tensor that depends on the input and of which no value is known, or that was written over
behind the back of its value, is not known: see flow.py.

The trace is what handlers are given. Beside it stand where the pass is and what layers are called (position.py), what
the module stores (stored.py), the values of tensors (values.py), numbers (known.py), and how it ends (ending.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cnncalc.errors import CnncalcError, Problem, SpecError
from cnncalc.interop.builder import Builder
from cnncalc.interop.faults import fault_text, say_fault
from cnncalc.interop.layouts import Seen, settle
from cnncalc.interop.torch.read.calls import BEGUN, FILL, LIKE, VIEWED, tensors_in, word_of, writes_in_place
from cnncalc.interop.torch.read.ending import Wishes
from cnncalc.interop.torch.read.flow import FRESH, Flow
from cnncalc.interop.torch.read.known import Known, in_vmap
from cnncalc.interop.torch.read.making import as_value
from cnncalc.interop.torch.read.position import Position
from cnncalc.interop.torch.read.samples import JOINED, call_key, fills_on, find_sample
from cnncalc.interop.torch.read.stored import Stored
from cnncalc.interop.torch.read.table import ANYWHERE, BATCH, NotReadError, find_handler
from cnncalc.interop.torch.read.unknown import give_lost, give_open, give_unknown
from cnncalc.interop.torch.read.values import Values
from cnncalc.language import _
from cnncalc.layers import KINDS
from cnncalc.layers.base import Shape
from cnncalc.layers.unknown import Unknown

AS_LAYER = "cnncalc_layer"  # the method of a module that says which layer it is
# Kinds that are made where something needs them, long after the call that they come from.
MOVED = ("flatten", "reshape", "permute", "channel_shuffle", "slice", "split", "crop")


class Trace:
    """Notes every call of a function of torch while it is entered.

    here      where in the module it is
    stored    what the module stores
    values    the values of tensors
    flow      what depends on the input
    known     the numbers of tensors that depend on none
    wishes    what passes before this one would have needed
    hidden    how many of the modules around say themselves what they are: what they call is not noted
    standing  numbers that depend on no input, as the values that they have become
    mirrors   calls on the first sample alone, and what they give
    tail      where layers without weights begin that are of one sample, or behind what values decide: how many nodes
              and problems there were until then
    decided   the first function of which values decide what it gives, with its place
    failed    the function that raised an error, the error, and the tensors that entered it
    """

    def __init__(self, torch: Any, module: Any, b: Builder, wishes: Wishes | None = None) -> None:
        self.torch = torch
        self.module = module
        self.b = b
        self.wishes = wishes or Wishes()
        self.here = Position(torch, module, b)
        self.stored = Stored(torch, module)
        self.values = Values()
        self.flow = Flow(torch)
        self.known = Known(torch, self.flow, self.stored.buffers)

        self.hidden = 0
        self.standing: dict[Any, Seen] = {}
        self.mirrors: dict[Any, list[Seen]] = {}
        self.tail: tuple[int, int] | None = None
        self.decided = ""
        self.failed: tuple[str, Exception | None, list[Any]] = ("", None, [])
        self.attentions = 0  # calls of nn.MultiheadAttention so far
        self.asked: set[int] = set()  # those whose weights are asked for, and are not known

        self.dtype = next((p.dtype for p in module.parameters() if p.is_floating_point()), torch.get_default_dtype())
        self.mode = self.make_recorder()
        self.handles: list[Any] = []

    # --- torch tells it what runs

    def make_recorder(self) -> Any:
        """The mode through which torch sends every call of its functions."""
        trace = self

        class Recorder(self.torch.overrides.TorchFunctionMode):  # type: ignore[name-defined, misc]
            def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
                return trace.call(function, args, kwargs or {})

        return Recorder()

    def __enter__(self) -> Trace:
        def into(part: Any, _args: Any) -> None:
            self.here.stack.append(self.here.paths[id(part)])
            self.hidden += hasattr(part, AS_LAYER)

        def out(part: Any, args: Any, result: Any) -> None:
            if hasattr(part, AS_LAYER):
                self.hidden -= 1
                # Of several around each other that say what they are, the outermost is the layer.
                if not self.hidden:
                    self.take_word(part, args, result)
            self.here.stack.pop()

        for part in self.here.parts:
            self.handles += [part.register_forward_pre_hook(into), part.register_forward_hook(out)]
        self.flow.__enter__()
        self.mode.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self.mode.__exit__(*error)
        self.flow.__exit__(*error)
        for handle in self.handles:
            handle.remove()

    def call(self, function: Any, args: Any, kwargs: Any) -> Any:
        """What a function gives on tensors without values, and note of it."""
        # What has values meets the rest, which torch would not allow.
        if any(tensor.is_meta for tensor in self.tensors_in((args, kwargs))):
            args, kwargs = self.known.without_values(args), self.known.without_values(kwargs)
        known = self.known.answer(function, args, kwargs)
        if known is not None:
            return known
        result = self.normalise(function, args, kwargs)
        try:
            result = function(*args, **kwargs) if result is None else result
        except Exception as error:
            self.failed = (word_of(function), error, self.tensors_in((args, kwargs)))
            raise
        if not any(map(in_vmap, self.tensors_in((args, kwargs, result)))):
            self.note_call(function, args, kwargs, result)
            self.known.learn(function, args, kwargs, result)
        return result

    def normalise(self, function: Any, args: Any, kwargs: Any) -> Any:
        """What a batch norm gives: the shape of what enters, for which PyTorch takes half of a network's time."""
        if function is not self.torch.nn.functional.batch_norm or len(args) < 2:
            return None
        x, mean = args[:2]
        training = args[5] if len(args) > 5 else kwargs.get("training", False)
        # Whatever PyTorch would refuse goes to PyTorch, which says so.
        fits = mean is not None and not training and x.ndim > 1 and mean.shape == x.shape[1:2]
        return self.torch.empty_like(x) if fits else None

    # --- what handlers use, besides `b` and `here`

    def enter(self, name: str, shape: Shape) -> Any:
        """A tensor for an input."""
        value = self.b.input(name, shape)
        dtype = self.torch.long if name in self.wishes.indices else self.dtype
        tensor = self.torch.empty((BATCH, *shape), device="meta", dtype=dtype)
        self.flow.begin(tensor)
        self.values.keep(tensor, Seen(value, tuple(shape)))
        return tensor

    def of(self, thing: Any) -> Seen | None:
        """The value of a tensor; None for what is no tensor, or holds weights or constants."""
        return self.values.seen.get(id(thing))

    def settle(self, thing: Any) -> int:
        """The value of a tensor as it is seen."""
        return settle(self.b, self.values.seen[id(thing)], self.here.place())

    def depends(self, tensor: Any) -> bool:
        """Whether a tensor depends on the input."""
        return id(tensor) in self.values.seen or self.flow.depends(tensor)

    def tensors_in(self, thing: Any) -> list[Any]:
        """All tensors in lists, tuples and mappings."""
        return tensors_in(self.torch, thing)

    def kind_of(self, value: int) -> str:
        """The kind of the layer that gives a value."""
        return str(self.b.nodes[value - len(self.b.inputs)].layer.kind)

    def begin_tail(self) -> None:
        """From here on layers count only if one with weights comes behind them."""
        self.tail = self.tail or (len(self.b.nodes), len(self.b.unknowns))

    # --- a call

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
            self.b.fail(self.here.place(word) or word, _("cannot be read: {reason}", reason=reason))

    def note(self, word: str, args: Any, kwargs: Any, result: Any) -> None:
        """Note the values of what a function gives, and the stored tensors that it reads."""
        values, stored = self.values, self.stored
        written = self.take_written(word)
        results = self.tensors_in(result)
        if word == "setitem" or (word == "set" and not results):
            results = [args[0]]  # what is written over, and nothing comes out
        if not results or self.hidden:
            values.kept += results
            values.forget(written, (), word)
            return
        entering = self.tensors_in(args[:1] if word in LIKE else (args, kwargs))
        # Learned queries go through layers as an input does, though no input has come to them.
        if word in BEGUN and entering and not any(self.depends(t) for t in entering):
            self.begin(word, entering)
        # What has the shape of a tensor alone has none of its numbers.
        sources = stored.sources_of(entering) if word not in FRESH else frozenset()
        # Nothing of the input in it: arithmetic on weights, sizes and masks is no layer.
        if word in FRESH or not any(self.depends(t) for t in entering):
            for tensor in results if sources else ():
                values.kept.append(tensor)
                stored.derive(tensor, sources)
            return
        stored.read(sources)
        # Weights behind what values decide: the network goes on.
        if any(source in stored.trained for source in sources):
            self.tail = None
        if all(tensor.numel() == 0 for tensor in results):  # a part without elements, of which nothing can depend
            values.kept += results
            values.empty |= set(map(id, results))
            values.forget(written, results, word)
            return
        entering = [tensor for tensor in entering if id(tensor) not in values.empty]
        found = self.find_values(word, args, kwargs, entering, results, result)
        # Not before: a handler asks what was in the tensor that is written over.
        values.forget(written, results, word)
        for tensor, seen in zip(results, found, strict=False):
            self.check(word, tensor, seen)
            values.keep(tensor, seen)
        # A handler may know fewer results than torch gives: not the places of a maximum, say.
        for tensor in results[len(found) :]:
            values.lose(tensor, word)

    def take_written(self, word: str) -> Sequence[Any]:
        """The tensors that a function has written over."""
        written = self.flow.take_written()
        self.known.forget(written)
        self.values.note_written(written, word)
        return written

    def begin(self, word: str, entering: Sequence[Any]) -> None:
        """What depends on no input, and stands there for every sample, meets weights for every one of them: a value."""
        x = entering[0]
        first = x.ndim > 1 and x.shape[0] == BATCH and id(x) not in self.stored.names
        if not first or not any(self.stored.trained_sources(t) for t in entering[1:]):
            return
        # expand() gives the axis of the samples a stride of 0: learned queries, the same for each of them.
        if x.stride(0) == 0 or (word != "linear" and not self.stored.sources(x)):
            seen = as_value(self, x, Seen(-1, tuple(x.shape[1:])))
            if seen is not None:
                self.values.keep(x, seen)

    def find_values(
        self, word: str, args: Any, kwargs: Any, entering: Sequence[Any], results: Sequence[Any], result: Any
    ) -> list[Seen]:
        """What the results of a call are."""
        if word in VIEWED and fills_on(self, entering):
            return []
        for tensor in entering:
            filled = word in FILL and tensor is args[0]  # its handler knows what was in it before
            told = id(tensor) in self.values.places and word.startswith("max_unpool")
            if not filled and not told and self.of(tensor) is None and self.depends(tensor):
                give_lost(self, tensor)
        if any(not seen.base or not seen.shape for seen in map(self.of, entering) if seen is not None):
            return give_open(self, word, entering, results)
        made: Seen | list[Seen] | None = None
        reason: Problem | None = None
        try:
            made = self.handle(word, (args, kwargs, result), entering)
        except SpecError as error:  # the kind has no such option or shape: its own words say which
            reason = error.problems[0]
        except NotReadError as error:
            reason = self.say_not_read(word, str(error))
        except Exception as error:  # arguments of a form that the handler does not expect, or a fault of ours
            say_fault(error)
            reason = self.say_not_read(word, fault_text(error))
        if made is None:
            return give_unknown(self, word, entering, results, reason)
        return [seen if seen.base else Seen(seen.value, ()) for seen in ([made] if isinstance(made, Seen) else made)]

    def say_not_read(self, word: str, reason: str) -> Problem:
        """That a function is known, and not what is done with it here."""
        problem = _("this {operator} is not read here: {reason}", operator=word, reason=reason)
        return self.b.problem(self.here.place(word), problem, None)

    def handle(self, word: str, call: tuple[Any, Any, Any], entering: Sequence[Any]) -> Any:
        """What a function's handler makes of a call; None where there is none. Raises NotReadError."""
        handle = find_handler(word)
        if handle is None:
            return None
        elsewhere = any(not seen.plain for seen in map(self.of, entering) if seen is not None)
        # A handler that does not ask where the samples stand would take another axis for them.
        if elsewhere and word not in ANYWHERE:
            raise NotReadError(_("other axes stand in front of the samples, or in one with them"))
        return self.handle_samples(handle, word, call, entering)

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
        self.begin_tail()
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

    def check(self, word: str, tensor: Any, seen: Seen) -> None:
        """A layer's shape is PyTorch's."""
        if seen.shape and tuple(tensor.shape) != seen.lay_out(BATCH):
            ours, theirs = ("x".join(map(str, s)) for s in (seen.lay_out(BATCH), tensor.shape))
            text = _("{theirs} comes out, and {ours} was worked out", theirs=theirs, ours=ours)
            self.b.fail(self.here.place(word), text)

    def say_how_built(self, first: int, function: Any, kwargs: Any) -> None:
        """Whether the layers from `first` on are a module, a function or an operator; and whether one is in place."""
        inplace = bool(kwargs.get("inplace")) or writes_in_place(function)
        built = self.here.say_form(function)
        for i, node in enumerate(self.b.nodes[first:], first):
            if isinstance(node.layer, Unknown) or node.layer.kind in MOVED:
                continue
            # As people write it: `x + y`, and modules for the rest. What is usual is not said in a spec.
            usual = "operator" if len(node.reads) > 1 else "module"
            if inplace or built != usual:
                layer = node.layer.replace(built="" if built == usual else built, inplace=inplace)
                self.b.nodes[i] = node._replace(layer=layer)

    # --- a module that says which layer it is

    def take_word(self, part: Any, args: Any, result: Any) -> None:
        """What such a module says: (kind, options). Its weights are counted against what it holds."""
        b, here, stored = self.b, self.here, self.stored
        kind, options = getattr(part, AS_LAYER)()
        if kind not in KINDS or not all(map(self.of, args)) or not isinstance(result, self.torch.Tensor):
            text = _("it is no layer of tensors that are known: {kind}", kind=str(kind)[:60])
            b.fail(here.place(AS_LAYER), text)
        path = here.stack[-1]
        value = b.add(path, kind, options, [self.settle(t) for t in args], at=here.place(kind))
        facts = b.facts[value - len(b.inputs)]
        # A module may say what it likes: its numbers have to be as many as the layer has.
        inside = f"{path}." if path else ""
        own = [s for s, name in stored.names.items() if s in stored.trained and name.startswith(inside)]
        held, claimed = sum(stored.sizes[s] for s in own), (facts.params or 0) + (facts.fixed_params or 0)
        if held != claimed:
            problem = _(
                "it holds {held:,} numbers, and a {kind} has {claimed:,}", held=held, kind=kind, claimed=claimed
            )
            b.fail(here.place(AS_LAYER), problem)
        stored.owners.update(dict.fromkeys(own, value))
        stored.read(own)
        seen = Seen(value, b.shape(value))
        self.check(kind, result, seen)
        self.values.keep(result, seen)
