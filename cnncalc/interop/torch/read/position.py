"""Where a pass stands in the module, and what the layers that are made there are called."""

from __future__ import annotations

from typing import Any

from cnncalc.interop.builder import Builder
from cnncalc.language import _
from cnncalc.layers import KINDS

# Where modules stand that are one layer each: those of torch, and the one of torchvision.
MODULES = ("torch.nn.modules.", "torchvision.ops.deform_conv")


class Position:
    """The module whose forward pass runs now, with all around it.

    stack   the paths of these modules, the innermost last; "" is the whole
    parts   all modules, and `paths` their names, by identity
    leaves  paths of modules that are one layer each, their subclasses too: their names are the layers'
    exact   those that are torch's own, of which the names of functions can be told
    pads    those of them that pad by themselves
    """

    def __init__(self, torch: Any, module: Any, b: Builder) -> None:
        self.b = b
        self.stack: list[str] = [""]
        self.parts = list(module.modules())
        self.paths: dict[int, str] = {id(part): path for path, part in module.named_modules()}
        self.leaves = {self.paths[id(part)] for part in self.parts if is_leaf(part)}
        own = {self.paths[id(part)] for part in self.parts if type(part).__module__.startswith(MODULES)}
        # Attention is one layer, though its last projection is a module inside it.
        heads = torch.nn.MultiheadAttention
        self.exact = own & (self.leaves | {self.paths[id(part)] for part in self.parts if type(part) is heads})
        self.pads = {path for path in self.leaves if "Pad" in type(module.get_submodule(path)).__name__}

    def add_leaf(self, path: str) -> None:
        """Note that a path is a module of torch's own that is one layer, though no such module is there to be asked."""
        self.leaves.add(path)
        self.exact.add(path)

    def name(self, kind: str) -> str:
        """What a layer is called: as its module, or by its kind inside a module of several."""
        path = self.stack[-1]
        # A convolution that pads by reflection calls pad() first: the name is the convolution's.
        if path in self.leaves and (kind != "pad" or path in self.pads):
            return path
        return f"{path}.{kind}" if path else kind

    def name_behind(self, value: int, kind: str) -> str:
        """What an activation is called: as its module; without one after the layer that it follows, `conv1/relu`."""
        node = value - len(self.b.inputs)
        if self.stack[-1] in self.leaves or node < 0 or not KINDS[kind].inline:
            return self.name(kind)
        name = before = self.b.nodes[node].name
        # Behind conv1/batchnorm, or conv1_batchnorm, it is conv1/relu too.
        for last in ("/", "_"):
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

    def say_form(self, function: Any) -> str:
        """How a call is written: in one of torch's own modules, as a function, or as a method or operator."""
        if self.stack[-1] in self.exact:
            return "module"
        name = getattr(function, "__qualname__", "")
        of_tensors = name.startswith(("Tensor.", "TensorBase.", "_TensorBase.", "wrap_"))
        return "operator" if of_tensors or type(function).__name__.endswith("descriptor") else "function"


def is_leaf(part: Any) -> bool:
    """One of torch's own modules or a subclass of one, without modules inside: its name is the layer's."""
    # The last two of its classes are nn.Module, which stands in torch.nn.modules too, and object.
    inside = next(part.children(), None)
    return inside is None and any(c.__module__.startswith(MODULES) for c in type(part).__mro__[:-2])
