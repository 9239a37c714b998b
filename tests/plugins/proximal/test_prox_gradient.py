"""The proximal gradient method: its theorems, and what happens at the edges."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import sympy as sp

import ncsolve as nc
from ncsolve.errors import OptionError

ROWS, COLUMNS = 30, 12
A, y = sp.IndexedBase("A", shape=(ROWS, COLUMNS)), sp.IndexedBase("y", shape=(ROWS,))
w = sp.IndexedBase("w", shape=(COLUMNS,))
i, j = sp.symbols("i j", integer=True)
rng = np.random.default_rng(5)
X = rng.standard_normal((ROWS, COLUMNS))
Y = X[:, :3] @ [2.0, -1.5, 1.0] + 0.5 * rng.standard_normal(ROWS)
L = np.linalg.norm(X, 2) ** 2 / ROWS
PENALTIES = [
    nc.L1(0.2),
    nc.L2(0.5),
    nc.ElasticNet(0.2),
    nc.L0(0.1),
    nc.LHalf(0.2),
    nc.SCAD(0.3),
    nc.MCP(0.3, 1.5),
    nc.CappedL1(0.3, 0.5),
    nc.LogSum(0.1),
    nc.GroupLasso(0.2, groups=3),
    nc.GroupMCP(0.2, groups=3),
    nc.Box(-1, 1),
    nc.Simplex(2.0),
]


def regression(penalty, **declared):
    residual = y[i] - sp.Sum(A[i, j] * w[j], (j, 0, COLUMNS - 1))
    f = sp.Sum(residual**2, (i, 0, ROWS - 1)) / (2 * ROWS)
    return nc.Problem(f, data={A: X, y: Y}, start={w: 0.1}, penalty=penalty, samples=i, **declared)


@pytest.mark.parametrize("share", [0.3, 0.95])
@pytest.mark.parametrize("penalty", PENALTIES, ids=str)
def test_prox2_descent(penalty, share):
    """F(x+) <= F(x) - (1/(2 eta) - L/2) |x+ - x|^2 for eta < 1/L, any penalty; so min |d|^2 falls like 1/k."""
    eta = share / L
    path = []
    result = nc.solve(
        regression(penalty),
        "prox-gradient",
        options={"accelerated": False, "step_size": eta},
        max_iterations=60,
        gradient_tolerance=0.0,
        callbacks=[lambda look: path.append((look.x.copy(), look.objective))],
    )
    moves = [((b[0] - a[0]) ** 2).sum() for a, b in pairwise(path)]
    falls = [a[1] - b[1] for a, b in pairwise(path)]
    assert len(moves) > 5
    assert (np.array(falls) >= (1 / (2 * eta) - L / 2) * np.array(moves) - 1e-13).all()
    k = np.arange(1, len(moves) + 1)
    bound = 2 * eta * (path[0][1] - result.objective) / ((1 - eta * L) * k)
    assert (np.minimum.accumulate(moves) <= bound + 1e-13).all()


def test_prox2_would_see_a_wrong_prox():
    """Soft instead of hard thresholding violates the inequality: the test above can fail."""
    oracle, eta = nc.compile(regression(nc.L0(0.1))), 0.95 / L
    x = nc.solve(regression(nc.L0(0.1)), "prox-gradient").x
    z = nc.L1(0.3).prox(x - eta * oracle.gradient(x), eta)
    allowed = oracle.objective(x) - (1 / (2 * eta) - L / 2) * ((z - x) ** 2).sum()
    assert oracle.objective(z) > allowed


@pytest.mark.parametrize("accelerated", [True, False])
@pytest.mark.parametrize("penalty", PENALTIES, ids=str)
def test_all_penalties(penalty, accelerated):
    """A minimum, F never rises, and a random point nearby is not lower."""
    result = nc.solve(regression(penalty), "prox-gradient", options={"accelerated": accelerated})
    assert result.success, result.summary()
    objective = result.trace.objective
    assert (np.diff(objective) <= 1e-14 * objective[:-1]).all()
    F = nc.compile(regression(penalty)).objective
    around = result.x + 1e-4 * np.random.default_rng(0).standard_normal((200, COLUMNS))
    assert (F(around) >= result.objective - 1e-12).all()


def test_lasso_by_its_optimality_conditions():
    result = nc.solve(regression(nc.L1(0.2)), gradient_tolerance=1e-10)
    g = X.T @ (X @ result.x - Y) / ROWS
    zero = result.x == 0
    assert (np.abs(g[zero]) < 0.2).all()
    assert g[~zero] == pytest.approx(-0.2 * np.sign(result.x[~zero]), abs=1e-9)
    assert result.objective == pytest.approx(((X @ result.x - Y) ** 2).sum() / 60 + 0.2 * np.abs(result.x).sum())


def test_acceleration_pays():
    """On an ill-conditioned lasso, by the number of gradients."""
    scale = np.geomspace(1, 30, COLUMNS)
    f = sp.Sum((sp.Sum(A[i, j] * w[j], (j, 0, COLUMNS - 1)) - y[i]) ** 2, (i, 0, ROWS - 1)) / (2 * ROWS)
    problem = nc.Problem(f, data={A: X * scale, y: Y}, start={w: 0.0}, penalty=nc.L1(0.05))
    counts = [
        nc.solve(problem, "prox-gradient", options={"accelerated": accelerated}).evaluations["gradient"]
        for accelerated in (True, False)
    ]
    assert 4 * counts[0] < counts[1]


def test_declared_smoothness_is_the_step():
    result = nc.solve(regression(nc.L1(0.2), constants={"smoothness": 2 * L}), "prox-gradient")
    assert result.success
    assert result.trace.step_size[-1] == pytest.approx(1 / (2 * L))


def test_auto_chooses_it_and_says_why():
    result = nc.solve(regression(nc.MCP(0.3)))
    assert result.solver == "prox-gradient"
    assert "auto chose prox-gradient: the problem has a penalty" in result.message


@pytest.mark.parametrize("solver", ["gd", "lbfgs", "trust-region"])
def test_smooth_solvers_refuse(solver):
    with pytest.raises(OptionError) as caught:
        nc.solve(regression(nc.L1(0.2)), solver)
    assert str(caught.value) == (
        f"Solver '{solver}' is for smooth objectives, but problem 'problem' has the penalty L1(0.2) on w. "
        "Choose a solver that needs prox, such as prox-gradient."
    )


@pytest.mark.parametrize("solver", ["prox-gradient", "prox-sgd", "prox-svrg"])
def test_without_a_penalty(solver):
    with pytest.raises(OptionError, match=f"Solver '{solver}' needs a penalty with a proximal operator, which problem"):
        nc.solve(regression(None), solver)


def test_without_a_finite_sum():
    x = sp.Symbol("x")
    with pytest.raises(OptionError, match="Solver 'prox-sgd' needs a finite sum"):
        nc.solve(nc.Problem((x - 1) ** 2, penalty=nc.L1(0.1)), "prox-sgd")


@pytest.mark.parametrize("solver", ["prox-gradient", "prox-sgd", "prox-svrg"])
@pytest.mark.parametrize("penalty", [nc.Simplex(1.0), nc.Box(0.5, 1)], ids=str)
def test_a_start_outside_the_domain_is_brought_in(solver, penalty):
    result = nc.solve(regression(penalty), solver, max_iterations=20)
    assert np.isfinite(result.trace.objective).all()
    assert penalty.value(result.x) == 0


def test_nuclear_norm_fills_in_a_matrix():
    """A rank-1 matrix from 24 of its 30 entries."""
    rng = np.random.default_rng(0)
    truth = np.outer(rng.standard_normal(6), rng.standard_normal(5))
    seen = rng.permutation(30)[:24]
    M, T = sp.IndexedBase("M", shape=(6, 5)), sp.IndexedBase("T", shape=(24,))
    r, c, k = sp.IndexedBase("r", shape=(24,)), sp.IndexedBase("c", shape=(24,)), sp.Symbol("k", integer=True)
    problem = nc.Problem(
        sp.Sum((M[r[k], c[k]] - T[k]) ** 2, (k, 0, 23)) / 2,
        data={r: seen // 5, c: seen % 5, T: truth.ravel()[seen]},
        start={M: 0.0},
        penalty=nc.NuclearNorm(0.01),
        variables=[M],
    )
    result = nc.solve(problem)
    assert result.status is nc.Status.CONVERGED
    assert np.linalg.matrix_rank(result.values["M"], tol=1e-6) == 1
    assert np.abs(result.values["M"] - truth).max() < 0.05


@pytest.mark.parametrize("penalty", [nc.L1(0.2), nc.MCP(0.3)], ids=str)
def test_stochastic_solvers_find_the_same_minimum(penalty):
    exact = nc.solve(regression(penalty))
    svrg = nc.solve(regression(penalty), "prox-svrg", options={"batch_size": 4})
    assert svrg.success
    assert svrg.objective == pytest.approx(exact.objective, rel=1e-9)
    sgd = nc.solve(regression(penalty), "prox-sgd", options={"batch_size": 4}, max_iterations=100)
    assert sgd.objective == pytest.approx(exact.objective, rel=2e-2)
    assert sgd.evaluations["gradient"] > 100 * ROWS / 4
