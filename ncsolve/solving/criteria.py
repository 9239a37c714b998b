"""When a run stops, as the user says it: tolerances that mean success and limits that do not."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from numbers import Integral, Real
from typing import Any

from ncsolve.errors import OptionError
from ncsolve.solving.stopping import AnyOf, Evaluations, GradientTolerance, Iterations, Seconds, Stall, Stop, Target

__all__ = ["DEFAULT_ITERATIONS", "Criteria"]

DEFAULT_ITERATIONS = 100_000
"""Where no limit is given at all, a run stops after this many iterations."""


@dataclass(frozen=True)
class Criteria:
    """The stopping criteria of one run. Raises OptionError for values that make no sense."""

    gradient_tolerance: float = 1e-6
    """Converged when the infinity norm of the (projected) gradient is at most this."""
    target: float | None = None
    """Stop with success when the objective is at most this."""
    max_iterations: int | None = None
    max_evaluations: int | None = None
    """Points evaluated, of every kind together; value and gradient at one point are one."""
    max_seconds: float | None = None

    def __post_init__(self) -> None:
        _check("gradient_tolerance", self.gradient_tolerance, Real, "a number of at least 0", lambda value: value >= 0)
        _check("target", self.target, Real, "a number", lambda value: not math.isnan(value))
        _check("max_iterations", self.max_iterations, Integral, "an integer of at least 0", lambda value: value >= 0)
        _check("max_evaluations", self.max_evaluations, Integral, "an integer of at least 1", lambda value: value >= 1)
        _check("max_seconds", self.max_seconds, Real, "a number above 0", lambda value: value > 0)

    def bounded(self, iterations: int = DEFAULT_ITERATIONS) -> Criteria:
        """These criteria, with a limit of so many iterations where no limit of any kind is given."""
        unlimited = self.max_iterations is self.max_evaluations is self.max_seconds is None
        return replace(self, max_iterations=iterations) if unlimited else self

    def test(self) -> Stop:
        """The criteria as one stopping test: success first, then the limits."""
        tests: list[Stop] = [GradientTolerance(self.gradient_tolerance)]
        if self.target is not None:
            tests.append(Target(self.target))
        tests.append(Stall())
        if self.max_evaluations is not None:
            tests.append(Evaluations(self.max_evaluations))
        if self.max_seconds is not None:
            tests.append(Seconds(self.max_seconds))
        if self.max_iterations is not None:
            tests.append(Iterations(self.max_iterations))
        return AnyOf(tuple(tests))


def _check(name: str, value: object, kind: type, wanted: str, holds: Callable[[Any], bool]) -> None:
    if value is None and name != "gradient_tolerance":
        return
    if isinstance(value, bool) or not isinstance(value, kind) or not holds(value):
        raise OptionError(f"{name} must be {wanted}, not {value!r}.")
