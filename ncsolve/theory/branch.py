"""Bounds of constants over a box, proven: branch and bound over arrays of boxes with intervals rounded outward.

    field = Field(problem)
    least(field.curvature, lower, upper, 1e-3)        # of the lowest eigenvalue of the Hessian in the box

A bound takes boxes (m, n) and returns (m,) numbers that the quantity is not below in each, and (m,) numbers that it
attains somewhere in each, up to rounding. Boxes whose bound is within the tolerance of what is attained are done; the
others are halved, all at once, along the side over which the quantity changes most.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ncsolve.critical.system import Intervals, system_of
from ncsolve.graph import intervals as iv
from ncsolve.graph.enclosures import Boxes
from ncsolve.graph.intervals import Array, Interval

if TYPE_CHECKING:
    from ncsolve.problem import Problem

__all__ = ["AT_ONCE", "Field", "Least", "divided", "least", "lowest_eigenvalue"]

Bound = Callable[[Array, Array], tuple[Array, Array]]

AT_ONCE = 4096  # boxes
FEW = 32
SMALL = 1e-3  # of the first bound: what is smaller need not be known relative to itself
EPS = float(np.finfo(float).eps)


@dataclass(frozen=True)
class Least:
    """The least value of a quantity in a box lies in [lower, upper]; `boxes` were looked at."""

    lower: float
    upper: float
    boxes: int
    complete: bool


@np.errstate(all="ignore")
def least(bound: Bound, lower: Array, upper: Array, tolerance: float, most: int, until: float = math.inf) -> Least:
    """Enclose the least value to a relative `tolerance`, or as far as `most` boxes and the time `until` go.

    The boxes with the lowest bounds are halved first; what a box is not below, its halves are not below.
    """
    low, high = lower[None], upper[None]
    began = perf_counter()
    bounds, attained = bound(low, high)
    pace = perf_counter() - began  # seconds for a box
    best, done, boxes = float(np.nan_to_num(attained[0], nan=np.inf)), np.inf, 1
    small = SMALL * abs(float(bounds[0])) if np.isfinite(bounds[0]) else 0.0
    while len(low):
        enough = bounds >= best - tolerance * max(abs(best), small) if np.isfinite(best) else bounds == np.inf
        done = min(done, float(bounds[enough].min(initial=np.inf)))
        low, high, bounds = low[~enough], high[~enough], bounds[~enough]
        many = int(min(AT_ONCE, (until - perf_counter()) / (2 * pace)))
        if not len(low) or boxes >= most or many < 1:
            break
        order = np.argsort(bounds)
        now, later = order[:many], order[many:]
        kept = low[later], high[later], bounds[later]
        before = len(now)
        low, high = divided(low[now], high[now])
        bounds = np.tile(bounds[now], len(low) // before)
        began = perf_counter()
        found, attained = bound(low, high)
        pace = (perf_counter() - began) / len(low)
        bounds = np.fmax(bounds, found)
        best = float(np.fmin.reduce(attained, initial=best))
        boxes += len(low)
        low, high, bounds = (np.concatenate(pair) for pair in zip((low, high, bounds), kept, strict=True))
    rest = float(bounds.min(initial=np.inf)) if len(low) else np.inf
    return Least(min(done, rest), best, boxes, not len(low))


def divided(low: Array, high: Array) -> tuple[Array, Array]:
    """Halves of all boxes; where they are few, halves of these, as a call costs more than a box."""
    low, high = halved(low, high)
    while len(low) < FEW:
        low, high = halved(low, high)
    return low, high


def halved(low: Array, high: Array) -> tuple[Array, Array]:
    """Both halves of each box across its longest side."""
    rows, side = np.arange(len(low)), np.argmax(high - low, axis=1)
    middle = low[rows, side] / 2 + high[rows, side] / 2
    left, right = high.copy(), low.copy()
    left[rows, side] = right[rows, side] = middle
    return np.concatenate([low, right]), np.concatenate([left, high])


class Field:
    """Enclosures of f, its gradient and Hessian over boxes, in some `free` variables, and what follows from them."""

    def __init__(self, problem: Problem, free: NDArray[np.intp] | None = None) -> None:
        self.system = system_of(problem)
        self.intervals = Intervals(self.system)
        self.free = np.arange(problem.n) if free is None else free

    @np.errstate(all="ignore")
    def value(self, low: Array, high: Array) -> Interval:
        """(m,)"""
        root = self.system.value
        found = self.intervals.over(Boxes(low, high), [root])[root]
        return found.map(lambda v: np.broadcast_to(v.reshape(-1), (len(low),)))

    def gradient(self, low: Array, high: Array) -> Interval:
        """(m, free)"""
        return self.intervals.gradient(low, high).map(lambda v: v[:, self.free])

    def hessian(self, low: Array, high: Array) -> Interval:
        """(m, free, free); unbounded where f may not be twice differentiable."""
        found, smooth = self.intervals.hessian(low, high)
        part = found.map(lambda v: v[:, self.free[:, None], self.free])
        known = smooth[:, None, None] & ~np.isnan(part.lo) & ~np.isnan(part.hi)
        return iv.choose(known, part, iv.LINE)

    def curvature(self, low: Array, high: Array) -> tuple[Array, Array]:
        """A bound for `least`: the lowest eigenvalue of the Hessian."""
        centers = low / 2 + high / 2
        return lowest_eigenvalue(self.hessian(low, high)), _middle(self.hessian(centers, centers), 0)

    def smoothness(self, low: Array, high: Array) -> tuple[Array, Array]:
        """A bound for `least`: minus the largest absolute eigenvalue."""
        centers = low / 2 + high / 2
        H, at = self.hessian(low, high), self.hessian(centers, centers)
        largest = np.fmax(np.abs(_middle(at, 0)), np.abs(_middle(at, -1)))
        return np.fmin(lowest_eigenvalue(H), lowest_eigenvalue(iv.neg(H))), -largest


def _middle(H: Interval, which: int) -> Array:
    middle = H.lo / 2 + H.hi / 2
    finite = np.asarray(np.isfinite(middle).all(axis=(1, 2)))
    values = np.linalg.eigvalsh(np.where(finite[:, None, None], middle, 0.0))[:, which]
    return np.where(finite, values, np.nan)


@np.errstate(all="ignore")
def lowest_eigenvalue(H: Interval) -> Array:
    """A lower bound (m,) of the eigenvalues of all symmetric matrices in H (m, n, n); -inf of an unbounded one.

    n = 2: (a + d) / 2 - sqrt((a - d)^2 / 4 + b^2) at the lower ends of a and d and the largest |b|, where it is least.
    Beyond, with a computed V' C V = W of the midpoints C and radii R: lam >= min W - |C V - V W| / smin(V) - |R|.
    """
    n = H.lo.shape[-1]
    if n == 1:
        return np.asarray(H.lo[:, 0, 0])
    if n == 2:
        a, d, b = (Interval.point(v) for v in (H.lo[:, 0, 0], H.lo[:, 1, 1], H.magnitude[:, 0, 1]))
        half = Interval.point(0.5)
        root = iv.sqrt(iv.add(iv.square(iv.mul(half, iv.sub(a, d))), iv.square(b)))
        least_of = iv.sub(iv.mul(half, iv.add(a, d)), root).lo
        return np.where(np.isfinite(least_of), least_of, -np.inf)
    finite = np.asarray((np.isfinite(H.lo) & np.isfinite(H.hi)).all(axis=(1, 2)))
    C = np.where(finite[:, None, None], H.lo / 2 + H.hi / 2, 0.0)
    C = (C + C.swapaxes(1, 2)) / 2
    R = np.nextafter(np.maximum(H.hi - C, C - H.lo), np.inf)
    W, V = np.linalg.eigh(C)
    size = np.abs(C).sum(axis=2).max(axis=1)
    slack = 8 * n * n * EPS * size
    rest = np.sqrt(((C @ V - V * W[:, None, :]) ** 2).sum(axis=(1, 2))) + slack
    skew = np.abs(V.swapaxes(1, 2) @ V - np.eye(n)).sum(axis=2).max(axis=1) + 8 * n * n * EPS
    radius = R.sum(axis=2).max(axis=1) * (1 + 2 * n * EPS)
    spread = rest / np.sqrt(1 - skew) * (1 + 8 * EPS)
    found = W[:, 0] - spread - np.abs(W).max(axis=1) * 2 * skew - radius
    found = np.nextafter(found - 8 * EPS * (size + radius), -np.inf)
    return np.where(finite & (skew < 0.5), found, -np.inf)
