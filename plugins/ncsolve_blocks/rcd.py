"""Randomised coordinate descent."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from ncsolve.critical.face import projected_gradient
from ncsolve.solving import option
from ncsolve_first_order.step_size import backtrack, first_step_size, given_step_size

if TYPE_CHECKING:
    from ncsolve.oracle import Oracle

Vector = NDArray[np.float64]

PATIENCE = 10
"""Times n: steps in a row that rounding made impossible, after which the run has stalled."""


@dataclass(frozen=True)
class CoordinateState:
    x: Vector
    objective: float
    gradient: Vector
    step_sizes: Vector
    """Of each coordinate, shape (n,); nan until it was searched for."""
    idle: int = 0
    """Steps in a row that were not possible."""

    message: ClassVar[str] = "no coordinate can be improved by more than rounding"

    @property
    def stalled(self) -> bool:
        return self.idle >= PATIENCE * len(self.x)


@dataclass(frozen=True)
class RandomCoordinateDescent:
    """Randomised coordinate descent, x_i+ = P(x_i - eta_i g_i) for one i. [Nesterov 2012; Karimi et al. 2016]

    i is drawn uniformly, or is the coordinate with the largest |g_i| (Gauss & Southwell). With eta = 1/L_c, L_c a bound
    on every |H_ii|, a step takes the expected gap of a mu-PL objective down by the factor 1 - mu/(n L_c) [Karimi,
    Nutini & Schmidt 2016, Thm 3]. Without a step size and a declared L each coordinate finds its own by backtracking.
    A step costs a whole gradient.
    """

    step_size: float | None = option(
        None,
        "eta; none: 1/L where the problem declares its smoothness L, else backtracking in each coordinate",
        above=0,
    )
    selection: Literal["uniform", "greedy"] = option(
        "uniform", "the coordinate: at random, or that of the largest |g_i|"
    )

    name: ClassVar[str] = "rcd"
    needs: ClassVar[frozenset[str]] = frozenset({"gradient", "bounds"})
    state_type: ClassVar[type] = CoordinateState

    def init(self, oracle: Oracle, x0: Vector, rng: np.random.Generator) -> CoordinateState:
        return CoordinateState(x0, *oracle.value_and_gradient(x0), np.full(oracle.n, math.nan))

    def step(self, oracle: Oracle, state: CoordinateState, rng: np.random.Generator) -> CoordinateState:
        x, f, g, eta = state.x, state.objective, state.gradient, given_step_size(self.step_size, oracle)
        i = self.coordinate(oracle, x, g, rng)
        d = np.zeros_like(x)
        d[i] = -g[i]
        if eta is not None:
            y = oracle.project(x + eta * d)
            return CoordinateState(y, *oracle.value_and_gradient(y), state.step_sizes)
        last = state.step_sizes[i]
        first = first_step_size(x, d) if math.isnan(last) else 2 * last
        y, value, gradient, found, stuck = backtrack(oracle, x, f, g, first, d)
        if stuck:
            return CoordinateState(x, f, g, state.step_sizes, state.idle + 1)
        sizes = state.step_sizes.copy()
        sizes[i] = found
        return CoordinateState(y, value, gradient, sizes)

    def coordinate(self, oracle: Oracle, x: Vector, g: Vector, rng: np.random.Generator) -> int:
        if self.selection == "greedy":
            return int(np.abs(projected_gradient(oracle, x, g)).argmax())
        return int(rng.integers(len(x)))
