"""What people give from Python, a spec, a model or a graph, as a graph; and settings as they are asked for.

Imported by api.py and by commands, for the little that these share with it.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from operator import index
from typing import Any

from cnncalc import sources
from cnncalc.errors import CnncalcError, Source, suggest
from cnncalc.graph import Graph
from cnncalc.language import _
from cnncalc.report import BYTES, SAME_TYPES, Settings
from cnncalc.sources import load_graph
from cnncalc.spec import MAX_OPERATIONS, graph_from_text
from cnncalc.spec.values import write_value

Inputs = str | tuple[int, ...] | list[int] | Mapping[str, Any]


@contextmanager
def pause_collection() -> Iterator[None]:
    """No garbage collection meanwhile: graphs hold no cycles, and looking for some costs half the time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def text_of(spec: Any) -> str:
    """A spec as text, or the name of its file. Raises CnncalcError for what is neither."""
    if isinstance(spec, (str, bytes, os.PathLike)):
        # Bytes too: Python gives names of files as bytes to whoever asks in bytes.
        return os.fsdecode(spec)
    kind = type(spec).__name__
    # Told by what it has: torch is not imported to ask whether this is a module.
    if hasattr(spec, "state_dict"):
        hint = _("a PyTorch module is read by cnncalc.from_torch(module, input_shape)")
        raise CnncalcError(_("{kind} is no spec: {hint}", kind=kind, hint=hint))
    hint = _("give a file, a bundled network, the text of a spec, or a graph")
    raise CnncalcError(_("{kind} is no spec: {hint}", kind=kind, hint=hint))


def source_in(text: str) -> tuple[Source | None, bool]:
    """A spec that is given as its text, and whether it is a one-line net; no source for what names a file.

    A text of several lines is no name of a file: nobody has to say which of the two is meant.
    """
    # Steps of a net in one line are parted by `;`, which stands in no name of a bundled network.
    inline = "\n" not in text and ";" in text
    return Source("<text>", text) if inline or "\n" in text else None, inline


def load(
    spec: str | os.PathLike[str],
    *,
    set: Mapping[str, Any] | None = None,
    input: Inputs | None = None,
    max_operations: int = MAX_OPERATIONS,
    allow_unknown: bool = False,
) -> Graph:
    """The network that a spec or a model describes.

    spec            a file, the name of a bundled network ("lenet5"), or the text of a spec: anything with a
                    line break is YAML, anything with a semicolon a one-line net ("1x32x32; conv 6 k5; dense 10");
                    or the model of another program, as "resnet50.onnx"
    set             values for the spec's parameters: {"width": 32, "depth": [2, 2, 2, 2]}
    input           another input shape, "3x320x320" or (3, 320, 320); with several inputs {name: shape}
    max_operations  the largest network to unroll
    allow_unknown   go on behind operators of a model that are not known: what depends on them is None

    Raises SpecError with every problem that was found, each at file:line:column.
    """
    text = text_of(spec)
    source, inline = source_in(text)
    # As they would stand in a spec: one reader for text and for values of Python.
    params = {str(name): write_value(value) for name, value in (set or {}).items()}
    inputs = inputs_of(input)
    with pause_collection():
        if source is not None:
            return graph_from_text(source, params=params, inputs=inputs, max_operations=max_operations, inline=inline)
        return load_graph(
            text, params=params, inputs=inputs, max_operations=max_operations, allow_unknown=allow_unknown
        )


def weights_of(spec: str | os.PathLike[str], graph: Graph | None = None) -> Mapping[str, Any] | None:
    """The weights that a model of another program holds, as `cnncalc.reference.run` takes them.

    spec   the file, as for `load`
    graph  what `load` gave for it

    LAYER.name to array. None for a spec, which holds none. Raises CnncalcError where they cannot be read.
    """
    text = text_of(spec)
    return sources.weights_of(text, load(text) if graph is None else graph)


def from_torch(
    module: Any,
    input_shape: Sequence[int] | Sequence[Sequence[int]] | Mapping[str, Sequence[int]] | str | None = None,
    *,
    name: str | None = None,
    allow_unknown: bool = False,
    max_operations: int = MAX_OPERATIONS,
) -> Graph:
    """The network that a PyTorch module is: its forward pass is run once, without weights and without values.

    module         an nn.Module; it stays as it is, and is looked at as in eval(). Or what torch.export.export gave
    input_shape    (3, 224, 224), without the batch; several inputs as a list or {name: shape}. An exported program
                   knows its own
    name           what the network is called; otherwise by the module's class
    allow_unknown  go on behind operators that are not known: what depends on them is None

    Layers have the names of the modules, `layer1.0.conv1` as `layer1/0/conv1`. Needs torch. Raises SpecError, which
    names the module where an operator is not known, and CnncalcError where the forward pass fails.
    """
    from cnncalc.interop.torch.read import module as torch_reading

    shapes = None if input_shape is None else torch_reading.shapes_of(input_shape)
    if hasattr(module, "graph_signature"):
        from cnncalc.interop.torch.read import exported

        return exported.graph_of(module, shapes, name=name, allow_unknown=allow_unknown, max_operations=max_operations)
    if shapes is None:
        raise CnncalcError(_("the shape that enters a PyTorch module is not known"))
    return torch_reading.graph_of(module, shapes, name=name, allow_unknown=allow_unknown, max_operations=max_operations)


def graph_of(
    spec: str | os.PathLike[str] | Graph,
    set: Mapping[str, Any] | None,
    input: Inputs | None,
    max_operations: int,
    params: Mapping[str, Any],
) -> Graph:
    """A graph as it is, or the network of a spec or of an exported program. Raises CnncalcError, SpecError."""
    # An exported program of torch, told by its attribute: torch itself is not imported to ask.
    if hasattr(spec, "graph_signature"):
        if set or params:
            raise CnncalcError(_("a model has no parameters that --set could change"))
        return from_torch(spec, input, max_operations=max_operations)
    if not isinstance(spec, Graph):
        return load(spec, set={**(set or {}), **params}, input=input, max_operations=max_operations)
    if set or params or input is not None:
        raise CnncalcError(_("a graph is fixed: give parameters and input to load()"))
    return spec


def make_settings(dtype: str, batch: int, *, exact_padding: bool) -> Settings:
    """Settings, checked. Raises CnncalcError."""
    dtype = SAME_TYPES.get(dtype, dtype) if isinstance(dtype, str) else dtype
    if not isinstance(dtype, str) or dtype not in BYTES:
        hint = suggest(str(dtype), BYTES) or _("known: {names}", names=", ".join(BYTES))
        raise CnncalcError(_("unknown dtype '{dtype}': {hint}", dtype=dtype, hint=hint))
    try:
        batch = index(batch)  # an exact integer, also of what NumPy has
    except TypeError:
        raise CnncalcError(_("a batch is a whole number of samples, not {batch!r}", batch=batch)) from None
    if batch < 1:
        raise CnncalcError(_("a batch has at least one sample, not {batch}", batch=batch))
    return Settings(dtype, batch, exact_padding)


def inputs_of(given: Inputs | None) -> dict[str, Any]:
    """Input shapes by name, written as a spec would have them; "" names the only input."""
    if given is None:
        return {}
    return (
        {name: write_value(shape) for name, shape in given.items()}
        if isinstance(given, Mapping)
        else {"": write_value(given)}
    )
