"""Populations on the 24 noiseless functions of BBOB: the share of targets reached, against the evaluations it took.

    pip install ncsolve[bench]
    python benchmarks/bbob.py                                            # all of it: hours
    python benchmarks/bbob.py --dimensions 2,5 --instances 1 --budget 1000 --plot bbob.svg

Every solver sees a function as a black box, the same first point and the same budget of `budget` times n evaluations,
and starts again from another seed where it stops before. Targets are f* + 10^2, ..., 10^-8, five to a decade.
Derivatives, which `multistart` needs, are differences, and each evaluation of them counts. [Hansen et al. 2021]
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import chdir, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from _timing import pin, table

from ncsolve.errors import BudgetExhausted
from ncsolve.hooks import registry
from ncsolve.solving import configure

TARGETS = 10.0 ** np.arange(2, -8.1, -0.2)
BOUND = 5.0
Hits = dict[str, dict[str, list[float]]]
"""Evaluations / n after which targets were reached, by function and contestant."""


class Solved(BaseException):
    """The budget is spent or the last target reached: a peer's own loop is left by this."""


@dataclass
class BlackBox:
    """f at points (m, n), counted, with the evaluations after which each target was first reached."""

    function: Callable[[np.ndarray], float]
    n: int
    budget: int
    lowest: float
    """f*"""
    used: int = 0
    best: float = np.inf
    hits: np.ndarray = field(default_factory=lambda: np.full(len(TARGETS), np.inf))

    def __call__(self, points: np.ndarray) -> np.ndarray:
        if self.used >= self.budget or self.hits[-1] < np.inf:
            raise Solved
        values = np.array([self.function(x) for x in points[: self.budget - self.used]])
        running = np.minimum.accumulate(np.append(self.best, values))[1:]
        reached = np.searchsorted(-running, -(self.lowest + TARGETS))
        new = np.isinf(self.hits) & (reached < len(running))
        self.hits[new] = self.used + 1 + reached[new]
        self.used, self.best = self.used + len(values), float(running[-1])
        if len(values) < len(points):
            raise Solved
        return values


class Adapter:
    """What our solvers ask of an oracle, for a function without an expression: derivatives are central differences."""

    def __init__(self, box: BlackBox) -> None:
        self.box, self.n = box, box.n
        self.lower, self.upper = np.full(box.n, -BOUND), np.full(box.n, BOUND)
        self.remaining = np.inf, np.inf
        uniform = SimpleNamespace(random_point=lambda rng: rng.uniform(-BOUND, BOUND, box.n), name="bbob")
        self.problem = SimpleNamespace(**vars(uniform), penalty=None, constrained=False, blocks=(), source=None)

    def value(self, x: np.ndarray) -> Any:
        return self.box(x) if x.ndim == 2 else float(self.box(x[None])[0])

    def project(self, x: np.ndarray) -> np.ndarray:
        return np.clip(x, self.lower, self.upper)

    def value_and_gradient(self, x: np.ndarray) -> tuple[Any, np.ndarray]:
        h = 1e-6 * np.eye(self.n)
        rows = [(self.value(z), (self.value(z + h) - self.value(z - h)) / 2e-6) for z in np.atleast_2d(x)]
        values, gradients = np.array([f for f, _ in rows]), np.array([g for _, g in rows])
        return (values, gradients) if x.ndim == 2 else (float(values[0]), gradients[0])

    def gradient(self, x: np.ndarray) -> np.ndarray:
        return self.value_and_gradient(x)[1]

    def hessian(self, x: np.ndarray) -> np.ndarray:
        return np.array([self._hessian(z) for z in x])

    def _hessian(self, x: np.ndarray) -> np.ndarray:
        """By second differences: n (n + 3) / 2 + 1 evaluations."""
        d, (i, j) = 1e-4, np.triu_indices(self.n)
        e = d * np.eye(self.n)
        f, single, double = self.value(x), self.value(x + e), self.value(x + e[i] + e[j])
        H = np.zeros((self.n, self.n))
        H[i, j] = H[j, i] = (double - single[i] - single[j] + f) / d**2
        return H

    @contextmanager
    def uncounted(self) -> Iterator[None]:
        yield


def ours(name: str, **options: Any) -> Callable[[BlackBox, int], None]:
    def run(box: BlackBox, seed: int) -> None:
        oracle = Adapter(box)
        solver = configure(registry().solver(name), options)
        rng = np.random.default_rng(seed)
        state = solver.init(oracle, rng.uniform(-BOUND, BOUND, box.n), rng)
        while not state.done:
            state = solver.step(oracle, state, rng)

    return run


def pyswarms(box: BlackBox, seed: int) -> None:
    """Its global-best swarm with the usual coefficients [Clerc & Kennedy 2002] and as many particles as ours."""
    from pyswarms.single import GlobalBestPSO

    np.random.seed(seed)
    bounds = np.full(box.n, -BOUND), np.full(box.n, BOUND)
    coefficients = {"w": 0.729844, "c1": 1.49618, "c2": 1.49618}
    with tempfile.TemporaryDirectory() as folder, chdir(folder):  # it writes a log where it runs
        GlobalBestPSO(40, box.n, coefficients, bounds=bounds).optimize(box, box.budget, verbose=False)


def pymoo(box: BlackBox, seed: int) -> None:
    """Its adaptive swarm, as it comes."""
    from pymoo.algorithms.soo.nonconvex.pso import PSO
    from pymoo.core.problem import Problem
    from pymoo.optimize import minimize

    class Black(Problem):
        def __init__(self) -> None:
            super().__init__(n_var=box.n, n_obj=1, xl=-BOUND, xu=BOUND)

        def _evaluate(self, x: np.ndarray, out: dict[str, Any], *args: Any, **kwargs: Any) -> None:
            out["F"] = box(x)

    minimize(Black(), PSO(), ("n_eval", box.budget), seed=seed)


CONTESTANTS: dict[str, Callable[[BlackBox, int], None]] = {
    "pso": ours("pso", polish=False),
    "pso global": ours("pso", polish=False, topology="global", inertia=0.729844, cognitive=1.49618, social=1.49618),
    "de": ours("de", polish=False),
    "cma": ours("cma", polish=False, restarts=100),
    "annealing": ours("annealing", polish=False),
    "multistart": ours("multistart", starts=20, batch=1, tolerance=1e-5, local_iterations=100, symmetric=False),
    "pyswarms": pyswarms,
    "pymoo": pymoo,
}


def contest(run: Callable[[BlackBox, int], None], box: BlackBox, seed: int) -> float:
    """Seconds of the processor that the budget took, with new runs as long as some of it is left."""
    start = time.process_time()
    try:
        while True:
            run(box, seed)
            seed += 1_000
    except (Solved, BudgetExhausted):
        return time.process_time() - start


def functions(dimensions: str, indices: str, instances: str) -> Iterator[tuple[Any, float]]:
    """Functions of the suite with f*, which coco writes into a file of the working directory."""
    import cocoex

    suite = cocoex.Suite("bbob", f"instances: {instances}", f"dimensions: {dimensions} function_indices: {indices}")
    for function in suite:
        with tempfile.TemporaryDirectory() as folder, chdir(folder):
            function._best_parameter("print")
            lowest = function(np.loadtxt("._bbob_problem_best_parameter.txt"))
        yield function, lowest


def speed(names: list[str], n: int = 10, budget: int = 4_000, repeats: int = 30) -> dict[str, float]:
    """Evaluations per second on a sphere in NumPy, one call a generation: the solvers' own time."""
    rates: dict[str, float] = {}
    for _ in range(repeats):  # in turns, so that a drift of the machine meets all of them
        for name in names:
            seconds = contest(CONTESTANTS[name], _Sphere(lambda x: 0.0, n, budget, -1.0), 1)
            rates[name] = max(rates.get(name, 0.0), budget / seconds)
    return rates


class _Sphere(BlackBox):
    def __call__(self, points: np.ndarray) -> np.ndarray:
        if self.used >= self.budget:
            raise Solved
        self.used += len(points)
        distances = points - 0.5
        return np.einsum("ij,ij->i", distances, distances)


def shares(hits: Hits) -> str:
    """A table: the share of targets reached by each contestant, for every number of variables and for all of them."""
    names = list(next(iter(hits.values())))
    rows = []
    for dimension in sorted({function[-3:] for function in hits}):
        count = sum(function.endswith(dimension) for function in hits)
        rows.append(
            [
                f"n = {int(dimension[1:])}, {count} functions",
                *(f"{_share(hits, name, dimension):.3f}" for name in names),
            ]
        )
    rows.append(["all", *(f"{_share(hits, name):.3f}" for name in names)])
    return table(["share of targets", *names], rows)


def _share(hits: Hits, name: str, suffix: str = "") -> float:
    rows = [row[name] for function, row in hits.items() if function.endswith(suffix)]
    return float(np.mean([len(row) / len(TARGETS) for row in rows]))


def plot(path: Path, hits: Hits) -> None:
    """ECDF: the share of all (function, target) pairs reached with so many evaluations, divided by n."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(7, 4.5), layout="constrained")
    for k, name in enumerate(next(iter(hits.values()))):
        reached = np.sort(np.concatenate([row[name] for row in hits.values()]))
        spent = np.geomspace(0.1, reached[-1], 200)
        share = np.searchsorted(reached, spent, side="right") / (len(hits) * len(TARGETS))
        axes.plot(spent, share, label=name, linestyle=("-", "--")[k >= 6])
    axes.set(xscale="log", xlabel="evaluations / n", ylabel="share of targets reached", ylim=(0, 1))
    axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dimensions", default="2,5,10,20")
    parser.add_argument("--functions", default="1-24")
    parser.add_argument("--instances", default="1-3")
    parser.add_argument("--budget", type=int, default=10_000, help="evaluations, times n")
    parser.add_argument("--solvers", default=",".join(CONTESTANTS), help='"" with --merge: what the files hold')
    parser.add_argument("--plot", type=Path)
    parser.add_argument("--json", type=Path, help="write evaluations / n of every target there, after every function")
    parser.add_argument("--merge", type=Path, nargs="+", help="files of --json whose contestants join the table")
    arguments = parser.parse_args()
    names = arguments.solvers.split(",") if arguments.solvers else []
    pin()
    np.seterr(all="ignore")
    hits: Hits = {}
    for file in arguments.merge or ():
        for function, row in json.loads(file.read_text()).items():
            hits.setdefault(function, {}).update(row)
    seconds, used = dict.fromkeys(names, 0.0), dict.fromkeys(names, 0)
    for function, lowest in functions(arguments.dimensions, arguments.functions, arguments.instances) if names else ():
        for name in names:
            box = BlackBox(function, function.dimension, arguments.budget * function.dimension, lowest)
            seconds[name] += contest(CONTESTANTS[name], box, 1 + function.id_instance)
            used[name] += box.used
            reached = [round(float(h) / box.n, 3) for h in box.hits if np.isfinite(h)]
            hits.setdefault(function.id, {})[name] = reached
        if arguments.json:
            arguments.json.write_text(json.dumps(hits))
    rates = {name: used[name] / seconds[name] for name in names}
    everyone = set().union(*hits.values())
    hits = {function: row for function, row in hits.items() if row.keys() == everyone}  # an interrupted file has fewer
    print(shares(hits), end="\n\n")
    rows = [[name, f"{rates[name]:,.0f}", f"{rate:,.0f}"] for name, rate in speed(names).items()]
    print(table(["evaluations / s", "here", "on a sphere"], rows))
    if arguments.plot:
        plot(arguments.plot, hits)


if __name__ == "__main__":
    main()
