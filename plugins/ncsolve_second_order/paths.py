"""Line searches along projected paths P(x + t d), and which variables the bounds hold back."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ncsolve_second_order.line_search import CURVATURE, Trial, strong_wolfe

if TYPE_CHECKING:
    from ncsolve.oracle import Oracle

Vector = NDArray[np.float64]
Mask = NDArray[np.bool_]


def search(oracle: Oracle, x: Vector, f: float, g: Vector, d: Vector, curvature: float = CURVATURE) -> Trial | None:
    """The line search along P(x + t d) from t = 1, or None if f falls nowhere there."""

    def path(t: float) -> Trial:
        z = oracle.project(x + t * d)
        value, gradient = oracle.value_and_gradient(z)
        return Trial(t, value, float(gradient.dot(inside(oracle, z, d))), z, gradient)

    start = Trial(0.0, f, float(g.dot(inside(oracle, x, d))), x, g)
    if not start.slope < 0:
        return None
    found = strong_wolfe(path, start, 1.0, curvature)
    return None if found is None or (found.x == x).all() else found


def inside(oracle: Oracle, x: Vector, d: Vector) -> Vector:
    """d without the components that lead out of the bounds at x: the derivative of P(x + t d) at t = 0."""
    if oracle.lower is None or oracle.upper is None:
        return d
    return np.where(((x <= oracle.lower) & (d < 0)) | ((x >= oracle.upper) & (d > 0)), 0.0, d)


def held_by_bounds(oracle: Oracle, x: Vector, g: Vector) -> Mask | None:
    """Which variables are nearly at a bound that -g points to, or None without bounds [Bertsekas 1982, eq. 32]."""
    if oracle.lower is None or oracle.upper is None:
        return None
    epsilon = min(1e-3, float(np.abs(x - oracle.project(x - g)).max()))
    held = ((x - oracle.lower <= epsilon) & (g > 0)) | ((oracle.upper - x <= epsilon) & (g < 0))
    return held if held.any() else None


def free_direction(g: Vector, H: Any, held: Mask | None, solve: Callable[[Vector, Any], Vector]) -> Vector:
    """solve(g, H) in the free variables, and -g in those that the bounds hold back [Bertsekas 1982]."""
    if held is None:
        return solve(g, H)
    d, free = -g, ~held
    if free.any():
        d[free] = solve(g[free], H[np.ix_(free, free)] if isinstance(H, np.ndarray) else H[free][:, free])
    return d


def norm(v: Vector) -> float:
    """Euclidean norm, without overflow."""
    size = math.sqrt(v.dot(v))
    if 1e-150 < size < math.inf:
        return size
    largest = float(np.abs(v).max())
    return largest * math.sqrt((v / largest).dot(v / largest)) if 0 < largest < math.inf else largest
