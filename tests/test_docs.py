"""What the documentation says is what the program does."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import commands
import pictures
import pytest
import write_docs

import cnncalc
from cnncalc.cli import COMMANDS
from cnncalc.cli.analyze import command as analyze
from cnncalc.pages.drawing import STYLES
from cnncalc.pages.view import COLUMNS
from cnncalc.spec.read.document import KEYS

ROOT = Path(__file__).parent.parent


@pytest.mark.parametrize("page", write_docs.PAGES)
def test_a_generated_page_is_up_to_date(page: str) -> None:
    assert (write_docs.DOCS / page).read_text(encoding="utf-8") == write_docs.PAGES[page]()


@pytest.mark.parametrize("page", ["docs/spec.md", "README.md"])
def test_the_first_spec_of_a_page_keeps_its_promise(page: str) -> None:
    text = re.search(r"```yaml\n(.*?)```", (ROOT / page).read_text(), re.DOTALL)
    assert text
    report = cnncalc.analyze(text[1])
    assert len(report.expectations) == 2
    assert all(verdict.holds for verdict in report.expectations)


def test_the_language_page_names_every_key() -> None:
    page = (ROOT / "docs" / "spec.md").read_text()
    assert [key for key in KEYS if f"`{key}`" not in page and f"`{key}:" not in page] == []


def test_the_page_of_quantities_names_every_number_in_json() -> None:
    page = (ROOT / "docs" / "quantities.md").read_text()
    report = cnncalc.analyze("lenet5")
    keys = {*report.to_dict(), *report.to_dict()["totals"], *report.to_dict()["layers"][0]}
    assert [key for key in keys if f'"{key}"' not in page] == []


def test_the_readme_has_the_two_commands_that_ci_runs() -> None:
    readme = (ROOT / "README.md").read_text()
    assert readme.count("\npip install . && cnncalc specs/lenet5.yaml\n") == 1
    assert readme.count("\npip install -e '.[test]' && pytest\n") == 1


def put_specs(folder: Path) -> None:
    """Some of those of the checkout: with plain layers, with blocks, with branches."""
    folder.mkdir()
    for name in ("lenet5", "resnet50", "unet"):
        shutil.copy(ROOT / "specs" / f"{name}.yaml", folder)


# All but the one that serves a page until it is ended, which tests/test_playground.py starts
@pytest.mark.parametrize(
    "line", re.findall(r"^cnncalc (?!playground)[^#\n]*", (ROOT / "README.md").read_text(), re.MULTILINE)
)
def test_every_command_of_the_readme_runs(line: str, tmp_path: Path) -> None:
    words = shlex.split(line)
    put_specs(tmp_path / "specs")
    (tmp_path / "docs" / "pictures").mkdir(parents=True)
    assert words[0] == "cnncalc"
    done = commands.cnncalc(*words[1:], cwd=tmp_path)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", pictures.commands())
def test_a_picture_is_what_the_command_below_it_draws(name: str, tmp_path: Path) -> None:
    """python tests/pictures.py draws them anew."""
    pictures.draw(pictures.commands()[name], tmp_path)
    assert (tmp_path / Path(name).name).read_bytes() == (ROOT / name).read_bytes()


def test_the_readme_opens_with_two_pictures_and_every_picture_is_shown() -> None:
    readme, page = ((ROOT / name).read_text(encoding="utf-8") for name in pictures.PAGES)
    opening = readme.split("A calculator for CNN")[0]
    shown = re.findall(r"!\[[^\]]+\]\((docs/pictures/[^)]+)\)\n\n```sh\ncnncalc [^\n]*\1\n", opening)
    assert len(shown) == 2
    drawn = {Path(name).name for name in pictures.commands()}
    assert drawn == {path.name for path in (ROOT / "docs" / "pictures").iterdir()}
    assert {Path(name).name for name in re.findall(r"\]\((pictures/[^)]+)\)", page)} == drawn
    assert all(f"## {style}\n" in page for style in STYLES)


def test_help_names_every_column() -> None:
    option = next(p for p in analyze.params if p.name == "columns")
    assert all(name in (getattr(option, "help", "") or "") for name in COLUMNS)


def test_the_new_kind_of_the_design_page_works(monkeypatch: pytest.MonkeyPatch) -> None:
    """The page promises that a class and a row are all: the class is taken from the page."""
    import types
    from math import prod

    import cnncalc.layers as layers
    from cnncalc.layers import base

    page = (ROOT / "docs" / "design.md").read_text()
    idea, code, run = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    exec(idea, {})
    name = "cnncalc.layers.scaling"
    room = types.ModuleType(name)
    vars(room).update({**vars(base), "prod": prod, "__name__": name})
    exec(re.sub("^   ", "", code, flags=re.MULTILINE), vars(room))
    monkeypatch.setitem(__import__("sys").modules, name, room)
    monkeypatch.setattr(layers, "KINDS", dict(layers.KINDS))
    monkeypatch.setattr(layers, "_BY_PLAIN_NAME", dict(layers._BY_PLAIN_NAME))
    layers.register(layers.Kind("scale", "scaling", "Scale", ("gain",)))
    report = cnncalc.analyze("5x8x9; conv 6 k3; Gain; {residual: [scale]}; dense 2")
    assert (report["scale1"].params, report["scale2"].flops, report["scale1"].receptive_field) == (6, 6 * 6 * 7, (3, 3))
    assert report.totals.left_out == {}

    from typing import Any

    from cnncalc.reference import base as reference

    monkeypatch.setitem(reference.REFERENCES, "scale", None)  # type: ignore[arg-type]  # so that it goes again
    exec(re.sub("^   ", "", run, flags=re.MULTILINE), {**vars(reference), "Any": Any})
    assert cnncalc.verify(cnncalc.load("5x8x9; conv 6 k3; Gain; {residual: [scale]}; dense 2")).holds


def test_the_design_page_names_every_room_and_only_files_that_there_are() -> None:
    page = (ROOT / "docs" / "design.md").read_text(encoding="utf-8")
    package = ROOT / "cnncalc"
    modules = [path for path in package.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()]
    names = [f"{path.name}/" if path.is_dir() else path.name for path in modules if not path.name.startswith("_")]
    assert [name for name in names if not re.search(rf"(^|[\s`]){re.escape(name)}", page, re.MULTILINE)] == []
    named = {name for name in re.findall(r"`([\w/.]+\.(?:py|yaml|md|po))`", page) if "FAMILY" not in name}
    folders = [ROOT, package, *(package / name for name in ("spec/read", "spec/build", "formats", "pages/drawing"))]
    assert [name for name in sorted(named) if not any((folder / name).exists() for folder in folders)] == []


WALK = """
import sys

entered = []

def note(frame, event, arg):
    file = frame.f_code.co_filename
    if event == "call" and frame.f_code.co_name != "<module>" and file not in entered:
        entered.append(file)

sys.setprofile(note)
from cnncalc.cli import main
try:
    main(["lenet5"])
except SystemExit:
    pass
sys.setprofile(None)
print("\\n".join(entered), file=sys.stderr)
"""


def test_the_walk_of_the_design_page_enters_every_file_that_it_names() -> None:
    """Functions are called in each of them, in a run of the command that the page speaks of."""
    page = (ROOT / "docs" / "design.md").read_text(encoding="utf-8")
    walk = page[page.index("## One line of text") : page.index("## The rooms")]
    named = []
    for row in re.findall(r"^\| (`.*?`) \|", walk, re.MULTILINE):
        folder = ""
        for name in re.findall(r"`([\w/.]+)`", row):
            folder = name.rpartition("/")[0] if "/" in name else folder  # `spec/read/document.py`, `steps.py`
            named.append(name if "/" in name else f"{folder}/{name}".lstrip("/"))
    run = subprocess.run([sys.executable, "-c", WALK], capture_output=True, text=True, cwd=ROOT, check=True)
    entered = {
        Path(file).relative_to(ROOT / "cnncalc").as_posix() for file in run.stderr.split() if "/cnncalc/" in file
    }
    # Through a pipe the text is plain: the page names both formats.
    assert [name for name in named if name not in entered and name != "formats/table.py"] == []
    assert len(named) > 20


def test_the_explanation_of_the_readme_is_what_the_command_prints() -> None:
    import cnncalc

    page = (ROOT / "README.md").read_text(encoding="utf-8")
    assert str(cnncalc.explain("lenet5", "C3", "connections")).strip() in page


def test_the_worked_example_of_receptive_fields_is_what_is_printed() -> None:
    from click.testing import CliRunner

    from cnncalc.cli import group

    page = (ROOT / "docs" / "receptive-fields.md").read_text()
    printed = CliRunner().invoke(group(), ["rf", "alexnet-torchvision", "--to", "pool5", "--format", "plain"]).output
    assert f"```\n{printed}```" in page


def test_every_command_is_in_the_readme_and_so_is_how_to_run_it_without_installing() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    gallery = set(re.findall(r"^cnncalc (\w+)", readme, re.MULTILINE))
    assert COMMANDS.keys() - gallery == {"analyze"}  # which is `cnncalc SPEC`
    first_screen = readme[: readme.index("## The command")]
    for line in ("uvx cnncalc lenet5", "pipx install cnncalc", "**In a terminal**", "**For homework**", "**In CI**"):
        assert line in first_screen


@pytest.mark.parametrize(
    "line", re.findall(r"`(cnncalc [^`]*)`", (ROOT / "README.md").read_text().split("## The command")[0])
)
def test_every_line_of_the_first_screen_runs(line: str, tmp_path: Path) -> None:
    if "--check" in line:
        test_every_line_of_the_first_screen_runs("cnncalc lock specs/", tmp_path)
    elif not (tmp_path / "specs").exists():
        put_specs(tmp_path / "specs")
    done = commands.cnncalc(*shlex.split(line)[1:], cwd=tmp_path)
    assert done.returncode == (1 if "41600" in line else 0), done.stderr
