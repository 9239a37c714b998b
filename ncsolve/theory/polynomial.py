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
    """{name: (value, lower, upper)} in the box; {} where f is no polynomial in one scalar variable.

    mu is among them where the minimiser is rational and unique.
    """
    if problem.n != 1 or problem.variables[0].shape:
        return {}
    x = problem.variables.symbols[problem.variables[0].name]
    numbers = {s: sp.Rational(float(v)) for s, v in problem.parameters.items()}
    expression = problem.objective.subs(numbers)
    expression = expression.xreplace({v: sp.Rational(v) for v in expression.atoms(sp.Float)})
    if not expression.is_polynomial(x) or expression.free_symbols - {x}:
        return {}
    f = sp.Poly(expression, x)
    if f.is_ground or not all(c.is_Rational for c in f.coeffs()):
        return {}
    ends = sp.Rational(float(lower[0])), sp.Rational(float(upper[0]))
    second, third = (_extrema(f.diff((x, k)), ends) for k in (2, 3))
    found = {
        "smoothness": max(-second[0], second[1]),
        "strong_convexity": second[0],
        "hessian_lipschitz": max(-third[0], third[1]),
    }
    found["minimum"] = _extrema(f, ends)[0]
    if (mu := _pl(f, ends)) is not None:
        found["pl"] = mu
    return {name: _around(name, value) for name, value in found.items()}


def _pl(f: sp.Poly, ends: tuple[sp.Rational, sp.Rational]) -> sp.Rational | None:
    """The least k^2 / (2 h), where f - f* = (x - x*)^2 h and f' = (x - x*) k.

    It is at an end or where (k^2 / h)' = 0, that is 2 k' h - k h' = 0; where k = 0, there is another critical point.
    """
    slope = f.diff()
    for x in slope.ground_roots():
        factor = sp.Poly(f.gen - x, f.gen)
        h = (f - f.eval(x)).quo(factor**2)
        k = slope.quo(factor)
        if not ends[0] < x < ends[1] or h.eval(x) <= 0 or h.count_roots(*ends) or k.count_roots(*ends):
            continue
        turning = 2 * k.diff() * h - k * h.diff()
        roots = [] if turning.is_zero else turning.intervals(eps=WIDTH, inf=ends[0], sup=ends[1])
        places = [*ends, *((a + b) / 2 for (a, b), _ in roots)]
        return min(k.eval(place) ** 2 / (2 * h.eval(place)) for place in places)
    return None


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
    return (lo if name in ("strong_convexity", "pl") else hi), lo, hi
