"""How fast a sequence of errors falls: linear with a ratio, sublinear with an exponent, superlinear with an order.

With y_k = log e_k, a linear rate is a straight line over k, e_k ~ r^k; a sublinear one a straight line over
log(k + c), e_k ~ (k + c)^-p; a superlinear one, e_{k+1} ~ C e_k^q, has an order q > 1
[Ortega & Rheinboldt 1970, ch. 9]. What lies below the rounding floor is left out, and so is the transient: the first
half of the rest, or more where the errors fall only later.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ncsolve.theory.claim import FLOOR

__all__ = ["LINEAR", "NONE", "SUBLINEAR", "SUPERLINEAR", "Rate", "fitted_rate"]

Vector = NDArray[np.float64]

LINEAR, SUBLINEAR, SUPERLINEAR, NONE = "linear", "sublinear", "superlinear", "none"
MEANING = {LINEAR: "ratio", SUBLINEAR: "exponent", SUPERLINEAR: "order"}
CONFIDENCE = 0.95
FEWEST = 8
"""Errors in the window from which a line is fitted."""
LAST = 4
"""Errors from which an order is computed: before them a method has not reached its asymptotic rate."""
LEAST_ORDER, LARGEST_RATIO = 1.2, 0.3
"""What ends a superlinear sequence."""
BLOCKS = 8
OFFSETS = 40


@dataclass(frozen=True)
class Rate:
    """The model that fits, its number and how well it is known."""

    model: str
    """linear, sublinear, superlinear, or none"""
    number: float
    """The ratio e_{k+1} / e_k, the exponent p of k^-p, or the order q of e_{k+1} ~ e_k^q; nan for none."""
    interval: tuple[float, float]
    """Of a ratio and an exponent 95% confidence, by means over blocks; of an order the last two."""
    window: tuple[int, int]
    """The first and the last iterate that were used: no transient, nothing below the rounding floor."""
    residuals: dict[str, float]
    """Of each model that was fitted: root mean square of log e."""
    reason: str
    iterations: NDArray[np.float64] = field(repr=False, default_factory=lambda: np.empty(0))
    fit: Vector = field(repr=False, default_factory=lambda: np.empty(0))
    """What the model says at `iterations`."""

    def to_json(self) -> dict[str, Any]:
        return {
            "model": self.model, "number": self.number, "meaning": MEANING.get(self.model), "interval": self.interval,
            "window": self.window, "residuals": self.residuals, "reason": self.reason,
        }  # fmt: skip

    def __str__(self) -> str:
        if self.model == NONE:
            return f"no rate: {self.reason}"
        low, high = self.interval
        first, last = self.window
        number = f"{MEANING[self.model]} {self.number:.6g} [{low:.6g}, {high:.6g}]"
        return f"{self.model}, {number}, iterates {first} to {last}: {self.reason}"


def fitted_rate(errors: ArrayLike, iterations: ArrayLike | None = None, floor: float | None = None) -> Rate:
    """The rate at which errors e_k >= 0 fall, e_k at the `iterations`, 0, 1, 2 ... without them.

    `floor`: what is smaller is rounding; without it, 1e3 eps times the largest error.
    """
    e = np.asarray(errors, dtype=float)
    k = np.arange(len(e), dtype=float) if iterations is None else np.asarray(iterations, dtype=float)
    e, k = above_floor(e, k, floor)
    if len(e) < 4:
        return _none(f"{len(e)} errors stand above the rounding floor, 4 are needed")
    if (found := superlinear(e, k)) is not None:
        return found
    left = (len(e) + 1) // 2
    found = _none(f"{left} errors are left without the transient, {FEWEST} are needed")
    while left >= FEWEST:
        found = by_lines(np.log(e[-left:]), k[-left:])
        if found.model != NONE:
            return found
        left //= 2
    return found


def above_floor(e: Vector, k: Vector, floor: float | None) -> tuple[Vector, Vector]:
    """The errors before the first that is no number or below the floor."""
    known = e[np.isfinite(e)]
    least = FLOOR * float(known.max(initial=0.0)) if floor is None else floor
    below = np.flatnonzero(~(np.isfinite(e) & (e > least)))
    end = int(below[0]) if len(below) else len(e)
    return e[:end], k[:end]


def superlinear(e: Vector, k: Vector) -> Rate | None:
    """The order, log(e_{k+1}/e_k) / log(e_k/e_{k-1}) of the last errors [Cordero & Torregrosa 2007]; None if it is 1.

    The interval is from the order before to the last one.
    """
    falls = np.diff(np.log(e))
    if not (falls[-1] < LEAST_ORDER * falls[-2] < 0 and falls[-1] < math.log(LARGEST_RATIO)):
        return None
    if len(falls) > 2 and not falls[-2] < falls[-3]:
        return None
    orders = falls[1:] / falls[:-1]
    q, before = float(orders[-1]), float(orders[-2] if falls[-3:-2] < 0 else orders[-1])
    last, y = k[-LAST:], float(np.log(e[-1]))
    fit = y - np.concatenate([[0.0], (falls[-1] / q ** np.arange(len(last) - 1)).cumsum()])[::-1]
    reason = f"the last ratios are {', '.join(f'{ratio:.2g}' for ratio in np.exp(falls[1 - LAST :]))}"
    ends = (min(q, before), max(q, before))
    return Rate(SUPERLINEAR, q, ends, (int(last[0]), int(last[-1])), {}, reason, last, np.exp(fit))


def by_lines(y: Vector, k: Vector) -> Rate:
    """Of a line over k and a line over log(k + c) the one that fits better."""
    slope, interval, linear = _line(k, y)
    window = (int(k[0]), int(k[-1]))
    if not interval[1] < 0:
        said = f"over iterates {window[0]} to {window[1]} the errors do not fall, or too irregularly"
        return _none(said, window)
    offsets = [0.0, *np.geomspace(1, max(2.0, k[-1]), OFFSETS)]
    logs = [np.log(k + c) for c in offsets if k[0] + c > 0]
    best = min(logs, key=lambda t: _line(t, y)[2])
    p, around, sublinear = _line(best, y)
    residuals = {LINEAR: linear, SUBLINEAR: sublinear}
    reason = f"log e is off by {min(linear, sublinear):.2g}, by {max(linear, sublinear):.2g} "
    if linear <= sublinear:
        number, ends = math.exp(slope), (math.exp(interval[0]), math.exp(interval[1]))
        return Rate(LINEAR, number, ends, window, residuals, reason + "if sublinear", k, _fit(k, y, slope))
    ends = (-around[1], -around[0])
    return Rate(SUBLINEAR, -p, ends, window, residuals, reason + "if linear", k, _fit(best, y, p))


def _line(t: Vector, y: Vector) -> tuple[float, tuple[float, float], float]:
    """Least squares slope, its interval by the slopes of `BLOCKS` blocks, root mean square of the residuals."""
    from scipy.special import stdtrit

    centred = t - t.mean()
    slope = float(centred @ y / (centred @ centred))
    residual = float(np.sqrt(np.mean((y - y.mean() - slope * centred) ** 2)))
    edges = np.unique(np.linspace(0, len(t) - 1, min(BLOCKS, len(t) - 1) + 1).astype(int))
    slopes = np.diff(y[edges]) / np.diff(t[edges])
    if len(slopes) < 2:
        return slope, (slope, slope), residual
    quantile = stdtrit(len(slopes) - 1, (1 + CONFIDENCE) / 2)
    half = float(quantile * slopes.std(ddof=1) / math.sqrt(len(slopes)))
    return slope, (slope - half, slope + half), residual


def _fit(t: Vector, y: Vector, slope: float) -> Vector:
    return np.asarray(np.exp(y.mean() + slope * (t - t.mean())))


def _none(reason: str, window: tuple[int, int] = (0, 0)) -> Rate:
    return Rate(NONE, math.nan, (math.nan, math.nan), window, {}, reason)
