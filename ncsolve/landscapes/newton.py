"""Newton's method with intervals: what of a box can hold a zero of grad f, and where there is exactly one.

    K(X) = c - Y grad f(c) + (I - Y H(X)) (X - c),      Y close to H(c)^-1

contains every zero in X, and where it lies in the interior of X there is exactly one. [Krawczyk 1969] For arrays of
boxes in float64, rounded outward.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ncsolve.critical.system import Intervals
from ncsolve.graph.intervals import EPS, Interval

__all__ = ["Boxes", "Narrowed", "inflated", "narrowed"]

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]

INFLATION = 0.1  # of a box that is looked at, relative to its width
LEAST = 1e-3  # of the narrowest width, by which a box is made larger anyway


@dataclass
class Boxes:
    """m boxes with their faces: lower and upper (m, n)."""

    lower: Array
    upper: Array

    def __len__(self) -> int:
        return len(self.lower)

    def take(self, which: NDArray[Any] | slice) -> Boxes:
        return Boxes(self.lower[which], self.upper[which])

    @property
    def widths(self) -> Array:
        return self.upper - self.lower

    @staticmethod
    def join(parts: list[Boxes], n: int) -> Boxes:
        if not parts:
            return Boxes(np.empty((0, n)), np.empty((0, n)))
        return Boxes(np.concatenate([p.lower for p in parts]), np.concatenate([p.upper for p in parts]))


def inflated(boxes: Boxes, narrowest: Array) -> Boxes:
    """A little larger, so that no zero on a face is lost and one close to it is found inside."""
    margin = INFLATION * boxes.widths + LEAST * narrowest
    return Boxes(np.nextafter(boxes.lower - margin, -np.inf), np.nextafter(boxes.upper + margin, np.inf))


@dataclass(frozen=True)
class Narrowed:
    """Of m boxes: what can hold a zero, empty where lower > upper; which have exactly one; how g varies by axis."""

    boxes: Boxes
    unique: Flags
    sloped: Array
    """(m, n); nan where f may not be twice differentiable."""


def narrowed(intervals: Intervals, boxes: Boxes, X: Boxes, H: Interval, smooth: Flags, slack: float = 0.0) -> Narrowed:
    """Krawczyk's operator on X, which contains the boxes, and Newton's method along each axis; H = hessian(X).

    With `slack`, relative to the widths, everything is decided with so much to spare, so that it is decided in the same
    way where numbers are rounded otherwise.
    """
    c = X.lower / 2 + X.upper / 2
    r = np.nextafter(np.maximum(X.upper - c, c - X.lower), np.inf)
    g = intervals.gradient(c, c)
    usable = smooth & np.isfinite(g.lo).all(axis=1) & np.isfinite(g.hi).all(axis=1)
    usable &= np.isfinite(H.lo).all(axis=(1, 2)) & np.isfinite(H.hi).all(axis=(1, 2))
    g, H = _where(usable[:, None], g), _where(usable[:, None, None], H)
    (gm, gr), (Hm, Hr) = _middle(g), _middle(H)
    spread = np.einsum("mij,mj->mij", np.abs(Hm) + Hr, r)
    sloped = np.where(usable[:, None], spread.sum(axis=1), np.nan)
    lower, upper = boxes.lower.copy(), boxes.upper.copy()
    _along_axes(lower, upper, c, g, spread, H, usable)
    center, radius = _krawczyk(c, r, gm, gr, Hm, Hr)
    spare = slack * X.widths
    low, high = np.nextafter(center - radius - spare, -np.inf), np.nextafter(center + radius + spare, np.inf)
    sure = usable[:, None] & np.isfinite(center) & np.isfinite(radius)
    unique = np.all(sure & (low > X.lower) & (high < X.upper), axis=1)
    lower = np.maximum(boxes.lower, np.where(sure, np.maximum(lower - spare, low), lower - spare))
    upper = np.minimum(boxes.upper, np.where(sure, np.minimum(upper + spare, high), upper + spare))
    return Narrowed(Boxes(lower, upper), unique, sloped)


def _along_axes(lower: Array, upper: Array, c: Array, g: Interval, spread: Array, H: Interval, usable: Flags) -> None:
    """Newton's method for each equation in its own variable, the others anywhere in the box. [Hansen-Sengupta]

    0 = g_i(c) + H_ii (x_i - c_i) + sum_j H_ij (x_j - c_j): without a solution the box is made empty.
    """
    n = c.shape[1]
    for i in range(n):
        rest = np.delete(spread[:, i, :], i, axis=1).sum(axis=1) * (1 + 4 * (n + 4) * EPS)
        low, high = -g.hi[:, i] - rest, -g.lo[:, i] + rest
        slack = 4 * EPS * (np.abs(low) + np.abs(high)) + np.finfo(float).tiny
        low, high = low - slack, high + slack
        a, b = H.lo[:, i, i], H.hi[:, i, i]
        a, b = a - 4 * EPS * np.abs(a) - 1e-300, b + 4 * EPS * np.abs(b) + 1e-300
        whole = (a <= 0) & (b >= 0)
        reach = np.maximum(np.abs(a), np.abs(b)) * (np.maximum(upper[:, i] - c[:, i], c[:, i] - lower[:, i]))
        reach *= 1 + 8 * EPS
        nowhere = whole & ((low > reach) | (high < -reach))
        with np.errstate(all="ignore"):
            ends = np.stack([low / a, low / b, high / a, high / b])
        first, last = ends.min(axis=0), ends.max(axis=0)
        pad = 8 * EPS * (np.abs(first) + np.abs(last) + np.abs(c[:, i])) + 1e-300
        use = usable & ~whole & np.isfinite(first) & np.isfinite(last)
        lower[:, i] = np.where(use, np.maximum(lower[:, i], c[:, i] + first - pad), lower[:, i])
        upper[:, i] = np.where(use, np.minimum(upper[:, i], c[:, i] + last + pad), upper[:, i])
        lower[:, i] = np.where(usable & nowhere, np.inf, lower[:, i])


def _where(condition: Flags, a: Interval) -> Interval:
    """0 where it is not used."""
    return Interval(np.where(condition, a.lo, 0.0), np.where(condition, a.hi, 0.0))


def _middle(a: Interval) -> tuple[Array, Array]:
    """Midpoint and radius, which contain the interval."""
    middle = a.lo / 2 + a.hi / 2
    return middle, np.nextafter(np.maximum(a.hi - middle, middle - a.lo), np.inf)


def _krawczyk(c: Array, r: Array, gm: Array, gr: Array, Hm: Array, Hr: Array) -> tuple[Array, Array]:
    """Centre and radius of K(X), (m, n) each; nan where H(c) is singular.

    Each product of n terms is off by at most 2 (n + 4) eps times that of the absolute values. [Higham 2002, 3.1]
    """
    n = c.shape[1]
    regular = np.abs(np.linalg.slogdet(Hm)[0]) > 0.5
    Y = np.linalg.inv(np.where(regular[:, None, None], Hm, np.eye(n)))
    slack = 2 * (n + 4) * EPS
    size = np.abs(Y)
    step = np.einsum("mij,mj->mi", Y, gm)
    product = np.einsum("mij,mj->mi", size, gr + slack * np.abs(gm))
    rest = np.abs(np.eye(n) - Y @ Hm) + size @ Hr + slack * (size @ (np.abs(Hm) + Hr) + np.eye(n))
    radius = (product + np.einsum("mij,mj->mi", rest, r)) * (1 + 4 * slack) + 4 * EPS * (np.abs(c) + np.abs(step))
    return np.where(regular[:, None], c - step, np.nan), radius
