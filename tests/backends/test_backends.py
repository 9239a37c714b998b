"""Every function of every backend: against finite differences, against each other, by batches and by rows."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

import numpy as np
import pytest
import sympy as sp

import ncsolve as nc
from ncsolve.backends import evaluator
from ncsolve.backends.numpy_backend import NumpyBackend
from ncsolve.errors import OptionError, ProblemError

i, j, k, c, h, d = sp.symbols("i j k c h d", integer=True)


def chain() -> nc.Problem:
    x = sp.IndexedBase("x", shape=(7,))
    return nc.Problem(sp.Sum(100 * (x[i + 1] - x[i] ** 2) ** 2 + (1 - x[i]) ** 2, (i, 0, 5)), samples=i, name="chain")


def long_chain() -> nc.Problem:
    x = sp.IndexedBase("x", shape=(1500,))
    return nc.Problem(sp.Sum(100 * (x[i + 1] - x[i] ** 2) ** 2 + (1 - x[i]) ** 2, (i, 0, 1498)), name="long chain")


def plane() -> nc.Problem:
    x, y = sp.symbols("x y")
    return nc.Problem((x**2 + y - 11) ** 2 + (x + y**2 - 7) ** 2, name="plane")


def logistic() -> nc.Problem:
    rng = np.random.default_rng(1)
    A, y, w, r = sp.IndexedBase("A"), sp.IndexedBase("y"), sp.IndexedBase("w", shape=(4,)), sp.Symbol("r")
    z = sp.Sum(A[i, j] * w[j], (j, 0, 3))
    loss = sp.Sum(sp.log(1 + sp.exp(-y[i] * z)), (i, 0, 19)) / 20
    data = {A: rng.normal(size=(20, 4)), y: rng.choice([-1.0, 1.0], 20)}
    return nc.Problem(loss + r * sp.Sum(w[j] ** 2, (j, 0, 3)), data=data, parameters={r: 0.01}, name="logistic")


def factorisation() -> nc.Problem:
    rng = np.random.default_rng(2)
    U, V = sp.IndexedBase("U", shape=(5, 2)), sp.IndexedBase("V", shape=(4, 2))
    row, col, r = (sp.IndexedBase(name) for name in ("row", "col", "r"))
    residual = r[k] - sp.Sum(U[row[k], c] * V[col[k], c], (c, 0, 1))
    data = {row: rng.integers(0, 5, 12), col: rng.integers(0, 4, 12), r: rng.normal(size=12)}
    return nc.Problem(
        sp.Sum(residual**2, (k, 0, 11)) + sp.Sum(U[i, c] ** 2, (c, 0, 1), (i, 0, 4)) / 10,
        data=data,
        name="factorisation",
    )


def perceptron() -> nc.Problem:
    rng = np.random.default_rng(3)
    X, t = sp.IndexedBase("X"), sp.IndexedBase("t")
    W, b, V = (sp.IndexedBase(name, shape=shape) for name, shape in (("W", (3, 4)), ("b", (4,)), ("V", (4, 2))))

    def hidden(k: sp.Expr, h: sp.Expr) -> sp.Expr:
        return sp.tanh(b[h] + sp.Sum(X[k, d] * W[d, h], (d, 0, 2)))

    def out(k: sp.Expr, c: sp.Expr) -> sp.Expr:
        return sp.Sum(hidden(k, h) * V[h, c], (h, 0, 3))

    loss = sp.Sum(sp.log(sp.Sum(sp.exp(out(k, c)), (c, 0, 1))) - out(k, t[k]), (k, 0, 9)) / 10
    return nc.Problem(loss, data={X: rng.normal(size=(10, 3)), t: rng.integers(0, 2, 10)}, name="perceptron")


def cluster() -> nc.Problem:
    X = sp.IndexedBase("X", shape=(5, 3))
    distance = sp.Sum((X[i, c] - X[j, c]) ** 2, (c, 0, 2))
    return nc.Problem(4 * sp.Sum(distance**-6 - distance**-3, (j, i + 1, 4), (i, 0, 3)), name="cluster")


def written_out() -> nc.Problem:
    xs = sp.symbols("x0:12")
    return nc.Problem(
        sum(100 * (xs[n + 1] - xs[n] ** 2) ** 2 + (1 - xs[n]) ** 2 for n in range(11)), name="written out"
    )


def long_rows() -> nc.Problem:
    """Rows enough for blocks, whose terms read and scatter at the row, at its mirror image and through a table."""
    rng = np.random.default_rng(5)
    A, w = sp.IndexedBase("A", shape=(700, 3)), sp.IndexedBase("w", shape=(3,))
    t, u = sp.IndexedBase("t", shape=(700,)), sp.IndexedBase("u", shape=(700,))
    z = sp.Sum(A[i, j] * w[j], (j, 0, 2))
    loss = sp.log(1 + sp.exp(-z * u[i])) + u[699 - i] * sp.tanh(z) * u[t[i]]
    data = {A: rng.normal(size=(700, 3)), t: rng.integers(0, 700, 700)}
    return nc.Problem(sp.Sum(loss, (i, 0, 699)), data=data, samples=i, name="long rows")


def kinks() -> nc.Problem:
    x, y = sp.symbols("x y")
    pieces = sp.Piecewise((x**2, x < 1), (2 * x - 1, True))
    return nc.Problem(sp.Abs(x - y) + sp.Max(x, y**2) + pieces + sp.sqrt(x**2 + y**2) + sp.sign(y) * y, name="kinks")


EVERY: list[Callable[[], nc.Problem]] = [
    chain, long_chain, plane, logistic, factorisation, perceptron, cluster, written_out, long_rows, kinks,
]  # fmt: skip
FINITE_SUMS = [chain, logistic, factorisation, perceptron]


SOME = {
    "chain",
    "factorisation",
    "cluster",
    "kinks",
}  # compiling takes a second a function: these are compiled in every way


def skip_most(make, backend) -> None:
    if backend == "numba" and make.__name__ not in SOME:
        pytest.skip("one of the objectives that are compiled for single points only")


def point_of(problem: nc.Problem) -> np.ndarray:
    return np.random.default_rng(0).normal(size=problem.n)


def dense(H):
    return H.toarray() if hasattr(H, "toarray") else H


@pytest.fixture(params=["numpy", "numba"])
def backend(request):
    if request.param == "numba":
        pytest.importorskip("numba")
    return request.param


@pytest.mark.parametrize("make", EVERY, ids=lambda make: make.__name__)
def test_derivatives_agree_with_differences(make, backend):
    problem = make()
    oracle, x, e = nc.compile(problem, backend), point_of(problem), 1e-6
    v = np.random.default_rng(1).normal(size=problem.n)
    v /= np.linalg.norm(v)
    f, g = oracle.value_and_gradient(x)
    slope = (oracle.value(x + e * v) - oracle.value(x - e * v)) / (2 * e)
    assert g @ v == pytest.approx(slope, rel=1e-6, abs=1e-6 * (1 + abs(f)))
    bend = (oracle.gradient(x + e * v) - oracle.gradient(x - e * v)) / (2 * e)
    H = dense(oracle.hessian(x))
    scale = 1 + np.abs(H).max()
    np.testing.assert_allclose(H, H.T, atol=1e-12 * scale)
    np.testing.assert_allclose(H @ v, bend, atol=1e-5 * scale)
    np.testing.assert_allclose(oracle.hvp(x, v), H @ v, atol=1e-11 * scale)


@pytest.mark.parametrize("make", EVERY, ids=lambda make: make.__name__)
def test_backends_agree_to_rounding(make):
    pytest.importorskip("numba")
    problem = make()
    ours, theirs, x = nc.compile(problem, "numba"), nc.compile(problem, "numpy"), point_of(problem)
    X = x + 0.1 * np.random.default_rng(2).normal(size=(3, problem.n))
    for points in (x, X) if make.__name__ in SOME else (x,):
        f, g = theirs.value_and_gradient(points)
        f2, g2 = ours.value_and_gradient(points)
        np.testing.assert_allclose(f2, f, rtol=1e-12)
        np.testing.assert_allclose(g2, g, rtol=1e-10, atol=1e-12 * np.abs(g).max())
        if problem.n < 100:
            H = theirs.hessian(points)
            np.testing.assert_allclose(ours.hessian(points), H, rtol=1e-10, atol=1e-12 * np.abs(H).max())
        np.testing.assert_allclose(ours.hvp(points, X[0]), theirs.hvp(points, X[0]), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("make", EVERY, ids=lambda make: make.__name__)
def test_a_batch_is_its_points(make, backend):
    skip_most(make, backend)
    problem = make()
    oracle, x = nc.compile(problem, backend), point_of(problem)
    X = x + 0.1 * np.random.default_rng(3).normal(size=(4, problem.n))
    values, gradients = oracle.value_and_gradient(X)
    assert values.shape == (4,)
    for point, value, gradient in zip(X, values, gradients, strict=True):
        f, g = oracle.value_and_gradient(point)
        assert value == pytest.approx(f, rel=1e-12)
        np.testing.assert_allclose(gradient, g, rtol=1e-10, atol=1e-12 * np.abs(g).max())
    V = np.random.default_rng(4).normal(size=X.shape)
    for got, at in ((oracle.hvp(X, V), X), (oracle.hvp(x, V), [x] * 4)):
        want = [oracle.hvp(a, v) for a, v in zip(at, V, strict=True)]
        np.testing.assert_allclose(got, want, rtol=1e-9, atol=1e-9 * np.abs(want).max())
    none, n = X[:0], problem.n
    shapes = [oracle.value(none).shape, oracle.gradient(none).shape, oracle.hessian(none, dense=True).shape]
    assert shapes == [(0,), (0, n), (0, n, n)]


@pytest.mark.parametrize("make", FINITE_SUMS, ids=lambda make: make.__name__)
def test_rows_are_unbiased_estimates(make, backend):
    """The mean over all single rows is the whole, and a subset is the mean of its rows."""
    skip_most(make, backend)
    problem = make()
    oracle, x = nc.compile(problem, backend), point_of(problem)
    each = [oracle.value_and_gradient(x, rows=[r]) for r in range(oracle.rows)]
    f, g = nc.compile(problem).value_and_gradient(x)
    assert np.mean([value for value, _ in each]) == pytest.approx(f, rel=1e-12)
    np.testing.assert_allclose(
        np.mean([gradient for _, gradient in each], axis=0), g, atol=1e-10 * (1 + np.abs(g).max())
    )
    rows = [2, 0, 2, 5]
    f, g = oracle.value_and_gradient(x, rows=rows)
    assert f == pytest.approx(np.mean([each[r][0] for r in rows]), rel=1e-12)
    np.testing.assert_allclose(g, np.mean([each[r][1] for r in rows], axis=0), atol=1e-10 * (1 + np.abs(g).max()))
    H = oracle.hessian(x, rows=rows)
    np.testing.assert_allclose(H @ x, oracle.hvp(x, x, rows=rows), atol=1e-10 * (1 + np.abs(H).max()))
    F, G = oracle.value_and_gradient(np.stack([x, x]), rows=rows)
    np.testing.assert_allclose(F, [f, f], rtol=1e-12)
    np.testing.assert_allclose(G, [g, g], atol=1e-10 * (1 + np.abs(g).max()))


def test_rows_are_checked():
    oracle = nc.compile(logistic())
    with pytest.raises(ProblemError, match="integers from 0 to 19"):
        oracle.value(np.zeros(4), rows=[20])
    with pytest.raises(ProblemError, match="no finite sum"):
        nc.compile(plane()).value(np.zeros(2), rows=[0])


def test_a_kink_has_one_element_of_the_subdifferential(backend):
    oracle = nc.compile(kinks(), backend)
    for x in ([0.0, 0.0], [1.0, 1.0], [0.5, 0.5]):
        f, g = oracle.value_and_gradient(x)
        assert np.isfinite(f)
        assert np.isfinite(g).all()
        assert np.isfinite(oracle.hessian(x)).all()


def test_loops_with_loops_inside_go_by_blocks():
    pytest.importorskip("numba")
    source = nc.compile(long_rows(), "numba").evaluator.source("gradient")
    assert "for start in range(0, 700, 512):" in source
    assert source.count("range(length)") >= 3


def test_a_function_that_can_be_vectorised_is_apart_from_what_scatters(monkeypatch):
    pytest.importorskip("numba")
    monkeypatch.setattr("ncsolve.backends.native_tasks._BLAS_FROM", 1)
    oracle, ours, x = nc.compile(perceptron(), "numba"), nc.compile(perceptron()), point_of(perceptron())
    lines = oracle.evaluator.source("gradient").split("\n")
    (tanh,) = (k for k, line in enumerate(lines) if "rt.tanh(" in line)
    assert lines[tanh - 2] == lines[tanh + 1] == "        for i2 in range(4):"
    np.testing.assert_allclose(oracle.gradient(x), ours.gradient(x), rtol=1e-11)
    np.testing.assert_allclose(oracle.hvp(x, x), ours.hvp(x, x), rtol=1e-11)


def test_the_two_ends_of_a_pair_share_one_scatter():
    X = sp.IndexedBase("X", shape=(12, 3))
    pair = sp.Sum((X[i, c] - X[j, c]) ** 2, (c, 0, 2)) ** 2
    oracle = nc.compile(nc.Problem(sp.Sum(pair, (j, i + 1, 11), (i, 0, 10))))
    x = np.random.default_rng(6).normal(size=36)
    apart = x.reshape(12, 1, 3) - x.reshape(1, 12, 3)
    by_hand = (4 * (apart**2).sum(axis=2)[:, :, None] * apart).sum(axis=1)
    np.testing.assert_allclose(oracle.gradient(x), by_hand.ravel(), rtol=1e-11)
    assert oracle.evaluator.source("gradient").count("g += ") == 1


def test_native_code_takes_any_vector():
    """Read-only, strided and integer vectors, without compiling again."""
    pytest.importorskip("numba")
    problem = long_chain()
    oracle, x = nc.compile(problem, "numba"), point_of(problem)
    want = nc.compile(problem).gradient(x)
    x.flags.writeable = False
    for same in (x, np.repeat(x, 2)[::2], x.tolist()):
        np.testing.assert_allclose(oracle.gradient(same), want, rtol=1e-10)
    integers = np.arange(problem.n) % 3
    np.testing.assert_allclose(
        oracle.gradient(integers), nc.compile(problem).gradient(integers.astype(float)), rtol=1e-10
    )


def test_auto_compiles_when_it_pays():
    pytest.importorskip("numba")
    problem = long_chain()
    oracle, x = nc.compile(problem, "auto"), point_of(problem)
    oracle.gradient(x)
    assert "native" not in vars(oracle.evaluator)
    oracle.evaluator._spent["gradient"] = 1e9
    np.testing.assert_allclose(oracle.gradient(x + 1), nc.compile(problem).gradient(x + 1), rtol=1e-10)
    assert "native" in vars(oracle.evaluator)


def test_an_unknown_backend_is_an_error():
    with pytest.raises(OptionError, match="Did you mean 'numba'"):
        nc.compile(plane(), "nunba")


def test_a_backend_of_a_plugin_makes_what_it_can_and_leaves_the_rest_to_numpy(monkeypatch):
    made = []

    class Traced(NumpyBackend):
        def function(self, kind, roles=frozenset(), rows=False):
            if kind == "product":
                raise NotImplementedError
            made.append(kind)
            return super().function(kind, roles, rows)

    monkeypatch.setattr("ncsolve.hooks.registry", lambda: SimpleNamespace(backends=lambda: {"traced": Traced}))
    oracle, ours, x = nc.compile(chain(), "traced"), nc.compile(chain()), point_of(chain())
    np.testing.assert_array_equal(oracle.gradient(x), ours.gradient(x))
    np.testing.assert_array_equal(oracle.hvp(x, x), ours.hvp(x, x))
    assert made == ["gradient"]
    with pytest.raises(OptionError, match=r"Did you mean 'traced'\? Known: numpy, numba, auto, traced"):
        nc.compile(chain(), "tracd")


def test_large_temporaries_go_by_rows(monkeypatch):
    """A finite sum in blocks of rows gives what it gives whole."""
    whole = nc.compile(logistic()).value_and_gradient(np.ones(4))
    monkeypatch.setattr(evaluator, "_ROW_BLOCKS_FROM", 10)
    monkeypatch.setattr(evaluator, "BLOCK", 60)
    monkeypatch.setattr(evaluator, "_FEW_ROWS", 0)
    f, g = nc.compile(logistic()).value_and_gradient(np.ones(4))
    assert f == pytest.approx(whole[0], rel=1e-13)
    np.testing.assert_allclose(g, whole[1], rtol=1e-12)


def test_a_factor_that_all_terms_share_leaves_a_large_sum(monkeypatch):
    """Nothing of the perceptron's Hessian is computed over samples x features x hidden x hidden."""
    problem = perceptron()
    x = point_of(problem)
    oracle = nc.compile(problem)
    H, largest = oracle.hessian(x), max(o.size for o in oracle.evaluator._ops("hessian"))
    monkeypatch.setattr("ncsolve.graph.factoring._LARGE", 1)
    oracle = nc.compile(perceptron())
    np.testing.assert_allclose(oracle.hessian(x), H, rtol=1e-12, atol=1e-14)
    assert largest == 10 * 4 * 4 * 3
    assert max(o.size for o in oracle.evaluator._ops("hessian")) == 10 * 4 * 4


def test_large_products_of_tensors_are_left_to_numpy(monkeypatch):
    pytest.importorskip("numba")
    monkeypatch.setattr("ncsolve.backends.native_tasks._TENSOR_FROM", 1)
    oracle, x = nc.compile(perceptron(), "numba"), point_of(perceptron())
    np.testing.assert_array_equal(oracle.hessian(x), nc.compile(perceptron()).hessian(x))


def test_a_hessian_by_products_is_the_same(monkeypatch):
    problem = FINITE_SUMS[3]()
    x = point_of(problem)
    H = nc.compile(problem).hessian(x)
    other = nc.compile(problem)
    vars(other.evaluator)["by_products"] = True
    np.testing.assert_allclose(other.hessian(x), H, atol=1e-13)


def test_what_is_too_long_to_compile_stays_with_numpy(monkeypatch):
    from ncsolve.backends import native_backend

    monkeypatch.setattr(native_backend, "LONGEST", 3)
    x, y = sp.symbols("x y")
    problem = nc.Problem(sp.exp(x) * sp.sin(y) + x**4 + y**4)
    plain, native = nc.compile(problem), nc.compile(problem, "numba")
    at = np.array([0.3, -0.7])
    assert native.value_and_gradient(at)[0] == plain.value_and_gradient(at)[0]
    assert np.array_equal(native.hessian(at), plain.hessian(at))
    assert native.evaluator._unprintable >= {"gradient", "hessian"}
