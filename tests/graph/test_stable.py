"""Forms that overflow or cancel as they are written, but not as they are evaluated."""

from __future__ import annotations

import math

import numpy as np
import pytest
import sympy as sp

import ncsolve as nc

x, y, z = sp.symbols("x y z")
X = sp.IndexedBase("X", shape=(3,))
i, j = sp.symbols("i j", integer=True)
total = sp.Sum(sp.exp(X[i]), (i, 0, 2))
SOFTMAX = np.exp([-1.0, 0.0, -2.0]) / np.exp([-1.0, 0.0, -2.0]).sum()
LSE = 1001 + math.log(np.exp([-1.0, 0.0, -2.0]).sum())

FORMS = [
    (sp.log(1 + sp.exp(x)), [1000], 1000, [1]),
    (sp.log(1 + sp.exp(x)), [-1000], 0, [0]),
    (sp.log(2 + 2 * sp.exp(x)), [800], 800 + math.log(2), [1]),
    (sp.log(1 + sp.exp(x) * sp.exp(y)), [800, 0], 800, [1, 1]),
    (1 / (1 + sp.exp(-x)), [-1000], 0, [0]),
    (1 / (1 + sp.exp(-x)), [1000], 1, [0]),
    (sp.exp(x) / (1 + sp.exp(x)), [1000], 1, [0]),
    (sp.exp(-x) / (1 + sp.exp(-x)) ** 2, [-1000], 0, [0]),
    (-sp.log(1 - 1 / (1 + sp.exp(-x))), [1000], 1000, [1]),
    (sp.log(1 / (1 + sp.exp(-x))), [-1000], -1000, [1]),
    (sp.log(sp.exp(x) + sp.exp(y) + sp.exp(z)), [1000, 1001, 999], LSE, SOFTMAX),
    (sp.exp(x) / (sp.exp(x) + sp.exp(y)), [1000, 1000], 0.5, [0.25, -0.25]),
    (sp.log(total), [1000, 1001, 999], LSE, SOFTMAX),
    (sp.log(total / 3), [-1000, -1000, -1000], -1000, [1 / 3] * 3),
    (sp.log(1 + total), [1000, 1001, 999], LSE, SOFTMAX),
    (sp.log(sp.exp(X[0]) / total), [1000, 1001, 999], 1000 - LSE, np.array([1, 0, 0]) - SOFTMAX),
    (sp.exp(X[1]) / total, [1000, 1001, 999], SOFTMAX[1], SOFTMAX[1] * (np.array([0, 1, 0]) - SOFTMAX)),
    (sp.log(sp.cosh(x)), [1000], 1000 - math.log(2), [1]),
    (sp.exp(x) - 1, [1e-20], 1e-20, [1]),
    (1 - sp.exp(-x), [1e-20], 1e-20, [1]),
    (sp.log(1 + x), [1e-20], 1e-20, [1]),
    (sp.log(1 - x), [1e-20], -1e-20, [-1]),
    (x * sp.log(x), [0], 0, [-np.inf]),
    (x * sp.log(x / y), [0, 1], 0, [-np.inf, 0]),
    ((1 - x) * sp.log(1 - x), [1], 0, [np.inf]),
    (sp.sqrt(x**2 + y**2), [1e200, 1e200], math.sqrt(2) * 1e200, [math.sqrt(0.5)] * 2),
    (sp.sqrt(1 + x**2), [1e200], 1e200, [1]),
]


@pytest.mark.parametrize(("objective", "point", "value", "gradient"), FORMS, ids=lambda value: str(value)[:40])
def test_stable_forms(objective: sp.Expr, point: list, value: float, gradient: list) -> None:
    oracle = nc.compile(nc.Problem(objective))
    p = np.array(point, dtype=float)
    assert oracle.value(p) == pytest.approx(value, rel=1e-13, abs=0)
    np.testing.assert_allclose(oracle.gradient(p), gradient, rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(oracle.value(np.stack([p, p])), [value, value], rtol=1e-13)
    np.testing.assert_allclose(oracle.gradient(np.stack([p, p])), [gradient, gradient], rtol=1e-12, atol=1e-15)


def test_hessian_of_log_cosh_at_zero_is_one() -> None:
    assert nc.compile(nc.Problem(sp.log(sp.cosh(x)))).hessian([0.0])[0, 0] == pytest.approx(1)


def test_data_that_are_zero_in_a_divergence() -> None:
    P = sp.IndexedBase("P")
    objective = sp.Sum(P[i] * sp.log(P[i] / X[i]), (i, 0, 2))
    oracle = nc.compile(nc.Problem(objective, data={P: [0.0, 0.5, 0.5]}))
    assert oracle.value([0.2, 0.4, 0.4]) == pytest.approx(math.log(1.25))
    np.testing.assert_allclose(oracle.gradient([0.2, 0.4, 0.4]), [0, -1.25, -1.25])


def test_derivatives_of_the_gamma_function() -> None:
    from scipy.special import digamma, polygamma

    oracle = nc.compile(nc.Problem(sp.loggamma(x)))
    assert oracle.gradient([2.5])[0] == pytest.approx(float(digamma(2.5)))
    assert oracle.hessian([2.5])[0, 0] == pytest.approx(float(polygamma(1, 2.5)))
    for order in (3, 4):
        exact = float(polygamma(order - 1, 2.5))
        assert oracle.directional([2.5], *[[1.0]] * order) == pytest.approx(exact)
