"""A line search for the strong Wolfe conditions that survives infinite values and rounding."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]

ARMIJO, CURVATURE = 1e-4, 0.9
NOISE = 64 * float(np.finfo(float).eps)
"""Differences of f below NOISE |f| are taken for rounding."""
TRIALS = 40
"""Inside a bracket; until there is one, t grows for as long as phi falls."""


@dataclass(frozen=True)
class Trial:
    """The objective along a path x(t): phi(t) = f(x(t)) and its slope phi'(t)."""

    t: float
    f: float
    slope: float
    x: Vector
    g: Vector

    @property
    def finite(self) -> bool:
        return math.isfinite(self.f) and math.isfinite(self.slope)


def strong_wolfe(path: Callable[[float], Trial], start: Trial, t: float, curvature: float = CURVATURE) -> Trial | None:
    """Return a trial with phi(t) <= phi(0) + c1 t phi'(0) and |phi'(t)| <= c2 |phi'(0)|, c1 = 1e-4, c2 = `curvature`.

    Bracketing and zoom by safeguarded cubic interpolation [Nocedal & Wright 2006, Alg. 3.5, 3.6]. A value that is not
    finite ends the bracket like one that is too high. Where rounding hides the fall of phi, its slope decides [Hager
    & Zhang 2005]: phi'(t) <= (2 c1 - 1) phi'(0) replaces the first condition. If the trials are used up, the best one
    that fulfils the first condition is returned, or None if there is none.
    """
    low, high = start, None
    trials = TRIALS
    while trials > 0:
        trial = path(t)
        if _too_high(trial, start, low):
            high = trial
        elif abs(trial.slope) <= -curvature * start.slope:
            return trial
        else:
            if trial.slope * (1.0 if high is None else high.t - low.t) >= 0:
                high = low
            low = trial
        if high is None:
            t = 4 * low.t
        elif abs(high.t - low.t) <= 1e-15 * max(high.t, low.t):
            break
        else:
            t = _between(low, high)
            trials -= 1
    return low if low.t > 0 else None


def _too_high(trial: Trial, start: Trial, low: Trial) -> bool:
    if not trial.finite:
        return True
    if abs(trial.f - start.f) <= NOISE * abs(start.f):
        return trial.slope > (2 * ARMIJO - 1) * start.slope
    return trial.f > start.f + ARMIJO * trial.t * start.slope or (low is not start and trial.f >= low.f)


def _between(low: Trial, high: Trial) -> float:
    """The minimiser of the cubic through both values and slopes, kept a tenth of the bracket away from its ends."""
    width = high.t - low.t
    if not high.finite:
        return low.t + 0.2 * width
    scale = max(abs(low.slope), abs(high.slope))
    a, b = low.slope / scale, high.slope / scale
    if abs(high.f - low.f) <= NOISE * abs(low.f):
        part = a / (a - b) if a * b < 0 else 0.5
    else:
        part = _cubic_minimiser(a * width, b * width, (high.f - low.f) / scale)
    return low.t + min(max(part, 0.1), 0.9) * width


def _cubic_minimiser(a: float, b: float, rise: float) -> float:
    """Where the cubic with slope a at 0, slope b at 1 and this rise in between has its minimum; 1/2 if nowhere."""
    d1 = a + b - 3 * rise
    root = d1 * d1 - a * b
    if not 0 <= root < math.inf:
        return 0.5
    d2 = math.sqrt(root)
    bottom = b - a + 2 * d2
    return 1 - (b + d2 - d1) / bottom if bottom != 0 else 0.5
