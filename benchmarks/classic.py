"""More than 60 unconstrained problems from the literature: our solvers against SciPy's with the same exact derivatives.

    python benchmarks/classic.py [--problems wood,beale] [--solvers auto,BFGS] [--perturbed 20] [--large] [--out DIR]

A problem is solved when the gradient's infinity norm is at most 1e-6, or the value within 1e-6 of the best one known,
and the judge finds no way down. SciPy's methods are stopped at the first such gradient, so that their own tests cost
them nothing. Evaluations are those of f, of g, of H and of Hv together. Times leave out derivation and judgement.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from _contest import SCIPY, Run, ours, scipy, warm_up
from _profiles import data_profile, performance_profile
from _timing import pin

import ncsolve as nc
from ncsolve.problem import load
from ncsolve.solving import Criteria

OURS = ("auto", "gauss-newton", "trust-region", "trust-region-krylov", "arc", "newton", "bfgs", "lbfgs")

PROBLEMS: list[tuple[str, dict[str, int | str]]] = [
    ("extended-rosenbrock", {}), ("freudenstein-roth", {}), ("powell-badly-scaled", {}), ("brown-badly-scaled", {}),
    ("beale", {}), ("jennrich-sampson", {}), ("helical-valley", {}), ("bard", {}), ("gaussian", {}), ("meyer", {}),
    ("gulf", {}), ("box-three-dimensional", {}), ("powell-singular", {}), ("wood", {}), ("kowalik-osborne", {}),
    ("brown-dennis", {}), ("osborne-1", {}), ("biggs-exp6", {}), ("osborne-2", {}), ("watson", {"n": 6}),
    ("watson", {"n": 9}), ("watson", {"n": 12}), ("extended-rosenbrock", {"n": 10}),
    ("extended-rosenbrock", {"n": 1000}), ("extended-powell", {"n": 40}), ("extended-powell", {"n": 1000}),
    ("penalty-1", {"n": 4}), ("penalty-1", {"n": 10}), ("penalty-2", {"n": 4}), ("penalty-2", {"n": 10}),
    ("variably-dimensioned", {"n": 10}), ("variably-dimensioned", {"n": 100}), ("trigonometric", {"n": 10}),
    ("brown-almost-linear", {"n": 10}), ("discrete-boundary-value", {"n": 10}), ("discrete-boundary-value", {"n": 100}),
    ("discrete-integral", {"n": 10}), ("broyden-tridiagonal", {"n": 10}), ("broyden-tridiagonal", {"n": 1000}),
    ("broyden-banded", {"n": 10}), ("broyden-banded", {"n": 100}), ("linear-full-rank", {}), ("linear-rank-one", {}),
    ("linear-rank-one-with-zeros", {}), ("chebyquad", {"n": 8}), ("chebyquad", {"n": 10}),
    ("himmelblau", {}), ("six-hump-camel", {}), ("mueller-brown", {}), ("humps", {}), ("heart-dipole", {}),
    ("cube", {"n": 8}), ("mancino", {"n": 12}), ("chained-rosenbrock", {"n": 100}), ("chained-wood", {"n": 100}),
    ("chained-powell", {"n": 100}), ("extended-freudenstein-roth", {"n": 100}), ("arrowhead", {"n": 1000}),
    ("bdqrtic", {"n": 100}), ("engval", {"n": 1000}), ("edensch", {"n": 1000}), ("dixon-maany", {"n": 300}),
    ("dixon-maany", {"n": 300, "variant": "A"}), ("cragg-levy", {"n": 100}), ("liarwhd", {"n": 1000}),
    ("nondia", {"n": 100}), ("nondquar", {"n": 100}), ("tridiagonal-quadratic", {"n": 100}), ("quartic", {"n": 100}),
    ("sinquad", {"n": 100}), ("tquartic", {"n": 1000}), ("fletcher-chained", {"n": 100}), ("cosine", {"n": 100}),
    ("scaled-cosine", {"n": 36}), ("generalised-humps", {"n": 100}), ("generalised-rosenbrock", {"n": 100}),
    ("schmidt-vetters", {"n": 100}), ("nonconvex-chain", {"n": 100}), ("lennard-jones", {"atoms": 4}),
    ("engval", {"n": 10_000}), ("broyden-tridiagonal", {"n": 10_000}),
]  # fmt: skip
LARGE: list[tuple[str, dict[str, int | str]]] = [
    ("extended-rosenbrock", {"n": 100_000}), ("broyden-tridiagonal", {"n": 100_000}), ("p-laplacian", {"k": 316}),
    ("minimal-surface", {"k": 316}), ("extended-rosenbrock", {"n": 1_000_000}),
    ("broyden-tridiagonal", {"n": 1_000_000}), ("engval", {"n": 1_000_000}),
]  # fmt: skip
"""Without chained Rosenbrock: from its standard start every method takes as many steps as it has variables."""
LARGE_SOLVERS = ("trust-region-krylov", "lbfgs", "L-BFGS-B", "trust-krylov")


def label(name: str, arguments: dict[str, int | str]) -> str:
    return name + "".join(f" {value}" for value in arguments.values())


def contest(
    problems: Sequence[tuple[str, dict[str, int | str]]], solvers: Sequence[str], limits: Criteria, perturbed: int,
    backend: str,
) -> list[list[list[Run | None]]]:  # fmt: skip
    """For each problem and start, a run of every solver; a line is printed for each problem."""
    rows = []
    for name, arguments in problems:
        problem = load(name, arguments)
        warm_up(problem, backend)
        starts = starting_points(problem, perturbed)
        table = [[one(solver, label(name, arguments), problem, x0, limits, backend) for solver in solvers]
                 for x0 in starts]  # fmt: skip
        rows.append(table)
        for line in table if not perturbed else []:
            print(row_of(label(name, arguments), line, best_value(problem, line)), flush=True)
    return rows


def starting_points(problem: nc.Problem, perturbed: int) -> list[np.ndarray]:
    """The standard start, or so many points around it: x0 + 0.1 max(1, |x0_i|) N(0, 1), seeded."""
    rng = np.random.default_rng(0)
    x0 = problem.start_point(rng)
    if not perturbed:
        return [x0]
    return [x0 + 0.1 * np.maximum(1, np.abs(x0)) * rng.standard_normal(len(x0)) for _ in range(perturbed)]


def one(solver: str, name: str, problem: nc.Problem, x0: np.ndarray, limits: Criteria, backend: str) -> Run | None:
    return (scipy if solver in SCIPY else ours)(solver, name, problem, x0.copy(), limits, backend)


def best_value(problem: nc.Problem, line: Sequence[Run | None]) -> float:
    """The best value known: declared, or found here."""
    found = min((run.objective for run in line if run is not None), default=math.inf)
    return min(found, problem.constants.get("minimum", math.inf))


def row_of(name: str, line: Sequence[Run | None], best: float) -> str:
    cells = [f"{name:28s}"]
    for run in line:
        if run is None:
            cells.append(f"{'-':>15s}")
        else:
            cells.append(f"{run.evaluations:6d}{' ' if run.solved(best) else '*'}{1e3 * run.seconds:7.1f} ")
    return "|".join(cells)


def summary(solvers: Sequence[str], lines: Sequence[Sequence[Run | None]], bests: Sequence[float]) -> dict[str, object]:
    """Solved, median evaluations and seconds, and the medians of both against SciPy's best single method."""
    solved = {s: [r is not None and r.solved(b) for r, b in zip((line[k] for line in lines), bests, strict=True)]
              for k, s in enumerate(solvers)}  # fmt: skip
    cost = {s: [r.evaluations if ok else math.inf for r, ok in zip((line[k] for line in lines), solved[s], strict=True)]
            for k, s in enumerate(solvers)}  # fmt: skip
    seconds = {s: [r.seconds if ok else math.inf for r, ok in zip((line[k] for line in lines), solved[s], strict=True)]
               for k, s in enumerate(solvers)}  # fmt: skip
    peers = [s for s in solvers if s in SCIPY]
    champion = min(peers, key=lambda s: (-sum(solved[s]), float(np.median(cost[s])))) if peers else None
    table = {}
    for k, s in enumerate(solvers):
        apply = [line[k] is not None for line in lines]
        entry: dict[str, object] = {
            "solved": sum(solved[s]),
            "applies": sum(apply),
            "median evaluations": float(np.median([c for c, a in zip(cost[s], apply, strict=True) if a] or [math.inf])),
            "false successes": sum(line[k] is not None and line[k].false_success for line in lines),
        }
        if champion is not None:
            entry["evaluations / champion"] = _median_ratio(cost[s], cost[champion], apply)
            entry["seconds / champion"] = _median_ratio(seconds[s], seconds[champion], apply)
        table[s] = entry
    return {"champion": champion, "problems": len(lines), "solvers": table, "cost": cost, "seconds": seconds}


def _median_ratio(cost: Sequence[float], other: Sequence[float], apply: Sequence[bool]) -> float:
    """Over the problems that either of both solves; what only the other one solves counts as infinity."""
    pairs = [(a, b) for a, b, ok in zip(cost, other, apply, strict=True) if ok and min(a, b) < math.inf]
    return float(np.median([0.0 if b == math.inf else a / b for a, b in pairs])) if pairs else math.nan


def report(told: dict[str, object]) -> None:
    print(f"\nSciPy's best single method: {told['champion']}; {told['problems']} problems")
    print("| solver | solved | median evaluations | evaluations / champion | seconds / champion | false successes |")
    print("|---|---|---|---|---|---|")
    for name, e in told["solvers"].items():  # type: ignore[attr-defined]
        print(f"| {name} | {e['solved']} of {e['applies']} | {e['median evaluations']:.0f} | "
              f"{e.get('evaluations / champion', math.nan):.2f} | {e.get('seconds / champion', math.nan):.2f} | "
              f"{e['false successes']} |")  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--problems", help="names, separated by commas")
    parser.add_argument("--solvers", help="names of ours and of SciPy's, separated by commas")
    parser.add_argument("--perturbed", type=int, default=0, help="so many random starts around the standard one")
    parser.add_argument("--large", action="store_true", help="n = 100 000 and 1 000 000 instead")
    parser.add_argument("--seconds", type=float, help="limit of each run")
    parser.add_argument("--backend", default="numpy")
    parser.add_argument("--out", type=Path, help="folder for profiles (SVG) and figures (JSON)")
    arguments = parser.parse_args()
    pin()
    problems = LARGE if arguments.large else PROBLEMS
    if arguments.problems:
        names = arguments.problems.split(",")
        problems = [entry for entry in problems if entry[0] in names or label(*entry) in names]
    default = LARGE_SOLVERS if arguments.large else (*OURS, *SCIPY)
    solvers = arguments.solvers.split(",") if arguments.solvers else list(default)
    seconds = arguments.seconds or (300.0 if arguments.large else 3.0)
    limits = Criteria(max_evaluations=20_000, max_seconds=seconds)
    head = "|".join(f"{s[:14]:>15s}" for s in solvers)
    print(f"evaluations, * where not solved, milliseconds\n{'':28s}|{head}")
    rows = contest(problems, solvers, limits, arguments.perturbed, arguments.backend)
    lines, bests = [], []
    for (name, given), table in zip(problems, rows, strict=True):
        for line in table:
            lines.append(line)
            bests.append(best_value(load(name, given), line))
    told = summary(solvers, lines, bests)
    report(told)
    if arguments.out:
        arguments.out.mkdir(parents=True, exist_ok=True)
        sizes = [next((r.n for r in line if r is not None), 1) for line in lines]
        performance_profile(told["cost"], "Performance profile: evaluations", arguments.out / "classic-evaluations.svg")
        performance_profile(told["seconds"], "Performance profile: time", arguments.out / "classic-time.svg")
        data_profile(told["cost"], sizes, "Data profile", arguments.out / "classic-data.svg")
        (arguments.out / "classic.json").write_text(json.dumps(told["solvers"], indent=1, default=int))


if __name__ == "__main__":
    main()
