"""k-means: what is recognised, that it falls and rests, and the best known values."""

import numpy as np
import pytest
import sympy as sp

import ncsolve as nc
from ncsolve.errors import OptionError, ProblemError
from ncsolve.problem import load
from ncsolve_blocks import assignment
from ncsolve_blocks.assignment import assign, seeds


def clustering(points, clusters, scale=1):
    count, width = points.shape
    A, C = sp.IndexedBase("A", shape=(count, width)), sp.IndexedBase("C", shape=(clusters, width))
    i, d = sp.symbols("i d", integer=True)
    squares = [sp.Sum((A[i, d] - C[k, d]) ** 2, (d, 0, width - 1)) for k in range(clusters)]
    return nc.Problem(scale * sp.Sum(sp.Min(*squares, evaluate=False), (i, 0, count - 1)), data={A: points})


def blobs(count=200, width=3, centres=4, seed=0):
    rng = np.random.default_rng(seed)
    return rng.uniform(-10, 10, (centres, width))[rng.integers(0, centres, count)] + rng.normal(size=(count, width))


@pytest.mark.parametrize("scale", [1, sp.Rational(1, 200)])
def test_the_problem_is_recognised(scale):
    oracle = nc.compile(clustering(blobs(), 5, scale))
    found = oracle.clustering
    assert (found.clusters, found.points.shape, found.scale) == (5, (200, 3), float(scale))


def test_one_column_is_recognised_too():
    assert nc.compile(clustering(blobs(width=1), 3)).clustering.clusters == 3


@pytest.mark.parametrize("width", [1, 3])
def test_a_single_centre_is_the_mean(width):
    points = blobs(width=width)
    result = nc.solve(clustering(points, 1), "kmeans")
    assert result.success
    assert result.x == pytest.approx(points.mean(axis=0), rel=1e-12)


def test_no_clusters():
    with pytest.raises((ProblemError, ValueError), match="clusters must be from 1 to 150, the number of points, not 0"):
        load("clusters", {"clusters": 0})


def test_other_minima_are_not():
    x, y = sp.symbols("x y")
    A = sp.IndexedBase("A", shape=(5,))
    i = sp.Symbol("i", integer=True)
    weighted = sp.Sum(sp.Min((A[i] - x) ** 2, 2 * (A[i] - y) ** 2), (i, 0, 4))
    problem = nc.Problem(weighted, data={A: np.arange(5.0)})
    assert nc.compile(problem).clustering is None
    with pytest.raises(OptionError, match=r"Solver 'kmeans' needs a clustering problem, sum_i min_k"):
        nc.solve(problem, "kmeans")


def test_values_and_gradients_are_those_of_the_oracle():
    problem = clustering(blobs(), 4, sp.Rational(1, 7))
    oracle = nc.compile(problem)

    def watch(look):
        f, g = oracle.value_and_gradient(look.x)
        assert look.objective == pytest.approx(f, rel=1e-12)
        assert look.state.gradient == pytest.approx(g, rel=1e-9, abs=1e-9 * f)

    result = nc.solve(problem, "kmeans", callbacks=[watch])
    assert result.success
    assert (np.diff(result.trace["objective"]) <= 0).all()
    assert result.evaluations["value"] == result.iterations + 1


@pytest.mark.parametrize(("table", "clusters", "best"), [
    ("iris", 2, 152.347952), ("iris", 3, 78.851441), ("iris", 4, 57.228473), ("iris", 5, 46.446182),
    ("wine", 3, 2370689.687),
])  # fmt: skip
def test_best_values_known(table, clusters, best):
    result = nc.solve(load("clusters", {"table": table, "clusters": clusters}), "kmeans", starts=60)
    assert result.objective == pytest.approx(best, rel=1e-7)
    assert result.point.kind == "minimum"


@pytest.mark.parametrize("native", [True, False])
def test_bounds_spare_distances_and_change_nothing(native, monkeypatch):
    if native:
        pytest.importorskip("numba")
    else:
        monkeypatch.setattr(assignment, "installed", lambda name: False)
    points = blobs(3000, 5, 8)
    centres = points[:8].copy()
    before = assign(points, centres)
    for _ in range(10):
        moved = before.sums / before.counts[:, None]
        lengths = np.linalg.norm(moved - centres, axis=1)
        after = assign(points, moved, before, lengths)
        squared = ((points[:, None] - moved) ** 2).sum(axis=2)
        assert np.array_equal(after.labels, squared.argmin(axis=1))
        assert after.sse == pytest.approx(squared.min(axis=1).sum(), rel=1e-12)
        assert np.array_equal(after.counts, np.bincount(after.labels, minlength=8))
        before, centres = after, moved


def test_native_and_numpy_agree(monkeypatch):
    pytest.importorskip("numba")
    points, centres = blobs(1000), blobs(6, seed=3)
    native = assign(points, centres)
    monkeypatch.setattr(assignment, "installed", lambda name: False)
    plain = assign(points, centres)
    assert np.array_equal(native.labels, plain.labels)
    assert native.sums == pytest.approx(plain.sums, rel=1e-12)


def test_seeds_are_drawn_by_squared_distance():
    points = np.array([[0.0], [1.0], [3.0]])
    rng = np.random.default_rng(0)
    fixed = np.array([[0.0], [9.0]])
    drawn = [seeds(points, fixed, np.array([False, True]), rng)[1, 0] for _ in range(2000)]
    assert {*drawn} == {1.0, 3.0}
    assert np.mean(np.array(drawn) == 3.0) == pytest.approx(0.9, abs=0.03)


def test_empty_centres_are_drawn_anew():
    points = blobs()
    start = np.vstack([points[:2], np.full((2, 3), 1e3)])
    result = nc.solve(clustering(points, 4), "kmeans", x0=start.ravel())
    assert (result.x.reshape(4, 3) < 100).all()
    assert result.success


@pytest.mark.parametrize("points", [np.ones((6, 2)), np.repeat(np.arange(2.0), 3)[:, None]])
def test_equal_points(points):
    result = nc.solve(clustering(points, 3), "kmeans")
    assert result.objective == 0
    assert result.status is nc.Status.CONVERGED


def test_mini_batches_come_close():
    problem = clustering(blobs(2000), 4)
    best = nc.solve(problem, "kmeans", starts=5).objective
    result = nc.solve(problem, "kmeans", options={"batch_size": 100}, starts=5, max_iterations=20)
    assert result.objective <= 1.02 * best


def test_more_clusters_than_points():
    with pytest.raises(OptionError, match="cannot find 5 clusters among 3 points"):
        nc.solve(clustering(blobs(3), 5), "kmeans")


def test_batches_larger_than_the_table():
    with pytest.raises(OptionError, match="'batch_size' of solver 'kmeans' is 500, but there are 200 points"):
        nc.solve(clustering(blobs(), 3), "kmeans", options={"batch_size": 500})
