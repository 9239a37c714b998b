"""What could be tried next, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ncsolve.solving.escape import is_escapable
from ncsolve.solving.status import Status

if TYPE_CHECKING:
    from ncsolve.critical import CriticalPoint
    from ncsolve.oracle import Oracle

__all__ = ["hints_for"]


def hints_for(
    oracle: Oracle, solver: Any, status: Status, point: CriticalPoint, sampler: bool = False
) -> tuple[str, ...]:
    """Hints for a result that is no success. A sampler has no end to reach."""
    hints = []
    if status is Status.NONFINITE or (status is Status.STALLED and point.kind == "not-critical"):
        hints += _step_size_hint(oracle, solver, point)
    if status in (Status.CONVERGED, Status.STALLED) and is_escapable(point):
        hints.append(f"the objective falls from this {point.kind}: start from another point, or let the run escape")
    limited = status in (Status.ITERATIONS, Status.EVALUATIONS, Status.TIME)
    if limited and point.kind == "not-critical" and not sampler:
        hints.append("raise the limit, or try another solver: `ncsolve solvers` lists them")
    return tuple(hints)


def _step_size_hint(oracle: Oracle, solver: Any, point: CriticalPoint) -> list[str]:
    """A fixed step size that the curvature at the best point does not allow: gradient descent stays below 2/curvature.

    `limit_of_stability` of a solver is the number in place of 2; 0 says that its steps have no such limit.
    """
    step_size, limit = getattr(solver, "step_size", None), getattr(solver, "limit_of_stability", 2.0)
    if not (isinstance(step_size, float) and isinstance(limit, (int, float)) and limit):
        return []
    curvature = oracle.largest_curvature(point.x)
    if step_size * curvature <= limit:
        return []
    return [
        f"step_size = {step_size:g} is too long for the curvature met, {curvature:.3g}: "
        f"stay below {limit:.3g} / {curvature:.3g} = {limit / curvature:.3g}"
    ]
