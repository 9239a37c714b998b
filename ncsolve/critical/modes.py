"""Steps of Newton's kind from many points at once, by the eigenvectors of their Hessians.

    H(x) = V diag(lam) V^T,    c = V^T grad f(x),    step = V s(lam, c)

Newton's method has s = -c / lam. What replaces 1 / lam, so that steps stay short and lead where they are meant to, is
the caller's own:

    towards_critical        -c lam / (lam^2 + mu max lam^2)                      |grad f| falls: any critical point
    landscapes.flow         -c / (lam + 1 / t)                                   f falls: a minimum
    landscapes.following    -+ 2 c / (|lam| + sqrt(lam^2 + 4 c^2))               f rises along one vector: a saddle
    multistart              -c / (lam + mu), |s| = Delta                         f falls in a trust region: a minimum

All of them are Newton's steps in the end. `critical.newton` goes from one point, also by sparse Hessians, to what
rounding leaves of its critical point, and says what that is worth.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from ncsolve.oracle import Oracle

__all__ = ["Modes", "finite", "towards_critical"]

Array = NDArray[np.float64]

STEPS = 60
FIRST, LEAST, LARGEST = 1e-2, 1e-20, 1e8  # mu
LOWERED, RAISED = 0.05, 8.0  # mu after a step that is taken, and after one that is not
ZERO = 1e-9  # of a gradient, relative to |H| (1 + |x|)
EPS = float(np.finfo(float).eps)
TINY = 1e-300  # for 1 / 0


class Modes(NamedTuple):
    """Eigenvalues (m, n), ascending, and vectors (m, n, n) of Hessians, and the gradients along these: c (m, n)."""

    values: Array
    vectors: Array
    slopes: Array

    @staticmethod
    def of(hessians: Array, gradients: Array) -> Modes:
        """Of derivatives (m, n, n) and (m, n), with 0 for an entry that is not finite."""
        values, vectors = np.linalg.eigh(finite(hessians))
        return Modes(values, vectors, np.einsum("mji,mj->mi", vectors, finite(gradients)))

    @property
    def largest(self) -> Array:
        """max |lam| (m, 1)"""
        return np.asarray(np.abs(self.values).max(axis=1, initial=0.0, keepdims=True))

    def step(self, s: Array) -> Array:
        """V s (m, n)."""
        return np.asarray(np.einsum("mij,mj->mi", self.vectors, s))


def towards_critical(oracle: Oracle, x: Array, steps: int = STEPS, deadline: float = np.inf) -> Array:
    """Critical points (k, n) to which Levenberg and Marquardt's method for |grad f|^2 leads from points (m, n).

        x+ = x - (H^2 + mu max lam^2 I)^-1 H g

    where |g| falls by it; mu falls with it, and rises where it does not. A point rests once nothing can change.
    Where so many steps leave more of the gradient than rounding, nothing is handed back. [Nocedal & Wright 2006, 10.3]
    """
    x, mu, active = x.copy(), np.full((len(x), 1), FIRST), np.arange(len(x))
    with oracle.uncounted():
        g = oracle.gradient(x)
        for _ in range(steps):
            if not len(active) or time.perf_counter() > deadline:
                break
            here, old, by = x[active], g[active], mu[active]
            modes = Modes.of(oracle.hessian(here, dense=True), old)
            lam, largest = modes.values, modes.largest
            trial = here - modes.step(lam / (lam**2 + by * np.maximum(largest**2, TINY) + TINY) * modes.slopes)
            new = oracle.gradient(trial)
            before = np.linalg.norm(old, axis=1)
            better = np.linalg.norm(new, axis=1) < before
            x[active[better]], g[active[better]] = trial[better], new[better]
            mu[active] = np.where(better[:, None], np.maximum(LOWERED * by, LEAST), np.minimum(RAISED * by, LARGEST))
            rounded = before <= EPS * largest[:, 0] * np.abs(here).max(axis=1, initial=0.0)
            stuck = (by[:, 0] == LARGEST) | rounded | (trial == here).all(axis=1)
            active = active[better | ~stuck]
        size = np.linalg.norm(finite(oracle.hessian(x, dense=True)), axis=(1, 2))
        small = np.linalg.norm(g, axis=1) <= ZERO * (1 + size * (1 + np.abs(x).max(axis=1, initial=0.0)))
    return np.asarray(x[small & np.isfinite(g).all(axis=1)])


def finite(values: Array) -> Array:
    """With 0 for what is not finite."""
    return np.where(np.isfinite(values), values, 0.0)
