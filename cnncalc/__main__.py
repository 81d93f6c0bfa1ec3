"""The command `cnncalc`, and `python -m cnncalc`: a start, before anything else is imported."""

import gc


def main() -> None:
    """Run a command in a process of its own and exit with its status."""
    # A short life: collecting costs more than it frees, and what is built has no cycles. It begins here and not in
    # cli/, since importing click alone sets it off 27 times.
    gc.disable()
    from cnncalc.cli import main as run_command

    try:
        run_command(prog_name="cnncalc")
    finally:
        gc.freeze()  # the interpreter's last collection looks through all that is left: a fifteenth of the whole run


if __name__ == "__main__":
    main()
