"""A value that is not finite: the smallest sub-expression, where, and at which values."""

from __future__ import annotations

import numpy as np
import pytest
import sympy as sp

import ncsolve as nc

x = sp.IndexedBase("x", shape=(5,))
X = sp.IndexedBase("X", shape=(3, 2))
A, row = sp.IndexedBase("A"), sp.IndexedBase("row")
i, j, d = sp.symbols("i j d", integer=True)
a, b, lam = sp.symbols("a b lam")
logs = sp.Sum(sp.log(x[i]), (i, 0, 4))
squared = sp.Sum((X[i, d] - X[j, d]) ** 2, (d, 0, 1))
nan = float("nan")

CASES = [
    (logs, {}, [1, 2, 3, -0.5, 1], "log(x[3]) is nan where x[3] = -0.5"),
    (logs, {}, [1, 2, 3, 0, 1], "log(x[3]) is -inf where x[3] = 0.0"),
    (logs, {}, [1, 2, nan, 1, 1], "x[2] is nan"),
    (1 / (a - b), {}, [1, 1], "1/(a - b) is inf where a - b = 0.0, a = 1.0, b = 1.0"),
    (sp.sqrt(a) + b, {}, [0, 1], "in the gradient, 0.5/sqrt(a) is inf where sqrt(a) = 0.0, a = 0.0"),
    (sp.Sum(sp.exp(x[i]), (i, 0, 4)), {}, [1, 1000, 1, 1, 1], "exp(x[1]) is inf where x[1] = 1000.0"),
    (
        sp.Sum(sp.exp(x[i]), (i, 0, 4)),
        {},
        [709.7] * 5,
        "Sum(exp(x[i]), (i, 0, 4)) is inf: its terms are finite, their sum overflows",
    ),
    (
        sp.Sum(1 / squared, (j, i + 1, 2), (i, 0, 1)),
        {},
        [1, 2, 3, 4, 1, 2],
        "1/Sum((X[0, d] - X[2, d])**2, (d, 0, 1)) is inf where Sum((X[0, d] - X[2, d])**2, (d, 0, 1)) = 0.0",
    ),
    (sp.Sum(sp.log(x[row[i]]), (i, 0, 2)), {row: [1, 3, 3]}, [1, 1, 1, 0, 1], "log(x[3]) is -inf where x[3] = 0.0"),
    (sp.Sum(x[i] / A[i], (i, 0, 4)), {A: [1, 2, 0, 4, 5.0]}, [1] * 5, "x[2]/A[2] is inf where x[2] = 1.0, A[2] = 0.0"),
    (a * sp.log(sp.Sum(A[i], (i, 0, 1))), {A: [-1.0, 0.0]}, [1], "log(Sum(A[i], (i, 0, 1))) is nan"),
]


@pytest.mark.parametrize(("objective", "data", "point", "sentence"), CASES, ids=lambda value: str(value)[:40])
def test_sentences(objective: sp.Expr, data: dict, point: list, sentence: str) -> None:
    oracle = nc.compile(nc.Problem(objective, data=data))
    assert oracle.explain_nonfinite(point).startswith(sentence)


@pytest.mark.parametrize(
    ("objective", "point"),
    [
        (logs, [1] * 5),
        (sp.Piecewise((sp.log(a), a > 0), (0, True)), [-1]),
        (1 / (1 + sp.exp(sp.exp(a))), [3]),
    ],
    ids=str,
)
def test_nothing_is_said_of_what_is_finite(objective: sp.Expr, point: list) -> None:
    assert nc.compile(nc.Problem(objective)).explain_nonfinite(point) == ""


def test_the_branch_that_is_taken_is_named() -> None:
    oracle = nc.compile(nc.Problem(sp.Piecewise((sp.log(a), a > 0), (sp.log(a - 2), True))))
    assert oracle.explain_nonfinite([-1.0]) == "log(a - 2) is nan where a - 2 = -3.0, a = -1.0"


def test_parameters_are_named() -> None:
    problem = nc.Problem(a * sp.log(lam), parameters={lam: -0.5})
    assert nc.compile(problem).explain_nonfinite([1.0]) == "log(lam) is nan where lam = -0.5"


def test_symbols_of_a_flat_sum_keep_their_names() -> None:
    v = sp.symbols("y0:20")
    point = np.ones(20)
    point[7] = -1
    oracle = nc.compile(nc.Problem(sum(sp.log(s) for s in v)))
    assert oracle.explain_nonfinite(point) == "log(y7) is nan where y7 = -1.0"


def test_one_place_of_a_long_sum() -> None:
    n = 100_000
    y = sp.IndexedBase("y", shape=(n,))
    point = np.ones(n)
    point[[777, 5000]] = -1
    oracle = nc.compile(nc.Problem(sp.Sum(sp.log(y[i]) ** 2, (i, 0, n - 1))))
    assert oracle.explain_nonfinite(point) == "log(y[777]) is nan where y[777] = -1.0"


NONFINITE = [
    (a ** sp.Rational(1, 3), [-8.0]),
    (a**b, [-8.0, 0.5]),
    (a / b, [1.0, 0.0]),
    (a**2 * b**3, [1e200, 1e200]),
    (sp.exp(a), [1e4]),
    (sp.asin(a), [2.0]),
    (sp.gamma(a), [-1.0]),
]


@pytest.mark.parametrize(("objective", "point"), NONFINITE, ids=str)
def test_what_does_not_exist_is_returned_not_raised(objective: sp.Expr, point: list) -> None:
    oracle = nc.compile(nc.Problem(objective))
    value = oracle.value(point)
    assert not np.isfinite(value)
    np.testing.assert_array_equal(oracle.value([point]), [value])
    assert not np.isfinite(oracle.gradient(point)).all()
    assert oracle.explain_nonfinite(point)
