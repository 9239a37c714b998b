"""Stochastic gradient descent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from ncsolve.solving import option
from ncsolve_first_order.descent import BatchState, Descent, Memory, Vector
from ncsolve_first_order.mini_batch import batch_curvature
from ncsolve_first_order.step_size import first_step_size

if TYPE_CHECKING:
    from ncsolve.oracle import Oracle


@dataclass(frozen=True)
class StochasticGradient(Descent):
    """Stochastic gradient descent, v+ = beta v - g_B, x+ = P(x + eta v+). [Robbins & Monro 1951]

    g_B is the gradient of the finite sum estimated by a mini-batch. With a constant eta <= 1/L the gap to the minimum
    falls like (1 - eta mu)^k down to eta L sigma^2 / (2 mu) on a mu-PL objective, sigma^2 the variance of g_B; a
    falling schedule, or a growing batch, takes it to 0 [Karimi, Nutini & Schmidt 2016, Thm 4; Friedlander & Schmidt
    2012].
    """

    step_size: float | None = option(
        None, "length eta; none: (1 - momentum) / (2 L), L the largest curvature of some batches at the start", above=0
    )
    batch_size: int | None = option(None, "B: rows in a mini-batch; none: 32, or all where there are fewer", at_least=1)
    momentum: float = option(0.0, "beta, the part of the last step that is kept", at_least=0, below=1)

    name: ClassVar[str] = "sgd"
    needs: ClassVar[frozenset[str]] = frozenset({"gradient", "samples", "bounds"})
    state_type: ClassVar[type] = BatchState

    @property
    def uses_batches(self) -> bool:
        return True

    def memory(self, x: Vector) -> Memory:
        return (np.zeros_like(x),) if self.momentum else ()

    def direction(self, x: Vector, g: Vector, memory: Memory, k: int) -> tuple[Vector, Memory]:
        if not memory:
            return np.negative(g, out=g), ()
        v = self.momentum * memory[0]
        v -= g
        return v, (v,)

    def landed(self, memory: Memory, d: Vector, cut: NDArray[np.bool_]) -> Memory:
        return (d,) if memory else ()

    @property
    def limit_of_stability(self) -> float:
        return 2 * (1 + self.momentum)

    def batch_step_size(self, oracle: Oracle, x: Vector, rng: np.random.Generator) -> float:
        part = (1 - self.momentum) / 2
        return self.step_size or step_size_by_curvature(oracle, x, self.batch_at(0, oracle.rows), rng, part)


def step_size_by_curvature(oracle: Oracle, x: Vector, B: int, rng: np.random.Generator, part: float) -> float:
    """part / L, L the largest curvature of some batches of B rows at x; by the slope where there is no curvature."""
    L = batch_curvature(oracle, x, B, rng)
    return part / L if L > 0 else first_step_size(x, oracle.gradient(x))
