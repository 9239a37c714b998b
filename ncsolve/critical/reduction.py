"""The decision at a singular Hessian: f reduced to its null space, and the first derivative there that does not vanish.

Splitting lemma [Gromoll, Meyer 1969]: near a critical point whose Hessian H is 0 on span(U) and invertible on a
complement, f is, after a change of variables, that quadratic form on the complement plus psi(z) = f(x + U z + w(z)),
where w solves the other equations of grad f = 0. The derivatives of psi follow order by order, with b = D3 f[u, u, .],
w2 = -H^+ b and c = D4 f[u^3, .] + 3 D3 f[u, w2, .]:

    psi3 = D3 f[u^3]
    psi4 = D4 f[u^4] - 3 b^T H^+ b
    psi5 = D5 f[u^5] + 10 D4 f[u^3, w2] + 15 D3 f[u, w2^2]
    psi6 = D6 f[u^6] + 15 D5 f[u^4, w2] + 45 D4 f[u^2, w2^2] + 15 D3 f[w2^3] - 10 c^T H^+ c
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import combinations_with_replacement, permutations
from math import factorial
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from ncsolve.critical.forms import cubic_peak, quartic_sign
from ncsolve.critical.inertia import LEEWAY
from ncsolve.critical.noise import rounding_of
from ncsolve.critical.probe import Curve
from ncsolve.critical.spectrum import EPS, SAFETY

if TYPE_CHECKING:
    from ncsolve.oracle import Oracle

__all__ = ["NullSpace", "Reduced"]

Vector = NDArray[np.float64]
Tensor = NDArray[np.float64]

CUBIC, QUARTIC = 12, 8  # largest dimensions of the null space in which these forms are computed
LARGEST = 300  # number of variables up to which more than psi3 is computed, since that takes a derivative for each
ROWS = 1_000_000  # numbers in one batch of directions


@dataclass(frozen=True, eq=False)
class Reduced:
    """psi "rises" or "falls" in all directions, does "both", or stays "open"; by its derivative of this order and
    value.

    psi falls along `curve`, when it does. `distance`: how far away on the null space the slope that is left at x allows
    the critical point to be.
    """

    trend: Literal["rises", "falls", "both", "open"]
    order: int
    value: float
    curve: Curve | None = None
    distance: float = np.inf


@dataclass(frozen=True, eq=False)
class NullSpace:
    """Null directions U (n, d) at x (n,), where |U^T grad f| <= `slope`.

    `solve`: b -> H^+ b on the complement of U.
    """

    oracle: Oracle
    x: Vector
    free: NDArray[np.intp]
    U: Tensor
    slope: float
    solve: Callable[[Vector], Vector]

    @cached_property
    def generic(self) -> list[Vector]:
        """Directions with the entries of U in random signs: what cancels along U does not along them."""
        signs = np.random.default_rng(5).choice([-1.0, 1.0], size=(2, *self.U.shape))
        return list((self.U * signs).sum(axis=2))

    def reduce(self) -> Reduced:
        """Decide by the first of psi3 to psi6 (psi4 if d > 1) that is not zero within its error."""
        d = self.U.shape[1]
        size, tried = 0.0, 2
        for order in (3, 4, 5, 6) if d == 1 else (3, 4):
            if d > (CUBIC if order == 3 else QUARTIC) or (order > 3 and self.free.size > LARGEST):
                break
            psi, error = self.psi(self.x[None], order)
            size, tried = float(np.abs(psi).max()), order
            around, _ = self.psi(self.around(size, order), order)
            error += float(np.abs(around - psi).max())
            if not size <= error:
                reduced = self.odd(psi[0], order) if order % 2 else self.even(psi[0], order, error)
                return replace(reduced, distance=self.reach(size, order) * float(np.abs(self.U).max()))
        return Reduced("open", tried, size)

    def odd(self, psi: Tensor, order: int) -> Reduced:
        z = cubic_peak(psi) if order == 3 else np.sign(psi).reshape(1)
        return Reduced("both", order, float(np.abs(psi).max()), self.curve(-z))

    def even(self, psi: Tensor, order: int, error: float) -> Reduced:
        d = self.U.shape[1]
        sign = quartic_sign(psi.reshape((d,) * 4), error * d**2)
        low, high = (float(np.einsum("ijkl,i,j,k,l", psi.reshape((d,) * 4), z, z, z, z)) for z in sign[1:])
        if sign.kind == "positive":
            return Reduced("rises", order, low)
        if sign.kind == "open":
            return Reduced("open", order, low)
        trend: Literal["falls", "both"] = "falls" if sign.kind == "negative" else "both"
        return Reduced(trend, order, high if sign.kind == "negative" else low, self.curve(sign.lowest))

    def curve(self, z: Vector) -> Curve:
        """t -> t U z + t^2/2 w2: the direction z, bent into the valley or onto the ridge of the complement."""
        u = self.U @ z
        w2 = -self.solve(self.contract(self.x[None], [u, u])[0])
        return lambda t: t[:, None] * u + t[:, None] ** 2 / 2 * w2

    def reach(self, size: float, order: int) -> float:
        """How far from t = 0 grad psi can vanish if psi_k of this size leads: |psi_k| t^(k-1) / (k-1)! = slope."""
        return float((factorial(order - 1) * self.slope / size) ** (1 / (order - 1))) if size else np.inf

    def around(self, size: float, order: int) -> Tensor:
        """Two points on either side of x, further away than the critical point can be.

        That is its reach, and no less than a root of multiplicity k-1 lets its place be known, eps^(1/(k-1)) |x|.
        """
        direction = self.U @ np.random.default_rng(3).choice([-1.0, 1.0], size=self.U.shape[1])
        length = float(np.abs(direction).max())
        place = EPS ** (1 / (order - 1)) * float(np.abs(self.x[direction != 0]).max()) / length
        longest = LEEWAY * (1 + float(np.abs(self.x).max())) / length
        shift = SAFETY * min(max(self.reach(size, order), place), longest) * direction
        shift[self.free] += rounding_of(self.x)[self.free]
        return self.oracle.project(self.x + np.array([[1.0], [-1.0]]) * shift)

    def psi(self, points: Tensor, order: int) -> tuple[Tensor, float]:
        """The derivative tensor of psi at each of the points (p, d, ..., d), with a bound on its rounding error."""
        if order <= 4:
            psi, terms = (self.psi3 if order == 3 else self.psi4)(points)
        else:
            psi, terms = (self.psi5 if order == 5 else self.psi6)(points)
        scale = max([terms, *(float(np.abs(self.along(points, [w] * order)).max()) for w in self.generic)])
        return psi, SAFETY * self.free.size * EPS * scale

    def psi3(self, points: Tensor) -> tuple[Tensor, float]:
        cubic = self.tensor(points, 3)
        return cubic, float(np.abs(cubic).max())

    def psi4(self, points: Tensor) -> tuple[Tensor, float]:
        d = self.U.shape[1]
        quartic = self.tensor(points, 4)
        b = np.empty((len(points), d, d, self.x.size))
        for i, j in combinations_with_replacement(range(d), 2):
            b[:, i, j] = b[:, j, i] = self.contract(points, [self.U[:, i], self.U[:, j]])
        w = -np.apply_along_axis(self.solve, -1, b)
        pairs = np.einsum("pijn,pkln->pijkl", b, w)
        size = float(np.abs(quartic).max() + 3 * np.einsum("pijn,pijn->pij", np.abs(b), np.abs(w)).max())
        return quartic + pairs + pairs.transpose(0, 1, 3, 2, 4) + pairs.transpose(0, 1, 4, 3, 2), size

    def psi5(self, points: Tensor) -> tuple[Tensor, float]:
        u = self.U[:, 0]
        w = self.bend(points)
        return _sum(
            self.along(points, [u] * 5),
            10 * self.along(points, [u, u, u, w]),
            15 * self.along(points, [u, w, w]),
        )

    def psi6(self, points: Tensor) -> tuple[Tensor, float]:
        u = self.U[:, 0]
        w = self.bend(points)
        c = self.contract(points, [u, u, u]) + 3 * self.contract(points, [u, w])
        return _sum(
            self.along(points, [u] * 6),
            15 * self.along(points, [u, u, u, u, w]),
            45 * self.along(points, [u, u, w, w]),
            15 * self.along(points, [w, w, w]),
            -10 * np.array([row @ self.solve(row) for row in c]),
        )

    def bend(self, points: Tensor) -> Tensor:
        """w2 (p, n) at each of the points, for d = 1."""
        return -np.array([self.solve(b) for b in self.contract(points, [self.U[:, 0]] * 2)])

    def tensor(self, points: Tensor, order: int) -> Tensor:
        """D^k f[u_i, u_j, ...] for all i, j, ...: (p, d, ..., d)."""
        d = self.U.shape[1]
        full = np.empty((len(points), *(d,) * order))
        for chosen in combinations_with_replacement(range(d), order):
            value = self.along(points, [self.U[:, i] for i in chosen])
            for index in set(permutations(chosen)):
                place: tuple[Any, ...] = (slice(None), *index)
                full[place] = value
        return full

    def along(self, points: Tensor, directions: list[Tensor]) -> Vector:
        """D^k f[v1, ..., vk] at each of the points (p, n): (p,). Each direction is (n,) or (p, n)."""
        return np.asarray(self.oracle.directional(points, *(np.broadcast_to(v, points.shape) for v in directions)))

    def contract(self, points: Tensor, directions: list[Tensor]) -> Tensor:
        """D^(k+1) f[v1, ..., vk, .] at each of the points (p, n) in the free variables, zero in the others: (p, n)."""
        n = self.x.size
        result = np.zeros(points.shape)
        for part in np.array_split(self.free, -(-self.free.size * n // ROWS) or 1):
            units = np.zeros((part.size, n))
            units[np.arange(part.size), part] = 1.0
            for p, point in enumerate(points):
                rows = [v if v.ndim == 1 else v[p] for v in directions]
                result[p, part] = self.along(np.broadcast_to(point, units.shape), [*rows, units])
        return result


def _sum(*terms: Vector) -> tuple[Tensor, float]:
    return np.asarray(sum(terms)), float(np.abs(terms).sum(axis=0).max())
