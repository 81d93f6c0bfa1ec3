"""A kind that is a class, a row and a forward pass, and stands in no other table: commands know it, or say why not.

Three natures: one that says all it has to, one that says its shape alone, and one whose values decide what it reads.
"""

from __future__ import annotations

import sys
import types
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

import cnncalc
import cnncalc.layers as layers
from cnncalc.cli import group
from cnncalc.interop.targets import TARGETS
from cnncalc.layers.base import KEPT, POINTWISE, Facts, Layer, Shape, option, weightless
from cnncalc.layers.gradients import NOTHING, Kept
from cnncalc.layers.options import KERNEL
from cnncalc.layers.sliding import Sliding
from cnncalc.reference.base import REFERENCES, Reference, Weights, nothing, per_channel, scale, slides, surround, taps


class Gain(Layer):
    """Each channel times a trained number."""

    channels = KEPT

    def facts(self, x: Shape) -> Facts:
        return Facts(
            output=x, params=x[0], connections=0, macs=0, work={"multiply": prod(x)}, reach=POINTWISE, activations=0,
            kept=Kept(trained=(0,)),
        )  # fmt: skip


class Spread(Sliding):
    """The largest less the smallest value of each window; nothing but its shape is said."""

    channels = KEPT
    kernel: tuple[int, ...] = option(KERNEL, main=True)

    def facts(self, x: Shape) -> Facts:
        windows = self.windows(x[1:])
        return Facts(output=(x[0], *(w.positions(n) for w, n in zip(windows, x[1:], strict=True))))


class Sorted(Layer):
    """The values of each map in order: they decide where each of them goes."""

    channels = KEPT

    def facts(self, x: Shape) -> Facts:
        return weightless(x, {}, None, NOTHING)


def apply_gain(layer: Any, w: Weights, x: Any) -> Any:
    return x * per_channel(w["gain"], x.ndim - 2)


def find_spread(layer: Any, w: Weights, x: Any) -> Any:
    views = list(taps(surround(x, slides(layer, x.shape[2:])), slides(layer, x.shape[2:])))
    largest, smallest = views[0], views[0]
    for view in views[1:]:
        largest, smallest = np.maximum(largest, view), np.minimum(smallest, view)
    return largest - smallest


def sort_values(layer: Any, w: Weights, x: Any) -> Any:
    return np.sort(np.asarray(x).reshape(*x.shape[:2], -1), axis=2).reshape(x.shape)


KINDS = {"gain": "Gain", "spread": "Spread", "sorted": "Sorted"}
NETS = {"gain": "gain", "spread": "spread 2 s1", "sorted": "sorted"}


@pytest.fixture(autouse=True)
def _known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cnncalc.layers.new", sys.modules[__name__])
    monkeypatch.setitem(sys.modules, "cnncalc.reference.new", types.ModuleType("cnncalc.reference.new"))
    for kind, name in KINDS.items():
        # In the table itself, as modules that were loaded before have it.
        monkeypatch.setitem(layers.KINDS, kind, layers.Kind(kind, "new", name))
        monkeypatch.setitem(layers._BY_PLAIN_NAME, kind, layers.KINDS[kind])
    monkeypatch.setitem(REFERENCES, "gain", Reference(apply_gain, lambda layer, x: {"gain": scale(x[:1])}))
    monkeypatch.setitem(REFERENCES, "spread", Reference(find_spread, nothing))
    monkeypatch.setitem(REFERENCES, "sorted", Reference(sort_values, nothing))


def run(*words: str) -> Result:
    done = CliRunner().invoke(group(), words)
    assert isinstance(done.exception, SystemExit | None), (words, done.exception)
    return done


@pytest.fixture
def spec(kind: str, tmp_path: Path) -> str:
    path = tmp_path / "net.yaml"
    path.write_text(f"input: 3x9x8\nlayers:\n  - conv 4 k3 p1 relu\n  - new: {NETS[kind]}\n  - dense 5\n")
    return str(path)


@pytest.mark.parametrize("kind", KINDS)
def test_every_command_takes_a_kind_that_no_other_table_has(kind: str, spec: str, tmp_path: Path) -> None:
    for words in (
        ("analyze", spec), ("analyze", spec, "--format", "json"), ("analyze", spec, "--convention", "thop"),
        ("kinds", kind), ("kinds",), ("explain", spec, "new"), ("explain", spec, "new", "flops"), ("verify", spec),
        ("rf", spec), ("rf", spec, "new"), ("memory", spec), ("memory", spec, "--train"), ("lint", spec),
        ("format", spec), ("diff", spec, "lenet5"), ("compare", spec, "lenet5"), ("check", spec),
        ("check", spec, "new.params=3"), ("identify", spec, "12345"), ("conventions", spec, "--convention", "fvcore"),
        ("sweep", spec, "--over", "input=3x{9..12}x8"), ("draw", spec), ("draw", spec, "-o", str(tmp_path / "n.svg")),
        ("report", spec, "-o", str(tmp_path / "n.html")), ("exercise", spec),
        ("convert", spec, "--to", "spec"),
    ):  # fmt: skip
        done = run(*words)
        refused = done.exit_code == 2 and done.stderr.startswith("new: ")  # by the name of the layer
        assert done.exit_code in (0, 1) or refused, (words, done.output)
        assert "its own fault" not in done.output, (words, done.output)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("form", ["torch", "keras", "onnx"])
def test_a_form_that_has_nothing_for_a_kind_names_it(kind: str, form: str, spec: str, tmp_path: Path) -> None:
    assert form in TARGETS
    if form == "onnx":
        pytest.importorskip("onnx", reason="the package onnx is not installed")
    file = tmp_path / "net.out"
    done = run("convert", spec, "--to", form, "-o", str(file))
    assert done.exit_code == 2
    assert kind in done.stderr
    assert not file.exists()


def test_what_is_not_said_is_unknown_and_what_no_probe_follows_not_measured() -> None:
    rows = {kind: cnncalc.analyze(f"3x9x8; {net}")[f"{kind}1"] for kind, net in NETS.items()}
    assert (rows["gain"].params, rows["gain"].flops, rows["gain"].receptive_field) == (3, 216, (1, 1))
    assert (rows["spread"].params, rows["spread"].macs, rows["spread"].receptive_field) == (None, None, None)
    assert (rows["sorted"].flops, rows["sorted"].receptive_field) == (0, None)
    assert cnncalc.verify("3x9x8; gain").holds
    found = cnncalc.verify("3x9x8; sorted; conv 2 k3")
    assert "the forward pass of sorted computes what no probe follows" in found.failure
    assert not found.holds
