"""Problems x solvers x seeds: a grid of runs, in processes of their own, each cell kept as soon as it is done."""

from __future__ import annotations

import hashlib
import json
import os
import re
import signal
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from itertools import product
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from ncsolve import api
from ncsolve.backends.evaluator import Evaluator
from ncsolve.errors import StoreError
from ncsolve.problem import Problem
from ncsolve.solving.result import plain
from ncsolve.store import absolute, all_versions, fingerprint, problem_of, read_arrays, write_arrays, write_text

__all__ = ["Cell", "Run", "cells", "run_cells"]

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
TRIES = 3
"""How often a cell is begun whose process was killed."""


@dataclass(frozen=True)
class Cell:
    """One run that shall be made. It is small: a process that gets it compiles the problem, once."""

    source: str
    problem: str
    """Name."""
    n: int
    fingerprint: str
    solver: str
    seed: int
    arguments: tuple[tuple[str, Any], ...]
    """Further arguments of `nc.solve`."""

    @property
    def key(self) -> str:
        """Digest of all that the numbers of the run depend on."""
        parts = [self.fingerprint, self.solver, self.seed, sorted(self.arguments), sorted(all_versions().items())]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]

    @property
    def folder(self) -> str:
        words = re.sub(r"[^A-Za-z0-9-]+", "_", f"{self.problem}-{self.solver}")[:60]
        return f"{words}-{self.seed}-{self.key}"


@dataclass(frozen=True)
class Run:
    """A cell that is done."""

    cell: Cell
    data: Mapping[str, Any]
    """With the keys of `ncsolve solve --json`."""
    trace: Mapping[str, NDArray[Any]]

    @property
    def problem(self) -> str:
        return self.cell.problem

    @property
    def solver(self) -> str:
        return self.cell.solver

    @property
    def interrupted(self) -> bool:
        return bool(self.data["status"] == "INTERRUPTED")


def cells(problems: Sequence[Problem], solvers: Sequence[str], seeds: int, **arguments: Any) -> list[Cell]:
    """All of them, ordered by problem, solver and seed."""
    given = tuple(sorted((name, value) for name, value in arguments.items() if value is not None))
    known = [(absolute(p.source) or "", p.name, p.n, fingerprint(p)["all"]) for p in problems]
    return [Cell(*of, solver, seed, given) for of, solver, seed in product(known, solvers, range(seeds))]


def run_cells(
    grid: Sequence[Cell], folder: Path | None = None, jobs: int = 1, done: Callable[[Run], Any] = lambda run: None
) -> list[Run]:
    """Run a grid and return its runs in order; `done` is called with each as it is ready.

    What a folder holds already is read, not run; what is new is written there at once, so that a grid that was
    interrupted goes on. Numbers do not depend on `jobs`, nor on what else a process ran before. After Ctrl-C the
    runs that are done are returned, the interrupted one among them if there is one. Raises what a run raises.
    """
    found: dict[Cell, Run] = {}
    for cell in grid:
        if folder and (run := _kept(cell, folder)):
            found[cell] = run
            done(run)
    missing = [cell for cell in grid if cell not in found]
    made = _in_processes(missing, folder, jobs) if jobs > 1 else _here(missing, folder)
    with suppress(KeyboardInterrupt):
        for run in made:
            found[run.cell] = run
            done(run)
    return [found[cell] for cell in grid if cell in found]


def _here(missing: Sequence[Cell], folder: Path | None) -> Iterator[Run]:
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):
        for cell in missing:
            run = _run(cell, folder)
            yield run
            if run.interrupted:
                return


def _in_processes(missing: Sequence[Cell], folder: Path | None, jobs: int) -> Iterator[Run]:
    """Cells whose process is killed are tried again, in new processes."""
    left = list(missing)
    for attempt in range(TRIES):
        try:
            for run in _round(left, folder, min(jobs, len(left) or 1)):
                left.remove(run.cell)
                yield run
            return
        except BrokenProcessPool as error:
            if attempt == TRIES - 1:
                raise StoreError(
                    f"a process was killed {TRIES} times while it ran {left[0].problem} by {left[0].solver}, or a run "
                    "beside it: there may be too little memory. Take fewer --jobs."
                ) from error


def _round(left: Sequence[Cell], folder: Path | None, jobs: int) -> Iterator[Run]:
    with _one_thread(), ProcessPoolExecutor(jobs, get_context("spawn"), _begin_worker) as pool:
        pending: set[Future[Run]] = {pool.submit(_run_in_worker, cell, folder) for cell in left}
        try:
            while pending:
                ready, pending = wait(pending, return_when="FIRST_COMPLETED")
                for future in ready:
                    if not (run := future.result()).interrupted:
                        yield run
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


@contextmanager
def _one_thread() -> Iterator[None]:
    """Processes that begin meanwhile compute with one thread each."""
    before = {name: os.environ.get(name) for name in THREADS}
    os.environ.update(dict.fromkeys(THREADS, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name)
            else:
                os.environ[name] = value


def _begin_worker() -> None:
    """Ctrl-C ends runs, not idle processes; the lines of progress are the parent's."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.stderr = open(os.devnull, "w")  # noqa: SIM115


def _run_in_worker(cell: Cell, folder: Path | None) -> Run:
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return _run(cell, folder)
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)


def _run(cell: Cell, folder: Path | None) -> Run:
    """Run a cell and, unless it is interrupted, keep it."""
    problem = _problem(cell.source)
    _forget(problem)
    result = api.solve(problem, cell.solver, seed=cell.seed, **dict(cell.arguments))
    run = Run(cell, plain(result.to_json()), dict(result.trace))
    if folder and not run.interrupted:
        at = folder / cell.folder
        try:
            at.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"cannot write into {at}: {error.strerror}.") from error
        write_arrays(at / "trace.npz", run.trace, compress=True)
        kept = {**run.data, "source": cell.source, "key": cell.key}
        write_text(at / "run.json", json.dumps(kept, allow_nan=False) + "\n")
    return run


@cache
def _problem(source: str) -> Problem:
    return problem_of(source, Path(source))


def _forget(problem: Problem) -> None:
    """Let `auto` choose its backend as in a new process; what is compiled stays."""
    for derived in problem.derived.values():
        if isinstance(derived, Evaluator):
            derived.spent = {}
        elif isinstance(derived, Problem):
            _forget(derived)


def _kept(cell: Cell, folder: Path) -> Run | None:
    """The cell from its folder, if it is there, whole, and of this key."""
    at = folder / cell.folder
    try:
        data = json.loads((at / "run.json").read_text())
        if data.pop("key") != cell.key or data.pop("source") != cell.source:
            return None
        return Run(cell, data, read_arrays(at / "trace.npz"))
    except (OSError, ValueError, KeyError, AttributeError, StoreError):
        return None
