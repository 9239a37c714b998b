"""AdaGrad."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ncsolve.solving import option
from ncsolve_first_order.descent import Descent, Memory, Vector


@dataclass(frozen=True)
class AdaGrad(Descent):
    """AdaGrad, G+ = G + g^2, x+ = P(x - eta g / (sqrt(G+) + epsilon)). [Duchi, Hazan & Singer 2011]

    By coordinate, or with one number for all, G+ = G + |g|^2 (AdaGrad-Norm): on an L-smooth objective with an initial
    G >= (eta L)^2 the sum of all |g|^2 is at most (2 D / eta)^2 + 2 sqrt(G) D / eta, D = f(x0) - inf f [Ward, Wu &
    Bottou 2019, Thm 2.2].
    """

    step_size: float = option(0.1, "length eta", above=0)
    norm: bool = option(False, "one accumulator for all coordinates: AdaGrad-Norm")
    initial_accumulator: float = option(0.0, "G before the first update", at_least=0)
    epsilon: float = option(1e-8, "added to the root of the accumulator", at_least=0)

    name: ClassVar[str] = "adagrad"

    @property
    def limit_of_stability(self) -> float:
        return 0.0

    def memory(self, x: Vector) -> Memory:
        return (self.initial_accumulator if self.norm else np.full_like(x, self.initial_accumulator),)

    def direction(self, x: Vector, g: Vector, memory: Memory, k: int) -> tuple[Vector, Memory]:
        if self.norm:
            G = memory[0] + float(g.dot(g))
            return g * (-1 / (np.sqrt(G) + self.epsilon) if G > 0 else 0.0), (G,)
        G = memory[0] + g * g
        return -scaled(g, G, self.epsilon), (G,)


def scaled(m: Vector, v: Vector, epsilon: float) -> Vector:
    """m / (sqrt(v) + epsilon), and 0 where v and epsilon are."""
    root = np.sqrt(v)
    root += epsilon
    return np.divide(m, root, out=np.zeros_like(m), where=root > 0) if epsilon == 0 else m / root
