"""Quadratic models in a ball, and with a cubic term, by factorisations of H + lambda I, dense or sparse.

For Hessians too large for their eigenvectors. Newton's method on 1/|p| - 1/Delta, p = -(H + lambda I)^-1 g, safeguarded
by bounds of lambda, finds the multiplier in a few factorisations [More & Sorensen 1983]; with a cubic term sigma/lambda
takes the place of 1/Delta [Cartis, Gould & Toint 2011, section 6.1].
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ncsolve_second_order.factor import Solve, largest_entry, row_sums, shifts_of
from ncsolve_second_order.subproblem import Model, ModelStep

Vector = NDArray[np.float64]
Shifts = Callable[[float], Solve | None]

EIGEN = 200
"""Up to this n one eigendecomposition of a dense matrix costs less than some factorisations."""


@dataclass(frozen=True)
class Ball:
    """|p| = Delta, whatever lambda is."""

    radius: float

    def length(self, multiplier: float) -> float:
        return self.radius

    def reciprocal_slope(self, multiplier: float) -> float:
        """The derivative of 1/length by lambda."""
        return 0.0


@dataclass(frozen=True)
class Cubic:
    """|p| = lambda / sigma: stationary points of m(p) + sigma |p|^3 / 3."""

    sigma: float

    def length(self, multiplier: float) -> float:
        return multiplier / self.sigma

    def reciprocal_slope(self, multiplier: float) -> float:
        """The derivative of 1/length by lambda."""
        return -self.sigma / multiplier**2 if multiplier > 0 else 0.0


def ball_step(g: Vector, H: Any, radius: float, tolerance: float = 1e-3) -> tuple[Vector, bool]:
    """The minimiser p of g'p + p'Hp/2 over |p| <= radius, and whether |p| = radius within the tolerance."""
    shifted = shifts_of(H)
    solve = shifted(0.0) if float(H.diagonal().min()) > 0 else None
    if solve is not None:
        p = -solve(g)
        if float(np.linalg.norm(p)) <= radius:
            return p, False
    norm, size = float(row_sums(H).max()), float(np.linalg.norm(g))
    low, high = max(size / radius - norm, -float(H.diagonal().min()), 0.0), size / radius + norm
    return _search(g, shifted, (low, high), Ball(radius), tolerance), True


def cubic_step(g: Vector, H: Any, sigma: float, tolerance: float = 1e-3) -> Vector:
    """The minimiser of g'p + p'Hp/2 + sigma |p|^3 / 3, up to this relative error of |p|."""
    norm, size = float(row_sums(H).max()), float(np.linalg.norm(g))
    high = 0.5 * norm + math.sqrt(0.25 * norm * norm + sigma * size)
    low = max(-float(H.diagonal().min()), sigma * size / high if high > 0 else 0.0)
    return _search(g, shifts_of(H), (low, max(high, norm) * (1 + 1e-9)), Cubic(sigma), tolerance)


def _search(g: Vector, shifted: Shifts, bracket: tuple[float, float], goal: Ball | Cubic, tolerance: float) -> Vector:
    """p(lambda) of the length wanted, for a lambda in the bracket."""
    low, high = bracket
    multiplier = low
    p = np.zeros_like(g)
    for _ in range(100):
        solve, length = shifted(multiplier), goal.length(multiplier)
        newton = low
        if solve is None:
            low = multiplier
        else:
            p = -solve(g)
            size = float(np.linalg.norm(p))
            low, high = (multiplier, high) if size > length else (low, multiplier)
            if abs(size - length) <= tolerance * length:
                return p
            if high - low <= 1e-13 * high:
                return to_length(p, _lowest_direction(solve, len(g)), length)
            if size > 0 and length > 0:
                slope = float(p.dot(solve(p))) / size**3 - goal.reciprocal_slope(multiplier)
                newton = multiplier - (1 / size - 1 / length) / slope
        multiplier = newton if low < newton < high else max(math.sqrt(low * high), low + 0.01 * (high - low))
    return p


def _lowest_direction(solve: Solve, n: int) -> Vector:
    """The lowest eigenvector of H where H + lambda I is nearly singular, by inverse iteration."""
    v = np.random.default_rng(0).standard_normal(n)
    for _ in range(3):
        v = solve(v / np.linalg.norm(v))
    return v / float(np.linalg.norm(v))


def to_length(p: Vector, v: Vector, length: float) -> Vector:
    """p + t v with |p + t v| = length, the hard case, for |v| = 1; p itself if it is longer."""
    room = length * length - float(p.dot(p))
    if room <= 0:
        return p
    slope = float(p.dot(v))
    return p + (math.sqrt(slope * slope + room) - slope) * v


class FactorModel:
    """m(p) = g'p + p'Hp/2, to be minimised in balls of several radii; H large, dense or CSR, of any signature."""

    def __init__(self, g: Vector, H: Any) -> None:
        self.g, self.H = g, H
        self.scale = max(float(np.abs(g).max(initial=0.0)), largest_entry(H)) or 1.0

    def value(self, p: Vector) -> float:
        """m(p)"""
        return float(self.g.dot(p) + 0.5 * p.dot(self.H @ p))

    def minimise(self, radius: float) -> ModelStep:
        """The minimiser of m in the ball of this radius, up to 0.1% of the length."""
        return ModelStep(*ball_step(self.g / self.scale, self.H / self.scale, radius))

    def minimise_cubic(self, sigma: float) -> Vector:
        """The minimiser of m(p) + sigma |p|^3 / 3, up to 0.1% of the length."""
        return cubic_step(self.g / self.scale, self.H / self.scale, sigma / self.scale)

    def on_face(self, p: Vector, free: NDArray[np.bool_]) -> Model | FactorModel:
        """The model around p in the free variables."""
        H = self.H[np.ix_(free, free)] if isinstance(self.H, np.ndarray) else self.H[free][:, free]
        return model_of((self.g + self.H @ p)[free], H)


def model_of(g: Vector, H: Any) -> Model | FactorModel:
    """The quadratic model of g and H: by eigenvectors where they are cheap, else by factorisations."""
    return Model(g, H) if isinstance(H, np.ndarray) and len(g) <= EIGEN else FactorModel(g, H)


def curved_model(g: Vector, H: Any, radius: float) -> Model | FactorModel:
    """The quadratic model of g and H; where H is not finite, that of a steepest descent of length `radius`."""
    if not math.isfinite(largest_entry(H)):
        H = _multiple(len(g), float(np.linalg.norm(g)) / radius or 1.0)
    return model_of(g, H)


def _multiple(n: int, size: float) -> Any:
    """size times the identity."""
    from scipy.sparse import eye_array

    return size * (np.eye(n) if n <= EIGEN else eye_array(n, format="csr"))
