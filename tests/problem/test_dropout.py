"""Dropout as declared randomness: masks, their mean, and the ridge that it is for least squares."""

from __future__ import annotations

import numpy as np
import pytest
import sympy as sp

import ncsolve as nc
from ncsolve.errors import ProblemError
from ncsolve.problem.dropout import draw_mask

ROWS, WIDTH, P = 40, 4, 0.3
RNG = np.random.default_rng(0)
TABLE = RNG.standard_normal((ROWS, WIDTH)) * [1, 2, 0.5, 1]
TARGET = TABLE @ [1.0, -1.0, 2.0, 0.5] + 0.1 * RNG.standard_normal(ROWS)


def regression(p: float = P) -> nc.Problem:
    A, y, w = sp.IndexedBase("A"), sp.IndexedBase("y"), sp.IndexedBase("w", shape=(WIDTH,))
    i, j = sp.symbols("i j", integer=True)
    residual = y[i] - sp.Sum(A[i, j] * w[j], (j, 0, WIDTH - 1))
    return nc.Problem(
        sp.Sum(residual**2, (i, 0, ROWS - 1)) / ROWS,
        data={A: TABLE, y: TARGET},
        start={w: 0.0},
        samples=i,
        dropout={w: nc.Dropout(p)} if p else None,
    )


def ridge_solution(p: float) -> np.ndarray:
    """argmin |y - A w|^2 + p/(1-p) sum |a_j|^2 w_j^2."""
    gram = TABLE.T @ TABLE
    return np.linalg.solve(gram + p / (1 - p) * np.diag(np.diag(gram)), TABLE.T @ TARGET)


def test_masks_have_mean_one_and_drop_whole_units():
    W, b, i, j = sp.IndexedBase("W", shape=(3, 4)), sp.IndexedBase("b", shape=(2,)), *sp.symbols("i j", integer=True)
    f = sp.Sum(W[i, j] ** 2, (i, 0, 2), (j, 0, 3)) + sp.Sum(b[i] ** 2, (i, 0, 1))
    for axis in (0, 1):
        problem = nc.Problem(f, dropout={W: nc.Dropout(0.25, axis=axis)}, start={W: 1.0, b: 1.0})
        rng = np.random.default_rng(0)
        masks = np.array([draw_mask(problem.dropout, problem.n, rng) for _ in range(4000)])
        units = problem.unpack(masks)["W"]
        assert set(np.unique(units)) == {0.0, 1 / 0.75}
        assert (units == np.take(units, [0], axis=2 - axis)).all(), "a unit is dropped with all its weights"
        assert np.abs(units.mean(axis=0) - 1).max() < 5 * np.sqrt(0.25 / 0.75 / 4000)
        assert (problem.unpack(masks)["b"] == 1).all()


def test_the_masked_gradient_is_that_of_the_ridge_in_the_mean():
    """E m grad f(m w) = grad (f + p/(1-p) sum |a_j|^2 w_j^2 / N), over all 2^4 masks by their probabilities."""
    problem, w = regression(), np.array([1.0, -2.0, 0.5, 3.0])
    oracle = nc.compile(problem)
    mean = np.zeros(WIDTH)
    for bits in np.ndindex(*[2] * WIDTH):
        kept = np.array(bits)
        mask = kept / (1 - P)
        mean += np.prod(np.where(kept, 1 - P, P)) * mask * oracle.gradient(mask * w)
    ridge = 2 * P / (1 - P) * (TABLE**2).sum(axis=0) * w / ROWS
    np.testing.assert_allclose(mean, oracle.gradient(w) + ridge, rtol=1e-12)
    sampled = oracle.row_gradient(np.random.default_rng(1))
    rows = np.arange(ROWS)
    draws = np.array([sampled(w, rows) for _ in range(4000)])
    assert (np.abs(draws.mean(axis=0) - mean) < 5 * draws.std(axis=0) / np.sqrt(4000)).all()


def test_without_a_generator_nothing_is_dropped():
    oracle, w = nc.compile(regression()), np.ones(WIDTH)
    np.testing.assert_allclose(oracle.row_gradient()(w, np.arange(ROWS)), oracle.gradient(w))
    plain = nc.compile(regression(0.0))
    np.testing.assert_allclose(plain.row_gradient(np.random.default_rng(0))(w, np.arange(ROWS)), plain.gradient(w))


def test_sgd_ends_at_the_ridge_solution():
    """On a quadratic the mean over the iterates of a constant step is the minimiser, of E f(m w)."""
    options, ends = {"batch_size": 8, "step_size": 0.02}, {}
    for p in (0.0, P):
        iterates: list[np.ndarray] = []
        watch = [lambda look, kept=iterates: kept.append(look.x)]
        nc.solve(regression(p), "sgd", options=options, max_iterations=600, callbacks=watch)
        ends[p] = np.mean(iterates[300:], axis=0)
    np.testing.assert_allclose(ends[0.0], ridge_solution(0.0), atol=0.03)
    np.testing.assert_allclose(ends[P], ridge_solution(P), atol=0.1)
    assert np.linalg.norm(ridge_solution(P) - ridge_solution(0.0)) > 0.5


def test_the_seed_repeats_the_masks():
    options = {"batch_size": 8, "step_size": 0.01}
    first, second = (nc.solve(regression(), "sgd", options=options, max_iterations=20, seed=3) for _ in range(2))
    np.testing.assert_array_equal(first.x, second.x)
    assert not np.array_equal(first.x, nc.solve(regression(0.0), "sgd", options=options, max_iterations=20, seed=3).x)


def test_other_solvers_see_all_units():
    result = nc.solve(regression(), "lbfgs")
    np.testing.assert_allclose(result.x, ridge_solution(0.0), atol=1e-6)


@pytest.mark.parametrize(
    ("declare", "text"),
    [
        (lambda w: {w: nc.Dropout(1.0)}, "probability of at least 0 and below 1, not 1.0"),
        (lambda w: {w: 0.5}, r"'w' needs a Dropout\(p\), not 0.5"),
        (lambda w: {w: nc.Dropout(0.5, axis=1)}, r"'w' has shape \(3,\), and therefore no axis 1"),
        (lambda w: {"v": nc.Dropout(0.5)}, "dropout: there is no variable 'v'"),
        (lambda w: nc.Dropout(0.5), r"dropout is \{variable: Dropout\(p\)\}"),
    ],
)
def test_wrong_declarations(declare, text):
    w, i = sp.IndexedBase("w", shape=(3,)), sp.Symbol("i", integer=True)
    with pytest.raises(ProblemError, match=text):
        nc.Problem(sp.Sum(w[i] ** 2, (i, 0, 2)), dropout=declare(w))
