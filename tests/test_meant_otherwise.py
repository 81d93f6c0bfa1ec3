"""Input that could be read, and is almost always meant otherwise: shapes without channels, or with the channels last;
files of another form than a command takes."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from onnx_bytes import Model

import cnncalc
from cnncalc.cli import group

LAST = "224x224x3; conv 64 k3; global_avgpool; dense 10"
WARNING = "-e:1:1: warning: 224x224x3 is read as 224 channels of 224x3"
HINT = "  hint: channels stand first: write 3x224x224 for an image of that size"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(group(), arguments)


@pytest.mark.parametrize(
    "command",
    [
        ["analyze"],
        ["rf"],
        ["rf", "--coverage"],
        ["explain"],
        ["conventions"],
        ["lint"],
        ["convert", "-", "--to", "spec"],
        ["verify", "--fast"],
        ["check"],
    ],
    ids=" ".join,
)
def test_every_command_warns_once_of_channels_that_stand_last(command: list[str]) -> None:
    done = run(command[0], "-e", LAST, *command[1:])
    lines = done.stderr.splitlines()
    assert lines.count(WARNING) == 1, done.output
    assert lines.count(HINT) == 1


def test_a_table_and_json_hold_the_note_about_channels_that_stand_last() -> None:
    note = f"{WARNING.partition('warning: ')[2]} ({HINT.partition('hint: ')[2]})"
    assert note in " ".join(run("-e", LAST).stdout.split())
    assert note in run("-e", LAST, "--format", "json").stdout


def test_python_warns_of_channels_that_stand_last() -> None:
    with pytest.warns(cnncalc.SpecWarning, match="write 3x224x224 for an image"):
        cnncalc.analyze(LAST)


@pytest.mark.parametrize("shape", ["3x224x224", "64x7x3", "16x16x16", "784", "16x100", "2x32x32"])
def test_usual_shapes_bring_no_warning(shape: str) -> None:
    assert run("-e", f"{shape}; relu; dense 10").stderr == ""


@pytest.mark.parametrize(
    ("given", "meant"), [("32x32", "1x32x32"), ("28x40", "1x28x40")], ids=["square", "another aspect"]
)
def test_another_input_has_the_axes_of_the_spec(given: str, meant: str) -> None:
    done = run("lenet5", "--input", given)
    assert (done.exit_code, done.stdout) == (2, "")
    assert f"input: {given} has 2 axes, and 1x32x32 in the spec has 3\n  hint: write {meant}\n" in done.stderr
    with pytest.raises(cnncalc.SpecError, match=f"{given} has 2 axes"):
        cnncalc.analyze("lenet5", input=given)


@pytest.mark.parametrize(
    ("spec", "given", "meant"),
    [
        ("lenet5", "1x1x32x32", "1x32x32"),
        ("lenet5", "8x1x28x28", "1x28x28"),
        ("resnet50", "1x3x224x224", "3x224x224"),
        ("3x64; conv 4 k3", "2x3x64", "3x64"),
    ],
)
def test_an_input_with_samples_in_front_is_no_volume(spec: str, given: str, meant: str) -> None:
    done = run(*(["-e"] if ";" in spec else []), spec, "--input", given)
    assert (done.exit_code, done.stdout) == (2, "")
    assert f"input: {given} has {given.count('x') + 1} axes" in done.stderr
    assert f"write {meant}, and --batch for more" in done.stderr


def test_a_volume_in_place_of_an_image_is_one() -> None:
    assert run("resnet18", "--input", "3x8x64x64").exit_code == 0
    assert run("resnet18", "--input", "3x3x64x64").exit_code == 0


def test_images_with_their_number_in_front_bring_a_warning() -> None:
    done = run("-e", "1x3x64x64; conv 8 k3; flatten; dense 10")
    assert done.exit_code == 0
    assert "warning: 1x3x64x64 is read as channels, depth, height and width" in done.stderr
    assert "write 3x64x64, and --batch for more" in done.stderr
    assert run("-e", "1x16x64x64; conv 8 k3; flatten; dense 10").stderr == ""
    assert run("-e", "3x3x64x64; conv 8 k3; flatten; dense 10").stderr == ""


@pytest.mark.parametrize(
    ("given", "said"), [("1x3x9x9", "write 3x9x9, and --batch for more"), ("9x9", "it has 3 axes")]
)
def test_a_model_has_the_axes_that_it_says(given: str, said: str, tmp_path: Path) -> None:
    path = Model(1, 3, 9, 9).weight("w", 2, 3, 3, 3).op("Conv", "x w", "y").save(tmp_path)
    done = run(path, "--input", given)
    assert (done.exit_code, done.stdout) == (2, "")
    assert f"input 'x': {given} has" in done.stderr
    assert said in done.stderr


def test_a_square_sequence_is_one_where_that_is_said() -> None:
    """16 channels of length 16: 8 filters of 16*3 weights and a bias; outputs of length 14."""
    report = cnncalc.analyze("16x16; conv1d 8 k3; maxpool 2; dense 10")
    assert [row.output for row in report.layers if row.shown_with is None] == [(8, 14), (8, 7), (10,)]
    assert report.layers[0].params == 8 * (16 * 3 + 1)


def test_what_is_said_of_a_sequence_is_kept_by_format_and_convert(tmp_path: Path) -> None:
    spec = tmp_path / "net.yaml"
    spec.write_text("input: 16x16\nlayers:\n  - {Conv1D: 8, kernel_size: 3}\n  - Conv1d 8 k3 relu\n", encoding="utf-8")
    written = run("convert", str(spec), "-", "--to", "spec")
    assert "  - conv1d 8 k3\n  - conv1d 8 k3 relu\n" in written.stdout, written.output
    assert run("format", str(spec)).exit_code == 0
    assert spec.read_text(encoding="utf-8") == "input: 16x16\nlayers:\n  - conv1d 8 k3\n  - conv1d 8 k3 relu\n"


def test_the_rows_before_a_layer_that_does_not_fit_are_shown() -> None:
    net = "1x28x28; conv 6 k5 relu; maxpool 2; conv 16 k15; dense 10"
    done = run("-e", net)
    assert done.exit_code == 2
    starts = [line.split()[0] for line in done.stdout.splitlines() if line]
    assert starts[-2:] == ["conv1", "maxpool1"]  # no total behind them
    assert "6x24x24" in done.stdout
    assert "6x12x12" in done.stdout
    assert "conv2: a 15x15 window does not fit the 12x12 input" in done.stderr
    for more in (["--format", "json"], ["--format", "csv"]):
        assert run("-e", net, *more).stdout == ""


def test_python_files_are_no_specs_and_what_is_in_them_is_named(tmp_path: Path) -> None:
    path = tmp_path / "net.py"
    path.write_text("import torch\n\ndef build():\n    ...\n\nclass Net(torch.nn.Module):\n    ...\n", encoding="utf-8")
    for command in (["analyze"], ["rf"], ["lint"], ["format"], ["compare"], ["diff", "lenet5"]):
        done = run(*command, str(path))
        assert done.exit_code == 2
        assert f"{path}: this is Python, and no spec\n" in done.stderr
        assert f"  hint: say what in it makes the model: {path}:Net, {path}:build\n" in done.stderr


def test_commands_that_read_specs_alone_say_so_of_a_model(tmp_path: Path) -> None:
    pytest.importorskip("onnx", reason="the model is written by the package onnx")
    model = tmp_path / "net.onnx"
    assert run("convert", "-e", "1x8x8; conv 2 k3", str(model), "--seed", "0").exit_code == 0
    for command, told in (("format", "as they were: 0, unusable: 1"),):
        done = run(command, str(model))
        assert done.exit_code == 2
        assert "this is a model of another program, and specs alone are read here" in done.stderr
        assert f"`cnncalc convert {model} net.yaml`" in done.stderr
        assert told in done.stdout + done.stderr


def test_a_file_that_is_not_there_names_three_networks_at_most() -> None:
    done = run("zzz")
    assert done.exit_code == 2
    hint = done.stderr.splitlines()[-1]
    assert hint.startswith("  hint: bundled networks with the nearest names: zfnet, ")
    assert hint.count(",") == 2
