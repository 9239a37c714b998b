"""Deriving costs what the formula costs, whatever it is summed over; long and deep expressions are no recursion."""

from __future__ import annotations

import numpy as np
import pytest
import sympy as sp

import ncsolve as nc

a = sp.Symbol("a")
i, j = sp.symbols("i j", integer=True)


def rosenbrock(n: int) -> nc.Problem:
    x = sp.IndexedBase("x", shape=(n,))
    return nc.Problem(sp.Sum(100 * (x[i + 1] - x[i] ** 2) ** 2 + (1 - x[i]) ** 2, (i, 0, n - 2)))


def size_of_graph(problem: nc.Problem) -> int:
    derivation = nc.compile(problem).derivation
    parts = [derivation.value, *derivation.adjoint.values(), *derivation.product.values()]
    return len(derivation.graph.reachable([*parts, *(b.coefficient for b in derivation.blocks)]))


def test_the_graph_does_not_grow_with_n() -> None:
    assert size_of_graph(rosenbrock(10)) == size_of_graph(rosenbrock(100)) == size_of_graph(rosenbrock(1000))


def test_a_flat_sum_of_a_hundred_thousand_terms() -> None:
    numbers = np.arange(100_000)
    terms = (sp.Mul(sp.Integer(k), sp.sin(a), evaluate=False) for k in numbers + 2)
    oracle = nc.compile(nc.Problem(sp.Add(*terms, evaluate=False)))
    assert oracle.value([0.5]) == pytest.approx(float((numbers + 2).sum() * np.sin(0.5)))
    assert oracle.gradient([0.5])[0] == pytest.approx(float((numbers + 2).sum() * np.cos(0.5)))


def nested(step, depth: int) -> sp.Expr:
    expression = a
    for _ in range(depth):
        expression = step(expression)
    return expression


def test_two_thousand_products_in_one_another() -> None:
    oracle = nc.compile(nc.Problem(nested(lambda e: 1 + a * e, 2000)))
    assert oracle.value([0.5]) == pytest.approx(2)
    assert oracle.gradient([0.5])[0] == pytest.approx(4)


def test_two_thousand_logarithms_in_one_another() -> None:
    oracle = nc.compile(nc.Problem(nested(lambda e: sp.log(1 + sp.exp(e)), 2000)))
    assert oracle.value([0.5]) == pytest.approx(float(np.log(2000 + np.exp(0.5))))
    assert oracle.gradient([0.5])[0] == pytest.approx(float(np.exp(0.5) / (2000 + np.exp(0.5))))


def test_parameters_change_without_deriving_again() -> None:
    lam = sp.Symbol("lam")
    problem = nc.Problem(lam * a**2, parameters={lam: 1.0})
    first, second = nc.compile(problem), nc.compile(problem.with_parameters({lam: 3.0}))
    assert first.derivation is second.derivation
    assert (first.value([2.0]), second.value([2.0])) == (4.0, 12.0)
