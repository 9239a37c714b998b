"""The Metropolis-adjusted Langevin algorithm."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from ncsolve.solving import option
from ncsolve_langevin.chains import Chains, lowest, smoothness

if TYPE_CHECKING:
    from ncsolve.oracle import Oracle

Array = NDArray[np.float64]


@dataclass(frozen=True)
class MALAState:
    x: Array
    objective: float
    gradient: Array
    chains: Array
    values: Array
    gradients: Array
    mean_objective: float
    acceptance: float
    step_size: float
    exploring: bool = True

    @classmethod
    def at(cls, chains: Array, values: Array, gradients: Array, acceptance: float, step_size: float) -> MALAState:
        """The state with these chains; its x is the one with the lowest objective."""
        k = lowest(values)
        best = (chains[k], float(values[k]), gradients[k])
        return cls(*best, chains, values, gradients, float(values.mean()), acceptance, step_size)


@dataclass(frozen=True)
class MALA(Chains):
    """Metropolis-adjusted Langevin, which samples exp(-beta f) without bias. [Roberts & Tweedie 1996]

    Proposal y = P(x - eta g(x)) + sqrt(2 eta / beta) xi with density q(y | x), accepted with probability
    min(1, pi(y) q(x | y) / (pi(x) q(y | x))), pi = exp(-beta f): detailed balance holds for every eta. P projects into
    the bounds; a proposal out of them, or where f is not finite, has pi = 0. The trace's column `acceptance` is the
    part of the chains that moved; about 0.57 is best in many dimensions [Roberts & Rosenthal 1998].
    """

    step_size: float | None = option(
        None, "eta; none: n^(-1/3)/L, with the declared smoothness L or the curvature at the start", above=0
    )

    name: ClassVar[str] = "mala"
    needs: ClassVar[frozenset[str]] = frozenset({"gradient", "bounds"})
    state_type: ClassVar[type] = MALAState
    default_iterations: ClassVar[int] = 10_000

    def init(self, oracle: Oracle, x0: Array, rng: np.random.Generator) -> MALAState:
        eta = self.step_size or oracle.n ** (-1 / 3) / smoothness(oracle, x0, rng)
        chains = self.first_points(oracle, x0, rng)
        return MALAState.at(chains, *oracle.value_and_gradient(chains), 1.0, eta)

    def step(self, oracle: Oracle, state: MALAState, rng: np.random.Generator) -> MALAState:
        x, f, g, eta, beta = state.chains, state.values, state.gradients, state.step_size, self.inverse_temperature
        mean = oracle.project(x - eta * g)
        y = mean + math.sqrt(2 * eta / beta) * rng.standard_normal(x.shape)
        inside = within(y, oracle.lower, oracle.upper)
        f_y, g_y = oracle.value_and_gradient(y if inside.all() else np.where(inside[:, None], y, x))
        ratio = log_ratio(x, f, mean, y, f_y, oracle.project(y - eta * g_y), eta, beta)
        accepted = inside & (np.log(rng.random(len(x))) < ratio)  # a comparison with nan is false
        moved = accepted[:, None]
        chains, values, gradients = np.where(moved, y, x), np.where(accepted, f_y, f), np.where(moved, g_y, g)
        return MALAState.at(chains, values, gradients, float(accepted.mean()), eta)


def log_ratio(x: Array, f: Array, mean: Array, y: Array, f_y: Array, mean_y: Array, eta: float, beta: float) -> Array:
    """log of pi(y) q(x | y) / (pi(x) q(y | x)), shape (chains,).

    q(. | x) is normal around `mean` with variance 2 eta / beta. Points and means are (chains, n), values (chains,).
    """
    forth, back = y - mean, x - mean_y
    log_q = ((forth * forth).sum(axis=-1) - (back * back).sum(axis=-1)) * (beta / (4 * eta))
    difference: Array = beta * (f - f_y) + log_q
    return difference


def within(points: Array, lower: Array | None, upper: Array | None) -> NDArray[np.bool_]:
    """Which of the points (chains, n) lie inside the bounds, shape (chains,)."""
    if lower is None or upper is None:
        return np.ones(len(points), dtype=bool)
    return np.asarray(((points >= lower) & (points <= upper)).all(axis=1))
