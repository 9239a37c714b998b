"""Gradient descent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ncsolve.solving import option
from ncsolve_first_order.descent import Descent, Memory, Vector


@dataclass(frozen=True)
class GradientDescent(Descent):
    """Gradient descent, x+ = P(x - eta g). [Cauchy 1847; Armijo 1966; Bertsekas 1976]

    P projects into the bounds. With eta <= 1/L on an L-smooth objective, f falls by at least eta |g|^2 / 2 in every
    step [Nesterov 2018, 1.2.3]. Without a step size and without a declared L, eta is the first of 2 eta, eta, eta/2,
    ... that fulfils Armijo's condition f(x+) <= f(x) + c g'(x+ - x) with c = 0.4.
    """

    step_size: float | None = option(
        None, "length eta of a step; none: 1/L where the problem declares its smoothness L, else backtracking", above=0
    )

    name: ClassVar[str] = "gd"
    separable: ClassVar[bool] = True

    def direction(self, x: Vector, g: Vector, memory: Memory, k: int) -> tuple[Vector, Memory]:
        return -g, memory
