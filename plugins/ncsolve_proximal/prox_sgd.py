"""Proximal stochastic gradient descent."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from ncsolve.solving import option
from ncsolve_first_order.mini_batch import batch_or_default, check_batch_size, shuffled
from ncsolve_proximal.prox_step import into_domain
from ncsolve_stochastic.sgd import step_size_by_curvature

if TYPE_CHECKING:
    from ncsolve.oracle import Oracle

Vector = NDArray[np.float64]

POWERS = {"constant": 0.0, "1/sqrt(k)": 0.5, "1/k": 1.0}


@dataclass(frozen=True)
class ProxSGDState:
    x: Vector
    step_size: float
    epoch: int = 0


@dataclass(frozen=True)
class ProxSGD:
    """Proximal stochastic gradient, x+ = prox_eta p(x - eta g_B). [Duchi & Singer 2009; Ghadimi, Lan & Zhang 2016]

    g_B is the gradient of the finite sum estimated by a mini-batch; an iteration is an epoch, N / B updates. With a
    constant eta the proximal gradient falls to a level set by the variance of g_B, with eta / (1 + k / T) or its root
    to 0.
    """

    step_size: float | None = option(
        None, "length eta of the first epoch; none: 1 / (2 L), L the largest curvature of some batches", above=0
    )
    batch_size: int | None = option(None, "B: rows in a mini-batch; none: 32, or all where there are fewer", at_least=1)
    schedule: Literal["constant", "1/k", "1/sqrt(k)"] = option("1/k", "how eta falls with the epochs")
    schedule_steps: int = option(10, "T: epochs until 1/k has halved the step size", at_least=1)

    name: ClassVar[str] = "prox-sgd"
    needs: ClassVar[frozenset[str]] = frozenset({"gradient", "prox", "samples", "bounds"})
    state_type: ClassVar[type] = ProxSGDState

    def init(self, oracle: Oracle, x0: Vector, rng: np.random.Generator) -> ProxSGDState:
        check_batch_size(oracle, self.name, self.batch_size)
        x, B = into_domain(oracle, x0), batch_or_default(self.batch_size, oracle.rows)
        return ProxSGDState(x, self.step_size or step_size_by_curvature(oracle, x, B, rng, 0.5))

    def step(self, oracle: Oracle, state: ProxSGDState, rng: np.random.Generator) -> ProxSGDState:
        gradient, N, x = oracle.row_gradient(rng), oracle.rows, state.x
        B = batch_or_default(self.batch_size, N)
        eta = state.step_size / (1 + state.epoch / self.schedule_steps) ** POWERS[self.schedule]
        for rows, weight in shuffled(N, B, math.ceil(N / B), rng):
            x = oracle.prox(x - eta * gradient(x, rows, weight), eta)
        return ProxSGDState(x, state.step_size, state.epoch + 1)
