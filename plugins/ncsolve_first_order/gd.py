"""Gradient descent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from ncsolve.solving import option
from ncsolve_first_order.step_size import backtrack, first_step_size, given_step_size

if TYPE_CHECKING:
    from ncsolve.oracle import Oracle

Vector = NDArray[np.float64]


@dataclass(frozen=True)
class GradientDescentState:
    x: Vector
    objective: float
    gradient: Vector
    step_size: float
    stalled: bool = False


@dataclass(frozen=True)
class GradientDescent:
    """Gradient descent, x+ = P(x - eta g). [Cauchy 1847; Armijo 1966; Bertsekas 1976]

    P projects into the bounds. With eta <= 1/L on an L-smooth objective, f falls by at least eta |g|^2 / 2 in every
    step [Nesterov 2018, 1.2.3]. Without a step size and without a declared L, eta is the first of 2 eta, eta, eta/2,
    ... that fulfils Armijo's condition f(x+) <= f(x) + c g'(x+ - x) with c = 0.4.
    """

    step_size: float | None = option(
        None, "length eta of a step; none: 1/L where the problem declares its smoothness L, else backtracking", above=0
    )

    name: ClassVar[str] = "gd"
    needs: ClassVar[frozenset[str]] = frozenset({"gradient", "bounds"})
    state_type: ClassVar[type] = GradientDescentState

    def init(self, oracle: Oracle, x0: Vector, rng: np.random.Generator) -> GradientDescentState:
        f, g = oracle.value_and_gradient(x0)
        eta = given_step_size(self.step_size, oracle) or first_step_size(x0, g)
        return GradientDescentState(x0, f, g, eta)

    def step(self, oracle: Oracle, state: GradientDescentState, rng: np.random.Generator) -> GradientDescentState:
        x, f, g = state.x, state.objective, state.gradient
        eta = given_step_size(self.step_size, oracle)
        if eta is None:
            return GradientDescentState(*backtrack(oracle, x, f, g, 2 * state.step_size))
        x = oracle.project(x - eta * g)
        f, g = oracle.value_and_gradient(x)
        return GradientDescentState(x, f, g, eta)
