"""`cnncalc report` without a browser: one file that loads nothing, with the numbers and texts of the commands."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections import Counter
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from cases import bundled_report
from click.testing import CliRunner
from onnx_bytes import Model

import cnncalc
from cnncalc.analysis.derivations import explain
from cnncalc.analysis.derivations.formulas import MATHML
from cnncalc.cli import group
from cnncalc.errors import SpecError
from cnncalc.pages.browser.data import data_of_text, json_text, page_data
from cnncalc.pages.browser.file import IMPORT, html_text, join_scripts
from cnncalc.pages.browser.texts import OF_TWO, TEXTS
from cnncalc.pages.view import View, choose_rows
from cnncalc.quantities import SUMMED
from cnncalc.report import as_json

PAGE = Path(str(files("cnncalc.pages.browser").joinpath("page")))
SCRIPTS = sorted(PAGE.glob("*.js"))


@cache
def data_of(*names: str) -> dict[str, Any]:
    """The data of the page of bundled networks, made once; no test changes it."""
    return page_data([bundled_report(name) for name in names])


@pytest.fixture(scope="module")
def resnet() -> dict[str, Any]:
    return json.loads(json_text(data_of("resnet50")))


def test_the_file_is_small_and_its_policy_allows_what_it_holds_and_nothing_else(resnet: dict[str, Any]) -> None:
    text = html_text(resnet, "ResNet-50")
    # 269 kB, and room for a few more quantities: each takes a kilobyte.
    assert len(text.encode()) < 275_000
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text)
    style, script = re.search(r"<style>(.*?)</style>", text, re.S), re.search(r'"module">(.*?)</script>', text, re.S)
    assert policy
    assert style
    assert script
    for kind, part in (("style", style[1]), ("script", script[1])):
        digest = base64.b64encode(hashlib.sha256(part.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}';" in policy[1]
    assert policy[1].startswith("default-src 'none';")
    assert "unsafe" not in policy[1]
    assert "http" not in policy[1]
    assert "*" not in policy[1]
    outside = set(re.findall(r"https?://[^\s\"'`]+", text.replace(json_text(resnet), "")))
    assert outside == {"http://www.w3.org/1998/Math/MathML", "http://www.w3.org/2000/svg"}  # names, never asked for


def test_names_in_the_island_end_no_element_and_stay_what_they_are() -> None:
    name = "</script><script>alert(1)</script> \"quoted\" 'so' & 网络 <!-- " + "long" * 60
    for text in ("\u2028\u202e<", "</script>", "<\\/script><!--<ScRipt ></", "<mi>n</mi>", "<"):
        written = json_text({"a": text})
        assert json.loads(written) == {"a": text}
        assert not re.search(r"<[/!?sS]", written)
    assert json_text({"a": "\u2028"}).isascii()
    spec = json.dumps({"name": name, "input": "1x8x8", "layers": ["conv 2 k3", {"卷积": "conv 3 k3"}]})
    data = data_of_text(spec)
    island = json_text(data)
    assert not re.search(r"<[/!?sS]", island)
    assert "\u2028" not in island
    assert json.loads(island) == data
    assert data["networks"][0]["name"] == name
    page = html_text(data, name)
    assert page.count("</script>") == 2
    assert "<script>alert" not in page


def test_rows_are_those_of_the_command_with_their_numbers(resnet: dict[str, Any]) -> None:
    report = cnncalc.analyze("resnet50")
    net = resnet["networks"][0]
    columns = [column for column in net["columns"] if column["key"] not in ("name", "kind", "inputs")]
    keys = [column["key"] for column in columns if not column.get("field")]
    fields = [column["key"] for column in columns if column.get("field")]
    rows = [row for row in net["rows"] if row[0] == 1]
    shown = choose_rows(report, View())
    assert len(rows) == len(shown)
    for data, row in zip(rows, shown, strict=True):
        values = dict(zip(keys, net["values"][data[7]], strict=True))
        values |= dict(zip(fields, net["fields"][data[8]], strict=True))
        entering = data[9] if len(data) > 9 else net["nodes"]["reads"][data[4]]
        names = [*report.inputs, *net["nodes"]["name"]]
        assert [names[value] for value in entering] == list(row.inputs)
        assert net["nodes"]["name"][data[6]] == row.name
        assert (data[2] or net["nodes"]["kind"][data[6]]) == row.kind
        for key in ("output", "params", "macs", "flops", "connections", "activation_bytes", "receptive_field"):
            value = getattr(row, key)
            assert values[key] == (as_json(value) if isinstance(value, tuple) else value)
    assert net["totals"]["macs"] == report.totals.macs == 4_089_184_256


def filled(net: dict[str, Any], line: int) -> str:
    """A line of the data with its values put in, as MathML."""
    derivations = net["derivations"]
    formula, *values = derivations["lines"][line]

    def value(found: re.Match[str]) -> str:
        given = values.pop(0)
        if found[1] == "mtext":
            name = derivations["names"][given]
            return f"<mtext>{name if isinstance(name, str) else net['nodes']['name'][name]}</mtext>"
        return f"<mn>{given}</mn>" if "." in str(given) else f"<mn>{int(given):,}</mn>"

    text = re.sub(r"<(mn|mtext)/>", value, derivations["formulas"][formula])
    assert not values
    return text


@pytest.mark.parametrize("name", ["lenet5", "resnet50", "unet"])
def test_every_number_has_the_derivation_that_explain_gives(name: str) -> None:
    report = bundled_report(name)
    data = data_of(name)
    net, texts = data["networks"][0], data["texts"]
    derivations = net["derivations"]
    quantities = ("output", "params", "connections", "macs", "flops", "activation_bytes", "receptive_field",
                  "backward_flops", "saved_bytes", "moved_bytes", "arithmetic_intensity")  # fmt: skip
    for number in range(0, len(report.layers), 1 if name == "lenet5" else 9):
        row = report.layers[number]
        layer = derivations["layers"][derivations["of_layer"][number]]
        layer = dict(zip(derivations["quantities"], layer, strict=True))
        for quantity in quantities:
            claimed = explain(report, row.name, quantity)
            of_node = derivations["of_node"].get(quantity)
            place = layer.get(quantity, -1) if of_node is None else of_node[number]
            found = None if place < 0 else derivations["found"][place]
            assert bool(claimed) == (found is not None), (row.name, quantity)
            if not claimed or found is None:
                continue
            expected = ["<mo>=</mo>".join(line.parts(MATHML)) for line in claimed[0].steps]
            assert [filled(net, line) for line in (found[0] if found else ())] == expected
            said = found[2] if len(found) > 2 else ()
            remarks = [texts[i] if isinstance(texts[i], str) else texts[i][0] for i in said]
            assert remarks == [remark for remark in claimed[0].remarks if not remark.startswith("The row of the table")]


def test_scripts_make_no_markup_of_text_and_share_no_name() -> None:
    names: Counter[str] = Counter()
    for path in SCRIPTS:
        text = path.read_text(encoding="utf-8")
        assert not re.search(
            r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|setTimeout\(\"", text
        )
        assert not re.search(r"\b(fetch|XMLHttpRequest|WebSocket|EventSource|sendBeacon|import)\(", text), path
        names.update(re.findall(r"^(?:export )?(?:async )?(?:function|const|let|class) (\w+)", text, re.MULTILINE))
        assert all(line.count("`") % 2 == 0 for line in text.splitlines()), (
            f"{path.name}: a text that goes on for lines"
        )
    assert [name for name, times in names.items() if times > 1] == []


def test_the_join_scripts_has_every_module_once_and_imports_nothing() -> None:
    joined = join_scripts()
    assert re.findall(r"^// ([\w-]+\.js)$", joined, re.MULTILINE).count("dom.js") == 1
    assert set(re.findall(r"^// ([\w-]+\.js)$", joined, re.MULTILINE)) == {path.name for path in SCRIPTS}
    assert not re.search(r"^\s*(import|export)\b", joined, re.MULTILINE)
    for path in SCRIPTS:  # what an import names is there
        for names, other in re.findall(r'^import \{([^}]*)\} from "\./([\w-]+\.js)";', path.read_text(), re.MULTILINE):
            exported = set(
                re.findall(
                    r"^export (?:async )?(?:function|const|class) (\w+)", (PAGE / other).read_text(), re.MULTILINE
                )
            )
            assert {name.strip() for name in names.split(",")} <= exported, path.name
        assert len(IMPORT.findall(path.read_text())) == path.read_text().count(
            "\nimport "
        ) + path.read_text().startswith("import ")


def test_the_words_of_the_page_are_those_that_its_scripts_use() -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in SCRIPTS)
    used = set(re.findall(r"\bsay\(\"([^\"]+)\"", text)) | {
        key for pair in re.findall(r"\bsay\([^\"()]*\? \"([^\"]+)\" : \"([^\"]+)\"", text) for key in pair
    }
    assert used == TEXTS.keys()


def test_texts_are_there_in_both_languages(resnet: dict[str, Any]) -> None:
    assert resnet["languages"] == ["en", "zh"]
    own = [resnet["texts"][place] for key, place in resnet["own"].items() if key != "sigma"]
    assert all(isinstance(text, list) and text[0] != text[1] for text in own)


def test_two_networks_are_there_with_what_diff_says() -> None:
    data = data_of("lenet5", "lenet5-modern")
    assert [net["name"] for net in data["networks"]] == ["LeNet-5", cnncalc.analyze("lenet5-modern").name]
    cells = [data["texts"][cell] for row in data["difference"][0]["table"]["rows"] for cell in row]
    assert "61,706" in cells
    assert "60,000" in cells


@pytest.mark.parametrize("names", [("lenet5", "lenet5-modern"), ("resnet18", "resnet34")])
def test_layers_stand_beside_those_that_diff_compares_them_with(names: tuple[str, str]) -> None:
    data = data_of(*names)
    old, new = (net["nodes"]["name"] for net in data["networks"])
    assert len(json_text(data["sides"])) < 3000  # places alone: the numbers are in the rows of either network
    keys = [key for key, _heading in data["sides"]["quantities"]]
    pairs = [
        {"old": old[before] if before >= 0 else None, "new": new[after] if after >= 0 else None,
         "changes": [keys[place] for place in changes]}
        for before, after, *changes in data["sides"]["pairs"]
    ]  # fmt: skip
    printed = CliRunner().invoke(group(), ["diff", *names, "--format", "json"]).stdout
    said = json.loads(printed)
    expected = [
        {"old": layer["old"], "new": layer["new"],
         "changes": [change["quantity"] for change in layer["changes"]] if layer["status"] == "changed" else []}
        for layer in said["layers"]
    ]  # fmt: skip
    assert [pair for pair in pairs if pair["changes"] or None in (pair["old"], pair["new"])] == expected
    assert [pair["old"] for pair in pairs if pair["old"]] == old
    assert [pair["new"] for pair in pairs if pair["new"]] == new
    by = {change["quantity"]: change["difference"] for change in said["totals"] if change["quantity"] in SUMMED}
    assert {name: int(data["sides"]["totals"][name].replace(",", "")) for name in by} == by


def test_the_page_of_one_network_holds_nothing_that_two_need() -> None:
    one, two = data_of("lenet5"), data_of("lenet5", "lenet5")
    assert one["sides"] is one["difference"] is None
    assert set(two["own"]) == TEXTS.keys()
    assert set(two["own"]) - set(one["own"]) == OF_TWO
    assert "sidesView" in html_text(two, "two")
    # Of what is left out the page that calls it asks first whether there are two.
    assert html_text(one, "one").count("differenceView") == 1
    assert "data.difference?differenceView" in html_text(one, "one").replace(" ", "")


def test_the_text_of_a_spec_gives_the_data_and_its_mistakes_their_places() -> None:
    assert data_of_text("input: 1x32x32\nlayers:\n- conv 6 k5\n")["networks"][0]["totals"]["params"] == 156
    with pytest.raises(SpecError, match=r"net\.yaml:3:"):
        data_of_text("input: 1x32x32\nlayers:\n- conv 6 k50\n", "net.yaml")


def test_the_command_writes_the_file_and_refuses_what_it_cannot(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    done = CliRunner().invoke(group(), ["report", "lenet5", "-o", str(path)])
    assert (done.exit_code, done.stdout, done.stderr) == (0, "", f"{path}: 14 layers, as html\n")
    text = path.read_text(encoding="utf-8")
    assert text.startswith('<!doctype html>\n<html lang="en">')
    assert "<title>LeNet-5</title>" in text
    missing = CliRunner().invoke(group(), ["report", "no-such-net", "-o", str(tmp_path / "other.html")])
    assert missing.exit_code == 2
    assert not (tmp_path / "other.html").exists()
    inline = CliRunner().invoke(group(), ["report", "-e", "1x8x8; conv 2 k3"])
    assert inline.exit_code == 0
    assert "</html>" in inline.output


@pytest.mark.parametrize(
    "command", [["report"], ["explain"], ["explain", "y", "macs"], ["analyze", "--convention", "torch"]]
)
def test_what_lies_behind_an_unknown_operator_has_no_numbers_and_no_formulas(
    command: list[str], tmp_path: Path
) -> None:
    made = Model(1, 3, 8, 8).weight("W", 4, 3, 3, 3).weight("V", 5, 4, 3, 3)
    made.op("Conv", "x W", "a").op("Odd", "a", "b", domain="own").op("Conv", "b V", "c").op("Add", "c a", "y")
    name, *words = command
    done = CliRunner().invoke(group(), [name, made.save(tmp_path), *words, "--allow-unknown"])
    assert done.exit_code == 0, done.output
    if name == "report":
        data = json.loads(re.search(r'id="data">(.*?)</script>', done.stdout, re.S)[1])["networks"][0]  # type: ignore[index]
        found = data["derivations"]
        layers = [found["layers"][place] for place in found["of_layer"]]
        macs = [layer[found["quantities"].index("macs")] for layer in layers]
        assert [bool(found["found"][place]) for place in macs] == [True, False, False, False]
    if name == "explain" and words:
        assert "y.macs = ?" in done.stdout


def test_a_deep_network_makes_a_page_that_grows_by_its_layers_and_says_what_it_leaves_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("cnncalc.pages.browser.equations.MOST_WALKED", 60)
    monkeypatch.setattr("cnncalc.pages.browser.units.MOST_SPREAD", 100)
    monkeypatch.setattr("cnncalc.pages.browser.network.MOST_SPREAD", 100)
    monkeypatch.setattr("cnncalc.analysis.derivations.fields.LONGEST", 10)

    def data(blocks: int) -> Any:
        steps = "\n".join(f"- b{i}: {{residual: [conv 4 k3 p1 relu, conv 4 k3 p1]}}" for i in range(blocks))
        return page_data([cnncalc.analyze(f"input: 4x16x16\nlayers:\n{steps}\n")])

    fewer, more = data(25), data(50)
    size, larger = (len(json_text(found["networks"][0]["derivations"])) for found in (fewer, more))
    assert larger < 1.5 * size  # the lines of long ways are cut, and layers far behind have none
    net = more["networks"][0]
    fields = net["derivations"]["of_node"]["receptive_field"]
    lines, _letters, remarks = net["derivations"]["found"][fields[net["nodes"]["name"].index("b12/conv2")]][:3]
    assert len(lines) == 10
    texts = [more["texts"][place][0] for place in remarks]
    assert "Of 26 lines the first 5 and the last 5: `cnncalc explain` prints the others." in texts
    assert "So they do at 7 other places." in texts
    last = net["derivations"]["found"][fields[-1]]
    assert last[0] == []
    assert more["texts"][last[2][0]][0].startswith("The page walks back from the first 60 operations alone")
    assert not net["effective"]["profiles"]
    assert any("left out above 100" in more["texts"][text][0] for _subject, text in net["notes"])


@pytest.mark.parametrize("name", ["lenet5", "resnet34"])
def test_training_in_the_page_is_what_the_command_says(name: str) -> None:
    printed = CliRunner().invoke(group(), ["memory", name, "--train", "--batch", "2", "--format", "json"]).stdout
    steps = json.loads(printed)["steps"]
    data = page_data([cnncalc.analyze(name, batch=2)])
    net = data["networks"][0]
    training, names = net["training"], net["nodes"]["name"]
    assert training["held"] == [step["bytes"] for step in steps]
    assert [names[i] for i in (*range(training["forward"]), *training["backward"])] == [step["layer"] for step in steps]
    assert sum(size for _kind, size in training["at_peak"]) == max(training["held"])
