"""Section by section of the theory: each inequality holds at every iterate, and its negative control breaks it."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
import sympy as sp

import ncsolve as nc
from ncsolve.solving import configure
from ncsolve_second_order.arc import ARC
from ncsolve_second_order.bfgs import BFGS, updated
from ncsolve_second_order.cubic import Cubic
from ncsolve_second_order.hessian_free import conjugate_gradients
from ncsolve_second_order.krylov import KrylovModel
from ncsolve_second_order.newton import Newton, newton_direction
from ncsolve_second_order.regularized_newton import RegularizedNewton
from ncsolve_second_order.subproblem import Model

x = sp.Symbol("x")
N = 6
LIPSCHITZ = 12.0
"""Of the Hessian of the rotated sum of p(t) = t^2 + 3 sin^2 t: sup |p'''| = 12."""
ROUNDING = 1e-9


def rotated(start=2.0):
    """sum_i p((Qz)_i), Q orthogonal: non-convex, minimum 0 at 0, the Hessian 12-Lipschitz."""
    Q = np.linalg.qr(np.random.default_rng(1).standard_normal((N, N)))[0]
    z, A, i, j = sp.IndexedBase("z", shape=(N,)), sp.IndexedBase("A", shape=(N, N)), *sp.symbols("i j", integer=True)
    t = sp.Sum(A[i, j] * z[j], (j, 0, N - 1))
    f = sp.Sum(t**2 + 3 * sp.sin(t) ** 2, (i, 0, N - 1))
    return nc.Problem(f, data={A: Q}, start={z: np.linspace(0.5, start, N)})


def steps(problem, solver, x0=None, most=60, tolerance=1e-7):
    """Pairs of states that follow each other, until the gradient vanishes."""
    oracle, rng = nc.compile(problem), np.random.default_rng(0)
    state = solver.init(oracle, problem.start_point(rng) if x0 is None else np.asarray(x0, dtype=float), rng)
    pairs = []
    for _ in range(most):
        if np.abs(state.gradient).max() <= tolerance:
            break
        after = solver.step(oracle, state, rng)
        pairs.append((state, after))
        state = after
    return oracle, pairs


def least(oracle, z):
    return float(np.linalg.eigvalsh(oracle.hessian(z, dense=True))[0])


# -- Newton ------------------------------------------------------------------------------------------------------------


def newton_steps(f, x0, count=6, damping=1.0):
    oracle = nc.compile(nc.Problem(f, start={x: x0}))
    points = [np.array([x0])]
    for _ in range(count):
        z = points[-1]
        points.append(z + damping * newton_direction(oracle.gradient(z), oracle.hessian(z, dense=True)))
    return np.ravel(points)


def test_newt1_the_error_is_squared():
    z = newton_steps(x - sp.log(x), 0.6)
    np.testing.assert_allclose(1 - z[1:], (1 - z[:-1]) ** 2, atol=1e-14)
    damped = newton_steps(x - sp.log(x), 0.6, damping=0.9)
    assert (np.abs((1 - damped[1:]) - (1 - damped[:-1]) ** 2) > 1e-12).all()


def test_newt2_pure_steps_diverge_beyond_one_and_the_line_search_does_not():
    f = sp.sqrt(1 + x**2)
    z = newton_steps(f, 0.9, count=3)
    np.testing.assert_allclose(z[1:], -(z[:-1] ** 3), rtol=1e-9)
    assert abs(newton_steps(f, 1.1, count=5)[-1]) > 1e3
    assert abs(nc.solve(nc.Problem(f, start={x: 1.1}), "newton").x[0]) < 1e-6


def test_newt3_quadratic_convergence_with_constants():
    """r+ <= M r^2 / (2 (mu - M r)) for r < 2 mu / (3 M) [Nesterov 2004, Thm 1.2.5]."""
    mu, M = 8.0, LIPSCHITZ

    def holds(x0):
        r = np.abs(newton_steps(x**2 + 3 * sp.sin(x) ** 2, x0, count=4))
        return [b <= M * a * a / (2 * (mu - M * a)) + 1e-15 for a, b in pairwise(r)]

    assert all(holds(0.44))
    oracle, outside = nc.compile(nc.Problem(x**2 + 3 * sp.sin(x) ** 2)), np.array([1.2])
    pure = outside - oracle.gradient(outside) / oracle.hessian(outside, dense=True)[0]
    assert pure[0] == pytest.approx(3.03, abs=0.01)  # outside of the ball it moves away


def test_newt4_self_concordance():
    """lambda+ <= (lambda / (1 - lambda))^2; the damped step 1 / (1 + lambda) lowers f by lambda - ln(1 + lambda)."""
    z, i, j = sp.IndexedBase("z", shape=(2,)), *sp.symbols("i j", integer=True)
    A = sp.IndexedBase("A", shape=(8, 2))
    rows = np.random.default_rng(3).standard_normal((8, 2))
    f = -sp.Sum(sp.log(1 - sp.Sum(A[i, j] * z[j], (j, 0, 1))), (i, 0, 7))
    oracle = nc.compile(nc.Problem(f, data={A: rows}, start={z: 0.0}))

    def decrement(point):
        g, H = oracle.gradient(point), oracle.hessian(point, dense=True)
        d = newton_direction(g, H)
        return math.sqrt(-g @ d), d

    rng, broken = np.random.default_rng(0), 0
    for _ in range(50):
        point = 0.35 / np.abs(rows).max() * rng.uniform(-1, 1, 2)
        for _ in range(4):
            size, d = decrement(point)
            damped = point + d / (1 + size)
            promise = size - math.log1p(size)
            assert oracle.value(point) - oracle.value(damped) >= promise - 1e-12
            broken += oracle.value(point) - oracle.value(point + 0.5 * d / (1 + size)) < promise - 1e-12
            if size < 1:
                assert decrement(point + d)[0] <= (size / (1 - size)) ** 2 + 1e-12
            point = damped
    assert broken > 20  # the half step does not keep the promise


# -- cubic regularisation ----------------------------------------------------------------------------------------------


def cubic_violations(M, part=1.0):
    """How often each inequality of [Nesterov & Polyak 2006] with this M fails, and the orders of Theorem 1."""
    problem, L = rotated(), LIPSCHITZ
    oracle, pairs = steps(problem, configure(Cubic, {"regularization": M}))
    broken, measure, first = 0, [], pairs[0][0].objective
    for k, (before, after) in enumerate(pairs, 1):
        y = before.x + part * (after.x - before.x)
        f, g = oracle.value_and_gradient(y)
        r, size, lowest = np.linalg.norm(y - before.x), np.linalg.norm(g), least(oracle, y)
        M = L
        broken += not before.objective - f >= M * r**3 / 12 - ROUNDING
        broken += not size <= (L + M) * r * r / 2 + ROUNDING
        broken += not lowest >= -(L + M / 2) * r - ROUNDING
        broken += not least(oracle, before.x) + M / 2 * r >= -ROUNDING
        measure.append(max(math.sqrt(2 * size / (L + M)), -2 * lowest / (2 * L + M)))
        broken += not min(measure) <= (12 * first / (M * k)) ** (1 / 3) + ROUNDING
    return broken


def test_cub1_cubic_regularisation():
    """Proposition 1, Lemmas 3 to 5 and Theorem 1 with M = L; half a step breaks them, and so does M = L / 20."""
    assert cubic_violations(LIPSCHITZ) == 0
    assert cubic_violations(LIPSCHITZ, part=0.5) > 0
    assert cubic_violations(0.05 * LIPSCHITZ) > 0


def test_cubic_without_a_constant_stays_below_twice_the_true_one():
    _, pairs = steps(rotated(), Cubic())
    assert len(pairs) >= 3
    first = pairs[0][1].constant
    assert all(after.constant <= max(first, 2 * LIPSCHITZ) for _, after in pairs)


@pytest.mark.parametrize("subproblem", ["exact", "krylov"])
@pytest.mark.parametrize("sigma", [1e-3, 1.0, 100.0])
def test_arc1_sigma_stays_bounded(subproblem, sigma):
    """sigma_k <= max(sigma_0, gamma L / 2) with the growth gamma = 2 [Cartis, Gould & Toint 2011]."""
    _, pairs = steps(rotated(), configure(ARC, {"sigma": sigma, "subproblem": subproblem}))
    assert len(pairs) >= 3
    assert all(after.sigma <= max(sigma, LIPSCHITZ) * (1 + 1e-12) for _, after in pairs)
    grown = sigma * 2.0 ** np.arange(1, 30)  # a rule that grows after successful steps breaks the bound
    assert grown.max() > max(sigma, LIPSCHITZ)


@pytest.mark.parametrize("sigma", [1e-3, 1.0, 100.0])
def test_arc1_the_step_is_the_minimiser_of_the_cubic_model(sigma):
    """(H + lambda I) s = -g, lambda = sigma |s|, H + lambda I >= 0; the model falls by s'(H + lambda I)s/2 + ..."""
    rng = np.random.default_rng(0)
    for n in (1, 2, 7, 30):
        for shift in (-3.0, 0.0, 5.0):
            A, g = rng.standard_normal((n, n)), rng.standard_normal(n)
            H = (A + A.T) / 2 + shift * np.eye(n)
            s = Model(g, H).minimise_cubic(sigma)
            size = np.linalg.norm(s)
            multiplier = sigma * size
            np.testing.assert_allclose((H + multiplier * np.eye(n)) @ s, -g, atol=1e-8)
            assert np.linalg.eigvalsh(H)[0] + multiplier >= -1e-8
            fall = -(g @ s + s @ H @ s / 2 + sigma * size**3 / 3)
            assert fall == pytest.approx(s @ (H + multiplier * np.eye(n)) @ s / 2 + multiplier * size**2 / 6, rel=1e-6)
            assert abs(sigma * np.linalg.norm(0.9 * s) - multiplier) > 1e-8  # 0.9 s does not fulfil them


# -- Mishchenko --------------------------------------------------------------------------------------------------------


def mishchenko(H):
    """Violations of f+ <= f - (2/3) lambda r^2 and |g+| <= 2 lambda r on sum sqrt(1 + z^2), and of the rate."""
    z, i = sp.IndexedBase("z", shape=(4,)), sp.Symbol("i", integer=True)
    problem = nc.Problem(sp.Sum(sp.sqrt(1 + z[i] ** 2), (i, 0, 3)), start={z: np.array([3.0, -2.0, 1.0, 0.5])})
    _, pairs = steps(problem, configure(RegularizedNewton, {"regularization": H}), most=40)
    diameter, slow, broken = 2 * np.linalg.norm(pairs[0][0].x), 0, 0
    for before, after in pairs:
        if not math.isfinite(after.objective):
            return math.inf
        multiplier = math.sqrt(H * np.linalg.norm(before.gradient))
        r, size = np.linalg.norm(after.x - before.x), np.linalg.norm(after.gradient)
        broken += not after.objective <= before.objective - 2 / 3 * multiplier * r**2 + ROUNDING
        broken += not size <= 2 * multiplier * r + ROUNDING
        slow += size >= np.linalg.norm(before.gradient) / 4
        if slow:
            broken += not after.objective - 4 <= 36864 * H * diameter**3 / slow**2
    return broken


def test_mish1_gradient_regularisation():
    """H = L / 2 with L = sup 3 r / (1 + r^2)^(5/2) = 0.8587, at r = 1/2; H / 10 000 breaks it."""
    assert mishchenko(0.8587 / 2) == 0
    assert mishchenko(0.8587 / 2e4) > 0


def test_adaptive_regularisation_keeps_both_promises():
    _, pairs = steps(rotated(), RegularizedNewton())
    for before, after in pairs:
        multiplier = math.sqrt(after.constant * np.linalg.norm(before.gradient))
        r = np.linalg.norm(after.x - before.x)
        assert after.objective <= before.objective - 2 / 3 * multiplier * r**2 + ROUNDING
        assert np.linalg.norm(after.gradient) <= 2 * multiplier * r + ROUNDING


# -- trust regions -----------------------------------------------------------------------------------------------------


def random_subproblem(rng, definite=False):
    n = int(rng.integers(2, 12))
    A, g = rng.standard_normal((n, n)), rng.standard_normal(n)
    H = A @ A.T + 1e-3 * np.eye(n) if definite else (A + A.T) / 2
    return g, H, float(10 ** rng.uniform(-2, 1.5))


def fall_of(g, H, p):
    return -(g @ p + p @ H @ p / 2)


def test_tr1_decreases_of_the_exact_step():
    """>= |g| min(Delta, |g| / |H|) / 2 and, with negative curvature, |lambda_min| Delta^2 / 2; -Delta g / |g| fails."""
    rng, control = np.random.default_rng(0), 0
    for _ in range(500):
        g, H, radius = random_subproblem(rng)
        w, size = np.linalg.eigvalsh(H), np.linalg.norm(g)
        fall = fall_of(g, H, Model(g, H).minimise(radius).p)
        cauchy = 0.5 * size * min(radius, size / np.abs(w).max())
        assert fall >= cauchy * (1 - 1e-10)
        if w[0] < 0:
            assert fall >= -0.5 * w[0] * radius**2 * (1 - 1e-10)
        control += fall_of(g, H, -radius * g / size) < cauchy
    assert control > 25


def test_tr2_steihaugs_step_promises_half_of_the_best():
    """H > 0 [Yuan 2000]; the Cauchy point alone does not. GLTR reaches the best."""
    rng, control = np.random.default_rng(0), 0
    for _ in range(300):
        g, H, radius = random_subproblem(rng, definite=True)
        best = fall_of(g, H, Model(g, H).minimise(radius).p)
        model = KrylovModel(g, lambda v, H=H: H @ v, 1e-10)
        p, _ = model.minimise(radius)
        assert np.linalg.norm(p) <= radius * (1 + 1e-10)
        assert fall_of(g, H, p) >= best * (1 - 1e-8)
        model = KrylovModel(g, lambda v, H=H: H @ v, 1e-10)
        model._capacity = 0  # nothing is kept: Steihaug's step
        p, _ = model.minimise(radius)
        assert np.linalg.norm(p) <= radius * (1 + 1e-10)
        assert fall_of(g, H, p) >= 0.5 * best * (1 - 1e-10)
        t = min(radius / np.linalg.norm(g), g @ g / (g @ H @ g))
        control += fall_of(g, H, -t * g) < 0.5 * best
    assert control > 20


@pytest.mark.parametrize("solver", ["trust-region", "trust-region-krylov", "arc", "cubic"])
def test_limit_points_have_no_negative_curvature(solver):
    for seed in range(5):
        z = np.random.default_rng(seed).uniform(-3, 3, N)
        result = nc.solve(rotated(), solver, x0=z, escape=False)
        assert result.gradient_norm <= 1e-6
        assert result.point.eigenvalues.min() >= -1e-6


# -- BFGS and conjugate gradients --------------------------------------------------------------------------------------


def test_bfgs1_exact_searches_on_a_quadratic():
    """x_n = x*, B_n = A, and the iterates are those of conjugate gradients; searches that are 10% off break it."""
    rng = np.random.default_rng(0)
    A = rng.standard_normal((N, N))
    A, b = A @ A.T + np.eye(N), rng.standard_normal(N)
    best = np.linalg.solve(A, b)

    def run(part):
        z, B = np.zeros(N), np.eye(N)
        points = [z]
        for _ in range(N):
            g = A @ z - b
            d = -np.linalg.solve(B, g)
            s = -part * (g @ d) / (d @ A @ d) * d
            z, B = z + s, updated(B, s, A @ s)
            points.append(z)
        return points, B

    points, B = run(1.0)
    np.testing.assert_allclose(points[-1], best, atol=1e-8)
    np.testing.assert_allclose(B, A, atol=1e-6)
    z, r = np.zeros(N), b
    p = r
    for point in points[1:]:
        t = r @ r / (p @ A @ p)
        z, after = z + t * p, r - t * A @ p
        p, r = after + after @ after / (r @ r) * p, after
        np.testing.assert_allclose(point, z, atol=1e-7)
    assert np.abs(run(0.9)[0][-1] - best).max() > 1e-6


def test_bfgs2_secant_equation_definiteness_and_superlinear_convergence():
    _, pairs = steps(rotated(1.0), BFGS(), tolerance=1e-9)
    undamped = 0
    for before, after in pairs:
        s, y = after.x - before.x, after.gradient - before.gradient
        np.linalg.cholesky(after.B)
        if len(before.B) and s @ y >= 0.2 * s @ before.B @ s:
            np.testing.assert_allclose(after.B @ s, y, atol=1e-9 * np.abs(y).max() + 1e-12)
            undamped += 1
    assert undamped >= 3
    errors = np.array([np.linalg.norm(after.x) for _, after in pairs])
    assert errors[-1] / errors[-2] < 0.05
    gd = nc.solve(rotated(1.0), "gd", options={"step_size": 0.1}, max_iterations=50).trace.gradient_norm
    assert gd[-1] / gd[-2] > 0.05 or gd[-1] < 1e-6


def energy_errors(method):
    w = np.concatenate([np.linspace(1, 100, 40)])
    best = np.ones(40) / w
    g = -np.ones(40)
    errors = []
    for k in range(1, 30):
        d = method(w, g, k) - best
        errors.append(math.sqrt(d @ (w * d)))
    return errors, math.sqrt(best @ (w * best))


def conjugate(w, g, k):
    model = KrylovModel(g, lambda v: w * v, 0.0, limit=k)
    return model.minimise(math.inf).p


def steepest(w, g, k):
    z = np.zeros_like(g)
    for _ in range(k):
        r = -(w * z + g)
        z = z + r @ r / (r @ (w * r)) * r
    return z


def test_cg1_chebyshev_bound():
    """|e_k|_A <= 2 ((sqrt(K) - 1) / (sqrt(K) + 1))^k |e_0|_A with K = 100; steepest descent breaks it."""
    errors, first = energy_errors(conjugate)
    bound = [2 * (9 / 11) ** k * first for k in range(1, 30)]
    assert all(e <= b * (1 + 1e-10) for e, b in zip(errors, bound, strict=True))
    assert (np.diff(errors) <= 1e-12).all()
    assert any(e > b for e, b in zip(energy_errors(steepest)[0], bound, strict=True))


def test_cg1_as_many_steps_as_distinct_eigenvalues():
    w = np.repeat([1.0, 5.0, 40.0], 10)
    products = []

    def product(v):
        products.append(1)
        return w * v

    d = conjugate_gradients(product, np.arange(1.0, 31.0))
    np.testing.assert_allclose(d, -np.arange(1.0, 31.0) / w, rtol=1e-9)
    assert len(products) <= 5


def test_inex1_inexact_newton():
    """|r| <= eta |g| in the inner solve gives |g+| <= eta |g| + M |s|^2 / 2; three times the tolerance breaks it."""
    oracle = nc.compile(rotated())
    rng, broken, control = np.random.default_rng(0), 0, 0
    for _ in range(60):
        z = rng.uniform(-0.3, 0.3, N) * 10 ** rng.uniform(-4, 0)
        g, H = oracle.gradient(z), oracle.hessian(z, dense=True)
        for eta in (0.3, 0.1, 0.01):
            s = KrylovModel(g, lambda v, H=H: H @ v, eta).minimise(math.inf).p
            bound = eta * np.linalg.norm(g) + LIPSCHITZ / 2 * (s @ s)
            assert np.linalg.norm(H @ s + g) <= eta * np.linalg.norm(g) * (1 + 1e-10)
            broken += np.linalg.norm(oracle.gradient(z + s)) > bound + 1e-14
            loose = -np.linalg.solve(H, g * (1 - 3 * eta)) if 3 * eta < 1 else s
            control += np.linalg.norm(oracle.gradient(z + loose)) > bound
    assert broken == 0
    assert control > 10


def test_the_newton_step_of_the_solver_is_newtons():
    oracle, pairs = steps(rotated(0.3), Newton())
    before, after = pairs[-1]
    H = oracle.hessian(before.x, dense=True)
    np.testing.assert_allclose(after.x - before.x, -np.linalg.solve(H, before.gradient), rtol=1e-6)
