"""Leaving saddles: gradient descent stays on the stable manifold, noise and negative curvature leave."""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np
import pytest
import sympy as sp
from scipy.stats import chisquare, kstest

import ncsolve as nc
from ncsolve.errors import OptionError
from ncsolve.testing import SolverTests
from ncsolve_saddle.jin import Parameters, iota_for
from ncsolve_saddle.lanczos import lowest_curvature
from ncsolve_saddle.perturbed import uniform_in_ball

x, y, z = sp.symbols("x y z")
STABLE = (1.0, 0.0)
"""A start on the stable manifold y = 0 of the saddle at 0."""


class TestPerturbedGradientDescent(SolverTests):
    solver = "perturbed-gd"


class TestPerturbedGradientDescentWithAdaptiveNoise(SolverTests):
    solver = "perturbed-gd"
    options: ClassVar = {"noise": "curvature"}


class TestNegativeCurvature(SolverTests):
    solver = "negative-curvature"


def saddle(declared: bool = True) -> nc.Problem:
    """x^2/2 + y^4/4 - y^2/2: a saddle at 0, minima of value -1/4 at (0, +-1). On |y| <= 1.1, L = 3 and rho = 7."""
    constants = {"smoothness": 3, "hessian_lipschitz": 7, "minimum": -0.25}
    return nc.Problem(
        x**2 / 2 + y**4 / 4 - y**2 / 2, start=list(STABLE), variables=[x, y], constants=constants if declared else {}
    )


def test_gradient_descent_stays_on_the_stable_manifold():
    problem = saddle()
    for start in np.random.default_rng(0).uniform(-1, 1, 200):
        result = nc.solve(problem, "gd", x0=[start, 0.0], escape=False)
        assert result.status is nc.Status.CONVERGED
        assert (result.trace.x[:, 1] == 0).all()
        assert result.point.kind == "saddle"


@pytest.mark.parametrize("declared", [True, False])
@pytest.mark.parametrize("solver", ["perturbed-gd", "negative-curvature"])
def test_noise_and_negative_curvature_leave_and_converge(solver, declared):
    problem, sides = saddle(declared), set()
    for seed in range(200):
        result = nc.solve(problem, solver, seed=seed, escape=False, options={"epsilon": 0.05})
        assert result.success, result.summary()
        assert result.objective == pytest.approx(-0.25)
        sides.add(bool(result.x[1] > 0))
    assert sides == {True, False}, "noise decides on the side"


def test_sgld_leaves():
    options = {"step_size": 0.1, "decay": 0.0, "inverse_temperature": 1e4, "chains": 200, "thin": 100}
    result = nc.solve(saddle(), "sgld", options=options, max_iterations=200, escape=False)
    final = result.samples[-1]
    assert (np.abs(final[:, 1]) > 0.9).all(), "200 chains, and none is left at the saddle"


@pytest.mark.parametrize("solver", ["perturbed-gd", "negative-curvature"])
def test_a_start_at_the_saddle_itself(solver):
    result = nc.solve(saddle(declared=False), solver, x0=[0.0, 0.0], escape=False)
    assert result.success


def test_a_chain_of_saddles_in_many_variables():
    """sum x_i^4/4 - x_i^2/2 from 0: index n, and every saddle on the way is left."""
    n = 30
    v, i = sp.IndexedBase("v", shape=(n,)), sp.Symbol("i", integer=True)
    problem = nc.Problem(sp.Sum(v[i] ** 4 / 4 - v[i] ** 2 / 2, (i, 0, n - 1)), start={v: 0.0})
    for solver in ("perturbed-gd", "negative-curvature"):
        result = nc.solve(problem, solver, escape=False)
        assert result.success, result.summary()
        np.testing.assert_allclose(np.abs(result.x), 1, atol=1e-5)


# -- the paper's parameters --------------------------------------------------------------------------------------------


def test_the_parameters_of_jin_and_others():
    smooth, rho, eps, i = 2.0, 6.0, 0.1, 25.2
    p = Parameters.of(smooth, rho, eps, i)
    assert p.step_size == 0.5
    assert p.radius == pytest.approx(eps / (400 * i**3))
    assert p.wait == 66
    assert p.decrease == pytest.approx(math.sqrt(eps**3 / rho) / (50 * i**3))
    n, gap, failure = 3, 0.5, 0.1
    i = iota_for(n, smooth, rho, eps, gap, failure)

    def chance(i):
        p = Parameters.of(smooth, rho, eps, i)
        steps = 8 * max(gap * smooth * i / math.sqrt(rho * eps) / p.decrease, gap * smooth / eps**2)
        return steps * smooth * math.sqrt(n) / math.sqrt(rho * eps) * i**2 * 2 ** (8 - i)

    assert chance(i) <= failure < chance(i - 1)


def test_constants_set_the_options_and_options_override():
    constants = {"smoothness": 3, "hessian_lipschitz": 7, "minimum": -0.25}
    i = iota_for(2, 3, 7, 1e-2, 0.75, 0.1)
    paper = Parameters.of(3, 7, 1e-2, i)
    trace = nc.solve(saddle(), "perturbed-gd", options={"epsilon": 1e-2}, max_iterations=1).trace
    assert trace.radius[0] == pytest.approx(paper.radius / constants["smoothness"])
    assert trace.wait[0] == paper.wait
    assert trace.decrease[0] == pytest.approx(paper.decrease / 2)
    given = {"radius": 0.1, "wait": 7, "decrease": 0.5, "step_size": 0.01}
    trace = nc.solve(saddle(), "perturbed-gd", options=given, max_iterations=1).trace
    assert {name: trace[name][0] for name in given} == given


def test_noise_adapts_to_the_curvature_met():
    """At curvature kappa the radius becomes epsilon / kappa, whatever the scale."""
    for scale in (1e-2, 1.0, 1e2):
        problem = nc.Problem(scale * x**2, start={x: 0}, constants={"smoothness": 2 * scale})
        options = {"noise": "curvature", "epsilon": 1e-3, "radius": 1e-4}
        radius = nc.solve(problem, "perturbed-gd", options=options, max_iterations=3).trace.radius
        assert radius[0] == 1e-4
        assert radius[1] == pytest.approx(1e-3 / (2 * scale), rel=1e-6)


def test_noise_is_uniform_in_the_ball():
    rng = np.random.default_rng(0)
    points = np.array([uniform_in_ball(3, 2.0, rng) for _ in range(2000)])
    assert kstest((np.linalg.norm(points, axis=1) / 2) ** 3, "uniform").pvalue > 1e-6
    assert np.abs(points.mean(axis=0)).max() < 5 * 2 * math.sqrt(1 / 5 / 2000)


def escape_times(radius: float, runs: int, eta: float, gamma: float, far: float) -> np.ndarray:
    """Steps until |u1| passes `far` on (x^2 + z^2 - gamma y^2) / 2, from noise of this radius at the saddle."""
    rng, times = np.random.default_rng(1), []
    oracle = nc.compile(nc.Problem((x**2 - gamma * y**2 + z**2) / 2, variables=[x, y, z]))
    points = np.array([uniform_in_ball(3, radius, rng) for _ in range(runs)])
    alive, k = np.arange(runs), 0
    times = np.zeros(runs, dtype=int)
    while alive.size:
        gone = np.abs(points[alive, 1]) >= far
        times[alive[gone]] = k
        alive = alive[~gone]
        if alive.size:
            points[alive] -= eta * oracle.gradient(points[alive])
        k += 1
    return times


@pytest.mark.parametrize(("radius", "holds"), [(0.1, True), (0.13, False)])
def test_the_law_of_the_escape_time(radius, holds):
    """T = ceil(log(far/|u1|) / log(1 + eta gamma)), with P(|u1| >= a) = 1 - 3a/2r + a^3/2r^3 in three dimensions."""
    eta, gamma, far, runs = 0.1, 2.0, 10.0, 4000
    times = escape_times(radius, runs, eta, gamma, far)

    def at_most(k):  # P(T <= k) = P(|u1| >= far / (1 + eta gamma)^k), with the radius that is claimed: 0.1
        a = min(far / (1 + eta * gamma) ** k / 0.1, 1.0)
        return 1 - 1.5 * a + a**3 / 2

    edges = [k for k in range(20, 60) if runs * (at_most(k) - at_most(k - 1)) > 5]
    observed = [np.count_nonzero(times == k) for k in edges]
    expected = [runs * (at_most(k) - at_most(k - 1)) for k in edges]
    observed.append(runs - sum(observed))
    expected.append(runs - sum(expected))
    pvalue = chisquare(observed, expected).pvalue
    assert pvalue > 1e-6 if holds else pvalue < 1e-6


# -- Lanczos -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [1, 2, 20, 300])
def test_lanczos_finds_negative_curvature(n):
    rng = np.random.default_rng(0)
    eigenvalues = np.linspace(1, 10, n)
    eigenvalues[0] = -0.5
    Q, _ = np.linalg.qr(rng.standard_normal((n, n)))
    H = Q * eigenvalues @ Q.T
    found = lowest_curvature(lambda v: H @ v, rng.standard_normal(n), 60)
    assert found.value == pytest.approx(-0.5, rel=0.1)
    assert found.vector @ H @ found.vector == pytest.approx(found.value, rel=1e-6)
    assert np.linalg.norm(found.vector) == pytest.approx(1)


def test_lanczos_ends_where_the_krylov_space_does():
    calls = []
    found = lowest_curvature(lambda v: calls.append(1) or 3.0 * v, np.ones(50), 50)
    assert found.value == pytest.approx(3)
    assert len(calls) == 1
    assert lowest_curvature(lambda v: np.nan * v, np.ones(3), 3).value == 0


def test_the_step_along_negative_curvature_is_the_papers():
    problem = saddle()
    result = nc.solve(problem, "negative-curvature", x0=[0.0, 0.0], options={"epsilon": 1e-2}, max_iterations=1)
    assert abs(result.trace.x[1, 1]) == pytest.approx(2 / 7)
    fall = result.trace.objective[0] - result.trace.objective[1]
    assert fall >= 2 / (3 * 7**2)
    assert result.trace.curvature[1] == pytest.approx(-1)


@pytest.mark.parametrize("option", ["step_size", "epsilon", "radius", "wait", "failure"])
def test_bad_options(option):
    with pytest.raises(OptionError, match=f"Option '{option}' of solver 'perturbed-gd' must be"):
        nc.solve(saddle(), "perturbed-gd", options={option: 0})
