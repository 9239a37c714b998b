"""The first-order solvers take the steps that their formulas say."""

from __future__ import annotations

import numpy as np
import pytest
import sympy as sp

import ncsolve as nc

x, y = sp.symbols("x y")
VALLEY = (1 - x) ** 2 + 100 * (y - x**2) ** 2


def test_gradient_descent_with_a_fixed_step():
    problem = nc.Problem(VALLEY, start={x: -1.2, y: 1})
    result = nc.solve(problem, "gd", options={"step_size": 1e-3}, max_iterations=20)
    oracle = nc.compile(problem)
    for before, after in zip(result.trace.x[:-1], result.trace.x[1:], strict=True):
        np.testing.assert_array_equal(after, before - 1e-3 * oracle.gradient(before))


def test_gradient_descent_takes_one_over_a_declared_smoothness():
    problem = nc.Problem(x**2 + 3 * sp.sin(x) ** 2, start={x: 4}, constants={"smoothness": 8})
    result = nc.solve(problem, "gd")
    assert set(result.trace.step_size) == {1 / 8}
    f, g = result.trace.objective, result.trace.gradient_norm
    assert (f[1:] <= f[:-1] - g[:-1] ** 2 / 16 + 1e-15).all(), "the descent lemma"
    assert nc.solve(problem, "gd", options={"step_size": 0.01}).trace.step_size[0] == 0.01


@pytest.mark.parametrize("scale", [1e-250, 1e-6, 1.0, 1e6, 1e250])
def test_backtracking_finds_its_step_at_every_scale(scale):
    problem = nc.Problem(sp.Float(scale) * (x**2 + 5 * y**2), start={x: 3, y: -2})
    result = nc.solve(problem, "gd", gradient_tolerance=1e-6 * scale)
    assert result.status is nc.Status.CONVERGED
    assert result.iterations < 100
    assert (np.diff(result.trace.objective) < 0).all()


def test_the_heavy_ball_recursion():
    problem = nc.Problem(VALLEY, start={x: -1.2, y: 1})
    result = nc.solve(problem, "momentum", options={"step_size": 1e-3, "momentum": 0.8}, max_iterations=20)
    oracle, path = nc.compile(problem), result.trace.x
    for k in range(1, 20):
        expected = path[k] - 1e-3 * oracle.gradient(path[k]) + 0.8 * (path[k] - path[k - 1])
        np.testing.assert_allclose(path[k + 1], expected, rtol=1e-15, atol=1e-15)


def test_the_heavy_ball_falls_in_its_lyapunov_function():
    """f(x) + delta |x - x-|^2 falls, with delta = (1 - beta/2) / alpha - L/2. [Ochs et al. 2014, Prop. 4.7]"""
    problem = nc.Problem(x**2 + 3 * sp.sin(x) ** 2, start={x: 4}, constants={"smoothness": 8})
    trace = nc.solve(problem, "momentum").trace
    alpha, beta, L = trace.step_size[0], 0.9, 8
    assert alpha == pytest.approx(0.99 * 2 * (1 - beta) / L)
    delta = (1 - beta / 2) / alpha - L / 2
    path = np.concatenate([trace.x[:1, 0], trace.x[:, 0]])
    energy = trace.objective + delta * np.diff(path) ** 2
    assert (np.diff(energy) <= 1e-12).all()


def test_momentum_is_worth_it_in_a_valley():
    problem = nc.Problem(VALLEY, start={x: -1.2, y: 1})
    runs = {name: nc.solve(problem, name) for name in ("gd", "momentum")}
    assert all(run.success for run in runs.values())
    assert runs["momentum"].iterations < runs["gd"].iterations / 4


@pytest.mark.parametrize("solver", ["gd", "momentum", "lbfgs", "trust-region"])
def test_the_floor_of_rounding_is_no_obstacle(solver):
    """f is 1e10 and its differences are rounding, 2e-6, when the gradient is still 1e-2."""
    result = nc.solve(nc.Problem(1e10 + (x**2 + y - 11) ** 2 + (x + y**2 - 7) ** 2, start={x: 1, y: 1}), solver)
    assert result.success
    assert result.gradient_norm <= 1e-6


@pytest.mark.parametrize("solver", ["gd", "momentum", "lbfgs", "trust-region"])
def test_steps_out_of_the_domain_are_cut_back(solver):
    result = nc.solve(nc.Problem(x - sp.log(x) + sp.log(1 + y**2), start={x: 1e-3, y: 50}), solver)
    assert result.success
    np.testing.assert_allclose(result.x, [1, 0], atol=1e-5)


@pytest.mark.parametrize("solver", ["gd", "momentum", "lbfgs", "trust-region"])
@pytest.mark.parametrize("objective", [sp.Integer(2), (x - 1) ** 4])
def test_flat_objectives(solver, objective):
    result = nc.solve(nc.Problem(objective, variables=[x], start={x: 2.0}), solver)
    assert result.status is nc.Status.CONVERGED
    assert result.point.kind in ("minimum", "degenerate")


@pytest.mark.parametrize("solver", ["gd", "momentum", "lbfgs", "trust-region"])
def test_a_linear_objective_is_unbounded(solver):
    result = nc.solve(nc.Problem(x + 2 * y, start={x: 0, y: 0}), solver)
    assert result.status is nc.Status.NONFINITE
    assert "falls without bound" in result.message
