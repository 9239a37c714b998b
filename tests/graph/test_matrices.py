"""Matrix expressions: values against NumPy formulas, derivatives by the slopes of Taylor remainders, shared nodes."""

from __future__ import annotations

import inspect
import sys
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest
import sympy as sp
from sympy.matrices.expressions.matexpr import MatrixElement

import ncsolve as nc
from ncsolve.graph.derivation import derive
from ncsolve.graph.nodes import Contract, MatrixFunction

M, N, R = 6, 4, 2
rng = np.random.default_rng(0)
Av, bv, yv = rng.normal(size=(M, N)), rng.normal(size=(M, 1)), np.sign(rng.normal(size=(M, 1)))
Cv = np.cov(rng.normal(size=(N, 20)))
A, b, y, C = (
    sp.MatrixSymbol(name, *shape) for name, shape in zip("AbyC", ((M, N), (M, 1), (M, 1), (N, N)), strict=True)
)
x, psi = sp.MatrixSymbol("x", N, 1), sp.MatrixSymbol("psi", N, 1)
U, V, L = sp.MatrixSymbol("U", M, R), sp.MatrixSymbol("V", N, R), sp.MatrixSymbol("L", N, R)
X, W1, W2 = sp.MatrixSymbol("X", N, N), sp.MatrixSymbol("W1", 3, M), sp.MatrixSymbol("W2", N, 3)
DATA = {A: Av, b: bv, y: yv, C: Cv}
i, j = sp.symbols("i j", integer=True)
a = sp.Symbol("a")


def squares(matrix: sp.MatrixExpr) -> sp.Expr:
    return sp.Trace(matrix.T * matrix)


def total(matrix: sp.MatrixExpr) -> sp.MatrixExpr:
    rows, columns = matrix.shape
    return sp.OneMatrix(1, rows) * matrix * sp.OneMatrix(columns, 1)


def problem(objective: Any, **options: Any) -> nc.Problem:
    used = {m.name for m in objective.atoms(sp.MatrixSymbol)}
    return nc.Problem(objective, data={m: v for m, v in DATA.items() if m.name in used}, **options)


class Case(NamedTuple):
    objective: sp.Expr
    formula: Callable[..., float]


S = L * L.T + sp.DiagMatrix(psi.applyfunc(sp.exp))
K = X * X.T + sp.Identity(N)


def factor_analysis(L: Any, psi: Any) -> float:
    S = L @ L.T + np.diag(np.exp(psi[:, 0]))
    return np.log(np.linalg.det(S)) + np.trace(np.linalg.solve(S, Cv))


def gaussian(X: Any) -> float:
    S = X @ X.T + np.eye(N)
    return np.log(np.linalg.det(2 * np.pi * S)) / 2 + np.trace(np.linalg.solve(S, Cv)) / 2


CASES: dict[str, Case] = {
    "least squares": Case((A * x - b).T * (A * x - b), lambda x: np.sum((Av @ x - bv) ** 2)),
    "least squares by Trace": Case(sp.Trace((A * x - b) * (A * x - b).T), lambda x: np.sum((Av @ x - bv) ** 2)),
    "least squares by Sum": Case(
        sp.Sum((sp.Sum(A[i, j] * x[j, 0], (j, 0, N - 1)) - b[i, 0]) ** 2, (i, 0, M - 1)),
        lambda x: np.sum((Av @ x - bv) ** 2),
    ),
    "Rayleigh quotient": Case((x.T * C * x) / (x.T * x), lambda x: (x.T @ Cv @ x / (x.T @ x)).item()),
    "logarithm of a quadratic form": Case(sp.log(x.T * C * x), lambda x: np.log(x.T @ Cv @ x).item()),
    "norm": Case(sp.sqrt(squares(X - C)), lambda X: np.linalg.norm(X - Cv)),
    "matrix factorisation": Case(squares(A - U * V.T), lambda U, V: np.sum((Av - U @ V.T) ** 2)),
    "linear network": Case(
        squares(W2 * W1 * A - sp.Identity(N)) / M, lambda W1, W2: np.sum((W2 @ W1 @ Av - np.eye(N)) ** 2) / M
    ),
    "perceptron": Case(
        squares(W2 * (W1 * A).applyfunc(sp.tanh) - C), lambda W1, W2: np.sum((W2 @ np.tanh(W1 @ Av) - Cv) ** 2)
    ),
    "logistic regression": Case(
        total(sp.HadamardProduct(-y, A * x).applyfunc(lambda z: sp.log(1 + sp.exp(z)))) + a**2 * sp.Identity(1),
        lambda a, x: np.sum(np.log1p(np.exp(-yv * (Av @ x)))) + a**2,
    ),
    "phase retrieval": Case(
        total(sp.HadamardPower(sp.HadamardPower(A * x, 2) - b, 2)), lambda x: np.sum(((Av @ x) ** 2 - bv) ** 2)
    ),
    "principal components": Case(
        -sp.Trace(V.T * C * V * (V.T * V) ** -1), lambda V: -np.trace(V.T @ Cv @ V @ np.linalg.inv(V.T @ V))
    ),
    "orthogonality": Case(squares(V.T * V - sp.Identity(R)), lambda V: np.sum((V.T @ V - np.eye(R)) ** 2)),
    "Gaussian likelihood": Case(sp.log(sp.det(2 * sp.pi * K)) / 2 + sp.Trace(K**-1 * C) / 2, gaussian),
    "factor analysis": Case(sp.log(sp.Determinant(S)) + sp.Trace(S**-1 * C), factor_analysis),
    "independent components": Case(
        sp.Trace(X * C * X.T) - sp.log(sp.Abs(sp.Determinant(X))),
        lambda X: np.trace(X @ Cv @ X.T) - np.log(abs(np.linalg.det(X))),
    ),
    "determinant of a product": Case(
        sp.log(sp.det(X * X.T)) + sp.log(sp.Determinant(X) ** 2), lambda X: 4 * np.log(abs(np.linalg.det(X)))
    ),
    "determinant": Case(sp.Determinant(X) ** 2 * a, lambda X, a: np.linalg.det(X) ** 2 * a),
    "small determinant": Case(sp.Determinant(V.T * C * V), lambda V: np.linalg.det(V.T @ Cv @ V)),
    "powers": Case(
        sp.Trace(X**5) + sp.Trace((X + 9 * sp.eye(N)) ** -3),
        lambda X: np.trace(np.linalg.matrix_power(X, 5) + np.linalg.matrix_power(X + 9 * np.eye(N), -3)),
    ),
    "inverse of an inverse": Case(
        sp.Trace((K.I * C + 9 * sp.eye(N)).I),
        lambda X: np.trace(np.linalg.inv(np.linalg.inv(X @ X.T + np.eye(N)) @ Cv + 9 * np.eye(N))),
    ),
    "elements of an inverse": Case(
        sp.Sum(MatrixElement(K.I, i, i) * MatrixElement(K.I, i, 1) * x[i, 0], (i, 0, N - 1)) + MatrixElement(K.I, 0, 2),
        lambda X, x: (lambda K: (np.diag(K) * K[:, 1]) @ x[:, 0] + K[0, 2])(np.linalg.inv(X @ X.T + np.eye(N))),
    ),
    "slices": Case(
        sp.Trace(X[0:2, 1:3] * X[0:4:2, 0:2]) + sp.Trace(X[0, :] * X[:, 3]) ** 2,
        lambda X: np.trace(X[0:2, 1:3] @ X[0:4:2, 0:2]) + (X[0] @ X[:, 3]) ** 2,
    ),
    "diagonals": Case(
        sp.Trace(X * sp.DiagMatrix(x.applyfunc(sp.cos)) * X.T)
        + sp.Trace(sp.DiagonalMatrix(X) * C)
        + sp.DotProduct(sp.DiagonalOf(X), x),
        lambda X, x: np.trace(X @ np.diag(np.cos(x[:, 0])) @ X.T) + np.diag(X) @ np.diag(Cv) + np.diag(X) @ x[:, 0],
    ),
    "explicit matrices": Case(
        x[0:2, 0].T * sp.Matrix([[sp.cos(a), -sp.sin(a)], [sp.sin(a), 2]]) * x[2:4, 0]
        + x.T * sp.Matrix(N, N, lambda p, q: p - q) * x * 3,
        lambda a, x: (x[0:2].T @ np.array([[np.cos(a), -np.sin(a)], [np.sin(a), 2]]) @ x[2:4]).item(),
    ),
    "powers of elements": Case(
        total(sp.HadamardPower(X.applyfunc(sp.exp), a)) + total(sp.HadamardPower(2, X)),
        lambda X, a: np.sum(np.exp(X) ** a + 2.0**X),
    ),
    "Gaussian process": Case(
        sp.log(
            sp.Determinant(
                sp.FunctionMatrix(N, N, sp.Lambda((i, j), sp.exp(-((x[i, 0] - x[j, 0]) ** 2)))) + sp.Identity(N)
            )
        ),
        lambda x: np.linalg.slogdet(np.exp(-((x - x.T) ** 2)) + np.eye(N))[1],
    ),
    "a norm as a factor": Case(
        sp.Trace(X * C / sp.sqrt(squares(X))) * squares(x) + sp.Sum(x[i, 0], (i, 0, N - 1)) * a,
        lambda X, a, x: np.trace(X @ Cv) / np.linalg.norm(X) * np.sum(x**2) + np.sum(x) * a,
    ),
    "a mixture of determinants": Case(
        sp.Sum(x[i, 0] ** 2 * sp.log(sp.Determinant(K + X[i, 0] ** 2 * sp.Identity(N))), (i, 0, N - 1)),
        lambda X, x: sum(
            x[k, 0] ** 2 * np.linalg.slogdet(X @ X.T + (1 + X[k, 0] ** 2) * np.eye(N))[1] for k in range(N)
        ),
    ),
}


def point(p: nc.Problem, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=p.n)


@pytest.fixture(params=CASES, scope="module")
def case(request) -> tuple[nc.Oracle, Case]:
    chosen = CASES[request.param]
    return nc.compile(problem(chosen.objective)), chosen


def test_value_is_the_formula(case):
    oracle, (_, formula) = case
    for seed in range(3):
        z = point(oracle.problem, seed)
        assert oracle.value(z) == pytest.approx(formula(**oracle.unpack(z)), rel=1e-11)


def test_taylor_remainders_have_the_right_slopes(case):
    """f(z + h v) minus its Taylor polynomial of degree k is of order h^(k + 1), for k = 1, 2, 3."""
    oracle, _ = case
    z, v = point(oracle.problem), point(oracle.problem, 2)
    v /= np.linalg.norm(v)
    f, g, H = oracle.value(z), oracle.gradient(z), oracle.hessian(z, dense=True)
    coefficients = [f, g @ v, v @ H @ v / 2, oracle.directional(z, v, v, v) / 6]
    for k in (1, 2, 3):
        steps = np.array([2, 1]) * 10 ** (-13 / (k + 3))
        taylor = sum(c * steps**power for power, c in enumerate(coefficients[: k + 1]))
        remainders = np.abs(oracle.value(z + steps[:, None] * v) - taylor)
        rounding = 1e-13 * max(1, *np.abs(coefficients))
        assert (remainders < rounding).all() or np.log2(remainders[0] / remainders[1]) > k + 0.7


def test_second_derivatives_agree(case):
    oracle, _ = case
    z, v, w = (point(oracle.problem, seed) for seed in (1, 2, 3))
    H = oracle.hessian(z, dense=True)
    np.testing.assert_allclose(H, H.T, atol=1e-12 * np.abs(H).max())
    np.testing.assert_allclose(oracle.hvp(z, v), H @ v, rtol=1e-10, atol=1e-12 * np.abs(H).max())
    assert oracle.directional(z, v, w) == pytest.approx(v @ H @ w, rel=1e-9, abs=1e-10)
    h = 1e-5
    third = v @ (oracle.hvp(z + h * w, v) - oracle.hvp(z - h * w, v)) / (2 * h)
    assert oracle.directional(z, v, v, w) == pytest.approx(third, rel=1e-5, abs=1e-6)


def test_a_batch_is_its_points(case):
    oracle, _ = case
    points, v = np.stack([point(oracle.problem, seed) for seed in range(3)]), point(oracle.problem, 4)
    for several, single in (
        (oracle.value(points), oracle.value),
        (oracle.gradient(points), oracle.gradient),
        (oracle.hessian(points), lambda z: oracle.hessian(z, dense=True)),
        (oracle.hvp(points, v), lambda z: oracle.hvp(z, v)),
    ):
        expected = np.array([single(z) for z in points])
        np.testing.assert_allclose(several, expected, rtol=1e-9, atol=1e-11 * np.abs(expected).max())
    np.testing.assert_allclose(
        oracle.hvp(points[0], points), [oracle.hvp(points[0], u) for u in points], rtol=1e-9, atol=1e-9
    )


@pytest.mark.parametrize("name", CASES)
def test_derived_in_a_third_of_a_second(name):
    def seconds() -> float:
        start = time.process_time()
        oracle = nc.compile(problem(CASES[name].objective))
        z = point(oracle.problem)
        oracle.value_and_gradient(z), oracle.hvp(z, z), oracle.hessian(z)
        return time.process_time() - start

    assert min(seconds() for _ in range(3)) < 0.3


# -- what becomes one node -------------------------------------------------------------------------------------------


def nodes(objective: Any, kind: type) -> list[Any]:
    derivation = derive(problem(objective))
    return [n for n in derivation.graph.reachable([derivation.value]) if isinstance(n, kind)]


def test_a_matrix_product_is_the_sum_that_it_means():
    residual = (A * x)[0:M, 0]
    by_sum = sp.Sum(sp.Sum(A[i, j] * x[j, 0], (j, 0, N - 1)) ** 2, (i, 0, M - 1))
    derivation = derive(problem(squares(residual) - by_sum))
    assert derivation.value is derivation.graph.zero


@pytest.mark.parametrize(
    ("objective", "products"),
    [
        (x.T * A.T * A * x, 2),  # A x, and its square
        ((A * x - b).T * (A * x - b), 2),
        ((x.T * C * x) / (x.T * x), 3),
        (squares(A - U * V.T), 2),
        (sp.Trace(X**8), 4),  # X^2, X^4, X^6 or X^8 halved, and the trace
        (squares(W2 * W1 * A), 3),
    ],
)
def test_common_products_are_formed_once(objective, products):
    assert len(nodes(objective, Contract)) <= products


def test_one_inverse_serves_likelihood_and_gradient():
    derivation = derive(problem(CASES["factor analysis"].objective))
    roots = [derivation.value, *derivation.adjoint.values(), *derivation.product.values()]
    functions = [n.function for n in derivation.graph.reachable(roots) if isinstance(n, MatrixFunction)]
    assert sorted(functions) == ["inverse", "logdet"]


def test_chains_are_multiplied_in_the_cheapest_order():
    oracle = nc.compile(problem(b.T * A * C * x))
    derivation = oracle.derivation
    sizes = [n.size for n in derivation.graph.reachable([derivation.value]) if isinstance(n, Contract)]
    assert max(sizes) <= M


def test_a_diagonal_is_not_formed_beside_a_vector():
    objective = x.T * (C + a * sp.Identity(N) + sp.DiagMatrix(x)) * x
    assert all(len(n.indices) <= 1 for n in nodes(objective, Contract))
    oracle, z = nc.compile(problem(objective)), rng.normal(size=N + 1)
    assert oracle.value(z) == pytest.approx(z[1:] @ Cv @ z[1:] + z[0] * z[1:] @ z[1:] + np.sum(z[1:] ** 3))


def test_both_backends_agree():
    pytest.importorskip("numba")
    for name in ("perceptron", "factor analysis"):
        p = problem(CASES[name].objective)
        z = point(p)
        numpy, native = nc.compile(p), nc.compile(p, backend="numba")
        np.testing.assert_allclose(native.gradient(z), numpy.gradient(z), rtol=1e-10)


# -- where a matrix function is not defined ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("objective", "z", "value", "text"),
    [
        (sp.log(sp.Determinant(X)), np.ones(16), -np.inf, "the matrix X is singular"),
        (sp.log(sp.Determinant(X)), np.diag([1, 1, 1, -1.0]), np.nan, "the matrix X has a negative determinant"),
        (sp.Trace(X**-1 * C), np.ones(16), np.nan, "the matrix X is singular"),
        (sp.Trace(sp.Inverse(X * C)), np.zeros(16), np.nan, "the matrix X*C is singular"),
        (sp.log(sp.Determinant(X)) - sp.Trace(C), 1e90 * np.eye(4), 4 * 90 * np.log(10) - np.trace(Cv), ""),
        (
            sp.log(sp.Determinant(X) ** 2 * sp.Determinant(C)),
            1e-90 * np.eye(4),
            -8 * 90 * np.log(10) + np.linalg.slogdet(Cv)[1],
            "",
        ),
    ],
)
def test_a_singular_matrix_is_not_an_exception(objective, z, value, text):
    oracle, z = nc.compile(problem(objective)), np.ravel(z)
    assert oracle.value(z) == pytest.approx(value, nan_ok=True)
    regular = np.eye(4).ravel() + 0.1 * np.arange(16) ** 2 / 256
    several = oracle.value(np.stack([z, regular]))
    assert several == pytest.approx([value, oracle.value(regular)], nan_ok=True)
    assert np.isfinite(oracle.gradient(np.stack([z, regular]))[1]).all()
    assert text in oracle.explain_nonfinite(z)
    assert bool(text) == bool(oracle.explain_nonfinite(z))


@pytest.mark.parametrize(
    ("objective", "text"),
    [
        (sp.exp(X).has(X) and sp.log(X) + a, "a matrix of shape (4, 4) stands where a number is needed: X."),
        (sp.Trace(X ** sp.Rational(1, 2)), "only integer powers of a matrix are supported, not X**(1/2)"),
        (sp.Trace(X ** sp.Symbol("a")), "only integer powers of a matrix are supported"),
        (sp.log(sp.Determinant(x * sp.OneMatrix(1, N))), "is singular at every point: it has equal rows or columns"),
        (sp.Trace(sp.BlockDiagMatrix(X, C)), "BlockDiagMatrix is not supported in an objective"),
        (
            sp.Sum(X[i, 0], (i, 0, N)),
            "index out of range: X[i, 0] reads position 4 of axis 0 of 'X', which has shape (4, 4)",
        ),
    ],
)
def test_what_cannot_be_says_so(objective, text):
    with pytest.raises(nc.errors.ProblemError) as error:
        nc.compile(problem(objective))
    assert text in str(error.value)


def test_deep_nests_of_matrices_end_in_a_result_or_a_clear_error():
    h = x
    for _ in range(60):
        h = (X * h).applyfunc(sp.tanh)
    oracle = nc.compile(problem(h.T * h))
    z = 0.3 * point(oracle.problem)
    v = z[16:]
    for _ in range(60):
        v = np.tanh(z[:16].reshape(4, 4) @ v)
    assert oracle.value(z) == pytest.approx(v @ v)
    deep = X
    for _ in range(60):
        deep = sp.Inverse(deep + sp.Identity(N))
    problems = [nc.Problem(sp.Trace(deep)), nc.Problem(sp.log(sp.Determinant(deep)))]
    limit = sys.getrecursionlimit()
    try:
        sys.setrecursionlimit(len(inspect.stack()) + 300)
        for p in problems:
            with pytest.raises(nc.errors.ProblemError, match="the matrices of the objective are nested too deeply"):
                nc.compile(p)
    finally:
        sys.setrecursionlimit(limit)


def test_a_matrix_is_known_by_any_spelling():
    activation = (W1 * A).applyfunc(sp.tanh)
    again = (A.T * W1.T).applyfunc(lambda t: sp.tanh(t))
    assert len(nodes(sp.Trace(activation * again), Contract)) == 2
    gram = V.T * V
    assert len(nodes(sp.Trace((gram - sp.Identity(R)) * gram * gram), Contract)) <= 4
