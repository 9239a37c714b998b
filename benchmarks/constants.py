"""Seconds and boxes for PL constants that are proven over a box.

python benchmarks/constants.py
"""

from __future__ import annotations

import time

import numpy as np
import sympy as sp

import ncsolve as nc
from ncsolve.theory.branch import Field, least
from ncsolve.theory.pl import Ratio, basin

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


if __name__ == "__main__":
    main()
