"""Nesterov's accelerated gradient."""

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

GROWTH = 1.2


@dataclass(frozen=True)
class Nesterov(Descent):
    """Nesterov's accelerated gradient, z+ = P(y - eta g(y)), y+ = z+ + beta (z+ - z). [Nesterov 1983]

    The iterate x of the run is y, where the gradient is taken. beta = (t - 1) / t+, t+ = (1 + sqrt(1 + 4 t^2)) / 2 for
    convex f: f(z_k) - f* <= 2 L |x0 - x*|^2 / (k + 1)^2 with eta = 1/L [Beck & Teboulle 2009, Thm 4.4]. For m-strongly
    convex f beta = (1 - sqrt(m eta)) / (1 + sqrt(m eta)) and the gap falls by 1 - sqrt(m/L) in every step [d'Aspremont,
    Scieur & Taylor 2021, Cor. 4.15]. The adaptive restart drops the momentum when it leads uphill, g'(z+ - z) > 0
    [O'Donoghue & Candes 2015]; non-convex objectives need it.

    Without a step size and without a declared L, eta is found by backtracking, f(z+) <= f(y) + g'(z+ - y) + |z+ - y|^2
    / (2 eta), and y+ = z+ where the momentum would let f rise.
    """

    step_size: float | None = option(
        None, "length eta of a step; none: 1/L where the problem declares its smoothness L, else backtracking", above=0
    )
    momentum: float | None = option(
        None, "beta, constant; none: by strong convexity where that is declared or given, else the convex schedule",
        at_least=0, below=1,
    )  # fmt: skip
    strong_convexity: float | None = option(None, "m; none: as declared by the problem", above=0)
    restart: bool = option(True, "drop the momentum when it leads uphill")

    name: ClassVar[str] = "nag"

    def init(self, oracle: Oracle, x0: Vector, rng: np.random.Generator) -> DescentState:
        state = super().init(oracle, x0, rng)
        w, t, _ = state.memory
        return replace(state, memory=(w, t, self.constant_momentum(oracle, state.step_size)))

    def constant_momentum(self, oracle: Oracle, eta: float) -> float:
        """beta, where it does not follow the convex schedule: then nan."""
        m = self.strong_convexity or oracle.constants.get("strong_convexity", 0.0)
        if self.momentum is not None or m == 0:
            return math.nan if self.momentum is None else self.momentum
        root = math.sqrt(min(m * eta, 1.0))
        return (1 - root) / (1 + root)

    def memory(self, x: Vector) -> Memory:
        """w = beta (z - z-) / eta, t, and the constant beta or nan."""
        return np.zeros_like(x), 1.0, math.nan if self.momentum is None else self.momentum

    def direction(self, x: Vector, g: Vector, memory: Memory, k: int) -> tuple[Vector, Memory]:
        w, t, beta = memory
        v = w - g  # (z+ - z) / eta
        if self.restart and float(g.dot(v)) > 0:
            v, t = -g, 1.0
        following, t = schedule(t, beta)
        v *= following
        return v - g, (v, t, beta)

    def landed(self, memory: Memory, d: Vector, cut: NDArray[np.bool_]) -> Memory:
        w, t, beta = memory
        return np.where(cut, 0.0, w), t, beta

    @property
    def limit_of_stability(self) -> float:
        beta = 1.0 if self.momentum is None else self.momentum
        return 2 * (1 + beta) / (1 + 2 * beta)

    def searched(self, oracle: Oracle, state: DescentState) -> DescentState:
        y, f, g, (w, t, _), k = state.x, state.objective, state.gradient, state.memory, state.updates
        found = upper_bound(oracle, y, f, g, GROWTH * state.step_size)
        if found is None:
            return replace(state, stalled=True)
        z, value, eta = found
        beta = self.constant_momentum(oracle, eta)
        u = z - y + state.step_size * w
        if not (self.restart and float(g.dot(u)) > 0):
            following, t = schedule(t, beta)
            u *= following
            x = oracle.project(z + u)
            if oracle.value(x) <= max(f, value):
                return DescentState(x, *oracle.value_and_gradient(x), (u / eta, t, beta), k + 1, eta)
        return DescentState(z, value, oracle.gradient(z), (np.zeros_like(w), 1.0, beta), k + 1, eta)


def schedule(t: float, beta: float) -> tuple[float, float]:
    """beta of this update, and t+."""
    following = (1 + math.sqrt(1 + 4 * t * t)) / 2
    return ((t - 1) / following if math.isnan(beta) else beta), following


def upper_bound(oracle: Oracle, y: Vector, f: float, g: Vector, eta: float) -> tuple[Vector, float, float] | None:
    """z = P(y - eta g), f(z) and eta for the first eta, eta/2, ... whose quadratic model lies above f at z."""
    while True:
        z = oracle.project(y - eta * g)
        s = z - y
        if not s.any():
            return None
        value, square = oracle.value(z), float(s.dot(s)) / eta
        if abs(value - f) <= NOISE * abs(f):  # rounding hides the fall
            fits = float((oracle.gradient(z) - g).dot(s)) <= square
        else:
            fits = value <= f + float(g.dot(s)) + square / 2
        if fits:
            return z, value, eta
        eta /= 2
