"""Rules that find the length of a step along a given direction: they compose with every solver that has directions."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ncsolve.errors import OptionError
from ncsolve_first_order.step_size import NOISE, backtrack
from ncsolve_second_order.paths import inside, search

if TYPE_CHECKING:
    from ncsolve.oracle import Oracle

Vector = NDArray[np.float64]

MEMORY = 0.85
"""The weight of older values in the mean that a Barzilai-Borwein step must stay below."""
ARMIJO = 1e-4
ROUNDING = 1e-15


@dataclass(frozen=True)
class Landing:
    """Where a step ended: x+, f, g, the first trial of the next step, and what a rule remembers."""

    x: Vector
    f: float
    g: Vector
    step_size: float
    stalled: bool = False
    level: tuple[float, float] = (math.nan, 0.0)


@dataclass(frozen=True)
class Departure:
    """Where a step begins: x, f, g, a direction d with g'd < 0, and the first length to try."""

    x: Vector
    f: float
    g: Vector
    d: Vector
    step_size: float
    level: tuple[float, float] = (math.nan, 0.0)


def armijo(oracle: Oracle, at: Departure) -> Landing:
    """Sufficient decrease by halving, from twice the last length. [Armijo 1966]"""
    return Landing(*backtrack(oracle, at.x, at.f, at.g, 2 * at.step_size, at.d))


def wolfe(oracle: Oracle, at: Departure) -> Landing:
    """The strong Wolfe conditions. [Wolfe 1969; Nocedal & Wright 2006, Alg. 3.5]"""
    found = search(oracle, at.x, at.f, at.g, at.step_size * at.d)
    if found is None:
        return Landing(at.x, at.f, at.g, at.step_size, stalled=True)
    return Landing(found.x, found.f, found.g, found.t * at.step_size)


def exact(oracle: Oracle, at: Departure) -> Landing:
    """The first minimum of phi(t) = f(P(x + t d)) that doubling brackets, as a zero of phi'. [Brent 1973]"""
    from scipy.optimize import brentq

    def slope(t: float) -> float:
        y = oracle.project(at.x + t * at.d)
        f, g = oracle.value_and_gradient(y)
        rise = float(g.dot(inside(oracle, y, at.d)))
        return rise if math.isfinite(f) and math.isfinite(rise) else math.inf

    low, high = 0.0, at.step_size
    if not slope(low) < 0:
        return Landing(at.x, at.f, at.g, at.step_size, stalled=True)
    while (rise := slope(high)) < 0:
        low, high = high, 2 * high
    while rise == math.inf and high - low > ROUNDING * high:  # the bracket ends before f does
        middle = (low + high) / 2
        trial = slope(middle)
        low, high, rise = (middle, high, rise) if trial < 0 else (low, middle, trial)
    t = low if rise == math.inf else float(brentq(slope, low, high, xtol=1e-300, rtol=ROUNDING, disp=False))
    x = oracle.project(at.x + t * at.d)
    f, g = oracle.value_and_gradient(x)
    if not f <= at.f or (x == at.x).all():
        return armijo(oracle, at)  # rounding, or a jump
    return Landing(x, f, g, t)


def polyak(oracle: Oracle, at: Departure) -> Landing:
    """eta = (f - f*) / |g|^2 for d = -g, with the declared minimum f*. [Polyak 1969]"""
    gap = at.f - oracle.constants["minimum"]
    eta = max(gap, 0.0) / -float(at.g.dot(at.d))
    x = oracle.project(at.x + eta * at.d)
    return Landing(x, *oracle.value_and_gradient(x), eta, stalled=gap <= 0)


def barzilai_borwein(oracle: Oracle, at: Departure) -> Landing:
    """eta = s's / s'y of the last step, cut back where f exceeds a running mean. [Barzilai & Borwein 1988; Raydan 1997]

    The mean is that of Zhang & Hager 2004: Q+ = m Q + 1, C+ = (m Q C + f+) / Q+.
    """
    (C, Q), eta = at.level if at.level[1] else (at.f, 1.0), at.step_size
    while True:
        x = oracle.project(at.x + eta * at.d)
        s = x - at.x
        if not s.any():
            return Landing(at.x, at.f, at.g, eta, stalled=True)
        f = oracle.value(x)
        if f <= C + ARMIJO * float(at.g.dot(s)) or abs(f - at.f) <= NOISE * abs(f):
            break
        eta /= 4
    g = oracle.gradient(x)
    curved, length = float(s.dot(g - at.g)), float(s.dot(s))
    following = length / curved if curved > 0 else 2 * eta
    level = (MEMORY * Q * C + f) / (MEMORY * Q + 1), MEMORY * Q + 1
    return Landing(x, f, g, following if 0 < following < math.inf else eta, level=level)


SEARCHES: Mapping[str, Callable[[Oracle, Departure], Landing]] = {
    "armijo": armijo,
    "wolfe": wolfe,
    "exact": exact,
    "polyak": polyak,
    "barzilai-borwein": barzilai_borwein,
}


def check_search(oracle: Oracle, line_search: str | None, name: str) -> None:
    """Raises OptionError where the problem does not say what a rule has to know."""
    if line_search == "polyak" and "minimum" not in oracle.constants:
        raise OptionError(
            f"Solver '{name}' with line_search=polyak needs the minimal value, which problem '{oracle.problem.name}' "
            'does not declare. Add constants={"minimum": ...} to the problem.'
        )
