"""SIGKILL at random moments over all resumable solvers: every resume ends with the bits of a run that was never killed.

    python benchmarks/campaign.py [--kills 300] [--seed 0] [--solvers gd,lbfgs]

Each run is a process of its own that writes a checkpoint after every iteration it can. It is killed after a random
time, resumed in a new process, which may be killed again, and its trace compared with that of an uninterrupted run.
"""

from __future__ import annotations

import argparse
import json
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from ncsolve.errors import NcsolveError
from ncsolve.hooks import registry
from ncsolve.oracle import compile
from ncsolve.problem import load
from ncsolve.solving import check_needs
from ncsolve.solving.checkpoint import is_resumable
from ncsolve.store import RunFolder

PROBLEMS = ("rosenbrock", "six-hump-camel", "clusters", "nonnegative-factorisation", "hs71")
COMMAND = [sys.executable, "-m", "ncsolve"]


def problem_for(solver: str) -> str | None:
    for name in PROBLEMS:
        try:
            check_needs(registry().solver(solver), compile(load(name)))
        except NcsolveError:
            continue
        return name
    return None


def run(*arguments: str, kill_after: float | None = None) -> bool:
    """Whether the command ended by itself."""
    process = subprocess.Popen([*COMMAND, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        _, told = process.communicate(timeout=kill_after)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        process.communicate()
        return False
    if process.returncode not in (0, 3, 4):
        raise SystemExit(f"{' '.join(arguments)}: exit code {process.returncode}: {told.decode()}")
    return True


def differences(first: Path, second: Path) -> list[str]:
    """Columns of the traces that differ in any bit."""
    with np.load(first / "trace.npz") as a, np.load(second / "trace.npz") as b:
        return [name for name in a.files if name != "seconds" and a[name].tobytes() != b[name].tobytes()]


def killed_run(solver: str, problem: str, folder: Path, rng: np.random.Generator, most: int) -> int:
    """The kills that a run met before it ended; SystemExit where a folder cannot be read."""
    limits = ["--max-iterations", "3000", "--no-escape"]
    start = ["solve", problem, "-s", solver, *limits, "--out", str(folder), "--checkpoint", "0"]
    kills = 0
    begin = time.perf_counter()
    run("solvers")
    least = time.perf_counter() - begin  # a process that ends before it has begun tests nothing
    while kills < most:
        resumable = (folder / "checkpoint.npz").exists()
        arguments = ["resume", str(folder)] if resumable else start
        if run(*arguments, kill_after=least + rng.uniform(0.2, 2.0)):
            return kills
        kills += 1
        if (folder / "run.json").exists():
            json.loads((folder / "run.json").read_text())
        if (folder / "checkpoint.npz").exists():
            RunFolder(folder).header()
    run(*(["resume", str(folder)] if (folder / "checkpoint.npz").exists() else start))
    return kills


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--solvers", help="names, separated by commas; default: all that can be resumed")
    arguments = parser.parse_args()
    known = [name for name, solver in registry().solvers().items() if is_resumable(solver)]
    pairs = [(s, p) for s in (arguments.solvers or ",".join(known)).split(",") if (p := problem_for(s))]
    rng = np.random.default_rng(arguments.seed)
    kills = runs = wrong = 0
    while kills < arguments.kills:
        solver, problem = pairs[runs % len(pairs)]
        with tempfile.TemporaryDirectory() as scratch:
            whole, cut = Path(scratch) / "whole", Path(scratch) / "cut"
            run("solve", problem, "-s", solver, "--max-iterations", "3000", "--no-escape", "--out", str(whole))
            met = killed_run(solver, problem, cut, rng, min(5, arguments.kills - kills))
            differ = differences(whole, cut)
        kills, runs, wrong = kills + met, runs + 1, wrong + bool(differ)
        print(f"{solver:24s} {problem:26s} {met} kills  {', '.join(differ) or 'same bits'}", flush=True)
    print(f"{kills} kills of {runs} runs, {wrong} of them with other bits")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
