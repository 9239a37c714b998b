"""The samplers: their laws on quadratics, detailed balance, batches, walls, and what is refused."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import pytest
import sympy as sp
from scipy.stats import chi2

import ncsolve as nc
from ncsolve.errors import OptionError
from ncsolve.testing import SolverTests
from ncsolve_langevin.chains import reflected
from ncsolve_langevin.mala import log_ratio
from ncsolve_langevin.sgld import SGLD

x, y = sp.symbols("x y")
LEVEL = 1e-6


class SamplerTests(SolverTests):
    options: ClassVar = {"inverse_temperature": 1e4, "chains": 1}
    accuracy = 0.01
    converges = False
    max_iterations = 2000


class TestLangevin(SamplerTests):
    solver = "langevin"


class TestMALA(SamplerTests):
    solver = "mala"


class TestSGLD(SamplerTests):
    solver = "sgld"


class TestSGLDWithBatches(SamplerTests):
    solver = "sgld"
    options: ClassVar = {"inverse_temperature": 1e4, "chains": 1, "batch_size": 5}


# -- laws --------------------------------------------------------------------------------------------------------------


def fits(final: np.ndarray, variance: float) -> bool:
    """Two-sided chi-square test at LEVEL of mean-zero independent normal draws against this variance."""
    statistic = float((final**2).sum()) / variance
    return bool(chi2.ppf(LEVEL / 2, final.size) < statistic < chi2.isf(LEVEL / 2, final.size))


def final_states(solver: str, curvature: float, eta: float, beta: float, steps: int, seed: int) -> np.ndarray:
    """(chains,) the last states of independent chains on curvature x^2 / 2."""
    options = {"step_size": eta, "inverse_temperature": beta, "chains": 4000, "thin": steps}
    problem = nc.Problem(curvature * x**2 / 2, start={x: 0})
    return nc.solve(problem, solver, options=options, max_iterations=steps, seed=seed).samples[-1, :, 0]


@pytest.mark.parametrize("seed", range(3))
def test_the_stationary_variance_of_ula_is_not_that_of_gibbs(seed):
    """2 / (beta lambda (2 - eta lambda)): the bias of the discretisation is seen, and is the one that theory says."""
    curvature, eta, beta = 3.0, 0.2, 2.0
    final = final_states("langevin", curvature, eta, beta, 60, seed)
    assert fits(final, 2 / (beta * curvature * (2 - eta * curvature)))
    assert not fits(final, 1 / (beta * curvature))


@pytest.mark.parametrize("seed", range(3))
def test_the_stationary_variance_of_mala_is_that_of_gibbs(seed):
    curvature, eta, beta = 3.0, 0.2, 2.0
    final = final_states("mala", curvature, eta, beta, 150, seed)
    assert fits(final, 1 / (beta * curvature))
    assert not fits(final, 2 / (beta * curvature * (2 - eta * curvature)))


def test_the_transient_variance_of_ula():
    """From a point, v_k = v_inf (1 - (1 - eta lambda)^(2k))."""
    final = final_states("langevin", 1.0, 0.1, 1.0, 5, 0)
    limit = 2 / (2 - 0.1)
    assert fits(final, limit * (1 - 0.9**10))
    assert not fits(final, limit)


def test_detailed_balance_of_mala():
    """pi(x) q(y | x) a(x, y) = pi(y) q(x | y) a(y, x) at arbitrary points, and not where q is left out."""
    oracle = nc.compile(nc.load("himmelblau"))
    x1, shift = np.random.default_rng(0).uniform(-4, 4, (2, 50, 2))
    y1 = x1 + 0.1 * shift
    eta, beta = 0.01, 0.7
    f, g = oracle.value_and_gradient(x1)
    f_y, g_y = oracle.value_and_gradient(y1)
    mean, mean_y = x1 - eta * g, y1 - eta * g_y

    def log_flow(f, mean, y, ratio):
        log_q = -beta / (4 * eta) * ((y - mean) ** 2).sum(axis=1)
        return -beta * f + log_q + np.minimum(0, ratio)

    forth = log_flow(f, mean, y1, log_ratio(x1, f, mean, y1, f_y, mean_y, eta, beta))
    back = log_flow(f_y, mean_y, x1, log_ratio(y1, f_y, mean_y, x1, f, mean, eta, beta))
    np.testing.assert_allclose(forth, back, rtol=1e-9)
    symmetric = beta * (f - f_y)
    wrong = log_flow(f, mean, y1, symmetric) - log_flow(f_y, mean_y, x1, -symmetric)
    assert np.abs(wrong).max() > 0.1


def test_mala_samples_a_box():
    """Uniform on [0, 1] where f is constant: variance 1/12; reflection by ULA gives the same."""
    for solver in ("mala", "langevin"):
        problem = nc.Problem(0 * x, variables=[x], bounds={x: (0, 1)}, start={x: 0.5})
        options = {"step_size": 0.05, "chains": 4000, "thin": 60}
        result = nc.solve(problem, solver, options=options, max_iterations=60)
        final = result.samples[-1, :, 0]
        assert ((final >= 0) & (final <= 1)).all()
        assert abs(final.mean() - 0.5) < 5 * np.sqrt(1 / 12 / 4000)
        assert abs(final.var() * 12 - 1) < 5 * np.sqrt(0.8 / 4000), "the variance of a uniform law"


def test_reflection_folds_as_often_as_needed():
    lower, upper = np.array([0.0, 1.0, -np.inf, -np.inf]), np.array([1.0, np.inf, 2.0, np.inf])
    points = np.array([[-0.25, 0.0, 3.0, 7.0], [2.25, 1.5, 1.0, -7.0], [-3.25, -2.0, 2.0, 0.0]])
    expected = [[0.25, 2.0, 1.0, 7.0], [0.25, 1.5, 1.0, -7.0], [0.75, 4.0, 2.0, 0.0]]
    np.testing.assert_allclose(reflected(points, lower, upper), expected)
    assert reflected(points, None, None) is points


# -- steps, batches and schedules --------------------------------------------------------------------------------------


def test_ten_thousand_chains_advance_in_one_array_step():
    problem = nc.load("mueller-brown")
    options = {"chains": 10_000, "inverse_temperature": 0.05}
    result = nc.solve(problem, "langevin", options=options, max_iterations=5)
    assert result.samples.shape == (5, 10_000, 2)
    assert result.x.shape == (2,)
    assert result.evaluations["gradient"] == 60_000
    assert result.objective <= result.trace.objective.min() + 1e-9


def test_the_langevin_step():
    problem = nc.load("himmelblau")
    oracle = nc.compile(problem)
    options = {"step_size": 1e-3, "inverse_temperature": 2.0, "chains": 3}
    result = nc.solve(problem, "langevin", x0=[1.0, 1.0], options=options, max_iterations=1, seed=4)
    noise = np.random.default_rng(np.random.SeedSequence(4)).standard_normal((3, 2))
    expected = np.ones(2) - 1e-3 * oracle.gradient(np.ones(2)) + np.sqrt(1e-3) * noise
    np.testing.assert_allclose(result.samples[0], expected, rtol=1e-14)


def test_the_schedules_of_sgld():
    solver = SGLD(step_size=0.1, decay=0.55, offset=10, annealing="linear", annealing_rate=0.5, inverse_temperature=2)
    a = 0.1 * 10**0.55
    assert solver.step_size_at(7, 0.1) == pytest.approx(a * 17**-0.55)
    assert solver.inverse_temperature_at(4) == pytest.approx(6)
    grows = {
        name: SGLD(annealing=name).inverse_temperature_at(10_000) for name in ("none", "logarithmic", "exponential")
    }
    assert grows["none"] == 1
    assert grows["logarithmic"] == pytest.approx(np.log(np.e + 100))
    assert grows["exponential"] == pytest.approx(np.exp(100))


def mean_problem(rows: int = 30) -> nc.Problem:
    a, i = sp.IndexedBase("a", shape=(rows,)), sp.Symbol("i", integer=True)
    data = np.random.default_rng(0).normal(1, 2, rows)
    return nc.Problem(sp.Sum((x - a[i]) ** 2, (i, 0, rows - 1)) / 2, data={a: data}, samples=i, start={x: 0})


def test_batches_give_unbiased_gradients_and_cost_their_share():
    problem = mean_problem()
    oracle, options = nc.compile(problem), {"batch_size": 3, "chains": 2, "step_size": 1e-3}
    solver = SGLD(**options)
    estimates = [
        solver.step(oracle, solver.init(oracle, np.zeros(1), rng), rng).gradients
        - oracle.gradient(solver.step(oracle, solver.init(oracle, np.zeros(1), rng), rng).chains)
        for rng in map(np.random.default_rng, range(50))
    ]
    spread = np.std(estimates) / np.sqrt(len(estimates))
    assert abs(np.mean(estimates)) < 6 * spread
    result = nc.solve(problem, "sgld", options=options, max_iterations=100)
    assert result.trace.evaluations[-1] < 2 + 100 * 2 * 0.1 + 100 / 10 + 2


def test_annealed_sgld_finds_the_deepest_valley():
    problem = nc.load("six-hump-camel")
    options = {"inverse_temperature": 0.2, "annealing": "linear", "annealing_rate": 0.1, "chains": 20, "decay": 0.0}
    result = nc.solve(problem, "sgld", options=options | {"step_size": 1e-3}, max_iterations=2000)
    assert result.objective < problem.constants["minimum"] + 1e-2
    assert result.trace.mean_objective[-1] < problem.constants["minimum"] + 1.0


# -- samples -----------------------------------------------------------------------------------------------------------


def test_a_sampler_does_not_converge():
    """Not even where it starts at a minimum with a gradient of 0, nor for want of progress."""
    problem = nc.Problem(x**2, start={x: 0})
    result = nc.solve(problem, "mala", options={"chains": 2, "inverse_temperature": 1e12}, max_iterations=300)
    assert result.status is nc.Status.ITERATIONS
    assert result.iterations == 300
    assert not result.hints
    assert nc.solve(problem, "langevin", target=1.0).status is nc.Status.TARGET


def test_burn_in_and_thinning():
    problem = nc.Problem(x**2, start={x: 1})
    every = nc.solve(problem, "langevin", max_iterations=50).samples
    some = nc.solve(problem, "langevin", options={"burn_in": 20, "thin": 10}, max_iterations=50).samples
    np.testing.assert_array_equal(some, every[[29, 39, 49]])
    assert every.shape == (50, 4, 1)
    with pytest.raises(ValueError, match="read-only"):
        some[:] = 0


def test_scattered_starts():
    problem = nc.Problem(x**2, start={x: 1}, bounds={x: (-3, 3)})
    result = nc.solve(problem, "langevin", options={"scattered": True, "step_size": 1e-12}, max_iterations=1)
    assert result.samples[0, 0, 0] == pytest.approx(1, abs=1e-4)
    assert np.ptp(result.samples[0]) > 0.5


@pytest.mark.parametrize(
    ("solver", "options", "text"),
    [
        ("langevin", {"step_size": 0}, r"'step_size' of solver 'langevin' must be above 0, but it is 0"),
        ("mala", {"chains": 0}, r"'chains' of solver 'mala' must be at least 1, but it is 0"),
        ("langevin", {"inverse_temperature": 0}, r"must be above 0, but it is 0"),
        ("langevin", {"burn_in": 100}, r"'burn_in' .* is 100, but the run ends after 100 iterations: nothing would"),
        ("sgld", {"batch_size": 5}, r"needs a finite sum, which problem 'problem' does not have. Leave batch_size"),
        ("sgld", {"annealing": "lineal"}, r"Did you mean 'linear'\?"),
    ],
)
def test_bad_options_are_refused_before_the_run(solver, options, text):
    with pytest.raises(OptionError, match=text):
        nc.solve(nc.Problem(x**2, start={x: 1}), solver, options=options, max_iterations=100)


def test_a_batch_larger_than_the_sum_is_refused():
    with pytest.raises(OptionError, match=r"must be at most 30, the rows of the finite sum of .*, but it is 31"):
        nc.solve(mean_problem(), "sgld", options={"batch_size": 31})


def test_divergence_says_so():
    result = nc.solve(nc.Problem(x**4, start={x: 10.0}), "langevin", options={"step_size": 0.1})
    assert result.status is nc.Status.NONFINITE
    assert "too long for the curvature met" in result.hints[0]
    assert np.isfinite(result.objective)
