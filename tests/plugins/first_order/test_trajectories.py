"""The iterates are those of the published updates over 200 steps: by NumPy, and by optax where it is installed."""

from __future__ import annotations

import importlib.util
import sys
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import sympy as sp

import ncsolve as nc
from ncsolve.api import resolve

sys.path.insert(0, str(Path(__file__).parent))
from first_order_problems import PROBLEMS, START, A, Y, gradient, objective
from published_updates import STEP_SIZES, UPDATES, adam, momentum, saga, svrg

STEPS = 200


def path_of(problem, solver, options):
    """The iterates of so many steps, which no stopping test cuts short."""
    oracle = nc.compile(problem)
    solver, _ = resolve(solver, options, oracle)
    state, x = solver.init(oracle, START, None), []
    for _ in range(STEPS):
        state = solver.step(oracle, state, None)
        x.append(state.x)
    return np.array(x)


@pytest.mark.parametrize("problem", PROBLEMS)
@pytest.mark.parametrize("update", UPDATES)
def test_the_published_update(update, problem):
    published, solver, options = UPDATES[update]
    eta = STEP_SIZES.get(update, 0.02)
    expected = np.array(list(islice(published(START, gradient(problem), eta), STEPS)))
    found = path_of(PROBLEMS[problem](), solver, {"step_size": eta, **options})
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-10)
    assert np.abs(expected[-1] - START).max() > 0.1, "a test of standing still"


OPTAX = {
    "gd": lambda optax, eta: optax.sgd(eta),
    "momentum": lambda optax, eta: optax.sgd(eta, momentum=0.9),
    "nag": lambda optax, eta: optax.sgd(eta, momentum=0.9, nesterov=True),
    "adagrad": lambda optax, eta: optax.adagrad(eta, initial_accumulator_value=0.0, eps=0.0),
    "rmsprop": lambda optax, eta: optax.rmsprop(eta, decay=0.9, eps=1e-8, eps_in_sqrt=False),
    "adam": lambda optax, eta: optax.adam(eta),
    "amsgrad": lambda optax, eta: optax.amsgrad(eta),
    "adamw": lambda optax, eta: optax.adamw(eta, weight_decay=0.1),
}
"""Configured to the published definitions: epsilon outside the root, no initial accumulator."""


def distance_to_optax(update, problem):
    """The largest difference of any coordinate of any iterate, relative where it is above 1."""
    import jax
    import optax

    _, solver, options = UPDATES[update]
    eta = STEP_SIZES.get(update, 0.02)
    if update == "adagrad":
        options = {"epsilon": 0.0}
    with jax.enable_x64(True):
        method, g = OPTAX[update](optax, eta), jax.jit(jax.grad(objective(problem, jax.numpy)))
        x = jax.numpy.asarray(START)
        state, expected = method.init(x), []
        for _ in range(STEPS):
            step, state = method.update(g(x), state, x)
            x = optax.apply_updates(x, step)
            expected.append(np.asarray(x))
    found = path_of(PROBLEMS[problem](), solver, {"step_size": eta, **options})
    return float((np.abs(found - expected) / np.maximum(1, np.abs(expected))).max())


@pytest.mark.parametrize("problem", PROBLEMS)
@pytest.mark.parametrize("update", OPTAX)
def test_the_trajectory_of_optax(update, problem):
    if importlib.util.find_spec("optax") is None:
        pytest.skip("needs optax: pip install ncsolve[bench]")
    assert distance_to_optax(update, problem) <= 1e-10


def test_mini_batches_take_the_same_steps_as_the_update_on_the_rows_drawn():
    """adam on batches of 8: the rows of an epoch are one permutation, drawn from the seed."""
    eta, B, epochs = 0.02, 8, 5
    problem, rng = PROBLEMS["logistic"](), np.random.default_rng(np.random.SeedSequence(3))
    problem.start_point(rng)
    rows = iter(np.concatenate([rng.permutation(len(Y)).reshape(-1, B) for _ in range(epochs)]))

    def estimate(x):
        k = next(rows)
        return -(A[k].T @ (Y[k] / (1 + np.exp(Y[k] * (A[k] @ x))))) / B

    published, _, _ = UPDATES["adam"]
    expected = list(islice(published(START, estimate, eta), epochs * len(Y) // B))
    result = nc.solve(problem, "adam", seed=3, options={"step_size": eta, "batch_size": B}, max_iterations=epochs)
    np.testing.assert_allclose(result.trace.x[1:], expected[4::5], rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(result.trace.epochs, range(epochs + 1))


@pytest.mark.parametrize("solver", ["svrg", "saga"])
def test_variance_reduction_is_the_published_one(solver):
    eta, epochs, N = 0.1, 4, len(Y)

    def gradient_of_row(x, i):
        return -A[i] * Y[i] / (1 + np.exp(Y[i] * (A[i] @ x)))

    problem, rng = PROBLEMS["logistic"](), np.random.default_rng(np.random.SeedSequence(5))
    problem.start_point(rng)
    if solver == "svrg":
        draws = [[int(rng.integers(N, size=1)[0]) for _ in range(30)] for _ in range(epochs)]
        published, options = svrg, {"inner_steps": 30}
    else:
        draws, published, options = [rng.integers(N, size=N) for _ in range(epochs)], saga, {}
    expected = list(published(START, gradient_of_row, N, eta, draws))
    options = {"batch_size": 1, "step_size": eta, **options}
    result = nc.solve(problem, solver, seed=5, options=options, max_iterations=epochs)
    np.testing.assert_allclose(result.trace.x[1:], expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(("solver", "published"), [("adam", adam), ("momentum", momentum)])
def test_large_steps_go_in_blocks_and_are_the_same(solver, published):
    n = 100_001
    c, v, j = sp.IndexedBase("c", shape=(n,)), sp.IndexedBase("v", shape=(n,)), sp.Symbol("j", integer=True)
    curvatures, start = np.linspace(0.1, 1, n), np.sin(np.arange(n))
    problem = nc.Problem(sp.Sum(c[j] * v[j] ** 2, (j, 0, n - 1)) / 2, data={c: curvatures}, start={v: start})
    solver, _ = resolve(solver, {"step_size": 0.01}, oracle := nc.compile(problem))
    state = solver.init(oracle, start, None)
    for expected in islice(published(start, lambda x: curvatures * x, 0.01), 3):
        state = solver.step(oracle, state, None)
        np.testing.assert_allclose(state.x, expected, rtol=1e-12, atol=1e-14)
