"""One command over many specs needs no more memory than over one: what is built for a spec goes with it."""

from __future__ import annotations

import gc

import pytest

from cnncalc.cli.expectations import check_spec
from cnncalc.cli.options import Asked

# Blocks and repeats, branches whose channels see differently, words of every sort, a decoder, tables.
NETWORKS = ("lenet5", "resnet50", "densenet121", "inception-v3", "unet", "shufflenet-v1", "vit-ti16")


@pytest.mark.parametrize("name", NETWORKS)
def test_what_a_check_builds_holds_itself_nowhere(name: str) -> None:
    """No cycles: collection is off while a command runs, so that they would stay until its end."""
    check_spec(Asked(name))  # what is made once, and kept
    gc.collect()
    gc.freeze()  # what other tests have left is looked at once, and not for each network
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        check_spec(Asked(name))
        assert gc.collect() == 0
    finally:
        if was_enabled:
            gc.enable()
