"""Leaving a critical point that is no minimum, along a direction in which the objective falls."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from ncsolve.critical import CriticalPoint
    from ncsolve.oracle import Oracle

__all__ = ["fall", "is_escapable", "step_off"]

FIRST, SHORTEST, LONGEST = 1e-2, 1e-10, 1e4  # lengths tried, relative to the size of x
EIGENVECTORS = 500  # variables up to which they are computed


def is_escapable(point: CriticalPoint) -> bool:
    """Whether the objective falls from here: a saddle, a maximum, or a degenerate point with a negative eigenvalue."""
    return point.witness is not None and (
        point.kind in ("saddle", "maximum") or (point.kind == "degenerate" and bool(point.index))
    )


def step_off(oracle: Oracle, point: CriticalPoint) -> NDArray[np.float64] | None:
    """Return a lower point on the line x + t d, where d is the witness; None if rounding hides the fall.

    x + d itself is tried first, then both signs of t; the lowest end wins (on a tie: the first), so the choice is
    deterministic. Where an eigenvalue is negative its eigenvector is tried as well. Points are
    clipped into the bounds. With constraints, of which x + t d leaves the curvature aside, it is the Lagrangian that
    falls.
    """
    x, f = point.x, point.objective
    assert point.witness is not None
    d = point.witness / float(np.linalg.norm(point.witness))
    if point.kkt is not None:
        return _step_off_along_constraints(oracle, point, d)
    directions = [d, -d, *_curving_down(oracle, point)]
    ends = [_value(oracle, x + point.witness), *(fall(oracle, x, f, d) for d in directions)]
    lowest, end = min(ends, key=lambda pair: pair[0])
    return end if lowest < f else None


def _curving_down(oracle: Oracle, point: CriticalPoint) -> list[NDArray[np.float64]]:
    """Both senses of the eigenvector of the lowest eigenvalue, where it is negative: the witness may be a flat line."""
    if not point.index or oracle.n > EIGENVECTORS:
        return []
    with oracle.uncounted():
        lowest = np.linalg.eigh(oracle.hessian(point.x, dense=True))[1][:, 0]
    return [lowest, -lowest]


def _step_off_along_constraints(
    oracle: Oracle, point: CriticalPoint, d: NDArray[np.float64]
) -> NDArray[np.float64] | None:
    """A short way along a tangent direction d in which the Lagrangian curves down."""
    x, kkt, constraints = point.x, point.kkt, oracle.constraints
    assert kkt is not None
    assert constraints is not None

    def lagrangian(z: NDArray[np.float64]) -> float:
        return float(oracle.value(z) + kkt.multipliers @ constraints.values(z))

    t, here = FIRST * max(1.0, float(np.abs(x).max())), lagrangian(x)
    ends = [oracle.project(x + sign * t * d) for sign in (1.0, -1.0)]
    end = min(ends, key=lagrangian)
    return end if lagrangian(end) < here else None


def fall(oracle: Oracle, x: NDArray[np.float64], f: float, d: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
    """A lower value and its point x + t d: t shrinks until f visibly falls, then grows while it falls further."""
    scale = max(1.0, float(np.abs(x).max()))
    visible = f - 8 * float(np.finfo(float).eps) * abs(f)
    t = FIRST * scale
    lowest, end = _value(oracle, x + t * d)
    while not lowest < visible:
        t /= 10
        if t < SHORTEST * scale:
            return f, x
        lowest, end = _value(oracle, x + t * d)
    while t < LONGEST * scale:
        t *= 2
        value, further = _value(oracle, x + t * d)
        if not value < lowest:
            break
        lowest, end = value, further
    return lowest, end


def _value(oracle: Oracle, x: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
    x = oracle.project(x)
    return oracle.objective(x), x
