"""Local runs of any solver, one after the other or in processes of their own."""

from __future__ import annotations

import time
from concurrent.futures import Executor, ProcessPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ncsolve.errors import BudgetExhausted
from ncsolve.oracle import compile
from ncsolve_population.search import local_minimum, local_solver

if TYPE_CHECKING:
    from ncsolve.oracle import Oracle
    from ncsolve.problem import Problem

Points = NDArray[np.float64]
Vector = NDArray[np.float64]


@dataclass(frozen=True)
class Local:
    """How every local run is made: the solver's name, the gradient norm that ends it and its limit."""

    solver: str
    tolerance: float
    iterations: int

    def run(self, oracle: Oracle, x0: Vector, seed: int) -> tuple[Vector, float]:
        solver = local_solver(oracle, self.solver)
        return local_minimum(oracle, solver, x0, np.random.default_rng(seed), self.tolerance, self.iterations)


@dataclass(frozen=True)
class Task:
    """A part of the starts for one process; its oracle is compiled there, for compiled code does not travel."""

    problem: Problem
    backend: str
    local: Local
    starts: Points
    seeds: NDArray[np.int64]
    evaluations: float
    seconds: float

    def __call__(self) -> tuple[list[tuple[Vector, float]], dict[str, int], int]:
        """The ends reached within the limits, and what they cost."""
        oracle = compile(self.problem, self.backend)
        oracle.limit(self.evaluations, time.perf_counter() + self.seconds)
        with np.errstate(all="ignore"):
            ends = [self.local.run(oracle, x, int(seed)) for x, seed in zip(self.starts, self.seeds, strict=True)]
        return ends, oracle.counts, oracle.points


def run_in_processes(
    oracle: Oracle, local: Local, starts: Points, seeds: NDArray[np.int64], workers: int
) -> list[tuple[Vector, float]]:
    """The ends of local runs, in the order of the starts, whatever the number of processes.

    The limits are divided among the processes. Raises BudgetExhausted where nothing is left of them.
    """
    evaluations, seconds = oracle.remaining
    if not (evaluations and seconds):
        raise BudgetExhausted("TIME" if evaluations else "EVALUATIONS")
    parts = np.array_split(np.arange(len(starts)), min(workers, len(starts)))
    backend, share = oracle.evaluator.choice, evaluations / len(parts)
    tasks = [Task(oracle.problem, backend, local, starts[p], seeds[p], share, seconds) for p in parts]
    with ProcessPoolExecutor(workers) as executor:
        return collect(executor, oracle, tasks)


def collect(executor: Executor, oracle: Oracle, tasks: list[Task]) -> list[tuple[Vector, float]]:
    """The ends of all tasks, from any Executor of concurrent.futures; what they cost is counted here."""
    ends: list[tuple[Vector, float]] = []
    for part, counts, points in executor.map(Task.__call__, tasks):
        ends += part
        oracle.add_counts(counts, points)
    return ends
