"""Gauss-Newton and Levenberg-Marquardt for sums of squares."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from ncsolve.solving import option
from ncsolve_second_order.region import RegionState, first_radius, region_step
from ncsolve_second_order.secular import EIGEN, FactorModel, curved_model
from ncsolve_second_order.subproblem import Model, ModelStep, minimise_diagonal

if TYPE_CHECKING:
    from ncsolve.oracle import Oracle

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]

RANK = 1e-14  # singular values below RANK times the largest are zero


@dataclass(frozen=True)
class GaussNewtonState:
    x: Vector
    objective: float
    gradient: Vector
    radius: float
    recent: tuple[float, ...]
    """The last objective values, this one included."""
    newton: int = 0
    """1 if the next step uses the whole Hessian."""
    stalled: bool = False


@dataclass(frozen=True)
class GaussNewton:
    """Gauss-Newton in a trust region (Levenberg-Marquardt) for f = |r|^2. [More 1978; Fletcher & Xu 1987]

    p minimises |r + Jp|^2 over |p| <= Delta: (J'J + lambda I) p = -J'r. Where a step lowers f by less than the part
    `switch`, the residuals stay large, and the next model has the exact Hessian 2 J'J + 2 sum r_i H_i instead:
    quadratic convergence for zero residuals without a Hessian, and for large ones with it [Fletcher & Xu 1987]. A step
    is accepted that falls below the highest of the last `memory` + 1 values [Toint 1996]. J is exact, dense or sparse;
    it is counted as a gradient, which is 2 J'r.
    """

    radius: float | None = option(None, "first trust-region radius Delta; none: 1, or the largest |x0_i|", above=0)
    max_radius: float = option(math.inf, "largest Delta", above=0)
    switch: float = option(
        0.2, "part of f that a step must remove for the next one to do without H", at_least=0, at_most=1
    )
    memory: int = option(5, "earlier values below whose highest a step must fall; 0: below the last", at_least=0)

    name: ClassVar[str] = "gauss-newton"
    needs: ClassVar[frozenset[str]] = frozenset({"residuals", "gradient", "hessian", "bounds"})
    state_type: ClassVar[type] = GaussNewtonState

    def init(self, oracle: Oracle, x0: Vector, rng: np.random.Generator) -> GaussNewtonState:
        squares = Squares(oracle)
        f, g = squares.value(x0), squares.gradient(x0)
        return GaussNewtonState(x0, f, g, first_radius(self.radius, self.max_radius, x0), (f,))

    def step(self, oracle: Oracle, state: GaussNewtonState, rng: np.random.Generator) -> GaussNewtonState:
        x, f, g, radius = state.x, state.objective, state.gradient, state.radius
        squares = Squares(oracle)
        model = curved_model(g, oracle.hessian(x), radius) if state.newton else squares.model(x, g, radius)
        excess = max(state.recent) - f
        region = RegionState(x, f, g, radius)
        trial, radius = region_step(oracle, region, model, self.max_radius, excess=excess, objective=squares)
        if trial is not None:
            recent = (*state.recent, trial.f)[-1 - self.memory :]
            newton = int(f - trial.f < self.switch * f)
            return GaussNewtonState(trial.x, trial.f, squares.gradient(trial.x), radius, recent, newton)
        if state.newton:
            return replace(state, radius=radius, stalled=True)
        return replace(state, newton=1)


class Squares:
    """The objective |r|^2 by its residuals: as much of an oracle as a trial step needs."""

    def __init__(self, oracle: Oracle) -> None:
        assert oracle.least_squares is not None
        self.oracle, self.squares = oracle, oracle.least_squares

    def project(self, x: Vector) -> Vector:
        return self.oracle.project(x)

    def value(self, x: Vector) -> float:
        r = self.squares.residuals(x)
        return float(r.dot(r))

    def gradient(self, x: Vector) -> Vector:
        return np.asarray(2 * (self.squares.jacobian(x).T @ self.squares.residuals(x)))

    def model(self, x: Vector, g: Vector, radius: float) -> Model | FactorModel | SingularModel:
        """|r + Jp|^2 - |r|^2"""
        r, J = self.squares.residuals(x), self.squares.jacobian(x)
        if isinstance(J, np.ndarray) and len(x) <= EIGEN and np.isfinite(J).all():
            return SingularModel(r, J)
        return curved_model(g, 2 * (J.T @ J), radius)


class SingularModel:
    """m(p) = |r + Jp|^2 - |r|^2 by the singular values of J, which keeps the digits that J'J would lose."""

    def __init__(self, r: Vector, J: Matrix) -> None:
        self.r, self.J = r, J
        self.g = 2 * (r @ J)
        self.scale = float(np.abs(J).max()) or 1.0
        U, s, Vt = np.linalg.svd(J / self.scale, full_matrices=False)
        s = np.where(s > RANK * s[0], s, 0.0)
        self._a, self._w, self._V = 2 * (s * (r @ U))[::-1], 2 * (s * s)[::-1], Vt[::-1].T

    @property
    def H(self) -> Matrix:
        return 2 * (self.J.T @ self.J)

    def value(self, p: Vector) -> float:
        """m(p)"""
        Jp = self.J @ p
        return float(Jp.dot(2 * self.r + Jp))

    def on_face(self, p: Vector, free: NDArray[np.bool_]) -> SingularModel:
        """The model around p in the free variables."""
        return SingularModel(self.r + self.J @ p, self.J[:, free])

    def minimise(self, radius: float) -> ModelStep:
        """The minimiser of m in the ball of this radius; the shortest one where there are several."""
        q, restricted = minimise_diagonal(self._a, self._w, radius * self.scale)
        return ModelStep(self._V @ (q / self.scale), restricted)
