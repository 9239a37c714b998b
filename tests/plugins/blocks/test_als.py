"""Alternating least squares: exact minimisers of blocks, its rate, its bounds, and what it refuses."""

import importlib.util
import math
from pathlib import Path

import numpy as np
import pytest
import sympy as sp

import ncsolve as nc
from ncsolve.backends import block_systems
from ncsolve.errors import OptionError, ProblemError
from ncsolve.extras import installed
from ncsolve.problem import load
from ncsolve.testing import SolverTests

ROOT = Path(__file__).parents[3]
SMALL = {
    "ratings": {"users": 14, "items": 11, "rank": 2},
    "matrix-completion": {"side": 10, "k": 2, "share": 0.7},
    "tensor-decomposition": {},
    "implicit-feedback": {"users": 12, "items": 9, "rank": 2},
}


class TestAls(SolverTests):
    solver = "als"
    accuracy = 1e-6


class TestBcd(SolverTests):
    solver = "bcd"
    accuracy = 1e-6


def file_of(name: str):
    """A problem file as a module."""
    specification = importlib.util.spec_from_file_location(name, ROOT / "problems" / f"{name}.py")
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def entries_of(block) -> np.ndarray:
    return np.concatenate([np.arange(v.offset, v.offset + v.size) for v in block.variables])


@pytest.mark.parametrize("name", SMALL)
def test_a_block_is_moved_to_its_minimiser(name):
    oracle = nc.compile(load(name, SMALL[name]))
    x = oracle.problem.random_point(np.random.default_rng(1))
    for k, block in enumerate(oracle.structure.blocks):
        y = oracle.minimise_block(x, k)
        inside = entries_of(block)
        others = np.setdiff1d(np.arange(oracle.n), inside)
        assert np.array_equal(y[others], x[others])
        scale = np.abs(oracle.gradient(x)).max()
        assert np.abs(oracle.gradient(y)[inside]).max() <= 1e-11 * scale


@pytest.mark.parametrize("name", SMALL)
def test_the_step_is_that_of_the_whole_hessian(name):
    oracle = nc.compile(load(name, SMALL[name]))
    x = oracle.problem.random_point(np.random.default_rng(2))
    g, H = oracle.gradient(x), oracle.hessian(x, dense=True)
    for k, block in enumerate(oracle.structure.blocks):
        inside = entries_of(block)
        expected = x[inside] - np.linalg.pinv(H[np.ix_(inside, inside)], rcond=1e-13) @ g[inside]
        assert oracle.minimise_block(x, k)[inside] == pytest.approx(expected, rel=1e-8, abs=1e-8)


def test_a_user_without_ratings_stays():
    U, V = sp.IndexedBase("U", shape=(3, 2)), sp.IndexedBase("V", shape=(2, 2))
    u, i, r = (sp.IndexedBase(name, shape=(4,)) for name in "uir")
    k, a = sp.symbols("k a", integer=True)
    error = r[k] - sp.Sum(U[u[k], a] * V[i[k], a], (a, 0, 1))
    data = {u: np.array([0, 0, 2, 2]), i: np.array([0, 1, 0, 1]), r: np.array([1.0, 2.0, 3.0, 4.0])}
    oracle = nc.compile(nc.Problem(sp.Sum(error**2, (k, 0, 3)), data=data))
    x = np.arange(1.0, 11.0)
    y = oracle.minimise_block(x, 0)
    assert np.array_equal(y[2:4], x[2:4])
    assert np.abs(oracle.gradient(y)[:6]).max() < 1e-10


def weighted_table(ridge: float):
    """sum w (m - mu[j] - c[i] - X[i] . Y[j])^2, in which nobody has rated the last of 9 rows."""
    rng = np.random.default_rng(3)
    row, column = np.nonzero(rng.random((8, 7)) < 0.7)
    r, s, m, w = (sp.IndexedBase(name, shape=(len(row),)) for name in "rsmw")
    X, Y = sp.IndexedBase("X", shape=(9, 3)), sp.IndexedBase("Y", shape=(7, 3))
    mu, c = sp.IndexedBase("mu", shape=(7,)), sp.IndexedBase("c", shape=(9,))
    k, a, p = sp.symbols("k a p", integer=True)
    error = m[k] - mu[s[k]] - c[r[k]] - sp.Sum(X[r[k], a] * Y[s[k], a], (a, 0, 2))
    size = sp.Sum(X[p, a] ** 2, (p, 0, 8), (a, 0, 2)) + sp.Sum(Y[p, a] ** 2, (p, 0, 6), (a, 0, 2))
    data = {r: row, s: column, m: rng.normal(size=len(row)), w: rng.uniform(0.5, 2, len(row))}
    return nc.Problem(sp.Sum(w[k] * error**2, (k, 0, len(row) - 1)) + ridge * size, data=data)


@pytest.mark.skipif(not installed("numba"), reason="native code needs numba")
@pytest.mark.parametrize(
    "make",
    [
        lambda: load("ratings", {"users": 14, "items": 11, "rank": 2}),
        lambda: load("matrix-completion", {"side": 10, "k": 2, "share": 0.7}),
        lambda: load("implicit-feedback", {"users": 12, "items": 9, "rank": 2}),
        lambda: weighted_table(0.3),
        lambda: weighted_table(0),
    ],
)
def test_native_systems_are_those_of_numpy(make, monkeypatch):
    oracle = nc.compile(make())
    x = oracle.problem.random_point(np.random.default_rng(1))
    blocks = range(len(oracle.structure.blocks))
    expected = [oracle.minimise_block(x, k) for k in blocks]
    monkeypatch.setattr(block_systems, "NATIVE_FROM", 0)
    native = nc.compile(make())
    for k in blocks:
        y = native.minimise_block(x, k)
        assert native._block_systems[k]._row_systems is not None
        assert oracle._block_systems[k]._row_systems is None
        assert y == pytest.approx(expected[k], rel=1e-10, abs=1e-12)
        assert np.abs(native.gradient(y)[entries_of(native.structure.blocks[k])]).max() < 1e-11


def test_other_systems_are_left_to_numpy(monkeypatch):
    monkeypatch.setattr(block_systems, "NATIVE_FROM", 0)
    for problem in (load("tensor-decomposition"), bilinear_regression()):
        assert all(systems._row_systems is None for systems in nc.compile(problem)._block_systems)


def test_the_nearest_of_several_minimisers():
    x, y = sp.symbols("x y")
    oracle = nc.compile(nc.Problem((x + y - 2) ** 2))
    assert oracle.minimise_block(np.array([3.0, 1.0]), 0) == pytest.approx([2.0, 0.0])


def test_a_block_without_minimum_is_left_to_a_newton_step():
    x, y = sp.symbols("x y")
    saddle = nc.Problem(x * y * (1 + y) + y**4 - x * y, blocks=[x, y])
    oracle = nc.compile(saddle)
    assert oracle.minimise_block(np.array([1.0, 1.0]), 0) is None


def test_the_objective_never_rises():
    result = nc.solve(load("tensor-decomposition"), "als", max_iterations=200)
    f = result.trace["objective"]
    assert (np.diff(f) <= 1e-12 * f[:-1]).all()


def test_rank_one_rate():
    """One sweep multiplies tan of the angle to the first singular vector by (s2/s1)^2 [THEOREMS: ALS1]."""
    rng = np.random.default_rng(0)
    P, Q = (np.linalg.qr(rng.normal(size=(5, 5)))[0] for _ in range(2))
    s = np.array([3.0, 2.0, 1.0, 0.5, 0.2])
    M = sp.IndexedBase("M", shape=(5, 5))
    u, v = sp.IndexedBase("u", shape=(5,)), sp.IndexedBase("v", shape=(5,))
    i, j = sp.symbols("i j", integer=True)
    objective = sp.Sum((M[i, j] - u[i] * v[j]) ** 2, (i, 0, 4), (j, 0, 4)) / 2
    start = Q[:, 0] + 0.8 * Q[:, 1]  # in the span of the first two: the bound is attained
    problem = nc.Problem(objective, data={M: P @ np.diag(s) @ Q.T}, start={u: 1.0, v: start})
    tangents = []

    def watch(look):
        along = np.abs(Q.T @ look.x[5:])
        tangents.append(along[1] / along[0])

    nc.solve(problem, "als", max_iterations=6, callbacks=[watch])
    assert np.array(tangents[1:]) / np.array(tangents[:-1]) == pytest.approx((2 / 3) ** 2, rel=1e-9)


def test_factors_of_a_tensor_are_recovered():
    module = file_of("tensor_decomposition")
    result = nc.solve(module.problem(), "als", starts=3, max_iterations=2000)
    assert module.match_score(result.values, module.factors()) > 0.99


def test_bounds_hold_and_the_multipliers_fit():
    result = nc.solve(load("nonnegative-factorisation", {"m": 8, "n": 7, "rank": 2}), "als", max_iterations=2000)
    assert result.status is nc.Status.CONVERGED
    assert result.x.min() >= 0


def test_ratings_are_predicted_better_than_by_their_mean():
    module = file_of("ratings")
    fit, kept = module.split(module.ratings())
    problem = module.problem()
    result = nc.solve(problem, "als", max_iterations=60)
    spread = float(np.sqrt(np.mean((kept.value - fit.value.mean()) ** 2)))
    assert result.metrics == {"test RMSE": pytest.approx(module.rmse(result.values, fit.value.mean(), kept))}
    assert result.metrics["test RMSE"] < 0.75 * spread
    assert result.to_json()["metrics"] == result.metrics
    assert f"test RMSE      {result.metrics['test RMSE']:.6g}" in result.summary()


def test_metrics_that_are_none():
    x = sp.Symbol("x")
    with pytest.raises(ProblemError, match=r"metrics: expected \{text: function of the values\}, not \{'size': 3\}"):
        nc.Problem(x**2, metrics={"size": 3})
    with pytest.raises(ProblemError, match=r"metrics: 'size' fails at the result with KeyError: 'y'"):
        nc.solve(nc.Problem(x**2, metrics={"size": lambda values: values["y"]}))


def principal_components():
    rng = np.random.default_rng(0)
    table = rng.normal(size=(30, 2)) @ rng.normal(size=(2, 8)) + rng.normal(size=8)
    row, column = np.nonzero(rng.random((30, 8)) < 0.7)
    r, c, z = (sp.IndexedBase(name, shape=(len(row),)) for name in "rcz")
    T, P = sp.IndexedBase("T", shape=(30, 2)), sp.IndexedBase("P", shape=(8, 2))
    mu = sp.IndexedBase("mu", shape=(8,))
    k, a = sp.symbols("k a", integer=True)
    error = z[k] - mu[c[k]] - sp.Sum(T[r[k], a] * P[c[k], a], (a, 0, 1))
    data = {r: row, c: column, z: table[row, column]}
    return nc.Problem(sp.Sum(error**2, (k, 0, len(row) - 1)), data=data, start={T: nc.Normal(0, 1), P: nc.Normal(0, 1)})


def bilinear_regression():
    """y_k = u' X_k v"""
    rng = np.random.default_rng(0)
    table = rng.normal(size=(40, 4, 3))
    X, y = sp.IndexedBase("X", shape=table.shape), sp.IndexedBase("y", shape=(40,))
    u, v = sp.IndexedBase("u", shape=(4,)), sp.IndexedBase("v", shape=(3,))
    k, i, j = sp.symbols("k i j", integer=True)
    error = y[k] - sp.Sum(X[k, i, j] * u[i] * v[j], (i, 0, 3), (j, 0, 2))
    data = {X: table, y: np.einsum("kij,i,j->k", table, rng.normal(size=4), rng.normal(size=3))}
    return nc.Problem(sp.Sum(error**2, (k, 0, 39)), data=data, start={u: 1.0, v: nc.Normal(0, 1)})


@pytest.mark.parametrize(("make", "blocks"), [
    (principal_components, "P, mu (8 systems of 3) | T (30 systems of 2)"),
    (bilinear_regression, "u (one system of 4) | v (one system of 3)"),
])  # fmt: skip
def test_exact_models_are_recovered(make, blocks):
    problem = make()
    assert " | ".join(map(str, nc.compile(problem).structure.blocks)) == blocks
    result = nc.solve(problem, "als", max_iterations=500)
    assert result.objective < 1e-8


@pytest.mark.parametrize("separator", ["\t", "::", ","])
def test_a_file_of_ratings(tmp_path, separator):
    lines = [separator.join(map(str, (f"u{k % 5}", f"i{k % 7}", 1 + k % 5, 978300760))) for k in range(35)]
    file = tmp_path / "ratings.txt"
    file.write_text("\n".join([separator.join(["user", "item", "rating", "time"]), *lines]))
    table = file_of("ratings").read(file)
    assert (table.user.max(), table.item.max(), len(table.value)) == (4, 6, 35)
    assert load("ratings", {"data": str(file), "rank": 2}).n == 5 * 3 + 7 * 3


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("1\t2\n", "line 1: expected user, item, rating"),
        ("1\t2\t3\n1\t2\tbad\n", "line 2: 'bad' is no rating"),
        ("1\t2\tnan\n", "line 1: a rating is a finite number"),
        ("", "holds no ratings"),
    ],
)
def test_bad_files_of_ratings(tmp_path, text, error):
    file = tmp_path / "ratings.txt"
    file.write_text(text)
    with pytest.raises(ValueError, match=error):
        file_of("ratings").read(file)


@pytest.mark.parametrize("rank", [0, 61])
def test_ranks_that_no_factorisation_has(rank):
    with pytest.raises((ProblemError, ValueError), match="rank must be from 1 to 60"):
        load("ratings", {"rank": rank})


def test_als_needs_a_quadratic_block():
    with pytest.raises(OptionError, match=r"in which the objective is quadratic.*Use 'bcd'"):
        nc.solve(load("rastrigin", {"n": 2}), "als")


def test_nan_among_the_ratings_is_named():
    x = sp.Symbol("x")
    A = sp.IndexedBase("A", shape=(3,))
    i = sp.Symbol("i", integer=True)
    with pytest.raises(ProblemError, match=r"data: 'A' contains nan at \[1\]"):
        nc.Problem(sp.Sum((A[i] - x) ** 2, (i, 0, 2)), data={A: np.array([1.0, math.nan, 2.0])})
