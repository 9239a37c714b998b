"""The way from a problem file to an answer: deriving, starting up, and the loop, each against its limit.

python benchmarks/core.py
"""

from __future__ import annotations

import subprocess
import sys
import time
from statistics import median

import numpy as np
import sympy as sp
from _timing import interleaved, pin, readable, table

import ncsolve as nc
from ncsolve.solving import configure


def chain(n: int) -> nc.Problem:
    x, i = sp.IndexedBase("x", shape=(n,)), sp.Symbol("i", integer=True)
    return nc.Problem(sp.Sum(100 * (x[i + 1] - x[i] ** 2) ** 2 + (1 - x[i]) ** 2, (i, 0, n - 2)))


def chain_by_hand(x: np.ndarray) -> tuple[float, np.ndarray]:
    r, s = x[1:] - x[:-1] ** 2, 1 - x[:-1]
    g = np.zeros_like(x)
    g[1:] = 200 * r
    g[:-1] -= 400 * x[:-1] * r + 2 * s
    return 100 * float(r @ r) + float(s @ s), g


def sigmoid_fit(A: np.ndarray, y: np.ndarray) -> nc.Problem:
    (rows, columns), (i, j) = A.shape, sp.symbols("i j", integer=True)
    a, t, w = sp.IndexedBase("A"), sp.IndexedBase("y"), sp.IndexedBase("w", shape=(columns,))
    z = sp.Sum(a[i, j] * w[j], (j, 0, columns - 1))
    return nc.Problem(sp.Sum((t[i] - 1 / (1 + sp.exp(-z))) ** 2, (i, 0, rows - 1)), data={a: A, t: y})


def sigmoid_hessian_by_hand(A: np.ndarray, y: np.ndarray, w: np.ndarray) -> np.ndarray:
    s = 1 / (1 + np.exp(-(A @ w)))
    ds = s * (1 - s)
    curvature = 2 * (ds * ds - (y - s) * ds * (1 - 2 * s))
    return A.T @ (curvature[:, None] * A)


def seconds_to_gradient(problem: nc.Problem, x: np.ndarray) -> float:
    start = time.perf_counter()
    nc.compile(problem).gradient(x)
    return time.perf_counter() - start


def deriving() -> list[list[str]]:
    seconds_to_gradient(chain(3), np.zeros(3))  # SymPy's own first use
    million = np.linspace(-1.2, 1.1, 10**6)
    first = median(seconds_to_gradient(chain(10**6), million) for _ in range(3))
    oracle = nc.compile(chain(10**6))
    points = [(million + k * 1e-3,) for k in range(3)]
    times = interleaved({"ours": (oracle.value_and_gradient, points), "by hand": (chain_by_hand, points)}, 4.0)
    small, large = (min(seconds_to_gradient(chain(n), np.linspace(-1, 1, n)) for _ in range(7)) for n in (10, 100))
    rng = np.random.default_rng(0)
    A, y, w = rng.normal(size=(1000, 20)), rng.integers(0, 2, 1000).astype(float), rng.normal(size=20) / 5
    derive = median(seconds_to_gradient(sigmoid_fit(A, y), w) for _ in range(3))
    fit = nc.compile(sigmoid_fit(A, y))
    assert np.allclose(fit.hessian(w), sigmoid_hessian_by_hand(A, y, w))
    args = [(w + k * 1e-3,) for k in range(3)]
    hessian = interleaved(
        {"ours": (fit.hessian, args), "by hand": (lambda w: sigmoid_hessian_by_hand(A, y, w), args)}, 2.0
    )
    return [
        ["chained Rosenbrock n = 10^6: gradient ready", readable(first), "", "0.5 s"],
        ["... value+gradient, against NumPy by hand", *against(times), "1.5 times"],
        ["... gradient ready at n = 100, against n = 10", readable(large), f"{large / small:.2f}", "1 (no growth)"],
        ["sigmoid loss 1000 x 20: gradient ready", readable(derive), "", "0.2 s"],
        ["... Hessian, against NumPy by hand", *against(hessian), "2 times"],
    ]


def against(times: dict[str, float]) -> list[str]:
    return [readable(times["ours"]), f"{times['ours'] / times['by hand']:.2f}"]


def starting_up() -> list[list[str]]:
    rows = []
    for command, limit in ((["--help"], "0.3 s"), (["solve", "himmelblau"], "2.5 s")):
        run = [sys.executable, "-m", "ncsolve", *command]
        times = []
        for _ in range(6):  # the first one warms the file cache up
            start = time.perf_counter()
            subprocess.run(run, check=True, capture_output=True)
            times.append(time.perf_counter() - start)
        rows.append([f"ncsolve {' '.join(command)}, the whole process", readable(median(times[1:])), "", limit])
    return rows


def the_loop() -> list[list[str]]:
    """gd with a fixed step on Himmelblau: the loop's run against the same steps taken bare."""
    from ncsolve.hooks import registry

    problem, steps = nc.load("himmelblau"), 3000
    solver = configure(registry().solvers()["gd"], {"step_size": 1e-6})
    oracle, x0 = nc.compile(problem), np.array([0.1, 0.2])

    def bare() -> None:
        state = solver.init(oracle, x0, None)
        for _ in range(steps):
            state = solver.step(oracle, state, None)

    def looped() -> None:
        nc.solve(problem, solver=solver, x0=x0, max_iterations=steps, escape=False)

    times = interleaved({"ours": (looped, [()]), "bare": (bare, [()])}, 6.0)
    extra = (times["ours"] - times["bare"]) / steps
    return [["the loop, a step beyond the solver's own work", readable(extra), "", "15 us"]]


def main() -> None:
    pin()
    rows = [*deriving(), *starting_up(), *the_loop()]
    print(table(["", "time", "ratio", "limit"], rows))


if __name__ == "__main__":
    main()
