"""Seconds and boxes for constants that are proven over a box: PL by boxes and by J J^T, and strict saddles.

python benchmarks/constants.py
"""

from __future__ import annotations

import time

import numpy as np
import sympy as sp

import ncsolve as nc
from ncsolve.theory.branch import Field, least
from ncsolve.theory.pl import Ratio, basin
from ncsolve.theory.residual import by_residuals
from ncsolve.theory.strict_saddle import Steepness

REPEATS = 5
x, u, v = sp.symbols("x u v")
CASES = [
    ("x^2 + 3 sin^2 x, [-10, 10]", x**2 + 3 * sp.sin(x) ** 2, 10.0, 1e-5, 0.17553),
    ("u^2/2 + (v - sin u)^2/2, [-4, 4]^2", u**2 / 2 + (v - sp.sin(u)) ** 2 / 2, 4.0, 1e-2, (3 - 5**0.5) / 2),
    ("u^2/2 + (v - 2 sin u)^2/2, [-4, 4]^2", u**2 / 2 + (v - 2 * sp.sin(u)) ** 2 / 2, 4.0, 1e-2, 3 - 2 * 2**0.5),
]


def main() -> None:
    for name, f, side, tolerance, exact in CASES:
        field, n = Field(nc.Problem(f)), len(f.free_symbols)
        lower, upper, seconds = np.full(n, -side), np.full(n, side), []
        for _ in range(REPEATS):
            start = time.perf_counter()
            found = least(
                Ratio(field, basin(field, np.zeros(n), lower, upper, 10_000)), lower, upper, tolerance, 200_000
            )
            seconds.append(time.perf_counter() - start)
        print(
            f"{name:38} [{found.lower:.7f}, {found.upper:.7f}] exact {exact:.6f}  "
            f"{found.boxes} boxes  {min(seconds):.3f} s"
        )
    structure()


def structure() -> None:
    """Rosenbrock's s = 0.0587910 with b = 100, and (8.67, 7, 10) of Himmelblau."""
    lower, upper = np.array([-2.0, -1.0]), np.array([2.0, 3.0])
    corners = np.array([[a, b] for a in (-2.0, 2.0) for b in (-1.0, 3.0)])
    rosenbrock = nc.Problem((1 - u) ** 2 + 100 * (v - u**2) ** 2)
    himmelblau = nc.Problem((u**2 + v - 11) ** 2 + (u + v**2 - 7) ** 2)
    side = np.full(2, 6.0)
    start = time.perf_counter()
    mu = by_residuals(rosenbrock, lower, upper, corners)
    print(f"{'Rosenbrock b = 100, J J^T':38} mu >= {mu:.7f}  {time.perf_counter() - start:.3f} s")
    steepness = Steepness(Field(himmelblau), 7.0, 10.0)
    start = time.perf_counter()
    found = least(steepness, -side, side, 1e-2, 200_000)
    print(
        f"{'Himmelblau, (eps, 7, 10)':38} [{found.lower:.4f}, {found.upper:.4f}]  {found.boxes} boxes  "
        f"{time.perf_counter() - start:.3f} s"
    )


if __name__ == "__main__":
    main()
