"""How well rounding lets the gradient be known at a point, and whether derivatives jump there."""

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
Matrix = NDArray[np.float64]

SIDES: Vector = np.array([2.0, 2e2, 2e4])  # distances on both sides of x, in units of the rounding of x
TABLE: Vector = 1e8 * np.arange(-3.0, 4.0)  # nearly half of the digits of x, so that x itself is rounded at random
GOLDEN = 0.6180339887498949
JUMP = 1e-3  # share of the Hessian that a jump is at least
SAME = 0.1  # relative difference up to which two jumps are the same


def rounding_of(x: Vector) -> Vector:
    """One unit of rounding in each entry of x; of 1 where x is zero."""
    return EPS * np.where(x == 0, 1.0, np.abs(x))


@dataclass(frozen=True, eq=False)
class Noise:
    """Of the gradient at x: `error` (n,) is what rounding can make of it, `jump` by how much it jumps.

    On the line x + t d, with d of the size of rounding_of(x), third differences of seven gradients at steps of 1e8 d
    contain little but rounding [Moré, Wild 2011]. A difference between both sides of x that is the same at t = 2, 200
    and 20000 is a kink.
    """

    error: Vector
    jump: float

    @classmethod
    def at(cls, oracle: Oracle, x: Vector) -> Noise:
        gradients = oracle.gradient(np.concatenate([_line(oracle, x, t) for t in (SIDES, -SIDES, TABLE)]))
        jumps = gradients[:3] - gradients[3:6]
        differences = np.abs(np.diff(gradients[6:], n=3, axis=0)).max(axis=0) / np.sqrt(20)
        error = SAFETY * np.fmax(np.abs(jumps[0]) / 2, differences)
        largest = np.abs(jumps).max(axis=0)
        kinked = np.isfinite(largest) & (np.ptp(jumps, axis=0) <= SAME * largest)
        return cls(error, float(np.where(kinked, largest, 0.0).max(initial=0.0)))


def hessian_jumps(oracle: Oracle, x: Vector) -> bool:
    """Whether the Hessian differs between both sides of x by the same amount at two distances within rounding."""
    around = [oracle.hessian(y) for side in (1, -1) for y in _line(oracle, x, side * SIDES[:2])]
    near, far = around[0] - around[2], around[1] - around[3]
    jump = float(abs(near).max())
    return jump > JUMP * float(abs(around[0]).max()) and float(abs(far - near).max()) <= SAME * jump


def _line(oracle: Oracle, x: Vector, t: Vector) -> Matrix:
    """Points x + t d (k, n) along a direction d in general position, of the size of the rounding of x.

    The line is shifted into the bounds where it would leave them, so that its points stay evenly spaced.
    """
    k = np.arange(x.size)
    d = np.where(k % 2, -0.5, 0.5) * (1 + GOLDEN * k % 1) * rounding_of(x)
    if oracle.lower is not None and oracle.upper is not None:
        reach = np.abs(t).max() * np.abs(d)
        x = np.clip(x, oracle.lower + reach, oracle.upper - reach)
        d = np.where(oracle.lower < oracle.upper, d, 0.0)
    return np.asarray(oracle.project(x + t[:, None] * d))
