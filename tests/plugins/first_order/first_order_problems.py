"""Three problems with curvature of about 1, each written twice: for ncsolve, and for NumPy or JAX (`xp`)."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import sympy as sp

import ncsolve as nc

N, D = 40, 4
_rng = np.random.default_rng(7)
A, Y = _rng.normal(size=(N, D)), np.where(_rng.normal(size=N) > 0, 1.0, -1.0)
SPECTRUM = np.array([0.02, 0.1, 0.5, 2.0])
START = np.array([1.5, -1.0, 0.5, 2.0])

w, i, j = sp.IndexedBase("w", shape=(D,)), *sp.symbols("i j", integer=True)
a, y, lam = sp.IndexedBase("A", shape=(N, D)), sp.IndexedBase("y", shape=(N,)), sp.IndexedBase("lam", shape=(D,))
margin = y[i] * sp.Sum(a[i, j] * w[j], (j, 0, D - 1))


@cache
def quadratic() -> nc.Problem:
    return nc.Problem(sp.Sum(lam[j] * w[j] ** 2, (j, 0, D - 1)) / 2, data={lam: SPECTRUM}, start={w: START})


@cache
def logistic() -> nc.Problem:
    f = sp.Sum(sp.log(1 + sp.exp(-margin)), (i, 0, N - 1)) / N
    return nc.Problem(f, data={a: A, y: Y}, samples=i, start={w: START})


@cache
def sigmoid() -> nc.Problem:
    """Not convex."""
    f = sp.Sum(1 / (1 + sp.exp(margin)), (i, 0, N - 1)) / N + sp.Sum(w[j] ** 2, (j, 0, D - 1)) / 20
    return nc.Problem(f, data={a: A, y: Y}, samples=i, start={w: START})


def objective(name: str, xp: Any) -> Callable[[Any], Any]:
    """The same as a function of x."""
    return {
        "quadratic": lambda x: (SPECTRUM * x * x).sum() / 2,
        "logistic": lambda x: xp.log1p(xp.exp(-Y * (A @ x))).mean(),
        "sigmoid": lambda x: (1 / (1 + xp.exp(Y * (A @ x)))).mean() + (x * x).sum() / 20,
    }[name]


def gradient(name: str) -> Callable[[np.ndarray], np.ndarray]:
    """By hand."""

    def logistic(x):
        return -(A.T @ (Y / (1 + np.exp(Y * (A @ x))))) / N

    def sigmoid(x):
        s = 1 / (1 + np.exp(Y * (A @ x)))
        return -(A.T @ (Y * s * (1 - s))) / N + x / 10

    return {"quadratic": lambda x: SPECTRUM * x, "logistic": logistic, "sigmoid": sigmoid}[name]


PROBLEMS: dict[str, Callable[[], nc.Problem]] = {"quadratic": quadratic, "logistic": logistic, "sigmoid": sigmoid}
