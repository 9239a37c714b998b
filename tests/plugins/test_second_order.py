"""The parts of the second-order solvers do what their theorems promise."""

from __future__ import annotations

import math

import numpy as np
import pytest
import sympy as sp

import ncsolve as nc
from ncsolve_second_order.faces import minimise_in_box
from ncsolve_second_order.lbfgs import two_loop
from ncsolve_second_order.line_search import ARMIJO, CURVATURE, Trial, strong_wolfe
from ncsolve_second_order.paths import inside, norm
from ncsolve_second_order.subproblem import Model

x, y = sp.symbols("x y")


# -- the subproblem ----------------------------------------------------------------------------------------------------


def random_model(rng, kind, n):
    V = np.linalg.qr(rng.standard_normal((n, n)))[0]
    w = np.sort(rng.standard_normal(n))
    if kind == "definite":
        w = np.abs(w) + 0.1
    elif kind == "singular":
        w = np.maximum(w, 0.0)
        w[0] = 0.0
    elif kind == "twofold":
        w[: n // 2 + 1] = w[0] - 1
    g = rng.standard_normal(n)
    if kind == "hard":
        w[0] -= 1
        g -= V[:, 0] * (V[:, 0] @ g)
    if kind == "nearly-hard":
        w[0] -= 1
        g -= V[:, 0] * (V[:, 0] @ g) * (1 - 1e-10)
    return g, V @ np.diag(w) @ V.T


@pytest.mark.parametrize("kind", ["indefinite", "definite", "singular", "twofold", "hard", "nearly-hard"])
@pytest.mark.parametrize("n", [1, 2, 3, 10, 80])
def test_the_minimiser_fulfils_the_optimality_conditions(kind, n):
    """(H + lambda I) p = -g, H + lambda I >= 0, lambda >= 0, lambda (Delta - |p|) = 0 [More & Sorensen 1983]."""
    rng = np.random.default_rng([n, len(kind)])
    for radius in (1e-3, 0.7, 30.0, 1e6):
        g, H = random_model(rng, kind, n)
        H = (H + H.T) / 2
        p, on_boundary = Model(g, H).minimise(radius)
        size = np.linalg.norm(p)
        assert size <= radius * (1 + 1e-12)
        multiplier = -(p @ (H @ p + g)) / size**2 if size > 0 else 0.0
        scale = np.abs(g).max() + np.abs(H).max() * size
        np.testing.assert_allclose(H @ p + multiplier * p, -g, atol=1e-9 * scale)
        assert multiplier >= -1e-9 * scale / max(size, 1)
        assert np.linalg.eigvalsh(H)[0] + multiplier >= -1e-8
        if on_boundary:
            assert size == pytest.approx(radius, rel=1e-10)


def test_no_sampled_point_of_the_ball_is_lower():
    rng = np.random.default_rng(0)
    for kind in ("indefinite", "hard", "twofold"):
        for n in (2, 3):
            g, H = random_model(rng, kind, n)
            model = Model(g, H)
            p, _ = model.minimise(2.0)
            trials = rng.standard_normal((5000, n))
            trials *= (2.0 * rng.random(5000) ** (1 / n) / np.linalg.norm(trials, axis=1))[:, None]
            assert model.value(p) <= min(model.value(trial) for trial in trials) + 1e-12


def test_at_a_saddle_the_step_follows_the_lowest_eigenvector():
    p, on_boundary = Model(np.zeros(2), np.diag([1.0, -2.0])).minimise(0.5)
    assert np.abs(p).tolist() == [0, 0.5]
    assert on_boundary


@pytest.mark.parametrize("scale", [1e-300, 1e-10, 1e10, 1e300])
def test_the_scale_of_the_objective_does_not_matter(scale):
    g, H = random_model(np.random.default_rng(1), "indefinite", 4)
    reference, _ = Model(g, H).minimise(1.0)
    np.testing.assert_allclose(Model(scale * g, scale * H).minimise(1.0)[0], reference, rtol=1e-10)


@pytest.mark.parametrize("radius", [1e-160, 1e-307])
def test_a_tiny_radius_is_no_overflow(radius):
    p, on_boundary = Model(np.array([3.0, 4.0]), np.diag([2.0, -1.0])).minimise(radius)
    np.testing.assert_allclose(p / radius, [-0.6, -0.8], rtol=1e-12)
    assert on_boundary


def test_a_trust_region_shrinks_towards_a_kink_at_zero():
    result = nc.solve(nc.Problem(x**2 + 3 * sp.Abs(x), start={x: 0.22651591}), "trust-region")
    assert result.error is None
    assert abs(result.x[0]) < 1e-9


def test_the_interior_step_is_newtons_by_either_factorisation():
    for n in (5, 100):
        g, H = random_model(np.random.default_rng(2), "definite", n)
        p, on_boundary = Model(g, H).minimise(1e6)
        np.testing.assert_allclose(p, -np.linalg.solve(H, g), rtol=1e-8)
        assert not on_boundary


# -- the box -----------------------------------------------------------------------------------------------------------


def test_steps_stay_in_the_box_and_beat_random_points_of_the_convex_model():
    rng = np.random.default_rng(3)
    for _ in range(50):
        g, H = random_model(rng, "definite", 3)
        low, high = -rng.random(3) * (rng.random(3) < 0.7), rng.random(3)
        model = Model(g, H)
        p, _ = minimise_in_box(model, low, high, 10.0)
        assert ((p >= low) & (p <= high)).all()
        trials = low + (high - low) * rng.random((200, 3))
        assert model.value(p) <= 0.5 * min(0.0, min(model.value(trial) for trial in trials))


def test_the_model_falls_in_any_box():
    rng = np.random.default_rng(4)
    for kind in ("indefinite", "hard", "singular"):
        for _ in range(30):
            g, H = random_model(rng, kind, 4)
            low, high = -rng.random(4), rng.random(4)
            model = Model(g, H)
            p, _ = minimise_in_box(model, low, high, 0.5)
            assert ((p >= low) & (p <= high)).all()
            assert np.linalg.norm(p) <= 0.5 * (1 + 1e-12)
            assert model.value(p) < 0


def test_many_bounds_close_by_are_passed_at_the_cauchy_point():
    """Each face ends after a billionth of the way; twenty of them lead nowhere."""
    low = np.where(np.arange(40) < 30, -1e-9 * np.arange(1, 41), -10.0)
    model = Model(np.ones(40), 0.1 * np.eye(40))
    p, _ = minimise_in_box(model, low, np.full(40, 10.0), 10.0)
    assert (p >= low).all()
    assert model.value(p) < -10


# -- the line search ---------------------------------------------------------------------------------------------------

CURVES = {
    "parabola": (lambda t: (t - 3) ** 2, lambda t: 2 * (t - 3)),
    "flat then steep": (lambda t: -t / (t * t + 2), lambda t: (t * t - 2) / (t * t + 2) ** 2),
    "very short": (lambda t: (t - 1e-8) ** 2 * 1e16, lambda t: 2e16 * (t - 1e-8)),
    "very long": (lambda t: (t / 1e8 - 1) ** 2, lambda t: 2e-8 * (t / 1e8 - 1)),
    "wall": (
        lambda t: math.log(2 - t) - t if t < 2 else math.nan,
        lambda t: -1 / (2 - t) - 1 if t < 2 else math.nan,
    ),
    "barrier": (
        lambda t: -t - 0.01 * math.log(1 - t) if t < 1 else math.inf,
        lambda t: -1 + 0.01 / (1 - t) if t < 1 else math.nan,
    ),
    "huge": (lambda t: 1e300 * (t - 3) ** 2, lambda t: 2e300 * (t - 3)),
}


@pytest.mark.parametrize("name", [name for name in CURVES if name != "wall"])
@pytest.mark.parametrize("first", [1e-3, 1.0, 1e3])
def test_strong_wolfe_conditions_hold(name, first):
    f, slope = CURVES[name]
    start = Trial(0.0, f(0.0), slope(0.0), np.zeros(1), np.zeros(1))
    found = strong_wolfe(lambda t: Trial(t, f(t), slope(t), np.array([t]), np.zeros(1)), start, first)
    assert found is not None
    assert found.f <= start.f + ARMIJO * found.t * start.slope
    assert abs(found.slope) <= CURVATURE * abs(start.slope)


def test_a_search_before_a_wall_ends_in_front_of_it():
    f, slope = CURVES["wall"]
    start = Trial(0.0, f(0.0), slope(0.0), np.zeros(1), np.zeros(1))
    found = strong_wolfe(lambda t: Trial(t, f(t), slope(t), np.array([t]), np.zeros(1)), start, 100.0)
    assert found is not None
    assert 0 < found.t < 2
    assert found.f < start.f


def test_slopes_decide_where_rounding_hides_the_fall():
    def path(t):
        return Trial(t, 1e8 + round((t - 1) ** 2 * 1e-10, 8), 2e-10 * (t - 1), np.array([t]), np.zeros(1))

    found = strong_wolfe(path, path(0.0), 1.5)
    assert found is not None
    assert abs(found.slope) <= CURVATURE * 2e-10


# -- L-BFGS ------------------------------------------------------------------------------------------------------------


def test_the_two_loop_recursion_is_the_bfgs_matrix():
    rng = np.random.default_rng(5)
    n, m = 6, 4
    A = rng.standard_normal((n, n))
    A = A @ A.T + np.eye(n)
    s = tuple(rng.standard_normal(n) for _ in range(m))
    pairs = tuple(A @ u for u in s)
    H = np.eye(n) * (s[-1] @ pairs[-1]) / (pairs[-1] @ pairs[-1])
    for u, v in zip(s, pairs, strict=True):
        V = np.eye(n) - np.outer(u, v) / (u @ v)
        H = V @ H @ V.T + np.outer(u, u) / (u @ v)
    g = rng.standard_normal(n)
    np.testing.assert_allclose(two_loop(g, s, pairs, None), H @ g, rtol=1e-10)


def test_held_variables_keep_out_of_the_recursion():
    s, v, g = np.array([1.0, 2.0, 3.0]), np.array([2.0, 1.0, 4.0]), np.array([1.0, -1.0, 0.5])
    held = np.array([False, True, False])
    free = two_loop(g[~held], (s[~held],), (v[~held],), None)
    np.testing.assert_allclose(two_loop(g, (s,), (v,), held)[~held], free)


def test_a_path_along_a_bound_has_the_slope_of_what_still_moves():
    oracle = nc.compile(nc.Problem(x + y, bounds={x: (0, 1), y: (0, 1)}))
    for point, d, moving in [([0, 0], [-1, 1], [0, 1]), ([1, 1], [1, -1], [0, -1]), ([0.5, 0], [-1, -1], [-1, 0])]:
        assert inside(oracle, np.array(point, float), np.array(d, float)).tolist() == moving


@pytest.mark.parametrize("scale", [1e-320, 1e-200, 1.0, 1e200, 1e307])
def test_the_norm_neither_overflows_nor_underflows(scale):
    v = np.array([3.0, 4.0]) * scale
    with np.errstate(over="ignore"):  # as in a run
        assert norm(v) == pytest.approx(5 * scale, rel=1e-2)
    assert norm(np.zeros(2)) == 0


# -- whole runs --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("solver", ["lbfgs", "trust-region"])
@pytest.mark.parametrize("scale", [1e-200, 1e-10, 1e10, 1e200])
def test_runs_do_not_depend_on_the_scale_of_the_objective(solver, scale):
    f = (1 - x) ** 2 + 100 * (y - x**2) ** 2
    start = {x: -1.2, y: 1}
    reference = nc.solve(nc.Problem(f, start=start), solver, gradient_tolerance=1e-5)
    scaled = nc.solve(nc.Problem(sp.Float(scale) * f, start=start), solver, gradient_tolerance=1e-5 * scale)
    np.testing.assert_allclose(scaled.x, [1, 1], atol=1e-4)
    assert abs(scaled.iterations - reference.iterations) <= 10


def test_newton_converges_quadratically_at_the_end():
    result = nc.solve(nc.Problem(sp.exp(x) - 2 * x + y**2 + x * y / 4, start={x: 1, y: 1}), "trust-region")
    norms = result.trace.gradient_norm
    assert norms[-1] <= 10 * norms[-2] ** 2
    assert result.iterations <= 6


@pytest.mark.parametrize("solver", ["lbfgs", "trust-region"])
def test_many_bounds_are_met_in_few_steps(solver):
    n = 40
    v, a, i = sp.IndexedBase("v", shape=(n,)), sp.IndexedBase("a", shape=(n,)), sp.Symbol("i", integer=True)
    target = np.linspace(-3, 3, n)
    problem = nc.Problem(
        sp.Sum((v[i] - a[i]) ** 2 + (v[i] - a[i]) ** 4, (i, 0, n - 1)),
        data={a: target},
        bounds={v: (-1, 1)},
        start={v: 0.0},
    )
    result = nc.solve(problem, solver)
    assert result.success
    np.testing.assert_allclose(result.x, np.clip(target, -1, 1), atol=1e-4)
    assert result.iterations <= 25


def test_a_hessian_that_is_not_finite_is_no_end():
    problem = nc.Problem(sp.Abs(x) ** sp.Rational(3, 2) + (y - 1) ** 2, start={x: 0, y: 3})
    result = nc.solve(problem, "trust-region")
    assert result.objective < 1e-8
