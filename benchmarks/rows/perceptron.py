"""Perceptron 64-32-10 on the digits table: tanh, softmax and cross-entropy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import sympy as sp

import ncsolve as nc
from rows._row import Array, Row, Skip


class Perceptron(Row):
    def __init__(self, hidden: int = 32) -> None:
        try:
            from sklearn.datasets import load_digits
        except ImportError as error:
            raise Skip("needs scikit-learn for the digits table") from error
        table = load_digits()
        self.A, self.y = table.data / 16, table.target.astype(np.int64)
        self.samples, features = self.A.shape
        self.shapes = {"W1": (features, hidden), "b1": (hidden,), "W2": (hidden, 10), "b2": (10,)}
        self.name = f"perceptron {features}-{hidden}-10"
        self.n = sum(int(np.prod(shape)) for shape in self.shapes.values())
        self._truth = np.eye(10)[self.y]

    def point(self, rng: np.random.Generator) -> Array:
        return rng.normal(0.0, 0.2, self.n)

    def problem(self) -> nc.Problem:
        W1, b1, W2, b2 = (sp.IndexedBase(name, shape=shape) for name, shape in self.shapes.items())
        A, y = sp.IndexedBase("A", shape=self.A.shape), sp.IndexedBase("y", shape=self.y.shape)
        k, d, h, c = sp.symbols("k d h c", integer=True)
        features, hidden = self.shapes["W1"]
        activation = sp.tanh(sp.Sum(A[k, d] * W1[d, h], (d, 0, features - 1)) + b1[h])

        def logit(c: sp.Expr) -> sp.Expr:
            return sp.Sum(activation * W2[h, c], (h, 0, hidden - 1)) + b2[c]

        loss = sp.log(sp.Sum(sp.exp(logit(c)), (c, 0, 9))) - logit(y[k])
        return nc.Problem(
            sp.Sum(loss, (k, 0, self.samples - 1)) / self.samples,
            variables=[W1, b1, W2, b2],
            data={A: self.A, y: self.y},
        )

    # -- by hand -----------------------------------------------------------------------------------------------------

    def _split(self, x: Any) -> list[Any]:
        parts, start = [], 0
        for shape in self.shapes.values():
            size = int(np.prod(shape))
            parts.append(x[start : start + size].reshape(shape))
            start += size
        return parts

    def _forward(self, x: Array) -> tuple[list[Array], Array, Array, Array]:
        parts = W1, b1, W2, b2 = self._split(x)
        z = self.A @ W1
        z += b1
        a = np.tanh(z, out=z)
        logits = a @ W2
        logits += b2
        logits -= logits.max(axis=1, keepdims=True)
        p = np.exp(logits)
        total = p.sum(axis=1, keepdims=True)
        p /= total
        losses = np.log(total[:, 0]) - logits[np.arange(self.samples), self.y]
        return parts, a, p, losses

    def _backward(self, a: Array, delta: Array, inner: Array) -> Array:
        return np.concatenate([(self.A.T @ inner).ravel(), inner.sum(axis=0), (a.T @ delta).ravel(), delta.sum(axis=0)])

    def numpy_gradient(self, x: Array) -> tuple[float, Array]:
        (_, _, W2, _), a, p, losses = self._forward(x)
        p -= self._truth
        p /= self.samples
        inner = p @ W2.T
        inner *= 1 - a * a
        return float(losses.mean()), self._backward(a, p, inner)

    def numpy_product(self, x: Array, v: Array) -> Array:
        """Pearlmutter's R-operator."""
        (_, _, W2, _), a, p, _ = self._forward(x)
        V1, c1, V2, c2 = self._split(v)
        slope = 1 - a * a
        da = slope * (self.A @ V1 + c1)
        du = da @ W2 + a @ V2 + c2
        dp = p * (du - np.vecdot(p, du)[:, None]) / self.samples
        delta = (p - self._truth) / self.samples
        back = delta @ W2.T
        inner = (dp @ W2.T + delta @ V2.T) * slope - 2 * back * a * da
        return np.concatenate(
            [(self.A.T @ inner).ravel(), inner.sum(axis=0), (a.T @ dp + da.T @ delta).ravel(), dp.sum(axis=0)]
        )

    # -- the others --------------------------------------------------------------------------------------------------

    def jax(self, jnp: Any) -> tuple[Callable[..., Any], tuple[Array, ...]]:
        import jax

        def loss(x: Any, A: Any, y: Any) -> Any:
            W1, b1, W2, b2 = self._split(x)
            logp = jax.nn.log_softmax(jnp.tanh(A @ W1 + b1) @ W2 + b2)
            return -jnp.mean(jnp.take_along_axis(logp, y[:, None], axis=1))

        return loss, (self.A, self.y)

    def casadi(self, ca: Any) -> tuple[Any, Any]:
        x, parts, start = ca.MX.sym("x", self.n), [], 0
        for shape in self.shapes.values():
            size, (rows, columns) = int(np.prod(shape)), shape if len(shape) == 2 else (1, *shape)
            parts.append(ca.reshape(x[start : start + size], columns, rows).T)
            start += size
        W1, b1, W2, b2 = parts
        ones = ca.DM.ones(self.samples, 1)
        logits = ca.tanh(ca.DM(self.A) @ W1 + ones @ b1) @ W2 + ones @ b2
        entropy = ca.log(ca.sum2(ca.exp(logits))) - ca.sum2(logits * ca.DM(self._truth))
        return x, ca.sum1(entropy) / self.samples

    def allows(self, peer: str, column: str) -> None:
        if peer == "casadi" and column == "hessian":
            raise Skip("2410 symbolic directions")
