"""How long a step is: given, 1/L, or found by backtracking."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from ncsolve.oracle import Oracle

Vector = NDArray[np.float64]

ARMIJO = 0.4
"""On a quadratic, steps up to 1.2 / curvature fulfil the condition: longer ones zigzag."""
NOISE = 64 * float(np.finfo(float).eps)
"""Differences of f below NOISE |f| are taken for rounding."""


def given_step_size(step_size: float | None, oracle: Oracle) -> float | None:
    """The step size given as an option, else 1/L if the problem declares L, else None."""
    if step_size is not None:
        return step_size
    smoothness = oracle.constants.get("smoothness")
    return None if smoothness is None else 1 / smoothness


def first_step_size(x: Vector, g: Vector) -> float:
    """The eta with which the first trial step moves the fastest coordinate by max(1, |x|), whatever the scale of f."""
    steepest = float(np.abs(g).max())
    return max(1.0, float(np.abs(x).max())) / steepest if 0 < steepest < math.inf else 1.0


def backtrack(
    oracle: Oracle, x: Vector, f: float, g: Vector, eta: float, d: Vector | None = None
) -> tuple[Vector, float, Vector, float, bool]:
    """x+, f(x+), g(x+), eta and whether no step is possible, for the first eta, eta/2, ... with Armijo's condition.

    x+ = P(x + eta d),  f(x+) <= f(x) + c g'(x+ - x),  d = -g if it is not given.  Where rounding hides the difference
    of f, the trapezoid rule f(x+) - f(x) = (g(x+) + g)'(x+ - x) / 2 takes its place [Hager & Zhang 2005].
    """
    d = -g if d is None else d
    while True:
        y = oracle.project(x + eta * d)
        s = y - x
        slope = float(g.dot(s))
        if not s.any() or not slope < 0:  # no step, bounds have turned it uphill, or d is infinite
            return x, f, g, eta, True
        value = oracle.value(y)
        if abs(value - f) <= NOISE * abs(f):
            falls = bool(oracle.gradient(y).dot(s) <= (2 * ARMIJO - 1) * slope)
        else:
            falls = value <= f + ARMIJO * slope
        if falls:
            return y, value, oracle.gradient(y), eta, False
        eta /= 2
