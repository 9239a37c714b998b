"""Critical points by many starts: Levenberg-Marquardt on |grad f|^2 / 2 from Sobol points, all of them at once.

    x+ = x - (H^2 + mu I)^-1 H g

From most places it leads to the nearest points of any index, but where f flattens far away it leads there. Half of the
starts go to minima and to saddles of index 1 instead, whose attraction is that of f. What is found is critical; that
there is nothing else is not proven. Rounds go on until two of them find nothing new.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from ncsolve.oracle import Oracle

__all__ = ["distinct", "finite", "sampled", "towards_critical"]

Array = NDArray[np.float64]

ROUND = 256  # starts
NUMBERS = 1_000_000  # of their Hessians, at most
ROUNDS = 40
STEPS = 60
POLISH = 10
CLOSE = 1e-6  # points that are one, relative to the box


@np.errstate(all="ignore")
def sampled(oracle: Oracle, lower: Array, upper: Array, seed: int, seconds: float) -> tuple[Array, bool]:
    """Critical points (k, n) in a box, and whether the search was interrupted."""
    from scipy.stats import qmc

    from ncsolve.landscapes.following import towards_index

    began, quiet = time.perf_counter(), 0
    sobol = qmc.Sobol(oracle.n, seed=seed)
    count = min(ROUND, 2 ** max(2, int(np.log2(NUMBERS / oracle.n**2))))  # a power of 2, as Sobol points should be
    found = np.empty((0, oracle.n))
    try:
        for k in range(ROUNDS):
            starts = lower + sobol.random(count) * (upper - lower)
            by_index = towards_index(oracle, starts[count // 2 :], k % 2, lower, upper)
            ended = towards_critical(oracle, starts[: count // 2], deadline=began + seconds)
            ended = np.concatenate([ended, towards_critical(oracle, by_index, POLISH)])
            ended[np.abs(ended) <= np.finfo(float).eps * (upper - lower)] = 0.0  # steps towards 0 never get there
            inside = np.all((ended >= lower) & (ended <= upper), axis=1)
            more = distinct(np.concatenate([found, ended[inside]]), upper - lower)
            quiet = quiet + 1 if len(more) == len(found) else 0
            found = more
            if quiet == 2 or time.perf_counter() - began > seconds:
                break
    except KeyboardInterrupt:
        return found, True
    return found, False


def towards_critical(oracle: Oracle, x: Array, steps: int = STEPS, deadline: float = np.inf) -> Array:
    """Where the method ends with a gradient that is zero but for rounding, from points (m, n); others are left out."""
    x, mu = x.copy(), np.full(len(x), 1e-2)
    with oracle.uncounted():
        g = oracle.gradient(x)
        for _ in range(steps):
            if time.perf_counter() > deadline:
                break
            values, vectors = np.linalg.eigh(finite(oracle.hessian(x, dense=True)))
            along = np.einsum("mji,mj->mi", vectors, finite(g))
            scale = np.square(values).max(axis=1, initial=1e-300, keepdims=True)
            step = np.einsum("mij,mj->mi", vectors, values / (values**2 + mu[:, None] * scale + 1e-300) * along)
            trial = x - step
            g_trial = oracle.gradient(trial)
            better = np.linalg.norm(g_trial, axis=1) < np.linalg.norm(g, axis=1)
            x[better], g[better] = trial[better], g_trial[better]
            mu = np.where(better, np.maximum(mu * 0.05, 1e-20), np.minimum(mu * 8, 1e8))
        size = np.linalg.norm(finite(oracle.hessian(x, dense=True)), axis=(1, 2))
        small = np.linalg.norm(g, axis=1) <= 1e-9 * (1 + size * (1 + np.abs(x).max(axis=1, initial=0.0)))
    return np.asarray(x[small & np.isfinite(g).all(axis=1)])


def distinct(points: Array, widths: Array) -> Array:
    """One of each group of points that are closer than 1e-6 of the box's widths, in their order."""
    from scipy.spatial import cKDTree

    if not len(points):
        return points
    scaled = points / np.where(widths > 0, widths, 1.0)
    first = [min(group) for group in cKDTree(scaled).query_ball_point(scaled, CLOSE)]
    return np.asarray(points[np.unique(first)])


def finite(values: Array) -> Array:
    """With 0 for what is not finite."""
    return np.where(np.isfinite(values), values, 0.0)
