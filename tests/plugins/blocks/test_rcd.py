"""Randomised coordinate descent: one coordinate a step, its own step size, and the greedy rule."""

from itertools import pairwise
from typing import ClassVar

import numpy as np
import pytest
import sympy as sp

import ncsolve as nc
from ncsolve.hooks import registry
from ncsolve.solving import configure
from ncsolve.testing import SolverTests

x, y, z = sp.symbols("x y z", real=True)
STRETCHED = nc.Problem(x**2 / 2 + 100 * (y - 1) ** 2 / 2 + 10**4 * (z + 2) ** 2 / 2, start={x: 3, y: -1, z: 2})


class TestRcd(SolverTests):
    solver = "rcd"
    accuracy = 1e-6


class TestGreedy(SolverTests):
    solver = "rcd"
    options: ClassVar = {"selection": "greedy"}
    accuracy = 1e-6


def states(options, steps=60, problem=STRETCHED):
    oracle, rng = nc.compile(problem), np.random.default_rng(0)
    solver = configure(registry().solver("rcd"), options)
    state = solver.init(oracle, problem.start_point(rng), rng)
    yield state
    for _ in range(steps):
        state = solver.step(oracle, state, rng)
        yield state


@pytest.mark.parametrize("options", [{"step_size": 1e-4}, {}, {"selection": "greedy"}])
def test_a_step_moves_one_coordinate_and_never_uphill(options):
    run = list(states(options))
    for before, after in pairwise(run):
        moved = np.flatnonzero(after.x != before.x)
        assert len(moved) <= 1
        assert after.objective <= before.objective
        if options.get("selection") == "greedy" and len(moved):
            assert moved[0] == np.abs(before.gradient).argmax()


def test_a_given_step_is_taken():
    before, after = list(states({"step_size": 1e-4, "selection": "greedy"}, 1))
    np.testing.assert_array_equal(after.x, before.x - [0, 0, 1e-4 * before.gradient[2]])


def test_each_coordinate_finds_its_own_step():
    """Curvatures 1, 100 and 10^4: gradient descent would need thousands of steps."""
    *_, last = states({})
    assert last.step_sizes[0] > 30 * last.step_sizes[1] > 30**2 * last.step_sizes[2]
    assert nc.solve(STRETCHED, "rcd", max_iterations=300, gradient_tolerance=1e-6).success


def test_where_rounding_leaves_nothing_it_stalls():
    result = nc.solve(STRETCHED, "rcd", gradient_tolerance=0, max_iterations=20_000)
    assert result.status in (nc.Status.STALLED, nc.Status.CONVERGED)
    assert result.iterations < 2000
