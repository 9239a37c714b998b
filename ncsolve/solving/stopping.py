"""Stopping tests: small objects that compose with | and & and know whether they mean convergence or a mere limit."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ncsolve.solving.status import Status

__all__ = [
    "AllOf",
    "AnyOf",
    "Evaluations",
    "GradientTolerance",
    "Iterations",
    "Look",
    "Seconds",
    "Stall",
    "Stop",
    "Target",
]


@dataclass(slots=True)
class Look:
    """What the core sees after an iteration; stopping tests and callbacks are called with it."""

    iteration: int
    """Steps taken so far in the whole run, 0 at the start."""
    x: NDArray[np.float64]
    """Iterate, shape (n,), read-only."""
    objective: float
    gradient_norm: float
    """Infinity norm of the gradient, of the projected gradient where there are bounds."""
    seconds: float
    """Since the run began."""
    evaluations: int
    """Points evaluated so far, of every kind; value and gradient at one point are one."""
    best_objective: float
    """That of the best point seen: the lowest, but where constraints or two players decide what is better."""
    last_progress: int
    """Iteration in which the lowest objective or the smallest gradient norm last improved beyond rounding."""
    state: Any
    """The solver's own state."""
    exploring: bool = False
    """Whether the solver says that a small gradient or a lack of progress is no reason to stop here."""


class Stop(ABC):
    """A stopping test: called with a `Look`, it returns the status to stop with, or None to go on.

    It keeps no memory of its own, so that a run that is resumed stops where an uninterrupted one would.
    """

    means_convergence: bool = False
    """Whether stopping here says something about the point, or only that a limit is reached."""

    @abstractmethod
    def __call__(self, look: Look) -> Status | None: ...

    def __or__(self, other: Stop) -> Stop:
        return AnyOf((*_parts(self, AnyOf), *_parts(other, AnyOf)))

    def __and__(self, other: Stop) -> Stop:
        return AllOf((*_parts(self, AllOf), *_parts(other, AllOf)))


@dataclass(frozen=True)
class AnyOf(Stop):
    """Stops as soon as one of its tests does, with the status of the first one that does, in their order."""

    tests: tuple[Stop, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "means_convergence", all(test.means_convergence for test in self.tests))

    @cached_property
    def _calls(self) -> tuple[Callable[[Look], Status | None], ...]:
        """The tests as bound methods, which are called in half the time."""
        return tuple(test.__call__ for test in self.tests)

    def __call__(self, look: Look) -> Status | None:
        for call in self._calls:
            status = call(look)
            if status is not None:
                return status
        return None


@dataclass(frozen=True)
class AllOf(Stop):
    """Stops when all of its tests would, with the status of the first that means convergence, else of the first."""

    tests: tuple[Stop, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "means_convergence", any(test.means_convergence for test in self.tests))

    def __call__(self, look: Look) -> Status | None:
        fired: list[tuple[bool, Status]] = []
        for test in self.tests:
            status = test(look)
            if status is None:
                return None
            fired.append((test.means_convergence, status))
        return next((status for converged, status in fired if converged), fired[0][1])


@dataclass(frozen=True)
class GradientTolerance(Stop):
    """Converged: the gradient's infinity norm is at most `tolerance`."""

    tolerance: float
    means_convergence = True

    def __call__(self, look: Look) -> Status | None:
        return Status.CONVERGED if look.gradient_norm <= self.tolerance and not look.exploring else None


@dataclass(frozen=True)
class Target(Stop):
    """Success by value: the objective is at most `target`."""

    target: float
    means_convergence = True

    def __call__(self, look: Look) -> Status | None:
        return Status.TARGET if look.objective <= self.target else None


@dataclass(frozen=True)
class Stall(Stop):
    """Limit: neither the lowest objective nor the smallest gradient norm improved within the last `window` iterations.

    The objective improves when it falls by more than rounding, the gradient norm when it falls by 1%.
    """

    window: int = 100

    def __call__(self, look: Look) -> Status | None:
        return Status.STALLED if look.iteration - look.last_progress >= self.window and not look.exploring else None


@dataclass(frozen=True)
class Iterations(Stop):
    """Limit: `limit` steps were taken."""

    limit: int

    def __call__(self, look: Look) -> Status | None:
        return Status.ITERATIONS if look.iteration >= self.limit else None


@dataclass(frozen=True)
class Evaluations(Stop):
    """Limit: `limit` points were evaluated, of every kind together."""

    limit: int

    def __call__(self, look: Look) -> Status | None:
        return Status.EVALUATIONS if look.evaluations >= self.limit else None


@dataclass(frozen=True)
class Seconds(Stop):
    """Limit: `limit` seconds have passed."""

    limit: float

    def __call__(self, look: Look) -> Status | None:
        return Status.TIME if look.seconds >= self.limit else None


def _parts(test: Stop, kind: type[AnyOf] | type[AllOf]) -> tuple[Stop, ...]:
    return test.tests if isinstance(test, kind) else (test,)
