"""Gradient descent with momentum."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from ncsolve.solving import option
from ncsolve_first_order.step_size import NOISE, first_step_size

if TYPE_CHECKING:
    from ncsolve.oracle import Oracle

Vector = NDArray[np.float64]

SAFETY = 0.99  # alpha stays this much below the bound 2 (1 - beta) / L
GROWTH = 1.2


@dataclass(frozen=True)
class HeavyBallState:
    x: Vector
    objective: float
    gradient: Vector
    velocity: Vector
    step_size: float
    stalled: bool = False


@dataclass(frozen=True)
class HeavyBall:
    """Heavy ball, x+ = P(x - alpha g + beta (x - x-)). [Polyak 1964; Ochs, Chen, Brox & Pock 2014, iPiano]

    P projects into the bounds. With alpha < 2 (1 - beta) / L on an L-smooth objective, f(x) + delta |x - x-|^2 falls
    for some delta > 0 and g tends to 0, convex or not [Ochs et al. 2014, Thm 4.8]. Without a step size alpha = 0.99 *
    2 (1 - beta) / L, with the declared L or else the smallest L found by backtracking for which f(x+) <= f(x) + g's +
    L |s|^2 / 2, s = x+ - x [ibid., Alg. 4].
    """

    step_size: float | None = option(
        None, "length alpha of a gradient step; none: from the declared smoothness L, else backtracking", above=0
    )
    momentum: float = option(0.9, "beta, the part of the last step that is kept", at_least=0, below=1)

    name: ClassVar[str] = "momentum"
    needs: ClassVar[frozenset[str]] = frozenset({"gradient", "bounds"})
    state_type: ClassVar[type] = HeavyBallState

    def init(self, oracle: Oracle, x0: Vector, rng: np.random.Generator) -> HeavyBallState:
        f, g = oracle.value_and_gradient(x0)
        alpha = self.fixed_step_size(oracle) or first_step_size(x0, g)
        return HeavyBallState(x0, f, g, np.zeros_like(x0), alpha)

    def step(self, oracle: Oracle, state: HeavyBallState, rng: np.random.Generator) -> HeavyBallState:
        x, g, v = state.x, state.gradient, state.velocity
        alpha = self.fixed_step_size(oracle)
        if alpha is None:
            return self.backtracked(oracle, state)
        y = oracle.project(x - alpha * g + self.momentum * v)
        f, g = oracle.value_and_gradient(y)
        return HeavyBallState(y, f, g, y - x, alpha)

    def fixed_step_size(self, oracle: Oracle) -> float | None:
        if self.step_size is not None:
            return self.step_size
        smoothness = oracle.constants.get("smoothness")
        return None if smoothness is None else self.length(smoothness)

    def length(self, smoothness: float) -> float:
        """alpha for this L; its own inverse."""
        return SAFETY * 2 * (1 - self.momentum) / smoothness

    def backtracked(self, oracle: Oracle, state: HeavyBallState) -> HeavyBallState:
        x, f, g, v = state.x, state.objective, state.gradient, state.velocity
        alpha = GROWTH * state.step_size
        while True:
            y = oracle.project(x - alpha * g + self.momentum * v)
            s = y - x
            if not s.any():
                return replace(state, velocity=s, stalled=True)
            value = oracle.value(y)
            curvature = self.length(alpha) * float(s.dot(s))
            if abs(value - f) <= NOISE * abs(f):  # rounding hides the fall
                fits = float((oracle.gradient(y) - g).dot(s)) <= curvature
            else:
                fits = value <= f + float(g.dot(s)) + curvature / 2
            if fits:
                return HeavyBallState(y, value, oracle.gradient(y), s, alpha)
            if not math.isfinite(value):
                v = v / 2
            alpha /= 2
