"""Quadratic models in Krylov spaces: only products Hv are needed."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ncsolve_second_order.paths import norm
from ncsolve_second_order.subproblem import ModelStep, cubic_diagonal, minimise_diagonal

if TYPE_CHECKING:
    from ncsolve.oracle import Oracle

Vector = NDArray[np.float64]
Product = Callable[[Vector], Vector]

STORED = 20_000_000
"""Numbers of the basis that are kept; beyond, a step ends on the boundary as Steihaug's does."""
REORTHOGONALISED = 1_000_000
"""Numbers of the basis up to which each new vector is made orthogonal to all others, not to the last two only."""
LONGEST = 500
BREAKDOWN = 1e-14


class KrylovModel:
    """m(p) = g'p + p'Hp/2 in the Krylov spaces of H and g, to be minimised in balls of several radii.

    Lanczos' vectors Q and the tridiagonal T = Q'HQ are extended as far as a step needs. While H looks positive definite
    and the step lies inside the ball, p is the iterate of conjugate gradients (the factors L D L' of T); outside, the
    minimiser in the whole space, e_1'h + h'Th/2 over |h| <= Delta, H and g in units of |g| [Steihaug 1983; Toint 1981;
    Gould, Lucidi, Roma & Toint 1999]. A step is good enough when |H p + lambda p + g| <= tolerance |g|.
    """

    def __init__(self, g: Vector, product: Product, tolerance: float, limit: int = 1000) -> None:
        self.g, self.product, self.tolerance = g, product, tolerance
        self.size = norm(g)
        self.limit = min(limit, 2 * len(g) + 10)
        self._capacity = min(LONGEST, len(g), max(10, STORED // len(g)))
        self._basis = np.empty((min(8, self._capacity), len(g)))
        self._diagonal: list[float] = []
        self._off: list[float] = []
        self._next = g / self.size if self.size > 0 else g
        self._current = np.zeros_like(g)
        self._direction, self._iterate = np.zeros_like(g), np.zeros_like(g)
        self._pivot, self._z, self._residual = math.nan, -1.0, 1.0
        self._definite = True
        self._known: tuple[Vector, float] | None = None

    @property
    def exhausted(self) -> bool:
        """Whether the Krylov space cannot grow: it holds the whole answer, or all products are used up."""
        k = len(self._diagonal)
        return k >= self.limit or (k > 0 and self._off[-1] <= BREAKDOWN * self._scale()) or self.size == 0

    def value(self, p: Vector) -> float:
        """m(p)"""
        if self._known is not None and p is self._known[0]:
            return self._known[1]
        return float(self.g.dot(p) + 0.5 * p.dot(self.product(p)))

    def minimise(self, radius: float) -> ModelStep:
        """A step in the ball of this radius, as good as the tolerance asks."""
        while True:
            inside = self._definite and float(np.linalg.norm(self._iterate)) <= radius
            if inside and (self._residual <= self.tolerance or self.exhausted):
                return ModelStep(self._knows(self._iterate.copy(), 0.5 * float(self.g.dot(self._iterate))), False)
            if not inside:
                h, w, V = self._in_eigenbasis()
                q, _ = minimise_diagonal(h, w, radius)
                last = abs(float(V[-1] @ q)) * self._off[-1]
                if last <= self.tolerance or self.exhausted or self._is_full:
                    return ModelStep(self._expand(q, h, w, V), True)
            if not self._extend(radius):
                return self._to_boundary(radius)

    def minimise_cubic(self, sigma: float) -> Vector:
        """A step that makes m(p) + sigma |p|^3 / 3 low: its minimiser in a space that is large enough.

        The gradient of the cubic model is at most tolerance |g| min(1, |p| / |p_1|), p_1 the first space's minimiser.
        """
        while not self._diagonal and self.size > 0:
            self._extend(math.inf)
        if self.size == 0:
            return np.zeros_like(self.g)
        while True:
            h, w, V = self._in_eigenbasis()
            q = cubic_diagonal(h, w, sigma / self.size)
            last = abs(float(V[-1] @ q)) * self._off[-1]
            if last <= self.tolerance or self.exhausted or self._is_full:
                return self._expand(q, h, w, V)
            self._extend(math.inf)

    def on_face(self, p: Vector, free: NDArray[np.bool_]) -> KrylovModel:
        """The model around p in the free variables."""
        g = self.g + self.product(p) if p.any() else self.g

        def product(v: Vector) -> Vector:
            whole = np.zeros_like(g)
            whole[free] = v
            return np.asarray(self.product(whole)[free])

        return KrylovModel(g[free], product, self.tolerance, self.limit)

    # -- the space -----------------------------------------------------------------------------------------------------

    @property
    def _is_full(self) -> bool:
        return len(self._diagonal) >= self._capacity

    def _scale(self) -> float:
        return max(map(abs, self._diagonal), default=0.0) + max(self._off[:-1], default=0.0)

    def _extend(self, radius: float) -> bool:
        """One more vector of the basis; False if conjugate gradients left the ball where the basis is not complete."""
        k, q = len(self._diagonal), self._next
        if k < self._capacity:
            if k == len(self._basis):
                self._basis = np.concatenate([self._basis, np.empty((min(k, self._capacity - k), len(q)))])
            self._basis[k] = q
        v = self.product(q) / self.size
        a = float(q.dot(v))
        v = v - a * q
        if k:
            v -= self._off[-1] * self._current
        if k < self._capacity and (k + 1) * len(q) <= REORTHOGONALISED:
            v -= (self._basis[: k + 1] @ v) @ self._basis[: k + 1]
        pivot = a
        if k:
            part = self._off[-1] / self._pivot if self._pivot else math.inf
            pivot = a - self._off[-1] * part
        definite = self._definite and pivot > BREAKDOWN * abs(a)
        if k >= self._capacity and not definite:
            return False
        if definite:
            self._direction = q - part * self._direction if k else q.copy()
            self._z = -part * self._z if k else self._z
            step = self._z / pivot
            ahead = self._iterate + step * self._direction
            if k >= self._capacity and float(np.linalg.norm(ahead)) > radius:
                return False
            self._iterate = ahead
        off = float(np.linalg.norm(v))
        self._diagonal.append(a)
        self._off.append(off)
        self._residual = off * abs(step) if definite else math.inf
        self._pivot, self._definite = pivot, definite
        self._current, self._next = q, v / off if off > 0 else v
        return True

    def _to_boundary(self, radius: float) -> ModelStep:
        """Along the last direction of conjugate gradients to the boundary [Steihaug 1983]."""
        p, d = self._iterate, self._direction
        slope, dd = float(p.dot(d)), float(d.dot(d))
        root = math.sqrt(slope * slope + dd * (radius * radius - float(p.dot(p))))
        sign = 1.0 if self._z > 0 else -1.0
        return ModelStep(p + (sign * root - slope) / dd * d, True)

    def _in_eigenbasis(self) -> tuple[Vector, Vector, NDArray[np.float64]]:
        """e_1 in the eigenbasis of T, the eigenvalues and the eigenvectors."""
        from scipy.linalg import eigh_tridiagonal

        k = min(len(self._diagonal), self._capacity)
        w, V = eigh_tridiagonal(self._diagonal[:k], self._off[: k - 1], check_finite=False)
        return V[0], w, V

    def _expand(self, q: Vector, h: Vector, w: Vector, V: NDArray[np.float64]) -> Vector:
        p = (V @ q) @ self._basis[: len(w)]
        return self._knows(p, self.size * float(h.dot(q) + 0.5 * (w * q).dot(q)))

    def _knows(self, p: Vector, value: float) -> Vector:
        self._known = p, value
        return p


def hessian_product(oracle: Oracle, x: Vector) -> Product:
    """v -> H(x) v: by the Hessian where it is sparse or small, which is one evaluation, else by derivatives."""
    if oracle.n <= FORMED or oracle.structure.sparse:
        H = oracle.hessian(x)
        return lambda v: np.asarray(H @ v)
    return lambda v: oracle.hvp(x, v)


FORMED = 200
"""Up to this n a Hessian costs no more than some products."""


def forcing(size: float, first: float) -> float:
    """How exactly Newton's equations are solved: superlinear convergence as g vanishes [Dembo & Steihaug 1983]."""
    return min(0.1, math.sqrt(size / first)) if first > 0 else 0.1


def lanczos(product: Product, g: Vector, rank: int) -> tuple[Vector, NDArray[np.float64]]:
    """Ritz values and vectors (n, k), k <= rank, of H in the Krylov space of g; complete reorthogonalisation."""
    from scipy.linalg import eigh_tridiagonal

    rank = min(rank, len(g))
    Q, diagonal, off = np.empty((rank, len(g))), np.empty(rank), np.empty(rank)
    q = g / np.linalg.norm(g)
    for k in range(rank):
        Q[k] = q
        v = product(q)
        diagonal[k] = q.dot(v)
        for _ in range(2):
            v = v - (Q[: k + 1] @ v) @ Q[: k + 1]
        off[k] = np.linalg.norm(v)
        if off[k] <= BREAKDOWN * max(np.abs(diagonal[: k + 1]).max(), off[:k].max(initial=0.0)):
            break
        q = v / off[k]
    w, V = eigh_tridiagonal(diagonal[: k + 1], off[:k])
    return w, Q[: k + 1].T @ V
