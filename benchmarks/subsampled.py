"""Sub-sampled trust region and ARC against momentum sgd on a perceptron, by passes over the data.

    python benchmarks/subsampled.py [--hidden 16] [--passes 300] [--sizes 3] [--out DIR]

The experiment of Xu, Roosta & Mahoney (2020) in small: handwritten digits, tanh, softmax, cross-entropy; every method
from its own first radius, sigma or step size over six orders of magnitude. A pass is one evaluation of value and
gradient, or of a Hessian-vector product, at every row; a product with a twentieth of the rows is a twentieth of a pass.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
from _timing import pin

import ncsolve as nc
from ncsolve.problem import load

METHODS = {
    "subsampled-trust-region": ("radius", {}),
    "subsampled-arc": ("sigma", {}),
    "sgd": ("step_size", {"momentum": 0.9, "batch_size": 64}),
}


def history(problem: nc.Problem, solver: str, value: float, passes: int) -> tuple[np.ndarray, np.ndarray]:
    """Passes and the lowest training loss until then."""
    name, fixed = METHODS[solver]
    result = nc.solve(problem, solver, options={**fixed, name: value}, max_evaluations=passes, escape=False)
    loss = np.minimum.accumulate(np.nan_to_num(result.trace.objective, nan=np.inf))
    return result.trace.evaluations, loss


def plot(histories: dict[str, dict[float, tuple[np.ndarray, np.ndarray]]], path: Path) -> None:
    """Left: the best run of each method; right: the loss at the end by the first radius, sigma or step size."""
    import matplotlib

    matplotlib.use("svg")
    import matplotlib.pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.5))
    for solver, runs in histories.items():
        best = min(runs, key=lambda value: runs[value][1][-1])
        left.semilogy(*runs[best], label=f"{solver}, {METHODS[solver][0]} = {best:g}")
        right.loglog(list(runs), [loss[-1] for _, loss in runs.values()], marker="o", label=solver)
    left.set(xlabel="passes over the data", ylabel="training loss")
    right.set(xlabel="first radius, sigma or step size", ylabel="training loss at the end")
    for axes in (left, right):
        axes.legend(fontsize=8)
    figure.tight_layout()
    figure.savefig(path)
    plt.close(figure)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hidden", type=int, default=16)
    parser.add_argument("--passes", type=int, default=300)
    parser.add_argument("--sizes", type=int, default=7, help="values over six orders of magnitude")
    parser.add_argument("--out", type=Path, help="folder for the plot (SVG) and the figures (JSON)")
    arguments = parser.parse_args()
    pin()
    problem = load("digits-perceptron", {"hidden": arguments.hidden})
    values = np.logspace(-3, 3, arguments.sizes)
    head = "".join(f"{value:>10.3g}" for value in values)
    print(f"n = {problem.n}; training loss after {arguments.passes} passes\n{'':26s}{head}")
    histories = {}
    for solver in METHODS:
        histories[solver] = {float(v): history(problem, solver, float(v), arguments.passes) for v in values}
        losses = [loss[-1] for _, loss in histories[solver].values()]
        print(f"{solver:26s}" + "".join(f"{loss:10.3g}" for loss in losses), flush=True)
    if arguments.out:
        arguments.out.mkdir(parents=True, exist_ok=True)
        plot(histories, arguments.out / "subsampled.svg")
        last = {s: {v: float(run[1][-1]) for v, run in runs.items()} for s, runs in histories.items()}
        (arguments.out / "subsampled.json").write_text(json.dumps(last, indent=1))


if __name__ == "__main__":
    main()
