"""Swarms: the stability region on the real solver, topologies, bounds, coefficients."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import sympy as sp

import ncsolve as nc
from ncsolve.errors import OptionError
from ncsolve.problem import load
from ncsolve.solving import Status, configure
from ncsolve_population.pso import PSO, neighbours


def moments(w: float, c1: float, c2: float) -> np.ndarray:
    """E (x+^2, x+ x, x^2) from E (x^2, x x-, x-^2) around attractors fixed at 0. [Poli 2009; PSO1]"""
    m, second = (c1 + c2) / 2, (c1**2 + c2**2) / 3 + c1 * c2 / 2
    first = (1 + w) ** 2 - 2 * (1 + w) * m + second
    return np.array([[first, -2 * w * (1 + w - m), w**2], [1 + w - m, -w, 0], [1, 0, 0]])


def second_moments(w: float, c1: float, c2: float, moves: int, swarm: int = 100_000) -> tuple[np.ndarray, np.ndarray]:
    """E x^2 after each move of the real solver, its attractors frozen by values that never improve; and by theory."""
    solver = PSO(particles=swarm, inertia=w, cognitive=c1, social=c2, patience=10**9)
    rng = np.random.default_rng(0)
    frozen = SimpleNamespace(
        n=1, lower=None, upper=None, remaining=(np.inf, np.inf), value=lambda x: np.arange(1.0, len(x) + 1)
    )
    state = solver.init(frozen, np.zeros(1), rng)
    x = rng.uniform(-1, 1, (swarm, 1))
    zero, low = np.zeros((swarm, 1)), np.arange(swarm) / swarm
    state = replace(state, x=zero[0], best_positions=zero, best_values=low, positions=x, velocities=zero, ended=0)
    expected, measured = [np.full(3, np.mean(x**2))], []
    for _ in range(moves):
        state = replace(solver.step(frozen, state, rng), ended=0, done=False)
        assert (state.best_positions == 0).all()
        measured.append(float(np.mean(state.positions**2)))
        expected.append(moments(w, c1, c2) @ expected[-1])
    return np.array(measured), np.array(expected)[1:, 0]


@pytest.mark.parametrize(("w", "c"), [(0.729844, 1.49618), (0.5, 1.8), (0.2, 1.5), (0.9, 1.0), (0.7, 2.0), (0.4, 2.6)])
def test_the_variance_shrinks_exactly_in_the_stable_region(w, c):
    """Order-2 stability: c1 + c2 < 24 (1 - w^2) / (7 - 5 w), where the moments' spectral radius is below 1."""
    stable = 2 * c < 24 * (1 - w * w) / (7 - 5 * w)
    assert (np.abs(np.linalg.eigvals(moments(w, c, c))).max() < 1) == stable
    measured, expected = second_moments(w, c, c, 12)
    np.testing.assert_allclose(measured[:5], expected[:5], rtol=0.08)
    measured, _ = second_moments(w, c, c, 60, swarm=2000)
    assert (measured[-10:].mean() < 0.5 * measured[:10].mean()) == stable


def test_unequal_pulls_follow_the_moments_too():
    measured, expected = second_moments(0.6, 2.5, 0.7, 6)
    np.testing.assert_allclose(measured, expected, rtol=0.05)


def test_clercs_constriction_and_its_condition():
    w, c1, c2 = PSO(schedule="constriction", cognitive=2.05, social=2.05)._coefficients(0, np.random.default_rng(0))
    np.testing.assert_allclose([w, c1, c2], [0.729844, 1.49618, 1.49618], atol=1e-6)
    with pytest.raises(OptionError, match=r"constriction of solver 'pso' needs cognitive \+ social > 4.*2\.05 each"):
        configure(PSO, {"schedule": "constriction"})


def test_inertia_schedules():
    rng = np.random.default_rng(0)
    linear = PSO(inertia=0.9, schedule="linear", horizon=10)
    assert [round(linear._coefficients(k, rng)[0], 3) for k in (0, 5, 10, 99)] == [0.9, 0.65, 0.4, 0.4]
    drawn = [PSO(schedule="random")._coefficients(0, rng)[0] for _ in range(100)]
    assert 0.5 <= min(drawn) < max(drawn) <= 1


def test_neighbours_in_a_ring_and_on_a_torus():
    assert sorted(neighbours(5, "ring")[0][0]) == [0, 1, 4]
    torus = neighbours(12, "von-neumann")[0]  # 4 rows of 3
    assert sorted(torus[0]) == [0, 1, 2, 3, 9]
    assert all(k in torus[j] for k in range(12) for j in torus[k])
    assert neighbours(2, "ring")[0].max() == 1
    assert neighbours(7, "von-neumann")[0].max() == 6


@pytest.mark.parametrize("at_bounds", ["absorb", "reflect", "random"])
def test_a_minimum_in_a_corner_is_found_from_inside(at_bounds):
    x, y = sp.symbols("x y")
    problem = nc.Problem(x + 2 * y, bounds={x: (-1, 3), y: (0.5, 2)})
    seen = []
    result = nc.solve(problem, "pso", options={"at_bounds": at_bounds}, callbacks=[lambda k: seen.append(k.state)])
    np.testing.assert_allclose(result.x, [-1, 0.5], atol=1e-6)
    assert result.success
    swarm = np.concatenate([state.positions for state in seen])
    assert (swarm >= problem.lower).all()
    assert (swarm <= problem.upper).all()


def test_one_side_may_be_open():
    x = sp.Symbol("x")
    result = nc.solve(nc.Problem((x - 3) ** 2, bounds={x: (0, None)}, start={x: 1}), "pso", options={"width": 1})
    assert result.x == pytest.approx(3)


@pytest.mark.parametrize("topology", ["global", "ring", "von-neumann"])
def test_rastrigin(topology):
    result = nc.solve(load("rastrigin"), "pso", options={"topology": topology})
    assert result.success
    assert result.objective < 1e-12
    assert result.evaluations["value"] >= 40 * (result.iterations - 1)


def test_without_polish_the_swarm_itself_must_meet_the_gradient_test():
    x, y = sp.symbols("x y")
    problem = nc.Problem(x**2 + (y - sp.cos(x)) ** 2, bounds={x: (-3, 4), y: (-3, 4)})
    options = {"polish": False, "tolerance": 1e-2}
    result = nc.solve(problem, "pso", options=options)
    assert result.status is Status.STALLED
    assert result.message == "the population has shrunk to a point"
    assert result.point.kind == "not-critical"
    assert nc.solve(problem, "pso", options={**options, "polish": True}).success


def test_trials_move_the_best_point_along_one_coordinate():
    problem = load("rastrigin", {"n": 6})
    oracle, x = nc.compile(problem), np.linspace(-1, 1, 6)
    trials = PSO(trials=500)._trials(oracle, x, np.random.default_rng(0))
    moves = (trials - x) / (problem.upper - problem.lower)
    assert set(np.count_nonzero(moves, axis=1)) == {1}
    sizes, columns = np.abs(moves).max(axis=1), np.abs(moves).argmax(axis=1)
    assert 1e-4 <= sizes.min() < 2e-4
    assert 0.5 < sizes.max() <= 1
    assert np.bincount(columns).min() > 50
    assert 200 < np.count_nonzero(moves.sum(axis=1) > 0) < 300


def test_trials_find_lower_wells_of_a_separable_objective():
    problem, options = load("rastrigin", {"n": 10}), {"polish": False, "patience": 1000}
    plain = nc.solve(problem, "pso", seed=1, options={**options, "trials": 0}, max_iterations=500)
    tried = nc.solve(problem, "pso", seed=1, options=options, max_iterations=500)
    assert tried.objective < 1e-3 < 1 < plain.objective
