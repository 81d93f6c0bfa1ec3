"""What single units see, to the pixel: exact sets, what nobody reads, effective fields, and tiles.

units.py      the pixels that a unit sees, and every unit of a layer
coverage.py   what of the image and of the maps is used at all
effective.py  how much every pixel counts (Luo et al. 2016)
halo.py       how far tiles have to overlap
hulls.py      the hulls of all units of all layers, in one pass forward; regions.py and taps.py are sets of pixels
"""
