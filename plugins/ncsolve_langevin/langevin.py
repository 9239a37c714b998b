"""The unadjusted Langevin algorithm."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from ncsolve.solving import option
from ncsolve_langevin.chains import Chains, lowest, noisy_step, smoothness

if TYPE_CHECKING:
    from ncsolve.oracle import Oracle

Array = NDArray[np.float64]

SHORT = 0.1  # eta L without a step size: a stationary variance 5% too large in the stiffest direction


@dataclass(frozen=True)
class LangevinState:
    x: Array
    objective: float
    gradient: Array
    chains: Array
    gradients: Array
    mean_objective: float
    step_size: float
    exploring: bool = True

    @classmethod
    def at(cls, oracle: Oracle, chains: Array, step_size: float) -> LangevinState:
        """The state with these chains; its x is the one with the lowest objective."""
        values, gradients = oracle.value_and_gradient(chains)
        k = lowest(values)
        return cls(chains[k], float(values[k]), gradients[k], chains, gradients, float(values.mean()), step_size)


@dataclass(frozen=True)
class Langevin(Chains):
    """Unadjusted Langevin algorithm, x+ = x - eta g + sqrt(2 eta / beta) xi. [Roberts & Tweedie 1996, ULA]

    xi is standard normal. For small eta the chains sample exp(-beta f) up to a bias of order eta: on the quadratic
    lambda x^2 / 2 their stationary variance is 2 / (beta lambda (2 - eta lambda)), not 1 / (beta lambda), and for
    eta > 2 / lambda there is none. Where f grows faster than quadratically far out, chains may diverge: the run then
    ends with NONFINITE. Bounds reflect. All chains advance in one array step; the result's `samples` hold them.
    """

    step_size: float | None = option(
        None, "eta; none: 0.1/L, with the declared smoothness L or the curvature at the start", above=0
    )

    name: ClassVar[str] = "langevin"
    needs: ClassVar[frozenset[str]] = frozenset({"gradient", "bounds"})
    state_type: ClassVar[type] = LangevinState
    default_iterations: ClassVar[int] = 10_000

    def init(self, oracle: Oracle, x0: Array, rng: np.random.Generator) -> LangevinState:
        eta = self.step_size or SHORT / smoothness(oracle, x0, rng)
        return LangevinState.at(oracle, self.first_points(oracle, x0, rng), eta)

    def step(self, oracle: Oracle, state: LangevinState, rng: np.random.Generator) -> LangevinState:
        eta = state.step_size
        chains = noisy_step(oracle, state.chains, state.gradients, eta, self.inverse_temperature, rng)
        return LangevinState.at(oracle, chains, eta)
