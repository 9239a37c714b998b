"""Methods with a cubic model m(p) + sigma |p|^3 / 3: one trial step of all of them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from ncsolve_second_order.faces import QuadraticModel, free_at, minimise_in_box
from ncsolve_second_order.paths import norm
from ncsolve_second_order.ratio import Trial, try_step

if TYPE_CHECKING:
    from ncsolve.oracle import Oracle

Vector = NDArray[np.float64]


class CubicModel(QuadraticModel, Protocol):
    """A quadratic model that can be minimised with a cubic term as well."""

    def minimise_cubic(self, sigma: float) -> Vector:
        """The minimiser of m(p) + sigma |p|^3 / 3."""

    def on_face(self, p: Vector, free: NDArray[np.bool_]) -> CubicModel:
        """The model around p in the free variables."""


class CubicTrial(NamedTuple):
    trial: Trial
    """rho is the fall of f in what the cubic model promised."""
    length: float
    sigma: float
    """The sigma with which the model would have met f(x + p): at most half of the Hessian's Lipschitz constant."""


def first_sigma(model: CubicModel, x: Vector) -> float:
    """The sigma for which a step as long as x, or 1, meets as much of the cubic term as of g and of H along g."""
    size, length = norm(model.g), max(1.0, float(np.abs(x).max()))
    bend = abs(2 * (model.value(-model.g / size) + size)) if size > 0 else 0.0
    sigma = (size / length + bend) / length
    return sigma if 0 < sigma < math.inf else 1.0


def cubic_inside(oracle: Oracle, model: CubicModel, x: Vector, sigma: float) -> Vector:
    """The minimiser p of m(p) + sigma |p|^3 / 3; with bounds one that keeps inside them.

    The minimiser is also that of m in the ball of radius |p|, which is known how to be kept inside a box.
    """
    if oracle.lower is None or oracle.upper is None:
        return model.minimise_cubic(sigma)
    low, high = oracle.lower - x, oracle.upper - x
    free = free_at(model.g, low, high)
    if not free.any():
        return np.zeros_like(x)
    radius = float(np.linalg.norm(model.on_face(np.zeros_like(x), free).minimise_cubic(sigma)))
    return minimise_in_box(model, low, high, radius).p


def cubic_trial(oracle: Oracle, model: CubicModel, x: Vector, f: float, sigma: float) -> CubicTrial | None:
    """The step for this sigma and what it is worth; None where the model does not fall."""
    p = cubic_inside(oracle, model, x, sigma)
    length, fall = float(np.linalg.norm(p)), -model.value(p)
    promised = fall - sigma * length**3 / 3
    if oracle.lower is not None:  # held back by bounds, p may be longer than the cubic model likes
        promised = max(promised, fall / 3)
    if not (promised > 0 and math.isfinite(length)):
        return None
    trial = try_step(oracle, x, f, model.g, p, promised)
    met = 3 * (fall - trial.rho * promised) / length**3
    return CubicTrial(trial, length, met)
