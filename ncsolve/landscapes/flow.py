"""Which minima does a saddle connect? The gradient flow x' = -grad f(x) from both sides of a saddle of index 1.

Linearly implicit Euler steps of growing length t, x+ = x - (H + I/t)^-1 g, which end as Newton's method; all paths at
once. The path is followed closely enough to see where it leads, not proven.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from ncsolve.landscapes.result import Landscape
    from ncsolve.oracle import Oracle

__all__ = ["Connection", "connections"]

Array = NDArray[np.float64]

OFF = 1e-4  # how far from the saddle the flow begins, relative to the box
LONGEST = 0.01  # of a step, relative to the box
STEPS = 600
CLOSE = 1e-5  # to a minimum, relative to the box, where the flow has arrived
MOST = 400  # saddles whose flow is followed


@dataclass(frozen=True, eq=False)
class Connection:
    """A saddle of index 1 and the minima to which f falls on both sides; places in `Landscape.points`.

    None where the flow leaves the box or does not end at a minimum of the list.
    """

    saddle: int
    left: int | None
    right: int | None
    paths: tuple[Array, Array]
    """The flow on both sides, (k, n) each."""

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
    with oracle.uncounted():
        _, vectors = np.linalg.eigh(oracle.hessian(x, dense=True))
        off = OFF * vectors[:, :, 0] / np.abs(vectors[:, :, 0] / width).max(axis=1, keepdims=True)
        path, ended = _flow(oracle, np.concatenate([x - off, x + off]), found, np.array([points[k].x for k in minima]))
    ends = [minima[e] if e >= 0 else None for e in ended]
    half = len(saddles)
    return tuple(
        Connection(k, ends[j], ends[half + j], (_moving(path[:, j]), _moving(path[:, half + j])))
        for j, k in enumerate(saddles)
    )


def _flow(oracle: Oracle, x: Array, found: Landscape, minima: Array) -> tuple[Array, NDArray[np.int64]]:
    """The paths (steps, m, n) from points (m, n), and the place of the minimum at which each ends, or -1."""
    width = found.upper - found.lower
    ended, t = np.full(len(x), -1), np.full(len(x), np.nan)
    x, f, path = x.copy(), oracle.value(x), [x.copy()]
    active = np.arange(len(x))
    for _ in range(STEPS):
        values, vectors = np.linalg.eigh(oracle.hessian(x[active], dense=True))
        g = np.einsum("mji,mj->mi", vectors, oracle.gradient(x[active]))
        stiff = np.abs(values).max(axis=1) + 1e-300
        own = np.where(np.isnan(t[active]), 0.1 / stiff, t[active])
        own = np.where(values[:, 0] < 0, np.minimum(own, 0.5 / np.maximum(-values[:, 0], 1e-300)), own)
        step = np.einsum("mij,mj->mi", vectors, g / (values + 1 / own[:, None]))
        size = np.abs(step / width).max(axis=1, initial=0.0)
        step *= np.minimum(1.0, LONGEST / np.maximum(size, 1e-300))[:, None]
        trial = x[active] - step
        f_trial = oracle.value(trial)
        lower = f_trial <= f[active]
        x[active[lower]], f[active[lower]] = trial[lower], f_trial[lower]
        t[active] = np.where(lower, np.where(size > LONGEST, own, np.minimum(2 * own, 1e9 / stiff)), own / 4)
        path.append(x.copy())
        away = np.abs((x[active, None] - minima) / width).max(axis=2)
        arrived = away.min(axis=1) < CLOSE
        ended[active[arrived]] = away.argmin(axis=1)[arrived]
        outside = ((x[active] < found.lower - width / 2) | (x[active] > found.upper + width / 2)).any(axis=1)
        active = active[~arrived & ~outside]
        if not len(active):
            break
    return np.array(path), ended


def _moving(path: Array) -> Array:
    """Without the points at which it stands still."""
    moved = np.any(np.diff(path, axis=0) != 0, axis=1)
    return np.asarray(path[np.concatenate([[True], moved])])
