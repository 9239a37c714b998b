"""Numbers that never guess: balls of flint that behave in NumPy's object arrays like floats, and refuse what is lossy.

    x = numbers(np.array([0.1, 4.0]))         # the exact values of these floats
    np.sqrt((x**2).sum()) <= 4.01             # decided for certain, or Undecided is raised

A theorem's formulas, written for float arrays, thus give enclosures of both sides. What would leave the balls, as
float(x) or a factorisation by LAPACK, is a TypeError.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ncsolve.critical.balls import flint
from ncsolve.errors import NcsolveError

__all__ = ["Number", "Objects", "Undecided", "numbers"]

Objects = NDArray[np.object_]


class Undecided(NcsolveError):
    """A comparison that the enclosures leave open: more bits may decide it."""


class Number:
    """An enclosure of a real number."""

    __slots__ = ("ball",)
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, ball: Any) -> None:
        self.ball = ball

    @classmethod
    def of(cls, value: Any) -> Number:
        """The exact value of an int or a float."""
        if isinstance(value, Number):
            return value
        arb = flint().arb
        return cls(arb(int(value)) if isinstance(value, (Integral, np.bool_)) else arb(float(value)))

    @classmethod
    def between(cls, lower: float, upper: float) -> Number:
        arb = flint().arb
        return cls(arb(lower) if lower == upper else arb(lower).union(arb(upper)))

    @property
    def middle(self) -> float:
        return float(self.ball)

    @property
    def real(self) -> Number:
        return self

    def conjugate(self) -> Number:
        return self

    def sqrt(self) -> Number:
        return Number(self.ball.sqrt())

    def exp(self) -> Number:
        return Number(self.ball.exp())

    def log(self) -> Number:
        return Number(self.ball.log())

    def log1p(self) -> Number:
        return Number(self.ball.log1p())

    def __neg__(self) -> Number:
        return Number(-self.ball)

    def __abs__(self) -> Number:
        return Number(abs(self.ball))

    def __add__(self, other: Any) -> Any:
        return self._combined(operator.add, other)

    def __radd__(self, other: Any) -> Any:
        return self._combined(operator.add, other)

    def __sub__(self, other: Any) -> Any:
        return self._combined(operator.sub, other)

    def __rsub__(self, other: Any) -> Any:
        return self._combined(lambda a, b: b - a, other)

    def __mul__(self, other: Any) -> Any:
        if other is self:
            return self**2
        return self._combined(operator.mul, other)

    def __rmul__(self, other: Any) -> Any:
        return self._combined(operator.mul, other)

    def __truediv__(self, other: Any) -> Any:
        return self._combined(operator.truediv, other)

    def __rtruediv__(self, other: Any) -> Any:
        return self._combined(lambda a, b: b / a, other)

    def __pow__(self, exponent: Any) -> Any:
        if isinstance(exponent, Number) or not isinstance(exponent, Real) or exponent % 1:
            return self._combined(operator.pow, exponent)
        n = int(float(exponent))
        if n == 2:  # ball ** 2 is nan around 0
            return Number((self.ball * self.ball).nonnegative_part())
        found = self.ball**n
        return Number(found if n % 2 else found.nonnegative_part())

    def __lt__(self, other: Any) -> Any:
        return self._decided(operator.lt, operator.ge, other)

    def __le__(self, other: Any) -> Any:
        return self._decided(operator.le, operator.gt, other)

    def __gt__(self, other: Any) -> Any:
        return self._decided(operator.gt, operator.le, other)

    def __ge__(self, other: Any) -> Any:
        return self._decided(operator.ge, operator.lt, other)

    def __eq__(self, other: object) -> Any:
        return self._decided(operator.eq, operator.ne, other)

    def __ne__(self, other: object) -> Any:
        return self._decided(operator.ne, operator.eq, other)

    def __repr__(self) -> str:
        return f"Number({self.ball})"

    def _combined(self, rule: Callable[[Any, Any], Any], other: Any) -> Any:
        if not isinstance(other, (Number, Real)):
            return NotImplemented
        return Number(rule(self.ball, Number.of(other).ball))

    def _decided(self, rule: Callable[[Any, Any], Any], opposite: Callable[[Any, Any], Any], other: Any) -> Any:
        if not isinstance(other, (Number, Real)):
            return NotImplemented
        a, b = self.ball, Number.of(other).ball
        if rule(a, b):
            return True
        if opposite(a, b):
            return False
        raise Undecided(f"{a} and {b} overlap.")


def numbers(values: Any) -> Objects:
    """The exact values of an array of floats or integers."""
    return np.asarray(np.frompyfunc(Number.of, 1, 1)(np.asarray(values)), dtype=object)
