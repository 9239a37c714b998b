"""The vectorised elementary functions: 2 units in the last place from mpmath's, special values as NumPy's."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest
import sympy as sp

import ncsolve as nc

numba = pytest.importorskip("numba")

from ncsolve.backends import native_math  # noqa: E402

SPECIAL = np.array([0.0, -0.0, 1, -1, -2, np.inf, -np.inf, np.nan, 5e-324, -5e-324, 2.2e-308, 1e308, -1e308, -0.5])
AROUND_THE_ENDS = np.array([709.78, 709.79, 710.5, -708.5, -740.0, -745.1, -745.2, 745.2])


def tiny(rng: np.random.Generator, size: int = 150) -> np.ndarray:
    return 10.0 ** rng.uniform(-320, 0, size) * rng.choice([-1.0, 1.0], size)


def points(name: str) -> np.ndarray:
    rng = np.random.default_rng(0)
    wide = 10.0 ** rng.uniform(-320, 308, 150)
    return {
        "exp": np.concatenate([rng.uniform(-745, 709, 150), rng.uniform(-1, 1, 150), tiny(rng)]),
        "tanh": np.concatenate([rng.uniform(-22, 22, 150), rng.uniform(-1, 1, 150), tiny(rng)]),
        "log": np.concatenate([wide, rng.uniform(0.5, 2, 150), 1 + 1e-3 * rng.normal(size=150)]),
        "log1p": np.concatenate([wide, rng.uniform(-1, 1, 150), tiny(rng)]),
    }[name]


def applied(name: str, x: np.ndarray) -> np.ndarray:
    """In a loop as generated code has it, reassociation allowed around the function."""
    function = getattr(native_math, name)

    @numba.njit(error_model="numpy", fastmath={"reassoc", "contract", "arcp", "nsz"})
    def loop(x, out):
        for k in range(len(x)):
            out[k] = function(x[k])

    out = np.empty_like(x)
    loop(x, out)
    return out


@pytest.mark.parametrize("name", ["exp", "tanh", "log", "log1p"])
def test_two_units_in_the_last_place(name):
    x, special = points(name), np.concatenate([SPECIAL, AROUND_THE_ENDS])
    got = applied(name, np.concatenate([x, special]))
    with mpmath.workprec(120):
        for a, y in zip(x.tolist(), got.tolist(), strict=False):
            exact = getattr(mpmath, name)(a)
            assert abs(y - exact) <= 2 * np.spacing(abs(float(exact))), a
    with np.errstate(all="ignore"):
        want = getattr(np, name)(special)
    np.testing.assert_allclose(got[len(x) :], want, rtol=1e-15, atol=5e-324)
    zero = special == 0
    np.testing.assert_array_equal(np.signbit(got[len(x) :][zero]), np.signbit(want[zero]))


def test_sums_use_them():
    """Their code is in the loops of a sum, and libm's outside of loops."""
    w, i, y = sp.IndexedBase("w", shape=(5,)), sp.Symbol("i", integer=True), sp.Symbol("y")
    problem = nc.Problem(sp.Sum(sp.tanh(w[i]) * sp.exp(w[i]), (i, 0, 4)) + sp.exp(y))
    oracle = nc.compile(problem, "numba")
    source = oracle.evaluator.source("gradient")
    assert "rt.exp(" in source
    assert "rt.tanh(" in source
    assert "math.exp(" in source
    x = np.linspace(-1, 1, 6)
    np.testing.assert_allclose(oracle.gradient(x), nc.compile(problem).gradient(x), rtol=1e-13)
