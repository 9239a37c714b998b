"""Differential evolution, CMA-ES, annealing and basin hopping: what makes each of them what it is."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import sympy as sp

import ncsolve as nc
from ncsolve.errors import OptionError
from ncsolve.problem import load
from ncsolve.solving import Status
from ncsolve_population.annealing import Annealing
from ncsolve_population.cma import CMA, folded, weights
from ncsolve_population.de import DE

x, y = sp.symbols("x y")


@pytest.mark.parametrize("strategy", ["rand1bin", "best1bin", "current-to-pbest1bin"])
@pytest.mark.parametrize("adaptive", [True, False])
def test_differential_evolution_finds_rastrigins_lowest_well(strategy, adaptive):
    problem = load("rastrigin", {"n": 3})
    options = {"strategy": strategy, "adaptive": adaptive, "crossover": 0.5}
    result = nc.solve(problem, "de", options=options)
    assert result.success
    assert result.objective < 1e-10


def test_mutants_are_made_of_three_other_points():
    """v - x_a = F (x_b - x_c) with a, b, c and i all different: decided by numbers whose sums are unique."""
    points = 2.0 ** np.arange(6)[:, None]
    for m in (4, 6):
        v = DE(particles=m)._mutants(points[:m], np.arange(float(m)), np.ones((m, 1)), np.random.default_rng(0))
        for i, value in enumerate(v[:, 0]):
            others = [k for k in range(m) if k != i]
            allowed = {2.0**a + 2.0**b - 2.0**c for a in others for b in others for c in others if len({a, b, c}) == 3}
            assert value in allowed


def test_the_parameters_of_cma_are_those_of_the_tutorial():
    """n = 10, lambda = 10: mu_eff 3.1672992, and weights whose sum makes C decay by about nothing."""
    k = weights(10, 10)
    assert k.parents == 5
    assert k.mu_eff == pytest.approx(3.1672992, abs=1e-6)
    assert k.w[:5].sum() == pytest.approx(1)
    assert (k.w[5:] <= 0).all()
    assert k.c_1 == pytest.approx(2 / (11.3**2 + k.mu_eff))
    assert abs(k.c_1 + k.c_mu * k.w.sum()) < 0.01
    assert k.chi == pytest.approx(3.0847, abs=1e-3)


def test_cma_learns_the_inverse_hessian():
    """On an ellipsoid C becomes proportional to H^-1 = diag(10^-4, 10^-2, 1)."""
    z = sp.Symbol("z")
    problem = nc.Problem(1e4 * x**2 + 1e2 * y**2 + z**2, start={x: 1, y: 1, z: 1})
    states = []
    nc.solve(problem, "cma", options={"sigma": 0.5}, callbacks=[lambda look: states.append(look.state)])
    C = states[-1].C
    shape = np.diag(C) / C[2, 2] / np.array([1e-4, 1e-2, 1])
    assert (shape > 0.2).all()
    assert (shape < 5).all()


def test_cma_does_not_depend_on_a_monotone_change_of_values():
    """Only the order of values counts: exp(f) leads through the same points as f."""
    f = (x - 1) ** 2 + 3 * (y + x) ** 2
    options, paths = {"polish": False}, []
    for objective in (f, sp.exp(f)):
        result = nc.solve(nc.Problem(objective, start={x: 0.5, y: 0.5}), "cma", options=options, max_iterations=30)
        paths.append(result.x)
    np.testing.assert_allclose(*paths, rtol=1e-9)


def test_restarts_with_growing_populations_find_the_lowest_well():
    result = nc.solve(load("rastrigin", {"n": 3}), "cma", options={"restarts": 6, "strategy": "ipop"})
    assert result.objective < 1e-10
    assert sorted(set(result.trace.particles)) == [7, 14, 28, 56, 112, 224, 448]


def test_small_and_large_populations_take_turns_by_what_they_have_spent():
    states = []
    options = {"restarts": 12, "polish": False}
    nc.solve(load("rastrigin", {"n": 3}), "cma", options=options, callbacks=[lambda look: states.append(look.state)])
    small = {state.restarts: state.small for state in states}
    assert 3 <= sum(small.values()) <= 9
    assert all(state.particles <= state.largest for state in states)
    for before, after in itertools.pairwise(states):
        if after.restarts > before.restarts > 0:
            assert after.small == (after.spent_small < after.spent_large)


def test_points_are_folded_back_into_the_bounds():
    oracle = nc.compile(nc.Problem(x**2 + y**2, bounds={x: (-1, 1), y: (0, None)}))
    with np.errstate(invalid="ignore"):
        points = folded(oracle, np.array([[1.5, -2.0], [-1.25, 3.0], [4.25, 0.5], [0.3, 0.0]]))
    np.testing.assert_allclose(points, [[0.5, 2.0], [-0.75, 3.0], [0.25, 0.5], [0.3, 0.0]])


def test_temperature_schedules():
    assert Annealing(cooling=0.5)._fallen(3) == 0.125
    slow = Annealing(schedule="logarithmic")
    assert slow._fallen(0) == 1
    assert slow._fallen(98) == pytest.approx(np.log(2) / np.log(100))


def test_annealing_accepts_worse_points_at_the_rate_of_its_temperature():
    """On a line f = x at T, half-normal rises: the share accepted falls as T does, and at T = 0+ only falls are."""
    problem = nc.Problem(sp.sqrt(1 + x**2), start={x: 0.0})
    shares = []
    for temperature in (1e-6, 1.0, 1e6):
        options = {"temperature": temperature, "particles": 2000, "cooling": 0.999999, "sigma": 0.5}
        result = nc.solve(problem, "annealing", options=options, max_iterations=3)
        shares.append(result.trace.acceptance[1])
    assert shares[0] < shares[1] < shares[2] == 1


@pytest.mark.parametrize(("atoms", "energy"), [(4, -6.0), (5, -9.103852), (6, -12.712062), (7, -16.505384)])
def test_basin_hopping_finds_the_lowest_clusters(atoms, energy):
    options = {"step_size": 1.2, "hops": 60, "local": "lbfgs"}
    result = nc.solve(load("lennard-jones", {"atoms": atoms}), "basin-hopping", options=options, target=energy + 1e-5)
    assert result.objective == pytest.approx(energy, abs=1e-5)


def test_basin_hopping_says_that_its_local_solver_does_not_suit():
    problem = nc.Problem(sp.sin(x) + x**2 / 10)
    with pytest.raises(OptionError, match=r"Solver 'gauss-newton' needs a sum of squares"):
        nc.solve(problem, "basin-hopping", options={"local": "gauss-newton"})
    with pytest.raises(OptionError, match=r"no solver 'lbgfs'\. Did you mean 'lbfgs'"):
        nc.solve(problem, "basin-hopping", options={"local": "lbgfs"})


def test_limits_reach_into_the_local_runs():
    result = nc.solve(load("rosenbrock", {"n": 10}), "basin-hopping", max_evaluations=25)
    assert result.status is Status.EVALUATIONS
    assert result.trace.evaluations[-1] <= 25
    assert CMA().restarts == 0
