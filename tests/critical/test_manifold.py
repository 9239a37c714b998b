"""Close to a manifold of critical points, where the Hessian has eigenvalues that are neither rounding nor real."""

from __future__ import annotations

import numpy as np
import pytest
import sympy as sp

import ncsolve as nc

x, y = sp.symbols("x y")
U, V = sp.IndexedBase("U", shape=(4, 2)), sp.IndexedBase("V", shape=(3, 2))
M = sp.IndexedBase("M", shape=(4, 3))
i, j, k = sp.symbols("i j k", integer=True)
RESIDUAL = sp.Sum(U[i, k] * V[j, k], (k, 0, 1)) - M[i, j]
LOSS = sp.Sum(RESIDUAL**2, (i, 0, 3), (j, 0, 2)) / 4


@pytest.mark.parametrize("seed", range(8))
def test_where_gradient_descent_stops_is_a_minimum_up_to_the_symmetry(seed):
    """1e-6 away from it H has eigenvalues of 1e-7 or 1e-13, of which Newton's step makes anything. [Zeng 2023]"""
    rng = np.random.default_rng(seed)
    matrix = rng.standard_normal((4, 3))
    problem = nc.Problem(LOSS, variables=[U, V], data={M: matrix})
    result = nc.solve(problem, "gd", x0=rng.standard_normal(14), max_iterations=20_000)
    assert result.point.kind == "minimum", result.point.explanation
    assert result.point.nullity == 4


def test_a_root_that_is_not_there_is_not_found_by_leaving_directions_out(judge):
    """x^3/3 + 1e-7 x has a small gradient at 0 and no critical point."""
    point = judge(x**3 / 3 + sp.Float(1e-7) * x + 50 * (y - x**2) ** 2, [0.0, 1e-9])
    assert point.kind in ("undecided", "not-critical")
