"""How well rounding lets the gradient be known at a point, and whether the gradient jumps there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ncsolve.critical.spectrum import EPS, SAFETY

if TYPE_CHECKING:
    from ncsolve.oracle import Oracle

__all__ = ["Noise", "hessian_jumps", "rounding_of"]

Vector = NDArray[np.float64]

KINK_SCALES = np.array([2.0, 2e2, 2e4])  # in units of the rounding of x
GOLDEN = 0.6180339887498949
TABLE = np.arange(-3, 4) * 1e8  # nearly half of the digits of x, so that x itself is rounded at random


def rounding_of(x: Vector) -> Vector:
    """One unit of rounding in each entry of x; of 1 where x is zero."""
    return EPS * np.where(x == 0, 1.0, np.abs(x))


@dataclass(frozen=True, eq=False)
class Noise:
    """Of the gradient at x: `error` (n,) is what rounding in x and in the evaluation can make of it, `jump` how much it jumps.

    On the line x + t d, with d of the size of rounding_of(x), the third differences of seven gradients at steps of 1e8 d contain
    little but rounding [More, Wild 2011]; and a difference between both sides of x that is the same at t = 2, 200 and
    20000 is a kink.
    """

    error: Vector
    jump: float

    @classmethod
    def at(cls, oracle: Oracle, x: Vector, gradient: Vector) -> Noise:
        d = _line(x)
        t = np.concatenate([KINK_SCALES, -KINK_SCALES, TABLE])
        gradients = oracle.gradient(oracle.project(x + t[:, None] * d))
        close = np.abs(gradients[[0, 3]] - gradient).max(axis=0)
        differences = np.abs(np.diff(gradients[6:], n=3, axis=0)).max(axis=0) / np.sqrt(20)
        error = SAFETY * np.fmax(close, differences)
        jumps = gradients[:3] - gradients[3:6]  # (3, n)
        largest = np.abs(jumps).max(axis=0)
        kinked = np.isfinite(largest) & (np.ptp(jumps, axis=0) <= 0.1 * largest)
        return cls(error, float(np.where(kinked, largest, 0.0).max(initial=0.0)))


def hessian_jumps(oracle: Oracle, x: Vector) -> bool:
    """Whether the Hessian differs between both sides of x by the same amount at two distances within rounding."""
    t = np.concatenate([KINK_SCALES[:2], -KINK_SCALES[:2]])
    around = np.array([oracle.hessian(oracle.project(point), dense=True) for point in x + t[:, None] * _line(x)])
    near, far = around[0] - around[2], around[1] - around[3]
    jump = float(np.abs(near).max(initial=0.0))
    return jump > 1e-3 * float(np.abs(around).max(initial=0.0)) and float(np.abs(far - near).max()) <= 0.1 * jump


def _line(x: Vector) -> Vector:
    """A direction in general position, of the size of the rounding of x."""
    k = np.arange(x.size)
    return np.asarray(np.where(k % 2, -0.5, 0.5) * (1 + GOLDEN * k % 1) * rounding_of(x))
