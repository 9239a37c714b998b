"""Sizes by name: where they come from, and what is said when they do not fit."""

from __future__ import annotations

import numpy as np
import pytest
import sympy as sp

import ncsolve as nc

m, n, k = sp.symbols("m n k")
i, j = sp.symbols("i j", integer=True)
A, x, b = sp.MatrixSymbol("A", m, n), sp.MatrixSymbol("x", n, 1), sp.MatrixSymbol("b", m, 1)
U, V = sp.MatrixSymbol("U", m, k), sp.MatrixSymbol("V", n, k)
a, y = sp.IndexedBase("a", shape=(m, n)), sp.IndexedBase("y", shape=(n,))
rng = np.random.default_rng(0)
Av, bv, xv = rng.normal(size=(5, 3)), rng.normal(size=5), rng.normal(size=3)
residual = (A - U * V.T) * (A - U * V.T).T


def test_sizes_come_from_data():
    p = nc.Problem((A * x - b).T * (A * x - b) / m, data={A: Av, b: bv})
    assert [v.shape for v in p.variables] == [(3, 1)]
    assert nc.compile(p).value(xv) == pytest.approx(np.mean((Av @ xv - bv) ** 2))


def test_limits_of_sums_are_sizes_too():
    objective = sp.Sum(sp.log(1 + sp.exp((A * x)[i, 0] * b[i, 0])), (i, 0, m - 1)) / m
    p = nc.Problem(objective, data={A: Av, b: bv})
    assert nc.compile(p).value(xv) == pytest.approx(np.mean(np.log1p(np.exp(Av @ xv * bv))))
    p = nc.Problem(sp.Sum(sp.Sum(a[i, j] * y[j], (j, 0, n - 1)) ** 2, (i, 0, m - 1)), data={a: Av})
    assert nc.compile(p).value(xv) == pytest.approx(np.sum((Av @ xv) ** 2))


@pytest.mark.parametrize(
    "options", [{"parameters": {k: 2}}, {"parameters": {"k": 2.0}}, {"start": {U: np.ones((5, 2))}}]
)
def test_sizes_come_from_parameters_and_starts(options):
    p = nc.Problem(sp.Trace(residual), data={A: Av}, **options)
    assert [v.shape for v in p.variables] == [(5, 2), (3, 2)]
    assert p.parameters == {}


def test_an_array_is_named_as_it_was_declared():
    p = nc.Problem(
        (A * x).T * A * x, data={A: Av}, bounds={x: (-1, 1)}, start={x: 0.5}, variables=[x], known=[nc.Minimum({x: 0})]
    )
    np.testing.assert_array_equal(p.pack({x: 0.25}), np.full(3, 0.25))
    np.testing.assert_array_equal(p.start_point(rng), np.full(3, 0.5))


def test_other_parameters_stay():
    c = sp.Symbol("c")
    p = nc.Problem(c * x.T * sp.Identity(n) * x + sp.OneMatrix(1, n) * x, parameters={c: 3, n: 4})
    assert p.parameters == {c: 3.0}
    assert nc.compile(p).value(np.ones(4)) == 16


@pytest.mark.parametrize(
    ("declare", "text"),
    [
        (
            lambda: nc.Problem((A * x - b).T * (A * x - b), data={A: Av, b: np.ones(4)}),
            "The size m is 5 by data: 'A', but 4 by data: 'b'.",
        ),
        (
            lambda: nc.Problem(sp.Trace(residual), data={A: Av}, parameters={k: 2}, start={U: np.ones((5, 3))}),
            "The size k is 2 by parameters: 'k', but 3 by start: 'U'.",
        ),
        (
            lambda: nc.Problem(x.T * x, parameters={n: 2.5}),
            "parameters: 'n' is the size of an array or of a sum, not 2.5.",
        ),
        (
            lambda: nc.Problem(x.T * x, parameters={n: [1, 2]}),
            "parameters: 'n' has shape (2,), but it must be one number.",
        ),
        (lambda: nc.Problem(x.T * x), "Variable 'x' needs a shape of positive integers, which (n, 1) is not."),
        (lambda: nc.Problem(x.T * x, parameters={n: -1}), "With n = -1 the shapes of the objective's matrices do not"),
        (
            lambda: nc.Problem(sp.Trace(A), data={A: Av}),
            "With m = 5, n = 3 the shapes of the objective's matrices do not fit",
        ),
        (
            lambda: nc.Problem(sp.Sum(y[j], (j, 0, k - 1)), parameters={n: 3}),
            "'k' is used as an index or as the limit of a sum",
        ),
    ],
)
def test_what_does_not_fit_says_so(declare, text):
    with pytest.raises(nc.errors.ProblemError) as error:
        declare()
    assert text in str(error.value)
