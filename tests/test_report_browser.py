"""`cnncalc report` in a real browser: every feature clicked through, with a console that stays empty."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unicodedata import normalize

import pytest
from click.testing import CliRunner
from overflow import what_sticks_out

import cnncalc
from cnncalc.analysis.derivations import explain
from cnncalc.analysis.fields.sets.units import unit_field
from cnncalc.analysis.timeline import Plan, plan_training
from cnncalc.cli import group
from cnncalc.difference import compare
from cnncalc.graph import Graph
from cnncalc.pages.browser.data import page_data
from cnncalc.pages.browser.file import html_text

pytestmark = pytest.mark.browser

SLOW = [pytest.param(name, marks=pytest.mark.slow) for name in ("resnet50", "unet", "densenet121")]
NETWORKS = ("lenet5", "onnx", *SLOW)
# A layer of each, with a map, and one of its units.
UNITS = {"lenet5": ("S4", (0, 4)), "resnet50": ("stage2/3/conv2", (0, 13)), "unet": ("bottom/conv2", (3, 27)),
         "densenet121": ("block1/0/conv2", (0, 55)), "onnx": ("C3", (9, 0))}  # fmt: skip


@contextmanager
def opened(browser: Any, path: Path, **options: Any) -> Iterator[Any]:
    """A page in the browser. Fails where its console has an error, or where it asks for anything but itself."""
    context = browser.new_context(**options)
    page = context.new_page()
    page.set_default_timeout(8000)
    told: list[str] = []
    page.on("console", lambda message: told.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: told.append(str(error)))
    page.on("request", lambda request: told.append(request.url) if request.url != path.as_uri() else None)
    page.on("dialog", lambda dialog: (told.append(f"dialog: {dialog.message}"), dialog.dismiss()))
    page.goto(path.as_uri())
    try:
        yield page
        assert told == []
    finally:
        context.close()


@pytest.fixture(scope="module")
def graphs(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Graph]:
    def graph(name: str) -> Graph:
        if name != "onnx":
            return cnncalc.load(name)
        path = tmp_path_factory.mktemp("model") / "lenet.onnx"
        done = CliRunner().invoke(group(), ["convert", "lenet5-modern", str(path)])
        assert done.exit_code == 0, done.output
        return cnncalc.load(path)

    return graph


@pytest.fixture(scope="module")
def pages(graphs: Callable[[str], Graph], tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    folder = tmp_path_factory.mktemp("pages")

    def page(name: str) -> Path:
        path = folder / f"{name}.html"
        if not path.exists():
            reports = [cnncalc.analyze(graphs(one)) for one in name.split()]
            path.write_text(html_text(page_data(reports), name), encoding="utf-8")
        return path

    return page


def rows_shown(page: Any) -> int:
    return int(page.locator(".layers tbody tr").count())


@pytest.mark.parametrize("name", NETWORKS)
def test_everything_of_a_page_is_clicked_through(browser: Any, pages: Any, graphs: Any, name: str) -> None:
    report = cnncalc.analyze(graphs(name))
    with opened(browser, pages(name), viewport={"width": 1400, "height": 900}) as page:
        look_through_table(page, report)
        look_through_derivations(page, report)
        look_through_graph(page)
        look_through_units(page, graphs(name), *UNITS[name])
        look_through_costs(page, report)
        look_through_training(page, report)
        look_through_tools(page)
        look_through_settings(page)


def look_through_table(page: Any, report: Any) -> None:
    assert f"{report.totals.params:,}" in page.locator(".layers tfoot").inner_text()
    if page.locator(".layers-part >> text=unfold all").count():
        page.click(".layers-part >> text=fold all >> nth=0")
        folded = rows_shown(page)
        page.click(".layers tbody .fold[aria-expanded=false] >> nth=0")
        assert rows_shown(page) > folded
        page.click(".layers-part >> text=unfold all")
    page.locator(".table-box").evaluate("(box) => { box.scrollTop = 1e6; }")
    assert page.locator(".layers tfoot").is_visible()
    page.click(".sort >> text=/^MACs$/")
    assert page.locator("th[aria-sort=descending]").inner_text().startswith("MACs")
    page.fill(".layers-part .filter", report.layers[0].name)
    assert report.layers[0].name in page.locator(".layers tbody").inner_text()
    page.fill(".layers-part .filter", "there is no such layer")
    assert rows_shown(page) == 0
    page.fill(".layers-part .filter", "")
    page.click(".sort >> text=/^MACs/")
    page.click(".sort >> text=/^MACs/")
    page.click("summary >> text=columns")
    page.check(".choices label:has-text('jump') input")
    assert page.locator("th >> text=jump").count() == 1
    page.click("summary >> text=columns")


def look_through_derivations(page: Any, report: Any) -> None:
    row = next(row for row in report.layers if row.macs and row.shown_with is None)
    page.fill(".layers-part .filter", row.name)
    page.locator(".layers tbody tr", has=page.get_by_role("button", name=row.name, exact=True)).first.locator(
        "[data-key=macs]"
    ).click()
    panel = page.locator(".panel")
    assert panel.locator("h2").inner_text() == f"{row.name}.macs = {row.macs:,}"
    assert panel.locator(".arithmetic math").count() >= 2
    plain = re.sub(r"\s", "", normalize("NFKC", panel.locator(".arithmetic").last.inner_text()))  # letters are italic
    claimed = explain(report, row.name, "macs")[0]
    assert plain == re.sub(r"\s", "", f"MACs={claimed.formula}={claimed.substituted}={row.macs:,}")
    for chip in panel.locator(".chips button").all():
        chip.click()
        assert panel.locator("output").inner_text() != ""
    page.keyboard.press("Escape")
    assert panel.is_hidden()
    page.click(".layers tfoot [data-key=params]")
    assert panel.locator(".sum tfoot").inner_text().split()[-1] == f"{report.totals.params:,}"
    page.click(".close")
    page.fill(".layers-part .filter", "")


def look_through_graph(page: Any) -> None:
    graph = page.locator("#graph")
    if graph.locator("text=unfold all").count():
        graph.locator("text=fold all").first.click()
        folded = graph.locator(".node").count()
        graph.locator(".node [data-fold]").first.click()
        assert graph.locator(".node").count() > folded
        assert graph.locator(".frame").count() == 1
        graph.locator("text=unfold all").click()
        assert graph.locator(".node").count() > folded + 5
    for heat in ("params", "receptive_field", "activation_bytes", "macs"):
        graph.locator("select").select_option(heat)
        assert graph.locator(".node .box").evaluate_all(
            "(all) => all.some((one) => one.style.getPropertyValue('--heat') === '100%')"
        )
    assert not graph.locator("path.line").evaluate_all(
        "(all) => all.some((one) => /NaN|undefined/.test(one.getAttribute('d')))"
    )
    graph.locator("[aria-label=larger]").click()
    graph.locator("text=/^fit$/").click()
    first = graph.locator(".node:not(.entering)").first
    first.dispatch_event("click")
    place = first.get_attribute("data-place")
    assert page.locator(f".layers tbody tr.selected, .layers tbody tr[data-place='{place}']").count() >= 1
    assert "selected" in (first.get_attribute("class") or "")
    first.focus()
    page.keyboard.press("ArrowDown")
    assert page.evaluate("document.activeElement.dataset.place") != place
    row = page.locator(".layers tbody tr.row").last
    row.locator(".name").click()
    assert graph.locator(".selected").count() == 1
    graph.locator(".filter").fill("conv")
    assert graph.locator(".found").count() >= 1
    graph.locator(".filter").press("Enter")
    close_panel(page)
    graph.locator(".filter").fill("")


def look_through_units(page: Any, graph: Graph, layer: str, unit: tuple[int, ...]) -> None:
    fields = page.locator("#fields")
    names = [node.name for node in graph.nodes]
    shape = graph.facts[names.index(layer)].output
    fields.locator("select").first.select_option(str(len(graph.inputs) + names.index(layer)))
    canvas = fields.locator(".map")
    box = canvas.bounding_box()
    assert box is not None
    canvas.click(
        position={
            "x": 1 + (unit[1] + 0.5) * (box["width"] - 2) / shape[2],
            "y": 1 + (unit[0] + 0.5) * (box["height"] - 2) / shape[1],
        }
    )
    patch = unit_field(graph, layer, unit).inputs[0]
    said = fields.locator(".told-of-it").inner_text()
    assert f"{layer}[{unit[0]},{unit[1]}]" in fields.locator(".where").inner_text()
    assert patch.hull is not None
    assert f"{patch.pixels:,} of" in said
    assert " x ".join(f"{a}..{b}" for a, b in patch.hull) in said
    fields.locator(".step").first.click()
    fields.locator("input[type=range]").press("ArrowRight")
    assert fields.locator(".step[aria-current=true]").count() == 1
    fields.locator(".step").last.click()
    image = page.evaluate("""() => { const c = document.createElement("canvas"); c.width = c.height = 8;
        c.getContext("2d").fillRect(0, 0, 8, 4); return c.toDataURL().split(",")[1]; }""")
    import base64

    before = fields.locator(".image").evaluate("(c) => c.toDataURL()")
    fields.locator("input[type=file]").set_input_files(
        {"name": "a.png", "mimeType": "image/png", "buffer": base64.b64decode(image)}
    )
    page.wait_for_function("(old) => document.querySelector('.image').toDataURL() !== old", arg=before)
    heat = fields.locator(".check:has-text('effective') input")
    if heat.is_enabled():
        heat.check()
        heat.uncheck()


def look_through_costs(page: Any, report: Any) -> None:
    areas = page.locator("#areas")
    for chip in areas.locator(".chips button").all():
        chip.click()
        assert areas.locator(".area").count() >= 3
    areas.locator(".chips button").first.click()
    assert f"{report.totals.macs:,}" in areas.locator(".told").inner_text()
    memory = page.locator("#memory")
    memory.locator(".timeline").first.focus()
    page.keyboard.press("End")
    assert report.layers[-1].name in memory.locator(".told").first.inner_text()
    memory.locator("button").click()
    assert page.locator(".panel output").inner_text() == f"{report.totals.peak_activation_bytes:,}"
    page.click(".close")
    areas.locator(".area").first.focus()
    page.keyboard.press("Enter")
    if not close_panel(page):
        areas.locator(".crumbs button").first.click()


def close_panel(page: Any) -> bool:
    """Closes the derivation, if one is open: a second click on what is chosen explains it."""
    seen: bool = page.locator(".panel").is_visible()
    if seen:
        page.click(".close")
    return seen


def look_through_training(page: Any, report: Any) -> None:
    held = plan_training(report.graph, Plan()).sum_held()
    assert f"{max(held):,} bytes at the peak" in page.locator(".training").inner_text()
    page.locator(".training canvas").focus()
    page.keyboard.press("Home")
    assert f"{held[0]:,} bytes held" in page.locator(".training .told").inner_text()


def look_through_tools(page: Any) -> None:
    tools = page.locator("#tools")
    tools.locator("button", has_text=re.compile("^fvcore$")).click()
    assert "left over: 0" in tools.locator(".why").inner_text()
    tools.locator("button", has_text=re.compile("^fvcore$")).click()
    assert tools.locator(".why").inner_text() == ""


def look_through_settings(page: Any) -> None:
    page.click("text=中文")
    assert page.locator("#fields h2").inner_text() == "感受野"
    assert page.evaluate("document.documentElement.lang") == "zh-CN"
    assert page.evaluate("document.activeElement.textContent") == "中文"
    page.click(".theme")
    assert page.evaluate("getComputedStyle(document.querySelector('.report')).colorScheme") == "dark"
    page.click("text=English")
    page.emulate_media(media="print")
    assert page.locator(".panel").is_hidden()
    assert page.locator(".layers tfoot").is_visible()
    page.emulate_media(media="screen")


def test_a_narrow_screen_scrolls_one_way(browser: Any, pages: Any) -> None:
    for name in ("lenet5", "onnx"):
        with opened(browser, pages(name), viewport={"width": 400, "height": 800}) as page:
            page.click(".layers tbody .number >> nth=1")
            assert page.evaluate("document.documentElement.scrollWidth") <= 400
            box = page.locator(".panel").bounding_box()
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= 400


def test_nasty_names_are_names(browser: Any, tmp_path: Path) -> None:
    import json

    name = "</script><script>alert(1)</script><img src=x onerror=alert(2)> \"a\" 'b' 网络 " + "w" * 200
    spec = json.dumps(
        {"name": name, "input": "1x8x8", "layers": ["conv 2 k3", {"卷积": "conv 3 k3"}, {"n" * 60: "dense 3"}]},
        indent=1,
    )
    path = tmp_path / "nasty.html"
    path.write_text(html_text(page_data([cnncalc.analyze(spec)]), name), encoding="utf-8")
    with opened(browser, path, viewport={"width": 400, "height": 800}) as page:
        assert page.locator("h1").inner_text() == name
        assert page.locator("img").count() == 0
        page.click(".layers tbody .number >> nth=1")
        assert page.evaluate("document.documentElement.scrollWidth") <= 400


def test_two_networks_are_shown_one_after_the_other_with_what_changed(browser: Any, tmp_path: Path) -> None:
    path = tmp_path / "two.html"
    data = page_data([cnncalc.analyze("lenet5"), cnncalc.analyze("lenet5-modern")])
    path.write_text(html_text(data, "two"), encoding="utf-8")
    with opened(browser, path) as page:
        assert "60,000" in page.locator("#difference").inner_text()
        assert "61,706" in page.locator("#difference").inner_text()
        page.click(".networks button >> nth=1")
        assert "61,706" in page.locator(".layers tfoot").inner_text()


PAIR = "lenet5 lenet5-modern"


def test_on_a_wide_page_two_networks_stand_side_by_side_with_what_differs_marked(browser: Any, pages: Any) -> None:
    found = compare(*(cnncalc.analyze(name) for name in PAIR.split()))
    with opened(browser, pages(PAIR), viewport={"width": 1200, "height": 900}) as page:
        sides = page.locator(".sides")
        assert sides.is_visible()
        lines = sides.locator("tbody tr").all()
        assert [line.get_attribute("class") for line in lines] == [layer.status for layer in found.layers]
        for line, layer in zip(lines, found.layers, strict=True):
            names = [one.inner_text().strip() for one in line.locator("th").all()]
            assert names == [row.name for row in (layer.old, layer.new) if row is not None]
        conv = sides.locator("tbody tr", has=page.locator(".name:text-is('C3')"))
        assert conv.locator("td.differs").all_inner_texts() == ["1,516", "150,000", "2,416", "240,000"]
        assert conv.locator(".what").inner_text() == "params, connections, MACs, FLOPs"
        assert sides.locator(".removed .what").all_inner_texts() == ["vanished"] * 2
        assert sides.locator(".added .what").all_inner_texts() == ["appeared"]
        assert sides.locator("tfoot .number").all_inner_texts() == ["60,000", "328,096", "61,706", "416,520"]
        by = {change.quantity: f"{change.by:+,}" for change in found.totals if change.by is not None}
        assert [text for text in sides.locator(".by").all_inner_texts() if text] == [by["params"], by["macs"]]
        # A number of the network that is not shown below is derived all the same, and that network is shown then.
        conv.get_by_role("button", name="240,000").press("Enter")
        assert page.locator(".panel output").inner_text() == "240,000"
        assert page.locator(".networks [aria-pressed=true]").inner_text().startswith("LeNet-5, modern")
        assert "61,706" in page.locator(".layers tfoot").inner_text()
        page.keyboard.press("Escape")
        assert page.evaluate("document.activeElement.textContent") == "240,000"
        sides.locator("tfoot").get_by_role("button", name="60,000").click()
        assert page.locator(".panel output").inner_text() == "60,000"
        assert page.locator(".networks [aria-pressed=true]").inner_text().startswith("LeNet-5,")
        page.click(".close")
        page.click("text=中文")
        assert conv.locator(".what").inner_text() == "参数、连接数、乘加（MAC）、FLOPs"
        assert page.get_by_role("table", name="并排对照").count() == 1
        page.emulate_media(media="print")
        assert sides.is_hidden()
        page.emulate_media(media="screen")
        page.set_viewport_size({"width": 1100, "height": 900})
        assert sides.is_hidden()
        assert page.locator(".networks").is_visible()


def test_long_runs_of_layers_without_a_difference_unfold(browser: Any, tmp_path: Path) -> None:
    spec = "input: 4x32x32\nlayers:\n- conv 4 k1\n- body: {{residual: [conv 4 k3 p1 relu], repeat: {}}}\n- conv {} k1\n"
    reports = [cnncalc.analyze(spec.format(90, last)) for last in (2, 3)]
    path = tmp_path / "deep.html"
    path.write_text(html_text(page_data(reports), "deep"), encoding="utf-8")
    with opened(browser, path, viewport={"width": 1600, "height": 900}) as page:
        lines = page.locator(".sides tbody tr")
        assert lines.evaluate_all("(all) => all.map((one) => one.className)") == ["run", "changed"]
        run = page.locator(".sides .run button")
        same = len(reports[0].layers) - 1
        assert run.inner_text() == f"layers that are the same: {same}"
        run.focus()
        page.keyboard.press("Space")
        assert run.get_attribute("aria-expanded") == "true"
        assert page.evaluate("document.activeElement.getAttribute('aria-expanded')") == "true"
        assert lines.count() == 200  # the others follow as one scrolls
        box = page.locator(".beside-each-other .table-box")
        box.evaluate("(one) => { one.scrollTop = 1e6; }")
        page.wait_for_function("(all) => document.querySelectorAll('.sides tbody tr').length === all", arg=same + 2)
        box.evaluate("(one) => { one.scrollTop = 1e6; }")
        last = lines.last.locator(".number").last
        shown = box.evaluate("(one) => one.scrollTop")
        last.click()  # the other network is drawn; the place in the table stays
        assert page.locator(".panel output").inner_text() == last.inner_text()
        assert abs(box.evaluate("(one) => one.scrollTop") - shown) < 2
        page.click(".close")
        run.press("Enter")
        assert lines.count() == 2


def test_a_larger_kernel_marks_its_layer_and_none_of_those_that_only_see_more_by_it(
    browser: Any, tmp_path: Path
) -> None:
    spec = "input: 4x32x32\nlayers:\n- conv 4 k{0} p{1}\n- body: {{residual: [conv 4 k3 p1 relu], repeat: 3}}\n"
    path = tmp_path / "kernel.html"
    reports = [cnncalc.analyze(spec.format(kernel, kernel // 2)) for kernel in (3, 5)]
    path.write_text(html_text(page_data(reports), "kernel"), encoding="utf-8")
    with opened(browser, path, viewport={"width": 1200, "height": 900}) as page:
        lines = page.locator(".sides tbody tr")
        assert lines.evaluate_all("(all) => all.map((one) => one.className)") == ["changed", "run"]
        behind = len(reports[0].layers) - 1
        page.click(f"text=layers that differ in their receptive field at most: {behind}")
        assert lines.evaluate_all("(all) => all.map((one) => one.className)") == ["changed", "run", *["same"] * behind]
        assert set(page.locator(".sides .same .what").all_inner_texts()) == {"RF"}


WIDE = """
name: A network with a name that nobody would choose but which a program that writes specs may well write somewhere
input: 3x224x224
layers:
- a_layer_with_a_name_that_goes_on_and_on_and_on_and_on_and_on_without_a_blank_in_it: conv 64 k3 p1 bn relu
- 一个名字非常长的卷积层它的名字一直写下去没有空格也没有标点符号直到所有列都放不下为止: conv 512 k3 p1 relu
- stage: {residual: [conv 512 k3 p1 bn relu], repeat: 12}
- global_avgpool
- dense 100000
"""


def test_nothing_sticks_out_of_a_page_of_any_width(browser: Any, tmp_path: Path) -> None:
    path = tmp_path / "wide.html"
    path.write_text(html_text(page_data([cnncalc.analyze(WIDE), cnncalc.analyze("lenet5")]), "wide"), encoding="utf-8")
    with opened(browser, path, viewport={"width": 1000, "height": 900}) as page:
        for language in ("English", "中文"):
            page.get_by_role("button", name=language).click()
            for width in (400, 500, 600, 700, 850, 1000, 1200):
                page.set_viewport_size({"width": width, "height": 900})
                page.wait_for_timeout(60)  # canvases are drawn anew
                assert what_sticks_out(page, ".report") == [], (language, width)


def test_show_may_be_called_again_and_taken_away(browser: Any, pages: Any, tmp_path: Path) -> None:
    from cnncalc.pages.browser.data import json_text
    from cnncalc.pages.browser.file import join_scripts, read_part

    script = join_scripts("page.js")
    one, two = (
        json_text(page_data([cnncalc.analyze(name)])) for name in ("lenet5", "-e 1x8x8; conv 2 k3".removeprefix("-e "))
    )
    path = tmp_path / "own.html"
    parts = f"{script}window.first = {one}; window.second = {two}; window.show = show;"
    html = (
        f"<!doctype html><style>{read_part('page.css')}</style><div id=place></div><script type=module>{parts}</script>"
    )
    path.write_text(html, encoding="utf-8")
    with opened(browser, path) as page:
        page.evaluate("() => { window.shown = show(place, first); show(place, second); }")
        assert page.locator(".layers tfoot").count() == 1
        assert "20" in page.locator(".layers tfoot").inner_text()
        page.evaluate("() => show(place, first).remove()")
        assert page.locator("#place").inner_text() == ""


@pytest.mark.parametrize("name", ["lenet5", PAIR, SLOW[0]])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_serious_violation(browser: Any, pages: Any, name: str, scheme: str) -> None:
    path = os.environ.get("CNNCALC_AXE", "node_modules/axe-core/axe.min.js")
    if not Path(path).exists():
        pytest.skip("axe-core is not there: npm install axe-core, or CNNCALC_AXE=.../axe.min.js")
    context = browser.new_context(color_scheme=scheme, bypass_csp=True, viewport={"width": 1200, "height": 900})
    page = context.new_page()
    page.goto(pages(name).as_uri())
    page.click(".layers tbody .number >> nth=3")
    page.evaluate(Path(path).read_text(encoding="utf-8"))
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
    context.close()
    assert [(one["id"], one["nodes"][0]["html"]) for one in found if one["impact"] in ("serious", "critical")] == []
