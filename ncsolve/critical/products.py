"""The ends of the spectrum of a Hessian that is too large to be formed, by Lanczos' method on its products."""

from __future__ import annotations

from collections.abc import Callable
from math import log, sqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Ritz", "lanczos"]

Vector = NDArray[np.float64]
EPS = float(np.finfo(float).eps)


class Ritz(NamedTuple):
    """Ritz values of v -> H v, ascending; `lowest` (n,) is the vector of the lowest, `residual` |H v - value v| there.

    `exhausted`: the Krylov space is invariant, so that the ends are exact.
    """

    values: Vector
    lowest: Vector
    residual: float
    exhausted: bool

    def lower_bound(self, size: int, failure: float) -> float:
        """No eigenvalue is below this, except with probability `failure` over the random start.

        P(lambda_min < theta_min - e (lambda_max - lambda_min)) <= 1.648 sqrt(n) exp(-sqrt(e) (2k - 1)) after k steps.
        [Kuczynski, Wozniakowski 1992, Theorem 4.2]
        """
        k = self.values.size
        share = (log(1.648 * sqrt(size) / failure) / (2 * k - 1)) ** 2
        span = float(self.values[-1] - self.values[0])
        return float(self.values[0]) - (0.0 if self.exhausted else span * share / max(1 - 2 * share, 1e-3))


def lanczos(product: Callable[[Vector], Vector], size: int, steps: int) -> Ritz:
    """At most `steps` products with H, from a random start, fully reorthogonalised."""
    basis = np.empty((min(steps, size), size))
    diagonal: list[float] = []
    beside: list[float] = []
    v = np.random.default_rng(0).standard_normal(size)
    length = float(np.linalg.norm(v))
    exhausted = False
    for j in range(len(basis)):
        basis[j] = v / length
        v = product(basis[j])
        diagonal.append(float(basis[j] @ v))
        for _ in range(2):
            v = v - basis[: j + 1].T @ (basis[: j + 1] @ v)
        length = float(np.linalg.norm(v))
        beside.append(length)
        exhausted = j + 1 == size or length <= size * EPS * max(map(abs, diagonal))
        if exhausted:
            break
    k = len(diagonal)
    values, vectors = np.linalg.eigh(np.diag(diagonal) + np.diag(beside[: k - 1], 1) + np.diag(beside[: k - 1], -1))
    return Ritz(values, basis[:k].T @ vectors[:, 0], abs(beside[k - 1] * float(vectors[-1, 0])), exhausted)
