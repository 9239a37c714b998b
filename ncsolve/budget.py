"""Evaluations, counted by kind and as points, and the limits within which they stay."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sized
from contextlib import contextmanager

from ncsolve.errors import BudgetExhausted

__all__ = ["Budget"]


class Budget:
    """What has been evaluated so far, and how much more may be: an evaluation beyond it raises BudgetExhausted.

    `counts` holds the points evaluated, by kind. A subset of the `rows` of a finite sum spends in proportion.
    """

    def __init__(self, rows: int = 0) -> None:
        self.rows = rows
        self.counts = {"value": 0, "gradient": 0, "hessian": 0, "hvp": 0}
        self._points = 0.0
        self._limit = self._deadline = float("inf")
        self._counting = True
        self._guard()

    @property
    def points(self) -> int:
        """Points evaluated so far, of every kind together: what `limit` limits. Value and gradient together are one."""
        return int(self._points)

    def limit(self, evaluations: float | None = None, deadline: float | None = None) -> None:
        """From now on, at most so many more points, and none after `deadline` (of time.perf_counter)."""
        self._limit = float("inf") if evaluations is None else self._points + evaluations
        self._deadline = float("inf") if deadline is None else deadline
        self._guard()

    @property
    def remaining(self) -> tuple[float, float]:
        """Points and seconds that the limits leave, inf where there is none."""
        seconds = self._deadline - time.perf_counter() if self._deadline < float("inf") else float("inf")
        return max(0.0, self._limit - self._points), max(0.0, seconds)

    def add_counts(self, counts: Mapping[str, int], points: float) -> None:
        """Count evaluations that were made elsewhere, by oracles of the same problem."""
        for kind, count in counts.items():
            self.counts[kind] += count
        self._points += points

    def charge(self, *kinds: str) -> None:
        """Count one evaluation of each kind, together one point, which a solver made itself from what it knows of f."""
        for k, kind in enumerate(kinds):
            self._count(kind, 1, points=int(k == 0))

    def _count(self, kind: str, m: int, points: int | None = None, rows: Sized | None = None) -> None:
        """Counts m evaluations; those of a subset of rows spend the budget in proportion."""
        if self._points >= self._unguarded:
            if not self._counting:
                return
            if self._points >= self._limit:
                raise BudgetExhausted("EVALUATIONS")
            if self._deadline < float("inf") and time.perf_counter() > self._deadline:
                raise BudgetExhausted("TIME")
        self.counts[kind] += m
        share = 1.0 if rows is None else len(rows) / self.rows
        self._points += share * (m if points is None else points)

    def _check_clock(self) -> None:
        """A point that is remembered costs none of the budget, but who asks for it again and again must end, too."""
        if self._unguarded < 0 and self._counting and time.perf_counter() > self._deadline:
            raise BudgetExhausted("TIME")

    def _guard(self) -> None:
        """Below `_unguarded` points, an evaluation is counted without looking at the clock or at limits."""
        self._unguarded = self._limit if self._counting and self._deadline == float("inf") else -1.0

    @contextmanager
    def uncounted(self) -> Iterator[None]:
        """Evaluations inside are neither counted nor limited."""
        before, self._counting = self._counting, False
        self._guard()
        try:
            yield
        finally:
            self._counting = before
            self._guard()
