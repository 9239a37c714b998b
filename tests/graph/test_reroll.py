"""Sums written out term by term, over elements of arrays: they become the templates that they were made from."""

from __future__ import annotations

import numpy as np
import pytest
import sympy as sp

import ncsolve as nc

M, N = 12, 6
rng = np.random.default_rng(0)
Av, bv = rng.normal(size=(M, N)), rng.normal(size=(M, 1))
A, x, b = sp.MatrixSymbol("A", M, N), sp.MatrixSymbol("x", N, 1), sp.MatrixSymbol("b", M, 1)
i, j = sp.symbols("i j", integer=True)
n = 40
y, c = sp.IndexedBase("y", shape=(n,)), sp.IndexedBase("c", shape=(n,))
U = sp.IndexedBase("U", shape=(n, 3))
cv = rng.normal(size=n)

WRITTEN = {
    "residual": (((A * x - b).T * (A * x - b))[0, 0], ((A * x - b).T * (A * x - b))),
    "rows in a Sum": (
        sp.Sum(sp.exp((A * x)[i, 0] * b[i, 0]), (i, 0, M - 1)),
        sp.Sum(sp.exp(sp.Sum(A[i, j] * x[j, 0], (j, 0, N - 1)) * b[i, 0]), (i, 0, M - 1)),
    ),
    "chain": (
        sum(100 * (y[k + 1] - y[k] ** 2) ** 2 + (1 - y[k]) ** 2 for k in range(n - 1)),
        sp.Sum(100 * (y[i + 1] - y[i] ** 2) ** 2 + (1 - y[i]) ** 2, (i, 0, n - 2)),
    ),
    "data and numbers": (
        sum(c[k] * sp.cos(k * y[k]) for k in range(n)),
        sp.Sum(c[i] * sp.cos(i * y[i]), (i, 0, n - 1)),
    ),
    "pairs": (
        sum((U[p, 0] - U[q, 1]) ** 4 * U[q, 2] for p in range(6) for q in range(p)),
        sp.Sum((U[i, 0] - U[j, 1]) ** 4 * U[j, 2], (j, 0, i - 1), (i, 0, 5)),
    ),
    "a parameter": (
        sum(sp.Symbol("lam") * y[k] ** 2 for k in range(n)),
        sp.Sum(sp.Symbol("lam") * y[i] ** 2, (i, 0, n - 1)),
    ),
}


def compiled(objective):
    names = {str(s) for s in objective.free_symbols} | {m.name for m in objective.atoms(sp.MatrixSymbol)}
    data = {name: array for name, array in {"A": Av, "b": bv, "c": cv}.items() if name in names}
    return nc.compile(nc.Problem(objective, data=data, parameters={"lam": 2} if "lam" in names else None))


@pytest.mark.parametrize("name", WRITTEN)
def test_a_sum_written_out_is_the_sum(name):
    written, kept = map(compiled, WRITTEN[name])
    z = rng.normal(size=(2, kept.n)) / 3
    np.testing.assert_allclose(written.value(z), kept.value(z), rtol=1e-11)
    np.testing.assert_allclose(written.gradient(z), kept.gradient(z), rtol=1e-9, atol=1e-11)
    np.testing.assert_allclose(written.hessian(z), kept.hessian(z), rtol=1e-9, atol=1e-10)
    assert len(written.source) < 2 * len(kept.source)


def test_what_sympy_writes_out_is_a_product_again():
    for name in ("residual", "rows in a Sum"):
        assert "d_A @ x" in compiled(WRITTEN[name][0]).source


def test_terms_that_differ_in_numbers_only_stay_within_a_sum():
    body = sum(k * sp.sin(k * y[i]) for k in range(1, 10))
    oracle = compiled(sp.Sum(body, (i, 0, n - 1)))
    z = rng.normal(size=n)
    assert oracle.value(z) == pytest.approx(sum(np.sum(k * np.sin(k * z)) for k in range(1, 10)))
    assert "[:, None]" not in oracle.source
