"""Penalties of the singular values of a matrix."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ncsolve.errors import ProblemError
from ncsolve.penalties.base import Active, Array, Penalty, number

__all__ = ["NuclearNorm"]

RANK = 1e-10  # singular values below this part of the largest are zero


@dataclass(frozen=True)
class NuclearNorm(Penalty):
    """lambda times the sum of the singular values of a matrix. [Fazel 2002; Recht, Fazel & Parrilo 2010]

    strength = lambda >= 0. prox: U max(S - t lambda, 0) V', singular value thresholding [Cai, Candès & Shen 2010].
    """

    strength: float = number(at_least=0)

    def check_shape(self, shape: tuple[int, ...], what: str) -> None:
        if len(shape) != 2:
            raise ProblemError(f"{what}: NuclearNorm is for a matrix, but the shape of this variable is {shape}.")

    def value(self, x: ArrayLike) -> float:
        return float(self.strength * np.linalg.svd(np.asarray(x, dtype=np.float64), compute_uv=False).sum())

    def prox(self, v: ArrayLike, t: float) -> Array:
        U, s, Vt = np.linalg.svd(np.asarray(v, dtype=np.float64), full_matrices=False)
        return np.asarray((U * np.maximum(s - t * self.strength, 0.0)) @ Vt)

    def least_subgradient(self, x: Array, g: Array) -> Array:
        """On the normal space of the matrices of this rank the singular values of g shrink by lambda. [Watson 1992]"""
        U, s, Vt = np.linalg.svd(x, full_matrices=False)
        rank = int(np.count_nonzero(s > RANK * s.max(initial=0.0)))
        U, Vt = U[:, :rank], Vt[:rank]
        normal = g - U @ (U.T @ g)
        normal -= (normal @ Vt.T) @ Vt
        return np.asarray(g - normal + self.strength * U @ Vt + self.prox(normal, 1.0))

    def active(self, x: Array, g: Array) -> Active:
        if not x.any():
            slack = self.strength - float(np.linalg.norm(g, 2))
            return Active(np.zeros(x.size, bool), np.full(x.size, slack))
        reason = "the curvature of the manifold of matrices of one rank is not computed"
        return Active(np.ones(x.size, bool), np.full(x.size, np.inf), reason=reason)
