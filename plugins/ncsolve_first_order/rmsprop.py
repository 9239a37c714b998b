"""RMSProp."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from ncsolve.solving import option
from ncsolve_first_order.adagrad import scaled
from ncsolve_first_order.descent import Descent, Memory, Vector


@dataclass(frozen=True)
class RMSProp(Descent):
    """RMSProp, v+ = beta2 v + (1 - beta2) g^2, x+ = P(x - eta g / (sqrt(v+) + epsilon)). [Tieleman & Hinton 2012]

    With a constant step it does not converge to a minimum but into a cycle around it, whose width is about eta: let the
    step fall by `schedule`.
    """

    step_size: float = option(0.001, "length eta, about the distance that each coordinate moves", above=0)
    beta2: float = option(0.9, "part of the mean square that is kept", at_least=0, below=1)
    epsilon: float = option(1e-8, "added to the root of the mean square", at_least=0)

    name: ClassVar[str] = "rmsprop"
    separable: ClassVar[bool] = True
    kit: ClassVar[Mapping[str, Any]] = {
        "options": {"step_size": 0.1, "schedule": "cosine", "schedule_steps": 2000},
        "accuracy": 1e-4,
        "converges": False,
    }

    @property
    def limit_of_stability(self) -> float:
        return 0.0

    def memory(self, x: Vector) -> Memory:
        return (np.zeros_like(x),)

    def direction(self, x: Vector, g: Vector, memory: Memory, k: int) -> tuple[Vector, Memory]:
        v = self.beta2 * memory[0]
        v += (1 - self.beta2) * g * g
        return -scaled(g, v, self.epsilon), (v,)
