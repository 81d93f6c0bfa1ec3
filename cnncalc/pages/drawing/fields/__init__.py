"""Drawings of receptive fields over the image: of one unit, layer by layer, and how much each pixel counts."""
