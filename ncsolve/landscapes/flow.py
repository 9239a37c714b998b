"""Which minima does a saddle connect? The gradient flow x' = -grad f(x) from both sides of a saddle of index 1.

Linearly implicit Euler steps of growing length t, x+ = x - (H + I/t)^-1 g, which end as Newton's method; all paths at
once. The path is followed closely enough to see where it leads, not proven.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ncsolve.critical.modes import TINY, Modes

if TYPE_CHECKING:
    from ncsolve.landscapes.result import Landscape
    from ncsolve.oracle import Oracle

__all__ = ["Connection", "both_sides", "connections", "descend"]

Array = NDArray[np.float64]

OFF = 1e-4  # how far from the saddle the flow begins, relative to the box
LONGEST = 0.01  # of a step, relative to the box
STEPS = 600
CLOSE = 1e-5  # to a minimum, relative to the box, where the flow has ended there
STILL = 1e-8  # a step, relative to the box, by which the flow has ended
LONG = 1e5  # the time of such a step, in units of the fastest decay: it is one of Newton's
FLAT = 1e-7  # an eigenvalue below 0 by this part of the largest may be 0
ROUNDING = 1e-14  # by which f may seem to rise
MOST = 400  # saddles whose flow is followed


@dataclass(frozen=True, eq=False)
class Connection:
    """A saddle of index 1 and the minima to which f falls on both sides; places in `Landscape.points`.

    None where the flow leaves the box or does not end at a minimum of the list.
    """

    saddle: int
    left: int | None
    right: int | None
    paths: tuple[Array, ...] = ()
    """The flow on both sides, (k, n) each, where it was kept."""

    def to_json(self) -> dict[str, Any]:
        return {"saddle": self.saddle, "minima": [self.left, self.right]}


def connections(oracle: Oracle, found: Landscape) -> tuple[Connection, ...]:
    """The connections of the nondegenerate saddles of index 1, of the 400 lowest where there are more."""
    points, width = found.points, found.upper - found.lower
    saddles = [k for k, p in enumerate(points) if p.kind == "saddle" and p.index == 1 and not p.nullity][:MOST]
    minima = [k for k, p in enumerate(points) if p.kind == "minimum"]
    if not minima or not saddles:
        return ()
    x = np.array([points[k].x for k in saddles])
    targets = np.array([points[k].x for k in minima])
    ends: list[int | None] = []
    paths: list[Array] = [x]
    with oracle.uncounted():
        below = both_sides(oracle, x, width)
        for end, arrived in zip(*descend(oracle, below, width, (found.lower, found.upper), paths), strict=True):
            away = np.abs((end - targets) / width).max(axis=1)
            ends.append(minima[int(away.argmin())] if arrived and away.min() < CLOSE else None)
    path, half = np.array(paths[1:]), len(saddles)
    return tuple(
        Connection(k, ends[j], ends[half + j], (_moving(path[:, j]), _moving(path[:, half + j])))
        for j, k in enumerate(saddles)
    )


def both_sides(oracle: Oracle, saddles: Array, width: Array) -> Array:
    """Points (2 m, n) a little off saddles (m, n) along their lowest eigenvectors: one side, then the other."""
    _, vectors = np.linalg.eigh(oracle.hessian(saddles, dense=True))
    off = OFF * vectors[:, :, 0] / np.abs(vectors[:, :, 0] / width).max(axis=1, keepdims=True)
    return np.concatenate([saddles - off, saddles + off])


def descend(
    oracle: Oracle,
    x: Array,
    width: Array,
    box: tuple[Array, Array] | None = None,
    paths: list[Array] | None = None,
    deadline: float = np.inf,
) -> tuple[Array, NDArray[np.bool_]]:
    """Where the flow from points (m, n) ends, and whether that is a minimum. `paths` receives all points of each step.

    `width` (n,) is the scale of the steps; a path that leaves the box by half of that is given up, and so are all that
    are under way at the deadline.
    """
    x, f = x.copy(), oracle.value(x)
    t, arrived = np.full(len(x), np.nan), np.zeros(len(x), dtype=bool)
    paths = [] if paths is None else paths
    paths.append(x.copy())
    active = np.flatnonzero(np.isfinite(f))
    for _ in range(STEPS):
        if not len(active) or time.perf_counter() > deadline:
            break
        modes = Modes.of(oracle.hessian(x[active], dense=True), oracle.gradient(x[active]))
        lowest, stiff = modes.values[:, 0], modes.largest[:, 0] + TINY
        own = np.where(np.isnan(t[active]), 0.1 / stiff, t[active])
        own = np.where(lowest < 0, np.minimum(own, 0.5 / np.maximum(-lowest, TINY)), own)
        step = modes.step(-modes.slopes / (modes.values + 1 / own[:, None]))
        size = np.abs(step / width).max(axis=1, initial=0.0)
        step *= np.minimum(1.0, LONGEST / np.maximum(size, TINY))[:, None]
        trial = x[active] + step
        f_trial = oracle.value(trial)
        lower = f_trial <= f[active] + ROUNDING * np.abs(f[active])
        x[active[lower]], f[active[lower]] = trial[lower], f_trial[lower]
        t[active] = np.where(lower, np.where(size > LONGEST, own, np.minimum(2 * own, 1e9 / stiff)), own / 4)
        paths.append(x.copy())
        ended = lower & (size < STILL) & (own * stiff > LONG) & (lowest > -FLAT * stiff)
        arrived[active[ended]] = True
        active = active[~ended]
        if box is not None:
            active = active[((x[active] >= box[0] - width / 2) & (x[active] <= box[1] + width / 2)).all(axis=1)]
    return x, arrived


def _moving(path: Array) -> Array:
    """Without the points at which it stands still."""
    moved = np.any(np.diff(path, axis=0) != 0, axis=1)
    return np.asarray(path[np.concatenate([[True], moved])])
