"""Runs from several starting points, in this process or on an executor."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.random import SeedSequence

from ncsolve.backends.evaluator import Evaluator
from ncsolve.executors import Executor, Serial
from ncsolve.oracle import compile
from ncsolve.problem import Problem
from ncsolve.solving.checkpoint import Keeper
from ncsolve.solving.ends import height
from ncsolve.solving.result import Result
from ncsolve.solving.run import metrics_at, random_start, run
from ncsolve.solving.status import Status

if TYPE_CHECKING:
    from ncsolve.errors import StoreError

__all__ = ["forget", "run_starts"]


@dataclass(frozen=True)
class _Shared:
    """What all runs have in common; a worker compiles the problem once."""

    problem: Problem
    backend: str
    solver: Any
    x0: Any
    seed: int
    arguments: Mapping[str, Any]


class _Start(NamedTuple):
    """One run that shall be made."""

    k: int
    keeper: Keeper | None

    def __str__(self) -> str:
        return f"start {self.k}"


def run_starts(
    problem: Problem,
    solver: Any,
    starts: int,
    *,
    backend: str = "auto",
    executor: Executor | None = None,
    x0: Any = None,
    seed: int = 0,
    keeper: Keeper | None = None,
    **arguments: Any,
) -> Result:
    """Run from `starts` points and return the best result, with all in `runs`: minima first, then the lower objective.

    The first run is the one that `run` makes; the others start at random points, each with a seed spawned from `seed`.
    Every run computes with one BLAS thread and as if it were the first of its process, so that its bits do not depend
    on the executor (without one: this process). Limits hold for each run. After Ctrl-C the runs that are done are
    returned, and those that it met. `arguments` are those of `run`.
    """
    shared = _Shared(problem, backend, solver, x0, seed, arguments)
    executor = executor or Serial()
    keepers: list[Keeper | None] = []

    def tasks() -> Iterator[_Start]:
        for k in range(starts):
            keepers.append(keeper.child(f"start-{k}") if keeper and k else keeper)
            yield _Start(k, keepers[k])

    done: dict[int, Result] = {}
    interrupted = False
    try:
        for k, (result, error) in executor.run(_run, shared, tasks()):
            done[k] = _at_home(result, problem)
            if (kept := keepers[k]) is not None:
                kept.error = error
            interrupted |= result.status is Status.INTERRUPTED
            if interrupted and isinstance(executor, Serial):  # others pass Ctrl-C on, and come back with it
                break
    except KeyboardInterrupt:
        if not done:
            raise
        interrupted = True
    runs = tuple(done[k] for k in sorted(done))
    best = min(runs, key=_rank)
    return replace(best, status=Status.INTERRUPTED if interrupted else best.status, runs=runs)


def _run(shared: _Shared, start: _Start) -> tuple[Result, StoreError | None]:
    """One run, and what of it could not be kept."""
    k, keeper = start
    forget(shared.problem)
    oracle, x0 = compile(shared.problem, shared.backend), shared.x0
    if k:
        rng = np.random.default_rng(SeedSequence(shared.seed, spawn_key=(k, 0)))
        x0 = random_start(oracle, shared.solver, rng)
    key = (k,) if k else ()
    result = run(oracle, shared.solver, x0=x0, seed=shared.seed, spawn_key=key, keeper=keeper, **shared.arguments)
    return result, None if keeper is None else keeper.error


def _at_home(result: Result, problem: Problem) -> Result:
    """With what stays behind when a problem is sent to a worker: its functions, and what was derived here."""
    minima = tuple(replace(found, problem=problem) for found in result.minima)
    return replace(result, minima=minima, metrics=result.metrics or metrics_at(problem, result.values))


def forget(problem: Problem) -> None:
    """Let `auto` choose its backend as in a new process; what is compiled stays."""
    for derived in problem.derived.values():
        if isinstance(derived, Evaluator):
            derived.spent = {}
        elif isinstance(derived, Problem):
            forget(derived)


def _rank(result: Result) -> tuple[bool, float]:
    found = result.point.kind in ("minimum", "minmax")
    return not found, height(result)
