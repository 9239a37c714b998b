"""SIGKILL at random moments over all resumable solvers: every resume ends with the bits of a run that was never killed.

    python benchmarks/campaign.py [--kills 300] [--seconds 2] [--seed 0] [--solvers gd,lbfgs]

Each run is a process of its own, which writes one checkpoint after the other. A first one finds out how many iterations
fit into `--seconds`; a second one makes them without being killed; then runs are killed at moments drawn over the time
in which that one made its iterations, resumed in new processes, which are killed as well in what is left of it, and
compared with it. After each kill every file of the folder must be whole.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, replace
from functools import cache
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from pathlib import Path

import numpy as np
from _timing import table

import ncsolve as nc
from ncsolve.errors import NcsolveError
from ncsolve.hooks import registry
from ncsolve.oracle import Oracle, compile
from ncsolve.problem import load
from ncsolve.solving import check_needs
from ncsolve.solving.checkpoint import is_resumable
from ncsolve.store import RunFolder, read_arrays, stored_runs

PROBLEMS: tuple[tuple[str, dict[str, str]], ...] = (
    ("digits-perceptron", {"hidden": "8"}),
    ("lennard-jones", {"atoms": "13"}),
    ("rosenbrock", {"n": "20"}),
    ("sparse-regression", {}),
    ("gan-mixture", {}),
    ("nonnegative-factorisation", {"m": "60", "n": "50", "rank": "6"}),
    ("clusters", {"table": "digits", "clusters": "40"}),
    ("hs100", {}),
    ("logistic-regression", {}),
)
"""The first that a solver can do is its own."""
MOST_KILLS = 6  # of one run
PROCESSES = get_context("forkserver")


@dataclass(frozen=True)
class Task:
    """What a process does: begin a run in a folder, or go on with the one that is there."""

    solver: str
    problem: str
    parameters: dict[str, str]
    iterations: int | None = None
    seconds: float = math.inf
    """From the first look to the end."""

    def __call__(self, folder: Path, begun: Connection) -> None:
        first: list[float] = []

        def is_over(look: nc.Look) -> bool:
            if not first:
                first.append(look.seconds)
                begun.send(None)
            return look.seconds - first[0] > self.seconds

        if (folder / "checkpoint.npz").exists():
            nc.resume(folder, callbacks=[is_over])
            return
        nc.solve(
            load(self.problem, self.parameters), self.solver, gradient_tolerance=0, escape=False, callbacks=[is_over],
            max_iterations=self.iterations, checkpoint=nc.Checkpoint(folder, every=0),
        )  # fmt: skip


@cache
def oracle(problem: str, parameters: tuple[tuple[str, str], ...]) -> Oracle:
    return compile(load(problem, dict(parameters)))


def task_for(solver: str) -> Task | None:
    """None where it can do none of the problems."""
    for problem, parameters in PROBLEMS:
        try:
            check_needs(registry().solver(solver), oracle(problem, tuple(parameters.items())))
        except NcsolveError:
            continue
        return Task(solver, problem, parameters)
    return None


def ends(task: Task, folder: Path, kill_after: float | None = None) -> bool:
    """Whether the process ends by itself; it is killed so many seconds after its first look."""
    reader, writer = PROCESSES.Pipe(duplex=False)
    process = PROCESSES.Process(target=task, args=(folder, writer))
    process.start()
    wait([reader, process.sentinel])
    process.join(kill_after)
    if process.exitcode is None:
        process.kill()
        process.join()
    if process.exitcode not in (0, -9):
        raise SystemExit(f"{task} in {folder} ended with {process.exitcode}")
    return process.exitcode == 0


def unreadable(folder: Path) -> list[str]:
    """Files that are not whole."""
    wrong = []
    for file in (*folder.glob("*.json"), *folder.glob("*.npz")):
        try:
            json.loads(file.read_text()) if file.suffix == ".json" else read_arrays(file)
        except (ValueError, NcsolveError) as error:
            wrong.append(f"{file.name}: {error}")
    if (folder / "checkpoint.npz").exists():
        RunFolder(folder).header()
    if (folder / "run.json").exists() and [found.path for found in stored_runs(folder)] != ["."]:
        wrong.append("run.json: not listed")
    return wrong


def differences(first: Path, second: Path) -> list[str]:
    """Columns of the traces that differ in any bit, and parts of the answers that do."""
    with np.load(first / "trace.npz") as a, np.load(second / "trace.npz") as b:
        names = [name for name in a.files if name != "seconds"]
        wrong = [name for name in names if name not in b or a[name].tobytes() != b[name].tobytes()]
    a, b = (json.loads((folder / "run.json").read_text()) for folder in (first, second))
    wrong += [name for name in ("status", "x", "objective", "iterations", "evaluations") if a[name] != b[name]]
    return wrong + [f"{file.name} is left" for file in second.glob(".*.part")]


def campaign(solver: str, seconds: float, kills: int, rng: np.random.Generator) -> tuple[int, int, float, list[str]]:
    """Kills met, runs, seconds of the run that was not killed, and what is wrong."""
    task = task_for(solver)
    if task is None:
        return 0, 0, 0.0, []
    with tempfile.TemporaryDirectory() as scratch:
        measured, whole = Path(scratch) / "measured", Path(scratch) / "whole"
        ends(replace(task, seconds=seconds), measured)
        iterations = json.loads((measured / "run.json").read_text())["iterations"]
        task = replace(task, iterations=iterations)
        ends(task, whole)
        with np.load(whole / "trace.npz") as trace:
            length = float(np.ptp(trace["seconds"]))
        met, runs, wrong = 0, 0, list[str]()
        while met < kills and runs < 3 * kills:
            cut, now, left = Path(scratch) / f"cut-{runs}", 0, 1.0
            while now < min(MOST_KILLS, kills - met):
                part = rng.uniform(0, left)
                if ends(task, cut, part * length):
                    break
                now, left = now + 1, left - part
                wrong += unreadable(cut) if cut.exists() else []
            ends(task, cut)
            wrong += differences(whole, cut)
            met, runs = met + now, runs + 1
    print(f"{solver:24s} {iterations:8d} iterations {length:6.2f} s {met:3d} kills {', '.join(wrong) or 'same bits'}",
          file=sys.stderr, flush=True)  # fmt: skip
    return met, runs, length, wrong


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=300, help="in all")
    parser.add_argument("--seconds", type=float, default=2.0, help="of a run that is not killed")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--solvers", help="names, separated by commas; default: all that can be resumed")
    given = parser.parse_args()
    known = {name: solver.__module__ for name, solver in registry().solvers().items() if is_resumable(solver)}
    PROCESSES.set_forkserver_preload(["ncsolve.api", "scipy.optimize", "numba", *known.values()])
    solvers = given.solvers.split(",") if given.solvers else list(known)
    rng, each = np.random.default_rng(given.seed), math.ceil(given.kills / len(solvers))
    found = {solver: campaign(solver, given.seconds, each, rng) for solver in solvers}
    rows = [[solver, str(met), str(runs), f"{length:.1f} s", ", ".join(sorted(Counter(wrong))) or "none"]
            for solver, (met, runs, length, wrong) in found.items()]  # fmt: skip
    print(table(["solver", "kills", "runs", "a run alone", "differences"], rows))
    wrong = sum(bool(wrong) for *_, wrong in found.values())
    print(f"\n{sum(met for met, *_ in found.values())} kills, {wrong} solvers with a difference")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
