"""Constants of a polynomial in one variable: extrema of its derivatives where the next one is zero.

Roots are isolated in rational intervals by Sturm's theorem (continued fractions), so that the values are exact up to
their last digits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import sympy as sp

if TYPE_CHECKING:
    from ncsolve.problem import Problem

__all__ = ["polynomial_constants"]

WIDTH = sp.Rational(1, 10**18)  # of the intervals that hold a root each
DIGITS = 1e-14


def polynomial_constants(
    problem: Problem, lower: np.ndarray, upper: np.ndarray
) -> dict[str, tuple[float, float, float]]:
    """{name: (value, lower, upper)} of L, m and M in the box; {} where f is no polynomial in one scalar variable."""
    if problem.n != 1 or problem.variables[0].shape:
        return {}
    x = problem.variables.symbols[problem.variables[0].name]
    numbers = {s: sp.Rational(float(v)) for s, v in problem.parameters.items()}
    expression = problem.objective.subs(numbers)
    expression = expression.xreplace({v: sp.Rational(v) for v in expression.atoms(sp.Float)})
    if not expression.is_polynomial(x) or expression.free_symbols - {x}:
        return {}
    f = sp.Poly(expression, x)
    if not all(c.is_Rational for c in f.coeffs()):
        return {}
    ends = sp.Rational(float(lower[0])), sp.Rational(float(upper[0]))
    second, third = (_extrema(f.diff((x, k)), ends) for k in (2, 3))
    found = {
        "smoothness": max(-second[0], second[1]),
        "strong_convexity": second[0],
        "hessian_lipschitz": max(-third[0], third[1]),
    }
    return {name: _around(name, value) for name, value in found.items()}


def _extrema(p: sp.Poly, ends: tuple[sp.Rational, sp.Rational]) -> tuple[sp.Rational, sp.Rational]:
    """The least and the largest value of a polynomial between two ends."""
    slope = p.diff()
    roots = [] if slope.is_zero else slope.intervals(eps=WIDTH, inf=ends[0], sup=ends[1])
    places = [*ends, *((a + b) / 2 for (a, b), _ in roots)]
    values = [p.eval(place) for place in places]
    return min(values), max(values)


def _around(name: str, value: sp.Rational) -> tuple[float, float, float]:
    middle = float(value)
    slack = DIGITS * abs(middle)
    lo, hi = middle - slack, middle + slack
    return (lo if name == "strong_convexity" else hi), lo, hi
