"""The gradient as a formula: how it reads (its values are tested on random expressions)."""

from __future__ import annotations

import pytest
import sympy as sp

import ncsolve as nc
from ncsolve.graph.derivation import derive
from ncsolve.graph.formula import gradient_formula, node_expression, objective_formula

x = sp.IndexedBase("x", shape=(10,))
X = sp.IndexedBase("X", shape=(4, 2))
A, row = sp.IndexedBase("A"), sp.IndexedBase("row")
i, j, d = sp.symbols("i j d", integer=True)
a, b = sp.symbols("a b")


def texts(objective: sp.Expr, **arguments) -> list[str]:
    equations = gradient_formula(nc.Problem(objective, **arguments))
    return [f"{e.lhs} = {e.rhs}" for e in equations]


def test_scalars() -> None:
    assert texts(a**2 * b + sp.sin(b)) == ["df/da = 2*a*b", "df/db = a**2 + cos(b)"]


def test_parts_that_hold_for_a_range() -> None:
    objective = sp.Sum((x[i + 1] - x[i]) ** 2, (i, 0, 8))
    assert texts(objective) == [
        "df/dx[j] = Piecewise((-2*x[j + 1] + 2*x[j], j <= 8), (0, True)) + "
        "Piecewise((-2*x[j - 1] + 2*x[j], j >= 1), (0, True))"
    ]


def test_data_indices_become_kronecker_deltas() -> None:
    objective = sp.Sum(A[i] * x[row[i]] ** 2, (i, 0, 2))
    (text,) = texts(objective, data={A: [1.0, 2.0, 3.0], row: [0, 4, 4]})
    assert text == "df/dx[j] = Sum(2*KroneckerDelta(j, row[i])*A[i]*x[row[i]], (i, 0, 2))"


def test_ragged_sums_keep_their_limits() -> None:
    squared = sp.Sum((X[i, d] - X[j, d]) ** 2, (d, 0, 1))
    (text,) = texts(sp.Sum(1 / squared, (j, i + 1, 3), (i, 0, 2)))
    assert "(j, i + 1, 3), (i, 0, 2)" in text
    assert text.startswith("df/dX[k, l] = ")


def test_functions_of_our_own_are_written_by_their_definitions() -> None:
    assert texts(sp.log(1 + sp.exp(a))) == ["df/da = 1/(1 + exp(-a))"]
    (text,) = texts(sp.log(sp.Sum(sp.exp(x[i]), (i, 0, 9))))
    assert text == "df/dx[j] = exp(x[j])/Sum(exp(x[i]), (i, 0, 9))"


def test_flat_sums_give_each_symbol_its_own_terms() -> None:
    v = sp.symbols("v0:12")
    problem = nc.Problem(sum((v[k + 1] - v[k] ** 2) ** 2 for k in range(11)))
    for symbol, equation in zip(v, gradient_formula(problem), strict=True):
        assert sp.expand(equation.rhs - sp.diff(problem.objective, symbol)) == 0


def test_names_do_not_clash() -> None:
    f, k = sp.symbols("j k")
    (_, _, equation) = gradient_formula(nc.Problem(f * k * sp.Sum(x[i] ** 2, (i, 0, 9))))
    assert str(equation.lhs) == "df/dx[l]"


def test_printing() -> None:
    (equation,) = gradient_formula(nc.Problem(a**2))
    assert sp.latex(equation) == r"\frac{\partial f}{\partial a} = 2 a"
    assert sp.pretty(equation, use_unicode=True).splitlines()[0].strip() == "df"


def test_objective() -> None:
    assert str(objective_formula(nc.Problem(a**2))) == "Eq(f, a**2)"


@pytest.mark.parametrize(
    "objective", [sp.Sum(x[i] ** 2 * x[i + 1], (i, 0, 8)), sp.Sum(x[i] * x[j], (j, i + 1, 9), (i, 0, 8))], ids=str
)
def test_a_node_is_what_it_was_made_from(objective: sp.Expr) -> None:
    derivation = derive(nc.Problem(objective))
    assert node_expression(derivation.graph, derivation.value, {"x": x}).doit() == objective.doit()
