"""Particle swarm optimisation."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from ncsolve.errors import OptionError
from ncsolve.solving import option
from ncsolve_population.search import FLAT, GATHERED, IDLE, SEARCHING, SearchState, finished, first_box
from ncsolve_population.values import values_of

if TYPE_CHECKING:
    from ncsolve.oracle import Oracle

Vector = NDArray[np.float64]
Points = NDArray[np.float64]
Swarm = tuple[Points, Points, Points, Vector]
"""Positions, velocities, and the best positions of all particles with their values."""
EPS = float(np.finfo(float).eps)
SMALLEST = math.log(1e-4)
"""Of the sizes of trial moves, relative to the width of the box: its logarithm."""
EVERY = 10
"""Moves between two looks at whether the swarm has gathered."""
ROUND = 5
"""Moves between two rounds of trials."""


@dataclass(frozen=True, kw_only=True)
class PSOState(SearchState):
    positions: Points
    """(particles, n)"""
    velocities: Points
    best_positions: Points
    """The best point that each particle has seen, shape (particles, n)."""
    best_values: Vector
    moves: int = 0
    idle: int = 0
    """Moves since a particle last improved its best position."""
    diameter: float = math.inf
    """Largest distance of a best position from x in any coordinate, when it was looked at last."""


@dataclass(frozen=True)
class PSO:
    """Particle swarm optimisation. [Kennedy & Eberhart 1995; Clerc & Kennedy 2002; Poli 2009]

    v+ = w v + c1 r1 (p - x) + c2 r2 (g - x),  x+ = x + v+, with r1, r2 uniform in [0, 1] for every particle and
    coordinate, p the best point that the particle has seen, g the best that any of its neighbours has. The whole swarm
    is one array, its values one call. Around fixed p and g the mean converges where |w| < 1 and 0 < c1 + c2 < 4 (1 +
    w), the variance (c1 = c2) where c1 + c2 < 24 (1 - w^2) / (7 - 5 w) [Poli 2009]. There is no guarantee of a minimum.
    The defaults are w = 1 / (2 log 2) and c1 = c2 = 1/2 + log 2 [Clerc 2006], with four neighbours for each particle,
    which reached more targets of BBOB than w = 0.73, c1 = c2 = 1.496 and one global leader.

    Elitist learning [Zhan et al. 2009]: every five iterations some trial points differ from the best one in one
    coordinate, by 10^-4 to 1 times the box's width, and the best particle takes what is better. Objectives that are
    nearly separable profit most.

    The search ends when the best positions lie within `tolerance` of each other, when their values are equal, or when
    no particle has improved within `patience` moves, as with groups in several minima. Then `polish` goes on from x
    with the local solver that `auto` chooses, so that the gradient test can be met.
    """

    particles: int = option(40, "points in the swarm", at_least=2)
    inertia: float = option(0.721348, "w, at the beginning", at_least=0, below=1)
    cognitive: float = option(1.193147, "c1, the pull of a particle's own best point", at_least=0)
    social: float = option(1.193147, "c2, the pull of its neighbours' best point", at_least=0)
    schedule: Literal["constant", "linear", "random", "constriction"] = option(
        "constant",
        "of w: linear to final_inertia within `horizon` iterations [Shi & Eberhart 1998], random in [1/2, 1], or "
        "Clerc's constriction of all three coefficients",
    )
    final_inertia: float = option(0.4, "w at the end of the linear schedule", at_least=0, below=1)
    horizon: int = option(1000, "iterations of the linear schedule", at_least=1)
    topology: Literal["global", "ring", "von-neumann"] = option("von-neumann", "who a particle's neighbours are")
    trials: int = option(40, "moves of the best point along one coordinate, tried every five iterations", at_least=0)
    at_bounds: Literal["absorb", "reflect", "random"] = option(
        "absorb", "a coordinate that leaves the bounds stops there, bounces, or is drawn anew"
    )
    width: float | None = option(None, "without bounds the swarm begins in x0 +- width", above=0)
    tolerance: float = option(1e-8, "diameter, relative to max(1, |x|), that ends the search", above=0)
    patience: int = option(100, "moves without an improvement of any particle that end the search", at_least=1)
    polish: bool = option(True, "whether a local solver goes on from the best point")
    workers: int = option(1, "blocks of a large population that are evaluated at the same time", at_least=1)
    executor: str = option("processes", "where: serial, processes, dask, or dask://HOST:PORT")

    name: ClassVar[str] = "pso"
    needs: ClassVar[frozenset[str]] = frozenset({"box", "bounds"})
    state_type: ClassVar[type] = PSOState
    default_iterations: ClassVar[int] = 10_000

    def __post_init__(self) -> None:
        if self.schedule == "constriction" and self.cognitive + self.social <= 4:
            raise OptionError(
                "The constriction of solver 'pso' needs cognitive + social > 4, but they are "
                f"{self.cognitive:g} and {self.social:g}. The usual values are 2.05 each."
            )

    def init(self, oracle: Oracle, x0: Vector, rng: np.random.Generator) -> PSOState:
        low, high = first_box(oracle, x0, self.width)
        positions = low + (high - low) * rng.random((self.particles, oracle.n))
        positions[0] = x0
        velocities = (high - low) * (rng.random(positions.shape) - 0.5) / 2
        values = values_of(oracle, positions, self)
        k = int(values.argmin())
        return self._state(positions[k], float(values[k]), (positions, velocities, positions, values))

    def step(self, oracle: Oracle, state: PSOState, rng: np.random.Generator) -> PSOState:
        if state.ended:
            return finished(oracle, state, rng)
        w, c1, c2 = self._coefficients(state.moves, rng)
        x, p, best = state.positions, state.best_positions, state.best_values
        r = rng.random((2, *x.shape))  # the swarm is small: what an operation takes is its call, least in place
        own = p - x
        own *= r[0]
        own *= c1
        led = p.take(self._leaders(best), 0)
        led -= x
        led *= r[1]
        led *= c2
        v = w * state.velocities
        v += own
        v += led
        moved = x + v
        if self.trials and state.moves % ROUND == 0:
            moved = np.concatenate((moved, self._trials(oracle, state.x, rng)))
        moved, v = self._inside(oracle, moved, v, rng)
        values = values_of(oracle, moved, self)
        x, fx = moved[: len(v)], values[: len(v)]
        better = fx < best
        improved = bool(np.count_nonzero(better))
        if improved:
            p, best = np.where(better[:, None], x, p), np.minimum(fx, best)
        k = best.argmin()
        if len(values) > len(best) and values[j := values.argmin()] < best[k]:
            p, best, improved = p.copy(), best.copy(), True  # a trial is below all of them: the best particle takes it
            p[k], best[k] = moved[j], values[j]
        lower = best[k] < state.objective
        lowest, f = (p[k], float(best[k])) if lower else (state.x, state.objective)
        idle = 0 if improved else state.idle + 1
        return self._state(lowest, f, (x, v, p, best), state.moves + 1, idle, state.diameter)

    def _trials(self, oracle: Oracle, x: Vector, rng: np.random.Generator) -> Points:
        """The best point, in each row moved along one coordinate: by the box's width, or down to 1e-4 of it."""
        which, s = rng.random((2, self.trials))
        place = (oracle.n * which).astype(np.intp)
        s -= 0.5
        size = np.abs(s)
        size *= 2 * SMALLEST
        np.exp(size, out=size)
        size *= widths(oracle, x).take(place)
        trials = x[None].repeat(self.trials, axis=0)
        place += np.arange(0, trials.size, oracle.n)
        trials.reshape(-1)[place] += np.copysign(size, s)
        return trials

    def _state(
        self, x: Vector, f: float, swarm: Swarm, moves: int = 0, idle: int = 0, diameter: float = math.inf
    ) -> PSOState:
        """The state after a move, and whether the search has ended: seen every few moves, for it takes as long."""
        at, v, p, values = swarm
        ended = IDLE if idle >= self.patience else SEARCHING
        if moves % EVERY == 0:
            diameter = float(np.abs(p - x).max())
            if diameter <= self.tolerance * max(1.0, float(np.abs(x).max())):
                ended = GATHERED
            elif float(values.max()) - f <= EPS * abs(f):
                ended = FLAT
        return PSOState(
            x,
            f,
            ended,
            done=bool(ended) and not self.polish,
            positions=at,
            velocities=v,
            best_positions=p,
            best_values=values,
            moves=moves,
            idle=idle,
            diameter=diameter,
        )

    def _coefficients(self, moves: int, rng: np.random.Generator) -> tuple[float, float, float]:
        """w, c1 and c2 of this iteration."""
        w, c1, c2 = self.inertia, self.cognitive, self.social
        if self.schedule == "linear":
            w += (self.final_inertia - w) * min(1.0, moves / self.horizon)
        elif self.schedule == "random":
            w = 0.5 + rng.random() / 2
        elif self.schedule == "constriction":
            phi = c1 + c2
            chi = 2 / (phi - 2 + math.sqrt(phi * phi - 4 * phi))
            w, c1, c2 = chi, chi * c1, chi * c2
        return w, c1, c2

    def _leaders(self, values: Vector) -> NDArray[np.intp]:
        """The index of each particle's best neighbour."""
        if self.topology == "global":
            return values.argmin(keepdims=True).repeat(len(values))
        around, rows = neighbours(len(values), self.topology)
        return around.take(values[around].argmin(axis=1) + rows)

    def _inside(self, oracle: Oracle, x: Points, v: Points, rng: np.random.Generator) -> tuple[Points, Points]:
        """Points (at least as many as v) within the bounds, and the velocities after that, in place."""
        if oracle.lower is None or oracle.upper is None:
            return x, v
        low, high, _ = walls(oracle.lower.tobytes(), oracle.upper.tobytes(), len(x))
        clipped = x.clip(low, high)
        out = clipped != x
        if not np.count_nonzero(out):
            return x, v
        left = out[: len(v)]
        if self.at_bounds == "reflect":
            mirrored = np.where(x < low, 2 * low - x, np.where(x > high, 2 * high - x, x))
            return np.clip(mirrored, low, high), np.where(left, -v, v)
        if self.at_bounds == "random":
            drawn = low + (high - low) * rng.random(x.shape)
            clipped = np.where(out & np.isfinite(drawn), drawn, clipped)
        v[left] = 0.0
        return clipped, v


def widths(oracle: Oracle, x: Vector) -> Vector:
    """The widths of the box; 1 where a side is open, max(1, |x|) where all are."""
    if oracle.lower is None or oracle.upper is None:
        return np.full(oracle.n, max(1.0, float(np.abs(x).max())))
    return walls(oracle.lower.tobytes(), oracle.upper.tobytes(), 1)[2]


@lru_cache(maxsize=8)
def walls(lower: bytes, upper: bytes, rows: int) -> tuple[Points, Points, Vector]:
    """The bounds in every row, for a small swarm is clipped twice as fast without broadcasting, and their distance."""
    low, high = np.frombuffer(lower), np.frombuffer(upper)
    width = high - low
    return np.tile(low, (rows, 1)), np.tile(high, (rows, 1)), np.where(np.isfinite(width), width, 1.0)


@cache
def neighbours(particles: int, topology: Literal["ring", "von-neumann"]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Each particle with its neighbours, shape (particles, k), and where its row begins in the flattened array.

    There is one neighbour on each side of a ring; there are four on a torus of almost square shape.
    """
    k = np.arange(particles)
    if topology == "ring":
        around = np.stack([k, (k - 1) % particles, (k + 1) % particles], axis=1)
    else:
        columns = next(c for c in range(math.isqrt(particles), 0, -1) if particles % c == 0)
        left, right = (k // columns * columns + (k + step) % columns for step in (-1, 1))
        around = np.stack([k, (k - columns) % particles, (k + columns) % particles, left, right], axis=1)
    return around, k * around.shape[1]
