"""f on the straight way from one point to another: monotone or not, and the height of the barrier.

[Goodfellow, Vinyals & Saxe 2015; Frankle et al. 2020; Entezari et al. 2022]
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ncsolve.errors import OptionError, ProblemError
from ncsolve.oracle import Oracle, compile

if TYPE_CHECKING:
    from ncsolve.problem import Problem

__all__ = ["Segment", "segment", "values_of"]

Array = NDArray[np.float64]

BATCH = 4_000_000  # numbers in the points that are evaluated at once
ROUNDING = 1e-12  # by which f may seem to rise, relative to its size


@dataclass(frozen=True, eq=False, repr=False)
class Segment:
    """f along x(t) = (1 - t) a + t b."""

    problem: Problem
    t: Array
    """(p,), from 0 to 1."""
    objective: Array
    """(p,)"""
    monotone: bool
    """Whether f only falls, or only rises, as far as the points tell."""
    highest: tuple[float, float]
    """t and f where f is highest, refined between the points."""
    barrier: float
    """The largest height of f above the straight line between its ends: max f(x(t)) - (1 - t) f(a) - t f(b)."""

    def __repr__(self) -> str:
        return self.summary()

    def to_json(self) -> dict[str, Any]:
        keys = ("t", "objective", "monotone", "highest", "barrier")
        return {"problem": self.problem.name, **{key: getattr(self, key) for key in keys}}

    def summary(self) -> str:
        t, top = self.highest
        word = "monotone" if self.monotone else "not monotone"
        return "\n".join(
            [
                f"'{self.problem.name}' on a straight line: {word} at {len(self.t)} points",
                f"  ends          f = {self.objective[0]:.8g} and {self.objective[-1]:.8g}",
                f"  highest       f = {top:.8g} at t = {t:.6g}",
                f"  barrier       {self.barrier:.6g} above the line between the ends",
            ]
        )


def segment(problem: Problem, a: Any, b: Any, points: int = 201) -> Segment:
    """Look at f on the segment from a to b, at so many points; its highest point and the barrier are refined.

    That f does not rise between the points is not proven.
    """
    if points < 3:
        raise OptionError(f"slice: points must be at least 3, not {points}.")
    oracle, start, end = compile(problem), problem.pack(a, "from"), problem.pack(b, "to")
    if np.array_equal(start, end):
        raise ProblemError("slice: both ends of the line are the same point.")
    t = np.linspace(0.0, 1.0, points)
    f = values_of(oracle, start + t[:, None] * (end - start))
    steps = np.diff(f)
    slack = ROUNDING * float(np.nanmax(np.abs(f)))
    above = f - (1 - t) * f[0] - t * f[-1]

    def at(s: float) -> float:
        return float(values_of(oracle, (start + s * (end - start))[None])[0])

    top = _refined(at, t, f)
    crest = _refined(lambda s: at(s) - (1 - s) * f[0] - s * f[-1], t, above)
    monotone = bool((steps <= slack).all() or (steps >= -slack).all())
    return Segment(problem, t, f, monotone, top, max(0.0, crest[1]))


def values_of(oracle: Oracle, x: Array) -> Array:
    """F = f + p at points (m, n), a part of them at a time."""
    rows = max(1, BATCH // oracle.n)
    with oracle.uncounted(), np.errstate(all="ignore"):
        parts = [oracle.objective(np.ascontiguousarray(x[k : k + rows])) for k in range(0, len(x), rows)]
    return np.concatenate(parts)


def _refined(f: Any, t: Array, values: Array) -> tuple[float, float]:
    """The place and height of the highest point, between the neighbours of the highest of the points."""
    from scipy.optimize import minimize_scalar

    k = int(np.nanargmax(np.where(np.isfinite(values), values, -np.inf)))
    best = float(t[k]), float(values[k])
    if not 0 < k < len(t) - 1:
        return best
    found = minimize_scalar(lambda s: -f(s), bounds=(t[k - 1], t[k + 1]), method="bounded", options={"xatol": 1e-9})
    return (float(found.x), -float(found.fun)) if -found.fun > best[1] else best
