"""Merit: what is measured at an iterate of each kind of problem, which is the better one, and when it has improved."""

from __future__ import annotations

import math

import numpy as np
import pytest
import sympy as sp

import ncsolve as nc
from ncsolve.solving.merit import merit_of, size

x, y = sp.symbols("x y")
BOWL = (x - 1) ** 2 + 2 * (y + 1) ** 2


def measured(problem, point):
    oracle, at = nc.compile(problem), np.array(point, dtype=float)
    merit = merit_of(oracle)
    return merit, merit.measure(at, *oracle.value_and_gradient(at), state=None)


def seen(merit, point, f, norm, rank):
    return merit.remember(np.array(point, dtype=float), f, norm, rank)


@pytest.mark.parametrize(
    ("problem", "point", "expected"),
    [
        (nc.Problem(BOWL), [3, 0], (6.0, 4.0, (6.0,))),
        (nc.Problem(BOWL, bounds={y: (-0.5, 1)}), [3, -0.5], (4.5, 4.0, (4.5,))),
        (nc.Problem(BOWL, bounds={y: (-0.5, 1)}), [1, -0.5], (0.5, 0.0, (0.5,))),
        (nc.Problem(BOWL, penalty=nc.L1(0.5)), [0, -1], (1.5, 1.5, (1.5,))),
        (nc.Problem(BOWL, equal=[x + y]), [3, 0], (6.0, 3.0, (3.0, 6.0))),
        (nc.Problem(BOWL, equal=[x + y]), [1, -1], (0.0, 0.0, (1e-6, 0.0))),
        (nc.MinMax(x * y + x**2, min=[x], max=[y]), [1, 2], (3.0, 4.0, (4.0,))),
    ],
    ids=["plain", "bounds", "at a bound", "penalty", "constraint", "feasible", "game"],
)
def test_objective_stationarity_and_rank(problem, point, expected):
    objective, norm, rank = measured(problem, point)[1]
    assert (objective, norm, *rank) == pytest.approx((*expected[:2], *expected[2]))


def test_an_infinite_slope_that_moves_x_is_no_number():
    problem = nc.Problem(sp.sqrt(x) + y, bounds={x: (0, 2), y: (0, 2)})
    assert math.isnan(measured(nc.Problem(-sp.sqrt(x) + y, bounds={x: (0, 2), y: (0, 2)}), [0, 1])[1][1])
    assert measured(problem, [0, 0])[1][1] == 0  # the bound holds x against it


def test_the_best_point_with_constraints_holds_them_before_it_is_low():
    merit = merit_of(nc.compile(nc.Problem(BOWL, equal=[x + y])))
    seen(merit, [0, 0], 3.0, 1.0, (1e-6, 3.0))
    seen(merit, [1, -0.5], 0.5, 1.0, (0.5, 0.5))
    assert (merit.best_x.tolist(), merit.best_objective) == ([0, 0], 3.0)
    assert not merit.is_far_above_best(100.0)


def test_the_best_point_of_a_game_is_the_one_nearest_to_an_equilibrium_and_no_value_is_an_abyss():
    merit = merit_of(nc.compile(nc.MinMax(x * y, min=[x], max=[y])))
    assert seen(merit, [0, 0], 3.0, 1.0, (1.0,))
    assert seen(merit, [1, 0], -9.0, 2.0, (2.0,))  # players that circle each other may still come together
    assert (merit.best_x.tolist(), merit.abyss) == ([0, 0], -math.inf)


def test_to_improve_is_more_than_rounding_and_a_hundredth_of_the_norm():
    merit = merit_of(nc.compile(nc.Problem(BOWL)))
    assert seen(merit, [0, 0], 1.0, 1.0, (1.0,))
    assert not seen(merit, [0, 1], 1.0 - 1e-16, 0.995, (1.0 - 1e-16,))
    assert merit.best_x.tolist() == [0, 1]
    assert seen(merit, [0, 2], 2.0, 0.98, (2.0,))
    assert merit.is_far_above_best(2.0)
    assert merit.abyss == -1e100


def test_what_it_remembers_can_be_given_to_another():
    oracle = nc.compile(nc.Problem(BOWL))
    merit, other = merit_of(oracle), merit_of(oracle)
    seen(merit, [0, 1], 9.0, 8.0, (9.0,))
    other.restore(merit.memory())
    assert other.memory() == merit.memory()
    assert not seen(other, [0, 0], 9.0, 8.0, (9.0,))


@pytest.mark.parametrize("n", [3, 50])
@pytest.mark.parametrize(
    ("at", "residual", "expected"),
    [
        (0.0, -7.0, 7.0),
        (1e200, 1e308, 1e308),
        (0.0, -math.inf, math.inf),
        (math.inf, 1.0, math.nan),
        (math.nan, 1.0, math.nan),
        (0.0, math.nan, math.nan),
    ],
)
def test_the_size_of_a_residual(n, at, residual, expected):
    point, entries = np.ones(n), np.full(n, 0.5)
    point[1], entries[1], entries[-1] = at, residual, abs(residual)
    with np.errstate(all="ignore"):  # as every run
        assert size(point, entries) == pytest.approx(expected, nan_ok=True)
