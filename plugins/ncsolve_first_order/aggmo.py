"""Aggregated momentum."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from ncsolve.solving import option
from ncsolve_first_order.descent import Descent, Memory, Vector


@dataclass(frozen=True)
class AggMo(Descent):
    """Aggregated momentum, v_i+ = beta_i v_i - g, x+ = P(x + eta mean of v_i+). [Lucas, Sun, Zemel & Grosse 2019]

    beta_i = 1 - 0.1^i for i = 0, ..., K - 1: the short-lived velocities damp the oscillations of the long-lived ones.
    K = 1 is gradient descent.
    """

    step_size: float | None = option(
        None, "length eta of a gradient step; none: 1/L where the problem declares its smoothness L, else backtracking",
        above=0,
    )  # fmt: skip
    velocities: int = option(3, "K, the number of velocities", at_least=1, at_most=6)

    name: ClassVar[str] = "aggmo"

    def memory(self, x: Vector) -> Memory:
        return (np.zeros((self.velocities, len(x))),)

    def direction(self, x: Vector, g: Vector, memory: Memory, k: int) -> tuple[Vector, Memory]:
        beta = 1 - 0.1 ** np.arange(self.velocities)
        v = beta[:, None] * memory[0]
        v -= g
        return v.mean(axis=0), (v,)

    def landed(self, memory: Memory, d: Vector, cut: NDArray[np.bool_]) -> Memory:
        return (np.where(cut, 0.0, memory[0]),)
