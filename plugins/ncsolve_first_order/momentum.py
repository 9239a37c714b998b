"""Gradient descent with momentum."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from ncsolve.solving import option
from ncsolve_first_order.descent import Descent, DescentState, Memory, Vector
from ncsolve_first_order.step_size import NOISE

if TYPE_CHECKING:
    from ncsolve.oracle import Oracle

SAFETY = 0.99  # alpha stays this much below the bound 2 (1 - beta) / L
GROWTH = 1.2


@dataclass(frozen=True)
class HeavyBall(Descent):
    """Heavy ball, v+ = beta v - g, x+ = P(x + alpha v+). [Polyak 1964; Ochs, Chen, Brox & Pock 2014, iPiano]

    P projects into the bounds. At a constant alpha this is x+ = x - alpha g + beta (x - x-). With alpha < 2 (1 - beta)
    / L on an L-smooth objective, f(x) + delta |x - x-|^2 falls for some delta > 0 and g tends to 0, convex or not [Ochs
    et al. 2014, Thm 4.8]. Without a step size alpha = 0.99 * 2 (1 - beta) / L, with the declared L or else the smallest
    L found by backtracking for which f(x+) <= f(x) + g's + L |s|^2 / 2, s = x+ - x [ibid., Alg. 4].
    """

    step_size: float | None = option(
        None, "length alpha of a gradient step; none: from the declared smoothness L, else backtracking", above=0
    )
    momentum: float = option(0.9, "beta, the part of the last step that is kept", at_least=0, below=1)

    name: ClassVar[str] = "momentum"
    separable: ClassVar[bool] = True

    def memory(self, x: Vector) -> Memory:
        return (np.zeros_like(x),)

    def direction(self, x: Vector, g: Vector, memory: Memory, k: int) -> tuple[Vector, Memory]:
        v = self.momentum * memory[0]
        v -= g
        return v, (v,)

    def landed(self, memory: Memory, d: Vector, cut: NDArray[np.bool_]) -> Memory:
        return (d,)

    def fixed_step_size(self, oracle: Oracle) -> float | None:
        if self.step_size is not None:
            return self.step_size
        smoothness = oracle.constants.get("smoothness")
        return None if smoothness is None else self.length(smoothness)

    def length(self, smoothness: float) -> float:
        """alpha for this L; its own inverse."""
        return SAFETY * 2 * (1 - self.momentum) / smoothness

    @property
    def limit_of_stability(self) -> float:
        return 2 * (1 + self.momentum)

    def searched(self, oracle: Oracle, state: DescentState) -> DescentState:
        """iPiano with backtracking, in terms of the last step s = alpha v."""
        x, f, g, k, alpha = state.x, state.objective, state.gradient, state.updates, GROWTH * state.step_size
        s = state.step_size * state.memory[0]
        while True:
            y = oracle.project(x - alpha * g + self.momentum * s)
            moved = y - x
            if not moved.any():
                return replace(state, memory=self.memory(x), stalled=True)
            value = oracle.value(y)
            curvature = self.length(alpha) * float(moved.dot(moved))
            if abs(value - f) <= NOISE * abs(f):  # rounding hides the fall
                fits = float((oracle.gradient(y) - g).dot(moved)) <= curvature
            else:
                fits = value <= f + float(g.dot(moved)) + curvature / 2
            if fits:
                return DescentState(y, value, oracle.gradient(y), (moved / alpha,), k + 1, alpha)
            if not math.isfinite(value):
                s = s / 2
            alpha /= 2
