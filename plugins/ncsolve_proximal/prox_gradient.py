"""The proximal gradient method, plain and accelerated."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from ncsolve.solving import option
from ncsolve_proximal.prox_step import into_domain, prox_step

if TYPE_CHECKING:
    from ncsolve.oracle import Oracle

Vector = NDArray[np.float64]

GROWTH = 1.2  # of the step size, after a plain step


@dataclass(frozen=True)
class ProxGradientState:
    x: Vector
    objective: float
    gradient: Vector
    previous: Vector
    theta: float
    step_size: float
    stalled: bool = False


@dataclass(frozen=True)
class ProxGradient:
    """Proximal gradient, x+ = prox_tp(y - t grad f(y)). [Beck & Teboulle 2009, ISTA and FISTA; Li & Lin 2015]

    Plain, y = x: F = f + p falls in every step by (1/(2t) - L/2) |x+ - x|^2, convex or not. Accelerated,
    y = x + (theta_k-1 - 1) / theta_k (x - x-): F - F* <= 2 L |x0 - x*|^2 / (k + 1)^2 for convex F [Thm 4.4]. For others
    a safeguard: where F(x+) > F(x) the step is a plain one from x [Li & Lin 2015, monotone APG]. The momentum starts
    anew there, and where it points uphill [O'Donoghue & Candès 2015].

    Without a step size, t is 1/L with the declared smoothness L, or found by backtracking from the oracle's.
    """

    accelerated: bool = option(True, "with momentum (FISTA), or plain (ISTA)")
    step_size: float | None = option(
        None, "length t of a step; none: 1/L where the problem declares its smoothness L, else backtracking", above=0
    )

    name: ClassVar[str] = "prox-gradient"
    needs: ClassVar[frozenset[str]] = frozenset({"gradient", "prox", "bounds"})
    state_type: ClassVar[type] = ProxGradientState

    def init(self, oracle: Oracle, x0: Vector, rng: np.random.Generator) -> ProxGradientState:
        x = into_domain(oracle, x0)
        t = self.step_size or oracle.proximal_step(x)
        return ProxGradientState(x, *oracle.value_and_gradient(x), x, 1.0, t)

    def step(self, oracle: Oracle, state: ProxGradientState, rng: np.random.Generator) -> ProxGradientState:
        x, theta = state.x, state.theta
        following = (1 + math.sqrt(1 + 4 * theta**2)) / 2
        y = oracle.project(x + (theta - 1) / following * (x - state.previous))
        if self.accelerated and not np.array_equal(y, x):
            z, t = self.prox_step(oracle, y, *oracle.value_and_gradient(y), state.step_size)
            uphill = float((y - z).dot(z - x)) > 0
            if oracle.objective(z) <= state.objective + oracle.penalty_value(x):
                return ProxGradientState(z, *oracle.value_and_gradient(z), x, 1.0 if uphill else following, t)
        t = state.step_size * (1.0 if self.accelerated and theta == 1 else GROWTH)
        z, t = self.prox_step(oracle, x, state.objective, state.gradient, t)
        stalled = np.array_equal(z, x)
        return ProxGradientState(z, *oracle.value_and_gradient(z), x, (1 + math.sqrt(5)) / 2, t, stalled)

    def prox_step(self, oracle: Oracle, y: Vector, f: float, g: Vector, t: float) -> tuple[Vector, float]:
        """By the given step size, by 1/L, or by backtracking from t."""
        smoothness = oracle.constants.get("smoothness")
        fixed = self.step_size or (1 / smoothness if smoothness else None)
        return (oracle.prox(y - fixed * g, fixed), fixed) if fixed else prox_step(oracle, y, f, g, t)
