"""Adam."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ncsolve.solving import option
from ncsolve_first_order.adagrad import scaled
from ncsolve_first_order.descent import Descent, Memory, Vector


@dataclass(frozen=True)
class Adam(Descent):
    """Adam, x+ = P(x - eta m^ / (sqrt(v^) + epsilon)), m and v running means of g and g^2. [Kingma & Ba 2015, Alg. 1]

    m+ = beta1 m + (1 - beta1) g, v+ = beta2 v + (1 - beta2) g^2; m^ = m+ / (1 - beta1^k), v^ = v+ / (1 - beta2^k)
    correct their bias towards 0. With amsgrad the largest v^ so far takes the place of v^ [Reddi, Kale & Kumar 2018;
    there without bias correction]. Decoupled weight decay adds -eta weight_decay x to each step [Loshchilov & Hutter
    2019, AdamW]: its fixed points are not those of f. No coordinate moves by more than eta (1 - beta1) / sqrt((1 -
    beta2)(1 - beta1^2 / beta2)) in one update, 7.3 eta by default.
    """

    step_size: float = option(0.001, "length eta, about the distance that each coordinate moves", above=0)
    beta1: float = option(0.9, "part of the mean gradient that is kept", at_least=0, below=1)
    beta2: float = option(0.999, "part of the mean square that is kept", at_least=0, below=1)
    epsilon: float = option(1e-8, "added to the root of the mean square", at_least=0)
    bias_correction: bool = option(True, "divide m and v by what they lack at the start")
    amsgrad: bool = option(False, "never let the mean square fall")
    weight_decay: float = option(0.0, "decoupled: part of x that is taken away, times eta", at_least=0)

    name: ClassVar[str] = "adam"
    separable: ClassVar[bool] = True

    @property
    def limit_of_stability(self) -> float:
        return 0.0

    def memory(self, x: Vector) -> Memory:
        return tuple(np.zeros_like(x) for _ in range(3 if self.amsgrad else 2))

    def direction(self, x: Vector, g: Vector, memory: Memory, k: int) -> tuple[Vector, Memory]:
        m = self.beta1 * memory[0]
        m += (1 - self.beta1) * g
        v = self.beta2 * memory[1]
        v += (1 - self.beta2) * g * g
        c1, c2 = (1 - self.beta1**k, 1 - self.beta2**k) if self.bias_correction else (1.0, 1.0)
        kept: Memory = (m, v)
        if self.amsgrad:
            largest = np.maximum(memory[2], v / c2)
            d, kept = scaled(m, largest, self.epsilon), (m, v, largest)
        else:  # m / (sqrt(v / c2) + epsilon) with one pass less
            d, c1 = scaled(m, v, self.epsilon * math.sqrt(c2)), c1 / math.sqrt(c2)
        d *= -1 / c1
        if self.weight_decay:
            d -= self.weight_decay * x
        return d, kept
