"""Eigenvalue density of a symmetric H by stochastic Lanczos quadrature, from products with H alone.

For a random v with independent signs, k steps of Lanczos' method give a tridiagonal T = Y diag(theta) Y^T, and

    E v^T delta(t - H) v / n  ~  sum_i Y[0, i]^2 delta(t - theta_i)

is the density, exact for polynomials of degree 2 k - 1. [Golub & Welsch 1969; Ubaru, Chen & Saad 2017; Ghorbani,
Krishnan & Xiao 2019]
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Density", "density_of", "ritz_pairs"]

Array = NDArray[np.float64]
EPS = float(np.finfo(float).eps)


class Density(NamedTuple):
    """Probability measures of the eigenvalues, one a probe: `nodes` (m, k) with `weights` (m, k) that sum to 1."""

    nodes: Array
    weights: Array

    def smooth(self, at: Array, width: float) -> tuple[Array, Array]:
        """The density (p,) at places (p,), blurred by a normal distribution of this standard deviation, and its error.

        The error is the standard error of the mean over probes.
        """
        kernel = np.exp(-0.5 * ((at[:, None, None] - self.nodes) / width) ** 2) / (width * np.sqrt(2 * np.pi))
        return _mean((kernel * self.weights).sum(axis=2).T)

    def below(self, at: float) -> tuple[float, float]:
        """The part of the eigenvalues that is below a value, and its error."""
        share, error = _mean((self.weights * (self.nodes < at)).sum(axis=1)[:, None])
        return float(share[0]), float(error[0])


def density_of(
    product: Callable[[Array], Array], size: int, probes: int, steps: int, rng: np.random.Generator
) -> Density:
    """By `probes` random vectors of signs, with at most `steps` products each, fully reorthogonalised."""
    nodes, weights = np.zeros((probes, min(steps, size))), np.zeros((probes, min(steps, size)))
    for probe in range(probes):
        values, vectors, _ = _lanczos(product, rng.choice([-1.0, 1.0], size), nodes.shape[1])
        nodes[probe], weights[probe] = values[-1], 0.0  # an invariant space has fewer nodes: the rest has no weight
        nodes[probe, : values.size], weights[probe, : values.size] = values, vectors[0] ** 2
    return Density(nodes, weights)


def ritz_pairs(product: Callable[[Array], Array], v: Array, steps: int) -> tuple[Array, Array]:
    """Ritz values (k,) of H, ascending, and their unit vectors (k, n), in the Krylov space of v."""
    values, vectors, basis = _lanczos(product, v, steps)
    return values, np.asarray(vectors.T @ basis)


def _lanczos(product: Callable[[Array], Array], v: Array, steps: int) -> tuple[Array, Array, Array]:
    """theta (k,), Y (k, k) and the basis (k, n), k at most `steps`."""
    v, steps = v.copy(), min(steps, v.size)
    basis = np.empty((steps, v.size))
    diagonal, beside = np.zeros(steps), np.zeros(steps)
    length = float(np.linalg.norm(v))
    for j in range(steps):
        basis[j] = v / length
        v = product(basis[j])
        diagonal[j] = basis[j] @ v
        for _ in range(2):
            v = v - basis[: j + 1].T @ (basis[: j + 1] @ v)
        length = beside[j] = float(np.linalg.norm(v))
        if length <= v.size * EPS * np.abs(diagonal[: j + 1]).max() or not np.isfinite(length):
            break
    k = j + 1
    T = np.diag(diagonal[:k]) + np.diag(beside[: k - 1], 1) + np.diag(beside[: k - 1], -1)
    return *np.linalg.eigh(T), basis[:k]


def _mean(samples: Array) -> tuple[Array, Array]:
    """Mean over the rows and its standard error, inf for one row."""
    count = len(samples)
    spread = samples.std(axis=0, ddof=1) if count > 1 else np.full(samples.shape[1], np.inf)
    return samples.mean(axis=0), np.asarray(spread / np.sqrt(count))
