"""Specs out of a git repository: `REVISION:path`, and which specs changed since a revision."""

from __future__ import annotations

import os
import subprocess

from cnncalc.errors import CnncalcError, Problem, Source, SpecError
from cnncalc.language import _
from cnncalc.sources import LARGEST_FILE, decoded, read_source

SUFFIXES = (".yaml", ".yml")


def read(spec: str) -> Source:
    """A file, a bundled network, or `REVISION:path` where no file is called so. Raises SpecError."""
    revision, colon, path = spec.partition(":")
    if not colon or not revision or not path or os.path.lexists(spec) or len(revision) == 1:
        return read_source(spec)
    name = f"{revision}:{path}"
    # A path is taken from the folder in which the command runs, as git takes one that begins with ./
    done = git("show", f"{revision}:./{path}" if not path.startswith(("/", "./", "../")) else name)
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        problem = _("git cannot show this: {said}", said=said[0] if said else _("no reason given"))
        raise SpecError(
            [Problem(problem, None, _("write REVISION:path, as in HEAD~1:specs/net.yaml"))], Source(name, "")
        )
    return Source(name, decoded(done.stdout[: LARGEST_FILE + 1], name))


def changed_specs(revision: str) -> list[tuple[str | None, str | None]]:
    """(old, new) paths of the specs that are not as they were at a revision; None where there is none."""
    top = git("rev-parse", "--show-toplevel")
    if top.returncode:
        raise CnncalcError(_("this is no git repository: run it inside one, or name two specs"))
    done = git("diff", "--name-status", "-M", "-z", "--relative", revision, "--", *(f"*{s}" for s in SUFFIXES))
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise CnncalcError(
            _("git cannot compare with {revision}: {said}", revision=revision, said=said[0] if said else "")
        )
    fields = iter(done.stdout.decode("utf-8", "surrogateescape").split("\0"))
    found: list[tuple[str | None, str | None]] = []
    for status in fields:
        if not status:
            break
        path = next(fields)
        if status[0] in "RC":
            found.append((path, next(fields)))
        else:
            found.append((None if status[0] == "A" else path, None if status[0] == "D" else path))
    return sorted(found, key=lambda pair: pair[1] or pair[0] or "")


def git(*arguments: str) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(["git", *arguments], capture_output=True, check=False, timeout=60)
    except FileNotFoundError:
        raise CnncalcError(_("git is not installed here: name two files")) from None
    except subprocess.TimeoutExpired:
        raise CnncalcError(_("git does not answer")) from None
