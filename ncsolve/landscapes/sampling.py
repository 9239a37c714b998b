"""Critical points by many starts: Levenberg and Marquardt's method on |grad f|^2 from Sobol points.

From most places it leads to the nearest points of any index, but where f flattens far away it leads there. Half of the
starts go to minima and to saddles of index 1 instead, whose attraction is that of f. What is found is critical; that
there is nothing else is not proven. Rounds go on until two of them find nothing new.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ncsolve.critical.modes import towards_critical
from ncsolve.landscapes.following import towards_index

if TYPE_CHECKING:
    from ncsolve.oracle import Oracle

__all__ = ["distinct", "sampled"]

Array = NDArray[np.float64]

ROUND = 256  # starts
NUMBERS = 1_000_000  # of their Hessians, at most
ROUNDS = 40
POLISH = 10  # steps from a point that was reached otherwise
CLOSE = 1e-6  # points that are one, relative to the box


@np.errstate(all="ignore")
def sampled(oracle: Oracle, lower: Array, upper: Array, seed: int, seconds: float) -> tuple[Array, bool]:
    """Critical points (k, n) in a box, and whether the search was interrupted."""
    from scipy.stats import qmc

    deadline, quiet = time.perf_counter() + seconds, 0
    sobol = qmc.Sobol(oracle.n, seed=seed)
    count = min(ROUND, 2 ** max(2, int(np.log2(NUMBERS / oracle.n**2))))  # a power of 2, as Sobol points should be
    found = np.empty((0, oracle.n))
    try:
        for k in range(ROUNDS):
            starts = lower + sobol.random(count) * (upper - lower)
            ended = towards_critical(oracle, starts[: count // 2], deadline=deadline)
            by_index = towards_index(oracle, starts[count // 2 :], k % 2, lower, upper, deadline)
            ended = np.concatenate([ended, towards_critical(oracle, by_index, POLISH, deadline)])
            ended[np.abs(ended) <= np.finfo(float).eps * (upper - lower)] = 0.0  # steps towards 0 never get there
            inside = np.all((ended >= lower) & (ended <= upper), axis=1)
            more = distinct(np.concatenate([found, ended[inside]]), upper - lower)
            quiet = quiet + 1 if len(more) == len(found) else 0
            found = more
            if quiet == 2 or time.perf_counter() > deadline:
                break
    except KeyboardInterrupt:
        return found, True
    return found, False


def distinct(points: Array, widths: Array) -> Array:
    """One of each group of points that are closer than 1e-6 of the box's widths, in their order."""
    from scipy.spatial import cKDTree

    if not len(points):
        return points
    scaled = points / np.where(widths > 0, widths, 1.0)
    first = [min(group) for group in cKDTree(scaled).query_ball_point(scaled, CLOSE)]
    return np.asarray(points[np.unique(first)])
