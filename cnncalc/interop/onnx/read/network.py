"""The network while a model is read: what every name of the model stands for, and the layers that were added.

This is what the readers of operators work with. They add layers for an operator by `net.add`, ask for what enters by
`net.tensor`, `net.weight` and the like, and raise NotReadError, with the reason, for what no layer is.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NoReturn

from cnncalc.errors import CnncalcError
from cnncalc.interop.builder import Builder
from cnncalc.interop.onnx.read.arrays import array, raw_of
from cnncalc.interop.onnx.read.constants import Constant
from cnncalc.interop.onnx.read.file import ModelData, NodeData, TensorData, place
from cnncalc.interop.onnx.read.layout import Tensor, plain
from cnncalc.interop.onnx.read.trained import FLOATS, fills_slot, find_missing, find_said, is_trained
from cnncalc.language import _
from cnncalc.layers import KINDS
from cnncalc.layers.base import Layer
from cnncalc.spec.build.sharing import OF_ITS_OWN

Value = Tensor | Constant
NEWEST = 26  # operator set
MEANINGLESS = (
    "", "main_graph", "torch-jit-export", "torch_jit", "tf2onnx", "graph", "model", "network", "main", "onnx",
)  # fmt: skip
CUTS = ("Slice", "Gather", "Split")  # a part of a tensor is stored once, and so is another part


class NotReadError(CnncalcError):
    """An operator, or a use of one, that no kind of layer is; with the shape that comes out, if that is known."""

    def __init__(self, reason: str, dims: Sequence[int] | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.dims = None if dims is None else tuple(dims)


class Network:
    """What is known of a model so far.

    Of the model:
    folder         where files with weights stand beside it
    by_pytorch     whether PyTorch's exporter wrote it
    opset          its operator set
    batch          the samples that enter, one unless the file or the user says more
    as_declared    whether the inputs have the shapes that the model says
    said           stored tensors of which the file says whether they are trained
    missing        parameters that the exporter did not write

    Of its operators:
    values         what every name stands for so far
    readers        the operators that read a name
    outputs        names that leave the model
    names          what an operator's layer is called, by identity
    modules        the module that an operator came from, as far as the file says it, by identity
    split          weights that several operators use, each with another bias
    movers         the operator after which the axes of a map lie so
    sequences      lists of parts of a tensor along an axis
    states         last states of recurrent layers: their samples are the second axis
    places         of the places of largest elements: the map that was pooled, and how
    absorbed       results that another one's layer has taken in

    Of the layers that were added:
    stored         the tensors that they store: by the value of the layer and the name of the array
    owners         the layer that stores these tensors
    owner_modules  the module that such a layer came from
    roots          of a tensor with products: the layer that stores it, and in what form
    folded_norms   norms that are gone into convolutions
    left_out       operators on which no output depends
    decided        results of an `If` whose condition is constant: whether it holds
    loose          tensors that count as trained by the rule alone
    """

    def __init__(self, spec: str, model: ModelData, max_operations: int) -> None:
        name = model.graph.name if model.graph else ""
        stem = os.path.splitext(os.path.basename(spec))[0]
        self.builder = Builder(stem if name in MEANINGLESS else name, spec, max_operations=max_operations)
        self.folder = os.path.dirname(spec)
        self.by_pytorch = model.producer == "pytorch"
        self.opset = model.opsets.get("", NEWEST)
        self.batch = 1
        self.as_declared = True
        self.said = find_said(model.graph) if model.graph else {}
        self.missing = find_missing(model.graph) if model.graph else []

        self.values: dict[str, Value] = {}
        self.readers: dict[str, list[NodeData]] = {}
        self.outputs: set[str] = set()
        self.names: dict[int, str] = {}
        self.modules: dict[int, str] = {}
        self.split: set[str] = set()
        self.movers: dict[tuple[int, Any], NodeData] = {}
        self.sequences: dict[str, tuple[Tensor, int, list[int]]] = {}
        self.states: set[str] = set()
        self.places: dict[str, tuple[int, dict[str, Any]]] = {}
        self.absorbed: dict[str, str] = {}

        self.stored: dict[tuple[int, str], Constant] = {}
        self.owners: dict[tuple[Any, ...], int] = {}
        self.owner_modules: dict[int, str] = {}
        self.roots: dict[str, tuple[int, Any]] = {}
        self.folded_norms = 0
        self.left_out = 0
        self.decided: dict[tuple[str, ...], bool] = {}
        self.opened = 0  # of these, whose branch stands in their place
        self.loose: list[str] = []

    # --- what enters an operator

    def constant(self, stored: TensorData, name: str = "") -> Constant:
        """A tensor of the file, whose values are not read."""
        # Whole numbers are shapes and places, and never trained.
        roots = (name,) if name and stored.dtype in FLOATS else ()
        said = self.said.get(name)
        return Constant(stored.dims, lambda: array(stored, self.folder), roots, raw_of(stored), name=name, said=said)

    def tensor(self, node: NodeData, i: int = 0) -> Tensor:
        """An input that is computed. Raises NotReadError where it is none."""
        value = self.values.get(node.inputs[i]) if i < len(node.inputs) else None
        if value is None:
            raise NotReadError(_("its input {i} is missing", i=1 + i))
        if not isinstance(value, Tensor):
            raise NotReadError(_("its input {i} is a constant, not computed", i=1 + i))
        if value.axes is None:
            raise NotReadError(_("the shape of its input {i} is not known", i=1 + i))
        return value

    def optional(self, node: NodeData, i: int) -> Constant | None:
        """An input that is a constant, or is not there. Raises NotReadError where it is computed."""
        if i >= len(node.inputs) or not node.inputs[i]:
            return None
        value = self.values[node.inputs[i]]
        if not isinstance(value, Constant):
            raise NotReadError(_("its input {i} is computed, and no constant", i=1 + i))
        return value

    def weight(self, node: NodeData, i: int) -> Constant:
        """An input that is a constant. Raises NotReadError where it is computed, or made of several tensors."""
        found = self.optional(node, i)
        if found is None:
            raise NotReadError(_("its input {i} is missing", i=1 + i))
        if found.mixed:
            names = ", ".join(found.roots[:4])
            raise NotReadError(_("its input {i} is worked out of several tensors: {names}", i=1 + i, names=names))
        return found

    def numbers(self, node: NodeData, i: int, attribute: str) -> list[int] | None:
        """Whole numbers that are an input in new operator sets, and an attribute in old ones."""
        found = self.optional(node, i)
        if found is not None:
            return found.whole()
        listed = node.attributes.get(attribute)
        return None if listed is None else list(listed)

    def is_trained(self, constant: Constant) -> bool:
        """Whether a tensor that stands alone is trained: the rule of trained.py."""
        return is_trained(constant, by_pytorch=self.by_pytorch)

    def affine(self, node: NodeData, scale: int, shift: int) -> dict[str, Constant]:
        """The scale and the shift of a norm by these inputs, as far as they are trained."""
        found = {"gamma": self.optional(node, scale), "beta": self.optional(node, shift)}
        return {name: array for name, array in found.items() if array is not None and fills_slot(array)}

    def number_of(self, name: str) -> float | None:
        """The number that a name stands for, before anything is run; None if it is none, or trained."""
        value = self.values.get(name)
        # Nothing is fused over a number that trains; and a mask of a million ones is none.
        if not isinstance(value, Constant) or value.size > 64 or self.is_trained(value):
            return None
        return value.number()

    def shape(self, x: Tensor) -> tuple[int, ...]:
        """The shape of the map that a tensor is, (C, *size)."""
        return self.builder.shape(x.value)

    def kind_of(self, value: int) -> str:
        """The kind of the layer that gives a value."""
        return self.builder.nodes[value - len(self.builder.inputs)].layer.kind

    def find_next(self, node: NodeData, operator: str) -> NodeData | None:
        """The one operator that reads a result, if it is this one and the result goes nowhere else."""
        name = node.outputs[0]
        # An operator of another domain may have the same name.
        found = self.readers.get(name, [])
        if len(found) != 1 or name in self.outputs or found[0].operator != operator or found[0].domain:
            return None
        return found[0]

    # --- what comes out

    def see(self, value: int) -> Tensor:
        """A value of the network as a tensor with its axes as they are."""
        shape = self.builder.shape(value)
        return Tensor(value, plain(shape, self.batch) if shape else None)

    def add(
        self,
        node: NodeData,
        kind: str,
        options: Mapping[str, Any] | None = None,
        reads: Sequence[int] = (),
        arrays: Mapping[str, Constant | None] | None = None,
        part: str = "",
    ) -> int:
        """A layer for an operator, or for a part of one; `arrays` are the tensors that it stores."""
        name = self.names.get(id(node), "")
        # An operator that is several layers here: each is called below it.
        if part:
            name = f"{name.rstrip('/')}/{part}" if name.strip("/") else ""
        # What several layers use is one's own, and the others' by reference.
        kept = {key: array for key, array in (arrays or {}).items() if array is not None}
        owner = self._owner(node, kind, options, kept) if kept else None
        value = self.builder.add(name, kind, options, reads, at=place(node), weights_of=owner)
        if kept and owner is None:
            self._own(node, kind, kept, value)
        self.stored.update({(value, key): array for key, array in kept.items()})
        return value

    def apply(
        self,
        node: NodeData,
        x: Tensor,
        kind: str,
        options: Mapping[str, Any] | None = None,
        arrays: Mapping[str, Constant | None] | None = None,
        part: str = "",
    ) -> Tensor:
        """A layer after which the axes lie as before: of each element by itself, say."""
        return Tensor(self.add(node, kind, options, [x.value], arrays, part), x.axes)

    def move(self, node: NodeData, kind: str, options: Mapping[str, Any], value: int) -> int:
        """A layer that only moves elements about; two readers of the same value have one."""
        return self.builder.move(value, kind, options, lambda: self.add(node, kind, options, [value]))

    def refuse(self, node: NodeData, problem: str, hint: str | None = None) -> NoReturn:
        """Raise SpecError: the model contradicts itself at an operator."""
        self.builder.fail(place(node), problem, hint)

    def complete(self, node: NodeData, value: int, layer: Layer, arrays: Mapping[str, Constant]) -> None:
        """Another layer of the same shape in the place of one, which stores what a later operator multiplies with."""
        owner = self._owner(node, layer.kind, {k: v for k, v in vars(layer).items() if k in layer.options}, arrays)
        self.builder.change(value, layer, owner)
        if owner is None:
            self._own(node, layer.kind, arrays, value)
        self.stored.update({(value, name): array for name, array in arrays.items()})

    def mark(self) -> tuple[int, int]:
        """Where the network stands, for `back_to`."""
        return len(self.builder.shapes), len(self.absorbed)

    def back_to(self, mark: tuple[int, int]) -> None:
        """Take back what was added since: by a reader that found out too late that it cannot read its operator."""
        first, absorbed = mark
        self.builder.back_to(first)
        self.stored = {key: array for key, array in self.stored.items() if key[0] < first}
        self.owners = {key: value for key, value in self.owners.items() if value < first}
        self.roots = {root: there for root, there in self.roots.items() if there[0] < first}
        # A dict keeps the order in which it was filled.
        for name in list(self.absorbed)[absorbed:]:
            del self.absorbed[name]

    # --- weights that several layers use

    def _own(self, node: NodeData, kind: str, arrays: Mapping[str, Constant], value: int) -> None:
        """Remember who stores these tensors."""
        self.owners.setdefault(self._key(kind, arrays), value)
        self.owner_modules.setdefault(value, self.modules.get(id(node), ""))
        for root, form in products(kind, arrays):
            self.roots.setdefault(root, (value, form))

    def _key(self, kind: str, arrays: Mapping[str, Constant]) -> tuple[Any, ...]:
        """What layers with the same weights have in common. Norms go by aliases: equal vectors are stored once."""
        if of_vectors(kind):
            return (kind, *((name, array.name, array.form) for name, array in arrays.items()))
        return (kind, *((name, array.roots, array.form) for name, array in arrays.items()))

    def _owner(
        self, node: NodeData, kind: str, options: Mapping[str, Any] | None, arrays: Mapping[str, Constant]
    ) -> int | None:
        """The layer whose weights a layer uses: it stores the same tensors. Raises NotReadError where it stores
        some of them, in a way that cannot be said.

        Exporters store equal vectors once, as all norms of a fresh network have. So two layers of vectors share
        them only where the file does not say that they are different modules, and where no vector stands for two
        within the layer.
        """
        if of_vectors(kind) and len({array.name for array in arrays.values()}) < len(arrays):
            return None
        value = self.owners.get(self._key(kind, arrays))
        if value is not None and all(array.stored for array in arrays.values()):
            owner = self.builder.nodes[value - len(self.builder.inputs)]
            ours, theirs = vars(self.builder.layer(kind, options or {})), vars(owner.layer)
            same = all(ours[name] == theirs[name] for name in ours if name not in OF_ITS_OWN)
            if same and (not of_vectors(kind) or self._one_module(node, value)):
                return value
        for root, form in products(kind, arrays):
            there = self.roots.get(root)
            if there is not None and not (cut(form) and form != there[1]):
                name = self.builder.nodes[there[0] - len(self.builder.inputs)].name
                raise NotReadError(_("its weights are those of {name}, in another form", name=name))
        return None

    def _one_module(self, node: NodeData, owner: int) -> bool:
        """Whether the file does not say that an operator and the owner of its weights are different modules."""
        here, there = self.modules.get(id(node), ""), self.owner_modules.get(owner, "")
        return not here or not there or here == there


def of_vectors(kind: str) -> bool:
    """Whether what a kind stores scales and shifts, and multiplies nothing that is summed."""
    return KINDS[kind].family == "normalisation" or kind == "prelu"


def products(kind: str, arrays: Mapping[str, Constant]) -> Iterator[tuple[str, Any]]:
    """(tensor, form) of what a layer multiplies with: of convolutions, dense and recurrent layers."""
    for name, stored in arrays.items():
        if not of_vectors(kind) and not name.endswith(("bias", "bias2")) and len(stored.roots) == 1:
            yield stored.roots[0], (stored.form, stored.dims)


def cut(form: Any) -> bool:
    """Whether a tensor is a part of another."""
    return any(word in CUTS or (isinstance(word, tuple) and word[:1] == ("part",)) for word in form[0])
