"""The face of the bounds on which a point lies: which variables are free there, and what pushes on the others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from ncsolve.oracle import Oracle

__all__ = ["NEAR", "Face", "projected_gradient"]

Vector = NDArray[np.float64]

NEAR = 1e-6
"""Points closer than NEAR (1 + |x|) are the same to a user who types seven digits."""


def projected_gradient(oracle: Oracle, x: Vector, gradient: Vector) -> Vector:
    """x - P(x - gradient), with P the projection into the bounds: zero where a descent step would not move x."""
    if oracle.lower is None or oracle.upper is None:
        return gradient
    return np.clip(gradient, x - oracle.upper, x - oracle.lower)


@dataclass(frozen=True)
class Face:
    """The variables `free` move; `fixed` ones sit at a bound, and `inward` (+1 or -1) points into the box.

    Variables whose two bounds are equal are in neither.
    """

    free: NDArray[np.intp]
    fixed: NDArray[np.intp]
    inward: Vector

    @classmethod
    def of(cls, oracle: Oracle, x: Vector, gradient: Vector) -> tuple[Face, Vector]:
        """Return the face of x and x snapped onto it.

        A variable is fixed when a gradient step presses it against a bound that it has nearly reached.
        """
        lower, upper = oracle.lower, oracle.upper
        if lower is None or upper is None:
            return cls(np.arange(x.size), np.empty(0, np.intp), np.empty(0)), x
        near = NEAR * (1 + np.abs(x))
        at_lower = (x - lower <= np.minimum(gradient, near)) | ((x <= lower) & (gradient >= 0))
        at_upper = (upper - x <= np.minimum(-gradient, near)) | ((x >= upper) & (gradient <= 0))
        snapped = np.where(at_lower, lower, np.where(at_upper, upper, x))
        movable = lower < upper
        fixed = np.flatnonzero(movable & (at_lower | at_upper))
        free = np.flatnonzero(movable & ~(at_lower | at_upper))
        return cls(free, fixed, np.where(at_lower[fixed], 1.0, -1.0)), snapped

    def multipliers(self, gradient: Vector) -> Vector:
        """The slope of f along the inward direction of each fixed variable; positive where the bound holds x back."""
        return self.inward * gradient[self.fixed]
