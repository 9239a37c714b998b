"""False alarms and power of the statistical checks: the catalogue's own true statements under many seeds.

    python benchmarks/theorems.py [--checks 1000] [--runs 200]

A check is one statistical claim of a positive case; at level 1e-6 a thousand of them should raise no alarm. Power is
the number of runs that betting needs to reject a mean that is too large, against what the catalogue says, and the error
of a solver's noise that the witnesses see.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from dataclasses import replace
from itertools import count

import numpy as np
from _timing import table

from ncsolve.oracle import compile
from ncsolve.theorems import catalogue, solver_class
from ncsolve.theory import HOLDS, Case, Theorem, run_case
from ncsolve.theory.statistics import expectation_at_most

STATISTICAL = ("expectation", "distribution", "almost surely")
KNOWN = {1.1: 3690, 1.25: 544, 1.5: 178, 2.0: 59, 3.0: 24}
"""Exponential Y, E Y = factor B: runs until betting rejects E Y <= B at 1e-6, as the catalogue has them."""
FACTORS = (1.02, 1.05, 1.1, 1.25, 1.6)
BETA = "inverse_temperature"
NOISE = {
    "ULA1": (BETA, 1.0, -2),
    "ULA2": (BETA, 3.0, -2),
    "ULA3": (BETA, 1.0, -2),
    "MALA1": (BETA, 1.0, -2),
    "MALA2": (BETA, 1.0, -2),
    "KRAM1": (BETA, 4.0, -2),
    "PGD1": ("radius", 0.1, 1),
    "PSO1": ("social", 1.193147, 1),
}
"""The option that holds the noise, its value on the witness, and the power with which it scales."""
SPACING = 10_000
"""Between seeds: a check counts up from its own."""


def cases() -> list[tuple[Theorem, Case]]:
    """Positive cases with a statistical claim."""
    theorems = [theorem for theorem in catalogue() if theorem.kind in STATISTICAL or theorem.id == "PSO1"]
    return [(theorem, case) for theorem in theorems for case in theorem.positive()]


def verdicts(seeds: Iterator[int]) -> Iterator[tuple[Theorem, int, str, int, float]]:
    """Theorem, seed, verdict, statistical claims and seconds, all cases for one seed after the other."""
    pairs = [(theorem, case, compile(case.problem())) for theorem, case in cases()]
    for seed in seeds:
        for theorem, case, oracle in pairs:
            start = time.perf_counter()
            verdict = run_case(theorem, replace(case, seed=seed), solver_class(theorem.solvers[0]), oracle)
            checks = sum(claim.statistical for claim in verdict.claims)
            yield theorem, seed, verdict.verdict, checks, time.perf_counter() - start


def false_alarms(checks: int) -> list[list[str]]:
    """A row for each theorem: checks, alarms, seconds a case."""
    done: dict[str, list[list[float]]] = {}
    seeds = (SPACING * (k + 1) for k in count())
    for theorem, seed, verdict, claims, seconds in verdicts(seeds):
        if not claims:
            continue
        done.setdefault(theorem.id, []).append([claims, verdict != HOLDS, seconds])
        if verdict != HOLDS:
            print(f"alarm: {theorem.id}, seed {seed}: {verdict}")
        if sum(row[0] for rows in done.values() for row in rows) >= checks:
            break
    sums = {name: np.sum(rows, axis=0) for name, rows in done.items()}
    rows = [[name, f"{a:.0f}", f"{b:.0f}", f"{c / len(done[name]):.2f}"] for name, (a, b, c) in sums.items()]
    a, b, c = np.sum(list(sums.values()), axis=0)
    return [*rows, ["all", f"{a:.0f}", f"{b:.0f}", f"{c:.0f} in all"]]


def runs_needed(factor: float, rng: np.random.Generator) -> int:
    """Runs until betting rejects E Y <= 1 for exponential Y with E Y = factor: by bisection, as rejections stay."""
    sample = rng.exponential(factor, 20_000)
    low, high = 0, len(sample)
    while high - low > 1:
        middle = (low + high) // 2
        rejected = expectation_at_most("Y", sample[:middle], 1.0).violation() is not None
        low, high = (low, middle) if rejected else (middle, high)
    return high


def seen(theorem: Theorem, option: str, value: float, power: int) -> str:
    """The least factor of the noise with which the verdict on the witness turns; `option` scales with its power."""
    case = next(case for case in theorem.positive() if case.witness)
    solver, oracle = solver_class(theorem.solvers[0]), compile(case.problem())
    for factor in FACTORS:
        wrong = {option: value * factor**power}
        if run_case(theorem, replace(case, sabotage=wrong), solver, oracle).verdict != HOLDS:
            return f"x {factor}"
    return "none of them"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--checks", type=int, default=1000)
    parser.add_argument("--runs", type=int, default=200, help="repetitions of the power of betting")
    arguments = parser.parse_args()
    rng = np.random.default_rng(0)
    needed = {factor: np.mean([runs_needed(factor, rng) for _ in range(arguments.runs)]) for factor in KNOWN}
    print(table(["E Y / B", "runs", "catalogue"], [[str(f), f"{n:.0f}", str(KNOWN[f])] for f, n in needed.items()]))
    named = {theorem.id: theorem for theorem in catalogue()}
    print(table(
        ["theorem", "noise that is seen"],
        [[name, seen(named[name], *option)] for name, option in NOISE.items()],
    ))  # fmt: skip
    print(table(["theorem", "checks", "alarms", "seconds a case"], false_alarms(arguments.checks)))


if __name__ == "__main__":
    main()
