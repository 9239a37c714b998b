"""The argument `penalty` of a problem."""

from __future__ import annotations

import numpy as np
import pytest
import sympy as sp

import ncsolve as nc
from ncsolve.errors import ProblemError

x, y, lam = sp.symbols("x y lam")
i = sp.Symbol("i", integer=True)
w = sp.IndexedBase("w", shape=(3,))
W = sp.MatrixSymbol("W", 2, 2)
f = (x - 1) ** 2 + y**2 + sp.Sum(w[i] ** 2, (i, 0, 2)) + sp.Trace(W.T * W)


def places(problem):
    return [(str(part.penalty), part.place.start, part.place.stop, part.shape) for part in problem.penalty]


def test_without_on_all_variables():
    assert places(nc.Problem(f, penalty=nc.L1(0.1))) == [("L1(0.1)", 0, 9, (9,))]
    assert nc.Problem(f).penalty is None


def test_on_some_variables_and_a_list_of_penalties():
    problem = nc.Problem(f, penalty=[nc.MCP(0.1, on=[w, "x"]), nc.NuclearNorm(1, on=W), nc.Simplex(2, on=y)])
    assert [v.name for v in problem.variables] == ["W", "w", "x", "y"]
    assert places(problem) == [
        ("MCP(0.1, 3)", 4, 8, (4,)),
        ("NuclearNorm(1)", 0, 4, (2, 2)),
        ("Simplex(2)", 8, 9, ()),
    ]
    assert str(problem.penalty) == "MCP(0.1, 3) on w, x, NuclearNorm(1) on W, Simplex(2) on y"


def test_rows_of_a_matrix_are_groups():
    (part,) = nc.Problem(f, penalty=nc.GroupLasso(1, on=W)).penalty
    assert part.penalty.value([[3, 4], [0, 5]]) == pytest.approx(10 * np.sqrt(2))


def test_a_penalty_with_parameters():
    problem = nc.Problem(x**2, penalty=nc.SCAD(2 * lam, 3.0), parameters={lam: 0.5})
    assert str(problem.penalty) == "SCAD(1, 3) on x"
    stronger = problem.with_parameters({lam: 2})
    assert str(stronger.penalty) == "SCAD(4, 3) on x"
    assert stronger.derived is problem.derived
    assert nc.compile(stronger).objective([3.0]) == pytest.approx(9 + 12)
    with pytest.raises(ProblemError, match="strength of SCAD must be a number at least 0, not -2"):
        problem.with_parameters({"lam": -1})


def test_the_oracle_and_penalties():
    oracle = nc.compile(nc.Problem(f, penalty=nc.L1(2.0, on=x), bounds={x: (-0.5, 4), y: (0, 1)}))
    v = np.array([1.0, 2, 3, 4, 5, 6, 7, 9, 3])
    assert oracle.prox(v, 1.0) == pytest.approx([1, 2, 3, 4, 5, 6, 7, 4, 1]), "bounds hold everywhere"
    assert oracle.prox(-v, 1.0)[7:] == pytest.approx([-0.5, 0])
    assert oracle.penalty_value(v) == 18
    assert oracle.objective(v) == oracle.value(v) + 18
    assert oracle.objective(np.stack([v, 0 * v])) == pytest.approx([oracle.objective(v), 1])
    assert np.isnan(oracle.penalty_value(np.full(9, np.nan)))
    smooth = nc.compile(nc.Problem(x**2))
    assert (smooth.penalty_value([3.0]), smooth.objective([3.0]), smooth.prox([3.0], 1.0)) == (0, 9, 3)


def test_the_step_of_proximal_gradients():
    declared = nc.compile(nc.Problem(x**2, penalty=nc.L1(1), constants={"smoothness": 4}))
    assert declared.proximal_step([0.0]) == 0.25
    met = nc.compile(nc.Problem(x**2, penalty=nc.L1(1)))
    assert met.proximal_step([0.0]) == pytest.approx(1 / 2.2)
    assert met.counts["hvp"] == 0
    assert nc.compile(nc.Problem(x, penalty=nc.L1(2))).proximal_step([0.0]) == 1


WRONG = {
    "no penalty": (lambda: nc.Problem(f, penalty=0.1), "penalty: 0.1 is not a penalty. Give nc.L1(0.1)"),
    "a class": (lambda: nc.Problem(f, penalty=nc.L1), "penalty: L1 is a class. Write nc.L1(...)."),
    "overlap": (
        lambda: nc.Problem(f, penalty=[nc.L1(0.1, on=[w, x]), nc.MCP(1, on=w)]),
        "penalty: L1(0.1) and MCP(1, 3) overlap on 'w'. Only penalties on different variables",
    ),
    "unknown": (lambda: nc.Problem(x**2, penalty=nc.L1(1, on="z")), "penalty: L1(1): there is no variable 'z'."),
    "an element": (lambda: nc.Problem(f, penalty=nc.L1(1, on=w[0])), "w[0] is one element of 'w'"),
    "no matrix": (lambda: nc.Problem(f, penalty=nc.NuclearNorm(1, on=w)), "the shape of this variable is (3,)"),
    "bounds": (
        lambda: nc.Problem(f, penalty=nc.Simplex(on=w), bounds={w: (0, 1)}),
        "penalty: Simplex(1) on 'w', which has bounds: together they have no closed-form prox.",
    ),
    "parameter": (lambda: nc.Problem(f, penalty=nc.L1(lam)), "penalty: 'lam' has no value. Give it under parameters."),
    "negative": (lambda: nc.L1(-1), "penalty: strength of L1 must be a number at least 0, not -1."),
    "no number": (lambda: nc.L1("much"), "strength of L1 must be a number at least 0, not 'much'."),
    "truth": (lambda: nc.L1(True), "strength of L1 must be a number at least 0, not True."),
    "infinite": (lambda: nc.L0(np.inf), "strength of L0 must be a number at least 0, not inf."),
    "scad": (lambda: nc.SCAD(1, 2), "a of SCAD must be a number above 2, not 2."),
    "mcp": (lambda: nc.MCP(1, 0), "gamma of MCP must be a number above 0, not 0."),
    "ratio": (lambda: nc.ElasticNet(1, 1.5), "l1_ratio of ElasticNet must be a number at least 0 and at most 1"),
    "box": (lambda: nc.Box(1, 1), "penalty: Box needs lower < upper, not 1 and 1."),
    "group size": (lambda: nc.Problem(f, penalty=nc.GroupLasso(1, groups=2, on=w)), "3 entries do not divide into"),
    "group of 0": (lambda: nc.GroupLasso(1, groups=0), "groups of GroupLasso must be a size or a list of lists"),
    "group places": (
        lambda: nc.Problem(f, penalty=nc.GroupMCP(1, groups=[[0, 3]], on=w)),
        "groups must hold integers from 0 to 2.",
    ),
    "two groups": (
        lambda: nc.Problem(f, penalty=nc.GroupMCP(1, groups=[[0, 1], [1, 2]], on=w)),
        "place 1 is in two groups. Groups must be disjoint.",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_penalties(case):
    make, text = WRONG[case]
    with pytest.raises(ProblemError) as caught:
        make()
    assert text in str(caught.value)
