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
    step_size = getattr(solver, "step_size", None)
    if status is Status.NONFINITE and isinstance(step_size, float):
        curvature = oracle.largest_curvature(point.x)
        if step_size * curvature > 2:
            hints.append(
                f"step_size = {step_size:g} is too long for the curvature met, {curvature:.3g}: "
                f"stay below 2 / {curvature:.3g} = {2 / curvature:.3g}"
            )
    if status in (Status.CONVERGED, Status.STALLED) and is_escapable(point):
        hints.append(f"the objective falls from this {point.kind}: start from another point, or let the run escape")
    limited = status in (Status.ITERATIONS, Status.EVALUATIONS, Status.TIME)
    if limited and point.kind == "not-critical" and not sampler:
        hints.append("raise the limit, or try another solver: `ncsolve solvers` lists them")
    return tuple(hints)
