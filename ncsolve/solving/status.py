"""Why a run stopped. What the point is worth is another question: see `ncsolve.critical`."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["Status"]


class Status(StrEnum):
    """Why a run stopped; each member carries its message.

    >>> Status.TARGET.message
    'the target value is reached'
    """

    message: str

    CONVERGED = "CONVERGED", "the gradient is within the tolerance"
    TARGET = "TARGET", "the target value is reached"
    STALLED = "STALLED", "no further progress is possible"
    ITERATIONS = "ITERATIONS", "the limit of iterations is reached"
    EVALUATIONS = "EVALUATIONS", "the limit of evaluations is reached"
    TIME = "TIME", "the time limit is reached"
    NONFINITE = "NONFINITE", "the objective or its gradient is not finite"
    INTERRUPTED = "INTERRUPTED", "interrupted"
    FAILED = "FAILED", "the solver failed"

    def __new__(cls, name: str, message: str) -> Status:
        member = str.__new__(cls, name)
        member._value_ = name
        member.message = message
        return member
