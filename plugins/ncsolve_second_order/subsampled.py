"""Trust region and ARC with Hessians sampled from a finite sum."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from ncsolve.solving import option
from ncsolve_second_order.arc import ARCState, arc_step
from ncsolve_second_order.krylov import KrylovModel
from ncsolve_second_order.region import RegionState, first_radius, region_step

if TYPE_CHECKING:
    from ncsolve.oracle import Oracle

Vector = NDArray[np.float64]

PART, LEAST = 20, 100
"""By default a twentieth of the rows is sampled, but no fewer than 100."""
PRODUCTS = 250
TOLERANCE = 0.1


@dataclass(frozen=True)
class SubsampledTrustRegion:
    """Trust region with sub-sampled Hessians. [Xu, Roosta & Mahoney 2020, Alg. 1]

    As `trust-region-krylov`, with H estimated from `batch_size` rows, drawn anew for every step; value and gradient are
    exact. If the sample is large enough for |H_sample - H| <= epsilon, second-order critical points up to epsilon are
    found in the same order of steps as with the exact Hessian [Thm 1].
    """

    batch_size: int | None = option(None, "rows from which H is estimated; none: a twentieth, at least 100", at_least=1)
    radius: float | None = option(None, "first trust-region radius Delta; none: 1, or the largest |x0_i|", above=0)
    max_radius: float = option(math.inf, "largest Delta", above=0)

    name: ClassVar[str] = "subsampled-trust-region"
    needs: ClassVar[frozenset[str]] = frozenset({"gradient", "hvp", "samples", "bounds"})
    state_type: ClassVar[type] = RegionState

    def init(self, oracle: Oracle, x0: Vector, rng: np.random.Generator) -> RegionState:
        return RegionState(x0, *oracle.value_and_gradient(x0), first_radius(self.radius, self.max_radius, x0))

    def step(self, oracle: Oracle, state: RegionState, rng: np.random.Generator) -> RegionState:
        model = sampled_model(oracle, state.x, state.gradient, self.batch_size, rng)
        trial, radius = region_step(oracle, state, model, self.max_radius)
        if trial is None:
            return replace(state, radius=radius, stalled=True)
        return RegionState(trial.x, trial.f, oracle.gradient(trial.x), radius)


@dataclass(frozen=True)
class SubsampledARC:
    """Adaptive cubic regularisation with sub-sampled Hessians. [Xu, Roosta & Mahoney 2020, Alg. 2]

    As `arc` in Krylov spaces, with H estimated from `batch_size` rows, drawn anew for every step; value and gradient
    are exact. If the sample is large enough for |H_sample - H| <= epsilon, the optimal order of steps is kept [Thm
    3].
    """

    batch_size: int | None = option(None, "rows from which H is estimated; none: a twentieth, at least 100", at_least=1)
    sigma: float | None = option(None, "first sigma; none: that of a step as long as x0", above=0)

    name: ClassVar[str] = "subsampled-arc"
    needs: ClassVar[frozenset[str]] = frozenset({"gradient", "hvp", "samples", "bounds"})
    state_type: ClassVar[type] = ARCState

    def init(self, oracle: Oracle, x0: Vector, rng: np.random.Generator) -> ARCState:
        return ARCState(x0, *oracle.value_and_gradient(x0), self.sigma or math.nan)

    def step(self, oracle: Oracle, state: ARCState, rng: np.random.Generator) -> ARCState:
        return arc_step(oracle, state, sampled_model(oracle, state.x, state.gradient, self.batch_size, rng))


def sampled_model(
    oracle: Oracle, x: Vector, g: Vector, batch_size: int | None, rng: np.random.Generator
) -> KrylovModel:
    """The quadratic model of g and a sampled Hessian."""
    size = min(batch_size or max(oracle.rows // PART, LEAST), oracle.rows)
    rows = np.sort(rng.choice(oracle.rows, size, replace=False))
    return KrylovModel(g, lambda v: oracle.hvp(x, v, rows=rows), TOLERANCE, PRODUCTS)
