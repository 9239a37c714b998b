"""One look at boxes: which have no zero of grad f, which have one, and how the others are cut or halved.

Each box is looked at a little larger than it is, so that no zero is lost on a face, and is
- dropped, where grad f, its mean-value form g(c) + H(X) (X - c) or Krawczyk's operator K(X) exclude a zero,
- finished, where K(X) lies in the interior of X, which proves that there is exactly one zero in X,
- cut down to what K(X) and Newton's method along single coordinates leave of it, or halved where these fail,
- left undecided, where it is too narrow to be halved.

[Hansen & Walster 2004, ch. 11; Neumaier 1990, ch. 5; Krawczyk 1969]
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ncsolve.critical.system import intervals_of
from ncsolve.landscapes.newton import Boxes, inflated, narrowed

if TYPE_CHECKING:
    from ncsolve.problem import Problem

__all__ = ["EMPTY", "EXCLUDED", "HALVED", "NARROWED", "OPEN", "ZERO", "Examiner", "Look", "examine"]

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]

EMPTY, EXCLUDED, ZERO, NARROWED, HALVED, OPEN = range(6)
"""What becomes of a box: no zero by grad f, or by Newton; one zero; looked at again, a part or halves; undecided."""

SHRUNK = 0.6  # a box cut down to this part of its volume is looked at again before it is halved
KEPT = 0.9  # a box cut down to more than this is halved as it was: not every little cut is worth a proof
SLACK = 1e-9  # of a box's widths, with which Newton's method decides
CUT = 0.4856  # where a box is halved: not in the middle, where symmetric problems have their critical points


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


@dataclass(frozen=True)
class Examiner:
    """What one needs to know to look at boxes."""

    problem: Problem
    narrowest: Array
    """Widths (n,) of boxes that are not halved any more."""


@np.errstate(all="ignore")
def examine(examiner: Examiner, boxes: Boxes) -> Look:
    """Each by itself."""
    intervals = intervals_of(examiner.problem)
    X = inflated(boxes, examiner.narrowest)
    gradient = intervals.gradient(X.lower, X.upper)
    kept = np.flatnonzero(np.all((gradient.lo <= 0) & (gradient.hi >= 0), axis=1))  # and nowhere nan: defined
    m = len(boxes)
    look = Look(
        np.zeros(m, dtype=np.uint8), Boxes(boxes.lower.copy(), boxes.upper.copy()), np.zeros(m, dtype=bool),
        np.zeros(m, dtype=np.int64), np.zeros(m),
    )  # fmt: skip
    if len(kept):
        boxes, X = boxes.take(kept), X.take(kept)
        found = narrowed(intervals, boxes, X, *intervals.hessian(X.lower, X.upper), slack=SLACK)
        some: Flags = np.all(found.boxes.lower <= found.boxes.upper, axis=1)
        look.fate[kept] = np.where(some, np.where(found.unique, ZERO, OPEN), EXCLUDED)
        zero = some & found.unique
        look.left.lower[kept[zero]], look.left.upper[kept[zero]] = X.lower[zero], X.upper[zero]
        open_ = some & ~found.unique
        sloped = np.where(np.isnan(found.sloped), boxes.widths / examiner.narrowest, found.sloped)
        divide(look, kept[open_], found.boxes.take(open_), sloped[open_], examiner.narrowest)
    return look


def divide(look: Look, rows: NDArray[np.int64], cut: Boxes, sloped: Array, narrowest: Array) -> None:
    """Write into the look what becomes of those rows in which neither is proven."""
    boxes = look.left.take(rows)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.prod(np.where(boxes.widths > 0, cut.widths / boxes.widths, 1.0), axis=1)
    cut_down = ratio < KEPT
    look.cut[rows] = cut_down
    look.left.lower[rows[cut_down]], look.left.upper[rows[cut_down]] = cut.lower[cut_down], cut.upper[cut_down]
    left = look.left.take(rows)
    splittable = left.widths > narrowest
    stuck: Flags = ~np.any(splittable, axis=1)
    score = sloped * left.widths / np.maximum(boxes.widths, 1e-300) + 1e-12 * left.widths
    axis = np.where(splittable, score, -1.0).argmax(axis=1)
    each = np.arange(len(rows))
    look.fate[rows] = np.where(stuck, OPEN, np.where(ratio < SHRUNK, NARROWED, HALVED))
    look.axis[rows] = axis
    look.at[rows] = left.lower[each, axis] + CUT * left.widths[each, axis]
