"""Nonlinear conjugate gradients."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from ncsolve.solving import option
from ncsolve_first_order.descent import Descent, DescentState, Memory, Vector

if TYPE_CHECKING:
    from ncsolve.oracle import Oracle

LEAST = 0.01
"""eta of Hager and Zhang's lower bound of beta."""


@dataclass(frozen=True)
class ConjugateGradients(Descent):
    """Nonlinear conjugate gradients, d+ = -g + beta d. [Hager & Zhang 2005, CG_DESCENT; Hestenes & Stiefel 1952]

    beta = (y - 2 d |y|^2 / d'y)'g / d'y, y = g - g-, cut off below at -1 / (|d| min(0.01, |g-|)): with every search
    that leaves d'y > 0, g'd <= -7/8 |g|^2 [Thm 1.1]. The length is found by a strong Wolfe search with c2 = 0.1. On a
    convex quadratic with line_search=exact these are linear conjugate gradients: as many steps as the Hessian has
    distinct eigenvalues, |e_k| <= 2 ((sqrt(K) - 1)/(sqrt(K) + 1))^k |e_0| in its norm, K its condition number.
    """

    step_size: float | None = option(None, "length of every step; none: a strong Wolfe search", above=0)

    name: ClassVar[str] = "cg"

    def memory(self, x: Vector) -> Memory:
        """The last gradient and the last direction."""
        return np.zeros_like(x), np.zeros_like(x)

    def direction(self, x: Vector, g: Vector, memory: Memory, k: int) -> tuple[Vector, Memory]:
        before, d = memory
        y = g - before
        along = float(d.dot(y))
        if along > 0:
            beta = float((y - d * (2 * float(y.dot(y)) / along)).dot(g)) / along
            least = -1 / (float(np.linalg.norm(d)) * min(LEAST, float(np.linalg.norm(before))))
            d = max(beta, least) * d - g
        else:
            d = -g
        return d, (g, d)

    def landed(self, memory: Memory, d: Vector, cut: NDArray[np.bool_]) -> Memory:
        return memory[0], d

    def fixed_step_size(self, oracle: Oracle) -> float | None:
        return self.step_size

    def searched(self, oracle: Oracle, state: DescentState) -> DescentState:
        return self.searched_along(oracle, state, "tight-wolfe")
