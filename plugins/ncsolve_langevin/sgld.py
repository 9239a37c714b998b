"""Stochastic gradient Langevin dynamics."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from ncsolve.solving import option
from ncsolve_first_order.mini_batch import check_batch_size
from ncsolve_langevin.chains import Chains, lowest, noisy_step, smoothness

if TYPE_CHECKING:
    from ncsolve.oracle import Oracle

Array = NDArray[np.float64]

FIRST = 1.0  # eta_0 L without a step size: the decay shortens it


@dataclass(frozen=True)
class SGLDState:
    x: Array
    objective: float
    gradient: Array
    chains: Array
    gradients: Array
    mean_objective: float
    iteration: int
    first_step_size: float
    step_size: float
    inverse_temperature: float
    exploring: bool = True


@dataclass(frozen=True)
class SGLD(Chains):
    """Stochastic gradient Langevin dynamics: steps that decay, batches, annealing. [Welling & Teh 2011]

    x+ = x - eta_k g + sqrt(2 eta_k / beta_k) xi,  eta_k = a (b + k)^-gamma,  a = step_size b^gamma

    g is the gradient, or with `batch_size` its unbiased estimate from that many rows of the finite sum, drawn with
    replacement in each step and shared by all chains (so chains are independent only given the batches). With gamma in
    (1/2, 1] the noise of the batches fades against xi. The temperature stays, or falls: beta_k = beta log(e + r k)
    [Gelfand & Mitter 1991], beta (1 + r k), or beta exp(r k). With batches the objective is evaluated once in a pass
    through the data: between, x stays. Bounds reflect.
    """

    step_size: float | None = option(
        None, "first step eta_0; none: 1/L, with the declared smoothness L or the curvature at the start", above=0
    )
    decay: float = option(0.55, "gamma; 0: steps of constant length", at_least=0, at_most=1)
    offset: float = option(10.0, "b: the iteration by which the decay has begun to show", above=0)
    annealing: Literal["none", "logarithmic", "linear", "exponential"] = option("none", "how the temperature falls")
    annealing_rate: float = option(0.01, "r", above=0)
    batch_size: int | None = option(None, "rows of a finite sum in each gradient; none: all", at_least=1)

    name: ClassVar[str] = "sgld"
    needs: ClassVar[frozenset[str]] = frozenset({"gradient", "bounds"})
    state_type: ClassVar[type] = SGLDState
    default_iterations: ClassVar[int] = 10_000

    def init(self, oracle: Oracle, x0: Array, rng: np.random.Generator) -> SGLDState:
        if self.batch_size is not None:
            check_batch_size(oracle, self.name, self.batch_size)
        eta = self.step_size or FIRST / smoothness(oracle, x0, rng)
        chains = self.first_points(oracle, x0, rng)
        values, gradients = oracle.value_and_gradient(chains)
        k = lowest(values)
        best = (chains[k], float(values[k]), gradients[k])
        return SGLDState(*best, chains, gradients, float(values.mean()), 0, eta, eta, self.inverse_temperature)

    def step(self, oracle: Oracle, state: SGLDState, rng: np.random.Generator) -> SGLDState:
        k, eta, beta = state.iteration, state.step_size, state.inverse_temperature
        chains = noisy_step(oracle, state.chains, state.gradients, eta, beta, rng)
        rows = None if self.batch_size is None else rng.integers(oracle.rows, size=self.batch_size)
        values, gradients = oracle.value_and_gradient(chains, rows)
        best = lowest(values)
        eta, beta = self.step_size_at(k + 1, state.first_step_size), self.inverse_temperature_at(k + 1)
        after = replace(
            state,
            chains=chains,
            gradients=gradients,
            mean_objective=float(values.mean()),
            iteration=k + 1,
            step_size=eta,
            inverse_temperature=beta,
        )
        if rows is None:
            return replace(after, x=chains[best], objective=float(values[best]), gradient=gradients[best])
        if (k + 1) % max(1, oracle.rows // len(rows)) and np.isfinite(values[best]):
            return after
        f, g = oracle.value_and_gradient(chains[best])
        return replace(after, x=chains[best], objective=f, gradient=g)

    def step_size_at(self, k: int, first: float) -> float:
        """a (b + k)^-gamma, written as eta_0 (1 + k/b)^-gamma."""
        return float(first * (1 + k / self.offset) ** -self.decay)

    def inverse_temperature_at(self, k: int) -> float:
        beta, time = self.inverse_temperature, self.annealing_rate * k
        growth = {
            "none": lambda: 1.0,
            "logarithmic": lambda: math.log(math.e + time),
            "linear": lambda: 1 + time,
            "exponential": lambda: math.exp(min(time, 700.0)),  # exp overflows
        }
        return beta * growth[self.annealing]()
