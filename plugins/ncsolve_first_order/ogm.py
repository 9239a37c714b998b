"""The optimised gradient method."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from ncsolve.solving import option
from ncsolve_first_order.descent import Descent, DescentState, Memory, Vector
from ncsolve_first_order.nag import GROWTH, upper_bound

if TYPE_CHECKING:
    from ncsolve.oracle import Oracle


@dataclass(frozen=True)
class OptimizedGradient(Descent):
    """Optimised gradient method, z+ = P(y - eta g(y)), y+ = z+ + (t - 1)/t+ (z+ - z) + t/t+ (z+ - y). [Kim & Fessler]

    The iterate x of the run is y. t+ = (1 + sqrt(1 + 4 t^2)) / 2 from t = 1, in the last of N updates 8 in place of 4:
    then f(y_N) - f* <= L |x0 - x*|^2 / (2 t_N^2) on convex f with eta = 1/L [Kim & Fessler 2016, Thm 2], half of
    Nesterov's bound, and in high dimensions no method has a better one [Drori 2017]. The adaptive restart drops the
    momentum when it leads uphill [Kim & Fessler 2018]; non-convex objectives need it. Without a step size and without a
    declared L, eta is found by backtracking as in 'nag'.
    """

    step_size: float | None = option(
        None, "length eta of a step; none: 1/L where the problem declares its smoothness L, else backtracking", above=0
    )
    steps: int | None = option(
        None, "N: updates until the point that the theorem speaks of; then it begins again. none: no end", at_least=1
    )
    restart: bool = option(True, "drop the momentum when it leads uphill")

    name: ClassVar[str] = "ogm"

    def memory(self, x: Vector) -> Memory:
        """w = (y - z) / eta and t."""
        return np.zeros_like(x), 1.0

    def direction(self, x: Vector, g: Vector, memory: Memory, k: int) -> tuple[Vector, Memory]:
        w, t = memory
        v = w - g  # (z+ - z) / eta
        if self.restart and float(g.dot(v)) > 0:
            v, t = -g, 1.0
        last = self.steps is not None and k % self.steps == 0
        following = (1 + math.sqrt(1 + (8 if last else 4) * t * t)) / 2
        w = v * ((t - 1) / following) - g * (t / following)
        return w - g, self.memory(x) if last else (w, following)

    def landed(self, memory: Memory, d: Vector, cut: NDArray[np.bool_]) -> Memory:
        w, t = memory
        return np.where(cut, 0.0, w), t

    @property
    def limit_of_stability(self) -> float:
        return 1.0  # at the largest t: z doubles every step

    def searched(self, oracle: Oracle, state: DescentState) -> DescentState:
        y, f, g, (w, t), k = state.x, state.objective, state.gradient, state.memory, state.updates
        found = upper_bound(oracle, y, f, g, GROWTH * state.step_size)
        if found is None:
            return replace(state, stalled=True)
        z, value, eta = found
        d, memory = self.direction(y, g, (w * (state.step_size / eta), t), k + 1)
        x = oracle.project(y + eta * d)
        if oracle.value(x) <= max(f, value):
            return DescentState(x, *oracle.value_and_gradient(x), memory, k + 1, eta)
        return DescentState(z, value, oracle.gradient(z), self.memory(z), k + 1, eta)
