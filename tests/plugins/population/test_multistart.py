"""Many starts: all minima, what counts as one, basins, stopping, processes, and the trust region for many points."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
import sympy as sp
from scipy.optimize import minimize

import ncsolve as nc
from ncsolve.errors import ExecutorError, OptionError
from ncsolve.problem import load
from ncsolve.solving import Status
from ncsolve_population.batch import RUNNING, advance, begin, boundary_steps, newton_steps, projected, region_steps
from ncsolve_population.distinct import expected_unseen

x, y = sp.symbols("x y")


def test_all_minima_of_himmelblau():
    result = nc.solve(load("himmelblau"), "multistart", options={"starts": 60})
    known = [[3, 2], [3.5844283403, -1.8481265270], [-3.7793102534, -3.2831859913], [-2.8051180870, 3.1313125183]]
    assert result.success
    assert [found.point.kind for found in result.minima] == ["minimum"] * 4
    for point in known:
        assert min(np.abs(found.x - point).max() for found in result.minima) < 1e-8
    assert sum(found.count for found in result.minima) == 60
    assert sum(found.share for found in result.minima) == pytest.approx(1)
    assert result.message.endswith("and 60 of 60 runs ended at 4 distinct points; 0.37 more are expected")


def test_all_121_minima_of_rastrigin_in_its_box():
    result = nc.solve(load("rastrigin"), "multistart", options={"starts": 4000, "sampling": "sobol"})
    assert len(result.minima) == 121
    values = [found.objective for found in result.minima]
    assert values == sorted(values)
    assert values[0] == pytest.approx(0, abs=1e-12)


def test_mirror_images_are_one_where_the_caller_says_so():
    """121 minima are 21 up to signs and order of the coordinates: 6 values of |x| taken twice."""
    options = {"starts": 4000, "sampling": "sobol", "symmetric": True}
    assert len(nc.solve(load("rastrigin"), "multistart", options=options).minima) == 21


@pytest.mark.parametrize(("atoms", "energy", "distinct"), [(2, -1, 1), (3, -3, 1), (4, -6, 1), (5, -9.103852, 1)])
def test_clusters_are_the_same_up_to_motions_and_names_of_atoms(atoms, energy, distinct):
    result = nc.solve(load("lennard-jones", {"atoms": atoms}), "multistart", options={"starts": 20})
    bound = [found for found in result.minima if found.objective < -0.5]
    assert len(bound) == distinct
    assert bound[0].objective == pytest.approx(energy, abs=1e-6)
    assert result.success


def test_the_four_minima_of_seven_atoms():
    result = nc.solve(load("lennard-jones", {"atoms": 7}), "multistart", options={"starts": 150})
    known = [-16.505384, -15.935043, -15.593211, -15.533060]
    np.testing.assert_allclose([found.objective for found in result.minima[:4]], known, atol=1e-6)


@pytest.mark.parametrize(("found", "searches", "unseen"), [(4, 60, 20 / 54), (1, 4, 2.0), (3, 5, math.inf), (0, 9, 0)])
def test_the_estimate_of_boender_and_rinnooy_kan(found, searches, unseen):
    """Expected total w (m - 1) / (m - w - 2), less the w that are known."""
    assert expected_unseen(found, searches) == pytest.approx(unseen)
    if math.isfinite(unseen):
        assert found + unseen == pytest.approx(found * (searches - 1) / (searches - found - 2))


def test_the_rule_stops_between_batches():
    options = {"starts": 1000, "batch": 20, "stop_rule": "boender-rinnooy-kan"}
    result = nc.solve(load("himmelblau"), "multistart", options=options)
    begun, unseen = result.trace.begun[-1], result.trace.unseen
    assert begun < 1000
    assert begun % 20 == 0
    assert unseen[-1] < 0.5 <= unseen[result.trace.begun < begun].min()


@pytest.mark.parametrize("sampling", ["random", "latin-hypercube", "sobol"])
def test_starts_lie_in_the_box_and_are_spread(sampling):
    problem = nc.Problem(sp.cos(x) + y**2, bounds={x: (-3, 5), y: (0, 2)}, start={x: 1, y: 1})
    states = []
    options = {"starts": 65, "sampling": sampling, "local_iterations": 1}
    nc.solve(problem, "multistart", options=options, max_iterations=0, callbacks=[lambda k: states.append(k.state)])
    points = (states[0].points - [-3, 0]) / [8, 2]
    assert points.shape == (65, 2)
    np.testing.assert_allclose(points[0], [0.5, 0.5])
    assert (points >= 0).all()
    assert (points <= 1).all()
    strata = np.histogram(points[1:, 0], 64, (0, 1))[0]
    assert (strata.max() == 1) == (sampling != "random")


def test_starts_over_a_box_need_one():
    problem = nc.Problem(x**2 + sp.cos(3 * y) + y**2)
    with pytest.raises(OptionError, match=r"by 'sobol' over a box, but problem .* has no finite bounds.*option width"):
        nc.solve(problem, "multistart", options={"sampling": "sobol"})
    assert nc.solve(problem, "multistart", options={"sampling": "sobol", "width": 3, "starts": 16}).success


def test_processes_change_nothing():
    options = {"starts": 12, "local": "lbfgs"}
    one, two = (
        nc.solve(load("himmelblau"), "multistart", options={**options, "workers": workers}) for workers in (1, 2)
    )
    assert np.array_equal(one.x, two.x)
    assert [found.count for found in one.minima] == [found.count for found in two.minima]
    assert one.evaluations == two.evaluations
    assert one.iterations == two.iterations == 12


def test_limits_hold_in_processes():
    """What ran ahead of the limit is not counted: the runs are those that one worker makes."""
    problem, options = load("rosenbrock", {"n": 6}), {"starts": 50, "local": "lbfgs"}
    one, two = (
        nc.solve(problem, "multistart", options={**options, "workers": workers}, max_evaluations=150)
        for workers in (1, 2)
    )
    assert one.status is two.status is Status.EVALUATIONS
    assert np.array_equal(one.x, two.x)
    assert one.evaluations == two.evaluations
    assert two.evaluations["value"] <= 150


def test_an_executor_that_there_is_not():
    with pytest.raises(ExecutorError, match=r"unknown executor 'dusk'\. Did you mean 'dask'\?"):
        nc.solve(load("himmelblau"), "multistart", options={"executor": "dusk"})


def test_results_as_data_and_in_words():
    result = nc.solve(load("himmelblau"), "multistart", options={"starts": 40})
    data = json.loads(json.dumps(result.to_json()))
    assert len(data["minima"]) == 4
    assert data["minima"][0].keys() == {"x", "objective", "count", "share", "values"}
    assert "  minima         4 distinct\n" in result.summary()
    assert result.runs == ()


def test_from_the_command_line(run):
    done = run("solve", "himmelblau", "-s", "multistart", "-o", "starts=100")
    assert done.exit_code == 0
    assert "minima         4 distinct" in done.output


def test_region_steps_are_the_least_of_their_models():
    """Against the secular equation solved by bisection, for definite, indefinite and hard cases."""
    rng = np.random.default_rng(0)
    H = rng.standard_normal((60, 4, 4))
    H = H + H.transpose(0, 2, 1)
    H[::2] += 5 * np.eye(4)
    g, radius = rng.standard_normal((60, 4)), rng.uniform(0.1, 3, 60)
    H[1], g[1] = np.diag([-2.0, -2.0, 1.0, 3.0]), [0, 0, 1, 1]  # hard: g has no part in the first eigenspace
    H[3], g[3] = np.diag([-1.0, 0.0, 1.0, 3.0]), 0.0
    p = region_steps(H, g, radius)
    assert (np.linalg.norm(p, axis=1) <= radius * (1 + 1e-9)).all()
    for k in range(60):
        values, Q = np.linalg.eigh(H[k])
        model = g[k] @ p[k] + p[k] @ H[k] @ p[k] / 2
        low, high = max(0.0, -values[0]), 1e6
        for _ in range(200):  # the dual: max over mu of -g'(H + mu)^-1 g / 2 - mu Delta^2 / 2
            mu = (low + high) / 2
            size = np.linalg.norm((Q.T @ g[k]) / (values + mu + 1e-300))
            low, high = (mu, high) if size > radius[k] else (low, mu)
        c = Q.T @ g[k]
        dual = (
            -0.5 * sum(ci * ci / (v + high) for ci, v in zip(c, values, strict=True) if ci) - high * radius[k] ** 2 / 2
        )
        assert model == pytest.approx(dual, rel=1e-6, abs=1e-9)


def test_elimination_knows_definite_matrices():
    rng = np.random.default_rng(1)
    A = rng.standard_normal((40, 5, 5))
    H = A @ A.transpose(0, 2, 1) - rng.uniform(0, 2, 40)[:, None, None] * np.eye(5)
    g = rng.standard_normal((40, 5))
    p, definite = newton_steps(H, g)
    assert np.array_equal(definite, np.linalg.eigvalsh(H)[:, 0] > 0)
    np.testing.assert_allclose(p[definite], -np.linalg.solve(H, g[:, :, None])[definite, :, 0], rtol=1e-6, atol=1e-9)
    inside = boundary_steps(H[definite], g[definite], np.full(definite.sum(), 1e9))
    np.testing.assert_allclose(inside, p[definite], rtol=1e-6, atol=1e-9)


def test_runs_side_by_side_end_at_kkt_points_of_the_box():
    problem = load("styblinski-tang", {"n": 4})
    tight = nc.Problem(problem.objective, bounds={"x": (-1, 4)})
    oracle = nc.compile(tight)
    batch = begin(oracle, np.random.default_rng(0).uniform(-1, 4, (50, 4)))
    while (batch.status == RUNNING).any():
        batch = advance(oracle, batch, 1e-8)
    assert np.abs(projected(oracle, batch.points, batch.gradients)).max() <= 1e-8
    bounds = [(-1, 4)] * 4
    best = min(minimize(oracle.value, z, bounds=bounds, method="L-BFGS-B").fun for z in batch.points[:20])
    assert batch.values.min() <= best + 1e-6
