"""What a trial step is worth: the fall of the objective, measured in what the model promised."""

from __future__ import annotations

import math
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from ncsolve_second_order.line_search import NOISE

Vector = NDArray[np.float64]

EPS, TINY = float(np.finfo(float).eps), float(np.finfo(float).tiny)


class Objective(Protocol):
    """As much of an oracle as a trial step needs."""

    def project(self, x: Vector) -> Vector: ...

    def value(self, x: Vector) -> float: ...

    def gradient(self, x: Vector) -> Vector: ...


class Bounded(Objective, Protocol):
    """An objective that may have bounds."""

    lower: Vector | None
    upper: Vector | None


class Trial(NamedTuple):
    x: Vector
    f: float
    rho: float
    """(f(x) - f(x + p)) / promised; -inf where f(x + p) is not finite."""


def try_step(oracle: Objective, x: Vector, f: float, g: Vector, p: Vector, promised: float) -> Trial:
    """Evaluate f at x + p, inside the bounds.

    Where rounding hides the fall of f, the trapezoid rule takes its place: f(x + p) - f(x) = (g(x) + g(x + p))'p / 2.
    """
    y = oracle.project(x + p)
    y.flags.writeable = False  # so that the oracle may remember it
    value = oracle.value(y)
    if not math.isfinite(value):
        return Trial(y, value, -math.inf)
    if abs(f - value) <= NOISE * abs(f):
        return Trial(y, value, -0.5 * float((g + oracle.gradient(y)).dot(y - x)) / promised)
    return Trial(y, value, (f - value) / promised)


def has_gradient(oracle: Objective, x: Vector) -> bool:
    """Whether the gradient is finite, too: at the edge of a domain f may be where its gradient is not."""
    return bool(np.isfinite(oracle.gradient(x)).all())


def shortening(slope: float, rise: float) -> float:
    """By which part a rejected step is shortened: where the parabola of f along it is lowest, between 0.1 and 0.5."""
    bend = rise - slope
    part = -0.5 * slope / bend if math.isfinite(bend) and bend > 0 else 0.25
    return min(max(part, 0.1), 0.5)


def too_short(length: float, x: Vector) -> bool:
    """Whether a step of this length changes nothing at x but rounding."""
    return bool(length <= max(EPS * float(np.abs(x).max(initial=0.0)), TINY))
