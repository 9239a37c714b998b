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

import numpy as np
from numpy.typing import NDArray

from ncsolve.critical.system import Intervals
from ncsolve.landscapes.newton import Boxes, inflated, narrowed

__all__ = ["EMPTY", "EXCLUDED", "HALVED", "NARROWED", "OPEN", "ZERO", "Budget", "Ledger", "Look", "Search", "narrowest"]

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]

EMPTY, EXCLUDED, ZERO, NARROWED, HALVED, OPEN = range(6)
"""What becomes of a box: no zero by grad f, or by Newton; one zero; looked at again, a part or halves; undecided."""

NARROWEST = 1e-6  # width of a box that is not halved any more, relative to the whole box
SHRUNK = 0.6  # a box cut down to this part of its volume is looked at again before it is halved
KEPT = 0.9  # a box cut down to more than this is halved as it was: not every little cut is worth a proof
SLACK = 1e-9  # of a box's widths, with which Newton's method decides
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


@dataclass(frozen=True)
class Look:
    """What became of m boxes that were looked at together."""

    fate: NDArray[np.uint8]
    """(m,)"""
    left: Boxes
    """What of them can hold a zero: (m, n); of one with a ZERO, where it is the only one."""
    cut: Flags
    """(m,) whether that is less than the whole."""
    axis: NDArray[np.int64]
    """(m,) along which it is HALVED, ..."""
    at: Array
    """... and where."""

    def __len__(self) -> int:
        return len(self.fate)

    @property
    def opened(self) -> int:
        """How many boxes are to be looked at next."""
        return int((self.fate == NARROWED).sum() + 2 * (self.fate == HALVED).sum())

    def open(self) -> Boxes:
        """These: the narrowed ones, then the lower halves, then the upper halves."""
        old = self.left.take(self.fate == HALVED)
        rows, axis, at = np.arange(len(old)), self.axis[self.fate == HALVED], self.at[self.fate == HALVED]
        low, high = Boxes(old.lower, old.upper.copy()), Boxes(old.lower.copy(), old.upper)
        low.upper[rows, axis] = at
        high.lower[rows, axis] = at
        return Boxes.join([self.left.take(self.fate == NARROWED), low, high], old.lower.shape[1])


@dataclass
class Search:
    """All zeros of grad f in [lower, upper], both (n,): `run` it, then read what it found."""

    intervals: Intervals
    lower: Array
    upper: Array
    budget: Budget = field(default_factory=Budget)
    report: Callable[[Search], None] = lambda search: None

    def __post_init__(self) -> None:
        self.n, self.stopped = self.lower.size, ""
        self.state: tuple[Boxes, tuple[Look, ...]] = Boxes(self.lower[None], self.upper[None]), ()
        """The boxes that wait and all looks: one, so that Ctrl-C never comes in between."""
        self.narrowest = narrowest(self.lower, self.upper)

    @property
    def waiting(self) -> Boxes:
        return self.state[0]

    @property
    def looks(self) -> tuple[Look, ...]:
        return self.state[1]

    @property
    def looked_at(self) -> int:
        """How many boxes."""
        return sum(map(len, self.looks))

    @property
    def ledger(self) -> Ledger:
        return Ledger(1 + sum(look.opened for look in self.looks), self.looked_at, len(self.waiting))

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
        if not len(self.waiting):
            self.stopped = ""

    def step(self) -> None:
        """Look at the boxes that wait longest, which are the largest."""
        waiting, looks = self.state
        look = self.examine(waiting.take(slice(0, CHUNK)))
        self.state = Boxes.join([waiting.take(slice(CHUNK, None)), look.open()], self.n), (*looks, look)

    def having(self, fate: int) -> Boxes:
        """What is left of the boxes with one fate, in the order in which they were looked at."""
        return Boxes.join([look.left.take(look.fate == fate) for look in self.looks], self.n)

    @property
    def rest(self) -> Boxes:
        """What is not decided: (m, n)."""
        return Boxes.join([self.having(OPEN), self.waiting], self.n)

    @np.errstate(all="ignore")
    def zeros(self) -> tuple[Boxes, Array]:
        """The boxes with one zero each, and points (m, n) close to these: Krawczyk's operator contracts onto them."""
        unique = self.having(ZERO)
        X = unique
        for _ in range(CONTRACTIONS if len(X) else 0):
            before = X.widths
            X = narrowed(self.intervals, X, X, *self.intervals.hessian(X.lower, X.upper)).boxes
            if (X.widths > 0.5 * before).all():
                break
        return unique, X.lower / 2 + X.upper / 2

    @np.errstate(all="ignore")
    def examine(self, boxes: Boxes) -> Look:
        """One look at some boxes."""
        X = inflated(boxes, self.narrowest)
        gradient = self.intervals.gradient(X.lower, X.upper)
        kept = np.flatnonzero(np.all((gradient.lo <= 0) & (gradient.hi >= 0), axis=1))  # and nowhere nan: defined
        m = len(boxes)
        look = Look(
            np.zeros(m, dtype=np.uint8), Boxes(boxes.lower.copy(), boxes.upper.copy()), np.zeros(m, dtype=bool),
            np.zeros(m, dtype=np.int64), np.zeros(m),
        )  # fmt: skip
        if len(kept):
            boxes, X = boxes.take(kept), X.take(kept)
            found = narrowed(self.intervals, boxes, X, *self.intervals.hessian(X.lower, X.upper), slack=SLACK)
            some: Flags = np.all(found.boxes.lower <= found.boxes.upper, axis=1)
            look.fate[kept] = np.where(some, np.where(found.unique, ZERO, OPEN), EXCLUDED)
            zero = some & found.unique
            look.left.lower[kept[zero]], look.left.upper[kept[zero]] = X.lower[zero], X.upper[zero]
            open_ = some & ~found.unique
            sloped = np.where(np.isnan(found.sloped), boxes.widths / self.narrowest, found.sloped)
            self._divide(look, kept[open_], found.boxes.take(open_), sloped[open_])
        return look

    def _divide(self, look: Look, rows: NDArray[np.int64], cut: Boxes, sloped: Array) -> None:
        """Write into the look what becomes of those rows in which neither is proven."""
        boxes = look.left.take(rows)
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = np.prod(np.where(boxes.widths > 0, cut.widths / boxes.widths, 1.0), axis=1)
        cut_down = ratio < KEPT
        look.cut[rows] = cut_down
        look.left.lower[rows[cut_down]], look.left.upper[rows[cut_down]] = cut.lower[cut_down], cut.upper[cut_down]
        left = look.left.take(rows)
        splittable = left.widths > self.narrowest
        stuck: Flags = ~np.any(splittable, axis=1)
        score = sloped * left.widths / np.maximum(boxes.widths, 1e-300) + 1e-12 * left.widths
        axis = np.where(splittable, score, -1.0).argmax(axis=1)
        each = np.arange(len(rows))
        look.fate[rows] = np.where(stuck, OPEN, np.where(ratio < SHRUNK, NARROWED, HALVED))
        look.axis[rows] = axis
        look.at[rows] = left.lower[each, axis] + CUT * left.widths[each, axis]


def narrowest(lower: Array, upper: Array) -> Array:
    """Widths (n,) of boxes that are not halved any more."""
    return np.asarray(NARROWEST * np.maximum(upper - lower, np.finfo(float).tiny))
