"""Adaptive cubic regularisation."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from ncsolve.solving import option
from ncsolve_second_order.cubic_model import CubicModel, CubicTrial, cubic_trial, first_sigma
from ncsolve_second_order.krylov import KrylovModel, forcing, hessian_product
from ncsolve_second_order.paths import norm
from ncsolve_second_order.ratio import has_gradient, too_short
from ncsolve_second_order.secular import curved_model

if TYPE_CHECKING:
    from ncsolve.oracle import Oracle

Vector = NDArray[np.float64]

ACCEPT = 1e-4
GROWTH, LARGEST_GROWTH, FALL = 2.0, 100.0, 0.1
EXACT = 1000
"""Variables up to which the subproblem is solved exactly even if the Hessian is dense."""


@dataclass(frozen=True)
class ARCState:
    x: Vector
    objective: float
    gradient: Vector
    sigma: float
    """nan before the first step, if it is found there."""
    first: float = 0.0
    """|g| at the first point."""
    stalled: bool = False


@dataclass(frozen=True)
class ARC:
    """Adaptive regularisation by cubics. [Cartis, Gould & Toint 2011; Gould, Porcelli & Toint 2012]

    p minimises g'p + p'Hp/2 + sigma |p|^3 / 3: (H + lambda I) p = -g, lambda = sigma |p|, H + lambda I >= 0 [Thm
    3.1]; exactly, or in a Krylov space. rho = (f(x) - f(x + p)) / (what the model promised) accepts the step, and
    sigma becomes the one with which the model would have met f(x + p). If H is L-Lipschitz, sigma stays below
    max(sigma_0, L), and |g| <= epsilon takes O(epsilon^-3/2) steps, the best possible order. With bounds the step of
    the same length is found face by face.
    """

    sigma: float | None = option(None, "first sigma; none: that of a step as long as x0", above=0)
    subproblem: Literal["auto", "exact", "krylov"] = option(
        "auto", "how p is found; auto: exactly up to n = 1000, or where the Hessian is sparse"
    )

    name: ClassVar[str] = "arc"
    needs: ClassVar[frozenset[str]] = frozenset({"gradient", "hessian", "hvp", "bounds"})
    state_type: ClassVar[type] = ARCState

    def init(self, oracle: Oracle, x0: Vector, rng: np.random.Generator) -> ARCState:
        f, g = oracle.value_and_gradient(x0)
        return ARCState(x0, f, g, self.sigma or math.nan, norm(g))

    def step(self, oracle: Oracle, state: ARCState, rng: np.random.Generator) -> ARCState:
        return arc_step(oracle, state, self.model(oracle, state))

    def model(self, oracle: Oracle, state: ARCState) -> CubicModel:
        """The quadratic model at the state's x."""
        x, g = state.x, state.gradient
        exact = self.subproblem == "exact" or (
            self.subproblem == "auto" and (oracle.n <= EXACT or oracle.structure.sparse)
        )
        if exact:
            return curved_model(g, oracle.hessian(x), max(1.0, float(np.abs(x).max())))
        return KrylovModel(g, hessian_product(oracle, x), forcing(norm(g), state.first))


def arc_step(oracle: Oracle, state: ARCState, model: CubicModel) -> ARCState:
    """Raise sigma until a step is accepted."""
    x, f = state.x, state.objective
    sigma = first_sigma(model, x) if math.isnan(state.sigma) else state.sigma
    while found := cubic_trial(oracle, model, x, f, sigma):
        trial = found.trial
        if trial.rho > ACCEPT and has_gradient(oracle, trial.x):
            y = trial.x
            return replace(state, x=y, objective=trial.f, gradient=oracle.gradient(y), sigma=lowered(sigma, found))
        if too_short(found.length, x):
            break
        sigma = raised(sigma, found)
    return replace(state, sigma=sigma, stalled=True)


def lowered(sigma: float, found: CubicTrial) -> float:
    """sigma after an accepted step: towards the one that the step met."""
    return max(min(found.sigma, GROWTH * sigma), FALL * sigma, float(np.finfo(float).tiny))


def raised(sigma: float, found: CubicTrial) -> float:
    """sigma after a rejected step: the one that it met, and at least twice what it was."""
    met = found.sigma if math.isfinite(found.sigma) else LARGEST_GROWTH * sigma
    return max(GROWTH * sigma, min(met, LARGEST_GROWTH * sigma))
