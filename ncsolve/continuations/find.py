"""`nc.continuation`: the branches of critical points over a range of a parameter."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from ncsolve.continuations.curve import FAR
from ncsolve.continuations.diagram import Diagram
from ncsolve.continuations.family import Family
from ncsolve.continuations.network import Network
from ncsolve.critical.modes import towards_critical
from ncsolve.critical.system import refuse
from ncsolve.errors import OptionError, ProblemError, did_you_mean
from ncsolve.landscapes.sampling import distinct

if TYPE_CHECKING:
    from ncsolve.problem import Problem

__all__ = ["continuation"]

Array = NDArray[np.float64]

STARTS = 32  # of the sampling at each of the values
PLACES = (0.0, 1.0, 0.5)  # of these values in the range
MOST = 300  # variables


def continuation(
    problem: Problem,
    parameter: Any,
    between: tuple[float, float],
    x0: Any = None,
    seed: int = 0,
    max_points: int = 2000,
    max_branches: int = 100,
) -> Diagram:
    """Follow the critical points of f(x, lam) along a parameter, with folds and the branches that meet them.

    Parameters
    ----------
    parameter
        One that the problem declares, the symbol or its name.
    between
        The range (low, high) of its values.
    x0
        {variable: value}, an array (n,), or a list of such: points near which critical points are looked for at the
        parameter's own value where that is in the range, else at its low end. Without it they are sampled at both ends
        and in the middle, inside the problem's bounds if it has any.
    seed
        Of the sampling.
    max_points, max_branches
        Of a branch, and of all; what is left out then is told as the end of a branch.

    Bounds only say where points are wanted. Nothing proves that there are no other branches.
    Raises `ProblemError` for a parameter or a range that does not fit, and more than 300 variables.
    """
    refuse(problem)
    began = time.perf_counter()
    symbol = _symbol(problem, parameter)
    low, high = _range(symbol, between)
    if problem.n > MOST:
        raise ProblemError(f"continue: '{problem.name}' has {problem.n} variables; at most {MOST} can be followed.")
    if max_points < 2 or max_branches < 1:
        raise OptionError("continue: max_points must be at least 2 and max_branches at least 1.")
    rng = np.random.default_rng(seed)
    samples = np.array([problem.random_point(rng) for _ in range(STARTS)])
    family = Family(problem, symbol, low, high, max(1.0, float(np.std(samples))))
    network = Network(family, problem, max_points, max_branches)
    interrupted = False
    try:
        with np.errstate(all="ignore"), family.oracle.uncounted():
            for x, value in _starts(problem, family, x0, samples):
                network.start(family.join(x, value))
            network.grow()
    except KeyboardInterrupt:
        interrupted = True
    branches, special = network.branches()
    return Diagram(
        problem, str(symbol), low, high, branches, special, time.perf_counter() - began, interrupted=interrupted
    )


def _symbol(problem: Problem, parameter: Any) -> sp.Symbol:
    names = {str(s): s for s in problem.parameters}
    name = str(parameter)
    if name in names:
        return names[name]
    if name in problem.variables.named:
        raise ProblemError(f"parameter: '{name}' is a variable of '{problem.name}', not a parameter.")
    has = f"Its parameters are {', '.join(names)}." if names else "It declares none (parameters={lam: 1.0})."
    hint = did_you_mean(name, names)
    told = "Sizes and arguments of its function (-p) cannot be followed."
    raise ProblemError(f"parameter: '{problem.name}' has no parameter '{name}'.{hint} {has} {told}")


def _range(symbol: sp.Symbol, between: tuple[float, float]) -> tuple[float, float]:
    try:
        low, high = (float(value) for value in between)
    except (TypeError, ValueError):
        raise ProblemError(f"parameter: the range of '{symbol}' must be two numbers, not {between!r}.") from None
    if not (math.isfinite(low) and math.isfinite(high)):
        raise ProblemError(f"parameter: the range of '{symbol}' must be finite, not {low:g} to {high:g}.")
    if low >= high:
        word = "is empty" if low == high else "has low > high"
        raise ProblemError(f"parameter: the range of '{symbol}' {word}: {low:g} to {high:g}.")
    return low, high


def _starts(problem: Problem, family: Family, x0: Any, samples: Array) -> list[tuple[Array, float]]:
    """Critical points (n,) and the value of the parameter at which they are."""
    if x0 is None:
        values = [family.low + share * (family.high - family.low) for share in PLACES]
        return [(x, value) for value in values for x in _sampled(problem, family, samples, value)]
    own = float(problem.parameters[family.parameter])
    value = own if family.low <= own <= family.high else family.low
    several = isinstance(x0, Sequence) and len(x0) > 0 and isinstance(x0[0], (Mapping, Sequence, np.ndarray))
    given = [problem.pack(point, "x0") for point in (x0 if several else [x0])]
    found = [towards_critical(family.at(value), point[None]) for point in given]
    for point, ends in zip(given, found, strict=True):
        if not len(ends):
            told = ", ".join(f"{v:.6g}" for v in point[:6])
            raise ProblemError(f"x0: no critical point is found from ({told}) at {family.parameter} = {value:g}.")
    return [(ends[0], value) for ends in found]


def _sampled(problem: Problem, family: Family, samples: Array, value: float) -> Array:
    """Critical points (k, n) at a value of the parameter, in the bounds, nearest to the origin first.

    None of those so far out that a curve would end there: the gradient of log(x) is small, too, where x is large.
    """
    ends = towards_critical(family.at(value), samples)
    ends = ends[np.linalg.norm(ends, axis=1) <= FAR * family.scale[0]]
    if problem.lower is not None and problem.upper is not None:
        ends = ends[((ends >= problem.lower) & (ends <= problem.upper)).all(axis=1)]
    ends = distinct(ends, np.full(problem.n, family.scale[0]))
    return np.asarray(ends[np.argsort(np.linalg.norm(ends, axis=1), kind="stable")])
