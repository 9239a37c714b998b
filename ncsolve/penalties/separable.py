"""Penalties that are sums p(|x_i|) over the entries: one function of a size r >= 0 is all that each has to say."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ncsolve.penalties.base import Active, Array, Entries, Penalty

__all__ = ["Separable"]


@dataclass(frozen=True)
class Separable(Penalty):
    """sum_i p(|x_i|), with a kink at 0 where p'(0+) > 0.

    The minimiser of (z - v)^2 / 2 + t p(|z|) has the sign of v, so that a prox is found for r = |v|. Where p is convex
    there is one closed form. Elsewhere each piece on which the function is convex has its own closed-form minimiser,
    where it is concave none: the lowest of these `candidates` is the prox, for every t > 0. On a tie it is the smallest
    of them, which is the sparsest.
    """

    @abstractmethod
    def profile(self, r: Array) -> Array:
        """p(r), r >= 0"""

    @abstractmethod
    def derivative(self, r: Array, order: int) -> Array:
        """The derivative of p of this order, >= 1; at r = 0 and at joints that of the right side."""

    @abstractmethod
    def candidates(self, r: Array, t: float) -> list[Array]:
        """Sizes of all local minimisers of (z - r)^2 / 2 + t p(z) over z >= 0, and perhaps more, by increasing size."""

    def value(self, x: ArrayLike) -> float:
        return float(self.profile(np.abs(np.asarray(x, dtype=np.float64))).sum())

    def prox(self, v: ArrayLike, t: float) -> Array:
        v = np.asarray(v, dtype=np.float64)
        r = np.abs(v)
        return np.asarray(np.copysign(self._lowest(r, t, self.candidates(r, t)), v) + 0.0)  # no -0

    def prox_inside(self, v: Array, t: float, lower: Array, upper: Array) -> Array:
        """The prox of p plus the indicator of a box: the lowest of 0 and the candidates, each moved into the box.

        Between two of them the function is monotone or concave, so that where an end of the box is the minimiser, one
        of them moves there.
        """
        sign = np.where(v < 0, -1.0, 1.0)
        low, high = np.where(v < 0, -upper, lower), np.where(v < 0, -lower, upper)
        r = np.abs(v)
        found = [np.clip(z, low, high) for z in (np.zeros_like(r), *self.candidates(r, t))]
        return sign * self._lowest(r, t, found)

    def _lowest(self, r: Array, t: float, candidates: list[Array]) -> Array:
        z = np.stack(candidates) if len(candidates) > 1 else candidates[0][None]
        if len(z) == 1:
            return np.asarray(z[0])
        height = z * (z / 2 - r) + t * self.profile(np.abs(z))
        return np.asarray(np.take_along_axis(z, height.argmin(axis=0)[None], axis=0)[0])

    def edge(self) -> float:
        """p'(0+): the subdifferential at 0 is [-edge, edge]."""
        return float(self.derivative(np.zeros(1), 1)[0])

    def least_subgradient(self, x: Array, g: Array) -> Array:
        inside = np.sign(g) * np.maximum(np.abs(g) - self.edge(), 0.0)
        return np.where(x == 0, inside, g + self.gradient(x))

    def active(self, x: Array, g: Array) -> Active:
        """Zeros are held where there is a kink, by p'(0+) - |g|."""
        x, g = x.ravel(), g.ravel()
        held = (x == 0) & (self.edge() > 0)
        return Active(~held, np.where(held, self.edge() - np.abs(g), np.inf))

    def gradient(self, x: Array) -> Array:
        return np.copysign(np.where(x == 0, 0.0, self.derivative(np.abs(x), 1)), x)

    def hessian(self, x: Array) -> Entries:
        diagonal = np.arange(x.size)
        return self.derivative(np.abs(x.ravel()), 2), diagonal, diagonal
