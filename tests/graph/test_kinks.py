"""At a kink: finite numbers, and one element of Clarke's subdifferential."""

from __future__ import annotations

import numpy as np
import pytest
import sympy as sp

import ncsolve as nc

x, y, z = sp.symbols("x y z")
X = sp.IndexedBase("X", shape=(3,))
i, j = sp.symbols("i j", integer=True)
half = sp.Rational(1, 2)

KINKS = [
    (sp.Abs(x), [0], [0]),
    (sp.Abs(x) ** 3, [0], [0]),
    (sp.Abs(x) ** sp.Rational(3, 2), [0], [0]),
    (sp.sqrt(sp.Abs(x)), [0], [0]),
    (x * sp.Abs(x), [0], [0]),
    (sp.Max(x, 0), [0], [0.5]),
    (sp.Max(x, y), [1, 1], [0.5, 0.5]),
    (sp.Min(x, y), [2, 2], [0.5, 0.5]),
    (sp.Max(x, y, z), [1, 1, 1], [0.25, 0.25, 0.5]),
    (sp.Max(x**2, y), [0, 0], [0, 0.5]),
    (sp.Max(sp.Abs(x), sp.Abs(y)), [0, 0], [0, 0]),
    (sp.sign(x) * x, [0], [0]),
    (sp.sign(x), [0], [0]),
    (sp.Heaviside(x) * x, [0], [0.5]),
    (sp.Heaviside(x, 1), [0], [0]),
    (sp.floor(x) ** 2 + x, [1], [1]),
    (sp.Mod(x, 2), [2], [1]),
    (sp.Piecewise((x**2, x > 0), (0, True)), [0], [0]),
    (sp.Piecewise((x**2 * sp.log(x), x > 0), (0, True)), [-1], [0]),
    (sp.Piecewise((sp.sin(x) / x, sp.Ne(x, 0)), (1, True)), [0], [0]),
    (sp.sqrt(x**2), [0], [0]),
    (sp.sqrt(x**2 + y**2), [0, 0], [0, 0]),
    (sp.sqrt((x - 1) ** 2 + (y - 2) ** 2), [1, 2], [0, 0]),
    (sp.sqrt(x**2 + y**2 + z**2), [0, 0, 0], [0, 0, 0]),
    ((x**2 + y**2) ** sp.Rational(3, 2), [0, 0], [0, 0]),
    (sp.sqrt(sp.Sum(X[i] ** 2, (i, 0, 2))), [0, 0, 0], [0, 0, 0]),
    (sp.Sum(sp.Abs(X[i]), (i, 0, 2)), [0, 1, -1], [0, 1, -1]),
    (sp.Sum(sp.Max(0, 1 - X[i]), (i, 0, 2)), [1, 0, 2], [-0.5, -1, 0]),
    (sp.Sum(sp.sqrt((X[i] - X[j]) ** 2), (i, 0, 2), (j, 0, 2)), [0, 1, 1], [-4, 2, 2]),
]


@pytest.mark.parametrize(("objective", "point", "gradient"), KINKS, ids=lambda value: str(value)[:50])
def test_derivatives_at_kinks_are_finite(objective: sp.Expr, point: list, gradient: list) -> None:
    oracle = nc.compile(nc.Problem(objective))
    p = np.array(point, dtype=float)
    np.testing.assert_allclose(oracle.gradient(p), gradient, atol=1e-15)
    np.testing.assert_allclose(oracle.gradient(np.stack([p, p])), [gradient, gradient], atol=1e-15)
    assert np.isfinite(oracle.hessian(p)).all()
    assert np.isfinite(oracle.hvp(p, np.ones(len(p)))).all()
    assert np.isfinite(oracle.directional(p, *[np.ones(len(p))] * 3))


def test_near_a_kink_the_derivative_is_the_ordinary_one() -> None:
    oracle = nc.compile(nc.Problem(sp.Abs(x) + sp.Max(y, 0)))
    np.testing.assert_array_equal(oracle.gradient([1e-300, -1e-300]), [1, 0])
    np.testing.assert_array_equal(oracle.gradient([-1e-300, 1e-300]), [-1, 1])


@pytest.mark.parametrize("ties", [2, 3, 4, 7])
def test_weights_of_a_maximum_of_equals_add_up_to_one(ties: int) -> None:
    symbols = sp.symbols(f"a0:{ties}")
    for function in (sp.Max, sp.Min):
        gradient = nc.compile(nc.Problem(function(*symbols))).gradient(np.ones(ties))
        assert gradient.sum() == pytest.approx(1)
        assert (gradient >= 0).all()


def test_a_step_has_the_value_at_zero_that_was_given() -> None:
    assert nc.compile(nc.Problem(sp.Heaviside(x, 1) + 0 * y)).value([0]) == 1
    assert nc.compile(nc.Problem(sp.Heaviside(x))).value([0]) == 0.5


def test_real_roots_of_negative_numbers() -> None:
    oracle = nc.compile(nc.Problem(sp.real_root(x, 3)))
    assert oracle.value([-8]) == pytest.approx(-2)
    assert oracle.gradient([-8]) == pytest.approx(1 / 12)


def test_a_maximum_does_not_hide_nan() -> None:
    assert np.isnan(nc.compile(nc.Problem(sp.Max(x, 0))).value([np.nan]))
    assert np.isnan(nc.compile(nc.Problem(sp.Min(x, 0))).value([np.nan]))
