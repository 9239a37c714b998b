"""What could be tried next, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

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
        curvature = _largest_curvature(oracle, point.x)
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


def _largest_curvature(oracle: Oracle, x: NDArray[np.float64], products: int = 20) -> float:
    """|largest eigenvalue| of the Hessian at x by power iteration; 0.0 where the Hessian is not finite."""
    v = np.random.default_rng(0).standard_normal(oracle.n)
    size = 0.0
    with oracle.uncounted():
        for _ in range(products):
            v = oracle.hvp(x, v / float(np.linalg.norm(v)))
            size = float(np.linalg.norm(v))
            if not np.isfinite(size) or size == 0:
                return 0.0
    return size
