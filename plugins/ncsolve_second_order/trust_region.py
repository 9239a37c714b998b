"""Newton's method in a trust region."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from ncsolve.solving import option
from ncsolve_second_order.region import RegionState, first_radius, region_step
from ncsolve_second_order.secular import curved_model

if TYPE_CHECKING:
    from ncsolve.oracle import Oracle

Vector = NDArray[np.float64]


@dataclass(frozen=True)
class TrustRegion:
    """Trust-region Newton with the exact subproblem. [More & Sorensen 1983; Conn, Gould & Toint 2000, Alg. 6.1.1]

    p minimises m(p) = g'p + p'Hp/2 over |p| <= Delta, H the exact Hessian of any signature: by its eigenvectors where
    it is small, else by factorisations, dense or sparse. rho = (f(x) - f(x + p)) / -m(p) decides whether x + p is
    accepted and how Delta changes. Limit points are critical with H >= 0; convergence to a minimum with H > 0 is
    quadratic [More & Sorensen 1983, Thm 4.13, 4.17]. With bounds m is minimised face by face inside the box, never
    worse than at its projected Cauchy point [Conn, Gould & Toint 1988].
    """

    radius: float | None = option(None, "first trust-region radius Delta; none: 1, or the largest |x0_i|", above=0)
    max_radius: float = option(math.inf, "largest Delta", above=0)

    name: ClassVar[str] = "trust-region"
    needs: ClassVar[frozenset[str]] = frozenset({"gradient", "hessian", "bounds"})
    state_type: ClassVar[type] = RegionState

    def init(self, oracle: Oracle, x0: Vector, rng: np.random.Generator) -> RegionState:
        return RegionState(x0, *oracle.value_and_gradient(x0), first_radius(self.radius, self.max_radius, x0))

    def step(self, oracle: Oracle, state: RegionState, rng: np.random.Generator) -> RegionState:
        model = curved_model(state.gradient, oracle.hessian(state.x), state.radius)
        trial, radius = region_step(oracle, state, model, self.max_radius)
        if trial is None:
            return replace(state, radius=radius, stalled=True)
        return RegionState(trial.x, trial.f, oracle.gradient(trial.x), radius)
