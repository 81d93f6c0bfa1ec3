"""`cnncalc format`: one style, comments kept, the same network before and after; and never half a file."""

from __future__ import annotations

import random
import stat
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
import yaml
from cases import FOLDER, load_cases, read_yaml, spec_of
from click.testing import CliRunner, Result
from hypothesis import HealthCheck, given, settings
from random_specs import networks

import cnncalc
from cnncalc.cli import group
from cnncalc.errors import CnncalcError, Source, SpecError
from cnncalc.graph import Graph
from cnncalc.shipped import bundled
from cnncalc.spec import style
from cnncalc.spec.style import are_same, count_remarks, format_spec

pytest.importorskip("ruamel.yaml")

GOLDEN = read_yaml(Path(__file__).parent / "format.yaml")
BUNDLED = {name: Path(path).read_text(encoding="utf-8") for name, path in bundled().items()}


@pytest.fixture(scope="module", autouse=True)
def _a_text_is_read_and_turned_once() -> Iterator[None]:
    """The last turn of one spec is the first of another that is in style."""
    import cnncalc.spec.style.tree as tree

    restyle = cache(tree.restyle)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tree, "restyle", lambda text, blocks: restyle(text, frozenset(blocks)))
        patch.setattr(style, "read", cache(style.read))
        yield


@cache
def styled(text: str) -> str:
    return format_spec(Source("net.yaml", text))


def loaded(text: str) -> Graph:
    """The network of a text; where `format_spec` has read it, as it did."""
    return style.read(Source("net.yaml", text))[2]


def dumped(data: object, *, flow: bool | None) -> str:
    """As PyYAML writes it: with libyaml where there is one, which takes a tenth of the time."""
    how = getattr(yaml, "CDumper", yaml.Dumper)
    return yaml.dump(data, Dumper=how, default_flow_style=flow, sort_keys=False, width=60, allow_unicode=True)


def run(*arguments: str, input: str | bytes | None = None) -> Result:
    return CliRunner().invoke(group(), ["format", *arguments], input=input)


@pytest.mark.parametrize("case", GOLDEN, ids=[case["case"] for case in GOLDEN])
def test_style(case: dict[str, str]) -> None:
    after = case.get("after", case["before"])
    assert styled(case["before"]) == after
    assert styled(after) == after


@pytest.mark.parametrize("name", BUNDLED)
def test_bundled_specs_are_in_style(name: str) -> None:
    assert styled(BUNDLED[name]) == BUNDLED[name]


@pytest.mark.parametrize("name", BUNDLED)
def test_what_other_programs_write_comes_back_in_style(name: str) -> None:
    """Dumped by PyYAML in its ways, without comments: the same network, the same lines for its layers."""
    data = yaml.load(BUNDLED[name], getattr(yaml, "CBaseLoader", yaml.BaseLoader))
    graph = loaded(BUNDLED[name])
    for flow in (True, False, None):
        new = styled(dumped(data, flow=flow))
        assert are_same(loaded(new), graph)
        lines = {line.strip() for line in new.split("\n")}
        steps = [step for step in data["layers"] if isinstance(step, str) and "$" not in step]
        assert [step for step in steps if f"- {step}" not in lines and flow is False] == []


def test_cases_are_the_same_network_and_stay_as_they_are() -> None:
    read = 0
    for file in sorted(FOLDER.glob("*.yaml")):
        for case in load_cases(file.stem):
            text = spec_of(case)
            try:
                graph = loaded(text) if "\n" in text else None
            except SpecError:  # it needs values for its parameters
                continue
            if graph is not None:
                new = styled(text)
                assert are_same(loaded(new), graph), text
                assert styled(new) == new
                read += 1
    assert read > 300


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(network=networks())
def test_a_random_network_is_the_same_and_stays_as_it_is(network: tuple[str, Graph]) -> None:
    text, graph = network
    new = styled(text)
    assert are_same(cnncalc.load(new), graph)
    assert styled(new) == new


@pytest.mark.parametrize("seed", range(40))
def test_no_comment_is_lost(seed: int) -> None:
    """Comments put behind lines and between them, at any indentation."""
    choose = random.Random(seed)
    text = BUNDLED[choose.choice([*BUNDLED])]
    lines = []
    for number, line in enumerate(text.rstrip("\n").split("\n")):
        if choose.random() < 0.3:
            lines.append(" " * choose.randrange(9) + f"# before {number}")
        if choose.random() < 0.1:
            lines += [""] * choose.randrange(4)
        lines.append(line + (f" # behind {number}" if choose.random() < 0.3 and "#" not in line else ""))
    edited = "\n".join([*lines, "# last", ""])
    new = styled(edited)
    assert count_remarks(new) == count_remarks(edited)
    assert styled(new) == new
    assert "\n\n\n" not in new


def test_comments_inside_brackets_move_in_front() -> None:
    text = "input: 3x8x8\nlayers:\n  - {conv: 8,  # eight\n     # of three\n     kernel: 3}  # behind\n"
    assert styled(text) == "input: 3x8x8\nlayers:\n  # eight\n  # of three\n  - conv 8 k3    # behind\n"


def test_a_difference_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    import cnncalc.spec.style.tree as tree

    text = "input: 3x8x8\nblocks:\n  b: {layers: [conv 8 k3]}\nlayers:\n  - conv 8 k3  # eight\n"
    for old, new, message in [
        ("conv 8 k3  #", "conv 8 k5  #", "would change the network"),
        ("[conv 8 k3]", "[conv 8 k5]", "would change the network"),  # of a block that is never called
        ("# eight", "", "would lose a comment"),
    ]:
        monkeypatch.setattr(tree, "restyle", lambda t, _blocks, o=old, n=new: t.replace(o, n))
        with pytest.raises(CnncalcError, match=message):
            styled(text)


# --- the command

UGLY = "layers: [ conv   8 k3 ]\ninput: 3x8x8\n"
NICE = "input: 3x8x8\nlayers: [conv 8 k3]\n"


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    path = tmp_path / "a b" / "网络.yaml"
    path.parent.mkdir()
    path.write_text(UGLY)
    return path


def test_a_file_is_written(spec: Path) -> None:
    spec.chmod(0o640)
    result = run(str(spec))
    assert result.exit_code == 0
    assert spec.read_text() == NICE
    assert stat.S_IMODE(spec.stat().st_mode) == 0o640
    assert "written in style" in result.stdout
    assert run(str(spec)).stdout == ""
    assert [path.name for path in spec.parent.iterdir()] == [spec.name]


def test_folders_and_what_is_no_spec(spec: Path, tmp_path: Path) -> None:
    other = tmp_path / "workflow.yaml"
    other.write_text("on:   push\n")
    assert run(str(tmp_path)).exit_code == 0
    assert spec.read_text() == NICE
    assert other.read_text() == "on:   push\n"
    assert run(str(other), "--skip-others").exit_code == 0
    assert run().exit_code == 2
    assert run("lenet5").exit_code == 2  # a bundled network is no file to write


def test_check_and_diff_write_nothing(spec: Path) -> None:
    for option, status in (("--check", 1), ("--diff", 0)):
        result = run(option, str(spec))
        assert result.exit_code == status
        assert "-layers: [ conv   8 k3 ]" in result.stdout
        assert "+layers: [conv 8 k3]" in result.stdout
        assert spec.read_text() == UGLY
    spec.write_text(NICE)
    assert run("--check", str(spec)).exit_code == 0
    assert run("--check", str(spec)).stdout == ""


def test_standard_input() -> None:
    assert run("-", input=UGLY).stdout == NICE
    assert run("--check", "-", input=UGLY).exit_code == 1
    assert run("--check", "-", input=NICE).exit_code == 0


def test_line_ends_and_the_mark_at_the_start_stay(spec: Path) -> None:
    spec.write_bytes(b"\xef\xbb\xbf" + UGLY.replace("\n", "\r\n").encode())
    assert run(str(spec)).exit_code == 0
    assert spec.read_bytes() == b"\xef\xbb\xbf" + NICE.replace("\n", "\r\n").encode()
    assert run("--check", str(spec)).exit_code == 0


def test_a_file_without_a_last_line_end(spec: Path) -> None:
    spec.write_text(NICE.rstrip("\n"))
    assert "\\ No newline at end of file" in run("--diff", str(spec)).stdout
    run(str(spec))
    assert spec.read_text() == NICE


def test_a_broken_spec_stays_and_hides_no_other(spec: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.yaml"
    broken.write_text("input: 3x8x8\nlayers: [ conv ]\n")
    result = run(str(tmp_path))
    assert result.exit_code == 2
    assert "conv needs its" in result.stderr
    assert broken.read_text() == "input: 3x8x8\nlayers: [ conv ]\n"
    assert spec.read_text() == NICE


def test_without_the_library(spec: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    for name in [name for name in sys.modules if name.startswith(("ruamel", "cnncalc.spec.style"))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "ruamel.yaml", None)
    result = run(str(spec))
    assert result.exit_code == 2
    assert "pip install 'cnncalc[format]'" in result.stderr
    assert spec.read_text() == UGLY
