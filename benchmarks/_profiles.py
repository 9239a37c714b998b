"""Performance profiles [Dolan & More 2002] and data profiles [More & Wild 2009]."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

Costs = Mapping[str, Sequence[float]]
"""Cost of each problem for each solver; inf where it is not solved, nan where it does not apply."""


def ratios(costs: Costs) -> dict[str, np.ndarray]:
    """Costs in units of the least one for the same problem; inf where a solver does not solve it."""
    table = {name: np.nan_to_num(np.asarray(row, dtype=float), nan=np.inf) for name, row in costs.items()}
    best = np.min(list(table.values()), axis=0)
    return {name: np.where(np.isfinite(row), row / np.maximum(best, 1e-12), np.inf) for name, row in table.items()}


def performance_profile(costs: Costs, title: str, path: Path) -> None:
    """The part of the problems that each solver solves within a factor tau of the best one."""
    curves = {name: np.sort(row) for name, row in ratios(costs).items()}
    _plot(curves, "within this factor of the best", title, path, log=True)


def data_profile(costs: Costs, sizes: Sequence[int], title: str, path: Path) -> None:
    """The part of the problems that each solver solves with so many evaluations for each n + 1."""
    units = np.asarray(sizes) + 1.0
    curves = {name: np.sort(np.nan_to_num(np.asarray(row, dtype=float), nan=np.inf) / units)
              for name, row in costs.items()}  # fmt: skip
    _plot(curves, "evaluations / (n + 1)", title, path, log=True)


def _plot(curves: Mapping[str, np.ndarray], label: str, title: str, path: Path, log: bool) -> None:
    import matplotlib

    matplotlib.use("svg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(8, 5))
    finite = [c[np.isfinite(c)] for c in curves.values()]
    last = 2 * max((float(c.max()) for c in finite if len(c)), default=1.0)
    for k, (name, curve) in enumerate(curves.items()):
        solved = curve[np.isfinite(curve)]
        share = np.arange(1, len(solved) + 1) / len(curve)
        x = np.concatenate([solved, [last]])
        y = np.concatenate([share, share[-1:] if len(share) else [0.0]])
        axes.step(x, y, where="post", label=name, linestyle="--" if name.isupper() or "-CG" in name or
                  name in ("trust-ncg", "trust-exact", "trust-krylov") else "-", color=f"C{k % 10}")  # fmt: skip
    if log:
        axes.set_xscale("log", base=2)
    axes.set(xlabel=label, ylabel="part of the problems solved", title=title, ylim=(0, 1.02))
    axes.legend(fontsize=8, loc="lower right")
    figure.tight_layout()
    figure.savefig(path)
    plt.close(figure)
