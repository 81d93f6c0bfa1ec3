"""Programs that torch.export made, from a file .pt2 or from Python: what they call is what a module calls.

An archive is read by torch itself, after a look that nothing in it runs (archive.py). A program that was exported on
one sample alone has that 1 in the sizes of its views: where it is run on two samples, it becomes 2.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from math import prod
from typing import Any

from cnncalc.errors import CnncalcError, Problem, Source, SpecError
from cnncalc.graph import Graph
from cnncalc.interop.builder import other_axes
from cnncalc.interop.torch.read.archive import ArchiveError, look_into
from cnncalc.interop.torch.read.module import (
    evaluating,
    input_names,
    package,
    read_shapes,
    tell,
    trace_of,
)
from cnncalc.interop.torch.read.table import BATCH
from cnncalc.language import _
from cnncalc.layers.base import Shape
from cnncalc.spec import MAX_OPERATIONS

# A program has no modules any more: the classes that its calls came from say which of them are one layer.
SEVERAL = ("Sequential", "ModuleList", "ModuleDict", "MultiheadAttention", "Transformer")  # modules of several layers
RESIZED = ("view", "reshape", "_unsafe_view", "unflatten")  # of these the last argument is a list of sizes
MADE = ("zeros", "ones", "full", "empty", "arange", "linspace", "scalar_tensor")
BY_NAME = (
    "batch_norm",
    "instance_norm",
    "layer_norm",
    "group_norm",
    "embedding",
)  # arguments in another order, or more


def read(
    spec: str, *, inputs: Mapping[str, Any], max_operations: int = MAX_OPERATIONS, allow_unknown: bool = False
) -> Graph:
    """The network of a file that torch.export.save wrote. Raises SpecError."""

    def unusable(problem: str, hint: str | None = None) -> SpecError:
        return SpecError([Problem(problem, None, hint)], Source(spec, ""))

    torch = package()
    try:
        look_into(torch, spec)
    except ArchiveError as error:
        raise unusable(str(error), error.hint) from None
    except Exception as error:  # of torch's reader
        raise unusable(_("it cannot be read as an archive: {error}", error=tell(error))) from None
    try:
        with without_warnings():  # torch logs the traceback of what it cannot read
            program = torch.export.load(spec)
    except Exception as error:
        raise unusable(_("torch cannot read it: {error}", error=tell(error))) from None
    try:
        shapes = read_shapes(inputs) if inputs else None
        return graph_of(program, shapes, source=spec, max_operations=max_operations, allow_unknown=allow_unknown)
    except SpecError:
        raise
    except CnncalcError as error:
        raise unusable(str(error)) from None


@contextmanager
def without_warnings() -> Iterator[None]:
    """Nothing is logged below an error. What was settled before is afterwards as it was."""
    before = logging.root.manager.disable
    logging.disable(max(before, logging.WARNING))
    try:
        yield
    finally:
        logging.disable(before)


def graph_of(
    program: Any,
    shapes: Sequence[Shape] | Mapping[str, Shape] | None,
    *,
    name: str | None = None,
    source: str = "",
    allow_unknown: bool = False,
    max_operations: int = MAX_OPERATIONS,
) -> Graph:
    """The graph of a torch.export.ExportedProgram, on its own input shapes unless others are given.

    Raises SpecError.
    """
    torch = package()
    module = program.module(check_guards=False)
    module._forward_pre_hooks.clear()  # the program's own look at its inputs: it may be made for one sample alone
    entering = [node for node in module.graph.nodes if node.op == "placeholder"]
    own = {node.target: shape_of(torch, node) for node in entering}
    if shapes is None:
        asked = [name for name, shape in own.items() if not all(type(n) is int for n in shape)]
        if asked:
            problem = _("the input '{name}' has sizes that are open", name=asked[0])
            raise SpecError([Problem(problem, None, _("give it: --input 3x224x224"))], Source(source or name or "", ""))
        shapes = list(own.values())
    if len(shapes) != len(own):
        raise CnncalcError(_("its inputs are {count}: {names}", count=len(own), names=", ".join(own)))
    if not isinstance(shapes, Mapping):
        shapes = dict(zip(own if len(own) > 1 else input_names(1), shapes, strict=True))
    for (name_, shape), usual in zip(shapes.items(), own.values(), strict=True):
        other = other_axes(shape, len(usual))
        if other is not None:
            problem = _("input '{name}': {problem}", name=name_, problem=other[0])
            raise SpecError([Problem(problem, None, other[1])], Source(source or name or "", ""))

    def run(tensors: Sequence[Any], stand_ins: Mapping[str, Any], trace: Any) -> Any:
        runner = Runner(torch, module, trace)
        module.forward = runner.run
        try:
            with evaluating(module):
                return torch.func.functional_call(module, dict(stand_ins), tuple(tensors))
        finally:
            del module.forward

    # A program has no name of its own.
    title = name or "program"
    return trace_of(module, shapes, run, title, source, max_operations=max_operations, allow_unknown=allow_unknown)


def shape_of(torch: Any, node: Any) -> tuple[Any, ...]:
    """The shape of an input without its samples."""
    value = node.meta.get("val")
    if not isinstance(value, torch.Tensor) or value.ndim < 2:
        raise CnncalcError(_("its input {name} is no tensor with samples in front", name=node.target))
    return tuple(value.shape[1:])


class Runner:
    """Runs a program call by call, each in the module that it was exported from."""

    def __init__(self, torch: Any, module: Any, trace: Any) -> None:
        runner = self
        self.torch, self.trace = torch, trace
        self.node: Any = None

        class Interpreter(torch.fx.Interpreter):  # type: ignore[misc, unused-ignore]
            def run_node(self, node: Any) -> Any:
                runner.node = node
                path, kind = runner.place(node)
                trace.here.stack.append(path)
                if kind.startswith("torch.nn.modules.") and not any(word in kind for word in SEVERAL):
                    trace.here.add_leaf(path)
                try:
                    return super().run_node(node)
                finally:
                    trace.here.stack.pop()

            def call_function(self, target: Any, args: Any, kwargs: Any) -> Any:
                args, kwargs = runner.resize(target, args, kwargs)
                return super().call_function(target, args, kwargs)

        self.interpreter = Interpreter(module)

    def run(self, *tensors: Any) -> Any:
        """The forward pass of the program."""
        return self.interpreter.run(*tensors)

    @staticmethod
    def place(node: Any) -> tuple[str, str]:
        """The innermost module that a call was made in, and its class."""
        stack = list((node.meta.get("nn_module_stack") or {}).values())
        if not stack:
            return "", ""
        path, kind = stack[-1]
        # The second call of a module is `block@1`, the third `block@2`: they have the same weights.
        return str(path).partition("@")[0], kind if isinstance(kind, str) else f"{kind.__module__}.{kind.__qualname__}"

    def resize(self, target: Any, args: Any, kwargs: Any) -> tuple[Any, Any]:
        """The arguments of a call, with sizes that were those of one sample as those of two."""
        word = getattr(target, "__name__", "").partition(".")[0]
        # The program names the device that it was exported on; here everything is on `meta`, where nothing is computed.
        if word in MADE:
            return args, {**kwargs, "device": "meta"}
        # aten.batch_norm has weight and bias in front of the running mean, torch.nn.functional behind the variance.
        if word in BY_NAME:
            names = [argument.name for argument in target._schema.arguments]
            return (), dict(zip(names, args, strict=False)) | kwargs
        if word in ("view", "reshape") and self.goes_through(args):
            return (args[0], [*args[0].shape[:2], args[1][-1]]), kwargs
        if word in RESIZED and isinstance(args[0], self.torch.Tensor):
            # With a -1 in it the size is worked out anew by itself.
            sizes = list(args[-1])
            inner = args[0].shape[args[1]] if word == "unflatten" else args[0].numel()
            if -1 not in sizes and prod(sizes) * BATCH == inner:
                return (*args[:-1], self.double_one(args[0], sizes)), kwargs
        if word in ("lstm", "gru", "rnn_tanh") and len(args) > 1:
            # The last argument of aten.lstm and its like is batch_first.
            first = 0 if args[-1] else 1
            count = args[0].shape[first]
            states = [self.widen(state, count) for state in (args[1] if isinstance(args[1], list) else [args[1]])]
            return (args[0], states if isinstance(args[1], list) else states[0], *args[2:]), kwargs
        # A class token was expanded to the one sample of the export, and meets two here.
        if word == "cat" and len({t.shape[0] for t in args[0]}) > 1 and (len(args) > 1 and args[1] != 0):
            return ([t.expand(BATCH, *t.shape[1:]) if t.shape[0] == 1 else t for t in args[0]], *args[1:]), kwargs
        return args, kwargs

    def goes_through(self, args: Any) -> bool:
        """Whether steps and samples become one axis for a linear layer alone, which does not mind if they stay two."""
        x, sizes = args[:2]
        seen = self.trace.of(x) if isinstance(x, self.torch.Tensor) else None
        if seen is None or len(sizes) != 2 or seen.lead != 1 or x.ndim < 3 or seen.folded:
            return False
        # As torch.export decomposes a linear layer of sequences: view, linear, view back.
        names = [getattr(user.target, "__name__", "").partition(".")[0] for user in self.node.users]
        behind = [user for linear in self.node.users for user in linear.users]
        return names == ["linear"] and all(getattr(u.target, "__name__", "").startswith("view") for u in behind)

    def double_one(self, tensor: Any, sizes: list[int]) -> list[int]:
        """Sizes of which one is twice as large: the first that keeps the samples apart."""
        seen = self.trace.of(tensor)
        for i in range(len(sizes)):
            found = [n * BATCH if i == j else n for j, n in enumerate(sizes)]
            arranged = seen and seen.arrange(found, BATCH)
            if seen is None or (arranged is not None and not arranged.front):
                return found
        return sizes

    def widen(self, state: Any, count: int) -> Any:
        """A state of one sample, for as many samples: zeros stay zeros."""
        if state.shape[1] == count or not self.trace.flow.is_zero(state):
            return state
        return self.torch.zeros((state.shape[0], count, *state.shape[2:]), device=state.device, dtype=state.dtype)
