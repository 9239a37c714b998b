"""Residuals and Jacobians: f = |r|^2, grad f = 2 J'r, and J against differences, dense and sparse."""

from __future__ import annotations

import numpy as np
import pytest
import sympy as sp

import ncsolve as nc
from ncsolve.problem import load

SUMS_OF_SQUARES = [
    ("freudenstein-roth", {}),
    ("helical-valley", {}),
    ("osborne-2", {}),
    ("watson", {"n": 9}),
    ("penalty-2", {}),
    ("brown-almost-linear", {}),
    ("chebyquad", {}),
    ("powell-singular", {}),
    ("broyden-banded", {"n": 60}),
    ("chained-wood", {"n": 400}),
    ("double-well", {"k": 12}),
    ("nondia", {"n": 300}),
]


@pytest.mark.parametrize(("name", "arguments"), SUMS_OF_SQUARES)
def test_they_are_the_objective(name, arguments):
    problem = load(name, arguments)
    oracle = nc.compile(problem)
    squares = oracle.least_squares
    x = problem.start_point(np.random.default_rng(0)) + 0.01
    r, J = squares.residuals(x), squares.jacobian(x)
    f, g = oracle.value_and_gradient(x)
    assert r.shape == (squares.m,)
    assert J.shape == (squares.m, problem.n)
    assert r @ r == pytest.approx(f, rel=1e-13)
    assert 2 * (J.T @ r) == pytest.approx(g, rel=1e-11, abs=1e-11 * np.abs(g).max())
    v = np.random.default_rng(1).normal(size=problem.n)
    h = 1e-6 * np.linalg.norm(x) / np.linalg.norm(v)
    difference = (squares.residuals(x + h * v) - squares.residuals(x - h * v)) / (2 * h)
    assert J @ v == pytest.approx(difference, rel=1e-5, abs=1e-6 * np.abs(difference).max())


def test_a_large_jacobian_is_sparse():
    oracle = nc.compile(load("chained-wood", {"n": 10_000}))
    J = oracle.least_squares.jacobian(np.ones(10_000))
    assert oracle.least_squares.sparse
    assert J.nnz < 100_000


def test_they_are_counted_as_value_and_gradient():
    oracle = nc.compile(load("wood"))
    x = np.ones(4)
    oracle.least_squares.residuals(x)
    oracle.least_squares.jacobian(x)
    assert oracle.counts == {"value": 1, "gradient": 1, "hessian": 0, "hvp": 0}


def test_no_sum_of_squares_has_none():
    assert nc.compile(load("six-hump-camel")).least_squares is None


def test_outside_the_domain_they_are_nan():
    x = sp.Symbol("x")
    squares = nc.compile(nc.Problem(sp.log(x) ** 2 + (x - 1) ** 2, start={x: 1})).least_squares
    assert np.isnan(squares.residuals(np.array([-1.0]))).any()
    assert not np.isfinite(squares.jacobian(np.array([0.0]))).all()


def test_parameters_are_weights():
    x, a = sp.symbols("x a")
    problem = nc.Problem(a * (x - 1) ** 2 + x**4, parameters={a: 4.0}, start={x: 3})
    for weight in (4.0, 9.0):
        squares = nc.compile(problem.with_parameters({a: weight})).least_squares
        assert np.sort(np.abs(squares.residuals(np.array([3.0])))) == pytest.approx([2 * weight**0.5, 9.0])
