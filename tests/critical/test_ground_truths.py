"""Index and nullity where theory gives them: MF1, MF2, PR1 of the theorems, symmetries, large problems."""

from __future__ import annotations

from importlib import import_module
from itertools import combinations

import numpy as np
import pytest
import sympy as sp

import ncsolve as nc
from ncsolve.critical import classify

i, j, k = sp.symbols("i j k", integer=True)


def orthonormal(rng, n):
    return np.linalg.qr(rng.normal(size=(n, n)))[0]


@pytest.mark.parametrize("n", [2, 3, 4, 5])
def test_mf2_has_index_i_minus_1(n):
    """1/4 |x x^T - M|^2: 0 and +-sqrt(lam_i) u_i, isolated."""
    Q, lam = orthonormal(np.random.default_rng(n), n), 1.3 * np.arange(n, 0, -1)
    u, M = sp.IndexedBase("u", shape=(n,)), sp.IndexedBase("M", shape=(n, n))
    f = sp.Sum((u[i] * u[j] - M[i, j]) ** 2, (i, 0, n - 1), (j, 0, n - 1)) / 4
    oracle = nc.compile(nc.Problem(f, data={M: Q * lam @ Q.T}))
    points = [classify(oracle, sign * np.sqrt(lam[a]) * Q[:, a]) for a in range(n) for sign in (1, -1)]
    zero = classify(oracle, np.zeros(n))
    assert [p.index for p in points] == [a for a in range(n) for _ in range(2)]
    assert (zero.kind, zero.index) == ("maximum", n)
    assert {p.nullity for p in points} == {0}
    assert sum((-1) ** p.index for p in (*points, zero)) == 1


@pytest.mark.parametrize(("m", "n", "r", "rank"), [(3, 3, 1, 2), (3, 3, 2, 3), (4, 3, 3, 3)])
def test_mf1_has_the_index_of_its_subset(m, n, r, rank):
    """1/2 |M - U V^T|^2 at every subset of singular pairs, on a random point of its GL(r) orbit."""
    rng = np.random.default_rng(0)
    X, Y, s = orthonormal(rng, m)[:, :rank], orthonormal(rng, n)[:, :rank], np.arange(rank, 0, -1) + 0.5
    U, V, M = sp.IndexedBase("U", shape=(m, r)), sp.IndexedBase("V", shape=(n, r)), sp.IndexedBase("M", shape=(m, n))
    f = sp.Sum((M[i, j] - sp.Sum(U[i, k] * V[j, k], (k, 0, r - 1))) ** 2, (i, 0, m - 1), (j, 0, n - 1)) / 2
    problem = nc.Problem(f, variables=[U, V], data={M: X * s @ Y.T})
    oracle = nc.compile(problem)
    for size in range(min(r, rank) + 1):
        for S in combinations(range(rank), size):
            G, left, right = rng.normal(size=(r, r)), np.zeros((m, r)), np.zeros((n, r))
            left[:, :size], right[:, :size] = X[:, S] * np.sqrt(s[list(S)]), Y[:, S] * np.sqrt(s[list(S)])
            point = classify(oracle, problem.pack({U: left @ G, V: right @ np.linalg.inv(G).T}))
            swaps = sum(s[b] > s[a] for a in S for b in range(rank) if b not in S)
            index = swaps + (r - size) * (rank - size)
            positive = size * (m + n - size) - swaps + (r - size) * (rank - size)
            assert (point.index, point.nullity) == (index, (m + n) * r - index - positive)
            assert point.kind == ("saddle" if index else "minimum")


@pytest.mark.parametrize(("p", "q", "r"), [(3, 2, 2), (2, 3, 1), (3, 3, 2)])
def test_bh1_is_mf1_of_the_whitened_data(p, q, r):
    """1/2 |Y - W2 W1 X|^2: with the eigenvectors u_i of Syx Sxx^-1 Sxy, W2 W1 = sum_S u_i u_i' Syx Sxx^-1.

    f = (tr Syy - sum_S lam_i) / 2, and the index is that of MF1. [Baldi & Hornik 1989]
    """
    rng, N = np.random.default_rng(4), 6
    X, Y = rng.normal(size=(p, N)), rng.normal(size=(q, N))
    slope = Y @ X.T @ np.linalg.inv(X @ X.T)
    lam, u = np.linalg.eigh(slope @ X @ Y.T)
    rank = min(p, q)
    lam, u = lam[::-1][:rank], u[:, ::-1][:, :rank]
    A, B = sp.IndexedBase("A", shape=(r, p)), sp.IndexedBase("B", shape=(q, r))
    D, E, a, b = sp.IndexedBase("D", shape=(p, N)), sp.IndexedBase("E", shape=(q, N)), *sp.symbols("a b", integer=True)
    product = sp.Sum(B[i, a] * A[a, b] * D[b, j], (a, 0, r - 1), (b, 0, p - 1))
    f = sp.Sum((E[i, j] - product) ** 2, (i, 0, q - 1), (j, 0, N - 1)) / 2
    problem = nc.Problem(f, variables=[A, B], data={D: X, E: Y})
    oracle = nc.compile(problem)
    for size in range(min(r, rank) + 1):
        for S in combinations(range(rank), size):
            G, left, right = rng.normal(size=(r, r)), np.zeros((q, r)), np.zeros((r, p))
            left[:, :size], right[:size] = u[:, S], u[:, S].T @ slope
            point = classify(oracle, problem.pack({B: left @ G, A: np.linalg.inv(G) @ right}))
            swaps = sum(lam[d] > lam[c] for c in S for d in range(rank) if d not in S)
            index = swaps + (r - size) * (rank - size)
            positive = size * (p + q - size) - swaps + (r - size) * (rank - size)
            assert (point.index, point.nullity) == (index, (p + q) * r - index - positive)
            assert point.objective == pytest.approx((np.sum(Y * Y) - lam[list(S)].sum()) / 2)


def test_pr1_sphere_of_saddles():
    """Population phase retrieval: +-z minima, 0 a maximum, a sphere of saddles with n - 2 zero eigenvalues."""
    n, rng = 5, np.random.default_rng(1)
    z, across = rng.normal(size=n), rng.normal(size=n)
    norm2 = float(z @ z)
    across -= across @ z / norm2 * z
    across *= np.sqrt(norm2 / 3) / np.linalg.norm(across)
    u, Z = sp.IndexedBase("u", shape=(n,)), sp.IndexedBase("Z", shape=(n,))
    square, overlap = sp.Sum(u[i] ** 2, (i, 0, n - 1)), sp.Sum(u[i] * Z[i], (i, 0, n - 1))
    f = (3 * square**2 + 3 * norm2**2 - 2 * square * norm2 - 4 * overlap**2) / 4
    oracle = nc.compile(nc.Problem(f, data={Z: z}))
    found = [classify(oracle, point) for point in (z, -z, 0 * z, across)]
    assert [(p.kind, p.index, p.nullity) for p in found] == [
        ("minimum", 0, 0),
        ("minimum", 0, 0),
        ("maximum", n, 0),
        ("saddle", 1, n - 2),
    ]
    assert found[-1].eigenvalues / norm2 == pytest.approx([-2, 0, 0, 0, 2], abs=1e-12)


x, y, z = sp.symbols("x y z")


@pytest.mark.parametrize(
    ("f", "at", "kind", "nullity", "symmetry"),
    [
        ((x * y - 1) ** 2, [2, 0.5], "minimum", 1, "1-dimensional GL(1) symmetry"),
        ((x * y * z - 1) ** 2, [1, 1, 1], "minimum", 2, "2-dimensional GL(1)^2 symmetry"),
        ((x**2 + y**2 - 1) ** 2 + z**4, [0.6, 0.8, 0], "minimum", 2, "1-dimensional SO(2) symmetry"),
        ((x**2 + y**2 - 1) ** 2 + z**3, [0.6, 0.8, 0], "saddle", 2, "1-dimensional SO(2) symmetry"),
        ((x**2 + y**2 + z**2 - 1) ** 2, [0.6, 0.8, 0], "minimum", 2, "2-dimensional orbit of a SO(3) symmetry"),
        (sp.cos(x - y), [1, 1], "maximum", 1, "1-dimensional translation symmetry"),
    ],
)
def test_symmetries_explain_flat_directions(judge, f, at, kind, nullity, symmetry):
    point = judge(f, at)
    assert (point.kind, point.nullity) == (kind, nullity)
    assert f"tangent to a {symmetry} of f" in point.explanation
    whole = not f.has(z**4, z**3)
    assert point.explanation.startswith(f"{kind}, up to a {symmetry}: " if whole else f"{kind}: ")


def test_a_large_factorised_null_space_is_the_orbit():
    """1/2 |M - U V^T|^2 + 1/2 |(U, V)|^2 of rank 3, n = 630: X S Y^T = M gives U V^T = X (S - 1) Y^T, up to SO(3)."""
    m, n, r, rng = 110, 100, 3, np.random.default_rng(3)
    X, Y, s = orthonormal(rng, m)[:, :r], orthonormal(rng, n)[:, :r], np.array([9.0, 6.0, 4.0])
    U, V, M = sp.IndexedBase("U", shape=(m, r)), sp.IndexedBase("V", shape=(n, r)), sp.IndexedBase("M", shape=(m, n))
    f = sp.Sum((M[i, j] - sp.Sum(U[i, k] * V[j, k], (k, 0, r - 1))) ** 2, (i, 0, m - 1), (j, 0, n - 1)) / 2
    f += sum(sp.Sum(W[i, k] ** 2, (i, 0, W.shape[0] - 1), (k, 0, r - 1)) for W in (U, V)) / 2
    problem = nc.Problem(f, variables=[U, V], data={M: X * s @ Y.T})
    G = np.sqrt(s - 1)[:, None] * orthonormal(rng, r)
    point = classify(nc.compile(problem), problem.pack({U: X @ G, V: Y @ G}) + 1e-8 * rng.normal(size=problem.n))
    assert (point.kind, point.nullity) == ("minimum", 3)
    assert point.explanation.startswith("minimum, up to a 3-dimensional SO(3) symmetry: ")


@pytest.mark.parametrize("small", [1e-9, 1e-12])
def test_a_broken_symmetry_is_none(judge, small):
    point = judge((x - y) ** 2 + small * x**3, [0, 0])
    assert point.kind == "saddle"
    assert "symmetry" not in point.explanation


@pytest.mark.parametrize("n", [100, 1000])
def test_large_and_sparse(n):
    """sum (x_i^2 - 1)^2 + x_i^2 x_(i+1)^2 / 4: with every third x_i = 1 and 0 elsewhere, the zeros are the index."""
    u = sp.IndexedBase("u", shape=(n,))
    f = sp.Sum((u[i] ** 2 - 1) ** 2, (i, 0, n - 1)) + sp.Sum(u[i] ** 2 * u[i + 1] ** 2, (i, 0, n - 2)) / 4
    oracle = nc.compile(nc.Problem(f))
    at = np.zeros(n)
    at[::3] = 1
    point = classify(oracle, at)
    assert (point.kind, point.index, point.nullity) == ("saddle", int((at == 0).sum()), 0)
    assert oracle.value(at + point.witness) < point.objective


def test_large_and_dense():
    n = 400
    u = sp.IndexedBase("u", shape=(n,))
    coupling = sp.Sum(u[i] * (u[i] ** 2 - 1), (i, 0, n - 1)) ** 2 / n
    oracle = nc.compile(nc.Problem(sp.Sum((u[i] ** 2 - 1) ** 2, (i, 0, n - 1)) + coupling))
    minimum = classify(oracle, np.ones(n))
    assert (minimum.kind, minimum.index) == ("minimum", 0)
    assert minimum.eigenvalues == pytest.approx([8, 8, 16])
    at = np.zeros(n)
    at[::3] = 1
    assert classify(oracle, at).index == int((np.linalg.eigvalsh(oracle.hessian(at, dense=True)) < 0).sum())


def test_too_large_for_a_hessian(monkeypatch):
    """By Lanczos on products, with the limit lowered to where the truth is known."""
    monkeypatch.setattr(import_module("ncsolve.critical.classify"), "AFFORDABLE", 20)
    n = 40
    u = sp.IndexedBase("u", shape=(n,))
    coupling = sp.Sum(u[i] * (u[i] ** 2 - 1), (i, 0, n - 1)) ** 2 / n
    oracle = nc.compile(nc.Problem(sp.Sum((u[i] ** 2 - 1) ** 2, (i, 0, n - 1)) + coupling))
    assert not oracle.structure.sparse
    minimum = classify(oracle, np.ones(n))
    assert minimum.kind == "minimum"
    assert "Lanczos steps" in minimum.explanation
    assert "with probability" in minimum.explanation
    at = np.ones(n)
    at[0] = 0
    saddle = classify(oracle, at)
    assert (saddle.kind, saddle.index) == ("saddle", 1)
    assert oracle.value(at + saddle.witness) < saddle.objective
