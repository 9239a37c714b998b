"""What keeping a run costs: a checkpoint every second at n = 10^6, and going on from one.

    python benchmarks/checkpoints.py [--variables 1000000] [--seconds 12]

The same run in turns with and without checkpoints; the least time of three of each. Resuming is timed in processes
of their own, as a user would: `ncsolve resume` for one more iteration, against `ncsolve solve --out` for the first one.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from _timing import readable, table

import ncsolve as nc
from ncsolve.store.files import read_arrays

ROUNDS = 3
SOLVERS = ("gd", "adam", "lbfgs")


def seconds(problem: nc.Problem, solver: str, iterations: int, folder: str | None) -> float:
    """Of one run; every iteration is recorded in its trace."""
    kept = None if folder is None else nc.Checkpoint(folder, every=1.0)
    begun = time.perf_counter()
    nc.solve(problem, solver, backend="numba", max_iterations=iterations, gradient_tolerance=1e-300, checkpoint=kept)
    return time.perf_counter() - begun


def cost(problem: nc.Problem, solver: str, length: float) -> list[str]:
    """The row of one solver, for runs of about so many seconds."""
    seconds(problem, solver, 25, None)  # compiles
    few = seconds(problem, solver, 5, None)
    iterations = max(10, int(20 * length / max(seconds(problem, solver, 25, None) - few, 1e-3)))
    best = {False: np.inf, True: np.inf}
    for _ in range(ROUNDS):
        for keeping in (False, True):
            with tempfile.TemporaryDirectory() as folder:
                best[keeping] = min(best[keeping], seconds(problem, solver, iterations, folder if keeping else None))
                size = (Path(folder) / "checkpoint.npz").stat().st_size if keeping else 0
    return [
        solver, str(iterations), f"{size / 1e6:.0f} MB", readable(best[False]), readable(best[True]),
        f"{100 * (best[True] / best[False] - 1):.1f} %",
    ]  # fmt: skip


def resuming(variables: int) -> list[str]:
    """`ncsolve resume` for one iteration, against `ncsolve solve` for one and the reading of the file."""
    command = [sys.executable, "-m", "ncsolve"]

    def timed(*arguments: str) -> float:
        begun = time.perf_counter()
        subprocess.run([*command, *arguments], check=False, stdout=subprocess.DEVNULL)
        return time.perf_counter() - begun

    with tempfile.TemporaryDirectory() as folder:
        solve = ("solve", "rosenbrock", "-p", f"n={variables}", "-s", "lbfgs", "--max-iterations")
        timed(*solve, "20", "--out", f"{folder}/run")
        begun = time.perf_counter()
        read_arrays(Path(folder) / "run" / "checkpoint.npz")
        reading = time.perf_counter() - begun
        start = min(timed(*solve, "1", "--out", f"{folder}/{k}") for k in range(ROUNDS))
        again = min(timed("resume", f"{folder}/run", "--max-iterations", str(21 + k)) for k in range(ROUNDS))
    return [readable(start), readable(reading), readable(again), f"{again / (start + reading):.2f}"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--variables", type=int, default=10**6)
    parser.add_argument("--seconds", type=float, default=12.0, help="of one run")
    given = parser.parse_args()
    problem = nc.load("rosenbrock", {"n": given.variables})
    heading = ["", "iterations", "file", "without", "one a second", "cost (limit 2 %)"]
    print(table(heading, [cost(problem, solver, given.seconds) for solver in SOLVERS]))
    heading = ["`solve`, 1 iteration", "reading the file", "`resume`, 1 iteration", "ratio (limit 1)"]
    print(table(heading, [resuming(given.variables)]))


if __name__ == "__main__":
    main()
