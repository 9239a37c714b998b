"""A local solver from many starts."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import ThreadpoolController

from ncsolve.executors import choose
from ncsolve.solving import option
from ncsolve_population.batch import CONVERGED, LOST, RUNNING, STUCK, Batch, advance, begin, projected
from ncsolve_population.distinct import NUMBERS, distinct, expected_unseen
from ncsolve_population.search import local_solver
from ncsolve_population.starts import starting_points
from ncsolve_population.workers import Local, end_of_run, stop_running_ahead

if TYPE_CHECKING:
    from ncsolve.oracle import Oracle

Vector = NDArray[np.float64]
Points = NDArray[np.float64]

BATCHED = ("auto", "trust-region")
LARGEST = 100
"""Variables up to which the batched trust region is used: its Hessians are dense."""
WAITING, TIRED = 4, 5
CRITICAL = 1e-5
"""Gradient norm up to which the end of a run that is not batched counts as a critical point."""


@dataclass(frozen=True)
class MultistartState:
    x: Vector
    """Lowest point of all runs so far, shape (n,)."""
    objective: float
    points: Points
    """Where each run stands, shape (starts, n)."""
    values: Vector
    gradients: Points
    radii: Vector
    status: NDArray[np.int8]
    """What became of each run: a constant of `batch`; WAITING before it, TIRED at its limit of iterations."""
    seeds: NDArray[np.int64]
    begun: int = 0
    """Runs begun so far: the first rows."""
    age: int = 0
    """Iterations of the batch in play."""
    minima: Points = field(default_factory=lambda: np.empty((0, 0)))
    """The distinct points where runs ended, lowest first, shape (distinct, n)."""
    counts: NDArray[np.intp] = field(default_factory=lambda: np.empty(0, dtype=np.intp))
    """How many runs ended at each."""
    unseen: float = np.inf
    """Expected number of minima that no run has ended at."""
    done: bool = False

    @property
    def exploring(self) -> bool:
        return not self.done

    @property
    def stalled(self) -> bool:
        return self.done

    @property
    def message(self) -> str:
        w = len(self.counts)
        ended = f"{self.counts.sum()} of {self.begun} runs ended at {w} distinct point{'s' * (w != 1)}"
        return ended + (f"; {self.unseen:.2g} more are expected" if np.isfinite(self.unseen) else "")


@dataclass(frozen=True)
class Multistart:
    """A local solver from many starts, and the distinct points it finds. [Boender & Rinnooy Kan 1987; Marti 2003]

    With up to 100 variables, and `local` auto or trust-region, all runs of a batch are one: values, gradients, Hessians
    and steps of every run are computed together. Any other local solver runs from one start after the other, or from
    `workers` starts at a time, where `executor` says; what is found does not depend on either. `result.minima` lists
    the distinct points, lowest first, with the number of runs that ended at each and their share, which estimates the
    size of its basin. `stop_rule=boender-rinnooy-kan` ends the search after the batch at which the expected number of
    unseen minima, w (w + 1) / (m - w - 2) for w found by m runs, is below 1/2.
    """

    starts: int = option(100, "number of starts, x0 among them", at_least=1)
    local: str = option("auto", "name of the local solver")
    sampling: Literal["random", "latin-hypercube", "sobol"] = option("random", "how the starts are drawn")
    width: float | None = option(None, "starts lie in x0 +- width where there are no bounds", above=0)
    batch: int = option(1000, "runs in play together; the stop rule is asked between batches", at_least=1)
    stop_rule: Literal["none", "boender-rinnooy-kan"] = option("none", "whether to stop before all starts are used")
    symmetric: bool | None = option(
        None, "whether points with equal values and spectra of the Hessian are one; none: where the Hessian is singular"
    )
    same: float = option(1e-4, "distance, relative to max(1, |x|), within which points are one", above=0)
    tolerance: float = option(1e-8, "gradient norm that ends a local run", above=0)
    local_iterations: int = option(1000, "limit of each local run", at_least=1)
    workers: int = option(1, "runs at the same time, where the local solver is not batched", at_least=1)
    executor: str = option("processes", "where they run: serial, processes, dask, or dask://HOST:PORT")

    name: ClassVar[str] = "multistart"
    needs: ClassVar[frozenset[str]] = frozenset({"gradient", "bounds"})
    state_type: ClassVar[type] = MultistartState

    def init(self, oracle: Oracle, x0: Vector, rng: np.random.Generator) -> MultistartState:
        choose(self.executor, self.workers)  # refuses what there is not
        if not self._batched(oracle):
            local_solver(oracle, self.local)  # refuses a problem that does not suit it
        points = starting_points(oracle, x0, self.starts, self.sampling, self.width, rng)
        m = len(points)
        state = MultistartState(
            x0,
            oracle.value(x0),
            points,
            np.full(m, np.inf),
            np.zeros_like(points),
            np.ones(m),
            np.full(m, WAITING, dtype=np.int8),
            rng.integers(2**62, size=m),
        )
        return self._begin(oracle, state)

    def step(self, oracle: Oracle, state: MultistartState, rng: np.random.Generator) -> MultistartState:
        if (state.status == RUNNING).any():
            with _blas().limit(limits=1):  # threads that wait for each other make small matrices slow
                state = self._advanced(oracle, state) if self._batched(oracle) else self._run(oracle, state)
        if (state.status == RUNNING).any():
            return state
        state = self._counted(oracle, state)
        enough = self.stop_rule == "boender-rinnooy-kan" and state.unseen < 0.5
        if enough or state.begun == len(state.points):
            stop_running_ahead(oracle)
            return replace(state, done=True)
        return self._begin(oracle, state)

    def _batched(self, oracle: Oracle) -> bool:
        return self.local in BATCHED and oracle.n <= LARGEST

    def _begin(self, oracle: Oracle, state: MultistartState) -> MultistartState:
        """The next batch of runs is in play."""
        size = min(self.batch, max(1, NUMBERS // oracle.n**2)) if self._batched(oracle) else self.batch
        rows = np.arange(state.begun, min(state.begun + size, len(state.points)))
        if not self._batched(oracle):
            return replace(state, status=_put(state.status, RUNNING, rows), begun=state.begun + len(rows))
        batch = begin(oracle, state.points[rows])
        return self._with(
            replace(state, begun=state.begun + len(rows), age=0),
            Batch(*(_put(old, new, rows) for old, new in zip(_fields(state), _fields(batch), strict=True))),
        )

    def _advanced(self, oracle: Oracle, state: MultistartState) -> MultistartState:
        """One iteration of every run in play."""
        batch = advance(oracle, Batch(*_fields(state)), self.tolerance)
        if state.age + 1 >= self.local_iterations:
            batch = replace(batch, status=np.where(batch.status == RUNNING, TIRED, batch.status).astype(np.int8))
        return self._with(replace(state, age=state.age + 1), batch)

    def _run(self, oracle: Oracle, state: MultistartState) -> MultistartState:
        """The next run in play, from beginning to end."""
        rows = np.flatnonzero(state.status == RUNNING)[:1]
        local = Local(oracle.problem, oracle.evaluator.choice, self.local, self.tolerance, self.local_iterations)
        workers = choose(self.executor, self.workers)
        end = end_of_run(oracle, local, state.points, state.seeds, int(rows[0]), workers)
        points = end.x[None]
        gradients = oracle.gradient(points)
        small = np.abs(projected(oracle, points, gradients)).max(axis=1) <= CRITICAL
        status = np.where(np.isfinite(end.value), np.where(small, CONVERGED, TIRED), LOST)
        new = points, end.value, gradients, state.radii[rows], status
        return self._with(state, Batch(*(_put(old, part, rows) for old, part in zip(_fields(state), new, strict=True))))

    def _with(self, state: MultistartState, batch: Batch) -> MultistartState:
        """The state with these runs, and the lowest point among them."""
        values = np.where(np.isfinite(batch.values), batch.values, np.inf)
        k = int(values.argmin())
        lower = values[k] < state.objective or not np.isfinite(state.objective)
        x, f = (batch.points[k], float(values[k])) if lower and np.isfinite(values[k]) else (state.x, state.objective)
        return replace(state, x=x, objective=f, **vars(batch))

    def _counted(self, oracle: Oracle, state: MultistartState) -> MultistartState:
        """The state with the distinct ends of all runs so far."""
        ended = np.flatnonzero((state.status == CONVERGED) | (state.status == STUCK))
        points = state.points[ended]
        rows, counts = distinct(oracle, points, state.values[ended], self.same, self.symmetric)
        return replace(state, minima=points[rows], counts=counts, unseen=expected_unseen(len(rows), len(ended)))


@cache
def _blas() -> ThreadpoolController:
    return ThreadpoolController()


def _fields(runs: Batch | MultistartState) -> tuple[NDArray[Any], ...]:
    return runs.points, runs.values, runs.gradients, runs.radii, runs.status


def _put(old: NDArray[Any], new: Any, rows: NDArray[np.intp]) -> NDArray[Any]:
    """A copy of `old` with new rows."""
    changed = old.copy()
    changed[rows] = new
    return changed
