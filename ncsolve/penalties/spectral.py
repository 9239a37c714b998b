"""Penalties of the singular values of a matrix."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ncsolve.errors import ProblemError
from ncsolve.penalties.base import Active, Array, Entries, Penalty, number

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
        U, _, Vt = self._svd(x)
        normal = _normal_part(g, U, Vt)
        return np.asarray(g - normal + self.strength * U @ Vt + self.prox(normal, 1.0))

    def active(self, x: Array, g: Array) -> Active:
        """0 is held entry by entry; else the rank is held, by what the normal part of g is shorter than lambda."""
        U, s, Vt = self._svd(x)
        full = s.size == min(x.shape)
        force = np.inf if full else self.strength - float(np.linalg.norm(_normal_part(g, U, Vt), 2))
        slack = np.full(x.size, force)
        return Active(np.full(x.size, s.size > 0), slack, rank=s.size or None)

    def gradient(self, x: Array) -> Array:
        """lambda U V'"""
        U, _, Vt = self._svd(x)
        return np.asarray(self.strength * U @ Vt)

    def hessian(self, x: Array) -> Entries:
        """In singular bases, with M = U' dX V within the range and the parts Y, Z of dX off it on either side,

        lambda (sum_i<j (M_ij - M_ji)^2 / (s_i + s_j) + sum_i (|Y_i|^2 + |Z_i|^2) / s_i).
        """
        rank = self._svd(x)[1].size
        U, s, Vt = np.linalg.svd(x)
        p, q = x.shape
        within = np.zeros((p, q, p, q))
        for i in range(rank):
            for j in range(i):
                twist = np.zeros((p, q))
                twist[i, j], twist[j, i] = 1.0, -1.0
                within += np.multiply.outer(twist, twist) / (s[i] + s[j])
            within[i, range(rank, q), i, range(rank, q)] += 1 / s[i]
            within[range(rank, p), i, range(rank, p), i] += 1 / s[i]
        rotation = np.kron(U.T, Vt)
        H = self.strength * rotation.T @ within.reshape(p * q, p * q) @ rotation
        rows, columns = np.indices(H.shape)
        return H.ravel(), rows.ravel(), columns.ravel()

    def _svd(self, x: Array) -> tuple[Array, Array, Array]:
        """Without singular values that are rounding."""
        U, s, Vt = np.linalg.svd(x, full_matrices=False)
        rank = int(np.count_nonzero(s > RANK * s.max(initial=0.0)))
        return U[:, :rank], s[:rank], Vt[:rank]


def _normal_part(g: Array, U: Array, Vt: Array) -> Array:
    """(I - U U') g (I - V V'), normal to the manifold of the matrices of one rank."""
    left = g - U @ (U.T @ g)
    return np.asarray(left - (left @ Vt.T) @ Vt)
