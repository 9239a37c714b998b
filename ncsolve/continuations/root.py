"""Newton's method for F(z) = 0, as many equations as unknowns, from close by.

z+ = z - J(z)^-1 F(z)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["root"]

Array = NDArray[np.float64]

STEPS = 12
ROUNDING = 1e-12  # of a step, relative to 1 + |z|
SMALL, SLOW = 1e-9, 1 / 4  # a step below that is more than this part of the last one: what is left is rounding
APART = 2.0  # a step so many times the last one leads elsewhere


def root(
    system: Callable[[Array], tuple[Array, Array]],
    z: Array,
    solve: Callable[[Array, Array], Any] = np.linalg.solve,
) -> tuple[Array, int] | None:
    """The zero near z (k,) and the number of steps to it, by `system`: z -> F (k,), J (k, k).

    None where steps grow or do not end in rounding, where F or J is not finite, and where `solve` finds J singular.
    """
    size = np.inf
    for step in range(1, STEPS + 1):
        F, J = system(z)
        if not (np.isfinite(F).all() and np.isfinite(J).all()):
            return None
        try:
            move = solve(J, -F)
        except np.linalg.LinAlgError:
            return None
        z = z + move
        before, size = size, float(np.linalg.norm(move))
        if size <= ROUNDING * (1 + float(np.linalg.norm(z))) or (size < SMALL and size > SLOW * before):
            return z, step
        if size > APART * before:
            return None
    return None
