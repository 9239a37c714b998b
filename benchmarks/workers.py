"""Starts, boxes of a landscape and populations: the time with one job and with two, and whether all bits agree.

    python benchmarks/workers.py
    python benchmarks/workers.py --only boxes --executor dask
    python benchmarks/workers.py --small        # each part in seconds, to see that it runs

With one job the work is done in this process. Two workers have to begin and to derive the problem for themselves.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import sympy as sp
from _timing import readable, table

import ncsolve as nc
from ncsolve.executors import Executor, choose

Part = tuple[str, Callable[[Executor], Any]]
"""What is done, and a function that does it and returns all that must not depend on where."""


def bits(result: nc.Result) -> Any:
    """All that a run reports, but for its time."""
    columns = {name: column.tolist() for name, column in result.trace.items() if name != "seconds"}
    return result.x.tolist(), str(result.status), result.evaluations, columns


def starts(small: bool) -> Part:
    count, iterations = (4, 100) if small else (16, 2000)
    x, i = sp.IndexedBase("x", shape=(100,)), sp.Symbol("i", integer=True)
    terms = (x[i] ** 2 - 1) ** 2 + sp.sin(5 * x[i] * x[i + 1])

    def run(executor: Executor) -> Any:
        problem = nc.Problem(sp.Sum(terms, (i, 0, 98)), bounds={x: (-3, 3)}, name="wells")
        found = nc.solve(problem, "cma", starts=count, max_iterations=iterations, executor=executor)
        return [bits(each) for each in found.runs]

    return f"{count} starts of cma, n = 100, {iterations} iterations", run


def boxes(n: int) -> Part:
    xs = sp.symbols(f"x:{n}", real=True)
    M = np.random.default_rng(0).integers(-3, 4, (n, n))
    M = M + M.T
    f = sum((xs[i] * xs[j] - int(M[i, j])) ** 2 for i in range(n) for j in range(n))

    def run(executor: Executor) -> Any:
        problem = nc.Problem(f, name="factors")
        found = nc.landscape(
            problem, dict.fromkeys(xs, (-3.1, 3.2)), certify=True, connect=False, max_boxes=10**7, max_seconds=600,
            executor=executor,
        )  # fmt: skip
        assert found.complete
        return found.boxes, json.dumps(found.report())

    return f"proof of |xx' - M|^2, n = {n}", run


def points(small: bool) -> Part:
    n, reach = (2, 2.4) if small else (5, 1.4)
    xs = sp.symbols(f"x:{n}", real=True)
    f = sum(x**2 - 10 * sp.cos(2 * sp.pi * x) + 10 for x in xs)

    def run(executor: Executor) -> Any:
        box = dict.fromkeys(xs, (0.1 - reach, reach))
        problem = nc.Problem(f, name="rastrigin")
        found = nc.landscape(
            problem, box, certify=True, connect=False, max_boxes=10**7, max_seconds=600, executor=executor
        )
        assert found.complete
        return found.boxes, len(found.points), json.dumps(found.report())

    return f"proof of Rastrigin, n = {n}, {5**n if not small else 9**n} points", run


def population(solver: str, small: bool) -> Part:
    rows, iterations = (20_000, 5) if small else (200_000, 40)
    rng, columns = np.random.default_rng(0), 20
    data = rng.standard_normal((rows, columns))
    labels = np.sign(data @ rng.standard_normal(columns) + rng.standard_normal(rows))
    A, b = sp.IndexedBase("A", shape=data.shape), sp.IndexedBase("b", shape=labels.shape)
    w = sp.IndexedBase("w", shape=(columns,))
    i, j = sp.symbols("i j", integer=True)
    loss = 1 / (1 + sp.exp(b[i] * sp.Sum(A[i, j] * w[j], (j, 0, columns - 1))))

    def run(executor: Executor) -> Any:
        problem = nc.Problem(sp.Sum(loss, (i, 0, rows - 1)) / rows, data={A: data, b: labels}, bounds={w: (-3, 3)})
        workers = getattr(executor, "workers", 1)
        name = type(executor).__name__.lower()
        options = {"polish": False, "workers": workers, "executor": name}
        return bits(nc.solve(problem, solver, options=options, max_iterations=iterations, backend="numpy"))

    return f"{solver}, {rows} rows of {columns} numbers, {iterations} iterations", run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="starts,boxes,points,population")
    parser.add_argument("--executor", default="processes", help="processes or dask")
    parser.add_argument("--small", action="store_true")
    arguments = parser.parse_args()
    small = arguments.small
    parts: dict[str, list[Part]] = {
        "starts": [starts(small)],
        "boxes": [boxes(n) for n in ((3, 4) if small else (5, 6, 7))],
        "points": [points(small)],
        "population": [population(solver, small) for solver in ("pso", "cma")],
    }
    rows = []
    for name in arguments.only.split(","):
        for what, run in parts[name]:
            seconds, found = [], []
            for executor in (choose("serial"), choose(arguments.executor, 2)):
                begun = time.perf_counter()
                found.append(run(executor))
                seconds.append(time.perf_counter() - begun)
            assert found[0] == found[1], f"{what}: bits depend on the number of jobs"
            rows.append([what, *map(readable, seconds), f"{seconds[1] / seconds[0]:.2f}"])
    print(table(["", "1 job", "2 jobs", "ratio"], rows))


if __name__ == "__main__":
    main()
