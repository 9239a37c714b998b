"""Matrices of one rank, in coordinates around one of them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["RankChart"]

Array = NDArray[np.float64]


class RankChart:
    """X(C, W) = (U + U' W) C of rank r, with C (r, q) and W (p - r, r), around W = 0. [Vandereycken 2013, Sec. 2]

    U (p, r) and U' (p, p - r) are the left singular vectors of X. The dimension is r (p + q - r), and X is bilinear.
    """

    def __init__(self, X: Array, rank: int) -> None:
        U = np.linalg.svd(X)[0]
        self.U, self.rest, self.rank = U[:, :rank], U[:, rank:], rank
        self.columns = X.shape[1]
        self.split = rank * self.columns
        self.start = np.concatenate([(self.U.T @ X).ravel(), np.zeros(self.rest.shape[1] * rank)])

    def factors(self, c: Array) -> tuple[Array, Array]:
        """U + U' W and C."""
        W = c[self.split :].reshape(-1, self.rank)
        return self.U + self.rest @ W, c[: self.split].reshape(self.rank, -1)

    def point(self, c: Array) -> Array:
        """X flattened."""
        P, C = self.factors(c)
        return np.asarray((P @ C).ravel())

    def jacobian(self, c: Array) -> Array:
        """dX = P dC + U' dW C, flattened: (p q, d)"""
        P, C = self.factors(c)
        return np.hstack([np.kron(P, np.eye(self.columns)), np.kron(self.rest, C.T)])

    def bend(self, gradient: Array) -> Array:
        """The second derivative of <gradient, X(C, W)>, (d, d): 2 <gradient, U' dW dC> of (dC, dW)."""
        d = self.start.size
        pull = self.rest.T @ gradient.reshape(-1, self.columns)  # (p - r, q)
        mixed = np.einsum("aj,kl->kjal", pull, np.eye(self.rank)).reshape(self.split, d - self.split)
        H = np.zeros((d, d))
        H[: self.split, self.split :] = mixed
        return H + H.T
