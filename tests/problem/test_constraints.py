"""Constraints: what may be declared, every error text, and their exact derivatives."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import sympy as sp

import ncsolve as nc
from ncsolve.errors import ProblemError

x, y = sp.symbols("x y")
v = sp.IndexedBase("v", shape=(3, 2))
i, d = sp.symbols("i d", integer=True)
a = sp.IndexedBase("a", shape=(3,))
r = sp.Symbol("r")


def test_expressions_and_relations_are_the_same():
    one = nc.Problem(x + y, equal=[x * y - 1], less=[x**2 - y])
    two = nc.Problem(x + y, equal=sp.Eq(x * y, 1), less=[y >= x**2])
    assert one.constrained
    assert one.equal == two.equal
    assert one.less == two.less


def test_a_problem_without_is_not_constrained():
    problem = nc.Problem(x + y)
    assert not problem.constrained
    assert nc.compile(problem).constraints is None


def test_variables_may_occur_in_constraints_only():
    problem = nc.Problem(x**2, less=[1 - y, y - x])
    assert [variable.name for variable in problem.variables] == ["x", "y"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"equal": [x <= 1]}, r"equal: constraint 1 is x <= 1: put it under less=\[...\]"),
        ({"less": [x, sp.Eq(x, 1)]}, r"less: constraint 2 is Eq\(x, 1\): put it under equal=\[...\]"),
        ({"less": [x < 1]}, "less: constraint 1 is x < 1, which has no closed set of solutions. Write <= or >="),
        ({"less": [sp.S(2) < 1]}, "less: constraint 1 is always False: there is nothing to hold"),
        ({"equal": [sp.Eq(x, x)]}, "equal: constraint 1 is always True"),
        ({"equal": ["x"]}, "equal: constraint 1 must be a scalar SymPy expression = 0, .* not a str"),
        ({"less": "x"}, "less must be a list of expressions, not a str"),
        ({"less": [(x, (i, 0, 3))]}, "constraint 1 has the index i, which its expression does not contain"),
        ({"less": [(v[i, 0], (i, 2, 0))]}, r"constraint 1: the range \(i, 2, 0\) is empty"),
        ({"less": [(v[i, 0], i)]}, r"constraint 1: i is no range. Write \(i, 0, n - 1\) with integers"),
        ({"less": [sp.MatrixSymbol("M", 2, 2)]}, "not a MatrixSymbol"),
        ({"less": [v[i, 0]]}, "'i' is used as an index .* but no Sum binds it"),
        ({"equal": [x - 1], "penalty": nc.L1(0.1)}, "equal: constraints and penalties together are not supported"),
    ],
)
def test_wrong_declarations(arguments, message):
    with pytest.raises(ProblemError, match=message):
        nc.Problem(x**2 + y**2, **arguments)


def mixed():
    squares = sp.Sum(v[i, d] ** 2, (d, 0, 1))
    return nc.Problem(
        x**2 + y,
        equal=[x * y - 1, (squares - r * a[i], (i, 0, 2))],
        less=[x - 2, (v[i, d] * sp.exp(x) - x, (d, 0, 1), (i, 0, 2))],
        data={a: [1.0, 2.0, 3.0]},
        parameters={r: 1.0},
    )


def test_values_come_equalities_first_each_in_the_order_of_its_indices():
    problem = mixed()
    c = nc.compile(problem).constraints
    V = np.arange(1.0, 7.0).reshape(3, 2)
    point = problem.pack({"v": V, "x": 7, "y": 8})
    assert (c.m, c.equalities) == (11, 4)
    expected = [55, *((V**2).sum(axis=1) - [1, 2, 3]), 5, *(V.T * np.exp(7) - 7).ravel()]
    assert c.values(point) == pytest.approx(np.array(expected))
    assert c.violation(np.array([-1.0, 2, 3, 4, -5, 6, *[-1] * 5])).tolist() == [-1, 2, 3, 4, 0, 6, *[0] * 5]


def test_derivatives_are_exact():
    problem = mixed()
    c, rng = nc.compile(problem).constraints, np.random.default_rng(0)
    z, u, multipliers = rng.normal(size=8), rng.normal(size=8), rng.normal(size=11)
    J = c.jacobian(z)
    h = 1e-5
    assert (c.values(z + h * u) - c.values(z - h * u)) / (2 * h) == pytest.approx(J @ u, rel=1e-7, abs=1e-8)
    assert c.push(z, multipliers) == pytest.approx(J.T @ multipliers)
    assert c.tangent(z, u) == pytest.approx(J @ u)
    assert c.pushes(np.array([z, u]), np.array([multipliers, multipliers]))[0] == pytest.approx(J.T @ multipliers)
    numerical = (c.push(z + h * u, multipliers) - c.push(z - h * u, multipliers)) / (2 * h)
    assert c.second(z, multipliers)[0] @ u == pytest.approx(numerical, rel=1e-6, abs=1e-7)
    assert c.curve(z, multipliers, u) == pytest.approx(c.second(z, multipliers)[0] @ u)


def test_the_hessian_of_the_lagrangian_is_sparse_where_its_parts_are():
    n = 500
    w = sp.IndexedBase("w", shape=(n,))
    problem = nc.Problem(
        sp.Sum((w[i] - 1) ** 4, (i, 0, n - 1)), equal=[(w[i] ** 2 + w[i + 1] - 1, (i, 0, n - 2))], start={w: 0.5}
    )
    c = nc.compile(problem).constraints
    z = np.full(n, 0.3)
    H, J = c.hessian(z, np.ones(n - 1)), c.jacobian(z)
    assert not isinstance(H, np.ndarray)
    assert J.shape == (n - 1, n)
    assert J.nnz == 2 * (n - 1)
    assert H.diagonal()[0] == pytest.approx(12 * 0.7**2 + 2)


def test_parameters_change_without_deriving_again():
    problem = mixed()
    point = np.zeros(8)
    before = nc.compile(problem).constraints.values(point)
    terms = problem.derived["constraints"]
    changed = problem.with_parameters({r: 2.0})
    assert nc.compile(changed).constraints.values(point)[1:4] == pytest.approx([-2, -4, -6])
    assert before[1:4] == pytest.approx([-1, -2, -3])
    assert changed.derived["constraints"] is terms


def test_pickled():
    problem = pickle.loads(pickle.dumps(mixed()))
    assert nc.compile(problem).constraints.m == 11


def test_arrays_without_a_declared_shape_and_bounds_beside_constraints():
    w = sp.IndexedBase("w")
    problem = nc.Problem(
        sp.Sum(w[i] ** 2, (i, 0, 3)), equal=[(w[i] * w[i + 1] - 1, (i, 0, 2))], start={w: [2.0] * 4}, bounds={w: (1, 5)}
    )
    c = nc.compile(problem).constraints
    assert c.values(np.full(4, 2.0)).tolist() == [3, 3, 3]


def test_show_and_check_know_constraints(run, tmp_path):
    """Their formulas, their derivatives, and where they are undefined."""
    file = tmp_path / "logarithm.py"
    file.write_text(
        "import sympy as sp, ncsolve as nc\n"
        'x, y = sp.symbols("x y")\n'
        "problem = nc.Problem(x**2 + y**2, equal=[x*y - 1], less=[1 - sp.log(x)], bounds={x: (-1, 5), y: (-5, 5)},\n"
        "                     start={x: 2, y: 1})\n"
    )
    shown = run("show", str(file)).stdout
    assert "subject to" in shown
    assert "x⋅y - 1 = 0" in shown
    assert "1 - log(x) ≤ 0" in shown
    assert "\\leq 0" in run("show", str(file), "--latex").stdout
    checked = run("check", str(file))
    assert checked.exit_code == 0
    assert "warning: log(x) is undefined where x <= 0" in checked.stdout
    assert "Hessian at the start, of the constraints" in checked.stdout
