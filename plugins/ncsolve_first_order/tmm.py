"""The triple momentum method."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ncsolve.errors import OptionError
from ncsolve.solving import option
from ncsolve_first_order.descent import Descent, DescentState, Memory, Vector
from ncsolve_first_order.step_size import given_step_size

if TYPE_CHECKING:
    from ncsolve.oracle import Oracle


@dataclass(frozen=True)
class TripleMomentum(Descent):
    """Triple momentum, u+ = u + beta (u - u-) - alpha g(y), y+ = u+ + gamma (u+ - u). [Van Scoy, Freeman & Lynch 2018]

    The iterate x of the run is y. With eta = 1/L, rho = 1 - sqrt(m eta), alpha = (1 + rho) eta, beta =
    rho^2 / (2 - rho) and gamma = beta / (1 + rho) the distance to the minimiser of an m-strongly convex f falls by rho
    in every step [Thm 1]: no fixed method of first order is known to be faster. P projects y into the bounds.
    """

    step_size: float | None = option(None, "eta; none: 1/L with the declared smoothness L", above=0)
    strong_convexity: float | None = option(None, "m; none: as declared by the problem", above=0)

    name: ClassVar[str] = "tmm"
    kit: ClassVar[Mapping[str, Any]] = {"options": {"step_size": 0.01, "strong_convexity": 0.5}}

    def check(self, oracle: Oracle) -> None:
        """Raises OptionError where L or m is neither given nor declared."""
        known = oracle.constants
        for name, given, constant in (
            ("step_size", self.step_size, "smoothness"),
            ("strong_convexity", self.strong_convexity, "strong_convexity"),
        ):
            if given is None and constant not in known:
                raise OptionError(
                    f"Solver 'tmm' needs the option {name}, or a problem that declares its constant '{constant}'; "
                    f"'{oracle.problem.name}' does not. Use 'ogm' or 'nag', which do without."
                )

    def init(self, oracle: Oracle, x0: Vector, rng: np.random.Generator) -> DescentState:
        state = super().init(oracle, x0, rng)
        m = self.strong_convexity or oracle.constants["strong_convexity"]
        rho = 1 - math.sqrt(min(m * state.step_size, 1.0))
        return replace(state, memory=(np.zeros_like(x0), rho))

    def memory(self, x: Vector) -> Memory:
        """w = (u - u-) / eta and rho."""
        return np.zeros_like(x), 0.0

    def direction(self, x: Vector, g: Vector, memory: Memory, k: int) -> tuple[Vector, Memory]:
        w, rho = memory
        beta = rho * rho / (2 - rho)
        gamma = beta / (1 + rho)
        v = beta * w - (1 + rho) * g
        return v + gamma * (v - w), (v, rho)

    def landed(self, memory: Memory, d: Vector, cut: NDArray[np.bool_]) -> Memory:
        w, rho = memory
        return np.where(cut, 0.0, w), rho

    def fixed_step_size(self, oracle: Oracle) -> float | None:
        return given_step_size(self.step_size, oracle)

    @property
    def limit_of_stability(self) -> float:
        return 1.0  # at rho = 1; 2 at rho = 0
