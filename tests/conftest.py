"""Puts this folder on the path, so that tests share `cases.py`; and English in force, whatever the locale here is."""

from __future__ import annotations

import gc
import getpass
import inspect
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell starts what runs in the background so, and what is started from there would ignore interrupts too.
    signal.signal(signal.SIGINT, signal.default_int_handler)
gc.disable()  # until all tests are collected: they stay, and looking for cycles among them takes a quarter of the time
sys.path.insert(0, str(Path(__file__).parent))
os.environ["LANGUAGE"] = "en"  # for the commands that tests run
os.environ["PIP_NO_COMPILE"] = "1"
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # products of small matrices: other threads would wait at full speed
if os.environ.pop("PYTHONDONTWRITEBYTECODE", ""):
    # Hundreds of commands are started; each would compile all of its modules, and pytest those whose assertions it
    # rewrites. What they keep lies outside the tree.
    sys.pycache_prefix = str(Path(tempfile.gettempdir()) / f"cnncalc-tests-{getpass.getuser()}")
    os.environ["PYTHONPYCACHEPREFIX"] = sys.pycache_prefix
    sys.dont_write_bytecode = False


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown() -> Generator[None, Any, Any]:
    """A command that is run in this process may leave another language in force, here and for click.

    No fixture: of those each test has its own, which takes longer than what it does.
    """
    try:
        return (yield)
    finally:
        os.environ["LANGUAGE"] = "en"
        language = sys.modules.get("cnncalc.language")
        if language is not None:
            language.use("en")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Of what a worker of xdist tells of a test that passed, keywords are the most, and nobody reads them."""
    report = yield
    if report.passed and hasattr(item.config, "workerinput"):
        report.keywords = {}
    return report


def part_streams() -> None:
    """click before 8.2 gives a test one stream, unless it is asked for two: here there are always two."""
    if "mix_stderr" in inspect.signature(CliRunner.__init__).parameters:
        CliRunner.__init__.__defaults__ = ("utf-8", None, False, False)
        Result.output = property(lambda self: self.stdout + self.stderr)  # type: ignore[method-assign, assignment]


part_streams()


CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
# Without a sandbox, since continuous integration runs as root; without what a browser asks of its maker's hosts
SWITCHES = (
    "--no-sandbox --disable-gpu --no-first-run --disable-background-networking --disable-component-update "
    "--disable-sync"
)


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """A headless Chromium, driven by Playwright; tests that ask for it are marked `browser`."""
    playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    binary = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if binary is None:
        pytest.skip("there is no Chromium")
    with playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=binary, args=SWITCHES.split())
        yield chromium
        chromium.close()


def pytest_configure(config: pytest.Config) -> None:
    """Assertions are rewritten in tests alone: pytest would compile all of what brings a plugin, hypothesis and us."""
    hook = getattr(config.pluginmanager, "rewrite_hook", None)
    getattr(hook, "_must_rewrite", set()).difference_update(("cnncalc", "hypothesis"))


LEFT_OUT = {"slow": "takes minutes", "installs": "installs from an index"}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--runslow", action="store_true", help="run the tests that take minutes, or install, too")


def pytest_collection_finish() -> None:
    """Ten thousand tests stay to the end: looking for cycles, Python need not go through them again and again."""
    gc.enable()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


def pytest_unconfigure() -> None:
    """pytest looks for what is left five times over, and ten thousand tests are there each time: once is enough."""
    gc.collect()
    gc.freeze()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What is marked slow, or installs, is for whoever asks for it."""
    if not config.getoption("--runslow"):
        for item in items:
            for mark, reason in LEFT_OUT.items():
                if item.get_closest_marker(mark):  # its keywords hold names of folders too: of a checkout called slow
                    item.add_marker(pytest.mark.skip(reason=f"{reason}: --runslow"))
