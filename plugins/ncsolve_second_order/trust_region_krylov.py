"""Newton's method in a trust region, by products with the Hessian."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from ncsolve.solving import option
from ncsolve_second_order.krylov import KrylovModel, forcing, hessian_product
from ncsolve_second_order.paths import norm
from ncsolve_second_order.region import RegionState, first_radius, region_step

if TYPE_CHECKING:
    from ncsolve.oracle import Oracle

Vector = NDArray[np.float64]


@dataclass(frozen=True)
class TrustRegionKrylov:
    """Truncated Newton in a trust region, for large n. [Steihaug 1983; Toint 1981; Gould, Lucidi, Roma & Toint 1999]

    p makes m(p) = g'p + p'Hp/2 low over |p| <= Delta: conjugate gradients inside the ball, Lanczos' process (GLTR) on
    its boundary, where H has negative curvature too, up to a residual of min(1/10, sqrt(|g| / |g_0|)) |g|. With H > 0
    already Steihaug's step promises half of what the best one does [Yuan 2000]. Bounds are kept face by face, never
    worse than at the projected Cauchy point [Conn, Gould & Toint 1988]. A sparse Hessian is formed once a step.
    """

    radius: float | None = option(None, "first trust-region radius Delta; none: 1, or the largest |x0_i|", above=0)
    max_radius: float = option(math.inf, "largest Delta", above=0)

    name: ClassVar[str] = "trust-region-krylov"
    needs: ClassVar[frozenset[str]] = frozenset({"gradient", "hvp", "bounds"})
    state_type: ClassVar[type] = RegionState

    def init(self, oracle: Oracle, x0: Vector, rng: np.random.Generator) -> RegionState:
        f, g = oracle.value_and_gradient(x0)
        return RegionState(x0, f, g, first_radius(self.radius, self.max_radius, x0), norm(g))

    def step(self, oracle: Oracle, state: RegionState, rng: np.random.Generator) -> RegionState:
        g = state.gradient
        tolerance = forcing(norm(g), state.first)
        model = KrylovModel(g, hessian_product(oracle, state.x), tolerance)
        trial, radius = region_step(oracle, state, model, self.max_radius)
        if trial is None:
            return replace(state, radius=radius, stalled=True)
        return RegionState(trial.x, trial.f, oracle.gradient(trial.x), radius, state.first)
