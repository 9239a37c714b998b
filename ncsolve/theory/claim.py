"""One inequality or identity of a theorem, with both sides as numbers, and the comparison that decides it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["FLOOR", "LEVEL", "TOLERANCE", "Claim", "Violation", "comparisons"]

TOLERANCE = 1e-9
"""Of an inequality, relative to max(1, |left|, |right|)."""
FLOOR = 1e3 * float(np.finfo(float).eps)
"""Nothing is compared once f - f* < FLOOR max(1, |f|)."""
LEVEL = 1e-6
"""Probability with which a statistical check rejects a true statement."""


@dataclass(frozen=True)
class Violation:
    """Where a claim failed first: iterate, both sides, and how far beyond the tolerance left exceeds right."""

    what: str
    iteration: int
    left: float
    right: float
    excess: float

    def __str__(self) -> str:
        sides = f"{self.left:.6g} > {self.right:.6g}, by {self.excess:.3g}"
        return f"At iterate {self.iteration} {self.what} fails: {sides}."


@dataclass(frozen=True)
class Claim:
    """left[i] <= right[i] for every i, or left = right within `allowed` where that is given.

    `first` is the iterate that index 0 speaks of. A statistical claim has a test's statistic on the left and its
    critical value on the right. NaN violates: a run that leaves the numbers keeps no promise. The sides are enclosures,
    arrays of `Number`, where a proof evaluates them.
    """

    what: str
    left: NDArray[Any]
    right: NDArray[Any]
    first: int = 0
    allowed: NDArray[np.float64] | None = None
    statistical: bool = False

    @classmethod
    def at_most(cls, what: str, left: ArrayLike, right: ArrayLike, first: int = 0, **more: Any) -> Claim:
        """left <= right"""
        a, b = np.broadcast_arrays(np.atleast_1d(_side(left)), np.atleast_1d(_side(right)))
        return cls(what, a, b, first, **more)

    @classmethod
    def equal(cls, what: str, left: ArrayLike, right: ArrayLike, allowed: ArrayLike, first: int = 0) -> Claim:
        """|left - right| <= allowed, by the largest entry of each row."""
        a, b = np.broadcast_arrays(np.asarray(left, float), np.asarray(right, float))
        difference = np.abs(a - b).reshape(len(a), -1).max(axis=1) if a.size else np.zeros(0)
        limit = np.broadcast_to(np.asarray(allowed, float), difference.shape)
        return cls(what, difference, np.zeros(len(difference)), first, limit)

    def limited(self, iterations: int) -> Claim:
        """This claim about the iterates before `iterations` only."""
        keep = max(0, iterations - self.first)
        if self.statistical or keep >= len(self.left):
            return self
        allowed = None if self.allowed is None else self.allowed[:keep]
        return Claim(self.what, self.left[:keep], self.right[:keep], self.first, allowed)

    def violation(self) -> Violation | None:
        """The first index at which the claim fails, if any."""
        with np.errstate(all="ignore"):
            excess = self.left - self.right - self.tolerances()
        bad = np.flatnonzero(~(excess <= 0))
        if not len(bad):
            return None
        k = int(bad[0])
        over = float(self.left[k] - self.right[k])
        return Violation(self.what, self.first + k, float(self.left[k]), float(self.right[k]), over)

    def tolerances(self) -> NDArray[np.float64]:
        if self.allowed is not None:
            return self.allowed
        return np.asarray(TOLERANCE * np.maximum(1.0, np.maximum(np.abs(self.left), np.abs(self.right))))

    def tightness(self) -> float:
        """How close the run came to the bound: the largest left / right, nan for identities and tests."""
        if self.allowed is not None or self.statistical:
            return math.nan
        usable = (self.right > 0) & (self.left > 0) & np.isfinite(self.left)
        usable[:1] &= bool(self.first) | (self.left[:1] != self.right[:1])  # at iterate 0 equality may say nothing
        return float((self.left[usable] / self.right[usable]).max()) if usable.any() else math.nan


def comparisons(claims: Sequence[Claim]) -> str:
    """How many there were, and of what."""
    words = "; ".join(dict.fromkeys(claim.what for claim in claims))
    return f"{sum(len(claim.left) for claim in claims)} comparisons of: {words}."


def _side(values: ArrayLike) -> NDArray[Any]:
    found = np.asarray(values)
    return found if found.dtype == object else found.astype(float)
