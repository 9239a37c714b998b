"""Pruning and low-rank factors: what is kept, what is stored, and the loss before and after."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
import sympy as sp

import ncsolve as nc
from ncsolve import compress
from ncsolve.errors import OptionError, ProblemError

WEIGHTS = ("W1", "W2")


@cache
def trained() -> tuple[nc.Problem, np.ndarray]:
    """A perceptron on digits, trained nearly to the end."""
    problem = nc.load("digits-perceptron", {"rows": 200, "hidden": 8, "pixels": 4})
    return problem, nc.solve(problem, "lbfgs", max_iterations=150).x


def test_the_smallest_entries_go():
    problem, x = trained()
    small = compress.prune(problem, x, keep=0.4, variables=WEIGHTS)
    weights = np.concatenate([x[v.slice] for v in problem.variables if v.name in WEIGHTS])
    kept = np.concatenate([small.x[v.slice] for v in problem.variables if v.name in WEIGHTS])
    assert np.count_nonzero(kept) == round(0.4 * len(weights))
    assert np.abs(weights[kept != 0]).min() >= np.abs(weights[kept == 0]).max()
    biases = [v.slice for v in problem.variables if v.name not in WEIGHTS]
    assert all(np.array_equal(small.x[place], x[place]) for place in biases)
    assert small.numbers_before == problem.n
    assert small.numbers_after == np.count_nonzero(small.x)
    oracle = nc.compile(problem)
    assert (small.loss_before, small.loss_after) == (oracle.value(x), oracle.value(small.x))


def test_magnitude_beats_chance():
    problem, x = trained()
    small, oracle = compress.prune(problem, x, keep=0.7), nc.compile(problem)
    for seed in range(5):
        kept = np.random.default_rng(seed).permutation(problem.n) < 0.7 * problem.n
        assert small.loss_after < oracle.value(np.where(kept, x, 0.0))


def test_the_ends_of_keep():
    problem, x = trained()
    assert np.array_equal(compress.prune(problem, x, keep=1.0).x, x)
    assert not compress.prune(problem, x, keep=0.0).x.any()


def test_a_penalty_lets_the_others_adapt():
    """With as many weights as pruning by magnitude keeps, the loss is far lower."""
    problem, x = trained()
    small = compress.prune_by_penalty(problem, x, nc.L1(2e-3), max_iterations=300)
    assert small.numbers_after < 0.8 * problem.n
    by_size = compress.prune(problem, x, keep=small.numbers_after / problem.n)
    assert by_size.numbers_after == small.numbers_after
    assert small.loss_after < by_size.loss_after
    assert small.loss_before == by_size.loss_before


def test_low_rank_is_the_best_there_is():
    problem, x = trained()
    W = problem.unpack(x)["W1"]
    losses = []
    for rank in range(1, min(W.shape) + 1):
        small = compress.low_rank(problem, x, {"W1": rank})
        U, V = small.factors["W1"]
        values = np.linalg.svd(W, compute_uv=False)
        assert np.linalg.norm(U @ V - W) == pytest.approx(np.sqrt((values[rank:] ** 2).sum()), abs=1e-12)
        np.testing.assert_allclose(problem.unpack(small.x)["W1"], U @ V)
        assert small.numbers_after == problem.n - W.size + U.size + V.size
        losses.append(small.loss_after)
    assert losses[-1] == pytest.approx(small.loss_before)
    assert losses[0] > losses[-2] > losses[-1]


def test_a_matrix_of_low_rank_loses_nothing():
    X, A = sp.MatrixSymbol("X", 6, 5), sp.MatrixSymbol("A", 6, 5)
    rng = np.random.default_rng(0)
    table = rng.standard_normal((6, 2)) @ rng.standard_normal((2, 5))
    problem = nc.Problem(sp.trace((X - A).T * (X - A)), data={A: table}, variables=[X])
    small = compress.low_rank(problem, table.ravel(), {X: 2})
    assert small.loss_after == pytest.approx(0, abs=1e-20)
    assert str(small).startswith("22 of 30 numbers (73.3%): loss 0 before")


def test_wrong_arguments():
    problem, x = trained()
    with pytest.raises(OptionError, match="from 0 to 1, not 2"):
        compress.prune(problem, x, keep=2)
    with pytest.raises(OptionError, match="no variables are given"):
        compress.prune(problem, x, keep=0.5, variables=[])
    with pytest.raises(OptionError, match=r"'b1' has shape \(8,\)"):
        compress.low_rank(problem, x, {"b1": 1})
    with pytest.raises(OptionError, match="from 1 to 8, not 9"):
        compress.low_rank(problem, x, {"W1": 9})
    with pytest.raises(ProblemError, match=r"compress: .*'W3'"):
        compress.prune(problem, x, keep=0.5, variables=["W3"])
