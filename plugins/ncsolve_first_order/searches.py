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
from ncsolve_second_order.exact_search import exact_search
from ncsolve_second_order.line_search import CURVATURE
from ncsolve_second_order.paths import search

if TYPE_CHECKING:
    from ncsolve.oracle import Oracle

Vector = NDArray[np.float64]

MEMORY = 0.85
"""The weight of older values in the mean that a Barzilai-Borwein step must stay below."""
ARMIJO = 1e-4


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


def wolfe(oracle: Oracle, at: Departure, curvature: float = CURVATURE) -> Landing:
    """The strong Wolfe conditions. [Wolfe 1969; Nocedal & Wright 2006, Alg. 3.5]"""
    found = search(oracle, at.x, at.f, at.g, at.step_size * at.d, curvature)
    if found is None:
        return Landing(at.x, at.f, at.g, at.step_size, stalled=True)
    return Landing(found.x, found.f, found.g, found.t * at.step_size)


def exact(oracle: Oracle, at: Departure) -> Landing:
    """The first minimum along d; Armijo's step where rounding or a jump hides it."""
    found = exact_search(oracle, at.x, at.f, at.d, at.step_size)
    return armijo(oracle, at) if found is None else Landing(found.x, found.f, found.g, found.t)


def tight_wolfe(oracle: Oracle, at: Departure) -> Landing:
    """A slope of a tenth of the first: near the minimum along d, as conjugate gradients want it."""
    return wolfe(oracle, at, curvature=0.1)


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
        if not s.any() or eta == 0:  # an infinite d times 0 is nan
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
    "tight-wolfe": tight_wolfe,
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
