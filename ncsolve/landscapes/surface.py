"""Does grad f point outward all over the surface of a box? Then the Morse sum of the critical points inside is 1.

[Milnor 1965, Poincare-Hopf: the degree of an outward field on a ball is 1, and nondegenerate zeros count (-1)^index]
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ncsolve.critical.system import Intervals

__all__ = ["points_outward"]

Array = NDArray[np.float64]

ROUNDS = 6
MOST = 3000  # parts of faces


def points_outward(intervals: Intervals, lower: Array, upper: Array) -> bool:
    """Whether it is proven; False also where it is not decided within a few halvings."""
    n = lower.size
    low, high = np.tile(lower, (2 * n, 1)), np.tile(upper, (2 * n, 1))
    axis, side = np.tile(np.arange(n), 2), np.repeat([-1.0, 1.0], n)
    rows = np.arange(2 * n)
    low[rows, axis] = high[rows, axis] = np.where(side > 0, upper[axis], lower[axis])
    for _ in range(ROUNDS):
        g = intervals.gradient(low, high)
        rows = np.arange(len(low))
        outward = np.where(side > 0, g.lo[rows, axis] > 0, g.hi[rows, axis] < 0)
        inward = np.where(side > 0, g.hi[rows, axis] <= 0, g.lo[rows, axis] >= 0)
        if inward.any():
            return False
        low, high, axis, side = low[~outward], high[~outward], axis[~outward], side[~outward]
        if not len(low):
            return True
        if n == 1 or len(low) > MOST:
            return False
        rows, widest = np.arange(len(low)), ((high - low) / (upper - lower)).argmax(axis=1)
        middle = low[rows, widest] / 2 + high[rows, widest] / 2
        left, right = high.copy(), low.copy()
        left[rows, widest] = right[rows, widest] = middle
        low, high = np.concatenate([low, right]), np.concatenate([left, high])
        axis, side = np.tile(axis, 2), np.tile(side, 2)
    return False
