"""What the solvers of this plugin share: the first box of a population, how a search ends, local solvers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from ncsolve.api import resolve
from ncsolve.errors import PluginError
from ncsolve.solving import Status, check_needs
from ncsolve.solving.loop import Loop
from ncsolve.solving.stopping import GradientTolerance, Iterations, Stall
from ncsolve_population.values import end_workers

if TYPE_CHECKING:
    from ncsolve.oracle import Oracle

Vector = NDArray[np.float64]
Points = NDArray[np.float64]

SEARCHING, GATHERED, FLAT, COLD, IDLE, DEGENERATE, ENOUGH = range(7)
ENDS = (
    "",
    "the population has shrunk to a point",
    "all its values are equal",
    "the temperature has fallen to its end",
    "no improvement for as long as the option patience allows",
    "the covariance matrix has become degenerate",
    "all hops are done",
)
LOCAL_TOLERANCE = 1e-9
LOCAL_ITERATIONS = 1000


@dataclass(frozen=True)
class SearchState:
    """A search for the lowest point, which a small gradient does not end."""

    x: Vector
    """Best point so far, shape (n,)."""
    objective: float
    ended: int = SEARCHING
    """Why the search has ended, an index of ENDS."""
    done: bool = False
    """Whether the polish, if there is one, is over too."""

    @property
    def exploring(self) -> bool:
        return not self.done

    @property
    def stalled(self) -> bool:
        return self.done

    @property
    def message(self) -> str:
        return ENDS[self.ended]


State = TypeVar("State", bound=SearchState)


def first_box(oracle: Oracle, x0: Vector, width: float | None) -> tuple[Vector, Vector]:
    """The bounds; x0 -+ width on a side without one, where a width of none means max(1, |x0|)."""
    reach = max(1.0, float(np.abs(x0).max())) if width is None else width
    low, high = x0 - reach, x0 + reach
    if oracle.lower is None or oracle.upper is None:
        return low, high
    lower, upper = oracle.lower, oracle.upper
    return np.where(np.isfinite(lower), lower, low), np.where(np.isfinite(upper), upper, high)


def finished(oracle: Oracle, state: State, rng: np.random.Generator) -> State:
    """The polish: the local solver that `auto` chooses runs from the best point, which it can only lower."""
    end_workers(oracle)
    x, f = local_minimum(oracle, local_solver(oracle, "auto"), state.x, rng)
    return replace(state, x=x, objective=f, done=True) if f <= state.objective else replace(state, done=True)


def local_solver(oracle: Oracle, name: str) -> Any:
    """An instance of the solver of this name. Raises OptionError where there is none, or the problem does not suit."""
    solver, _ = resolve(name, {}, oracle)
    check_needs(solver, oracle)
    return solver


def local_minimum(
    oracle: Oracle,
    solver: Any,
    x0: Vector,
    rng: np.random.Generator,
    tolerance: float = LOCAL_TOLERANCE,
    iterations: int = LOCAL_ITERATIONS,
) -> tuple[Vector, float]:
    """The lowest point that a local solver sees from x0, and its value; x0 and inf where nothing finite is seen."""
    loop = Loop(oracle, solver, rng, GradientTolerance(tolerance) | Stall(20) | Iterations(iterations))
    status = loop.advance(np.array(x0))
    if status is Status.INTERRUPTED:
        raise KeyboardInterrupt
    if status is Status.FAILED:
        raise PluginError(loop.detail)
    best = loop.merit
    return (x0, np.inf) if best.best_x is None else (best.best_x, best.best_objective)
