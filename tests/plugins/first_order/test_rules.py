"""Schedules, line searches, mini-batches: each does what its formula says, and refuses what it cannot do."""

from __future__ import annotations

import math

import numpy as np
import pytest
import sympy as sp

import ncsolve as nc
from ncsolve.hooks import registry
from ncsolve.solving import configure
from ncsolve.testing import problems
from ncsolve_first_order.mini_batch import MiniBatches, blocks_of, importance
from ncsolve_first_order.schedule import Scheduled

x, y = sp.symbols("x y")
QUADRATIC = nc.Problem(5 * x**2 + y**2, start={x: 1, y: 1}, constants={"minimum": 0.0})  # curvatures 10 and 2
VALLEY = nc.Problem((1 - x) ** 2 + 100 * (y - x**2) ** 2, start={x: -1.2, y: 1}, constants={"minimum": 0.0})
SEARCHES = ("armijo", "wolfe", "exact", "polyak", "barzilai-borwein")


def table(scale=1, N=12):
    """scale * mean of (a x - b)^2 over 12 rows of data, + x^2: with and without the 1/N a sum or a mean."""
    rng = np.random.default_rng(0)
    a, b, i = sp.IndexedBase("a", shape=(N,)), sp.IndexedBase("b", shape=(N,)), sp.Symbol("i", integer=True)
    data = {a: rng.normal(size=N) + 1, b: rng.normal(size=N)}
    return nc.Problem(scale * sp.Sum((a[i] * x - b[i]) ** 2, (i, 0, N - 1)) / N + x**2, data=data, start={x: 3.0})


# -- schedules ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("schedule", "factors"),
    [
        ("constant", lambda k: 1),
        ("1/k", lambda k: 1 / (1 + k / 20)),
        ("1/sqrt(k)", lambda k: 1 / math.sqrt(1 + k / 20)),
        ("cosine", lambda k: (1 + math.cos(math.pi * min(k / 20, 1))) / 2),
    ],
)
def test_the_step_sizes_of_a_run_follow_the_schedule(schedule, factors):
    options = {"step_size": 0.05, "schedule": schedule, "schedule_steps": 20, "warm_up": 4}
    trace = nc.solve(QUADRATIC, "gd", options=options, max_iterations=15).trace
    expected = [0.05 * factors(k) * min(1, (k + 1) / 4) for k in range(15)]
    np.testing.assert_allclose(trace.step_size[1:], expected, rtol=1e-15)
    moved = np.diff(trace.x[:, 0])
    np.testing.assert_allclose(moved, -trace.step_size[1:] * 10 * trace.x[:-1, 0], atol=1e-15)


def test_a_cosine_ends_the_run_where_it_ends():
    options = {"step_size": 1e-3, "schedule": "cosine", "schedule_steps": 30}
    result = nc.solve(VALLEY, "gd", options=options)
    assert result.status is nc.Status.STALLED
    assert result.iterations == 31


def test_without_schedule_steps_the_names_are_the_formulas():
    assert [Scheduled(schedule="1/k").factor(k) for k in range(4)] == [1, 1 / 2, 1 / 3, 1 / 4]
    assert Scheduled(schedule="1/sqrt(k)").factor(3) == 1 / 2
    assert Scheduled(schedule="cosine").factor(1000) == 0


def test_mini_batches_follow_the_schedule_by_updates():
    """1/k on the mean of (x - a)^2 / 2 with eta = 1 and batches of one row is the running mean of the rows."""
    a, i = sp.IndexedBase("a", shape=(7,)), sp.Symbol("i", integer=True)
    rows = np.random.default_rng(5).normal(size=7)
    problem = nc.Problem(sp.Sum((x - a[i]) ** 2, (i, 0, 6)) / 14, data={a: rows}, start={x: 9.0})
    options = {"batch_size": 1, "step_size": 1.0, "schedule": "1/k"}
    result = nc.solve(problem, "sgd", options=options, max_iterations=3)
    np.testing.assert_allclose(result.trace.x[1:, 0], rows.mean(), rtol=1e-14)


# -- line searches -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rule", SEARCHES)
@pytest.mark.parametrize("solver", ["gd", "momentum", "aggmo", "adam", "rmsprop", "adagrad"])
def test_rules_and_directions_compose(solver, rule):
    result = nc.solve(QUADRATIC, solver, options={"line_search": rule}, max_iterations=3000)
    assert result.objective < 1e-9, result


def test_exact_search_attains_its_worst_case():
    """f falls by exactly ((L - mu) / (L + mu))^2 from (1/mu, 1/L). [de Klerk, Glineur & Taylor 2017, Thm 1.2]"""
    trace = nc.solve(QUADRATIC, "gd", x0=[1 / 10, 1 / 2], options={"line_search": "exact"}, max_iterations=10).trace
    np.testing.assert_allclose(trace.objective[1:] / trace.objective[:-1], (8 / 12) ** 2, rtol=1e-9)


def test_wolfe_conditions_hold_in_every_step():
    trace = nc.solve(VALLEY, "gd", options={"line_search": "wolfe"}, max_iterations=30).trace
    oracle = nc.compile(VALLEY)
    for before, after in zip(trace.x[:-1], trace.x[1:], strict=True):
        d, g, f = after - before, oracle.gradient(before), oracle.value(before)
        np.testing.assert_allclose(d[0] * g[1], d[1] * g[0], rtol=1e-6, atol=1e-12)  # along -g
        assert oracle.value(after) <= f + 1e-4 * g @ d
        assert abs(oracle.gradient(after) @ d) <= 0.9 * abs(g @ d) * (1 + 1e-9)


def test_the_polyak_step_comes_nearer_by_what_its_theorem_says():
    """|x+ - x*|^2 <= |x - x*|^2 - (f - f*)^2 / |g|^2 on convex f [Polyak 1969], with equality for f = |x|."""
    trace = nc.solve(QUADRATIC, "gd", options={"line_search": "polyak"}, max_iterations=20).trace
    g = np.array([10, 2]) * trace.x
    far = (trace.x**2).sum(axis=1)
    assert (far[1:] <= far[:-1] - (trace.objective**2 / (g**2).sum(axis=1))[:-1] + 1e-15).all()
    np.testing.assert_allclose(trace.step_size[1:], (trace.objective / (g**2).sum(axis=1))[:-1], rtol=1e-12)
    cone = nc.Problem(sp.sqrt(x**2 + y**2), start={x: 3, y: 4}, constants={"minimum": 0.0})
    one = nc.solve(cone, "gd", options={"line_search": "polyak"}, max_iterations=1, escape=False)
    np.testing.assert_allclose(one.trace.x[1], 0, atol=1e-15)


def test_barzilai_borwein_steps_are_inverse_rayleigh_quotients():
    trace = nc.solve(QUADRATIC, "gd", options={"line_search": "barzilai-borwein"}, max_iterations=8).trace
    s = np.diff(trace.x, axis=0)
    quotients = (s**2).sum(axis=1) / (s * s * [10, 2]).sum(axis=1)
    np.testing.assert_allclose(trace.step_size[1:], quotients, rtol=1e-9)
    assert nc.solve(VALLEY, "gd", options={"line_search": "barzilai-borwein"}).iterations < 500


def test_searches_work_along_the_projected_path():
    box = problems.box()
    for rule in ("armijo", "wolfe", "exact", "barzilai-borwein"):
        result = nc.solve(box, "momentum", options={"line_search": rule})
        np.testing.assert_allclose(result.x, [0.5, 0], atol=1e-6)


# -- acceleration ------------------------------------------------------------------------------------------------------


def test_the_accelerated_bounds_of_nesterov():
    """f(z_k) - f* <= 2 L |x0 - x*|^2 / (k + 1)^2 [Beck & Teboulle 2009], and (1 - sqrt(m/L))^k with m known."""
    curvatures = np.geomspace(1e-4, 1, 30)
    c, v, j = sp.IndexedBase("c", shape=(30,)), sp.IndexedBase("v", shape=(30,)), sp.Symbol("j", integer=True)
    objective = sp.Sum(c[j] * v[j] ** 2, (j, 0, 29)) / 2
    start = np.random.default_rng(0).normal(size=30) / np.sqrt(curvatures)
    problem = nc.Problem(objective, data={c: curvatures}, start={v: start}, constants={"smoothness": 1.0})
    oracle, z = nc.compile(problem), []

    def main(look):  # z of this iteration: a gradient step from y
        z.append(oracle.value(look.x - oracle.gradient(look.x)))

    nc.solve(problem, "nag", options={"restart": False}, max_iterations=400, callbacks=[main])
    k = np.arange(1, len(z) + 1)
    assert (np.array(z) <= 2 * (start**2).sum() / (k + 1) ** 2).all()
    assert z[-1] > 1e-3 * 2 * (start**2).sum() / 401**2, "the bound is not idle"
    z.clear()
    nc.solve(problem, "nag", options={"restart": False, "strong_convexity": 1e-4}, max_iterations=800, callbacks=[main])
    rate = (1 - 1e-2) ** np.arange(1, len(z) + 1)
    assert (np.array(z) <= rate * (oracle.value(start) + 1e-4 / 2 * (start**2).sum())).all()


def test_adaptive_restart_repairs_too_much_momentum():
    options = {"step_size": 0.1, "momentum": 0.99}
    kept = nc.solve(QUADRATIC, "nag", options={**options, "restart": False})
    dropped = nc.solve(QUADRATIC, "nag", options=options)
    assert dropped.iterations < kept.iterations / 3


def test_adagrad_norm_bounds_the_sum_of_all_squared_gradients():
    """sum |g|^2 <= 4 D^2 / eta^2 + 2 b0 D / eta with b0 >= eta L, for any eta. [Ward, Wu & Bottou 2019, Thm 2.2]"""
    problem = nc.Problem(x**2 + 3 * sp.sin(x) ** 2, start={x: 4})  # L = 8
    for eta in (0.01, 1.0, 10.0):
        options = {"step_size": eta, "norm": True, "initial_accumulator": (8 * eta) ** 2, "epsilon": 0}
        trace = nc.solve(problem, "adagrad", options=options, max_iterations=2000).trace
        D = trace.objective[0]
        assert (trace.gradient_norm**2).sum() <= 4 * D**2 / eta**2 + 2 * 8 * D


def test_adam_never_moves_further_than_its_bound():
    trace = nc.solve(VALLEY, "adam", options={"step_size": 0.01}, max_iterations=1000).trace
    assert np.abs(np.diff(trace.x, axis=0)).max() <= 0.01 * 0.1 / math.sqrt(0.001 * (1 - 0.81 / 0.999))


def test_lookahead_goes_half_of_the_way():
    """Around gd with k = 1 it is gd with half of the step."""
    options = {"inner": "gd", "inner_options": "step_size=0.1", "inner_steps": 1}
    ahead = nc.solve(QUADRATIC, "lookahead", options=options, max_iterations=20).trace.x
    half = nc.solve(QUADRATIC, "gd", options={"step_size": 0.05}, max_iterations=20).trace.x
    np.testing.assert_allclose(ahead, half, rtol=1e-12)
    assert nc.solve(VALLEY, "lookahead", options={"inner": "lbfgs"}).success


# -- mini-batches ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scale", [1, 12, 1e3])
@pytest.mark.parametrize("sampling", ["uniform", "shuffle", "importance", "curvature"])
def test_estimates_are_unbiased_for_sums_and_for_means(sampling, scale):
    """Averaged exactly over the batches that can be drawn, each weighted by its probability."""
    problem = table(scale)
    oracle, at, rng = nc.compile(problem), np.array([1.7]), np.random.default_rng(1)
    g, N, B = oracle.row_gradient(), oracle.rows, 5
    batches = MiniBatches(batch_size=B, sampling=sampling)
    if batches.weighted:
        p = batches.batch_probabilities(oracle, at, rng)
        assert p.sum() == pytest.approx(1)
        mean = sum(q * g(at, rows, 1 / q) for q, rows in zip(p, blocks_of(N, B), strict=True))
        drawn = list(batches.batches(N, 0, p, rng))
        assert all(weight in 1 / p for _, weight in drawn)
    else:
        drawn = [pair for k in range(4000) for pair in batches.batches(N, k, None, rng)]
        mean = np.mean([g(at, rows, weight) for rows, weight in drawn], axis=0)
    rtol = 1e-12 if batches.weighted else 0.05
    np.testing.assert_allclose(mean, oracle.gradient(at), rtol=rtol)
    assert len(drawn[0][0]) in (B, N % B)


def test_shuffled_epochs_see_every_row_once():
    drawn = [rows for rows, _ in MiniBatches(batch_size=5).batches(12, 0, None, np.random.default_rng(0))]
    assert [len(rows) for rows in drawn] == [5, 5, 2]
    assert sorted(np.concatenate(drawn)) == list(range(12))


def test_the_batch_grows_to_the_whole_sum():
    trace = nc.solve(table(), "sgd", options={"batch_size": 2, "batch_growth": 1.5}, max_iterations=8).trace
    assert trace.batch_size.tolist() == [2, 3, 5, 7, 11, 12, 12, 12, 12]


def test_epochs_and_evaluations_count_rows():
    result = nc.solve(table(), "sgd", options={"batch_size": 4}, max_iterations=6, gradient_tolerance=0)
    np.testing.assert_allclose(result.trace.epochs, range(7))
    points = np.diff(result.trace.evaluations)
    assert (points == 2).all(), "an epoch of rows and one look of the core"


def test_inner_steps_are_the_mini_batches_of_an_iteration():
    result = nc.solve(table(), "sgd", options={"batch_size": 4, "inner_steps": 10}, max_iterations=1)
    np.testing.assert_allclose(result.trace.epochs, [0, 40 / 12])


def test_importance_follows_the_curvature_of_the_rows():
    """Rows with a^2 = 100 and 1: their sums have curvatures 100 : 1; half of the probability is uniform."""
    a, i = sp.IndexedBase("a", shape=(2,)), sp.Symbol("i", integer=True)
    problem = nc.Problem(sp.Sum((a[i] * x - 1) ** 2, (i, 0, 1)), data={a: [10.0, 1.0]}, start={x: 0})
    p = importance(nc.compile(problem), np.zeros(1), 1, np.random.default_rng(0))
    np.testing.assert_allclose(p, [0.25 + 50 / 101, 0.25 + 0.5 / 101])


def test_by_curvature_alone_single_rows_of_least_squares_are_kaczmarz():
    """Each update solves one equation: x+ = x - a_i (a_i'x - b_i) / |a_i|^2, rows drawn as |a_i|^2."""
    A, b = sp.IndexedBase("A", shape=(3, 2)), sp.IndexedBase("b", shape=(3,))
    z, i, j = sp.IndexedBase("z", shape=(2,)), *sp.symbols("i j", integer=True)
    rows, right = np.array([[3.0, 0.0], [0.5, 1.0], [-1.0, 2.0]]), np.array([1.0, 2.0, -1.0])
    f = sp.Sum((sp.Sum(A[i, j] * z[j], (j, 0, 1)) - b[i]) ** 2, (i, 0, 2)) / 2
    oracle = nc.compile(nc.Problem(f, data={A: rows, b: right}, start={z: 1.0}))
    step = 1 / (rows**2).sum()
    options = {"batch_size": 1, "sampling": "curvature", "inner_steps": 1, "step_size": step}
    solver = configure(registry().solver("sgd"), options)
    rng = np.random.default_rng(0)
    state = solver.init(oracle, np.ones(2), rng)
    np.testing.assert_allclose(state.probabilities, (rows**2).sum(axis=1) / (rows**2).sum())
    met = {int(np.abs(rows @ solver.step(oracle, state, rng).x - right).argmin()) for _ in range(50)}
    assert met == {0, 1, 2}
    for _ in range(20):
        state = solver.step(oracle, state, rng)
        assert np.abs(rows @ state.x - right).min() <= 1e-12


def test_rows_without_curvature_need_some_uniform_draws():
    a, i = sp.IndexedBase("a", shape=(2,)), sp.Symbol("i", integer=True)
    problem = nc.Problem(sp.Sum(a[i] * x**2 + x, (i, 0, 1)), data={a: [1.0, 0.0]}, start={x: 1})
    options = {"batch_size": 1, "step_size": 0.1, "sampling": "curvature"}
    with pytest.raises(nc.NcsolveError, match="rows without curvature, which sampling = curvature would never draw"):
        nc.solve(problem, "sgd", options=options)


@pytest.mark.parametrize("solver", ["svrg", "saga"])
def test_variance_reduction_converges_where_sgd_stays_in_its_ball(solver):
    """The same constant step: the variance of sgd leaves a ball, eta L sigma^2 / (2 mu)."""
    options = {"batch_size": 1, "step_size": 0.05}
    reduced = nc.solve(table(), solver, options=options, max_iterations=200)
    assert reduced.status is nc.Status.CONVERGED
    noisy = nc.solve(table(), "sgd", options=options, max_iterations=200)
    assert noisy.gradient_norm > 1e3 * reduced.gradient_norm


def test_svrg_falls_as_its_theorem_says():
    """In expectation by a = 1 / (mu eta (1 - 2 L eta) m) + 2 L eta / (1 - 2 L eta). [Johnson & Zhang 2013, Thm 1]"""
    rng = np.random.default_rng(3)
    N, d = 50, 3
    A, b, w = sp.IndexedBase("A", shape=(N, d)), sp.IndexedBase("b", shape=(N,)), sp.IndexedBase("w", shape=(d,))
    i, j = sp.symbols("i j", integer=True)
    data = {A: rng.normal(size=(N, d)), b: rng.normal(size=N)}
    terms = sp.Sum((sp.Sum(A[i, j] * w[j], (j, 0, d - 1)) - b[i]) ** 2, (i, 0, N - 1)) / (2 * N)
    problem = nc.Problem(terms + sp.Sum(w[j] ** 2, (j, 0, d - 1)) / 20, data=data, samples=i, start={w: 5.0})
    L = (data[A] ** 2).sum(axis=1).max() + 0.1
    mu = np.linalg.eigvalsh(data[A].T @ data[A] / N)[0] + 0.1
    eta, m = 0.1 / L, math.ceil(50 * L / mu)
    a = 1 / (mu * eta * (1 - 2 * L * eta) * m) + 2 * L * eta / (1 - 2 * L * eta)
    least = nc.solve(problem, "lbfgs", gradient_tolerance=1e-12).objective
    options = {"batch_size": 1, "step_size": eta, "inner_steps": m, "snapshot": "random"}
    runs = [nc.solve(problem, "svrg", seed=seed, options=options, max_iterations=3) for seed in range(5)]
    gaps = np.mean([run.trace.objective - least for run in runs], axis=0)
    assert a < 0.6
    assert (gaps[1:] <= a * gaps[:-1]).all()


# -- divergence --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("solver", "options", "limit"),
    [
        ("gd", {}, 0.2),
        ("momentum", {"momentum": 0.9}, 0.38),
        ("nag", {"momentum": 0.9, "restart": False}, 3.8 / 2.8 / 10),
    ],
)
def test_divergence_keeps_the_best_point_and_names_the_longest_step(solver, options, limit):
    long = nc.solve(QUADRATIC, solver, options={"step_size": 1.01 * limit, **options})
    assert long.status in (nc.Status.STALLED, nc.Status.NONFINITE)
    assert long.objective == long.trace.objective.min()
    assert f"= {limit:.3g}" in long.hints[0]
    assert nc.solve(QUADRATIC, solver, options={"step_size": 0.97 * limit, **options}).success


# -- bad input ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("solver", "options", "message"),
    [
        ("gd", {"step_size": 0}, "Option 'step_size' of solver 'gd' must be above 0, but it is 0"),
        ("adam", {"step_size": -1}, "must be above 0"),
        ("adam", {"beta1": 1.0}, "Option 'beta1' of solver 'adam' must be at least 0, below 1, but it is 1"),
        ("momentum", {"momentum": -0.1}, "must be at least 0, below 1"),
        ("adam", {"batch_size": 13}, "'batch_size' of solver 'adam' must be at most 12, the rows of the finite sum"),
        ("svrg", {"batch_size": 13}, "'batch_size' of solver 'svrg' must be at most 12"),
        ("gd", {"batch_size": 4}, "with mini-batches needs a step_size: only 'sgd' estimates one"),
        ("adam", {"batch_size": 4, "line_search": "armijo"}, "leave out line_search or batch_size"),
        ("sgd", {"sampling": "importance", "batch_growth": 2}, "batches drawn by importance are fixed"),
        ("sgd", {"sampling": "curvature", "batch_growth": 2}, "batches drawn by curvature are fixed"),
        ("gd", {"schedule": "cosine"}, "cannot follow a schedule"),
        ("adam", {"schedule": "cosine", "line_search": "wolfe"}, "cannot follow a schedule"),
        ("gd", {"line_search": "polyak"}, "needs the minimal value, which problem 'problem' does not declare"),
        ("lookahead", {"inner": "auto"}, "cannot run around 'auto'"),
        ("lookahead", {"inner": "adan"}, "Did you mean 'adam'"),
        ("lookahead", {"inner_options": "beta1"}, "must be like \"step_size=0.01 beta1=0.8\", not 'beta1'"),
        ("lookahead", {"inner_options": "beta_1=0.8"}, "Did you mean 'beta1'"),
    ],
)
def test_bad_options_are_refused_before_the_run(solver, options, message):
    with pytest.raises(nc.NcsolveError, match=message):
        nc.solve(table(), solver, options=options)


@pytest.mark.parametrize("solver", ["sgd", "svrg", "saga", "adam"])
def test_a_problem_without_a_finite_sum_is_refused(solver):
    with pytest.raises(nc.NcsolveError, match="needs a finite sum, which problem 'problem' does not have"):
        nc.solve(VALLEY, solver, options={"batch_size": 4})


def test_small_batches_of_a_large_sum_do_not_repay_a_compilation():
    """The estimate of what NumPy costs is that of the rows, not of the whole sum."""
    pytest.importorskip("numba")
    N = 1_000_000
    a, i = sp.IndexedBase("a", shape=(N,)), sp.Symbol("i", integer=True)
    problem = nc.Problem(sp.Sum((a[i] * x - 1) ** 2, (i, 0, N - 1)) / N, data={a: np.ones(N)}, start={x: 0})
    oracle = nc.compile(problem, "auto")
    gradient = oracle.row_gradient()
    for k in range(500):
        gradient(np.zeros(1), np.arange(k, k + 8))
    assert "native" not in vars(oracle.evaluator)


def test_rows_of_wide_tables_are_the_same_in_native_code():
    """They are asked for some turns ahead, which must not change them."""
    pytest.importorskip("numba")
    rng = np.random.default_rng(0)
    a, w = sp.IndexedBase("a", shape=(30, 11)), sp.IndexedBase("w", shape=(11,))
    i, j = sp.symbols("i j", integer=True)
    f = sp.Sum(sp.log(1 + sp.exp(sp.Sum(a[i, j] * w[j], (j, 0, 10)))), (i, 0, 29))
    problem = nc.Problem(f, data={a: rng.normal(size=(30, 11))}, samples=i)
    native, plain, at = nc.compile(problem, "numba"), nc.compile(problem, "numpy"), rng.normal(size=11)
    for rows in ([29], [3, 3, 0], rng.integers(30, size=13)):
        np.testing.assert_allclose(native.gradient(at, rows), plain.gradient(at, rows), rtol=1e-12)
    assert "prefetch" in native.evaluator.native.sources["gradient_rows"]
