"""Matrix factorisation: the sum over observed entries (i, j) of (U[i] . V[j] - r)^2."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import sympy as sp
from scipy.sparse import csr_array

import ncsolve as nc
from rows._row import Array, Row, Skip


class Factorisation(Row):
    def __init__(self, rows: int = 2000, columns: int = 1000, entries: int = 100_000, rank: int = 16) -> None:
        rng = np.random.default_rng(2)
        self.shape, self.entries, self.rank = (rows, columns), entries, rank
        self.name = f"factorisation {rows} x {columns}"
        self.n = (rows + columns) * rank
        places = np.sort(rng.choice(rows * columns, entries, replace=False))
        self.row, self.column = np.divmod(places, columns)
        self.observed = rng.normal(size=entries)
        self._starts = np.searchsorted(self.row, np.arange(rows + 1)).astype(np.int32)
        self._columns = self.column.astype(np.int32)

    def problem(self) -> nc.Problem:
        U = sp.IndexedBase("U", shape=(self.shape[0], self.rank))
        V = sp.IndexedBase("V", shape=(self.shape[1], self.rank))
        row, column, r = (sp.IndexedBase(name, shape=(self.entries,)) for name in ("row", "column", "r"))
        e, c = sp.symbols("e c", integer=True)
        product = sp.Sum(U[row[e], c] * V[column[e], c], (c, 0, self.rank - 1))
        return nc.Problem(
            sp.Sum((product - r[e]) ** 2, (e, 0, self.entries - 1)),
            variables=[U, V],
            data={row: self.row, column: self.column, r: self.observed},
        )

    # -- by hand -----------------------------------------------------------------------------------------------------

    def _split(self, x: Array) -> tuple[Array, Array]:
        cut = self.shape[0] * self.rank
        return x[:cut].reshape(-1, self.rank), x[cut:].reshape(-1, self.rank)

    def _matrix(self, values: Array) -> csr_array:
        return csr_array((values, self._columns, self._starts), shape=self.shape)

    def _along(self, U: Array, V: Array) -> Array:
        return np.vecdot(U.take(self.row, axis=0), V.take(self.column, axis=0))

    def numpy_gradient(self, x: Array) -> tuple[float, Array]:
        U, V = self._split(x)
        residual = self._along(U, V)
        residual -= self.observed
        f = float(residual @ residual)
        residual *= 2
        R = self._matrix(residual)
        return f, np.concatenate([(R @ V).ravel(), (R.T @ U).ravel()])

    def numpy_product(self, x: Array, v: Array) -> Array:
        (U, V), (dU, dV) = self._split(x), self._split(v)
        R = self._matrix(2 * (self._along(U, V) - self.observed))
        dR = self._matrix(2 * (self._along(dU, V) + self._along(U, dV)))
        return np.concatenate([(dR @ V + R @ dV).ravel(), (dR.T @ U + R.T @ dU).ravel()])

    # -- the others --------------------------------------------------------------------------------------------------

    def jax(self, jnp: Any) -> tuple[Callable[..., Any], tuple[Array, ...]]:
        cut = self.shape[0] * self.rank

        def loss(x: Any, row: Any, column: Any, observed: Any) -> Any:
            U, V = x[:cut].reshape(-1, self.rank), x[cut:].reshape(-1, self.rank)
            return jnp.sum((jnp.sum(U[row] * V[column], axis=1) - observed) ** 2)

        return loss, (self.row, self.column, self.observed)

    def casadi(self, ca: Any) -> tuple[Any, Any]:
        x, cut = ca.MX.sym("x", self.n), self.shape[0] * self.rank
        U, V = ca.reshape(x[:cut], self.rank, -1), ca.reshape(x[cut:], self.rank, -1)  # column-major: a factor's row
        product = ca.sum1(U[:, self.row.tolist()] * V[:, self.column.tolist()])
        return x, ca.sumsqr(product.T - ca.DM(self.observed))

    def allows(self, peer: str, column: str) -> None:
        if column == "hessian":
            raise Skip("52 million entries")
