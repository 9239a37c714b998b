"""What a population does with boxes it has not, values it cannot compare, and sizes it cannot work with."""

from __future__ import annotations

import numpy as np
import pytest
import sympy as sp

import ncsolve as nc
from ncsolve.errors import OptionError
from ncsolve.problem import load
from ncsolve.solving import Status

x, y = sp.symbols("x y")
SEARCHES = ("pso", "de", "cma", "annealing")


@pytest.mark.parametrize("solver", ["pso", "de"])
def test_a_swarm_without_bounds_says_what_to_give(solver):
    problem = nc.Problem(x**2 + y**2, bounds={x: (-1, 1)}, name="open")
    with pytest.raises(
        OptionError,
        match=rf"Solver '{solver}' needs finite bounds, which problem 'open' does not have\. Declare "
        r"bounds=\{x: \(low, high\)\} for every variable, or give the option width: .* x0 \+- width",
    ):
        nc.solve(problem, solver)
    assert nc.solve(problem, solver, options={"width": 2}).success


@pytest.mark.parametrize(("solver", "least"), [("pso", 2), ("de", 4), ("cma", 4), ("annealing", 1)])
def test_too_few_particles(solver, least):
    with pytest.raises(OptionError, match=rf"Option 'particles' of solver '{solver}' must be at least {least}"):
        nc.solve(load("rastrigin"), solver, options={"particles": least - 1})
    nc.solve(load("rastrigin"), solver, options={"particles": least}, max_iterations=20)


@pytest.mark.parametrize("solver", SEARCHES)
def test_equal_values_end_the_search(solver):
    """A plateau: nothing to compare, and every point is critical."""
    problem = nc.Problem(0 * x + sp.sign(x + 10) + 0 * y, variables=[x, y], bounds={x: (-1, 1), y: (-1, 1)})
    result = nc.solve(problem, solver, max_iterations=3000)
    assert result.objective == 1
    assert result.status in (Status.CONVERGED, Status.STALLED)


@pytest.mark.parametrize("solver", [*SEARCHES, "basin-hopping", "multistart"])
def test_undefined_regions_count_as_infinitely_high(solver):
    """log x does not exist on the left half of the box: some points lie there, none wins there."""
    problem = nc.Problem(x - sp.log(x) + (y - 1) ** 2, bounds={x: (-4, 4), y: (-4, 4)}, start={x: 2, y: 0})
    result = nc.solve(problem, solver, options={"starts": 30} if solver == "multistart" else {})
    np.testing.assert_allclose(result.x, [1, 1], atol=1e-5)
    assert result.success


@pytest.mark.parametrize("solver", SEARCHES)
def test_a_start_that_is_undefined_does_not_stop_the_others(solver):
    problem = nc.Problem(x - sp.log(x), bounds={x: (-2, 4)}, start={x: -1.5})
    options = {"sigma": 0.6} if solver in ("cma", "annealing") else {}
    assert nc.solve(problem, solver, options=options).x == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("solver", [*SEARCHES, "basin-hopping", "multistart"])
def test_one_variable(solver):
    problem = nc.Problem(sp.cos(3 * x) + x**2 / 10, bounds={x: (-8, 8)}, start={x: 6})
    result = nc.solve(problem, solver)
    assert result.success
    assert result.objective <= -0.79 or solver == "annealing"


@pytest.mark.parametrize("solver", [*SEARCHES, "multistart"])
def test_a_box_of_one_point_makes_all_points_equal(solver):
    problem = nc.Problem((x - 2) ** 2 + y**2, bounds={x: (1, 1), y: (0, 0)})
    result = nc.solve(problem, solver, max_iterations=500)
    assert np.array_equal(result.x, [1, 0])


def test_one_start_and_runs_that_end_nowhere():
    result = nc.solve(load("himmelblau"), "multistart", options={"starts": 1})
    assert len(result.minima) == 1
    result = nc.solve(nc.Problem(-(x**2), start={x: 1}), "multistart", options={"starts": 5})
    assert result.status is Status.NONFINITE
    assert "falls without bound" in result.message
    assert result.minima == ()


@pytest.mark.parametrize("solver", ["pso", "de", "cma"])
def test_a_limit_below_a_generation_is_kept(solver):
    result = nc.solve(load("rastrigin"), solver, max_evaluations=3)
    assert result.status is Status.EVALUATIONS
    assert sum(result.evaluations.values()) <= 6
