"""The non-convex separable penalties: they let large entries go free of the bias that L1 puts on them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ncsolve.penalties.base import Array, number
from ncsolve.penalties.separable import Separable

__all__ = ["L0", "MCP", "SCAD", "CappedL1", "LHalf", "LogSum"]


@dataclass(frozen=True)
class L0(Separable):
    """lambda times the number of entries that are not 0. [Blumensath & Davies 2008]

    strength = lambda >= 0. prox: hard thresholding, v where |v| > sqrt(2 t lambda), else 0, also at the jump.
    """

    strength: float = number(at_least=0)

    def profile(self, r: Array) -> Array:
        return np.where(r > 0, self.strength, 0.0)

    def derivative(self, r: Array, order: int) -> Array:
        at_zero = math.inf if order == 1 and self.strength > 0 else 0.0
        return np.where(r == 0, at_zero, 0.0)

    def candidates(self, r: Array, t: float) -> list[Array]:
        return [np.zeros_like(r), r]


@dataclass(frozen=True)
class LHalf(Separable):
    """lambda sum_i sqrt|x_i|. [Xu, Chang, Xu & Zhang 2012]

    strength = lambda >= 0. prox: with u = t lambda, 0 where |v| <= (54^(1/3) / 4) (2 u)^(2/3) (also at the jump), else
    (2/3) v (1 + cos(2 pi / 3 - (2/3) arccos((u / 4) (|v| / 3)^(-3/2)))).
    """

    strength: float = number(at_least=0)

    def profile(self, r: Array) -> Array:
        return np.asarray(self.strength * np.sqrt(r))

    def derivative(self, r: Array, order: int) -> Array:
        if self.strength == 0:
            return np.zeros_like(r)
        factor = math.prod(0.5 - k for k in range(order))
        at_zero = math.inf if order == 1 else 0.0
        return np.where(r > 0, self.strength * factor * np.where(r > 0, r, 1.0) ** (0.5 - order), at_zero)

    def candidates(self, r: Array, t: float) -> list[Array]:
        cosine = t * self.strength / 4 * (np.where(r > 0, r, 1.0) / 3) ** -1.5
        exists = (r > 0) & (cosine <= 1)
        angle = 2 / 3 * (math.pi - np.arccos(np.where(exists, cosine, 0.0)))
        return [np.zeros_like(r), np.where(exists, 2 / 3 * r * (1 + np.cos(angle)), 0.0)]


@dataclass(frozen=True)
class LogSum(Separable):
    """lambda sum_i log(1 + |x_i| / epsilon). [Candès, Wakin & Boyd 2008]

    strength = lambda >= 0, epsilon > 0. prox: 0, or the larger root ((r - epsilon) + sqrt((r + epsilon)^2 - 4 t
    lambda)) / 2 of the derivative for r = |v|, whichever is lower [Prater-Bennette, Shen & Tripp 2022].
    """

    strength: float = number(at_least=0)
    epsilon: float = number(0.1, above=0)

    def profile(self, r: Array) -> Array:
        return np.asarray(self.strength * np.log1p(r / self.epsilon))

    def derivative(self, r: Array, order: int) -> Array:
        factor = (-1) ** (order - 1) * math.factorial(order - 1)
        return np.asarray(self.strength * factor / (self.epsilon + r) ** order)

    def candidates(self, r: Array, t: float) -> list[Array]:
        discriminant = (r + self.epsilon) ** 2 - 4 * t * self.strength
        root = (r - self.epsilon + np.sqrt(np.maximum(discriminant, 0.0))) / 2
        return [np.zeros_like(r), np.where(discriminant >= 0, np.maximum(root, 0.0), 0.0)]


@dataclass(frozen=True)
class SCAD(Separable):
    """Smoothly clipped absolute deviation. [Fan & Li 2001, eqs. 2.7 and 2.8]

    strength = lambda >= 0, a > 2. p'(r) = lambda up to r = lambda, (a lambda - r) / (a - 1) up to a lambda, then 0.
    prox for t < a - 1: soft thresholding up to r = (1 + t) lambda, ((a - 1) v - sign(v) t a lambda) / (a - 1 - t) up to
    a lambda, then v. For t >= a - 1 the middle part is concave and the prox jumps over it.
    """

    strength: float = number(at_least=0)
    a: float = number(3.7, above=2)

    def profile(self, r: Array) -> Array:
        lam, a = self.strength, self.a
        middle = (2 * a * lam * r - r**2 - lam**2) / (2 * (a - 1))
        return np.where(r <= lam, lam * r, np.where(r <= a * lam, middle, lam**2 * (a + 1) / 2))

    def derivative(self, r: Array, order: int) -> Array:
        lam, a = self.strength, self.a
        middle = {1: (a * lam - r) / (a - 1), 2: np.full_like(r, -1 / (a - 1))}.get(order, np.zeros_like(r))
        return np.where(r < lam, lam if order == 1 else 0.0, np.where(r < a * lam, middle, 0.0))

    def candidates(self, r: Array, t: float) -> list[Array]:
        lam, a = self.strength, self.a
        found = [np.clip(r - t * lam, 0.0, lam)]
        if t < a - 1:
            found.append(np.clip(((a - 1) * r - t * a * lam) / (a - 1 - t), lam, a * lam))
        return [*found, np.maximum(r, a * lam)]


@dataclass(frozen=True)
class MCP(Separable):
    """Minimax concave penalty, lambda r - r^2 / (2 gamma) up to r = gamma lambda, then gamma lambda^2 / 2. [Zhang 2010]

    strength = lambda >= 0, gamma > 0. prox for t < gamma (firm thresholding): sign(v) max(r - t lambda, 0) / (1 - t /
    gamma) up to r = gamma lambda, then v. For t >= gamma hard thresholding at sqrt(t gamma) lambda, 0 at the jump.
    """

    strength: float = number(at_least=0)
    gamma: float = number(3.0, above=0)

    def profile(self, r: Array) -> Array:
        lam, gamma = self.strength, self.gamma
        return np.where(r <= gamma * lam, lam * r - r**2 / (2 * gamma), gamma * lam**2 / 2)

    def derivative(self, r: Array, order: int) -> Array:
        lam, gamma = self.strength, self.gamma
        inside = {1: lam - r / gamma, 2: np.full_like(r, -1 / gamma)}.get(order, np.zeros_like(r))
        return np.where(r < gamma * lam, inside, 0.0)

    def candidates(self, r: Array, t: float) -> list[Array]:
        lam, gamma = self.strength, self.gamma
        inside = np.clip((r - t * lam) / (1 - t / gamma), 0.0, gamma * lam) if t < gamma else np.zeros_like(r)
        return [inside, np.maximum(r, gamma * lam)]


@dataclass(frozen=True)
class CappedL1(Separable):
    """lambda sum_i min(|x_i|, theta). [Zhang 2010, multi-stage convex relaxation]

    strength = lambda >= 0, threshold = theta > 0. prox: soft thresholding below theta or v above it, whichever is lower
    [Gong, Zhang, Lu, Huang & Ye 2013, GIST].
    """

    strength: float = number(at_least=0)
    threshold: float = number(1.0, above=0)

    def profile(self, r: Array) -> Array:
        return np.asarray(self.strength * np.minimum(r, self.threshold))

    def derivative(self, r: Array, order: int) -> Array:
        return np.where(r < self.threshold, self.strength if order == 1 else 0.0, 0.0)

    def candidates(self, r: Array, t: float) -> list[Array]:
        return [np.clip(r - t * self.strength, 0.0, self.threshold), np.maximum(r, self.threshold)]
