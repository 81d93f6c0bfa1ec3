"""From what a spec says to a graph: parameters worked out, blocks unrolled, shapes passed on, facts claimed."""
