"""Nonlinear conjugate gradients."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

import ncsolve as nc

if TYPE_CHECKING:
    from ncsolve.oracle import Oracle

Vector = NDArray[np.float64]

ROUNDING = float(np.finfo(float).eps)
"""Changes of f below this part of it say nothing."""


@dataclass(frozen=True)
class MyState:
    """What one step hands to the next: arrays and numbers, never written to again."""

    x: Vector
    objective: float
    gradient: Vector
    direction: Vector
    step_size: float
    stalled: bool = False


@dataclass(frozen=True)
class MySolver:
    """Conjugate gradients with restarts and backtracking. [Polak & Ribiere 1969]

    x+ = x + eta p,  p+ = -g+ + beta p,  beta = max(0, g+ . (g+ - g) / g . g)

    eta is the first of 2 eta, eta, eta/2, ... with f(x+) <= f(x) + decrease * eta * g . p (Armijo). Where p is not
    a descent direction, it starts again at -g.
    """

    step_size: float = nc.option(1.0, "first trial length of a step", above=0)
    decrease: float = nc.option(1e-4, "part of the linear decrease that a step must achieve", above=0, below=1)

    name: ClassVar[str] = "my-solver"
    needs: ClassVar[frozenset[str]] = frozenset({"gradient"})
    state_type: ClassVar[type] = MyState

    def init(self, oracle: Oracle, x0: Vector, rng: np.random.Generator) -> MyState:
        f, g = oracle.value_and_gradient(x0)
        return MyState(x0, f, g, -g, self.step_size)

    def step(self, oracle: Oracle, state: MyState, rng: np.random.Generator) -> MyState:
        x, f, g, p, eta = state.x, state.objective, state.gradient, state.direction, 2 * state.step_size
        slope, noise = g @ p, ROUNDING * abs(f)
        while not oracle.value(x + eta * p) <= f + self.decrease * eta * slope + noise:
            eta /= 2
            if np.array_equal(x + eta * p, x):
                return MyState(x, f, g, -g, self.step_size, stalled=True)
        x = x + eta * p
        f, g_new = oracle.value_and_gradient(x)
        beta = max(0.0, float(g_new @ (g_new - g) / (g @ g)))
        p = -g_new + beta * p
        if not g_new @ p < 0:
            p = -g_new
        return MyState(x, f, g_new, p, eta)
