"""The strict-saddle property over a box, proven: everywhere f is steep, or bends down, or is strongly convex.

    |grad f(x)| >= eps,   or   lowest eigenvalue of H(x) <= -gamma,   or   H(x) >= alpha I

gamma and alpha are chosen, as half of what the critical points that are found allow, rounded to one digit; eps is then
the largest that is proven. Reference: Ge, Huang, Jin & Yuan (2015), definition 2; Lee et al. (2016).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from ncsolve.critical.modes import finite, towards_critical
from ncsolve.graph import intervals as iv
from ncsolve.graph.intervals import Array, Interval
from ncsolve.theory.branch import Field, lowest_eigenvalue
from ncsolve.theory.pl import centred

if TYPE_CHECKING:
    from ncsolve.oracle import Oracle

__all__ = ["Steepness", "curvatures"]

SINGULAR = 1e-6  # eigenvalues that count as zero, relative to the largest entry of a Hessian at the starts


class Steepness:
    """A bound for `least`: of |grad f| where the lowest eigenvalue of H is between -gamma and alpha."""

    def __init__(self, field: Field, gamma: float, alpha: float) -> None:
        self.field, self.gamma, self.alpha = field, gamma, alpha

    @np.errstate(all="ignore")
    def __call__(self, low: Array, high: Array) -> tuple[Array, Array]:
        H = self.field.hessian(low, high)
        at = centred(self.field, low, high, H)
        settled = (lowest_eigenvalue(H) >= self.alpha) | (_some_curvature(H) <= -self.gamma)
        bound = iv.sqrt(iv.total(iv.square(at.gradient), (1,))).lo
        middle = _middle(self.field.hessian(low / 2 + high / 2, low / 2 + high / 2))
        lowest = np.linalg.eigvalsh(middle)[:, 0]
        attained = iv.sqrt(iv.total(iv.square(at.middle_gradient), (1,))).hi
        between = (lowest > -self.gamma) & (lowest < self.alpha)
        return np.where(settled, np.inf, np.nan_to_num(bound)), np.where(between, attained, np.nan)


def curvatures(oracle: Oracle, starts: Array, lower: Array, upper: Array) -> tuple[float, float] | None:
    """(gamma, alpha) that the critical points in the box leave room for; None with a degenerate one or without any."""
    with oracle.uncounted():
        found = towards_critical(oracle, starts)
        inside = found[((found >= lower) & (found <= upper)).all(axis=1)]
        if not len(inside):
            return None
        lowest = np.linalg.eigvalsh(oracle.hessian(inside, dense=True))[:, 0]
        largest = np.abs(finite(oracle.hessian(starts, dense=True))).max()
    if (np.abs(lowest) <= SINGULAR * largest).any():
        return None
    limits = [np.abs(lowest[side]).min() for side in (lowest < 0, lowest > 0) if side.any()]
    gamma, alpha = (_one_digit(limit / 2) for limit in (limits[0], limits[-1]))
    return gamma, alpha


def _one_digit(value: float) -> float:
    """The largest number of one digit that is not above."""
    place = 10.0 ** math.floor(math.log10(value))
    return float(f"{math.floor(value / place) * place:.1g}")


def _some_curvature(H: Interval) -> Array:
    """An upper bound (m,) of v'Hv / v'v, v the lowest eigenvector of the middle, and so of the lowest eigenvalue."""
    v = Interval.point(np.linalg.eigh(_middle(H))[1][:, :, 0])
    across = iv.mul(v.map(lambda w: w[:, :, None]), v.map(lambda w: w[:, None, :]))
    quotient = iv.div(iv.total(iv.mul(H, across), (1, 2)), iv.total(iv.square(v), (1,)))
    return np.where(np.isnan(quotient.hi), np.inf, quotient.hi)


def _middle(H: Interval) -> Array:
    middle = H.lo / 2 + H.hi / 2
    return np.where(np.isfinite(middle).all(axis=(1, 2), keepdims=True), middle, 0.0)
