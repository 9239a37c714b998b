"""Branch and bound for all zeros of grad f in a box, over whole arrays of boxes in float64, rounded outward.

Each box is looked at a little larger than it is, so that no zero is lost on a face, and is
- dropped, where grad f, its mean-value form g(c) + H(X) (X - c) or Krawczyk's operator K(X) exclude a zero,
- finished, where K(X) lies in the interior of X, which proves that there is exactly one zero in X,
- cut down to what K(X) and Newton's method along single coordinates leave of it, or halved where these fail,
- left undecided, where it is too narrow to be halved.

[Hansen & Walster 2004, ch. 11; Neumaier 1990, ch. 5; Krawczyk 1969]
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ncsolve.critical.system import Intervals
from ncsolve.graph.intervals import EPS, Interval

__all__ = ["Budget", "Ledger", "Search"]

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]

INFLATION = 0.1  # of a box that is looked at, relative to its width
LEAST = 1e-3  # of the narrowest width, by which a box is made larger anyway
NARROWEST = 1e-6  # width of a box that is not halved any more, relative to the whole box
SHRUNK = 0.6  # a box cut down to this part of its volume is looked at again before it is halved
CUT = 0.4856  # where a box is halved: not in the middle, where symmetric problems have their critical points
CONTRACTIONS = 30  # of a box onto the zero in it
CHUNK = 4096  # boxes that are looked at together


@dataclass(frozen=True)
class Budget:
    """What a search may cost."""

    boxes: int = 400_000
    """That are looked at."""
    seconds: float = 60.0
    waiting: int = 100_000
    """That wait to be looked at, in memory."""


@dataclass
class Ledger:
    """Where every box ended: unless the two sides agree, one was lost and no list is complete."""

    opened: int = 0
    closed: int = 0
    waiting: int = 0

    @property
    def balanced(self) -> bool:
        return self.opened == self.closed + self.waiting


@dataclass
class Boxes:
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


@dataclass
class Search:
    """All zeros of grad f in [lower, upper], both (n,): `run` it, then read what it found."""

    intervals: Intervals
    lower: Array
    upper: Array
    budget: Budget = field(default_factory=Budget)
    report: Callable[[Search], None] = lambda search: None

    def __post_init__(self) -> None:
        n = self.lower.size
        self.waiting = Boxes(self.lower[None], self.upper[None])
        self.unique: list[Boxes] = []
        """Boxes with exactly one zero each, which may be the same in some."""
        self.undecided: list[Boxes] = []
        self.ledger = Ledger(opened=1)
        self.looked_at, self.n, self.stopped = 0, n, ""
        self.narrowest = NARROWEST * np.maximum(self.upper - self.lower, np.finfo(float).tiny)

    def run(self) -> None:
        """Until no box waits, or the budget is used up, or it is interrupted: `stopped` says which."""
        began = time.perf_counter()
        try:
            while len(self.waiting) and not self.stopped:
                self.step()
                self.report(self)
                if self.looked_at >= self.budget.boxes or len(self.waiting) > self.budget.waiting:
                    self.stopped = "the budget of boxes is used up"
                elif time.perf_counter() - began > self.budget.seconds:
                    self.stopped = "the time is used up"
        except KeyboardInterrupt:
            self.stopped = "interrupted"
        self.ledger.waiting = len(self.waiting)
        if not len(self.waiting):
            self.stopped = ""

    def step(self) -> None:
        """Look at the boxes that wait longest, which are the largest."""
        looked = self.waiting.take(slice(0, CHUNK))
        outcome = self.examine(looked)
        self.waiting = Boxes.join([self.waiting.take(slice(CHUNK, None)), outcome.open], self.n)
        self.unique.append(outcome.unique)
        self.undecided.append(outcome.undecided)
        self.looked_at += len(looked)
        self.ledger.opened += len(outcome.open)
        self.ledger.closed += len(looked)

    @property
    def rest(self) -> Boxes:
        """What is not decided: (m, n)."""
        return Boxes.join([*self.undecided, self.waiting], self.n)

    @np.errstate(all="ignore")
    def zeros(self) -> tuple[Boxes, Array]:
        """The boxes with one zero each, and points (m, n) close to these: Krawczyk's operator contracts onto them."""
        unique = Boxes.join(self.unique, self.n)
        X = unique
        for _ in range(CONTRACTIONS if len(X) else 0):
            before = X.widths
            X = self._newton(X, X, *self.intervals.hessian(X.lower, X.upper))[0]
            if (X.widths > 0.5 * before).all():
                break
        return unique, X.lower / 2 + X.upper / 2

    @np.errstate(all="ignore")
    def examine(self, boxes: Boxes) -> Outcome:
        """One look at some boxes."""
        nothing = boxes.take(slice(0, 0))
        margin = INFLATION * boxes.widths + LEAST * self.narrowest
        X = Boxes(np.nextafter(boxes.lower - margin, -np.inf), np.nextafter(boxes.upper + margin, np.inf))
        gradient = self.intervals.gradient(X.lower, X.upper)
        kept: Flags = np.all((gradient.lo <= 0) & (gradient.hi >= 0), axis=1)  # and nowhere nan: defined somewhere
        if not kept.any():
            return Outcome(nothing, nothing, nothing)
        boxes, X = boxes.take(kept), X.take(kept)
        H, smooth = self.intervals.hessian(X.lower, X.upper)
        cut, unique, sloped = self._newton(boxes, X, H, smooth)
        some: Flags = np.all(cut.lower <= cut.upper, axis=1)
        found, left = unique & some, some & ~unique
        divided = self._divided(boxes.take(left), cut.take(left), sloped[left])
        return Outcome(X.take(found), *divided)

    def _newton(self, boxes: Boxes, X: Boxes, H: Interval, smooth: Flags) -> tuple[Boxes, Flags, Array]:
        """What is left of the boxes, empty where lower > upper; where one zero is proven; how much g varies by axis."""
        c = X.lower / 2 + X.upper / 2
        r = np.nextafter(np.maximum(X.upper - c, c - X.lower), np.inf)
        g = self.intervals.gradient(c, c)
        usable = smooth & np.isfinite(g.lo).all(axis=1) & np.isfinite(g.hi).all(axis=1)
        usable &= np.isfinite(H.lo).all(axis=(1, 2)) & np.isfinite(H.hi).all(axis=(1, 2))
        g, H = _where(usable[:, None], g), _where(usable[:, None, None], H)
        (gm, gr), (Hm, Hr) = _middle(g), _middle(H)
        spread = np.einsum("mij,mj->mij", np.abs(Hm) + Hr, r)
        sloped = np.where(usable[:, None], spread.sum(axis=1), boxes.widths / self.narrowest)
        lower, upper = boxes.lower.copy(), boxes.upper.copy()
        self._along_axes(lower, upper, c, g, spread, H, usable)
        center, radius = _krawczyk(c, r, gm, gr, Hm, Hr)
        low, high = np.nextafter(center - radius, -np.inf), np.nextafter(center + radius, np.inf)
        sure = usable[:, None] & np.isfinite(center) & np.isfinite(radius)
        unique = np.all(sure & (low > X.lower) & (high < X.upper), axis=1)
        lower = np.where(sure, np.maximum(lower, low), lower)
        upper = np.where(sure, np.minimum(upper, high), upper)
        return Boxes(lower, upper), unique, sloped

    def _along_axes(
        self, lower: Array, upper: Array, c: Array, g: Interval, spread: Array, H: Interval, usable: Flags
    ) -> None:
        """Newton's method for each equation in its own variable, the others anywhere in the box. [Hansen-Sengupta]

        0 = g_i(c) + H_ii (x_i - c_i) + sum_j H_ij (x_j - c_j): without a solution the box is made empty.
        """
        n = self.n
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

    def _divided(self, boxes: Boxes, cut: Boxes, sloped: Array) -> tuple[Boxes, Boxes]:
        """Boxes to look at next, and those that stay undecided."""
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = np.prod(np.where(boxes.widths > 0, cut.widths / boxes.widths, 1.0), axis=1)
        again = ratio < SHRUNK
        splittable = cut.widths > self.narrowest
        stuck: Flags = ~np.any(splittable, axis=1)
        halve = ~again & ~stuck
        score = np.where(splittable, sloped * cut.widths / np.maximum(boxes.widths, 1e-300) + 1e-12 * cut.widths, -1.0)
        axis = score.argmax(axis=1)[halve]
        old = cut.take(halve)
        rows = np.arange(len(old))
        low, high = old.lower[rows, axis], old.upper[rows, axis]
        middle = low + CUT * (high - low)
        left, right = Boxes(old.lower, old.upper.copy()), Boxes(old.lower.copy(), old.upper)
        left.upper[rows, axis] = middle
        right.lower[rows, axis] = middle
        return Boxes.join([cut.take(again & ~stuck), left, right], self.n), cut.take(stuck)


@dataclass(frozen=True)
class Outcome:
    """Of one look: boxes with exactly one zero, those to look at again, and those left undecided."""

    unique: Boxes
    open: Boxes
    undecided: Boxes


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
