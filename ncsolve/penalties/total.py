"""All penalties of a problem together, as one function of x (n,)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ncsolve.penalties.base import Array, Penalty
from ncsolve.penalties.separable import Separable

__all__ = ["Part", "TotalPenalty"]


@dataclass(frozen=True)
class Part:
    """A penalty and the entries of x that it applies to, with the shape that they have."""

    penalty: Penalty
    place: slice
    shape: tuple[int, ...]
    name: str
    """Of its variables, for texts."""

    def __str__(self) -> str:
        return f"{self.penalty} on {self.name}"


@dataclass(frozen=True, eq=False)
class TotalPenalty:
    """sum_k p_k(x[place_k]) with disjoint places, inside the bounds of the problem where it has some (n,)."""

    parts: tuple[Part, ...]
    lower: Array | None = None
    upper: Array | None = None

    def __iter__(self) -> Iterator[Part]:
        return iter(self.parts)

    def __str__(self) -> str:
        return ", ".join(map(str, self.parts))

    def value(self, x: Array) -> Any:
        """p(x): a float, or (m,) for a batch; nan where x is not finite."""
        if x.ndim == 2:
            return np.array([self.value(row) for row in x])
        if not np.isfinite(x).all():
            return math.nan
        return sum(part.penalty.value(x[part.place].reshape(part.shape)) for part in self.parts)

    def prox(self, v: Array, t: float) -> Array:
        """prox of t p plus the indicator of the bounds, (n,)."""
        x = v.copy() if self.lower is None or self.upper is None else np.clip(v, self.lower, self.upper)
        for part in self.parts:
            penalty, place = part.penalty, part.place
            if isinstance(penalty, Separable) and self.lower is not None and self.upper is not None:
                x[place] = penalty.prox_inside(v[place], t, self.lower[place], self.upper[place])
            else:
                x[place] = penalty.prox(v[place].reshape(part.shape), t).ravel()
        return x

    def least_subgradient(self, x: Array, g: Array) -> Array:
        """The element of least norm of g + dp(x) + the normal cone of the bounds, (n,)."""
        least = self._each("least_subgradient", x, g, otherwise=g)
        if self.lower is None or self.upper is None:
            return least
        return np.clip(least, np.where(x >= self.upper, 0.0, -np.inf), np.where(x <= self.lower, 0.0, np.inf))

    def gradient(self, x: Array) -> Array:
        """Of p on its active manifold, (n,); 0 where nothing is penalised."""
        return self._each("gradient", x, otherwise=np.zeros_like(x))

    def _each(self, method: str, *arrays: Array, otherwise: Array) -> Array:
        result = otherwise.copy()
        for part in self.parts:
            blocks = [array[part.place].reshape(part.shape) for array in arrays]
            result[part.place] = getattr(part.penalty, method)(*blocks).ravel()
        return result
