"""Random small networks: every claim is what running them gives, on padding too."""

from __future__ import annotations

from hypothesis import HealthCheck, given, note, settings
from random_specs import networks

import cnncalc
from cnncalc.graph import Graph

COUNTS = ("connections", "macs", "flops")

# What training asks for shows in a forward pass for some layers alone: elsewhere it is not measured, and said so
OF_TRAINING = ("activations", "backward_flops", "saved_bytes")


@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@given(network=networks())
def test_a_random_network_does_what_it_claims(network: tuple[str, Graph]) -> None:
    spec, graph = network
    note(spec)
    found = cnncalc.verify(graph)
    exactly = cnncalc.verify(graph, exact_padding=True, quantities=COUNTS)
    assert [check for check in (*found.checks, *exactly.checks) if check.verdict == "differs"] == []
    counts = [
        check
        for check in found.checks
        if not check.quantity.split(" of ")[0].endswith(("receptive_field", "jump", "rf_start", "by channel"))
        and check.quantity not in OF_TRAINING
    ]
    assert all(check.verdict == "holds" for check in counts)  # fields may be unknown, a count never
