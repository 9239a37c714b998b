"""The lowest curvature at a point, from Hessian-vector products."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]


@dataclass(frozen=True)
class Ritz:
    """The lowest Ritz value with its unit vector, and the size of the largest one."""

    value: float
    vector: Vector
    size: float


def lowest_curvature(product: Callable[[Vector], Vector], start: Vector, products: int, accuracy: float = 0.1) -> Ritz:
    """Lanczos' method with full reorthogonalisation, for a symmetric operator. [Lanczos 1950; Parlett 1998, ch. 13]

    It ends after `products` of them, or where a negative Ritz value is known to `accuracy` |value|, or where the Krylov
    space is exhausted. From a random start, log(n) / sqrt(delta) products find the lowest eigenvalue to a part delta of
    the spectrum's width with high probability [Kuczynski & Wozniakowski 1992].
    """
    n = start.size
    Q = np.zeros((min(products, n), n))
    alpha, beta = np.zeros(len(Q)), np.zeros(len(Q))
    Q[0] = start / np.linalg.norm(start)
    for k in range(len(Q)):
        w = product(Q[k])
        alpha[k] = Q[k] @ w
        for _ in range(2):  # twice is enough
            w = w - Q[: k + 1].T @ (Q[: k + 1] @ w)
        beta[k] = np.linalg.norm(w)
        T = np.diag(alpha[: k + 1]) + np.diag(beta[:k], 1) + np.diag(beta[:k], -1)
        if not np.isfinite(T).all():
            return Ritz(0.0, Q[0], 0.0)
        values, vectors = np.linalg.eigh(T)
        size = float(np.abs(values).max())
        residual = beta[k] * abs(vectors[-1, 0])
        found = values[0] < 0 and residual <= accuracy * -values[0]
        if found or beta[k] <= 1e-12 * size or k + 1 == len(Q):
            break
        Q[k + 1] = w / beta[k]
    vector = Q[: k + 1].T @ vectors[:, 0]
    return Ritz(float(values[0]), vector / np.linalg.norm(vector), size)
