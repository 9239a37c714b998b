"""The three models of a quadratic agree: by eigenvectors, by factorisations and in Krylov spaces."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_array, diags_array

from ncsolve_second_order.factor import cholesky, modified_solve, shifted_cholesky
from ncsolve_second_order.krylov import KrylovModel
from ncsolve_second_order.secular import FactorModel, cubic_step
from ncsolve_second_order.subproblem import Model

KINDS = ("indefinite", "definite", "hard", "nearly-hard", "singular")


def random(kind, n, seed=0):
    rng = np.random.default_rng([seed, n])
    V = np.linalg.qr(rng.standard_normal((n, n)))[0]
    w, g = np.sort(rng.standard_normal(n)), rng.standard_normal(n)
    if kind == "definite":
        w = np.abs(w) + 0.1
    if kind == "singular":
        w = np.maximum(w, 0)
    if kind in ("hard", "nearly-hard"):
        w[0] -= 1
        g -= V[:, 0] * (V[:, 0] @ g) * (1 if kind == "hard" else 1 - 1e-9)
    H = V @ np.diag(w) @ V.T
    return g, (H + H.T) / 2


def cubic_value(g, H, sigma, p):
    return g @ p + p @ H @ p / 2 + sigma * np.linalg.norm(p) ** 3 / 3


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("sigma", [1e-6, 1.0, 1e6])
def test_the_cubic_model_has_one_minimum_whoever_finds_it(kind, sigma):
    for n in (1, 2, 9, 40):
        if n == 1 and "hard" in kind:
            continue
        g, H = random(kind, n)
        p = Model(g, H).minimise_cubic(sigma)
        multiplier = sigma * np.linalg.norm(p)
        scale = np.abs(g).max() + np.abs(H @ p).max()
        np.testing.assert_allclose(H @ p + multiplier * p, -g, atol=1e-7 * scale)
        assert np.linalg.eigvalsh(H)[0] + multiplier >= -1e-8 * max(1, multiplier)
        lowest = cubic_value(g, H, sigma, p)
        for matrix in (H, csr_array(H)):
            other = cubic_step(g, matrix, sigma, tolerance=1e-8)
            assert cubic_value(g, H, sigma, other) == pytest.approx(lowest, rel=1e-6)
        if "hard" not in kind:  # a Krylov space does not hold what is orthogonal to g
            krylov = KrylovModel(g, lambda v, H=H: H @ v, 1e-12).minimise_cubic(sigma)
            assert cubic_value(g, H, sigma, krylov) == pytest.approx(lowest, rel=1e-6)


@pytest.mark.parametrize("kind", ["indefinite", "definite", "singular"])
def test_krylov_spaces_hold_the_step_to_the_boundary(kind):
    for n in (1, 3, 25):
        g, H = random(kind, n)
        model = KrylovModel(g, lambda v, H=H: H @ v, 1e-11)
        for radius in (10.0, 1.0, 0.1, 3.0):  # one space for all radii, in any order
            exact, p = Model(g, H).minimise(radius).p, model.minimise(radius).p
            assert np.linalg.norm(p) <= radius * (1 + 1e-9)
            assert model.value(p) == pytest.approx(g @ p + p @ H @ p / 2, abs=1e-10)
            assert model.value(p) == pytest.approx(Model(g, H).value(exact), rel=1e-5)


def test_faces_of_every_model_are_the_model_of_the_face():
    g, H = random("indefinite", 8)
    free, p = np.arange(8) % 3 > 0, np.where(np.arange(8) % 3 > 0, 0.0, 0.7)
    expected = Model((g + H @ p)[free], H[np.ix_(free, free)]).minimise(1.0).p
    for model in (Model(g, H), FactorModel(g, csr_array(H)), KrylovModel(g, lambda v: H @ v, 1e-12)):
        np.testing.assert_allclose(model.on_face(p, free).minimise(1.0).p, expected, atol=2e-3)


@pytest.mark.parametrize("n", [1, 5, 400])
def test_factorisations_dense_banded_and_sparse_agree(n):
    band = diags_array([np.full(n, 4.0), np.ones(max(n - 1, 0))], offsets=[0, -1], shape=(n, n)).toarray()
    H, b = band + np.tril(band, -1).T, np.arange(1.0, n + 1)
    arrow = H.copy()
    arrow[0, :] += 1e-3
    arrow[:, 0] += 1e-3
    for matrix in (H, arrow):
        for form in (matrix, csr_array(matrix)):
            for shift in (0.0, 2.5):
                solve = cholesky(form, shift)
                np.testing.assert_allclose(solve(b), np.linalg.solve(matrix + shift * np.eye(n), b), rtol=1e-9)
            assert cholesky(form, -7.0) is None


def test_modified_factorisations_are_positive_definite():
    for seed in range(10):
        g, H = random("indefinite", 7, seed)
        assert g @ modified_solve(H)(g) > 0
        solve, tau = shifted_cholesky(H)
        assert tau > 0
        assert g @ solve(g) > 0
        g, H = random("definite", 7, seed)
        np.testing.assert_allclose(modified_solve(H)(g), np.linalg.solve(H, g), rtol=1e-8)
        assert shifted_cholesky(H)[1] == 0


def test_pivots_that_underflow_are_shifted():
    H = np.diag([1.0, 1e-310, 1e-310, 0.0])
    H[1, 2:] = H[2:, 1] = 1e-310
    g = np.array([1.0, 1.0, 0.0, 2.0])
    d = modified_solve(H)(g)
    assert np.isfinite(d).all()
    assert g @ d > 0


def test_a_region_far_larger_than_the_curvature_is_crossed():
    """The lowest eigenvector has no part in g, the other q_i would overflow at mu = 0."""
    g, w = np.array([0.0, 0.57, 0.81, -0.1]), np.array([0.0, 7e-233, 2e-231, 3e-229])
    p, on_boundary = Model(g, np.diag(w)).minimise(4e77)
    assert on_boundary
    assert np.allclose(p, -4e77 * g / np.linalg.norm(g), rtol=1e-12, atol=0)


def test_without_a_finite_hessian_the_model_is_linear():
    g = np.array([3.0, -4.0])
    p, on_boundary = Model(g, np.array([[np.inf, 0.0], [0.0, np.nan]])).minimise(2.0)
    assert on_boundary
    assert np.allclose(p, [-1.2, 1.6], rtol=1e-15)
