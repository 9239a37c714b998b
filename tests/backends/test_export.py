"""Exported files: each is run by itself and gives the oracle's numbers."""

from __future__ import annotations

import ast
import subprocess
import sys
from functools import cache

import numpy as np
import pytest
import sympy as sp
from scipy.sparse import csr_array, random_array

import ncsolve as nc
from ncsolve.backends.export import LIBRARIES, export
from ncsolve.cli import show
from ncsolve.errors import OptionError, ProblemError
from ncsolve.problem import load

x, y, z = sp.symbols("x y z")
i, j, k, c = sp.symbols("i j k c", integer=True)
rng = np.random.default_rng(7)


def factorisation() -> nc.Problem:
    R, row, column = (sp.IndexedBase(name, shape=(30,)) for name in ("R", "row", "column"))
    U, V, lam = sp.IndexedBase("U", shape=(8, 3)), sp.IndexedBase("V", shape=(6, 3)), sp.Symbol("lambda")
    product = sp.Sum(U[row[k], c] * V[column[k], c], (c, 0, 2))
    decay = sp.Sum(U[i, c] ** 2, (i, 0, 7), (c, 0, 2)) + sp.Sum(V[j, c] ** 2, (j, 0, 5), (c, 0, 2))
    rng = np.random.default_rng(0)
    data = {R: rng.normal(size=30), row: rng.integers(0, 8, 30), column: rng.integers(0, 6, 30)}
    return nc.Problem(sp.Sum((R[k] - product) ** 2, (k, 0, 29)) + lam * decay, data=data, parameters={lam: 0.25})


def perceptron() -> nc.Problem:
    """Three inputs, four hidden units, three classes; softmax cross-entropy."""
    A, W, B = sp.IndexedBase("A", shape=(20, 3)), sp.IndexedBase("W", shape=(3, 4)), sp.IndexedBase("B", shape=(4, 3))
    b, label = sp.IndexedBase("b", shape=(4,)), sp.IndexedBase("label", shape=(20,))

    def out(n: sp.Expr) -> sp.Expr:
        hidden = sp.tanh(sp.Sum(A[i, k] * W[k, j], (k, 0, 2)) + b[j])
        return sp.Sum(hidden * B[j, n], (j, 0, 3))

    loss = sp.log(sp.Sum(sp.exp(out(c)), (c, 0, 2))) - out(label[i])
    rng = np.random.default_rng(1)
    data = {A: rng.normal(size=(20, 3)), label: rng.integers(0, 3, 20)}
    return nc.Problem(sp.Sum(loss, (i, 0, 19)) / 20, data=data)


def likelihood() -> nc.Problem:
    """A Gaussian's, of the covariance X X' + I."""
    X, S = sp.MatrixSymbol("X", 4, 2), sp.MatrixSymbol("S", 4, 4)
    covariance = X * X.T + sp.Identity(4)
    root = np.random.default_rng(2).normal(size=(4, 4))
    return nc.Problem(sp.log(sp.Determinant(covariance)) + sp.Trace(S * covariance.I), data={S: root @ root.T})


def choices() -> nc.Problem:
    inner = sp.Piecewise((sp.sin(x) * y, x > 0.5), (x**2, True))
    outer = sp.Piecewise((inner, (y > 0) & (x < 2)), (sp.exp(y), True))
    kinks = sp.Max(x, y, z) + sp.Abs(z - 3) + sp.atan2(y, z)
    return nc.Problem(outer + kinks + sp.sqrt(x**2 + y**2) + sp.log(1 + sp.exp(9 * x)) + x ** sp.Rational(5, 3) * z**y)


def long_chain() -> nc.Problem:
    """A sparse Hessian, a parameter with the name of a variable of the generated code, and one that is a keyword."""
    v, t, e = sp.IndexedBase("v", shape=(80,)), sp.Symbol("lambda"), sp.Symbol("x")
    objective = sp.Sum(t * (v[i + 1] - v[i] ** 2) ** 2 + e * sp.sin(v[i]), (i, 0, 78))
    return nc.Problem(objective, parameters={t: 10, e: 0.5}, description='A "chain" \\ with """')


def sparse_data() -> nc.Problem:
    A, w = sp.IndexedBase("A", shape=(40, 12)), sp.IndexedBase("w", shape=(12,))
    matrix = csr_array(random_array((40, 12), density=0.2, rng=np.random.default_rng(3)))
    margin = sp.Sum(A[i, j] * w[j], (j, 0, 11))
    return nc.Problem(sp.Sum(sp.log(1 + sp.exp(-margin)), (i, 0, 39)), data={A: matrix})


def special() -> nc.Problem:
    v = sp.IndexedBase("v", shape=(5,))
    f = sp.loggamma(v[i] ** 2 + 1) + sp.erf(v[i]) + sp.gamma(v[i] ** 2 + 2)
    return nc.Problem(sp.Sum(f, (i, 0, 4)) + sp.loggamma(2 + x**2) * sp.erfc(x))


OURS = {f.__name__: f for f in (factorisation, perceptron, likelihood, choices, long_chain, sparse_data)}
NAMES = [*OURS, "rosenbrock", "lennard-jones", "logistic-regression", "mueller-brown", "chained-rosenbrock"]
COMPILED = ["choices", "factorisation", "long_chain", "likelihood", "rosenbrock"]  # by numba, a second each
PAIRS = [(library, name) for library in LIBRARIES for name in (COMPILED if library == "numba" else NAMES)]


@cache
def problem(name: str) -> nc.Problem:
    return OURS[name]() if name in OURS else load(name, {"atoms": 4} if name == "lennard-jones" else {})


def run(text: str) -> dict:
    scope: dict = {"__name__": "exported"}
    exec(compile(text, "exported.py", "exec"), scope)
    return scope


def points(declared: nc.Problem) -> list[np.ndarray]:
    rng = np.random.default_rng(5)
    return [rng.uniform(0.1, 1.5, declared.n), declared.random_point(rng)]


def compare(scope: dict, declared: nc.Problem, x: np.ndarray) -> None:
    oracle = nc.compile(declared)
    gradient, hessian = oracle.gradient(x), oracle.hessian(x, dense=True)
    assert float(scope["value"](x)) == pytest.approx(oracle.value(x), rel=1e-12, abs=1e-12)
    found = np.asarray(scope["gradient"](x))
    assert found.shape == (declared.n,)
    np.testing.assert_allclose(found, gradient, rtol=1e-11, atol=1e-12 * (1 + np.abs(gradient).max()))
    np.testing.assert_allclose(
        np.asarray(scope["hessian"](x)), hessian, rtol=1e-10, atol=1e-11 * (1 + np.abs(hessian).max())
    )


@pytest.mark.parametrize(("library", "name"), PAIRS)
def test_the_numbers_are_those_of_the_oracle(library, name):
    pytest.importorskip(library)
    declared = problem(name)
    if (library, name) == ("numba", "likelihood"):
        with pytest.raises(ProblemError, match=r"cannot be written for numba: .* has no native form. --code numpy can"):
            export(declared, library)
        return
    scope = run(export(declared, library))
    for point in points(declared):
        compare(scope, declared, point)


@pytest.mark.parametrize("library", ["numpy", "jax"])
def test_special_functions(library):
    pytest.importorskip(library)
    compare(run(export(special(), library)), special(), np.array([0.3, -0.4, 1.2, 0.9, 1.7, 0.6]))


def test_a_function_that_a_library_has_not():
    with pytest.raises(ProblemError, match=r"loggamma has no counterpart in CasADi. `--code numpy` has it"):
        export(nc.Problem(sp.loggamma(x**2 + 1)), "casadi")


@pytest.mark.parametrize("library", ["jax", "casadi"])
def test_what_is_smooth_at_zero_is_differentiated_there(library):
    """sigmoid, softplus and logaddexp have two halves that meet at 0, where data sums start."""
    pytest.importorskip(library)
    for declared in (problem("logistic-regression"), problem("sparse_data"), nc.Problem(1 / (1 + sp.exp(x)) + x * y)):
        compare(run(export(declared, library)), declared, np.zeros(declared.n))


@pytest.mark.parametrize("library", LIBRARIES)
def test_only_the_library_is_imported(library):
    text = "\n".join(export(problem(name), library) for name in ("choices", "long_chain", "factorisation"))
    imports = [node for node in ast.walk(ast.parse(text)) if isinstance(node, (ast.Import, ast.ImportFrom))]
    names = {(n.module if isinstance(n, ast.ImportFrom) else n.names[0].name).split(".")[0] for n in imports}
    assert names <= {library, "math", *(["numpy"] if library == "numba" else [])}
    assert "ncsolve." not in text


@pytest.mark.parametrize("library", LIBRARIES)
def test_parameters_are_constants_at_the_top(library):
    text = export(problem("long_chain"), library)
    assert "\nlambda_ = 10\nx_ = 0.5\n" in text.split("def ")[0]


def test_a_sparse_hessian_is_one_that_scipy_takes():
    declared = problem("long_chain")
    scope, point = run(export(declared)), points(declared)[0]
    H = scope["hessian"](point)
    expected = nc.compile(declared).hessian(point)
    taken = csr_array((H.data, H.indices, H.indptr), shape=H.shape)
    assert taken.nnz == expected.nnz
    np.testing.assert_allclose(taken.toarray(), expected.toarray())


def test_a_file_runs_in_a_process_of_its_own(tmp_path):
    declared, file = problem("factorisation"), tmp_path / "exported.py"
    file.write_text(export(declared))
    point = points(declared)[0]
    code = f"import sys, exported; print(exported.value({point.tolist()}), 'ncsolve' in sys.modules)"
    out = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    value, ours = out.split()
    assert float(value) == pytest.approx(nc.compile(declared).value(point), rel=1e-14)
    assert ours == "False"


@pytest.mark.parametrize("library", ["numpy", "numba"])
def test_where_nothing_is_defined_nothing_is_raised(library):
    pytest.importorskip(library)
    scope = run(export(nc.Problem(sp.log(x) + sp.sqrt(y)), library))
    assert not np.isfinite(scope["value"]([-1, -1]))
    assert not np.isfinite(scope["gradient"]([-1, -1])).all()
    assert scope["hessian"]([-1, -1]).shape == (2, 2)
    with pytest.raises(ValueError, match=r"expected a point of shape \(2,\), got \(3,\)"):
        scope["value"]([1, 2, 3])


def test_numbers_are_exact_and_small_files_are_short():
    A = sp.IndexedBase("A", shape=(500,))
    table = rng.normal(size=500)
    declared = nc.Problem(sp.Sum(A[i] * x**2, (i, 0, 499)) + y**2, data={A: table})
    assert float(run(export(declared))["hessian"]([0, 0])[0, 0]) == 2 * table.sum()
    assert len(export(load("rosenbrock", {"n": 100_000})).replace("0", "")) < 4_000_000
    assert len(export(load("himmelblau"))) < 3000


def test_what_does_not_fit_into_a_file():
    A, w = sp.IndexedBase("A", shape=(10**5, 10**4)), sp.IndexedBase("w", shape=(10**4,))
    objective = sp.Sum(sp.Sum(A[i, j] * w[j], (j, 0, 10**4 - 1)) ** 2, (i, 0, 10**5 - 1))
    matrix = csr_array(([1.0], ([0], [0])), shape=(10**5, 10**4))
    with pytest.raises(ProblemError, match=r"of shape \(100000, 10000\) would be one of 8 GB. Export a smaller"):
        export(nc.Problem(objective, data={A: matrix}))


def test_an_unknown_library():
    assert show.LIBRARIES == LIBRARIES
    with pytest.raises(OptionError, match=r"unknown library 'nunpy'. Did you mean 'numpy'\? Known: numpy, numba, jax"):
        export(problem("rosenbrock"), "nunpy")
