"""Gauss-Newton: no Hessian for zero residuals, the exact one for large ones; the ball by factorisations."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_array

import ncsolve as nc
from ncsolve.problem import load
from ncsolve.testing import SolverTests
from ncsolve_second_order.secular import ball_step


class TestGaussNewton(SolverTests):
    solver = "gauss-newton"


@pytest.mark.parametrize("name", ["powell-singular", "broyden-banded", "helical-valley", "heart-dipole"])
def test_zero_residuals_need_no_hessian(name):
    result = nc.solve(load(name), "gauss-newton")
    assert result.success
    assert result.evaluations["hessian"] == 0


@pytest.mark.parametrize("name", ["brown-dennis", "jennrich-sampson", "freudenstein-roth"])
def test_large_residuals_have_the_exact_hessian(name):
    """Without it convergence is linear at best."""
    result = nc.solve(load(name), "gauss-newton")
    assert result.success
    assert 0 < result.evaluations["hessian"] <= 10
    assert result.iterations < nc.solve(load(name), "gauss-newton", options={"switch": 0.0}).iterations


def test_the_lowest_values_of_the_literature_are_reached():
    for name, value in [("osborne-1", 5.46489e-05), ("osborne-2", 0.0401377), ("bard", 0.008214877)]:
        assert nc.solve(load(name), "gauss-newton").objective == pytest.approx(value, rel=1e-5)


def test_large_sparse_jacobians_stay_sparse():
    result = nc.solve(load("broyden-tridiagonal", {"n": 5000}), "gauss-newton")
    assert result.objective < 1e-12


def test_what_is_no_sum_of_squares_is_refused():
    with pytest.raises(nc.NcsolveError, match=r"'gauss-newton' needs a sum of squares, which problem"):
        nc.solve(load("six-hump-camel"), "gauss-newton")


@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("hard", [False, True])
def test_the_ball_by_factorisations_is_optimal(sparse, hard):
    """(H + lambda I) p = -g, H + lambda I >= 0, lambda (Delta - |p|) = 0 [More & Sorensen 1983], TR1's decreases."""
    rng = np.random.default_rng(0)
    for n in (1, 2, 7, 30):
        for shift in (0.0, 3.0, 10.0):
            A = rng.standard_normal((n, n))
            H, g, radius = (A + A.T) / 2 + shift * np.eye(n), rng.standard_normal(n), float(10 ** rng.uniform(-2, 2))
            w, V = np.linalg.eigh(H)
            if hard and n > 1:
                g -= V[:, 0] * (V[:, 0] @ g)
            p, on_boundary = ball_step(g, csr_array(H) if sparse else H, radius, tolerance=1e-9)
            decrease = -(g @ p + p @ H @ p / 2)
            size, norm = np.linalg.norm(g), np.abs(w).max()
            assert np.linalg.norm(p) <= radius * (1 + 1e-8)
            assert decrease >= 0.5 * size * min(radius, size / norm) * (1 - 1e-8)
            assert decrease >= -0.5 * w[0] * radius**2 * (1 - 1e-6)
            multiplier = -(p @ (H @ p + g)) / (p @ p) if on_boundary else 0.0
            assert multiplier >= -w[0] - 1e-6 * norm
            assert np.linalg.norm(H @ p + multiplier * p + g) <= 1e-5 * (size + norm * radius)
