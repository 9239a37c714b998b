"""Branch and bound for all zeros of grad f in a box: whole arrays of boxes are looked at, the largest first.

The queue is looked at in slices from its front, which do not depend on each other: workers may look at the next ones
while the first is on its way. What comes of them joins the queue in the order of the slices, so that every search is
the one that looks at one slice after the other.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ncsolve.critical.system import intervals_of
from ncsolve.executors import Executor, Serial, in_order
from ncsolve.landscapes.look import OPEN, ZERO, Examiner, Look, examine
from ncsolve.landscapes.newton import Boxes, narrowed
from ncsolve.problem import Problem

__all__ = ["Budget", "Ledger", "Search", "narrowest"]

Array = NDArray[np.float64]

NARROWEST = 1e-6  # width of a box that is not halved any more, relative to the whole box
CONTRACTIONS = 30  # of a box onto the zero in it
SLICE = 1024  # boxes that are looked at together


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
class Search:
    """All zeros of grad f in [lower, upper], both (n,): `run` it, then read what it found."""

    problem: Problem
    lower: Array
    upper: Array
    budget: Budget = field(default_factory=Budget)
    report: Callable[[Search], None] = lambda search: None
    executor: Executor = field(default_factory=Serial)

    def __post_init__(self) -> None:
        self.n, self.stopped = self.lower.size, ""
        whole = Boxes(self.lower[None], self.upper[None])
        self.state: tuple[Boxes, tuple[Boxes, ...], tuple[Look, ...]] = whole, (), ()
        """The boxes that wait, what has come after them, and all looks: one, so that Ctrl-C never comes in between."""
        self.narrowest = narrowest(self.lower, self.upper)

    @property
    def waiting(self) -> Boxes:
        """The whole queue."""
        first, later, _ = self.state
        return Boxes.join([first, *later], self.n)

    @property
    def waiting_count(self) -> int:
        first, later, _ = self.state
        return len(first) + sum(map(len, later))

    @property
    def looks(self) -> tuple[Look, ...]:
        return self.state[2]

    @property
    def looked_at(self) -> int:
        """How many boxes."""
        return sum(map(len, self.looks))

    @property
    def ledger(self) -> Ledger:
        return Ledger(1 + sum(look.opened for look in self.looks), self.looked_at, self.waiting_count)

    def run(self) -> None:
        """Until no box waits, or the budget is used up, or it is interrupted: `stopped` says which."""
        began = time.perf_counter()
        try:
            with self.executor.open(examine, Examiner(self.problem, self.narrowest)) as session:
                while self.waiting_count and not self.stopped:
                    for look in in_order(session.run(self.slices())):
                        self.take(look)
                        self.report(self)
                        self.stopped = self._used_up(time.perf_counter() - began)
                        if self.stopped:
                            break
        except KeyboardInterrupt:
            self.stopped = "interrupted"
        if not self.waiting_count:
            self.stopped = ""

    def _used_up(self, seconds: float) -> str:
        """What of the budget is; "" where nothing is."""
        if self.looked_at >= self.budget.boxes or self.waiting_count > self.budget.waiting:
            return "the budget of boxes is used up"
        return "the time is used up" if seconds > self.budget.seconds else ""

    def slices(self) -> Iterator[Boxes]:
        """The next slices of the queue: whole ones, unless nothing that is on its way could join the slice."""
        given = self.looked_at
        while not (ahead := given - self.looked_at) or self.waiting_count - ahead >= SLICE:
            boxes = self._slice(ahead)
            if not len(boxes):
                return
            given += len(boxes)
            yield boxes

    def _slice(self, ahead: int) -> Boxes:
        """The boxes of the queue after so many."""
        first, later, looks = self.state
        if later and len(first) - ahead < SLICE:
            first = self.waiting
            self.state = first, (), looks
        return first.take(slice(ahead, ahead + SLICE))

    def take(self, look: Look) -> None:
        """What came of the first boxes of the queue."""
        first, later, looks = self.state
        self.state = first.take(slice(len(look), None)), (*later, look.open()), (*looks, look)

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
        X, intervals = unique, intervals_of(self.problem)
        for _ in range(CONTRACTIONS if len(X) else 0):
            before = X.widths
            X = narrowed(intervals, X, X, *intervals.hessian(X.lower, X.upper)).boxes
            if (X.widths > 0.5 * before).all():
                break
        return unique, X.lower / 2 + X.upper / 2


def narrowest(lower: Array, upper: Array) -> Array:
    """Widths (n,) of boxes that are not halved any more."""
    return np.asarray(NARROWEST * np.maximum(upper - lower, np.finfo(float).tiny))
