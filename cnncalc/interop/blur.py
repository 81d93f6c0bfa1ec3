"""Fixed filters of other programs that are those of a blur pool: one for all maps, binomial along each axis.

Zhang 2019, arXiv:1904.11486: 1 2 1 over 4 for a kernel of 3.
"""

from __future__ import annotations

from math import comb
from typing import Any


def is_binomial(filters: Any) -> bool:
    """Whether (filters, 1, *kernel) are those of `blurpool`, to float32's digits."""
    import numpy as np

    count, _one, *kernel = filters.shape
    if max(kernel) > 30:
        return False
    wanted = np.ones(())
    for k in kernel:
        row = np.array([comb(k - 1, i) for i in range(k)], dtype=float)
        wanted = np.multiply.outer(wanted, row / row.sum())
    return bool(np.allclose(filters.reshape(count, *kernel), wanted, atol=1e-6))
