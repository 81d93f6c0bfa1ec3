"""Functions are called by verbs: what is called by a participle reads like a value."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import cnncalc

PACKAGE = Path(cnncalc.__file__).parent
# Participles that do not end in -ed. `read`, `put`, `cut`, `set`, `split` and `run` are verbs as they stand.
IRREGULAR = re.findall(
    r"\w+",
    "begun bent bound bought broken brought built caught chosen done drawn fed forgotten found given gone grown held "
    "hidden kept known laid left lent lost made meant met paid said seen sent shown slid sold sought spent spoken spun "
    "stood taken swept taught thrown told thought understood woven won wound written",
)
VERBS = {"embed", "exceed", "feed", "need", "proceed", "seed", "shed", "speed", "succeed"}
# What makes no noun of a participle: `seen_from` is one, `closed_form` is a form
SMALL = re.findall(
    r"\w+", "along apart at away back before behind below by down for from in of off on out over to twice up"
)
# These read as what they are. By file and name, with the reason.
ALLOWED = {
    "layers/base.py: named",  # a copy with another name, beside `replace`: options are declared with it, line by line
    "quantities.py: listed_in",  # asked in sets and conditions: `listed_in(COMPARED)`
    "report.py: known",  # totals.known(...) stands where totals.macs does
    "shipped.py: bundled",  # the bundled networks, for every reader of the package
    "spec/findings/functions.py: kept_twice",  # the code of the finding, as the functions beside it
}


def is_participle(name: str) -> bool:
    """Whether a name is a participle, alone or with what belongs to it."""
    first, *more = name.strip("_").split("_")
    ends = first in IRREGULAR or (first.endswith("ed") and len(first) > 3 and first not in VERBS)
    return ends and (not more or more[0] in SMALL)


def functions(path: Path) -> Iterator[str]:
    """The functions and methods of a file; properties are values."""
    before = ""
    for line in path.read_text(encoding="utf-8").splitlines():
        found = re.match(r"\s*(?:async )?def (\w+)", line)
        if found and not re.search(r"@(cached_)?property|\.setter", before):
            yield found[1]
        before = line


def test_participles_are_told_from_verbs_and_from_nouns() -> None:
    assert all(map(is_participle, ("written", "seen_from", "_moved", "left_out", "reshaped")))
    assert not any(
        map(is_participle, ("write", "closed_form", "feed_forward", "read_all", "find_seen", "transposed_conv"))
    )


def test_no_function_is_called_by_a_participle() -> None:
    found = {
        f"{path.relative_to(PACKAGE).as_posix()}: {name}"
        for path in PACKAGE.rglob("*.py")
        for name in functions(path)
        if is_participle(name)
    }
    assert found == ALLOWED
