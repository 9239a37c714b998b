"""Differential evolution."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from ncsolve.solving import option
from ncsolve_population.search import FLAT, GATHERED, IDLE, SEARCHING, SearchState, finished, first_box
from ncsolve_population.values import values_of

if TYPE_CHECKING:
    from ncsolve.oracle import Oracle

Vector = NDArray[np.float64]
Points = NDArray[np.float64]
EPS = float(np.finfo(float).eps)


@dataclass(frozen=True, kw_only=True)
class DEState(SearchState):
    points: Points
    """(particles, n)"""
    values: Vector
    weights: Vector
    """F of each point."""
    crossovers: Vector
    """CR of each point."""
    idle: int = 0
    """Generations since a point was last replaced by a better one."""


@dataclass(frozen=True)
class DE:
    """Differential evolution. [Storn & Price 1997; Brest et al. 2006 (jDE); Zhang & Sanderson 2009]

    Each point x_i meets a trial: u takes every coordinate from v with probability CR, at least one, else from x_i,
    where

        rand1bin                 v = x_a + F (x_b - x_c)
        best1bin                 v = x_best + F (x_b - x_c)
        current-to-pbest1bin     v = x_i + F (x_p - x_i) + F (x_b - x_c), x_p one of the best points

    with a, b, c distinct at random; u takes the place of x_i where f(u) <= f(x_i). A generation is one array call. With
    `adaptive`, every point carries its own F and CR, which are redrawn now and then and survive with it (jDE). The
    search ends and is polished as that of `pso`. There is no guarantee of a minimum.
    """

    particles: int = option(50, "points in the population", at_least=4)
    strategy: Literal["rand1bin", "best1bin", "current-to-pbest1bin"] = option("rand1bin", "how v is made")
    adaptive: bool = option(True, "whether F and CR are adapted, as in jDE")
    weight: float = option(0.5, "F, at the beginning", above=0, at_most=2)
    crossover: float = option(0.9, "CR, at the beginning", at_least=0, at_most=1)
    elite: float = option(0.1, "part of the population that x_p is drawn from", above=0, at_most=1)
    width: float | None = option(None, "without bounds the population begins in x0 +- width", above=0)
    tolerance: float = option(1e-8, "diameter, relative to max(1, |x|), that ends the search", above=0)
    patience: int = option(200, "generations without an improvement of any point that end the search", at_least=1)
    polish: bool = option(True, "whether a local solver goes on from the best point")
    workers: int = option(1, "blocks of a large population that are evaluated at the same time", at_least=1)
    executor: str = option("processes", "where: serial, processes, dask, or dask://HOST:PORT")

    name: ClassVar[str] = "de"
    needs: ClassVar[frozenset[str]] = frozenset({"box", "bounds"})
    state_type: ClassVar[type] = DEState
    default_iterations: ClassVar[int] = 10_000

    def init(self, oracle: Oracle, x0: Vector, rng: np.random.Generator) -> DEState:
        low, high = first_box(oracle, x0, self.width)
        points = low + (high - low) * rng.random((self.particles, oracle.n))
        points[0] = x0
        values = values_of(oracle, points, self)
        F, CR = np.full(self.particles, self.weight), np.full(self.particles, self.crossover)
        k = int(values.argmin())
        state = DEState(points[k], float(values[k]), points=points, values=values, weights=F, crossovers=CR)
        return self._judged(state)

    def step(self, oracle: Oracle, state: DEState, rng: np.random.Generator) -> DEState:
        if state.ended:
            return finished(oracle, state, rng)
        x, f = state.points, state.values
        F, CR = self._controls(state, rng)
        v = self._mutants(x, f, F[:, None], rng)
        if oracle.lower is not None and oracle.upper is not None:  # halfway between the bound and x_i, as in JADE
            v = np.where(v < oracle.lower, (oracle.lower + x) / 2, v)
            v = np.where(v > oracle.upper, (oracle.upper + x) / 2, v)
        m, n = x.shape
        crossed = rng.random((m, n)) < CR[:, None]
        crossed[np.arange(m), rng.integers(n, size=m)] = True
        u = np.where(crossed, v, x)
        fu = values_of(oracle, u, self)
        won = fu <= f
        points, values = np.where(won[:, None], u, x), np.where(won, fu, f)
        k = int(values.argmin())
        return self._judged(
            replace(
                state,
                x=points[k] if values[k] < state.objective else state.x,
                objective=min(float(values[k]), state.objective),
                points=points,
                values=values,
                weights=np.where(won, F, state.weights),
                crossovers=np.where(won, CR, state.crossovers),
                idle=0 if (fu < f).any() else state.idle + 1,
            )
        )

    def _controls(self, state: DEState, rng: np.random.Generator) -> tuple[Vector, Vector]:
        """F and CR of this generation: with probability 1/10 each is drawn anew, F in [0.1, 1], CR in [0, 1]."""
        if not self.adaptive:
            return state.weights, state.crossovers
        a, b, c, d = rng.random((4, self.particles))
        return np.where(a < 0.1, 0.1 + 0.9 * b, state.weights), np.where(c < 0.1, d, state.crossovers)

    def _mutants(self, x: Points, f: Vector, F: Points, rng: np.random.Generator) -> Points:
        m = len(x)
        keys = rng.random((m, m))
        np.fill_diagonal(keys, 2.0)  # i itself comes last
        a, b, c = x[np.argpartition(keys, 3, axis=1)[:, :3].T] if m > 4 else x[np.argsort(keys, axis=1)[:, :3].T]
        if self.strategy == "best1bin":
            return x[f.argmin()] + F * (b - c)
        if self.strategy == "current-to-pbest1bin":
            best = np.argsort(f, kind="stable")[: max(1, round(self.elite * m))]
            return x + F * (x[rng.choice(best, m)] - x) + F * (b - c)
        return a + F * (b - c)

    def _judged(self, state: DEState) -> DEState:
        """The state, with whether the search has ended."""
        diameter, spread = float(np.abs(state.points - state.x).max()), float(state.values.max()) - state.objective
        ended = SEARCHING
        if diameter <= self.tolerance * max(1.0, float(np.abs(state.x).max())):
            ended = GATHERED
        elif spread <= EPS * abs(state.objective):
            ended = FLAT
        elif state.idle >= self.patience:
            ended = IDLE
        return replace(state, ended=ended, done=bool(ended) and not self.polish)
