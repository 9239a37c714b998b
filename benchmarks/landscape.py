"""All critical points in a box, proven: how long it takes, beside what finds minima only; what judging costs;
and the minima and saddles of clusters that are known.

    python benchmarks/landscape.py [--repeats N] [--table complete|minima|judging|clusters]

Seconds are of the processor, the best of N, without SymPy's import and the derivation. "within" is the aim for the rows
that have one.
Peers get f with its exact gradient and Hessian: pounce-solver's `find_minima` (it looks for one more than there are, so
that it must give up by itself) and SciPy's SHGO. They prove nothing.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from itertools import pairwise

import numpy as np
import sympy as sp
from scipy.optimize import shgo

import ncsolve as nc
from ncsolve.critical import classify
from ncsolve.critical.system import system_of
from ncsolve.landscapes.tree import merges
from ncsolve.report.table import print_table

Case = tuple[str, nc.Problem, dict, int, float | None]
x, y = sp.symbols("x y")


def powers(n: int) -> tuple[nc.Problem, dict]:
    """1/4 |x x^T - diag(1, ..., n)|^2, which has 2 n + 1 critical points."""
    v = sp.Matrix(sp.symbols(f"x1:{n + 1}"))
    return nc.Problem(sum(e**2 for e in (v * v.T - sp.diag(*range(1, n + 1)))) / 4), dict.fromkeys(v, (-3, 3))


def wells(n: int) -> tuple[nc.Problem, dict]:
    """sum (x_i^2 - 1)^2 + 0.1 sum x_i x_{i+1}"""
    v = sp.symbols(f"x1:{n + 1}")
    pairs = sp.Add(*(a * b for a, b in pairwise(v)))
    return nc.Problem(sp.Add(*((a**2 - 1) ** 2 for a in v)) + pairs / 10), dict.fromkeys(v, (-2, 2))


def cases() -> list[Case]:
    camel = (4 - sp.Rational(21, 10) * x**2 + x**4 / 3) * x**2 + x * y + (-4 + 4 * y**2) * y**2
    rastrigin = 20 + x**2 + y**2 - 10 * (sp.cos(2 * sp.pi * x) + sp.cos(2 * sp.pi * y))
    phi = sp.Add(
        *(
            height * sp.exp(a * (x - u) ** 2 + b * (x - u) * (y - v) + c * (y - v) ** 2)
            for height, a, b, c, u, v in [
                (-200, -1, 0, -10, 1, 0), (-100, -1, 0, -10, 0, sp.Rational(1, 2)),
                (-170, -sp.Rational(13, 2), 11, -sp.Rational(13, 2), -sp.Rational(1, 2), sp.Rational(3, 2)),
                (15, sp.Rational(7, 10), sp.Rational(3, 5), sp.Rational(7, 10), -1, 1),
            ]
        )
    )  # fmt: skip
    return [
        (
            "Himmelblau [-6, 6]^2",
            nc.Problem((x**2 + y - 11) ** 2 + (x + y**2 - 7) ** 2),
            {x: (-6, 6), y: (-6, 6)},
            9,
            0.1,
        ),
        ("six-hump camel", nc.Problem(camel), {x: (-3, 3), y: (-2, 2)}, 15, 0.2),
        ("Mueller-Brown", nc.Problem(phi), {x: (-1.5, 1.2), y: (-0.2, 2)}, 5, 0.5),
        ("2-D Rastrigin", nc.Problem(rastrigin), {x: (-5.12, 5.12), y: (-5.12, 5.12)}, 441, 2.0),
        ("coupled double well, 6-D", *wells(6), 729, 10.0),
        *((f"|x x^T - M|^2, n = {n}", *powers(n), 2 * n + 1, 3.0 if n == 4 else None) for n in (2, 3, 4, 5)),
    ]


def complete(repeats: int) -> None:
    """Every critical point, proven; and the report proven again."""
    rows = []
    for name, problem, box, count, within in cases():
        system_of(problem)
        nc.compile(problem)
        found, seconds = timed(lambda p=problem, b=box: nc.landscape(p, b, certify=True, connect=False), repeats)
        report = json.dumps(found.report())
        again, rechecked = timed(lambda r=report: nc.recheck(json.loads(r)), repeats)
        right = found.complete and len(found.points) == count and again.complete
        rows.append([
            name, str(len(found.points)), "complete" if right else "WRONG", str(found.boxes), f"{seconds:.3f} s",
            "" if within is None else f"{within:g} s", f"{rechecked:.3f} s",
            f"{len(report) / 1e3:.0f} kB",
        ])  # fmt: skip
    print_table(["problem", "points", "", "boxes", "time", "within", "recheck", "report"], rows)


# -- minima alone ------------------------------------------------------------------------------------------------------


def minima(repeats: int) -> None:
    """How many of the minima each finds, and when it stops."""
    rows = []
    for name, problem, box, _, _ in cases():
        oracle = nc.compile(problem)
        system_of(problem)
        found, seconds = timed(lambda p=problem, b=box: nc.landscape(p, b, certify=True, connect=False), repeats)
        true = np.array([p.x for p in found.points if p.kind == "minimum"])
        row = [name, str(len(true)), f"{seconds:.2f} s, proven"]
        for peer in (with_pounce, with_shgo):
            if peer is with_pounce and find_spec("pounce") is None:
                row.append("not installed")
                continue
            points, seconds = timed(lambda peer=peer, o=oracle, f=found: peer(o, f), repeats)
            row.append(f"{matched(true, points, found.upper - found.lower)} in {seconds:.2f} s")
        rows.append(row)
    print_table(["problem", "minima", "ncsolve", "pounce find_minima", "SciPy SHGO"], rows)


def with_pounce(oracle: nc.Oracle, found: nc.Landscape) -> Sequence[np.ndarray]:
    import pounce

    bounds = list(zip(found.lower, found.upper, strict=True))
    count = found.counts["minimum"] + 1
    result = pounce.find_minima(
        oracle.value, found.lower + 0.3 * (found.upper - found.lower), jac=oracle.gradient,
        hess=lambda x: oracle.hessian(x, dense=True), bounds=bounds, n_minima=count, seed=0, options={"print_level": 0},
    )  # fmt: skip
    return list(result.minima)


def with_shgo(oracle: nc.Oracle, found: nc.Landscape) -> Sequence[np.ndarray]:
    options = {"jac": oracle.gradient}
    bounds = list(zip(found.lower, found.upper, strict=True))
    result = shgo(oracle.value, bounds, n=256, sampling_method="sobol", options=options)
    return list(np.atleast_2d(result.xl)) if result.xl is not None else []


def matched(true: np.ndarray, points: Sequence[np.ndarray], widths: np.ndarray) -> int:
    """How many of the true minima are among the points."""
    if not len(points):
        return 0
    away = np.abs((true[:, None] - np.asarray(points)[None]) / widths).max(axis=2).min(axis=1)
    return int((away < 1e-4).sum())


def timed(call: Callable[[], object], repeats: int) -> tuple[object, float]:
    """What it returns, and the best time."""
    seconds = []
    for _ in range(repeats):
        start = time.process_time()
        result = call()
        seconds.append(time.process_time() - start)
    return result, min(seconds)


# -- judging -----------------------------------------------------------------------------------------------------------


def judging(repeats: int) -> None:
    """What it costs to say what kind of point a solution is: at n = 10 at most 1 ms, at n = 1000 10 % of a solve."""
    i, rows = sp.Symbol("i", integer=True), []
    for n in (10, 1000):
        v = sp.IndexedBase("v", shape=(n,))
        problem = nc.Problem(
            sp.Sum(100 * (v[i + 1] - v[i] ** 2) ** 2 + (1 - v[i]) ** 2, (i, 0, n - 2)), start={v: -1.2}
        )
        oracle = nc.compile(problem)
        result, solved = timed(lambda p=problem: nc.solve(p), repeats)
        classify(oracle, result.x)
        _, judged = timed(lambda o=oracle, x=result.x: classify(o, x), 10 * repeats)
        rows.append([str(n), f"{1e3 * judged:.2f} ms", f"{1e3 * solved:.1f} ms", f"{100 * judged / solved:.1f} %"])
    print_table(["n, chained Rosenbrock", "judging", "solve with its judging", "share"], rows)


# -- many variables ----------------------------------------------------------------------------------------------------

CLUSTERS = {5: (1, 2), 6: (2, 3), 7: (4, 12)}  # minima and saddles of index 1 that are known [Doye & Wales 2002]


def clusters(repeats: int) -> None:
    """Lennard-Jones clusters: minima and saddles of index 1 up to symmetry, and how high the minima hang together."""
    rows = []
    for atoms, (minima, saddles) in CLUSTERS.items():
        problem = nc.load("lennard-jones", {"atoms": str(atoms)})
        nc.compile(problem)
        found, seconds = timed(lambda p=problem: nc.landscape(p), repeats)
        counts = [found.counts.get(kind, 0) for kind in ("minimum", "saddle")]
        joins = [found.points[branch.saddle].objective for branch in merges(found)]
        rows.append([
            str(atoms), f"{counts[0]} of {minima}", f"{counts[1]} of {saddles}",
            "  ".join(f"{p.objective:.6f}" for p in found.points if p.kind == "minimum"),
            "  ".join(f"{value:.6f}" for value in joins), f"{seconds:.1f} s",
        ])  # fmt: skip
    print_table(["atoms", "minima", "saddles", "their values", "joined at", "time"], rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5)
    tables = {"complete": complete, "minima": minima, "judging": judging, "clusters": clusters}
    parser.add_argument("--table", choices=tables, help="one of them alone")
    arguments = parser.parse_args()
    for name, table in tables.items():
        if arguments.table in (None, name):
            table(arguments.repeats)


if __name__ == "__main__":
    main()
