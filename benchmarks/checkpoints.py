"""What keeping a run costs: a checkpoint every second at n = 10^6, and going on from one.

    python benchmarks/checkpoints.py [--variables 1000000] [--seconds 60] [--solvers gd,adam,lbfgs]

The same run in turns with and without checkpoints; the least time of each. Two runs without differ by some percent, so
that the cost is also added up within one run: by how much iterations during a write are slower than others around them,
and what the run waits before its first look and after its last one. Processor time counts the thread that writes, too:
it costs the run nothing where a second core is free. Starting and resuming are timed in processes of their own,
`ncsolve solve` and `ncsolve resume`, from the start of the process to the first step of the solver.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
from _timing import readable, table

import ncsolve as nc
from ncsolve.store import CheckpointFile, read_arrays

STARTS = 5
UNTIL_THE_FIRST_STEP = """
import os, sys
from ncsolve.cli.group import main
from ncsolve_second_order.lbfgs import LBFGS
LBFGS.step = lambda *arguments: os._exit(0)
main()
"""


class Run:
    """One run, every iteration of it recorded in its trace: when it began, looked at iterates, wrote and ended."""

    def __init__(self, problem: nc.Problem, solver: str, iterations: int, keep: bool) -> None:
        self.looks: list[float] = []
        self.writes: list[tuple[float, float]] = []
        self.size = 0
        write = CheckpointFile._write

        def timed(file: CheckpointFile, *arguments: Any) -> None:
            begun = time.perf_counter()
            write(file, *arguments)
            self.writes.append((begun, time.perf_counter()))

        with tempfile.TemporaryDirectory() as folder, patch.object(CheckpointFile, "_write", timed):
            self.begun, processor = time.perf_counter(), time.process_time()
            nc.solve(
                problem, solver, backend="numba", max_iterations=iterations, gradient_tolerance=1e-300,
                callbacks=[lambda look: self.looks.append(time.perf_counter())],
                checkpoint=nc.Checkpoint(folder, every=1.0) if keep else None,
            )  # fmt: skip
            self.ended, self.processor = time.perf_counter(), time.process_time() - processor
            if keep:
                self.size = (Path(folder) / "checkpoint.npz").stat().st_size
        self.seconds = self.ended - self.begun
        self.outside = self.seconds - (self.looks[-1] - self.looks[0])

    def slower(self) -> float:
        """Seconds by which iterations during a write took longer than the median of others within 5 s of them."""
        looks, lengths = np.array(self.looks[:-1]), np.diff(self.looks)
        met = np.zeros(len(lengths), dtype=bool)
        for begun, ended in self.writes:
            met |= (looks < ended) & (looks + lengths > begun)
        usual = [np.median(lengths[~met & (np.abs(looks - at) < 5)]) for at in looks[met]]
        return float((lengths[met] - usual).sum())


def cost(problem: nc.Problem, solver: str, length: float, rounds: int) -> list[str]:
    """The row of one solver, for runs of about so many seconds."""
    Run(problem, solver, 25, False)  # compiles
    few = Run(problem, solver, 5, False).seconds
    iterations = max(10, int(20 * length / max(Run(problem, solver, 25, False).seconds - few, 1e-3)))
    runs = [(Run(problem, solver, iterations, False), Run(problem, solver, iterations, True)) for _ in range(rounds)]
    alone, kept = (min(each, key=lambda run: run.seconds) for each in zip(*runs, strict=True))
    whole, processor = kept.seconds / alone.seconds - 1, kept.processor / alone.processor - 1
    parts = (kept.slower() + kept.outside - alone.outside) / alone.seconds
    return [
        solver, str(iterations), f"{kept.size / 1e6:.0f} MB", readable(alone.seconds), readable(kept.seconds),
        *(f"{100 * share:.1f} %" for share in (whole, parts, processor)),
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
    heading = ["", "iterations", "file", "without", "one a second", "more", "cost (limit 2 %)", "processor time"]
    solvers = [name for name in given.solvers.split(",") if name]
    print(table(heading, [cost(problem, solver, given.seconds, given.rounds) for solver in solvers]), flush=True)
    heading = ["start of `solve`", "reading the file", "start of `resume`", "ratio to both (limit 1)"]
    print(table(heading, [resuming(given.variables)]))


if __name__ == "__main__":
    main()
