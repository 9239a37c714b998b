"""Data that are not in memory: the same numbers as with arrays, or a clear refusal."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import sympy as sp

import ncsolve as nc
from ncsolve.errors import ProblemError
from ncsolve.problem import stored
from ncsolve.problem.stored import StoredArray

N, D = 1000, 3
i, j = sp.symbols("i j", integer=True)
A, y = sp.IndexedBase("A", shape=(N, D)), sp.IndexedBase("y", shape=(N,))
w = sp.IndexedBase("w", shape=(D,))
MARGIN = -y[i] * sp.Sum(A[i, j] * w[j], (j, 0, D - 1))
LOSS = sp.Sum(sp.log(1 + sp.exp(MARGIN)), (i, 0, N - 1)) / N + sp.Sum(w[j] ** 2, (j, 0, D - 1))


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    monkeypatch.setattr(stored, "IN_MEMORY", 0)
    monkeypatch.setattr("ncsolve.backends.out_of_core.CACHED", 2400)  # about 100 rows of D numbers and a label


def test_another_process_opens_the_file_for_itself(tmp_path, arrays):
    made = problem(on_disk(tmp_path, "a.npy", arrays[0]), arrays[1])
    sent = pickle.dumps(made.data[A])
    assert len(sent) < 1000
    assert pickle.loads(sent).read(np.array([3, 7])).tolist() == arrays[0][[3, 7]].tolist()
    (tmp_path / "a.npy").unlink()
    with pytest.raises(ProblemError, match=r"^data: 'A': '.*a\.npy' cannot be read"):
        pickle.loads(sent)


@pytest.fixture
def arrays():
    rng = np.random.default_rng(0)
    return rng.standard_normal((N, D)), rng.choice([-1, 1], N)


def on_disk(tmp_path, name, array):
    np.save(tmp_path / name, array)
    return str(tmp_path / name)


def problem(a, labels, f=LOSS):
    return nc.Problem(f, data={A: a, y: labels}, start={w: [0.1, -0.2, 0.3]})


@pytest.fixture(params=["path", "memmap", "single precision", "copy on write", "slice", "dask"])
def pair(request, arrays, tmp_path):
    """The oracle of the problem in memory, and that of the same one on disk."""
    a, labels = arrays
    if request.param == "path":
        kept = on_disk(tmp_path, "a.npy", a)
    elif request.param == "single precision":
        a = a.astype(np.float32)
        kept = on_disk(tmp_path, "a.npy", a)
    elif request.param == "slice":
        kept = np.load(on_disk(tmp_path, "a.npy", np.vstack([a[:7], a])), mmap_mode="r")[7:]
    elif request.param == "dask":
        kept = pytest.importorskip("dask.array").from_array(a, chunks=(300, D))
    else:
        kept = np.load(on_disk(tmp_path, "a.npy", a), mmap_mode="c" if "copy" in request.param else "r")
    other = problem(kept, on_disk(tmp_path, "y.npy", labels))
    assert all(isinstance(array, StoredArray) for array in other.data.values())
    return nc.compile(problem(a, labels)), nc.compile(other)


def test_everything_is_the_same_to_rounding(pair):
    memory, disk = pair
    rng = np.random.default_rng(1)
    x, v, rows = rng.standard_normal(D), rng.standard_normal(D), rng.integers(0, N, 17)
    for mine, other in (
        (disk.value_and_gradient(x), memory.value_and_gradient(x)),
        (disk.value_and_gradient(x, rows), memory.value_and_gradient(x, rows)),
        (disk.value(x), memory.value(x)),
        (disk.hessian(x), memory.hessian(x)),
        (disk.hvp(x, v), memory.hvp(x, v)),
        (disk.directional(x, v, v, v), memory.directional(x, v, v, v)),
        (disk.gradient(np.stack([x, v])), memory.gradient(np.stack([x, v]))),
        (disk.hvp(x, np.stack([x, v])), memory.hvp(x, np.stack([x, v]))),
    ):
        pairs = zip(mine, other, strict=True) if isinstance(mine, tuple) else [(mine, other)]
        for a, b in pairs:
            np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-13)
    assert memory.counts == disk.counts


@pytest.mark.parametrize(("solver", "options"), [("trust-region", {}), ("saga", {"batch_size": 8})])
def test_solvers_end_at_the_same_point(arrays, tmp_path, solver, options):
    a, labels = arrays
    there = problem(on_disk(tmp_path, "a.npy", a), on_disk(tmp_path, "y.npy", labels))
    mine, other = (
        nc.solve(each, solver, options=options, seed=1, max_iterations=60) for each in (there, problem(a, labels))
    )
    np.testing.assert_allclose(mine.x, other.x, rtol=1e-9)
    assert mine.point.kind == other.point.kind


def test_chunks_are_placed_on_a_cluster_once(arrays):
    dask = pytest.importorskip("dask.array")
    distributed = pytest.importorskip("distributed")
    a, labels = arrays
    memory = nc.compile(problem(a, labels))
    cluster = {"n_workers": 2, "threads_per_worker": 1, "processes": False, "dashboard_address": "127.0.0.1:0"}
    with distributed.Client(**cluster):
        chunks = dask.from_array(a, chunks=(300, 2)), dask.from_array(labels, chunks=170)
        disk = nc.compile(problem(*chunks))
        for x in np.random.default_rng(1).standard_normal((3, D)):
            np.testing.assert_allclose(disk.gradient(x), memory.gradient(x), rtol=1e-11)
            np.testing.assert_allclose(disk.hessian(np.stack([x, -x])), memory.hessian(np.stack([x, -x])), rtol=1e-11)
        assert len(disk.evaluator.cluster.blocks) == 4
        assert isinstance(disk.gradient(x, [1, 5]), np.ndarray)


def test_no_function_reads_more_than_a_block(arrays, tmp_path, monkeypatch):
    most = []
    read = StoredArray.read
    monkeypatch.setattr(StoredArray, "read", lambda self, rows: most.append(len(rows)) or read(self, rows))
    oracle = nc.compile(problem(on_disk(tmp_path, "a.npy", arrays[0]), arrays[1]))
    oracle.hessian(np.zeros(D))
    assert 5 < len(most) < 30
    assert max(most) <= 2400 // (8 * D)


def test_a_file_and_an_array_are_the_same_problem(arrays, tmp_path):
    from ncsolve.store import fingerprint

    there = on_disk(tmp_path, "a.npy", arrays[0])
    first = fingerprint(problem(there, arrays[1]))
    np.save(there, arrays[0] + 1)
    assert first["data"] != fingerprint(problem(there, arrays[1]))["data"]


def test_a_number_that_is_not_finite_is_named(arrays, tmp_path):
    a, labels = arrays
    a[123, 2] = np.nan
    oracle = nc.compile(problem(on_disk(tmp_path, "a.npy", a), labels))
    assert np.isnan(oracle.value(np.zeros(D)))
    assert "data 'A' has nan at [123, 2]" in oracle.explain_nonfinite(np.zeros(D))


def test_a_file_that_became_shorter(arrays, tmp_path):
    path = on_disk(tmp_path, "a.npy", arrays[0])
    oracle = nc.compile(problem(path, arrays[1]))
    np.save(path, arrays[0][:500])
    with pytest.raises(ProblemError, match="shorter than when it was opened"):
        oracle.value(np.zeros(D))


@pytest.mark.parametrize(
    ("f", "text"),
    [
        (sp.Sum(A[i, 0] * w[0], (i, 0, N - 1)) ** 2 + LOSS**2, "nothing but linear"),
        (sp.Sum((A[i, 0] - A[i + 1, 0] * w[0]) ** 2, (i, 0, N - 2)), "row by row"),
        (A[0, 0] * w[0] ** 2, "row by row"),
    ],
)
def test_only_finite_sums_over_the_rows_are_possible(arrays, tmp_path, f, text):
    data = {A: on_disk(tmp_path, "a.npy", arrays[0])} | ({y: arrays[1]} if f.has(y) else {})
    with pytest.raises(ProblemError, match=text):
        nc.compile(nc.Problem(f, data=data, start={w: np.zeros(D)}))


def test_matrices_are_refused(arrays, tmp_path):
    X, b = sp.MatrixSymbol("X", N, D), sp.MatrixSymbol("b", D, 1)
    f = (X * b).T * (X * b)
    with pytest.raises(ProblemError, match=r"declare IndexedBase\('X'\)"):
        nc.Problem(f, data={X: on_disk(tmp_path, "a.npy", arrays[0])}, start={b: np.zeros((D, 1))})


@pytest.mark.parametrize(
    ("value", "text"),
    [("missing.npy", "cannot be read"), ("text.npy", "is no .npy file"), ("words.npy", "must hold real numbers")],
)
def test_files_that_are_none(arrays, tmp_path, monkeypatch, value, text):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text.npy").write_text("1, 2, 3")
    np.save(tmp_path / "words.npy", np.array([["a", "b", "c"]] * N))
    with pytest.raises(ProblemError, match=text):
        problem(value, arrays[1])


def test_what_needs_all_numbers_says_so(arrays, tmp_path):
    there = problem(on_disk(tmp_path, "a.npy", arrays[0]), arrays[1])
    with pytest.raises(ProblemError, match="'A' is not in memory"):
        np.asarray(there.data[A])
    with pytest.raises(ProblemError, match="'A' is not in memory"):
        nc.compile(there).derivation.graph.arrays["A"]


def test_small_files_are_simply_read(arrays, tmp_path, monkeypatch):
    monkeypatch.setattr(stored, "IN_MEMORY", 10**9)
    there = problem(on_disk(tmp_path, "a.npy", arrays[0]), arrays[1])
    assert isinstance(there.data[A], np.ndarray)
