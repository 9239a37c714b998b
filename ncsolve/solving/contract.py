"""The solver's side of the contract, held against what it returns: its states are read, what is wrong is named."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ncsolve.errors import PluginError
from ncsolve.solving.asking import who
from ncsolve.solving.status import Status
from ncsolve.texts import escaped, in_words

if TYPE_CHECKING:
    from ncsolve.oracle import Oracle

__all__ = ["Broken", "Contract", "words_of"]

Vector = NDArray[np.float64]

FLOAT = np.dtype(np.float64)
FLAGS = ("converged", "stalled", "exploring", "chains")
"""What a state may say beyond numbers."""


class Broken(PluginError):
    """The solver broke its contract; `__cause__` is what it raised."""


class Contract:
    """Reads the states of one solver. All that it raises is `Broken`, or comes from the oracle."""

    def __init__(self, oracle: Oracle, solver: Any) -> None:
        self.oracle, self.solver, self.who = oracle, solver, who(solver)
        self.flags: frozenset[str] = frozenset()
        """Those of FLAGS that its states have."""
        self._shape = (oracle.n,)
        self._constrained = oracle.problem.constrained
        self._bounds = None if oracle.lower is None or oracle.upper is None else (oracle.lower, oracle.upper)

    def begin(self, state: Any) -> None:
        """Take the type of the first state of a run for that of all."""
        declared = getattr(self.solver, "state_type", object)
        if not isinstance(state, declared):
            wrong = TypeError(f"init() returned {type(state).__name__}, not its state_type {declared.__name__}")
            raise self.broken("init", wrong) from wrong
        self.flags = frozenset(flag for flag in FLAGS if hasattr(state, flag))

    def read(self, state: Any, step: int) -> tuple[Vector, float, Vector]:
        """x, f and g of a state, from the oracle where the state has no f or g."""
        try:
            x = state.x
            if x.shape != self._shape or x.dtype != FLOAT:
                raise TypeError(f"its state has x of shape {x.shape} and type {x.dtype}")
            x.setflags(False)
            f, g = getattr(state, "objective", None), getattr(state, "gradient", None)
            if f is not None and g is not None:
                f = float(f)
                if g.shape != self._shape or (g.dtype is not FLOAT and g.dtype.kind not in "fiu"):
                    raise TypeError(f"its state has a gradient of shape {g.shape} and {g.dtype}")
        except Exception as error:
            wanted = f"x must be a float64 array of shape {self._shape}, objective a number and gradient like x"
            raise self.broken(f"step {step}", error, wanted) from error
        if f is None or g is None:
            f, g = self.oracle.value_and_gradient(x)
        if self._bounds and np.count_nonzero((x < self._bounds[0]) | (x > self._bounds[1])):
            raise self._outside(x, *self._bounds)
        if self._constrained and (multipliers := getattr(state, "multipliers", None)) is not None:
            self._check_multipliers(multipliers, step)
        return x, f, g

    def says(self, state: Any, flag: str, step: int) -> bool:
        """Whether a state says so, by one of the flags that it has."""
        try:
            return bool(getattr(state, flag))
        except Exception as error:
            raise self.broken(f"step {step}", error, f"{flag} must be true or false") from error

    def blame(self, x: Vector, f: float, g: Vector) -> tuple[Status, str]:
        """Why f or g is not finite: x, f or its gradient there, the penalty; or the solver, where all are finite."""
        oracle = self.oracle
        with oracle.uncounted():
            why = oracle.explain_nonfinite(x)
            value, gradient = oracle.value_and_gradient(x)
        if why:
            return Status.NONFINITE, why
        if not math.isfinite(oracle.penalty_value(x)):
            return Status.NONFINITE, f"x lies outside the domain of {oracle.penalty}"
        if are_finite(value, gradient) and not are_finite(f, g):
            wrong = "a gradient" if math.isfinite(f) else "an objective"
            said = f"solver '{self.solver.name}' reports {wrong} that is not finite where it is finite"
            return Status.FAILED, said
        return Status.NONFINITE, ""

    def _check_multipliers(self, multipliers: Any, step: int) -> None:
        assert self.oracle.constraints is not None
        shape = (self.oracle.constraints.m,)
        if getattr(multipliers, "shape", None) != shape or multipliers.dtype != FLOAT:
            wrong = TypeError(f"its state has multipliers that are no float64 array of shape {shape}")
            raise self.broken(f"step {step}", wrong) from wrong

    def broken(self, where: str, error: BaseException, wanted: str = "") -> Broken:
        """What to raise where the solver raises an error, or returns what raises one."""
        text = f"{self.who} failed in {where}: {in_words(error)}"
        if isinstance(error, ValueError) and "read-only" in str(error):
            wanted = "x0 and returned states must not be written to: work on a copy"
        return Broken(f"{text}. {wanted}".rstrip(". "))

    def _outside(self, x: Vector, lower: Vector, upper: Vector) -> Broken:
        k = int(np.argmax(np.maximum(lower - x, x - upper)))
        claims = "bounds" in getattr(self.solver, "needs", ())
        advice = (
            "although it declares that it handles them"
            if claims
            else "which it does not declare to handle: choose one that does"
        )
        return Broken(
            f"solver '{self.solver.name}' left the bounds, {advice} (x[{k}] = {x[k]:.6g} is outside "
            f"[{lower[k]:.6g}, {upper[k]:.6g}])"
        )


def words_of(state: Any) -> str:
    """What a state says in words, as text that every terminal takes."""
    message = getattr(state, "message", "")
    return escaped(message, but="\n") if isinstance(message, str) else ""


def are_finite(f: float, g: Vector) -> bool:
    return math.isfinite(f) and bool(np.isfinite(g).all())
