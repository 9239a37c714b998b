"""Min-max problems: their solvers on bilinear and strongly monotone games, the judgement, and what is refused."""

from __future__ import annotations

import math

import numpy as np
import pytest
import sympy as sp

import ncsolve as nc
from ncsolve.errors import OptionError, ProblemError
from ncsolve.testing import SolverTests

x, y, u, v = sp.symbols("x y u v")
SOLVERS = ("gda", "extragradient", "optimistic-gda")


class TestGDA(SolverTests):
    solver = "gda"


class TestExtragradient(SolverTests):
    solver = "extragradient"


class TestOptimisticGDA(SolverTests):
    solver = "optimistic-gda"


def bilinear() -> nc.MinMax:
    return nc.MinMax(x * y, min=[x], max=[y], start={x: 1, y: 1})


# -- dynamics ----------------------------------------------------------------------------------------------------------


def test_gda_spirals_out_of_a_bilinear_game():
    result = nc.solve(bilinear(), "gda", options={"step_size": 0.1}, max_iterations=50)
    radii = np.linalg.norm(result.trace.x, axis=1)
    np.testing.assert_allclose(radii[1:] / radii[:-1], math.sqrt(1.01), rtol=1e-12)
    assert not result.success
    np.testing.assert_array_equal(result.x, [1, 1])  # the best point is the one with the smallest gradient


@pytest.mark.parametrize("solver", ["extragradient", "optimistic-gda"])
def test_the_others_converge_on_it(solver):
    result = nc.solve(bilinear(), solver)
    assert result.success, result.summary()
    assert result.point.kind == "minmax"
    assert result.point.nullity == 2
    assert "affine in the minimised variables; f is affine in the maximised variables" in result.point.explanation
    np.testing.assert_allclose(result.x, 0, atol=1e-5)


def test_the_rate_of_extragradient_is_that_of_its_matrix():
    """On xy: |z+|^2 = (1 - eta^2 + eta^4) |z|^2."""
    result = nc.solve(bilinear(), "extragradient", options={"step_size": 0.3}, max_iterations=10)
    radii = np.linalg.norm(result.trace.x, axis=1)
    np.testing.assert_allclose(radii[1:] / radii[:-1], math.sqrt(1 - 0.3**2 + 0.3**4), rtol=1e-12)


def test_the_recursion_of_optimistic_gda():
    path = nc.solve(bilinear(), "optimistic-gda", options={"step_size": 0.2}, max_iterations=5).trace.x
    F = np.stack([path[:, 1], -path[:, 0]], axis=1)
    for k in range(1, 5):
        np.testing.assert_allclose(path[k + 1], path[k] - 0.2 * (2 * F[k] - F[k - 1]), rtol=1e-14)


@pytest.mark.parametrize("solver", SOLVERS)
def test_strongly_convex_concave_games_are_solved_by_all(solver):
    game = nc.MinMax(x**2 + u**2 / 2 + 3 * x * y - y**2 - (y - 1) * v - 2 * v**2, min=[x, u], max=[y, v])
    result = nc.solve(game, solver, x0=[1.0, 1.0, -1.0, 2.0])
    assert result.success, result.summary()
    assert result.point.kind == "minmax"
    assert result.point.nullity == 0
    assert np.abs(nc.compile(game).gradient(result.x)).max() < 1e-5


@pytest.mark.parametrize("solver", SOLVERS)
def test_bounds_are_kept(solver):
    game = nc.MinMax((x - 2) ** 2 - (y + 3) ** 2, min=[x], max=[y], bounds={x: (0, 1), y: (-1, 1)}, start=[0.5, 0.5])
    result = nc.solve(game, solver)
    assert result.success, result.summary()
    np.testing.assert_allclose(result.x, [1, -1])


def test_extragradient_shortens_its_step_where_the_curvature_grows():
    game = nc.MinMax(-10 * sp.cos(x) + x * y / 10 - y**2 / 2, min=[x], max=[y], start={x: 1.57, y: 0})
    result = nc.solve(game, "extragradient")
    assert result.success
    assert result.trace.step_size[-1] < result.trace.step_size[0] / 2


# -- judgement ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("f", "kind", "index", "nullity"),
    [
        (x**2 - y**2 + 5 * x * y, "minmax", 0, 0),
        (-(x**2) - y**2 + 5 * x * y, "not-minmax", 1, 0),
        (x**2 + y**2, "not-minmax", 1, 0),
        (-(x**2) + y**2, "not-minmax", 2, 0),
        (x * y, "minmax", 0, 2),
        (x * y + x**2, "minmax", 0, 1),
        (x**3 - y**2, "degenerate", 0, 1),
        (x**2 - y**2 + x, "not-critical", 0, 0),
    ],
)
def test_points_are_judged(f, kind, index, nullity):
    point = nc.classify(nc.MinMax(f, min=[x], max=[y]), [0.0, 0.0])
    assert (point.kind, point.index, point.nullity) == (kind, index, nullity), point.explanation


def test_a_critical_point_that_is_no_equilibrium_is_no_success():
    game = nc.MinMax(-(x**2) / 4 - y**2 + 3 * x * y, min=[x], max=[y], start={x: 1, y: 1})
    result = nc.solve(game, "extragradient")
    assert result.status is nc.Status.CONVERGED
    assert result.point.kind == "not-minmax"
    assert not result.success


def test_the_order_of_arrays():
    w, i = sp.IndexedBase("w", shape=(3,)), sp.Symbol("i", integer=True)
    game = nc.MinMax(sp.Sum(w[i] ** 2, (i, 0, 2)) * 1 - x**2, min=x, max=w)
    assert [variable.name for variable in game.variables] == ["x", "w"]
    np.testing.assert_array_equal(game.signs, [1, -1, -1, -1])
    named = game.replaced(name="other")
    assert isinstance(named, nc.MinMax)
    np.testing.assert_array_equal(named.signs, game.signs)


# -- what is refused ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("solver", ["gd", "trust-region", "langevin"])
def test_minimisers_refuse_min_max_problems(solver):
    with pytest.raises(OptionError, match=rf"'{solver}' minimises, but .* to maximise over. Choose gda, extragradient"):
        nc.solve(bilinear(), solver)


@pytest.mark.parametrize("solver", SOLVERS)
def test_min_max_solvers_refuse_plain_problems(solver):
    text = rf"'{solver}' needs variables to maximise over \(nc.MinMax\), which problem 'problem' does not have"
    with pytest.raises(OptionError, match=text):
        nc.solve(nc.Problem(x**2, start={x: 1}), solver)


def test_auto_chooses_a_solver_for_both_players():
    result = nc.solve(bilinear())
    assert result.success
    assert result.solver == "extragradient"


def test_a_target_makes_no_sense():
    with pytest.raises(OptionError, match="has no target"):
        nc.solve(bilinear(), "gda", target=0.0)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"min": [x, y], "max": [y]}, "'y' is in min and in max"),
        ({"min": [], "max": [y]}, "min is empty: a min-max problem has variables on both sides"),
        ({"min": [x], "max": [y], "blocks": [x]}, "MinMax takes no argument 'blocks'"),
        ({"min": [x], "max": [u]}, "contains y, which is neither"),
    ],
)
def test_wrong_declarations(arguments, text):
    with pytest.raises(ProblemError, match=text):
        nc.MinMax(x * y + (u if u in arguments["max"] else 0), **arguments)


# -- a game of networks ------------------------------------------------------------------------------------------------


def test_a_small_gan_learns_both_modes():
    problem = nc.load("gan-mixture")
    (z,) = (table for symbol, table in problem.data.items() if str(symbol) == "z")
    last = []
    options = {"step_size": 0.3}
    nc.solve(
        problem, "optimistic-gda", options=options, max_iterations=3000, callbacks=[lambda look: last.append(look.x)]
    )
    G = problem.unpack(last[-1])
    points = np.tanh(z @ G["G1_W"] + G["G1_b"]) @ G["G2_W"] + G["G2_b"]
    right = points[:, 0] > 0
    assert 0.3 < right.mean() < 0.7
    assert abs(points[right, 0].mean() - 1) < 0.15
    assert abs(points[~right, 0].mean() + 1) < 0.15
    assert 0.1 < points[:, 1].std() < 0.3


def test_show_says_who_chooses_what():
    from click.testing import CliRunner

    from ncsolve.cli import cli

    shown = CliRunner().invoke(cli, ["show", "gan-mixture"])
    assert shown.exit_code == 0
    assert "minimised over G1_W, G1_b, G2_W, G2_b\n" in shown.output
    assert "maximised over D1_W, D1_b, D2, d2\n" in shown.output
