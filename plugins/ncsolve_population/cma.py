"""CMA-ES: evolution of a normal distribution."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, ClassVar, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ncsolve.solving import option
from ncsolve_population.search import DEGENERATE, FLAT, GATHERED, SEARCHING, SearchState, finished, first_box
from ncsolve_population.values import values_of

if TYPE_CHECKING:
    from ncsolve.oracle import Oracle

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]
LARGEST_CONDITION = 1e14
LARGEST_SIGMA = 1e4
EQUAL = 1e-12
"""Range of the best values of the last generations, relative to max(1, |f|), that counts as none."""


@dataclass(frozen=True, kw_only=True)
class CMAState(SearchState):
    """The distribution N(mean, sigma^2 C) in coordinates x / scale."""

    scale: Vector
    mean: Vector
    sigma: float
    C: Matrix
    axes: Matrix
    """Eigenvectors of C, as columns."""
    lengths: Vector
    """Square roots of its eigenvalues."""
    path_sigma: Vector
    path_c: Vector
    history: Vector
    """Best values of the last generations, the oldest first; nan before."""
    generation: int = 0
    """Of this restart."""
    particles: int = 0
    """lambda of this restart."""
    largest: int = 0
    """Largest lambda of a restart so far."""
    restarts: int = 0
    spent_large: int = 0
    """Evaluations in restarts with a growing population, and in those with a small one."""
    spent_small: int = 0
    small: bool = False


class Weights(NamedTuple):
    """Parameters of the strategy, table 1 of the tutorial."""

    w: Vector
    """Recombination weights, the negative ones at the end."""
    parents: int
    mu_eff: float
    c_sigma: float
    d_sigma: float
    c_c: float
    c_1: float
    c_mu: float
    chi: float
    """E |N(0, I)|"""


@dataclass(frozen=True)
class CMA:
    """CMA-ES with negative weights and restarts. [Hansen 2016; Auger & Hansen 2005 (IPOP); Hansen 2009 (BIPOP)]

    A generation is drawn from N(m, sigma^2 C) and evaluated in one array call; m moves to the weighted mean of its best
    points, C and sigma follow the steps that succeeded (active CMA with cumulative step-size adaptation). Only the
    order of the values counts. Points outside of the bounds are folded back before they are evaluated. A run ends when
    its steps or its values have shrunk to nothing, or C has become degenerate; then it restarts as often as `restarts`
    says: with twice the population (ipop), or in turns with small populations of small spread (bipop), whichever has
    spent less. In the end `polish` goes on from the best point as in `pso`. There is no guarantee of a minimum.
    """

    particles: int | None = option(None, "points in a generation, lambda; none: 4 + 3 log n", at_least=4)
    sigma: float = option(0.3, "first sigma, in parts of the box, or of max(1, |x0|) without bounds", above=0)
    restarts: int = option(0, "number of restarts", at_least=0)
    strategy: Literal["bipop", "ipop"] = option("bipop", "of the restarts")
    tolerance: float = option(1e-11, "standard deviation, in parts of the box, that ends a run", above=0)
    polish: bool = option(True, "whether a local solver goes on from the best point")
    workers: int = option(1, "blocks of a large population that are evaluated at the same time", at_least=1)
    executor: str = option("processes", "where: serial, processes, dask, or dask://HOST:PORT")

    name: ClassVar[str] = "cma"
    needs: ClassVar[frozenset[str]] = frozenset({"bounds"})
    state_type: ClassVar[type] = CMAState
    default_iterations: ClassVar[int] = 20_000

    def init(self, oracle: Oracle, x0: Vector, rng: np.random.Generator) -> CMAState:
        low, high = first_box(oracle, x0, None)
        free = oracle.lower is None or oracle.upper is None
        scale = (high - low) / 2 if free else high - low
        scale = np.where(scale > 0, scale, 1.0)
        size = self.particles or 4 + int(3 * math.log(oracle.n))
        f = oracle.value(x0)
        state = CMAState(
            x0,
            f if math.isfinite(f) else math.inf,
            scale=scale,
            mean=x0 / scale,
            **self._fresh(oracle.n, size),
            sigma=self.sigma,
            particles=size,
            largest=size,
        )
        return state if math.isfinite(f) else self.step(oracle, state, rng)

    def step(self, oracle: Oracle, state: CMAState, rng: np.random.Generator) -> CMAState:
        if state.ended:
            return finished(oracle, state, rng)
        z = rng.standard_normal((state.particles, oracle.n))
        y = (z * state.lengths) @ state.axes.T
        points = folded(oracle, state.scale * (state.mean + state.sigma * y))
        values = values_of(oracle, points, self)
        order = np.argsort(values, kind="stable")
        best, f = points[order[0]], float(values[order[0]])
        state = self._adapted(state, y[order], z[order])
        spent = state.particles
        state = replace(
            state,
            x=best if f < state.objective else state.x,
            objective=min(f, state.objective),
            history=np.append(state.history[1:], f),
            spent_small=state.spent_small + spent * state.small,
            spent_large=state.spent_large + spent * (not state.small),
        )
        end = self._end(state)
        if end and state.restarts < self.restarts:
            return self._restarted(oracle, state, rng)
        return replace(state, ended=end, done=bool(end) and not self.polish)

    def _adapted(self, state: CMAState, y: Matrix, z: Matrix) -> CMAState:
        """The distribution after a generation, best steps first: equations 38 to 47 of the tutorial."""
        n, k = y.shape[1], weights(y.shape[1], len(y))
        w, c_s, c_c = k.w, k.c_sigma, k.c_c
        step = w[: k.parents] @ y[: k.parents]
        white = state.axes @ (w[: k.parents] @ z[: k.parents])  # C^(-1/2) times the step
        path_sigma = (1 - c_s) * state.path_sigma + math.sqrt(c_s * (2 - c_s) * k.mu_eff) * white
        size = float(np.linalg.norm(path_sigma))
        generation = state.generation + 1
        slow = size < (1.4 + 2 / (n + 1)) * k.chi * math.sqrt(1 - (1 - c_s) ** (2 * generation))
        path_c = (1 - c_c) * state.path_c + slow * math.sqrt(c_c * (2 - c_c) * k.mu_eff) * step
        shares = np.where(w >= 0, w, w * n / np.maximum((z * z).sum(axis=1), 1e-300))
        kept = 1 + k.c_1 * (1 - slow) * c_c * (2 - c_c) - k.c_1 - k.c_mu * w.sum()
        C = kept * state.C + k.c_1 * np.outer(path_c, path_c) + k.c_mu * (y.T * shares) @ y
        axes, lengths = state.axes, state.lengths
        if generation % max(1, int(1 / (10 * n * (k.c_1 + k.c_mu)))) == 0:
            C = (C + C.T) / 2
            eigenvalues, axes = np.linalg.eigh(C)
            lengths = np.sqrt(np.maximum(eigenvalues, 0.0))
        return replace(
            state,
            mean=state.mean + state.sigma * step,
            sigma=state.sigma * math.exp(min(1.0, c_s / k.d_sigma * (size / k.chi - 1))),
            C=C,
            axes=axes,
            lengths=lengths,
            path_sigma=path_sigma,
            path_c=path_c,
            generation=generation,
        )

    def _end(self, state: CMAState) -> int:
        """Why this run is over, SEARCHING if it is not. [Hansen 2009, section 2.2]"""
        spread = state.sigma * max(float(np.abs(state.path_c).max()), math.sqrt(float(np.diag(state.C).max())))
        if spread < self.tolerance:
            return GATHERED
        shortest, longest = float(state.lengths.min()), float(state.lengths.max())
        if longest**2 > LARGEST_CONDITION * shortest**2 or state.sigma * longest > LARGEST_SIGMA * self.sigma:
            return DEGENERATE
        lowest, highest = float(state.history.min()), float(state.history.max())  # nan until it is full
        return FLAT if highest - lowest <= EQUAL * max(1.0, abs(lowest)) else SEARCHING

    def _restarted(self, oracle: Oracle, state: CMAState, rng: np.random.Generator) -> CMAState:
        """The next run, from a random point of the box, or around the best point without bounds."""
        first = self.particles or 4 + int(3 * math.log(oracle.n))
        small = self.strategy == "bipop" and state.spent_small < state.spent_large and state.restarts > 0
        largest = state.largest if small else 2 * state.largest
        size, sigma = largest, self.sigma
        if small:
            u, v = rng.random(2)
            size = max(4, int(first * (0.5 * largest / first) ** (u * u)))
            sigma *= 10 ** (-2 * v)
        low, high = first_box(oracle, state.x, None)
        return replace(
            state,
            mean=(low + (high - low) * rng.random(oracle.n)) / state.scale,
            **self._fresh(oracle.n, size),
            sigma=sigma,
            generation=0,
            particles=size,
            largest=largest,
            restarts=state.restarts + 1,
            small=small,
        )

    def _fresh(self, n: int, size: int) -> dict[str, NDArray[np.float64]]:
        """A round distribution without a past."""
        return {
            "C": np.eye(n),
            "axes": np.eye(n),
            "lengths": np.ones(n),
            "path_sigma": np.zeros(n),
            "path_c": np.zeros(n),
            "history": np.full(10 + math.ceil(30 * n / size), np.nan),
        }


@cache
def weights(n: int, size: int) -> Weights:
    """The default parameters for n variables and lambda = size. [Hansen 2016, table 1]"""
    raw = math.log((size + 1) / 2) - np.log(np.arange(1, size + 1))
    mu = size // 2
    mu_eff = float(raw[:mu].sum() ** 2 / (raw[:mu] ** 2).sum())
    mu_eff_minus = float(raw[mu:].sum() ** 2 / (raw[mu:] ** 2).sum())
    c_c = (4 + mu_eff / n) / (n + 4 + 2 * mu_eff / n)
    c_1 = 2 / ((n + 1.3) ** 2 + mu_eff)
    c_mu = min(1 - c_1, 2 * (0.25 + mu_eff + 1 / mu_eff - 2) / ((n + 2) ** 2 + mu_eff))
    c_sigma = (mu_eff + 2) / (n + mu_eff + 5)
    d_sigma = 1 + 2 * max(0.0, math.sqrt((mu_eff - 1) / (n + 1)) - 1) + c_sigma
    minus = min(1 + c_1 / c_mu, 1 + 2 * mu_eff_minus / (mu_eff + 2), (1 - c_1 - c_mu) / (n * c_mu))
    positive = raw > 0
    w = np.where(positive, raw / raw[positive].sum(), minus * raw / np.abs(raw[~positive]).sum())
    w.setflags(write=False)
    chi = math.sqrt(n) * (1 - 1 / (4 * n) + 1 / (21 * n * n))
    return Weights(w, mu, mu_eff, c_sigma, d_sigma, c_c, c_1, c_mu, chi)


def folded(oracle: Oracle, x: Matrix) -> Matrix:
    """Points mirrored at the bounds as often as it takes."""
    low, high = oracle.lower, oracle.upper
    if low is None or high is None:
        return x
    beside = np.where(np.isfinite(low), low + np.abs(x - low), np.where(np.isfinite(high), high - np.abs(high - x), x))
    width = np.maximum(high - low, np.finfo(float).tiny)
    turn = np.mod(x - low, 2 * width)
    return np.clip(np.where(np.isfinite(width), low + np.minimum(turn, 2 * width - turn), beside), low, high)
