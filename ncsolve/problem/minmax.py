"""Min-max problems: one objective, some variables to minimise it and some to maximise it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import sympy as sp

from ncsolve.errors import ProblemError
from ncsolve.problem.problem import Problem

__all__ = ["MinMax"]


class MinMax(Problem):
    """min over x, max over y of a scalar expression f(x, y).

    Parameters
    ----------
    objective
        As for `Problem`.
    min, max
        Variables to minimise and to maximise over, all of the objective's unknowns together. In the packed vector those
        to minimise come first.
    declared
        name, parameters, data, bounds, start, samples, constants and description, as for `Problem`.

    `signs` (n,) is +1 where f is minimised and -1 where it is maximised: both sides descend along signs * gradient.
    A point is judged as a local Nash equilibrium: the gradient is zero, the Hessian is positive definite in x and
    negative definite in y. Raises `ProblemError`.

    >>> x, y = sp.symbols("x y")
    >>> MinMax(x**2 + x*y - y**2, min=[x], max=[y]).signs
    array([ 1., -1.])
    """

    def __init__(self, objective: Any, *, min: Any, max: Any, **declared: Any) -> None:
        low, high = _sequence(min, "min"), _sequence(max, "max")
        for argument in ("variables", "penalty", "equal", "less", "known", "blocks"):
            if argument in declared:
                raise ProblemError(f"MinMax takes no argument '{argument}': its objective is one smooth function.")
        twice = [symbol for symbol in low if str(symbol) in {str(other) for other in high}]
        if twice:
            raise ProblemError(f"'{twice[0]}' is in min and in max: a variable is on one side.")
        super().__init__(objective, variables=[*low, *high], **declared)
        signs = np.ones(self.n)
        for variable in self.variables[len(low) :]:
            signs[variable.slice] = -1.0
        signs.setflags(write=False)
        self.__dict__["signs"] = signs


def _sequence(symbols: Any, argument: str) -> list[Any]:
    alone = isinstance(symbols, (str, sp.Basic)) or not isinstance(symbols, Iterable)
    listed = [symbols] if alone else list(symbols)
    if not listed:
        raise ProblemError(f"{argument} is empty: a min-max problem has variables on both sides.")
    return listed
