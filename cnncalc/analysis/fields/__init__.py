"""Receptive fields: what of the inputs the units of every layer depend on. No kind of layer is named here.

sets/       the pixels of single units, exactly; what nobody reads; the hulls of all units
effective/  how much every pixel counts (Luo et al. 2016)
tiles.py    how far tiles of an image have to overlap
"""
