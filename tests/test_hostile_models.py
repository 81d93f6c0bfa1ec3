"""Models of other programs and archives that are made to do harm: refused, or read, within bounded time and memory."""

from __future__ import annotations

import bz2
import json
import shutil
import struct
import subprocess
import xml.etree.ElementTree as ElementTree
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner
from onnx_bytes import Model, part, tensor
from test_formats import NASTY
from test_mutations import SEQUENTIAL, workbook

from cnncalc.cli import group

OUTSIDE = part(13, part(1, "location") + part(2, "../../etc/passwd"))


def model(*dims: int) -> Model:
    return Model(*(dims or (1, 3, 8, 8)))


def transposed(*order: int) -> Model:
    return model().op("Transpose", "x", "y", perm=list(order))


def weight_transposed(*order: int) -> Model:
    return model().weight("w", 4, 3, 1, 1).op("Transpose", "w", "v", perm=list(order)).op("Conv", "x v", "y")


def resize(factor: float, transformation: str, rounding: str = "floor") -> Model:
    made = model()
    made.after += part(5, tensor("s", [4], 1, struct.pack("<4f", 1, 1, factor, factor)))
    words = {"mode": "nearest", "coordinate_transformation_mode": transformation, "nearest_mode": rounding}
    return made.op("Resize", "x - s", "y", **words)


def declared(*dims: int) -> Model:
    """Weights of which the file says the shape and holds nothing."""
    made = model()
    made.after += part(5, tensor("w", dims, 1, None) + OUTSIDE)
    return made.op("Conv", "x w", "y")


def chain(count: int, backward: bool = False) -> Model:
    made = model()
    for i in range(count - 1, -1, -1) if backward else range(count):
        made.op("Relu", "x" if i == 0 else f"v{i}", "y" if i == count - 1 else f"v{i + 1}")
    return made


MODELS: dict[str, tuple[Callable[[], Model], str]] = {
    # what is made: the model, and what is said of it
    "a cycle": (lambda: model().op("Relu", "b", "a").op("Relu", "a", "b").op("Add", "x b", "y"), "it reads 'b', which"),
    "an operator that reads itself": (lambda: model().op("Add", "x y", "y"), "it reads 'y', which nothing before it"),
    "a chain from its end": (lambda: chain(2000, backward=True), "which nothing before it gives"),
    "a negative size": (lambda: declared(-4, 3, 3, 3), "'w' is no tensor: its shape is [-4, 3, 3, 3]"),
    "no filters": (lambda: declared(0, 3, 3, 3), "'0' is not a positive whole number"),
    "filters beyond all": (lambda: declared(2**62, 3, 3, 3), "'4611686018427387904' is not a positive whole"),
    "a map beyond all": (lambda: model(1, 2**62, 8, 8).op("Relu", "x", "y"), "is no shape"),
    "an axis that is negative": (lambda: model(1, 3, -8, 8).op("Relu", "x", "y"), "the model leaves its size open"),
    "ten thousand axes": (lambda: model(*[1] * 10_000).op("Relu", "x", "y"), "a tensor of 10000 axes: 32 at most"),
    "an order of 10,000 axes": (lambda: transposed(*range(10_000)), "it orders 10000 axes, and what it reads has 4"),
    "an order of too few axes": (lambda: transposed(0, 2, 1), "it orders 3 axes, and what it reads has 4"),
    "an order with an axis twice": (lambda: transposed(0, 2, 1, 2), "[0, 2, 1, 2] is no order of 4 axes"),
    "an order of axes that are not there": (lambda: transposed(0, 1, 2, 10**18), "is no order of 4 axes"),
    "an order of a weight's axes that is none": (
        lambda: weight_transposed(*range(10_000)),
        "what it makes of constants is not worked out here",
    ),
    "a step of 0": (
        lambda: model().whole("a", 0).whole("b", 8).whole("c", 2).whole("d", 0).op("Slice", "x a b c d", "y"),
        "a step of 0",
    ),
    "a factor that is no number": (lambda: resize(float("nan"), "asymmetric"), "a factor is no number"),
    "a factor beyond all": (lambda: resize(float("inf"), "asymmetric"), "a factor is no number"),
    "a factor of nothing": (lambda: resize(1e-9, "asymmetric"), "'0' is not a positive whole number"),
    "a factor of a thousand million": (lambda: resize(1e9, "asymmetric"), ""),
    "a constant that fills any memory": (
        lambda: model().whole("s", 10**6, 10**6).op("ConstantOfShape", "s", "c").op("Add", "x c", "y"),
        "what it makes of constants is not worked out here",
    ),
    "constants that double": (
        lambda: doubled(),
        "what it makes of constants is not worked out here",
    ),
    "a name of a million characters": (lambda: model().op("Tango", "x", "y", name="n" * 10**6), "Tango is not known"),
}


def doubled() -> Model:
    made = model().op("Shape", "x", "s0")
    for i in range(40):
        made.op("Concat", f"s{i} s{i}", f"s{i + 1}", axis=0)
    return made.op("Reshape", "x s40", "y")


@pytest.mark.parametrize("name", MODELS)
def test_a_model_made_to_do_harm_is_refused_or_read(name: str, tmp_path: Path) -> None:
    made, said = MODELS[name]
    done = CliRunner().invoke(group(), [made().save(tmp_path)])
    assert done.exit_code == (2 if said else 0), done.output
    assert said in done.output
    assert "nobody foresaw" not in done.output
    assert len(done.output) < 10_000


@pytest.mark.parametrize("factor", [1, 2, 3, 8])
@pytest.mark.parametrize("rounding", ["floor", "ceil", "round_prefer_floor", "round_prefer_ceil"])
@pytest.mark.parametrize("centres", ["asymmetric", "half_pixel", "pytorch_half_pixel"])
def test_elements_that_are_repeated_are_those_that_a_look_at_all_places_gives(
    factor: int, rounding: str, centres: str
) -> None:
    """It looks at both ends of each run alone, since a factor may be a thousand million."""
    pytest.importorskip("numpy")
    from fractions import Fraction

    from cnncalc.interop.onnx.read.resampling import ROUNDINGS, nearest_place, repeats

    place = nearest_place(Fraction(factor), centres)
    assert place is not None
    places = [min(max(ROUNDINGS[rounding](place(i)), 0), 2) for i in range(3 * factor)]
    assert repeats(factor, centres, rounding) == (places == [i // factor for i in range(3 * factor)])


def test_thousands_of_operators_are_read_and_weights_outside_the_folder_are_not(tmp_path: Path) -> None:
    done = CliRunner().invoke(group(), [chain(3000).save(tmp_path), "--format", "json"])
    assert (done.exit_code, len(json.loads(done.stdout)["layers"])) == (0, 3000)  # three times as deep as Python calls
    path = declared(4, 3, 3, 3).save(tmp_path)
    assert CliRunner().invoke(group(), [path]).exit_code == 0  # a shape is all that the numbers need
    pytest.importorskip("onnx", reason="onnx is not installed: no model is written")
    done = CliRunner().invoke(group(), ["convert", "--to", "onnx", path, str(tmp_path / "out.onnx")])
    assert (done.exit_code, "outside the model's folder" in done.output) == (2, True)
    assert not (tmp_path / "out.onnx").exists()


# --- names

# Marks of DOT, Mermaid, TikZ, SVG and JavaScript, beside those of all formats
NAMES = [
    *NASTY, '"]; A -> B; x["', '"]\n click A "javascript:alert(1)"', "end", "end\n classDef x", "subgraph x",
    '%%{init: {"securityLevel":"loose"}}%%', "a-->b", "A((x))", 'x"];evil[label="y', "label=<<b>x</b>>",
    "\\N\\G\\E\\T", "\\l\\r\\", "&#x41;&amp;", "}]};\\draw (0,0);", "\\end{tikzpicture}", "\\immediate\\write18{x}",
    "</script><script>alert(1)</script>", "<!--", "${alert(1)}", '");alert(1)//', "../../etc/passwd", "x" * 100_000,
    "\u5c42", "e\u0301", "-", "--", "{{7*7}}", "%s%d{0}", "#x", "!t", "&a", "*a", "a: b", "? y", "@", "null",
]  # fmt: skip
ENDINGS = ("dot", "mmd", "svg", "tex")


def named(name: str) -> Model:
    """A model in which everything is called so."""
    made = model().weight("w", 4, 3, 3, 3)
    made.op("Conv", "x w", "a", name=f"{name}/conv").op("Relu", "a", "b", name=name)
    made.op("Tanh", "a", "c", name=f"{name}.{name}").op("Add", "b c", "y", name=f"{name}/{name}")
    made.graph += part(2, name)
    return made


@pytest.mark.parametrize("number", range(len(NAMES)))
def test_names_of_models_are_no_syntax_of_drawings(number: int, tmp_path: Path) -> None:
    path = named(NAMES[number]).save(tmp_path)
    for ending in ENDINGS:
        file = tmp_path / f"out.{ending}"
        done = CliRunner().invoke(group(), ["draw", path, "-o", str(file)])
        assert done.exit_code == 0, done.output
        text = file.read_text(encoding="utf-8")
        assert not [c for c in text if not c.isprintable() and c != "\n"]
        if ending == "svg":
            kinds = {element.tag.rpartition("}")[2] for element in ElementTree.fromstring(text).iter()}
            assert not kinds & {"script", "foreignObject", "a", "image"}


@pytest.mark.skipif(shutil.which("dot") is None, reason="dot is not installed")
def test_dot_draws_models_with_any_names(tmp_path: Path) -> None:
    """Each with as many boxes and arrows as the model without a mark, and no complaint."""
    for number, name in enumerate(["plain", *NAMES]):
        path = named(name).save(tmp_path, f"{number}.onnx")
        done = CliRunner().invoke(group(), ["draw", path, "-o", str(tmp_path / f"{number}.dot")])
        assert done.exit_code == 0, done.output
    command = ["dot", "-Tsvg", "-O", *(f"{number}.dot" for number in range(len(NAMES) + 1))]
    drawn = subprocess.run(command, cwd=tmp_path, capture_output=True, encoding="utf-8", timeout=120)
    assert (drawn.returncode, drawn.stderr) == (0, "")
    texts = [(tmp_path / f"{number}.dot.svg").read_text(encoding="utf-8") for number in range(len(NAMES) + 1)]
    counts = [(text.count('class="node"'), text.count('class="edge"')) for text in texts]
    assert counts == counts[:1] * len(counts)
    assert not [text for text in texts if "href" in text.replace("xmlns:xlink", "")]


# --- archives

CONFIG = json.dumps(SEQUENTIAL)


def test_paths_in_an_archive_lead_nowhere_and_the_last_of_two_parts_counts(tmp_path: Path) -> None:
    path = tmp_path / "net.keras"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("metadata.json", b"9" * 200_000)
        archive.writestr("config.json", "no model")
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("config.json", CONFIG)
        archive.writestr("../../evil", "x")
        archive.writestr("/etc/evil", "x")
    before = sorted(p.name for p in tmp_path.parent.iterdir())
    done = CliRunner().invoke(group(), [str(path), "--format", "json"])
    assert (done.exit_code, json.loads(done.stdout)["totals"]["params"]) == (0, 770)
    assert sorted(p.name for p in tmp_path.parent.iterdir()) == before


def test_a_few_bytes_unpack_to_any_size() -> None:
    assert len(bz2.compress(bytes(10**7))) < 100


@pytest.mark.parametrize("kind", ["keras", "xlsx", "npz"])
@pytest.mark.parametrize("packing", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_what_unpacks_to_any_size_at_once_is_refused(kind: str, packing: int, tmp_path: Path) -> None:
    """bzip2 makes 300 MB of 200 bytes, all at once, whatever size the archive says."""
    path = tmp_path / f"a.{kind}"
    files = {"config.json": CONFIG.encode(), "metadata.json": b"{}", "C1.weight.npy": b""}
    if kind == "npz":
        pytest.importorskip("onnx", reason="onnx is not installed: no model is written")
    if kind == "xlsx":
        workbook()
        files = {"xl/worksheets/sheet1.xml": b""}
    with zipfile.ZipFile(path, "w", packing) as archive:
        for name, data in files.items():
            archive.writestr(name, data + bytes(10**6))
    words = {
        "keras": [str(path)],
        "xlsx": ["check", "lenet5", str(path)],
        "npz": ["convert", "lenet5", str(tmp_path / "out.onnx"), "--weights", str(path)],
    }[kind]
    done = CliRunner().invoke(group(), words)
    assert (done.exit_code, "packed in a way which is not read" in done.output) == (2, True), done.output
    assert not (tmp_path / "out.onnx").exists()


def test_many_small_arrays_make_no_room_for_a_large_one(tmp_path: Path) -> None:
    pytest.importorskip("onnx", reason="onnx is not installed: no model is written")
    path = tmp_path / "w.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for i in range(5000):
            archive.writestr(f"a{i}.npy", b"")
        archive.writestr("b.npy", bytes(10**7))
    done = CliRunner().invoke(group(), ["convert", "lenet5", str(tmp_path / "out.onnx"), "--weights", str(path)])
    assert (done.exit_code, "it holds more than this network stores" in done.output) == (2, True), done.output


# --- YAML

TAGGED = {
    "input: !foo 3x8x8\nlayers: [relu]\n": "1:8: tags are not part of the language: !foo",
    "input: 3x8x8\nlayers: !!python/object/apply:os.system [exit]\n": "2:9: tags are not part of the language: python/",
    "input: 3x8x8\nlayers:\n  - !!int relu\n": "3:5: tags are not part of the language: int",
    "input: 3x8x8\nlayers: !!set {relu}\n": "2:9: tags are not part of the language: set",
}


@pytest.mark.parametrize("text", TAGGED)
def test_a_tag_is_refused_and_not_passed_over(text: str, tmp_path: Path) -> None:
    (tmp_path / "net.yaml").write_text(text)
    done = CliRunner().invoke(group(), [str(tmp_path / "net.yaml")])
    assert (done.exit_code, TAGGED[text] in done.output) == (2, True), done.output
