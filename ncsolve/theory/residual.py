"""The PL constant of a sum of squares f = sum w_i r_i^2 of at most n residuals, by its Jacobian J.

With z = W r and J J^T >= s W^-1 all over a box:

    |grad f|^2 = 4 z^T J J^T z >= 4 s z^T W^-1 z = 4 s f >= 4 s (f - f*),      so that  mu >= 2 s.

J J^T - s W^-1 is positive definite where its leading minors are positive (Sylvester). They are polynomials in the
entries of J, and are expanded: what cancels there makes one box enough where J itself varies much.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import sympy as sp

from ncsolve.errors import NcsolveError
from ncsolve.graph.intervals import Array
from ncsolve.problem import Problem
from ncsolve.theory.branch import Field, least
from ncsolve.theory.scalars import written_out

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["by_residuals"]

SHARES = (1 - 1e-5, 1 - 1e-4, 1 - 1e-3, 0.99, 0.95, 0.9, 0.75)  # of the s at sampled points, tried in turn
LEAST = 0.5  # of it, without which the others are not tried
BOXES = 2000  # for one minor


def by_residuals(problem: Problem, lower: Array, upper: Array, points: Array) -> float | None:
    """A proven mu, or None; `points` (m, n) of the box say where s ends."""
    written = written_out(problem)
    parts = None if written is None else squares(written[0])
    if written is None or not parts or len(parts) > len(written[1]):
        return None
    x = written[1]
    J = sp.Matrix([[r.diff(v) for v in x] for _, r in parts])
    weights = [w for w, _ in parts]
    highest = _sampled(J, weights, x, points)
    if not highest > 0:
        return None
    s = sp.Dummy("s", positive=True)
    gram = J * J.T - s * sp.diag(*(1 / w for w in weights))
    minors = [sp.expand(gram[:k, :k].det(method="berkowitz")) for k in range(1, len(parts) + 1)]
    try:
        positive = [_positive(minor, s, x, lower, upper) for minor in minors]
    except NcsolveError:  # a minor that is no objective, such as one with a derivative of sign
        return None
    if not all(test(LEAST * highest) for test in positive):
        return None
    return 2 * highest * next((c for c in SHARES if all(test(c * highest) for test in positive)), LEAST)


def squares(f: sp.Expr) -> list[tuple[sp.Rational, sp.Expr]] | None:
    """(w, r) with f = sum w r^2 + a number, as it is written; None where it is not."""
    found = []
    for term in sp.Add.make_args(f):
        weight, rest = term.as_coeff_Mul()
        if rest is sp.S.One:
            continue
        if not (rest.is_Pow and rest.exp.is_Integer and rest.exp > 0 and rest.exp % 2 == 0 and weight > 0):
            return None
        if not weight.is_Rational:
            return None
        found.append((weight, rest.base ** (rest.exp / 2)))
    return found


def _sampled(J: sp.Matrix, weights: list[sp.Rational], x: list[sp.Symbol], points: Array) -> float:
    """The lowest eigenvalue of W^(1/2) J J^T W^(1/2) at the points."""
    entries = [np.broadcast_to(sp.lambdify(x, e, "numpy")(*points.T), len(points)) for e in J]
    values = np.stack(entries, axis=1).reshape(len(points), *J.shape) * np.sqrt([[float(w)] for w in weights])
    finite = values[np.isfinite(values).all(axis=(1, 2))]
    return float(np.linalg.svd(finite, compute_uv=False)[:, -1].min(initial=np.inf)) ** 2 if len(finite) else 0.0


def _positive(minor: sp.Expr, s: sp.Dummy, x: list[sp.Symbol], lower: Array, upper: Array) -> Callable[[float], bool]:
    """Whether a minor is positive all over the box, for an s."""
    if not minor.free_symbols & set(x):
        return lambda value: bool(minor.subs(s, sp.Rational(value)) > 0)
    problem = Problem(minor, variables=x, parameters={s: 1.0})

    def test(value: float) -> bool:
        field = Field(problem.with_parameters({s: value}))

        def bound(low: Array, high: Array) -> tuple[Array, Array]:
            middle = low / 2 + high / 2
            return np.nan_to_num(field.value(low, high).lo, nan=-np.inf), field.value(middle, middle).hi

        return least(bound, lower, upper, 0.5, BOXES).lower > 0

    return test
