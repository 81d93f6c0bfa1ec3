"""Exact sets of pixels, backward from single units: units, what nobody reads, and the hulls of all units."""
