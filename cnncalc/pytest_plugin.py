"""Specs as tests: pytest collects them, and what they expect of themselves must hold.

    pytest --cnncalc models/            # every spec below models/
    cnncalc_specs = ["models/"]         # the same, in the configuration

Loaded by pytest wherever cnncalc is installed, so it loads nothing of ours until it has something to do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from cnncalc.report import Report

SUFFIXES = (".yaml", ".yml")


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("cnncalc", "specs of CNNs")
    group.addoption("--cnncalc", action="store_true", help="Collect specs too: what they expect must hold.")
    parser.addini("cnncalc_specs", "Files and folders with specs that are collected.", type="paths", default=[])


def pytest_configure(config: pytest.Config) -> None:
    """Where no paths are named, the specs of the configuration are collected beside the tests."""
    sources = pytest.Config.ArgsSource
    # Added to a plain `pytest`, and not to one that names its files.
    at_top = config.args_source == sources.INVOCATION_DIR and config.invocation_params.dir == config.rootpath
    if config.args_source == sources.TESTPATHS or at_top:
        named = [(config.invocation_params.dir / arg.split("::")[0]).resolve() for arg in config.args]
        config.args += [str(path) for path in specs_of(config) if not inside(path.resolve(), named)]


def specs_of(config: pytest.Config) -> list[Path]:
    found: list[Path] = config.getini("cnncalc_specs")
    return found


def inside(path: Path, folders: Iterable[Path]) -> bool:
    return any(path == folder or folder in path.parents for folder in folders)


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> SpecFile | None:
    """A YAML file that is a spec, where specs are asked for."""
    if file_path.suffix not in SUFFIXES:
        return None
    listed = specs_of(parent.config)
    # A file that the configuration names is a spec, whatever is in it.
    if file_path not in listed:
        if not parent.config.getoption("cnncalc") and not inside(file_path, listed):
            return None
        from cnncalc.spec_files import looks_like_a_spec

        # What cannot be read is collected, and fails: None is not False.
        if looks_like_a_spec(str(file_path)) is False:
            return None
    found: SpecFile = SpecFile.from_parent(parent, path=file_path)
    return found


class SpecFile(pytest.File):
    """A spec, with one test: that it can be read, and that its expectations hold."""

    def collect(self) -> Iterable[pytest.Item]:
        yield SpecItem.from_parent(self, name="expect")


class BrokenExpectationError(Exception):
    """Expectations of a spec do not hold; the message is for people."""


class SpecItem(pytest.Item):
    """What a spec expects of itself: a line each in the report of the test."""

    def runtest(self) -> None:
        from cnncalc.api import analyze
        from cnncalc.testing import account

        report = analyze(self.path)
        said = account(report, report.expectations)
        if not all(verdict.holds for verdict in report.expectations):
            raise BrokenExpectationError(said)
        self.add_report_section("call", "expectations", said)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        from cnncalc.errors import CnncalcError

        # These are for whoever wrote the spec: where in the code they were raised is nothing to them.
        if isinstance(excinfo.value, (CnncalcError, BrokenExpectationError)):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        return self.path, None, f"spec: {self.parent.name if self.parent else self.path.name}"


@pytest.fixture(scope="session")
def cnncalc_report(pytestconfig: pytest.Config) -> Callable[..., Report]:
    """The report of a spec, worked out once: `cnncalc_report("models/net.yaml").totals.macs`.

    Takes what `cnncalc.analyze` takes. A path starts from pytest's root directory, wherever pytest was started.
    """
    known: dict[str, Report] = {}

    def report(spec: Any, **settings: Any) -> Report:
        from cnncalc.api import analyze
        from cnncalc.graph import Graph

        if isinstance(spec, Graph):
            return analyze(spec, **settings)
        # A text of several lines is the spec itself.
        path = pytestconfig.rootpath / spec if "\n" not in str(spec) else None
        # `lenet5`, where no file is called so, is the bundled network.
        place = str(path) if path is not None and path.exists() else str(spec)
        # By their text, for settings may hold lists, which have no hash.
        key = repr((place, sorted(settings.items())))
        if key not in known:
            known[key] = analyze(place, **settings)
        return known[key]

    return report
