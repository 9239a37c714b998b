"""Many starts: the minima of known landscapes, and the speed of local runs side by side, against a loop over SciPy's.

python benchmarks/multistart.py
python benchmarks/multistart.py --atoms 7 --starts 500
"""

from __future__ import annotations

import argparse
import time

import numpy as np
from _timing import pin, readable, table
from scipy.optimize import minimize

import ncsolve as nc
from ncsolve.problem import load

SAMPLE = 50  # starts of the loop over SciPy, scaled to all of them


def landscapes() -> list[list[str]]:
    """Runs and distinct minima, where their number is known."""
    cases = [("himmelblau", 100, 4), ("rastrigin", 5000, 121), ("six-hump-camel", 200, 6), ("styblinski-tang", 200, 4)]
    rows = []
    for name, starts, known in cases:
        result = nc.solve(load(name), "multistart", options={"starts": starts})
        unseen = f"{result.trace.unseen[-1]:.2g}"
        rows.append([name, str(starts), f"{len(result.minima)} of {known}", unseen, readable(result.seconds)])
    return rows


def clusters(most: int, starts: int) -> list[list[str]]:
    """The global minima of Lennard-Jones clusters: how many runs out of all ended there."""
    rows = []
    for atoms in range(2, most + 1):
        problem = load("lennard-jones", {"atoms": atoms})
        result = nc.solve(problem, "multistart", options={"starts": starts, "width": 1.0})
        best, lowest = result.minima[0], problem.constants["minimum"]
        found = f"{best.count} of {starts}" if best.objective - lowest < 1e-6 else f"missed, {lowest:.6f} is known"
        rows.append([str(atoms), f"{best.objective:.6f}", found, str(len(result.minima)), readable(result.seconds)])
    return rows


def speed(starts: int) -> list[list[str]]:
    """All starts as one run, against a loop over minimize(BFGS) with the gradients of the same oracle."""
    rows = []
    for name in ("rosenbrock", "styblinski-tang", "rastrigin"):
        declared = load(name, {"n": 10})
        problem = nc.Problem(declared.objective, start=nc.Uniform(-4, 4).sample(np.random.default_rng(0), (10,)))
        points = np.random.default_rng(1).uniform(-4, 4, (SAMPLE, 10))
        oracle = nc.compile(problem)
        oracle.value_and_gradient(points[0])
        begun = time.perf_counter()
        for x in points:
            minimize(oracle.value_and_gradient, x, jac=True, method="BFGS")
        loop = (time.perf_counter() - begun) / SAMPLE * starts
        result = nc.solve(problem, "multistart", options={"starts": starts, "width": 4.0})
        rows.append([f"{name} n = 10", readable(result.seconds), readable(loop), f"{loop / result.seconds:.0f}"])
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--atoms", type=int, default=13, help="largest Lennard-Jones cluster")
    parser.add_argument("--starts", type=int, default=5000, help="starts of the comparison of speeds")
    parser.add_argument("--runs", type=int, default=1000, help="starts for each cluster")
    arguments = parser.parse_args()
    pin()
    np.seterr(all="ignore")
    print(table(["landscape", "starts", "minima found", "more expected", "time"], landscapes()), end="\n\n")
    heading = [f"{arguments.starts} starts", "side by side", "loop over SciPy's BFGS", "times faster"]
    print(table(heading, speed(arguments.starts)), end="\n\n")
    print(table(["atoms", "lowest", "runs that found it", "minima", "time"], clusters(arguments.atoms, arguments.runs)))


if __name__ == "__main__":
    main()
