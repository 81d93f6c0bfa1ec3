"""The page that runs cnncalc in a browser: built, served by its command, used as a student would.

Marked `browser`: needs Chromium, Playwright, and the page, which `python playground/build.py` makes with npm and pip.
"""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from onnx_bytes import Model, part, tensor
from overflow import what_sticks_out

from cnncalc.cli import group
from cnncalc.shipped import bundled
from cnncalc.sources import read_source

SITE = Path(__file__).parent.parent / "playground" / "site"
MOST_BYTES = 15_000_000  # compressed, what a cold start loads
PATIENCE = 60_000  # milliseconds: Python starts in some ten seconds on a crowded machine


@pytest.fixture(scope="module")
def served() -> Iterator[str]:
    """The address at which `cnncalc playground` serves the page."""
    if not (SITE / "python.zip").exists():
        pytest.skip("the page is not built: python playground/build.py")
    command = [sys.executable, "-m", "cnncalc", "playground", str(SITE), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process.stdout.readline().split(" at ")[1].split(";")[0]
        process.kill()


@pytest.fixture(scope="module")
def visit(browser: Any, served: str) -> Iterator[Any]:
    """The page after a cold start, with what it asked for and what its console said."""
    context = browser.new_context(viewport={"width": 1200, "height": 900}, locale="en-GB")
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    page.asked, page.said = [], []
    page.on("request", lambda request: page.asked.append(request.url))
    page.on("console", lambda message: page.said.append(message.text))
    page.on("pageerror", lambda error: page.said.append(str(error)))
    page.goto(served)
    settled(page)
    yield page
    context.close()


def settled(page: Any) -> None:
    """Wait until what was typed is shown."""
    page.locator("#state[data-key=ready]").wait_for()


def type_anew(page: Any, text: str) -> None:
    page.locator("#editor .cm-content").fill(text)
    settled(page)


def shown(page: Any) -> str:
    """The text of the report and of the answer, which has a shadow of its own."""
    return str(
        page.locator("#report").inner_text()
        + page.locator("#answer").evaluate("(answer) => answer.shadowRoot?.textContent ?? ''")
    )


@pytest.mark.browser
def test_first_number_after_a_cold_start(browser: Any, served: str, record_property: Any) -> None:
    context = browser.new_context()
    context.set_default_timeout(PATIENCE)
    start = time.monotonic()
    page = context.new_page()
    page.goto(served)
    page.locator("#report").get_by_text("60,000").first.wait_for()
    seconds = time.monotonic() - start
    context.close()
    size = sum(len(gzip.compress(path.read_bytes(), 6)) for path in SITE.rglob("*") if path.is_file())
    record_property("seconds", round(seconds, 1))
    print(f"first number after {seconds:.1f} s, {size / 1e6:.1f} MB compressed")
    assert size < MOST_BYTES


@pytest.mark.browser
def test_mistake_is_shown_at_its_column_and_gone_when_mended(visit: Any) -> None:
    type_anew(visit, "input: 1x32x32\nlayers:\n  - C1: cnov 6 k5\n  - dense 10\n")
    assert visit.locator("#problems li.error").inner_text().startswith("3:9 unknown kind 'cnov'")
    assert "did you mean conv?" in visit.locator("#problems").inner_text()
    assert visit.locator("#editor .cm-lintRange-error").inner_text() == "cnov"
    assert "stale" in visit.locator("#right").get_attribute("class")  # the last right picture stays, and says so
    type_anew(visit, "input: 1x32x32\nlayers:\n  - C1: conv 6 k5\n  - dense 10\n")
    assert visit.locator("#problems li").count() == 0
    assert "47,206" in shown(visit)  # 6 x 25 + 6, and 4,704 x 10 + 10
    assert "stale" not in (visit.locator("#right").get_attribute("class") or "")


@pytest.mark.browser
def test_question_is_explained_checked_and_drawn(visit: Any) -> None:
    type_anew(visit, "input: 1x32x32\nlayers:\n  - C1: conv 6 k5\n  - dense 10\n")
    visit.select_option("#panel-explain select[name=layer]", "C1")
    visit.select_option("#panel-explain select[name=quantity]", "params")
    visit.locator("#answer").get_by_text("C1.params = 156").wait_for()
    visit.click("#tab-check")
    visit.fill("textarea[name=answers]", "C1.params = 150\nC1.macs: 117,600")
    visit.click("#panel-check button")
    visit.locator("#answer").get_by_text("150 is what comes out without the biases").wait_for()
    assert "✓" in shown(visit)
    visit.click("#tab-field")
    visit.select_option("#panel-field select[name=layer]", "C1")
    visit.locator("#answer img").wait_for()
    box = visit.locator("#units").bounding_box()
    visit.mouse.click(box["x"] + 2, box["y"] + 2)
    visit.wait_for_timeout(200)
    assert visit.locator("#panel-field input[name=unit]").input_value() == "0,0"
    visit.click("#tab-explain")


def ask_backwards(page: Any, **fields: str) -> None:
    """Fill in the card of `solve`, and ask."""
    for name, text in fields.items():
        page.fill(f"#panel-solve input[name={name}]", text)
    page.click("#panel-solve > button")


@pytest.mark.browser
def test_question_is_asked_backwards(visit: Any) -> None:
    type_anew(visit, "params: {w: 16}\ninput: 1x32x32\nlayers:\n  - C1: conv $w k5\n  - maxpool 2\n  - dense 10\n")
    visit.click("#tab-solve")
    answer = visit.locator("#answer")
    visit.get_by_role("button", name="Kernel, stride, padding of C1").click()
    answer.get_by_text("4 solutions among 264 members").wait_for()
    assert "floor((2 × p - k + 32) / s) + 1 = 28" in shown(visit)
    assert answer.locator("tbody tr").first.inner_text().split() == ["5", "1", "0", "16x28x28"]  # the usual one first
    visit.get_by_role("button", name="Largest w").click()
    answer.get_by_text("the only solution among 4 members").wait_for()  # 8, 16, 24, 32; half of the MACs is asked for
    assert answer.locator("tbody tr").first.inner_text().split()[0] == "8"
    ask_backwards(visit, find="size=28..40", where="maxpool1.output = 16x13x13")
    answer.get_by_text("2 solutions among 13 members").wait_for()
    ask_backwards(visit, net="1x32x32; conv 6 k$k s2", find="--find k=1..11", where="--where 'conv1.output=6x28x28'")
    answer.get_by_text("the nearest of 11 members are above").wait_for()
    ask_backwards(visit, net="", find="size", where="mac=7")
    answer.get_by_text("did you mean macs?").wait_for()
    ask_backwards(visit, find="")
    answer.get_by_text("Say what is sought").wait_for()
    assert "--help" not in shown(visit)
    visit.click("#tab-explain")


@pytest.mark.browser
def test_sweep_is_a_plot_and_a_table(visit: Any) -> None:
    type_anew(visit, "params: {w: 16}\ninput: 1x32x32\nlayers:\n  - C1: conv $w k5\n  - maxpool 2\n  - dense 10\n")
    visit.click("#tab-sweep")
    answer = visit.locator("#answer")
    visit.get_by_role("button", name="Every w").click()
    answer.locator("tbody tr").nth(3).wait_for()
    assert answer.locator("img").evaluate("(image) => image.naturalWidth") > 400
    printed = (
        CliRunner()
        .invoke(
            group(),
            [
                "sweep",
                "-e",
                "1x32x32; conv $w k5; maxpool 2; dense 10",
                "--over",
                "w=8..32..8",
                "--columns",
                "macs,params",
            ],
        )
        .stdout.splitlines()
    )
    assert [row.split() for row in answer.locator("tbody").inner_text().splitlines()] == [
        line.split() for line in printed[2:6]
    ]
    visit.fill("#panel-sweep textarea", "--over w=8..32..8\ninput=1x{3..12..9}x{same}")
    visit.fill("#panel-sweep input[name=where]", "params <= 2000")
    visit.click("#panel-sweep > button")
    answer.get_by_text("1 of 8 members", exact=True).wait_for()  # 8 filters on 12x12: 208, and 128 x 10 + 10
    answer.get_by_text("4 of 8 members are no networks").wait_for()  # a window of 5x5 on 3x3
    visit.click("#tab-explain")


@pytest.mark.browser
def test_long_search_is_bounded_and_the_report_goes_on(visit: Any) -> None:
    visit.click("#tab-solve")
    answer = visit.locator("#answer")
    ask_backwards(visit, net="1x32x32; conv $a k$b", find="a=1..100000,b=1..10000", where="macs<=9")
    answer.get_by_text("1,000,000,000 members are too many").wait_for()
    ask_backwards(visit, net="1x900x900; conv $(8 + n % 7) k3 x$n", find="n=1..400", where="params=7")
    answer.get_by_text("Searching").wait_for()
    type_anew(visit, "input: 1x32x32\nlayers:\n  - C1: conv 6 k3\n  - dense 11\n")
    assert "59,471" in shown(visit)  # 60, and 5,400 x 11 + 11
    assert "Searching" in shown(visit)
    answer.get_by_role("button", name="Stop").click()
    answer.get_by_text("Stopped").wait_for()
    ask_backwards(visit, net="", find="size=1..64", where="C1.output=6x30x30")
    answer.get_by_text("the only solution among 64 members").wait_for()
    visit.fill("#panel-solve input[name=find]", "")
    visit.fill("#panel-solve input[name=where]", "")
    visit.click("#tab-explain")


@pytest.mark.browser
def test_every_network_gives_what_the_command_line_gives(browser: Any, served: str) -> None:
    # Its own worker is asked, since 60 networks through the editor would take minutes
    context = browser.new_context(bypass_csp=True)
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    page.goto(served + "link.js")  # a file of the same host, without a second Python
    names = [name for name, path in bundled().items() if path == bundled()[Path(path).stem]]
    specs = {name: read_source(bundled()[name]).text for name in names}
    answers = page.evaluate(
        """async (specs) => {
          const worker = new Worker("worker.js", { type: "module" });
          const answers = {};
          for (const [id, spec] of Object.entries(specs)) {
            const argv = ["analyze", "network.yaml", "--format", "json"];
            const answer = new Promise((resolve) => {
              worker.addEventListener("message", ({ data }) => data.id === id && resolve(data));
            });
            worker.postMessage({ id, name: "command", request: { argv, spec } });
            const { value, error } = await answer;
            answers[id] = error ?? value.out;
          }
          return answers;
        }""",
        specs,
    )
    context.close()
    assert len(answers) > 30
    for name in names:
        printed = CliRunner().invoke(group(), ["analyze", bundled()[name], "--format", "json"]).stdout
        assert json.loads(answers[name]) == json.loads(printed), name


@pytest.mark.browser
def test_chinese(visit: Any) -> None:
    visit.select_option("#language", "zh")
    settled(visit)
    type_anew(visit, "input: 1x32x32\nlayers:\n  - C1: cnov 6 k5\n")
    assert "未知" in visit.locator("#problems").inner_text()
    assert visit.locator("#tab-explain").inner_text() == "讲解"
    visit.select_option("#language", "en")
    type_anew(visit, "input: 1x32x32\nlayers:\n  - C1: conv 6 k5\n")


@pytest.mark.browser
def test_link_holds_everything(visit: Any, browser: Any) -> None:
    text = "# 作业 <b> & '\"\ninput: 1x16x16\nlayers:\n  - 卷积: conv 3 k3\n"
    type_anew(visit, text)
    visit.click("#tab-check")
    visit.fill("textarea[name=answers]", "卷积.params = 27")
    visit.click("#share")
    visit.locator("#state[data-key=copied], #state[data-key=address]").wait_for()
    link = visit.evaluate("location.href")
    visit.click("#tab-explain")
    context = browser.new_context()
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    page.goto(link)
    settled(page)
    assert page.locator("#editor .cm-content").inner_text().strip() == text.strip()
    page.locator("#answer").get_by_text("without the biases").wait_for()
    page.goto(link[:-20])  # cut off by a mail program
    page.reload()
    page.locator("#state[data-key=ready]").wait_for()
    context.close()


@pytest.mark.browser
def test_link_holds_a_question_asked_backwards(visit: Any, browser: Any) -> None:
    type_anew(visit, "params: {w: 16}\ninput: 1x32x32\nlayers:\n  - 卷积: conv $w k5\n")
    visit.click("#tab-solve")
    ask_backwards(visit, net="", find="w=1..20", where="params<=300")
    visit.select_option("#panel-solve select[name=best]", "+w")
    visit.select_option("#language", "zh")
    visit.locator("#answer").get_by_text("求解").wait_for()
    settled(visit)
    visit.wait_for_timeout(500)
    link = visit.evaluate("location.href")
    visit.select_option("#language", "en")
    visit.click("#tab-explain")
    context = browser.new_context(viewport={"width": 400, "height": 800})
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    page.goto(link)
    page.locator("#answer").get_by_text("求解").wait_for()
    assert page.locator("#panel-solve select[name=best]").input_value() == "+w"
    assert page.locator("#answer tbody tr").inner_text().split()[0] == "11"  # 26 each
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    context.close()
    settled(visit)


@pytest.mark.browser
def test_onnx_file_is_read_in_the_page(visit: Any, tmp_path: Path) -> None:
    path = tmp_path / "some model (1).onnx"
    made = CliRunner().invoke(group(), ["convert", "lenet5-modern", str(path)])
    assert made.exit_code == 0, made.output
    visit.set_input_files("#file", str(path))
    visit.locator("#report").get_by_text("61,706").first.wait_for()
    settled(visit)
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(b"\x08\x01no model")
    visit.set_input_files("#file", str(broken))
    visit.locator("#state[data-key=unread]").wait_for()
    type_anew(visit, "input: 1x32x32\nlayers:\n  - C1: conv 6 k5\n")


@pytest.mark.browser
def test_model_that_no_spec_says_is_shown_and_not_edited(visit: Any, tmp_path: Path) -> None:
    made = Model(1, 3, 8, 8).weight("W", 4, 3, 3, 3)
    made.op("Conv", "x W", "a").op("Odd", "a", "b", domain="own").op("Relu", "b", "y")
    made.after += part(5, tensor("large", [12_500_000], 1, bytes(50_000_000)))
    path = made.save(tmp_path, "ours & large.onnx")
    type_anew(visit, "input: 1x16x16\nlayers:\n  - conv 2 k3\n")
    visit.set_input_files("#file", path)
    visit.locator("#report").get_by_text("108 + ?").first.wait_for()
    settled(visit)
    told = visit.locator("#editor .cm-content").inner_text()
    assert "ours & large.onnx (50.0 MB) is a model of another program" in told
    assert "own.Odd is not known here" in told
    assert "own.Odd" in visit.locator("#report").inner_text()
    visit.locator("#editor .cm-content").click()
    visit.keyboard.type("nothing")
    assert visit.locator("#editor .cm-content").inner_text() == told
    visit.select_option("#panel-explain select[name=layer]", "a")
    visit.select_option("#panel-explain select[name=quantity]", "params")
    visit.locator("#answer").get_by_text("a.params = 108").wait_for()
    visit.click("#tab-check")
    visit.fill("textarea[name=answers]", "a.params = 107")
    visit.click("#panel-check button")
    visit.locator("#answer").get_by_text("107").first.wait_for()
    assert "--allow-unknown" not in visit.locator("#answer").inner_text()
    visit.click("#tab-explain")
    visit.wait_for_timeout(400)
    assert "#" not in visit.url
    assert visit.locator("#share").is_disabled()
    visit.click("#back")
    settled(visit)
    visit.locator("#report").get_by_text("2x14x14").first.wait_for()
    assert visit.locator("#editor .cm-content").inner_text().startswith("input: 1x16x16")


@pytest.mark.browser
def test_without_a_network_after_the_first_visit(visit: Any) -> None:
    visit.evaluate("navigator.serviceWorker.ready.then(() => true)")
    visit.wait_for_timeout(1000)
    visit.context.set_offline(True)
    try:
        visit.reload()
        settled(visit)
        type_anew(visit, "input: 1x32x32\nlayers:\n  - C1: conv 6 k3\n")
        assert "60" in shown(visit)
    finally:
        visit.context.set_offline(False)


@pytest.mark.browser
def test_phone(browser: Any, served: str) -> None:
    context = browser.new_context(viewport={"width": 400, "height": 800}, color_scheme="dark")
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    page.goto(served)
    settled(page)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    context.close()


@pytest.mark.browser
def test_report_fits_into_its_column(visit: Any) -> None:
    visit.select_option("#networks", "resnet50")
    visit.locator("#report").get_by_text("25,557,032").first.wait_for()
    settled(visit)
    for width in (400, 700, 970, 1000, 1200):
        visit.set_viewport_size({"width": width, "height": 900})
        visit.wait_for_timeout(100)
        assert what_sticks_out(visit, "#right") == [], width


@pytest.mark.browser
def test_no_request_left_the_host_and_nothing_went_wrong(visit: Any, served: str) -> None:
    """Last of this file: of all that the tests above did in the page."""
    assert [url for url in visit.asked if not url.startswith((served, "blob:", "data:"))] == []
    assert visit.said == []


def test_command_says_what_is_missing(tmp_path: Path) -> None:
    result = CliRunner().invoke(group(), ["playground", str(tmp_path)])
    assert result.exit_code == 2
    assert "build.py" in result.output
    (tmp_path / "python.zip").touch()
    (tmp_path / "index.html").touch()
    taken = CliRunner().invoke(group(), ["playground", str(tmp_path), "--port", "1" if os.getuid() else "99999"])
    assert taken.exit_code == 2
