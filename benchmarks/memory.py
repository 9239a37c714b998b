"""Peak memory of what could need too much: long vectors, and the distances of many points to many centres.

    python benchmarks/memory.py [--small]

Each row runs in a process of its own. `extra` is the most that arrays take while the call runs, beyond x and the data,
as tracemalloc sees it; `process` is how much the peak of the whole process grew.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tracemalloc

import numpy as np
import sympy as sp
from _timing import pin, table

import ncsolve as nc

CASES = ("rosenbrock", "k-means")
LIMITS = {"rosenbrock": "4 vectors of length n", "k-means": "never 10^6 x 16 x 32"}


def rosenbrock(small: bool) -> tuple[nc.Problem, int]:
    """The problem, and the bytes of a vector of length n."""
    n = 10**4 if small else 10**6
    x, i = sp.IndexedBase("x", shape=(n,)), sp.Symbol("i", integer=True)
    return nc.Problem(sp.Sum(100 * (x[i + 1] - x[i] ** 2) ** 2 + (1 - x[i]) ** 2, (i, 0, n - 2))), 8 * n


def k_means(small: bool) -> tuple[nc.Problem, int]:
    """The mean of min_c |a_i - m_c|^2, and the bytes of the array of all differences."""
    rows, columns, centres = (10**4, 16, 32) if small else (10**6, 16, 32)
    i, j = sp.symbols("i j", integer=True)
    A, M = sp.IndexedBase("A", shape=(rows, columns)), sp.IndexedBase("M", shape=(centres, columns))
    nearest = sp.Min(*(sp.Sum((A[i, j] - M[c, j]) ** 2, (j, 0, columns - 1)) for c in range(centres)))
    data = np.random.default_rng(0).normal(size=(rows, columns))
    return nc.Problem(sp.Sum(nearest, (i, 0, rows - 1)), data={A: data}), 8 * rows * columns * centres


def measured(case: str, backend: str, small: bool) -> dict[str, float]:
    """Extra bytes of one call, in units of the case; the first call compiles and is not counted."""
    problem, unit = (rosenbrock if case == "rosenbrock" else k_means)(small)
    oracle = nc.compile(problem, backend)
    x = np.random.default_rng(1).normal(size=problem.n)
    oracle.value_and_gradient(x)
    x = x + 0.01
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    tracemalloc.start()
    oracle.value_and_gradient(x)
    extra = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    process = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return {"extra": extra, "process": process - before, "peak": process, "unit": unit}


def row(case: str, backend: str, small: bool) -> list[str]:
    command = [sys.executable, __file__, "--case", case, "--backend", backend, *(["--small"] if small else [])]
    found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    megabytes = [f"{found[key] / 1e6:.4g} MB" for key in ("extra", "process", "peak")]
    return [f"{case}, {backend}", *megabytes, f"{found['extra'] / found['unit']:.3g}", LIMITS[case]]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--case", choices=CASES)
    parser.add_argument("--backend", default="numpy")
    given = parser.parse_args()
    pin()
    if given.case:
        print(json.dumps(measured(given.case, given.backend, given.small)))
        return
    rows = [row(case, backend, given.small) for case in CASES for backend in ("numpy", "numba")]
    print(table(["value and gradient", "extra", "process", "peak", "extra / unit", "limit"], rows))


if __name__ == "__main__":
    main()
