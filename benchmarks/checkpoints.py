"""What keeping a run costs: a checkpoint every second at n = 10^6, and going on from one.

    python benchmarks/checkpoints.py [--variables 1000000] [--seconds 150] [--solvers gd,adam,lbfgs]

One run of each solver, in windows of four seconds: without checkpoints, with one a second, without, and while another
process writes as many bytes to the same disk each second, which is what the machine takes for them. A window counts by
its time per iteration against the mean of the windows before and after it, and the median of all is told, so that a
drift of the machine meets them alike. The last file, which a run waits for, is timed apart. Starting and resuming are
timed in processes of their own, `ncsolve solve` and `ncsolve resume`, from the start of the process to the first step
of the solver.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any
from unittest.mock import patch

import numpy as np
from _timing import readable, table

import ncsolve as nc
from ncsolve.store import CheckpointFile, read_arrays

STARTS = 5
GAP, WINDOW = 1.0, 4.0
"""Seconds: what was begun in a window may end in the gap after it."""
MODES = ("alone", "kept", "alone", "beside")
UNTIL_THE_FIRST_STEP = """
import os, sys
from ncsolve.cli.group import main
from ncsolve_second_order.lbfgs import LBFGS
LBFGS.step = lambda *arguments: os._exit(0)
main()
"""
WRITER = """
import os, sys
data = bytes(int(sys.argv[2]))
for line in sys.stdin:
    with open(sys.argv[1], "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
"""


class Windows:
    """A callback that turns checkpoints, or the other process, on and off, and times the iterations of each window."""

    def __init__(self, writer: subprocess.Popen[str]) -> None:
        self.writer, self.began, self.asked = writer, time.perf_counter(), 0.0
        self.first: dict[int, float] = {}
        self.last: dict[int, float] = {}
        self.iterations: dict[int, int] = {}

    def __call__(self, look: object) -> None:
        now = time.perf_counter()
        k, at = divmod(now - self.began, GAP + WINDOW)
        if self.mode == "beside" and now > self.asked + 1.0:
            self.asked = now
            print(file=self.writer.stdin, flush=True)
        if at >= GAP:
            self.first.setdefault(int(k), now)
            self.last[int(k)] = now
            self.iterations[int(k)] = self.iterations.get(int(k), -1) + 1

    @property
    def mode(self) -> str:
        return MODES[int((time.perf_counter() - self.began) / (GAP + WINDOW)) % len(MODES)]

    def costs(self, mode: str) -> list[float]:
        """By how much an iteration took longer than those of the windows without anything around it, as a share."""
        each = {k: (self.last[k] - self.first[k]) / self.iterations[k] for k in self.iterations if self.iterations[k]}
        return [
            2 * each[k] / (each[k - 1] + each[k + 1]) - 1
            for k in each
            if MODES[k % len(MODES)] == mode and {k - 1, k + 1} <= each.keys()
        ]


@contextmanager
def while_kept(windows: Windows) -> Iterator[list[float]]:
    """Checkpoints fall due in the windows that are kept only; the seconds of each that was written."""
    due: dict[int, float] = {}
    write, seconds = CheckpointFile._write, list[float]()

    def timed(file: CheckpointFile, *arguments: Any) -> None:
        begun = time.perf_counter()
        write(file, *arguments)
        seconds.append(time.perf_counter() - begun)

    wanted = property(
        lambda file: due[id(file)] if windows.mode == "kept" else np.inf,
        lambda file, value: due.__setitem__(id(file), value),
    )
    with patch.object(CheckpointFile, "_write", timed), patch.object(CheckpointFile, "due", wanted, create=True):
        yield seconds


def cost(problem: nc.Problem, solver: str, length: float) -> list[str]:
    """The row of one solver, for a run of so many seconds."""

    def run(folder: str, seconds: float, callback: Any) -> nc.Result:
        return nc.solve(
            problem, solver, backend="numba", max_seconds=seconds, max_iterations=10**9, gradient_tolerance=1e-300,
            callbacks=[callback], checkpoint=nc.Checkpoint(folder, every=1.0),
        )  # fmt: skip

    with tempfile.TemporaryDirectory() as folder:
        run(f"{folder}/first", 5.0, lambda look: None)  # compiles
        size = (Path(folder) / "first" / "checkpoint.npz").stat().st_size
        command = [sys.executable, "-c", WRITER, f"{folder}/beside", str(size)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, text=True) as writer:
            windows = Windows(writer)
            with while_kept(windows) as seconds:
                result = run(f"{folder}/run", length, windows)
            writer.terminate()
    kept, beside = (windows.costs(mode) for mode in ("kept", "beside"))
    return [
        solver, str(result.iterations), f"{size / 1e6:.0f} MB", str(len(seconds)), readable(median(seconds)),
        *(f"{100 * median(each):.1f} %" for each in (kept, beside)), readable(seconds[-1]),
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
    parser.add_argument("--seconds", type=float, default=150.0, help="of one run")
    parser.add_argument("--solvers", default="gd,adam,lbfgs", help="names, separated by commas; '' for none")
    given = parser.parse_args()
    problem = nc.load("rosenbrock", {"n": given.variables})
    heading = [
        "",
        "iterations",
        "file",
        "files",
        "each",
        "cost (limit 2 %)",
        "another process instead",
        "the last file",
    ]
    solvers = [name for name in given.solvers.split(",") if name]
    print(table(heading, [cost(problem, solver, given.seconds) for solver in solvers]), flush=True)
    heading = ["start of `solve`", "reading the file", "start of `resume`", "ratio to both (limit 1)"]
    print(table(heading, [resuming(given.variables)]))


if __name__ == "__main__":
    main()
