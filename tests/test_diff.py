"""`cnncalc diff`: layers matched, numbers compared, revisions of a repository, limits."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import commands
import pytest

import cnncalc
from cnncalc.difference import ADDED, CHANGED, REMOVED, SAME, compare


def run(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return commands.cnncalc("diff", *arguments, cwd=cwd)


def statuses(old: str, new: str) -> list[tuple[str, str]]:
    found = compare(cnncalc.analyze(old), cnncalc.analyze(new))
    return [(layer.status, layer.name) for layer in found.layers]


def test_an_inserted_layer_is_one_insertion_though_it_renumbers_the_others() -> None:
    old, new = (
        "1x32x32; conv 6 k5 p2; conv 6 k5 p2; dense 10",
        "1x32x32; conv 6 k3 p1; conv 6 k5 p2; conv 6 k5 p2; dense 10",
    )
    found = statuses("1x32x32; conv 6 k5; conv 8 k5; dense 10", "1x32x32; conv 6 k5; maxpool 1; conv 8 k5; dense 10")
    assert [status for status, _name in found].count(ADDED) == 1
    assert (SAME, "conv2") in found
    assert [status for status, _name in statuses(old, new)].count(ADDED) == 1


def test_a_layer_that_is_gone_and_one_that_changed() -> None:
    found = statuses("1x32x32; conv 6 k5; lrn; dense 10", "1x32x32; conv 7 k5; dense 10")
    assert (CHANGED, "conv1") in found
    assert (REMOVED, "lrn1") in found


def test_the_same_network_differs_in_nothing() -> None:
    report = cnncalc.analyze("resnet50")
    assert compare(report, cnncalc.analyze("resnet50")).same
    assert not compare(report, cnncalc.analyze("resnet50", classes=10)).same


def test_lenet_and_its_modern_version_explain_the_difference_of_their_parameters() -> None:
    found = compare(cnncalc.analyze("lenet5"), cnncalc.analyze("lenet5-modern"))
    by = {layer.name: c.by for layer in found.layers for c in layer.changes if c.quantity == "params" and c.by}
    assert by == {"S2": -12, "S4": -32, "C3": 900, "OUTPUT": 850}
    total = {change.quantity: change.by for change in found.totals}
    assert total["params"] == 1_706 == -44 + 900 + 850
    text = run("lenet5", "lenet5-modern").stdout
    assert "params 60,000 61,706 +1,706 +2.8" in " ".join(text.split())
    assert "C1/tanh -> C1/relu (tanh -> relu)" in text


def test_markdown_folds_the_layers_and_json_is_exact() -> None:
    page = run("lenet5", "lenet5-modern", "--format", "markdown").stdout
    assert page.startswith("### LeNet-5 -> LeNet-5, modern\n")
    assert "<details><summary>" in page
    assert page.index("</details>") > page.index("OUTPUT (rbf -> dense)")
    data = json.loads(run("lenet5", "lenet5-modern", "--format", "json").stdout)
    assert not data["same"]
    assert {"quantity": "params", "old": 60000, "new": 61706, "difference": 1706} in data["totals"]


def test_layers_that_only_see_more_are_counted_not_listed() -> None:
    text = run("resnet50", "resnet50-v1").stdout
    assert "layers differ in their receptive field alone, from " in text
    assert len(text.splitlines()) < 80


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (("lenet5", "lenet5"), 0),
        (("lenet5", "lenet5", "--exit-code"), 0),
        (("lenet5", "lenet5-modern"), 0),
        (("lenet5", "lenet5-modern", "--exit-code"), 1),
        (("lenet5", "lenet5-modern", "--max-increase", "params=5%"), 0),
        (("lenet5", "lenet5-modern", "--max-increase", "params=2%"), 1),
        (("lenet5", "lenet5-modern", "--max-increase", "params=2k,macs=100k"), 0),
        (("lenet5", "lenet5-modern", "--max-increase", "params=1706"), 0),
        (("lenet5", "lenet5-modern", "--max-increase", "params=1705"), 1),
        (("lenet5", "lenet5-modern", "--max-increase", "params=0"), 1),
        (("lenet5", "lenet5-modern", "--max-increase", "parms=0"), 2),
        (("lenet5", "lenet5-modern", "--max-increase", "params=x"), 2),
        (("lenet5",), 2),
        (("lenet5", "lenet6"), 2),
    ],
)
def test_exit_statuses(arguments: tuple[str, ...], status: int) -> None:
    done = run(*arguments)
    assert done.returncode == status, done.stderr
    assert "Traceback" not in done.stderr


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    def git(*arguments: str) -> None:
        subprocess.run(
            ["git", "-c", "user.name=a", "-c", "user.email=a@b", *arguments],
            cwd=tmp_path,
            check=True,
            capture_output=True,
        )

    def spec(name: str, layers: str) -> None:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"name: net\ninput: 1x32x32\nlayers:\n  - conv 6 k5\n{layers}", encoding="utf-8")

    git("init", "-q")
    spec("models/a net 网络.yaml", "  - conv 8 k3\n  - dense 10\n")
    spec("models/gone.yaml", "  - dense 4\n")
    spec("models/moved.yaml", "  - conv 9 k3\n  - dense 10\n  - dense 11\n  - dense 12\n")
    git("add", "-A")
    git("commit", "-qm", "one")
    spec("models/a net 网络.yaml", "  - conv 16 k3\n  - dense 10\n")
    (tmp_path / "models/gone.yaml").unlink()
    (tmp_path / "models/moved.yaml").rename(tmp_path / "models/there.yaml")
    (tmp_path / "models/new.yaml").write_text("input: 7\nlayers: [dense 3 relu, dense 2 softmax]\n", encoding="utf-8")
    git("add", "-A")
    git("commit", "-qm", "two")
    return tmp_path


def test_revisions_of_one_spec(repository: Path) -> None:
    done = run("HEAD~1:models/a net 网络.yaml", "models/a net 网络.yaml", cwd=repository)
    assert "+440" in done.stdout
    inside = run("HEAD~1:a net 网络.yaml", "a net 网络.yaml", cwd=repository / "models")
    assert inside.stdout == done.stdout
    assert "git cannot show this" in run("HEAD~9:models/new.yaml", "models/new.yaml", cwd=repository).stderr


def test_all_specs_that_changed_since_a_revision(repository: Path) -> None:
    text = run("--git", "HEAD~1", cwd=repository).stdout
    titles = [line for line in text.splitlines() if line.startswith("models/")]
    assert titles == [
        "models/a net 网络.yaml", "models/gone.yaml", "models/new.yaml", "models/moved.yaml -> models/there.yaml",
    ]  # fmt: skip
    data = json.loads(run("--git", "HEAD~1", "--format", "json", cwd=repository).stdout)
    assert [entry["same"] for entry in data["differences"]] == [False, False, False, True]
    assert "no git repository" in run("--git", "HEAD", cwd=repository.parent).stderr
    assert run("--git", "nothing", cwd=repository).returncode == 2
    assert run("--git", "HEAD", cwd=repository).stdout == "no spec differs\n"


def test_a_terminal_gets_colours_for_what_came_and_went() -> None:
    from test_cli import on_terminal

    text = on_terminal("diff", "lenet5", "lenet5-modern", columns=120)
    assert "\x1b[33m~   C3 (conv)" in text
    assert "\x1b[31m---" not in text
    assert "\x1b[" not in on_terminal("diff", "lenet5", "lenet5-modern", columns=120, NO_COLOR="1")


def test_models_whose_size_is_open_are_compared_at_the_one_that_is_given(tmp_path: Path) -> None:
    layers = [
        {"class_name": "InputLayer", "config": {"batch_shape": [None, None, None, 3], "name": "i"}},
        {"class_name": "Conv2D", "config": {"name": "c1", "filters": 4, "kernel_size": [3, 3]}},
    ]
    model = {"class_name": "Sequential", "config": {"name": "open", "layers": layers}}
    (tmp_path / "open.json").write_text(json.dumps(model), encoding="utf-8")
    (tmp_path / "net.yaml").write_text("input: 3x8x8\nlayers:\n- c1: conv 5 k3\n", encoding="utf-8")
    assert run("open.json", "net.yaml", cwd=tmp_path).returncode == 2
    found = run("open.json", "net.yaml", "--input", "3x20x20", "--format", "json", cwd=tmp_path)
    assert found.returncode == 0
    totals = {entry["quantity"]: entry["new"] for entry in json.loads(found.stdout)["totals"]}
    assert totals["macs"] == 18 * 18 * 5 * 27
