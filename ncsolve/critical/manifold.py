"""F = f + p on the manifold of x on which the penalty p is smooth, as an oracle that a smooth judgement understands."""

from __future__ import annotations

from contextlib import AbstractContextManager
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import block_diag, csr_array, diags_array

from ncsolve.penalties.separable import Separable

if TYPE_CHECKING:
    from ncsolve.oracle import Oracle

__all__ = ["OnManifold"]

Vector = NDArray[np.float64]


class OnManifold:
    """x(s) = base + B s with the d free entries of x as coordinates s, and for each pivot a sum that stays.

    Close to the point that it was made for value, gradient and Hessian are those of F. Derivatives above the second are
    nan where the penalty is of groups.
    """

    def __init__(self, oracle: Oracle, x: Vector, free: NDArray[np.bool_], pivots: list[tuple[int, slice]]) -> None:
        assert oracle.penalty is not None
        self.oracle, self.penalty = oracle, oracle.penalty
        places = np.flatnonzero(free)
        self.n = places.size
        rows, columns, values = [places], [np.arange(self.n)], [np.ones(self.n)]
        for pivot, part in pivots:
            along = np.flatnonzero((places >= part.start) & (places < part.stop))
            rows, columns = [*rows, np.full(along.size, pivot)], [*columns, along]
            values.append(np.full(along.size, -1.0))
        entries = np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))
        self.B = csr_array(entries, shape=(x.size, self.n))
        self.start = x[places]
        self.base = x - self.B @ self.start
        bounded = oracle.lower is not None and oracle.upper is not None
        self.lower = oracle.lower[places] if bounded and oracle.lower is not None else None
        self.upper = oracle.upper[places] if bounded and oracle.upper is not None else None
        self.structure = SimpleNamespace(sparse=oracle.structure.sparse)
        self.problem = SimpleNamespace(variables=())  # no symmetries are looked for
        self.constants: dict[str, float] = {}

    def point(self, s: ArrayLike) -> Vector:
        """x(s), (n,) or (m, n)"""
        return np.asarray(self.base + self.embed(s))

    def embed(self, d: ArrayLike) -> Vector:
        """B d, the direction in x of a direction in s, or of many."""
        return np.asarray((self.B @ np.asarray(d).T).T)

    def value(self, s: ArrayLike) -> Any:
        return self.oracle.objective(self.point(s))

    def gradient(self, s: ArrayLike) -> Vector:
        x = self.point(s)
        slopes = self.penalty.gradient(x) if x.ndim == 1 else np.array([self.penalty.gradient(row) for row in x])
        return np.asarray((self.B.T @ (self.oracle.gradient(x) + slopes).T).T)

    def value_and_gradient(self, s: ArrayLike) -> tuple[Any, Vector]:
        return self.value(s), self.gradient(s)

    def curvature(self, x: Vector) -> Any:
        """The Hessian of p at x in x's own coordinates, sparse."""
        blocks: list[Any] = []
        done = 0
        for part in sorted(self.penalty, key=lambda part: part.place.start):
            blocks.append(csr_array((part.place.start - done,) * 2))
            H = part.penalty.hessian(x[part.place].reshape(part.shape))
            blocks.append(diags_array(H) if H.ndim == 1 else csr_array(H))
            done = part.place.stop
        return block_diag([*blocks, csr_array((x.size - done,) * 2)], format="csr")

    def hessian(self, s: ArrayLike, dense: bool = False) -> Any:
        x = self.point(s)
        H = self.B.T @ self.oracle.hessian(x, dense=dense) @ self.B
        K = csr_array(self.B.T @ self.curvature(x) @ self.B)
        return H + K.toarray() if isinstance(H, np.ndarray) else csr_array(H + K)

    def hvp(self, s: ArrayLike, v: ArrayLike) -> Vector:
        x, d = self.point(s), self.embed(v)
        return np.asarray(self.B.T @ (self.oracle.hvp(x, d) + self.curvature(x) @ d))

    def directional(self, s: ArrayLike, *directions: ArrayLike) -> Any:
        x, along = self.point(s), [self.embed(d) for d in directions]
        value = self.oracle.directional(x, *along)
        for part in self.penalty:
            if isinstance(part.penalty, Separable):
                here = x[..., part.place]
                slopes = np.sign(here) ** len(along) * part.penalty.derivative(np.abs(here), len(along))
                slopes[here == 0] = 0.0
                value = value + np.prod([slopes, *(d[..., part.place] for d in along)], axis=0).sum(axis=-1)
            elif part.penalty.hessian(np.zeros(part.shape)).ndim == 2:
                value = value * np.nan
        return value

    def project(self, s: ArrayLike) -> Vector:
        s = np.asarray(s, dtype=float)
        return s if self.lower is None or self.upper is None else np.clip(s, self.lower, self.upper)

    def uncounted(self) -> AbstractContextManager[None]:
        return self.oracle.uncounted()

    def explain_nonfinite(self, s: ArrayLike) -> str:
        return self.oracle.explain_nonfinite(self.point(s))
