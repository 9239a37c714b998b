"""What is zero at a critical point: the gradient, with bounds the projected one, with a penalty the proximal one.

With constraints it is the residuals of the KKT conditions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ncsolve.critical.face import projected_gradient
from ncsolve.critical.kkt import conditions, estimate

if TYPE_CHECKING:
    from ncsolve.oracle import Oracle

__all__ = ["stationarity"]

Vector = NDArray[np.float64]


def stationarity(oracle: Oracle, x: Vector, gradient: Vector, multipliers: Vector | None = None) -> Vector:
    """grad f; x - P(x - grad f) with bounds; (x - prox_tp(x - t grad f)) / t with a penalty p, t that of the oracle.

    The last is zero at every local minimum where p is weakly convex with a constant below 1/t; of L0 and its like it is
    so at those from which no proximal step with t leads away.

    Of a min-max problem it is the field of both players, signs * grad f, that is projected.

    With constraints: stationarity, feasibility and complementarity, with the multipliers given, else with estimates.
    """
    if oracle.problem.constrained:
        if multipliers is None or not multipliers.any():
            kkt = estimate(oracle, x, gradient)
        else:
            kkt = conditions(oracle, x, gradient, multipliers)
        return np.array([kkt.stationarity, kkt.feasibility, kkt.complementarity])
    if oracle.penalty is None:
        signs = oracle.problem.signs
        return projected_gradient(oracle, x, gradient if signs is None else signs * gradient)
    t = oracle.proximal_step(x)
    v = x - t * gradient
    return (x - oracle.prox(v, t)) / t if np.isfinite(v).all() else v
