"""Hessian-free optimisation: truncated Newton by conjugate gradients."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from ncsolve.errors import OptionError
from ncsolve.solving import option
from ncsolve_first_order.mini_batch import check_finite_sum
from ncsolve_second_order.paths import held_by_bounds, norm, search

if TYPE_CHECKING:
    from ncsolve.oracle import Oracle

Vector = NDArray[np.float64]
Product = Callable[[Vector], Vector]

PROGRESS = 5e-4
"""Conjugate gradients end when the last tenth of their steps lowered m by less than this part for each."""
RISE, FALL = 1.5, 2 / 3


@dataclass(frozen=True)
class HessianFreeState:
    x: Vector
    objective: float
    gradient: Vector
    damping: float
    """lambda; nan before the first step."""
    stalled: bool = False


@dataclass(frozen=True)
class HessianFree:
    """Truncated Newton-CG with Martens' damping. [Martens 2010; Nash 1984; Dembo & Steihaug 1983]

    Conjugate gradients on (B + lambda I) d = -g, B the Hessian or, for a sum of squares, the Gauss-Newton matrix 2
    J'J, known by products only. They end when they no longer lower the model m [Martens 2010, section 4.4], or at a
    direction of negative curvature, which is followed. rho = (f(x) - f(x + d)) / -m(d) below 1/4 raises lambda by
    3/2, above 3/4 lowers it by 2/3. The length is found by a strong Wolfe search along P(x + t d). With `batch_size`,
    B is sampled from that many rows of a finite sum.
    """

    curvature: Literal["hessian", "gauss-newton"] = option("hessian", "which matrix B is")
    regularization: float | None = option(None, "first lambda; none: 1% of the curvature along g", at_least=0)
    batch_size: int | None = option(None, "rows of a finite sum from which B is sampled; none: all", at_least=1)

    name: ClassVar[str] = "hessian-free"
    needs: ClassVar[frozenset[str]] = frozenset({"gradient", "hvp", "bounds"})
    state_type: ClassVar[type] = HessianFreeState

    def init(self, oracle: Oracle, x0: Vector, rng: np.random.Generator) -> HessianFreeState:
        if self.curvature == "gauss-newton" and oracle.least_squares is None:
            raise OptionError(
                "Option 'curvature' of solver 'hessian-free' 'gauss-newton' needs a sum of squares, which problem "
                f"'{oracle.problem.name}' is not. Leave it out."
            )
        if self.batch_size is not None:
            check_finite_sum(oracle, self.name)
        damping = math.nan if self.regularization is None else self.regularization
        return HessianFreeState(x0, *oracle.value_and_gradient(x0), damping)

    def step(self, oracle: Oracle, state: HessianFreeState, rng: np.random.Generator) -> HessianFreeState:
        x, f, g, damping = state.x, state.objective, state.gradient, state.damping
        held = held_by_bounds(oracle, x, g)
        size, free = norm(g) or 1.0, 1.0 if held is None else ~held
        whole = self.product(oracle, x, rng)

        def product(v: Vector) -> Vector:  # in units of |g|, so that the scale of f does not matter
            return np.asarray(free * (whole(free * v) / size))

        r = free * (g / size)
        if math.isnan(damping):
            damping = 0.01 * abs(float(r.dot(product(r)))) / (float(r.dot(r)) or 1.0) * size
        d = conjugate_gradients(lambda v: product(v) + damping / size * v, r)
        promised = -float(r.dot(d) + 0.5 * d.dot(product(d))) * size
        d = d if held is None else np.where(held, -g, d)
        for direction in (d, -g):
            found = search(oracle, x, f, g, direction) if np.isfinite(direction).all() else None
            if found is not None:
                rho = (f - found.f) / promised if promised > 0 else 0.0
                damping *= RISE if rho < 0.25 else FALL if rho > 0.75 else 1.0
                return HessianFreeState(found.x, found.f, found.g, damping)
        return replace(state, damping=damping, stalled=True)

    def product(self, oracle: Oracle, x: Vector, rng: np.random.Generator) -> Product:
        """v -> B v"""
        if self.curvature == "gauss-newton":
            assert oracle.least_squares is not None
            J = oracle.least_squares.jacobian(x)
            return lambda v: np.asarray(2 * (J.T @ (J @ v)))
        rows = None
        if self.batch_size is not None and self.batch_size < oracle.rows:
            rows = rng.choice(oracle.rows, self.batch_size, replace=False)
        return lambda v: oracle.hvp(x, v, rows=rows)


def conjugate_gradients(product: Product, g: Vector) -> Vector:
    """A d that makes m(d) = g'd + d'Bd/2 low: it falls with every step, until B has negative curvature or m stays.

    The first direction, -g, is followed whatever its curvature; a later one of negative curvature is followed from
    there.
    """
    d, r, p = np.zeros_like(g), g, -g
    rr = float(r.dot(r))
    values = [0.0]
    for k in range(1, 2 * len(g) + 11):
        Bp = product(p)
        curvature = float(p.dot(Bp))
        if not curvature > 1e-14 * abs(rr):
            return p if k == 1 else d + p * (float(np.linalg.norm(d)) / float(np.linalg.norm(p)))
        step = rr / curvature
        d, r = d + step * p, r + step * Bp
        values.append(0.5 * float(d.dot(g + r)))
        window = max(10, k // 10)
        if k > window and values[-1] - values[-1 - window] > PROGRESS * window * values[-1]:
            break
        rr, last = float(r.dot(r)), rr
        if not rr > 1e-28 * float(g.dot(g)):
            break
        p = -r + rr / last * p
    return d
