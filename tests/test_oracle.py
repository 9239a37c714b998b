"""The oracle: shapes, inputs, memory, counts and limits."""

from __future__ import annotations

from itertools import count
from types import SimpleNamespace

import numpy as np
import pytest
import sympy as sp
from scipy.sparse import issparse

import ncsolve as nc
import ncsolve.budget as module
from ncsolve.errors import BudgetExhausted, OptionError, ProblemError

x, y = sp.symbols("x y")
z = sp.IndexedBase("z", shape=(4,))
i = sp.Symbol("i", integer=True)


@pytest.fixture
def oracle() -> nc.Oracle:
    return nc.compile(nc.Problem(x**2 * y))


def test_shapes_of_a_batch(oracle: nc.Oracle) -> None:
    batch = np.arange(10.0).reshape(5, 2)
    assert oracle.value(batch).shape == (5,)
    assert oracle.gradient(batch).shape == (5, 2)
    assert oracle.hessian(batch).shape == (5, 2, 2)
    assert oracle.hvp(batch, batch).shape == (5, 2)
    assert oracle.directional(batch, batch[0], batch).shape == (5,)
    np.testing.assert_array_equal(oracle.hessian(batch)[1], [[2 * 3, 2 * 2], [2 * 2, 0]])


def test_shapes_of_a_point(oracle: nc.Oracle) -> None:
    assert isinstance(oracle.value([1, 2]), float)
    assert oracle.gradient([1, 2]).shape == (2,)
    assert oracle.hessian([1, 2]).shape == (2, 2)
    assert oracle.hvp([1, 2], [1, 0]).shape == (2,)
    assert isinstance(oracle.directional([1, 2], [1, 0]), float)
    assert oracle.hvp([1, 2], np.eye(2)).shape == (2, 2)


@pytest.mark.parametrize("shape", [(3,), (2, 3), (1, 1, 2), ()])
def test_points_of_the_wrong_shape(oracle: nc.Oracle, shape: tuple[int, ...]) -> None:
    with pytest.raises(ProblemError, match=r"has 2 variables: expected shape \(2,\) or \(m, 2\)"):
        oracle.value(np.zeros(shape))


@pytest.mark.parametrize(
    "convert",
    [list, tuple, lambda p: p.astype(np.float32), lambda p: p.astype(np.int32), lambda p: np.repeat(p, 2)[::2]],
)
def test_kinds_of_points(convert) -> None:
    oracle = nc.compile(nc.Problem(sp.Sum(z[i] ** 2 * (i + 1), (i, 0, 3))))
    p = np.array([1.0, 2.0, 3.0, 4.0])
    assert oracle.value(convert(p)) == 100
    np.testing.assert_array_equal(oracle.gradient(convert(p)), [2, 8, 18, 32])
    np.testing.assert_array_equal(oracle.hessian(convert(p)), np.diag([2, 4, 6, 8]))


def test_read_only_points_are_read_and_never_written() -> None:
    p = np.array([1.0, 2.0])
    p.flags.writeable = False
    oracle = nc.compile(nc.Problem(x**2 * y))
    oracle.value_and_gradient(p), oracle.hessian(p), oracle.hvp(p, p)
    np.testing.assert_array_equal(p, [1, 2])


def test_results_may_be_written_to(oracle: nc.Oracle) -> None:
    gradient = oracle.gradient([1, 2])
    gradient[:] = 99
    np.testing.assert_array_equal(oracle.gradient([1, 2]), [4, 1])


def test_a_point_that_is_changed_in_place_is_evaluated_again(oracle: nc.Oracle) -> None:
    p = np.array([1.0, 2.0])
    assert oracle.value(p) == 2
    p[0] = 3
    assert oracle.value(p) == 18
    np.testing.assert_array_equal(oracle.gradient(p), [12, 9])


def test_counts_are_points(oracle: nc.Oracle) -> None:
    oracle.value([1, 2])
    oracle.value([1, 2])  # remembered
    oracle.gradient([[1, 2], [3, 4], [5, 6]])
    oracle.hessian([1, 2])
    oracle.hvp([1, 2], np.eye(2))
    assert oracle.counts == {"value": 4, "gradient": 3, "hessian": 1, "hvp": 2}


def test_uncounted_evaluations_are_neither_counted_nor_limited(oracle: nc.Oracle) -> None:
    oracle.limit(evaluations=0)
    with oracle.uncounted():
        assert oracle.value([1, 2]) == 2
    assert oracle.counts["value"] == 0
    with pytest.raises(BudgetExhausted) as caught:
        oracle.value([3, 4])
    assert caught.value.reason == "EVALUATIONS"


def test_a_limit_counts_from_where_it_is_set(oracle: nc.Oracle) -> None:
    oracle.value([1, 2])
    oracle.limit(evaluations=2)
    oracle.value([2, 2]), oracle.value([3, 2])
    with pytest.raises(BudgetExhausted):
        oracle.value([4, 2])
    oracle.limit()
    assert oracle.value([4, 2]) == 32


def test_a_deadline_is_kept(oracle: nc.Oracle, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = count(100.0)
    monkeypatch.setattr(module, "time", SimpleNamespace(perf_counter=lambda: next(clock)))
    oracle.limit(deadline=101.5)
    oracle.value([1, 2]), oracle.value([2, 2])
    with pytest.raises(BudgetExhausted) as caught:
        oracle.value([3, 2])
    assert caught.value.reason == "TIME"


def test_dense_and_sparse_hessians_agree() -> None:
    n = 80
    w = sp.IndexedBase("w", shape=(n,))
    oracle = nc.compile(nc.Problem(sp.Sum(sp.sin(w[i] * w[i + 1]) + w[i] ** 4, (i, 0, n - 2))))
    p = np.linspace(-1, 1, n)
    sparse, dense = oracle.hessian(p), oracle.hessian(p, dense=True)
    assert oracle.structure.sparse
    assert isinstance(dense, np.ndarray)
    np.testing.assert_allclose(sparse.toarray(), dense)
    v = np.cos(p)
    np.testing.assert_allclose(sparse @ v, oracle.hvp(p, v))
    np.testing.assert_allclose(oracle.hessian(p[None])[0], dense)


def test_a_sparse_hessian_stays_sparse_where_it_is_not_finite() -> None:
    w = sp.IndexedBase("w", shape=(80,))
    oracle = nc.compile(nc.Problem(sp.Sum((w[i + 1] - w[i]) ** 4, (i, 0, 78)) + sp.log(x)))
    p = oracle.pack({w: 1.0, x: 0.0})
    hessian = oracle.hessian(p)
    assert issparse(hessian)
    assert np.isneginf(hessian.toarray()).sum() == 1
    assert isinstance(oracle.hessian(p, dense=True), np.ndarray)


def test_directions_are_needed(oracle: nc.Oracle) -> None:
    with pytest.raises(ProblemError, match="needs at least one direction"):
        oracle.directional([1, 2])


def test_projection() -> None:
    bounded = nc.compile(nc.Problem(x**2 + y, bounds={x: (0, 1)}))
    np.testing.assert_array_equal(bounded.project([-3, 5]), [0, 5])
    free = nc.compile(nc.Problem(x**2))
    np.testing.assert_array_equal(free.project([-3]), [-3])


def test_packing() -> None:
    oracle = nc.compile(nc.Problem(x * sp.Sum(z[i], (i, 0, 3))))
    p = oracle.pack({x: 7, z: [1, 2, 3, 4]})
    np.testing.assert_array_equal(p, [7, 1, 2, 3, 4])
    values = oracle.unpack(p)
    assert values["x"] == 7
    np.testing.assert_array_equal(values["z"], [1, 2, 3, 4])


def test_unknown_backends() -> None:
    with pytest.raises(OptionError, match="Did you mean 'numpy'"):
        nc.compile(nc.Problem(x**2), backend="nunpy")


def test_names_that_are_words_of_python() -> None:
    names = sp.symbols("lambda x f g p rt np math class")
    oracle = nc.compile(nc.Problem(sum(s**2 for s in names) + sp.exp(names[0])))
    assert oracle.value(np.zeros(9)) == 1
    assert "def gradient" in oracle.source
