"""What is read off a graph: sums of squares, sparsity, separability, kinks."""

from __future__ import annotations

import numpy as np
import pytest
import sympy as sp

import ncsolve as nc
from ncsolve.backends.explain import Evaluated
from ncsolve.graph.program import Program
from ncsolve.graph.structure import Structure, residuals

x = sp.IndexedBase("x", shape=(6,))
A, w = sp.IndexedBase("A"), sp.IndexedBase("w")
i, j = sp.symbols("i j", integer=True)
a, b, lam = sp.symbols("a b lam")
DATA = {A: np.arange(6.0), w: np.linspace(0, 1, 6)}
chain = sp.Sum(100 * (x[i + 1] - x[i] ** 2) ** 2 + (1 - x[i]) ** 2, (i, 0, 4))
fit = sp.Sum(w[i] * (x[i] - A[i]) ** 2, (i, 0, 5))


def structure(objective: sp.Expr, **arguments) -> Structure:
    used = {str(e.label) for e in objective.atoms(sp.IndexedBase)}
    data = {base: array for base, array in DATA.items() if str(base) in used}
    return nc.compile(nc.Problem(objective, data=data, **arguments)).structure


SQUARES = [
    chain,
    fit,
    fit / 6 + lam * sp.Sum(x[i] ** 2, (i, 0, 5)),
    (a - 1) ** 2 + 3 * sp.sin(b) ** 2,
    a**4 + 5,
    sp.Sum(sp.Sum(x[i] * A[j], (j, 0, 5)) ** 2, (i, 0, 5)),
    sp.Sum((x[i] - x[j]) ** 2, (j, i + 1, 5), (i, 0, 4)),
    a**2 * b**2,
    sp.Sum(x[i] ** 2 + a**2, (i, 0, 5)),
    sp.Sum(A[i] * (x[j] ** 2 + a**2), (i, 0, 5), (j, 0, 5)),
]
OTHERS = [
    chain - 1,
    -fit,
    a**2 - b**2,
    fit - lam * a**2,
    a**3,
    sp.exp(a),
    sp.Sum((A[i] - 3) * x[i] ** 2, (i, 0, 5)),
]


@pytest.mark.parametrize("objective", SQUARES, ids=str)
def test_sums_of_squares_and_their_residuals(objective: sp.Expr) -> None:
    parameters = {lam: 0.5} if objective.has(lam) else {}
    assert structure(objective, parameters=parameters).least_squares
    used = {str(e.label) for e in objective.atoms(sp.IndexedBase)}
    data = {base: array for base, array in DATA.items() if str(base) in used}
    oracle = nc.compile(nc.Problem(objective, data=data, parameters=parameters))
    graph = oracle.derivation.graph
    again = graph.add(
        graph.contract([weight, graph.pointwise(root.symbol**2)], {*weight.indices, *root.indices})
        for weight, root in residuals(oracle.derivation, {"lam": 0.5})
    )
    program, (op,) = Program.of(graph, [again])
    p = np.random.default_rng(1).normal(size=oracle.n)
    numbers = {"lam": 0.5, "_row_weight": 1.0, "_row_count": float(oracle.structure.rows)}
    assert Evaluated(program, [op], p, numbers).values[op] == pytest.approx(oracle.value(p))


@pytest.mark.parametrize("objective", OTHERS, ids=str)
def test_what_is_no_sum_of_squares(objective: sp.Expr) -> None:
    parameters = {lam: 0.5} if objective.has(lam) else {}
    assert not structure(objective, parameters=parameters).least_squares


def test_the_sign_of_a_parameter_decides() -> None:
    assert structure(lam * a**2, parameters={lam: 2.0}).least_squares
    assert not structure(lam * a**2, parameters={lam: -2.0}).least_squares


def test_sparsity_of_a_chain() -> None:
    n = 60
    y = sp.IndexedBase("y", shape=(n,))
    s = structure(sp.Sum((y[i + 1] - y[i] ** 2) ** 2, (i, 0, n - 2)))
    assert s.sparse
    assert (s.nonzeros, s.bandwidth, s.components) == (3 * n - 2, 1, 1)
    hessian = nc.compile(nc.Problem(sp.Sum((y[i + 1] - y[i] ** 2) ** 2, (i, 0, n - 2)))).hessian(np.ones(n))
    assert hessian.nnz == s.nonzeros


@pytest.mark.parametrize(
    ("objective", "components", "separable"),
    [
        (sp.Sum(x[i] ** 4 - x[i], (i, 0, 5)), 6, True),
        (sp.Sum(x[i] * x[i + 3], (i, 0, 2)), 3, False),
        (chain, 1, False),
        (a**2 + sp.sin(b), 2, True),
        (a + b, 2, True),
    ],
    ids=str,
)
def test_separable_blocks(objective: sp.Expr, components: int, separable: bool) -> None:
    s = structure(objective)
    assert (s.components, s.separable) == (components, separable)


@pytest.mark.parametrize(
    ("objective", "expected"),
    [(a**2 + a * b, True), (fit, True), (a + b, True), (a**3, False), (a**2 + sp.Abs(b), False), (sp.cos(a), False)],
    ids=str,
)
def test_quadratic(objective: sp.Expr, expected: bool) -> None:
    assert structure(objective).quadratic is expected


@pytest.mark.parametrize(
    ("objective", "kinks"),
    [
        (sp.Abs(a) + sp.Max(b, 0), ("Abs", "Max")),
        (sp.Min(a, b) * sp.sign(a), ("Min", "sign")),
        (sp.Piecewise((a**2, a > 0), (0, True)), ("Piecewise",)),
        (sp.sqrt(a**2 + b**2), ("norm",)),
        (sp.sqrt(a**2 + 1), ()),
        (a * sp.Sum(sp.Abs(A[i]), (i, 0, 5)), ()),
        (sp.Sum(sp.Sum(x[j], (j, 0, i)) ** 2, (i, 0, 5)), ()),
    ],
    ids=str,
)
def test_kinks(objective: sp.Expr, kinks: tuple[str, ...]) -> None:
    s = structure(objective)
    assert s.kinks == kinks
    assert s.smooth is not bool(kinks)


def test_summary() -> None:
    assert structure(fit).summary() == [
        "6 variables: x[6]",
        "finite sum over i: 6 rows",
        "sum of squares",
        "quadratic: the Hessian is constant",
        "Hessian: dense, 6 non-zero entries of 36, bandwidth 0",
        "separable: a sum of functions of single variables",
    ]
    assert structure(sp.Abs(a)).summary() == ["1 variable: a", "not smooth: Abs of the variables"]
    assert "Hessian: dense, 2 x 2" in structure(sp.exp(a * b)).summary()
