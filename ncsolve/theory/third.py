"""The third derivative of f over boxes, of objectives of a few scalar variables."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from typing import TYPE_CHECKING

import numpy as np

from ncsolve.graph import intervals as iv
from ncsolve.graph.intervals import Array, Interval
from ncsolve.theory.branch import Field

if TYPE_CHECKING:
    from ncsolve.problem import Problem

__all__ = ["third_derivative"]

MOST = 4  # variables


def third_derivative(problem: Problem) -> Callable[[Array, Array], tuple[Array, Array]] | None:
    """A bound for `least` of minus the Frobenius norm of f''', which is at least M; None where f is not written so.

    The Hessians of the partial derivatives of f are its slices. What is attained is the norm of one slice.
    """
    if problem.n > MOST or any(v.shape for v in problem.variables):
        return None
    symbols = problem.variables.symbols
    fields = [Field(_partial(problem, symbols[v.name])) for v in problem.variables]

    def bound(low: Array, high: Array) -> tuple[Array, Array]:
        centers = low / 2 + high / 2
        total = Interval.point(np.zeros(len(low)))
        attained = np.zeros(len(low))
        for field in fields:
            total = iv.add(total, iv.total(iv.square(field.hessian(low, high)), (1, 2)))
            middle = field.hessian(centers, centers)
            known = np.isfinite(middle.lo) & np.isfinite(middle.hi)
            values = np.where(known, middle.lo / 2 + middle.hi / 2, 0.0)
            attained = np.fmax(attained, np.abs(np.linalg.eigvalsh(values)).max(axis=1))
        return -iv.sqrt(total).hi, -attained

    return bound


def _partial(problem: Problem, symbol: object) -> Problem:
    other = copy(problem)
    derivative = problem.objective.diff(symbol)
    other.__dict__.update(objective=derivative, derived={})
    return other
