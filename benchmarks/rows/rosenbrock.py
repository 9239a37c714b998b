"""Chained Rosenbrock: sum of 100 (x[i+1] - x[i]^2)^2 + (1 - x[i])^2, a tridiagonal Hessian. [Rosenbrock 1960]"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import sympy as sp
from scipy.sparse import csr_array

import ncsolve as nc
from rows._row import Array, Row, Skip


class Rosenbrock(Row):
    elementwise = True

    def __init__(self, n: int) -> None:
        self.n = n
        self.name = f"Rosenbrock n = {n}" if n < 1000 else f"Rosenbrock n = 10^{len(str(n)) - 1}"
        self.batch_size = 1000 if n <= 1000 else 0
        if n > 12:
            columns = np.stack([np.arange(n) - 1, np.arange(n), np.arange(n) + 1], axis=1)
            inside = (columns >= 0) & (columns < n)
            self._columns = columns[inside].astype(np.int32)
            self._starts = np.concatenate([[0], np.cumsum(inside.sum(axis=1))]).astype(np.int32)

    def problem(self) -> nc.Problem:
        x, i = sp.IndexedBase("x", shape=(self.n,)), sp.Symbol("i", integer=True)
        return nc.Problem(sp.Sum(100 * (x[i + 1] - x[i] ** 2) ** 2 + (1 - x[i]) ** 2, (i, 0, self.n - 2)))

    # -- by hand -----------------------------------------------------------------------------------------------------

    def numpy(self, column: str) -> Callable[..., Any]:
        if self.n == 2 and column in ("gradient", "product"):
            return {"gradient": _plane_gradient, "product": _plane_product}[column]
        if column == "hessian" and self.n > 12:
            return self.numpy_sparse_hessian
        return super().numpy(column)

    def numpy_gradient(self, x: Array) -> tuple[float, Array]:
        a = x[:-1]
        r = a * a
        np.subtract(x[1:], r, out=r)
        s = 1 - a
        f = 100 * float(r @ r) + float(s @ s)
        g = np.empty_like(x)
        r *= 200
        g[0], g[1:] = 0.0, r
        r *= a
        s += r
        s *= 2
        g[:-1] -= s
        return f, g

    def numpy_batch(self, x: Array) -> tuple[Array, Array]:
        a = x[:, :-1]
        r, s = x[:, 1:] - a * a, 1 - a
        f = 100 * np.vecdot(r, r) + np.vecdot(s, s)
        g = np.zeros_like(x)
        g[:, 1:] = 200 * r
        g[:, :-1] -= 400 * a * r + 2 * s
        return f, g

    def _bands(self, x: Array) -> tuple[Array, Array]:
        diagonal = np.full(self.n, 202.0)
        diagonal[0], diagonal[-1] = 2.0, 200.0
        diagonal[:-1] += 1200 * x[:-1] ** 2 - 400 * x[1:]
        return diagonal, -400 * x[:-1]

    def numpy_hessian(self, x: Array) -> Array:
        diagonal, off = self._bands(x)
        hessian = np.diag(diagonal)
        hessian.flat[1 :: self.n + 1] = off
        hessian.flat[self.n :: self.n + 1] = off
        return hessian

    def numpy_sparse_hessian(self, x: Array) -> csr_array:
        diagonal, off = self._bands(x)
        values = np.empty(3 * self.n - 2)
        values[0::3], values[1::3], values[2::3] = diagonal, off, off
        return csr_array((values, self._columns, self._starts), shape=(self.n, self.n))

    def numpy_product(self, x: Array, v: Array) -> Array:
        diagonal, off = self._bands(x)
        diagonal *= v
        diagonal[:-1] += off * v[1:]
        diagonal[1:] += off * v[:-1]
        return diagonal

    # -- the others --------------------------------------------------------------------------------------------------

    def jax(self, jnp: Any) -> tuple[Callable[..., Any], tuple[Array, ...]]:
        return lambda x: jnp.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2), ()

    def casadi(self, ca: Any) -> tuple[Any, Any]:
        x = (ca.SX if self.n < 100_000 else ca.MX).sym("x", self.n)
        return x, 100 * ca.sumsqr(x[1:] - x[:-1] ** 2) + ca.sumsqr(1 - x[:-1])

    def symengine(self, x: list[Any], se: Any) -> Any:
        return sum((100 * (b - a**2) ** 2 + (1 - a) ** 2 for a, b in pairwise(x)), se.Integer(0))

    def allows(self, peer: str, column: str) -> None:
        if peer == "jax" and column == "hessian" and self.n > 1000:
            raise Skip(f"dense: {8e-9 * self.n**2:.0f} GB")
        if peer == "symengine" and self.n > 1000:
            raise Skip("unrolled, n gradients of n terms")
        if peer == "symengine" and self.n > 10 and column in ("hessian", "product"):
            raise Skip("n^2 derivatives of n terms")


def _plane_gradient(x: Array) -> tuple[float, Array]:
    a, b = x.tolist()
    r, s = b - a * a, 1 - a
    return 100 * r * r + s * s, np.array([-400 * a * r - 2 * s, 200 * r])


def _plane_product(x: Array, v: Array) -> Array:
    (a, b), (u, w) = x.tolist(), v.tolist()
    return np.array([(1200 * a * a - 400 * b + 2) * u - 400 * a * w, 200 * w - 400 * a * u])
