"""The proximal gradient step, from a point, with a step size that fits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ncsolve_first_order.step_size import NOISE

if TYPE_CHECKING:
    from ncsolve.oracle import Oracle

Vector = NDArray[np.float64]


def into_domain(oracle: Oracle, x: Vector) -> Vector:
    """x, or where the penalty is infinite there, a point of its domain: the projection, for an indicator."""
    return x if np.isfinite(oracle.penalty_value(x)) else oracle.prox(x, oracle.proximal_step(x))


def prox_step(oracle: Oracle, y: Vector, f: float, g: Vector, t: float) -> tuple[Vector, float]:
    """z = prox_tp(y - t g) and t, for the first t, t/2, ... with f(z) <= f(y) + g's + |s|^2 / (2 t), s = z - y.

    It holds for t <= 1/L [Beck & Teboulle 2009, (2.6)]. Where rounding of f hides |s|^2 / (2 t), the curvature along s
    takes its place: (g(z) - g)'s <= |s|^2 / t.
    """
    while True:
        z = oracle.prox(y - t * g, t)
        s = z - y
        square = float(s.dot(s))
        value = oracle.value(z)
        if square == 0:
            return z, t
        if square / (2 * t) <= NOISE * abs(f):
            fits = float((oracle.gradient(z) - g).dot(s)) <= square / t
        else:
            fits = value <= f + float(g.dot(s)) + square / (2 * t)
        if fits:
            return z, t
        t /= 2
