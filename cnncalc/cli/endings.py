"""How a run ends that no command has ended: one line, and a status. The traceback is for --debug."""

from __future__ import annotations

import os
import sys
from errno import EBADF, EDQUOT, EFBIG, EIO, ENOSPC

from cnncalc.language import _

UNUSABLE, BROKEN, INTERRUPTED = 2, 3, 130  # the input or the machine; the program itself; as shells have it
NOT_WRITTEN = (ENOSPC, EDQUOT, EFBIG, EIO, EBADF)


class InterruptedRun(Exception):  # noqa: N818 - not an error
    """Somebody pressed Ctrl-C. An exception of its own, since click makes status 1 of the other."""


def end_run(error: BaseException) -> int:
    """Say what ended a run in a line on standard error; the status."""
    if isinstance(error, (KeyboardInterrupt, InterruptedRun)):
        return end_saying(_("interrupted"), INTERRUPTED)
    if isinstance(error, MemoryError) or is_too_big(error):
        return end_saying(_("this needs more memory than there is"), UNUSABLE)
    # Without a file name it is a stream: that of the results, which a full disk or a closed pipe ended.
    if isinstance(error, OSError) and error.filename is None and error.errno in NOT_WRITTEN:
        forget_output()
        return end_saying(_("standard output cannot be written: {reason}", reason=error.strerror), UNUSABLE)
    if isinstance(error, ModuleNotFoundError) and (error.name or "").partition(".")[0] == "numpy":
        # Where Python runs in a browser there is none; everywhere else it comes with the package
        return end_saying(_("this command needs NumPy, which is not installed here"), UNUSABLE)
    # Anything else is a fault of ours, and says so: the user did nothing wrong.
    kind, text = type(error).__name__, " ".join(str(error).split())[:200]
    line = _("cnncalc went wrong here, which is its own fault: {kind}: {text}", kind=kind, text=text)
    return end_saying(f"{line}\n  " + _("please report the command and its input; --debug shows where"), BROKEN)


def is_too_big(error: BaseException) -> bool:
    """Whether memory is wanting and another error says so: NumPy of an array that none could hold, or a loader."""
    # So says a loader that has no room for a library.
    if isinstance(error, ImportError):
        return "failed to map segment" in str(error)
    return isinstance(error, ValueError) and str(error).startswith(("array is too big", "Maximum allowed"))


def end_saying(line: str, status: int) -> int:
    from cnncalc.errors import visible

    try:
        print(*map(visible, line.split("\n")), sep="\n", file=sys.stderr, flush=True)
    except (OSError, ValueError, AttributeError):
        pass  # nobody is there to read it
    return status


def forget_output() -> None:
    """What is left in the buffer goes nowhere: written at the end, it would fail again."""
    try:
        # When Python ends it writes what is left to this descriptor, whatever it leads to.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    except OSError:
        pass
