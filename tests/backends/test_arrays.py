"""Arrays as users have them: any layout and any type of number gives the same result, or an error that says why not."""

from __future__ import annotations

import numpy as np
import pytest
import sympy as sp
from scipy.sparse import csr_array

import ncsolve as nc
from ncsolve.errors import ProblemError
from ncsolve.problem import load

x = sp.Symbol("x")
i, j = sp.symbols("i j", integer=True)
v, C = sp.IndexedBase("v", shape=(4,)), sp.IndexedBase("C", shape=(5,))
chain = nc.Problem(sp.Sum((v[i + 1] - v[i] ** 2) ** 2, (i, 0, 2)))
numbers = np.array([1.0, 2, 3, 4])
read_only = numbers.copy()
read_only.flags.writeable = False

LAYOUTS = {
    "float32": numbers.astype(np.float32),
    "integers": numbers.astype(int),
    "strided": np.repeat(numbers, 2)[::2],
    "reversed": numbers[::-1].copy()[::-1],
    "read-only": read_only,
    "big-endian": numbers.astype(">f8"),
    "list": [1, 2, 3, 4],
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("backend", ["numpy", "numba"])
def test_points(backend, layout):
    pytest.importorskip(backend)
    oracle, point = nc.compile(chain, backend), LAYOUTS[layout]
    before = np.array(point)
    assert oracle.value(point) == 27
    np.testing.assert_array_equal(oracle.gradient(point), [-4, 10, 58, -10])
    np.testing.assert_array_equal(oracle.hvp(point, point), oracle.hessian(point) @ numbers)
    batch = np.asfortranarray(np.stack([np.asarray(point)] * 3))
    np.testing.assert_array_equal(oracle.gradient(batch), [[-4, 10, 58, -10]] * 3)
    np.testing.assert_array_equal(before, point)


@pytest.mark.parametrize("kind", ["int8", "uint8", "int32", "uint64", "int64", "float16", "float32", ">f8", "object"])
@pytest.mark.parametrize("backend", ["numpy", "numba"])
def test_data(backend, kind):
    """100**3 overflows the small ones, if they are multiplied as what they are."""
    pytest.importorskip(backend)
    table = np.array([100, 0, 120, 0, 127, 0, 90, 0, 3, 0])[::2].astype(kind)
    cubes = np.array([100, 120, 127, 90, 3], dtype=float) ** 3
    oracle = nc.compile(nc.Problem(sp.Sum((C[i] ** 3 * x - 1) ** 2, (i, 0, 4)), data={C: table}), backend)
    assert oracle.value([0.25]) == pytest.approx(float(((cubes / 4 - 1) ** 2).sum()), rel=1e-14)
    assert oracle.hessian([0.25])[0, 0] == pytest.approx(float((2 * cubes**2).sum()), rel=1e-14)


@pytest.mark.parametrize("backend", ["numpy", "numba"])
def test_products_of_large_integers_do_not_overflow(backend):
    pytest.importorskip(backend)
    problem = nc.Problem(sp.Sum(C[i] * C[i] * x**2, (i, 0, 4)), data={C: np.full(5, 2**62)})
    assert nc.compile(problem, backend).value([1.0]) == 5 * 2.0**124


def test_integers_beyond_floats():
    with pytest.raises(ProblemError, match=r"data: 'C' has a number that is too large for a float"):
        nc.Problem(sp.Sum(C[i] * x, (i, 0, 4)), data={C: [10**400] * 5})


@pytest.mark.parametrize(
    ("point", "reason"),
    [
        (numbers * 1j, "could not convert string to float: 'a complex number'"),
        (["a"] * 4, "could not convert string to float: 'a'"),
        ([[1], [1, 2]], "inhomogeneous shape"),
        ([10**400] * 4, "int too large to convert to float"),
    ],
    ids=["complex", "text", "ragged", "large"],
)
def test_points_that_are_no_real_numbers(point, reason):
    with pytest.raises(ProblemError, match=f"problem 'problem': a point must be real numbers: .*{reason}"):
        nc.compile(chain).value(point)


def test_sparse_data_that_would_become_dense():
    A, w = sp.IndexedBase("A", shape=(200_000, 50_000)), sp.IndexedBase("w", shape=(50_000,))
    matrix = csr_array(([1.0, 2.0], ([0, 5], [3, 4])), shape=(200_000, 50_000))
    rows, columns = (i, 0, 199_999), (j, 0, 49_999)
    for each in (sp.exp(A[i, j] * w[j]), (A[i, j] - w[j]) ** 2, sp.cos(A[i, j] - w[j])):
        with pytest.raises(ProblemError, match=r"dense array of shape \(200000, 50000\), which takes 80 GB"):
            nc.compile(nc.Problem(sp.Sum(each, columns, rows), data={A: matrix})).value(np.zeros(50_000))
    smooth = sp.Sum(sp.log(1 + sp.exp(sp.Sum(A[i, j] * w[j], columns))), rows)
    oracle = nc.compile(nc.Problem(smooth, data={A: matrix}))
    assert oracle.gradient(np.zeros(50_000))[3] == 0.5
    with pytest.raises(ProblemError, match=r"dense array of shape \(50000, 50000\), which would take 20 GB"):
        oracle.hessian(np.zeros(50_000))


def test_two_thousand_sines_in_one_another():
    """SymPy cannot build them when it simplifies; without, they derive as anything else."""
    e: sp.Expr = x
    for _ in range(2000):
        e = sp.sin(e, evaluate=False)
    oracle = nc.compile(nc.Problem(e))
    value = 0.3
    for _ in range(2000):
        value = float(np.sin(value))
    assert oracle.value([0.3]) == pytest.approx(value, rel=1e-12)


def test_a_file_that_sympy_cannot_build(tmp_path):
    file = tmp_path / "deep.py"
    file.write_text(
        "import sympy as sp, ncsolve as nc\n"
        "e = sp.Symbol('x')\n"
        "for _ in range(3000):\n"
        "    e = sp.sin(e)\n"
        "problem = nc.Problem(e)\n"
    )
    with pytest.raises(ProblemError, match=r"deep.py, line 4: Python's recursion limit .* with evaluate=False"):
        load(str(file))
