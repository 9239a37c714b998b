"""Styblinski-Tang: 2^n minima, of which one is global. [Styblinski & Tang 1990]"""

import itertools

import sympy as sp

import ncsolve as nc

# The objective is a sum over coordinates, each with three critical points, 4 t^3 - 32 t + 5 = 0:
# (t, value, 1 for a maximum).
GLOBAL = (-2.903534027771177, -39.16616570377141, 0)
LOCAL = (2.746802770990837, -25.02944665528394, 0)
PEAK = (0.1567312567803401, 0.19561235905535806, 1)


def known_point(
    x: sp.IndexedBase, coordinates: tuple[tuple[float, float, int], ...]
) -> nc.Minimum | nc.Saddle | nc.Maximum:
    point = {x: [t for t, _, _ in coordinates]}
    value, index = sum(f for _, f, _ in coordinates), sum(peak for _, _, peak in coordinates)
    if index == 0:
        return nc.Minimum(point, value=value)
    if index == len(coordinates):
        return nc.Maximum(point, value=value)
    return nc.Saddle(point, index=index, value=value)


def problem(n: int = 2) -> nc.Problem:
    if n < 1:
        raise ValueError(f"n must be at least 1, not {n}")
    x = sp.IndexedBase("x", shape=(n,))
    i = sp.Symbol("i", integer=True)
    listed = (
        itertools.product((GLOBAL, LOCAL, PEAK), repeat=n) if n <= 3 else [(GLOBAL,) * n, (LOCAL,) * n, (PEAK,) * n]
    )
    return nc.Problem(
        sp.Sum(x[i] ** 4 - 16 * x[i] ** 2 + 5 * x[i], (i, 0, n - 1)) / 2,
        bounds={x: (-5, 5)},
        start={x: nc.Uniform(-5, 5)},
        known=[known_point(x, coordinates) for coordinates in listed],
        constants={"minimum": n * GLOBAL[1]},
    )
