"""Effective receptive fields: how much every pixel counts for a unit (Luo et al. 2016, arXiv:1701.04128)."""
