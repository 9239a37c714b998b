"""Two regressions over a data table: logistic loss (convex) and sigmoid loss (not)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import sympy as sp
from scipy.special import expit

import ncsolve as nc
from rows._row import Array, Row


class Regression(Row):
    """(1/N) sum of loss(y[k], A[k] . w)"""

    title: str
    seed = 0

    def __init__(self, samples: int, features: int) -> None:
        rng = np.random.default_rng(self.seed)
        self.samples, self.n = samples, features
        self.name = f"{self.title} {samples} x {features}"
        self.A = rng.normal(size=(samples, features))
        self.y = self.labels(self.A @ rng.normal(size=features) + rng.normal(size=samples))
        self.batch_size = 1000 if samples <= 1000 else 0

    def labels(self, z: Array) -> Array:
        raise NotImplementedError

    def loss(self, y: Any, z: Any) -> sp.Expr:
        """One term, as SymPy."""
        raise NotImplementedError

    def derivatives(self, z: Array) -> tuple[Array, Array]:
        """The losses and their derivatives by z; the samples are the last axis."""
        raise NotImplementedError

    def curvature(self, z: Array) -> Array:
        raise NotImplementedError

    def problem(self) -> nc.Problem:
        A = sp.IndexedBase("A", shape=(self.samples, self.n))
        y, w = sp.IndexedBase("y", shape=(self.samples,)), sp.IndexedBase("w", shape=(self.n,))
        k, j = sp.symbols("k j", integer=True)
        z = sp.Sum(A[k, j] * w[j], (j, 0, self.n - 1))
        objective = sp.Sum(self.loss(y[k], z), (k, 0, self.samples - 1)) / self.samples
        return nc.Problem(objective, data={A: self.A, y: self.y})

    # -- by hand -----------------------------------------------------------------------------------------------------

    def numpy_gradient(self, w: Array) -> tuple[float, Array]:
        losses, slopes = self.derivatives(self.A @ w)
        return float(losses.sum()) / self.samples, (slopes @ self.A) / self.samples

    def numpy_batch(self, w: Array) -> tuple[Array, Array]:
        losses, slopes = self.derivatives(w @ self.A.T)
        return losses.sum(axis=1) / self.samples, (slopes @ self.A) / self.samples

    def numpy_hessian(self, w: Array) -> Array:
        weight = self.curvature(self.A @ w)
        weight /= self.samples
        return (self.A * weight[:, None]).T @ self.A

    def numpy_product(self, w: Array, v: Array) -> Array:
        weight = self.curvature(self.A @ w)
        weight *= self.A @ v
        return (weight @ self.A) / self.samples

    def casadi(self, ca: Any) -> tuple[Any, Any]:
        w = ca.MX.sym("w", self.n)
        return w, ca.sum1(self.casadi_loss(ca, ca.DM(self.y), ca.DM(self.A) @ w)) / self.samples

    def casadi_loss(self, ca: Any, y: Any, z: Any) -> Any:
        raise NotImplementedError


class Logistic(Regression):
    title = "logistic regression"

    def labels(self, z: Array) -> Array:
        return np.where(z > 0, 1.0, -1.0)

    def loss(self, y: Any, z: Any) -> sp.Expr:
        return sp.log(1 + sp.exp(-y * z))

    def derivatives(self, z: Array) -> tuple[Array, Array]:
        m = self.y * z
        e = np.exp(-np.abs(m))
        losses = np.log1p(e)
        losses -= np.minimum(m, 0)
        slopes = np.where(m >= 0, e, 1.0)
        e += 1
        slopes /= e
        slopes *= -self.y
        return losses, slopes

    def curvature(self, z: Array) -> Array:
        e = np.exp(-np.abs(z))
        return e / (1 + e) ** 2

    def jax(self, jnp: Any) -> tuple[Callable[..., Any], tuple[Array, ...]]:
        import jax

        return lambda w, A, y: jnp.mean(jax.nn.softplus(-y * (A @ w))), (self.A, self.y)

    def casadi_loss(self, ca: Any, y: Any, z: Any) -> Any:
        return ca.log1p(ca.exp(-y * z))


class Sigmoid(Regression):
    title = "sigmoid regression"
    seed = 1

    def labels(self, z: Array) -> Array:
        return (z > 0).astype(float)

    def loss(self, y: Any, z: Any) -> sp.Expr:
        return (y - 1 / (1 + sp.exp(-z))) ** 2

    def derivatives(self, z: Array) -> tuple[Array, Array]:
        s = expit(z)
        r = s - self.y
        return r * r, 2 * r * s * (1 - s)

    def curvature(self, z: Array) -> Array:
        s = expit(z)
        d = s * (1 - s)
        return 2 * d * (d + (s - self.y) * (1 - 2 * s))

    def jax(self, jnp: Any) -> tuple[Callable[..., Any], tuple[Array, ...]]:
        import jax

        return lambda w, A, y: jnp.mean((y - jax.nn.sigmoid(A @ w)) ** 2), (self.A, self.y)

    def casadi_loss(self, ca: Any, y: Any, z: Any) -> Any:
        return (y - 1 / (1 + ca.exp(-z))) ** 2
