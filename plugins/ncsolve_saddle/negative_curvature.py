"""Gradient descent with steps along negative curvature."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from ncsolve.critical.face import Face, projected_gradient
from ncsolve.solving import option
from ncsolve.solving.escape import fall
from ncsolve_first_order.step_size import backtrack, first_step_size, given_step_size
from ncsolve_saddle.lanczos import Ritz, lowest_curvature

if TYPE_CHECKING:
    from ncsolve.oracle import Oracle

Vector = NDArray[np.float64]

FLAT = 1e-8
"""Ritz values below this part of the largest count as zero where rho is not declared."""


@dataclass(frozen=True)
class NegativeCurvatureState:
    x: Vector
    objective: float
    gradient: Vector
    step_size: float
    curvature: float = math.nan
    """The lowest that was met when last looked for."""
    exploring: bool = True
    stalled: bool = False


@dataclass(frozen=True)
class NegativeCurvature:
    """Gradient descent that follows negative curvature where the gradient is small. [Carmon et al. 2018, Alg. 3]

    x+ = P(x - eta g) while |g| > epsilon. Else Lanczos' method, on Hessian-vector products only, looks for a unit v
    with lambda = v'Hv < -sqrt(rho epsilon), and x+ = x - (2 |lambda| / rho) sign(g'v) v lowers f by at least
    2 |lambda|^3 / (3 rho^2) by Taylor's formula. Where it finds none, the point satisfies the second-order conditions
    to that accuracy and descent ends the run. rho is the problem's constant hessian_lipschitz; where that is not
    declared, any negative lambda counts and a search along v finds the length.
    """

    step_size: float | None = option(
        None, "eta; none: 1/L where the problem declares its smoothness L, else backtracking", above=0
    )
    epsilon: float = option(1e-3, "gradient norm up to which negative curvature is looked for", above=0)
    products: int = option(50, "most Hessian-vector products in one look for negative curvature", at_least=1)

    name: ClassVar[str] = "negative-curvature"
    needs: ClassVar[frozenset[str]] = frozenset({"gradient", "hvp", "bounds"})
    state_type: ClassVar[type] = NegativeCurvatureState

    def init(self, oracle: Oracle, x0: Vector, rng: np.random.Generator) -> NegativeCurvatureState:
        f, g = oracle.value_and_gradient(x0)
        return NegativeCurvatureState(x0, f, g, given_step_size(self.step_size, oracle) or first_step_size(x0, g))

    def step(self, oracle: Oracle, state: NegativeCurvatureState, rng: np.random.Generator) -> NegativeCurvatureState:
        small = float(np.linalg.norm(projected_gradient(oracle, state.x, state.gradient))) <= self.epsilon
        if not state.exploring:
            return replace(self.descended(oracle, state), exploring=not small)
        if not small:
            after = self.descended(oracle, state)
            if not after.stalled:
                return after
        found = self.look(oracle, state, rng)
        if found.value < -self.threshold(oracle, found):
            y, f, g = self.followed(oracle, state, found, rng)
            if f < state.objective:
                eta = given_step_size(self.step_size, oracle) or first_step_size(y, g)
                return NegativeCurvatureState(y, f, g, eta, found.value)
        return replace(state, curvature=found.value, exploring=False)

    def descended(self, oracle: Oracle, state: NegativeCurvatureState) -> NegativeCurvatureState:
        """A step of gradient descent."""
        x, f, g, eta = state.x, state.objective, state.gradient, given_step_size(self.step_size, oracle)
        stalled = False
        if eta is None:
            x, f, g, eta, stalled = backtrack(oracle, x, f, g, 2 * state.step_size)
        else:
            x = oracle.project(x - eta * g)
            f, g = oracle.value_and_gradient(x)
        return NegativeCurvatureState(x, f, g, eta, state.curvature, state.exploring, stalled)

    def look(self, oracle: Oracle, state: NegativeCurvatureState, rng: np.random.Generator) -> Ritz:
        """The lowest curvature in the variables that bounds leave free."""
        face, _ = Face.of(oracle, state.x, state.gradient)
        free = np.zeros(oracle.n)
        free[face.free] = 1.0
        if not free.any():
            return Ritz(0.0, free, 0.0)
        return lowest_curvature(
            lambda v: free * oracle.hvp(state.x, free * v), free * rng.standard_normal(oracle.n), self.products
        )

    def threshold(self, oracle: Oracle, found: Ritz) -> float:
        rho = oracle.constants.get("hessian_lipschitz")
        return FLAT * found.size if rho is None else math.sqrt(rho * self.epsilon)

    def followed(
        self, oracle: Oracle, state: NegativeCurvatureState, found: Ritz, rng: np.random.Generator
    ) -> tuple[Vector, float, Vector]:
        """x+, f(x+), g(x+) along v, downhill to first order; on a tie the side is drawn."""
        slope = float(state.gradient.dot(found.vector))
        downhill = found.vector * (-np.sign(slope) or rng.choice((-1.0, 1.0)))
        rho = oracle.constants.get("hessian_lipschitz")
        if rho is None:
            _, y = fall(oracle, state.x, state.objective, downhill)
        else:
            y = oracle.project(state.x + 2 * abs(found.value) / rho * downhill)
        return y, *oracle.value_and_gradient(y)
