"""Sums by their kinds: ragged, restricted, from data, nested, written out, of samples."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import sympy as sp

import ncsolve as nc
from ncsolve.graph.nodes import Contract

x = sp.IndexedBase("x", shape=(6,))
X = sp.IndexedBase("X", shape=(4, 2))
A, start, row = (sp.IndexedBase(name) for name in ("A", "start", "row"))
i, j, k, d = sp.symbols("i j k d", integer=True)
a, lam = sp.symbols("a lam")
P = np.linspace(-1, 1.3, 6)
Q = np.sin(np.arange(8.0))
S = Q.reshape(4, 2)
squared = sp.Sum((X[i, d] - X[j, d]) ** 2, (d, 0, 1))


def rows_of(first: list[int]) -> float:
    return sum((r + 1) * P[c] ** 2 for r in range(3) for c in range(first[r], first[r + 1]))


VALUES: list[tuple[sp.Expr, dict, float]] = [
    (sp.Sum(x[i] * x[j], (j, i + 1, 5), (i, 0, 4)), {}, sum(P[r] * P[c] for r in range(6) for c in range(r + 1, 6))),
    (sp.Sum(sp.Sum(x[j], (j, 0, i)) ** 2, (i, 0, 5)), {}, float((np.cumsum(P) ** 2).sum())),
    (
        sp.Sum(sp.Piecewise((x[i] * x[j], sp.Ne(i, j)), (0, True)), (i, 0, 5), (j, 0, 5)),
        {},
        P.sum() ** 2 - (P**2).sum(),
    ),
    (sp.Sum((1 - sp.KroneckerDelta(i, j)) * x[i] * x[j], (i, 0, 5), (j, 0, 5)), {}, P.sum() ** 2 - (P**2).sum()),
    (sp.Sum(sp.KroneckerDelta(i, 2) * x[i], (i, 0, 5)), {}, P[2]),
    (
        sp.Sum((i + 1) * x[j] ** 2, (j, start[i], start[i + 1] - 1), (i, 0, 2)),
        {start: [0, 2, 2, 6]},
        rows_of([0, 2, 2, 6]),
    ),
    (sp.Sum(x[sp.Mod(i + 1, 6)] * x[i], (i, 0, 5)), {}, float((np.roll(P, -1) * P).sum())),
    (sp.Sum(x[5 - i] * i, (i, 0, 5)), {}, float((P[::-1] * np.arange(6)).sum())),
    (sp.Sum(x[2 * i + 1], (i, 0, 2)), {}, float(P[1::2].sum())),
    (sp.Product(x[i], (i, 0, 5)), {}, float(P.prod())),
    (sp.Sum(x[i] + 3, (i, 0, 5)), {}, float((P + 3).sum())),
]


@pytest.mark.parametrize(("objective", "data", "value"), VALUES, ids=lambda value: str(value)[:50])
def test_values(objective: sp.Expr, data: dict, value: float) -> None:
    oracle = nc.compile(nc.Problem(objective, data=data))
    assert oracle.value(P) == pytest.approx(value)
    step = 1e-6 * np.eye(6)
    slopes = [(oracle.value(P + e) - oracle.value(P - e)) / 2e-6 for e in step]
    np.testing.assert_allclose(oracle.gradient(P), slopes, atol=1e-7)


def test_pairs_of_atoms_listed_once() -> None:
    oracle = nc.compile(nc.Problem(sp.Sum(1 / squared, (j, i + 1, 3), (i, 0, 3))))
    expected = sum(1 / ((S[r] - S[c]) ** 2).sum() for r in range(4) for c in range(r + 1, 4))
    assert oracle.value(Q) == pytest.approx(expected)


def test_a_flat_sum_is_the_sum() -> None:
    v = sp.symbols("v0:30")
    y = sp.IndexedBase("y", shape=(30,))

    def term(e: Callable[[int], sp.Expr], t: sp.Expr | int) -> sp.Expr:
        return 100 * (e(t + 1) - e(t) ** 2) ** 2 + (1 - e(t)) ** 2

    flat = nc.compile(nc.Problem(sp.Add(*(term(lambda m: v[m], m) for m in range(29)))))
    whole = nc.compile(nc.Problem(sp.Sum(term(lambda m: y[m], i), (i, 0, 28))))
    p = np.random.default_rng(0).normal(size=30)
    assert flat.value(p) == pytest.approx(whole.value(p))
    np.testing.assert_allclose(flat.gradient(p), whole.gradient(p))
    np.testing.assert_allclose(flat.hessian(p, dense=True), whole.hessian(p, dense=True))
    assert any(isinstance(node, Contract) for node in flat.derivation.graph.reachable([flat.derivation.value]))


def test_a_flat_sum_with_numbers_of_its_own() -> None:
    v = sp.symbols("v0:12")
    numbers = np.round(np.cos(np.arange(12.0)), 3)
    oracle = nc.compile(nc.Problem(sum(sp.exp(c * s) for c, s in zip(numbers, v, strict=True)) + v[0] * v[5]))
    p = np.linspace(-1, 1, 12)
    assert oracle.value(p) == pytest.approx(float(np.exp(numbers * p).sum() + p[0] * p[5]))


SQUARES = sp.Sum((a - A[i]) ** 2, (i, 0, 4))


@pytest.mark.parametrize(
    ("objective", "rows"),
    [
        (SQUARES, 5),
        (3 + a * SQUARES, 5),
        (SQUARES / sp.Sum(A[i], (i, 0, 4)), 5),
        (SQUARES / 5 + sp.exp(a), 5),
        (sp.sqrt(SQUARES), 0),
        (sp.log(SQUARES), 0),
        (SQUARES**2, 0),
        (SQUARES * sp.Sum(sp.exp(a * A[i]), (i, 0, 4)), 0),
    ],
    ids=str,
)
def test_a_finite_sum_is_linear_in_its_rows(objective: sp.Expr, rows: int) -> None:
    oracle = nc.compile(nc.Problem(objective, data={A: np.arange(1.0, 6)}))
    assert oracle.structure.rows == rows
    assert oracle.structure.samples == ("i" if rows else None)


def test_constants_that_cancel_and_variables_that_do_not_occur() -> None:
    assert nc.compile(nc.Problem(a - a + sp.Symbol("c") ** 2)).n == 1
    oracle = nc.compile(nc.Problem(a**2, variables=[a, lam]))
    np.testing.assert_array_equal(oracle.gradient([3.0, 4.0]), [6, 0])
    np.testing.assert_array_equal(oracle.hessian([3.0, 4.0]), [[2, 0], [0, 0]])
    constant = nc.compile(nc.Problem(sp.Integer(5), variables=[a]))
    assert constant.value([1.0]) == 5
    np.testing.assert_array_equal(constant.gradient([1.0]), [0])
    np.testing.assert_array_equal(constant.hessian([[1.0], [2.0]]), np.zeros((2, 1, 1)))


def strided(m: np.ndarray) -> np.ndarray:
    return np.repeat(m, 2, axis=0)[::2]


def read_only(m: np.ndarray) -> np.ndarray:
    m.flags.writeable = False
    return m


@pytest.mark.parametrize(
    "convert", [np.asfortranarray, strided, read_only, lambda m: m.astype(np.float32), lambda m: m.astype(np.int8)]
)
def test_layouts_of_data(convert: Callable) -> None:
    M = np.arange(12.0).reshape(6, 2)
    B = sp.IndexedBase("B")
    oracle = nc.compile(nc.Problem(sp.Sum(B[i, d] * x[i] ** 2, (i, 0, 5), (d, 0, 1)), data={B: convert(M)}))
    assert oracle.value(P) == pytest.approx(float((M.sum(axis=1) * P**2).sum()))


def test_large_integer_data_do_not_overflow() -> None:
    big = np.full(6, 2**62, dtype=np.int64)
    oracle = nc.compile(nc.Problem(sp.Sum(A[i] * x[i], (i, 0, 5)), data={A: big}))
    assert oracle.value(np.ones(6)) == pytest.approx(6.0 * 2**62)
    squares = nc.compile(nc.Problem(sp.Sum(A[i] ** 2 * x[i], (i, 0, 5)), data={A: big}))
    assert squares.value(np.ones(6)) == pytest.approx(6.0 * 2.0**124)
