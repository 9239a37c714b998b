"""First-order and stochastic solvers: what a step costs beyond its gradient, against optax, and on real data.

    python benchmarks/first_order.py [ROW ...]

Rows are functions of a list at the end of this file; each returns lines [what, time, ratio, limit].
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import sympy as sp
from _timing import interleaved, pin, readable, table
from rows.regression import Logistic

import ncsolve as nc
from ncsolve.api import resolve

HERE = Path(__file__).resolve().parent
Line = list[str]

ETA = {"gd": 1e-4, "momentum": 1e-5, "adam": 1e-3}


def chain(n: int) -> nc.Problem:
    """Rosenbrock's function, chained."""
    x, i = sp.IndexedBase("x", shape=(n,)), sp.Symbol("i", integer=True)
    f = sp.Sum(100 * (x[i + 1] - x[i] ** 2) ** 2 + (1 - x[i]) ** 2, (i, 0, n - 2))
    return nc.Problem(f, start={x: -0.5})


def native() -> str:
    return "numba" if find_spec("numba") else "numpy"


def steps_of(oracle: nc.Oracle, name: str, options: dict[str, Any], count: int) -> Callable[[], None]:
    """`count` bare steps of a solver, each of them from the state before."""
    solver, _ = resolve(name, options, oracle)
    rng = np.random.default_rng(0)
    state = solver.init(oracle, oracle.problem.start_point(rng), rng)

    def advance() -> None:
        nonlocal state
        for _ in range(count):
            state = solver.step(oracle, state, rng)

    return advance


# -- the cost of a step ------------------------------------------------------------------------------------------------


def beyond_the_gradient() -> list[Line]:
    """adam's step against the evaluation of f and its gradient that it contains."""
    lines = []
    for n, count, backend in ((10, 1000, native()), (10**6, 3, "numpy"), (10**6, 3, native())):
        oracle = nc.compile(chain(n), backend)
        rng = np.random.default_rng(0)
        points = [rng.normal(size=n) for _ in range(count)]

        def gradients(oracle: nc.Oracle = oracle, points: list[np.ndarray] = points) -> None:
            for point in points:
                oracle.value_and_gradient(point)

        adam = steps_of(oracle, "adam", {"step_size": 1e-9}, count)
        times = interleaved({"step": (adam, [()]), "gradient": (gradients, [()])}, 4.0, "cpu")
        extra = (times["step"] - times["gradient"]) / count
        what = f"adam, n = {n}, {backend}: a step beyond its gradient of {readable(times['gradient'] / count)}"
        share = f"{100 * extra * count / times['gradient']:.0f}%"
        lines.append([what, readable(extra), share, "15 us" if n == 10 else "30%"])
    return lines


# -- optax -------------------------------------------------------------------------------------------------------------


def optax_loop(f: Callable[..., Any], method: Any, x0: np.ndarray, *data: Any) -> Callable[..., Any]:
    """The loop over a jitted step x, state -> x, state; with data, each step takes the rows of a batch."""
    import jax
    import optax

    jax.config.update("jax_enable_x64", True)

    @jax.jit
    def step(x: Any, state: Any, *arguments: Any) -> Any:
        value, g = jax.value_and_grad(f)(x, *arguments)
        update, state = method.update(g, state, x)
        return optax.apply_updates(x, update), state, value

    x = jax.numpy.asarray(x0)
    first = x, method.init(x)

    def loop(batches: Any) -> Any:
        x, state = first
        for rows in batches:
            x, state, _ = step(x, state, *data, *rows)
        return jax.block_until_ready(x)

    return loop


def step_of_a_run(problem: nc.Problem, name: str, options: dict[str, Any], count: int) -> float:
    """Seconds (of the processor) between two iterations of a run, without its start and its judgement."""
    clock: list[float] = []

    def look(at: nc.Look) -> None:
        if at.iteration in (0, count):
            clock.append(time.process_time())

    nc.solve(
        problem, name, options=options, backend=native(), callbacks=[look],
        max_iterations=count, gradient_tolerance=0.0, escape=False,
    )  # fmt: skip
    return (clock[1] - clock[0]) / count


def against_optax() -> list[Line]:
    """A loop over the solver's steps against a loop over optax's jitted step; and the same steps within a run."""
    if not find_spec("optax"):
        return [["against optax", "needs optax: pip install ncsolve[bench]", "", ""]]
    import optax

    def rosenbrock(x: Any) -> Any:
        return (100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum()

    methods = {"gd": optax.sgd, "momentum": lambda eta: optax.sgd(eta, momentum=0.9), "adam": optax.adam}
    lines = []
    for n, count in ((10, 2000), (1000, 1000), (10_000, 300)):
        problem = chain(n)
        x0 = problem.start_point(np.random.default_rng(0))
        for name, method in methods.items():
            theirs = optax_loop(rosenbrock, method(ETA[name]), x0)
            options = {"step_size": ETA[name]}
            bare = steps_of(nc.compile(problem, native()), name, options, count)
            calls = {"bare": (bare, [()]), "optax": (theirs, [([()] * count,)])}
            times = interleaved(calls, 3.0, "cpu")
            run = min(step_of_a_run(problem, name, options, count) for _ in range(5))
            ours, peer = times["bare"] / count, times["optax"] / count
            what = f"{name}, n = {n}: a step, against optax's jitted step of {readable(peer)}"
            lines.append([what, readable(ours), f"{ours / peer:.2f}", "1 time"])
            lines.append(["... within a run, which looks at every iterate", readable(run), f"{run / peer:.2f}", ""])
    return lines


def sgd_on_mini_batches() -> list[Line]:
    """10^5 x 50 logistic regression in batches of 64: a whole epoch, drawing of the rows included."""
    row = Logistic(100_000, 50)
    oracle = nc.compile(row.problem(), native())
    B, N = 64, row.samples
    count = -(-N // B)
    epoch = steps_of(oracle, "sgd", {"batch_size": B, "step_size": 0.1}, 1)
    calls: dict[str, Any] = {"ours": (epoch, [()])}
    if find_spec("optax"):
        import jax
        import optax

        def loss(w: Any, A: Any, y: Any, rows: Any) -> Any:
            return jax.nn.softplus(-y[rows] * (A[rows] @ w)).mean()

        jax.config.update("jax_enable_x64", True)
        rng = np.random.default_rng(0)
        data = jax.numpy.asarray(row.A), jax.numpy.asarray(row.y)
        loop = optax_loop(loss, optax.sgd(0.1), np.zeros(row.n), *data)

        def their_epoch() -> None:
            order = rng.permutation(N)
            loop((order[k : k + B],) for k in range(0, count * B, B) if k + B <= N)

        calls["optax"] = (their_epoch, [()])
    times = interleaved(calls, 6.0, "cpu")
    ours = times["ours"] / count
    lines = [[f"sgd {N} x {row.n}, batch {B}: {1 / ours:.0f} steps a second", readable(ours), "", "50 us"]]
    if "optax" in times:
        peer = times["optax"] / count
        lines.append(
            [f"... optax's jitted step of {readable(peer)}, against ours", "", f"{peer / ours:.2f}", "2 times"]
        )
    return lines


# -- what they find ----------------------------------------------------------------------------------------------------


def digits() -> list[Line]:
    """Test accuracy of a perceptron 64-32-10 after 30 epochs, three seeds each."""
    from ncsolve.problem.library import folder

    sys.path.insert(0, str(folder()))
    from _digits import accuracy, digits

    problem, data = nc.load("digits-perceptron"), digits()
    oracle = nc.compile(problem)
    lines = []
    for name, options in (
        ("sgd", {"step_size": 0.3, "momentum": 0.9}),
        ("adam", {"step_size": 0.005}),
        ("svrg", {"step_size": 0.6}),
        ("saga", {"step_size": 0.3}),
    ):
        solver, _ = resolve(name, {"batch_size": 32, **options}, oracle)
        found, start = [], time.perf_counter()
        for seed in range(3):
            rng = np.random.default_rng(seed)
            state, best = solver.init(oracle, problem.start_point(rng), rng), 0.0
            while state.epochs <= 30:
                best = max(best, accuracy(oracle.unpack(state.x), data.test_features, data.test_labels))
                state = solver.step(oracle, state, rng)
            found.append(best)
        words = " ".join(f"{100 * best:.1f}%" for best in found)
        seconds = readable((time.perf_counter() - start) / 3)
        lines.append([f"{name} on digits, best test accuracy in 30 epochs: {words}", seconds, "", "97%"])
    return lines


def trajectories() -> list[Line]:
    """The largest distance from optax's iterates over 200 steps, of seven methods on three problems."""
    if not find_spec("optax"):
        return [["the same trajectory as optax", "needs optax: pip install ncsolve[bench]", "", ""]]
    sys.path.insert(0, str(HERE.parent / "tests" / "plugins" / "first_order"))
    from first_order_problems import PROBLEMS
    from test_trajectories import OPTAX, distance_to_optax

    worst = max(distance_to_optax(update, problem) for update in OPTAX for problem in PROBLEMS)
    return [
        [f"{len(OPTAX)} methods x 3 problems x 200 steps: largest distance from optax", f"{worst:.1e}", "", "1e-10"]
    ]


ROWS: list[Callable[[], list[Line]]] = [beyond_the_gradient, against_optax, sgd_on_mini_batches, digits, trajectories]
"""Add a function here to add rows."""


def main() -> None:
    pin()
    chosen = set(sys.argv[1:])
    names = [row.__name__ for row in ROWS]
    if chosen - set(names):
        raise SystemExit(f"There are no rows {', '.join(sorted(chosen - set(names)))}: choose from {', '.join(names)}.")
    lines = [line for row in ROWS if not chosen or row.__name__ in chosen for line in row()]
    print(table(["", "time", "ratio", "limit"], lines))


if __name__ == "__main__":
    main()
