"""Basin hopping."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from ncsolve.solving import option
from ncsolve_population.search import ENOUGH, IDLE, SEARCHING, SearchState, local_minimum, local_solver

if TYPE_CHECKING:
    from ncsolve.oracle import Oracle

Vector = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class BasinHoppingState(SearchState):
    home: Vector
    """The minimum that the next hop leaves from, shape (n,)."""
    home_value: float
    hop: float
    """Length of hops."""
    hops: int = 0
    idle: int = 0
    """Hops since the best point was last improved."""


@dataclass(frozen=True)
class BasinHopping:
    """Monte Carlo over local minima. [Li & Scheraga 1987; Wales & Doye 1997]

    A hop moves every coordinate by up to `step_size`, then the local solver runs. The minimum y that it finds replaces
    the current one, x, with probability min(1, exp(-(f(y) - f(x)) / T)). The length of hops is adapted so that half of
    them are accepted. f is thus seen as a staircase of its minima. The search ends after `hops`, or after `patience`
    hops that improve nothing.
    """

    local: str = option("auto", "name of the local solver")
    hops: int = option(100, "number of hops", at_least=1)
    patience: int = option(50, "hops without an improvement that end the search", at_least=1)
    temperature: float = option(1.0, "T", above=0)
    step_size: float = option(0.5, "first length of a hop", above=0)

    name: ClassVar[str] = "basin-hopping"
    needs: ClassVar[frozenset[str]] = frozenset({"gradient", "bounds"})
    state_type: ClassVar[type] = BasinHoppingState

    def init(self, oracle: Oracle, x0: Vector, rng: np.random.Generator) -> BasinHoppingState:
        local_solver(oracle, self.local)  # refuses a problem that does not suit it
        f = oracle.value(x0)
        return BasinHoppingState(x0, f, home=x0, home_value=math.inf, hop=self.step_size)

    def step(self, oracle: Oracle, state: BasinHoppingState, rng: np.random.Generator) -> BasinHoppingState:
        first = state.hops == 0
        away = 0.0 if first else state.hop * rng.uniform(-1, 1, oracle.n)
        y, f = local_minimum(oracle, local_solver(oracle, self.local), oracle.project(state.home + away), rng)
        accepted = first or rng.random() < math.exp(min(0.0, (state.home_value - f) / self.temperature))
        better = f < state.objective
        idle = 0 if f < state.objective - 1e-9 * abs(state.objective) else state.idle + 1
        ended = IDLE if idle > self.patience else ENOUGH if state.hops >= self.hops else SEARCHING
        return BasinHoppingState(
            y if better else state.x,
            f if better else state.objective,
            ended,
            bool(ended),
            home=y if accepted else state.home,
            home_value=f if accepted else state.home_value,
            hop=state.hop if first else state.hop * math.exp(0.1 * (accepted - 0.5)),
            hops=state.hops + 1,
            idle=idle,
        )
