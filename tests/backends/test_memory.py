"""Temporaries are bounded: what benchmarks/memory.py measures at full size, in small."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
import sympy as sp

import ncsolve as nc

i, j = sp.symbols("i j", integer=True)


def extra(problem: nc.Problem, backend: str) -> int:
    """The bytes that value and gradient allocate beyond x and data, once everything is compiled."""
    if backend == "numba":
        pytest.importorskip("numba")
    oracle = nc.compile(problem, backend)
    x = np.random.default_rng(0).normal(size=problem.n)
    oracle.value_and_gradient(x)
    x = x + 0.01
    tracemalloc.start()
    oracle.value_and_gradient(x)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


@pytest.mark.parametrize(("backend", "vectors"), [("numpy", 4), ("numba", 1)])
def test_a_long_chain(backend, vectors):
    n = 200_000
    x = sp.IndexedBase("x", shape=(n,))
    chain = nc.Problem(sp.Sum(100 * (x[i + 1] - x[i] ** 2) ** 2 + (1 - x[i]) ** 2, (i, 0, n - 2)))
    assert extra(chain, backend) <= vectors * 8 * n + 20_000


@pytest.mark.parametrize("backend", ["numpy", "numba"])
def test_distances_to_centres(backend, monkeypatch):
    """Rows go in blocks, of a twentieth here; native code keeps nothing for each row."""
    rows, columns, centres = 30_000, 4, 5
    monkeypatch.setattr("ncsolve.backends.evaluator.BLOCK", 30_000)
    monkeypatch.setattr("ncsolve.backends.evaluator._ROW_BLOCKS_FROM", 100_000)
    A, M = sp.IndexedBase("A", shape=(rows, columns)), sp.IndexedBase("M", shape=(centres, columns))
    nearest = sp.Min(*(sp.Sum((A[i, j] - M[c, j]) ** 2, (j, 0, columns - 1)) for c in range(centres)))
    data = np.random.default_rng(0).normal(size=(rows, columns))
    problem = nc.Problem(sp.Sum(nearest, (i, 0, rows - 1)), data={A: data})
    assert extra(problem, backend) < 8 * rows * columns * centres / 4
    x = np.random.default_rng(1).normal(size=problem.n)
    distances = ((data[:, None] - x.reshape(centres, columns)) ** 2).sum(-1)
    assert nc.compile(problem, backend).value(x) == pytest.approx(distances.min(1).sum(), rel=1e-12)


@pytest.mark.parametrize("backend", ["numpy", "auto"])
def test_ratings_by_rows(backend, monkeypatch):
    """Neither the positions of all entries nor their factors are ever held together: 64 bytes a rating are a factor."""
    count, users, items, rank = 40_000, 60, 50, 8
    monkeypatch.setattr("ncsolve.backends.evaluator.BLOCK", 30_000)
    monkeypatch.setattr("ncsolve.backends.evaluator._ROW_BLOCKS_FROM", 100_000)
    rng = np.random.default_rng(0)
    u, v, r = (sp.IndexedBase(name, shape=(count,)) for name in "uvr")
    U, V = sp.IndexedBase("U", shape=(users, rank)), sp.IndexedBase("V", shape=(items, rank))
    table = rng.integers(0, users, count), rng.integers(0, items, count), rng.normal(size=count)
    error = r[i] - sp.Sum(U[u[i], j] * V[v[i], j], (j, 0, rank - 1))
    problem = nc.Problem(sp.Sum(error**2, (i, 0, count - 1)), data=dict(zip((u, v, r), table, strict=True)))
    x = rng.normal(size=problem.n)
    oracle = nc.compile(problem, backend)
    assert oracle.structure.least_squares  # derived before memory is measured
    tracemalloc.start()
    f, g = oracle.value_and_gradient(x)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 64 * count
    A, B = x[: users * rank].reshape(users, rank), x[users * rank :].reshape(items, rank)
    residual = table[2] - np.einsum("ka,ka->k", A[table[0]], B[table[1]])
    expected = np.zeros_like(x)
    np.add.at(expected[: users * rank].reshape(users, rank), table[0], -2 * residual[:, None] * B[table[1]])
    np.add.at(expected[users * rank :].reshape(items, rank), table[1], -2 * residual[:, None] * A[table[0]])
    assert f == pytest.approx(residual @ residual, rel=1e-12)
    assert g == pytest.approx(expected, rel=1e-9, abs=1e-9)
