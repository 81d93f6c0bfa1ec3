"""What a module stores, parameters and buffers: who reads them, which layer has them, and which of them nobody reads.

A stored tensor is known by its identity, `source`: that of the tensor without values that stands in its place while the
module runs. What is computed from stored tensors alone has their sources.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from cnncalc.interop.builder import Builder
from cnncalc.language import _
from cnncalc.layers.unknown import Unknown


class Stored:
    """The parameters and buffers of a module, each with a tensor without values in its place.

    stand_ins  these tensors, by the names in the module
    names      of a source: its name in the module
    trained    sources of parameters; the others are buffers
    frozen     sources of parameters that do not ask for a gradient
    sizes      of a source: how many numbers it holds
    owners     of a source: the value of the layer that has it
    used       sources that were read, in the order in which they were: a set that keeps it
    made_of    of a tensor computed from stored ones alone, by identity: their sources
    apart      weights that several modules share, each with another bias: their biases are layers apart
    """

    def __init__(self, torch: Any, module: Any) -> None:
        self.stand_ins: dict[str, Any] = {}
        self.names: dict[int, str] = {}
        self.trained: set[int] = set()
        self.frozen: set[int] = set()
        self.sizes: dict[int, int] = {}
        self.owners: dict[int, int] = {}
        self.used: dict[int, bool] = {}
        self.made_of: dict[int, frozenset[int]] = {}
        self.buffers: dict[int, Any] = {}  # of a source that is not trained: the buffer itself, with its values
        for named, trained in ((module.named_parameters(), True), (module.named_buffers(), False)):
            for name, tensor in named:
                if tensor is None:
                    continue
                empty = torch.empty_like(tensor, device="meta")
                source = id(empty)
                self.stand_ins[name] = empty
                self.names[source] = name
                self.sizes[source] = empty.numel()
                if not trained:
                    self.buffers[source] = tensor
                    continue
                self.trained.add(source)
                if not tensor.requires_grad:
                    self.frozen.add(source)
        self.apart = self.find_several_biases(module)

    def find_several_biases(self, module: Any) -> set[int]:
        """The weights that several modules share, each with another bias."""
        stood_for = {id(tensor): id(self.stand_ins[name]) for name, tensor in module.named_parameters()}
        biases: dict[int, set[int | None]] = {}
        for part in module.modules():
            weight, bias = (getattr(part, name, None) for name in ("weight", "bias"))
            if id(weight) in stood_for:
                biases.setdefault(stood_for[id(weight)], set()).add(None if bias is None else id(bias))
        return {weight for weight, found in biases.items() if len(found) > 1}

    def has_several_biases(self, weight: Any) -> bool:
        """Whether a weight is one of those."""
        return bool(self.apart.intersection(self.sources(weight)))

    # --- where a tensor comes from

    def sources(self, tensor: Any) -> frozenset[int]:
        """The stored tensors from which one comes: itself, or those of which it is computed."""
        if id(tensor) in self.names:
            return frozenset((id(tensor),))
        return self.made_of.get(id(tensor), frozenset())

    def sources_of(self, tensors: Iterable[Any]) -> frozenset[int]:
        """The stored tensors from which several come."""
        return frozenset().union(*map(self.sources, tensors))

    def trained_sources(self, tensor: Any) -> list[int]:
        """Those of them that are parameters."""
        return [source for source in self.sources(tensor) if source in self.trained]

    def derive(self, tensor: Any, sources: frozenset[int]) -> None:
        """Note that a tensor is computed from stored ones."""
        if id(tensor) not in self.names:
            # What is written over may have come of others before.
            self.made_of[id(tensor)] = self.made_of.get(id(tensor), frozenset()) | sources

    # --- which layer has it

    def owners_of(self, sources: Iterable[int]) -> set[int]:
        """The values of the layers that have these stored tensors already."""
        return {self.owners[source] for source in sources if source in self.owners}

    def assign(self, sources: Iterable[int], value: int) -> None:
        """A layer uses stored tensors: it has those of them that no other layer has."""
        # The first layer that uses weights is the one that stores them; who comes later shares them.
        for source in sources:
            self.owners.setdefault(source, value)

    def read(self, sources: Iterable[int]) -> None:
        """Note that stored tensors were read."""
        self.used.update(dict.fromkeys(sources, True))

    # --- what is left when the pass is over

    def close(self, b: Builder) -> None:
        """Weights that were read in a way that no layer accounts for; what is frozen, and what is never read."""
        for source in self.used:
            if source in self.trained and source not in self.owners:
                name = self.names[source]
                self.owners[source] = b.unknown(name, "parameter", [], None, at=_("parameter '{name}'", name=name))
        self.count_unknown(b)
        self.freeze(b)
        self.say_unused(b)

    def count_unknown(self, b: Builder) -> None:
        """How many parameters are stored for what is not known: they are its own, whatever it does with them."""
        held: dict[int, int] = {}
        for source, value in self.owners.items():
            if source in self.trained:
                held[value] = held.get(value, 0) + self.sizes[source]
        first = len(b.inputs)
        for i, node in enumerate(b.nodes):
            if isinstance(node.layer, Unknown):
                b.change(first + i, node.layer.replace(params=held.get(first + i, 0)))

    def freeze(self, b: Builder) -> None:
        """Layers whose parameters are not trained, all or some of them."""
        held: dict[int, int] = {}
        for source in self.frozen:
            if source in self.owners:
                held[self.owners[source]] = held.get(self.owners[source], 0) + self.sizes[source]
        for value, count in held.items():
            i = value - len(b.inputs)
            facts, layer = b.facts[i], b.nodes[i].layer
            # Numbers that the kind never trains are fixed by the kind itself, and no word of the spec's.
            count -= facts.fixed_params or 0
            if count > 0 and facts.params:  # of what is not known, nothing can be said
                b.change(value, layer.replace(frozen=True if count >= facts.params else count))

    def say_unused(self, b: Builder) -> None:
        """Parameters that the forward pass never reads, of which no layer is."""
        unused = self.find_unread()
        if unused:
            b.remarks.append(
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

    def find_unread(self) -> dict[int, str]:
        """The sources of parameters that were not read, each with the largest module of which none was."""
        # In the order of the module, in which they are said.
        parameters: Mapping[int, str] = {s: name for s, name in self.names.items() if s in self.trained}
        read = [name for s, name in parameters.items() if s in self.used]
        return {s: part_without(name, read) for s, name in parameters.items() if s not in self.used}


def name_some(names: Iterable[str]) -> str:
    """The first four of several names."""
    whole = list(dict.fromkeys(names))
    return ", ".join(whole[:4]) + (", ..." if len(whole) > 4 else "")


def part_without(name: str, others: Sequence[str]) -> str:
    """The largest module around a parameter that holds none of the others; or its own name."""
    parts = name.split(".")
    around = (".".join(parts[:depth]) for depth in range(1, len(parts)))
    return next((m for m in around if not any(other.startswith(f"{m}.") for other in others)), name)
