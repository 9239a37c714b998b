"""Stochastic gradient Langevin dynamics."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from ncsolve.errors import OptionError
from ncsolve.solving import option
from ncsolve_langevin.chains import first_points, lowest, reflected, smoothness

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
class SGLD:
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
    inverse_temperature: float = option(1.0, "beta", above=0)
    annealing: Literal["none", "logarithmic", "linear", "exponential"] = option("none", "how the temperature falls")
    annealing_rate: float = option(0.01, "r", above=0)
    batch_size: int | None = option(None, "rows of a finite sum in each gradient; none: all", at_least=1)
    chains: int = option(4, "chains that advance together", at_least=1)
    burn_in: int = option(0, "first iterations that are not kept as samples", at_least=0)
    thin: int = option(1, "keep every so many iterations", at_least=1)
    scattered: bool = option(False, "start all chains but the first at random points of the problem, as R-hat wants it")

    name: ClassVar[str] = "sgld"
    needs: ClassVar[frozenset[str]] = frozenset({"gradient", "bounds"})
    state_type: ClassVar[type] = SGLDState
    default_iterations: ClassVar[int] = 10_000

    def init(self, oracle: Oracle, x0: Array, rng: np.random.Generator) -> SGLDState:
        self.check_batch(oracle)
        eta = self.step_size or FIRST / smoothness(oracle, x0, rng)
        chains = first_points(oracle, x0, self.chains, self.scattered, rng)
        values, gradients = oracle.value_and_gradient(chains)
        k = lowest(values)
        best = (chains[k], float(values[k]), gradients[k])
        return SGLDState(*best, chains, gradients, float(values.mean()), 0, eta, eta, self.inverse_temperature)

    def step(self, oracle: Oracle, state: SGLDState, rng: np.random.Generator) -> SGLDState:
        k, eta, beta = state.iteration, state.step_size, state.inverse_temperature
        chains = rng.standard_normal(state.chains.shape)
        chains *= math.sqrt(2 * eta / beta)
        chains += state.chains
        chains -= eta * state.gradients
        chains = reflected(chains, oracle.lower, oracle.upper)
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

    def check_batch(self, oracle: Oracle) -> None:
        if self.batch_size is None:
            return
        if not oracle.rows:
            raise OptionError(
                f"Option 'batch_size' of solver 'sgld' needs a finite sum, which problem '{oracle.problem.name}' does "
                "not have. Leave it out: sgld then uses the whole gradient."
            )
        if self.batch_size > oracle.rows:
            raise OptionError(
                f"Option 'batch_size' of solver 'sgld' is {self.batch_size}, but the finite sum of problem "
                f"'{oracle.problem.name}' has {oracle.rows} rows."
            )
