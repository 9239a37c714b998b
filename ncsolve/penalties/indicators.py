"""Indicators of convex sets: 0 inside, infinite outside. Their prox is the projection, whatever t."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ncsolve.errors import ProblemError
from ncsolve.penalties.base import Active, Array, Penalty, number, symbols_in

__all__ = ["Box", "Simplex"]

ROUNDING = 1e-12
"""How far the sum of a point on a simplex may be from its radius, relative to it."""


@dataclass(frozen=True)
class Box(Penalty):
    """The indicator of lower <= x_i <= upper. [Parikh & Boyd 2014, 6.2.4]

    prox: the nearer end for what is outside. The same as `bounds` of a problem, for proximal solvers.
    """

    lower: float = number()
    upper: float = number()

    def __post_init__(self) -> None:
        super().__post_init__()
        if not (symbols_in(self.lower) or symbols_in(self.upper)) and self.lower >= self.upper:
            raise ProblemError(f"penalty: Box needs lower < upper, not {self.lower!r} and {self.upper!r}.")

    def value(self, x: ArrayLike) -> float:
        x = np.asarray(x, dtype=np.float64)
        return 0.0 if ((self.lower <= x) & (x <= self.upper)).all() else math.inf

    def prox(self, v: ArrayLike, t: float) -> Array:
        return np.clip(np.asarray(v, dtype=np.float64), self.lower, self.upper)

    def least_subgradient(self, x: Array, g: Array) -> Array:
        held = ((x <= self.lower) & (g > 0)) | ((x >= self.upper) & (g < 0))
        return np.where(held, 0.0, g)

    def active(self, x: Array, g: Array) -> Active:
        x, g = x.ravel(), g.ravel()
        slack = np.where(x <= self.lower, g, np.where(x >= self.upper, -g, np.inf))
        return Active(np.isinf(slack), slack)


@dataclass(frozen=True)
class Simplex(Penalty):
    """The indicator of x_i >= 0, sum_i x_i = radius. [Duchi, Shalev-Shwartz, Singer & Chandra 2008]

    radius > 0. prox: max(v - theta, 0), with theta from the sorted entries [Held, Wolfe & Crowder 1974].
    """

    radius: float = number(1.0, above=0)

    def value(self, x: ArrayLike) -> float:
        x = np.asarray(x, dtype=np.float64)
        inside = (x >= 0).all() and abs(x.sum() - self.radius) <= ROUNDING * x.size * self.radius
        return 0.0 if inside else math.inf

    def prox(self, v: ArrayLike, t: float) -> Array:
        v = np.asarray(v, dtype=np.float64)
        falling = np.sort(v, axis=None)[::-1]
        excess = (np.cumsum(falling) - self.radius) / np.arange(1, v.size + 1)
        theta = excess[np.flatnonzero(falling > excess)[-1]]
        return np.asarray(np.maximum(v - theta, 0.0))

    def least_subgradient(self, x: Array, g: Array) -> Array:
        """Minus the projection of -g onto the tangent cone: multipliers nu, and of zeros only what pushes inwards."""
        flat, zero = g.ravel(), x.ravel() <= 0
        held = np.zeros_like(zero)
        while True:
            nu = float(flat[~held].mean())
            more = zero & ~held & (flat > nu)
            if not more.any():
                return np.where(held, 0.0, flat - nu).reshape(x.shape)
            held |= more

    def active(self, x: Array, g: Array) -> Active:
        """Zeros are held, the largest entry is the pivot; a zero's slack is its multiplier."""
        flat, x = g.ravel(), x.ravel()
        held, pivot = x <= 0, int(np.argmax(x))
        slack = np.where(held, flat - flat[~held].mean(), np.inf)
        free = ~held
        free[pivot] = False
        return Active(free, slack, pivot)
