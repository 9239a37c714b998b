"""Sparse data: derivatives as with dense data, products as they are, errors where they would become dense."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as ss
import sympy as sp

import ncsolve as nc
from ncsolve.graph.derivation import derive

M, N, R = 7, 5, 2
rng = np.random.default_rng(0)
As, Ws = ss.random_array((M, N), density=0.4, rng=rng, format="coo"), ss.random_array((M, N), density=0.5, rng=rng)
Ss = ss.random_array((N, N), density=0.4, rng=rng, format="csr")
DATA = {
    "A": As,
    "a": As,
    "W": Ws,
    "w": Ws,
    "S": Ss,
    "s": Ss,
    "D": rng.normal(size=(M, N)),
    "b": rng.normal(size=(M, 1)),
}
A, W, D = (sp.MatrixSymbol(name, M, N) for name in "AWD")
S, b, x = sp.MatrixSymbol("S", N, N), sp.MatrixSymbol("b", M, 1), sp.MatrixSymbol("x", N, 1)
U, V, X = sp.MatrixSymbol("U", M, R), sp.MatrixSymbol("V", N, R), sp.MatrixSymbol("X", N, 3)
a, w, s = (sp.IndexedBase(name, shape=shape) for name, shape in (("a", (M, N)), ("w", (M, N)), ("s", (N, N))))
y, z = sp.IndexedBase("y", shape=(N,)), sp.IndexedBase("z", shape=(M,))
u, v = sp.IndexedBase("u", shape=(M, R)), sp.IndexedBase("v", shape=(N, R))
i, j, c = sp.symbols("i j c", integer=True)
ROWS, COLUMNS, NODES = (i, 0, M - 1), (j, 0, N - 1), (i, 0, N - 1)


def squares(matrix):
    return sp.Trace(matrix.T * matrix)


OBJECTIVES = {
    "least squares": (A * x - b).T * (A * x - b),
    "logistic": sp.OneMatrix(1, M) * (A * x).applyfunc(lambda t: sp.log(1 + sp.exp(t))),
    "logistic by Sum": sp.Sum(sp.log(1 + sp.exp(sp.Sum(a[i, j] * y[j], COLUMNS))), ROWS),
    "quadratic": x.T * (S + 3 * sp.Identity(N)) * x,
    "two layers": squares((A * X).applyfunc(sp.tanh)),
    "sparse and dense": squares((A + D) * X),
    "low rank and sparse": squares(A - U * V.T),
    "two sparse": squares((A + W) * X),
    "trace": sp.Trace(A.T * U * V.T) + sp.Trace(S),
    "graph": sp.Sum(s[i, j] * (y[i] - y[j]) ** 4, NODES, COLUMNS),
    "flow": sp.Sum(sp.Sum(s[i, j] * sp.sin(y[i] - y[j]), COLUMNS) ** 2, NODES),
    "observed entries": sp.Sum(w[i, j] * (a[i, j] - sp.Sum(u[i, c] * v[j, c], (c, 0, R - 1))) ** 2, ROWS, COLUMNS),
    "observed entries of matrices": squares(sp.HadamardProduct(W, A - U * V.T)),
    "weights of dense data": squares(sp.HadamardProduct(W, D - U * V.T)),
    "polynomial of data": sp.Sum((a[i, j] ** 2 + 2 * a[i, j]) * y[j] * z[i], ROWS, COLUMNS),
    "function of data": sp.Sum(a[i, j] / (1 + a[i, j] ** 2) * sp.exp(y[j] * z[i]), ROWS, COLUMNS),
    "zero where the data are": sp.Sum(sp.log(1 + a[i, j] ** 2 * y[j] ** 2), ROWS, COLUMNS),
    "elements": a[0, 1] * y[0] ** 2 + sp.Sum(s[i, i] * y[i] ** 3 + s[2, i] * y[i], NODES),
    "shifted": sp.Sum(s[i, j + 1] * y[j] * y[i] ** 2, NODES, (j, 0, N - 2)),
    "factors": sp.Sum(a[i, j] * y[j] ** 2 * z[i] * sp.exp(z[i]), ROWS, COLUMNS),
}


def problem(objective, dense=False):
    names = {str(symbol) for symbol in objective.free_symbols} | {m.name for m in objective.atoms(sp.MatrixSymbol)}
    data = {name: array for name, array in DATA.items() if name in names}
    return nc.Problem(objective, data={k: v.toarray() if dense and ss.issparse(v) else v for k, v in data.items()})


@pytest.mark.parametrize("name", OBJECTIVES)
def test_derivatives_are_those_of_the_dense_data(name):
    sparse, dense = (nc.compile(problem(OBJECTIVES[name], dense)) for dense in (False, True))
    points, d = rng.normal(size=(3, sparse.n)), rng.normal(size=(3, sparse.n))
    for evaluate in (
        lambda oracle, p, q: oracle.value(p),
        lambda oracle, p, q: oracle.gradient(p),
        lambda oracle, p, q: oracle.hvp(p, q),
        lambda oracle, p, q: oracle.hessian(p) if p.ndim == 2 else oracle.hessian(p, dense=True),
        lambda oracle, p, q: oracle.directional(p, q, q, q),
    ):
        for p, q in ((points[0], d[0]), (points, d)):
            expected = evaluate(dense, p, q)
            scale = np.abs(expected).max()
            np.testing.assert_allclose(evaluate(sparse, p, q), expected, rtol=1e-9, atol=1e-12 * scale)


@pytest.mark.parametrize("name", ["logistic by Sum", "flow", "observed entries", "graph"])
def test_rows_of_a_finite_sum(name):
    sparse, dense = (nc.compile(problem(OBJECTIVES[name], dense)) for dense in (False, True))
    p, rows = rng.normal(size=sparse.n), np.array([0, 3, 3])
    assert sparse.rows == dense.rows > 0
    assert sparse.value(p, rows=rows) == pytest.approx(dense.value(p, rows=rows))
    np.testing.assert_allclose(sparse.gradient(p, rows=rows), dense.gradient(p, rows=rows), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", OBJECTIVES)
def test_no_node_is_dense_over_both_indices(name):
    """Every node that is over rows and columns is a sparse matrix, or a product that is about one."""
    derivation = derive(problem(OBJECTIVES[name]))
    for node in derivation.graph.reachable([derivation.value, *derivation.adjoint.values()]):
        sizes = sorted(k.size for k in node.indices)
        dense_data = hasattr(node, "leaf") and node.leaf.name == "D"
        assert sizes not in ([N, M], [N, N]) or hasattr(node, "leaf") or not node.dependent or dense_data


def test_the_code_multiplies_with_the_matrix():
    oracle = nc.compile(problem(OBJECTIVES["least squares"]))
    assert "d_A @ x - c0\n    g = 2 * (t6 @ d_A)" in oracle.source
    assert ss.issparse(oracle.problem.data[A])


def test_the_shape_of_a_problem_never_becomes_an_array():
    rows, columns = 3_000_000, 2_000_000
    big = ss.coo_array((np.ones(3), ([0, 1, rows - 1], [1, 1, columns - 1])), shape=(rows, columns))
    B, q = sp.MatrixSymbol("B", rows, columns), sp.IndexedBase("q", shape=(columns,))
    objective = sp.Sum(sp.Sum(B[i, j] * q[j], (j, 0, columns - 1)) ** 2, (i, 0, rows - 1))
    oracle = nc.compile(nc.Problem(objective, data={B: big}))
    assert oracle.value(np.ones(columns)) == 3
    assert oracle.gradient(np.ones(columns)).sum() == 6
    objective = sp.Sum(B[i, j] * sp.exp(q[j] - q[i]), (j, 0, columns - 1), (i, 0, columns - 1))
    assert nc.compile(nc.Problem(objective, data={B: big})).value(np.ones(columns)) == 2


@pytest.mark.parametrize(
    "objective",
    [
        sp.Sum(sp.exp(a[i, j] * y[j]), ROWS, COLUMNS),
        sp.Sum((a[i, j] - y[j]) ** 2, ROWS, COLUMNS),
        squares((A - U * V.T).applyfunc(sp.tanh)),
        sp.log(sp.Determinant(S + sp.Identity(N))) + y[0],
        sp.Trace(S**-1) * y[0],
        sp.log(sp.Sum(sp.exp(a[i, j] * y[j]), ROWS, COLUMNS)),
    ],
)
def test_what_would_be_dense_is_an_error_with_its_size(objective):
    with pytest.raises(nc.errors.ProblemError) as error:
        nc.compile(problem(objective))
    name, shape = ("S", (N, N)) if objective.has(S) else ("A" if objective.has(A) else "a", (M, N))
    assert f"data: '{name}' is sparse, but the objective has terms that do not vanish where it is 0" in str(error.value)
    assert f"dense array of shape {shape}, which takes 0.000" in str(error.value)


def test_the_size_is_readable():
    big = ss.coo_array((np.ones(1), ([0], [0])), shape=(100_000, 20_000))
    objective = sp.Sum(sp.exp(a[i, j] + y[j]), ROWS, COLUMNS).subs({a: sp.IndexedBase("a", shape=big.shape)})
    with pytest.raises(nc.errors.ProblemError, match="which takes 16 GB"):
        nc.compile(nc.Problem(objective, data={"a": big}))


@pytest.mark.parametrize(
    "matrix",
    [
        As.tocsc(),
        As.todok(),
        As.tolil(),
        ss.csr_matrix(As),
        As.tobsr(),
        As.todia(),
        As.astype(np.float32),
        (As * 9).astype(int),
    ],
)
def test_every_sparse_format(matrix):
    p = rng.normal(size=N)
    value = nc.compile(nc.Problem((A * x).T * (A * x), data={A: matrix})).value(p)
    assert value == pytest.approx(np.sum((matrix.toarray() @ p) ** 2), rel=1e-6)


def test_repeated_and_explicit_zero_entries():
    matrix = ss.coo_array(([1.0, 2.0, 0.0], ([0, 0, 1], [1, 1, 2])), shape=(M, N))
    value = nc.compile(nc.Problem((A * x).T * (A * x), data={A: matrix})).value(np.ones(N))
    assert value == 9


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ({A: As * 1j}, "data: 'A' is complex"),
        ({A: As * np.nan}, "data: 'A' contains nan"),
        ({A: As.T}, "data: 'A' is declared with shape (7, 5), but its array has shape (5, 7)"),
    ],
)
def test_sparse_data_are_checked(data, text):
    with pytest.raises(nc.errors.ProblemError) as error:
        nc.Problem((A * x).T * (A * x), data=data)
    assert text in str(error.value)


def test_sparse_data_are_no_index():
    with pytest.raises(nc.errors.ProblemError, match="used as an index, so it must be a dense array of integers"):
        nc.Problem(sp.Sum(y[a[i, 0]], ROWS), data={"a": As})


# -- dense data of every kind -----------------------------------------------------------------------------------------

G, q = sp.IndexedBase("G", shape=(2, 2)), sp.IndexedBase("q", shape=(2,))
TWO = (i, 0, 1), (j, 0, 1)
values = rng.normal(size=(4, 4))
strided = np.asfortranarray(values)[::2, ::-2]
strided.flags.writeable = False


@pytest.mark.parametrize(
    ("array", "exponent", "rel"),
    [
        (np.array([[3_000_000_000, 4_000_000_000], [1, 2]]), 4, 1e-14),
        (np.array([[2**63 + 1, 1], [1, 1]], dtype=np.uint64), 1, 1e-14),
        ([[2**70, 1], [1, 1]], 1, 1e-14),
        (np.array([[-128, 127], [1, 1]], dtype=np.int8), 3, 1e-14),
        (strided, 2, 1e-14),
        (strided.astype(np.float32), 1, 1e-6),
        (strided.astype(np.float16), 1, 1e-2),
        (strided.astype(np.longdouble), 1, 1e-14),
        (strided > 0, 2, 1e-14),
    ],
)
def test_data_of_any_type_give_the_right_sum(array, exponent, rel):
    oracle = nc.compile(nc.Problem(sp.Sum(G[i, j] ** exponent * q[j], *TWO), data={G: array}))
    expected = np.array(array, dtype=float) ** exponent
    assert oracle.value(np.ones(2)) == pytest.approx(expected.sum(), rel=rel)
    np.testing.assert_allclose(oracle.gradient(np.ones(2)), expected.sum(0), rtol=rel)


def test_masked_data_are_an_error():
    with pytest.raises(nc.errors.ProblemError, match="data: 'G' has masked entries"):
        nc.Problem(sp.Sum(G[i, j] * q[j], *TWO), data={G: np.ma.masked_greater(strided, 0)})


def test_an_index_too_large_for_an_integer_is_an_error():
    with pytest.raises(nc.errors.ProblemError, match="data: 'G' is used as an index, so it must contain integers"):
        nc.Problem(sp.Sum(q[G[i, j]], *TWO), data={G: np.array([[0, 1], [1e30, 0]])})
