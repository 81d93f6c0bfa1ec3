"""Specs out of a git repository: `REVISION:path`, and which specs changed since a revision."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Sequence

from cnncalc.errors import CnncalcError, Problem, Source, SpecError, visible
from cnncalc.language import _
from cnncalc.sources import LARGEST_FILE, decode, read_source
from cnncalc.spec_files import is_spec_text, is_yaml, looks_like_a_spec, specs_below


def read(spec: str) -> Source:
    """A file, a bundled network, or `REVISION:path` where no file is called so. Raises SpecError."""
    revision, colon, path = spec.partition(":")
    # A file of that name is meant; a single letter in front is a drive of Windows.
    if not colon or not revision or not path or os.path.lexists(spec) or len(revision) == 1:
        return read_source(spec)
    name = f"{revision}:{path}"
    # A path is taken from the folder in which the command runs, as git takes one that begins with ./
    at = f"{revision}:./{path}" if not path.startswith(("/", "./", "../")) else name
    done = git("show", "--end-of-options", at)
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        problem = _("git cannot show this: {said}", said=said[0] if said else _("no reason given"))
        raise SpecError(
            [Problem(problem, None, _("write REVISION:path, as in HEAD~1:specs/net.yaml"))], Source(name, "")
        )
    return Source(name, decode(done.stdout[: LARGEST_FILE + 1], name))


def find_changed(revision: str, paths: Sequence[str] = ()) -> list[tuple[str | None, str | None]]:
    """(old, new) paths of the specs that are not as they were at a revision; None where there is none.

    Of the YAML files of the repository, or of these files and folders, those that are specs on one side. A file that
    git does not know yet is new.
    """
    top = git("rev-parse", "--show-toplevel")
    if top.returncode:
        raise CnncalcError(_("this is no git repository: run it inside one, or name two specs"))
    # Nobody may hand git an option in place of a revision.
    if revision.startswith("-"):
        raise CnncalcError(_("git knows no revision '{revision}'", revision=revision[:40]))
    # With -z names end with a null byte, and git quotes none of them.
    done = git("diff", "--name-status", "-M", "-z", "--relative", "--end-of-options", revision, "--", *paths)
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        message = _("git cannot compare with {revision}: {said}", revision=revision, said=said[0] if said else "")
        if git("rev-parse", "--is-shallow-repository").stdout.strip() == b"true":
            message += "\n" + _(
                "this clone is shallow: `git fetch --depth=1 origin BRANCH`, then compare with FETCH_HEAD"
            )
        raise CnncalcError(message)
    for path in paths:
        check_for_specs(revision, path)
    untracked = git("ls-files", "--others", "--exclude-standard", "-z", "--", *paths).stdout
    new_ones = [(None, name) for name in os.fsdecode(untracked).split("\0") if name]
    named = set(map(os.path.normpath, paths))  # a spec that is named is one whatever its ending
    found = {
        pair
        for pair in [*pairs_of(done.stdout), *new_ones]
        if any(path and (is_yaml(path) or path in named) for path in pair)
    }
    # What cannot be read is not left out: whoever compares it says why.
    specs = [
        (old, new) for old, new in found if was_spec(revision, old) or (new and looks_like_a_spec(new) is not False)
    ]
    return sorted(specs, key=lambda pair: pair[1] or pair[0] or "")


def check_for_specs(revision: str, path: str) -> None:
    """Raise CnncalcError for a path that is not there, or holds no spec, now and at a revision."""
    if specs_below(path) if os.path.isdir(path) else looks_like_a_spec(path):
        return
    # As git lists it: `./net.yaml` is net.yaml.
    listing = git("ls-tree", "-r", "-z", "--name-only", "--end-of-options", revision, "--", os.path.normpath(path))
    before = [
        name for name in os.fsdecode(listing.stdout).split("\0") if is_yaml(name) or name == os.path.normpath(path)
    ]
    if any(was_spec(revision, name) for name in before):
        return
    if not os.path.lexists(path) and not listing.stdout:
        raise CnncalcError(
            _("{path}: there is no such file or folder, now or at {revision}", path=visible(path), revision=revision)
        )
    raise CnncalcError(_("{path}: there is no spec in it, now or at {revision}", path=visible(path), revision=revision))


def was_spec(revision: str, path: str | None) -> bool:
    return path is not None and is_spec_text(git("show", "--end-of-options", f"{revision}:./{path}").stdout, path)


def pairs_of(listing: bytes) -> Iterator[tuple[str | None, str | None]]:
    """The entries of `git diff --name-status -z`. A file that is being merged may stand there twice."""
    # A name need not be UTF-8; in this form it leads back to its bytes.
    fields = iter(listing.decode("utf-8", "surrogateescape").split("\0"))
    for status in fields:
        if not status:
            break
        path = next(fields)
        # A rename or a copy, R087 say, has two paths.
        if status[0] in "RC":
            yield path, next(fields)
        else:
            yield None if status[0] == "A" else path, None if status[0] == "D" else path


def git(*arguments: str) -> subprocess.CompletedProcess[bytes]:
    try:
        # Of a clone that lacks files git may fetch, and wait for somebody to answer.
        return subprocess.run(["git", *arguments], capture_output=True, check=False, timeout=60)
    except FileNotFoundError:
        raise CnncalcError(_("git is not installed here: name two files")) from None
    except subprocess.TimeoutExpired:
        raise CnncalcError(_("git does not answer")) from None
