"""Local runs of any solver, one after the other or ahead of time in workers."""

from __future__ import annotations

import time
import weakref
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ncsolve.executors import in_order
from ncsolve.oracle import compile
from ncsolve_population.search import local_minimum, local_solver

if TYPE_CHECKING:
    from ncsolve.executors import Executor
    from ncsolve.oracle import Oracle
    from ncsolve.problem import Problem

Points = NDArray[np.float64]
Vector = NDArray[np.float64]


@dataclass(frozen=True)
class Local:
    """How every local run is made; a worker derives the problem once."""

    problem: Problem
    backend: str
    solver: str
    tolerance: float
    iterations: int


class Start(NamedTuple):
    """One local run that shall be made, and its limits."""

    x: Vector
    seed: int
    evaluations: float
    deadline: float
    """Of time.time, which machines agree upon."""

    def __str__(self) -> str:
        return "a local run"


class End(NamedTuple):
    """Where a local run ended and what it cost."""

    x: Vector
    value: float
    counts: dict[str, int]
    points: int


def local_run(local: Local, start: Start) -> End:
    """A run, as if it were the first one of this problem: its bits do not depend on what ran here before."""
    oracle = compile(local.problem, local.backend)
    spent, oracle.evaluator.spent = oracle.evaluator.spent, {}
    oracle.limit(start.evaluations, time.perf_counter() + start.deadline - time.time())
    try:
        with np.errstate(all="ignore"):
            solver, rng = local_solver(oracle, local.solver), np.random.default_rng(start.seed)
            x, f = local_minimum(oracle, solver, start.x, rng, local.tolerance, local.iterations)
    finally:
        oracle.evaluator.spent = spent
    return End(x, f, oracle.counts, oracle.points)


_ahead: weakref.WeakKeyDictionary[Oracle, tuple[int, Iterator[End]]] = weakref.WeakKeyDictionary()
"""The runs that workers make already, and the number of the next: the search asks for one at a time."""


def end_of_run(
    oracle: Oracle, local: Local, points: Points, seeds: NDArray[np.int64], k: int, executor: Executor
) -> End:
    """Where the run from points[k] ends, counted; those from the points after it run ahead.

    A run that would have met the limit on evaluations, had those before it been known, is made again within it.
    """
    due, ends = _ahead.pop(oracle, (-1, iter(())))
    if due != k:
        ends = _ends(oracle, local, points[k:], seeds[k:], executor)
    end = next(ends)
    if end.points > oracle.remaining[0]:
        end = local_run(local, _start(oracle, points[k], seeds[k]))
    else:
        _ahead[oracle] = k + 1, ends
    oracle.add_counts(end.counts, end.points)
    return end


def stop_running_ahead(oracle: Oracle) -> None:
    """No more runs are wanted."""
    _ahead.pop(oracle, None)


def _ends(oracle: Oracle, local: Local, points: Points, seeds: NDArray[np.int64], executor: Executor) -> Iterator[End]:
    door = weakref.ref(oracle)  # what is kept for an oracle must not keep it

    def starts() -> Iterator[Start]:
        for x, seed in zip(points, seeds, strict=True):
            if (here := door()) is not None:
                yield _start(here, x, seed)

    return in_order(executor.run(local_run, local, starts()))


def _start(oracle: Oracle, x: Vector, seed: np.int64) -> Start:
    evaluations, seconds = oracle.remaining
    return Start(x, int(seed), evaluations, time.time() + seconds)
