"""Newton's method in a trust region."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from ncsolve.solving import option
from ncsolve_second_order.region import RegionState, first_radius, region_step
from ncsolve_second_order.scaling import ScaledOracle, is_badly_scaled, scaled_hessian, units
from ncsolve_second_order.secular import curved_model

if TYPE_CHECKING:
    from ncsolve.oracle import Oracle

Vector = NDArray[np.float64]


@dataclass(frozen=True)
class TrustRegionState(RegionState):
    units: Vector | None = None
    """D of the ellipsoid |D p| <= Delta; None for a ball."""


@dataclass(frozen=True)
class TrustRegion:
    """Trust-region Newton with the exact subproblem. [More & Sorensen 1983; Conn, Gould & Toint 2000, Alg. 6.1.1]

    p minimises m(p) = g'p + p'Hp/2 over |p| <= Delta, H the exact Hessian of any signature: by its eigenvectors where
    it is small, else by factorisations, dense or sparse. rho = (f(x) - f(x + p)) / -m(p) decides whether x + p is
    accepted and how Delta changes. Limit points are critical with H >= 0; convergence to a minimum with H > 0 is
    quadratic [More & Sorensen 1983, Thm 4.13, 4.17]. With bounds m is minimised face by face inside the box, never
    worse than at its projected Cauchy point [Conn, Gould & Toint 1988]. Where the curvatures H_ii span more than six
    orders of magnitude, the region is the ellipsoid |D p| <= Delta with D_i = sqrt(|H_ii|) [More 1978, section 6].
    """

    radius: float | None = option(None, "first trust-region radius Delta; none: 1, or the largest |x0_i|", above=0)
    max_radius: float = option(math.inf, "largest Delta", above=0)
    scaling: Literal["auto", "none", "hessian"] = option(
        "auto", "units of the variables; auto: those of the Hessian where its diagonal spans more than 1e6 at x0"
    )

    name: ClassVar[str] = "trust-region"
    needs: ClassVar[frozenset[str]] = frozenset({"gradient", "hessian", "bounds"})
    state_type: ClassVar[type] = TrustRegionState

    def init(self, oracle: Oracle, x0: Vector, rng: np.random.Generator) -> TrustRegionState:
        return TrustRegionState(x0, *oracle.value_and_gradient(x0), math.nan)

    def step(self, oracle: Oracle, state: TrustRegionState, rng: np.random.Generator) -> TrustRegionState:
        H = oracle.hessian(state.x)
        if math.isnan(state.radius):
            state = self.first_region(state, H)
        x, D = state.x, state.units if state.units is None else units(H, state.units)
        scaled = oracle if D is None else ScaledOracle(oracle, D)
        region = state if D is None else RegionState(D * x, state.objective, state.gradient / D, state.radius)
        model = curved_model(region.gradient, H if D is None else scaled_hessian(H, D), state.radius)
        trial, radius = region_step(scaled, region, model, self.max_radius)
        if trial is None:
            return replace(state, radius=radius, stalled=True)
        y = trial.x if D is None else oracle.project(trial.x / D)
        return TrustRegionState(y, trial.f, oracle.gradient(y), radius, units=D)

    def first_region(self, state: TrustRegionState, H: Any) -> TrustRegionState:
        """The shape and the size of the region at x0."""
        scaled = self.scaling == "hessian" or (self.scaling == "auto" and is_badly_scaled(H))
        D = units(H) if scaled else None
        radius = first_radius(self.radius, self.max_radius, state.x if D is None else D * state.x)
        return replace(state, radius=radius, units=D)
