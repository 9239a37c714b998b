"""Profiles and bands against numbers made by hand."""

import numpy as np
import pytest

from ncsolve.report.comparison import band
from ncsolve.report.profiles import cost_to_reach, data_profile, draw_profile, performance_profile

COSTS = {"a": [10, 30, np.inf, np.nan], "b": [20, 10, np.inf, 5]}


def test_performance_profile():
    curves = performance_profile(COSTS)
    np.testing.assert_array_equal(curves["a"], [1, 3, np.inf, np.inf])
    np.testing.assert_array_equal(curves["b"], [1, 1, 2, np.inf])


def test_data_profile():
    curves = data_profile(COSTS, [1, 4, 1, 4])
    np.testing.assert_array_equal(curves["a"], [5, 6, np.inf, np.inf])
    np.testing.assert_array_equal(curves["b"], [1, 2, 10, np.inf])


def test_cost_to_reach():
    f, cost = np.array([10.0, 2.0, 1.0, 0.0]), np.array([1, 3, 4, 9])
    assert cost_to_reach(f, cost, 0.0, 0.1) == 4
    assert cost_to_reach(f, cost, 0.0, 0.0) == 9
    assert cost_to_reach(f, cost, -1.0, 0.01) == np.inf
    assert cost_to_reach(np.empty(0), np.empty(0), 0.0, 0.1) == np.inf


def test_a_band_holds_the_middle_of_the_runs():
    x = np.array([1.0, 2.0, 4.0])
    grid, (low, median, high) = band([(x, np.array([k, 9.0, k / 2])) for k in (1.0, 2.0, 3.0, 4.0, 5.0)])
    assert (grid[0], grid[-1]) == (1.0, 4.0)
    assert (low[0], median[0], high[0]) == (2, 3, 4)
    assert (low[100], median[100], high[100]) == (2, 3, 4)  # the lowest so far, whatever came in between
    assert (low[-1], median[-1], high[-1]) == (1, 1.5, 2)


def test_a_band_from_iteration_0_begins_there_and_goes_on_at_the_first():
    grid, (_, median, _) = band([(np.array([0.0, 1.0, 50.0]), np.array([8.0, 4.0, 0.0]))])
    assert (grid[0], grid[1], grid[-1]) == (0, 1, 50)
    assert (median[0], median[1], median[-1]) == (8, 4, 0)


def test_steps_of_a_profile_rise_from_0():
    from matplotlib.figure import Figure

    axes = Figure().subplots()
    draw_profile(axes, {"a": np.array([2.0, 8.0]), "never": np.array([np.inf, np.inf])}, "cost")
    a, never = (line.get_xydata().tolist() for line in axes.lines)
    assert a[0] == [pytest.approx(2 / 1.15), 0]
    assert a[1:] == [[2, 0.5], [8, 1], [16, 1]]
    assert never == [[pytest.approx(2 / 1.15), 0], [16, 0]]
