"""Every command that takes a spec takes the model of another program, on the input that is said for it."""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from onnx_bytes import Model

import cnncalc
from cnncalc.cli import COMMANDS as GROUP
from cnncalc.cli import group
from cnncalc.sources import file_of, split_shapes, with_shapes

COMMANDS = (
    "lint", "lock", "diff", "verify --fast", "compare", "check", "explain", "rf", "memory", "draw", "report", "convert",
    "conventions", "analyze",
)  # fmt: skip
MODULE = """
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3)
        self.norm = nn.BatchNorm2d(8)

    def forward(self, x):
        return self.norm(self.conv(x))
"""


def run(*arguments: str) -> Result:
    return CliRunner().invoke(group(), list(arguments))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three networks of a convolution with a bias and a norm behind it, 240 parameters, whose input is left open."""
    monkeypatch.chdir(tmp_path)
    model = Model("N", 3, "H", "W").weight("w", 8, 3, 3, 3)
    for name in ("b", "scale", "shift", "mean", "variance"):
        model.weight(name, 8)
    model.op("Conv", "x w b", "a").op("BatchNormalization", "a scale shift mean variance", "y")
    (tmp_path / "net.onnx").write_bytes(model.bytes())
    image = {"module": "keras.layers", "class_name": "InputLayer",
             "config": {"batch_shape": [None, None, None, 3], "name": "image"}}  # fmt: skip
    conv = {"module": "keras.layers", "class_name": "Conv2D",
            "config": {"name": "conv", "filters": 8, "kernel_size": [3, 3]}}  # fmt: skip
    norm = {"module": "keras.layers", "class_name": "BatchNormalization", "config": {"name": "norm"}}
    sequential = {
        "module": "keras",
        "class_name": "Sequential",
        "config": {"name": "net", "layers": [image, conv, norm]},
    }
    (tmp_path / "net.json").write_text(json.dumps(sequential))
    (tmp_path / "net.py").write_text(MODULE)
    (tmp_path / "lenet.yaml").write_text("input: 1x32x32\nlayers: [conv 6 k5, dense 10]\n")
    return tmp_path


FORMS = ["net.onnx", "net.json", pytest.param("net.py:Net", marks=pytest.mark.framework)]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_takes_every_form_of_model(folder: Path, command: str, form: str) -> None:
    behind = {"diff": [form], "compare": [form], "convert": ["out.yaml"], "draw": ["-o", "out.svg"],
              "report": ["-o", "out.html"], "check": ["params=240"]}  # fmt: skip
    if "py" in form:
        pytest.importorskip("torch")
    done = run(*command.split(), form, *behind.get(command, []), "--input", "3x16x20")
    assert done.exit_code == (1 if command == "lint" else 0), done.output
    if command == "lint":  # a bias that the norm takes away
        assert f"{form}@3x16x20: bias-before-norm" in done.output


@pytest.mark.parametrize("form", FORMS)
def test_a_lock_file_remembers_on_which_input_a_model_was_locked(folder: Path, form: str) -> None:
    if "py" in form:
        pytest.importorskip("torch")
    assert run("lock", form, "--input", "3x16x20").exit_code == 0
    assert f"{form}@3x16x20\tparams\t240\n" in (folder / "cnncalc.lock").read_text()
    assert run("lock", "--check").exit_code == 0
    assert run("lock", form, "--input", "3x16x20", "--check").exit_code == 0
    (folder / form.split(":")[0]).unlink()
    gone = run("lock", "--check")
    assert gone.exit_code == 1
    assert "(gone)" in gone.output


def test_each_network_has_its_own_input_beside_the_one_for_all(folder: Path) -> None:
    done = run("compare", "net.onnx@3x9x9", "net.onnx", "--input", "3x16x20", "--format", "json")
    shapes = [list(network["inputs"].values()) for network in json.loads(done.output)["networks"]]
    assert shapes == [[[3, 9, 9]], [[3, 16, 20]]]
    assert run("diff", "lenet.yaml", "net.onnx@3x16x20").exit_code == 0
    assert run("report", "lenet.yaml", "net.onnx@3x16x20", "-o", "out.html").exit_code == 0
    assert cnncalc.load("lenet.yaml@1x30x30").inputs == {"input": (1, 30, 30)}


def test_all_specs_are_checked_on_the_input_that_is_given(folder: Path) -> None:
    (folder / "other.yaml").write_text("input: 1x32x32\nlayers: [conv 6 k40]\n")
    done = run("check", "lenet.yaml", "other.yaml", "--input", "1x30x30")
    assert done.exit_code == 2  # a window of 40 does not fit
    assert run("check", "lenet.yaml", "other.yaml", "--input", "1x40x40").exit_code == 0


def test_what_is_no_shape_behind_a_name_is_said(folder: Path) -> None:
    done = run("lint", "net.onnx", "--input", "3xx")
    assert done.exit_code == 2
    assert "'3xx' is not a shape" in done.output
    assert run("lock", "--input", "3x8x8").exit_code == 2


@pytest.mark.parametrize(
    ("word", "name", "shapes"),
    [
        ("net.onnx@3x224x224", "net.onnx", {"": "3x224x224"}),
        ("a.b:net@7", "a.b:net", {"": "7"}),
        ("n.onnx@image=3x8x8,words=16", "n.onnx", {"image": "3x8x8", "words": "16"}),
        ("HEAD@{1}:net.yaml", "HEAD@{1}:net.yaml", {}),
        ("me@home.yaml", "me@home.yaml", {}),
    ],
)
def test_a_name_says_its_shapes_behind_an_at(word: str, name: str, shapes: dict[str, str]) -> None:
    assert split_shapes(word) == (name, shapes)
    assert with_shapes(name, shapes) == word
    assert with_shapes(word, {"": "9"}) == (word if shapes else f"{word}@9")


def test_a_file_of_such_a_name_is_itself(folder: Path) -> None:
    (folder / "net@3x8x8").write_text("input: 1x32x32\nlayers: [conv 6 k5]\n")
    assert split_shapes("net@3x8x8") == ("net@3x8x8", {})
    assert file_of("net.py:Net@3x8x8") == "net.py"
    assert file_of("torchvision.models:resnet18@3x8x8") is None


def test_findings_in_a_graph_name_their_layer(folder: Path) -> None:
    [found] = cnncalc.lint(cnncalc.load("net.onnx", input="3x9x9"))
    assert (found.code, found.position, found.params) == ("bias-before-norm", None, 8)
    assert found.layers == ("a",)
    assert cnncalc.lint("net.onnx", input="3x9x9") == [found]


NO_NETWORK = {
    "format": "it writes specs alone", "kinds": "it is about layers", "networks": "they are the bundled ones",
    "playground": "it serves a page",
}  # fmt: skip


def options_of(command: str) -> set[str]:
    return {name for param in import_module(f"cnncalc.cli.{command}").command.params for name in param.opts}


@pytest.mark.parametrize("command", sorted(set(GROUP) - set(NO_NETWORK)))
def test_every_command_that_reads_a_network_reads_it_on_any_input_and_as_far_as_it_is_known(command: str) -> None:
    assert {"--input", "--max-operations", "--allow-unknown"} <= options_of(command)


@pytest.mark.parametrize("command", sorted(NO_NETWORK))
def test_a_command_that_reads_no_network_has_none_of_its_options(command: str) -> None:
    assert not {"--input", "--max-operations", "--allow-unknown"} & options_of(command)


# Each command with what it needs besides, and how it ends: where there is nothing to say of an unknown layer, with 2.
ON_A_MODEL: dict[str, tuple[list[str], int]] = {
    "analyze": (["odd.onnx"], 0),
    "rf": (["odd.onnx", "--to", "a"], 0),
    "draw": (["odd.onnx", "-o", "net.svg"], 0),
    "report": (["odd.onnx", "odd.onnx"], 0),
    "explain": (["odd.onnx", "a"], 0),
    "check": (["odd.onnx", "a.params=108"], 0),
    "check --strict": (["odd.onnx"], 0),
    "exercise": (["odd.onnx", "--seed", "1"], 2),
    "verify": (["odd.onnx", "--fast"], 2),
    "memory": (["odd.onnx"], 2),
    "compare": (["odd.onnx", "lenet5"], 0),
    "diff": (["odd.onnx", "odd.onnx"], 0),
    "lint": (["odd.onnx"], 0),
    "conventions": (["odd.onnx"], 0),
    "identify": (["odd.onnx", "108"], 0),
    "lock": (["odd.onnx"], 0),
}


@pytest.mark.parametrize("command", ON_A_MODEL)
def test_commands_whose_error_says_allow_unknown_have_it(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    made = Model(1, 3, 8, 8).weight("W", 4, 3, 3, 3)
    made.op("Conv", "x W", "a").op("Odd", "a", "y", domain="own")
    Path(made.save(tmp_path)).rename("odd.onnx")
    words, status = ON_A_MODEL[command]
    words = [command.split()[0], *words]
    refused = run(*words)
    assert refused.exit_code == 2
    assert "--allow-unknown" in refused.stderr
    done = run(*words, "--allow-unknown")
    assert done.exit_code == status, done.output
    assert "--allow-unknown" not in done.stderr


def test_answers_are_graded_behind_an_operator_that_is_not_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is known of what enters the last layer: a mistake there cannot be looked for."""
    monkeypatch.chdir(tmp_path)
    made = Model(1, 3, 8, 8).weight("W", 4, 3, 3, 3)
    made.op("Conv", "x W", "a").op("Odd", "a", "b", domain="own").op("Relu", "b", "y")
    Path(made.save(tmp_path)).rename("odd.onnx")
    done = run("check", "odd.onnx", "--allow-unknown", "a.params=107", "params=107", "y.macs=3")
    assert done.exit_code == 1
    assert "0/1" in done.stdout


def test_numbers_that_are_not_known_are_locked_as_such(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    made = Model(1, 3, 8, 8).weight("W", 4, 3, 3, 3)
    made.op("Conv", "x W", "a").op("Odd", "a", "y", domain="own")
    Path(made.save(tmp_path)).rename("odd.onnx")
    assert run("lock", "odd.onnx", "--allow-unknown").exit_code == 0
    assert "odd.onnx\ty.params\t?" in Path("cnncalc.lock").read_text()
    assert run("lock", "--check", "--allow-unknown").exit_code == 0
    assert run("lock", "--check").exit_code == 2


@pytest.mark.parametrize("words", [["compare", "lenet5"], ["diff", "lenet5", "lenet5"], ["lint", "lenet5"],
                                   ["lock", "net.yaml"], ["identify", "lenet5", "61706"], ["exercise", "lenet5"],
                                   ["check", "lenet5", "params=61706"]])  # fmt: skip
def test_the_limit_on_operations_holds_in_every_command(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("net.yaml").write_text("name: net\ninput: 1x8x8\nlayers:\n  - conv 2 k3\n  - relu\n  - conv 2 k3\n  - relu\n")
    done = run(*words, "--max-operations", "3")
    assert done.exit_code == 2
    assert "--max-operations" in done.stderr
