"""The convex separable penalties: each prox is one formula."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ncsolve.penalties.base import Array, number
from ncsolve.penalties.separable import Separable

__all__ = ["L1", "L2", "ElasticNet"]


@dataclass(frozen=True)
class ElasticNet(Separable):
    """sum_i lambda (rho |x_i| + (1 - rho) x_i^2 / 2), the elastic net. [Zou & Hastie 2005]

    strength = lambda >= 0, l1_ratio = rho in [0, 1]. prox: sign(v) max(|v| - t lambda rho, 0) / (1 + t lambda
    (1 - rho)).
    """

    strength: float = number(at_least=0)
    l1_ratio: float = number(0.5, at_least=0, at_most=1)

    def profile(self, r: Array) -> Array:
        return np.asarray(self.strength * r * (self.l1_ratio + (1 - self.l1_ratio) / 2 * r))

    def derivative(self, r: Array, order: int) -> Array:
        ridge = self.strength * (1 - self.l1_ratio)
        if order == 1:
            return np.asarray(self.strength * self.l1_ratio + ridge * r)
        return np.full_like(r, ridge if order == 2 else 0.0)

    def candidates(self, r: Array, t: float) -> list[Array]:
        ridge = self.strength * (1 - self.l1_ratio)
        return [np.maximum(r - t * self.strength * self.l1_ratio, 0.0) / (1 + t * ridge)]


@dataclass(frozen=True)
class L1(Separable):
    """lambda |x|_1 = sum_i lambda |x_i|, the lasso. [Tibshirani 1996]

    strength = lambda >= 0. prox: soft thresholding, sign(v) max(|v| - t lambda, 0) [Donoho 1995].
    """

    strength: float = number(at_least=0)

    def profile(self, r: Array) -> Array:
        return np.asarray(self.strength * r)

    def derivative(self, r: Array, order: int) -> Array:
        return np.full_like(r, self.strength if order == 1 else 0.0)

    def candidates(self, r: Array, t: float) -> list[Array]:
        return [np.maximum(r - t * self.strength, 0.0)]


@dataclass(frozen=True)
class L2(Separable):
    """(lambda / 2) |x|^2, squared: ridge, or weight decay. [Hoerl & Kennard 1970]

    strength = lambda >= 0. prox: v / (1 + t lambda). The norm |x| itself, not squared, is `GroupLasso` with one group.
    """

    strength: float = number(at_least=0)

    def profile(self, r: Array) -> Array:
        return np.asarray(self.strength / 2 * r**2)

    def derivative(self, r: Array, order: int) -> Array:
        if order == 1:
            return np.asarray(self.strength * r)
        return np.full_like(r, self.strength if order == 2 else 0.0)

    def candidates(self, r: Array, t: float) -> list[Array]:
        return [r / (1 + t * self.strength)]
