"""A PyTorch module as a graph: its forward pass is run once on tensors that have a shape and no values.

Every function of torch that it calls is noted, with the module in which it is called; torch_functions.py says which
kind of layer each is. What Python does between the calls (loops, conditions on shapes) has then happened already. The
weights are replaced by tensors without memory meanwhile (device "meta"), and the module stays as it is.

What comes out of a layer must have the shape that PyTorch gives: the two are compared, call by call.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from cnncalc.errors import CnncalcError, OptionError, Problem, Source, SpecError
from cnncalc.graph import Graph
from cnncalc.interop.builder import Builder
from cnncalc.interop.layouts import Seen, settle
from cnncalc.interop.onnx import MissingPackageError
from cnncalc.language import _
from cnncalc.layers import KINDS
from cnncalc.layers.base import Shape
from cnncalc.spec import MAX_OPERATIONS
from cnncalc.spec.values import shape as read_shape

BATCH = 2  # so that an axis of length 1 is none of samples


def package() -> Any:
    """The package `torch`. Raises MissingPackageError."""
    try:
        import torch
    except ImportError:
        raise MissingPackageError(_("a PyTorch module needs torch: pip install 'cnncalc[torch]'")) from None
    return torch


def read(
    spec: str, *, inputs: Mapping[str, Any], max_operations: int = MAX_OPERATIONS, allow_unknown: bool = False
) -> Graph:
    """The network of `package.module:factory`: the module is imported and the factory called without arguments.

    inputs  the shapes that enter, without the batch, as text: {"": "3x224x224"}

    This runs the code that is named, which is what was asked for. Raises SpecError.
    """

    def unusable(problem: str, hint: str | None = None) -> SpecError:
        return SpecError([Problem(problem, None, hint)], Source(spec, ""))

    if not inputs:
        raise unusable(_("the shape that enters a PyTorch module is not known"), _("give it: --input 3x224x224"))
    try:
        shapes: Any = {name: read_shape(text) for name, text in inputs.items()}
    except OptionError as error:
        raise unusable(f"--input: {error.problem}", error.hint) from None
    torch = package()
    home, _colon, name = spec.rpartition(":")
    try:
        made = imported(home)
        for part in name.split("."):
            made = getattr(made, part)
        if not isinstance(made, torch.nn.Module):
            made = called(torch, made)
    except (Exception, SystemExit) as error:
        raise unusable(
            _("it cannot be made: {error}", error=told(error)),
            _("the factory is called without arguments, and has to give an nn.Module"),
        ) from None
    if not isinstance(made, torch.nn.Module):
        kind = type(made).__name__
        raise unusable(
            _("it gives an object of type {kind}, and no nn.Module", kind=kind), _("name a class or function that does")
        )
    try:
        entering = shapes if "" not in shapes else [shapes[""]]
        return graph_of(made, entering, source=spec, max_operations=max_operations, allow_unknown=allow_unknown)
    except SpecError:
        raise
    except CnncalcError as error:
        raise unusable(str(error)) from None


def imported(home: str) -> Any:
    """A module by its name, or by the file it stands in, looked for in the present folder first."""
    if not home.endswith(".py"):
        from importlib import import_module

        with present_folder(os.getcwd()):
            return import_module(home)
    from importlib.util import module_from_spec, spec_from_file_location

    found = spec_from_file_location(os.path.basename(home)[:-3], home)
    assert found is not None
    assert found.loader is not None
    module = module_from_spec(found)
    with present_folder(os.path.dirname(os.path.abspath(home))):
        sys.modules[found.name] = module
        found.loader.exec_module(module)
    return module


@contextmanager
def present_folder(folder: str) -> Iterator[None]:
    sys.path.insert(0, folder)
    try:
        yield
    finally:
        sys.path.remove(folder)


def called(torch: Any, factory: Any) -> Any:
    """What the factory gives. Its weights are let go as soon as a module gets them, before they are filled."""
    from torch.utils.weak import WeakIdKeyDictionary

    register = torch.nn.Module.register_parameter
    stand_ins = WeakIdKeyDictionary()  # a parameter that two modules share stays one

    def without_memory(self: Any, name: str, parameter: Any) -> None:
        if type(parameter) is torch.nn.Parameter and not parameter.is_meta:
            if parameter not in stand_ins:
                empty = torch.nn.Parameter(parameter.to("meta"), requires_grad=parameter.requires_grad)
                stand_ins[parameter] = empty
            parameter = stand_ins[parameter]
        register(self, name, parameter)

    torch.nn.Module.register_parameter = without_memory
    try:
        return factory()
    finally:
        torch.nn.Module.register_parameter = register


def told(error: BaseException) -> str:
    """An error of other people's code, in one line."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text[:200]}" if text else type(error).__name__


def shapes_of(given: Any) -> Sequence[Shape] | Mapping[str, Shape]:
    """The shapes that enter: one, several, or several by name. Raises CnncalcError."""
    try:
        if isinstance(given, Mapping):
            return {str(name): tuple(int(n) for n in shape) for name, shape in given.items()}
        if isinstance(given, str):
            return [read_shape(given)]
        listed = list(given)
        if all(isinstance(n, int) for n in listed):
            return [tuple(listed)]
        return [tuple(int(n) for n in shape) for shape in listed]
    except (TypeError, ValueError, OptionError):
        raise CnncalcError(_("an input shape is a tuple of numbers without the batch: (3, 224, 224)")) from None


def graph_of(
    module: Any,
    shapes: Sequence[Shape] | Mapping[str, Shape],
    *,
    name: str | None = None,
    source: str = "",
    allow_unknown: bool = False,
    max_operations: int = MAX_OPERATIONS,
) -> Graph:
    """The graph of an nn.Module on inputs of these shapes, in eval(). Raises SpecError."""
    torch = package()
    if not isinstance(module, torch.nn.Module):
        raise CnncalcError(_("an object of type {kind} is no nn.Module", kind=type(module).__name__))
    title = type(module).__name__ if name is None else name
    b = Builder(title, source or title, max_operations=max_operations)
    trace = Trace(torch, module, b)
    names = list(shapes) if isinstance(shapes, Mapping) else input_names(len(shapes))
    sizes = list(shapes.values()) if isinstance(shapes, Mapping) else list(shapes)
    tensors = [trace.enter(name, shape) for name, shape in zip(names, sizes, strict=True)]
    arguments = {} if not isinstance(shapes, Mapping) else dict(zip(names, tensors, strict=True))
    try:
        with evaluating(module), trace, torch.no_grad():
            result = torch.func.functional_call(module, trace.stand_ins, () if arguments else tuple(tensors), arguments)
    except CnncalcError:
        raise
    except Exception as error:
        b.fail(
            trace.place(),
            _("the forward pass fails: {error}", error=told(error)),
            _("it is run on tensors without values, so that it cannot look at them"),
        )
    trace.finish(result)
    return b.graph(allow_unknown=allow_unknown)


def input_names(count: int) -> list[str]:
    return ["input"] if count == 1 else [f"input{i + 1}" for i in range(count)]


@contextmanager
def evaluating(module: Any) -> Iterator[None]:
    """All modules in eval(), and afterwards as they were."""
    training = [part for part in module.modules() if part.training]
    for part in training:
        part.training = False
    try:
        yield
    finally:
        for part in training:
            part.training = True


class Trace:
    """Notes every call of a function of torch while it is entered; `seen` has the values of tensors by identity."""

    def __init__(self, torch: Any, module: Any, b: Builder) -> None:
        from cnncalc.interop import torch_arithmetic, torch_views  # noqa: F401 - they fill the table
        from cnncalc.interop.torch_functions import FUNCTIONS

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
        self.paths: dict[int, str] = {id(part): path for path, part in module.named_modules()}
        self.parts = list(module.modules())
        self.leaves = {self.paths[id(part)] for part in self.parts if self.is_leaf(part)}
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

        def out(part: Any, _args: Any, _result: Any) -> None:
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
        if path in self.leaves:
            return path
        return f"{path}.{kind}" if path else kind

    def behind(self, value: int, kind: str) -> str:
        """What an activation is called: as its module; without one after the layer that it follows, `conv1/relu`."""
        node = value - len(self.b.inputs)
        if self.stack[-1] in self.leaves or node < 0 or not KINDS[kind].inline:
            return self.name(kind)
        owner, _stroke, last = self.b.nodes[node].name.rpartition("/")
        alone = not owner or last not in KINDS or not KINDS[last].appendable
        return f"{self.b.nodes[node].name if alone else owner}/{kind}"

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
        if not results:
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

    def normalised(self, function: Any, args: Any, kwargs: Any) -> Any:
        """What a batch norm gives, which has the shape of what enters. PyTorch takes half of a network's time to say so."""
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
