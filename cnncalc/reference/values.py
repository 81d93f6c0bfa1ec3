"""What a user feeds: images and weights, checked. An error names the layer and both shapes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from cnncalc.errors import CnncalcError, suggest
from cnncalc.graph import Graph
from cnncalc.language import _
from cnncalc.layers.base import shape_text
from cnncalc.reference.base import Array
from cnncalc.reference.weights import Drawn


class WeightError(CnncalcError):
    """Weights or an image that do not belong to the network."""


def as_input(graph: Graph, inputs: Any, seed: int) -> dict[str, Array]:
    """An array for each input of the network, float32 or float64. Raises WeightError."""
    if inputs is None:
        # Not the stream of the weights: an image must not repeat what they are.
        random = np.random.default_rng((seed, 1))
        return {name: random.standard_normal(shape, dtype=np.float32) for name, shape in graph.inputs.items()}
    if not isinstance(inputs, Mapping):
        if len(graph.inputs) > 1:
            raise WeightError(
                _("the network has several inputs: give a mapping of {names} to arrays", names=", ".join(graph.inputs))
            )
        inputs = {next(iter(graph.inputs)): inputs}
    unknown = [str(name) for name in inputs if name not in graph.inputs]
    missing = [name for name in graph.inputs if name not in inputs]
    if unknown or missing:
        problem = (
            _("there is no input '{name}'", name=unknown[0][:40])
            if unknown
            else _("the input {missing} is missing", missing=missing[0])
        )
        raise WeightError(_("{problem}: the inputs are {names}", problem=problem, names=", ".join(graph.inputs)))
    arrays = {name: numbers(inputs[name], _("input {name}", name=name)) for name in graph.inputs}
    # One sample, or several with an axis of samples in front.
    for name, shape in graph.inputs.items():
        given = arrays[name].shape
        if given != shape and given[1:] != shape:
            raise WeightError(
                _(
                    "input {name}: the network reads {shape}, the array is {other}",
                    name=name,
                    shape=shape_text(shape),
                    other=shape_text(given) or _("a number"),
                )
                + hint_of_order(given, shape)
            )
    batches = {
        arrays[name].shape[0] if arrays[name].ndim > len(shape) else None for name, shape in graph.inputs.items()
    }
    if len(batches) > 1:
        raise WeightError(_("the inputs do not have one batch size: give all of them the same number of samples"))
    if None not in batches and 0 in batches:
        raise WeightError(_("the inputs hold no sample: a batch is at least one"))
    # All in one precision: the widest that somebody gave.
    kind = np.result_type(*arrays.values())
    return {name: array.astype(kind, copy=False) for name, array in arrays.items()}


def hint_of_order(given: tuple[int, ...], shape: tuple[int, ...]) -> str:
    # Images out of files have their channels last.
    if given == (*shape[1:], shape[0]):
        return (
            _("; channels come first: use array.transpose(2, 0, 1)") if len(shape) == 3 else _("; channels come first")
        )
    if len(shape) == 3 and shape[0] == 1 and given == shape[1:]:
        return _("; add the channel: array[None]")
    return ""


def numbers(raw: Any, what: str) -> Array:
    """A finite array of float32 or float64."""
    try:
        array = np.asarray(raw)
    except (ValueError, TypeError) as error:
        raise WeightError(_("{what}: not an array: {error}", what=what, error=error)) from None
    if array.dtype.kind not in "fiub":
        raise WeightError(_("{what}: an array of {dtype}, not of numbers", what=what, dtype=array.dtype))
    if array.dtype != np.float64 or array.dtype.kind in "iub":
        array = array.astype(np.float32, copy=False)
    # What is not finite would spread through the network, and the place where it came in would be lost.
    if not np.isfinite(array).all():
        bad = "NaN" if np.isnan(array).any() else _("infinite")
        place = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
        raise WeightError(_("{what}: holds {bad}, first at {place}", what=what, bad=bad, place=list(place)))
    return array


def as_weights(graph: Graph, weights: Mapping[str, Any]) -> dict[str, Array]:
    """The arrays that the network stores, out of those that are given. Raises WeightError."""
    expected = {name: weight.shape for name, weight in Drawn(graph).weights.items()}
    for name in weights:
        if name not in expected:
            raise WeightError(
                _("weights: the network has no '{name}': ", name=str(name)[:60])
                + (suggest(str(name), expected) or _("it has {names}", names=", ".join(list(expected)[:6])))
            )
    found = {}
    for name, shape in expected.items():
        if name not in weights:
            raise WeightError(_("weights: {name} is missing, an array of {shape}", name=name, shape=shape_text(shape)))
        array = numbers(weights[name], _("weights: {name}", name=name))
        if array.shape != shape:
            raise WeightError(
                _(
                    "weights: {name} is {shape}, the layer stores {other}",
                    name=name,
                    shape=shape_text(array.shape) or _("a number"),
                    other=shape_text(shape),
                )
            )
        found[name] = array
    return found
