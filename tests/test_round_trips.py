"""Random graphs written in another form and read again: the same totals, or a message that says what is other.

The graphs of random_graphs.py, by their numbers, through the command. A form that cannot say a network refuses it and
writes nothing.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from random_graphs import random_graph

import cnncalc
from cnncalc import cli
from cnncalc.quantities import OWNED, SUMMED

FORMS = {
    "spec": "net.yaml",
    "onnx": "net.onnx",
    "torch": "net.py",
    "keras": "net.py",
}


def counts(graph: cnncalc.Graph) -> dict[str, Any]:
    """What a network is as a whole: its totals, and the shapes that leave it."""
    totals = cnncalc.analyze(graph).totals
    found = {name: getattr(totals, name) for name in (*SUMMED, *OWNED)}
    return {**found, "output": sorted(graph.shape(v) for v in graph.outputs)}


def read_again(form: str, path: Path, graph: cnncalc.Graph) -> cnncalc.Graph:
    """What a file is read as. Raises SpecError."""
    if form != "torch":
        return cnncalc.load(str(path))
    import torch

    from cnncalc.interop.torch.write.readback import last_class, run

    text = path.read_text(encoding="utf-8")
    with torch.device("meta"):
        module = vars(run(text))[last_class(text)]()
    return cnncalc.from_torch(module, list(graph.inputs.values()))


def unsaid(text: str, form: str, folder: Path) -> list[str]:
    """What is other when it is read again, and was not said; empty where all is well."""
    spec, path = folder / "spec.yaml", folder / FORMS[form]
    path.unlink(missing_ok=True)
    spec.write_text(text, encoding="utf-8")
    done = CliRunner().invoke(cli.group(), ["convert", str(spec), str(path), "--to", form])
    if done.exit_code == 2:
        return ["a refusal without a reason"] * (not done.output.strip()) + ["a file is left"] * path.exists()
    if done.exit_code:
        return [f"status {done.exit_code}: {done.output}"]
    if form == "keras":
        return []  # its text was held against the network before it was given out; nothing reads it as a file
    graph = cnncalc.load(text)
    try:
        ours, theirs = counts(graph), counts(read_again(form, path, graph))
    except cnncalc.SpecError as error:
        return [] if "not read again here" in done.output else [f"not read: {error}"]
    other = [name for name in ours if ours[name] != theirs[name] and f" {name} " not in done.output]
    return [f"{name}: {ours[name]}, read again {theirs[name]}" for name in other]


def wrong(seeds: range, form: str, folder: Path) -> list[str]:
    found = []
    for seed in seeds:
        text = random_graph(seed)
        found += [f"seed {seed}: {line}\n{text}" for line in unsaid(text, form, folder)]
    return found


def test_random_graphs_come_back_from_a_spec_as_they_were(tmp_path: Path) -> None:
    for seed in range(30):
        text = random_graph(seed)
        graph = cnncalc.load(text)
        (tmp_path / "a.yaml").write_text(text, encoding="utf-8")
        done = CliRunner().invoke(cli.group(), ["convert", str(tmp_path / "a.yaml"), str(tmp_path / "b.yaml")])
        assert done.exit_code == 0, (seed, done.output)
        assert counts(cnncalc.load(str(tmp_path / "b.yaml"))) == counts(graph), seed


@pytest.mark.onnx
def test_random_graphs_come_back_from_onnx_or_it_is_said(tmp_path: Path) -> None:
    pytest.importorskip("onnx", reason="no ONNX: pip install 'cnncalc[onnx]'")
    assert wrong(range(30), "onnx", tmp_path) == []


@pytest.mark.framework
def test_random_graphs_come_back_from_pytorch_or_it_is_said(tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="no PyTorch")
    assert wrong(range(20), "torch", tmp_path) == []


def test_random_graphs_are_written_for_keras_or_refused(tmp_path: Path) -> None:
    assert wrong(range(20), "keras", tmp_path) == []


@pytest.mark.slow
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("first", range(1000, 4000, 500))
def test_thousands_of_random_graphs_come_back(first: int, form: str, tmp_path: Path) -> None:
    if form in ("onnx", "torch"):
        pytest.importorskip(form, reason=f"no {form}")
    assert wrong(range(first, first + 500), form, tmp_path) == []


# (spec, form, what is said)
OTHERWISE = [
    ("{input: 1x4x4, layers: [scale]}", "onnx", []),
    ("{input: 1x4x4, layers: [conv 1 k1]}", "onnx", []),
    (
        "{input: 2x8, layers: [a: conv 3 k3, b: {from: in, layers: [relu]}]}",
        "onnx",
        ["params 21 -> 0", "a (conv -> -)"],
    ),
    ("{input: 6, layers: [relu, reshape 6x1]}", "onnx", ["output 6x1 -> 6"]),
    ("{input: 3x8x8, layers: [local 2 k3]}", "onnx", ["not read again here", "MatMul"]),
]


@pytest.mark.onnx
@pytest.mark.parametrize(("spec", "form", "said"), OTHERWISE, ids=[spec for spec, *_ in OTHERWISE])
def test_what_is_left_out_is_said(spec: str, form: str, said: list[str], tmp_path: Path) -> None:
    pytest.importorskip("onnx", reason="no ONNX: pip install 'cnncalc[onnx]'")
    (tmp_path / "a.yaml").write_text(spec, encoding="utf-8")
    done = CliRunner().invoke(cli.group(), ["convert", str(tmp_path / "a.yaml"), str(tmp_path / FORMS[form])])
    assert done.exit_code == 0, done.output
    assert [text for text in said if text not in done.output] == []
    assert ("note:" in done.output) == bool(said)


def test_a_spec_keeps_the_order_in_which_layers_run_where_memory_depends_on_it(tmp_path: Path) -> None:
    """Written without `from` the branch would come last, and more would be alive at once: 564 bytes."""
    text = """
        input: 5x6
        layers:
        - n0: permute 1,0
        - n1: transposed_conv 1 k3 s3 p3
        - n2: {from: n0, layers: [adaptive_avgpool 5]}
        - n3: conv 6 k4 groups=6
        - n4: {from: n1, layers: [upsample 2 bilinear]}
        - n5: upsample 3 bilinear
        - n6: {pad: {padding: [[0, 3]], mode: circular}}
    """
    (tmp_path / "a.yaml").write_text(text, encoding="utf-8")
    done = CliRunner().invoke(cli.group(), ["convert", str(tmp_path / "a.yaml"), "--to", "spec"])
    assert cnncalc.analyze(done.stdout).totals.peak_activation_bytes == 444


def test_a_shift_behind_a_scale_stays_a_layer_of_its_own() -> None:
    from cnncalc.interop.spec.writing import to_spec

    graph = cnncalc.load("2x5; scale; shift")
    assert [node.layer.kind for node in cnncalc.load(to_spec(graph)).nodes] == ["scale", "shift"]
