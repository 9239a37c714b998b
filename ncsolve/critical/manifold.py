"""F = f + p on the manifold of x on which the penalty p is smooth, as an oracle that a smooth judgement understands."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy  # its parts are loaded when they are used
from numpy.typing import ArrayLike, NDArray

from ncsolve.critical.rank import RankChart
from ncsolve.penalties import Box, Simplex
from ncsolve.penalties.separable import Separable

if TYPE_CHECKING:
    from ncsolve.oracle import Oracle
    from ncsolve.penalties import Part

__all__ = ["OnManifold"]

Vector = NDArray[np.float64]

SMALL = 300  # variables up to which the whole Hessian is computed, however few are free
DIRECTIONS = 64  # of one batch of products


class OnManifold:
    """x(s) = base + B s with the free entries of x as coordinates s, and for each pivot a sum that stays.

    For matrices whose rank stays, `ranks`, the coordinates of their charts come behind them: d in all.

    Close to the point that it was made for value, gradient and Hessian are those of F. Derivatives above the second are
    nan where the penalty is of groups or of a rank.
    """

    def __init__(
        self,
        oracle: Oracle,
        x: Vector,
        free: NDArray[np.bool_],
        pivots: list[tuple[int, slice]],
        ranks: list[tuple[Part, int]],
    ) -> None:
        assert oracle.penalty is not None
        self.oracle, self.penalty = oracle, oracle.penalty
        free = free.copy()
        for part, _ in ranks:
            free[part.place] = False
        places = np.flatnonzero(free)
        self.linear = places.size
        rows, columns, values = [places], [np.arange(self.linear)], [np.ones(self.linear)]
        for pivot, among in pivots:
            along = np.flatnonzero((places >= among.start) & (places < among.stop))
            rows, columns = [*rows, np.full(along.size, pivot)], [*columns, along]
            values.append(np.full(along.size, -1.0))
        entries = np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))
        self.B = scipy.sparse.csr_array(entries, shape=(x.size, self.linear))
        self.base = x - self.B @ x[places]
        self.charts = [(part.place, RankChart(x[part.place].reshape(part.shape), rank)) for part, rank in ranks]
        self.start = np.concatenate([x[places], *(chart.start for _, chart in self.charts)])
        self.n = self.start.size
        self.lower, self.upper = (
            None if end is None else np.append(end[places], np.full(self.n - self.linear, sign * np.inf))
            for end, sign in ((oracle.lower, -1), (oracle.upper, 1))
        )
        self.structure = SimpleNamespace(sparse=oracle.structure.sparse)
        self.problem = SimpleNamespace(variables=())  # no symmetries are looked for
        self.constants: dict[str, float] = {}

    def point(self, s: ArrayLike) -> Vector:
        """x(s), (n,) or (m, n)"""
        s = np.asarray(s, dtype=float)
        x = np.asarray(self.base + (self.B @ s[..., : self.linear].T).T)
        for place, chart, at in self._blocks():
            rows = s[..., at].reshape(-1, chart.start.size)
            x[..., place] = np.reshape([chart.point(row) for row in rows], x[..., place].shape)
        return x

    def jacobian(self, s: Vector) -> Any:
        """dx/ds at one s, (n, d) and sparse: B, and beside it the charts of the ranks."""
        if not self.charts:
            return self.B
        columns = [self.B]
        for place, chart, at in self._blocks():
            block = scipy.sparse.csr_array(chart.jacobian(s[at]))
            above, below = (
                scipy.sparse.csr_array((place.start, block.shape[1])),
                scipy.sparse.csr_array((self.base.size - place.stop, block.shape[1])),
            )
            columns.append(scipy.sparse.vstack([above, block, below]))
        return scipy.sparse.csr_array(scipy.sparse.hstack(columns))

    def _blocks(self) -> Iterator[tuple[slice, RankChart, slice]]:
        """Each chart with its places in x and in s."""
        begin = self.linear
        for place, chart in self.charts:
            yield place, chart, slice(begin, begin + chart.start.size)
            begin += chart.start.size

    def value(self, s: ArrayLike) -> Any:
        return self.oracle.objective(self.point(s))

    def gradient(self, s: ArrayLike) -> Vector:
        s = np.asarray(s, dtype=float)
        if s.ndim == 2:
            return np.array([self.gradient(row) for row in s])
        return np.asarray(self.jacobian(s).T @ self._slope(self.point(s)))

    def _slope(self, x: Vector) -> Vector:
        """The gradient of F in x's own coordinates, up to what is normal to the manifold."""
        return self.oracle.gradient(x) + self.penalty.gradient(x)

    def value_and_gradient(self, s: ArrayLike) -> tuple[Any, Vector]:
        return self.value(s), self.gradient(s)

    def curvature(self, x: Vector) -> Any:
        """The Hessian of p at x in x's own coordinates, sparse."""
        parts = [part.penalty.hessian(x[part.place].reshape(part.shape)) for part in self.penalty]
        begins = [part.place.start for part in self.penalty]
        rows, columns = (
            np.concatenate([begin + part[side] for begin, part in zip(begins, parts, strict=True)]) for side in (1, 2)
        )
        values = np.concatenate([part[0] for part in parts])
        return scipy.sparse.csr_array((values, (rows, columns)), shape=(x.size, x.size))

    def hessian(self, s: ArrayLike, dense: bool = False) -> Any:
        s = np.asarray(s, dtype=float)
        x, J = self.point(s), self.jacobian(s)
        H = self._restricted(x, J, dense or bool(self.charts))
        K = scipy.sparse.csr_array(J.T @ self.curvature(x) @ J)
        if not isinstance(H, np.ndarray):
            return scipy.sparse.csr_array(H + K)
        H = H + K.toarray()
        slope = self._slope(x) if self.charts else x
        for place, chart, at in self._blocks():
            H[at, at] += chart.bend(slope[place])
        return H

    def _restricted(self, x: Vector, J: Any, dense: bool) -> Any:
        """J' H J, by products where few of many variables are free: the whole H might not fit."""
        n = self.oracle.n
        if self.structure.sparse or n <= SMALL or 2 * self.n > n:
            return J.T @ self.oracle.hessian(x, dense=dense) @ J
        along = J.T.tocsr()
        chunks = (along[k : k + DIRECTIONS].toarray() for k in range(0, self.n, DIRECTIONS))
        return np.hstack([J.T @ self.oracle.hvp(x, directions).T for directions in chunks])

    def hvp(self, s: ArrayLike, v: ArrayLike) -> Vector:
        v = np.asarray(v, dtype=float)
        if self.charts:
            return np.asarray(v @ self.hessian(s, dense=True))
        x, d = self.point(s), (self.B @ v.T).T
        return np.asarray((self.B.T @ (self.oracle.hvp(x, d) + (self.curvature(x) @ d.T).T).T).T)

    def directional(self, s: ArrayLike, *directions: ArrayLike) -> Any:
        x, along = self.point(s), [(self.B @ np.asarray(d)[..., : self.linear].T).T for d in directions]
        value = self.oracle.directional(x, *along)
        for part in self.penalty:
            if isinstance(part.penalty, Separable):
                here = x[..., part.place]
                slopes = np.sign(here) ** len(along) * part.penalty.derivative(np.abs(here), len(along))
                slopes[here == 0] = 0.0
                value = value + np.prod([slopes, *(d[..., part.place] for d in along)], axis=0).sum(axis=-1)
        return value if self.has_higher_derivatives else value * np.nan

    @property
    def has_higher_derivatives(self) -> bool:
        """Not with groups or ranks."""
        return all(isinstance(part.penalty, (Separable, Box, Simplex)) for part in self.penalty)

    def project(self, s: ArrayLike) -> Vector:
        s = np.asarray(s, dtype=float)
        return s if self.lower is None or self.upper is None else np.clip(s, self.lower, self.upper)

    def uncounted(self) -> AbstractContextManager[None]:
        return self.oracle.uncounted()

    def explain_nonfinite(self, s: ArrayLike) -> str:
        return self.oracle.explain_nonfinite(self.point(s))
