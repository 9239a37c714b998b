"""The line search of theory: the first minimum along a direction."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ncsolve_second_order.line_search import Trial
from ncsolve_second_order.paths import inside

if TYPE_CHECKING:
    from ncsolve.oracle import Oracle

Vector = NDArray[np.float64]

ROUNDING = 1e-15


def exact_search(oracle: Oracle, x: Vector, f: float, d: Vector, t: float = 1.0) -> Trial | None:
    """The first minimum of phi(t) = f(P(x + t d)) that doubling brackets, as a zero of phi'. [Brent 1973]

    t is the first length to try. None where phi does not fall, or falls by rounding alone.
    """
    from scipy.optimize import brentq

    def slope(t: float) -> float:
        y = oracle.project(x + t * d)
        value, gradient = oracle.value_and_gradient(y)
        rise = float(gradient.dot(inside(oracle, y, d)))
        return rise if math.isfinite(value) and math.isfinite(rise) else math.inf

    low, high = 0.0, t
    if not slope(low) < 0:
        return None
    while (rise := slope(high)) < 0:
        low, high = high, 2 * high
    while rise == math.inf and high - low > ROUNDING * high:  # the bracket ends before f does
        middle = (low + high) / 2
        trial = slope(middle)
        low, high, rise = (middle, high, rise) if trial < 0 else (low, middle, trial)
    t = low if rise == math.inf else float(brentq(slope, low, high, xtol=1e-300, rtol=ROUNDING, disp=False))
    y = oracle.project(x + t * d)
    value, gradient = oracle.value_and_gradient(y)
    if not value <= f or (y == x).all():
        return None
    return Trial(t, value, float(gradient.dot(inside(oracle, y, d))), y, gradient)
