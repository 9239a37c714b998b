"""AdaHessian: Adam with the diagonal of the Hessian."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from ncsolve.solving import option

if TYPE_CHECKING:
    from ncsolve.oracle import Oracle

Vector = NDArray[np.float64]

PROBES = 10


@dataclass(frozen=True)
class AdaHessianState:
    x: Vector
    objective: float
    gradient: Vector
    m: Vector
    """Moving average of the gradient."""
    v: Vector
    """Moving average of the squared diagonal of the Hessian."""
    step: int = 0


@dataclass(frozen=True)
class AdaHessian:
    """Adam's averages with Hutchinson's diagonal of the Hessian in place of g^2. [Yao et al. 2021]

    D = z * Hz with random signs z has the Hessian's diagonal as its mean [Hutchinson 1990]. m = beta1 m + (1 - beta1)
    g, v = beta2 v + (1 - beta2) D^2, and x+ = P(x - step_size (m / (1 - beta1^k)) / (sqrt(v / (1 - beta2^k)) +
    epsilon)).
    """

    step_size: float = option(0.15, "factor of each step", above=0)
    beta1: float = option(0.9, "decay of the averaged gradient", at_least=0, below=1)
    beta2: float = option(0.999, "decay of the averaged squared diagonal", at_least=0, below=1)
    epsilon: float = option(1e-8, "added to the root of the averaged squared diagonal", above=0)

    name: ClassVar[str] = "adahessian"
    needs: ClassVar[frozenset[str]] = frozenset({"gradient", "hvp", "bounds"})
    state_type: ClassVar[type] = AdaHessianState

    def init(self, oracle: Oracle, x0: Vector, rng: np.random.Generator) -> AdaHessianState:
        v = np.mean([diagonal(oracle, x0, rng) ** 2 for _ in range(PROBES)], axis=0)
        return AdaHessianState(x0, *oracle.value_and_gradient(x0), np.zeros_like(x0), v)

    def step(self, oracle: Oracle, state: AdaHessianState, rng: np.random.Generator) -> AdaHessianState:
        k, D = state.step + 1, diagonal(oracle, state.x, rng)
        m = self.beta1 * state.m + (1 - self.beta1) * state.gradient
        v = self.beta2 * state.v + (1 - self.beta2) * D * D
        x = oracle.project(state.x - self.step_size * (m / (1 - self.beta1**k)) / (np.sqrt(v) + self.epsilon))
        return AdaHessianState(x, *oracle.value_and_gradient(x), m, v, k)


def diagonal(oracle: Oracle, x: Vector, rng: np.random.Generator) -> Vector:
    """z * Hz with random signs z: the diagonal of H in the mean."""
    z = rng.choice([-1.0, 1.0], oracle.n)
    return np.asarray(z * oracle.hvp(x, z))
