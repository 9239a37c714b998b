"""Minima and the saddles of index 1 between them, from minimum to minimum: for many variables, and without a box.

From each minimum, the lowest first, paths go up along its modes and random directions; from each new saddle the flow
goes down on both sides, to minima of which new ones join the queue; round after round, until one meets nothing new.
[Doye & Wales 1997; Wales 2003, ch. 6]
"""

from __future__ import annotations

import heapq
import time
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ncsolve.critical import classify
from ncsolve.critical.lie import group_name
from ncsolve.critical.symmetry import generators
from ncsolve.errors import ProblemError
from ncsolve.landscapes.classes import Classes
from ncsolve.landscapes.flow import Connection, both_sides, descend
from ncsolve.landscapes.following import uphill
from ncsolve.landscapes.result import Landscape
from ncsolve.landscapes.words import plural
from ncsolve.oracle import Oracle, compile

if TYPE_CHECKING:
    from ncsolve.problem import Problem

__all__ = ["explored"]

Array = NDArray[np.float64]

STARTS = 16
MODES, RANDOM = 32, 64  # directions in which paths leave a minimum: its lowest modes both ways, and random ones
OFF, LONGEST = 0.3, 0.1  # the first and the longest step uphill, relative to the spread of the starts
WIDTH = 3.0  # of the landscape, in the same unit
MOST = 300  # variables: all eigenvectors are computed
FLAT = 1e-7  # eigenvalues of this part of the largest are zero


def explored(problem: Problem, seed: int, seconds: float) -> Landscape:
    """What is met from random starts until a round over all minima meets nothing new, or the time is up, or Ctrl-C.

    Raises `ProblemError` for more than 300 variables.
    """
    if problem.n > MOST:
        raise ProblemError(
            f"landscape: without a box at most {MOST} variables are explored, and '{problem.name}' has {problem.n}."
        )
    search = _Search(compile(problem), seed, time.perf_counter() + seconds)
    stopped = search.run()
    return search.landscape(problem, stopped)


class _Search:
    """Minima and saddles of index 1 met so far, and which minima each saddle connects."""

    def __init__(self, oracle: Oracle, seed: int, deadline: float) -> None:
        self.oracle, self.deadline = oracle, deadline
        self.rng = np.random.default_rng(seed)
        self.starts = np.array([oracle.problem.random_point(self.rng) for _ in range(STARTS)])
        self.scale = float(np.std(self.starts)) or 1.0
        self.width = np.full(oracle.n, WIDTH * self.scale)
        with oracle.uncounted():
            self.symmetries = generators(oracle, self.starts[0])
        self.minima = Classes(oracle, self.symmetries, self.scale)
        self.saddles = Classes(oracle, self.symmetries, self.scale)
        self.sides: list[tuple[int | None, int | None]] = []
        self.queue: list[tuple[float, int]] = []
        self.searched: set[int] = set()

    def run(self) -> str:
        """Why it ended before the queue was empty, or ""."""
        try:
            with self.oracle.uncounted(), np.errstate(all="ignore"):
                self._down(self.starts)
                met = -1
                while len(self.minima.points) + len(self.saddles.points) > met:  # another round: the last one met some
                    met = len(self.minima.points) + len(self.saddles.points)
                    self.queue = sorted((self.oracle.value(x), k) for k, x in enumerate(self.minima.points))
                    while self.queue and time.perf_counter() <= self.deadline:
                        self._up_from(heapq.heappop(self.queue)[1])
                    if time.perf_counter() > self.deadline:
                        return "the time is up"
        except KeyboardInterrupt:
            return "interrupted"
        return ""

    def _down(self, x: Array) -> list[int | None]:
        """The places of the minima at which the flow from points (m, n) ends."""
        places: list[int | None] = []
        for end, arrived in zip(*descend(self.oracle, x, self.width, deadline=self.deadline), strict=True):
            place, new = self.minima.add(end) if arrived else (None, False)
            places.append(place)
            if new and place is not None:
                heapq.heappush(self.queue, (self.oracle.value(end), place))
        return places

    def _up_from(self, place: int) -> None:
        """Saddles that are reached from a minimum, and the minima behind them."""
        x = self.minima.points[place]
        directions = self._directions(x, again=place in self.searched)
        off, longest = OFF * self.scale * directions, LONGEST * self.scale
        ends, arrived = uphill(self.oracle, x + off, directions, longest, self.deadline)
        new = [end for end in ends[arrived] if self._is_saddle(end) and self.saddles.add(end)[1]]
        if new:
            below = self._down(both_sides(self.oracle, np.array(new), self.width))
            self.sides += list(zip(below[: len(new)], below[len(new) :], strict=True))
        self.searched.add(place)

    def _directions(self, x: Array, again: bool) -> Array:
        """Unit vectors (m, n): random ones, and at first the lowest modes both ways but for those that are flat."""
        values, vectors = np.linalg.eigh(self.oracle.hessian(x, dense=True))
        modes = vectors[:, values > FLAT * np.abs(values).max()].T[: MODES // 2]
        chosen = self.rng.standard_normal((RANDOM, x.size))
        chosen /= np.linalg.norm(chosen, axis=1, keepdims=True)
        return chosen if again else np.concatenate([modes, -modes, chosen])

    def _is_saddle(self, x: Array) -> bool:
        values = np.linalg.eigvalsh(self.oracle.hessian(x, dense=True))
        return int(np.count_nonzero(values < -FLAT * np.abs(values).max())) == 1

    # -- what was met ----------------------------------------------------------------------------------------------

    def landscape(self, problem: Problem, stopped: str) -> Landscape:
        """All of it, lowest first. The box is a little larger than what holds it."""
        met = [*self.minima.points, *self.saddles.points[: len(self.sides)]]
        judged = [classify(self.oracle, x) for x in met]
        order = sorted(range(len(met)), key=lambda k: judged[k].objective)
        rank = {k: place for place, k in enumerate(order)}
        first = len(self.minima.points)
        joined = [
            Connection(rank[first + k], None if left is None else rank[left], None if right is None else rank[right])
            for k, (left, right) in enumerate(self.sides)
        ]
        x, margin = np.array(met) if met else self.starts, OFF * self.scale
        points = tuple(judged[k] for k in order)
        return Landscape(
            problem, x.min(axis=0) - margin, x.max(axis=0) + margin, points, False, False, (), 0.0,
            self._message(stopped), 0, None, interrupted=stopped == "interrupted",
            connections=tuple(sorted(joined, key=lambda c: c.saddle)), explored=True,
        )  # fmt: skip

    def _message(self, stopped: str) -> str:
        searched = f"minima and saddles of index 1 met from {plural(len(self.searched), 'minimum')}"
        count = len(self.symmetries)
        group = group_name(self.symmetries) or f"a group of dimension {count}"
        alike = f"; points alike up to symmetry ({group}) are listed once" if count else ""
        left = f"; {stopped}, {plural(len(self.queue), 'minimum')} left to search from" if stopped else ""
        return f"not proven complete: {searched}{alike}{left}"
