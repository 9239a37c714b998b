"""What keeping a run costs: a checkpoint every second at n = 10^6, and going on from one.

    python benchmarks/checkpoints.py [--variables 1000000] [--seconds 60] [--solvers gd,adam,lbfgs]

The same run in turns with and without checkpoints; the least time of each. Processor time counts the thread that writes
as well: it costs the run nothing where a second core is free. Starting and resuming are timed in processes of their
own, `ncsolve solve` and `ncsolve resume`, from the start of the process to the first step of the solver.
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

STARTS = 5
UNTIL_THE_FIRST_STEP = """
import os, sys
from ncsolve.cli.group import main
from ncsolve_second_order.lbfgs import LBFGS
LBFGS.step = lambda *arguments: os._exit(0)
main()
"""


def spent(problem: nc.Problem, solver: str, iterations: int, folder: str | None) -> np.ndarray:
    """Seconds and processor seconds of one run; every iteration is recorded in its trace."""
    kept = None if folder is None else nc.Checkpoint(folder, every=1.0)
    begun = np.array([time.perf_counter(), time.process_time()])
    nc.solve(problem, solver, backend="numba", max_iterations=iterations, gradient_tolerance=1e-300, checkpoint=kept)
    return np.array([time.perf_counter(), time.process_time()]) - begun


def cost(problem: nc.Problem, solver: str, length: float, rounds: int) -> list[str]:
    """The row of one solver, for runs of about so many seconds."""
    spent(problem, solver, 25, None)  # compiles
    few = spent(problem, solver, 5, None)[0]
    iterations = max(10, int(20 * length / max(spent(problem, solver, 25, None)[0] - few, 1e-3)))
    best = {False: np.full(2, np.inf), True: np.full(2, np.inf)}
    for _ in range(rounds):
        for keeping in (False, True):
            with tempfile.TemporaryDirectory() as folder:
                now = spent(problem, solver, iterations, folder if keeping else None)
                best[keeping] = np.minimum(best[keeping], now)
                size = (Path(folder) / "checkpoint.npz").stat().st_size if keeping else 0
    wall, processor = 100 * (best[True] / best[False] - 1)
    return [
        solver, str(iterations), f"{size / 1e6:.0f} MB", readable(best[False][0]), readable(best[True][0]),
        f"{wall:.1f} %", f"{processor:.1f} %",
    ]  # fmt: skip


def resuming(variables: int) -> list[str]:
    """Until the first step of `ncsolve resume`, against that of `ncsolve solve` and the reading of the file."""

    def timed(*arguments: str) -> float:
        begun = time.perf_counter()
        subprocess.run([sys.executable, "-c", UNTIL_THE_FIRST_STEP, *arguments], check=True)
        return time.perf_counter() - begun

    with tempfile.TemporaryDirectory() as folder:
        problem = nc.load("rosenbrock", {"n": variables})
        nc.solve(problem, "lbfgs", max_iterations=20, checkpoint=f"{folder}/run")
        reading = []
        for _ in range(STARTS):
            begun = time.perf_counter()
            read_arrays(Path(folder) / "run" / "checkpoint.npz")
            reading.append(time.perf_counter() - begun)
        solve = ("solve", "rosenbrock", "-p", f"n={variables}", "-s", "lbfgs", "--out")
        times = [(timed(*solve, f"{folder}/{k}"), timed("resume", f"{folder}/run", "--max-iterations", "99"))
                 for k in range(STARTS)]  # fmt: skip
    start, again = np.min(times, axis=0)
    return [readable(start), readable(min(reading)), readable(again), f"{again / (start + min(reading)):.2f}"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--variables", type=int, default=10**6)
    parser.add_argument("--seconds", type=float, default=60.0, help="of one run")
    parser.add_argument("--rounds", type=int, default=2, help="runs of each")
    parser.add_argument("--solvers", default="gd,adam,lbfgs", help="names, separated by commas; '' for none")
    given = parser.parse_args()
    problem = nc.load("rosenbrock", {"n": given.variables})
    heading = ["", "iterations", "file", "without", "one a second", "cost (limit 2 %)", "processor time"]
    solvers = [name for name in given.solvers.split(",") if name]
    print(table(heading, [cost(problem, solver, given.seconds, given.rounds) for solver in solvers]), flush=True)
    heading = ["start of `solve`", "reading the file", "start of `resume`", "ratio to both (limit 1)"]
    print(table(heading, [resuming(given.variables)]))


if __name__ == "__main__":
    main()
