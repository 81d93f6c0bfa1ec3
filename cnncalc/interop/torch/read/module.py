"""A PyTorch module as a graph: its forward pass is run once on tensors that have a shape and no values.

Every function of torch that it calls is noted, with the module in which it is called; functions.py says which
kind of layer each is. What Python does between the calls (loops, conditions on shapes) has then happened already. The
weights are replaced by tensors without memory meanwhile (device "meta"), and the module stays as it is.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from cnncalc.errors import CnncalcError, OptionError, Problem, Source, SpecError
from cnncalc.graph import Graph
from cnncalc.interop.builder import Builder
from cnncalc.interop.refusals import MissingPackageError
from cnncalc.interop.torch.read.ending import Wishes, explain_failure, finish, learn, learn_apart, stop
from cnncalc.interop.torch.read.table import BATCH
from cnncalc.interop.torch.read.trace import Trace
from cnncalc.language import _
from cnncalc.layers.base import Shape, shape_text
from cnncalc.spec import MAX_OPERATIONS
from cnncalc.spec.values import shape as read_shape


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

    # A module has no shapes until something enters.
    if not inputs:
        raise unusable(_("the shape that enters a PyTorch module is not known"), _("give it: --input 3x224x224"))
    try:
        entering = read_shapes(inputs)
    except OptionError as error:
        raise unusable(f"--input: {error.problem}", error.hint) from None
    # The first part is imported, the second looked up in it: net.py:models.Small.
    torch = package()
    home, _colon, name = spec.rpartition(":")
    # Whatever goes wrong in other people's code is theirs, a script that ends the program too.
    try:
        made = import_home(home)
    except (Exception, SystemExit) as error:
        raise unusable(_("{home} cannot be imported: {error}", home=home, error=tell(error))) from None
    try:
        for part in name.split("."):
            made = getattr(made, part)
        if not isinstance(made, torch.nn.Module):
            made = call_factory(torch, made)
    except (Exception, SystemExit) as error:
        raise unusable(
            _("it cannot be made: {error}", error=tell(error)),
            _("the factory is called without arguments, and has to give an nn.Module"),
        ) from None
    if not isinstance(made, torch.nn.Module):
        kind = type(made).__name__
        raise unusable(
            _("it gives an object of type {kind}, and no nn.Module", kind=kind), _("name a class or function that does")
        )
    try:
        return graph_of(made, entering, source=spec, max_operations=max_operations, allow_unknown=allow_unknown)
    except SpecError:
        raise
    except CnncalcError as error:
        raise unusable(str(error)) from None


def read_shapes(inputs: Mapping[str, Any]) -> Sequence[Shape] | Mapping[str, Shape]:
    """Shapes as they are written behind --input. Raises OptionError."""
    shapes = {name: read_shape(text) for name, text in inputs.items()}
    return shapes if "" not in shapes else [shapes[""]]


def import_home(home: str) -> Any:
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
        # Classes that are pickled or compared look their module up by name.
        sys.modules[found.name] = module
        found.loader.exec_module(module)
    return module


@contextmanager
def present_folder(folder: str) -> Iterator[None]:
    """A folder as the first in which modules are looked for, as Python has it for a script."""
    sys.path.insert(0, folder)
    try:
        yield
    finally:
        sys.path.remove(folder)


def call_factory(torch: Any, factory: Any) -> Any:
    """What the factory gives: without memory for its weights, unless it computes with them."""
    try:
        return call_without_memory(torch, factory)
    except Exception:  # a module that looks at its weights, or runs, while it is made
        return factory()


def call_without_memory(torch: Any, factory: Any) -> Any:
    """What the factory gives. Its weights are let go as soon as a module gets them, before they are filled."""
    from torch.utils.weak import WeakIdKeyDictionary

    register = torch.nn.Module.register_parameter
    stand_ins = WeakIdKeyDictionary()  # a parameter that two modules share stays one

    def without_memory(self: Any, name: str, parameter: Any) -> None:
        # Subclasses, as those of lazy modules, mean something: they are left alone.
        if type(parameter) is torch.nn.Parameter and not parameter.is_meta:
            if parameter not in stand_ins:
                empty = torch.nn.Parameter(parameter.to("meta"), requires_grad=parameter.requires_grad)
                stand_ins[parameter] = empty
            parameter = stand_ins[parameter]
        register(self, name, parameter)

    # Only while the factory runs: it is the same method for everybody.
    torch.nn.Module.register_parameter = without_memory
    try:
        return factory()
    finally:
        torch.nn.Module.register_parameter = register


def tell(error: BaseException) -> str:
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
    while isinstance(module, (torch.nn.DataParallel, torch.nn.parallel.DistributedDataParallel)):
        module = module.module  # the same network, on several devices
    title = type(module).__name__ if name is None else name
    if isinstance(module, torch.jit.ScriptModule):
        problem = _("{name} is compiled by torch.jit: what its forward pass calls cannot be followed", name=title)
        raise SpecError([Problem(problem, None, _("give the module that it was made of"))], Source(source or title, ""))
    module = make_whole(torch, module, shapes)
    named = shapes if isinstance(shapes, Mapping) else dict(zip(input_names(len(shapes)), shapes, strict=True))

    def run(tensors: Sequence[Any], stand_ins: Mapping[str, Any], trace: Trace) -> Any:
        arguments, by_name = bind_inputs(
            module, list(named), tensors, isinstance(shapes, Mapping), mapping=trace.wishes.mapping
        )
        with evaluating(module):
            return torch.func.functional_call(module, dict(stand_ins), arguments, by_name)

    return trace_of(module, named, run, title, source, max_operations=max_operations, allow_unknown=allow_unknown)


def trace_of(
    module: Any,
    shapes: Mapping[str, Shape],
    run: Callable[[Sequence[Any], Mapping[str, Any], Trace], Any],
    title: str,
    source: str,
    *,
    max_operations: int,
    allow_unknown: bool,
) -> Graph:
    """The graph of what `run` calls on tensors for the inputs, with others for what the module stores."""
    # Each try begins anew, as a forward pass cannot be taken up in the middle; every wish is granted once at most.
    torch = package()
    wishes = Wishes()
    failed: tuple[Trace, Exception] | None = None  # the first pass, whose words are those of the module as it is
    while True:
        b = Builder(title, source or title, max_operations=max_operations)
        trace = Trace(torch, module, b, wishes)
        tensors = [trace.enter(name, shape) for name, shape in shapes.items()]
        try:
            with trace, torch.no_grad():
                result = run(tensors, trace.stored.stand_ins, trace)
        except CnncalcError:
            raise
        except Exception as error:
            if not learn(trace, error):
                return end_early(
                    *(failed if failed and wishes.mapping else (trace, error)), allow_unknown=allow_unknown
                )
            failed = failed or (trace, error)
        else:
            finish(trace, result)
            if not learn_apart(trace):
                return b.graph(allow_unknown=allow_unknown)


def end_early(trace: Trace, error: Exception, *, allow_unknown: bool) -> Graph:
    """The network as far as the forward pass went. Raises SpecError where that is not enough."""
    b = trace.b
    # The pass may have failed at a look at values, which "meta" has not: then that is what is to be said.
    decided, complete = explain_failure(trace, error)
    problem = decided or b.problem(trace.here.place(), _("the forward pass fails: {error}", error=tell(error))).problem
    # Where only a choice among results is lost, all that has parameters was read: that needs no permission.
    if b.nodes and (allow_unknown or complete):
        stop(trace, problem, rest=allow_unknown)
        return b.graph(allow_unknown=allow_unknown)
    hint = _("it is run on 2 samples without values, at which it cannot look; --allow-unknown counts up to there")
    samples = next((x for x in b.inputs.values() if len(x) > 3 and (x[0] == 1 or x[0] != 3 == x[1])), None)
    if samples is not None and not decided:
        hint = _("samples are no axis here: write {value}, and --batch for more", value=shape_text(samples[1:]))
    if decided and trace.stored.find_unread():
        problem = _("{problem}; behind it: {names}", problem=problem, names=trace.stored.say_unread())
    raise SpecError([b.problem("", problem, hint)], Source(b.source, ""))


def make_whole(torch: Any, module: Any, shapes: Sequence[Shape] | Mapping[str, Shape]) -> Any:
    """The module; if it finds out sizes in its first forward pass, a copy that has done so."""
    lazy = torch.nn.parameter.is_lazy
    if not any(lazy(tensor) for tensor in (*module.parameters(), *module.buffers())):
        return module
    from copy import deepcopy

    sizes = list(shapes.values()) if isinstance(shapes, Mapping) else list(shapes)
    names = list(shapes) if isinstance(shapes, Mapping) else input_names(len(shapes))
    # Tensors without a size cannot be copied, and Module.to would make an empty one of them.
    held = [*module.parameters(), *module.buffers()]
    copy = deepcopy(module, {id(tensor): without_memory(torch, tensor) for tensor in held})
    tensors = [torch.empty((BATCH, *shape), device="meta") for shape in sizes]
    arguments, by_name = bind_inputs(copy, names, tensors, isinstance(shapes, Mapping))
    try:
        with evaluating(copy), torch.no_grad():
            copy(*arguments, **by_name)
    except Exception as error:
        problem = _(
            "its first forward pass, which finds out the sizes of lazy modules, fails: {error}", error=tell(error)
        )
        raise CnncalcError(problem) from None
    return copy


def without_memory(torch: Any, tensor: Any) -> Any:
    """A parameter or buffer without values; one without a size stays so."""
    if torch.nn.parameter.is_lazy(tensor):
        return type(tensor)(device="meta", dtype=tensor.dtype, requires_grad=tensor.requires_grad)
    if isinstance(tensor, torch.nn.Parameter):
        return torch.nn.Parameter(tensor.to("meta"), requires_grad=tensor.requires_grad)
    return tensor.to("meta")


def bind_inputs(
    module: Any, names: Sequence[str], tensors: Sequence[Any], named: bool, *, mapping: bool = False
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """What the forward pass is called with: tensors in order, by name, or all in one mapping if it takes just one."""
    from inspect import Parameter, signature

    if not named:
        if len(tensors) > 1:
            takes = signature(module.forward).parameters.values()
            if len(takes) == 1 and all(p.kind is Parameter.POSITIONAL_OR_KEYWORD for p in takes):
                return (list(tensors),), {}  # all in one list
        return tuple(tensors), {}
    given = dict(zip(names, tensors, strict=True))
    taken = signature(module.forward).parameters.values()
    if any(p.kind is Parameter.VAR_KEYWORD for p in taken) or given.keys() <= {p.name for p in taken}:
        return (), given
    # One argument that is needed takes all inputs in one mapping; else names are those of the user, and torch
    # complains.
    needed = [p for p in taken if p.default is Parameter.empty and p.kind is not Parameter.VAR_POSITIONAL]
    if len(needed) == 1 and list(names) == ["input"] and not mapping:
        return tuple(tensors), {}  # what one input is called anyway
    return ((given,), {}) if len(needed) == 1 else ((), given)


def input_names(count: int) -> list[str]:
    """What inputs without a name are called."""
    return ["input"] if count == 1 else [f"input{i + 1}" for i in range(count)]


@contextmanager
def evaluating(module: Any) -> Iterator[None]:
    """All modules in eval(), and afterwards as they were."""
    # Not by eval() and train(), which set all alike: a part that was frozen on purpose stays so.
    training = [part for part in module.modules() if part.training]
    for part in training:
        part.training = False
    try:
        yield
    finally:
        for part in training:
            part.training = True
