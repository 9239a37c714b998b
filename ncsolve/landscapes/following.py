"""Eigenvector following, many paths at once: uphill from a minimum to a saddle of index 1, or to any point of an index.

    s = -+ 2 c / (|lam| + sqrt(lam^2 + 4 c^2)),    c = V^T grad f(x),   H(x) = V diag(lam) V^T

With - along all eigenvectors but those that are followed f falls, with + along these it rises. Near a critical point
these are Newton's steps; only where the followed ones alone have lam < 0 are they attracted to it.
[Cerjan & Miller 1981; Wales 1994]
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ncsolve.critical.modes import TINY, Modes

if TYPE_CHECKING:
    from ncsolve.oracle import Oracle

__all__ = ["towards_index", "uphill"]

Array = NDArray[np.float64]

STEPS = 200
LONGEST = 0.1  # step, relative to the box
SMALL = 1e-9  # the last step, relative to the longest one allowed times 10
FLAT = 1e-7  # eigenvalues of this part of the largest are no reason for a long step


def uphill(
    oracle: Oracle, x: Array, directions: Array, longest: float, deadline: float = np.inf
) -> tuple[Array, NDArray[np.bool_]]:
    """Where the paths from x (m, n) end that begin along directions (m, n), and which converged by the deadline.

    The eigenvector with the largest overlap is followed from step to step. No entry of a step is above `longest`.
    """
    x, along = x.copy(), directions.copy()
    active, converged = np.arange(len(x)), np.zeros(len(x), dtype=bool)
    for _ in range(STEPS):
        if not len(active) or time.perf_counter() > deadline:
            break
        modes = Modes.of(oracle.hessian(x[active], dense=True), oracle.gradient(x[active]))
        rows = np.arange(len(active))
        followed = np.abs(np.einsum("mji,mj->mi", modes.vectors, along[active])).argmax(axis=1)
        along[active] = modes.vectors[rows, :, followed]
        s = _downhill(modes)
        s[rows, followed] *= -1
        step = modes.step(s)
        reach = np.abs(step).max(axis=1, initial=0.0)
        x[active] += step * np.minimum(1.0, longest / np.maximum(reach, TINY))[:, None]
        arrived = (reach <= 10 * SMALL * longest) & np.isfinite(x[active]).all(axis=1)
        converged[active[arrived]] = True
        active = active[~arrived & np.isfinite(x[active]).all(axis=1)]
    return x, converged


def towards_index(oracle: Oracle, x: Array, index: int, lower: Array, upper: Array, deadline: float = np.inf) -> Array:
    """Points of an index in a box, to which paths from x (m, n) lead that rise along the `index` lowest eigenvectors.

    The unit of length is the box, which is not left; what is not at rest after STEPS, or by the deadline, is dropped.
    """
    x, width = x.copy(), upper - lower
    active, arrived = np.arange(len(x)), np.zeros(len(x), dtype=bool)
    with oracle.uncounted():
        for _ in range(STEPS):
            if not len(active) or time.perf_counter() > deadline:
                break
            H = oracle.hessian(x[active], dense=True) * width[:, None] * width
            modes = Modes.of(H, oracle.gradient(x[active]) * width)
            s = _downhill(modes)
            s[:, :index] *= -1
            step = modes.step(s)
            reach = np.abs(step).max(axis=1, initial=0.0)
            step *= np.minimum(1.0, LONGEST / np.maximum(reach, TINY))[:, None]
            x[active] = np.clip(x[active] + width * step, lower, upper)
            arrived[active] = rests = reach <= SMALL
            active = active[~rests]
    return x[arrived]


def _downhill(modes: Modes) -> Array:
    """Steps (m, n) in the eigenbasis that lower f along each of its vectors."""
    lam, c = modes.values, modes.slopes
    return np.asarray(-2 * c / (np.abs(lam) + FLAT * modes.largest + np.sqrt(lam**2 + 4 * c**2) + TINY))
