"""A grid of runs with one job and with two: the share of the time that two take, and whether all numbers agree.

    python benchmarks/compare.py                                  # 20 problems x 6 solvers x 5 seeds
    python benchmarks/compare.py --problems 6 --seeds 2 --executor dask

With one job the runs are made in this process, with two in workers, which have to begin and to derive each problem.
"""

from __future__ import annotations

import argparse
import time
from typing import Any

from _timing import readable, table

from ncsolve.compare import Run, cells, run_cells
from ncsolve.executors import choose
from ncsolve.problem import load
from ncsolve.solving.result import plain

PROBLEMS = (
    "arrowhead", "bard", "beale", "biggs-exp6", "box-three-dimensional", "brown-dennis", "broyden-banded",
    "broyden-tridiagonal", "chained-wood", "cube", "helical-valley", "himmelblau", "kowalik-osborne", "powell-singular",
    "rastrigin", "rosenbrock", "six-hump-camel", "styblinski-tang", "watson", "wood",
)  # fmt: skip
SOLVERS = ("gd", "momentum", "adam", "lbfgs", "bfgs", "trust-region")


def numbers(runs: list[Run]) -> list[dict[str, Any]]:
    """All that a run reports, but for its time."""
    return [plain({**run.data, "seconds": 0}) for run in runs]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--problems", type=int, default=len(PROBLEMS))
    parser.add_argument("--solvers", default=",".join(SOLVERS))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--iterations", type=int, default=2000, help="limit of each run")
    parser.add_argument("--executor", default="processes")
    arguments = parser.parse_args()
    problems, solvers = [load(name) for name in PROBLEMS[: arguments.problems]], arguments.solvers.split(",")
    seconds, found = [], []
    for jobs in (2, 1):  # workers that derive a problem themselves get nothing from what this process has derived
        grid = cells(problems, solvers, arguments.seeds, max_iterations=arguments.iterations)
        begun = time.perf_counter()
        found.append(numbers(run_cells(grid, executor=choose(arguments.executor if jobs > 1 else "serial", jobs))))
        seconds.append(time.perf_counter() - begun)
    assert found[0] == found[1], "numbers depend on the number of jobs"
    name = f"{len(problems)} problems x {len(solvers)} solvers x {arguments.seeds} seeds"
    ratio = f"{seconds[0] / seconds[1]:.2f}"
    print(table([name, "1 job", "2 jobs", "ratio", "limit"], [["", *map(readable, seconds[::-1]), ratio, "0.65"]]))


if __name__ == "__main__":
    main()
