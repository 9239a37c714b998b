"""Newton's method in a trust region."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from ncsolve.errors import OptionError
from ncsolve.solving import option
from ncsolve_second_order.faces import minimise_in_box
from ncsolve_second_order.line_search import NOISE
from ncsolve_second_order.subproblem import Model, ModelStep

if TYPE_CHECKING:
    from ncsolve.oracle import Oracle

Vector = NDArray[np.float64]

LARGEST = 5000  # variables; the Hessian is dense here
ACCEPT, GOOD = 1e-4, 0.75


@dataclass(frozen=True)
class TrustRegionState:
    x: Vector
    objective: float
    gradient: Vector
    radius: float
    stalled: bool = False


@dataclass(frozen=True)
class TrustRegion:
    """Trust-region Newton with the exact subproblem. [More & Sorensen 1983; Conn, Gould & Toint 2000, Alg. 6.1.1]

    p minimises m(p) = g'p + p'Hp/2 over |p| <= Delta, H the exact Hessian, dense, of any signature. rho = (f(x) - f(x
    + p)) / -m(p) decides whether x + p is accepted and how Delta changes. Limit points are critical with H >= 0;
    convergence to a minimum with H > 0 is quadratic [More & Sorensen 1983, Thm 4.13, 4.17]. With bounds m is
    minimised face by face inside the box, never worse than at its projected Cauchy point [Conn, Gould & Toint 1988].
    """

    radius: float | None = option(None, "first trust-region radius Delta; none: 1, or the largest |x0_i|", above=0)
    max_radius: float = option(math.inf, "largest Delta", above=0)

    name: ClassVar[str] = "trust-region"
    needs: ClassVar[frozenset[str]] = frozenset({"gradient", "hessian", "bounds"})
    state_type: ClassVar[type] = TrustRegionState

    def init(self, oracle: Oracle, x0: Vector, rng: np.random.Generator) -> TrustRegionState:
        if oracle.n > LARGEST:
            raise OptionError(
                f"Solver 'trust-region' works with a dense Hessian, too large for n = {oracle.n}. Use 'lbfgs'."
            )
        f, g = oracle.value_and_gradient(x0)
        radius = self.radius or max(1.0, float(np.abs(x0).max()))
        return TrustRegionState(x0, f, g, min(radius, self.max_radius))

    def step(self, oracle: Oracle, state: TrustRegionState, rng: np.random.Generator) -> TrustRegionState:
        x, f, g, radius = state.x, state.objective, state.gradient, state.radius
        H = oracle.hessian(x, dense=True)
        if not np.isfinite(H).all():  # no model but the steepest descent of length Delta
            H = np.eye(len(x)) * (float(np.abs(g).max()) / radius)
        model = Model(g, H)
        while radius > np.finfo(float).eps * float(np.abs(x).max()):
            p, on_boundary = self.model_step(oracle, model, x, radius)
            promised = -model.value(p)
            if not promised > 0:
                break
            y = oracle.project(x + p)
            value = oracle.value(y)
            rho = (f - value) / promised if math.isfinite(value) else -math.inf
            if abs(f - value) <= NOISE * abs(f):  # rounding hides the fall: trapezoid rule
                rho = -0.5 * float((g + oracle.gradient(y)).dot(p)) / promised
            if rho > ACCEPT:
                return TrustRegionState(y, value, oracle.gradient(y), self.after(radius, p, rho, on_boundary))
            radius = shrunk(p, float(g.dot(p)), value - f)
        return TrustRegionState(x, f, g, radius, stalled=True)

    def model_step(self, oracle: Oracle, model: Model, x: Vector, radius: float) -> ModelStep:
        if oracle.lower is None or oracle.upper is None:
            return model.minimise(radius)
        return minimise_in_box(model, oracle.lower - x, oracle.upper - x, radius)

    def after(self, radius: float, p: Vector, rho: float, on_boundary: bool) -> float:
        """Delta after an accepted step."""
        if rho < 0.25:
            return 0.5 * float(np.linalg.norm(p))
        grown = max(radius, 2.5 * float(np.linalg.norm(p))) if rho > GOOD and on_boundary else radius
        return min(grown, self.max_radius)


def shrunk(p: Vector, slope: float, rise: float) -> float:
    """Delta after a rejected step: |p| times where the parabola of f along p is lowest, between 0.1 and 0.5."""
    bend = rise - slope
    part = -0.5 * slope / bend if math.isfinite(bend) and bend > 0 else 0.25
    return min(max(part, 0.1), 0.5) * float(np.linalg.norm(p))
