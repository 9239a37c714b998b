"""Every objective that cannot be lowered says what, where and why."""

from __future__ import annotations

import re

import numpy as np
import pytest
import sympy as sp

import ncsolve as nc
from ncsolve.errors import NcsolveError, ProblemError

x = sp.IndexedBase("x", shape=(5,))
A, row, frac = (sp.IndexedBase(name) for name in ("A", "row", "frac"))
i, j, n = sp.symbols("i j n", integer=True)
a, b = sp.symbols("a b")

WRONG = [
    (sp.Sum(x[i + 1], (i, 0, 4)), {}, "x[i + 1] reads position 5 of axis 0 of 'x', which has shape (5,)"),
    (sp.Sum(x[i - 1], (i, 0, 4)), {}, "x[i - 1] reads position -1 of axis 0 of 'x'"),
    (x[7], {}, "x[7] reads position 7 of axis 0 of 'x'"),
    (x[-1], {}, "x[-1] reads position -1"),
    (sp.Sum(x[row[i]], (i, 0, 1)), {row: [0, 9]}, "x[row[i]] reads position 9 of axis 0 of 'x'"),
    (
        sp.Sum(x[row[i]], (i, 0, 3)),
        {row: [0, 1]},
        "row[i] reaches positions 0 to 3 of axis 0 of 'row', which has shape (2,)",
    ),
    (sp.Sum(x[i] * A[i], (i, 0, 4)), {A: [1.0, 2.0]}, "A[i] reads position 4 of axis 0 of 'A', which has shape (2,)"),
    (sp.Sum(x[i], (i, 0, sp.oo)), {}, "the range of i ends at oo"),
    (sp.Sum(x[i], (i, 0, n)), {}, "'n' is used as an index or as the limit of a sum, but no Sum binds it"),
    (x[i], {}, "'i' is used as an index or as the limit of a sum, but no Sum binds it"),
    (sp.Sum(x[i / 2], (i, 0, 4)), {}, "the index i/2 takes values that are not integers"),
    (x[2.5], {}, "takes values that are not integers"),
    (sp.Sum(x[i], (i, 0, sp.Rational(5, 2))), {}, "5/2 takes values that are not integers"),
    (sp.Sum(x[frac[i]], (i, 0, 1)), {frac: [0.5, 1]}, "'frac' is used as an index, so it must contain integers"),
    (sp.Integral(a**2, (a, 0, 1)) + b, {}, "Integral has no place in an objective"),
    (sp.Derivative(sp.sin(a * b), a), {}, "Derivative has no place in an objective"),
    (sp.zeta(a), {}, "the function zeta is not supported in an objective: zeta(a)"),
    (sp.besselj(1, a), {}, "the function besselj is not supported"),
    (sp.Function("g")(a), {}, "The function 'g' in the objective is undefined"),
    (sp.Product(x[i], (i, 0, row[0])), {row: [2]}, "the range of i in a Product must be given by numbers"),
]


@pytest.mark.parametrize(("objective", "data", "message"), WRONG, ids=lambda value: str(value)[:40])
def test_messages(objective: sp.Expr, data: dict, message: str) -> None:
    with pytest.raises(NcsolveError, match=re.escape(message)):
        nc.compile(nc.Problem(objective, data=data))


def test_samples_of_an_objective_that_is_no_sum_over_them() -> None:
    objective = sp.sqrt(sp.Sum((a - A[i]) ** 2, (i, 0, 2)))
    with pytest.raises(ProblemError, match="not a finite sum over i: it is not linear in that sum"):
        nc.compile(nc.Problem(objective, data={A: [1.0, 2.0, 3.0]}, samples=i))


def test_an_empty_sum_is_zero() -> None:
    assert nc.compile(nc.Problem(sp.Sum(x[i], (i, 3, 1)) + a)).value(np.ones(6)) == 1
