"""Block solvers beside their peers: als against the ALS of `implicit`, kmeans against scikit-learn's. [extra bench]

    python benchmarks/blocks.py [--small] [--restarts N] [--only als|kmeans|best] [--entries 1e6|1e7]

Prints markdown tables: CPU seconds per sweep and peak memory of matrix factorisation with observed entries; CPU
seconds per iteration of k-means on 10^6 x 16 points with 32 centres; the best values of k-means on the shipped tables.
One thread for everyone. The memory is that of a process of its own, beyond what it holds before the data.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
import warnings
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import sympy as sp
from _timing import pin

import ncsolve as nc
from ncsolve.problem import load

RANK = 32
SIZES = {"5e4": (2000, 500, 50_000), "1e6": (20_000, 5000, 10**6), "1e7": (100_000, 10_000, 10**7)}
"""Users, items and observed entries of the matrix factorisation."""


def ratings(users: int, items: int, count: int, seed: int = 0) -> tuple[Any, Any, Any]:
    """Seeded ratings: `count` different pairs, values of a rank-5 model with noise."""
    rng = np.random.default_rng(seed)
    pairs = np.unique(rng.integers(0, users * items, int(1.02 * count)))
    pairs = np.sort(rng.permutation(pairs)[:count])
    user, item = np.divmod(pairs, items)
    U, V = rng.normal(size=(users, 5)), rng.normal(size=(items, 5))
    value = np.einsum("ka,ka->k", U[user], V[item]) + 0.1 * rng.normal(size=len(user))
    return user, item, value


def factorisation(users: int, items: int, table: tuple[Any, Any, Any], ridge: float = 1.0) -> nc.Problem:
    """sum (value - U[user] . V[item])^2 + ridge (|U|^2 + |V|^2)"""
    count = len(table[0])
    u, i, r = (sp.IndexedBase(name, shape=(count,)) for name in "uir")
    U, V = sp.IndexedBase("U", shape=(users, RANK)), sp.IndexedBase("V", shape=(items, RANK))
    k, a, p = sp.symbols("k a p", integer=True)
    error = r[k] - sp.Sum(U[u[k], a] * V[i[k], a], (a, 0, RANK - 1))
    sizes = [sp.Sum(X[p, a] ** 2, (p, 0, s - 1), (a, 0, RANK - 1)) for X, s in ((U, users), (V, items))]
    return nc.Problem(
        sp.Sum(error**2, (k, 0, count - 1)) + ridge * sp.Add(*sizes),
        data=dict(zip((u, i, r), table, strict=True)),
        start={U: nc.Normal(0, 0.1), V: nc.Normal(0, 0.1)},
    )


def als_rows(entries: str) -> list[list[str]]:
    """A sweep: ours, implicit with exact systems, and implicit with its three conjugate-gradient steps; our memory."""
    users, items, count = SIZES[entries]
    table = ratings(users, items, count)
    peers = peer_sweeps(users, items, table)
    ours = sweep(factorisation(users, items, table))
    rows = [["ncsolve als, exact systems, value and gradient", f"{ours:.2f} s", ""]]
    rows += [[f"implicit, {name}", f"{seconds:.2f} s", f"{ours / seconds:.2f}"] for name, seconds in peers.items()]
    size = sum(column.nbytes for column in table)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "table.npz"
        np.savez(file, *table)
        del table
        command = [sys.executable, __file__, "--memory-of", str(file), str(users), str(items)]
        peak = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return [*rows, [f"peak memory, data {size / 1e6:.0f} MB", f"{peak / 1e6:.0f} MB", f"{peak / size:.2f} x data"]]


def sweep(problem: nc.Problem) -> float:
    """CPU seconds of the fastest of three sweeps in native code, compiled before the first of them."""
    marks: list[float] = []
    watch = [lambda look: marks.append(time.process_time())]
    nc.solve(problem, "als", backend="numba", max_iterations=3, callbacks=watch)
    return min(b - a for a, b in pairwise(marks))


def memory_of(file: str, users: int, items: int) -> int:
    """Bytes that a process grows by from before it reads a table to the peak of two sweeps."""
    small = factorisation(2000, 500, ratings(2000, 500, 20_000))  # code is no memory of the data
    nc.compile(small, "numba").value_and_gradient(small.start_point(np.random.default_rng(0)))
    sweep(small)
    before = 4096 * int(Path("/proc/self/statm").read_text().split()[1])
    with np.load(file) as table:
        problem = factorisation(users, items, tuple(table[name] for name in table.files))
    nc.solve(problem, "als", backend="numba", max_iterations=2)
    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before


def peer_sweeps(users: int, items: int, table: tuple[Any, Any, Any]) -> dict[str, float]:
    """CPU seconds of an iteration of implicit's ALS, which sums over all pairs: the work per entry is the same."""
    from implicit.cpu.als import AlternatingLeastSquares
    from scipy.sparse import csr_matrix

    matrix = csr_matrix((np.abs(table[2]) + 1, (table[0], table[1])), shape=(users, items))
    found = {}
    for name, cg in (("exact systems", False), ("3 steps of CG", True)):
        model = AlternatingLeastSquares(
            factors=RANK, iterations=3 if cg else 2, use_cg=cg, num_threads=1, dtype=np.float64, random_state=0
        )
        marks: list[float] = []
        watch = partial(_mark, marks)
        watch()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model.fit(matrix, show_progress=False, callback=watch)
        found[name] = min(b - a for a, b in pairwise(marks))
    return found


def _mark(marks: list[float], *given: object) -> None:
    marks.append(time.process_time())


def kmeans_rows(small: bool) -> list[list[str]]:
    """Seconds per iteration from the same start, over all iterations of 20."""
    from sklearn.cluster import KMeans
    from sklearn.datasets import make_blobs

    count = 20_000 if small else 1_000_000
    points, _ = make_blobs(count, 16, centers=32, random_state=0)
    start = points[:32].copy()
    A, C = sp.IndexedBase("A", shape=points.shape), sp.IndexedBase("C", shape=start.shape)
    i, d = sp.symbols("i d", integer=True)
    squares = [sp.Sum((A[i, d] - C[k, d]) ** 2, (d, 0, 15)) for k in range(32)]
    problem = nc.Problem(sp.Sum(sp.Min(*squares, evaluate=False), (i, 0, count - 1)), data={A: points})
    marks: list[float] = []
    for _ in range(2):  # the first compiles
        marks.clear()
        watch = [lambda look: marks.append(time.process_time())]
        result = nc.solve(problem, "kmeans", x0=start.ravel(), max_iterations=20, callbacks=watch)
    ours = (marks[-1] - marks[0]) / (len(marks) - 1)
    peer = KMeans(32, init=start, n_init=1, max_iter=20, tol=0, algorithm="lloyd")
    once = KMeans(32, init=start, n_init=1, max_iter=1, tol=0, algorithm="lloyd")
    seconds = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for model in (once, peer):
            begin = time.process_time()
            model.fit(points)
            seconds.append(time.process_time() - begin)
    theirs = (seconds[1] - seconds[0]) / max(peer.n_iter_ - 1, 1)
    return [
        ["ncsolve kmeans", f"{1e3 * ours:.1f} ms", f"{ours / theirs:.2f}", f"{result.objective:.8g}"],
        ["scikit-learn, lloyd", f"{1e3 * theirs:.1f} ms", "", f"{peer.inertia_:.8g}"],
    ]


def best_rows(restarts: int) -> list[list[str]]:
    """The best SSE of many restarts, scikit-learn's and ours."""
    from sklearn.cluster import KMeans

    rows = []
    for table, clusters in (("iris", 2), ("iris", 3), ("iris", 4), ("iris", 5), ("wine", 3), ("digits", 10)):
        problem = load("clusters", {"table": table, "clusters": clusters})
        (points,) = problem.data.values()
        theirs = KMeans(clusters, n_init=restarts, random_state=0, tol=0).fit(points).inertia_
        ours = nc.solve(problem, "kmeans", starts=restarts).objective
        rows.append([f"{table}, k = {clusters}", f"{theirs:.6f}", f"{ours:.6f}"])
    return rows


def table(header: list[str], rows: list[list[str]]) -> str:
    lines = [header, ["---", *["---:"] * (len(header) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", action="store_true", help="small sizes, to see that it works")
    parser.add_argument("--restarts", type=int, default=1000, help="restarts for the best values of k-means")
    parser.add_argument("--only", choices=("als", "kmeans", "best"), help="one table")
    parser.add_argument("--entries", choices=SIZES, default="1e7", help="observed entries of the factorisation")
    parser.add_argument("--memory-of", nargs=3, help=argparse.SUPPRESS)
    given = parser.parse_args()
    pin()
    if given.memory_of:
        file, users, items = given.memory_of
        print(json.dumps(memory_of(file, int(users), int(items))))
        return
    entries = "5e4" if given.small else given.entries
    tables = {
        "als": (["matrix factorisation, rank 32", "a sweep", "ours / peer"], lambda: als_rows(entries)),
        "kmeans": (["k-means, k = 32", "an iteration", "ratio", "SSE after 20"], lambda: kmeans_rows(given.small)),
        "best": (
            ["best SSE", f"scikit-learn, {given.restarts} restarts", "ours"],
            lambda: best_rows(given.restarts),
        ),
    }
    for name, (header, rows) in tables.items():
        if given.only in (None, name):
            print(table(header, rows()), flush=True)


if __name__ == "__main__":
    main()
