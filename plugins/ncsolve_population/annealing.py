"""Simulated annealing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from ncsolve.solving import option
from ncsolve_population.search import COLD, SearchState, finished, first_box
from ncsolve_population.values import values_of

if TYPE_CHECKING:
    from ncsolve.oracle import Oracle

Vector = NDArray[np.float64]
Points = NDArray[np.float64]
ACCEPTED = 0.3
"""Share of accepted moves that lengths of moves are adapted to."""


@dataclass(frozen=True, kw_only=True)
class AnnealingState(SearchState):
    walkers: Points
    """(particles, n)"""
    values: Vector
    lengths: Vector
    """Standard deviation of each walker's moves, in parts of the box."""
    temperature: float
    moves: int = 0
    acceptance: float = 1.0
    """Share of the walkers that moved."""


@dataclass(frozen=True)
class Annealing:
    """Simulated annealing, many walkers side by side. [Kirkpatrick, Gelatt & Vecchi 1983; Hajek 1988]

    Each walker proposes y = x + s z with z normal, and goes there with probability min(1, exp(-(f(y) - f(x)) / T)). T
    falls by the factor `cooling` in every iteration, or as T0 / log(1 + k), under which the walkers converge to the
    global minima in probability where T0 is at least the deepest barrier [Hajek 1988, on finite spaces]. s follows the
    share of moves that are accepted. All walkers move in one array call. The search ends when T has fallen by the
    factor `coldest`; then `polish` goes on from the best point as in `pso`.
    """

    particles: int = option(10, "walkers", at_least=1)
    temperature: float | None = option(None, "T at the beginning; none: half the values' spread at the start", above=0)
    schedule: Literal["geometric", "logarithmic"] = option("geometric", "how T falls")
    cooling: float = option(0.99, "factor of the geometric schedule", above=0, below=1)
    coldest: float = option(1e-8, "last T, in parts of the first one", above=0, below=1)
    sigma: float = option(0.1, "first length of a move, in parts of the box; of max(1, |x0|) without bounds", above=0)
    polish: bool = option(True, "whether a local solver goes on from the best point")
    workers: int = option(1, "blocks of a large population that are evaluated at the same time", at_least=1)
    executor: str = option("processes", "where: serial, processes, dask, or dask://HOST:PORT")

    name: ClassVar[str] = "annealing"
    needs: ClassVar[frozenset[str]] = frozenset({"bounds"})
    state_type: ClassVar[type] = AnnealingState
    default_iterations: ClassVar[int] = 10_000

    def init(self, oracle: Oracle, x0: Vector, rng: np.random.Generator) -> AnnealingState:
        low, high = first_box(oracle, x0, None)
        start = x0 + (high - low) * self.sigma * rng.standard_normal((max(self.particles, 10), oracle.n))
        start[0] = x0
        start = reflected(oracle, start)
        values = values_of(oracle, start, self)
        k = int(values.argmin())
        heat = self.temperature or _spread(values)
        m = self.particles
        order = np.argsort(values, kind="stable")[:m]
        lengths = np.full(m, self.sigma)
        state = AnnealingState(
            start[k], float(values[k]), walkers=start[order], values=values[order], lengths=lengths, temperature=heat
        )
        return state if heat > 0 else self._ended(state)

    def step(self, oracle: Oracle, state: AnnealingState, rng: np.random.Generator) -> AnnealingState:
        if state.ended:
            return finished(oracle, state, rng)
        x, f, s = state.walkers, state.values, state.lengths
        low, high = first_box(oracle, state.x, None)
        y = reflected(oracle, x + (high - low) * s[:, None] * rng.standard_normal(x.shape))
        fy = values_of(oracle, y, self)
        rise = np.where(np.isfinite(fy), fy - np.where(np.isfinite(f), f, np.inf), np.inf)
        moved = rng.random(len(x)) < np.exp(-np.maximum(rise, 0.0) / state.temperature)
        walkers, values = np.where(moved[:, None], y, x), np.where(moved, fy, f)
        k = int(fy.argmin())
        better = fy[k] < state.objective
        moves = state.moves + 1
        state = replace(
            state,
            x=y[k] if better else state.x,
            objective=float(fy[k]) if better else state.objective,
            walkers=walkers,
            values=values,
            lengths=np.minimum(1.0, s * np.exp(0.1 * (moved - ACCEPTED))),
            temperature=self._cooled(state.temperature, moves),
            moves=moves,
            acceptance=float(moved.mean()),
        )
        return self._ended(state) if self._fallen(moves) <= self.coldest else state

    def _fallen(self, moves: int) -> float:
        """T after so many moves, in parts of the first one."""
        return float(self.cooling**moves if self.schedule == "geometric" else np.log(2) / np.log(2 + moves))

    def _cooled(self, temperature: float, moves: int) -> float:
        return temperature * self._fallen(moves) / self._fallen(moves - 1)

    def _ended(self, state: AnnealingState) -> AnnealingState:
        return replace(state, ended=COLD, done=not self.polish)


def reflected(oracle: Oracle, x: Points) -> Points:
    """Points thrown back at the bounds; what would leave at the other side stops there."""
    low, high = oracle.lower, oracle.upper
    if low is None or high is None:
        return x
    return np.clip(np.where(x < low, 2 * low - x, np.where(x > high, 2 * high - x, x)), low, high)


def _spread(values: Vector) -> float:
    """Half the distance between the lowest and the median value, of those that are finite."""
    finite = values[np.isfinite(values)]
    return float(np.median(finite) - finite.min()) / 2 if len(finite) else 0.0
