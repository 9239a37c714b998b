"""Bounds of theorems against worst cases that PEPit computes by semidefinite programming. [Goujaud et al. 2024]

python benchmarks/pepit.py            # needs the extra bench

The bound is what `ncsolve verify` compares a run with, not a formula typed again. Where it is tight, the worst case
over the class equals it; where it is an upper bound, the worst case is smaller.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from PEPit import PEP
from PEPit.functions import SmoothConvexFunction, SmoothFunction

import ncsolve as nc
from ncsolve_theorems import problems
from ncsolve_theorems.momentum.nesterov_convex import momenta

TOLERANCE = 1e-4
STEPS = (1, 2, 4)
QUOTIENTS = (0.05, 0.2, 0.5)  # mu / L


def worst(pep: PEP) -> float:
    return float(pep.solve(verbose=0))


def descended(steps: int, convex: bool = False) -> tuple[PEP, list, object]:
    """Gradient descent with 1/L, L = 1: points with values and gradients, and the minimiser's value."""
    pep = PEP()
    f = pep.declare_function(SmoothConvexFunction if convex else SmoothFunction, L=1.0)
    best = f.stationary_point()
    x, points = pep.set_initial_point(), []
    for _ in range(steps + 1):
        g, value = f.oracle(x)
        points.append((x, g, value))
        x = x - g
    return pep, points, (best, f(best))


def decrease() -> float:
    """GD1: the largest |g|^2/2L + |g+|^2/4L while f - f+ <= 1."""
    pep, ((_, g, f), (_, g1, f1)), _ = descended(1)
    pep.set_initial_condition(f - f1 <= 1)
    pep.set_performance_metric(g**2 / 2 + g1**2 / 4)
    return worst(pep)


def smallest_gradient(steps: int) -> float:
    """GD2: the largest min |g_i|^2 while f0 - f* <= 1."""
    pep, points, (_, least) = descended(steps)
    pep.set_initial_condition(points[0][2] - least <= 1)
    for _, g, f in points:
        pep.add_constraint(f - least >= g**2 / 2)  # f* is the least value of an L-smooth f
        pep.set_performance_metric(g**2)
    return worst(pep)


def sharp(q: float) -> float:
    """GD3b: the largest f+ - f* while f - f* <= 1, with the inequality at both ends."""
    pep, points, (_, least) = descended(1)
    pep.set_initial_condition(points[0][2] - least <= 1)
    for _, g, f in points:
        pep.add_constraint(g**2 >= 2 * q * (f - least))
        pep.add_constraint(f - least >= g**2 / 2)
    pep.set_performance_metric(points[1][2] - least)
    return worst(pep)


def convex(steps: int) -> float:
    """GD5: the largest f_N - f* while |x0 - x*| <= 1."""
    pep, points, (best, least) = descended(steps, convex=True)
    pep.set_initial_condition((points[0][0] - best) ** 2 <= 1)
    pep.set_performance_metric(points[-1][2] - least)
    return worst(pep)


def accelerated(steps: int) -> float:
    """NAG1: the largest f(z_N) - f* while |x0 - x*| <= 1."""
    pep = PEP()
    f = pep.declare_function(SmoothConvexFunction, L=1.0)
    best = f.stationary_point()
    y = z = pep.set_initial_point()
    pep.set_initial_condition((y - best) ** 2 <= 1)
    t = momenta(steps + 1)
    for k in range(steps):
        before, z = z, y - f.gradient(y)
        y = z + (t[k] - 1) / t[k + 1] * (z - before)
    pep.set_performance_metric(f(z) - f(best))
    return worst(pep)


def bound(theorem: str, problem: nc.Problem, at: int, **arguments: object) -> float:
    """The right side of the first claim, N-th of a run of N + 1 steps."""
    (verdict,) = nc.verify(problem, theorem, **arguments)
    return float(verdict.claims[0].right[at])


def rows() -> Iterator[tuple[str, str, float, float, str]]:
    """Theorem, its parameter, our bound, PEPit's worst case, tight or upper."""
    yield "GD1", "one step", 1.0, decrease(), "tight"
    one = problems.parabola(1.0, 2.0**0.5)  # L = 1, f0 - f* = 1
    wide, gap = problems.log_square(5.0), math.log(26)  # L = 2
    for N in STEPS:
        yield "GD2", f"N = {N}", bound("GD2", wide, N, max_iterations=9) / (2 * gap), smallest_gradient(N), "tight"
    for q in QUOTIENTS:
        (verdict,) = nc.verify(one, "GD3b", constants={"smoothness": 1, "pl": q})
        yield "GD3b", f"mu/L = {q}", verdict.theoretical_rate, sharp(q), "tight"
    far, flat = problems.huber(50), {"strong_convexity": 0}  # L = |x0 - x*| = 1
    for N in STEPS:
        yield "GD5", f"N = {N}", bound("GD5", far, N, max_iterations=9, constants=flat), convex(N), "tight"
    for N in STEPS:
        at = bound("NAG1", far, N - 1, max_iterations=9, constants=flat)
        yield "NAG1", f"N = {N}", at, accelerated(N), "upper"


def main() -> None:
    print(f"{'theorem':8} {'':12} {'bound':>12} {'worst case':>12} {'ratio':>10}")
    wrong = 0
    for theorem, parameter, ours, theirs, kind in rows():
        ratio = theirs / ours
        good = abs(ratio - 1) <= TOLERANCE if kind == "tight" else ratio <= 1 + TOLERANCE
        wrong += not good
        print(f"{theorem:8} {parameter:12} {ours:12.7f} {theirs:12.7f} {ratio:10.6f}  {kind}{'' if good else ' WRONG'}")
    raise SystemExit(wrong)


if __name__ == "__main__":
    main()
