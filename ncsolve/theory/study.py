"""What a theorem looks at: a problem with its constants, the solver as demanded, and the run that it made."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ncsolve.errors import NcsolveError
from ncsolve.solving import Look, Status
from ncsolve.solving.loop import Loop
from ncsolve.solving.stopping import Iterations
from ncsolve.theory.claim import FLOOR
from ncsolve.theory.constants import Constant, nearest_minimiser

if TYPE_CHECKING:
    from ncsolve.oracle import Oracle

__all__ = ["Missing", "Refused", "Study"]

Vector = NDArray[np.float64]
Array = NDArray[np.float64]

MOST_NUMBERS = 10_000_000
PROVABLE = ("smoothness", "strong_convexity", "pl", "hessian_lipschitz", "minimum")
"""Constants that `--certify` encloses in a box."""


class Missing(NcsolveError):
    """A constant or a point that the check needs is not known; the text says how to give it."""


class Refused(NcsolveError):
    """The solver refuses the problem with the options that the theorem demands."""


@dataclass
class Study:
    """One problem, one solver, one seed. The run is made when it is first looked at."""

    oracle: Oracle
    known: Mapping[str, Constant]
    x0: Vector
    seed: int
    horizon: int
    make: Callable[[Mapping[str, Any]], Any]
    """The solver with these options."""
    options: dict[str, Any] = field(default_factory=dict)
    """As the theorem demands and the user says: what the claims are computed with."""
    secret: Mapping[str, Any] = field(default_factory=dict)
    """What the solver runs with instead."""
    proven: Mapping[str, Constant] = field(default_factory=dict)
    """Constants with intervals that are proven, which may contradict those that are claimed."""
    used: dict[str, Constant] = field(default_factory=dict)

    @property
    def n(self) -> int:
        return self.oracle.n

    @property
    def floats(self) -> Study:
        """This study in floating point, where a proof evaluates it in balls: for what only chooses what is compared."""
        return self

    def constant(self, name: str) -> float:
        """A constant of the problem, remembered as used. Raises Missing."""
        if name not in self.known:
            prove = ", or prove it: --certify --box" if name in PROVABLE else ""
            how = f"declare it, constants={{...}}, or claim it with --constant {name}=VALUE{prove}"
            raise Missing(f"The constant '{name}' is not known: {how}.")
        self.used[name] = self.known[name]
        return self.known[name].value

    @property
    def L(self) -> float:
        return self.constant("smoothness")

    @property
    def mu(self) -> float:
        return self.constant("pl")

    @property
    def minimum(self) -> float:
        return self.constant("minimum")

    @cached_property
    def solver(self) -> Any:
        return self.make({**self.options, **self.secret})

    @cached_property
    def declared(self) -> Any:
        """The solver that the theorem speaks of, with the options that it is checked for."""
        return self.make(self.options)

    def option(self, name: str) -> Any:
        """The value of an option as demanded or given."""
        return getattr(self.declared, name)

    # -- the run -------------------------------------------------------------------------------------------------------

    @cached_property
    def states(self) -> list[Any]:
        """The solver's states, the one at x0 first."""
        return self.states_from(self.solver, self.x0, self.seed, self.horizon)

    def random_start(self, rng: np.random.Generator) -> Vector:
        """Where a run from a random point begins."""
        return self.oracle.problem.random_point(rng)

    def states_from(self, solver: Any, x0: Vector, seed: int, steps: int) -> list[Any]:
        """The states of a run of its own, of at most `steps` steps: the one at x0 at least, or it is refused."""
        states: list[Any] = []

        def keep(look: Look) -> Status | None:
            states.append(look.state)
            return Status.CONVERGED if look.gradient_norm == 0 and not look.exploring else None

        steps = max(1, min(steps, MOST_NUMBERS // max(1, x0.size)))
        loop = Loop(self.oracle, solver, np.random.default_rng(seed), Iterations(steps), [keep])
        with np.errstate(all="ignore"):
            try:
                status = loop.advance(np.array(x0))
            except NcsolveError as error:
                raise Refused(str(error)) from error
        if status is Status.INTERRUPTED:
            raise KeyboardInterrupt
        if not states:
            raise Refused(f"A run has no first state: {loop.detail}.")
        return states

    @cached_property
    def x(self) -> Array:
        """Iterates, (K + 1, n)."""
        return np.array([state.x for state in self.states])

    @cached_property
    def _evaluated(self) -> tuple[Vector, Array]:
        with self.oracle.uncounted(), np.errstate(all="ignore"):
            pairs = [self.oracle.value_and_gradient(np.ascontiguousarray(x)) for x in self.x]
        return np.array([f for f, _ in pairs]), np.array([g for _, g in pairs])

    @property
    def f(self) -> Vector:
        """f at every iterate, by the oracle, whatever the solver says."""
        return self._evaluated[0]

    @property
    def g(self) -> Array:
        """Gradients (K + 1, n)."""
        return self._evaluated[1]

    @cached_property
    def slope(self) -> Vector:
        """|g|^2"""
        return np.asarray((self.g**2).sum(axis=1))

    @property
    def gap(self) -> Vector:
        """f - f*"""
        return self.f - self.minimum

    @cached_property
    def best(self) -> Vector:
        """The minimiser nearest to x0. Raises Missing."""
        minimum = self.known.get("minimum")
        x = nearest_minimiser(self.oracle, self.x0, None if minimum is None else minimum.value)
        if x is None:
            raise Missing("No minimiser is known: declare it, known=[nc.Minimum({...}, value=...)].")
        return x

    @property
    def distance(self) -> Vector:
        """|x - x*|"""
        return np.asarray(np.linalg.norm(self.x - self.best, axis=1))

    @cached_property
    def comparable(self) -> int:
        """How many iterates stand above the rounding floor: comparing stops at the first that does not."""
        if "minimum" not in self.known:
            return len(self.x)
        below = np.flatnonzero(self.f - self.known["minimum"].value < FLOOR * np.maximum(1.0, np.abs(self.f)))
        return int(below[0]) if len(below) else len(self.x)

    def hessian(self, x: Vector) -> Array:
        with self.oracle.uncounted():
            H: Array = self.oracle.hessian(np.ascontiguousarray(x), dense=True)
        return H

    def least_curvature(self, x: Vector) -> float:
        return float(np.linalg.eigvalsh(self.hessian(x))[0])
