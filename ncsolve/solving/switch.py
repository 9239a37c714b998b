"""A run that stalled, continued by another solver: two results become one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from ncsolve.solving.criteria import Criteria
from ncsolve.solving.result import Result
from ncsolve.solving.status import Status
from ncsolve.solving.trace import CORE, Trace

__all__ = ["continued", "is_stalled"]


def is_stalled(result: Result) -> bool:
    """Whether a run could not go on where nothing says that the point is a minimum."""
    return result.status is Status.STALLED and result.point.kind in ("not-critical", "undecided")


def continued(result: Result, criteria: Criteria, again: Callable[[Criteria], Result], why: str) -> Result:
    """Run again within what the limits leave; the lower point of both, the effort and the trace of both together."""
    left = _left(criteria, result)
    if left is None:
        return result
    second = again(left)
    best = second if second.objective <= result.objective or second.success else result
    return replace(
        best,
        message=f"{best.message}; {why}",
        iterations=result.iterations + second.iterations,
        evaluations={kind: count + second.evaluations[kind] for kind, count in result.evaluations.items()},
        seconds=result.seconds + second.seconds,
        trace=_joined(result.trace, second.trace),
    )


def _left(criteria: Criteria, result: Result) -> Criteria | None:
    """What a run leaves of its limits, None if nothing."""
    used = {
        "max_iterations": result.iterations,
        "max_evaluations": int(result.trace.evaluations[-1]),
        "max_seconds": result.seconds,
    }
    limits: dict[str, Any] = {}
    for name, spent in used.items():
        limit = getattr(criteria, name)
        if limit is not None and limit - spent <= 0:
            return None
        limits[name] = None if limit is None else limit - spent
    return replace(criteria, **limits)


def _joined(first: Trace, second: Trace) -> Trace:
    """The columns that both have; iterations, seconds and evaluations run on."""
    columns = {}
    for name in [name for name in first if name in second]:
        on = first[name][-1] if name in CORE and name not in ("objective", "gradient_norm") else 0
        columns[name] = np.concatenate([first[name], second[name] + on])
        columns[name].flags.writeable = False
    moved = tuple(replace(e, iteration=e.iteration + int(first.iteration[-1])) for e in second.escapes)
    return Trace(columns, (*first.escapes, *moved))
