"""What every method of SciPy has in common: options from SciPy, an oracle to call, a loop of its own that reports."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from copy import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ncsolve.errors import OptionError

if TYPE_CHECKING:
    from ncsolve.oracle import Oracle

Vector = NDArray[np.float64]
Report = Callable[[Any], None]


@dataclass(frozen=True)
class ScipyState:
    x: Vector
    objective: float
    gradient: Vector
    exploring: bool = False
    stalled: bool = False
    message: str | None = None


class ScipySolver:
    """A method of SciPy as a solver; the options that were given are in `options`."""

    method: ClassVar[str]
    """As scipy.optimize spells it."""
    name: ClassVar[str]
    needs: ClassVar[frozenset[str]]
    state_type: ClassVar[type] = ScipyState
    resumable: ClassVar[bool] = False
    """The loop is SciPy's own: what it knows at an iterate cannot be saved."""

    def __init__(self, **options: Any) -> None:
        self.options: Mapping[str, Any] = {name: value for name, value in options.items() if value is not None}

    @classmethod
    def check(cls, oracle: Oracle) -> None:
        """Raise OptionError where the method cannot solve the problem."""
        if oracle.lower is not None and "bounds" not in cls.needs:
            raise OptionError(
                f"Solver '{cls.name}' knows no bounds, which problem '{oracle.problem.name}' has. Of SciPy's methods "
                "L-BFGS-B, TNC, SLSQP, trust-constr, Nelder-Mead, Powell, COBYLA and COBYQA do, and the global ones."
            )


class Functions:
    """The oracle's functions as SciPy wants them. What is undefined is infinite, since SciPy compares with <."""

    def __init__(self, oracle: Oracle) -> None:
        self.oracle = oracle
        self._watching = copy(oracle)
        self._at = np.empty(0)
        self._value: float | None = None
        self._gradient: Vector | None = None

    def value(self, x: Vector) -> float:
        self._value = self.oracle.value(self.frozen(x))
        return _defined(self._value)

    def value_with_gradient(self, x: Vector) -> float:
        """The value, where the gradient will be asked for at the same point: both are computed at once."""
        self._value, self._gradient = self.oracle.value_and_gradient(self.frozen(x))
        return _defined(self._value)

    def gradient(self, x: Vector) -> Vector:
        self._value, self._gradient = self.oracle.value_and_gradient(self.frozen(x))
        return self._gradient.copy()

    def hessian(self, x: Vector) -> Any:
        return self.oracle.hessian(self.frozen(x))

    def dense_hessian(self, x: Vector) -> Vector:
        return np.asarray(self.oracle.hessian(self.frozen(x), dense=True))

    def hvp(self, x: Vector, v: Vector) -> Vector:
        return self.oracle.hvp(self.frozen(x), v)

    def frozen(self, x: Vector) -> Vector:
        """x, inside the bounds, as the array that it was when it last came: the oracle knows large points by that."""
        x = self.oracle.project(x)
        if not np.array_equal(x, self._at):
            self._at = np.array(x, dtype=float)
            self._at.flags.writeable = False
            self._value = self._gradient = None
        return self._at

    def state(self, x: Vector, message: str | None = None, exploring: bool = False) -> ScipyState:
        """What the core sees of an iterate. What SciPy did not evaluate last, the core looks at itself, uncounted."""
        x = np.array(self.oracle.project(x), dtype=float)
        f, g = self._value, self._gradient
        if f is None or g is None or not np.array_equal(x, self._at):
            with self._watching.uncounted():
                f, g = self._watching.value_and_gradient(x)
        return ScipyState(x, f, g.copy(), exploring, message is not None, message)


def _defined(value: float) -> float:
    return math.inf if math.isnan(value) else value
