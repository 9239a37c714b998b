"""All critical points in a box, proven: how long it takes. One table.

    python benchmarks/landscape.py [--repeats N]

Times are the best of N, without SymPy's import and the derivation. "within" is the aim for the rows that have one.
"""

from __future__ import annotations

import argparse
from itertools import pairwise

import sympy as sp

import ncsolve as nc
from ncsolve.critical.system import system_of
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    repeats = parser.parse_args().repeats
    rows = []
    for name, problem, box, count, within in cases():
        system_of(problem)
        nc.compile(problem)
        runs = [nc.landscape(problem, box, certify=True, connect=False) for _ in range(repeats)]
        found, seconds = runs[-1], min(run.seconds for run in runs)
        verdict = "complete" if found.complete and len(found.points) == count else "WRONG"
        aim = "" if within is None else f"{within:g} s"
        rows.append([name, str(len(found.points)), verdict, str(found.boxes), f"{seconds:.3f} s", aim])
    print_table(["problem", "points", "", "boxes", "time", "within"], rows)


if __name__ == "__main__":
    main()
