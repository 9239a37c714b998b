"""What goes wrong is told, and what looks wrong but is not is solved."""

from __future__ import annotations

import numpy as np
import pytest
import sympy as sp

import ncsolve as nc
from ncsolve.errors import OptionError
from ncsolve.hooks import registry
from ncsolve.problem import entries, load
from ncsolve.solving import Status, check_needs

x, y = sp.symbols("x y")
ALL = sorted(
    name for name, solver in registry().solvers().items() if solver.__module__.startswith("ncsolve_second_order.")
)
GENERAL = [name for name in ALL if not registry().solver(name).needs & {"residuals", "samples"}]
STRONG = [name for name in GENERAL if name != "adahessian"]


def solve(f, solver, **arguments):
    return nc.solve(f if isinstance(f, nc.Problem) else nc.Problem(f, **arguments.pop("declared", {})), solver,
                    **{"max_iterations": 2000, **arguments})  # fmt: skip


@pytest.mark.parametrize("solver", STRONG)
@pytest.mark.parametrize("scale", [1e-300, 1e-100, 1e100, 1e300])
def test_the_scale_of_the_objective_does_not_matter(solver, scale):
    """Iterates are the same up to rounding: a gradient tolerance in the objective's unit is reached."""
    f = sp.Float(scale) * ((x - 1) ** 4 / 4 + (x - 1) ** 2 + 2 * (y + x) ** 2)
    result = solve(f, solver, declared={"start": {x: 3, y: 1}}, gradient_tolerance=1e-6 * scale)
    assert result.status is Status.CONVERGED, result.message
    np.testing.assert_allclose(result.x, [1, -1], atol=1e-4)
    assert result.iterations <= 60


@pytest.mark.parametrize("solver", STRONG)
@pytest.mark.parametrize("scale", [1e-100, 1e100])
def test_the_scale_of_the_variables_does_not_stop_it(solver, scale):
    f = (x / sp.Float(scale) - 1) ** 2 + (x / sp.Float(scale) - 1) ** 4
    result = solve(f, solver, declared={"start": {x: 3 * scale}}, gradient_tolerance=1e-6 / scale)
    assert result.status in (Status.CONVERGED, Status.STALLED), result.message
    if result.status is Status.CONVERGED:
        assert result.x[0] == pytest.approx(scale, rel=1e-4)


@pytest.mark.parametrize("solver", STRONG)
def test_indefinite_start_and_singular_minimum(solver):
    result = solve(x**4 / 4 - x**2 / 2 + y**4, solver, declared={"start": {x: 0.1, y: 1}})
    assert result.status is Status.CONVERGED, result.message
    assert abs(result.x[0]) == pytest.approx(1, abs=1e-4)
    assert result.point.kind in ("minimum", "degenerate", "undecided")


@pytest.mark.parametrize("solver", STRONG)
@pytest.mark.parametrize("f", [x**3 + y**2, -(x**2) + y**2, x - y, -(x**4) + y**2], ids=str)
def test_unbounded_below_is_told_with_value_and_ray(solver, f):
    result = solve(f, solver, declared={"start": {x: -0.5, y: 0.3}})
    assert result.status is Status.NONFINITE
    assert not result.success
    assert result.message.startswith("the objective falls without bound: it is -")
    assert "where |x| = " in result.message
    assert "along " in result.message


@pytest.mark.parametrize("solver", STRONG)
@pytest.mark.parametrize(
    ("f", "start", "minimum"),
    [
        (x - sp.log(x), 1e-3, 1.0),
        (sp.sqrt(x) - sp.log(x), 0.01, 4.0),
        (1 / x + x, 0.05, 1.0),
        (-sp.sqrt(4 - x**2) + x / 10, 1.9, -2 / np.sqrt(101)),
        (x * sp.log(x), 2.0, np.exp(-1)),
    ],
)
def test_steps_out_of_the_domain_are_cut_back(solver, f, start, minimum):
    result = solve(f, solver, declared={"start": {x: start}})
    assert result.status is Status.CONVERGED, result.message
    assert result.x[0] == pytest.approx(minimum, abs=1e-4)


@pytest.mark.parametrize("solver", GENERAL)
def test_a_start_outside_of_the_domain_is_told(solver):
    result = solve(sp.log(x) + x**2, solver, declared={"start": {x: -1}})
    assert result.status is Status.NONFINITE
    assert "log" in result.message


@pytest.mark.parametrize("solver", GENERAL)
def test_constants(solver):
    result = solve(nc.Problem(sp.Integer(3) + 0 * x, variables=[x], start={x: 2}), solver)
    assert result.status is Status.CONVERGED
    assert result.iterations == 0
    assert result.objective == 3


@pytest.mark.parametrize("solver", STRONG)
def test_linear_in_a_box(solver):
    result = solve(nc.Problem(2 * x - 3 * y, bounds={x: (-1, 4), y: (-2, 5)}, start={x: 0, y: 0}), solver)
    assert result.success, result.message
    np.testing.assert_array_equal(result.x, [-1, 5])


@pytest.mark.parametrize("solver", STRONG)
def test_one_variable_in_a_box_that_is_a_point(solver):
    result = solve(nc.Problem(x**2, bounds={x: (3, 3)}, start={x: 3}), solver)
    assert result.x[0] == 3
    assert result.status is Status.CONVERGED


@pytest.mark.parametrize("solver", STRONG)
def test_nonconvex_boxes_are_never_left(solver):
    v, i = sp.IndexedBase("v", shape=(8,)), sp.Symbol("i", integer=True)
    f = sp.Sum(sp.cos(3 * v[i]) + v[i] * v[i + 1] / 2 + v[i] ** 2 / 9, (i, 0, 6))
    problem = nc.Problem(f, bounds={v: (-1, 1.5)}, start={v: 0.2})
    outside = []
    for seed in range(3):
        x0 = np.random.default_rng(seed).uniform(-1, 1.5, 8)
        result = nc.solve(
            problem, solver, x0=x0, callbacks=[lambda look: outside.append((abs(look.x - 0.25) > 1.25).any())]
        )
        assert result.status is Status.CONVERGED, result.message
        assert result.point.kind == "minimum"
    assert not any(outside)


def small(entry):
    problem = load(entry.name)
    if problem.n <= 31:
        return problem
    names = [parameter.partition(":")[0] for parameter in entry.parameters]
    sizes = {"n": 12, "k": 3, "atoms": 3, "m": 20}
    return load(entry.name, {key: value for key, value in sizes.items() if key in names})


ENTRIES = [entry for entry in entries() if entry.name != "monkey-saddle"]
SADDLES = ("six-hump-camel", "styblinski-tang", "rastrigin", "double-well", "himmelblau", "tquartic")
"""Where 0 lies on the stable manifold of a saddle or a maximum, or at one."""


def ends_at_a_minimum_or_says_so(problem, solver, value):
    if problem.n > 40:
        return
    oracle = nc.compile(problem)
    x0 = oracle.project(np.full(oracle.n, value))
    if problem.constrained or problem.penalty is not None or not np.isfinite(oracle.value(x0)):
        return
    result = nc.solve(problem, solver, x0=x0, max_iterations=150)
    assert result.status is not Status.FAILED, result.message
    assert result.success == (result.status is Status.CONVERGED and result.point.kind == "minimum")
    if result.status is Status.CONVERGED:
        assert result.point.kind in ("minimum", "degenerate", "saddle", "undecided")


@pytest.mark.parametrize(("k", "entry"), list(enumerate(ENTRIES)), ids=[entry.name for entry in ENTRIES])
def test_symmetric_starts_end_at_minima_or_say_so(k, entry):
    """Two of the solvers on each problem, in turn."""
    for value in (0.0, 1.0):
        ends_at_a_minimum_or_says_so(small(entry), STRONG[(2 * k + int(value)) % len(STRONG)], value)


@pytest.mark.parametrize("solver", STRONG)
def test_saddles_are_left(solver):
    for entry in ENTRIES:
        if entry.name in SADDLES:
            ends_at_a_minimum_or_says_so(small(entry), solver, 0.0)


def test_options_of_hessian_free_that_do_not_fit_are_refused():
    with pytest.raises(
        OptionError, match=r"'curvature' of solver 'hessian-free' 'gauss-newton' needs a sum of squares"
    ):
        nc.solve(nc.Problem(sp.cos(x)), "hessian-free", options={"curvature": "gauss-newton"})
    with pytest.raises(OptionError, match=r"'hessian-free' with a batch_size needs a finite sum, which problem"):
        nc.solve(nc.Problem(sp.cos(x)), "hessian-free", options={"batch_size": 3})


def test_needs_are_refused_in_words():
    for solver, need in [("gauss-newton", "a sum of squares"), ("subsampled-arc", "a finite sum")]:
        with pytest.raises(OptionError, match=f"'{solver}' needs {need}"):
            check_needs(registry().solver(solver), nc.compile(nc.Problem(sp.cos(x))))
