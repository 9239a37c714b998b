"""Quadratic models in a ball, and with a cubic term, minimised exactly in the eigenbasis of H."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]

DENSE = 64
"""Up to this n an eigendecomposition costs little more than a Cholesky factorisation."""
FLAT = 1e100
"""Where |g| > FLAT |H| Delta, the Hessian changes no digit of the step."""


class ModelStep(NamedTuple):
    p: Vector
    on_boundary: bool


class Model:
    """m(p) = g'p + p'Hp/2, to be minimised in balls of several radii. H (n, n) may be indefinite or singular.

    The minimiser is characterised by (H + lambda I) p = -g, H + lambda I >= 0, lambda >= 0, lambda (Delta - |p|) = 0
    [More & Sorensen 1983, Lemma 2.1]. In the eigenbasis of H, and with mu = lambda + lambda_min(H) as the unknown, no
    digits are lost near the hard case. g and H are divided by their largest entry, so that their scale does not
    matter. An H that has overflowed says nothing: the model is linear then.
    """

    def __init__(self, g: Vector, H: Matrix) -> None:
        largest = float(np.abs(H).max())
        self.g, self.H = g, H if math.isfinite(largest) else np.zeros_like(H)
        self.scale = max(float(np.abs(g).max()), largest if math.isfinite(largest) else 0.0) or 1.0
        self._newton = self._newton_step() if len(g) > DENSE else None
        self._eigen: tuple[Vector, Matrix] | None = None

    def value(self, p: Vector) -> float:
        """m(p)"""
        return float(self.g.dot(p) + 0.5 * p.dot(self.H @ p))

    def minimise(self, radius: float) -> ModelStep:
        """The minimiser of m in the ball of this radius; one of them where -p is as good as p."""
        if self._newton is not None and np.linalg.norm(self._newton) <= radius:
            return ModelStep(self._newton, False)
        w, V = self.eigen()
        q, on_boundary = minimise_diagonal(V.T @ (self.g / self.scale), w, radius)
        return ModelStep(V @ q, on_boundary)

    def minimise_cubic(self, sigma: float) -> Vector:
        """The minimiser of m(p) + sigma |p|^3 / 3."""
        w, V = self.eigen()
        return np.asarray(V @ cubic_diagonal(V.T @ (self.g / self.scale), w, sigma / self.scale))

    def on_face(self, p: Vector, free: NDArray[np.bool_]) -> Model:
        """The model around p in the free variables."""
        return Model((self.g + self.H @ p)[free], self.H[np.ix_(free, free)])

    def eigen(self) -> tuple[Vector, Matrix]:
        """Eigenvalues of H / scale, ascending, and eigenvectors."""
        if self._eigen is None:
            w, V = np.linalg.eigh(self.H / self.scale)
            self._eigen = w, V
        return self._eigen

    def _newton_step(self) -> Vector | None:
        """-inverse(H) g if H is positive definite, else None."""
        from scipy.linalg import LinAlgError, cho_factor, cho_solve

        try:
            factor = cho_factor(self.H / self.scale, check_finite=False)
        except LinAlgError:
            return None
        p: Vector = -cho_solve(factor, self.g / self.scale, check_finite=False)
        return p


def minimise_diagonal(a: Vector, w: Vector, radius: float) -> tuple[Vector, bool]:
    """Minimise a'q + sum(w q^2)/2 over |q| <= radius, w ascending: q, and whether |q| = radius.

    q_i = -a_i / (d_i + mu) with d = w - w_min >= 0. |q| falls as mu grows, and Newton's method on 1/|q(mu)| - 1/radius
    rises to the root from every mu with |q(mu)| >= radius, such as that for which the largest |q_i| is the radius. The
    unit of length is the radius.
    """
    if float(np.linalg.norm(a)) > FLAT * radius:  # else squares of a / radius overflow
        return a * (-radius / float(np.linalg.norm(a))), True
    d = w - w[0]
    least = max(float(w[0]), 0.0)
    a = np.where(np.abs(a) <= 1e-300, 0.0, a) / radius
    mu = max(least, float(np.linalg.norm(a[d == 0])), float((np.abs(a) - d).max()))
    q = diagonal_solve(a, d, mu)
    size = float(np.linalg.norm(q))
    if mu == least and size <= 1:
        if w[0] >= 0:
            return radius * q, False
        q[0] = math.sqrt(1 - size * size)  # the hard case: to the boundary along the lowest eigenvector
        return radius * q, True
    for _ in range(100):
        slope = -float(q.dot(diagonal_solve(q, d, mu)))
        step = size * size / slope * (size - 1)
        if size - 1 <= 1e-12 or mu + step == mu:
            break
        mu += step
        q = diagonal_solve(a, d, mu)
        size = float(np.linalg.norm(q))
    return q * (radius / size), True


def cubic_diagonal(a: Vector, w: Vector, sigma: float) -> Vector:
    """Minimise a'q + sum(w q^2)/2 + sigma |q|^3 / 3, w ascending.

    q_i = -a_i / (w_i + lambda) with lambda = sigma |q| and w + lambda >= 0 [Nesterov & Polyak 2006, section 5; Cartis,
    Gould & Toint 2011, Thm 3.1]. With mu = lambda - max(-w_0, 0) as the unknown, 1/|q| - sigma / lambda is concave and
    rises: Newton's method climbs to the root from below.
    """
    least = max(-float(w[0]), 0.0)
    d = w + least
    size, lowest = float(np.linalg.norm(a)), float(np.linalg.norm(a[w == w[0]]))
    mu = _root(lowest, abs(float(w[0])), sigma)
    if least == 0:
        mu = max(mu, _root(size, float(w[-1]), sigma))
    q = diagonal_solve(a, d, mu)
    length = float(np.linalg.norm(q))
    if mu == 0 and least > 0 and length * sigma <= least:  # the hard case
        q[0] = math.sqrt((least / sigma) ** 2 - length**2)
    for _ in range(100):
        if mu + least == 0 or length * sigma <= (mu + least) * (1 + 1e-14):
            break
        slope = -float(q.dot(diagonal_solve(q, d, mu))) / length**3 + sigma / (mu + least) ** 2
        step = (sigma / (mu + least) - 1 / length) / slope
        if not mu + step > mu:
            break
        mu += step
        q = diagonal_solve(a, d, mu)
        length = float(np.linalg.norm(q))
    return q


def _root(size: float, curvature: float, sigma: float) -> float:
    """The lambda >= 0 with lambda (lambda + curvature) = sigma size: a bound of the multiplier."""
    root = curvature + math.sqrt(curvature * curvature + 4 * sigma * size)
    return 2 * sigma * size / root if root > 0 else 0.0


def diagonal_solve(a: Vector, d: Vector, mu: float) -> Vector:
    """-a / (d + mu), 0 where both are 0."""
    bottom = d + mu
    return np.where(bottom > 0, -a, 0.0) / np.where(bottom > 0, bottom, 1.0)
